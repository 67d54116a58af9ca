"""
Reports in binary: records one behind the other, of which nothing tells the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from struct import Struct

from plugins.wire.atrack.fields import fill, from_binary, zstring
from trackd.wire import names
from trackd.wire.format import Session
from trackd.wire.text import hex_integer, integer, latin
from trackd.wire.times import moment, seconds
from trackd.wire.units import kmh
from trackd.wire.values import Position

TIMES = Struct(">II4x")  # of the fix, of the clock, of sending
LONG_DATE = Struct(">HBBBBB14x")
# Longitude, latitude, course, report, odometer, hdop, inputs, km/h, outputs, analog input
FIX = Struct(">iiHBIHBHBH")
TEMPERATURES = Struct(">hh")
SHORTEST = 40  # bytes: what is less is filling

FUEL = re.compile(rb"FULS:F=[0-9a-fA-F]+ t=[0-9a-fA-F]+ N=([0-9a-fA-F]+)")


def records(data: bytes, at: int, session: Session) -> Iterator[Position]:
    """The records from `at` on."""
    long_date = session.setting("longDate", False)
    decimal_fuel = session.setting("decimalFuel", False)
    form = session.setting("form", "")
    custom = form != "" or session.setting("custom", False)
    alarms = alarms_of(session.setting("alarmMap", ""))
    while len(data) - at >= SHORTEST:
        if long_date:
            fixed = clock = moment(*LONG_DATE.unpack_from(data, at))
            at += LONG_DATE.size
        else:
            fixed, clock = map(seconds, TIMES.unpack_from(data, at))
            at += TIMES.size
        longitude, latitude, course, kind, odometer, hdop, inputs, speed, outputs, adc = FIX.unpack_from(data, at)
        driver, at = zstring(data, at + FIX.size)
        temp1, temp2 = TEMPERATURES.unpack_from(data, at)
        message, at = zstring(data, at + TEMPERATURES.size)
        position = Position(clock, fixed, True, latitude / 1e6, longitude / 1e6, speed=kmh(speed), course=float(course))
        attributes = position.attributes
        attributes[names.TYPE] = kind
        position.add_alarm(alarms.get(str(kind)))
        attributes[names.ODOMETER] = odometer * 100
        attributes[names.HDOP] = hdop / 10
        attributes[names.INPUT] = inputs
        attributes[names.OUTPUT] = outputs
        attributes[f"{names.ADC}1"] = adc / 1000
        if driver:
            attributes[names.DRIVER_UNIQUE_ID] = latin(driver)
        attributes[f"{names.TEMP}1"] = temp1 / 10
        attributes[f"{names.TEMP}2"] = temp2 / 10
        if message:
            set_message(position, message, decimal_fuel)
        if custom:
            told, at = from_binary(data, at, form)
            fill(position, told)
        yield position


def set_message(position: Position, message: bytes, decimal: bool) -> None:
    """The text of a fuel sensor, or any other."""
    if (found := FUEL.search(message)) is not None:
        position.set(names.FUEL, (integer(found[1]) if decimal else hex_integer(found[1])) / 10)
    else:
        position.set("message", latin(message))


@lru_cache(64)
def alarms_of(text: str) -> dict[str, str]:
    """`101=sos,106=overspeed`: names of alarms by numbers of reports."""
    pieces = (piece.partition("=") for piece in text.split(","))
    return {number.strip(): alarm.strip() for number, _, alarm in pieces}
