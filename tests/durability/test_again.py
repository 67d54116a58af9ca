"""The same report again, in short."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.durability.again import Experiment


class AgainTests(SynchronousTestCase):
    def test_again(self) -> None:
        """However a report comes again it is acknowledged and stored once; what differs in one value is another."""
        figures = Experiment(100, each=1).run()
        self.assertEqual([], figures.faults)
        self.assertEqual(100 * 6, figures.stored)
        self.assertGreater(figures.repeated, 100 * 6 * 7)
