"""
FLEX: telemetry whose records have the fields that the device has announced by a mask.

    7e54 04000000                       ~T: one record, index of the event
    04000000 0517 …                     the record
    b2                                  checksum

~A has a number of records, ~C one without an index.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from struct import Struct

from plugins.wire.navis.fields import (
    INS,
    OUTS,
    Field,
    Layout,
    altitude,
    bits,
    course,
    guarded,
    half,
    latitude,
    longitude,
    metres,
    satellites,
    speed,
    tenth,
    thousandfold,
    thousandth,
    time,
    twentieth,
    unless,
    upper_byte,
)
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.checksums import crc8_nrsc5
from trackd.wire.coordinates import check_position
from trackd.wire.framing import LIMIT
from trackd.wire.values import Output, Position, Reply, WireError


def fuel_level(value: int) -> int | None:
    """Of a level sensor; from 65500 on the values are errors of it."""
    return value if value < 65500 else None


def tank(level: str, volume: str) -> Field:
    """A tank as the vehicle tells it: in percent or in tenths of a litre."""

    def read(position: Position, value: int) -> None:
        if value == 0x7FFF:
            return
        if value & 0x8000:
            position.attributes[level] = value & 0x3FFF
        else:
            position.attributes[volume] = (value & 0x3FFF) / 10

    return Field("H", None, read)


def fuel_used(value: float) -> float | None:
    return half(value) if value >= 0 else None


def dilutions(position: Position, value: bytes) -> None:
    position.attributes[names.HDOP], position.attributes[names.PDOP] = map(tenth, value)


# The fields that are read, by their number
FIELDS: dict[int, Field] = {
    1: Field("I", names.INDEX),
    2: Field("H", names.EVENT),
    4: Field("B", None, guarded),
    5: Field("B", names.STATUS),
    6: Field("B", None, upper_byte(names.STATUS)),
    7: Field("B", names.RSSI),
    8: Field("B", None, satellites),
    9: Field("I", None, time),
    10: Field("i", None, latitude),
    11: Field("i", None, longitude),
    12: Field("i", None, altitude),
    13: Field("f", None, speed),
    14: Field("H", None, course),
    15: Field("f", names.ODOMETER, metres),
    16: Field("f", names.DISTANCE, metres),
    19: Field("H", names.POWER, thousandth),
    20: Field("H", names.BATTERY, thousandth),
    **{20 + n: Field("H", f"{names.ADC}{n}") for n in range(1, 9)},  # mV
    29: Field("B", None, bits(names.INPUT, INS[:8])),
    30: Field("B", None, upper_byte(names.INPUT, INS[8:])),
    31: Field("B", None, bits(names.OUTPUT, OUTS[:8])),
    32: Field("B", None, upper_byte(names.OUTPUT, OUTS[8:])),
    33: Field("I", f"{names.COUNT}1"),
    34: Field("I", f"{names.COUNT}2"),
    35: Field("H", "freq1"),  # Hz
    36: Field("H", "freq2"),
    37: Field("I", names.HOURS, thousandfold),
    **{37 + n: Field("H", f"{names.FUEL}{n}", fuel_level) for n in range(1, 7)},
    44: Field("H", names.FUEL, fuel_level),
    **{44 + n: Field("b", f"{names.TEMP}{n}") for n in range(1, 9)},
    53: tank("obdFuelLevel", "obdFuel"),
    54: Field("f", names.FUEL_USED, fuel_used),
    55: Field("H", names.RPM, unless(0xFFFF)),
    56: Field("b", names.COOLANT_TEMP, unless(-0x80)),
    57: Field("f", names.OBD_ODOMETER, metres),
    **{57 + n: Field("H", f"{names.AXLE_WEIGHT}{n}", unless(0xFFFF)) for n in range(1, 6)},  # kg
    63: Field("B", "acceleratorPosition", unless(0xFF)),  # %
    64: Field("B", "brakePosition", unless(0xFF)),
    65: Field("B", names.ENGINE_LOAD, unless(0xFF)),
    66: tank("obdAdBlueLevel", "obdAdBlue"),
    67: Field("I", "obdHours", thousandfold),
    68: Field("H", names.ODOMETER_SERVICE, unless(0xFFFF, lambda value: value * 5000)),
    69: Field("B", names.OBD_SPEED),
    70: Field("8s", names.SAT_VISIBLE, sum),  # a byte for each system
    71: Field("2s", None, dilutions),
    **{77 + n: Field("b", f"fuelTemp{n}") for n in range(1, 7)},
    **{154 + n: Field("h", f"{names.TEMP}{n}", unless(-0x8000, twentieth)) for n in range(9, 13)},
    **{166 + n: Field("B", f"{names.HUMIDITY}{n}", unless(0xFF, half)) for n in range(1, 5)},
    **{206 + n: Field("B", f"user1Byte{n}") for n in range(1, 17)},
    **{222 + n: Field("H", f"user2Byte{n}") for n in range(1, 16)},
    **{237 + n: Field("I", f"user4Byte{n}") for n in range(1, 16)},
    **{252 + n: Field("q", f"user8Byte{n}") for n in range(1, 4)},
}

# Those that are not: first, last, bytes of each
SKIPPED = (
    (3, 3, 4),  # time of the event; that of the fix counts
    (17, 18, 2),  # seconds of the segment, seconds counted
    (72, 72, 1),  # state of the precise receiver
    (73, 73, 16),  # its place
    (74, 74, 4),  # its altitude
    (75, 75, 2),  # its course
    (76, 76, 4),  # its speed
    (77, 77, 37),  # three cells, and when
    (84, 93, 3),  # fuel sensors
    (94, 94, 6),  # tyres: 2,
    (95, 95, 12),  # 4,
    (96, 96, 24),  # 8,
    (97, 97, 48),  # 16 of them
    (98, 101, 1),  # tachograph: activity, mode, flags, speed,
    (102, 103, 4),  # odometer, time
    (104, 104, 1),  # driver's display: status,
    (105, 105, 4),  # last message
    (106, 106, 2),  # time shift, ms
    (107, 107, 6),  # acceleration
    (108, 108, 2),  # for how long it exceeded
    (109, 109, 6),  # the strongest of accelerating, braking, cornering
    (110, 117, 2),  # passengers
    (118, 118, 1),  # announcer: state,
    (119, 121, 2),  # last geofence, last stop, route
    (122, 126, 1),  # camera, device, modules, connection, inputs 17 to 24
    (127, 132, 4),  # counters 3 to 8
    (133, 138, 2),  # frequencies 3 to 8
    (139, 140, 1),  # accelerometer, tilt
    (141, 141, 2),  # pitch, roll
    (142, 142, 3),  # external tilt
    (143, 143, 2),  # the strongest vertical acceleration
    (144, 145, 1),  # highest speed, thresholds of speed
    (146, 146, 3),  # thresholds of the way of driving
    (147, 162, 2),  # frequencies of sensors
    (171, 171, 2),  # flow sensor: mode,
    (172, 174, 4),  # faults, total, trip,
    (175, 175, 2),  # rate,
    (176, 176, 4),  # volume fed,
    (177, 178, 2),  # its rate and temperature,
    (179, 179, 4),  # volume returned,
    (180, 181, 2),  # its rate and temperature
    (182, 192, 2),  # refrigerator: state, temperatures, voltage, current,
    (193, 196, 4),  # hours, faults,
    (197, 197, 6),  # faults,
    (198, 198, 3),  # engine,
    (199, 199, 1),  # compressor
    (200, 201, 2),  # geofences, security flags
    (202, 202, 1),  # security event
    (203, 203, 4),  # warning lamps
    (204, 204, 5),  # fault
    (205, 206, 4),  # engine hours, diagnosis
)
FIELDS |= {n: Field(f"{size}x") for first, last, size in SKIPPED for n in range(first, last + 1)}


@lru_cache(256)
def layout(mask: bytes, count: int) -> Layout:
    """The record of a mask of so many bits, the highest bit of the first byte for the first field."""
    return Layout(tuple(FIELDS[n + 1] for n in range(count) if mask[n >> 3] >> (7 - n % 8) & 1))


# The part of a record with extra fields that is always there; its version, its length and the time of the event are not
# looked at
VERSION = b"\x0a"
EXTRA = Layout((Field("x"), FIELDS[1], FIELDS[2], Field("4x"), *(FIELDS[n] for n in range(8, 16))))

ARRAY, RECORD, CURRENT, EXTRA_ARRAY, EXTRA_RECORD = b"~A", b"~T", b"~C", b"~E", b"~X"
MARK = 2  # bytes of these
CHECKSUM = 1
COUNT = Struct("<b")
MOST = 0x7F  # records of a packet: their number is signed
LENGTH, BIG_LENGTH = Struct("<H"), Struct(">H")
INDEX = Struct("<I")

LONGEST = MARK + COUNT.size + MOST * layout(bytes((0xFF,)) * 32, len(FIELDS)).size + CHECKSUM


def split(buffer: bytes, start: int, record: int) -> tuple[bytes, int] | None:
    """A packet with records of so many bytes; what begins with another mark is waited for in vain, up to a limit."""
    left = len(buffer) - start - MARK
    if left < 1:
        return None
    mark = buffer[start : start + MARK]
    size = MARK + CHECKSUM
    if mark == ARRAY:
        size += COUNT.size + count(buffer, start) * record
    elif mark == RECORD:
        size += INDEX.size + record
    elif mark == CURRENT:
        size += record
    elif mark == EXTRA_ARRAY:
        size += COUNT.size
        for _ in range(count(buffer, start)):
            at = start + size - CHECKSUM
            if len(buffer) < at + BIG_LENGTH.size:
                return None
            size += BIG_LENGTH.size + BIG_LENGTH.unpack_from(buffer, at)[0]
    elif mark == EXTRA_RECORD:
        if left < LENGTH.size:
            return None
        size += INDEX.size + LENGTH.unpack_from(buffer, start + MARK)[0]
    elif len(buffer) - start > LIMIT:
        raise WireError(f"no packet begins with {mark!r}")
    else:
        return None
    end = start + size
    return (buffer[start:end], end) if end <= len(buffer) else None


def count(buffer: bytes, start: int) -> int:
    """How many records there are in the packet."""
    (found,) = COUNT.unpack_from(buffer, start + MARK)
    if found < 0:
        raise WireError(f"{found} records")
    return int(found)


def packet(data: bytes, fields: Layout) -> Iterator[Output]:
    """What a packet says whose records have these fields, and its answer."""
    mark = data[:MARK]
    if mark in (ARRAY, EXTRA_ARRAY):
        at = MARK + COUNT.size
        for _ in range(data[MARK]):
            if mark == ARRAY:
                position: Position | None = fields.read(data, at, {})
                at += fields.size
            else:
                position, at = extra(data, at)
            if position is not None and has_fix(position):
                yield position
        yield answer(mark + data[MARK : MARK + 1])
    elif mark in (RECORD, CURRENT, EXTRA_RECORD):
        at = MARK if mark == CURRENT else MARK + INDEX.size
        position = extra(data, at)[0] if mark == EXTRA_RECORD else fields.read(data, at, {})
        if position is not None and has_fix(position):
            yield position
        yield answer(mark + INDEX.pack(position.attributes.get(names.INDEX, 0) if position is not None else 0))


def has_fix(position: Position) -> bool:
    """
    Whether a record has the time of a fix. Without one it is no position; a place that is none is bad all the same.
    """
    if position.fix_time is None:
        check_position(position)
    return position.fix_time is not None


def extra(data: bytes, at: int) -> tuple[Position | None, int]:
    """
    A record with extra fields, if it is one, and where the next begins.

    Its length is read with the high byte first and from the beginning of the packet, as clients have come to know it.
    Devices write it otherwise, and in ~X elsewhere: they are answered or refused, and hardly ever understood.
    """
    (length,) = BIG_LENGTH.unpack_from(data, at)
    at += BIG_LENGTH.size
    if length > len(data) - at:
        return None, at
    version = part(data, at, len(VERSION))
    at += len(VERSION)
    if version != VERSION:
        return None, at
    position = EXTRA.read(data, at, {})
    at += EXTRA.size
    rest = part(data, at, length - at - 1)
    return position, at + len(rest)


def answer(content: bytes) -> Reply:
    return Reply(content + bytes((crc8_nrsc5(content),)))
