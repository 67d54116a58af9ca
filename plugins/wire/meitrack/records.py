"""
Locations in binary records, in little-endian: of one size in CCC, made of parameters in CCE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any

from trackd.wire import names
from trackd.wire.binary import int32, part, signed
from trackd.wire.text import latin
from trackd.wire.times import since_2000
from trackd.wire.units import kmh, minutes
from trackd.wire.values import CellTower, Network, Position, WifiAccessPoint, WireError

DEGREE = 1_000_000

# CCC: records of one size

RECORDS = 8  # bytes before the records: version, size of a record, number of records that are still to come
RECORD = Struct("<BiiI3BHHHHII8HI")


def fixed_records(frame: bytes, at: int) -> list[Position]:
    """CCC, whose records go as far as there are whole ones."""
    positions = []
    part(frame, at, RECORDS)
    at += RECORDS
    count = (len(frame) - at) // RECORD.size
    for fields in RECORD.iter_unpack(frame[at : at + count * RECORD.size]):
        event, latitude, longitude, time, valid, satellites, signal, speed, course, hdop, altitude, *rest = fields
        odometer, runtime, mcc, mnc, lac, cid, status, adc, battery, power, _ = rest
        position = Position.at(
            since_2000(time),
            valid=valid == 1,
            latitude=latitude / DEGREE,
            longitude=longitude / DEGREE,
            altitude=float(altitude),
            speed=kmh(speed),
            course=float(course),
            network=Network([CellTower(mcc, mnc, lac, cid, signal)]),
            attributes={
                names.EVENT: event,
                names.SAT: satellites,
                names.HDOP: hdop / 10,
                names.ODOMETER: odometer,
                "runtime": runtime,
                names.STATUS: status,
                f"{names.ADC}1": adc,
                names.BATTERY: battery / 100,
                names.POWER: power,
            },
        )
        positions.append(position)
    return positions


# CCE: records of parameters, in groups of values of 1, 2, 4 bytes and of any length

PACKET = Struct("<4xH")  # number of records that are still to come, number of records
RECORD_HEAD = Struct("<H2x")  # bytes that follow the length, number of parameters
ONE, TWO, FOUR = Struct("<BB"), Struct("<BH"), Struct("<BI")  # id and value
LONG_ID = 0xFE  # the first byte of an id of two

# Values by their names, with their conversion if there is one. What is no attribute is taken by `parameters` itself.
Table = dict[int, tuple[str, "Callable[[int], Any] | None"]]

VALID, LOCK = 0x05, 0x47
ONES: Table = {
    0x01: (names.EVENT, None),
    0x06: (names.SAT, None),
    0x07: (names.RSSI, None),
    0x14: (names.OUTPUT, None),
    0x15: (names.INPUT, None),
    0x97: (names.THROTTLE, None),
    0x9D: (names.FUEL, None),
    0xFE69: (names.BATTERY_LEVEL, None),
}
SPEED, COURSE, ALTITUDE = 0x08, 0x09, 0x0B
TWOS: Table = {
    0x0A: (names.HDOP, None),
    0x16: (f"{names.ADC}1", lambda value: value / 100),
    0x17: (f"{names.ADC}2", lambda value: value / 100),
    0x19: (names.BATTERY, lambda value: value / 100),
    0x1A: (names.POWER, lambda value: value / 100),
    0x29: (names.FUEL, lambda value: value / 100),
    0x40: (names.EVENT, None),
    0x91: (names.OBD_SPEED, None),
    0x92: (names.OBD_SPEED, None),
    0x98: (names.FUEL_USED, None),
    0x99: (names.RPM, None),
    0x9C: (names.COOLANT_TEMP, None),
    0x9F: (f"{names.TEMP}1", None),
    0xC9: (names.FUEL_CONSUMPTION, None),
}
LATITUDE, LONGITUDE, TIME = 0x02, 0x03, 0x04
FOURS: Table = {
    0x0C: (names.ODOMETER, None),
    0x0D: ("runtime", None),
    0x25: (names.DRIVER_UNIQUE_ID, str),
    0x9B: (names.OBD_ODOMETER, None),
    0xA0: (names.FUEL_USED, lambda value: value / 1000),
    0xA2: (names.FUEL_CONSUMPTION, lambda value: value / 100),
    0xFEF4: (names.HOURS, minutes),
}


def parameter_records(frame: bytes, at: int) -> Iterator[Position]:
    """
    CCE, whose records tell their size.

    What is read of a record may reach into those behind it; but all of them together not so far that the frame could
    be read over and over.
    """
    (count,) = PACKET.unpack_from(frame, at)
    at += PACKET.size
    twice = 0  # bytes that were read for more than one record
    for _ in range(count):
        (length,) = RECORD_HEAD.unpack_from(frame, at)
        position, end = parameters(frame, at + RECORD_HEAD.size)
        yield position
        at += 2 + length
        twice += max(end - at, 0)
        if at > len(frame) or twice > len(frame):
            raise WireError("records are cut off, or lie in each other")


def parameters(frame: bytes, at: int) -> tuple[Position, int]:
    """One record, and where it ends. Parameters that are not known are passed over."""
    ones, at = group(frame, at, ONE)
    twos, at = group(frame, at, TWO)
    fours, at = group(frame, at, FOUR)
    time = since_2000(fours[TIME]) if TIME in fours else None
    position = Position(
        time,
        time,
        valid=ones.get(VALID, 0) > 0,
        latitude=int32(fours.get(LATITUDE, 0)) / DEGREE,
        longitude=int32(fours.get(LONGITUDE, 0)) / DEGREE,
        altitude=float(signed(twos.get(ALTITUDE, 0), 16)),
        speed=kmh(twos.get(SPEED, 0)),
        course=float(twos.get(COURSE, 0)),
    )
    attributes = position.attributes
    for table, values in ((ONES, ones), (TWOS, twos), (FOURS, fours)):
        for id, value in values.items():
            row = table.get(id)
            if row is not None:
                name, convert = row
                attributes[name] = value if convert is None else convert(value)
    if lock := ones.get(LOCK):
        attributes[names.LOCK] = lock == 2
    return position, others(frame, at, position)


def group(frame: bytes, at: int, pair: Struct) -> tuple[dict[int, int], int]:
    """The values of the group at `at` by their ids, and where it ends; `pair` is an id of one byte and a value."""
    count = frame[at]
    at += 1
    end = at + count * pair.size
    if LONG_ID not in frame[at : end : pair.size]:
        return dict(pair.iter_unpack(part(frame, at, end - at))), end
    values = {}
    for _ in range(count):
        id, value = pair.unpack_from(frame, at)
        if id == LONG_ID:
            at += 1
            second, value = pair.unpack_from(frame, at)
            id = id << 8 | second
        values[id] = value
        at += pair.size
    return values, at


def others(frame: bytes, at: int, position: Position) -> int:
    """The group of values of any length; where it ends."""
    count = frame[at]
    at += 1
    for _ in range(count):
        id = frame[at]
        at += 1
        if id == LONG_ID:
            id = id << 8 | frame[at]
            at += 1
        at = OTHERS.get(id, unknown)(position, id, frame, at)
    return at


# Parameters of any length: read from where their length stands, which only some of them respect; each returns its end.

CELL = Struct("<xHHHIh")  # country, network, area, cell, signal
ACCESS_POINT = Struct("<x6sh")  # MAC, signal
THERMOMETER = Struct("<xxh")  # label, 1/100 °C
TAG = Struct("<6xBhh8x")  # MAC, battery, temperature, humidity, thresholds
BATTERIES = Struct("<x6Bx")  # whether it is there and level of three batteries, alert
ALARM_WITH_PICTURE = 2
FIRST_THERMOMETER = 0x2A


def unknown(position: Position, id: int, frame: bytes, at: int) -> int:
    length = frame[at]
    part(frame, at + 1, length)
    return at + 1 + length


def heard(position: Position) -> Network:
    if position.network is None:
        position.network = Network()
    return position.network


def cell(position: Position, id: int, frame: bytes, at: int) -> int:
    heard(position).add(CellTower(*CELL.unpack_from(frame, at)))
    return at + CELL.size


def access_point(position: Position, id: int, frame: bytes, at: int) -> int:
    mac, signal = ACCESS_POINT.unpack_from(frame, at)
    heard(position).add(WifiAccessPoint(mac.hex(":"), signal))
    return at + ACCESS_POINT.size


def thermometer(position: Position, id: int, frame: bytes, at: int) -> int:
    (value,) = THERMOMETER.unpack_from(frame, at)
    position.set(f"{names.TEMP}{id - FIRST_THERMOMETER}", value / 100)
    return at + THERMOMETER.size


def assistance(position: Position, id: int, frame: bytes, at: int) -> int:
    """An alarm of a camera, perhaps with the name of the picture that it has taken."""
    length, kind, alarm = frame[at : at + 3]
    position.set("alarmType", alarm)
    rest = part(frame, at + 3, length - 2)
    if kind == ALARM_WITH_PICTURE and length > 3:
        day = part(rest, 0, 8)
        folder = b"%b-%b-%b" % (day[:4], day[4:6], day[6:]) if day.isdigit() else day
        position.set(names.IMAGE, latin(folder + b"/" + rest))
    return at + 1 + length


def tag(position: Position, id: int, frame: bytes, at: int) -> int:
    """A Bluetooth thermometer."""
    length = frame[at + 2]
    position.set("tagName", latin(part(frame, at + 3, length)))
    at += 3 + length
    battery, temperature, humidity = TAG.unpack_from(frame, at)
    position.set("tagBattery", battery)
    position.set("tagTemp", temperature / 256)
    position.set("tagHumidity", humidity / 256)
    return at + TAG.size


def batteries(position: Position, id: int, frame: bytes, at: int) -> int:
    values = BATTERIES.unpack_from(frame, at)
    for name, there, level in zip(LEVELS, values[::2], values[1::2], strict=True):
        if there:
            position.set(name, level)
    return at + BATTERIES.size


LEVELS = (names.BATTERY_LEVEL, "battery2Level", "battery3Level")
OTHERS: dict[int, Callable[[Position, int, bytes, int], int]] = {
    **dict.fromkeys((0x0E, 0x0F, 0x10, 0x12, 0x13), cell),
    **dict.fromkeys(range(0x1D, 0x26), access_point),
    **dict.fromkeys(range(FIRST_THERMOMETER, 0x32), thermometer),
    0xFE31: assistance,
    0xFE73: tag,
    0xFEA8: batteries,
}
