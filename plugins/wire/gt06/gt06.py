"""
GT06: binary, from Concox and Jimi devices and countless others.

    78 78 1F 12 0B081D112E10 CC 027AC7EB 0C465849 00 148F 01CC 00 287D 001FB8 0003 8081 0D 0A

A device logs in with its IMEI, and is known by its connection from then on. What it sends afterwards has a type, mostly
a GPS block, a cell, a status or several of these, and is acknowledged by its type and serial number. Makers have used
up the types more than once: the length of the frame, its header or the device's model tell what is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from plugins.wire.gt06 import cells, modules, pictures, reports, texts
from plugins.wire.gt06.commands import encode
from plugins.wire.gt06.frames import (
    LW4G,
    RFID,
    SHORT,
    SL4X,
    SPACE10X,
    SR411_MINI,
    TRX16I,
    U16,
    VARIANTS,
    announced,
    echo,
    extended,
    short,
    split,
)
from plugins.wire.gt06.generic import PARTS, generic
from plugins.wire.gt06.state import State, settle
from trackd.wire.binary import imei, part
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.framing import LARGE
from trackd.wire.values import Login, Output

Message = Callable[[bytes, int, Session], Sequence[Output]]

CONNECTED = Login()  # whoever has logged in


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    """What a frame says, header and 0D 0A included."""
    if frame.startswith(b"xx"):
        at = SHORT
        message = _VARIANTS.get(frame[2:4]) or _SHORT.get(frame[3], unknown)
    else:
        at = SHORT + 1
        message = _EXTENDED.get(frame[4], unknown)
    if frame[at - 1] == 0x01:
        yield from login(frame, at, session)
    else:
        yield CONNECTED
        yield from message(frame, at, session)


def login(data: bytes, at: int, session: Session) -> Iterator[Output]:
    """0x01: the IMEI, a kind of device, and in newer devices a time zone."""
    yield Login.of(imei(data[at : at + 8]))
    part(data, at + 8, 2)
    settle(session, U16.unpack_from(data, at + 10)[0] if announced(data, at) > 10 else None)
    yield echo(data, 0x01)


def address(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x2A asks for the address of a place: there is none."""
    text = b"NA&&NA&&0##"
    return (extended(0x97, bytes((len(text), 0, 0, 0, 0)) + text),)


def time(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x8A asks for the time."""
    now = session.now
    return (short(0x8A, bytes((now.year - 2000, now.month, now.day, now.hour, now.minute, now.second))),)


def status(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0x13, which has a second form of a length of its own."""
    return (reports.temperature if len(data) - at == 22 else generic)(data, at, session)


def unknown(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """Acknowledged all the same, for devices wait for that; but not what is the server's to send."""
    part(data, at, max(announced(data, at), 0))
    type = data[at - 1]
    return (echo(data, type),) if at == SHORT and type not in (0x80, 0x81, 0x82) else ()


def nothing(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """Space10X sends a list of cells that is not read."""
    return ()


_ANY: dict[int, Message] = {
    **dict.fromkeys(PARTS, generic),
    0x13: status,
    0x15: texts.string,
    0x17: cells.scan,
    0x18: cells.cells,
    0x21: texts.string_info,
    0x23: reports.heartbeat,
    0x24: cells.cells,
    0x28: cells.cells,
    0x2A: address,
    0x2C: cells.cells,
    0x2E: cells.cells,
    0x34: reports.x1,
    0x35: pictures.x1_info,
    0x38: reports.gps_and_cell,
    0x40: reports.battery_management,
    0x41: pictures.multimedia,
    0x61: reports.ibutton,
    0x69: cells.scan,
    0x70: modules.modular,
    0x8A: time,
    0x8C: texts.obd,
    0x95: reports.media_alarm,
    0x9B: texts.serial_port,
    0xA1: cells.cells,
    0xA2: cells.cells,
    0xA9: cells.cells,
    0xB2: reports.beacon_clock,
    0xF1: modules.status,
    0xF2: modules.peripheral,
    0xF3: cells.wifi,
}
_SHORT = _ANY | {0x33: cells.cells, 0x94: reports.power}
_EXTENDED = _ANY | {0x32: reports.az735, 0x33: reports.az735, 0x36: pictures.x1_data, 0x94: texts.info}

# Variants that are another message altogether.
_MEANT: dict[tuple[str, int], Message] = {
    (RFID, 0x17): generic,
    (SPACE10X, 0x19): nothing,
    (SR411_MINI, 0x24): reports.sr411,
    (SL4X, 0x34): cells.cells,
    (TRX16I, 0x36): reports.trx16i,
    (LW4G, 0xA2): generic,
}
_VARIANTS = {head: _MEANT[variant, head[1]] for head, variant in VARIANTS.items() if (variant, head[1]) in _MEANT}

gt06 = WireFormat(
    "gt06",
    port=5023,
    split=split,
    decode=decode,
    limit=LARGE,
    commands=("custom", "engineStop", "engineResume"),
    encode=encode,
    state=State,
    keys=(
        Key("language", bool, False, "Commands say that answers are wanted in English."),
        Key("alternative", bool, False, "Commands to the engine are DYD and HFYD with a password, instead of Relay."),
        Key("devicePassword", str, "123456", "Password for commands."),
    ),
)
