"""
What the IO elements of Teltonika's AVL records mean: by id, and by the model of the device.

An element is sent as an id and a value of 1, 2, 4 or 8 bytes. `meanings(model)` has a row for each id that is known:
the attribute, how its value is read (from the first byte that was sent, whatever the width in which it was sent), and
the conversion. A row without an attribute has a function of the position and the value instead.

An id that has no row for the model is kept as `io<id>`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from struct import Struct
from typing import Any

from trackd.wire import names
from trackd.wire.units import kmh
from trackd.wire.values import Position

Row = tuple[str | None, Struct, Callable[..., Any]]

U8, I8, U16, I16, U32, I32, I64 = map(Struct, (">B", ">b", ">H", ">h", ">I", ">i", ">q"))
LITTLE_U64 = Struct("<Q")

# Families of models, by their whole name. A device without a model belongs to none.
FMB_MODELS = re.compile(r"FM[B-Z]...|MTB100|MSP500", re.DOTALL)
FM6_MODELS = re.compile(r"FM.6..", re.DOTALL)
TAT_MODELS = re.compile(r"T.T...", re.DOTALL)

# Cells as single facts, until the record is read and they are joined to a network.
CID_2G = "cid2g"
CID_4G = "cid4g"
LAC = "lac"


def is_fm6(model: str | None) -> bool:
    """Professional trackers of the FM?6 line, which carry the tachograph's driver card."""
    return model is not None and FM6_MODELS.fullmatch(model) is not None


def thousandth(value: int) -> float:
    return value / 1000


def hundredth(value: int) -> float:
    return value / 100


def tenth(value: int) -> float:
    return value / 10


def thousandfold(value: int) -> int:
    return value * 1000


def speed(position: Position, value: int) -> None:
    position.speed = kmh(value)


def driver(position: Position, value: int) -> None:
    if value:
        position.set(names.DRIVER_UNIQUE_ID, f"{value:016X}")


def geofence(position: Position, value: int) -> None:
    position.add_alarm(names.ALARM_GEOFENCE_ENTER if value else names.ALARM_GEOFENCE_EXIT)


DRIVING = {1: names.ALARM_ACCELERATION, 2: names.ALARM_BRAKING, 3: names.ALARM_CORNERING}


def driving(position: Position, value: int) -> None:
    position.add_alarm(DRIVING.get(value))


def alarm(name: str) -> Callable[[Position, int], None]:
    """The alarm of this name, unless the value is 0."""

    def raised(position: Position, value: int) -> None:
        if value:
            position.add_alarm(name)

    return raised


ANY: dict[int, Row] = {
    1: ("in1", U8, bool),
    2: ("in2", U8, bool),
    3: ("in3", U8, bool),
    4: ("in4", U8, bool),
    16: (names.ODOMETER, U32, int),
    17: ("axisX", I16, int),  # mG
    18: ("axisY", I16, int),
    19: ("axisZ", I16, int),
    21: (names.RSSI, U8, int),  # 0 to 5
    25: ("bleTemp1", I16, hundredth),
    26: ("bleTemp2", I16, hundredth),
    27: ("bleTemp3", I16, hundredth),
    28: ("bleTemp4", I16, hundredth),
    66: (names.POWER, U16, thousandth),
    67: (names.BATTERY, U16, thousandth),
    78: (None, LITTLE_U64, driver),
    179: ("out1", U8, bool),
    180: ("out2", U8, bool),
    181: (names.PDOP, U16, tenth),
    182: (names.HDOP, U16, tenth),
    199: (names.ODOMETER_TRIP, U32, int),
    236: (None, U8, alarm(names.ALARM_GENERAL)),
    239: (names.IGNITION, U8, bool),
    240: (names.MOTION, U8, bool),
    241: (names.OPERATOR, U32, int),
    253: (None, U8, driving),
}

FMB: dict[int, Row] = {
    9: ("adc1", U16, thousandth),
    10: ("adc2", U16, thousandth),
    11: (names.ICCID, I64, str),
    12: (names.FUEL_USED, U32, thousandth),
    13: (names.FUEL_CONSUMPTION, U16, hundredth),
    24: (None, U16, speed),
    30: ("faultCount", U8, int),
    31: (names.ENGINE_LOAD, U8, int),
    32: (names.COOLANT_TEMP, I8, int),
    36: (names.RPM, U16, int),
    43: ("milDistance", U16, int),  # km
    57: ("hybridBatteryLevel", I8, int),
    68: ("batteryCurrent", U16, thousandth),
    72: ("temp1", I32, tenth),
    73: ("temp2", I32, tenth),
    74: ("temp3", I32, tenth),
    75: ("temp4", I32, tenth),
    107: (names.FUEL_USED, U32, tenth),
    110: (names.FUEL_CONSUMPTION, U16, tenth),
    113: (names.BATTERY_LEVEL, U8, int),
    115: (names.ENGINE_TEMP, I16, tenth),
    175: (None, U8, geofence),
    200: ("sleepMode", U8, int),
    246: (None, U8, alarm(names.ALARM_TOW)),
    247: (None, U8, alarm(names.ALARM_ACCIDENT)),
    249: (None, U8, alarm(names.ALARM_JAMMING)),
    251: (None, U8, alarm(names.ALARM_IDLE)),
    252: (None, U8, alarm(names.ALARM_POWER_CUT)),
    662: (names.DOOR, U8, bool),
    **{10644 + n: (f"tempProbe{n + 1}", I16, hundredth) for n in range(6)},
    **{10800 + n: (f"eyeTemp{n + 1}", I16, hundredth) for n in range(4)},
    **{10832 + n: (f"eyeRoll{n + 1}", I16, int) for n in range(4)},
}

FMB_BUT_NOT_FM6: dict[int, Row] = {
    80: ("dataMode", U8, int),
    81: (names.OBD_SPEED, U8, int),
    82: (names.THROTTLE, U8, int),
    83: (names.FUEL_USED, U32, tenth),
    84: (names.FUEL, U16, tenth),
    85: (names.RPM, U16, int),
    87: (names.OBD_ODOMETER, U32, int),
    89: (names.FUEL_LEVEL, U8, int),
}

FM6: dict[int, Row] = {
    701: ("bleTemp1", I16, tenth),
    702: ("bleTemp2", I16, tenth),
    703: ("bleTemp3", I16, tenth),
    704: ("bleTemp4", I16, tenth),
}

FMB003: dict[int, Row] = {
    389: (names.OBD_ODOMETER, U32, thousandfold),
}

FMB_OR_TAT: dict[int, Row] = {
    205: (CID_2G, U16, int),
    206: (LAC, U16, int),
    636: (CID_4G, U32, int),
}


@lru_cache(maxsize=256)
def meanings(model: str | None) -> Mapping[int, Row]:
    """The rows that hold for a device of this model."""
    name = model or ""
    fmb = FMB_MODELS.fullmatch(name) is not None
    fm6 = is_fm6(model)
    return {
        **ANY,
        **(FMB if fmb else {}),
        **(FMB_BUT_NOT_FM6 if fmb and not fm6 else {}),
        **(FM6 if fm6 else {}),
        **(FMB003 if name == "FMB003" else {}),
        **(FMB_OR_TAT if fmb or TAT_MODELS.fullmatch(name) else {}),
    }
