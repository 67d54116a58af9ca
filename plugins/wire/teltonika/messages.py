"""
Texts, serial data and photos, which Teltonika's devices send in codecs 12 to 15, and what is sent to them in codec 12.

    0c 01 06 00000008 0103000100 15d5c5 01      codec, count, type, length, data, count
    0d 01 06 0000001c 642b3ad1 4754534c7c…      codec 13: the data begins with the time

Codecs 14 and 15 are 12 and 13 with the device's IMEI before the data, as the vendor describes them. A photo comes in
blocks of codec 12, each of which is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from attrs import Factory, define

from trackd.wire import names
from trackd.wire.binary import part, printable
from trackd.wire.checksums import crc16_arc
from trackd.wire.format import Session
from trackd.wire.text import latin, number, split_at, trimmed
from trackd.wire.times import seconds
from trackd.wire.values import Media, Output, Position, Reply, WireError

CODEC_12, CODEC_13, CODEC_14, CODEC_15 = 0x0C, 0x0D, 0x0E, 0x0F
CODECS = (CODEC_12, CODEC_13, CODEC_14, CODEC_15)

COMMAND, CAMERA = 0x05, 0x0D  # types of a message
START, BLOCK = 0x01, 0x02  # what a camera's message is
LARGEST_BLOCK = 2048

MESSAGE = Struct(">Bi")  # type, length
U32 = Struct(">I")
PHOTO = Struct(">Ii")  # id, size; in a block id, offset
LENGTH = Struct(">H")
REQUEST = Struct(">BIIH")  # 2, id, offset, size
IMEI = 8  # bytes, packed decimal

# The box that weighs a truck's axles
AXLES_START, AXLES_END = "UUUUww", "SSS"
AXLES = (*(f"axle{n}" for n in range(1, 9)), "loadTruck", "loadTrailer", "totalTruck", "totalTrailer")
CARD_START = "GTSL"


@define
class Photo:
    """The photo that a connection is sending, block by block; without a size there is none."""

    size: int | None = None
    data: bytearray = Factory(bytearray)


def message(kind: int, content: bytes) -> bytes:
    """A frame of codec 12 with one message."""
    body = bytes((CODEC_12, 1, kind)) + U32.pack(len(content)) + content + b"\1"
    return bytes(4) + U32.pack(len(body)) + body + U32.pack(crc16_arc(body))


def messages(data: bytes, at: int, codec: int, count: int, session: Session) -> Iterator[Output]:
    """What `count` messages at `at` say."""
    for _ in range(count):
        kind, length = MESSAGE.unpack_from(data, at)
        at += MESSAGE.size
        if codec == CODEC_12 and kind == CAMERA:
            outputs, at = camera(data, at, session)
            yield from outputs
            continue
        content = part(data, at, length)
        at += length
        position = serial(content, codec) if codec in (CODEC_13, CODEC_15) else answer(kind, content, codec)
        if position.attributes:
            yield position


def answer(kind: int, content: bytes, codec: int) -> Position:
    """Codecs 12 and 14: a text, the answer to a command, or other bytes."""
    if codec == CODEC_14:
        content = part(content, IMEI, len(content) - IMEI)
    position = Position(outdated=True, valid=True)
    position.set(names.TYPE, kind)
    if not printable(content):
        position.set(names.RESULT, content.hex())
        return position
    text = trimmed(latin(content))
    if text.startswith(AXLES_START) and text.endswith(AXLES_END):
        weights = split_at(text[len(AXLES_START) : -len(AXLES_END) - 1], ";")
        for index, name in enumerate(AXLES):
            position.set(name, number(weights[index]))
    else:
        position.set(names.RESULT, text)
    return position


def serial(content: bytes, codec: int) -> Position:
    """Codecs 13 and 15: what came over the serial port, and when; some firmware counts the length without the time."""
    (time,) = U32.unpack_from(content)
    content = content[U32.size :]
    if codec == CODEC_15:
        content = part(content, IMEI, len(content) - IMEI)
    position = Position(seconds(time), outdated=True, valid=True)
    if not printable(content):
        position.set(names.RESULT, content.hex())
        return position
    text = trimmed(latin(content))
    if text.startswith(CARD_START):
        position.set(names.DRIVER_UNIQUE_ID, split_at(text, "|")[4])
    else:
        position.set(names.RESULT, text)
    return position


def camera(data: bytes, at: int, session: Session) -> tuple[list[Output], int]:
    """A message of the camera at `at`, whose length says nothing: what follows from it, and where it ends."""
    kind = data[at]
    at += 1
    if kind == START:
        id, size = PHOTO.unpack_from(data, at)
        if not 0 <= size <= session.setting("media.bufferSize", 32 << 20):
            raise WireError(f"a photo of {size} bytes")
        session.state = Photo(size)
        return [block(id, 0, size)], at + PHOTO.size
    if kind == BLOCK:
        id, _ = PHOTO.unpack_from(data, at)
        at += PHOTO.size
        (length,) = LENGTH.unpack_from(data, at)
        at += LENGTH.size
        return photo_block(session, id, part(data, at, length)), at + length
    return [], at


def photo_block(session: Session, id: int, data: bytes) -> list[Output]:
    """The next block of the photo: the next request, or the photo."""
    photo: Photo = session.state
    if photo.size is None or len(photo.data) + len(data) > photo.size:
        raise WireError("a block of no photo")
    photo.data += data
    left = photo.size - len(photo.data)
    if left:
        return [block(id, len(photo.data), left)]
    session.state = Photo()
    return [Position(outdated=True, valid=True, attributes={names.IMAGE: Media(bytes(photo.data), "jpg")})]


def block(id: int, offset: int, left: int) -> Reply:
    """The request for the next block of a photo of which so many bytes are missing."""
    return Reply(message(CAMERA, REQUEST.pack(BLOCK, id, offset, min(LARGEST_BLOCK, left))))
