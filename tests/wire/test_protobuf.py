from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import protobuf
from trackd.wire.text import from_base64
from trackd.wire.values import WireError


def varint(value: int) -> bytes:
    """A number as it is written."""
    data = b""
    while value > 0x7F:
        data += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return data + bytes((value,))


class MessageTests(SynchronousTestCase):
    def test_kinds(self) -> None:
        """Numbers, fixed fields, texts, messages and groups, by their field numbers."""
        data = bytes.fromhex("089601 12036162632d0000803f 310000000000000840 1b08011c 089701".replace(" ", ""))
        found = protobuf.message(data)
        self.assertEqual(found[1], [150, 151])
        self.assertEqual(found[2], [b"abc"])
        self.assertEqual(protobuf.float32(found[5][0]), 1.0)
        self.assertEqual(protobuf.float64(found[6][0]), 3.0)
        self.assertEqual(found[3], [{1: [1]}])

    def test_last(self) -> None:
        """Of a field that is not repeated the last value counts; without a default it must be there."""
        found = protobuf.message(b"\x08\x01\x08\x02")
        self.assertEqual((protobuf.last(found, 1), protobuf.last(found, 2, 0)), (2, 0))
        with self.assertRaises(WireError):
            protobuf.last(found, 2)

    def test_numbers(self) -> None:
        """The numbers of a group: of several the last, also when the group comes in parts; other types are left out."""
        data = bytes.fromhex("13 0801 1002 1003 220161 14 10ff01 13 0805 2a00 28960114 1b1c".replace(" ", ""))
        found = protobuf.message(data)
        self.assertEqual(protobuf.numbers(found, 2), {1: 5, 2: 3, 5: 150})
        self.assertEqual((protobuf.numbers(found, 3), protobuf.numbers(found, 4)), ({}, None))
        self.assertIsNone(protobuf.numbers(protobuf.message(b"\x10\x01\x12\x00"), 2))

    def test_lengths(self) -> None:
        """Numbers have one to ten bytes, of which 64 bits count, and their fields keys of one or more."""
        for value in (0, 0x7F, 0x80, 0x3FFF, 0x4000, 1 << 32, (1 << 64) - 1):
            for number in (1, 15, 16, 2047, 2048):
                data = varint(number << 3) + varint(value)
                self.assertEqual(protobuf.message(data), {number: [value]})
        self.assertEqual(protobuf.varint(b"\xff" * 9 + b"\x7f")[0], (1 << 64) - 1)
        self.assertEqual(protobuf.varint(b"\x80\x80\x00"), (0, 3))

    def test_real(self) -> None:
        """A sensor message as a device sends it."""
        found = protobuf.message(from_base64("CAIaBtJWcQhjnjhPSPIXKKkEINwEWEpgA2gAcAJ4AIABAIgBAA=="))
        self.assertEqual((found[1], protobuf.zigzag(found[4][0]), found[9]), ([2], 302, [3058]))

    def test_signs(self) -> None:
        """Signed numbers are two's complement or zig-zag."""
        minus_one = protobuf.varint(b"\xff" * 9 + b"\x01")[0]
        self.assertEqual((protobuf.signed(minus_one), protobuf.signed(5)), (-1, 5))
        self.assertEqual([protobuf.zigzag(value) for value in (0, 1, 2, 3, 0xFFFFFFFF)], [0, -1, 1, -2, -0x80000000])

    def test_packed(self) -> None:
        """A packed field is numbers without keys."""
        self.assertEqual(list(protobuf.varints(b"\x01\x96\x01\x00")), [1, 150, 0])

    def test_malformed(self) -> None:
        """What is cut short, of an unknown type, or nested without end is an error."""
        for bad in (
            b"\x08",
            b"\x08\x80",
            b"\x80",
            b"\x12\x05ab",
            b"\x0e\x00",
            b"\x1c",
            b"\x1b\x08\x01",
            b"\x00\x01",
            b"\x08" + b"\xff" * 10,
            b"\x0b" * 9999,
        ):
            with self.assertRaises(WireError, msg=bad.hex()):
                protobuf.message(bad)

    @given(some.binary(max_size=60))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes are a message or an error."""
        try:
            protobuf.message(data)
        except WireError:
            pass
