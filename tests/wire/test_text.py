from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import text


class NumberTests(SynchronousTestCase):
    def refused(self, read: object, *texts: bytes | str) -> None:
        for one in texts:
            with self.assertRaises(ValueError, msg=repr(one)):
                read(one)  # type: ignore[operator]

    def test_integers(self) -> None:
        """An integer is one sign at most, then digits, within 32 bits."""
        for one, value in (
            (b"0", 0),
            ("0012", 12),
            (b"+5", 5),
            ("-7", -7),
            (b"2147483647", 2147483647),
            (b"-2147483648", -2147483648),
            ("0000000000000012", 12),
        ):
            self.assertEqual(text.integer(one), value)
        self.refused(
            text.integer, b"", b" 1", "1 ", "1.0", b"2147483648", "-2147483649", "0x1", "1_0", "--1", "-", b"1e3"
        )

    def test_long_integers(self) -> None:
        """A 64-bit integer is read in the same way."""
        self.assertEqual(text.long(b"-9223372036854775808"), -(2**63))
        self.refused(text.long, "9223372036854775808", "", "1_0")

    def test_hex_integers(self) -> None:
        """Hex digits of both cases up to 7fffffff; what would be negative is an error, unless 64 bits are read."""
        self.assertEqual([text.hex_integer(b"7fffFFFF"), text.hex_integer("-a")], [0x7FFFFFFF, -10])
        self.refused(text.hex_integer, "80000000", "FFFFFFFF", "0x1f", "", "1_f", " f", "fg")
        self.assertEqual(text.hex_long("FFFFFFFF"), 0xFFFFFFFF)
        self.refused(text.hex_long, "8000000000000000")

    def test_binary_integers(self) -> None:
        """Zeros and ones, at most 31 that count."""
        self.assertEqual(text.binary_integer("0" * 40 + "101"), 5)
        self.refused(text.binary_integer, "2", "", "0b1", "1" * 32)

    def test_floats(self) -> None:
        """Floats come with a point, an exponent, blanks, a type letter, in hex, or as infinity and no number."""
        for one, value in (
            (b"1", 1.0),
            ("1.", 1.0),
            (b".5", 0.5),
            ("00012.50", 12.5),
            ("1e3", 1000.0),
            (b"1E-3", 0.001),
            (" 12.5\n", 12.5),
            ("12d", 12.0),
            ("5F", 5.0),
            ("0x1p3", 8.0),
            ("-0x1.8p1d", -3.0),
            ("Infinity", math.inf),
            (b"-Infinity", -math.inf),
            ("-0x1p99999", -math.inf),
        ):
            self.assertEqual(text.number(one), value, one)
        self.assertTrue(math.isnan(text.number("NaN")))
        self.refused(
            text.number, "", ".", "-", "--1", "1,5", "1_0", "nan", "inf", "infinity", "1.2.3", "0x1", "1 2", b"\xb2"
        )

    def test_absent(self) -> None:
        """Absent and empty count the same: nothing, or 0 where a field asks for it."""
        for absent in (None, b"", ""):
            self.assertEqual((text.integer_or_zero(absent), text.integer_or_none(absent)), (0, None))
            self.assertEqual((text.hex_integer_or_zero(absent), text.hex_integer_or_none(absent)), (0, None))
            self.assertEqual((text.number_or_zero(absent), text.number_or_none(absent)), (0.0, None))
        self.assertEqual((text.integer_or_zero(b"7"), text.integer_or_none("7")), (7, 7))
        self.assertEqual((text.hex_integer_or_zero(b"1F"), text.hex_integer_or_none("1f")), (31, 31))
        self.assertEqual((text.number_or_zero(b"7"), text.number_or_none("7.5")), (7.0, 7.5))
        self.refused(text.number_or_none, b"-")

    def test_booleans(self) -> None:
        """Only `true`, in any case, is true."""
        self.assertEqual(
            [text.boolean(one) for one in ("true", b"TRUE", "True", "1", b"yes", "", "false")],
            [True, True, True, False, False, False, False],
        )

    @given(some.floats(allow_nan=False))
    def test_shortest_reads_back(self, value: float) -> None:
        """A float as text is the same float again."""
        self.assertEqual(text.number(text.shortest(value)), value)


class FloatTextTests(SynchronousTestCase):
    def test_shortest(self) -> None:
        """The shortest text always has a point, and an exponent from 1e7 on and below 1e-3."""
        for value, shown in (
            (100.0, "100.0"),
            (0.001, "0.001"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e7, "1.0E7"),
            (123456789.0, "1.23456789E8"),
            (1e-4, "1.0E-4"),
            (2e-7, "2.0E-7"),
            (-1.5e300, "-1.5E300"),
            (9999999.5, "9999999.5"),
            (-0.0, "-0.0"),
            (math.inf, "Infinity"),
            (-math.inf, "-Infinity"),
            (math.nan, "NaN"),
        ):
            self.assertEqual(text.shortest(value), shown)

    def test_decimals(self) -> None:
        """Decimals are rounded half up as the number is written."""
        for value, count, shown in (
            (0.25, 1, "0.3"),
            (0.125, 2, "0.13"),
            (2.5, 0, "3"),
            (1.0005, 3, "1.001"),
            (-0.25, 1, "-0.3"),
            (1e10, 2, "10000000000.00"),
        ):
            self.assertEqual(text.decimals(value, count), shown)
        self.assertEqual(text.decimals(math.nan, 2), "NaN")

    def test_shown(self) -> None:
        """Values in replies: an int has no point, a float has one, nothing is an empty text."""
        self.assertEqual(
            [text.shown(one) for one in (60, 60.0, True, False, None, "x")], ["60", "60.0", "true", "false", "", "x"]
        )


class PieceTests(SynchronousTestCase):
    def test_split(self) -> None:
        """Empty pieces at the end vanish, others stay; an empty text is one empty piece."""
        for whole, pieces in (
            ("a,b,,", ["a", "b"]),
            (",a", ["", "a"]),
            (",,,", []),
            ("", [""]),
            ("a,,b", ["a", "", "b"]),
        ):
            self.assertEqual(text.split_at(whole, ","), pieces)

    def test_trimmed(self) -> None:
        """All characters up to the blank go from both ends; a no-break space stays."""
        self.assertEqual(text.trimmed("\x00\t a b\xa0\r\n"), "a b\xa0")
        self.assertEqual(text.trimmed_bytes(b"\x00\x1f a \n"), b"a")

    def test_zeros(self) -> None:
        """Leading zeros go, but one digit stays."""
        self.assertEqual([text.without_zeros(one) for one in ("0000", "0120", "5", "")], ["0", "120", "5", ""])


class CharacterTests(SynchronousTestCase):
    def test_utf8(self) -> None:
        """A broken sequence becomes one replacement character, an encoded surrogate too."""
        self.assertEqual(text.utf8("Zürich".encode()), "Zürich")
        self.assertEqual(text.utf8(b"a\xffb\xe2\x82c"), "a\ufffdb\ufffdc")
        self.assertEqual(text.utf8(b"\xed\xa0\x80\xed\xbf\xbfx\xed\x9f\xbf"), "\ufffd\ufffdx\ud7ff")

    def test_utf16(self) -> None:
        """UTF-16 in both orders; a surrogate without its other half is replaced."""
        self.assertEqual(text.utf16("für 😀".encode("utf-16-be")), "für 😀")
        self.assertEqual(text.utf16("für 😀".encode("utf-16-le"), little=True), "für 😀")
        self.assertEqual(text.utf16(b"\xd8\x00\x00A"), "\ufffdA")

    def test_latin(self) -> None:
        """One character per byte, and back; what does not fit is a question mark."""
        self.assertEqual(text.latin(b"\x80\xff"), "\x80\xff")
        self.assertEqual(text.to_latin("aÿ€"), b"a\xff?")

    def test_hex(self) -> None:
        """Hex digits of both cases, two per byte; anything else is an error."""
        self.assertEqual(text.from_hex("0aFF"), b"\x0a\xff")
        for bad in ("0", "0g", "0a ff", "é0"):
            with self.assertRaises(ValueError):
                text.from_hex(bad)

    def test_base64(self) -> None:
        """Both alphabets, padded or not; foreign characters are passed over."""
        for one in ("+/8=", "-_8", b"+\r\n/8", "-_8=ignored"):
            self.assertEqual(text.from_base64(one), b"\xfb\xff")
        self.assertEqual(text.from_base64("QUJDR"), b"ABC")
