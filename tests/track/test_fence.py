"""Tests of `trackd.track.fence`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trackd.track.area import BadArea
from trackd.track.fence import fence

LINE = "LINESTRING (0 0, 0 1)"


class FenceTests(SynchronousTestCase):
    def test_altitudes(self) -> None:
        """Below the floor and above the ceiling is outside; 0 is neither."""
        area = "CIRCLE (48 11, 100)"
        for attributes, inside in (
            ({}, (-5.0, 0.0, 9000.0)),
            ({"floor": 10, "ceiling": "20"}, (10.0, 20.0)),
            ({"floor": 0, "ceiling": 0}, (-5.0, 5.0)),
        ):
            found = fence(area, attributes)
            self.assertEqual([True] * len(inside), [found.contains(48, 11, altitude) for altitude in inside])
        found = fence(area, {"floor": 10, "ceiling": 20})
        self.assertEqual([False, False], [found.contains(48, 11, altitude) for altitude in (9.9, 20.1)])
        self.assertFalse(found.contains(49, 11, 15))

    def test_width(self) -> None:
        """A line is as wide as its attribute says, and as usual if that is no number."""
        near = 0.0003  # degrees, 33 m
        self.assertTrue(fence(LINE, {"polylineDistance": 50}).contains(near, 0.5, 0))
        for bad in ({}, {"polylineDistance": "wide"}, {"polylineDistance": True}, {"polylineDistance": [50]}):
            self.assertFalse(fence(LINE, bad).contains(near, 0.5, 0))
        self.assertFalse(fence(LINE, {"polylineDistance": float("nan")}).contains(near, 0.5, 0))

    def test_bad(self) -> None:
        """A text that is no area is none."""
        self.assertRaises(BadArea, fence, "nonsense", {})
