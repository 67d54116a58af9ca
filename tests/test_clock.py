"""The clock of the machine is set; timers and the time of day."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trackd.clock import now, steady


class ClockTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.wall, self.monotonic = 1_000_000.0, 50.0
        self.reactor = SelectReactor()
        self.addCleanup(self.close)
        self.reactor.seconds = lambda: self.wall
        self.done: list[str] = []
        self.reactor.callLater(10, self.done.append, "before")
        steady(self.reactor, lambda: self.wall, lambda: self.monotonic)

    def close(self) -> None:
        for one in self.reactor.removeAll():
            one.connectionLost(None)

    def after(self, seconds: float) -> list[str]:
        """What has been done when so much time has passed."""
        self.wall += seconds
        self.monotonic += seconds
        self.reactor.runUntilCurrent()
        return self.done

    def test_put_back(self) -> None:
        """When the clock is put back, timers don't wait until it has come back to where it was."""
        self.reactor.callLater(5, self.done.append, "five")
        self.wall -= 3600
        self.reactor.callLater(0, self.done.append, "at once")
        self.assertEqual(["at once"], self.after(0))
        self.assertEqual(["at once", "five"], self.after(5))
        self.assertEqual(["at once", "five", "before"], self.after(5))

    def test_put_forward(self) -> None:
        """When the clock is put forward, no timer is due before its time."""
        self.reactor.callLater(5, self.done.append, "five")
        self.wall += 3600
        self.assertEqual([], self.after(4))
        self.assertEqual(["five"], self.after(1))

    def test_now(self) -> None:
        """The time of day is what the clock of the machine says, as it was set."""
        self.wall -= 3600
        self.assertEqual(datetime.fromtimestamp(1_000_000 - 3600, UTC), now(self.reactor))
        self.assertEqual(1_000_000, self.reactor.seconds())

    def test_never_back(self) -> None:
        """Time goes on also if the clock that nobody can set goes back."""
        self.after(1)
        self.monotonic -= 40
        self.assertEqual(1_000_001, self.reactor.seconds())
        self.monotonic += 1
        self.assertEqual(1_000_002, self.reactor.seconds())

    def test_other_clocks(self) -> None:
        """A clock that is not told apart has one time."""
        clock = Clock()
        clock.advance(60)
        self.assertEqual(datetime(1970, 1, 1, 0, 1, tzinfo=UTC), now(clock))

    def test_one_place(self) -> None:
        """Nobody else makes a time of day of a reactor's seconds."""
        folder = Path(__file__).parent.parent / "trackd"
        makers = [path.name for path in folder.rglob("*.py") if "fromtimestamp(" in path.read_text("utf-8")]
        self.assertEqual(["clock.py", "logs.py"], sorted(makers))
