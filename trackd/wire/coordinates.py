"""
Coordinates of the wire in degrees, north and east positive.

Nothing is rounded. Texts may be groups of a pattern over bytes; a missing degree or minute counts as 0. A hemisphere is
S, W or a minus; anything else leaves the value as it is.
"""

from __future__ import annotations

from trackd.wire.text import integer, number
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


def check_position(position: Position) -> None:
    """WireError if latitude or longitude are no place on earth."""
    if not -90 <= position.latitude <= 90:
        raise WireError(f"latitude {position.latitude}")
    if not -180 <= position.longitude <= 180:
        raise WireError(f"longitude {position.longitude}")
