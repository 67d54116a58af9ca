"""Pictures in pieces, one at a time on a connection: those of X1 are asked for, those of WD-209 come unasked."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from plugins.wire.gt06.frames import U16, extended, remainder, serial_of, short
from plugins.wire.gt06.state import State
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.format import Session
from trackd.wire.times import seconds
from trackd.wire.transfer import LIMIT, Transfer
from trackd.wire.values import Media, Output, Position, Reply, WireError

PIECE = 1024  # bytes that are asked for at once


def x1_info(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x35: X1 has taken a picture."""
    size, id = _X1_INFO.unpack_from(data, at)
    picture = _begin(session, size)
    return (_request(id, picture),)


_X1_INFO = Struct(">18xiI")


def x1_data(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x36, extended: a piece of it. Its place is not looked at: pieces come as they were asked for."""
    id, length = _X1_DATA.unpack_from(data, at)
    picture = session.state.picture
    if picture is None:
        raise WireError("a piece of no picture")
    whole = _add(session, picture, part(data, at + _X1_DATA.size, length))
    return (_request(id, picture),) if whole is None else (Media(whole, "jpg"),)


_X1_DATA = Struct(">I4xH")


def _request(id: int, picture: Transfer) -> Reply:
    return short(0x36, _REQUEST.pack(id, picture.size, min(picture.limit - picture.size, PIECE)))


_REQUEST = Struct(">IIH")


def multimedia(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x41: a piece of a picture of WD-209; only the last one makes a report, and other media make none."""
    reply = extended(0x41, serial=serial_of(data))
    time, size, kind, form = _MULTIMEDIA.unpack_from(data, at)
    at += _MULTIMEDIA.size
    if kind or form:
        return (reply,)
    (index,) = U16.unpack_from(data, at + 1)  # after the event
    piece = remainder(data, at + 3)
    picture = session.state.picture if index else _begin(session, size)
    whole = _add(session, picture, piece) if picture is not None else None
    if whole is None:
        return (reply,)
    position = Position.last(seconds(time))
    position.set(names.IMAGE, Media(whole, "jpg"))
    return position, reply


_MULTIMEDIA = Struct(">8xI14x8x4xiBB")


def _begin(session: Session, size: int) -> Transfer:
    """Make room for a picture; one that is on its way is given up."""
    if not 0 <= size <= session.setting("media.bufferSize", LIMIT):
        raise WireError(f"a picture of {size} bytes")
    state: State = session.state
    state.picture = Transfer(size)
    state.picture.start()
    return state.picture


def _add(session: Session, picture: Transfer, piece: bytes) -> bytes | None:
    """Add a piece, which must not be more than was announced; the picture if it is whole."""
    picture.append(piece)
    if picture.size < picture.limit:
        return None
    session.state.picture = None
    return picture.take()
