"""
Protocol buffers read without a schema: field numbers and raw values, in the order of the wire.

Varints are unsigned 64-bit integers; 32- and 64-bit fields, texts, bytes and messages are bytes; groups are messages.
Malformed data raises WireError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from trackd.wire.binary import int64
from trackd.wire.values import WireError

Message = dict[int, list[Any]]

_MOST_NESTED = 64


def message(data: bytes) -> Message:
    """All fields of a message: number → its values."""
    return _fields(data, 0, None, 0)[0]


def last(message: Message, number: int, default: Any = None) -> Any:
    """The value of a field that is not repeated: the last one counts. A default of None makes it mandatory."""
    if values := message.get(number):
        return values[-1]
    if default is None:
        raise WireError(f"no field {number}")
    return default


def numbers(message: Message, number: int) -> dict[int, int] | None:
    """
    The numbers in a group that is not repeated: field number → its last value. None without the group.

    A group that comes in parts is put together. What a field has of another type is left out, as if it were not known.
    """
    found: dict[int, int] | None = None
    for group in message.get(number, ()):
        if isinstance(group, dict):
            if found is None:
                found = {}
            for field, values in group.items():
                for value in values:
                    if type(value) is int:
                        found[field] = value
    return found


def _fields(data: bytes, at: int, group: int | None, depth: int) -> tuple[Message, int]:
    if depth > _MOST_NESTED:
        raise WireError("groups nested too deeply")
    found: Message = {}
    value: Any
    end = len(data)
    while at < end:
        # Most keys and many numbers have one byte, for which a call would be half of the work.
        key = data[at]
        at += 1
        if key > 0x7F:
            key, at = varint(data, at - 1)
        number, kind = key >> 3, key & 7
        if kind == 0:
            if at < end and data[at] < 0x80:
                value = data[at]
                at += 1
            else:
                value, at = varint(data, at)
        elif kind == 1:
            value, at = _part(data, at, 8)
        elif kind == 2:
            size, at = varint(data, at)
            value, at = _part(data, at, size)
        elif kind == 3:
            value, at = _fields(data, at, number, depth + 1)
        elif kind == 5:
            value, at = _part(data, at, 4)
        elif kind == 4 and number == group:
            return found, at
        else:
            raise WireError(f"type {kind} of field {number}")
        if number in found:
            found[number].append(value)
        elif number:
            found[number] = [value]
        else:
            raise WireError("field 0")
    if group is not None:
        raise WireError(f"group {group} has no end")
    return found, at


def varint(data: bytes, at: int = 0) -> tuple[int, int]:
    """A number of seven bits per byte, the lowest first, and where it ends."""
    try:
        value = data[at]
        if value < 0x80:
            return value, at + 1
        byte = data[at + 1]
        if byte < 0x80:
            return value & 0x7F | byte << 7, at + 2
        value = value & 0x7F | (byte & 0x7F) << 7
        for place in range(2, 10):
            byte = data[at + place]
            if byte < 0x80:
                return (value | byte << 7 * place) & 0xFFFFFFFFFFFFFFFF, at + place + 1
            value |= (byte & 0x7F) << 7 * place
    except IndexError:
        raise WireError("a number without end") from None
    raise WireError("a number of more than ten bytes")


def _part(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    end = at + size
    if end > len(data):
        raise WireError(f"{size} bytes at {at} of {len(data)}")
    return data[at:end], end


def varints(data: bytes) -> Iterator[int]:
    """The numbers of a packed field."""
    at = 0
    while at < len(data):
        value, at = varint(data, at)
        yield value


def signed(value: int) -> int:
    """A varint as int32 or int64."""
    return int64(value)


def zigzag(value: int) -> int:
    """A varint as sint32 or sint64."""
    return value >> 1 ^ -(value & 1)


def float32(value: bytes) -> float:
    """A 32-bit field as a float."""
    (found,) = struct.unpack("<f", value)
    return float(found)


def float64(value: bytes) -> float:
    """A 64-bit field as a float."""
    (found,) = struct.unpack("<d", value)
    return float(found)
