"""
EGTS, the telematics standard of ERA-GLONASS (GOST 33472, GOST R 56360): terminals of many makers, and platforms that
pass on what they have received.

A packet is a header, records, and a checksum of them; all numbers are little-endian:

    01 00 02 0b 00 2500 3a57 01 c9                    flags, length of the header, of the body, packet, type, checksum
       1a00 3a57 01 cd6e6849 02 02                    record: length, number, flags, object, services
          10 1700 cbb4740f 7617fd92 4364104f 11 6a00 00 000000 01 03 0000        sub-record: type, length, position
    1ec2

Terminals name themselves once, in a sub-record TERM_IDENTITY; platforms write the object into the records, which may be
of many devices. Every record is acknowledged with a packet of its own, whoever it is from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct

from attrs import define

from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.checksums import crc8_nrsc5, crc16_ccitt_false
from trackd.wire.format import Session, WireFormat
from trackd.wire.text import latin, trimmed
from trackd.wire.times import seconds
from trackd.wire.units import kmh
from trackd.wire.values import Login, Output, Position, Reply, WireError

HEADER = Struct("<BBBBBH2sB")  # version, key, flags, length of the header, encoding, length of the body, packet, type
LENGTHS = Struct("<3xBxH")  # the two lengths
CHECKSUM = 2  # bytes behind a body
RESPONSE, APPDATA = 0, 1  # types of a packet
LARGEST = 0xFF + 0xFFFF + CHECKSUM

U16, U32 = Struct("<H"), Struct("<I")
RECORD = Struct("<HHB")  # length, number, flags
HAS_OBJECT, HAS_EVENT, HAS_TIME = 1 << 0, 1 << 1, 1 << 2
SERVICES = Struct("<BB")  # whose the record is, and whom it is for
TELEDATA = 2
SUB_RECORD = Struct("<BH")  # type, length

# Types of a sub-record, but for those in READERS; the standard's number of a result code is 9
RECORD_RESPONSE, TERM_IDENTITY, RESULT_CODE, POS_DATA = 0, 1, 7, 16


@define
class State:
    """Of one connection: whether its terminal has named itself, and how many packets were sent to it."""

    named: bool = False
    sent: int = 0


def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    """A header, and, if it announces one, a body with a checksum."""
    if len(buffer) - start < HEADER.size:
        return None
    header, body = LENGTHS.unpack_from(buffer, start)
    end: int = start + header + (body + CHECKSUM if body else 0)
    return (buffer[start:end], end) if end <= len(buffer) else None


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    _, _, _, at, _, _, packet, kind = HEADER.unpack_from(frame)
    if kind == RESPONSE:
        return
    state: State = session.state
    id = 0  # of the object, which holds for the records behind as well
    while len(frame) - at > CHECKSUM:
        length, number, flags = RECORD.unpack_from(frame, at)
        at += RECORD.size
        if flags & HAS_OBJECT:
            (id,) = U32.unpack_from(frame, at)
            at += U32.size
        if flags & HAS_EVENT:
            at += U32.size
        if flags & HAS_TIME:
            at += U32.size
        service, _ = SERVICES.unpack_from(frame, at)
        at += SERVICES.size

        # A record is one position, however many fixes it has: some terminals write dozens.
        position, identities = Position(), []
        fixes: list[int] = []
        end = at + length
        while at < end:
            sub_record, size = SUB_RECORD.unpack_from(frame, at)
            at += SUB_RECORD.size
            after = at + size
            if after > len(frame):
                raise WireError(f"a sub-record of {size} bytes")
            if sub_record == POS_DATA:
                if not fixes:
                    position.attributes.update(AHEAD)
                fixes.append(at)
            elif (read := READERS.get(sub_record)) is not None:
                read(position, frame, at, after)
            elif sub_record == TERM_IDENTITY:
                identities.append(identity(frame, at))
            at = after
        if fixes:
            place(position, frame, fixes)

        # A terminal that names itself in this very record is not yet the one whose position it is.
        state.named = state.named or bool(identities)
        if service == TELEDATA and position.valid:
            yield Login((str(id),) if id and not state.named else (), optional=True)
            if session.device is not None:
                yield position
        yield acknowledgement(state, packet, number, service)
        for ids in identities:
            for one in ids:
                yield Login.of(one, optional=True)
            yield result(state, service)


# What a terminal tells of itself: the flag of a field, its width, and whether it is an id
IDENTITY = (
    (1 << 0, 2, False),  # home dispatcher
    (1 << 1, 15, True),  # IMEI
    (1 << 2, 16, True),  # IMSI
    (1 << 3, 3, False),  # language
    (1 << 5, 3, False),  # network
    (1 << 6, 2, False),  # size of its buffer
    (1 << 7, 15, True),  # phone number
)
TERMINAL = Struct("<IB")  # number of the terminal, flags


def identity(frame: bytes, at: int) -> list[str]:
    """The ids of a terminal, each of which may be the one that is known."""
    _, flags = TERMINAL.unpack_from(frame, at)
    at += TERMINAL.size
    ids = []
    for flag, width, is_id in IDENTITY:
        if flags & flag:
            field = part(frame, at, width)
            at += width
            if is_id:
                ids.append(trimmed(latin(field)))
    return ids


# Time, latitude, longitude, flags, speed and more, course, odometer under inputs, event
POSITION = Struct("<IIIBHBIB")
FLAGS = 12  # where they are
VALID, SOUTH, WEST, HAS_ALTITUDE = 1 << 0, 1 << 5, 1 << 6, 1 << 7
START = 1_262_304_000  # 2010-01-01
SPEED = 0x3FFF  # 0.1 km/h, under a sign of the altitude that is not looked at and the highest bit of the course
AHEAD = dict.fromkeys((names.ODOMETER, names.INPUT, names.EVENT))  # of what the sub-records behind the first fix add


def place(position: Position, frame: bytes, fixes: list[int]) -> None:
    """The last one of the fixes counts; if it has no altitude, the last altitude."""
    time, latitude, longitude, flags, motion, course, counter, event = POSITION.unpack_from(frame, fixes[-1])
    north, east = latitude * 90 / 0xFFFFFFFF, longitude * 180 / 0xFFFFFFFF
    position.device_time = position.fix_time = seconds(START + time)
    position.valid = bool(flags & VALID)
    position.latitude = -north if flags & SOUTH else north
    position.longitude = -east if flags & WEST else east
    position.speed = kmh((motion & SPEED) / 10)
    position.course = float(course | motion >> 15 << 8)
    position.attributes[names.ODOMETER] = (counter & 0xFFFFFF) * 100
    position.attributes[names.INPUT] = counter >> 24
    position.attributes[names.EVENT] = event
    for at in reversed(fixes):
        if frame[at + FLAGS] & HAS_ALTITUDE:
            altitude = part(frame, at + POSITION.size, 3)
            position.altitude = float(int.from_bytes(altitude, "little", signed=True))
            break


def by_flags(*fields: str) -> list[tuple[str, ...]]:
    """Which of the fields are there, for each value of flags whose lowest bit stands for the first one."""
    return [tuple(field for bit, field in enumerate(fields) if flags >> bit & 1) for flags in range(1 << len(fields))]


# Dilutions, which are sent a hundredfold by the standard and kept so, and satellites
PRECISION = by_flags(names.VDOP, names.HDOP, names.PDOP, names.SAT)
PRECISION_LAYOUTS = [Struct("<" + "".join(letters)) for letters in by_flags(*"HHHB")]


def precision(position: Position, frame: bytes, at: int, end: int) -> None:
    flags = frame[at] & 0x0F
    position.attributes.update(zip(PRECISION[flags], PRECISION_LAYOUTS[flags].unpack_from(frame, at + 1), strict=True))


SENSORS = Struct("<BBB")  # which further inputs there are, outputs, which sensors there are
ADC = by_flags(*(f"{names.ADC}{number}" for number in range(1, 9)))


def sensors(position: Position, frame: bytes, at: int, end: int) -> None:
    inputs, outputs, analog = SENSORS.unpack_from(frame, at)
    position.attributes[names.OUTPUT] = outputs
    at += SENSORS.size
    if inputs:
        at += len(part(frame, at, inputs.bit_count()))
    for name in ADC[analog]:
        position.attributes[name] = int.from_bytes(part(frame, at, 3), "little")
        at += 3


ADDRESS = 3  # bytes: flags, address
RAW = 1 << 3


def liquid(position: Position, frame: bytes, at: int, end: int) -> None:
    if frame[at] & RAW:
        position.set("liquidRaw", part(frame, at + ADDRESS, end - at - ADDRESS).hex())
    else:
        (position.attributes["liquid"],) = U32.unpack_from(frame, at + ADDRESS)


READERS: dict[int, Callable[[Position, bytes, int, int], None]] = {
    17: precision,
    18: sensors,
    27: liquid,
}


# A record, after the number of the packet, whose bytes come back swapped: length, number, flags, services, sub-record
ACKNOWLEDGEMENT = Struct("<2sBHHBBBBHHB")
RESULT = Struct("<HHBBBBHB")


def acknowledgement(state: State, packet: bytes, number: int, service: int) -> Reply:
    """The answer to a record."""
    return sent(
        state, RESPONSE, ACKNOWLEDGEMENT.pack(packet[::-1], 0, 6, 0, 0, service, service, RECORD_RESPONSE, 3, number, 0)
    )


def result(state: State, service: int) -> Reply:
    """The answer to a terminal's name, which is always welcome."""
    return sent(state, APPDATA, RESULT.pack(4, 0, 0, service, service, RESULT_CODE, 1, 0))


def sent(state: State, kind: int, body: bytes) -> Reply:
    """A packet for the terminal."""
    number = U16.pack(state.sent & 0xFFFF)
    state.sent += 1
    header = HEADER.pack(1, 0, 0, HEADER.size + 1, 0, len(body), number, kind)
    return Reply(header + bytes((crc8_nrsc5(header),)) + body + U16.pack(crc16_ccitt_false(body)))


egts = WireFormat("egts", port=5162, split=split, limit=LARGEST, decode=decode, state=State)
