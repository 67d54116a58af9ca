"""
Wialon IPS 1.1 and 2.x: what apps, many trackers in their IPS mode, and other platforms send to Wialon.

    #L#2.0;352093089439473;NA;BB2B                                             login
    #SD#270413;205601;5544.6025;N;03739.6834;E;1;2;3;4                         short data
    #D#270413;205601;5544.6025;N;03739.6834;E;1;2;3;4;0.0;0;0;14.77;NA;fuel:2:45.8
    2.0;352093089439473#D#270413;205601;…                                      a datagram tells who it is

Short and long data have one grammar, and so have the pieces of a black box (B). Checksums of 2.x are not looked at,
and are not in the answers. In a datagram the line end is a part of the message.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from trackd.wire import commands, names
from trackd.wire.binary import cut
from trackd.wire.coordinates import ddmm_text
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import LARGE, line
from trackd.wire.text import integer, number, number_or_zero, shown, split_at, utf8
from trackd.wire.times import digits
from trackd.wire.units import kmh
from trackd.wire.values import CellTower, Command, Login, Network, Output, Position, Reply, WireError

MESSAGE = re.compile(
    r"""
    (?: \d\.\d; )?                               # version
    ([^#]+)?\#([^#]+)\#(.*)                      # id, type, data
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    found = MESSAGE.fullmatch(utf8(frame))
    if found is None:
        return
    id, kind, data = found.groups()
    ids = (id,) if id else ()
    match kind:
        case "L":
            yield login(data)
        case "P":
            yield Reply(b"#AP#\r\n")
        case "D" | "SD":
            if (record := RECORD.fullmatch(data)) is not None:
                yield Login(ids)
                yield report(record, session)
                yield Reply(b"#AD#1\r\n")
        case "B":
            yield from black_box(ids, split_at(data, "|"), session)
        case "M":
            yield Login(ids)
            position = Position.last(session.now)
            position.set(names.RESULT, data)
            yield position
            yield Reply(b"#AM#1\r\n")


def login(data: str) -> Login:
    """The id stands first, or after the version, which has a point."""
    items = split_at(data, ";")
    return Login.of(items[1] if "." in items[0] else items[0], accept=b"#AL#1\r\n")


def black_box(ids: tuple[str, ...], pieces: list[str], session: Session) -> Iterator[Output]:
    """Records from the device's memory. The answer counts all pieces, also those that are none, whoever sends them."""
    records = [record for piece in pieces if (record := RECORD.fullmatch(piece)) is not None]
    if records:
        yield Login(ids, optional=True)
    if session.device is not None:
        for record in records:
            position = report(record, session)
            position.set(names.ARCHIVE, True)
            yield position
    yield Reply(f"#AB#{len(pieces)}\r\n".encode())


# The fields behind the satellites count all together or not at all.
RECORD = re.compile(
    r"""
    (?:NA|(\d{6}));(?:NA|(\d{6}));                          # date, time
    (?:NA|(\d{3,}\.\d+));(?:NA|([NS]));                     # latitude
    (?:NA|(\d{3,}\.\d+));(?:NA|([EW]));                     # longitude
    (?:NA|(\d+(?:\.\d*)?)?);(?:NA|(\d+(?:\.\d*)?)?);        # km/h, course
    (?:NA|(-?\d+(?:\.\d*)?));                               # altitude
    (?:NA|(\d+))                                            # satellites
    (?:
        ;(?:NA|(\d+(?:\.\d*)?));(?:NA|(\d+));(?:NA|(\d+))   # HDOP, inputs, outputs
        ;(?:NA|([^;]*));(?:NA|([^;]*));(?:NA|([^;]*))       # analogue inputs, iButton, parameters
    )?
    .*                                                      # checksum
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
clock = digits("ddMMyyHHmmss")

ENOUGH = 3  # satellites of a fix


def report(record: re.Match[str], session: Session) -> Position:
    """A record. One without any of place, movement and altitude is a message without a fix."""
    date, time, *fix, satellites, hdop, inputs, outputs, adc, driver, params = record.groups()
    position = Position.at(clock(date + time) if date and time else session.now)
    if any(fix):
        latitude, north, longitude, east, speed, course, altitude = fix
        position.latitude = ddmm_text(latitude, north)
        position.longitude = ddmm_text(longitude, east)
        position.speed = kmh(number_or_zero(speed))
        position.course = number_or_zero(course)
        position.altitude = number_or_zero(altitude)
    else:
        position.outdated = True
    if satellites:
        count = integer(satellites)
        position.valid = count >= ENOUGH
        position.set(names.SAT, count)
    if hdop:
        position.set(names.HDOP, number(hdop))
    position.set(names.INPUT, inputs)
    position.set(names.OUTPUT, outputs)
    if adc:
        for place, value in enumerate(adc.split(","), 1):
            position.set(f"{names.ADC}{place}", value)
    position.set(names.DRIVER_UNIQUE_ID, driver)
    if params:
        set_params(position, params)
    return position


# Name, type and value; the last type is the one that counts. Of three types none tells more than the value's looks.
PARAM = re.compile(r"(?>([^\r\n]*):[123]:)([^\r\n]*)")
CELLS = [[f"{name}{place}" for name in ("mcc", "mnc", "lac", "cell_id")] for place in ("", *range(1, 10))]


def set_params(position: Position, text: str) -> None:
    """Parameters become attributes of their names in small letters, but for some that are known."""
    params: dict[str, float | bool | str] = {}
    for item in text.split(","):
        if (found := PARAM.fullmatch(item)) and found[2]:
            params[found[1].lower()] = read(found[2])
    if "accuracy" in params:
        accuracy = quantity(params.pop("accuracy"))
        position.accuracy = accuracy if math.isfinite(accuracy) else 0.0
    if "bat" in params:
        position.set(names.BATTERY_LEVEL, cut(quantity(params.pop("bat"))))
    if "temp" in params:
        position.set(names.DEVICE_TEMP, cut(quantity(params.pop("temp"))))
    for place, cell in enumerate(CELLS):
        if all(name in params for name in cell):
            mcc, mnc, lac = (cut(quantity(params.pop(name))) for name in cell[:3])
            position.network = position.network or Network()
            position.network.add(CellTower(mcc, mnc, lac, cut(quantity(params[cell[3]]), 64)))
        elif place:  # cells are numbered without gaps; one without a number comes before them
            break
    for name, value in params.items():
        position.set(name, value if not isinstance(value, float) or math.isfinite(value) else shown(value))


def read(text: str) -> float | bool | str:
    """A value is what it looks like: a number, a flag, or a text."""
    try:
        return number(text)
    except ValueError:
        flag = text.lower()
        return flag == "true" if flag in ("true", "false") else text


def quantity(value: float | bool | str) -> float:
    if not isinstance(value, float):
        raise WireError(f"no number: {value!r}")
    return value


COMMANDS = {
    "rebootDevice": "reboot",
    "sendUssd": "USSD:{phone}",
    "deviceIdentification": "VER?",
    "outputControl": "L{index}={data}",
}


def encode(command: Command, session: Session) -> bytes:
    return f"{commands.fill(COMMANDS[command.type], command, session)}\r\n".encode("utf-8", "replace")


wialon = WireFormat(
    "wialon",
    port=5039,
    udp=True,
    split=line(LARGE),
    limit=LARGE + 1,  # a longest line, and the CR of its end
    decode=decode,
    text=True,
    commands=tuple(COMMANDS),
    encode=encode,
)
