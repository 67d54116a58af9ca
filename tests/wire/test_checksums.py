from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import checksums

CHECK = b"123456789"


def bitwise(width: int, polynomial: int, start: int, reflected: bool, out: int) -> Callable[[bytes], int]:
    """A CRC as its definition has it, bit by bit."""
    top, mask = 1 << width - 1, (1 << width) - 1

    def mirrored(value: int, width: int) -> int:
        return sum(1 << width - 1 - place for place in range(width) if value >> place & 1)

    def crc(data: bytes) -> int:
        value = start
        for byte in data:
            value ^= (mirrored(byte, 8) if reflected else byte) << width - 8
            for _ in range(8):
                value = (value << 1 ^ (polynomial if value & top else 0)) & mask
        return (mirrored(value, width) if reflected else value) ^ out

    return crc


class CrcTests(SynchronousTestCase):
    def test_checks(self) -> None:
        """Every CRC has the value that the catalogues give for `123456789`."""
        for crc, value in (
            (checksums.crc8_nrsc5, 0xF7),
            (checksums.crc8_maxim, 0xA1),
            (checksums.crc16_arc, 0xBB3D),
            (checksums.crc16_modbus, 0x4B37),
            (checksums.crc16_x25, 0x906E),
            (checksums.crc16_kermit, 0x2189),
            (checksums.crc16_ccitt_false, 0x29B1),
            (checksums.crc16_xmodem, 0x31C3),
            (checksums.crc32, 0xCBF43926),
        ):
            self.assertEqual(crc(CHECK), value)

    @given(some.binary(max_size=64))
    def test_definition(self, data: bytes) -> None:
        """Tables and mirrors agree with the definition."""
        self.assertEqual(checksums.crc8_nrsc5(data), bitwise(8, 0x31, 0xFF, False, 0)(data))
        self.assertEqual(checksums.crc8_maxim(data), bitwise(8, 0x31, 0, True, 0)(data))
        self.assertEqual(checksums.crc16_arc(data), bitwise(16, 0x8005, 0, True, 0)(data))
        self.assertEqual(checksums.crc16_modbus(data), bitwise(16, 0x8005, 0xFFFF, True, 0)(data))
        self.assertEqual(checksums.crc16_x25(data), bitwise(16, 0x1021, 0xFFFF, True, 0xFFFF)(data))
        self.assertEqual(checksums.crc16_kermit(data), bitwise(16, 0x1021, 0, True, 0)(data))


class SumTests(SynchronousTestCase):
    def test_sums(self) -> None:
        """XOR and sum over `123456789`, as a byte and as upper-case hex."""
        self.assertEqual((checksums.xor8(CHECK), checksums.sum8(CHECK)), (0x31, 0xDD))
        self.assertEqual((checksums.xor_hex(CHECK), checksums.sum8_hex(CHECK)), ("31", "DD"))
        self.assertEqual(checksums.nmea("123456789"), "*31")
        self.assertEqual(checksums.xor_hex(b"\x0f"), "0F")

    def test_text(self) -> None:
        """A character outside ASCII counts as a question mark."""
        self.assertEqual(checksums.sum8_hex("ü"), checksums.sum8_hex(b"?"))
        self.assertEqual(checksums.xor_hex("€1"), checksums.xor_hex(b"?1"))

    def test_luhn(self) -> None:
        """The check digit of an IMEI."""
        self.assertEqual(checksums.luhn(12345678901234), 7)
        self.assertEqual(checksums.luhn("35693803564380"), 9)
        self.assertEqual(checksums.luhn("0"), 0)
