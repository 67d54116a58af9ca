"""The kill ledger in short: a few deaths of every kind."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.durability.kills import Experiment


class KillTests(SynchronousTestCase):
    def test_ledger(self) -> None:
        """What was acknowledged is there exactly once after six kills, and so are its events and the devices' states."""
        figures = Experiment(6, seed=4, each=1, first=1).run()
        self.assertEqual([], figures.faults)
        self.assertGreaterEqual(sum(figures.kills.values()), 6)
        self.assertGreater(figures.acknowledged, 500)
        self.assertGreater(figures.repeated, 500)
        self.assertGreater(figures.events, 10)
