from __future__ import annotations

import math
import struct

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import binary


class BitTests(SynchronousTestCase):
    def test_bits(self) -> None:
        """Bit 0 is the lowest; both ends of a range are included."""
        self.assertEqual([binary.bit(0b100, place) for place in range(4)], [False, False, True, False])
        self.assertEqual(binary.bits(0b1101_0110, 2, 5), 0b0101)
        self.assertEqual(binary.bits(0xF0, 4, 7), 15)

    def test_signs(self) -> None:
        """Two's complement, and a sign bit before a magnitude."""
        self.assertEqual(
            (binary.signed(0xFFFF, 16), binary.signed(0x7FFF, 16), binary.signed(0x1F, 5)), (-1, 32767, -1)
        )
        self.assertEqual(
            (binary.sign_magnitude(0x80000005, 32), binary.sign_magnitude(5, 32), binary.sign_magnitude(0x8001, 16)),
            (-5, 5, -1),
        )

    def test_wrapped(self) -> None:
        """Integers wrap silently."""
        self.assertEqual((binary.int32(0x80000000), binary.int32(-0x80000001)), (-0x80000000, 0x7FFFFFFF))
        self.assertEqual((binary.int64(2**63), binary.int64(2**64 - 1)), (-(2**63), -1))

    def test_cut(self) -> None:
        """Floats are cut toward zero; too large is the largest, no number is 0."""
        self.assertEqual(
            [binary.cut(value) for value in (2.9, -2.9, 1e20, -1e20, math.nan)], [2, -2, 2**31 - 1, -(2**31), 0]
        )
        self.assertEqual(
            [binary.cut(value, 64) for value in (1e10, math.inf, -math.inf)], [10**10, 2**63 - 1, -(2**63)]
        )

    def test_float32(self) -> None:
        """A product of numbers of 32 bits is one itself; what is too large for it is infinite."""
        for value, rounded in (
            (0.00946336984634399414 * 1000, 9.463369369506836),
            (0.1, 0.10000000149011612),
            (1.5, 1.5),
        ):
            self.assertEqual(binary.float32(value), rounded)
        self.assertEqual((binary.float32(1e39), binary.float32(-1e39)), (math.inf, -math.inf))
        self.assertEqual(binary.float32(-math.inf), -math.inf)
        self.assertTrue(math.isnan(binary.float32(math.nan)))

    def test_single(self) -> None:
        """A number of 32 bits is read by its shortest text; what is no number stays."""
        for text in ("2.7", "0.1", "-14.51", "1.1754944e-38", "3.4028235e+38", "16777216.0", "4194304.5", "0.0"):
            (wide,) = struct.unpack("<f", struct.pack("<f", float(text)))
            self.assertEqual(repr(binary.single(wide)), repr(float(text)))
        self.assertEqual(binary.single(-math.inf), -math.inf)
        self.assertTrue(math.isnan(binary.single(math.nan)))

    @given(some.floats(width=32, allow_nan=False))
    def test_single_is_the_same(self, value: float) -> None:
        """The shorter text is that of the same number of 32 bits."""
        self.assertEqual(struct.pack("<f", binary.single(value)), struct.pack("<f", value))

    def test_rounded(self) -> None:
        """Halves are rounded up, also below zero."""
        self.assertEqual([binary.half_up(value) for value in (2.5, -2.5, 2.4, -2.6)], [3, -2, 2, -3])

    def test_division(self) -> None:
        """Division goes toward zero, and the remainder has the sign of the dividend."""
        self.assertEqual((binary.quotient(-7, 2), binary.remainder(-7, 2)), (-3, -1))
        self.assertEqual((binary.quotient(7, -2), binary.remainder(7, -2), binary.quotient(-8, 2)), (-3, 1, -4))

    @given(some.integers(-(2**63), 2**63 - 1), some.integers(1, 2**32))
    def test_division_is_whole(self, value: int, by: int) -> None:
        """Quotient and remainder make the value again."""
        self.assertEqual(binary.quotient(value, by) * by + binary.remainder(value, by), value)
        self.assertLess(abs(binary.remainder(value, by)), by)


class FieldTests(SynchronousTestCase):
    def test_bcd(self) -> None:
        """Nibbles above 9 count their value; the last of an odd number of digits is a high nibble."""
        self.assertEqual((binary.bcd(b"\x12\x34"), binary.bcd(b"\x1e"), binary.bcd(b"\xa5")), (1234, 24, 105))
        self.assertEqual((binary.bcd(b"\x12\x34", 3), binary.bcd(b"\x12\x3f", 3)), (123, 123))
        with self.assertRaises(IndexError):
            binary.bcd(b"\x12", 3)

    def test_nibbles(self) -> None:
        """Digits that begin or end inside a byte are taken from its hex."""
        self.assertEqual((binary.nibbles("0123"), binary.nibbles("1f"), binary.nibbles("a50")), (123, 25, 1050))

    def test_imei(self) -> None:
        """Eight bytes are 15 digits."""
        self.assertEqual(binary.imei(bytes.fromhex("0864717003283581")), "864717003283581")
        with self.assertRaises(IndexError):
            binary.imei(b"\x08\x64")

    def test_pairs(self) -> None:
        """A byte is two decimal digits, from 100 on three characters."""
        self.assertEqual(binary.pairs(b"\x0b\x16\x21"), "112233")
        self.assertEqual(binary.pairs(b"\x05\x7b"), "05123")

    def test_part(self) -> None:
        """A part that is not all there is an error."""
        self.assertEqual(binary.part(b"abcd", 1, 2), b"bc")
        for at, length in ((3, 2), (0, -1), (5, 0)):
            with self.assertRaises(IndexError):
                binary.part(b"abcd", at, length)

    def test_printable(self) -> None:
        """Characters up to 7F, CR and LF are printable."""
        self.assertTrue(binary.printable(b"abc\r\n\x7f"))
        self.assertFalse(binary.printable(b"ab\x00"))
        self.assertFalse(binary.printable(b"\x80"))


class BitReaderTests(SynchronousTestCase):
    def test_reads(self) -> None:
        """The most significant bit comes first, across bytes."""
        reader = binary.BitReader(b"\xa5\x0f")
        self.assertEqual([reader.read(3), reader.read(7), reader.signed(2), reader.left], [5, 0b0010100, 0, 4])
        self.assertEqual(reader.signed(4), -1)
        with self.assertRaises(IndexError):
            reader.read(1)

    def test_six(self) -> None:
        """Characters of six bits, the highest first."""
        reader = binary.BitReader.six(b"15M")
        self.assertEqual([reader.read(6), reader.read(6), reader.read(6), reader.left], [1, 5, 29, 0])
        self.assertEqual(binary.BitReader.six(b"w`").read(12), 63 << 6 | 40)
