"""Figures and their text."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trackd.figures import COUNTER, HISTOGRAM, Figure, Histogram, counter, exposition, gauge


class HistogramTests(SynchronousTestCase):
    def test_bounds(self) -> None:
        """A value counts at the first bound that is not smaller, however often it has occurred."""
        histogram = Histogram((1, 2, 5))
        for value, times in ((0, 1), (1, 2), (1.5, 1), (5, 3), (6, 1), (-3, 1)):
            histogram.add(value, times)
        self.assertEqual((histogram.counts, histogram.total), ([4, 1, 3, 1], 24.5))


class ExpositionTests(SynchronousTestCase):
    def test_plain(self) -> None:
        """Each figure has its meaning, its kind and its value; whole numbers are written as such."""
        text = exposition([counter("a_total", "All\nof \\it", 5), gauge("b_seconds", "Now", 0.25)])
        self.assertEqual(
            text.decode().splitlines(),
            [
                r"# HELP a_total All\nof \\it",
                "# TYPE a_total counter",
                "a_total 5",
                "# HELP b_seconds Now",
                "# TYPE b_seconds gauge",
                "b_seconds 0.25",
            ],
        )
        self.assertTrue(text.endswith(b"\n"))

    def test_labels(self) -> None:
        """Labels are escaped."""
        values = [({"format": 'a"\\\n', "kind": "x"}, 1), ({"format": "b", "kind": "y"}, 2.0**60)]
        self.assertEqual(
            exposition([Figure("a_total", COUNTER, "A", values)]).decode().splitlines()[2:],
            [r'a_total{format="a\"\\\n",kind="x"} 1', 'a_total{format="b",kind="y"} 1152921504606846976'],
        )

    def test_histogram(self) -> None:
        """Each bound has the number of all values up to it; the last one has all."""
        histogram = Histogram((0.5, 1))
        for value in (0.25, 1, 1, 3):
            histogram.add(value)
        self.assertEqual(
            exposition([Figure("a_seconds", HISTOGRAM, "A", [({"of": "x"}, histogram)])]).decode().splitlines()[2:],
            [
                'a_seconds_bucket{of="x",le="0.5"} 1',
                'a_seconds_bucket{of="x",le="1"} 3',
                'a_seconds_bucket{of="x",le="+Inf"} 4',
                'a_seconds_sum{of="x"} 5.25',
                'a_seconds_count{of="x"} 4',
            ],
        )
