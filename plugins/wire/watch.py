"""
Watch: GPS watches for children and old people of SeTracker, Beesure, Wonlex, Reachfar and their likes, over TCP.

    [3G*4700186508*000B*LK,0,10,100]
    [SG*9059011020*0067*AL,240123,181628,V,54.427538,N,6.409275,W,0.00,0,0,0,19,90,0,0,00000000,1,1,234,10,55C0,3B882A2,132,,10]

Maker, id of the device, length in hex, then a type and its data. Some put an index before the length:

    [ZJ*5678901234*0001*0009*TEMP,36.5]

Lengths are not trusted: brackets are counted. Voice and pictures are binary, so bytes of meaning are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from attrs import define

from trackd.wire import commands, names
from trackd.wire.binary import part
from trackd.wire.coordinates import degrees
from trackd.wire.escapes import escape, unescape
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import LARGE
from trackd.wire.text import from_hex, hex_integer, integer, integer_or_none, latin, number, shown, split_at
from trackd.wire.times import digits
from trackd.wire.transfer import LIMIT, Transfer
from trackd.wire.units import kmh
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
    WifiAccessPoint,
)

ESCAPES = {b"}\1": b"}", b"}\2": b"[", b"}\3": b"]", b"}\4": b",", b"}\5": b"*"}
unescaped, escaped = unescape(ESCAPES, strict=True), escape(ESCAPES)

bracket = re.compile(rb"[][]").search
OTHER = {b"[": b"]", b"]": b"["}


@define
class State:
    """Of one connection: how its device writes, which commands follow, and the voice message that it is sending."""

    maker: bytes | None = None  # of the latest frame
    indexed: bool = False  # whether there has been an index
    voice: Transfer | None = None


def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    """
    A frame ends when as many brackets are closed as are open, after the second byte at the earliest.

    So a stray byte is a part of the frame that follows, and two of them are a frame.
    """
    first = bracket(buffer, start, start + 2)
    if first is None:
        return (buffer[start : start + 2], start + 2) if len(buffer) >= start + 2 else None
    opening, closing = first[0], OTHER[first[0]]
    depth, at = 0, start
    while (end := buffer.find(closing, at)) >= 0:
        depth += buffer.count(opening, at, end) - 1
        at = end + 1
        if not depth:
            return unescaped(buffer[start:at]), at
    return None


ID = 4  # where the id of the device begins, behind a bracket, the maker and an asterisk
INDEX = re.compile(rb"\*([^*]*\*)[0-9a-fA-F]{4}\*")
LENGTH = 6  # bytes from the asterisk behind the id to the content, if there is no index


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    end = frame.index(b"*", ID)
    id = frame[ID:end]
    state: State = session.state
    maker = state.maker = frame[1:3]
    yield Login.of(latin(id))
    index = INDEX.match(frame, end)
    if index is not None:
        state.indexed = True
        at = index.end()
    else:
        at = end + LENGTH
    kind, _, data = part(frame, at, len(frame) - 1 - at).partition(b",")

    def reply(content: bytes) -> Reply:
        return Reply(framed(maker, id, index[1] if index is not None else b"", content))

    if kind.startswith((b"UD", b"AL", b"WT")):
        if (report := REPORT.fullmatch(data)) is not None:
            yield location(report, kind.startswith(b"AL"))
        if kind.startswith(b"AL"):
            yield reply(b"AL")
    elif kind == b"LK":
        if (position := link(latin(data))) is not None:
            yield position
        yield reply(b"LK")
    elif kind == b"INIT":
        yield reply(b"INIT,1")
    elif kind in (b"TKQ", b"TKQ2"):
        yield reply(kind)
    elif kind in (b"TK", b"TK2"):
        if len(data) != 1:  # else the watch has got a voice message
            yield file(names.AUDIO, data, "amr")
    elif kind == b"JXTK":
        if (whole := voice(data, session)) is not None:
            yield file(names.AUDIO, whole, "amr")
        yield reply(b"JXTKR,1")
    elif kind == b"img":
        # Behind the source a comma, twelve characters of time and a comma. If there is none, find gives −1.
        at = frame.find(b",", len(frame) - 1 - len(data)) + 14
        yield file(names.IMAGE, part(frame, at, len(frame) - 1 - at), "jpg")
    elif data and (reading := HEALTH.get(kind.upper())) is not None:
        position = Position.last(session.now)
        reading(position, split_at(latin(data), ","))
        yield position


def framed(maker: bytes, id: bytes, index: bytes, content: bytes) -> bytes:
    """A frame for the device; an index with its asterisk."""
    return b"[%b*%b*%b%04x*%b]" % (maker, id, index, len(content), content)


REPORT = re.compile(
    rb"""
    (\d{6}),(\d{6}),([AV]),                               # date, time, A: fixed now
    \ *(-?\d+(?:\.\d*)?),([NS]?),                        # latitude
    \ *(-?\d+(?:\.\d*)?),([EW]?),                        # longitude
    (\d+(?:\.\d*)?),(\d+(?:\.\d*)?),(-?\d+(?:\.\d*)?),  # km/h, course, altitude
    (\d+),(\d+),(\d+),(\d+),\d+,                         # satellites, signal, battery, steps, tumbles
    ([0-9a-fA-F]+),                                      # status
    (.*)                                                 # cells, access points
    """,
    re.VERBOSE | re.DOTALL,
)
clock = digits("ddMMyyHHmmss")

# The first bit of the status that is set counts.
ALARMS = (
    (1 << 0, names.ALARM_LOW_BATTERY),
    (1 << 1, names.ALARM_GEOFENCE_EXIT),
    (1 << 2, names.ALARM_GEOFENCE_ENTER),
    (1 << 14, names.ALARM_POWER_CUT),
    (1 << 16, names.ALARM_SOS),
    (1 << 17, names.ALARM_LOW_BATTERY),
    (1 << 18, names.ALARM_GEOFENCE_EXIT),
    (1 << 19, names.ALARM_GEOFENCE_ENTER),
    (1 << 20, names.ALARM_REMOVING),
    (1 << 21, names.ALARM_FALL_DOWN),
    (1 << 22, names.ALARM_FALL_DOWN),
)
MOVING = 1 << 4


def location(report: re.Match[bytes], alarmed: bool) -> Position:
    """UD, AL, WT: the place counts as it is sent, also without a fix."""
    date, time, valid, latitude, north, longitude, east, speed, course, altitude, *fields = report.groups()
    *counts, status, around = fields
    satellites, signal, battery, steps = map(integer, counts)
    flags = hex_integer(status)
    position = Position.at(
        clock(date + time),
        valid=valid == b"A",
        latitude=degrees(latitude, north),
        longitude=degrees(longitude, east),
        speed=kmh(number(speed)),
        course=number(course),
        altitude=number(altitude),
        network=heard(latin(around)),
        attributes={
            names.SAT: satellites,
            names.RSSI: signal,
            names.BATTERY_LEVEL: battery,
            names.STEPS: steps,
        },
    )
    for bit, alarm in ALARMS:
        if flags & bit:
            position.add_alarm(alarm)
            break
    else:
        if alarmed:
            position.add_alarm(names.ALARM_GENERAL)
    if flags & MOVING:
        position.set(names.MOTION, True)
    return position


letters = re.compile("[A-Fa-f]").search


def heard(text: str) -> Network | None:
    """Cells and access points: their numbers, three fields for each, network codes before the cells."""
    values = split_at(text, ",")
    if len(values) > 3 and letters(values[3]):
        return None  # a network code of FFFF; or a MAC, if there are no cells
    network = Network()
    at = 1
    cells = integer(values[0])
    if cells > 0:
        mcc, mnc = integer(values[2]), integer(values[3])  # after the timing advance
        at = 4 + 3 * cells
        for lac, cid, signal in triples(values, 4, cells):
            network.add(CellTower(mcc, mnc, area(lac), area(cid), integer_or_none(signal)))
    points = integer(values[at]) if at < len(values) and values[at] else 0
    for _, mac, signal in triples(values, at + 1, points):
        if mac not in ("", "0") and signal:
            network.add(WifiAccessPoint(mac, integer(signal)))
    return network if network.cells or network.wifi else None


def triples(values: list[str], at: int, count: int) -> Iterable[tuple[str, str, str]]:
    """So many times three fields, those that are the same once; IndexError if they are not all there."""
    fields = values[at : at + 3 * max(count, 0)]
    if len(fields) < 3 * count:
        raise IndexError(f"{count} times three fields at {at} of {len(values)}")
    return dict.fromkeys(zip(fields[::3], fields[1::3], fields[2::3], strict=True))


def area(text: str) -> int:
    """A code of a cell: in hex if it has a letter."""
    return hex_integer(text) if letters(text) else integer(text)


def link(text: str) -> Position | None:
    """LK: steps, tumbles, battery, or nothing."""
    values = split_at(text, ",")
    if len(values) < 3:
        return None
    position = Position.last()
    position.set(names.BATTERY_LEVEL, integer(values[2]))
    position.set(names.STEPS, integer(values[0]))
    return position


def heart(position: Position, values: list[str]) -> None:
    if values:
        position.set(names.HEART_RATE, integer(values[0]))


def blood(position: Position, values: list[str]) -> None:
    position.set("pressureHigh", values[0])
    position.set("pressureLow", values[1])
    heart(position, values[2:])


def temperature(position: Position, values: list[str]) -> None:
    position.set(f"{names.TEMP}1", number(values[0]))


def measured(position: Position, values: list[str]) -> None:
    if integer(values[0]) > 0:
        temperature(position, values[1:])


def oxygen(position: Position, values: list[str]) -> None:
    position.set("bloodOxygen", integer(values[1]))


# In upper or lower case.
HEALTH: dict[bytes, Callable[[Position, list[str]], None]] = {
    b"PULSE": heart,
    b"HEART": heart,
    b"BLOOD": blood,
    b"BPHRT": blood,
    b"TEMP": temperature,
    b"BTEMP2": measured,
    b"OXYGEN": oxygen,
}


def voice(data: bytes, session: Session) -> bytes | None:
    """JXTK: flag, name, number of the part, number of parts, a part; with the last one the whole message."""
    _, _, current, total, piece = data.split(b",", 4)
    last = integer(current) >= integer(total)
    state: State = session.state
    if state.voice is None:
        state.voice = Transfer(session.setting("media.bufferSize", LIMIT))
    state.voice.append(piece)
    if not last:
        return None
    whole, state.voice = state.voice.take(), None
    return whole


def file(name: str, data: bytes, extension: str) -> Position:
    position = Position.last()
    position.set(name, Media(data, extension))
    return position


TEXTS = {
    "alarmBattery": "LOWBAT,{enable}",
    "alarmClock": "REMIND,{data}",
    "alarmRemove": "REMOVE,{enable}",
    "alarmSos": "SOSSMS,{enable}",
    "message": "MESSAGE,{message}",
    "positionPeriodic": "UPLOAD,{frequency}",
    "positionSingle": "CR",
    "powerOff": "POWEROFF",
    "rebootDevice": "RESET",
    "setIndicator": "FLOWER,{data}",
    "setPhonebook": "PHB,{data}",
    "setTimezone": "LZ,{language},{timezone}",
    "silenceTime": "SILENCETIME,{data}",
    "sosNumber": "SOS{index},{phone}",
}
ANOTHER = {b"3G": b"SG"}  # what is sent to a maker


def encode(command: Command, session: Session) -> bytes:
    """The frame of a command, of the kind that has last come; Unsupported before any has."""
    state: State = session.state
    device = session.device
    if device is None or state.maker is None:
        raise Unsupported("nothing has come from the device, whose frames are to be answered in kind")
    if command.type == "voiceMessage":
        content = b"TK," + escaped(from_hex(commands.data(command)))
    elif command.type == "custom":
        content = plain(DIRECTIVE.sub(directive, commands.data(command)))
    else:
        content = plain(commands.fill(TEXTS[command.type], command, session, formatter=worded(command, session)))
        if b"[" in content or b"]" in content:
            raise Unsupported(f"{command.type}: a bracket ends the frame")
    maker = ANOTHER.get(state.maker, state.maker)
    return framed(maker, plain(device.unique_id), b"0001*" if state.indexed else b"", content)


def plain(text: str) -> bytes:
    return text.encode("ascii", "replace")


def worded(command: Command, session: Session) -> commands.Formatter:
    """The values that are not written as they are."""

    def formatter(name: str, value: Any) -> str | None:
        match name:
            case "enable":
                if not isinstance(value, bool):
                    raise Unsupported("enable is neither true nor false")
                return str(int(value))
            case "message":
                if value is None:
                    raise Unsupported("no message")
                return shown(value).encode("utf-16-be", "replace").hex()
            case "timezone":
                hours = commands.timezone_offset(command, session.now) / 60
                return f"{hours:+.2f}".rstrip("0").rstrip(".")
        return None

    return formatter


# Custom texts are templates without values.
DIRECTIVE = re.compile("%(.?)", re.DOTALL)
DIRECTIVES = {"%": "%", "n": "\n"}


def directive(found: re.Match[str]) -> str:
    try:
        return DIRECTIVES[found[1]]
    except KeyError:
        raise Unsupported(f"{found[0]} in a text without values") from None


watch = WireFormat(
    "watch",
    port=5093,
    split=split,
    limit=LARGE,
    decode=decode,
    commands=("custom", "voiceMessage", *TEXTS),
    encode=encode,
    state=State,
)
