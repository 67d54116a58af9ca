"""Clocks that are set and clocks that are wrong, in short."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.durability.clocks import Experiment


class ClockTests(SynchronousTestCase):
    def test_clocks(self) -> None:
        """The server goes on whatever its clock is put to, devices' clocks may say what they like, and nothing is lost."""
        figures = Experiment(4, each=1).run()
        self.assertEqual([], figures.faults)
        self.assertGreater(figures.acknowledged, 500)
