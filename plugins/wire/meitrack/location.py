"""
The location of a text: a line of fields, and behind the analog inputs a tail that differs from model to model.

    13.844643,100.644395,171207021520,A,10,28,0,31,0.8,6,390,421327,520|0|0016|000F2DB0,8400,
    0000|0000|0000|018D|04C6,,,108,0000,,6,0,,,,,11|171207091500|171207091500|78|3500|000000|000003
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trackd.wire import names
from trackd.wire.binary import signed
from trackd.wire.format import Session
from trackd.wire.text import hex_integer, hex_integer_or_zero, integer, integer_or_zero, latin, number, split_at
from trackd.wire.times import digits
from trackd.wire.units import kmh
from trackd.wire.values import CellTower, Login, Network, Output, Position, WireError

LOCATION = re.compile(
    rb"""
    \$\$.\d+,                                                        # flag, length
    (\d+),[0-9a-fA-F]{3},                                            # id, type
    (?: \d+, )?                                                      # number of the packet
    (\d+),                                                           # event
    (-?\d+\.\d+),(-?\d+\.\d+),                                       # latitude, longitude
    (\d{12}),([AV]),                                                 # time, A: valid
    (\d+),(\d+),                                                     # satellites, signal
    (\d+(?:\.\d*)?),(\d+),                                           # km/h, course
    (\d+(?:\.\d*)?),(-?\d+),                                         # hdop, altitude
    (\d+),(\d+),                                                     # odometer, seconds of running
    (\d+)\|(\d+)\|([0-9a-fA-F]*)\|([0-9a-fA-F]*),                    # cell
    ([0-9a-fA-F]{2})([0-9a-fA-F]{2}),                                # inputs, outputs
    (?:
        (\d+\.\d+)\|(\d+\.\d+)\|\d+\.\d+\|\d+\.\d+\|\d+\.\d+,        # volts of battery and supply, and others
        .*
    |
        ([0-9a-fA-F]*)\|([0-9a-fA-F]*)\|([0-9a-fA-F]*)\|             # analog inputs
        ([0-9a-fA-F]+)\|([0-9a-fA-F]*),                              # battery, supply
        (.*)                                                         # tail
    )
    \*[0-9a-fA-F]{2}(?:\r\n)?
    """,
    re.VERBOSE | re.DOTALL,
)
TAIL = re.compile(
    rb"""
    (?: ([^,]*), )?                                                  # event information
    [^,]*,(\d*),                                                     # version
    ([0-9a-fA-F]{4})?                                                # fuel
    (?:
        ,((?:[0-9a-fA-F]{6})*)                                       # temperature
        (?: ,\d+,([^*]*) )?                                          # number of data fields, data fields
    )?
    """,
    re.VERBOSE | re.DOTALL,
)
MOMENT = digits("yyMMddHHmmss")

ALARMS = {
    1: names.ALARM_SOS,
    17: names.ALARM_LOW_BATTERY,
    18: names.ALARM_LOW_POWER,
    19: names.ALARM_OVERSPEED,
    20: names.ALARM_GEOFENCE_ENTER,
    21: names.ALARM_GEOFENCE_EXIT,
    22: names.ALARM_POWER_RESTORED,
    23: names.ALARM_POWER_CUT,
    36: names.ALARM_TOW,
    44: names.ALARM_JAMMING,
    78: names.ALARM_ACCIDENT,
    90: names.ALARM_CORNERING,
    91: names.ALARM_CORNERING,
    129: names.ALARM_BRAKING,
    130: names.ALARM_ACCELERATION,
    135: names.ALARM_FATIGUE_DRIVING,
}
DRIVER_EVENT = 37

# What models measure battery and supply with: reference voltage, steps of the converter, divider of the supply.
CONVERTERS: dict[str, tuple[float, int, int | None]] = {
    "MVT340": (3.0, 1024, 16),
    "MVT380": (3.0, 1024, 16),
    "MT90": (3.3, 4096, None),
    "MT90G": (3.0, 4096, None),
    "T1": (3.3, 4096, 16),
    "T3": (3.3, 4096, 16),
    "MVT100": (3.3, 4096, 16),
    "MVT600": (3.3, 4096, 16),
    "MVT800": (3.3, 4096, 16),
    "TC68": (3.3, 4096, 16),
    "TC68S": (3.3, 4096, 16),
}


def location(found: re.Match[bytes], session: Session) -> Iterator[Output]:
    id, event, latitude, longitude, time, valid, *fields = found.groups()
    satellites, signal, speed, course, hdop, altitude, odometer, runtime, *fields = fields
    mcc, mnc, lac, cid, inputs, outputs, *fields = fields
    battery, power, *analog, ad4, ad5, tail = fields
    yield Login.of(latin(id))
    position = Position.at(
        MOMENT(time),
        valid=valid == b"A",
        latitude=number(latitude),
        longitude=number(longitude),
        altitude=float(integer(altitude)),
        speed=kmh(number(speed)),
        course=float(integer(course)),
        attributes={names.EVENT: (code := integer(event))},
    )
    if code in ALARMS:
        position.add_alarm(ALARMS[code])
    attributes = position.attributes
    attributes[names.SAT] = integer(satellites)
    attributes[names.HDOP] = number(hdop)
    attributes[names.ODOMETER] = integer(odometer)
    attributes["runtime"] = latin(runtime)
    cell = CellTower(integer(mcc), integer(mnc), hex_integer_or_zero(lac), hex_integer_or_zero(cid), integer(signal))
    if cell.mcc and cell.mnc:
        position.network = Network([cell])
    attributes[names.INPUT] = int(inputs, 16)
    attributes[names.OUTPUT] = int(outputs, 16)
    if battery is not None:
        attributes[names.BATTERY] = number(battery)
        attributes[names.POWER] = number(power)
        yield position
        return
    for place, value in enumerate(analog, 1):
        if value:
            attributes[f"{names.ADC}{place}"] = hex_integer(value)
    set_supply(position, hex_integer(ad4), hex_integer_or_zero(ad5), session)
    if (rest := TAIL.fullmatch(tail)) is not None:
        set_tail(position, code, *rest.groups())
    yield position


def set_supply(position: Position, battery: int, power: int, session: Session) -> None:
    """Battery and supply, by the model of the device."""
    model = session.device.model if session.device is not None else None
    converter = CONVERTERS.get(model.upper()) if model else None
    if converter is None:
        position.attributes |= {names.BATTERY: battery / 100, names.POWER: power / 100}
        return
    volts, steps, divider = converter
    position.set(names.BATTERY, battery * volts * 2 / steps)
    position.set(names.POWER, power if divider is None else power * volts * divider / steps)


def set_tail(
    position: Position,
    event: int,
    information: bytes | None,
    version: bytes,
    fuel: bytes | None,
    temperature: bytes | None,
    data: bytes | None,
) -> None:
    if information:
        position.set(names.DRIVER_UNIQUE_ID if event == DRIVER_EVENT else "eventData", latin(information))
    newer = integer_or_zero(version) >= 3
    if fuel:
        position.set(names.FUEL, int(fuel[:2], 16) + int(fuel[2:], 16) / 100)
    if temperature:
        position.set(f"{names.TEMP}{int(temperature[:2], 16)}", degrees(temperature, newer))
    if data:
        set_data(position, split_at(latin(data), ","))


def degrees(text: bytes, newer: bool) -> float:
    """The temperature behind a sensor's number. However many sensors are told, they are read as one number."""
    if newer:
        return signed(hex_integer(text[2:]), 16) / 100
    if (whole := int(text[2:4], 16)) >= 0x80:
        raise WireError("a negative temperature")
    return whole + hex_integer(text[4:]) * 0.01


def set_data(position: Position, fields: list[str]) -> None:
    """The data fields that are understood: a temperature sensor's own text, and a taximeter."""
    if len(fields) > 1:
        position.set("tempData", fields[1])
    if len(fields) > 5 and fields[5]:
        flags, start, *trip = split_at(fields[5], "|")
        position.set("taximeterOn", flags[1] == "0")
        position.set("taximeterStart", start)
        if trip:
            position.set("taximeterEnd", trip[0])
            position.set("taximeterDistance", integer(trip[1]))
            position.set("taximeterFare", integer(trip[2]))
            position.set("taximeterTrip", trip[3])
            position.set("taximeterWait", trip[4])
