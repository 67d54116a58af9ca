"""Messages that are lists of numbered modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

from plugins.wire.gt06.blocks import placed
from plugins.wire.gt06.frames import TAIL, U16, U32, echo, hexed, short, within
from trackd.wire import names
from trackd.wire.format import Session
from trackd.wire.times import seconds
from trackd.wire.values import CellTower, Network, Output, Position

_MODULE = Struct(">HH")


def modular(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x70. Modules that are known have a width of their own, whatever they announce."""
    position = Position.last()
    while len(data) - at > TAIL:
        id, length = _MODULE.unpack_from(data, at)
        at += _MODULE.size
        if id == 0x33:
            position = _fix(data, at, position)
            at += _FIX.size
        elif id == 0x11:
            mcc, mnc, lac, high, low, signal = _CELL.unpack_from(data, at)
            at += _CELL.size
            if high or low:
                position.network = Network(cells=[CellTower(mcc, mnc, lac, high << 16 | low, -signal)])
        elif id == 0x34:
            event, others = _EVENT.unpack_from(data, at)
            at += _EVENT.size + others
            position.set(names.EVENT, event)
            position.add_alarm(_EVENT_ALARMS.get(event))
        elif id in _MODULES:
            layout, meaning = _MODULES[id]
            position.attributes |= meaning(*layout.unpack_from(data, at))
            at += layout.size
        else:
            at += length
    (serial,) = U16.unpack_from(data, at)
    return position, short(0x70, serial=serial)


_FIX = Struct(">IBhIIBH")  # time, satellites, altitude, latitude, longitude, km/h, flags
_CELL = Struct(">HHHBHB")
_EVENT = Struct(">B4xB")


def _fix(data: bytes, at: int, position: Position) -> Position:
    time, satellites, altitude, latitude, longitude, speed, flags = _FIX.unpack_from(data, at)
    # These flags know nothing of the ignition.
    fix = placed(seconds(time), latitude, longitude, speed, flags & 0x3FFF, position.attributes)
    fix.set(names.SAT, satellites)
    fix.altitude = float(altitude)
    fix.network = position.network
    return fix


def _tag(id: bytes, battery: int, level: int, warmth: int, humidity: int, status: int) -> dict[str, Any]:
    return {
        "tag1Id": id.hex(),
        "tag1Battery": battery / 1000,
        "tag1BatteryLevel": level,
        "tag1Temp": warmth / 10,
        "tag1Humidity": humidity,
        "tag1Status": status,
    }


_MODULES: dict[int, tuple[Struct, Callable[..., dict[str, Any]]]] = {
    0x03: (Struct("10s"), lambda id: {names.ICCID: id.hex()}),
    0x09: (Struct("B"), lambda count: {names.SAT: count}),
    0x0A: (Struct("B"), lambda count: {names.SAT_VISIBLE: count}),
    0x18: (Struct(">H"), lambda voltage: {names.BATTERY: voltage / 100}),
    0x28: (Struct("B"), lambda hdop: {names.HDOP: hdop / 10}),
    0x29: (Struct(">I"), lambda index: {names.INDEX: index}),
    0x2A: (Struct("B"), lambda state: {names.DOOR: state & 0x0F > 0, "tamper": state >> 4 > 0}),
    0x2B: (Struct("B"), lambda reason: {"bootReason": reason}),
    0x2E: (Struct("<I"), lambda odometer: {names.ODOMETER: odometer}),
    0x7F: (Struct(">6sHBhhB"), _tag),
}

_EVENT_ALARMS = {
    0x10: names.ALARM_DOOR,
    0x12: names.ALARM_REMOVING,
    0x14: names.ALARM_GEOFENCE_ENTER,
    0x15: names.ALARM_GEOFENCE_EXIT,
    0x16: names.ALARM_TEMPERATURE,
    0x1A: names.ALARM_LOW_BATTERY,
    0x1B: names.ALARM_OVERSPEED,
    0x1C: names.ALARM_POWER_ON,
    0x1D: names.ALARM_POWER_OFF,
    0x20: names.ALARM_VIBRATION,
    0x21: names.ALARM_POWER_CUT,
    0x23: names.ALARM_TAMPERING,
}


def peripheral(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0xF2: what devices around it have told it."""
    position, at = _timed(data, at)
    while len(data) - at > TAIL:
        (id,) = U16.unpack_from(data, at)
        at += 2
        if id == 0x000A:
            at = _tag_event(position, data, at)
        elif id == 0x000C:
            level, charging, cycles = _BATTERY.unpack_from(data, at)
            at += _BATTERY.size
            position.set("externalBatteryLevel", level)
            if charging:
                position.set("externalBatteryCharge", True)
            position.set("externalBatteryCycles", cycles)
        else:
            length = data[at]
            at += 1
            if not length:
                length = data[at]
                at += 1
            at += length
    within(data, at)
    return position, echo(data, 0xF2)


_BATTERY = Struct(">xBBH6x")


def _tag_event(position: Position, data: bytes, at: int) -> int:
    length, mac, event, value, kind = _TAG_EVENT.unpack_from(data, at)
    at += _TAG_EVENT.size
    position.set("mac", mac.hex())
    position.set(names.EVENT, event)
    if event:
        position.set("eventData", value)
    position.set("dataType", kind)
    position.set("dataDetails", hexed(data, at, length - 10))
    return at + int(length) - 10


_TAG_EVENT = Struct(">Hx6sBBB")  # length, MAC, event, its value, kind of the data that follow


def status(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0xF1: the state of the device."""
    position, at = _timed(data, at)
    while len(data) - at > TAIL:
        id, length = _STATUS.unpack_from(data, at)
        at += _STATUS.size
        if id in _STATES:
            name, layout, meaning = _STATES[id]
            position.set(name, meaning(*layout.unpack_from(data, at)))
            at += layout.size
        else:
            at += length
    within(data, at)
    return position, echo(data, 0xF1)


_STATUS = Struct(">HB")
_U8 = Struct("B")

_STATES: dict[int, tuple[str, Struct, Callable[[int], Any]]] = {
    0x0001: (names.MOTION, _U8, lambda state: state in (2, 4)),
    0x0002: (names.ARMED, _U8, bool),
    0x0004: (names.IGNITION, _U8, bool),
    0x0005: (names.POWER, U16, lambda voltage: voltage / 100),
    0x0007: (names.CHARGE, _U8, bool),
    0x000A: ("chargeVoltage", U16, int),
    0x000B: ("batteryTemp", U16, lambda warmth: warmth / 10),
}


def _timed(data: bytes, at: int) -> tuple[Position, int]:
    return Position.last(seconds(U32.unpack_from(data, at)[0])), at + 4
