"""
JT/T 808, the Chinese standard for vehicles, in its editions of 2011, 2013 and 2019 and with what makers have added.

    7E 0200 0032 013511221122 0007   00000000 000C0003 01578CC0 06CA3A5C 0047 0000 0000 140723172015
       01 04 00000000  30 01 16  31 01 0B   D0 7E

Every frame has the id of its device, and most types are acknowledged by type and index. A location ends with items of
an id, a length and a value, of which makers have invented some hundred. Locks of Jointech speak of themselves in types
of their own, and now and then in texts:

    (794104004140,1,001,BASE,2,TIME)

Messages in several packages are not joined: each is read as if it were whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from plugins.wire.jt808 import locks, reports
from plugins.wire.jt808.commands import COMMANDS, encode
from plugins.wire.jt808.frames import LOCK, LOCK_OFFLINE, Header, general, header, ids, split, wrap
from plugins.wire.jt808.state import State
from plugins.wire.jt808.uplink import uplink
from trackd.wire import names
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.framing import LARGE
from trackd.wire.text import latin, to_latin
from trackd.wire.values import Login, Output, Position, Reply

Message = Callable[[bytes, Header, Session], Iterator[Output]]

CONNECTED = Login()  # whoever has logged in


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    if frame.startswith(b"("):
        yield from text(latin(frame), session)
        return
    about = header(frame)
    session.state.marker, session.state.version = about.marker, about.version
    yield Login(ids(about.id))
    message = ACKNOWLEDGED.get(about.type)
    if message is not None:
        yield from message(frame, about, session)
        yield general(about)
    elif about.type in OTHERS:
        yield from OTHERS[about.type](frame, about, session)


def text(content: str, session: Session) -> Iterator[Output]:
    """A lock asks for the time, or answers a command."""
    if "BASE,2" in content:
        yield Reply(to_latin(content.replace("TIME", f"{session.now:%Y%m%d%H%M%S}")))
        return
    yield CONNECTED
    position = Position.last()
    position.set(names.RESULT, content)
    yield position


ACKNOWLEDGED: dict[int, Message] = {
    0x0002: reports.heartbeat,
    0x0003: reports.nothing,  # logout
    0x0102: reports.nothing,  # authentication
    0x0107: reports.attributes,
    0x0210: reports.short_batch,
    0x0506: reports.nothing,  # another heartbeat
    0x0704: reports.batch,
    0x0900: uplink,
    0x1007: reports.nothing,  # time zone
    0x6006: reports.chinese_result,
    0x8888: reports.nothing,  # photo
}
OTHERS: dict[int, Message] = {
    0x0100: reports.register,
    0x0109: reports.time,
    0x0200: reports.location,  # which acknowledges itself
    0x0701: reports.result,
    0x0702: reports.driver,
    0x1300: reports.wide_result,
    0x2070: reports.acceleration,
    LOCK: locks.report,
    LOCK_OFFLINE: locks.report,
}

jt808 = WireFormat(
    "jt808",
    port=5015,
    split=split,
    limit=LARGE,
    decode=decode,
    commands=COMMANDS,
    encode=encode,
    wrap=wrap,
    state=State,
    keys=(Key("alternative", bool, False, "Engine commands are A006 with a time, instead of 8105."),),
    asks=("jimiphoto.port", "jt1078.port"),
)
