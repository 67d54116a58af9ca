"""
Navis, Navtelecom's NTCB and FLEX: trackers SIGNAL, SMART and START, over TCP.

An envelope NTCB carries the login, the negotiation of FLEX, the telemetry of older devices and commands. It has a
preamble, whom it is for, who sends it, the length of the data, and XORs of the data and of what stands before:

    404e5443 01000000 00000000 1300 4e45 2a3e533a383636373935303331343130363839       *>S:866795031410689
    404e5443 00000000 01000000 0300 455e 2a3c53                                       *<S

Behind the negotiation the device sends FLEX packets, with records of the fields that it has announced:

    2a3e464c4558 b0 0a 0a 45 ffff300a08080f8388      *>FLEX, versions, a mask of 69 bits
    7e41 01 08000000 0917 …  b2                      ~A: number of records, records, checksum

A byte 7f between them keeps the connection open. Checksums are not looked at; all numbers are little-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from attrs import define

from plugins.wire.navis import fixed, flex
from plugins.wire.navis.fields import NOTHING, Layout
from trackd.wire import commands, names
from trackd.wire.binary import part
from trackd.wire.checksums import xor8
from trackd.wire.format import Session, Split, WireFormat
from trackd.wire.framing import LIMIT
from trackd.wire.text import latin
from trackd.wire.values import Command, Login, Output, Position, Reply, WireError

KEEP_ALIVE, NTCB, FLEX = b"\x7f", b"@", b"~"

ENVELOPE = Struct("<4sIIHBB")  # preamble, receiver, sender, length, XOR of the data, XOR of the envelope
LENGTH = 12  # where it is
PREAMBLE = b"@NTC"
SERVER, ANY_DEVICE = 1, 0  # sender and receiver of commands

NEGOTIATION = Struct("<6sBBBB")  # *>FLEX, protocol, its version, version of the structure, bits of the mask
PROTOCOL = 6  # where it is
FLEX_PROTOCOL = 0xB0
INDEX = Struct("<I")
LONGEST = ENVELOPE.size + 0xFFFF


@define
class State:
    """Of one connection: the last envelope, and the fields of FLEX records."""

    preamble: bytes = PREAMBLE
    receiver: int = SERVER
    sender: int = ANY_DEVICE
    layout: Layout = NOTHING


def splitter(session: Session) -> Split:
    """Until FLEX is negotiated everything is an envelope."""
    state: State = session.state

    def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
        if buffer.startswith(KEEP_ALIVE, start):
            return KEEP_ALIVE, start + 1
        if state.layout.size and not buffer.startswith(NTCB, start):
            return flex.split(buffer, start, state.layout.size)
        if len(buffer) - start < ENVELOPE.size:
            return None
        end = start + ENVELOPE.size + int.from_bytes(buffer[start + LENGTH : start + LENGTH + 2], "little")
        if end <= len(buffer):
            return buffer[start:end], end
        # An envelope may be long. What is none, say packets that were negotiated on another connection, is cut as one,
        # but is not waited for as long.
        if len(buffer) - start > LIMIT and not buffer.startswith(NTCB, start):
            raise WireError("no envelope")
        return None

    return split


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    state: State = session.state
    if frame.startswith(FLEX):
        yield Login.of()
        yield from flex.packet(frame, state.layout)
    elif frame.startswith(NTCB):
        state.preamble, state.receiver, state.sender, length, _, _ = ENVELOPE.unpack_from(frame)
        if length:
            yield from message(part(frame, ENVELOPE.size, length), session)


def message(data: bytes, session: Session) -> Iterator[Output]:
    """What an envelope carries, told by three characters."""
    state: State = session.state
    match part(data, 0, 3):
        case b"*>S":
            yield Login.of(latin(part(data, 4, len(data) - 4)), accept=envelope(state, b"*<S"))
        case b"*>T":
            yield Login.of()
            position, _ = fixed.record(data, 3)
            if position.fix_time is not None:
                yield position
            yield Reply(envelope(state, b"*<T" + INDEX.pack(position.attributes[names.INDEX])))
        case b"*>A":
            yield Login.of()
            at = 4
            for _ in range(data[3]):
                position, at = fixed.record(data, at)
                if position.fix_time is not None:
                    yield position
            yield Reply(envelope(state, b"*<A" + data[3:4]))
        case b"*>F":
            yield Login.of()
            if data[PROTOCOL] == FLEX_PROTOCOL:
                _, protocol, version, structure, count = NEGOTIATION.unpack_from(data)
                state.layout = flex.layout(part(data, NEGOTIATION.size, (count + 7) // 8), count)
                yield Reply(envelope(state, b"*<FLEX" + bytes((protocol, version, structure))))
        case b"*@C":
            yield Login.of()
            position = Position.last()
            position.set(names.RESULT, latin(data))
            yield position


def envelope(state: State, data: bytes) -> bytes:
    """Data for the sender of the last envelope."""
    return enveloped(state.preamble, state.sender, state.receiver, data)


def enveloped(preamble: bytes, receiver: int, sender: int, data: bytes) -> bytes:
    head = ENVELOPE.pack(preamble, receiver, sender, len(data), xor8(data), 0)
    return head[:-1] + bytes((xor8(head),)) + data


def encode(command: Command, session: Session) -> bytes:
    return enveloped(PREAMBLE, ANY_DEVICE, SERVER, commands.data(command).encode("ascii", "replace"))


navis = WireFormat(
    "navis",
    port=5019,
    splitter=splitter,
    limit=max(LONGEST, flex.LONGEST),
    decode=decode,
    commands=("custom",),
    encode=encode,
    state=State,
)
