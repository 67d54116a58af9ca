"""The report of a location: alarms, status, place, then what makers have added."""

from __future__ import annotations

from datetime import tzinfo
from functools import lru_cache
from struct import Struct

from plugins.wire.jt808.items import items
from plugins.wire.jt808.models import AOVX, G1C_PRO, PADLOCKS, VL300, WITH_DOOR
from trackd.wire import names
from trackd.wire.times import from_bcd
from trackd.wire.units import KMH
from trackd.wire.values import Position

ALARMS = Struct(">I")
PLACE = Struct(">IIIhHH6s")  # status, latitude, longitude, m, 0.1 km/h, course, time
FIX = Struct(">III")  # status, latitude, longitude

FIXED_FORM = 20  # bytes behind a place, in place of items
_FIXED_FORM = Struct(">4xIH4xB3x")


def location(data: bytes, at: int, model: str, zone: tzinfo) -> Position:
    """0x0200, also as a part of a batch."""
    (alarmed,) = ALARMS.unpack_from(data, at)
    at += ALARMS.size
    position = place(data, at, model, zone)
    at += PLACE.size
    if alarmed:
        position.add_alarm(alarms(alarmed, model))
    if len(data) - at == FIXED_FORM:
        odometer, battery, signal = _FIXED_FORM.unpack_from(data, at)
        position.attributes |= {
            names.ODOMETER: odometer * 1000,
            names.BATTERY: battery / 10,
            names.RSSI: signal,
        }
    else:
        items(position, data, at, model)
    return position


def place(data: bytes, at: int, model: str, zone: tzinfo) -> Position:
    """Status, place and time."""
    status, latitude, longitude, altitude, speed, course, date = PLACE.unpack_from(data, at)
    time = from_bcd(date, zone)
    position = Position(time, time, altitude=float(altitude), speed=speed / 10 * KMH, course=float(course))
    set_fix(position, status, latitude, longitude, model)
    return position


def set_fix(position: Position, status: int, latitude: int, longitude: int, model: str) -> None:
    """The status word, and absolute millionths of degrees."""
    north, east = latitude / 1_000_000, longitude / 1_000_000
    position.valid = status & 1 << 1 != 0
    position.latitude = -north if status & 1 << 2 else north
    position.longitude = -east if status & 1 << 3 else east
    found = position.attributes
    found[names.IGNITION] = status & 1 << 0 != 0
    found[names.BLOCKED] = status & 1 << 10 != 0
    found[names.CHARGE] = status & 1 << 26 != 0
    if model == G1C_PRO:
        found[names.MOTION] = status & 1 << 4 != 0
    elif model in WITH_DOOR:
        found[names.DOOR] = status & 1 << 16 != 0


# Bits of the alarm word.
_ALARMS = (
    (1 << 0, names.ALARM_SOS),
    (1 << 1, names.ALARM_OVERSPEED),
    (1 << 2, names.ALARM_FATIGUE_DRIVING),
    (1 << 5 | 1 << 6, names.ALARM_GPS_ANTENNA_CUT),
    (1 << 4 | 1 << 9 | 1 << 10 | 1 << 11, names.ALARM_FAULT),
    (1 << 7 | 1 << 18, names.ALARM_LOW_BATTERY),
    (1 << 8, names.ALARM_POWER_OFF),
    (1 << 15, names.ALARM_VIBRATION),
    (1 << 16 | 1 << 17, names.ALARM_TAMPERING),
    (1 << 19, names.ALARM_PARKING),
    (1 << 20, names.ALARM_GEOFENCE),
    (1 << 26, names.ALARM_GENERAL),
    (1 << 28, names.ALARM_MOVEMENT),
    (1 << 29 | 1 << 30, names.ALARM_ACCIDENT),
)

# What some models mean by them instead.
_OWN_ALARMS = {
    VL300: _ALARMS[:-1],
    **dict.fromkeys(PADLOCKS, ((1 << 0 | 1 << 4, names.ALARM_REMOVING), (1 << 1, names.ALARM_TAMPERING))),
    **dict.fromkeys(AOVX, ((1 << 16, names.ALARM_MOVEMENT),)),
}


@lru_cache(4096)
def alarms(word: int, model: str) -> str:
    """The alarms of an alarm word, joined by commas."""
    return ",".join(name for bits, name in _OWN_ALARMS.get(model, _ALARMS) if word & bits)
