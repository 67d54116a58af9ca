"""
EGTS by packets that are built here after the standard.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.egts import State, egts
from tests.plugins.wire.talk import Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.checksums import crc8_nrsc5, crc16_ccitt_false
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.framing import Frames
from trackd.wire.values import Command, Login, Position, Reply, Unsupported, WireError

AUTH, TELEDATA = 1, 2
TIME = datetime(2018, 3, 21, 5, 38, 19, tzinfo=UTC)
SECONDS = 259_306_699  # of it, since 2010


def packet(*records: bytes, number: int = 0x0102, kind: int = 1, routed: bool = False) -> bytes:
    body = b"".join(records)
    head = pack("<BBBBBHHB", 1, 0, 2, 16 if routed else 11, 0, len(body), number, kind) + bytes(5 if routed else 0)
    head += bytes((crc8_nrsc5(head),))
    return head + body + pack("<H", crc16_ccitt_false(body)) if body else head


def record(*parts: bytes, number: int = 7, id: int | None = None, service: int = TELEDATA, flags: int = 0) -> bytes:
    data = b"".join(parts)
    optional = b"" if id is None else pack("<I", id)
    optional += bytes(4 * ((flags >> 1 & 1) + (flags >> 2 & 1)))
    flags |= id is not None
    return pack("<HHB", len(data), number, flags) + optional + bytes((service, service)) + data


def part(kind: int, data: bytes) -> bytes:
    return pack("<BH", kind, len(data)) + data


def fix(
    flags: int = 1,
    *,
    speed: int = 106,
    course: int = 0,
    counter: int = 5,
    event: int = 3,
    altitude: int | None = None,
    seconds: int = SECONDS,
) -> bytes:
    if altitude is not None:
        flags |= 0x80
    data = pack("<IIIBHB", seconds, 0x80000000, 0x40000000, flags, speed, course)
    data += pack("<I", counter)[:3] + bytes((17, event))
    return part(16, data + (b"" if altitude is None else pack("<i", altitude)[:3]))


def name(imei: str = "", imsi: str = "", phone: str = "", others: int = 0) -> bytes:
    data = b""
    for flag, field in enumerate((b"12", imei.encode(), imsi.encode(), b"eng", b"", b"net", b"34", phone.encode())):
        if field and (flag in (1, 2, 7) or others >> flag & 1):
            others |= 1 << flag
            data += field.ljust({1: 15, 2: 16, 7: 15}.get(flag, 0), b"\0")
    return part(1, pack("<IB", 99, others) + data)


def answer(number: int, body: bytes, kind: int) -> Reply:
    head = pack("<BBBBBHHB", 1, 0, 0, 11, 0, len(body), number, kind)
    return Reply(head + bytes((crc8_nrsc5(head),)) + body + pack("<H", crc16_ccitt_false(body)))


def receipt(number: int = 0, record: int = 7, service: int = TELEDATA) -> Reply:
    """The acknowledgement of a record of packet 0102, whose bytes are swapped in it."""
    content = pack(">H", 0x0102) + b"\0" + pack("<HHBBB", 6, 0, 0, service, service) + part(0, pack("<HB", record, 0))
    return answer(number, content, 0)


def result(number: int, service: int = AUTH) -> Reply:
    return answer(number, pack("<HHBBB", 4, 0, 0, service, service) + part(7, b"\0"), 1)


def one(*parts: bytes, **talk: Any) -> Position:
    """The only position of a record with these sub-records."""
    (position,) = positions(told(egts, packet(record(*parts, id=5)), **talk))
    return position


def added(*parts: bytes) -> dict[str, Any]:
    """The attributes that sub-records add to those of a fix."""
    attributes = dict(one(fix(), *parts).attributes)
    for key in ("odometer", "input", "event"):
        del attributes[key]
    return attributes


class PacketTests(SynchronousTestCase):
    def test_standard(self) -> None:
        """A packet of one fix, byte by byte as it is described."""
        data = bytes.fromhex(
            "0100020b0025003a5701c91a003a5701cd6e68490202101700cbb4740f7617fd924364104f116a0000000000010300001ec2"
        )
        login, position, reply = told(egts, data)
        self.assertEqual(login, Login(("1231580877",), optional=True))
        self.assertEqual(
            position,
            Position(
                TIME,
                TIME,
                valid=True,
                latitude=0x92FD1776 * 90 / 0xFFFFFFFF,
                longitude=0x4F106443 * 180 / 0xFFFFFFFF,
                speed=10.6 * 0.539957,
                attributes={"odometer": 0, "input": 1, "event": 3},
            ),
        )
        self.assertEqual(reply, Reply(bytes.fromhex("0100000b00100000000068573a00060000000002020003003a5700050f")))

    def test_lengths(self) -> None:
        """Packets are as long as their header says; without a body there is no checksum of it either."""
        empty, full = packet(), packet(record(fix(), id=5), routed=True)
        frames = Frames(egts.split or (lambda buffer, start: None), egts.limit)
        self.assertEqual(list(frames.feed(empty + full + empty + full[:-1])), [empty, full, empty])
        self.assertEqual(told(egts, empty + full)[-1], receipt())

    def test_long(self) -> None:
        """A packet of the greatest length is heard, however it arrives."""
        body = record(part(16, bytes(24)), part(99, bytes(65535 - 7 - 27 - 3)))
        self.assertEqual(len(body), 65535)
        talk = Talk(egts)
        data = packet(body)
        talk.say(data[:-1])
        self.assertEqual(talk.say(data[-1:]), [receipt()])

    def test_no_length(self) -> None:
        """A header of no length is no header."""
        with self.assertRaises(WireError):
            Talk(egts).say(bytes(10))

    def test_responses(self) -> None:
        """Answers to packets of the server are not answered."""
        self.assertEqual(told(egts, packet(record(fix(), id=5), kind=0)), [])

    def test_counted(self) -> None:
        """Every record is acknowledged, and the packets that do are numbered, from 0 after 65535."""
        outputs = told(egts, packet(record(number=1), record(number=2)), packet(record(number=3)))
        self.assertEqual(outputs, [receipt(0, 1), receipt(1, 2), receipt(2, 3)])
        talk = Talk(egts)
        talk.session.state = State(sent=65535)
        self.assertEqual(talk.say(packet(record(), record())), [receipt(65535), receipt(0)])

    def test_optional_fields(self) -> None:
        """Number and time of an event are passed over."""
        outputs = told(egts, packet(record(fix(), id=5, flags=0xFE), record(fix(), flags=2), record(fix(), flags=4)))
        self.assertEqual([output.ids for output in outputs if isinstance(output, Login)], [("5",)] * 3)
        self.assertEqual(len(positions(outputs)), 3)

    def test_cut_off(self) -> None:
        """A sub-record that reaches out of its packet spoils it."""
        good = record(fix(), id=5)
        for data in (record(b"\x10\xff\xff"), record(b"\x10\0"), record(part(18, b"\0\0\xff")), good + b"\1\2\3"):
            with self.assertRaises(BAD_FRAME):
                Talk(egts).say(packet(good, data))

    def test_damage(self) -> None:
        """Whatever bytes come, nothing but the errors of a bad frame is raised."""
        chance = random.Random(3)
        good = packet(
            record(name("1", "2", "3", 0x69), service=AUTH),
            record(fix(altitude=1), part(17, b"\x1f" + bytes(9)), part(18, b"\1\2\3" + bytes(7)), id=5),
            record(fix(), part(27, bytes(7)), part(27, b"\x08" + bytes(6))),
        )
        errors = 0
        for _ in range(3000):
            data = bytearray(good)
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            try:
                list(Talk(egts).outputs(bytes(data[: chance.randrange(12, len(data) + 1)])))
            except BAD_FRAME:
                errors += 1
        self.assertGreater(errors, 100)


class IdentityTests(SynchronousTestCase):
    def test_objects(self) -> None:
        """The object of a record holds for the records behind it in the packet, not for the next packet."""
        first = packet(record(fix(), id=5), record(fix()), record(fix(), id=4294967295))
        logins = [output for output in told(egts, first, packet(record(fix()))) if isinstance(output, Login)]
        ids = [("5",), ("5",), ("4294967295",), ()]
        self.assertEqual(logins, [Login(one, optional=True) for one in ids])

    def test_strangers(self) -> None:
        """The record of an object that is not known is lost, but acknowledged; the next one counts."""
        outputs = told(egts, packet(record(fix(), id=5), record(fix(), id=6)), known={"6"})
        self.assertEqual(
            outputs[:4], [Login(("5",), optional=True), receipt(0), Login(("6",), optional=True), *positions(outputs)]
        )
        self.assertEqual(outputs[4:], [receipt(1)])
        self.assertEqual(told(egts, packet(record(fix())), known=()), [Login(optional=True), receipt()])

    def test_terminal(self) -> None:
        """A terminal names itself, is told so, and from then on objects do not matter."""
        outputs = told(egts, packet(record(name("865905"), service=AUTH)), packet(record(fix(), id=5)))
        self.assertEqual(
            outputs,
            [
                receipt(0, service=AUTH),
                Login(("865905",), optional=True),
                result(1),
                Login(optional=True),
                *positions(outputs),
                receipt(2),
            ],
        )
        self.assertEqual(len(positions(outputs)), 1)

    def test_all_names(self) -> None:
        """All ids of a terminal are looked up, each on its own, and it is told the same whatever comes of it."""
        data = packet(record(name("860000000000001", "250990000000001", "79000000001", 0x79), service=AUTH))
        for known in (None, ()):
            self.assertEqual(
                told(egts, data, known=known),
                [
                    receipt(0, service=AUTH),
                    Login(("860000000000001",), optional=True),
                    Login(("250990000000001",), optional=True),
                    Login(("79000000001",), optional=True),
                    result(1),
                ],
            )

    def test_at_once(self) -> None:
        """A name in the record of a position comes too late for it, and ends the rule of objects."""
        outputs = told(egts, packet(record(name("1"), fix(), id=5), record(fix(), id=5)))
        self.assertEqual(
            outputs,
            [
                Login(optional=True),
                receipt(0),
                Login(("1",), optional=True),
                result(1, TELEDATA),
                Login(optional=True),
                *positions(outputs),
                receipt(2),
            ],
        )

    def test_connections(self) -> None:
        """Names and numbers are those of one connection."""
        first, second = Talk(egts), Talk(egts)
        first.say(packet(record(name("1"), service=AUTH)))
        outputs = second.say(packet(record(fix(), id=5)))
        self.assertEqual((outputs[0], outputs[-1]), (Login(("5",), optional=True), receipt(0)))


class PositionTests(SynchronousTestCase):
    def test_fix(self) -> None:
        """Sides of the equator and of Greenwich are flags; the course has its highest bit in the speed."""
        place = 0x80000000 * 90 / 0xFFFFFFFF, 0x40000000 * 180 / 0xFFFFFFFF
        for flags, signs in ((0x1F, (1, 1)), (0x21, (-1, 1)), (0x41, (1, -1)), (0x61, (-1, -1))):
            position = one(fix(flags, speed=0xC000 | 1000, course=4, counter=0xFFFFFF))
            self.assertEqual((position.device_time, position.fix_time, position.valid), (TIME, TIME, True))
            self.assertEqual((position.latitude, position.longitude), (place[0] * signs[0], place[1] * signs[1]))
            self.assertEqual((position.speed, position.course, position.altitude), (100 * 0.539957, 260.0, 0.0))
            self.assertEqual(position.attributes, {"odometer": 1677721500, "input": 17, "event": 3})

    def test_altitude(self) -> None:
        """Altitudes are signed numbers of three bytes."""
        for metres in (140, -5, 8388607, -8388608):
            self.assertEqual(one(fix(altitude=metres)).altitude, float(metres))

    def test_not_told(self) -> None:
        """Fixes that are not valid, of other services, or missing are no positions; the record is acknowledged."""
        for data in (record(fix(0), id=5), record(fix(), id=5, service=4), record(part(17, b"\x08\5"), id=5)):
            self.assertEqual(told(egts, packet(data))[:-1], [])

    def test_several(self) -> None:
        """Of several fixes in a record the last one counts, and the last altitude; the rest is collected."""
        later = datetime(2018, 3, 21, 5, 38, 20, tzinfo=UTC)
        position = one(
            fix(altitude=7), part(17, b"\x08\5"), fix(altitude=9), part(17, b"\x02\1\0"), fix(seconds=SECONDS + 1)
        )
        self.assertEqual((position.fix_time, position.altitude), (later, 9.0))
        self.assertEqual(position.attributes, {"odometer": 500, "input": 17, "event": 3, "sat": 5, "hdop": 1})
        self.assertEqual(positions(told(egts, packet(record(fix(), fix(0), id=5)))), [])

    def test_order(self) -> None:
        """Attributes stand in the order of the sub-records, those of several fixes where the first one is."""
        sat, output = part(17, b"\x08\5"), part(18, bytes(3))
        place = ["odometer", "input", "event"]
        for parts, order in (
            ((fix(), sat, output), [*place, "sat", "output"]),
            ((output, fix(), sat, fix(), output), ["output", *place, "sat"]),
        ):
            self.assertEqual(list(one(*parts).attributes), order)

    def test_precision(self) -> None:
        """Dilutions are kept as they are sent."""
        self.assertEqual(
            added(part(17, b"\xff" + pack("<HHHBH", 1, 63, 300, 19, 3))),
            {"vdop": 1, "hdop": 63, "pdop": 300, "sat": 19},
        )
        self.assertEqual(added(part(17, pack("<BHB", 10, 63, 19))), {"hdop": 63, "sat": 19})
        self.assertEqual(added(part(17, b"\x10\1\0")), {})

    def test_sensors(self) -> None:
        """Further inputs are passed over, sensors are numbered by their bit."""
        data = part(18, b"\x05\x0f\x81" + b"\xaa\xbb" + b"\x15\1\0" + b"\xff\xff\xff")
        self.assertEqual(added(data), {"output": 15, "adc1": 277, "adc8": 0xFFFFFF})
        self.assertEqual(added(part(18, bytes(3))), {"output": 0})

    def test_liquid(self) -> None:
        """A level is a number, or bytes of the sensor; of several the last one counts."""
        self.assertEqual(added(part(27, pack("<BHI", 0x77, 1, 0xFFFFFFFF))), {"liquid": 0xFFFFFFFF})
        self.assertEqual(added(part(27, b"\x08\0\0\xab\xcd")), {"liquidRaw": "abcd"})
        self.assertEqual(added(part(27, b"\x08\0\0")), {})
        levels = [part(27, pack("<BHI", number, 0, number)) for number in range(3)]
        self.assertEqual(added(*levels), {"liquid": 2})

    def test_other(self) -> None:
        """Other sub-records are passed over, and a length counts more than what is in it."""
        others = [part(kind, b"\1\2\3") for kind in (0, 2, 3, 9, 19, 20, 24, 28, 200)]
        self.assertEqual(added(*others, part(17, b"\x08\5\6\7"), part(18, b"\0\1\0\0")), {"sat": 5, "output": 1})


class CommandTests(SynchronousTestCase):
    def test_custom(self) -> None:
        """Commands are bytes in hex; there are no others."""
        session = Session(egts, device=Device("5"))
        self.assertEqual(commands.encode(egts, Command("custom", {"data": "0102ff"}), session), b"\1\2\xff")
        for command in (Command("custom", {"data": "120"}), Command("custom"), Command("engineStop")):
            with self.assertRaises(Unsupported):
                commands.encode(egts, command, session)
