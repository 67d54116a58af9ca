"""
The frames of JT/T 808: cut from the stream, their header, and made for replies and commands.

    7E   type u16   attributes u16   id 6   index u16   body   checksum u8   7E

The attributes have the length of the body in their lower ten bits, and a flag: a version u8 follows, and the id has ten
bytes. Frames between E7 are the same but for an id of seven bytes and another table of escapes. Neither length nor
checksum is looked at.

Functions here and in the modules beside take a frame, or a report of a batch, as `data`, and the place in it as `at`.
The body of a frame ends two bytes before the frame, and so does what is read of a report in a batch. What announces a
length has a width of its own nevertheless, and may reach into what follows, but not beyond the end of `data`.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from attrs import define

from trackd.wire.checksums import luhn, xor8
from trackd.wire.escapes import escape, unescape
from trackd.wire.format import Session
from trackd.wire.framing import by_start, marked, skip_to
from trackd.wire.text import without_zeros
from trackd.wire.values import Reply

STANDARD, OTHER = b"\x7e", b"\xe7"
TAIL = 2  # bytes behind a body: checksum, marker

ESCAPES = {b"\x7d\x01": b"\x7d", b"\x7d\x02": b"\x7e"}
OTHER_ESCAPES = {b"\xe6\x01": b"\xe6", b"\xe6\x02": b"\xe7", b"\x3e\x01": b"\x3e", b"\x3e\x02": b"\x3d"}

split = by_start(
    {
        STANDARD: marked(STANDARD, unescape(ESCAPES)),
        OTHER: marked(OTHER, unescape(OTHER_ESCAPES)),
        b"(": marked(b")"),
    },
    otherwise=skip_to(STANDARD + OTHER + b"("),
)


@define
class Header:
    """What a frame begins with."""

    marker: bytes
    type: int
    attributes: int
    version: int | None
    id: bytes
    index: int
    body: int  # where it begins


LENGTH = 0x03FF  # of the body
VERSIONED = 0x4000  # with a version, and a long id
WANTED = 0x8000  # a reply is, by locks

LOCK, LOCK_OFFLINE = 0x5501, 0x5502  # their index has one byte

_HEAD = Struct(">cHH")
_INDEX = Struct(">H")


def header(frame: bytes) -> Header:
    marker, type, attributes = _HEAD.unpack_from(frame)
    at = _HEAD.size
    version = None
    if attributes & VERSIONED:
        version = frame[at]
        at += 1
        width = 10
    else:
        width = 7 if marker == OTHER else 6
    id = frame[at : at + width]
    at += width
    if type in (LOCK, LOCK_OFFLINE):
        return Header(marker, type, attributes, version, id, frame[at], at + 1)
    return Header(marker, type, attributes, version, id, _INDEX.unpack_from(frame, at)[0], at + _INDEX.size)


@lru_cache(16384)
def ids(id: bytes) -> tuple[str, ...]:
    """What a device may be known by: without leading zeros first."""
    text = id_text(id)
    short = without_zeros(text)
    return (text,) if short == text else (short, text)


def id_text(id: bytes) -> str:
    """An id of digits as it is; any other is an IMEI in six bytes, without its check digit."""
    text = id.hex()
    if text.isdigit():
        return text
    number = int.from_bytes(id[:6], "big")
    return f"{number}{luhn(number)}"


def framed(
    marker: bytes, version: int | None, id: bytes, type: int, body: bytes = b"", index: bytes = b"\0\0"
) -> bytes:
    """A frame for the device, before its escapes."""
    if version is None:
        content = _TYPE.pack(type, len(body)) + id + index + body
    else:
        content = _TYPE.pack(type, len(body) | VERSIONED) + bytes((version,)) + id + index + body
    return b"%b%b%c%b" % (marker, content, xor8(content), marker)


_TYPE = Struct(">HH")


def answer(to: Header, type: int, body: bytes, index: bytes = b"\0\0") -> Reply:
    """A reply like the frame that it answers."""
    return Reply(framed(to.marker, to.version, to.id, type, body, index))


def general(to: Header) -> Reply:
    """The platform's general response: all is well."""
    return answer(to, 0x8001, _GENERAL.pack(to.index, to.type))


_GENERAL = Struct(">HHx")

_TABLES = {STANDARD: escape(ESCAPES), OTHER: escape(OTHER_ESCAPES)}


def wrap(data: bytes, session: Session) -> bytes:
    """Everything that is sent is escaped, except markers at both ends."""
    marker = OTHER if data.startswith(OTHER) else STANDARD
    first = 1 if data.startswith(marker) else 0
    last = len(data) - 1 if data.endswith(marker) and len(data) > 1 else len(data)
    return data[:first] + _TABLES[marker](data[first:last]) + data[last:]
