"""0x5501 and 0x5502: where a lock is, and where it was while it could not say so."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from plugins.wire.jt808.fields import I16, TYPE_LENGTH, U8, store, vector, within
from plugins.wire.jt808.frames import LOCK, TAIL, WANTED, Header, answer
from plugins.wire.jt808.lists import lock
from trackd.wire import names
from trackd.wire.binary import bcd, nibbles
from trackd.wire.coordinates import ddmm
from trackd.wire.format import Session
from trackd.wire.times import from_bcd
from trackd.wire.values import CellTower, Network, Output, Position

# Day, month, year; time; degrees and minutes; knots, half course, signal, satellites, km, battery, cell, area, product,
# status, alarms.
_REPORT = Struct(">3s3s9s1sBBBIBIHBHH")

CHARGING = (0xAA, 0xAB)  # in place of a battery level
PADLOCK = 3  # a product


def report(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    at = header.body
    (date, time, degrees, speed, course, signal, satellites, odometer, battery, cid, lac, product, status, alarms) = (
        _REPORT.unpack_from(data, at)
    )
    at += _REPORT.size
    digits = degrees.hex()
    latitude, longitude = ddmm(nibbles(digits[:8])), ddmm(nibbles(digits[8:17]))
    sides = int(digits[17], 16)
    position = Position.at(
        from_bcd(date[::-1] + time),
        valid=header.type == LOCK,
        latitude=latitude if sides & 1 << 1 else -latitude,
        longitude=longitude if sides & 1 << 2 else -longitude,
        speed=float(bcd(speed)),
        course=float(course * 2),
        attributes={names.RSSI: signal, names.SAT: satellites, names.ODOMETER: odometer * 1000},
    )
    if battery <= 100:
        position.set(names.BATTERY_LEVEL, battery)
    elif battery in CHARGING:
        position.set(names.CHARGE, True)
    if cid > 0 and lac > 0:
        mcc, mnc = session.setting("geolocation.mcc", 0), session.setting("geolocation.mnc", 0)
        position.network = Network([CellTower(mcc, mnc, lac, cid)])
    position.set(names.STATUS, status)
    if product == PADLOCK:
        position.set(names.BLOCKED, status & 1 << 5 != 0)
    for bit, alarm in _ALARMS.get(product, ()):
        if alarms & bit:
            position.add_alarm(alarm)
    items(position, data, at)
    yield position
    if header.attributes & WANTED:
        yield answer(header, 0x4401, header.type.to_bytes(2, "big") + b"\0", index=b"\1")


_ALARMS = {
    1: ((1 << 0, names.ALARM_LOW_POWER),),
    2: ((1 << 0, names.ALARM_LOW_POWER),),
    PADLOCK: (
        (1 << 0, names.ALARM_OVERSPEED),
        (1 << 1, names.ALARM_LOW_POWER),
        (1 << 2, names.ALARM_VIBRATION),
        (1 << 3, names.ALARM_LOW_BATTERY),
        (1 << 5, names.ALARM_GEOFENCE_ENTER),
        (1 << 6, names.ALARM_GEOFENCE_EXIT),
    ),
}


def items(position: Position, data: bytes, at: int) -> None:
    """What is known has a width of its own, after which the next item is read."""
    end = len(data) - TAIL
    while at < end:
        id, length = TYPE_LENGTH.unpack_from(data, at)
        at += TYPE_LENGTH.size
        match id:
            case 0x02:
                position.altitude = float(I16.unpack_from(data, at)[0])
                at += I16.size
            case 0x0B:
                at = lock(position, data, at, length)
            case 0x0C:
                at = store(position, data, at, ("tilt", _TILT, tilt))
            case 0x10:
                at = store(position, data, at, ("wakeSource", U8, int))
            case 0xFC:
                at = store(position, data, at, (names.GEOFENCE, U8, int))
            case _:
                at += length
    within(data, at)


_TILT = Struct(">HHH")


def tilt(*values: int) -> str:
    """Signed, except that 0x8000 stays as it is."""
    return vector(*(value - 0x10000 if value > 0x8000 else value for value in values))
