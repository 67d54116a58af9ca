"""
Omnicomm: registrators Profi, Optim, Light and Smart, which send their archive when they are asked for it.

A frame is a mark, a type, the length of its data, data, and a checksum; all numbers are little-endian:

    c0 80 0800 61a61915 34010000 1dec                   identification: number of the device, its firmware
    c0 86 6300 cd140000 22732314 00 5800 …  df2a        archive: index, time, priority, messages with their length

The messages of an archive are protocol buffers, with groups for the kinds of what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from trackd.wire import names, protobuf
from trackd.wire.binary import int32, part
from trackd.wire.checksums import crc16_ccitt_false
from trackd.wire.escapes import unescape
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import LARGE
from trackd.wire.protobuf import Message, zigzag
from trackd.wire.times import seconds
from trackd.wire.units import kmh
from trackd.wire.values import Login, Output, Position, Reply

IDENTIFICATION, ARCHIVE_INQUIRY, ARCHIVE_DATA, REMOVE_ARCHIVE = 0x80, 0x85, 0x86, 0x87

HEADER = Struct("<xxH")  # length of the data
CHECKSUM = Struct("<H")
ENVELOPE = HEADER.size + CHECKSUM.size

NUMBER = Struct("<I")
RECORD = Struct("<IIB")  # index, time, priority
SIZE = Struct("<H")

ESCAPE = b"\xdb"
unescaped = unescape({b"\xdb\xdc": b"\xc0", b"\xdb\xdd": b"\xdb"})


def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    """The length does not count the bytes that escapes add, and has none itself."""
    if len(buffer) - start < ENVELOPE:
        return None
    at = start + 1
    end: int = start + HEADER.unpack_from(buffer, start)[0] + ENVELOPE
    while end <= len(buffer):
        # Every escape moves the end, and what is then before it may have more of them.
        more = buffer[at:end]
        added = more.replace(ESCAPE * 2, ESCAPE).count(ESCAPE)  # the second of two begins no escape
        if not added:
            return buffer[start : start + 1] + unescaped(buffer[start + 1 : end]), end
        at = end + (len(more) - len(more.rstrip(ESCAPE))) % 2  # behind what follows the last one
        end += added
    return None


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    kind, at = frame[1], HEADER.size
    if kind == IDENTIFICATION:
        (number,) = NUMBER.unpack_from(frame, at)
        yield Login.of(str(number), optional=True)
        yield asked(ARCHIVE_INQUIRY, 0)
    elif kind == ARCHIVE_DATA:
        yield Login.of()
        index, _, _ = RECORD.unpack_from(frame, at)
        at += RECORD.size
        empty = True
        while len(frame) - at > CHECKSUM.size:
            (size,) = SIZE.unpack_from(frame, at)
            position = report(protobuf.message(part(frame, at + SIZE.size, size)))
            at += SIZE.size + size
            if position is not None:
                empty = False
                yield position
        if empty:  # what has positions is not answered
            yield asked(REMOVE_ARCHIVE, index + 1)


def asked(kind: int, index: int) -> Reply:
    """A request for the archive from an index on, or to forget it up to there. Nothing in it is escaped."""
    content = bytes((kind, NUMBER.size, 0)) + NUMBER.pack(index & 0xFFFFFFFF)
    return Reply(b"\xc0" + content + CHECKSUM.pack(crc16_ccitt_false(content)))


# Groups of a message, and their fields
GENERAL, NAVIGATION, LEVELS = 2, 5, 8
FLAGS, RPM, POWER, BATTERY = 4, 7, 8, 9
LATITUDE, LONGITUDE, SPEED, COURSE, SATELLITES, ALTITUDE, TIME = range(1, 8)
LEVEL_TEMPERATURE, LEVEL, LEVEL_STATE = 1, 2, 3

IGNITION = 1 << 0
DEGREE = 10_000_000
START = 1_230_768_000  # 2009-01-01


def report(message: Message) -> Position | None:
    """The position of a message; without a place there is none."""
    place = protobuf.numbers(message, NAVIGATION)
    if place is None:
        return None
    position = Position.at(
        seconds(START + int32(place.get(TIME, 0))),
        valid=True,
        latitude=signed(place[LATITUDE]) / DEGREE,
        longitude=signed(place[LONGITUDE]) / DEGREE,
        altitude=signed(place[ALTITUDE]) / 10,
        speed=kmh(int32(place[SPEED]) / 10),
        course=float(int32(place[COURSE])),
    )
    attributes = position.attributes
    general = protobuf.numbers(message, GENERAL)
    if general is not None:
        attributes[names.POWER] = int32(general.get(POWER, 0)) / 10
        attributes[names.BATTERY_LEVEL] = int32(general.get(BATTERY, 0))
        attributes[names.IGNITION] = bool(general.get(FLAGS, 0) & IGNITION)
        attributes[names.RPM] = int32(general.get(RPM, 0))
    attributes[names.SAT] = int32(place[SATELLITES])
    levels = protobuf.numbers(message, LEVELS)
    if levels is not None:
        attributes["fuel1Temp"] = signed(levels.get(LEVEL_TEMPERATURE, 0))
        attributes["fuel1"] = int32(levels.get(LEVEL, 0))
        attributes["fuel1State"] = signed(levels.get(LEVEL_STATE, 0))
    return position


def signed(value: int) -> int:
    """A field sint32."""
    return zigzag(value & 0xFFFFFFFF)


omnicomm = WireFormat("omnicomm", port=5203, split=split, limit=LARGE, decode=decode)
