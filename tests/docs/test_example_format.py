from __future__ import annotations

from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from docs.howto.example_format import walker
from tests.plugins.wire.talk import NOW, Talk, told
from trackd.wire import commands
from trackd.wire.format import Session
from trackd.wire.values import Command, Login, Position, Reply, WireError

LOGIN = b"$L,352093089439473#"
REPORT = b"$R,20261101123456,A,48.20849,16.37208,5.4,76#"
ACCEPTED = Login(("352093089439473",), accept=b"$L,1#", reject=b"$L,0#")


class WalkerTests(SynchronousTestCase):
    def test_report(self) -> None:
        """A report is a fix, and is acknowledged when it is stored."""
        position = Position.at(
            datetime(2026, 11, 1, 12, 34, 56, tzinfo=UTC),
            valid=True,
            latitude=48.20849,
            longitude=16.37208,
            speed=5.4 * 0.539957,
            attributes={"batteryLevel": 76},
        )
        self.assertEqual(told(walker, LOGIN + REPORT), [ACCEPTED, Login(), position, Reply(b"$R#")])

    def test_stranger(self) -> None:
        """Reports of a collar that is not known are left alone."""
        self.assertEqual(told(walker, LOGIN + REPORT, known=()), [ACCEPTED, Login()])

    def test_heartbeat(self) -> None:
        """A heartbeat has no fix, and may say that the battery is low."""
        position = Position.last(NOW)
        position.attributes = {"batteryLevel": 3, "alarm": "lowBattery"}
        self.assertEqual(told(walker, LOGIN + b"$H,3#")[-1], position)

    def test_damage(self) -> None:
        """A line that is none of these is an error."""
        for line in (b"#", b"$R,#", b"$H,#", REPORT.replace(b"48.2", b"x8.2"), REPORT.replace(b"48.2", b"148.2")):
            with self.assertRaises((WireError, ValueError)):
                Talk(walker).say(LOGIN + line)

    def test_command(self) -> None:
        """The collar can be told to start again."""
        self.assertEqual(commands.encode(walker, Command("rebootDevice"), Session(walker)), b"$B#")
