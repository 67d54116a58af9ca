"""
The group of elements of variable length that codec 8 Extended adds: texts, and lists of Bluetooth beacons.

A list of beacons (element 385) tells each beacon's form by flags; a list of tags (548, 10828 …) is of types, lengths
and values:

    01                                        header
    0f 0001c6 0106babbf3630055 0202806d       15 bytes: signal -58, id, flags 80 and 6d: 3090 mV
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from plugins.wire.teltonika.elements import I8, I16, U8, U16, hundredth
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.text import latin, utf8
from trackd.wire.values import Position

ELEMENT = Struct(">HH")  # id, length

Reader = Callable[[Position, str, bytes], None]


def variable(data: bytes, at: int, position: Position) -> int:
    """Read the group at `at` into the position; where it ends."""
    (count,) = U16.unpack_from(data, at)
    at += U16.size
    for _ in range(count):
        id, length = ELEMENT.unpack_from(data, at)
        at += ELEMENT.size
        VARIABLE.get(id, plain)(position, f"io{id}", part(data, at, length))
        at += length
    return at


def plain(position: Position, name: str, data: bytes) -> None:
    position.set(name, data.hex())


def vin(position: Position, name: str, data: bytes) -> None:
    position.set(names.VIN, latin(data))


def trouble_codes(position: Position, name: str, data: bytes) -> None:
    position.set(names.DTCS, latin(data).replace(",", " "))


IBEACON = Struct(">16sHH")  # UUID, major, minor
EDDYSTONE = Struct(">10s6s")  # namespace, instance
HAS_BATTERY, HAS_TEMPERATURE = 1 << 1, 1 << 2


def beacons(position: Position, name: str, data: bytes) -> None:
    at, number = 1, 0  # behind the number of the data part
    U8.unpack_from(data)
    while at < len(data):
        number += 1
        beacon = f"beacon{number}"
        flags = data[at]
        at += 1
        if flags >> 4:
            uuid, major, minor = IBEACON.unpack_from(data, at)
            at += IBEACON.size
            position.set(f"{beacon}Uuid", uuid.hex())
            position.set(f"{beacon}Major", major)
            position.set(f"{beacon}Minor", minor)
        else:
            namespace, instance = EDDYSTONE.unpack_from(data, at)
            at += EDDYSTONE.size
            position.set(f"{beacon}Namespace", namespace.hex())
            position.set(f"{beacon}Instance", instance.hex())
        position.set(f"{beacon}Rssi", *I8.unpack_from(data, at))
        at += 1
        if flags & HAS_BATTERY:
            position.set(f"{beacon}Battery", hundredth(*U16.unpack_from(data, at)))
            at += 2
        if flags & HAS_TEMPERATURE:
            position.set(f"{beacon}Temp", *U16.unpack_from(data, at))
            at += 2


# What a tag says in a field of one number, by type: the number's layout, whatever length is declared
TAG_NUMBERS: dict[int, tuple[str, Struct, Callable[[int], int]]] = {
    0: ("Rssi", I8, int),
    6: ("Temp", I16, int),  # hundredths of °C
    7: ("Humidity", U8, int),
    8: ("Magnet", U8, bool),
    9: ("Motion", U8, bool),
    10: ("MotionCount", U16, int),
    11: ("Pitch", I8, int),
    12: ("AngleRoll", I16, int),
    13: ("LowBattery", U8, int),
    14: ("Battery", U16, int),  # mV
}
TAG_ID, TAG_STATE, TAG_NAME, TAG_MAC = 1, 2, 5, 15
LOW_BATTERY, HAS_VOLTAGE = 1 << 6, 1 << 7


def tags(position: Position, name: str, data: bytes) -> None:
    at, number = 1, 0  # behind a header
    U8.unpack_from(data)
    while at < len(data):
        number += 1
        if length := data[at]:
            tag(position, f"tag{number}", part(data, at + 1, length))
        at += 1 + length


def tag(position: Position, name: str, data: bytes) -> None:
    """The fields of one tag: type, length, value."""
    at = 0
    while at < len(data):
        kind, length = data[at], data[at + 1]
        at += 2
        if (row := TAG_NUMBERS.get(kind)) is not None:
            attribute, layout, convert = row
            position.attributes[name + attribute] = convert(*layout.unpack_from(data, at))
            at += layout.size
        elif kind == TAG_MAC:
            position.set(f"{name}Mac", part(data, at, 6).hex())
            at += 6
        else:
            value = part(data, at, length)
            at += length
            if kind == TAG_ID:
                position.set(f"{name}Id", value.hex())
            elif kind == TAG_NAME:
                position.set(f"{name}Name", utf8(value))
            elif kind == TAG_STATE:
                if value[0] & LOW_BATTERY:
                    position.set(f"{name}LowBattery", True)
                if value[0] & HAS_VOLTAGE:
                    position.set(f"{name}Voltage", value[1] * 10 + 2000)


VARIABLE: dict[int, Reader] = {
    256: vin,
    325: vin,
    281: trouble_codes,
    385: beacons,
    **dict.fromkeys((548, 10828, 10829, 10831, 11317), tags),
}
