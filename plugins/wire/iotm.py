"""
IOTM, a payload of telematics units that publish it by MQTT; the client id is the device's.

A message is a version, records, and a sum of all bytes before it, which is not looked at; numbers are little-endian:

    02                                                     version
    02 0800 4f6af05390140300                               record: type, length, data; this one tells the IMEI
    01 3500 7715ec5f                                       data record: seconds since 1970, then items
       0d 02b0 00485cea73083041                            item: kind, id, value
       04 0b30 ee   05 0030 ae38   04 0020 12
       0e 00d0 d34bc941 2e9c5d42 1200 08 06 ee00 feff      GPS: latitude, longitude, speed, HDOP, satellites, course, …
       01 1300   00 6d00                                   items without a value: their kind is true or false
    6e
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any

from trackd.wire import commands, mqtt, names
from trackd.wire.binary import part, single
from trackd.wire.checksums import sum8
from trackd.wire.coordinates import check_position
from trackd.wire.format import Session, WireFormat
from trackd.wire.text import latin, long, shown
from trackd.wire.times import seconds
from trackd.wire.units import KMH
from trackd.wire.values import Command, Output, Position, Unsupported

RECORD = Struct("<BH")  # type, length
IMEI, DATA, EVENT, OUTPUT = 2, 1, 3, 4
ITEM = Struct("<BH")  # kind, id


def decode(payload: bytes, session: Session) -> Iterator[Output]:
    at = 1  # behind the version
    while len(payload) - at > 1:
        kind, length = RECORD.unpack_from(payload, at)
        at += RECORD.size
        record = part(payload, at, length)
        at += length
        if kind == DATA:
            yield report(record)
        elif kind == EVENT:
            yield event(record)
    part(payload, at, 1)  # the sum


U8, U16, U32, S64 = Struct("<B"), Struct("<H"), Struct("<I"), Struct("<q")
F32, F64 = Struct("<f"), Struct("<d")

ZERO, GPS = 3, 14
FIX = Struct("<ffHBBHh")  # latitude, longitude, km/h, HDOP × 10, satellites, course, altitude


def report(record: bytes) -> Position:
    (time,) = U32.unpack_from(record)
    position = Position.at(seconds(time))
    attributes = position.attributes
    at, end = U32.size, len(record)
    while at < end:
        kind, id = ITEM.unpack_from(record, at)
        at += ITEM.size
        if kind == ZERO:  # of a number, which is then not told at all
            continue
        if kind == GPS:
            place(position, *FIX.unpack_from(record, at))
            at += FIX.size
        elif (flag := FLAGS.get(id)) is not None:
            attributes[flag] = kind > 0
        elif (number := NUMBERS.get(id)) is not None:
            name, layout, convert = number
            (raw,) = layout.unpack_from(record, at)
            attributes[name] = convert(raw) if convert is not None else raw
            at += layout.size
        elif id in JAMMING:
            if kind > 0:
                position.add_alarm(names.ALARM_JAMMING)
        else:
            found, at = value(kind, record, at)
            if id in TEXTS:
                position.set(TEXTS[id], shown(found))
            else:
                attributes[f"{names.IO}{id}"] = found  # also if it is nothing
    return position


def place(
    position: Position, latitude: float, longitude: float, speed: int, hdop: int, sat: int, course: int, altitude: int
) -> None:
    position.valid = True
    position.latitude = latitude
    position.longitude = longitude
    check_position(position)  # another fix may overwrite it
    position.speed = speed * KMH
    position.course = float(course)
    position.altitude = float(altitude)
    position.attributes[names.HDOP] = hdop / 10
    position.attributes[names.SAT] = sat


# What is told by the kind alone: anything but 0 is true
FLAGS = {
    0x0002: names.MOTION,
    0x0010: f"{names.IN}2",
    0x0011: f"{names.IN}3",
    0x0012: f"{names.IN}4",
    0x0013: f"{names.IN}5",
    0x0014: f"{names.IN}6",
    0x0015: f"{names.IN}7",
    0x001E: "buttonPresent",
    0x0062: "doorFL",
    0x0063: "doorFR",
    0x0064: "doorRL",
    0x0065: "doorRR",
    0x006D: names.IGNITION,
    0x008B: "handBrake",
    0x008C: "footBrake",
    0x0094: f"{names.OUT}1",
    0x0095: f"{names.OUT}2",
    0x0096: f"{names.OUT}3",
    0x009A: f"{names.OUT}4",
}
JAMMING = (0x0008, 0x009B)


def thousandth(value: int) -> float:
    return value / 1000


# Numbers by id, whatever their kind is: name, layout, conversion
NUMBERS: dict[int, tuple[str, Struct, Callable[[Any], Any] | None]] = {
    0x2000: (names.OBD_SPEED, U8, None),
    0x2001: (names.SAT, U8, None),
    0x2006: (names.THROTTLE, U8, None),
    0x2007: (names.FUEL, U8, None),
    0x2008: (names.COOLANT_TEMP, U8, None),
    0x2009: ("fuel2", U8, None),
    0x200A: (names.ENGINE_LOAD, U8, None),
    0x2041: (names.BATTERY_LEVEL, U8, None),
    0x3000: (names.POWER, U16, thousandth),
    0x3001: (f"{names.ADC}5", U16, thousandth),
    0x3002: (f"{names.ADC}4", U16, thousandth),
    0x3003: (f"{names.ADC}3", U16, thousandth),
    0x3004: (names.BATTERY, U16, thousandth),
    0x300C: (names.RPM, U16, None),
    0x3021: (names.FUEL_CONSUMPTION, U16, lambda value: value / 20),
    0x3037: ("cargoWeight", U16, lambda value: value * 2),
    0x4001: (names.FUEL_USED, U32, None),
    0x4002: (names.HOURS, U32, None),
    0x4003: (names.ODOMETER, U32, lambda value: value * 5),
    0x4063: (names.AXLE_WEIGHT, U32, None),
    0x5004: (f"{names.TEMP}1", S64, None),
    0x5005: (f"{names.TEMP}2", S64, None),
    0x5006: (f"{names.TEMP}3", S64, None),
    0x5007: (f"{names.TEMP}4", S64, None),
    0xA000: (names.DEVICE_TEMP, F32, None),
    0xA001: (names.ACCELERATION, F32, None),
    0xA002: ("cornering", F32, None),
    0xA017: (f"{names.TEMP}1", F32, None),
    0xA018: (f"{names.TEMP}2", F32, None),
    0xA019: (f"{names.TEMP}3", F32, None),
    0xA01A: (f"{names.TEMP}4", F32, None),
    0xB002: (names.OBD_ODOMETER, F64, None),
}
# Values of any kind that become texts
TEXTS = {0x5000: names.DRIVER_UNIQUE_ID, 0x500D: "trailerId"}

# Kinds of a value: constants, numbers, and texts or bytes behind their length
CONSTANTS = {0: False, 1: True}
SINGLE = 12
KINDS = {
    4: U8,
    5: U16,
    6: U32,
    7: S64,
    8: Struct("<b"),
    9: Struct("<h"),
    10: Struct("<i"),
    11: S64,
    SINGLE: F32,
    13: F64,
}
STRINGS: dict[int, tuple[Struct, Callable[[bytes], str]]] = {
    32: (U8, latin),
    33: (U8, bytes.hex),
    64: (U16, latin),
    65: (U16, bytes.hex),
}


def value(kind: int, record: bytes, at: int) -> tuple[Any, int]:
    """A value by its kind, and where it ends; of a kind that is not known nothing is read."""
    if (layout := KINDS.get(kind)) is not None:
        (found,) = layout.unpack_from(record, at)
        return single(found) if kind == SINGLE else found, at + layout.size
    if kind in STRINGS:
        layout, read = STRINGS[kind]
        (length,) = layout.unpack_from(record, at)
        at += layout.size
        return read(part(record, at, length)), at + length
    return CONSTANTS.get(kind), at


TOLD = Struct("<IBB")  # seconds since 1970, function, event


def event(record: bytes) -> Position:
    time, _, number = TOLD.unpack_from(record)
    position = Position.last(seconds(time))
    position.attributes[names.EVENT] = number
    return position


VERSION = b"\x02"
SWITCH = Struct("<IBBBB2s")  # when it expires, output, constant, constant, state, end
EXPIRY = 0x7FFFFFFF
TOPIC = "OUTC"


def encode(command: Command, session: Session) -> bytes:
    if session.device is None:
        raise Unsupported("no device")
    id = session.device.unique_id
    output = commands.integer(command, "index") - 1
    state = commands.integer(command, "data")
    switch = SWITCH.pack(EXPIRY, output & 0xFF, 0, 3, state & 0xFF, b"\xb0\xb1")
    payload = VERSION
    for kind, data in (IMEI, S64.pack(long(id))), (OUTPUT, switch):
        payload += RECORD.pack(kind, len(data)) + data
    return mqtt.publish(session.version, f"{id}/{TOPIC}", payload + bytes((sum8(payload),)), 0)


iotm = WireFormat("iotm", port=5218, mqtt=True, decode=decode, commands=("outputControl",), encode=encode)
