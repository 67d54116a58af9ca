"""
What the common reports add behind fix, cell and status: by type, variant or model.

Each function takes the position as it is so far, the frame, the place in it, its variant and the device's family, and
gives the place where it has stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from plugins.wire.gt06.blocks import alarm, hundredths, terminal
from plugins.wire.gt06.frames import (
    BENWAY,
    GT06E_CARD,
    S5,
    S16,
    SEEWORLD,
    SL4X,
    TRX16I,
    U16,
    U32,
    VXT01,
    WETRUST,
    hexed,
)
from plugins.wire.gt06.state import NT
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.text import latin, trimmed
from trackd.wire.units import MINUTE
from trackd.wire.values import Position

Addition = Callable[[Position, bytes, int, str, str], int]


def _variants(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    """What the variants of 0x12 add."""
    if variant:
        return _VARIANTS[variant](position, data, at, family)
    return at


def _gt06e_card(position: Position, data: bytes, at: int, family: str) -> int:
    odometer, length = _ODOMETER_LENGTH.unpack_from(data, at)
    at += _ODOMETER_LENGTH.size
    position.set(names.ODOMETER, odometer)
    position.set(names.CARD, trimmed(latin(part(data, at, length))))
    return at + int(length) + 2


def _wetrust(position: Position, data: bytes, at: int, family: str) -> int:
    odometer, length = _ODOMETER_LENGTH.unpack_from(data, at)
    at += _ODOMETER_LENGTH.size
    position.set(names.ODOMETER, odometer)
    position.set(names.CARD, latin(part(data, at, length)))
    alarmed, card, driving = _CARD_STATUS.unpack_from(data, at + length)
    position.add_alarm(names.ALARM_GENERAL if alarmed else None)
    position.set("cardStatus", card)
    position.set(names.DRIVING_TIME, driving)
    return at + int(length) + _CARD_STATUS.size


_ODOMETER_LENGTH = Struct(">IB")
_CARD_STATUS = Struct(">BBH")  # alarm, card, driving time


def _benway(position: Position, data: bytes, at: int, family: str) -> int:
    (mask,) = U16.unpack_from(data, at)
    found = position.attributes
    found[names.IGNITION] = mask & 0x8000 != 0
    found[f"{names.IN}2"] = mask & 0x4000 != 0
    if mask & 0x1000:
        value = mask & 0x01FF
        found[f"{names.TEMP}1"] = -value if mask & 0x0200 else value
    else:
        value = mask & 0x03FF
        found[f"{names.ADC}1"] = value if mask & 0x2000 else value / 10
    return at + 2


def _vxt01(position: Position, data: bytes, at: int, family: str) -> int:
    status, power, rssi = _VXT01.unpack_from(data, at)
    terminal(position, status, VXT01)
    position.set(names.POWER, power / 100)
    position.set(names.RSSI, rssi)
    return at + _VXT01.size


_VXT01 = Struct(">BHBx")


def _s5(position: Position, data: bytes, at: int, family: str) -> int:
    status, power, rssi, code, oil, warmth, odometer = _S5.unpack_from(data, at)
    terminal(position, status, S5)
    position.set(names.POWER, power / 100)
    position.set(names.RSSI, rssi)
    position.add_alarm(alarm(code, S5, family))
    position.set("oil", oil)
    position.set(f"{names.TEMP}1", -(warmth & 0x7F) if warmth & 0x80 else warmth)
    position.set(names.ODOMETER, odometer * 10)
    return at + _S5.size


_S5 = Struct(">BHBBHBI")  # status, voltage, signal, alarm, oil, temperature, 10 m

_VARIANTS: dict[str, Callable[[Position, bytes, int, str], int]] = {
    GT06E_CARD: _gt06e_card,
    BENWAY: _benway,
    VXT01: _vxt01,
    S5: _s5,
    WETRUST: _wetrust,
}


def _driver(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    """0x16 of TRX16i: who drives."""
    if variant != TRX16I:
        return at
    _set_driver(position, part(data, at + 1, 8))
    return at + 9


def _set_driver(position: Position, id: bytes) -> None:
    if any(id):
        position.set(names.DRIVER_UNIQUE_ID, id.hex())


def _rfid(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    position.set(names.DRIVER_UNIQUE_ID, hexed(data, at, 8))
    return at + 9


def _modules(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    """Numbered modules to the end of the payload; those that are known have a width of their own."""
    while len(data) - at > 6:
        id, length = _MODULE.unpack_from(data, at)
        at += _MODULE.size
        if id == 0x0018:
            position.set(names.BATTERY, hundredths(data, at))
            at += 2
        elif id == 0x0032:
            position.set("startupStatus", data[at])
            at += 1
        elif id == 0x006A:
            position.set(names.BATTERY_LEVEL, data[at])
            at += 1
        else:
            at += length
    return at


_MODULE = Struct(">HB")


def _lw4g(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    odometer, seconds, inputs = _LW4G.unpack_from(data, at)
    position.set(names.ODOMETER, odometer)
    position.set(names.HOURS, seconds * 1000)
    position.set(names.INPUT, inputs)
    return at + _LW4G.size


_LW4G = Struct(">II8xH")


def _reason(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    """Ignition, why it was sent, and whether it was kept for a while."""
    if family == NT or len(data) - at < 9:
        return at
    found = position.attributes
    found[names.IGNITION] = data[at] > 0
    found[names.EVENT] = data[at + 1]
    found[names.ARCHIVE] = data[at + 2] > 0
    at += 3
    if variant == SL4X:
        if len(data) - at > 8:
            (found[names.ODOMETER],) = U32.unpack_from(data, at)
            at += 4
        at = _altitude(position, data, at, variant, family)
    return at


def _altitude(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    if variant != SL4X:
        return at
    position.altitude = float(S16.unpack_from(data, at)[0])
    return at + 2


def _gps_reason(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    """0x22."""
    if variant == SEEWORLD:
        on, odometer, warmth, humidity = _SEEWORLD.unpack_from(data, at)
        at += _SEEWORLD.size
        position.set(names.IGNITION, on > 0)
        position.set(names.ODOMETER, odometer)
        position.set(f"{names.TEMP}1", (-(warmth & 0x7FFF) if warmth & 0x8000 else warmth) / 100)
        position.set(names.HUMIDITY, humidity / 100)
    if family == NT:
        return _mileage(position, data, at)
    return _reason(position, data, at, variant, family)


_SEEWORLD = Struct(">BxxI4xHH")


def _mileage(position: Position, data: bytes, at: int) -> int:
    """What NT models close with: metres and minutes of 24 bits."""
    far, far_low, long, long_low = _MILEAGE.unpack_from(data, at)
    position.set(names.ODOMETER, far << 16 | far_low)
    position.set(names.HOURS, (long << 16 | long_low) * MINUTE)
    return at + _MILEAGE.size


_MILEAGE = Struct(">BHBH")


def _nt_driver(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    """0x25."""
    if family != NT:
        return at
    at = _mileage(position, data, at)
    length = data[at]
    if length:
        position.set(names.DRIVER_UNIQUE_ID, hexed(data, at + 2, length - 1))
    return at + 1 + length


def _one_module(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    """0x37: of its modules only the first is read."""
    at = _reason(position, data, at, variant, family)
    id, length = _MODULE.unpack_from(data, at)
    at += _MODULE.size
    if id == 0x0027:
        position.set(names.POWER, hundredths(data, at))
        return at + 2
    if id == 0x002E:
        position.set(names.ODOMETER, U32.unpack_from(data, at)[0])
        return at + 4
    if id == 0x003B:
        position.accuracy = hundredths(data, at)
        return at + 2
    return at + int(length)


ADDITIONS: dict[int, Addition] = {
    0x12: _variants,
    0x16: _driver,
    0x17: _rfid,
    0x22: _gps_reason,
    0x25: _nt_driver,
    0x2D: _reason,
    0x31: _reason,
    0x32: _altitude,
    0x36: _modules,
    0x37: _one_module,
    0x39: _modules,
    0xA2: _lw4g,
}
