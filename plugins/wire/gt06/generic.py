"""
The common reports: any of GPS block, LBS block and status, then what the type, its variant or the model adds.

Devices pad and shorten them, and are read alike: beyond a short payload lie serial and CRC, which are then taken for
values. Only what would lie beyond the frame is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from plugins.wire.gt06.additions import ADDITIONS
from plugins.wire.gt06.blocks import alarm, cell, fix, hundredths, terminal
from plugins.wire.gt06.frames import OBD6, S16, SEEWORLD, TRX16I, U16, U32, VXT01, echo, variant_of, within
from plugins.wire.gt06.state import LW, NT, QH302R, R11, SW, family_of
from trackd.wire import names
from trackd.wire.format import Session
from trackd.wire.values import Output, Position

GPS, LBS, STATUS = 1, 2, 4

PARTS = {
    0x10: GPS,
    0x11: GPS | LBS,
    0x12: GPS | LBS,
    0x13: STATUS,
    0x16: GPS | LBS | STATUS,  # alarm
    0x17: GPS | LBS,  # RFID
    0x19: LBS | STATUS,  # alarm without fix
    0x1A: GPS,  # with phone number
    0x1E: GPS,
    0x22: GPS | LBS,
    0x25: GPS | LBS,  # with driver
    0x26: GPS | LBS | STATUS,  # alarm
    0x27: GPS | LBS | STATUS,  # alarm with fence number
    0x2D: GPS | LBS,
    0x31: GPS | LBS,
    0x32: GPS | LBS | STATUS,  # alarm
    0x36: STATUS,  # with modules
    0x37: GPS | LBS,  # with one module
    0x39: GPS | LBS | STATUS,  # alarm with modules
    0xA0: GPS | LBS,  # 4G
    0xA2: GPS | LBS | STATUS,
    0xA3: GPS | LBS,  # single fence
    0xA4: GPS | LBS | STATUS,  # fence alarm, 4G
    0xA5: LBS | STATUS,  # alarm without fix, 4G
    0xA7: LBS,  # asks for an address
}
NT_TYPES = (0x22, 0x25)  # NT models add a status, and more, to these
NT_PARTS = PARTS | dict.fromkeys(NT_TYPES, GPS | LBS | STATUS)

UNSIZED = (0x19, 0xA5, 0x39, 0xA2)  # with status, but without a length before the cell
FENCED = (0x27, 0xA4)
WIDE_ALARM = (0x27, 0xA4, 0x39)  # the language byte gives the upper bits of the alarm
LANGUAGE = (0x36, 0xA2, 0x27, 0xA4, 0x39)  # has a language byte that is to be passed over


def generic(data: bytes, at: int, session: Session) -> Sequence[Output]:
    type = data[at - 1]
    variant = variant_of(data, at)
    family = family_of(session)
    nt = family == NT and type in NT_TYPES
    parts = NT_PARTS[type] if nt else PARTS[type]
    if variant == SEEWORLD and type == 0xA3:
        parts = STATUS
    if type == 0x12 and family == QH302R:
        at += 8
    if nt:
        at += 15  # source, IMEI, a time that the fix repeats

    if parts & GPS:
        position = fix(data, at, session, {names.TYPE: type})
        at += 18
    else:
        position = Position.last()
        position.attributes[names.TYPE] = type
    size = len(data)
    if parts & LBS and size - at > 6:
        sized = parts & STATUS and type not in UNSIZED and not (type == 0x16 and variant == VXT01)
        position.network, at = cell(data, at, type, variant, bool(sized))
    if parts & STATUS:
        at = _status(position, data, at, variant, family)
        if nt or type in LANGUAGE:
            at += 1
    if type in ADDITIONS:
        at = ADDITIONS[type](position, data, at, variant, family)

    found = position.attributes
    rest = size - at
    if rest == 9 or rest == 13:
        found[names.IGNITION] = data[at] > 0
        if data[at + 2]:
            found[names.ARCHIVE] = True
        at += 3
        rest -= 3
    if rest == 10:
        (found[names.ODOMETER],) = U32.unpack_from(data, at)
        at += 4
    if type in FENCED:
        found[names.GEOFENCE] = data[at]
    within(data, at)
    return position, echo(data, type)


def _status(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    """The status part, and where the next begins."""
    found = position.attributes
    type = found[names.TYPE]
    nt = family == NT and type in NT_TYPES
    if type == 0xA2:
        at += 1  # kind of network
    terminal(position, data[at], variant)
    at += 1
    if variant == OBD6:
        return _obd6(position, data, at, variant, family)
    if variant == SEEWORLD and data[2] == 0x18:
        return _gl21l(position, data, at)
    if type == 0xA2 or nt:
        found[names.POWER] = hundredths(data, at)
        at += 2
    if type == 0x13 and family == R11:
        found[names.POWER] = hundredths(data, at)
        at += 2
    else:
        level = data[at]
        at += 1
        if nt:
            found[names.BATTERY] = level / 10
        elif level <= 6:
            found[names.BATTERY_LEVEL] = level * 100 // 6
        elif level <= 100:
            found[names.BATTERY_LEVEL] = level
    found[names.RSSI] = data[at]
    at += 1
    if type == 0x13 and family == LW:
        found[names.POWER] = (U16.unpack_from(data, at)[0] & 0x0FFF) / 10
        return at + 2
    code = data[at]
    at += 1
    if type in WIDE_ALARM:
        code += data[at] >> 4 << 8
    if type == 0x13 and family == SW:
        found[names.POWER] = float(code)
    elif variant != VXT01:
        position.add_alarm(alarm(code, variant, family))
        if variant == TRX16I:
            found[names.EVENT] = code
    return at


_OBD6 = Struct(">HBxBBHxxx")  # satellites and signal, alarm, battery level, mode, voltage


def _obd6(position: Position, data: bytes, at: int, variant: str, family: str) -> int:
    signal, code, level, mode, power = _OBD6.unpack_from(data, at)
    at += _OBD6.size
    found = position.attributes
    found[names.SAT] = (signal >> 10 & 31) + (signal >> 5 & 31)
    found[names.RSSI] = signal & 31
    position.add_alarm(alarm(code, variant, family))
    found[names.BATTERY_LEVEL] = level
    found[names.POWER] = power / 100
    if mode == 4:
        found[f"{names.TEMP}1"] = S16.unpack_from(data, at)[0] / 10
        at += 2
    return at


_GL21L = Struct(">3xBB3xIBBB")  # signal, voltage, steps, battery level, charging, moving


def _gl21l(position: Position, data: bytes, at: int) -> int:
    rssi, power, steps, level, charge, motion = _GL21L.unpack_from(data, at)
    position.attributes |= {
        names.RSSI: rssi,
        names.POWER: float(power),
        names.STEPS: steps,
        names.BATTERY_LEVEL: level,
        names.CHARGE: charge == 1,
        names.MOTION: motion == 1,
    }
    return at + _GL21L.size
