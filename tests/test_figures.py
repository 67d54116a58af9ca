"""Figures and their text."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.prometheus import read
from trackd.figures import COUNTER, HISTOGRAM, Figure, Histogram, counter, exposition, gauge


class HistogramTests(SynchronousTestCase):
    def test_bounds(self) -> None:
        """A value counts at the first bound that is not smaller, however often it has occurred."""
        histogram = Histogram((1, 2, 5))
        for value, times in ((0, 1), (1, 2), (1.5, 1), (5, 3), (6, 1), (-3, 1)):
            histogram.add(value, times)
        self.assertEqual((histogram.counts, histogram.total), ([4, 1, 3, 1], 24.5))


class ReadTests(SynchronousTestCase):
    """The reader that the tests use is strict."""

    def test_good(self) -> None:
        """What is written here can be read, whatever labels and values there are."""
        histogram = Histogram((0.5, 1))
        histogram.add(0.75, 2)
        odd = [({"a": 'x"\\\n,}{=', "b": ""}, 1e-7), ({"a": "y", "b": "\u00e4"}, 2.0**70)]
        figures = [Figure("a_total", COUNTER, "A\\\n", odd), Figure("b_s", HISTOGRAM, "B", [({"x": "y"}, histogram)])]
        self.assertEqual([2, 5], [len(family.samples) for family in read(exposition(figures)).values()])

    def test_bad(self) -> None:
        """What is not as it should be is refused."""
        begin, histogram = "# HELP a A\n# TYPE a gauge\n", "# HELP h H\n# TYPE h histogram\n"
        bad = [
            begin + "a 1",
            "a 1\n",
            begin + "b 1\n",
            begin + "a 1\na 2\n",
            begin + 'a{x="1",y="2"} 1\na{y="2",x="1"} 2\n',
            begin + 'a{x="1"y="2"} 1\n',
            begin + 'a{x="1",} 1\n',
            begin + "a{} 1\n",
            begin + 'a{x="\\t"} 1\n',
            begin + "a  1\n",
            begin + "a True\n",
            begin + "a_sum 1\n",
            begin + "a 1\n" + begin,
            "# TYPE a gauge\na 1\n",
            begin.replace("gauge", "counter") + "a -1\n",
            histogram + 'h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
            histogram + 'h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
            histogram + 'h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n',
            histogram + 'h_bucket{le="+Inf"} 1\nh_count 1\n',
        ]
        for text in bad:
            self.assertRaises(ValueError, read, text.encode())


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
