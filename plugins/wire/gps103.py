"""
GPS103: text from Coban's GPS-102 to GPS-106, TK-102B, TK-103A and B, GPS303 to GPS403, OBD versions, and their copies.

    imei:359587010124900,tracker,0809231929,13554900601,F,112909.397,A,2234.4669,N,11354.3287,E,0.11,321.53,;

Keyword, local time, phone, then F and the fix with the time in UTC, or L without a fix. A photo is announced by the
number of its packets, `vt14`, and comes as hex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from attrs import Factory, define

from trackd.wire import commands, names
from trackd.wire.binary import part
from trackd.wire.coordinates import ddmm_text, degrees
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import LARGE, until
from trackd.wire.text import (
    from_hex,
    hex_integer,
    integer,
    integer_or_none,
    integer_or_zero,
    number,
    number_or_none,
    number_or_zero,
    trimmed,
    utf8,
)
from trackd.wire.times import digits, moment
from trackd.wire.transfer import LIMIT, Transfer
from trackd.wire.units import hours, kmh
from trackd.wire.values import (
    CellTower,
    Command,
    Login,
    Media,
    Network,
    Output,
    Position,
    Reply,
    Unsupported,
    WireError,
)

HANDSHAKE = 30  # characters: an identification has no more
ID = slice(5, 20)  # where photos and diagnoses have their IMEI
KIND = 21  # and their word
PICTURE = 24  # and what follows it


@define
class Photo:
    """The photo that a connection is sending."""

    packets: int = 0
    transfer: Transfer = Factory(Transfer)


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    text = utf8(frame)
    if len(text) <= HANDSHAKE and "imei:" in text:
        yield Reply(b"LOAD")
        if known := re.search(r"imei:(\d+),", text, re.ASCII):
            yield Login.of(known[1])
        return
    if "0" <= text[:1] <= "9":
        yield Reply(b"ON")
        _, imei, rest = text.partition("imei:")
        if not imei:
            return
        text = imei + rest
    if len(text) < PICTURE:
        raise WireError(f"a message of {len(text)} characters")
    if text.startswith("vr", KIND):
        message = photo
    elif text.startswith("OBD", KIND):
        message = diagnosis
    else:
        message = environment if text.endswith("*") else report
    yield from message(text, session)


REPORT = re.compile(
    r"""
    imei:(\d+),([^,]*),                                                   # IMEI, keyword
    (?: (\d\d)/?(\d\d)/?(\d\d)/?[ ]?(\d\d):?(\d\d)(?:\d\d)?, | \d*, )     # local date and time
    ([^,]*),([FL]),                                                       # phone or card, fix or none
    """,
    re.VERBOSE | re.ASCII,
)
# What does not fit any more, or only in part, is passed over.
FIX = re.compile(
    r"""
    (?: (\d\d)(\d\d)(\d\d)(?:\.\d+)? | \d{1,5}\.\d+ | ),                  # time of day in UTC
    ([AV]),                                                               # validity
    (?: ([NS]), )?(\d{3,}\.\d+),(?: ([NS]), )?                            # latitude
    (?: ([EW]), )?(\d{3,}\.\d+),(?: ([EW])?, )?                           # longitude
    (\d+(?:\.\d*)?)?(?: ,(\d+(?:\.\d*)?)? )?                              # speed, course
    (?: ,([-+]?\d+(?:\.\d*)?)? )?                                         # altitude
    (?: ,([01])? )?(?: ,([01])? )?                                        # ignition, door
    (?: ,(?: (\d+\.\d+)% )?,(?: (\d+\.\d+)% | \d+ )? )?                   # fuel in two tanks
    (?: ,([-+]?\d+)? )?                                                   # temperature
    """,
    re.VERBOSE | re.ASCII,
)
CELL = re.compile(r",,([0-9a-fA-F]+),,([0-9a-fA-F]+),,,")

ALARMS = {
    "help me": names.ALARM_SOS,
    "low battery": names.ALARM_LOW_BATTERY,
    "stockade": names.ALARM_GEOFENCE,
    "move": names.ALARM_MOVEMENT,
    "speed": names.ALARM_OVERSPEED,
    "door alarm": names.ALARM_DOOR,
    "ac alarm": names.ALARM_POWER_CUT,
    "accident alarm": names.ALARM_ACCIDENT,
    "sensor alarm": names.ALARM_VIBRATION,
    "bonnet alarm": names.ALARM_BONNET,
    "footbrake alarm": names.ALARM_FOOT_BRAKE,
    "DTC": names.ALARM_FAULT,
}
IGNITION = {"acc on": True, "acc off": False}
FLAGS = {"0": False, "1": True}


def report(text: str, session: Session) -> Iterator[Output]:
    found = REPORT.match(text)
    if found is None:
        return
    id, keyword, *local, card, kind = found.groups()
    fix = FIX.match(text, found.end()) if kind == "F" else None
    if kind == "F" and fix is None:
        return
    yield Login.of(id)
    if fix is not None:
        hour, minute, second, validity, *place, speed, course, altitude, ignition, door, fuel, other, warm = (
            fix.groups()
        )
        before_north, latitude, north, before_east, longitude, east = place
        clock = (int(hour), int(minute), int(second)) if hour else None
        position = Position.at(
            time([int(part or 0) for part in local], clock),
            valid=validity == "A",
            latitude=ddmm_text(latitude, north or before_north),
            longitude=ddmm_text(longitude, east or before_east),
            altitude=number_or_zero(altitude),
            speed=number_or_zero(speed),
            course=number_or_zero(course),
        )
        set_meaning(position, keyword, card, session)
        position.set(names.IGNITION, FLAGS.get(ignition))
        position.set(names.DOOR, FLAGS.get(door))
        position.set(f"{names.FUEL}1", number_or_none(fuel))
        position.set(f"{names.FUEL}2", number_or_none(other))
        position.set(f"{names.TEMP}1", integer_or_none(warm))
    else:
        position = Position.last()
        set_meaning(position, keyword, card, session)
        if cell := CELL.match(text, found.end()):
            mcc, mnc = session.setting("geolocation.mcc", 0), session.setting("geolocation.mnc", 0)
            position.network = Network([CellTower(mcc, mnc, hex_integer(cell[1]), hex_integer(cell[2]))])
    yield position
    if keyword == "help me":
        yield Reply(f"**,imei:{id},E;".encode())


def time(local: list[int], utc: tuple[int, int, int] | None) -> datetime:
    """Year to minute of the local time, and the time of day in UTC, with seconds; without it the former is in UTC."""
    year, month, day, hour, minute = local
    if utc is None:
        return moment(year, month, day, hour, minute)
    utc_hour, utc_minute, second = utc
    offset = (hour - utc_hour) * 60 + minute - utc_minute
    if offset <= -720:
        offset += 1440
    elif offset > 720:
        offset -= 1440
    return moment(year, month, day, hour, minute, second) - timedelta(minutes=offset)


def set_meaning(position: Position, keyword: str, card: str, session: Session) -> None:
    """What the keyword says."""
    if keyword == "tracker":
        return
    if keyword in ALARMS:
        position.add_alarm(ALARMS[keyword])
    elif keyword in IGNITION:
        position.set(names.IGNITION, IGNITION[keyword])
    elif keyword.startswith("T:"):
        position.add_alarm(names.ALARM_TEMPERATURE)
        position.set(f"{names.TEMP}1", number(keyword[2:]))
    elif keyword.startswith("oil"):
        position.add_alarm(names.ALARM_FUEL_LEAK)
        if level := re.fullmatch(r"oil (\d+(?:\.\d*)?)", keyword, re.ASCII):
            position.set(names.FUEL, number(level[1]))
    elif packets := re.fullmatch(r"vt(\d+)", keyword, re.ASCII):
        session.state.packets = integer(packets[1])
        session.state.transfer = Transfer(session.setting("media.bufferSize", LIMIT))
        session.state.transfer.start()
    else:
        position.set(names.EVENT, keyword)
        if keyword == "rfid":
            position.set(names.DRIVER_UNIQUE_ID, card)


def photo(text: str, session: Session) -> Iterator[Output]:
    """A packet of a photo: number, length, data, checksum."""
    yield Login.of(text[ID])
    packet = from_hex(text[PICTURE:].removesuffix(";"))
    index = int.from_bytes(part(packet, 0, 2), "little")
    state: Photo = session.state
    if not state.transfer.running:
        raise WireError("a packet of no photo")
    state.transfer.append(part(packet, 4, len(packet) - 6))
    if index + 1 >= state.packets:
        position = Position.last()
        position.set(names.IMAGE, Media(state.transfer.take(), "jpg"))
        yield position


DIAGNOSIS = re.compile(
    r"""
    imei:(\d+),OBD,(\d{12}),                                              # IMEI, time
    (\d+)?,(?: \d+\.\d+ )?,(\d+\.\d+)?,                                   # odometer, consumption now and on average
    (\d+)?,(\d+),                                                         # hours, speed
    (\d+(?:\.\d*)?%),(?: ([-+]?\d+) | [-+] )?,(\d+(?:\.\d*)?%),           # load, temperature, throttle
    (\d+),(\d+\.\d+),                                                     # revolutions, battery
    ([^;]*).*                                                             # trouble codes
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
DIAGNOSED = digits("yyMMddHHmmss")


def diagnosis(text: str, session: Session) -> Iterator[Output]:
    """What a vehicle's diagnosis connector tells."""
    found = DIAGNOSIS.fullmatch(text)
    if found is None:
        return
    id, date, odometer, consumption, worked, speed, load, temperature, throttle, rpm, battery, codes = found.groups()
    yield Login.of(id)
    position = Position.last(DIAGNOSED(date))
    position.set(names.ODOMETER, integer_or_zero(odometer))
    position.set(names.FUEL_CONSUMPTION, number_or_zero(consumption))
    position.set(names.HOURS, hours(integer(worked)) if worked else None)
    position.set(names.OBD_SPEED, integer(speed))
    position.set(names.ENGINE_LOAD, load)
    position.set(names.COOLANT_TEMP, integer_or_none(temperature))
    position.set(names.THROTTLE, throttle)
    position.set(names.RPM, integer(rpm))
    position.set(names.BATTERY, number(battery))
    position.set(names.DTCS, trimmed(codes.replace(",", " ")))
    yield position


ENVIRONMENT = re.compile(
    r"""
    imei:(\d+),[^,]+,                                                     # IMEI, name
    (?: -+ | ([^,]+) ),(?: -+ | ([^,]+) ),(?: -+ | ([^,]+) ),             # event, sensor, its voltage
    (\d{6}),(\d{6}),                                                      # time, date
    ([-+]?\d+),(\d),                                                      # signal, status
    ([-+]?\d+\.\d+),([-+]?\d+\.\d+),                                      # latitude, longitude
    (\d+),(\d+),([-+]?\d+),                                               # speed, course, altitude
    (\d+(?:\.\d*)?),(\d+),([01]),([01]),                                  # HDOP, satellites, ignition, charge
    (?: -+ | (.+) ).*                                                     # error
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
OBSERVED = digits("HHmmssddMMyy")


def environment(text: str, session: Session) -> Iterator[Output]:
    """The alternative form, with a sensor and decimal degrees; what is unknown is dashes."""
    found = ENVIRONMENT.fullmatch(text)
    if found is None:
        return
    id, event, sensor, voltage, clock, date, rssi, status, latitude, longitude, speed, course, *rest = found.groups()
    altitude, hdop, satellites, ignition, charge, error = rest
    yield Login.of(id)
    position = Position.at(
        OBSERVED(clock + date),
        valid=status > "0",
        latitude=degrees(latitude),
        longitude=degrees(longitude),
        altitude=float(integer(altitude)),
        speed=kmh(integer(speed)),
        course=float(integer(course)),
    )
    position.set(names.EVENT, event)
    position.set("sensorId", sensor)
    position.set("sensorVoltage", number_or_none(voltage))
    position.set(names.RSSI, integer(rssi))
    position.set(names.HDOP, number(hdop))
    position.set(names.SAT, integer(satellites))
    position.set(names.IGNITION, FLAGS[ignition])
    position.set(names.CHARGE, FLAGS[charge])
    position.set("error", error)
    yield position


COMMANDS = {
    "custom": "{data}",
    "positionSingle": "B",
    "positionPeriodic": "C,{frequency}",
    "positionStop": "D",
    "engineStop": "J",
    "engineResume": "K",
    "alarmArm": "L",
    "alarmDisarm": "M",
    "requestPhoto": "160",
}


def encode(command: Command, session: Session) -> bytes:
    template = "**,imei:{uniqueId}," + COMMANDS[command.type]
    return commands.fill(template, command, session, formatter=written).encode("utf-8", "replace")


def written(name: str, value: Any) -> str | None:
    """An interval in whole hours, minutes or seconds."""
    if name != "frequency":
        return None
    if value is None:
        raise Unsupported("no frequency")
    seconds = int(value)
    for unit, letter in ((3600, "h"), (60, "m")):
        if seconds >= unit:
            return f"{seconds // unit:02d}{letter}"
    return f"{seconds:02d}s"


gps103 = WireFormat(
    "gps103",
    port=5001,
    udp=True,
    split=until(b"\r\n", b"\n", b";", b"*", keep=True, limit=LARGE),
    limit=LARGE + 1,  # a longest frame, and the CR of its end
    decode=decode,
    text=True,
    commands=tuple(COMMANDS),
    encode=encode,
    state=Photo,
)
