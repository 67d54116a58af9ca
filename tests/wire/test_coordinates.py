from __future__ import annotations

import math

from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import coordinates
from trackd.wire.values import Position, WireError


class TextTests(SynchronousTestCase):
    def test_degrees(self) -> None:
        """Decimal degrees, as bytes or characters."""
        self.assertEqual(coordinates.degrees(b"12.5"), 12.5)
        self.assertEqual(coordinates.degrees("12.5", "W"), -12.5)
        self.assertEqual(coordinates.degrees(None, b"N"), 0)
        with self.assertRaises(ValueError):
            coordinates.degrees(b"1,5")

    def test_hemispheres(self) -> None:
        """S, W and a minus are negative whatever the value's sign was; anything else leaves it as it is."""
        for side, value in (
            (b"S", -12.5),
            ("W", -12.5),
            (b"-", -12.5),
            (b"N", 12.5),
            ("s", 12.5),
            (b"", 12.5),
            (None, 12.5),
        ):
            self.assertEqual(coordinates.degrees("12.5", side), value, side)
        self.assertEqual(coordinates.degrees("-12.5", "S"), -12.5)
        self.assertEqual(coordinates.degrees("-12.5", "N"), -12.5)
        self.assertEqual(math.copysign(1, coordinates.degrees("0", "S")), -1)

    def test_minutes(self) -> None:
        """Degrees and minutes, not rounded; a minus of the degrees does not reach the minutes."""
        self.assertEqual(coordinates.degrees_minutes(b"22", b"43.1234", b"S"), -22.718723333333334)
        self.assertEqual(coordinates.degrees_minutes("-12", "30.5"), -12 + 30.5 / 60)
        self.assertEqual(coordinates.degrees_minutes(None, b"30", "W"), -0.5)
        self.assertEqual(coordinates.degrees_minutes(b"12", None), 12)

    def test_divided(self) -> None:
        """A number whose digits before and after the point are two groups; both must be there."""
        self.assertEqual(coordinates.degrees_fraction(b"22", b"718723", b"S"), -22.718723)
        self.assertEqual(coordinates.degrees_minutes_fraction("22", "43", "1234", "S"), -22.718723333333334)
        self.assertEqual(coordinates.degrees_minutes_fraction(None, b"30", b"0"), 0.5)
        for whole, fraction in ((None, b"1"), (b"1", None), (b"", b"1")):
            with self.assertRaises(ValueError):
                coordinates.degrees_fraction(whole, fraction)

    def test_one_text(self) -> None:
        """The last two digits before the point are minutes."""
        self.assertEqual(coordinates.ddmm_text(b"2243.1234", b"S"), -22.718723333333334)
        self.assertEqual(coordinates.ddmm_text("11358"), 113 + 58 / 60)
        self.assertEqual(coordinates.ddmm_text("30.6"), 0.51)
        self.assertEqual(coordinates.ddmm_text(b""), 0)


class BinaryTests(SynchronousTestCase):
    def test_one_number(self) -> None:
        """Degrees and minutes in one number, the sign is that of the whole."""
        self.assertEqual(coordinates.ddmm(25481266), 25 + 48.1266 / 60)
        self.assertEqual(coordinates.ddmm(-80199391), -(80 + 19.9391 / 60))
        self.assertEqual(coordinates.ddmm(12345678, 5), 1 + 23.45678 / 60 + 0)

    def test_packed(self) -> None:
        """Packed decimals, the top bit is a minus."""
        self.assertEqual(coordinates.bcd_degrees(bytes.fromhex("03852259")), 38 + 52.259 / 60)
        self.assertEqual(coordinates.bcd_degrees(bytes.fromhex("03153424")), 31 + 53.424 / 60)
        self.assertEqual(coordinates.bcd_degrees(bytes.fromhex("80119391")), -(1 + 19.391 / 60))
        with self.assertRaises(IndexError):
            coordinates.bcd_degrees(b"\x03\x85\x22")


class RangeTests(SynchronousTestCase):
    def test_range(self) -> None:
        """A place that is not on earth is refused, and so is one that is no number."""
        for latitude, longitude in ((90.0, 180.0), (-90.0, -180.0), (0.0, 0.0)):
            coordinates.check_position(Position(latitude=latitude, longitude=longitude))
        for latitude, longitude in ((90.1, 0), (-90.1, 0), (0, 180.1), (0, -180.1), (math.nan, 0), (0, math.inf)):
            with self.assertRaises(WireError):
                coordinates.check_position(Position(latitude=latitude, longitude=longitude))
