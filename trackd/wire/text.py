"""
Texts of the wire to values, and back.

Groups of a pattern over bytes may be given as they are. What is no number in the sense of its kind is a ValueError: an
empty text, blanks or underscores in an integer, more than 32 bits, where a language would be more generous.
"""

from __future__ import annotations

import binascii
import math
import re
from decimal import ROUND_HALF_UP, Decimal

# What may stand in a number at all; the rest is left to Python's own reading.
_DECIMAL = "+-0123456789"
_HEX = "+-0123456789abcdefABCDEF"
_FLOAT = "+-.0123456789"
_DECIMAL_BYTES, _HEX_BYTES, _FLOAT_BYTES = _DECIMAL.encode(), _HEX.encode(), _FLOAT.encode()
_BLANKS = "".join(map(chr, range(0x21)))
_BLANK_BYTES = bytes(range(0x21))

_ANY_FLOAT = re.compile(
    r"([+-]?)(?:(NaN|Infinity)|(0[xX][0-9a-fA-F.]+[pP][+-]?\d+)[dDfF]?|([\d.]+(?:[eE][+-]?\d+)?)[dDfF]?)",
    re.ASCII,
)


def integer(text: bytes | str) -> int:
    """A 32-bit integer."""
    if text.isdigit() and len(text) < 10:
        return int(text)  # nearly always
    value = long(text)
    if -0x80000000 <= value <= 0x7FFFFFFF:
        return value
    raise ValueError(f"no 32-bit integer: {text!r}")


def long(text: bytes | str) -> int:
    """A 64-bit integer."""
    if text.strip(_DECIMAL_BYTES) if isinstance(text, bytes) else text.strip(_DECIMAL):
        raise ValueError(f"no integer: {text!r}")
    return _within(int(text), 64, text)


def hex_integer(text: bytes | str) -> int:
    """A hex number of 31 bits and a sign: from 80000000 on it is an error."""
    return _within(_based(text, 16), 32, text)


def hex_long(text: bytes | str) -> int:
    """A hex number of 63 bits and a sign."""
    return _within(_based(text, 16), 64, text)


def binary_integer(text: bytes | str) -> int:
    """A number of zeros and ones, of 31 bits and a sign."""
    return _within(_based(text, 2), 32, text)


def _based(text: bytes | str, base: int) -> int:
    if text.strip(_HEX_BYTES) if isinstance(text, bytes) else text.strip(_HEX):
        raise ValueError(f"no number of base {base}: {text!r}")
    if text[:2] in (b"0b", "0b", b"0B", "0B") and base == 2:
        raise ValueError(f"no number of base 2: {text!r}")
    return int(text, base)


def _within(value: int, width: int, text: bytes | str) -> int:
    if -1 << (width - 1) <= value < 1 << (width - 1):
        return value
    raise ValueError(f"no {width}-bit integer: {text!r}")


def number(text: bytes | str) -> float:
    """
    A float: with point or exponent or neither, blanks around it, `NaN`, `Infinity`, hex floats, a trailing d or f.
    """
    if not (text.strip(_FLOAT_BYTES) if isinstance(text, bytes) else text.strip(_FLOAT)):
        return float(text)
    found = _ANY_FLOAT.fullmatch(trimmed(latin(text) if isinstance(text, bytes) else text))
    if found is None:
        raise ValueError(f"no number: {text!r}")
    sign, special, hexadecimal, decimal = found.groups()
    value = math.nan if special == "NaN" else math.inf if special else 0.0
    if hexadecimal:
        try:
            value = float.fromhex(hexadecimal)
        except OverflowError:
            value = math.inf
    elif decimal:
        value = float(decimal)
    return -value if sign == "-" else value


def integer_or_zero(text: bytes | str | None) -> int:
    """A 32-bit integer; 0 where the text is absent."""
    return integer(text) if text else 0


def integer_or_none(text: bytes | str | None) -> int | None:
    """A 32-bit integer; nothing where the text is absent."""
    return integer(text) if text else None


def hex_integer_or_zero(text: bytes | str | None) -> int:
    """A hex number of 31 bits; 0 where the text is absent."""
    return hex_integer(text) if text else 0


def hex_integer_or_none(text: bytes | str | None) -> int | None:
    """A hex number of 31 bits; nothing where the text is absent."""
    return hex_integer(text) if text else None


def number_or_zero(text: bytes | str | None) -> float:
    """A float; 0 where the text is absent."""
    return number(text) if text else 0.0


def number_or_none(text: bytes | str | None) -> float | None:
    """A float; nothing where the text is absent."""
    return number(text) if text else None


def boolean(text: bytes | str) -> bool:
    """`true` in any case is true, everything else is false."""
    return text.lower() in (b"true", "true")


def shortest(value: float) -> str:
    """
    A float as text: the shortest that reads back the same, always with a point.

    From 1e7 on and below 1e-3 with an exponent: `1.0E7`, `2.0E-7`.
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    size = abs(value)
    if size == 0 or 1e-3 <= size < 1e7:
        return text  # no exponent in this range
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    shown = "".join(map(str, digits)).rstrip("0")
    power = len(digits) - 1 + exponent
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{power}"


def decimals(value: float, count: int) -> str:
    """A float as text with so many decimals, rounded half up as it is written: 0.125 → `0.13`."""
    if not math.isfinite(value):
        return shortest(value)
    return format(Decimal(repr(value)).quantize(Decimal(1).scaleb(-count), ROUND_HALF_UP), "f")


def shown(value: object) -> str:
    """A value as text in replies and commands: `60`, `60.0`, `true`; nothing is an empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return shortest(value) if isinstance(value, float) else str(value)


def split_at(text: str, separator: str) -> list[str]:
    """The pieces between separators, without the empty ones at the end; an empty text is one empty piece."""
    if not text:
        return [text]
    pieces = text.split(separator)
    while pieces and not pieces[-1]:
        pieces.pop()
    return pieces


def trimmed(text: str) -> str:
    """Without the characters up to the blank at both ends."""
    return text.strip(_BLANKS)


def trimmed_bytes(data: bytes) -> bytes:
    """Without the bytes up to the blank at both ends."""
    return data.strip(_BLANK_BYTES)


def without_zeros(text: str) -> str:
    """Without leading zeros; at least one digit stays."""
    return text.lstrip("0") or text[-1:]


def latin(data: bytes) -> str:
    """One character per byte."""
    return data.decode("latin-1")


def utf8(data: bytes) -> str:
    """UTF-8; each broken sequence becomes one U+FFFD, an encoded surrogate too."""
    if b"\xed" in data:
        data = re.sub(rb"\xed[\xa0-\xbf][\x80-\xbf]", b"\xef\xbf\xbd", data)
    return data.decode("utf-8", "replace")


def utf16(data: bytes, little: bool = False) -> str:
    """UTF-16; unpaired surrogates and an odd last byte become U+FFFD."""
    return data.decode("utf-16-le" if little else "utf-16-be", "replace")


def to_latin(text: str) -> bytes:
    """One byte per character; what does not fit becomes a question mark."""
    return text.encode("latin-1", "replace")


def from_hex(text: bytes | str) -> bytes:
    """The bytes of hex digits, two per byte."""
    return binascii.unhexlify(text)


_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def from_base64(text: bytes | str) -> bytes:
    """The bytes of base64 in either alphabet; other characters are passed over, the first `=` ends it."""
    data = to_latin(text) if isinstance(text, str) else text
    data = _BASE64.sub(b"", data.partition(b"=")[0].replace(b"-", b"+").replace(b"_", b"/"))
    if len(data) % 4 == 1:
        data = data[:-1]  # six bits make no byte
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
