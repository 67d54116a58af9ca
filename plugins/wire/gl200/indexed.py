"""
Reports that are read field by field, by a mask that they carry and by the model of the device.

    +RESP:GTERI,040A00,862894022579562,gv200,00000002,,10,1,1,96.1,180,749.7,39.222692,24.165463,20210225065756,0420,
        0004,759C,3360,00,15529.8,,,2789,,01,00,2,2,282BD47A0B000063,1,FFE2,281FDD5D0B000057,1,FFC8,20210225065800,6974
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from plugins.wire.gl200.can import can
from plugins.wire.gl200.fields import Fields
from plugins.wire.gl200.models import model_of
from plugins.wire.gl200.reports import hour_meter, set_sent, set_status, strict
from trackd.wire import names
from trackd.wire.binary import bit, signed
from trackd.wire.format import Session
from trackd.wire.text import hex_integer, integer, integer_or_zero, number, number_or_zero
from trackd.wire.units import kmh
from trackd.wire.values import CellTower, Network, Position

VERSION, NAME = 1, 3  # which fields


def location(fields: Fields, position: Position, model: str) -> None:
    """The location: hdop, km/h, course, altitude, longitude, latitude, time, cell, and what the mask behind it says."""
    position.set(names.HDOP, number_or_zero(fields.next()))
    position.speed = kmh(number_or_zero(fields.next()))
    position.course = float(integer_or_zero(fields.next()))
    position.altitude = number_or_zero(fields.next())
    if longitude := fields.next():
        position.valid = True
        position.longitude = number(longitude)
        position.latitude = number_or_zero(fields.next())
        position.device_time = position.fix_time = strict(fields.next())
    else:
        fields.skip(2)
        position.outdated = True
    if mcc := fields.next():
        mnc, lac, cid = fields.next(), fields.next(), fields.next()
        position.network = Network([CellTower(integer(mcc), integer(mnc), hex_integer(lac), hex_integer(cid))])
    else:
        fields.skip(3)
    if model.startswith("GL5"):
        fields.skip(2)  # signal, bit errors
    if model != "GL320M":
        mask = integer_or_zero(fields.next())
        if bit(mask, 0):
            position.set(names.SAT, integer(fields.next()))
        if bit(mask, 1):
            fields.skip()  # why it was sent


def kilometres(text: str) -> float:
    return number(text) * 1000


def thousandth(text: str) -> float:
    return integer(text) / 1000


# ERI: what its mask says
FUEL, THERMOMETERS, BUS, SENSOR_FUEL, SENSOR_VOLUME, RADIO, BLUETOOTH = 0, 1, 2, 3, 4, 7, 8
SENDING = -2  # where the time of sending is, from the end


def extended(values: list[str], session: Session) -> list[Position]:
    """ERI."""
    model = model_of(values[VERSION], session)
    fields = Fields(values, NAME + 1)
    mask = hex_integer(fields.next())
    power = fields.optional(thousandth)
    fields.skip()  # report type
    positions = []
    for _ in range(fields.count()):
        position = Position()
        location(fields, position, model)
        positions.append(position)
    last = positions[-1]
    last.set(names.POWER, power)
    vehicle(fields, last, model, mask)
    set_sent(last, strict(values[SENDING]), session)
    sensors(fields, last, model, mask)
    return positions[-1:] if session.setting("ignoreFixTime", False) else positions


def vehicle(fields: Fields, position: Position, model: str, mask: int) -> None:
    """The fields that all extended reports have, by the model."""
    bare = model.startswith("GL5")
    if not bare:
        position.set(names.ODOMETER, fields.optional(kilometres))
        if model != "GL320M":
            position.set(names.HOURS, fields.optional(hour_meter))
            set_analog(position, 1, fields.next())
    if model.startswith("GV") and not model.startswith("GV6") and model != "GV350M":
        set_analog(position, 2, fields.next())
    if model in ("GV200", "GV310LAU"):
        set_analog(position, 3, fields.next())
    if model.startswith("GV3") and model.endswith("CEU") or model.startswith("GV600M"):
        fields.skip()
    if bare:
        position.set(names.BATTERY_LEVEL, fields.optional(integer))
        fields.skip()
        position.set(names.MOTION, fields.optional(lambda text: integer(text) > 0))
    elif model == "GV200":
        position.set(names.INPUT, fields.optional(hex_integer))
        position.set(names.OUTPUT, fields.optional(hex_integer))
        fields.skip()
    elif model == "GL320M":
        position.set(names.BATTERY_LEVEL, fields.optional(integer))
        if bit(mask, RADIO):
            position.set("externalBattery", fields.optional(integer))
    else:
        position.set(names.BATTERY_LEVEL, fields.optional(integer))
        status = fields.optional(hex_integer)
        if status is not None:
            set_status(position, status)
        fields.skip()


def set_analog(position: Position, place: int, text: str) -> None:
    """An analog input: volts, or with an F the fuel."""
    if text.startswith("F"):
        position.set(f"{names.FUEL}{place}", integer(text[1:]))
    elif text:
        position.set(f"{names.ADC}{place}", thousandth(text))


def sensors(fields: Fields, position: Position, model: str, mask: int) -> None:
    """Behind the fields of the vehicle: what the mask says is there."""
    if bit(mask, FUEL) and model != "GV350M":
        position.set(names.FUEL, fields.optional(hex_integer))
    if bit(mask, THERMOMETERS):
        for place in range(1, fields.count() + 1):
            fields.skip(2)  # id, type
            value = fields.optional(hex_integer)
            if value is not None:
                position.set(f"{names.TEMP}{place}", signed(value, 16) * 0.0625)
    if bit(mask, BUS):
        return
    fuel_sensors = bit(mask, SENSOR_FUEL) or bit(mask, SENSOR_VOLUME) or bit(mask, FUEL) and model == "GV350M"
    if fuel_sensors and fields.at < len(fields.values) + SENDING:
        for _ in range(fields.count()):
            fields.skip()  # type
            if model == "GV350M":
                fields.skip()  # port
                if bit(mask, FUEL):
                    position.set(names.FUEL, hex_integer(fields.next()))
            if bit(mask, SENSOR_FUEL):
                position.set(names.FUEL, number(fields.next()))
            if bit(mask, SENSOR_VOLUME):
                fields.skip()
    if model == "GL320M":
        return
    if bit(mask, RADIO):
        for _ in range(fields.count()):
            fields.skip()  # serial number
            kind = integer(fields.next())
            fields.skip(2 if kind == 2 else 1)  # temperature, perhaps humidity
    if bit(mask, BLUETOOTH):
        for place in range(1, fields.count() + 1):
            accessory(fields, position, place, model)


# Of a Bluetooth accessory, by the bits of its mask: what is read, or that there is a field that is not.
TAG_FIELDS: tuple[tuple[int, str, Callable[[str], object] | None], ...] = (
    (0, "name", None),
    (1, "Id", str),
    (2, "status", None),
    (3, "voltage", None),
    (4, "Temp", number),
    (5, "Humidity", integer),
    (7, "inputs and outputs", None),
    (8, "event", None),
    (9, "tyre pressure", None),
    (10, "time", None),
    (11, "fine temperature", None),
    (12, "magnet", None),
    (13, "Battery", integer),
    (14, "relay", None),
)


def accessory(fields: Fields, position: Position, place: int, model: str) -> None:
    fields.skip(5 if model.startswith("GV600M") else 4)  # index, type, model, perhaps length, raw data
    mask = hex_integer(fields.next())
    for number_of_bit, name, read in TAG_FIELDS:
        if bit(mask, number_of_bit):
            if read is None:
                fields.skip()
            else:
                position.set(f"tag{place}{name}", fields.optional(read))


# INF

# Ignition and motion by the state of the device; a tow is a motion.
STATES: dict[int, tuple[bool | None, bool]] = {
    0x11: (False, False),
    0x12: (False, True),
    0x16: (False, True),
    0x1A: (False, True),
    0x21: (True, False),
    0x22: (True, True),
    0x41: (None, False),
    0x42: (None, True),
}
MAC_DIGITS = 12


def information(values: list[str], session: Session) -> list[Position]:
    """INF."""
    model = model_of(values[VERSION], session)
    position = Position()
    fields = Fields(values, NAME + 1)
    state = fields.optional(hex_integer)
    ignition, motion = STATES.get(state, (None, None)) if state is not None else (None, None)
    position.set(names.IGNITION, ignition)
    position.set(names.MOTION, motion)
    position.set(names.ICCID, fields.next())
    position.set(names.RSSI, fields.optional(integer))
    fields.skip(2)  # quality of the signal, whether there is a supply
    if len(values[fields.at + 1]) >= MAC_DIGITS:
        fields.skip()
        position.set(names.DEVICE_TEMP, integer(fields.next()))
        position.set(names.HUMIDITY, integer(fields.next()))
    if supply := fields.next():
        if "." in supply:
            position.set(names.ODOMETER, kilometres(supply))
        else:
            position.set(names.POWER, number(supply) / 1000)
    if model in ("GV350M", "GV310LAU"):
        fields.skip()
    elif model != "GV500VC":
        position.set("power2", fields.optional(thousandth))
    position.set(names.BATTERY, fields.optional(number))
    if fields.next() and integer(fields.next()) == 1:
        position.set(names.CHARGE, True)
    if model == "GV310LAU":
        fields.skip(5)
        for place in (1, 2, 3):
            position.set(f"{names.ADC}{place}", integer(fields.next()))
    position.outdated = True
    position.device_time = strict(values[SENDING])
    return [position]


def ignition(on: bool, values: list[str], session: Session) -> list[Position]:
    """IGN, VGN and IGF, VGF."""
    model = model_of(values[VERSION], session)
    position = Position()
    fields = Fields(values, NAME + 1)
    if model == "CV200":
        fields.skip(2)
    fields.skip()  # for how long it was otherwise
    location(fields, position, model)
    position.set(names.HOURS, fields.optional(hour_meter))
    position.set(names.ODOMETER, fields.optional(kilometres))
    position.set(names.IGNITION, on)
    set_sent(position, strict(values[SENDING]), session)
    return [position]


def cells(values: list[str], session: Session) -> list[Position]:
    """LBS: up to seven cells, which begin behind the twelfth field."""
    position = Position.last(strict(values[SENDING]))
    position.set(names.BATTERY_LEVEL, integer(values[6]))
    position.network = network = Network()
    for start in range(12, 54, 6):
        mcc, mnc, lac, cid, signal = values[start : start + 5]
        if mnc:
            network.add(CellTower(integer(mcc), integer(mnc), hex_integer(lac), hex_integer(cid), integer(signal)))
    return [position]


def transparent(values: list[str], session: Session) -> list[Position]:
    """DAT."""
    position = Position()
    fields = Fields(values, 7)
    position.set("data", fields.next())
    location(fields, position, model_of(values[VERSION], session))
    set_sent(position, strict(values[SENDING]), session)
    return [position]


TYPES: dict[str, Callable[[list[str], Session], list[Position]]] = {
    "INF": information,
    "ERI": extended,
    "CAN": can,
    "IGN": partial(ignition, True),
    "IGF": partial(ignition, False),
    "VGN": partial(ignition, True),
    "VGF": partial(ignition, False),
    "LBS": cells,
    "DAT": transparent,
}
