"""
Records of Navtelecom's devices as lists of fields, one behind the other in the order of a table.

Which fields there are is told by the code of a format or by a mask; `Layout` reads such a record at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Any

from attrs import field, frozen

from trackd.wire import names
from trackd.wire.binary import bit, float32, signed
from trackd.wire.times import seconds
from trackd.wire.units import kmh
from trackd.wire.values import Position


@frozen
class Field:
    """
    A field: how it is written, as in `struct`, the attribute that it becomes, and the conversion of its value.

    Without an attribute, `read` has the position and the value; a field of nothing but padding is passed over. A
    conversion that gives None leaves the attribute out.
    """

    layout: str
    name: str | None = None
    read: Callable[..., Any] | None = None


@frozen
class Layout:
    """A record of these fields."""

    fields: tuple[Field, ...]
    struct: Struct = field(init=False)
    readers: tuple[tuple[str | None, Any], ...] = field(init=False)

    @struct.default
    def _struct(self) -> Struct:
        return Struct("<" + "".join(one.layout for one in self.fields))

    @readers.default
    def _readers(self) -> tuple[tuple[str | None, Any], ...]:
        return tuple((one.name, one.read) for one in self.fields if not one.layout.endswith("x"))

    @property
    def size(self) -> int:
        """Bytes."""
        return self.struct.size

    def read(self, data: bytes, at: int, attributes: dict[str, Any]) -> Position:
        """The record at `at`, with these attributes before its own. Without a time of a fix it is no position."""
        position = Position(attributes=attributes)
        for (name, read), value in zip(self.readers, self.struct.unpack_from(data, at), strict=True):
            if name is None:
                read(position, value)
            elif read is None:
                attributes[name] = value
            elif (converted := read(value)) is not None:
                attributes[name] = converted
        return position


NOTHING = Layout(())

# What becomes a part of the position itself


def guarded(position: Position, value: int) -> None:
    position.attributes[names.ARMED] = bit(value, 0)
    if bit(value, 1):
        position.add_alarm(names.ALARM_GENERAL)


def satellites(position: Position, value: int) -> None:
    validity(position, value)
    position.attributes[names.SAT] = value >> 2


def validity(position: Position, value: int) -> None:
    position.valid = bit(value, 1)


def time(position: Position, value: int) -> None:
    position.device_time = position.fix_time = seconds(value)


def latitude(position: Position, value: int) -> None:
    position.latitude = value / 600_000


def longitude(position: Position, value: int) -> None:
    position.longitude = value / 600_000


def latitude_radians(position: Position, value: float) -> None:
    position.latitude = math.degrees(value)


def longitude_radians(position: Position, value: float) -> None:
    position.longitude = math.degrees(value)


def altitude(position: Position, value: int) -> None:
    position.altitude = value / 10


def speed(position: Position, value: float) -> None:
    position.speed = kmh(value)


def course(position: Position, value: int) -> None:
    position.course = float(value)


# Inputs and outputs, in whole and bit by bit

INS = tuple(f"{names.IN}{number}" for number in range(1, 17))
OUTS = tuple(f"{names.OUT}{number}" for number in range(1, 17))


@lru_cache(2048)
def flags(each: tuple[str, ...], value: int) -> dict[str, bool]:
    """The bits of a word by their names, the lowest first."""
    return {name: bit(value, place) for place, name in enumerate(each)}


def bits(name: str, each: tuple[str, ...]) -> Callable[[Position, int], None]:
    """A word of so many bits as are named."""
    mask = (1 << len(each)) - 1

    def read(position: Position, value: int) -> None:
        position.attributes[name] = value & mask
        position.attributes.update(flags(each, value & mask))

    return read


def upper_byte(name: str, each: tuple[str, ...] = ()) -> Callable[[Position, int], None]:
    """The upper byte of a signed word whose lower one, if it is there, has been read; its bits may have names."""

    def read(position: Position, value: int) -> None:
        position.attributes[name] = signed(value << 8 | position.attributes.get(name, 0), 16)
        if each:
            position.attributes.update(flags(each, value))

    return read


# Conversions


def tenth(value: int) -> float:
    return value / 10


def twentieth(value: int) -> float:
    return value / 20


def thousandth(value: int) -> float:
    return value / 1000


def half(value: float) -> float:
    return value * 0.5


def thousandfold(value: int) -> int:
    return value * 1000


def metres(kilometres: float) -> float:
    """As accurate as kilometres in 32 bits are."""
    return float32(kilometres * 1000)


def unless(nothing: int, convert: Callable[[int], Any] = int) -> Callable[[int], Any]:
    """No value if it is the one that says so."""
    return lambda value: None if value == nothing else convert(value)
