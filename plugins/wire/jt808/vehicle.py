"""The readings of a vehicle's own computer, for which there are four forms."""

from __future__ import annotations

from struct import Struct

from plugins.wire.jt808.fields import (
    LONG_TYPE_LENGTH,
    TYPE_LENGTH,
    U8,
    U16,
    U32,
    Row,
    Text,
    Value,
    hundredths,
    less_40,
    percent,
    skipped,
    tenths,
    thousandths,
    times_100,
    times_1000,
    walk,
    words,
)
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.text import integer, latin, number, split_at
from trackd.wire.values import Position, WireError

# Item 0x91.
OBD_ROW: Row = (
    (names.BATTERY, U16, tenths),
    (names.RPM, U16, int),
    (names.OBD_SPEED, U8, int),
    (names.THROTTLE, U8, percent),
    (names.ENGINE_LOAD, U8, percent),
    (names.COOLANT_TEMP, U8, less_40),
    skipped(2),
    (names.FUEL_CONSUMPTION, U16, hundredths),
    skipped(8),
    (names.FUEL_USED, U16, hundredths),
)


def obd(position: Position, data: bytes, at: int, end: int) -> None:
    """Item 0x80, whose first byte is of no use."""
    part(data, at, 1)
    walk(position, data, at + 1, end, TYPE_LENGTH, _OBD, _OBD_TEXTS)


_OBD: dict[int, Value] = {
    0x01: (names.ODOMETER, U32, times_100),
    0x02: (names.FUEL, U16, tenths),
    0x03: (names.OBD_SPEED, U16, tenths),
    0x56: (names.BATTERY_LEVEL, Struct("xB"), int),
    0x61: (names.POWER, U16, hundredths),
    0x69: (names.BATTERY, U16, hundredths),
    0x80: (names.OBD_SPEED, U8, int),
    0x81: (names.RPM, U16, int),
    0x82: (names.POWER, U16, tenths),
    0x83: (names.ENGINE_LOAD, U8, int),
    0x84: (names.COOLANT_TEMP, U8, less_40),
    0x85: (names.FUEL_CONSUMPTION, U16, int),
    0x86: ("intakeTemp", U8, less_40),
    0x87: ("intakeFlow", U16, int),
    0x88: ("intakePressure", U8, int),
    0x89: (names.THROTTLE, U8, int),
    0x8B: (names.VIN, Struct("17s"), latin),
    0x8C: (names.OBD_ODOMETER, U32, times_100),
    0x8D: (names.ODOMETER_TRIP, U16, times_1000),
    0x8E: (names.FUEL, U8, int),
    0xCC: (names.ICCID, Struct("20s"), latin),
}
_OBD_TEXTS: dict[int, Text] = {0xA0: (names.DTCS, words)}


def obd_ii(position: Position, data: bytes, at: int, end: int) -> int:
    """Item 0xF3."""
    return walk(position, data, at, end, LONG_TYPE_LENGTH, _OBD_II, _OBD_II_TEXTS)


_OBD_II: dict[int, Value] = {
    0x0002: (names.OBD_SPEED, U16, tenths),
    0x0003: (names.RPM, U16, int),
    0x0004: (names.POWER, U16, thousandths),
    0x0005: (names.OBD_ODOMETER, U32, times_100),
    0x0007: (names.FUEL_CONSUMPTION, U16, tenths),
    0x0008: (names.ENGINE_LOAD, U16, tenths),
    0x0009: (names.COOLANT_TEMP, U16, less_40),
    0x000B: ("intakePressure", U16, int),
    0x000C: ("intakeTemp", U16, less_40),
    0x000D: ("intakeFlow", U16, int),
    0x000E: (names.THROTTLE, U16, percent),
    0x0050: (names.VIN, Struct("17s"), latin),
    0x0100: (names.ODOMETER_TRIP, U16, tenths),
    0x0102: ("tripFuel", U16, tenths),
    0x0112: ("hardAccelerationCount", U16, int),
    0x0113: ("hardDecelerationCount", U16, int),
    0x0114: ("hardCorneringCount", U16, int),
}
_OBD_II_TEXTS: dict[int, Text] = {0x0051: ("cvn", bytes.hex), 0x0052: ("calid", latin)}


def obd_line(position: Position, text: str) -> None:
    """`$OBD-RT,12.3,0,…`: all fields must be there, but may be empty."""
    fields = split_at(text, ",")
    if len(fields) <= len(_OBD_LINE):
        raise WireError(f"{len(fields)} fields")
    for (name, meaning), field in zip(_OBD_LINE, fields[1:], strict=False):
        if field:
            position.set(name, meaning(field))


_OBD_LINE = (
    (names.POWER, number),
    (names.RPM, number),
    (names.OBD_SPEED, number),
    (names.THROTTLE, number),
    (names.ENGINE_LOAD, number),
    (names.COOLANT_TEMP, integer),
    (names.FUEL_CONSUMPTION, number),  # now
    (names.FUEL_CONSUMPTION, number),  # on an average
    (names.ODOMETER_TRIP, number),
    (names.OBD_ODOMETER, number),
    ("tripFuelUsed", number),
    (names.FUEL_USED, number),
)
