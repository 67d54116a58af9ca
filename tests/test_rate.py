"""So many in so much time."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trackd.rate import Rate


class RateTests(SynchronousTestCase):
    def test_so_many_in_so_much_time(self) -> None:
        """So many are allowed in a span; the next span begins with the first after it."""
        clock = Clock()
        rate = Rate(clock, 2, 10.0)
        self.assertEqual([rate.allows() for _ in range(3)], [True, True, False])
        clock.advance(9.9)
        self.assertFalse(rate.allows())
        clock.advance(0.1)
        self.assertEqual([rate.allows() for _ in range(3)], [True, True, False])
