"""The kill ledger in short: a few deaths of every kind."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.durability.kills import Experiment


class KillTests(SynchronousTestCase):
    def test_ledger(self) -> None:
        """What was acknowledged is there exactly once after ten kills, and so are its events and the devices' states."""
        figures = Experiment(10, seed=4, each=1, first=1).run()
        self.assertEqual([], figures.faults)
        self.assertEqual(7, len(figures.slowest.keys() - {"start"}), "every kind of death")
        self.assertGreaterEqual(sum(figures.kills.values()), 10)
        self.assertEqual(1, figures.kills["in a migration"])
        self.assertGreater(figures.acknowledged, 500)
        self.assertGreater(figures.repeated, 500)
        self.assertGreater(figures.events, 10)
