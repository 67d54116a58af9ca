"""Blocks of which the messages are made: time, fix, cell, status byte, alarm code."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from struct import Struct
from typing import Any

from plugins.wire.gt06.frames import SEEWORLD, SL4X, TRX16I, U16, VXT01
from plugins.wire.gt06.state import LW, SW, VL, settle
from trackd.wire import names
from trackd.wire.format import Session
from trackd.wire.times import moment
from trackd.wire.units import KMH
from trackd.wire.values import Network, Position, same_cell

DATE = Struct(">6B")  # year, month, day, hour, minute, second
FIX = Struct(">6BBIIBH")  # date, satellites, latitude, longitude, km/h, flags


def date(data: bytes, at: int, session: Session) -> datetime:
    """Six bytes of local time."""
    return local(session, *DATE.unpack_from(data, at))


def local(session: Session, year: int, month: int, day: int, hour: int, minute: int, second: int) -> datetime:
    """A time by the clock of the session."""
    state = session.state
    time = moment(year, month, day, hour, minute, second, zone=state.zone or settle(session))
    return time - state.offset if state.offset else time


def fix(data: bytes, at: int, session: Session, attributes: dict[str, Any]) -> Position:
    """The GPS block of 18 bytes."""
    year, month, day, hour, minute, second, satellites, latitude, longitude, speed, flags = FIX.unpack_from(data, at)
    attributes[names.SAT] = satellites & 15
    time = local(session, year, month, day, hour, minute, second)
    return placed(time, latitude, longitude, speed, flags, attributes)


def placed(
    time: datetime, latitude: int, longitude: int, speed: int, flags: int, attributes: dict[str, Any]
) -> Position:
    """A fix: absolute degrees by 1 800 000, km/h; the flags know course, validity, hemispheres and the ignition."""
    north, east = latitude / 60 / 30000, longitude / 60 / 30000
    if flags & 0x4000:
        attributes[names.IGNITION] = flags & 0x8000 != 0
    return Position(
        device_time=time,
        fix_time=time,
        valid=flags & 0x1000 != 0,
        latitude=north if flags & 0x0400 else -north,
        longitude=-east if flags & 0x0800 else east,
        speed=speed * KMH,
        course=float(flags & 0x03FF),
        attributes=attributes,
    )


def cell(data: bytes, at: int, type: int, variant: str, sized: bool = False) -> tuple[Network | None, int]:
    """
    The LBS block, and where the next begins. `sized`: a length goes before it, which may say that there is no cell.
    """
    length = 0
    if sized:
        length = data[at]
        at += 1
        if not length:
            # Padded to the room of a neighbour list, or left out.
            return None, at if any(data[at + 9 : at + 45]) else min(at + 45, len(data))
    kind = 0
    if type in (0x38, 0x39):
        kind = data[at]
        at += 1
    layout, shift = _layout(type, variant, data[at] >= 0x80, kind >= 3)
    mcc, mnc, lac, high, low = layout.unpack_from(data, at)
    at += layout.size + max(length - 9, 0)
    return Network([same_cell(mcc & 0x7FFF, mnc, lac, high << shift | low)]), at


@lru_cache(1024)
def _layout(type: int, variant: str, long_mnc: bool, modern: bool) -> tuple[Struct, int]:
    """MCC, MNC, LAC and a cell id in two parts; and by how many bits the upper part is shifted."""
    large = modern or type in (0xA5, 0xA0, 0xA2)
    mnc = "H" if long_mnc or type == 0x11 or variant == SL4X else "B"
    lac = "i" if large else "H"
    if large or variant == SL4X:
        id, shift = "iI", 32
    elif type in (0x11, 0x61, 0x25) or variant == SEEWORLD or (variant == TRX16I and type == 0x36):
        id, shift = "HH", 16
    else:
        id, shift = "BH", 16
    signal = "2x" if modern else "x" if type in (0x38, 0x39) else ""
    return Struct(f">H{mnc}{lac}{id}{signal}"), shift


def terminal(position: Position, status: int, variant: str) -> None:
    """The status byte."""
    found = position.attributes
    found[names.STATUS] = status
    found[names.IGNITION] = status & 0x02 != 0
    found[names.CHARGE] = status & 0x04 != 0
    found[names.BLOCKED] = status & 0x80 != 0
    code = status >> 3 & 7
    position.add_alarm(names.ALARM_OVERSPEED if code == 7 and variant == VXT01 else _STATUS_ALARMS[code])


_STATUS_ALARMS = (
    None,
    names.ALARM_VIBRATION,
    names.ALARM_POWER_CUT,
    names.ALARM_LOW_BATTERY,
    names.ALARM_SOS,
    None,
    names.ALARM_GEOFENCE,
    names.ALARM_REMOVING,
)


def alarm(code: int, variant: str, family: str) -> str | None:
    """The alarm of a code, twelve bits in some messages."""
    return _OWN_ALARMS.get((variant, code)) or _OWN_ALARMS.get((family, code)) or _ALARMS.get(code)


_ALARMS = {
    0x01: names.ALARM_SOS,
    0x02: names.ALARM_POWER_CUT,
    0x03: names.ALARM_VIBRATION,
    0x04: names.ALARM_GEOFENCE_ENTER,
    0x05: names.ALARM_GEOFENCE_EXIT,
    0x06: names.ALARM_OVERSPEED,
    0x09: names.ALARM_VIBRATION,
    0x0C: names.ALARM_TAMPERING,
    0x0E: names.ALARM_LOW_BATTERY,
    0x0F: names.ALARM_LOW_BATTERY,
    0x11: names.ALARM_POWER_OFF,
    0x13: names.ALARM_TAMPERING,
    0x14: names.ALARM_DOOR,
    0x18: names.ALARM_REMOVING,
    0x19: names.ALARM_LOW_BATTERY,
    0x1A: names.ALARM_BRAKING,
    0x1B: names.ALARM_CORNERING,
    0x23: names.ALARM_FALL_DOWN,
    0x25: names.ALARM_TAMPERING,
    0x26: names.ALARM_ACCELERATION,
    0x27: names.ALARM_BRAKING,
    0x28: names.ALARM_BRAKING,
    0x29: names.ALARM_ACCELERATION,
    0x2A: names.ALARM_CORNERING,
    0x2B: names.ALARM_CORNERING,
    0x2C: names.ALARM_ACCIDENT,
    0x2E: names.ALARM_CORNERING,
    0x30: names.ALARM_JAMMING,
    0x32: names.ALARM_TAMPERING,
    0x33: names.ALARM_LOCK,
    0x34: names.ALARM_UNLOCK,
    0x53: names.ALARM_FUEL_LEAK,
    0x5B: names.ALARM_TEMPERATURE,
    0x5C: names.ALARM_TEMPERATURE,
    0xC9: names.ALARM_IDLE,
    0xF0: names.ALARM_ACCELERATION,
    0xF1: names.ALARM_BRAKING,
    0xF2: names.ALARM_ACCIDENT,
    0x0107: names.ALARM_JAMMING,
    0x010B: names.ALARM_JAMMING,
}

# What one variant or one family of models means by a code instead.
_OWN_ALARMS = {
    (TRX16I, 0x09): names.ALARM_GEOFENCE,
    (TRX16I, 0x0E): names.ALARM_LOW_POWER,
    (LW, 0x18): names.ALARM_ACCIDENT,
    (LW, 0x19): names.ALARM_ACCELERATION,
    (SW, 0x28): names.ALARM_CORNERING,
    (SW, 0x29): names.ALARM_ACCIDENT,
    (VL, 0x09): names.ALARM_TOW,
    (VL, 0x28): names.ALARM_POWER_OFF,
    (VL, 0x30): names.ALARM_BRAKING,
}


def hundredths(data: bytes, at: int) -> float:
    """A 16-bit number of hundredths, as voltages are sent."""
    return float(U16.unpack_from(data, at)[0] / 100)
