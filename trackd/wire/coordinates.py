"""
Coordinates of the wire in degrees, north and east positive.

Nothing is rounded. Texts may be groups of a pattern over bytes; a missing degree or minute counts as 0. A hemisphere is
S, W or a minus; anything else leaves the value as it is.
"""

from __future__ import annotations

from trackd.wire.text import integer, latin, number
from trackd.wire.values import Position, WireError

Text = bytes | str | None

_NEGATIVE = frozenset((b"S", b"W", b"-", "S", "W", "-"))


def sided(value: float, hemisphere: Text) -> float:
    """The value on its side of the equator or of Greenwich."""
    return -abs(value) if hemisphere in _NEGATIVE else value


def degrees(value: Text, hemisphere: Text = None) -> float:
    """Decimal degrees: `52.5`, `S`."""
    result = number(value) if value else 0.0
    return -abs(result) if hemisphere in _NEGATIVE else result


def degrees_minutes(whole: Text, minutes: Text, hemisphere: Text = None) -> float:
    """Whole degrees and decimal minutes: `22`, `43.1234`, `S` → −22.718723333333334."""
    result = (integer(whole) if whole else 0) + (number(minutes) if minutes else 0.0) / 60
    return -abs(result) if hemisphere in _NEGATIVE else result


def joined(whole: Text, fraction: Text) -> float:
    """A number whose digits before and after the point are two groups; both must be there."""
    if not whole or not fraction:
        raise ValueError("half a number")
    if isinstance(whole, bytes) and isinstance(fraction, bytes):
        return number(whole + b"." + fraction)
    return number(f"{whole!s}.{fraction!s}")


def degrees_fraction(whole: Text, fraction: Text, hemisphere: Text = None) -> float:
    """Decimal degrees, the point between two groups."""
    return sided(joined(whole, fraction), hemisphere)


def degrees_minutes_fraction(whole: Text, minutes: Text, fraction: Text, hemisphere: Text = None) -> float:
    """Whole degrees, and minutes with the point between two groups."""
    return sided((integer(whole) if whole else 0) + joined(minutes, fraction) / 60, hemisphere)


def ddmm(value: int, decimals: int = 4) -> float:
    """Degrees and minutes in one number with so many decimals of minutes: −25481266 → −(25 + 48.1266 / 60)."""
    scale: int = 10**decimals
    whole, minutes = divmod(abs(value), scale * 100)
    result = whole + minutes / scale / 60
    return -result if value < 0 else result


def ddmm_text(value: Text, hemisphere: Text = None) -> float:
    """Degrees and minutes in one text, `2243.1234`: the last two digits before the point are minutes."""
    if not value:
        return 0.0
    text = latin(value) if isinstance(value, bytes) else value
    at = text.find(".") if "." in text else len(text)
    return degrees_minutes(text[: at - 2], text[at - 2 :], hemisphere)


def bcd_degrees(data: bytes) -> float:
    """Four bytes `dddmm.mmm` in packed decimals, the top bit of which is a minus."""
    digits = data.hex()
    if len(digits) != 8:
        raise IndexError(f"a coordinate of {len(data)} bytes")
    first = int(digits[0], 16)
    nibbles = [first & 7, *(int(digit, 16) for digit in digits[1:])]
    whole = nibbles[0] * 100 + nibbles[1] * 10 + nibbles[2]
    minutes = (nibbles[3] * 10 + nibbles[4]) + (nibbles[5] * 100 + nibbles[6] * 10 + nibbles[7]) / 1000
    result = whole + minutes / 60
    return -result if first & 8 else result


def check_position(position: Position) -> None:
    """WireError if latitude or longitude are no place on earth."""
    if not -90 <= position.latitude <= 90:
        raise WireError(f"latitude {position.latitude}")
    if not -180 <= position.longitude <= 180:
        raise WireError(f"longitude {position.longitude}")
