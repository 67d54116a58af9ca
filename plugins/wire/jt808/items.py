"""
The additional information of a location: items of an id u8, a length u8 and a value.

Makers have taken the same ids for different things; length, content or model tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from plugins.wire.jt808 import lists, vehicle
from plugins.wire.jt808.fields import (
    I16,
    TYPE_LENGTH,
    U8,
    U16,
    U32,
    Row,
    Value,
    add_alarms,
    around,
    hundredths,
    masked,
    row,
    skipped,
    store,
    tenths,
    tenths_less_50,
    thousandths,
    times_100,
    trimmed_latin,
    vector,
    within,
)
from plugins.wire.jt808.frames import TAIL
from plugins.wire.jt808.models import AOVX, C5, DT800, JC, WITH_DOOR
from trackd.wire import names
from trackd.wire.binary import part, sign_magnitude
from trackd.wire.text import integer, latin
from trackd.wire.values import CellTower, Position, WifiAccessPoint, WireError

# Reads an item of a length, from a place on, sent by a model. Gives the place behind what it has read if that may lie
# beyond the item, otherwise nothing.
Item = Callable[[Position, bytes, int, int, str], int | None]

OBD_LIST = 0x80  # goes to the end of the report

DRIVING = (names.ALARM_ACCELERATION, names.ALARM_BRAKING, names.ALARM_CORNERING)


def items(position: Position, data: bytes, at: int, model: str) -> None:
    end = len(data) - TAIL
    found = position.attributes
    beyond = 0  # bytes that were read for an item and belong to those behind it
    while at < end:
        id, length = data[at], data[at + 1]
        at += 2
        if id in VALUES:
            name, layout, meaning = VALUES[id]
            found[name] = meaning(*layout.unpack_from(data, at))
        elif (id, length) in BY_LENGTH:
            row(position, data, at, BY_LENGTH[id, length])
        elif id in TEXTS:
            name, plain = TEXTS[id]
            position.set(name, plain(part(data, at, length)))
        elif id in ITEMS:
            read = ITEMS[id](position, data, at, length, model)
            if read is not None and read > at + length:
                beyond += read - at - length
                if beyond > len(data):  # a count in each item would have the frame read over and over
                    raise WireError("items lie in each other")
        elif id == OBD_LIST:
            vehicle.obd(position, data, at, end)
            return
        at += length
    within(data, at)


# Items that are the same in all lengths.
VALUES: dict[int, Value] = {
    0x01: (names.ODOMETER, U32, times_100),
    0x06: (names.BATTERY_LEVEL, U8, int),
    0x14: ("videoAlarm", U32, int),
    0x25: (names.INPUT, U32, int),
    0x30: (names.RSSI, U8, int),
    0x31: (names.SAT, U8, int),
    0x56: (names.BATTERY_LEVEL, U8, lambda level: level * 10),
    0x67: ("password", Struct("8s"), latin),
    0x68: (names.BATTERY_LEVEL, U16, hundredths),
    0x69: (names.BATTERY, U16, hundredths),
    0x82: (names.POWER, U16, tenths),
    0xAC: (names.ODOMETER, U32, int),
    0xD3: (names.POWER, U16, tenths),
    0xF1: (names.POWER, U32, thousandths),
    0xFC: (names.GEOFENCE, U8, int),
}

# Items that are this in one length, and another thing, or nothing, in others.
BY_LENGTH: dict[tuple[int, int], Row] = {
    (0x33, 1): (("mode", U8, int),),
    (0xD5, 2): ((names.BATTERY, U16, hundredths),),
    (0xE1, 2): ((names.POWER, U16, tenths),),
    (0xE5, 1): ((names.MOTION, U8, lambda state: state == 1),),
    (0xEE, 6): (
        (names.RSSI, U8, int),
        (names.POWER, U16, thousandths),
        (names.BATTERY, U16, thousandths),
        (names.SAT, U8, int),
    ),
    (0xF5, 2): (("illuminance", U16, int),),
    (0xF7, 2): ((names.HUMIDITY, U16, tenths),),
    (0xFE, 1): ((names.BATTERY_LEVEL, U8, int),),
    (0xFE, 2): ((names.POWER, U16, tenths),),
    (0xFE, 4): ((names.ODOMETER, U32, int),),
}

TEXTS: dict[int, tuple[str, Callable[[bytes], str]]] = {
    0x94: (names.VIN, latin),
    0xBC: ("driver", trimmed_latin),
    0xBD: (names.DRIVER_UNIQUE_ID, latin),
    0xED: (names.CARD, trimmed_latin),
    0xF2: (names.VERSION_FW, latin),
    0xFB: ("container", latin),
}


def values(*values: Value) -> Item:
    """Several values in a row."""
    return lambda position, data, at, length, model: row(position, data, at, values)


def fuel(position: Position, data: bytes, at: int, length: int, model: str) -> None:
    (level,) = U16.unpack_from(data, at)
    position.set(names.FUEL, level & 0x7FFF if level & 0x8000 else level / 10)


def sentence(position: Position, data: bytes, at: int, length: int, model: str) -> None:
    """`*M00,45,11386B…`, with a voltage in its third field."""
    text = part(data, at, length)
    if text.startswith(b"*M00"):
        position.set(names.BATTERY, integer(part(text, 8, 7)[2:5]) / 100)


def temperatures(position: Position, data: bytes, at: int, length: int, model: str) -> None:
    if length not in (2, 16):
        return
    for number, place in enumerate(range(at, at + length, U16.size), 1):
        (value,) = U16.unpack_from(data, place)
        if value != 0xFFFF:
            position.set(f"{names.TEMP}{number}", sign_magnitude(value, 16) / 10)


def behaviour(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    driving, other = _BEHAVIOUR.unpack_from(data, at)
    add_alarms(position, driving, DRIVING)
    if other & 1 << 16 and model in WITH_DOOR:
        position.add_alarm(names.ALARM_DOOR)
    return at + _BEHAVIOUR.size


_BEHAVIOUR = Struct(">BxxxI")


def event(position: Position, data: bytes, at: int, length: int, model: str) -> int | None:
    """An event, of some with the card that has opened a lock."""
    (code,) = U16.unpack_from(data, at)
    position.set(names.EVENT, code)
    if not 0x61 <= code <= 0x66:
        return None
    position.set(names.DRIVER_UNIQUE_ID, latin(part(data, at + 8, 8)))
    return at + 16


def lock_states(position: Position, data: bytes, at: int, length: int, model: str) -> None:
    for number in range(1, length // 11 + 1):
        at = row(position, data, at, _LOCK_STATE, f"lock{number}")


_LOCK_STATE: Row = (
    ("Id", Struct("6s"), bytes.hex),
    ("Battery", U16, thousandths),
    ("Seal", U8, lambda state: state == ord("1")),
    skipped(2),
)


def assistance(name: str) -> Item:
    """An alarm of a camera, and the label of its files."""

    def item(position: Position, data: bytes, at: int, length: int, model: str) -> int:
        end = store(position, data, at, (name, _KIND, int))
        if length >= 47:
            position.set(ALARM_LABEL, part(data, at + length - 16, 16).hex())
        return end

    return item


ALARM_LABEL = "alarmLabel"
_KIND = Struct(">5xB")


def intense_driving(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    position.add_alarm(_INTENSE.get(_KIND.unpack_from(data, at)[0]))
    return at + _KIND.size


_INTENSE = {
    0x01: names.ALARM_ACCELERATION,
    0x02: names.ALARM_BRAKING,
    0x03: names.ALARM_CORNERING,
    0x16: names.ALARM_ACCIDENT,
}


def tires(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    end = at + length
    while at < end:
        at = row(position, data, at + 1, _TIRE, f"tire{data[at]}")
    return at


_TIRE: Row = (
    ("SensorId", Struct("3s"), bytes.hex),
    ("Pressure", U16, lambda pressure: (pressure & 0x03FF) / 40),
    ("Temp", U8, lambda warmth: warmth - 50),
    ("Status", U8, int),
)


def shaken(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    if U32.unpack_from(data, at)[0] & 1 << 3:
        position.add_alarm(names.ALARM_VIBRATION)
    return at + U32.size


def level_or_driver(position: Position, data: bytes, at: int, length: int, model: str) -> int | None:
    if length != 1:
        return store(position, data, at, (names.DRIVER_UNIQUE_ID, U32, str))
    if data[at] == 0xFF:
        position.set(names.CHARGE, True)
    else:
        position.set(names.BATTERY_LEVEL, data[at])
    return None


def operator_cells(position: Position, data: bytes, at: int, length: int, model: str) -> int | None:
    """Cells of one operator, or what `level_or_driver` is."""
    if length < 12 or (length - 4) % _OPERATOR_CELL.size:
        return level_or_driver(position, data, at, length, model)
    mcc, mnc = _OPERATOR.unpack_from(data, at)
    network = around(position)
    for place in range(at + _OPERATOR.size, at + length, _OPERATOR_CELL.size):
        high, low, cid, signal = _OPERATOR_CELL.unpack_from(data, place)
        network.add(CellTower(mcc, mnc, high << 16 | low, cid, signal))
    return None


_OPERATOR = Struct(">HH")
_OPERATOR_CELL = Struct(">BHIB")


def locks(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    count = data[at]
    at += 1
    for number in range(1, count + 1):
        at = row(position, data, at, _LOCK, f"lock{number}")
    return at


_LOCK: Row = (
    ("Id", Struct("5s"), bytes.hex),
    ("Card", Struct("5s"), bytes.hex),
    ("Battery", U8, int),
    ("Locked", U16, lambda status: not status & 1 << 5),
)


def seal(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    status = data[at + 2]
    position.set("string", status & 1 << 0 != 0)
    position.set(names.MOTION, status & 1 << 2 != 0)
    position.set("cover", status & 1 << 3 != 0)
    return at + 3


def fuel_volume(position: Position, data: bytes, at: int, length: int, model: str) -> int | None:
    return store(position, data, at, (names.FUEL, U32, tenths)) if model != DT800 else None


def obd_or_climate(position: Position, data: bytes, at: int, length: int, model: str) -> None:
    """A line of a vehicle's readings, or the temperatures and humidities of radio sensors."""
    if length >= 7 and data.startswith(b"$OBD-RT", at):
        vehicle.obd_line(position, latin(part(data, at, length)))
    elif length % 11 == 0:
        for place in range(at, at + length, 11):
            number = data[place]
            store(position, data, place + 7, (f"{names.TEMP}{number}", _FRACTION, with_fraction))
            store(position, data, place + 9, (f"{names.HUMIDITY}{number}", _FRACTION, with_fraction))


_FRACTION = Struct("bB")


def with_fraction(whole: int, fraction: int) -> float:
    """A number whose second byte are 255ths, away from zero."""
    size = abs(whole) + fraction / 255
    return -size if whole < 0 else size


def alarm_flags(position: Position, data: bytes, at: int, length: int, model: str) -> None:
    if length != 8:
        return
    (flags,) = U16.unpack_from(data, at)
    if flags & 1 << 0:
        position.add_alarm(names.ALARM_VIBRATION)
    if flags & (1 << 1 | 1 << 2 | 1 << 3):
        position.add_alarm(names.ALARM_SOS)


def lock_or_camera(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    if model in JC:
        return lists.camera(position, data, at, at + length)
    position.set("lockStatus", int.from_bytes(part(data, at, 3), "big"))
    return at + 3


def environment(position: Position, data: bytes, at: int, length: int, model: str) -> None:
    if length > 2:
        lists.environment(position, data, at + 1, at + length)


def wifi(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    end = at + length
    while at < end:
        mac, signal = _WIFI.unpack_from(data, at)
        around(position).add(WifiAccessPoint(mac.hex(":"), signal))
        at += _WIFI.size
    return at


_WIFI = Struct(">6sb")


def cells(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    end = at + length
    while at < end:
        mcc, mnc, cid, lac, signal = _CELL.unpack_from(data, at)
        around(position).add(CellTower(mcc, mnc, lac, cid, signal))
        at += _CELL.size
    return at


_CELL = Struct(">HHIiB")


def tags_or_obd(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    return (lists.tags if model in AOVX else vehicle.obd_ii)(position, data, at, at + length)


def sensors(position: Position, data: bytes, at: int, length: int, model: str) -> int | None:
    """The pressure of the air, an IMEI, or an event with the values of sensors that a mask names."""
    if length == 2 and model not in AOVX:
        return row(position, data, at, _PRESSURE)
    if length == 8 and model not in AOVX:
        position.set("imei", part(data, at, 8).hex()[1:])
        return None
    code, mask = data[at], data[at + 1]
    position.set(names.EVENT, code)
    if code == 2:
        position.set(names.MOTION, True)
    return masked(position, data, at + 2, mask, _SENSORS)


_PRESSURE: Row = (("airPressure", U16, int),)
_SENSORS: tuple[Row, ...] = (
    (("lightSensor", U16, int),),
    ((f"{names.TEMP}1", I16, tenths),),
    ((names.HUMIDITY, I16, tenths),),
    ((names.G_SENSOR, Struct(">hhh"), vector),),
    (skipped(10),),
    _PRESSURE,
)


def battery(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    at = store(position, data, at, (names.BATTERY, U32, thousandths))
    if length >= 5 and data[at] in (2, 3):
        position.set(names.CHARGE, True)
    if length >= 6:
        position.set(names.BATTERY_LEVEL, data[at + 1])
    return at


def card_steps_or_warmth(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    if model in AOVX:
        return store(position, data, at, (names.ICCID, Struct("9x10s"), bytes.hex))
    if model in C5:
        return store(position, data, at, (names.STEPS, U16, int))
    return store(position, data, at, (f"{names.TEMP}2", U16, tenths_less_50))


def quality(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    return masked(position, data, at + U16.size, U16.unpack_from(data, at)[0], _QUALITY)


_QUALITY: tuple[Row, ...] = (
    (skipped(4),),
    (skipped(4),),
    ((names.HDOP, U16, tenths),),
    (skipped(6),),
    (),
    (skipped(8),),
    ((f"{names.TEMP}3", I16, tenths), skipped(4)),
)


def alarms_and_level(position: Position, data: bytes, at: int, length: int, model: str) -> int:
    """A battery level behind a mark, of which one announces a list of its own first."""
    mark, end = data[at], at + length
    at += 1
    if mark == 0x7C:
        while at < end:
            type, size = TYPE_LENGTH.unpack_from(data, at)
            at += TYPE_LENGTH.size
            if type == 0x01:
                add_alarms(position, U32.unpack_from(data, at)[0], _MARKED_ALARMS)
                size = U32.size
            at += size
    position.set(names.BATTERY_LEVEL, data[at])
    return at + 1


_MARKED_ALARMS = (*DRIVING, names.ALARM_ACCIDENT, names.ALARM_TAMPERING)

ANALOG = values((f"{names.ADC}1", U16, hundredths), (f"{names.ADC}2", U16, hundredths))

ITEMS: dict[int, Item] = {
    0x02: fuel,
    0x0B: lambda position, data, at, length, model: lists.lock(position, data, at, length),
    0x2B: ANALOG,
    0x33: sentence,
    0x51: temperatures,
    0x57: behaviour,
    0x60: event,
    0x63: lock_states,
    0x64: assistance("adasAlarm"),
    0x65: assistance("dmsAlarm"),
    0x70: intense_driving,
    0x77: tires,
    0x91: values(*vehicle.OBD_ROW),
    0xA7: ANALOG,
    0xD0: shaken,
    0xD4: level_or_driver,
    0xD5: locks,
    0xDA: seal,
    0xE1: operator_cells,
    0xE2: fuel_volume,
    0xE3: values(skipped(1), (names.BATTERY_LEVEL, U8, int), (names.BATTERY, U16, hundredths)),
    0xE4: values((names.CHARGE, U8, lambda state: True if state == 0 else None), (names.BATTERY_LEVEL, U8, int)),
    0xE6: obd_or_climate,
    0xE7: alarm_flags,
    0xE8: lock_or_camera,
    0xE9: level_or_driver,
    0xEA: environment,
    0xEB: lambda position, data, at, length, model: lists.mixed(position, data, at, length),
    0xEC: wifi,
    0xF0: cells,
    0xF3: tags_or_obd,
    0xF4: wifi,
    0xF6: sensors,
    0xF7: battery,
    0xF8: card_steps_or_warmth,
    0xF9: quality,
    0xFE: alarms_and_level,
}
