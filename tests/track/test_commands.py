"""Commands to devices that are connected, and to those that are not."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.track.memory import WEB, House, Wire, fix
from trackd.track.commands import ANSWER, CommandRefused
from trackd.wire.names import COMMANDS


class CommandTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()
        self.device = self.house.add("a")
        self.wire = Wire()

    def send(self, type: str, **attributes: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(self.house.commands.send(1, type, attributes)))

    def refused(self, type: str, **attributes: Any) -> str:
        failure = self.failureResultOf(Deferred.fromCoroutine(self.house.commands.send(1, type, attributes)))
        failure.trap(CommandRefused)
        return str(failure.value)

    def test_connected(self) -> None:
        """A command for a connected device is written at once."""
        self.house.find(self.wire, "a")
        self.assertEqual((True, None), self.send("engineStop"))
        self.assertEqual((True, None), self.send("custom", data="hello"))
        self.assertEqual([b"stop", b"hello"], self.wire.sent)

    def test_unsupported(self) -> None:
        """A connected device whose format has no such command gets nothing, and nothing is queued."""
        self.house.find(self.wire, "a")
        self.assertEqual("Command alarmArm is not supported in protocol plain", self.refused("alarmArm"))
        self.assertEqual(([], {}), (self.wire.sent, self.house.queue.rows))

    def test_unknown(self) -> None:
        """What is no command at all waits for nobody; what a device cannot do today it may be able to do tomorrow."""
        self.assertEqual("Command nonsense is not supported", self.refused("nonsense"))
        self.house.find(self.wire, "a")
        self.house.take(self.wire, fix(0))
        self.house.intake.lost(self.wire)
        self.assertEqual("Command nonsense is not supported", self.refused("nonsense"))
        self.assertEqual((False, 1), self.send("alarmArm"))
        self.assertEqual((False, 2), self.send("custom", data="hello"))

    def test_queued(self) -> None:
        """A command for an absent device waits, and is sent after the device's next message, in order, once."""
        self.assertEqual((False, 1), self.send("engineStop"))
        self.assertEqual((False, 2), self.send("custom", data="hello"))
        self.house.find(self.wire, "a")
        self.assertEqual([], self.wire.sent)
        self.house.take(self.wire, fix(0))
        self.assertEqual([b"stop", b"hello"], self.wire.sent)
        self.house.take(self.wire, fix(1))
        self.assertEqual(2, len(self.wire.sent))
        self.house.settle()
        self.assertEqual(
            [("queuedCommandSent", {"id": 1}), ("queuedCommandSent", {"id": 2})],
            [(event.type, event.attributes) for event in self.house.events],
        )

    def test_queued_and_impossible(self) -> None:
        """A queued command that the format does not know is marked, and those behind it go out."""
        self.send("alarmArm")
        self.send("engineStop")
        self.house.find(self.wire, "a")
        self.house.take(self.wire, fix(0))
        self.assertEqual([b"stop"], self.wire.sent)
        self.assertEqual(
            [(1, "Command alarmArm is not supported in protocol plain")],
            [(row.id, row.failure) for row in self.house.queue.rows[1]],
        )

    def test_not_to_wait(self) -> None:
        """With `noQueue` a command for an absent device is refused."""
        self.assertEqual("Failed to send command", self.refused("engineStop", noQueue=True))
        self.assertEqual({}, self.house.queue.rows)

    def test_http(self) -> None:
        """HTTP devices are sent nothing; their format takes the oldest command into its answer."""
        wire = Wire(WEB, live=False)
        self.house.find(wire, "a")
        self.assertEqual((False, 1), self.send("custom", data="x"))
        self.house.take(wire, fix(0))
        self.assertEqual([], wire.sent)
        taken = self.successResultOf(self.house.intake.next_command(wire, self.device))
        self.assertEqual({"data": "x"}, taken.attributes)  # type: ignore[union-attr]
        self.assertIsNone(self.successResultOf(self.house.intake.next_command(wire, self.device)))

    def test_queued_meanwhile(self) -> None:
        """A command that is queued while others are being sent is sent too."""
        self.send("engineStop")
        self.house.find(self.wire, "a")
        self.house.queue.held = Deferred()
        self.house.take(self.wire, fix(0))
        Deferred.fromCoroutine(self.house.queue.add(1, "custom", {"data": "later"}))
        Deferred.fromCoroutine(self.house.commands.arrived(1))
        self.house.queue.held.callback(None)
        self.assertEqual(([b"stop", b"later"], 0), (self.wire.sent, self.device.queued))

    def test_from_another_server(self) -> None:
        """Of commands that others have queued nobody knows how many they are: each request gets one until none is left."""
        wire = Wire(WEB, live=False)
        self.house.find(wire, "a")
        for data in "xy":
            Deferred.fromCoroutine(self.house.queue.add(1, "custom", {"data": data}))
        Deferred.fromCoroutine(self.house.commands.arrived(1))
        taken = [self.successResultOf(self.house.intake.next_command(wire, self.device)) for _ in range(3)]
        self.assertEqual(["x", "y", None], [one and one.attributes["data"] for one in taken])

    def test_each_once(self) -> None:
        """Two requests of a device at the same time don't get the same command."""
        wire = Wire(WEB, live=False)
        self.house.find(wire, "a")
        self.send("custom", data="x")
        self.house.queue.held = Deferred()
        first = Deferred.fromCoroutine(self.house.commands.next(self.device))
        second = Deferred.fromCoroutine(self.house.commands.next(self.device))
        self.house.queue.held.callback(None)
        taken = [self.successResultOf(first), self.successResultOf(second)]
        self.assertEqual(1, len([one for one in taken if one is not None]))

    def test_database_away(self) -> None:
        """What could not be read from the queue while the database was away is sent with the next message."""
        self.send("engineStop")
        self.house.find(self.wire, "a")
        self.house.queue.away = True
        self.house.take(self.wire, fix(0))
        self.assertIsNone(self.successResultOf(self.house.intake.next_command(self.wire, self.device)))
        self.house.queue.away = False
        self.house.take(self.wire, fix(1))
        self.assertEqual([b"stop"], self.wire.sent)

    def test_types(self) -> None:
        """The types offered are those of the format of the latest report, all without a device, else only custom."""
        types = self.house.commands.types
        self.assertEqual(list(COMMANDS), self.successResultOf(Deferred.fromCoroutine(types(None))))
        self.assertEqual(["custom"], self.successResultOf(Deferred.fromCoroutine(types(1))))
        self.house.find(self.wire, "a")
        self.house.take(self.wire, fix(0))
        self.assertEqual(["engineStop", "custom"], self.successResultOf(Deferred.fromCoroutine(types(1))))

    def elsewhere(self) -> None:
        """The device is online on server 7, which is alive."""
        self.device.claimed, self.device.node, self.device.state.status = False, 7, "online"
        self.house.commands.nodes = lambda: [7]

    def sending(self, type: str, **attributes: Any) -> Deferred[tuple[bool, int | None]]:
        return Deferred.fromCoroutine(self.house.commands.send(1, type, attributes))

    def test_elsewhere(self) -> None:
        """A command for a device on another server goes through the queue, and whoever sends it waits for the answer."""
        self.elsewhere()
        sending = self.sending("engineStop")
        self.assertEqual([True], [row.direct for row in self.house.queue.rows[1]])
        self.assertNoResult(sending)
        self.successResultOf(Deferred.fromCoroutine(self.house.queue.remove(1, 1)))
        self.house.commands.answered(1)
        self.assertEqual((True, None), self.successResultOf(sending))
        self.house.commands.answered(1)  # once more, and to nobody

    def test_elsewhere_impossible(self) -> None:
        """What the other server cannot send is refused in its words, and does not wait."""
        self.elsewhere()
        sending = self.sending("alarmArm")
        self.house.queue.rows[1][0].failure = "not supported"
        self.house.commands.answered(1)
        self.assertEqual("not supported", str(self.failureResultOf(sending, CommandRefused).value))
        self.assertEqual([], self.house.queue.rows[1])

    def test_elsewhere_silent(self) -> None:
        """If the other server says nothing for a while the command waits; one that must not wait is refused."""
        self.elsewhere()
        sending, impatient = self.sending("engineStop"), self.sending("engineStop", noQueue=True)
        self.house.clock.advance(ANSWER)
        self.assertEqual((False, 1), self.successResultOf(sending))
        self.failureResultOf(impatient, CommandRefused)
        self.assertEqual([(1, False)], [(row.id, row.direct) for row in self.house.queue.rows[1]])

    def test_wanted(self) -> None:
        """A device of this server that can't be sent anything at once: whoever waits for it elsewhere need not."""
        self.house.find(Wire(WEB, live=False), "a")
        self.successResultOf(Deferred.fromCoroutine(self.house.queue.add(1, "engineStop", {}, direct=True)))
        self.successResultOf(Deferred.fromCoroutine(self.house.commands.wanted(1, 1)))
        self.assertEqual([False], [row.direct for row in self.house.queue.rows[1]])
        self.successResultOf(Deferred.fromCoroutine(self.house.commands.wanted(1, 99)))

    def test_direct(self) -> None:
        """A command that did not wait is sent at once, and makes no event."""
        self.house.find(self.wire, "a")
        self.successResultOf(Deferred.fromCoroutine(self.house.queue.add(1, "engineStop", {}, direct=True)))
        self.successResultOf(Deferred.fromCoroutine(self.house.commands.arrived(1)))
        self.house.settle()
        self.assertEqual(([b"stop"], []), (self.wire.sent, self.house.events))

    def test_nobody(self) -> None:
        """There is no sending to a device that does not exist."""
        failure = self.failureResultOf(Deferred.fromCoroutine(self.house.commands.send(99, "custom", {})))
        failure.trap(CommandRefused)
