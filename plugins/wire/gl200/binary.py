"""
Binary reports, big-endian: of old trackers, which have a type of three letters, and of new ones, which begin with 2B
00.

    2b525350 07 00fc1fbf 005d 45 0102 0209 5632540300034305   +RSP, type, mask, length, device, versions, id
    64 377e 42 07 10 01                                       battery, supply, motion, satellites, index, points
    00 000000 0000 007e ff75a151 025c6a81 07e10801081a2a 0268 0003 189c 1ac5 00
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR
from struct import Struct

from trackd.wire import names
from trackd.wire.binary import BitReader, bit, bits, imei, part
from trackd.wire.format import Session
from trackd.wire.times import moment, seconds
from trackd.wire.units import kmh
from trackd.wire.values import CellTower, Login, Network, Output, Position, WireError

DEGREE = 1_000_000

# Where each kind has its length, and in how many bytes.
LENGTHS = {
    b"+INF": (7, 2),
    b"+BNF": (7, 2),
    b"+HBD": (5, 1),
    b"+CRD": (6, 2),
    b"+BRD": (6, 2),
    b"+LGN": (6, 2),
    b"+RSP": (9, 2),
    b"+BSP": (9, 2),
    b"+EVT": (9, 2),
    b"+BVT": (9, 2),
    b"+ACK": (6, 1),
}
HEX_LENGTH = (2, 2)


def length_at(data: bytes, start: int = 0) -> tuple[int, int] | None:
    """Where the length of a binary frame is; None for a text."""
    if data[start + 1 : start + 2] == b"\0":
        return HEX_LENGTH
    kind = data[start : start + 4]
    if kind == b"+ACK" and data[start + 4 : start + 5] == b":":
        return None
    return LENGTHS.get(kind)


def binary(frame: bytes, session: Session) -> Iterator[Output]:
    """What a binary frame says: those that repeat what was stored, and all that is no report, say nothing."""
    if frame[1:2] == b"\0":
        yield from hexadecimal(frame)
    elif frame.startswith(b"+RSP"):
        yield from response(frame)
    elif frame.startswith(b"+EVT"):
        yield from event(frame)
    elif frame.startswith(b"+INF"):
        yield from information(frame)


def identity(number: int) -> str:
    return f"{number:015}"


POINT = Struct(">BBHHhii7s4Hx")  # hdop, km/h in three bytes, course, altitude, longitude, latitude, time, cell
TIME = Struct(">H5B")


def point(data: bytes, at: int) -> Position:
    hdop, fast, slow, course, altitude, longitude, latitude, time, *cell = POINT.unpack_from(data, at)
    position = Position.at(
        moment(*TIME.unpack(time)),
        valid=hdop > 0,
        latitude=latitude / DEGREE,
        longitude=longitude / DEGREE,
        altitude=float(altitude),
        speed=kmh((fast << 16 | slow) / 10),
        course=float(course),
        network=Network([CellTower(*cell)]),
    )
    position.set(names.HDOP, hdop)
    return position


RESPONSE = Struct(">4xB11xqBH")  # type; mask, length, device, versions; id, battery, supply
CALL, GEOFENCE, COMPRESSED = 3, 8, 100


def response(frame: bytes) -> Iterator[Output]:
    """+RSP"""
    kind, id, level, power = RESPONSE.unpack_from(frame)
    yield Login.of(identity(id))
    at = RESPONSE.size + (2 if kind == GEOFENCE else 0) + 1  # motion
    satellites = frame[at]
    at += 1 if kind == COMPRESSED else 2  # index
    if kind == CALL:
        at += 1
        while frame[at] >> 4 != 15 and frame[at] & 15 != 15:
            at += 1
        at += 1
    if kind == COMPRESSED:
        yield from compressed(frame, at)
        return
    for place in range(frame[at]):
        position = point(frame, at + 1 + place * POINT.size)
        position.set(names.BATTERY_LEVEL, level)
        position.set(names.POWER, power)
        position.set(names.SAT, satellites)
        yield position


COUNT = Struct(">H")
ABSOLUTE, DIFFERENCE = 1, 2  # the kind of an entry, in its two highest bits
ABSOLUTE_SIZE, DIFFERENCE_SIZE = 3, 5
COORDINATES = Struct(">ii")  # longitude, latitude
EPOCH = Struct(">I")


def compressed(frame: bytes, at: int) -> Iterator[Position]:
    """One point a second: the first with its time, most others by what has changed. Others let the time pass."""
    (count,) = COUNT.unpack_from(frame, at)
    at += COUNT.size
    time = speed = course = longitude = latitude = 0
    for _ in range(count):
        if time > 0:
            time += 1
        kind = frame[at] >> 6
        if kind == ABSOLUTE:
            reader = BitReader(part(frame, at, ABSOLUTE_SIZE))
            reader.read(3)  # kind, type of the fix
            speed, course = reader.read(12), reader.read(9)
            at += ABSOLUTE_SIZE
            longitude, latitude = COORDINATES.unpack_from(frame, at)
            at += COORDINATES.size
            if time == 0:
                (time,) = EPOCH.unpack_from(frame, at)
                at += EPOCH.size
        elif kind == DIFFERENCE:
            reader = BitReader(part(frame, at, DIFFERENCE_SIZE))
            reader.read(3)
            speed += reader.signed(7)
            course += reader.signed(7)
            longitude += reader.signed(12)
            latitude += reader.signed(11)
            at += DIFFERENCE_SIZE
        else:
            at += 1
            continue
        yield Position.at(
            seconds(time),
            valid=True,
            latitude=latitude / DEGREE,
            longitude=longitude / DEGREE,
            speed=kmh(speed / 10),
            course=float(course),
        )


EVENT = Struct(">4xB9xHqBHxB")  # type; mask, length, device, version; firmware, id, battery, supply; motion; satellites
# Bytes that some types have in front of the point.
EVENT_SKIPS = {6: 2, 15: 3, 17: 4, 21: 5, 23: 1, 26: 12, 31: 2, 33: 1, 34: 3, 35: 1, 45: 7, 46: 7}


def event(frame: bytes) -> Iterator[Output]:
    """+EVT"""
    kind, firmware, id, level, power, satellites = EVENT.unpack_from(frame)
    yield Login.of(identity(id))
    position = point(frame, EVENT.size + EVENT_SKIPS.get(kind, 0) + 1)  # number of points
    position.set(names.VERSION_FW, str(firmware))
    position.set(names.BATTERY_LEVEL, level)
    position.set(names.POWER, power)
    position.set(names.SAT, satellites)
    yield position


INFORMATION = Struct(">4xB6xq3xH")  # type; mask, length; id; device, version; firmware
SATELLITES = Struct(">2xB21x")  # motion; satellites; mode, time of the last fix, intervals
BATTERY = Struct(">BHHB")  # whether it charges, supply, battery, level
CELL = Struct(">2x4H2x")
SIGNAL, VERSION, BATTERIES, CELLS = 5, 6, 7, 10  # types


def information(frame: bytes) -> Iterator[Output]:
    """+INF: parts that belong to some types stand between those that all have."""
    kind, id, firmware = INFORMATION.unpack_from(frame)
    at = INFORMATION.size
    yield Login.of(identity(id))
    position = Position(outdated=True)
    position.set(names.VERSION_FW, str(firmware))
    if kind == VERSION:
        at += 6
    (satellites,) = SATELLITES.unpack_from(frame, at)
    at += SATELLITES.size
    position.set(names.SAT, satellites)
    if kind == BATTERIES:
        charge, power, battery, level = BATTERY.unpack_from(frame, at)
        at += BATTERY.size
        position.set(names.CHARGE, charge != 0)
        position.set(names.POWER, power / 1000)
        position.set(names.BATTERY, battery / 1000)
        position.set(names.BATTERY_LEVEL, level)
    at += 10  # ICCID
    if kind == SIGNAL:
        position.set(names.RSSI, frame[at])
        at += 2
    at += 3  # time zone
    if kind == CELLS:
        position.network = Network([CellTower(*CELL.unpack_from(frame, at))])
        at += CELL.size
    parts = TIME.unpack_from(frame, at)
    if parts[0] <= MAXYEAR:  # later ones come from masks of two bytes, which move all that follows them
        position.device_time = moment(*parts)
    yield position


# 2B 00: records of elements

FLAGS, PACKET = 4, 7  # where the flags are, and the bit for the number of the packet
VERSIONS = 5  # bytes of device and versions
TRAILER = 4  # bytes of count, checksum, tail
RECORD_HEAD = 8  # bytes of time, count, record, event
FIX = Struct(">BiiIHBHBHB")  # kind, longitude, latitude, time, km/h, hdop, course, altitude in three bytes, satellites
FIX_ELEMENT, VALID = 0x52, 2


def hexadecimal(frame: bytes) -> Iterator[Output]:
    (length,) = COUNT.unpack_from(frame, HEX_LENGTH[0])
    at = FLAGS + 1 + (2 if bit(frame[FLAGS], PACKET) else 0)
    yield Login.of(imei(part(frame, at, 8)))
    at += 8 + VERSIONS
    at += 1 + frame[at]
    end = length - TRAILER
    while at < end:
        size, elements = varying(frame, at)
        stop = at + size
        elements += RECORD_HEAD
        if not elements <= stop <= len(frame):
            raise WireError(f"a record of {size} bytes")
        while elements < stop:
            element, elements = varying(frame, elements)
            size, elements = varying(frame, elements)
            data = part(frame, elements, size)
            if element == FIX_ELEMENT:
                yield fix(data)
            elements += size
        at = stop


def varying(data: bytes, at: int) -> tuple[int, int]:
    """A number of one byte, or with the highest bit of two, and where it ends."""
    first = data[at]
    if bit(first, 7):
        return bits(first, 0, 6) << 8 | data[at + 1], at + 2
    return first, at + 1


def fix(data: bytes) -> Position:
    kind, longitude, latitude, time, speed, hdop, course, high, low, satellites = FIX.unpack_from(data)
    position = Position.at(
        seconds(time),
        valid=bits(kind, 2, 3) == VALID,
        latitude=latitude / DEGREE,
        longitude=longitude / DEGREE,
        altitude=(high << 16 | low) / 10,
        speed=kmh(speed / 10),
        course=float(course),
    )
    position.set(names.HDOP, hdop / 10)
    position.set(names.SAT, satellites)
    return position
