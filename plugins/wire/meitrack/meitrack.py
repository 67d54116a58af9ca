"""
Meitrack: trackers of the MVT, T, TC, P and MT lines, locks and dash cameras, over TCP and UDP.

    $$I152,013949004569813,AAA,37,54.739468,25.273648,150208173414,A,5,24,0,73,1.5,165,74,3381,246|1|0065|118A,0000,
        0003|0003|0000|08D4|0002,006380DF,,1,0008*7C
    $$[114,864606044993987,CCE,…*HH

Flag, length from the first comma on, id, a type of three characters, data, checksum, CR LF. Texts of most types are
locations; CCC and CCE carry binary records, in little-endian, D00 the pieces of a photo.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plugins.wire.meitrack.location import LOCATION, location
from plugins.wire.meitrack.records import fixed_records, parameter_records
from trackd.wire import commands, names
from trackd.wire.binary import part
from trackd.wire.checksums import sum8_hex
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.framing import LARGE, counted
from trackd.wire.text import integer, latin
from trackd.wire.transfer import LIMIT, Transfer
from trackd.wire.values import Command, Login, Media, Output, Position, Reply, WireError

IMEI = 15  # bytes
DATA = 1 + IMEI + len(",CCC,")  # bytes from the first comma to the data of binary messages


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    comma = frame.find(b",")
    imei = latin(part(frame, comma + 1, IMEI))
    at = frame.find(b",", comma + 1) + 1
    kind = part(frame, at, 3)
    if kind == b"CCE":
        yield Login.of(imei)
        yield from parameter_records(frame, comma + DATA)
    elif kind == b"CCC":
        yield Login.of(imei)
        positions = fixed_records(frame, comma + DATA)
        yield from positions
        count = len(positions)
        # The length is right up to 19 records.
        yield Reply(message(latin(frame[2:3]), imei, f"CCC,{count}", 27 + count // 10))
    elif kind == b"AAC":
        yield Reply(message("z", imei, "AAC,1"))
    elif kind == b"D03":
        session.state.start()
        yield photo_request(imei, "camera_picture.jpg", 0)
    elif kind == b"D00":
        yield from photo(frame, at + 4, imei, session)
    elif kind == b"D82":
        yield from identified(imei, session)
        position = Position.last()
        position.set(names.RESULT, latin(part(frame, at, len(frame) - 3 - at)))  # half of the checksum stays
        yield position
    elif (found := LOCATION.fullmatch(frame)) is not None:
        yield from location(found, session)


def identified(imei: str, session: Session) -> Iterator[Login]:
    """A device that must be known: from a stranger this is an error."""
    yield Login.of(imei, optional=True)
    if session.device is None:
        raise WireError("an answer of a device that is not known")


def message(flag: str, id: str, content: str, length: int | None = None) -> bytes:
    """A message to the device; its length counts from the first comma to the line end."""
    size = len(id) + len(content) + 7 if length is None else length
    text = f"@@{flag}{size:02},{id},{content}*"
    return f"{text}{sum8_hex(text)}\r\n".encode("utf-8", "replace")


# Photos, in pieces, of which the device sends eight for each request


def photo_request(imei: str, file: str, index: int) -> Reply:
    return Reply(message("O", imei, f"D00,{file},{index}"))


def photo(frame: bytes, at: int, imei: str, session: Session) -> Iterator[Output]:
    """D00: file, number of pieces, index, a piece, which goes behind the others whatever its index."""
    file, total, index, piece = frame[at:].split(b",", 3)
    count, current = integer(total), integer(index)
    transfer: Transfer = session.state
    transfer.limit = session.setting("media.bufferSize", LIMIT)
    transfer.append(part(piece, 0, len(piece) - len("*HH\r\n")))
    if current == count - 1:
        yield from identified(imei, session)
        position = Position.last()
        position.set(names.IMAGE, Media(transfer.take(), "jpg"))
        yield position
    elif (current + 1) % 8 == 0:
        yield photo_request(imei, latin(file), current + 1)


# Commands

CONTENTS = {
    "positionSingle": "A10",
    "engineStop": "C01,0,12222",
    "engineResume": "C01,0,02222",
    "alarmArm": "C01,0,22122",
    "alarmDisarm": "C01,0,22022",
    "requestPhoto": "D03,{index},camera_picture.jpg",
    "sendSms": "C02,0,{phone},{message}",
}
OTHER_CONTENTS = {"alarmArm": "B21,1", "alarmDisarm": "B21,0"}


def encode(command: Command, session: Session) -> bytes:
    if command.type == "custom":
        content = commands.data(command)
    else:
        content = CONTENTS[command.type]
        if session.setting("alternative", False):
            content = OTHER_CONTENTS.get(command.type, content)
        content = commands.fill(content, command, session, formatter=worded(command))
    id = session.device.unique_id if session.device is not None else ""
    return message("A", id, content)


def worded(command: Command) -> commands.Formatter:
    """The values that are not written as they are."""

    def formatter(name: str, value: Any) -> str | None:
        if name == "index":
            return str(max(1, commands.integer(command, name)))
        return "null" if value is None else None

    return formatter


meitrack = WireFormat(
    "meitrack",
    port=5020,
    udp=True,
    split=counted(3),
    limit=LARGE,
    decode=decode,
    text=True,
    commands=("custom", *CONTENTS),
    encode=encode,
    state=Transfer,
    keys=(Key("alternative", bool, False, "The alarm is armed and disarmed by B21 instead of an output."),),
)
