"""What is remembered of a connection and of a device, and what the configuration says to them."""

from __future__ import annotations

import re
from datetime import UTC, timedelta, timezone, tzinfo

from attrs import define

from trackd.wire.format import Session
from trackd.wire.times import zone

CHINA = timezone(timedelta(hours=8))


@define
class State:
    """Of one connection: what its latest frame was like, for commands are to be like it."""

    marker: bytes = b"\x7e"
    version: int | None = None


def model_of(session: Session) -> str:
    """The model of the device, empty if it has none."""
    return session.device.model or "" if session.device is not None else ""


def zone_of(session: Session) -> tzinfo:
    """The zone of the device's clock, as it was configured when the device was first heard."""
    if session.device is None:
        return UTC
    memory = session.device.memory
    found: tzinfo | None = memory.get("zone")
    if found is None:
        name = session.setting("decoder.timezone", "")
        found = memory["zone"] = zone(name) if name else CHINA
    return found


_HOST = re.compile(r"\w+://(?:[^/?#]*@)?(\[[^]]*\]|[^/:?#]*)")


def host(session: Session) -> str:
    """The host under which devices reach the server for files and video, empty if it is not configured."""
    found = _HOST.match(session.setting("web.url", ""))
    return found[1] if found is not None else ""
