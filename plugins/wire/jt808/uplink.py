"""0x0900: what is sent through the terminal, of a kind that the first byte tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from struct import Struct

from plugins.wire.jt808.fields import (
    I16,
    I32,
    LONG_TYPE_LENGTH,
    TYPE_LENGTH,
    U8,
    U16,
    U32,
    Row,
    Value,
    hundredths,
    less_40,
    masked,
    row,
    skipped,
    store,
    tenths,
    thousandths,
    times_100,
    within,
)
from plugins.wire.jt808.frames import TAIL, Header
from plugins.wire.jt808.items import DRIVING
from plugins.wire.jt808.location import FIX, PLACE, place, set_fix
from plugins.wire.jt808.state import model_of, zone_of
from plugins.wire.jt808.vehicle import obd_line
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.format import Session
from trackd.wire.text import latin, split_at, trimmed
from trackd.wire.times import from_bcd
from trackd.wire.units import KMH
from trackd.wire.values import Output, Position

Kind = Callable[[bytes, int, str, tzinfo], Position | None]


def uplink(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    kind = KINDS.get(data[header.body])
    position = kind(data, header.body + 1, model_of(session), zone_of(session)) if kind is not None else None
    if position is not None:
        yield position


def text(data: bytes, at: int, model: str, zone: tzinfo) -> Position | None:
    """0x40: a card `GTSL|6|1|7|10218094|…`, or any text; to the end of the frame, checksum and marker included."""
    content = trimmed(latin(data[at:]))
    position = Position.last()
    if not content.startswith("GTSL"):
        position.set("data", content)
    elif len(fields := split_at(content, "|")) > 4:
        position.set(names.DRIVER_UNIQUE_ID, fields[4])
    return position if position.attributes else None


def obd(data: bytes, at: int, model: str, zone: tzinfo) -> Position:
    """0x41."""
    position = Position.last()
    obd_line(position, trimmed(latin(part(data, at, len(data) - TAIL - at))))
    return position


def tags(data: bytes, at: int, model: str, zone: tzinfo) -> Position:
    """0x53: a location, and the radio tags around, numbered from 0."""
    position = place(data, at, model, zone)
    at += PLACE.size + len(part(data, at + PLACE.size, 1))  # how many
    while len(data) - at > TAIL:
        number, mac, signal, length = _TAG.unpack_from(data, at)
        at += _TAG.size
        tag = f"tag{number + 1}"
        position.set(f"{tag}Mac", mac.hex())
        position.set(f"{tag}Rssi", signal)
        position.set(f"{tag}Data", part(data, at, length).hex())
        at += length
    return position


_TAG = Struct(">B6sbB")


def samples(data: bytes, at: int, model: str, zone: tzinfo) -> Position:
    """0x54: a location, and samples of sensors that masks name; the last ones stay."""
    position = place(data, at, model, zone)
    at += PLACE.size
    while len(data) - at > TAIL:
        (mask,) = _MASK.unpack_from(data, at)
        at = masked(position, data, at + _MASK.size, mask, _SAMPLE)
    return position


_MASK = Struct(">H6x")  # and a time
_SAMPLE: tuple[Row, ...] = (
    (("lightSensor", U16, int),),
    ((names.DEVICE_TEMP, I16, tenths), (names.HUMIDITY, I16, tenths)),
    ((f"{names.TEMP}3", I16, tenths),),
    (skipped(6),),
    (("airPressure", U16, int),),
)


def status(data: bytes, at: int, model: str, zone: tzinfo) -> Position:
    """0xF3: a collision, and when it was."""
    position = Position.last()
    while len(data) - at > TAIL + 2:
        type, length = _TYPE_LENGTH.unpack_from(data, at)
        at += _TYPE_LENGTH.size
        if type == 0x0002:
            store(position, data, at, ("collision", U16, lambda force: force / 256 / 100))
        elif type == 0x0006:
            position.device_time = from_bcd(part(data, at, 6), zone)
        at += length
    within(data, at)
    return position


_TYPE_LENGTH = Struct(">HH")


def fix(data: bytes, at: int, model: str, zone: tzinfo) -> Position:
    """0xFF: a place alone."""
    date, latitude, longitude, altitude, speed, course = _FIX.unpack_from(data, at)
    return Position.at(
        from_bcd(date, zone),
        valid=True,
        latitude=latitude / 1_000_000,
        longitude=longitude / 1_000_000,
        altitude=float(altitude),
        speed=speed / 10 * KMH,
        course=float(course),
    )


_FIX = Struct(">6siihHH")


# 0xF0: data of the vehicle, again of several kinds.


def vehicle(data: bytes, at: int, model: str, zone: tzinfo) -> Position | None:
    date, old, kind = _VEHICLE.unpack_from(data, at)
    at += _VEHICLE.size
    position = Position.last(from_bcd(date, zone))
    if old:
        position.set(names.ARCHIVE, True)
    if kind in _PLACED:
        # The place is sent, and is not believed all the same.
        position.fix_time = position.device_time
        at = _PLACED[kind](position, data, at)
        status, latitude, longitude = FIX.unpack_from(data, at)
        set_fix(position, status, latitude, longitude, model)
    elif kind in _UNPLACED:
        _UNPLACED[kind](position, data, at)
    else:
        return None
    return position


_VEHICLE = Struct(">6sBxB")  # time, from memory, type of the vehicle, kind


def readings(position: Position, data: bytes, at: int) -> int:
    """What is known has a width of its own; the rest is kept by its number."""
    count = data[at]
    at += 1
    for _ in range(count):
        type, length = LONG_TYPE_LENGTH.unpack_from(data, at)
        at += LONG_TYPE_LENGTH.size
        if type in _READINGS:
            at = store(position, data, at, _READINGS[type])
            continue
        content = part(data, at, length)
        at += length
        if type == 0xFEEC:
            position.set(names.VIN, latin(content))
        elif length in (1, 2, 4):
            position.set(f"{names.IO}{type}", int.from_bytes(content, "big"))
    return at


_READINGS: dict[int, Value] = {
    **dict.fromkeys((0x0102, 0x0528, 0x0546), (names.ODOMETER, U32, times_100)),
    0x0103: (names.FUEL, U32, hundredths),
    **dict.fromkeys((0x0105, 0x052C), (names.FUEL_USED, U32, hundredths)),
    0x0111: ("fuelTemp", U8, less_40),
    0x012E: ("oilLevel", U16, tenths),
    **dict.fromkeys((0x014A, 0x0537, 0x0538, 0x0539), (names.FUEL_CONSUMPTION, U16, hundredths)),
    0x052A: (names.FUEL, U16, hundredths),
    0x052B: (names.FUEL, U8, int),
    0x052D: (names.COOLANT_TEMP, U8, less_40),
    0x052E: ("airTemp", U8, less_40),
    0x0530: (names.POWER, U16, thousandths),
    0x0535: (names.OBD_SPEED, U16, tenths),
    0x0536: (names.RPM, U16, int),
    0x053D: ("intakePressure", U16, tenths),
    0x0544: ("liquidLevel", U8, int),
    **dict.fromkeys((0x0547, 0x0548), (names.THROTTLE, U8, int)),
}


def trouble(position: Position, data: bytes, at: int) -> int:
    """Trouble codes, by control unit."""
    codes = []
    (units,) = U16.unpack_from(data, at)
    at += U16.size
    for _ in range(units):
        (count,) = _UNIT.unpack_from(data, at)
        at += _UNIT.size
        for _ in range(count):
            (length,) = _CODE.unpack_from(data, at)
            at += _CODE.size
            codes.append(trimmed(latin(part(data, at, length))))
            at += length
    position.set(names.DTCS, " ".join(codes))
    return at


_UNIT = Struct(">4xH")
_CODE = Struct(">4x4xH")


def events(position: Position, data: bytes, at: int) -> int:
    count = data[at]
    at += 1
    for _ in range(count):
        id, length = TYPE_LENGTH.unpack_from(data, at)
        at += TYPE_LENGTH.size + length
        position.add_alarm(_EVENTS.get(id))
    return at


_EVENTS = {
    0x01: names.ALARM_POWER_RESTORED,
    0x02: names.ALARM_POWER_CUT,
    0x0E: names.ALARM_IDLE,
    0x1A: names.ALARM_ACCELERATION,
    0x1B: names.ALARM_BRAKING,
    0x1C: names.ALARM_CORNERING,
    **dict.fromkeys((0x1D, 0x1E, 0x1F), names.ALARM_LANE_CHANGE),
    0x23: names.ALARM_FATIGUE_DRIVING,
    0x25: names.ALARM_OVERSPEED,
    **dict.fromkeys((0x26, 0x27, 0x28), names.ALARM_ACCIDENT),
    **dict.fromkeys((0x31, 0x32), names.ALARM_DOOR),
}


def trip(position: Position, data: bytes, at: int) -> None:
    """A trip that begins, or one that ends."""
    property, number = _TRIP.unpack_from(data, at)
    position.set("tripNumber", number)
    if property == 2:
        row(position, data, at + _TRIP.size, _TRIP_END)


_TRIP = Struct(">BI6x")
_TRIP_END: Row = (
    skipped(6 + 8 + 8 + 1),
    ("idlingCount", U16, int),
    ("idlingTime", U16, int),
    (names.ODOMETER_TRIP, U16, times_100),
    ("tripFuel", U16, hundredths),
)


def vin(position: Position, data: bytes, at: int) -> None:
    if data[at]:
        position.set(names.VIN, latin(part(data, at + 1, 17)))


def assistance(position: Position, data: bytes, at: int) -> None:
    (code,) = I32.unpack_from(data, at)
    if code in _ASSISTANCE:
        position.add_alarm(_ASSISTANCE[code])
    else:
        position.set(names.EVENT, code)


_ASSISTANCE = {
    **dict(zip((51, 52, 53), DRIVING, strict=True)),
    54: names.ALARM_LANE_CHANGE,
    56: names.ALARM_ACCIDENT,
}

# With a place behind it, and without.
_PLACED: dict[int, Callable[[Position, bytes, int], int]] = {0x01: readings, 0x02: trouble, 0x03: events}
_UNPLACED: dict[int, Callable[[Position, bytes, int], None]] = {0x04: trip, 0x0B: vin, 0x15: assistance}

KINDS: Mapping[int, Kind] = {
    0x40: text,
    0x41: obd,
    0x53: tags,
    0x54: samples,
    0xF0: vehicle,
    0xF3: status,
    0xFF: fix,
}
