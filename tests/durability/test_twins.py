"""The ledger of two servers in short: a death of every kind, while devices go from one to the other."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.durability.twins import Twins


class TwinTests(SynchronousTestCase):
    def test_ledger(self) -> None:
        """What either server has acknowledged is there exactly once, and so are its events and the devices' states."""
        figures = Twins(7, seed=4, each=1).run()
        self.assertEqual([], figures.faults)
        self.assertEqual(6, len(figures.slowest.keys() - {"start"}), "every kind of death")
        self.assertGreater(figures.moves, 10)
        self.assertGreater(figures.acknowledged, 500)
