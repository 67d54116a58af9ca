"""
Queclink: trackers of the GL, GV, GT, GMT, GB and CV lines, over TCP and UDP.

    +RESP:GTFRI,060228,862894020178276,,15153,10,1,1,0.0,0,431.7,-63.169571,-17.776235,20160210153458,0736,0003,6AD4,
        80EF,00,34.9,00117:31:26,13442,15163,0,210101,,,,20160210113503,38EE$
    2b00 0038 00 0865134050947226 8203 0300 00 …

Texts have a type of three letters, the version of the protocol, which tells the model, the id, and at the end the time
of sending and a count. +BUFF instead of +RESP is what was stored while the device was offline, +ACK the answer to a
command. Some types are matched as a whole, some are read field by field; of the others, and of those that are written
differently, what looks like a location is taken. Binary frames are in `binary`.
"""

from __future__ import annotations

from collections.abc import Iterator

from plugins.wire.gl200 import indexed, matched
from plugins.wire.gl200.binary import binary, length_at
from plugins.wire.gl200.fixed import FIXED, fixed
from plugins.wire.gl200.generic import generic
from plugins.wire.gl200.reports import strict
from trackd.wire import commands, names
from trackd.wire.binary import part
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.text import latin, split_at
from trackd.wire.values import Command, Login, Output, Position, Reply

SHORTEST = 11  # bytes
TYPE = b":GT"

MATCHED = dict.fromkeys(("FRI", "GEO", "RTL", "DOG", "STR", "CTN"), (FIXED, fixed)) | matched.TYPES


def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    """A binary frame by its length; a text up to the first dollar sign, or if there is none to the first NUL."""
    if len(buffer) - start < SHORTEST:
        return None
    place = length_at(buffer, start)
    if place is not None:
        offset, width = place
        end = start + int.from_bytes(buffer[start + offset : start + offset + width], "big")
        return (buffer[start:end], end) if end <= len(buffer) else None
    end = buffer.find(b"$", start)
    if end < 0:
        end = buffer.find(b"\0", start)
    return (buffer[start:end], end + 1) if end >= 0 else None


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    if length_at(frame) is not None:
        yield from binary(frame, session)
        return
    text = frame.removesuffix(b"$")
    at = text.find(TYPE)
    if at < 0:
        return
    kind = latin(part(text, at + len(TYPE), 3))
    values = split_at(latin(text), ",")
    if text.startswith(b"+ACK"):
        yield from acknowledgement(values, session)
    else:
        yield from report(text, kind, values, session)
    if session.setting("ack", False):
        yield Reply(f"+SACK:{values[-1]}$".encode())


ID = 2  # which field
LONGEST_VERSION = 10  # characters; where there are more, it is not the version


def report(text: bytes, kind: str, values: list[str], session: Session) -> Iterator[Output]:
    shape, read = MATCHED.get(kind, (None, None))
    found = shape.fullmatch(text) if shape is not None else None
    yield Login.of(values[ID] if found is None else latin(found["id"]), optional=True)
    if session.device is None:
        return
    if found is not None and read is not None:
        positions = read(found, session)
    elif kind in indexed.TYPES and not (kind == "INF" and len(values[1]) > LONGEST_VERSION):
        positions = indexed.TYPES[kind](values, session)
    else:
        positions = generic(kind, values, session)
    for position in positions:
        position.set(names.TYPE, kind)
        yield position


HEARTBEAT = "+ACK:GTHBD"


def acknowledgement(values: list[str], session: Session) -> Iterator[Output]:
    """+ACK: a heartbeat, or the answer to a command."""
    yield Login.of(values[ID], optional=True)
    if session.device is None:
        return
    if values[0] == HEARTBEAT:
        yield Reply(f"+SACK:GTHBD,{values[1]},{values[-1]}$".encode())
    else:
        position = Position.last(strict(values[-2]))
        position.set(names.RESULT, values[0])
        yield position


TEXTS = {
    "positionSingle": "AT+GTRTO={devicePassword},1,,,,,,FFFF$",
    "deviceIdentification": "AT+GTRTO={devicePassword},8,,,,,,FFFF$",
    "rebootDevice": "AT+GTRTO={devicePassword},3,,,,,,FFFF$",
    "engineStop": "AT+GTOUT={devicePassword},1,,,0,0,0,0,0,0,0,,,,,,,FFFF$",
    "engineResume": "AT+GTOUT={devicePassword},0,,,0,0,0,0,0,0,0,,,,,,,FFFF$",
}


def encode(command: Command, session: Session) -> bytes:
    return commands.fill(TEXTS[command.type], command, session).encode()


gl200 = WireFormat(
    "gl200",
    port=5004,
    udp=True,
    split=split,
    decode=decode,
    text=True,
    commands=tuple(TEXTS),
    encode=encode,
    keys=(
        Key("ack", bool, False, "Every text report is acknowledged."),
        Key("ignoreFixTime", bool, False, "The time of sending is the time of the fix, of the last point only."),
        Key("devicePassword", str, "", "Password in commands, for devices without their own."),
    ),
)
