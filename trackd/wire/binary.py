"""Fields of binary frames: bits, packed decimals, wrapped and narrowed numbers."""

from __future__ import annotations

import math
import struct


def bit(value: int, place: int) -> bool:
    """Whether the bit is set; 0 is the lowest."""
    return bool(value >> place & 1)


def bits(value: int, first: int, last: int) -> int:
    """The bits from `first` to `last`, both included, shifted down."""
    return value >> first & (1 << last - first + 1) - 1


def signed(value: int, width: int) -> int:
    """The low `width` bits as two's complement."""
    top = 1 << width - 1
    return (value & (top << 1) - 1 ^ top) - top


def sign_magnitude(value: int, width: int) -> int:
    """The highest of `width` bits is the sign, the others are the value."""
    top = 1 << width - 1
    return -(value & top - 1) if value & top else value & top - 1


def int32(value: int) -> int:
    """Wrapped to 32 bits."""
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def int64(value: int) -> int:
    """Wrapped to 64 bits: a u64 from 2**63 on is kept as a negative number."""
    return (value + 0x8000000000000000 & 0xFFFFFFFFFFFFFFFF) - 0x8000000000000000


def cut(value: float, width: int = 32) -> int:
    """A float cut to an integer of `width` bits; what is too large becomes the largest, NaN becomes 0."""
    if math.isnan(value):
        return 0
    most = (1 << width - 1) - 1
    if value >= most:
        return most
    return max(int(value), -most - 1) if value > -most - 1 else -most - 1


_SINGLE = struct.Struct("<f")


def single(value: float) -> float:
    """A number of 32 bits as its shortest text reads: 2.700000047683716 → 2.7."""
    if math.isfinite(value):
        # Nine digits are enough for any, and what is meant with six is found with six; the smallest have fewer than
        # six.
        for digits in range(6 if abs(value) > 1.2e-38 else 2, 9):
            shorter = float(f"{value:.{digits}g}")
            if _SINGLE.unpack(_SINGLE.pack(shorter))[0] == value:
                return shorter
        return float(f"{value:.9g}")
    return value


def float32(value: float) -> float:
    """Rounded to a number of 32 bits, as arithmetic in their width gives it; what is too large becomes infinite."""
    try:
        (rounded,) = _SINGLE.unpack(_SINGLE.pack(value))
    except OverflowError:
        return math.copysign(math.inf, value)
    return float(rounded)


def half_up(value: float) -> int:
    """Rounded, halves up: 2.5 → 3, −2.5 → −2."""
    return math.floor(value + 0.5)


def quotient(value: int, by: int) -> int:
    """Whole division toward zero: −7 / 2 = −3."""
    return -(-value // by) if (value < 0) != (by < 0) else value // by


def remainder(value: int, by: int) -> int:
    """What `quotient` leaves: −7 mod 2 = −1."""
    return value - by * quotient(value, by)


def bcd(data: bytes, digits: int | None = None) -> int:
    """
    Packed decimal as a number: all of `data`, or so many digits from its beginning.

    A nibble above 9 counts its value. The last of an odd number of digits is the high nibble of its byte.
    """
    text = data.hex() if digits is None else data[: (digits + 1) // 2].hex()[:digits]
    if digits is not None and len(text) < digits:
        raise IndexError(f"{digits} digits in {len(data)} bytes")
    return nibbles(text)


def nibbles(digits: str) -> int:
    """Packed decimal by its hex digits, for fields that begin or end inside a byte; one above 9 counts its value."""
    if digits.isdigit():
        return int(digits)
    value = 0
    for digit in digits:
        value = value * 10 + int(digit, 16)
    return value


def imei(data: bytes) -> str:
    """The 15 digits of an IMEI in 8 bytes, the first of whose 16 hex digits is filling."""
    if len(data) != 8:
        raise IndexError(f"an IMEI of {len(data)} bytes")
    return data.hex()[1:]


def pairs(data: bytes) -> str:
    """Each byte as two decimal digits: `0B 16 21` → `112233`; a byte from 100 on gives three characters."""
    return "".join(f"{byte // 10}{byte % 10}" for byte in data)


def part(data: bytes, at: int, length: int) -> bytes:
    """So many bytes from an offset on; IndexError if they are not all there."""
    if length < 0 or at + length > len(data):
        raise IndexError(f"{length} bytes at {at} of {len(data)}")
    return data[at : at + length]


_PRINTABLE = bytes(range(0x20, 0x80)) + b"\r\n"


def printable(data: bytes) -> bool:
    """Whether all bytes are characters 0x20–0x7F, CR or LF."""
    return not data.translate(None, _PRINTABLE)


class BitReader:
    """A stream of bits, the most significant first. Reading past the end is an IndexError."""

    __slots__ = ("_end", "_value", "at")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._end = len(data) * 8
        self.at = 0  # bits read

    @classmethod
    def six(cls, text: bytes) -> BitReader:
        """The bits of a text in which each character carries six of them, as maritime transponders write them."""
        reader = cls(b"")
        value = 0
        for code in text:
            code -= 48
            value = value << 6 | (code - 8 if code > 40 else code) & 0x3F
        reader._value, reader._end = value, len(text) * 6
        return reader

    @property
    def left(self) -> int:
        """Bits that are still there."""
        return self._end - self.at

    def read(self, width: int) -> int:
        """The next bits as an unsigned number."""
        self.at += width
        if self.at > self._end:
            raise IndexError("past the last bit")
        return self._value >> self._end - self.at & (1 << width) - 1

    def signed(self, width: int) -> int:
        """The next bits as two's complement."""
        return signed(self.read(width), width)
