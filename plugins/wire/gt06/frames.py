"""
The frames of GT06: cut from the stream, told apart by type, length and variant, and made for replies.

    78 78   length u8    type u8   payload   serial u16   CRC u16   0D 0A
    79 79   length u16   type u8   payload   serial u16   CRC u16   0D 0A

The length counts type, payload, serial and CRC, but devices miscount. The CRC of what they send is not looked at.

Functions here and in the modules beside take a frame as `data` and the place in it as `at`; a payload begins at 4 in a
short frame and at 5 in an extended one.
"""

from __future__ import annotations

from struct import Struct

from trackd.wire.binary import part
from trackd.wire.checksums import crc16_x25
from trackd.wire.framing import LARGE, LIMIT
from trackd.wire.values import Reply, WireError

SHORT = 4  # where the payload of a short frame begins
TAIL = 6  # bytes behind a payload: serial, CRC, 0D 0A

U16, S16, U32 = Struct(">H"), Struct(">h"), Struct(">I")

# Forms of a message that only its length gives away.
VXT01 = "VXT01"
WANWAY_S20 = "WanWay-S20"
SR411_MINI = "SR411-mini"
GT06E_CARD = "GT06E-card"
BENWAY = "Benway"
S5 = "S5"
SPACE10X = "Space10X"
OBD6 = "OBD6"
WETRUST = "WeTrust"
SL4X = "SL4X"
SEEWORLD = "SEEWORLD"
RFID = "RFID"
LW4G = "LW4G"
TRX16I = "TRX16i"

# Length and type as they stand in a short frame.
VARIANTS = {
    bytes((length, type)): variant
    for variant, type, lengths in (
        (VXT01, 0x12, (0x24,)),
        (VXT01, 0x16, (0x24,)),
        (WANWAY_S20, 0x24, (0x31,)),
        (SR411_MINI, 0x24, (0x2E,)),
        (GT06E_CARD, 0x12, range(0x71, 0x100)),
        (BENWAY, 0x12, (0x21,)),
        (S5, 0x12, (0x2B,)),
        (SPACE10X, 0x19, range(0x17, 0x100)),
        (OBD6, 0x13, (0x13,)),
        (WETRUST, 0x12, (0x29,)),
        (SL4X, 0x34, (0x37,)),
        (SL4X, 0x31, (0x2A,)),
        (SL4X, 0x32, (0x27, 0x29)),
        (SEEWORLD, 0x22, (0x2F,)),
        (SEEWORLD, 0x16, (0x26,)),
        (SEEWORLD, 0xA3, (0x0C, 0x18)),
        (RFID, 0x17, (0x28,)),
        (LW4G, 0xA2, (0x40,)),
        (TRX16I, 0x36, (0x35,)),
        (TRX16I, 0x16, (0x2D,)),
    )
    for length in lengths
}


def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
    """
    A frame ends where it says if 0D 0A stands there, else with the first 0D 0A.

    Lists of access points carry their count in place of the length, and some logins announce more than they bring. So
    a frame of which only a part has come may end with the first 0D 0A as well.
    """
    size = len(buffer)
    if size - start < 5:
        return None
    short = buffer[start] == 0x78
    end = start + (buffer[start + 2] + 5 if short else U16.unpack_from(buffer, start + 2)[0] + 6)
    if end > size or buffer[end - 2 : end] != b"\r\n":
        found = buffer.find(b"\r\n", start)
        if found < 0 or (end > size and _goes_on(buffer, start, found, end)):
            return None
        end = found + 2
    return buffer[start:end], end


def _goes_on(buffer: bytes, start: int, found: int, end: int) -> bool:
    """
    Whether the frame up to `end` has no more than a line end of its text at `found`.

    Extended frames carry texts, and pictures; to end them early loses them whenever the network splits them behind a
    line end. They are ended early only if the CRC there is right.
    """
    if not buffer.startswith(b"yy", start) or end - start > LARGE:
        return False
    if not start + 9 <= found <= start + LIMIT:
        return True
    return crc16_x25(buffer[start + 2 : found - 2]).to_bytes(2, "big") != buffer[found - 2 : found]


def variant_of(data: bytes, at: int) -> str:
    """The variant of a frame, empty for the standard form and all extended frames."""
    return VARIANTS.get(data[2:4], "") if at == SHORT else ""


def announced(data: bytes, at: int) -> int:
    """Bytes of payload, by the frame's own account."""
    return (data[2] if at == SHORT else data[2] << 8 | data[3]) - 5


def within(data: bytes, at: int) -> None:
    """WireError if more has been passed over than was there."""
    if at > len(data):
        raise WireError(f"{at - len(data)} bytes are missing")


def remainder(data: bytes, at: int) -> bytes:
    """The bytes up to the end of the payload, which must not be passed already."""
    return part(data, at, len(data) - TAIL - at)


def hexed(data: bytes, at: int, count: int) -> str:
    """So many bytes as hex digits."""
    return part(data, at, count).hex()


_HEAD, _LONG_HEAD, _FOOT = Struct(">BB"), Struct(">HB"), Struct(">H2s")
_ECHO = Struct(">HBBHH2s")


def short(type: int, content: bytes = b"", serial: int = 0) -> Reply:
    """A short frame for the device."""
    body = _HEAD.pack(5 + len(content), type) + content + U16.pack(serial)
    return Reply(b"xx" + body + _FOOT.pack(crc16_x25(body), b"\r\n"))


def extended(type: int, content: bytes = b"", serial: int = 0) -> Reply:
    """An extended frame for the device."""
    body = _LONG_HEAD.pack(5 + len(content), type) + content + U16.pack(serial)
    return Reply(b"yy" + body + _FOOT.pack(crc16_x25(body), b"\r\n"))


def serial_of(data: bytes) -> int:
    """The serial number of a frame, by its place from the end."""
    return int(U16.unpack_from(data, -TAIL)[0])


# The CRC of an acknowledgement is linear in its three changing bytes, and is needed for every frame that comes.
_CRC_TYPE = [crc16_x25(bytes((5, type, 0, 0))) for type in range(256)]
_CRC_HIGH = [crc16_x25(bytes((5, 0, high, 0))) ^ _CRC_TYPE[0] for high in range(256)]
_CRC_LOW = [crc16_x25(bytes((5, 0, 0, low))) ^ _CRC_TYPE[0] for low in range(256)]


def echo(data: bytes, type: int) -> Reply:
    """The acknowledgement of a frame: a short one without content, with its type and serial."""
    (serial,) = U16.unpack_from(data, -TAIL)
    crc = _CRC_TYPE[type] ^ _CRC_HIGH[serial >> 8] ^ _CRC_LOW[serial & 0xFF]
    return Reply(_ECHO.pack(0x7878, 5, type, serial, crc, b"\r\n"))
