"""Reports of the cells and access points around a device that has no fix."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from plugins.wire.gt06.blocks import alarm, date
from plugins.wire.gt06.frames import SL4X, U16, WANWAY_S20, echo, variant_of
from plugins.wire.gt06.state import family_of
from trackd.wire.binary import part
from trackd.wire.format import Session
from trackd.wire.times import from_bcd
from trackd.wire.values import CellTower, Network, Output, Position, Reply, WifiAccessPoint

# LAC, a cell id in two parts, signal
_CELL = Struct(">HBHB")
_CELL_32 = Struct(">HHHB")
_CELL_4G = Struct(">i4xhHB")  # of the 64 bits of the id, the lower 32 are kept

_ACCESS_POINT = Struct(">6sB")

WITH_WIFI = (0x18, 0x2C, 0x33, 0xA2, 0xA9)


def cells(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """Several cells of one network, in some types with access points."""
    type = data[at - 1]
    variant = variant_of(data, at)
    position = Position.last(date(data, at, session))
    at += 6
    advance_first = variant in (WANWAY_S20, SL4X)  # where the timing advance stands, which is passed over
    if advance_first:
        at += 1
    (mcc,) = U16.unpack_from(data, at)
    at += 2
    if mcc & 0x8000 or variant == SL4X:
        (mnc,) = U16.unpack_from(data, at)
        at += 2
    else:
        mnc = data[at]
        at += 1
    layout = _CELL_4G if type in (0xA1, 0xA2) else _CELL_32 if type in (0x33, 0x34) else _CELL
    count = 6 if type == 0x33 else 7
    if type == 0xA9:
        layout, count = _CELL_4G if data[at] else _CELL, data[at + 1]
        at += 2
    elif variant == WANWAY_S20:
        count = data[at]
        at += 1
    network = position.network = Network()
    for _ in range(count):
        lac, high, low, signal = layout.unpack_from(data, at)
        at += layout.size
        if lac > 0:
            network.add(CellTower(mcc & 0x7FFF, mnc, lac, high << 16 | low, -signal))
    if not advance_first:
        part(data, at, 1)
        at += 1
    if type in WITH_WIFI:
        at = _access_points(network, data, at + 1, data[at])
    if type == 0xA9:
        code, language = data[at], data[at + 1]
        position.add_alarm(alarm(code + (language >> 4 << 8), variant, family_of(session)))
    return position, echo(data, type)


def scan(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """
    A scan of access points and cells.

    The number of access points stands in place of the frame's length, and neither serial nor CRC follow. The answer
    repeats the time.
    """
    type = data[at - 1]
    stamp = part(data, at, 6)
    position = Position.last(from_bcd(stamp))
    network = position.network = Network()
    at = _access_points(network, data, at + 6, data[2])
    count = data[at]
    mcc, mnc = _OPERATOR.unpack_from(data, at + 1)
    at += 1 + _OPERATOR.size
    for _ in range(count):
        lac, cid, signal = _SCANNED.unpack_from(data, at)
        at += _SCANNED.size
        network.add(CellTower(mcc, mnc, lac, cid, -signal))
    return position, Reply(bytes((0x78, 0x78, 0, type)) + stamp + b"\r\n")


_OPERATOR = Struct(">HB")
_SCANNED = Struct(">HHB")


def wifi(data: bytes, at: int, session: Session) -> Sequence[Output]:
    """0xF3: access points alone. Some devices send the time in binary, it is read as packed decimals all the same."""
    position = Position.last(from_bcd(part(data, at, 6)))
    network = position.network = Network()
    count = data[at + 6]
    at += 7
    for _ in range(count):
        network.add(WifiAccessPoint(part(data, at + 2, 6).hex(":")))
        at += 8
    return (position,)


def _access_points(network: Network, data: bytes, at: int, count: int) -> int:
    for _ in range(count):
        mac, signal = _ACCESS_POINT.unpack_from(data, at)
        at += _ACCESS_POINT.size
        network.add(WifiAccessPoint(mac.hex(":"), -signal))
    return at
