"""
Teltonika: trackers of the FM and GH lines, and many that speak as they do, over TCP and UDP.

On TCP the device sends its IMEI and waits for one byte, which says whether data may follow:

    000f 333536333037303432343431303133

Then come data frames, each answered with the number of records in it:

    00000000 00000036   zeros, length
    08 01               codec 8, one record
    …  01 0000c7cf      records; their number again, checksum

On UDP each datagram carries an envelope with the IMEI before codec, number and records:

    003d cafe 01 05   000f 333532303933303836343033363535   length, packet, 1, number of the data; IMEI
    08 01 …

Lengths and checksums are not trusted: the records are walked by their count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct

from plugins.wire.teltonika import messages
from plugins.wire.teltonika.messages import Photo
from plugins.wire.teltonika.records import records
from trackd.wire import commands
from trackd.wire.binary import part
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.framing import LARGE
from trackd.wire.text import from_hex, latin
from trackd.wire.values import Command, Login, Output, Reply, WireError

KEEP_ALIVE = b"\xff"
SHORTEST = 12  # bytes: an identification, or all of a data frame but its records

LENGTH = Struct(">H")
DATA = Struct(">HHi")  # zeros, length
RECORDS = 8  # where a data frame's codec is
ENVELOPE = Struct(">HHBBH")  # length, packet, type, number of the data, length of the IMEI


def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    """A keep-alive of one byte, an identification, or a data frame."""
    if buffer.startswith(KEEP_ALIVE, start):
        return KEEP_ALIVE, start + 1
    if len(buffer) - start < SHORTEST:
        return None
    length, _, size = DATA.unpack_from(buffer, start)
    total = length + LENGTH.size if length else size + SHORTEST
    if total <= 0:
        raise WireError(f"a frame of {total} bytes")
    end = start + total
    return (buffer[start:end], end) if end <= len(buffer) else None


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    if session.transport == "udp":
        *_, number, length = ENVELOPE.unpack_from(frame)
        at = ENVELOPE.size + length
        yield Login.of(latin(part(frame, ENVELOPE.size, length)))
        yield from told(frame, at, session, b"\0\5\0\0\1" + bytes((number, frame[at + 1])))
    elif frame == KEEP_ALIVE:
        return
    elif LENGTH.unpack_from(frame)[0]:
        yield Login.of(latin(frame[LENGTH.size :]), accept=b"\1", reject=b"\0")
    else:
        yield Login.of()
        yield from told(frame, RECORDS, session, frame[RECORDS + 1].to_bytes(4, "big"))


def told(data: bytes, at: int, session: Session, receipt: bytes) -> Iterator[Output]:
    """What the records at `at` say, whose codec and count come first; `receipt` answers them, except messages."""
    codec, count = data[at], data[at + 1]
    at += 2
    if codec in messages.CODECS:
        yield from messages.messages(data, at, codec, count, session)
        return
    yield from records(data, at, codec, count, session)
    yield Reply(receipt)


HEX = re.compile("([0-9a-fA-F]{2})+")
TEXTS = {"engineStop": "setdigout 1", "engineResume": "setdigout 0"}


def encode(command: Command, session: Session) -> bytes:
    text = TEXTS.get(command.type) or commands.data(command)
    # A text of hex digits, `deadbeef` for one, is taken for bytes.
    content = from_hex(text) if HEX.fullmatch(text) else text.encode("ascii", "replace")
    return messages.message(messages.COMMAND, content)


teltonika = WireFormat(
    "teltonika",
    port=5027,
    udp=True,
    split=split,
    limit=LARGE,
    decode=decode,
    commands=("custom", *TEXTS),
    encode=encode,
    state=Photo,
    keys=(Key("extended", bool, False, "Each record has a group of 16-byte values after the others."),),
)
