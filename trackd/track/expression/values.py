"""
Values of expressions: their kinds, and how one is read as another.

An integer is of 32 bits while it can be, of 64 (`Long`) once it has to, and exact (`Big`) beyond. A fraction is a
double; `Single` is a literal of 32 bits. There are also texts, booleans, moments, lists, sets and maps, and null, which
is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from struct import pack, unpack
from typing import Any

# Characters of a text, and digits of an exact integer, that an expression may make.
LONGEST_TEXT = 10_000
LARGEST = 10**300
# Collections within each other that are made a text.
DEEPEST_TEXT = 10


class BadExpression(ValueError):
    """The expression cannot be read or has no value; the message says why."""


class Undefined(BadExpression):
    """There is nothing of this name."""


class Long(int):
    """64 bits."""


class Big(int):
    """As many digits as it takes."""


class Single(float):
    """32 bits; its value is the nearest that there is in so many."""

    def __new__(cls, value: float) -> Single:
        try:
            return super().__new__(cls, unpack("f", pack("f", value))[0])
        except OverflowError:
            raise BadExpression(f"{value} is out of range") from None


class Set:
    """What is in it is told apart by kind as well: 1 is not 1.0."""

    def __init__(self, items: list[Any]) -> None:
        self.items = {typed(item): item for item in items}


class Map:
    """Keys are told apart by kind as well."""

    def __init__(self, items: list[tuple[Any, Any]]) -> None:
        self.items = {typed(key): value for key, value in items}


class Span:
    """The integers from one to another, both included."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last


class Opaque:
    """Something that is there and cannot be looked into."""


_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,300}\s*", re.ASCII)
_FRACTION = re.compile(
    r"\s*[+-]?(?:[0-9]{1,300}(?:\.[0-9]{0,300})?|\.[0-9]{1,300})(?:[eE][+-]?[0-9]{1,3})?\s*", re.ASCII
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def typed(value: Any) -> Any:
    """What a value is as a key: it differs by kind. Raises BadExpression for what can be none."""
    if isinstance(value, list | Set | Map | Span):
        raise BadExpression("a collection is no key")
    return type(value), value


def integer(value: int, *like: Any) -> int:
    """An integer as the result of an operation with others: as small as they are, if it fits."""
    if not -(2**63) <= value < 2**63 or any(isinstance(one, Big) for one in like):
        if abs(value) > LARGEST:
            raise BadExpression("the number is too large")
        return Big(value)
    if not -(2**31) <= value < 2**31 or any(isinstance(one, Long) for one in like):
        return Long(value)
    return value


def whole(value: int) -> int:
    """The same bits as an integer of 64."""
    value &= 2**64 - 1
    return Long(value - 2**64 if value >= 2**63 else value)


def number(value: Any) -> int | float:
    """A value as a number: a boolean is 0 or 1, a text what it says. Raises BadExpression."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return integer(int(value))
        if _FRACTION.fullmatch(value):
            return float(value)
    raise BadExpression(f"{kind(value)} is no number")


def bits(value: Any) -> int:
    """A value as an integer of 64 bits; a fraction is cut."""
    found = number(value)
    if isinstance(found, float):
        if found != found:
            return 0
        found = int(max(-(2.0**63), min(2.0**63 - 1024, found)))
    return whole(int(found))


def truth(value: Any) -> bool:
    """Whether a value counts as true. Raises BadExpression for null."""
    if value is None:
        raise BadExpression("null is neither true nor false")
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value == value and value != 0
    if isinstance(value, str):
        return value not in ("", "false")
    return True


def text(value: Any) -> str:
    """A value as text."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return fraction(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, datetime):
        return date_text(value)
    if isinstance(value, list | Set | Map):
        return "".join(_spelled(value, [LONGEST_TEXT], 0))
    return kind(value)


def _spelled(value: Any, room: list[int], depth: int) -> Iterator[str]:
    """The pieces of a collection's text; one that is in itself many times over would have no end of them."""
    if depth > DEEPEST_TEXT:
        raise BadExpression("a collection is nested too deeply")
    if isinstance(value, Map):
        pairs = [(f"{text(key)}=", held) for (_, key), held in value.items.items()]
        ends = "{}"
    elif isinstance(value, list | Set):
        pairs = [("", held) for held in (value if isinstance(value, list) else value.items.values())]
        ends = "[]"
    else:
        yield _room(text(value), room)
        return
    yield _room(ends[0], room)
    for place, (before, held) in enumerate(pairs):
        yield _room(", " * (place > 0) + before, room)
        yield from _spelled(held, room, depth + 1)
    yield _room(ends[1], room)


def _room(piece: str, room: list[int]) -> str:
    room[0] -= len(piece)
    if room[0] < 0:
        raise BadExpression("the text is too long")
    return piece


def bounded(found: str) -> str:
    """A text that is not too long. Raises BadExpression."""
    if len(found) > LONGEST_TEXT:
        raise BadExpression("the text is too long")
    return found


def fraction(value: float) -> str:
    """A fraction as text: with a point, and with an exponent where it is very large or small."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        shown = f"{shortest(value):f}" if "e" in repr(shortest(value)) else repr(shortest(value))
        return shown if "." in shown else shown + ".0"
    mantissa, _, exponent = f"{shortest(value):.17e}".partition("e")
    for digits in range(17):
        short = f"{shortest(value):.{digits}e}"
        if float(short) == shortest(value):
            mantissa, _, exponent = short.partition("e")
            break
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def shortest(value: float) -> float:
    """The double with the fewest digits that is read as this value."""
    if not isinstance(value, Single):
        return float(value)
    for digits in range(1, 10):
        found = float(f"{float(value):.{digits}g}")
        if Single(found) == value:
            return found
    return float(value)


def date_text(value: datetime) -> str:
    """A moment as text: Sat Mar 01 13:00:00 UTC 2025."""
    day, month = _DAYS[value.weekday()], _MONTHS[value.month - 1]
    return f"{day} {month} {value.day:02} {value:%H:%M:%S} {value.tzname()} {value.year}"


def kind(value: Any) -> str:
    """What sort of a value it is, for people."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    names = {str: "a text", datetime: "a moment", list: "a list", Set: "a set", Map: "a map", Span: "a range"}
    return names.get(type(value), "an object")
