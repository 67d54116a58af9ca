"""
Queclink's binary reports, built here after their description.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.gl200.gl200 import gl200
from tests.plugins.wire.talk import Talk, positions, told
from trackd.wire.format import BAD_FRAME
from trackd.wire.framing import Frames
from trackd.wire.values import CellTower, Login, Network, Position

# From the fact sheet
HEX = bytes.fromhex(
    "2b000038000865134050947226820300030000216a3ed6f101895000521629fa8b28f402ac1a8e6a3ed6f100001600000010f505010ff824"
)

NUMBER = bytes.fromhex("5632540300034305")
ID = "6211119207959184133"
LOGIN = Login((ID,))
TIME = datetime(2017, 10, 7, 11, 4, 17, tzinfo=UTC)
TIME7 = pack(">HBBBBB", 2017, 10, 7, 11, 4, 17)
TAIL = bytes.fromhex("00534e5c6e0d0a")


def point(hdop: int = 1, time: bytes = TIME7) -> bytes:
    place = pack(">BBHHhii", hdop, 0, 605, 270, -7, -9_063_007, 39_634_554)
    return place + time + pack(">HHHHB", 268, 3, 6300, 6851, 0)


def fix(**attributes: Any) -> Position:
    return Position.at(
        TIME,
        valid=True,
        latitude=39.634554,
        longitude=-9.063007,
        altitude=-7.0,
        speed=60.5 * 0.539957,
        course=270.0,
        network=Network([CellTower(268, 3, 6300, 6851)]),
        attributes={"hdop": 1, **attributes},
    )


def framed(head: bytes, kind: int, before: bytes, after: bytes) -> bytes:
    """A frame with its length behind a mask of four bytes, and in that of +INF too, where it is cut by it."""
    total = 4 + 1 + 4 + 2 + len(before) + len(after) + len(TAIL)
    return head + pack(">BIH", kind, total if head == b"+INF" else 0x00FC1FBF, total) + before + after + TAIL


def response(kind: int, rest: bytes, number: bytes = NUMBER, head: bytes = b"+RSP") -> bytes:
    return framed(head, kind, pack(">BHH", 0x45, 0x0102, 0x0209) + number, pack(">BH", 100, 12345) + rest)


def event(kind: int, skipped: bytes = b"") -> bytes:
    versions = pack(">BHH", 0x45, 0x0101, 0x0108)
    rest = pack(">BHBB", 49, 12841, 9, 7) + skipped + b"\1" + point()
    return framed(b"+EVT", kind, versions + NUMBER, rest)


def information(kind: int, version: bytes = b"", power: bytes = b"", signal: bytes = b"", cell: bytes = b"") -> bytes:
    between = pack(">xxBB", 7, 1) + bytes(7 + 2 + 6 + 4 + 1)
    rest = version + between + power + bytes(10) + signal + bytes(3) + cell + TIME7
    return framed(b"+INF", kind, b"", NUMBER + pack(">BHH", 0x45, 0x0202, 0x0209) + rest)


REPORTED = {"batteryLevel": 100, "power": 12345, "sat": 7}


class CuttingTests(SynchronousTestCase):
    def test_lengths(self) -> None:
        """Each kind has its length at a place of its own; a text has none."""
        frames = [
            HEX,
            b"+INF" + pack(">3xH", 15) + bytes(6),
            b"+BNF" + pack(">3xH", 15) + bytes(6),
            b"+HBD" + pack(">xB", 12) + bytes(6),
            b"+CRD" + pack(">2xH", 13) + bytes(5),
            b"+BRD" + pack(">2xH", 13) + bytes(5),
            b"+LGN" + pack(">2xH", 13) + bytes(5),
            b"+RSP" + pack(">5xH", 20) + bytes(9),
            b"+BSP" + pack(">5xH", 20) + bytes(9),
            b"+EVT" + pack(">5xH", 20) + bytes(9),
            b"+BVT" + pack(">5xH", 20) + bytes(9),
            b"+ACK" + pack(">2xB", 14) + bytes(7),
        ]
        stream = b"".join(frames) + b"+ACK:GTHBD,1,2,3$" + HEX
        assert gl200.split is not None
        self.assertEqual([*Frames(gl200.split).feed(stream)], [*frames, b"+ACK:GTHBD,1,2,3", HEX])

    def test_no_length(self) -> None:
        """A length of nothing is hopeless."""
        assert gl200.split is not None
        frames = Frames(gl200.split)
        self.assertEqual([*frames.feed(b"+RSP" + bytes(20))], [])
        self.assertIsNotNone(frames.broken)

    def test_others(self) -> None:
        """What repeats stored reports or is no report says nothing, and is never acknowledged."""
        for head in (b"+BSP", b"+BVT", b"+BNF", b"+ACK", b"+HBD", b"+CRD", b"+BRD", b"+LGN"):
            talk = Talk(gl200, "udp", settings={"gl200.ack": True})
            self.assertEqual(talk.say(response(7, b"", head=head)), [], head)


class ResponseTests(SynchronousTestCase):
    def test_points(self) -> None:
        """Every point has battery, supply and satellites; the id is a decimal number."""
        data = response(7, pack(">BBBB", 0x42, 7, 16, 2) + point() * 2)
        self.assertEqual(told(gl200, data), [LOGIN, fix(**REPORTED), fix(**REPORTED)])
        self.assertEqual(told(gl200, data, known=()), [LOGIN])
        self.assertEqual(told(gl200, data.replace(NUMBER, pack(">q", 42)))[0], Login(("000000000000042",)))
        self.assertEqual(told(gl200, data.replace(NUMBER, pack(">q", -42)))[0], Login(("-00000000000042",)))

    def test_hdop(self) -> None:
        """A fix without hdop is none; the time rolls over."""
        (position,) = positions(
            told(gl200, response(7, bytes((0, 7, 0, 1)) + point(0, pack(">HBBBBB", 2017, 13, 32, 25, 61, 61))))
        )
        self.assertEqual((position.valid, position.fix_time), (False, datetime(2018, 2, 2, 2, 2, 1, tzinfo=UTC)))

    def test_geofence(self) -> None:
        """Reports of geofences have two more bytes."""
        data = response(8, b"xx" + bytes((0x42, 7, 16, 1)) + point())
        self.assertEqual(told(gl200, data), [LOGIN, fix(**REPORTED)])

    def test_call(self) -> None:
        """Reports of calls have a number, which ends with a nibble F."""
        for phone in (bytes.fromhex("07 491234 5f"), bytes.fromhex("07 491234 f5"), bytes.fromhex("00 ff")):
            data = response(3, bytes((0x42, 7, 16)) + phone + b"\1" + point())
            self.assertEqual(told(gl200, data), [LOGIN, fix(**REPORTED)])

    def test_compressed(self) -> None:
        """A point a second, whole or as differences; other entries let a second pass."""
        whole = (0b01_0 << 21 | 605 << 9 | 270).to_bytes(3, "big") + pack(">ii", -9_063_007, 39_634_554)
        change = (0b10_0 << 37 | (-5 & 0x7F) << 30 | 7 << 23 | (-100 & 0xFFF) << 11 | 50).to_bytes(5, "big")
        time = int(TIME.timestamp())
        data = response(
            100, bytes((0x42, 7)) + pack(">H", 5) + whole + pack(">I", time) + change + b"\0" + b"\xc0" + whole
        )
        first, second, third = positions(told(gl200, data))
        self.assertEqual(
            first,
            Position.at(TIME, valid=True, latitude=39.634554, longitude=-9.063007, speed=60.5 * 0.539957, course=270.0),
        )
        self.assertEqual(
            (second.latitude, second.longitude, second.speed, second.course, second.fix_time),
            (39.634604, -9.063107, 60.0 * 0.539957, 277.0, TIME.replace(second=18)),
        )
        self.assertEqual((third.fix_time, third.course), (TIME.replace(second=21), 270.0))

    def test_cut_off(self) -> None:
        """Points that are not there are an error."""
        for data in (
            response(7, pack(">BBBB", 0x42, 7, 16, 9) + point()),
            response(100, pack(">BBH", 0x42, 7, 65535)),
            response(3, bytes(300)),
        ):
            with self.assertRaises(BAD_FRAME):
                told(gl200, data)


class EventTests(SynchronousTestCase):
    def test_events(self) -> None:
        """Some events have bytes in front of the point; none is an alarm."""
        skips = {6: 2, 15: 3, 17: 4, 21: 5, 23: 1, 26: 12, 31: 2, 33: 1, 34: 3, 35: 1, 45: 7, 46: 7, 12: 0, 1: 0}
        expected = fix(versionFw="264", batteryLevel=49, power=12841, sat=7)
        for kind, count in skips.items():
            self.assertEqual(told(gl200, event(kind, bytes(count))), [LOGIN, expected], kind)
        self.assertEqual(told(gl200, event(12), known=()), [LOGIN])


class InformationTests(SynchronousTestCase):
    def test_kinds(self) -> None:
        """Parts that belong to one kind stand between those that all have."""
        plain = {"versionFw": "521", "sat": 7}
        battery = {"charge": True, "power": 12.345, "battery": 4.1, "batteryLevel": 90}
        for data, expected in (
            (information(2), plain),
            (information(6, version=bytes(6)), plain),
            (information(7, power=pack(">BHHB", 1, 12345, 4100, 90)), plain | battery),
            (information(5, signal=b"\x15\0"), plain | {"rssi": 21}),
        ):
            self.assertEqual(told(gl200, data), [LOGIN, Position(TIME, outdated=True, attributes=expected)])

    def test_cell(self) -> None:
        """One kind has the cell."""
        (position,) = positions(told(gl200, information(10, cell=pack(">2xHHHH2x", 268, 3, 6300, 6851))))
        self.assertEqual(position.network, Network([CellTower(268, 3, 6300, 6851)]))
        self.assertEqual(position.device_time, TIME)

    def test_far_time(self) -> None:
        """A year of five digits, read at the wrong place, is no time; the rest counts."""
        (position,) = positions(told(gl200, information(2).replace(TIME7, b"\x32\x2a" + TIME7[2:])))
        self.assertEqual((position.device_time, position.attributes["sat"]), (None, 7))


def record(*elements: bytes) -> bytes:
    body = pack(">IHBB", 0x6A3ED6F1, 1, 0x89, 0x50) + b"".join(elements)
    return bytes((len(body) + 1,)) + body


def element(id: int, data: bytes) -> bytes:
    return bytes((id, len(data))) + data


PLACE = pack(">BiiIHBHBHB", 2 << 2, -9_063_007, 39_634_554, int(TIME.timestamp()), 605, 22, 270, 0, 4341, 9)


def hexadecimal(*records: bytes, flags: bytes = b"\0", reserved: bytes = b"") -> bytes:
    body = flags + bytes.fromhex("0865134050947226") + bytes.fromhex("8203000300") + bytes((len(reserved),)) + reserved
    body += b"".join(records)
    return b"\x2b\0" + pack(">H", len(body) + 8) + body + bytes.fromhex("010ff824")


class HexTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.fix = Position.at(
            TIME,
            valid=True,
            latitude=39.634554,
            longitude=-9.063007,
            altitude=434.1,
            speed=60.5 * 0.539957,
            course=270.0,
            attributes={"hdop": 2.2, "sat": 9},
        )

    def test_sample(self) -> None:
        """The id loses its first digit."""
        login, position = told(gl200, HEX)
        self.assertEqual(login, Login(("865134050947226",)))
        assert isinstance(position, Position)
        self.assertEqual(
            (position.valid, position.altitude, position.attributes), (True, 434.1, {"hdop": 2.2, "sat": 5})
        )

    def test_records(self) -> None:
        """Of the elements of the records the places are reports, the others are passed over."""
        one, other = element(0x52, PLACE), element(0x51, b"rubbish")
        self.assertEqual(positions(told(gl200, hexadecimal(record(other, one, other), record(one)))), [self.fix] * 2)
        self.assertEqual(positions(told(gl200, hexadecimal(record(other), record()))), [])
        self.assertEqual(positions(told(gl200, hexadecimal())), [])

    def test_head(self) -> None:
        """A flag announces the number of the packet; reserved bytes are passed over."""
        data = hexadecimal(record(element(0x52, PLACE)), flags=b"\x80\0\1", reserved=b"abc")
        self.assertEqual(told(gl200, data), [Login(("865134050947226",)), self.fix])

    def test_long_numbers(self) -> None:
        """Ids and lengths may have two bytes."""
        elements = b"\x80\x52\x80\x17" + PLACE + b"\x81\x00\x81\x00" + bytes(256)
        body = pack(">IHBB", 0, 1, 0x89, 0x50) + elements
        data = hexadecimal(pack(">H", 0x8000 | len(body) + 2) + body)
        self.assertEqual(positions(told(gl200, data)), [self.fix])

    def test_invalid(self) -> None:
        """Two bits tell whether there is a fix."""
        for kind in (0, 1 << 2, 3 << 2):
            (position,) = positions(told(gl200, hexadecimal(record(element(0x52, bytes((kind,)) + PLACE[1:])))))
            self.assertFalse(position.valid)

    def test_errors(self) -> None:
        """Records without length, or beyond the end, are errors and no endless work."""
        for data in (
            hexadecimal(bytes(20)),
            hexadecimal(b"\x08" + bytes(20)),
            hexadecimal(b"\x7f" + bytes(20)),
            hexadecimal(record(element(0x52, PLACE[:-1]))),
            hexadecimal(record(b"\x51\xff\xff")),
        ):
            with self.assertRaises(BAD_FRAME):
                told(gl200, data)


class DamageTests(SynchronousTestCase):
    def test_damaged(self) -> None:
        """Damaged frames are bad frames or say something, and nothing else."""
        source = random.Random(5004)
        samples = (
            HEX,
            response(7, pack(">BBBB", 0x42, 7, 16, 2) + point() * 2),
            event(12),
            information(7, power=pack(">BHHB", 1, 12345, 4100, 90)),
        )
        for _ in range(1000):
            data = bytearray(source.choice(samples))
            for _ in range(source.randint(1, 3)):
                data[source.randrange(len(data))] = source.randrange(256)
            if source.random() < 0.3:
                del data[source.randrange(len(data)) :]
            for transport in ("tcp", "udp"):
                try:
                    Talk(gl200, transport).say(bytes(data))
                except BAD_FRAME:
                    pass
