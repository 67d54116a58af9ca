"""
Navtelecom's NTCB and FLEX, by frames that are built here after their description.
"""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.navis import flex
from plugins.wire.navis.navis import navis
from tests.plugins.wire.talk import Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.checksums import crc8_nrsc5, xor8
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.framing import Frames
from trackd.wire.values import Command, Login, Output, Position, Reply, Unsupported, WireError

ID = "866795031410689"
SENDER = 49736874
TIME = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
SECONDS = 1_700_000_000
PLACE = {9: pack("<I", SECONDS), 10: pack("<i", 33_803_963), 11: pack("<i", -26_284_581)}

# Of the fact sheet: FLEX 1.0, and a packet of it
NEGOTIATED = bytes.fromhex("b00a0a45ffff300a08080f8388")
RECORDED = bytes.fromhex(
    "7e4101080000000917c057405c002b001833c057405cbbce030225129101a00300007c6102408900400c1b3cfce3b23a12004710e000000000"
    "001bff7f000080bfffff80000080bfffffffffb2"
)
F52 = bytes.fromhex(
    "250000000000ff1500040b0a1008291838001200760ee600000000000000000000000f1500040b0a10ac20703fb1aec23f00000000320149668f"
    "430000000000000000" + "00" * 15 + "f3808080"
)
F60 = bytes.fromhex(
    "06aa170000c11116162410001310a9110e80996b281003000a000800"
    + "00" * 36
    + "2d808080ffffffffffff2b161624100013509b0302b0f8920183050000000000003700"
    + "2fb8cf43eed5843a35003500"
)


def ntcb(data: bytes, receiver: int = 1, sender: int = SENDER, preamble: bytes = b"@NTC") -> bytes:
    head = preamble + pack("<IIHB", receiver, sender, len(data), xor8(data))
    return head + bytes((xor8(head),)) + data


def answer(data: bytes) -> Reply:
    """An envelope back to the sender of the others."""
    return Reply(ntcb(data, SENDER, 1))


LOGIN = ntcb(b"*>S:" + ID.encode())
LOGGED_IN = Login((ID,), accept=answer(b"*<S").data)


def mask(*fields: int, count: int = 255) -> bytes:
    """A negotiation of these fields."""
    bits = "".join("1" if number in fields else "0" for number in range(1, count + 1))
    data = int(bits.ljust((count + 7) // 8 * 8, "0"), 2).to_bytes((count + 7) // 8, "big")
    return ntcb(b"*>FLEX\xb0\x1e\x1e" + bytes((count,)) + data)


def record(fields: dict[int, bytes]) -> bytes:
    return b"".join(fields[number] for number in sorted(fields))


def sealed(data: bytes) -> bytes:
    return data + bytes((crc8_nrsc5(data),))


def flexible(fields: dict[int, bytes]) -> list[bytes]:
    """A login, the negotiation of a record, and a packet with it."""
    return [LOGIN, mask(*fields), sealed(b"~C" + record(fields))]


def one(*reads: bytes) -> Position:
    """The only position of a connection."""
    (position,) = positions(told(navis, LOGIN, *reads))
    return position


def attributes(fields: dict[int, bytes]) -> dict[str, Any]:
    """What fields of FLEX become."""
    (position,) = positions(told(navis, *flexible(fields | PLACE)))
    return position.attributes


class EnvelopeTests(SynchronousTestCase):
    def test_login(self) -> None:
        """A device that is known is answered, with the preamble and the ids of its own envelope."""
        data = bytes.fromhex("404e5443010000000000000013004e452a3e533a383636373935303331343130363839")
        (login,) = told(navis, data)
        self.assertEqual(login, Login((ID,), accept=bytes.fromhex("404e544300000000010000000300455e2a3c53")))
        (login,) = told(navis, ntcb(b"*>S:12", 7, 8, b"@XYZ"))
        self.assertEqual(login, Login(("12",), accept=ntcb(b"*<S", 8, 7, b"@XYZ")))

    def test_strangers(self) -> None:
        """A device that is not known gets no answer, neither to its login nor to anything else."""
        outputs = told(navis, LOGIN, mask(1), ntcb(b"*>T" + F52), ntcb(b"*@COK"), known=())
        self.assertEqual(outputs, [LOGGED_IN, Login(), Login(), Login()])

    def test_nothing(self) -> None:
        """Keep-alives, envelopes without data and messages that are not known say nothing."""
        reads = b"\x7f", ntcb(b""), b"\x7f\x7f" + ntcb(b"*?V"), ntcb(b"*@D12"), ntcb(b"abc"), b"X" + bytes(15)
        self.assertEqual(told(navis, LOGIN, *reads), [LOGGED_IN])

    def test_short(self) -> None:
        """Data of one or two bytes is none."""
        for data in (b"*", b"*>"):
            with self.assertRaises(BAD_FRAME):
                told(navis, LOGIN, ntcb(data))

    def test_answer_to_a_command(self) -> None:
        """What a device says to a command is told at its last place."""
        result = {"result": "*@CNCT_DRC OK"}
        for reads in ((LOGIN,), (LOGIN, mask(1))):
            outputs = told(navis, *reads, ntcb(b"*@CNCT_DRC OK"))
            self.assertEqual(outputs[-1], Position(outdated=True, attributes=result))

    def test_damage(self) -> None:
        """Whatever bytes come, nothing but the errors of a bad frame is raised."""
        chance = random.Random(9)
        good = [
            LOGIN,
            mask(*range(1, 80)),
            RECORDED,
            ntcb(b"*>T" + F52),
            ntcb(b"*>A\2" + F60 + F52),
            sealed(b"~E\1\0\x30" + EXTRA + bytes(8)),
            sealed(b"~X" + bytes(5) + b"\x32" + EXTRA + bytes(12)),
        ]
        errors = 0
        for _ in range(3000):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            talk = Talk(navis)
            talk.say(LOGIN + ntcb(b"*>FLEX" + NEGOTIATED))
            try:
                list(talk.outputs(bytes(data[: chance.randrange(2, len(data) + 1)])))
            except BAD_FRAME:
                errors += 1
        self.assertGreater(errors, 100)


class CutterTests(SynchronousTestCase):
    """`told` plays all streams byte by byte as well."""

    fields = PLACE | {1: pack("<I", 5)}

    def test_states(self) -> None:
        """Behind the negotiation there are packets, and still envelopes and keep-alives."""
        login, negotiation, current = flexible(self.fields)
        packet = sealed(b"~T" + bytes(4) + record(self.fields))
        stream = login + negotiation + b"\x7f" + current + packet + ntcb(b"*@C1") + b"\x7f" + current
        kinds = [type(output) for output in told(navis, stream)]
        self.assertEqual(
            kinds, [Login, Login, Reply] + [Login, Position, Reply] * 2 + [Login, Position] + [Login, Position, Reply]
        )

    def test_again(self) -> None:
        """A later negotiation changes what records are, and how long."""
        more = self.fields | {2: b"\1\0", 7: b"\x17"}
        outputs = told(navis, *flexible(self.fields), *flexible(more)[1:])
        self.assertEqual(
            [one.attributes for one in positions(outputs)], [{"index": 5}, {"index": 5, "event": 1, "rssi": 23}]
        )

    def test_long(self) -> None:
        """Many records may come in one packet, of either kind, however it arrives."""
        array = sealed(b"~A\x7f" + record(self.fields) * 127)
        self.assertEqual(len(positions(told(navis, *flexible(self.fields)[:2], array))), 127)
        self.assertEqual(len(positions(told(navis, LOGIN, ntcb(b"*>A\xff" + F52 * 255)))), 255)

    def test_hopeless(self) -> None:
        """What begins no packet is waited for no longer than a packet, a number below nothing not at all."""
        for data in (b"~Z" + bytes(1023), b"\0" * 1025, b"~A\x80", b"~E\xff"):
            talk = Talk(navis)
            talk.say(LOGIN + mask(*self.fields))
            self.assertEqual(talk.say(data[:-1]), [])
            with self.assertRaises(WireError):
                talk.say(data[-1:])

    def test_no_envelope(self) -> None:
        """Without a negotiation packets are no more waited for than other bytes are; envelopes are."""
        packets = sealed(b"~A\x08" + b"\xff" * 584) * 2
        for data in (packets, b"GET / HTTP/1.1" + b"x" * 1100):
            talk = Talk(navis)
            talk.say(LOGIN)
            self.assertEqual(talk.say(data[:1024]), [])
            with self.assertRaises(WireError):
                talk.say(data[1024:])
        talk = Talk(navis)
        self.assertEqual(talk.say(ntcb(bytes(40_000))[:-1]), [])

    def test_extra(self) -> None:
        """Records with extra fields are of the length that they tell."""
        talk = Talk(navis)
        talk.say(b"".join(flexible(self.fields)[:2]))
        assert navis.splitter is not None
        for data in (b"~E\2" + b"\0\1x" + b"\0\2yz", b"~E\0", b"~X\4\0" + bytes(4) + b"ab"):
            packet = sealed(data)
            frames = Frames(navis.splitter(talk.session), navis.limit)
            self.assertEqual(list(frames.feed(packet * 2 + packet[:-1])), [packet, packet])
            self.assertEqual(
                [one for byte in packet[-1:] + packet for one in frames.feed(bytes((byte,)))], [packet] * 2
            )


class FlexTests(SynchronousTestCase):
    def test_negotiation(self) -> None:
        """Versions come back as they were said; another protocol, or a mask that is cut off, is not negotiated."""
        outputs = told(navis, LOGIN, ntcb(b"*>FLEX" + NEGOTIATED))
        self.assertEqual(outputs[1:], [Login(), answer(b"*<FLEX\xb0\x0a\x0a")])
        for other in (NEGOTIATED[1:], b""):
            self.assertEqual(told(navis, LOGIN, ntcb(b"*>FLEX\xb1" + other))[1:], [Login()])
        with self.assertRaises(BAD_FRAME):
            told(navis, LOGIN, ntcb(b"*>FLEX" + NEGOTIATED[:-1]))

    def test_recorded(self) -> None:
        """A packet of a real device."""
        login, position, reply = told(navis, LOGIN, ntcb(b"*>FLEX" + NEGOTIATED), RECORDED)[3:]
        self.assertEqual((login, reply), (Login(), Reply(bytes.fromhex("7e4101df"))))
        time = datetime(2019, 1, 17, 10, 24, tzinfo=UTC)
        self.assertEqual(
            position,
            Position(
                time,
                time,
                valid=True,
                latitude=33803963 / 600000,
                longitude=26284581 / 600000,
                altitude=92.8,
                speed=1.100000386393547,
                course=137.0,
                attributes={
                    "index": 8,
                    "event": 5897,
                    "armed": False,
                    "status": 43,
                    "rssi": 24,
                    "sat": 12,
                    "odometer": 9.463369369506836,
                    "distance": 1.3648266792297363,
                    "power": 0.018,
                    "battery": 4.167,
                    "input": 224,
                    **{f"in{number}": number > 5 for number in range(1, 9)},
                    "output": 0,
                    **{f"out{number}": False for number in range(1, 9)},
                    "hours": 0,
                    "temp1": 27,
                    "obdOdometer": -1000.0,
                    "obdSpeed": 255,
                },
            ),
        )

    def test_packets(self) -> None:
        """An array is answered with its number of records, others with the index of theirs."""
        fields = PLACE | {1: pack("<I", 4)}
        start, data = flexible(fields)[:2], record(fields)
        for packet, reply, count in (
            (b"~A\4" + data * 4, "7e41042a", 4),
            (b"~A\0", sealed(b"~A\0").hex(), 0),
            (b"~T" + pack("<I", 9) + data, "7e540400000017", 1),
            (b"~C" + data, sealed(b"~C\4\0\0\0").hex(), 1),
        ):
            outputs = told(navis, *start, sealed(packet))[3:]
            self.assertEqual(len(positions(outputs)), count)
            self.assertEqual(outputs[-1], Reply(bytes.fromhex(reply)))

    def test_no_time(self) -> None:
        """A record without the time of a fix is no position, but is answered; without an index as of 0."""
        for fields, index in (({1: pack("<I", 7), 3: pack("<I", SECONDS)}, 7), ({2: b"\1\0"}, 0)):
            outputs = told(navis, *flexible(fields))[3:]
            self.assertEqual(outputs, [Login(), Reply(sealed(b"~C" + pack("<I", index)))])
            array = sealed(b"~A\1" + record(fields))
            self.assertEqual(told(navis, *flexible(fields)[:2], array)[3:], [Login(), Reply(sealed(b"~A\1"))])

    def test_place(self) -> None:
        """Time and place are those of the last fix."""
        fields = {8: b"\x2e", 12: pack("<i", -55), 13: pack("<f", 100), 14: pack("<H", 306), 3: bytes(4)} | PLACE
        (position,) = positions(told(navis, *flexible(fields)))
        self.assertEqual((position.device_time, position.fix_time, position.valid), (TIME, TIME, True))
        self.assertEqual((position.latitude, position.longitude), (33_803_963 / 600_000, -26_284_581 / 600_000))
        self.assertEqual((position.altitude, position.speed, position.course), (-5.5, 100 * 0.539957, 306.0))
        self.assertEqual(position.attributes, {"sat": 11})

    def test_words(self) -> None:
        """Bytes of a word are told with the lower one first, and alone if the other is missing."""
        ins = {f"in{number}": number in (1, 8) for number in range(1, 9)}
        upper = {f"in{number}": number in (9, 16) for number in range(9, 17)}
        self.assertEqual(attributes({5: b"\xa9"}), {"status": 0xA9})
        self.assertEqual(attributes({6: b"\x81"}), {"status": 0x8100 - 0x10000})
        self.assertEqual(attributes({5: b"\xa9", 6: b"\1"}), {"status": 0x1A9})
        self.assertEqual(attributes({29: b"\x81"}), {"input": 0x81, **ins})
        self.assertEqual(attributes({29: b"\x81", 30: b"\x81"}), {"input": 0x8181 - 0x10000, **ins, **upper})
        outs = {name.replace("in", "out"): value for name, value in (ins | upper).items()}
        self.assertEqual(attributes({31: b"\x81", 32: b"\x81"}), {"output": 0x8181 - 0x10000, **outs})
        self.assertEqual(attributes({32: b"\1"})["output"], 256)

    def test_guard(self) -> None:
        """The state of the guard, and its alarm."""
        self.assertEqual(attributes({4: b"\3"}), {"armed": True, "alarm": "general"})
        self.assertEqual(attributes({4: b"\xfc"}), {"armed": False})

    def test_fields(self) -> None:
        """Numbers, voltages, counters, temperatures."""
        for field, data, expected in (
            (2, pack("<H", 5897), {"event": 5897}),
            (7, b"\x63", {"rssi": 99}),
            (15, pack("<f", 12.5), {"odometer": 12500.0}),
            (15, pack("<f", 3e38), {"odometer": math.inf}),
            (16, pack("<f", -0.25), {"distance": -250.0}),
            (19, pack("<H", 27771), {"power": 27.771}),
            (20, pack("<H", 4185), {"battery": 4.185}),
            (21, pack("<H", 65535), {"adc1": 65535}),
            (28, pack("<H", 1), {"adc8": 1}),
            (33, pack("<I", 0xFFFFFFFF), {"count1": 0xFFFFFFFF}),
            (34, pack("<I", 2), {"count2": 2}),
            (35, pack("<H", 1), {"freq1": 1}),
            (36, pack("<H", 2), {"freq2": 2}),
            (37, pack("<I", 0xFFFFFFFF), {"hours": 4294967295000}),
            (38, pack("<H", 65499), {"fuel1": 65499}),
            (43, pack("<H", 65500), {}),
            (44, pack("<H", 3), {"fuel": 3}),
            (44, pack("<H", 65535), {}),
            (45, b"\x80", {"temp1": -128}),
            (52, b"\x16", {"temp8": 22}),
            (70, b"\1\2\3\4\5\6\7\xff", {"satVisible": 283}),
            (71, b"\6\x09", {"hdop": 0.6, "pdop": 0.9}),
            (78, b"\xff", {"fuelTemp1": -1}),
            (83, b"\1", {"fuelTemp6": 1}),
            (163, pack("<h", -33), {"temp9": -1.65}),
            (166, pack("<h", -32768), {}),
            (166, pack("<h", 20), {"temp12": 1.0}),
            (167, b"\x65", {"humidity1": 50.5}),
            (170, b"\xff", {}),
            (207, b"\xff", {"user1Byte1": 255}),
            (222, b"\1", {"user1Byte16": 1}),
            (223, b"\xff\xff", {"user2Byte1": 65535}),
            (237, b"\1\0", {"user2Byte15": 1}),
            (238, b"\xff" * 4, {"user4Byte1": 0xFFFFFFFF}),
            (252, b"\1\0\0\0", {"user4Byte15": 1}),
            (253, b"\xff" * 8, {"user8Byte1": -1}),
            (255, pack("<q", 5), {"user8Byte3": 5}),
        ):
            self.assertEqual(attributes({field: data}), expected, field)

    def test_vehicle(self) -> None:
        """What the vehicle tells, unless it has nothing to tell."""
        for field, data, expected in (
            (53, pack("<H", 0x7FFF), {}),
            (53, pack("<H", 0x8032), {"obdFuelLevel": 50}),
            (53, pack("<H", 0xFFFF), {"obdFuelLevel": 16383}),
            (53, pack("<H", 455), {"obdFuel": 45.5}),
            (53, pack("<H", 0x4001), {"obdFuel": 0.1}),
            (66, pack("<H", 0x8032), {"obdAdBlueLevel": 50}),
            (66, pack("<H", 455), {"obdAdBlue": 45.5}),
            (54, pack("<f", 3), {"fuelUsed": 1.5}),
            (54, pack("<f", 0), {"fuelUsed": 0.0}),
            (54, pack("<f", -1), {}),
            (55, pack("<H", 1500), {"rpm": 1500}),
            (55, b"\xff\xff", {}),
            (56, b"\xfb", {"coolantTemp": -5}),
            (56, b"\x80", {}),
            (57, pack("<f", -1), {"obdOdometer": -1000.0}),
            (58, pack("<H", 7000), {"axleWeight1": 7000}),
            (62, b"\xff\xff", {}),
            (63, b"\x64", {"acceleratorPosition": 100}),
            (63, b"\xff", {}),
            (64, b"\1", {"brakePosition": 1}),
            (64, b"\xff", {}),
            (65, b"\2", {"engineLoad": 2}),
            (65, b"\xff", {}),
            (67, pack("<I", 3), {"obdHours": 3000}),
            (68, pack("<H", 3), {"serviceOdometer": 15000}),
            (68, b"\xff\xff", {}),
            (69, b"\xff", {"obdSpeed": 255}),
        ):
            self.assertEqual(attributes({field: data}), expected, field)

    def test_sizes(self) -> None:
        """All fields have 733 bytes; those that are not told are passed over with the right size."""
        self.assertEqual(sorted(flex.FIELDS), list(range(1, 256)))
        self.assertEqual(flex.layout(b"\xff" * 32, 255).size, 733)
        for number, size in {
            3: 4,
            17: 2,
            73: 16,
            77: 37,
            93: 3,
            97: 48,
            109: 6,
            162: 2,
            198: 3,
            204: 5,
            206: 4,
        }.items():
            self.assertEqual(attributes({number: b"\xaa" * size, 255: pack("<q", 5)}), {"user8Byte3": 5})

    def test_short(self) -> None:
        """A packet with less than its records is bad."""
        start = flexible(PLACE)[:2]
        talk = Talk(navis)
        talk.say(b"".join(start))
        for data in (b"~C" + record(PLACE)[:-1], b"~A\2" + record(PLACE), b"~T\0"):
            with self.assertRaises(BAD_FRAME):
                list(talk.outputs(data))


EXTRA = (
    b"\x0a\x25"
    + pack("<IHIB", 7, 5, 1, 0x2E)
    + pack("<Iiiif", SECONDS, 33_803_963, -26_284_581, 928, 100.0)
    + pack("<Hf", 306, 12.5)
)


class ExtraTests(SynchronousTestCase):
    def heard(self, data: bytes) -> list[Output]:
        talk = Talk(navis)
        talk.say(LOGIN)
        return list(talk.outputs(sealed(data)))[1:]

    def test_array(self) -> None:
        """A record that tells its own end is read, another is nothing."""
        data = pack(">H", 48) + EXTRA + bytes(8)
        for records in (b"\1" + data, b"\2\xff\xff" + data):
            position, reply = self.heard(b"~E" + records)
            assert isinstance(position, Position)
            self.assertEqual((position.fix_time, position.valid, position.course), (TIME, True, 306.0))
            self.assertEqual((position.latitude, position.altitude), (33_803_963 / 600_000, 92.8))
            self.assertEqual(position.attributes, {"index": 7, "event": 5, "sat": 11, "odometer": 12500.0})
            self.assertEqual(reply, Reply(sealed(b"~E" + records[:1])))

    def test_none(self) -> None:
        """What is not a record of version 10 is answered all the same, in ~X as of 0."""
        for record in (b"\0\1\0", b"\xff\xff\x0a", pack(">H", 49) + EXTRA + bytes(8)):
            self.assertEqual(self.heard(b"~E\1" + record), [Reply(sealed(b"~E\1"))])
            self.assertEqual(self.heard(b"~X\3\0\0\0" + record), [Reply(sealed(b"~X" + bytes(4)))])

    def test_end(self) -> None:
        """A record that ends before it is read is bad."""
        for length in (0, 10, 44):
            with self.assertRaises(BAD_FRAME):
                self.heard(b"~E\1" + pack(">H", length) + EXTRA + bytes(8))

    def test_record(self) -> None:
        """A single record is answered with its index."""
        position, reply = self.heard(b"~X\0\0\0\0" + pack(">H", 48) + EXTRA + bytes(9))
        assert isinstance(position, Position)
        self.assertEqual((position.fix_time, reply), (TIME, Reply(sealed(b"~X" + pack("<I", 7)))))


class FixedTests(SynchronousTestCase):
    def test_f52(self) -> None:
        """A record of a real device: the place in radians, the month from 0 on."""
        login, position, reply = told(navis, LOGIN, ntcb(b"*>T" + F52))[1:]
        self.assertEqual((login, reply), (Login(), answer(b"*<T" + bytes(4))))
        assert isinstance(position, Position)
        self.assertEqual(position.fix_time, datetime(2016, 11, 11, 21, 0, 4, tzinfo=UTC))
        self.assertAlmostEqual(position.latitude, 53.743357144623666, 12)
        self.assertAlmostEqual(position.longitude, 87.14436871438754, 12)
        self.assertEqual((position.valid, position.speed, position.course, position.altitude), (True, 0.0, 306.0, 0.0))
        self.assertEqual(
            position.attributes,
            {
                "format": 37,
                "index": 0,
                "event": 65280,
                "armed": 8,
                "status": 41,
                "rssi": 24,
                "output": 0,
                "out1": False,
                "out2": False,
                "sat": 14,
                "input": 0,
                **{f"in{number}": False for number in range(1, 9)},
                "power": 0.018,
                "battery": 3.702,
                "adc1": 230,
                "adc2": 0,
                "odometer": 286799.09375,
                "distance": 0.0,
                "temp1": -13,
                "temp2": -128,
                "temp3": -128,
                "temp4": -128,
            },
        )

    def test_f60(self) -> None:
        """A record of a real device: the place in ten thousandths of minutes, and an altitude."""
        position, reply = told(navis, LOGIN, ntcb(b"*>T" + F60))[2:]
        assert isinstance(position, Position)
        time = datetime(2019, 1, 16, 22, 22, 36, tzinfo=UTC)
        self.assertEqual((position.device_time, position.fix_time, position.valid), (time, time, True))
        self.assertEqual((position.latitude, position.longitude), (33790800 / 600000, 26409136 / 600000))
        self.assertEqual((position.altitude, position.speed, position.course), (141.1, 0.0, 55.0))
        self.assertEqual(
            position.attributes,
            {
                "format": 6,
                "index": 6058,
                "event": 4545,
                "armed": False,
                "status": 0xA9,
                "rssi": 17,
                "output": 14,
                "out1": False,
                "out2": True,
                "out3": True,
                "out4": True,
                "input": 128,
                **{f"in{number}": number == 8 for number in range(1, 9)},
                "power": 27.545,
                "battery": 4.136,
                "adc1": 3,
                "adc2": 10,
                "adc3": 8,
                "temp1": 45,
                "temp2": -128,
                "temp3": -128,
                "temp4": -128,
                "axleWeight": -1,
                "rpm": 65535,
                "sat": 10,
                "odometer": position.attributes["odometer"],
                "distance": position.attributes["distance"],
            },
        )
        self.assertAlmostEqual(position.attributes["odometer"], 415439.0, -1)
        self.assertEqual(reply, answer(b"*<T" + pack("<I", 6058)))

    def test_f20(self) -> None:
        """Wide inputs and outputs, one temperature, no satellites."""
        data = b"\2" + pack("<IH6xBBBHH", 3, 4, 0x85, 1, 2, 0x8001, 0x0180) + pack("<HHhHH8x", 12000, 4000, -5, 6, 7)
        data += b"\1" + bytes((1, 2, 3, 4, 5, 23))
        data += pack("<fffHffHH", 1.0, -1.0, 10.0, 90, 1.5, 0.5, 8, 9)
        position = one(ntcb(b"*>T" + data))
        self.assertEqual((position.fix_time, position.valid), (datetime(2023, 6, 4, 1, 2, 3, tzinfo=UTC), False))
        self.assertEqual((position.latitude, position.longitude), (math.degrees(1), math.degrees(-1)))
        self.assertEqual((position.speed, position.course), (10 * 0.539957, 90.0))
        self.assertEqual(
            position.attributes,
            {
                "format": 2,
                "index": 3,
                "event": 4,
                "armed": 5,
                "alarm": "general",
                "status": 1,
                "rssi": 2,
                "output": 0x8001,
                **{f"out{number}": number in (1, 16) for number in range(1, 17)},
                "input": 0x0180,
                **{f"in{number}": number in (8, 9) for number in range(1, 17)},
                "power": 12.0,
                "battery": 4.0,
                "temp1": -5,
                "adc1": 6,
                "adc2": 7,
                "odometer": 1500.0,
                "distance": 500.0,
            },
        )

    def test_f5(self) -> None:
        """F5.0 and F5.1 lack what F5.2 has at its end."""
        for code, rest in ((5, 19), (0x15, 4)):
            attributes = one(ntcb(b"*>T" + bytes((code,)) + F52[1:-rest])).attributes
            self.assertEqual((attributes["format"], attributes["odometer"]), (code, 286799.09375))
            self.assertNotIn("temp1", attributes)

    def test_no_fix(self) -> None:
        """Formats without a fix, known or not, are answered, and no positions."""
        head = pack("<IH6xBBB", 3, 4, 5, 1, 2)
        for code, data in (
            (b"\1", head + bytes(4) + bytes(6) + bytes(4)),
            (b"\3", head + bytes(4) + bytes(6)),
            (b"\4", head + b"\x0f\xff\xff" + bytes(4) + bytes(4)),
            (b"\7", head + bytes(4)),
            (b"\0\1", head + bytes(4)),
        ):
            self.assertEqual(told(navis, LOGIN, ntcb(b"*>T" + code + data))[1:], [Login(), answer(b"*<T\3\0\0\0")])
            with self.assertRaises(BAD_FRAME):
                told(navis, LOGIN, ntcb(b"*>T" + code + data[:-1]))
            # It has the right length: the record behind it is read.
            (position,) = positions(told(navis, LOGIN, ntcb(b"*>A\2" + code + data + F52)))
            self.assertEqual(position.attributes["format"], 37)

    def test_array(self) -> None:
        """Records of an array may be of different formats; it is answered with their number."""
        outputs = told(navis, LOGIN, ntcb(b"*>A\3" + F60 + F52 + F60))
        self.assertEqual([position.attributes["format"] for position in positions(outputs)], [6, 37, 6])
        self.assertEqual(outputs[-1], answer(b"*<A\3"))
        self.assertEqual(told(navis, LOGIN, ntcb(b"*>A\0"))[1:], [Login(), answer(b"*<A\0")])

    def test_out_of_range(self) -> None:
        """A place beyond the pole is an error of the frame."""
        with self.assertRaises(WireError):
            told(navis, *flexible(PLACE | {10: pack("<i", 54_000_001)}))
        # Also without the time that would make a position of it.
        fields = {11: pack("<i", 108_000_001)}
        for kind in (b"~C", b"~A\1"):
            with self.assertRaises(WireError):
                told(navis, *flexible(fields)[:2], sealed(kind + record(fields)))


class CommandTests(SynchronousTestCase):
    def sent(self, *reads: bytes, **attributes: Any) -> str:
        talk = Talk(navis)
        talk.say(b"".join(reads))
        talk.session.device = Device(ID)
        data = commands.encode(navis, Command("custom", attributes), talk.session)
        assert data is not None
        return data.hex()

    def test_custom(self) -> None:
        """A text goes out in an envelope that is always the same, whatever the device has sent."""
        expected = "404e544300000000010000000b004f5c2a215345544f5554203159"
        self.assertEqual(self.sent(data="*!SETOUT 1Y"), expected)
        self.assertEqual(self.sent(ntcb(b"*>S:1", 7, 8, b"@XYZ"), mask(1), data="*!SETOUT 1Y"), expected)
        self.assertTrue(self.sent(data="\\r\\né").endswith(b"\\r\\n?".hex()))

    def test_message(self) -> None:
        """As a text message it is sent as it is."""
        session = Session(navis, device=Device(ID))
        self.assertEqual(commands.encode_message(navis, Command("custom", {"data": "*?V"}), session), "*?V")

    def test_refused(self) -> None:
        """It needs its data; other commands there are none."""
        for command in (Command("custom"), Command("engineStop")):
            with self.assertRaises(Unsupported):
                commands.encode(navis, command, Session(navis, device=Device(ID)))
