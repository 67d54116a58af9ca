"""Items of a location that are lists themselves: locks, radio tags, sensors, and two that hold whatever there is."""

from __future__ import annotations

from struct import Struct

from plugins.wire.jt808.fields import (
    I8,
    I16,
    LONG_TYPE_LENGTH,
    TYPE_LENGTH,
    U8,
    U16,
    U32,
    Row,
    Value,
    around,
    hundredths,
    masked,
    row,
    skipped,
    store,
    tenths,
    tenths_less_50,
    thousandths,
    trimmed_latin,
    within,
)
from trackd.wire import names
from trackd.wire.binary import part, printable
from trackd.wire.text import integer, latin, number, split_at, utf8
from trackd.wire.values import CellTower, Position, WifiAccessPoint


def lock(position: Position, data: bytes, at: int, length: int) -> int:
    """0x0B: what a lock has been told, by a card or a password, and how that went; the place behind it."""
    at = store(position, data, at, ("lockCommand", U8, int))
    if length in (5, 6):
        at = store(position, data, at, ("lockCard", U32, int))
    elif length >= 7:
        at = store(position, data, at, ("lockPassword", Struct("6s"), latin))
    if length % 2 == 0:
        at = store(position, data, at, ("unlockResult", U8, int))
    return at


def tags(position: Position, data: bytes, at: int, end: int) -> int:
    """0xF3 of AOVX: radio tags, whose values a mask names."""
    mask = data[at]
    at += 1
    number = 0
    while at < end:
        number += 1
        at = row(position, data, at, _TAG, f"tag{number}")
        at = masked(position, data, at, mask, _TAG_VALUES, f"tag{number}")
    return at


_TAG: Row = (("Mac", Struct("6s"), bytes.hex), ("Rssi", I8, int))
_TAG_VALUES: tuple[Row, ...] = (
    (("Name", Struct("10s"), trimmed_latin),),
    (skipped(2),),
    (("Battery", U16, thousandths),),
    (("Temp", I16, tenths),),
    (("Humidity", I16, tenths),),
    (skipped(6),),
    (skipped(2),),
    (skipped(2),),
)


def environment(position: Position, data: bytes, at: int, end: int) -> None:
    """0xEA: external sensors. A value that would go beyond the item ends the list."""
    while end - at >= TYPE_LENGTH.size:
        type, length = TYPE_LENGTH.unpack_from(data, at)
        at += TYPE_LENGTH.size
        if at + length > end:
            break
        if type in _ENVIRONMENT:
            row(position, data, at, _ENVIRONMENT[type])
        at += length


_ENVIRONMENT: dict[int, Row] = {
    0x11: (("externalAlarms", U16, int), ("alarmThresholdType", U8, int), skipped(12)),
    0x13: (("externalIlluminance", U16, int),),
    0x14: (("externalAirPressure", U16, int),),
    0x15: (("externalHumidity", U16, tenths),),
    0x16: (("externalTemp", U16, tenths_less_50),),
}


def mixed(position: Position, data: bytes, at: int, length: int) -> int:
    """0xEB: cells, the name of a time zone, or a list whose lengths include the types."""
    end = at + length
    (mcc,) = U16.unpack_from(data, at)
    if mcc > 200 and length >= 3 and (length - 3) % _CELL.size == 0:
        mnc = data[at + 2]
        for place in range(at + 3, end, _CELL.size):
            lac, cid, signal = _CELL.unpack_from(data, place)
            around(position).add(CellTower(mcc, mnc, lac, cid, signal))
        return end
    content = part(data, at, length)
    if printable(content):
        position.set("timezone", utf8(content))
        return end
    while at < end:
        size, type = _SIZE_TYPE.unpack_from(data, at)
        value = at + _SIZE_TYPE.size
        if type in _MIXED:
            store(position, data, value, _MIXED[type])
        else:
            _mixed(position, data, value, type, size)
        at += 2 + size
    within(data, at)
    return at


_CELL = Struct(">HHB")
_SIZE_TYPE = Struct(">HH")


def _mixed(position: Position, data: bytes, at: int, type: int, size: int) -> None:
    match type:
        case 0x002D:
            value: Value = (names.POWER, U32, thousandths) if size == 6 else (names.BATTERY, U16, thousandths)
            store(position, data, at, value)
        case 0x0089:
            (normal,) = U32.unpack_from(data, at)
            if not normal & 1 << 0:
                position.add_alarm(names.ALARM_POWER_OFF)
            if not normal & 1 << 12:
                position.add_alarm(names.ALARM_REMOVING)
        case 0x00B9:
            values = split_at(latin(part(data, at + 1, size - 3)), ",")
            for mac, signal in zip(values[::2], values[1::2], strict=False):
                around(position).add(WifiAccessPoint(mac, integer(signal)))
        case 0x00C5:
            (status,) = U32.unpack_from(data, at)
            if not status & 1 << 6:
                position.add_alarm(names.ALARM_VIBRATION)
            if not status & 1 << 24:
                position.set(names.MOTION, not status & 1 << 23)
        case 0x00C6:
            position.set("batteryAlarm", data[at])
            if data[at] in (3, 4):
                position.set(names.ALARM, names.ALARM_LOW_BATTERY)  # in place of all others
        case 0x00D8:
            around(position).add(CellTower(*_MIXED_CELL.unpack_from(data, at)))


_MIXED_CELL = Struct(">HBHI")
_MIXED: dict[int, Value] = {
    0x0001: ("fuel1", U16, tenths),
    0x0023: ("fuel2", Struct("6s"), number),
    0x00A8: (names.BATTERY_LEVEL, U8, int),
    0x00B2: (names.ICCID, Struct("10s"), lambda card: card.hex().rstrip("f")),
    0x00CE: (names.POWER, U16, hundredths),
    0x00E1: (names.BATTERY_LEVEL, U8, int),
}


def camera(position: Position, data: bytes, at: int, end: int) -> int:
    """0xE8 of JC models."""
    (code,) = U16.unpack_from(data, at)
    at += U16.size
    match code:
        case 0x2002:
            at = row(position, data, at, _UPLOAD)
        case 0x2003:
            at = row(position, data, at, _CAMERA_POWER)
        case 0x2005:
            at += 1
            while at < end:
                type, length = LONG_TYPE_LENGTH.unpack_from(data, at)
                at += LONG_TYPE_LENGTH.size
                if type in _CAMERA:
                    store(position, data, at, _CAMERA[type])
                at += length
            within(data, at)
        case 0x0C03 | 0x0C04:
            position.set(names.IGNITION, code == 0x0C03)
        case _:
            position.add_alarm(_CAMERA_ALARMS.get(code))
    return at


def _bars(level: int) -> int | None:
    return level * 100 // 6 if 1 <= level <= 6 else None


_UPLOAD: Row = (skipped(1), ("uploadMode", U8, int), ("buffered", U8, lambda state: state == 1))
_CAMERA_POWER: Row = (
    skipped(1),
    (names.CHARGE, U8, lambda state: state == 1),
    (names.BATTERY_LEVEL, U8, _bars),
    (names.BATTERY, U16, hundredths),
    (names.RSSI, U8, int),
    (names.POWER, U16, hundredths),
)
_CAMERA: dict[int, Value] = {
    0x0001: (names.BATTERY, U16, hundredths),
    0x0002: ("dataUsage", U32, int),
    0x0003: (names.BATTERY_LEVEL, U8, int),
    0x0004: (names.CHARGE, U8, lambda state: state == 0),
    0x0005: (names.ICCID, Struct("10s"), lambda card: card.hex()[:19]),
    0x0007: (names.HDOP, U16, tenths),
    0x2001: (names.POWER, U16, tenths),
}
_CAMERA_ALARMS = {
    0x0001: names.ALARM_FAULT,
    **dict.fromkeys((0x0400, 0x0412), names.ALARM_ACCELERATION),
    **dict.fromkeys((0x0401, 0x0413), names.ALARM_BRAKING),
    **dict.fromkeys((0x0402, 0x0414), names.ALARM_CORNERING),
    0x0403: names.ALARM_OVERSPEED,
    **dict.fromkeys((0x0405, 0x0416, 0x0417), names.ALARM_ACCIDENT),
    0x0406: names.ALARM_VIBRATION,
    0x0407: names.ALARM_TOW,
    0x0408: names.ALARM_GEOFENCE_ENTER,
    0x0409: names.ALARM_GEOFENCE_EXIT,
    0x040C: names.ALARM_DOOR,
    0x0415: names.ALARM_LANE_CHANGE,
    0x0C01: names.ALARM_SOS,
    0x0C02: names.ALARM_LOW_POWER,
    0x0C05: names.ALARM_GENERAL,
    0x0C0E: names.ALARM_POWER_CUT,
    0x0C0F: names.ALARM_LOW_BATTERY,
    0x0C10: names.ALARM_POWER_OFF,
    0x0C12: names.ALARM_TAMPERING,
}
