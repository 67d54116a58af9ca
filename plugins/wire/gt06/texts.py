"""Texts: answers to commands, and information sent in writing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from struct import Struct

from plugins.wire.gt06.blocks import date, hundredths
from plugins.wire.gt06.frames import announced, echo, hexed, remainder
from trackd.wire import names
from trackd.wire.binary import part, printable
from trackd.wire.coordinates import degrees
from trackd.wire.format import Session
from trackd.wire.text import hex_integer, latin, number, trimmed, utf16
from trackd.wire.times import moment
from trackd.wire.values import Output, Position, WireError


def string(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x15: the answer to a command."""
    position = Position.last()
    length = data[at]
    if length:
        part(data, at + 1, 4)  # the flag of the command
        text = latin(part(data, at + 5, length - 4))
        if text.startswith("<ICCID:"):
            if len(text) < 27:
                raise WireError("half an ICCID")
            position.set(names.ICCID, text[7:27])
        else:
            position.set(names.RESULT, text)
    return position, echo(data, 0x15)


_PLACE = re.compile(
    r"Current position!"
    r"Lat:([NS])([0-9]+\.[0-9]+),Lon:([EW])([0-9]+\.[0-9]+),"
    r"Course:([0-9]+\.[0-9]+),Speed:([0-9]+\.[0-9]+),"
    r"DateTime:([0-9]{4})-([0-9]{2})-([0-9]{2}) +([0-9]{2}):([0-9]{2}):([0-9]{2})"
)


def string_info(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x21: the answer to a command, which may be a place in words."""
    part(data, at, 5)
    content = remainder(data, at + 5)
    text = latin(content) if data[at + 4] == 1 else utf16(content)
    if not (match := _PLACE.fullmatch(text)):
        position = Position.last()
        position.set(names.RESULT, text)
        return (position,)
    north, latitude, east, longitude, course, speed, *parts = match.groups()
    year, month, day, hour, minute, second = map(int, parts)
    position = Position.at(
        moment(year, month, day, hour, minute, second),
        valid=True,
        latitude=degrees(latitude, north),
        longitude=degrees(longitude, east),
        course=number(course),
        speed=number(speed),
    )
    return (position,)


def serial_port(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x9B: what came in by the serial port."""
    position = Position.last()
    part(data, at, 1)
    content = remainder(data, at + 1)
    position.set(names.RESULT, trimmed(latin(content)) if printable(content) else content.hex())
    return (position,)


def obd(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x8C: pairs of a key in hex and a value."""
    position = Position.last(date(data, at, session))
    position.set(names.IGNITION, data[at + 6] > 0)
    at += 7
    text = latin(part(data, at, len(data) - 18 - at))
    for pair in text.split(","):
        key, _, value = pair.partition("=")
        if not value.strip("="):
            continue
        name = _OBD.get(key[:2].upper())
        value = value.partition("=")[0]
        if name == names.VIN:
            position.set(name, value)
        elif name is not None:
            position.set(name, hex_integer(value) / 100)
        elif len(key) < 2:
            raise WireError(f"a key of {len(key)} characters")
        else:
            hex_integer(key[:2])  # which it must be all the same
    return (position,)


_OBD = {
    "28": names.ODOMETER,
    "2B": names.FUEL,
    "2D": names.COOLANT_TEMP,
    "35": names.OBD_SPEED,
    "36": names.RPM,
    "47": names.FUEL_USED,
    "49": names.HOURS,
    "4A": names.VIN,
}


def info(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x94, extended: information of many kinds."""
    kind = _KINDS.get(data[at])
    position = kind(data, at + 1, session) if kind is not None else None
    return (position,) if position is not None else ()


def _voltage(data: bytes, at: int, session: Session) -> Position:
    position = Position.last()
    position.set(f"{names.ADC}1", hundredths(data, at))
    return position


def _settings(data: bytes, at: int, session: Session) -> Position:
    position = Position.last()
    for pair in latin(remainder(data, at)).split(";"):
        key, _, value = pair.partition("=")
        if key in _SETTINGS:
            position.set(_SETTINGS[key], hex_integer(value.partition("=")[0]))
    return position


_SETTINGS = {
    "ALM1": "alarm1Status",
    "ALM2": "alarm2Status",
    "ALM3": "alarm3Status",
    "ALM4": "alarm4Status",
    "STA1": "otherStatus",
    "DYD": "engineStatus",
}


def _door(data: bytes, at: int, session: Session) -> Position:
    position = Position.last()
    if len(data) - at >= 13:
        position.device_time = date(data, at, session)
        at += 6
    position.set(names.DOOR, data[at] & 1 != 0)
    position.set(f"{names.IO}1", data[at] & 4 != 0)
    return position


def _card(data: bytes, at: int, session: Session) -> Position:
    part(data, at, 16)  # IMEI, IMSI
    position = Position.last()
    position.set(names.ICCID, hexed(data, at + 16, 10).rstrip("f"))
    return position


def _technology(data: bytes, at: int, session: Session) -> Position:
    position = Position.last()
    length = announced(data, at) - 1
    if length == 1:
        position.set("networkTechnology", "4G" if 0 < data[at] < 0x80 else "2G")
    elif length == 2:
        position.set(names.POWER, hundredths(data, at))
    return position


_FUEL = re.compile(
    r"!AIOIL,[0-9]+,[0-9]+\.[0-9]+,"  # address, output
    r"([0-9]+\.[0-9]+),"  # temperature
    r"[^,]+,[0-9]{4},"  # version, state
    r"([0-9]+\.[0-9]+),"  # fuel
    r"[01],[0-9]+,[0-9a-fA-F]{2}"  # moving, waves, checksum
)


def _fuel(data: bytes, at: int, session: Session) -> Position | None:
    if data[at : at + 1] != b"!":
        part(data, at, 6)  # a time
        at += 6
    if not (match := _FUEL.fullmatch(latin(remainder(data, at)))):
        return None
    position = Position.last()
    position.set(f"{names.TEMP}1", number(match[1]))
    position.set(names.FUEL, number(match[2]))
    return position


def _serial(data: bytes, at: int, session: Session) -> Position:
    position = Position.last()
    if chr(data[at]).isalpha():
        position.set("serial", trimmed(latin(remainder(data, at))))
    else:
        position.set(names.DRIVER_UNIQUE_ID, hexed(data, at + 2, 4))
        part(data, at + 6, 2)
    return position


def _climate(data: bytes, at: int, session: Session) -> Position:
    position = Position.last()
    warmth, humidity = _CLIMATE.unpack_from(data, at)
    position.set(f"{names.TEMP}1", warmth / 10)
    position.set(names.HUMIDITY, humidity / 10)
    return position


_CLIMATE = Struct(">ii")

_KINDS: dict[int, Callable[[bytes, int, Session], Position | None]] = {
    0x00: _voltage,
    0x04: _settings,
    0x05: _door,
    0x0A: _card,
    0x0B: _technology,
    0x0D: _fuel,
    0x1B: _serial,
    0x1E: _climate,
}
