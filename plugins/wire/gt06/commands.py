"""Commands: texts inside a frame of type 0x80."""

from __future__ import annotations

from plugins.wire.gt06.frames import short
from trackd.wire.commands import data
from trackd.wire.format import Session
from trackd.wire.text import shown
from trackd.wire.values import Command, Unsupported

_RELAY = {"engineStop": "Relay,1#", "engineResume": "Relay,0#"}
_OIL = {"engineStop": "DYD", "engineResume": "HFYD"}

LONGEST = 245  # bytes of text and language, for the length of the frame is one byte


def encode(command: Command, session: Session) -> bytes:
    """The frame of a command; Unsupported without data or with too much of it."""
    if command.type == "custom":
        text = data(command)
    elif session.device is not None and session.device.model == "G109":
        text = f"{_OIL[command.type]}#"
    elif session.setting("alternative", False):
        text = f"{_OIL[command.type]},{_password(session)}#"
    else:
        text = _RELAY[command.type]
    content = text.encode("ascii", "replace")
    language = b"\x00\x02" if session.setting("language", False) else b""  # English
    if len(content + language) > LONGEST:
        raise Unsupported(f"{len(content)} characters are too many for a frame")
    return short(0x80, bytes((4 + len(content), 0, 0, 0, 0)) + content + language).data


def _password(session: Session) -> str:
    own = session.device.setting("devicePassword") if session.device is not None else None
    return session.setting("devicePassword", "123456") if own is None else shown(own)
