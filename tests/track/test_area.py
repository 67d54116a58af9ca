"""Areas of geofences."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trackd.track.area import BadArea, Circle, Line, Polygon, parse

SQUARE = "POLYGON ((52 13, 52 14, 53 14, 53 13))"


class ParseTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """The three forms are read, with the latitude first, with or without a blank before the bracket."""
        self.assertEqual(parse("CIRCLE (52.5 13.4, 100)"), Circle(52.5, 13.4, 100))
        self.assertEqual(parse("CIRCLE(52.5 13.4,10.56)"), Circle(52.5, 13.4, 10.56))
        self.assertEqual(parse("POLYGON((1 2,3 4,5 6))"), Polygon(((1, 2), (3, 4), (5, 6))))
        self.assertEqual(parse("LINESTRING (-1 -2.5, 3e1 .4)"), Line(((-1, -2.5), (30, 0.4))))
        self.assertEqual(parse("LINESTRING (1 2, 3 4)", 40.0), Line(((1, 2), (3, 4)), 40.0))

    def test_refused(self) -> None:
        """Everything else is refused with one sentence."""
        for text in (
            "",
            "nonsense",
            "TRIANGLE (1 2)",
            "circle (52.5 13.4, 100)",
            "CIRCLE (1 2)",
            "CIRCLE ( 1 2, 3)",
            "CIRCLE (1 2, -3)",
            "CIRCLE (1 2 3, 4)",
            "CIRCLE (1 2, 3, 4)",
            "CIRCLE (1 2, NaN)",
            "CIRCLE (1 2, 1e999)",
            "CIRCLE (91 0, 1)",
            "CIRCLE (0 361, 1)",
            "CIRCLE (1 2, 3) x",
            "POINT (1 2)",
            "POLYGON ((1 2, 3 4))",
            "POLYGON (1 2, 3 4, 5 6)",
            "POLYGON ((1 2, 3 4, 5 6), (1 2, 3 4, 5 6))",
            "MULTIPOLYGON (((1 2, 3 4, 5 6)))",
            "LINESTRING (1 2)",
            "LINESTRING (1 2, 3 4,)",
            "LINESTRING (1 2, 3 ٤)",
        ):
            with self.assertRaises(BadArea, msg=text) as caught:
                parse(text)
            self.assertTrue(str(caught.exception).startswith(("has ", "must ")))

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.text(alphabet="CIRCLEPOLYGONLINESTRING ()0123456789.,-+eE\n", max_size=60))
    def test_noise(self, text: str) -> None:
        """No text does anything but be read or be refused."""
        try:
            parse(text).contains(1.0, 2.0)
        except BadArea:
            pass


class ContainsTests(SynchronousTestCase):
    def check(self, text: str, inside: Any, outside: Any, **more: Any) -> None:
        area = parse(text, **more)
        for point in inside:
            self.assertTrue(area.contains(*point), f"{text} {point}")
        for point in outside:
            self.assertFalse(area.contains(*point), f"{text} {point}")

    def test_circle(self) -> None:
        """A circle is measured on the sphere, across the antimeridian and at the pole as well."""
        self.check("CIRCLE (52.5 13.4, 100)", [(52.5, 13.4), (52.5008, 13.4)], [(52.501, 13.4), (13.4, 52.5)])
        self.check("CIRCLE (0 179.9999, 200)", [(0, -179.9999)], [(0, -179.99)])
        self.check("CIRCLE (90 0, 5000)", [(89.99, 120)], [(89.9, 0)])

    def test_polygon(self) -> None:
        """A polygon has straight sides in degrees; it need not be closed, and may cross itself."""
        self.check(
            SQUARE, [(52.5, 13.4), (52.001, 13.001)], [(51.99, 13.4), (52.5, 14.01), (53.01, 13.5), (52.5, 12.9)]
        )
        self.check("POLYGON ((52 13, 52 14, 53 14, 53 13, 52 13))", [(52.5, 13.4)], [(54, 13.5)])
        self.check("POLYGON ((51 -0.5, 51 0.5, 52 0.5, 52 -0.5))", [(51.5, 0), (51.5, -0.4)], [(51.5, 0.6)])
        self.check("POLYGON ((0 0, 1 1, 0 1, 1 0))", [(0.5, 0.1), (0.5, 0.9)], [(0.1, 0.5), (0.9, 0.5)])

    def test_antimeridian(self) -> None:
        """A polygon with corners far east and far west reaches across the antimeridian, not around the earth."""
        self.check(
            "POLYGON ((0 179, 0 -179, 1 -179, 1 179))",
            [(0.5, 179.5), (0.5, -179.5), (0.5, 180)],
            [(0.5, 0), (0.5, 178)],
        )

    def test_line(self) -> None:
        """A line has a width on both sides, and round ends."""
        text = "LINESTRING (52.5 13.4, 52.5 13.5, 52.6 13.5)"
        self.check(text, [(52.5, 13.4), (52.5001, 13.42), (52.55, 13.5002)], [(52.501, 13.45), (52.5, 13.399)])
        self.check(text, [(52.501, 13.45), (52.5, 13.399), (52.601, 13.5)], [(52.51, 13.45)], width=200.0)
        self.check("LINESTRING (0 0, 0 1)", [(0, 0.5), (0, 0), (0, 1)], [(0.001, 0.5)])
        self.check("LINESTRING (1 2, 1 2)", [(1, 2)], [(1.001, 2)])
