"""Frames of JT/T 808, built after their layouts, and what is expected of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import evolve

from plugins.wire.jt808.jt808 import jt808
from tests.plugins.wire.talk import told
from trackd.wire.checksums import xor8
from trackd.wire.escapes import escape
from trackd.wire.values import Output, Position, Reply

PHONE = "013511221122"
LOGIN_IDS = ("13511221122", PHONE)
INDEX = 0x0102

ESCAPES = {b"\x7d\x01": b"\x7d", b"\x7d\x02": b"\x7e"}


def hexed(data: bytes | str) -> bytes:
    return bytes.fromhex(data) if isinstance(data, str) else data


def plain(
    type: int,
    body: bytes | str = b"",
    *,
    id: str = PHONE,
    index: bytes | str = f"{INDEX:04x}",
    version: int | None = None,
    flags: int = 0,
    marker: bytes = b"\x7e",
) -> bytes:
    """A frame without escapes."""
    body = hexed(body)
    attributes = len(body) & 0x03FF | flags | (0 if version is None else 0x4000)
    content = type.to_bytes(2, "big") + attributes.to_bytes(2, "big")
    content += (b"" if version is None else bytes((version,))) + hexed(id) + hexed(index) + body
    return marker + content + bytes((xor8(content),)) + marker


def frame(type: int, body: bytes | str = b"", **header: Any) -> bytes:
    """A frame as it is sent."""
    made = plain(type, body, **header)
    return made[:1] + escape(ESCAPES)(made[1:-1]) + made[-1:]


def said(type: int, body: bytes | str = b"", **talk: Any) -> list[Output]:
    """What a message says, the login aside."""
    return told(jt808, frame(type, body), **talk)[1:]


def accepted(type: int) -> Reply:
    """The general response to a message."""
    return Reply(plain(0x8001, f"{INDEX:04x}{type:04x}00", index="0000"))


# 2024-05-06 15:08:09 in China, 22.5 N, 114.25 E, valid, ignition on, 100 m, 60 km/h, 135°
TIME = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
DATE = "240506150809"
FIX = "015752A0 06CF5110"
PLACE = f"00000003 {FIX} 0064 0258 0087 {DATE}"
LOCATION = f"00000000 {PLACE}"
STATUS = {"ignition": True, "blocked": False, "charge": False}
WHERE: dict[str, Any] = {
    "valid": True,
    "latitude": 22.5,
    "longitude": 114.25,
    "altitude": 100.0,
    "speed": 32.397420000000004,
    "course": 135.0,
}


def located(**attributes: Any) -> Position:
    """The report of `LOCATION`."""
    return Position.at(TIME, **WHERE, attributes={**STATUS, **attributes})


def exact(*outputs: Output) -> list[str]:
    """Outputs as they are to be compared: 5 is not 5.0, and the order of attributes has no meaning."""
    return [repr(_sorted(output) if isinstance(output, Position) else output) for output in outputs]


def _sorted(position: Position) -> Position:
    return evolve(position, attributes=dict(sorted(position.attributes.items())))
