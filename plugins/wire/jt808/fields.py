"""
Values of a fixed layout, and what is made of them: rows, rows that a mask chooses from, lists by type.

Each function reads from `data` at `at`, stores what it finds, and gives the place behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any

from trackd.wire.binary import part
from trackd.wire.text import latin, trimmed
from trackd.wire.values import Network, Position, WireError

U8, I8, U16, I16, I32, U32 = map(Struct, ("B", "b", ">H", ">h", ">i", ">I"))

# A value: its name, its layout, and what it means.
Value = tuple[str, Struct, Callable[..., Any]]
Row = tuple[Value, ...]

# A value whose layout is the length that goes before it.
Text = tuple[str, Callable[[bytes], str]]
NO_TEXTS: Mapping[int, Text] = {}

TYPE_LENGTH = Struct(">BB")
LONG_TYPE_LENGTH = Struct(">HB")


def tenths(value: int) -> float:
    return value / 10


def hundredths(value: int) -> float:
    return value / 100


def thousandths(value: int) -> float:
    return value / 1000


def times_100(value: int) -> int:
    return value * 100


def times_1000(value: int) -> int:
    return value * 1000


def less_40(value: int) -> int:
    """A temperature."""
    return value - 40


def tenths_less_50(value: int) -> float:
    """Another temperature."""
    return value / 10 - 50


def percent(value: int) -> int:
    """A part of 255."""
    return value * 100 // 255


def trimmed_latin(data: bytes) -> str:
    return trimmed(latin(data))


def words(data: bytes) -> str:
    """Trouble codes, which devices separate by commas."""
    return latin(data).replace(",", " ")


def vector(*values: int) -> str:
    """Three axes."""
    return f"[{','.join(map(str, values))}]"


def skipped(count: int) -> Value:
    """Bytes that must be there and mean nothing."""
    return "", Struct(f"{count}x"), lambda: None


def store(position: Position, data: bytes, at: int, value: Value, prefix: str = "") -> int:
    """A value; the prefix goes before its name."""
    name, layout, meaning = value
    position.set(prefix + name, meaning(*layout.unpack_from(data, at)))
    return at + layout.size


def row(position: Position, data: bytes, at: int, values: Row, prefix: str = "") -> int:
    """Values in a row."""
    for value in values:
        at = store(position, data, at, value, prefix)
    return at


def masked(position: Position, data: bytes, at: int, mask: int, rows: Sequence[Row], prefix: str = "") -> int:
    """The rows whose bits are set in a mask, the first for the lowest."""
    for place, values in enumerate(rows):
        if mask & 1 << place:
            at = row(position, data, at, values, prefix)
    return at


def walk(
    position: Position,
    data: bytes,
    at: int,
    end: int,
    head: Struct,
    values: Mapping[int, Value],
    texts: Mapping[int, Text] = NO_TEXTS,
) -> int:
    """
    Types, lengths and values up to `end`, or beyond.

    Known values have their own width, after which the next one is read; of `texts` and of what is unknown the length
    counts.
    """
    while at < end:
        type, length = head.unpack_from(data, at)
        at += head.size
        if type in values:
            at = store(position, data, at, values[type])
            continue
        content = part(data, at, length)
        at += length
        if type in texts:
            name, meaning = texts[type]
            position.set(name, meaning(content))
    return at


def within(data: bytes, at: int) -> None:
    """WireError if more has been passed over than was there."""
    if at > len(data):
        raise WireError(f"{at - len(data)} bytes are missing")


def add_alarms(position: Position, word: int, alarms: Sequence[str]) -> None:
    """Alarms of a word, the first for the lowest bit."""
    position.add_alarm(",".join(alarm for place, alarm in enumerate(alarms) if word & 1 << place))


def around(position: Position) -> Network:
    """What the device has heard, to be added to."""
    if position.network is None:
        position.network = Network()
    return position.network
