"""Smaller messages: heartbeats, what a terminal is, answers to commands, drivers' cards, batches of locations."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from plugins.wire.jt808.fields import I32, U8, U16, Row, row, store
from plugins.wire.jt808.frames import LENGTH, TAIL, Header, answer, general, id_text
from plugins.wire.jt808.items import ALARM_LABEL
from plugins.wire.jt808.location import location as located
from plugins.wire.jt808.state import host, model_of, zone_of
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.format import Session
from trackd.wire.text import latin, trimmed, utf16
from trackd.wire.times import from_bcd
from trackd.wire.values import Output, Position


def nothing(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """Acknowledged, and that is all."""
    yield from ()


def rest(data: bytes, at: int) -> bytes:
    """The bytes up to the end of the body."""
    return part(data, at, len(data) - TAIL - at)


def heartbeat(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x0002: mostly empty."""
    if len(data) - header.body >= 4:
        position = Position.last()
        row(position, data, header.body, _HEARTBEAT)
        yield position


_HEARTBEAT: Row = ((names.BATTERY_LEVEL, U8, int), (names.RSSI, U8, int), (names.STATUS, U8, int))


def register(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x0100: whoever is known is welcome; the id is the code by which it will authenticate itself."""
    body = header.index.to_bytes(2, "big") + b"\0" + id_text(header.id).encode()
    yield answer(header, 0x8100, body)


def attributes(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x0107: type, maker, model and id of the terminal, then its SIM card."""
    position = Position.last()
    store(position, data, header.body, (names.ICCID, _CARD, bytes.hex))
    yield position


_CARD = Struct("2x5x20x7x10s")


def time(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x0109 asks for the time."""
    now = session.now
    yield answer(header, 0x8109, _TIME.pack(now.year, now.month, now.day, now.hour, now.minute, now.second))


_TIME = Struct(">HBBBBBx")


def location(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x0200: a driving assistant is asked for the files of its alarm."""
    position = located(data, header.body, model_of(session), zone_of(session))
    yield position
    yield general(header)
    if ALARM_LABEL in position.attributes:
        label, to, port = position.attributes[ALARM_LABEL], host(session), session.setting("jimiphoto.port", 5267)
        if to and port > 0:
            request = f"VIDEOUPLOAD,{to},{port},{label},1-2-3,2"
            yield answer(header, 0x8900, b"\xf0" + request.encode("ascii", "replace"))


def batch(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x0704: how many, and whether they are old."""
    at = header.body
    (old,) = _BATCH.unpack_from(data, at)
    for position in reports(data, at + _BATCH.size, U16, session):
        if old:
            position.set(names.ARCHIVE, True)
        yield position


_BATCH = Struct(">2xB")


def short_batch(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x0210: a batch, or a battery level."""
    at = header.body
    if header.attributes & LENGTH == _LEVEL.size:
        level, date = _LEVEL.unpack_from(data, at)
        position = Position.last(from_bcd(date, zone_of(session)))
        position.set(names.BATTERY_LEVEL, level)
        yield position
    else:
        yield from reports(data, at, U8, session)


_LEVEL = Struct(">B6s")


def reports(data: bytes, at: int, length: Struct, session: Session) -> Iterator[Position]:
    """The reports of a batch, each behind its length."""
    model, zone = model_of(session), zone_of(session)
    while len(data) - at > TAIL:
        (size,) = length.unpack_from(data, at)
        at += length.size
        yield located(part(data, at, size), 0, model, zone)
        at += size


def result(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x0701: the answer to a command."""
    at = header.body
    (length,) = I32.unpack_from(data, at)
    yield answered(latin(part(data, at + I32.size, length)))


def chinese_result(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x6006."""
    yield answered(rest(data, header.body + 1).decode("gbk", "replace"))


def wide_result(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x1300: the only text whose length is believed."""
    length = (header.attributes & LENGTH) - 2
    yield answered(trimmed(utf16(part(data, header.body + 2, length))))


def answered(text: str) -> Position:
    position = Position.last()
    position.set(names.RESULT, text)
    return position


def driver(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x0702: a driver's card has been inserted or removed."""
    at = header.body
    status, date, read, length = _DRIVER.unpack_from(data, at)
    at += _DRIVER.size
    position = Position.last(from_bcd(date, zone_of(session)))
    position.set("cardStatus", status)
    position.set("cardResult", read)
    position.set("driver", latin(part(data, at, length)))
    at += length
    code, length = _CODE.unpack_from(data, at)
    at += _CODE.size
    position.set("cardCode", trimmed(latin(code)))
    position.set("cardAgency", latin(part(data, at, length)))
    position.set("cardValidity", part(data, at + length, 4).hex())
    yield position


_DRIVER = Struct(">B6sBB")
_CODE = Struct(">20sB")


def acceleration(data: bytes, header: Header, session: Session) -> Iterator[Output]:
    """0x2070: three axes, again and again."""
    at = header.body
    count = -(-(len(data) - TAIL - at) // _SAMPLE.size)  # what is begun must be whole
    samples = []
    for axes in _SAMPLE.iter_unpack(part(data, at, max(count, 0) * _SAMPLE.size)):
        x, y, z = [axis if axis < 0x8000 else 0x8000 - axis for axis in axes]
        samples.append(f"[{x},{y},{z}]")
    position = Position.last()
    position.set(names.G_SENSOR, f"[{','.join(samples)}]")
    yield position


_SAMPLE = Struct(">6x3H")  # time, axes with a sign bit
