"""
ATrack: trackers of the AK, AL, AP, AS, AT, AU, AV, AX and AY lines, in binary and in text on one port, TCP and UDP.

    4050 25e3 0096 eb73 0001452efaf6a7d6 …                  prefix, CRC, length, sequence, unit id, records
        fe02 0001452efaf6a7d6 eb73                          answer
    @P,93D1,419,0,357766091026083,1557178589,…              the same as text
    $INFO=358683066267395,AX7,Rev.0.61 Build.1624,…         information, and answers to commands
    fe02 0001452efaf6a7d6 eb73                              keep-alive, sent back

The prefix is @P, that of photos @R; on UDP it may be another. Custom fields are read if the configuration says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct

from plugins.wire.atrack.records import records
from plugins.wire.atrack.texts import report
from trackd.wire import commands, names
from trackd.wire.binary import part
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.framing import LARGE, by_start, fixed, sized
from trackd.wire.text import integer, latin, trimmed
from trackd.wire.times import seconds
from trackd.wire.transfer import LIMIT, Transfer
from trackd.wire.values import Command, Login, Media, Output, Position, Reply

KEEP_ALIVE = b"\xfe\x02"
PHOTO = b"@R"
COMMA = ord(",")
HEAD = Struct(">2s4x2s8s")  # prefix, sequence, unit id
PACKET = Struct(">IBBH")  # time, index, number of packets, length


# Frames

binary = sized(4, 2, 6, limit=6 + 0xFFFF)


def text(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    """A line without commas; or a text with its length, which may or may not count the last byte, a line feed."""
    comma = buffer.find(b",", start + 3)
    line_end = buffer.find(b"\r\n", start, comma if comma >= 0 else len(buffer))
    if line_end > start:
        return buffer[start : line_end + 2], line_end + 2
    second = buffer.find(b",", comma + 1)
    if comma < 0 or second < 0:
        return None
    end = second + integer(buffer[comma + 1 : second])
    if end > len(buffer):
        return None
    if buffer[end : end + 1] == b"\n":
        end += 1
    return buffer[start:end], end


def led(buffer: bytes, start: int) -> tuple[bytes | None, int] | None:
    if len(buffer) - start < 3:
        return None
    return text(buffer, start) if buffer[start + 2] == COMMA else binary(buffer, start)


def line_feed(buffer: bytes, start: int) -> tuple[None, int]:
    """One that has come later than its text."""
    return None, start + 1


# Messages


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    if frame.startswith(KEEP_ALIVE):
        yield Reply(frame)
    elif frame.startswith(b"$"):
        yield from answer(trimmed(latin(frame)))
    elif frame[2] == COMMA:
        yield from report(frame, session)
    else:
        prefix, sequence, id = HEAD.unpack_from(frame)
        yield Login.of(str(int.from_bytes(id, "big", signed=True)))
        yield from photo(frame, session) if prefix == PHOTO else records(frame, HEAD.size, session)
        yield Reply(KEEP_ALIVE + id + sequence)


def photo(frame: bytes, session: Session) -> Iterator[Position]:
    """A packet of a photo, which goes behind the others whatever its index."""
    time, index, count, length = PACKET.unpack_from(frame, HEAD.size)
    transfer: Transfer = session.state
    transfer.limit = session.setting("media.bufferSize", LIMIT)
    transfer.append(part(frame, HEAD.size + PACKET.size, length))
    if index == count - 1:
        position = Position.last(seconds(time))
        position.set(names.IMAGE, Media(transfer.take(), "jpg"))
        yield position


INFO = re.compile(
    r"""
    \$INFO=(\d+),                       # unit id
    ([^,]+),([^,]+),                    # model, firmware
    \d+,\d+,\d+,                        # IMEI, IMSI, SIM
    (\d+),(\d+),(\d+),                  # supply, battery, satellites
    \d+,(\d+),                          # status of GSM, signal
    \d+,\d+                             # connection, antenna
    .*
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def answer(text: str) -> Iterator[Output]:
    """Information and answers to commands. They have neither a time nor a place, so that they cannot be stored."""
    position = Position()
    if (found := INFO.fullmatch(text)) is not None:
        id, model, firmware, power, battery, satellites, signal = found.groups()
        yield Login.of(id)
        position.set("model", model)
        position.set(names.VERSION_FW, firmware)
        position.set(names.POWER, integer(power) / 10)
        position.set(names.BATTERY, integer(battery) / 10)
        position.set(names.SAT, integer(satellites))
        position.set(names.RSSI, integer(signal))
        yield position
    elif not text.startswith("$INFO"):
        yield Login.of()
        position.set(names.RESULT, text)
        yield position


# Commands


def encode(command: Command, session: Session) -> bytes:
    return commands.data(command).encode("ascii", "replace") + b"\r\n"


atrack = WireFormat(
    "atrack",
    port=5044,
    udp=True,
    split=by_start({KEEP_ALIVE: fixed(12), b"@": led, b"\n": line_feed}, otherwise=text),
    limit=LARGE,
    decode=decode,
    commands=("custom",),
    encode=encode,
    state=Transfer,
    keys=(
        Key("longDate", bool, False, "Binary records begin with dates of 7 bytes."),
        Key("decimalFuel", bool, False, "Fuel sensors write decimal numbers."),
        Key("custom", bool, False, "Records have custom fields."),
        Key("form", str, "", "Keys of the custom fields, %MV%BV, for devices that do not send them."),
        Key("frameMask", int, 0, "1: each beacon comes with its length."),
        Key("alarmMap", str, "", "Alarms by numbers of reports, 101=sos,106=overspeed."),
    ),
)
