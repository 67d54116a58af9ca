"""Frames of GT06, built after their layouts, and what is expected of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from struct import pack
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.gt06.gt06 import gt06
from tests.plugins.wire.talk import told
from trackd.wire.checksums import crc16_x25
from trackd.wire.values import CellTower, Network, Output, Position, Reply

IMEI = "123456789012345"
SERIAL = 0x0102


def short(type: int, payload: bytes | str = b"", serial: int = SERIAL, length: int | None = None) -> bytes:
    """A short frame; `length` is what it says of itself, if that is not true."""
    payload = bytes.fromhex(payload) if isinstance(payload, str) else payload
    body = pack(">BB", len(payload) + 5 if length is None else length, type) + payload + pack(">H", serial)
    return b"\x78\x78" + body + pack(">H", crc16_x25(body)) + b"\r\n"


def extended(type: int, payload: bytes | str = b"", serial: int = SERIAL, length: int | None = None) -> bytes:
    """An extended frame."""
    payload = bytes.fromhex(payload) if isinstance(payload, str) else payload
    body = pack(">HB", len(payload) + 5 if length is None else length, type) + payload + pack(">H", serial)
    return b"\x79\x79" + body + pack(">H", crc16_x25(body)) + b"\r\n"


LOGIN = short(0x01, "0123456789012345 0000")
TIME = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
# 2024-05-06 07:08:09, 7 satellites, 22.5 N, 114.25 E, 60 km/h, valid, 135°
GPS = bytes.fromhex("180506070809 C7 0269FB20 0C41F850 3C 1487")
PLACE: dict[str, Any] = {
    "valid": True,
    "latitude": 22.5,
    "longitude": 114.25,
    "speed": 32.397420000000004,
    "course": 135.0,
}


def said(frame: bytes, **talk: Any) -> list[Output]:
    """What a frame says after a login, however the network cuts it."""
    return told(gt06, LOGIN, frame, **talk)[3:]


def fix(**attributes: Any) -> Position:
    """The report of `GPS`, of a type that says nothing else."""
    return Position.at(TIME, **PLACE, attributes={"sat": 7, **attributes})


Case = tuple[bytes, Position, str | None]  # a frame, its report, the model of the device

G = GPS.hex()
DATE = GPS[:6].hex()
EPOCH = pack(">I", 1714979289).hex()  # the same moment
IGNITION_ON, IGNITION_OFF = GPS[:-2].hex() + "D487", GPS[:-2].hex() + "5487"
CELL = "01CC 00 287D 001F71"
CELL_32 = "01CC 00 287D 01001F71"
CELL_4G = "01CC 00 00010000 0000000100000002"
STATUS = "46 04 03"  # ignition and charge, level 4, signal 3
STATE: dict[str, Any] = {"status": 0x46, "ignition": True, "charge": True, "blocked": False}
LEVELS = {**STATE, "batteryLevel": 66, "rssi": 3}


def near(mcc: int, mnc: int, lac: int, cid: int, signal: int | None = None) -> Network:
    """One cell."""
    return Network([CellTower(mcc, mnc, lac, cid, signal)])


HOME, HOME_32, HOME_4G = near(460, 0, 10365, 8049), near(460, 0, 10365, 16785265), near(460, 0, 65536, 4294967298)


def last(time: Any = None, network: Any = None, **attributes: Any) -> Position:
    """A report without fix."""
    return evolve(Position.last(time), network=network, attributes=attributes)


def at(network: Network | None, **attributes: Any) -> Position:
    """The report of `GPS` with a cell."""
    return evolve(fix(**attributes), network=network)


def check(test: SynchronousTestCase, cases: dict[str, Case], answer: Callable[..., bytes] | None) -> None:
    """Each case is reported as it has it, and acknowledged by an answer of its type and serial, or by none."""
    for name, (frame, position, model) in cases.items():
        expected: list[Output] = [position]
        if answer is not None:
            type = frame[3] if frame.startswith(b"xx") else frame[4]
            expected.append(Reply(answer(type, serial=int.from_bytes(frame[-6:-4], "big"))))
        test.assertEqual(said(frame, model=model), expected, name)
