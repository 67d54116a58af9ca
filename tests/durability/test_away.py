"""The database goes away and comes back, in short."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.durability.away import Away

SECONDS = 3.0


class AwayTests(SynchronousTestCase):
    def check(self, away: Away, *names: str) -> None:
        self.assertEqual([], away.faults)
        wanted = set(names) - {what.partition(":")[0] for what in away.left_out}
        self.assertEqual(wanted, {line.name for line in away.lines})
        self.assertGreater(away.acknowledged, 500)

    def test_away(self) -> None:
        """
        While it is stopped, killed, frozen, locked or full nothing is acknowledged, and clients are told to come back.

        When it is back everything goes on by itself, and what was acknowledged is there exactly once.
        """
        names = (
            "stopped",
            "connections cut",
            "a process killed",
            "killed",
            "frozen",
            "locked",
            "pool exhausted",
            "disk full",
        )
        self.check(Away(SECONDS, count=50, strict=False, rate=500.0).run(), *names)

    def test_own(self) -> None:
        """An embedded database that is killed, or has no room on the disk, is looked after."""
        away = Away(SECONDS, count=20, own=True, strict=False, rate=200.0).run()
        self.check(away, "own database killed", "own disk full")
