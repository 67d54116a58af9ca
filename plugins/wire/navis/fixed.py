"""
The records of Navtelecom's older devices: a code, and the fields of the format that it stands for.

    25 00000000 00ff 1500040b0a10 08 29 18 38 00 1200 760e …      F5.2: index, event, its time, state, status, signal, …
"""

from __future__ import annotations

from collections.abc import Collection

from plugins.wire.navis.fields import (
    INS,
    OUTS,
    Field,
    Layout,
    altitude,
    bits,
    course,
    guarded,
    latitude,
    latitude_radians,
    longitude,
    longitude_radians,
    metres,
    satellites,
    speed,
    thousandth,
    validity,
)
from trackd.wire import names
from trackd.wire.binary import bit, part
from trackd.wire.times import moment
from trackd.wire.values import Position

F1_0, F2_0, F3_0, F4_0, F5_0, F6_0, F5_1, F5_2 = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x15, 0x25
CODES = frozenset((F1_0, F2_0, F3_0, F4_0, F5_0, F6_0, F5_1, F5_2))

# Which formats have a field
ALL = None
OTHER = frozenset((None,))  # those with a code that is not known
NOT_F6 = CODES - {F6_0}
F123 = frozenset((F1_0, F2_0, F3_0))
F4 = frozenset((F4_0,))
F5 = frozenset((F5_0, F5_1, F5_2))
F6 = frozenset((F6_0,))
F12 = frozenset((F1_0, F2_0))
F2 = frozenset((F2_0,))
FIX = F2 | F5 | F6
F51 = frozenset((F5_1, F5_2))
F52 = frozenset((F5_2,))


def armed(position: Position, value: int) -> None:
    position.attributes[names.ARMED] = value & 0x7F
    if bit(value, 7):
        position.add_alarm(names.ALARM_GENERAL)


def outputs_and_satellites(position: Position, value: int) -> None:
    two_outputs(position, value)
    position.attributes[names.SAT] = value >> 2


two_outputs = bits(names.OUTPUT, OUTS[:2])


def wired_inputs(position: Position, value: int) -> None:
    """Four inputs of a bit, two of three and two of two bits."""
    attributes = position.attributes
    four_inputs(position, value)
    attributes[names.INPUT] = value
    attributes["in5"] = value >> 4 & 7
    attributes["in6"] = value >> 7 & 7
    attributes["in7"] = value >> 10 & 3
    attributes["in8"] = value >> 12 & 3


four_inputs = bits(names.INPUT, INS[:4])


def clock(position: Position, value: bytes) -> None:
    """Hour, minute, second, day, month from 0 on, year."""
    hour, minute, second, day, month, year = value
    position.device_time = position.fix_time = moment(year, month + 1, day, hour, minute, second)


TEMPERATURES = tuple(Field("b", f"{names.TEMP}{n}") for n in range(1, 5))

# In the order of the wire: the formats that have the fields, and the fields
FIELDS: tuple[tuple[Collection[int | None] | None, tuple[Field, ...]], ...] = (
    (ALL, (Field("I", names.INDEX), Field("H", names.EVENT), Field("6x"))),  # and its time
    (NOT_F6, (Field("B", None, armed),)),
    (F6, (Field("B", None, guarded),)),
    (OTHER, (Field("x"),)),
    (ALL, (Field("B", names.STATUS), Field("B", names.RSSI))),
    (F123, (Field("H", None, bits(names.OUTPUT, OUTS)), Field("H", None, bits(names.INPUT, INS)))),
    (F4, (Field("B", None, bits(names.OUTPUT, OUTS[:4])), Field("H", None, wired_inputs))),
    (F5, (Field("B", None, outputs_and_satellites),)),
    (F6, (Field("B", None, bits(names.OUTPUT, OUTS[:4])),)),
    (F5 | F6, (Field("B", None, bits(names.INPUT, INS[:8])),)),
    (ALL, (Field("H", names.POWER, thousandth), Field("H", names.BATTERY, thousandth))),
    (F123, (Field("h", f"{names.TEMP}1"),)),
    (F12 | F5 | F6, (Field("H", f"{names.ADC}1"), Field("H", f"{names.ADC}2"))),
    (F6, (Field("H", f"{names.ADC}3"),)),
    (FIX, (Field("8x"),)),  # counters
    (F6, (Field("28x"), *TEMPERATURES, Field("i", names.AXLE_WEIGHT), Field("H", names.RPM))),  # fuel sensors
    (F2 | F5, (Field("B", None, validity), Field("6s", None, clock))),
    (F2 | F5, (Field("f", None, latitude_radians), Field("f", None, longitude_radians))),
    (F6, (Field("B", None, satellites), Field("6s", None, clock))),
    (F6, (Field("i", None, latitude), Field("i", None, longitude), Field("i", None, altitude))),
    (FIX, (Field("f", None, speed), Field("H", None, course))),
    (FIX, (Field("f", names.ODOMETER, metres), Field("f", names.DISTANCE, metres))),
    (FIX, (Field("4x"),)),  # seconds of the segment, seconds counted
    (F51, (Field("15x"),)),  # fuel sensors
    (F4 | F52, TEMPERATURES),
)


def layout(code: int | None) -> Layout:
    """The fields behind the code of a format, None for one that is not known."""
    return Layout(tuple(field for formats, fields in FIELDS if formats is ALL or code in formats for field in fields))


LAYOUTS = {code: layout(code) for code in CODES}
UNKNOWN = layout(None)


def record(data: bytes, at: int) -> tuple[Position, int]:
    """The record at `at`, which is no position without a time of a fix, and where the next begins."""
    width = 1 if data[at] else 2
    code = int.from_bytes(part(data, at, width), "little")
    at += width
    fields = LAYOUTS.get(code, UNKNOWN)
    return fields.read(data, at, {"format": code}), at + fields.size
