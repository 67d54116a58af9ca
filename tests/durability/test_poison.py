"""Poison among good reports, over real sockets."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.durability.poison import Experiment


class PoisonTests(SynchronousTestCase):
    def test_poison(self) -> None:
        """Good reports are stored and acknowledged, bad ones stored or in the quarantine, and no device is lost."""
        figures = Experiment(1000).run()
        self.assertEqual([], figures.faults)
        self.assertEqual((1000, 4), (figures.stored, figures.quarantined))
