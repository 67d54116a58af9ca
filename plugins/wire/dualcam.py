"""
DualCam: Teltonika's cameras behind FMB and FMC trackers, on a connection of their own that carries nothing but files.

    0000 0005 0001403a4abaa314 44000400            init: protocol, IMEI, settings, which say what waits
        0008 0007 "%photof"                        asks for it
    0001 0006 00000011 0000                        start: a file of 17 packets
        0002 0004 00000001                         resume at the first
    0003 0004 00000001                             sync
    0004 0402 ffd8ffe0…                            data, with a CRC of two bytes
    0005 0004 00000001                             complete
        0009                                       start over

The tracker itself talks teltonika. Big-endian; but for init each message has its type, its length, and content.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from attrs import Factory, define

from trackd.wire import names
from trackd.wire.binary import bit, part
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import LARGE, by_start, fixed, sized
from trackd.wire.transfer import LIMIT, Transfer
from trackd.wire.values import Login, Media, Output, Position, Reply, WireError

HEAD = Struct(">HH")  # type, length of the content
INIT = Struct(">4xqI")  # IMEI, settings
TOTAL = Struct(">4xi")
CURRENT = Struct(">I")
CRC = 2  # bytes
BYTES = 8192  # a total from here on counts bytes, a smaller one packets

# What the server says
RESUME, FILE, PATH = 0x0002, 0x0008, 0x000C
NO_FILE, START_OVER = b"\0\0", b"\0\x09"

# What waits in the camera, by bits of the settings, and whether it is a film.
PATH_WAITS = 25
FILES = (
    (26, b"%photof", False),
    (27, b"%photor", False),
    (28, b"%videof", True),
    (29, b"%videor", True),
)


@define
class Incoming:
    """The file that a connection is sending: packets, or bytes, and how far they are."""

    film: bool = False
    total: int = 0
    current: int = 0
    transfer: Transfer = Factory(Transfer)


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    file: Incoming = session.state
    match int.from_bytes(frame[:2], "big"):
        case 0x0000:
            imei, settings = INIT.unpack_from(frame)
            yield Login.of(str(imei))
            yield Reply(request(settings, file))
        case 0x0001:
            (file.total,) = TOTAL.unpack_from(frame)
            file.current = 0 if file.total >= BYTES else 1
            file.transfer = Transfer(session.setting("media.bufferSize", LIMIT))
            file.transfer.start()
            yield Reply(message(RESUME, CURRENT.pack(file.current)))
        case 0x0004:
            if add(file, content(frame, CRC)):
                yield from finished(file, session)
        case 0x0005 if file.transfer.running:
            yield from finished(file, session)
        case 0x000D:
            yield Reply(message(FILE, content(frame)))


def content(frame: bytes, less: int = 0) -> bytes:
    """The content of a message, but for so many bytes at its end."""
    _, length = HEAD.unpack_from(frame)
    return part(frame, HEAD.size, length - less)


def message(kind: int, content: bytes) -> bytes:
    return HEAD.pack(kind, len(content)) + content


def request(settings: int, file: Incoming) -> bytes:
    """Ask for a path or for a file; for nothing if nothing waits."""
    if bit(settings, PATH_WAITS):
        return message(PATH, bytes(2))
    for place, name, film in FILES:
        if bit(settings, place):
            file.film = film
            return message(FILE, name)
    return NO_FILE


def add(file: Incoming, data: bytes) -> bool:
    """A piece, which goes behind the others; whether it was the last one."""
    if not file.transfer.running:
        raise WireError("a piece of no file")
    file.transfer.append(data)
    if file.total >= BYTES:
        file.current += len(data)
        return file.current == file.total
    file.current += 1
    return file.current == file.total + 1


def finished(file: Incoming, session: Session) -> Iterator[Output]:
    yield Login.of(optional=True)
    if session.device is None:
        raise WireError("a file of a device that is not known")
    data = file.transfer.take()
    position = Position.last()
    if file.film:
        position.set(names.VIDEO, Media(data, "h265"))
    else:
        position.set(names.IMAGE, Media(data, "jpg"))
    yield position
    yield Reply(START_OVER)


dualcam = WireFormat(
    "dualcam",
    port=5232,
    split=by_start({b"\0\0": fixed(16)}, otherwise=sized(2, 2, HEAD.size, limit=HEAD.size + 0xFFFF)),
    limit=LARGE,
    decode=decode,
    state=Incoming,
)
