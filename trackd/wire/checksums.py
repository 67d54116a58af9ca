"""
Checksums that devices send and expect.

Each CRC is named as in the catalogues; its value over `123456789` is in its docstring.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Callable

Crc = Callable[[bytes], int]


def _mirrored(value: int, width: int) -> int:
    return int(f"{value:0{width}b}"[::-1], 2)


def _crc(width: int, polynomial: int, start: int, reflected: bool, out: int, meaning: str) -> Crc:
    """A CRC by its parameters: one step per byte through a table of 256 remainders."""
    mask, top = (1 << width) - 1, 1 << (width - 1)
    if reflected:
        polynomial = _mirrored(polynomial, width)
    table = []
    for byte in range(256):
        rest = byte if reflected else byte << (width - 8)
        for _ in range(8):
            if reflected:
                rest = rest >> 1 ^ (polynomial if rest & 1 else 0)
            else:
                rest = (rest << 1 ^ (polynomial if rest & top else 0)) & mask
        table.append(rest)

    if width == 8:

        def crc(data: bytes) -> int:
            value = start
            for byte in data:
                value = table[value ^ byte]
            return value ^ out

    elif reflected:

        def crc(data: bytes) -> int:
            value = start
            for byte in data:
                value = value >> 8 ^ table[(value ^ byte) & 0xFF]
            return value ^ out

    else:
        shift = width - 8

        def crc(data: bytes) -> int:
            value = start
            for byte in data:
                value = (value << 8 & mask) ^ table[value >> shift ^ byte]
            return value ^ out

    crc.__doc__ = meaning
    return crc


crc8_nrsc5 = _crc(8, 0x31, 0xFF, False, 0, "CRC-8/NRSC-5: F7.")
crc8_maxim = _crc(8, 0x31, 0, True, 0, "CRC-8/MAXIM, Dallas 1-wire: A1.")
crc16_arc = _crc(16, 0x8005, 0, True, 0, "CRC-16/ARC, IBM: BB3D.")
crc16_modbus = _crc(16, 0x8005, 0xFFFF, True, 0, "CRC-16/MODBUS: 4B37.")

# The reflected relatives of a CRC that the standard library has are had by mirroring what goes in and what comes out.
_MIRROR = bytes(_mirrored(byte, 8) for byte in range(256))


def crc16_x25(data: bytes) -> int:
    """CRC-16/X-25, ITU: 906E."""
    value = binascii.crc_hqx(data.translate(_MIRROR), 0xFFFF)
    return (_MIRROR[value & 0xFF] << 8 | _MIRROR[value >> 8]) ^ 0xFFFF


def crc16_kermit(data: bytes) -> int:
    """CRC-16/KERMIT: 2189."""
    value = binascii.crc_hqx(data.translate(_MIRROR), 0)
    return _MIRROR[value & 0xFF] << 8 | _MIRROR[value >> 8]


def crc16_ccitt_false(data: bytes) -> int:
    """CRC-16/CCITT-FALSE: 29B1."""
    return binascii.crc_hqx(data, 0xFFFF)


def crc16_xmodem(data: bytes) -> int:
    """CRC-16/XMODEM: 31C3."""
    return binascii.crc_hqx(data, 0)


def crc32(data: bytes) -> int:
    """CRC-32 of ISO and zip: CBF43926."""
    return zlib.crc32(data)


def xor8(data: bytes) -> int:
    """All bytes XORed: 31."""
    value = 0
    for byte in data:
        value ^= byte
    return value


def sum8(data: bytes) -> int:
    """All bytes added, modulo 256: DD."""
    return sum(data) & 0xFF


def plain(text: str) -> bytes:
    """The bytes over which checksums of texts run: a character outside ASCII counts as a question mark."""
    return text.encode("ascii", "replace")


def xor_hex(data: bytes | str) -> str:
    """XOR as two upper-case hex digits: `31`."""
    return f"{xor8(plain(data) if isinstance(data, str) else data):02X}"


def sum8_hex(data: bytes | str) -> str:
    """Sum modulo 256 as two upper-case hex digits: `DD`."""
    return f"{sum8(plain(data) if isinstance(data, str) else data):02X}"


def nmea(data: bytes | str) -> str:
    """`*` and the XOR of what stands between `$` and `*`, neither included in `data`: `*31`."""
    return f"*{xor_hex(data)}"


def luhn(digits: int | str) -> int:
    """The check digit that completes a number: 12345678901234 → 7."""
    total = 0
    for place, digit in enumerate(reversed(str(digits))):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return -total % 10
