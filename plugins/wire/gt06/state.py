"""What is remembered of a connection, and what the device's model changes."""

from __future__ import annotations

from datetime import UTC, timedelta, tzinfo
from functools import lru_cache

from attrs import define

from trackd.wire.format import Session
from trackd.wire.times import zone
from trackd.wire.transfer import Transfer

# Families of models that share a peculiarity.
LW, SW, NT, VL = "LW", "SW", "NT", "VL"
R11, QH302R = "R11", "QH302R"

_FAMILIES = {
    "SEEWORLD": SW,
    **dict.fromkeys(("NT11", "NT20", "NT26", "NT40", "NT46", "VL100", "XT40"), NT),
    **dict.fromkeys(("VL103", "LL303", "VL512", "G18"), VL),
    R11: R11,
    QH302R: QH302R,
}


@define
class State:
    """Of one connection: how its device tells the time, and the file that it is sending."""

    zone: tzinfo | None = None  # None: not settled yet
    offset: timedelta = timedelta()  # of local times, east positive, on top of the zone
    picture: Transfer | None = None  # its limit is the size that was announced


def settle(session: Session, word: int | None = None) -> tzinfo:
    """
    Settle the zone of the session: the configured one, else the zone word of a login, else UTC.

    The upper twelve bits of the word are hours and minutes as a decimal number, bit 3 means west.
    """
    state: State = session.state
    name = session.setting("decoder.timezone", "")
    offset = timedelta()
    if word is not None and not name:
        hours, minutes = divmod(word >> 4, 100)
        offset = timedelta(hours=hours, minutes=minutes)
    state.offset = -offset if word is not None and word & 8 else offset
    state.zone = zone(name) if name else UTC
    return state.zone


def family_of(session: Session) -> str:
    """The family of the device's model, empty for most."""
    device = session.device
    return _family(device.model) if device is not None and device.model else ""


@lru_cache(1024)
def _family(model: str) -> str:
    name = model.upper()
    return LW if name.startswith(LW) else _FAMILIES.get(name, "")
