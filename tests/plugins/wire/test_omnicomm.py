"""
Omnicomm's registrators, by frames that are built here after their description.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.omnicomm import omnicomm
from tests.plugins.wire.talk import Device, Talk, positions, told
from tests.wire.damage import Steps
from trackd.wire import commands
from trackd.wire.checksums import crc16_ccitt_false
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.framing import Frames
from trackd.wire.values import Command, Login, Position, Reply, Unsupported, WireError

ID = "354002529"
IDENTIFICATION = bytes.fromhex("c080080061a61915340100001dec")
IDENTIFIED = [Login((ID,), optional=True), Reply(bytes.fromhex("c0850400000000003125"))]
TIME = datetime(2019, 9, 16, 12, 5, 54, tzinfo=UTC)
SECONDS = 337_867_554  # of it, since 2009

Fields = dict[int, int]


def frame(kind: int, data: bytes) -> bytes:
    """A frame as it is sent."""
    content = pack("<BH", kind, len(data)) + data
    content += pack(">H", crc16_ccitt_false(content))
    plain, rest = content[:3], content[3:]
    return b"\xc0" + plain + rest.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")


def archive(*messages: bytes, index: int = 5325) -> bytes:
    return frame(0x86, pack("<IIB", index, 1, 0) + b"".join(pack("<H", len(one)) + one for one in messages))


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    data = b""
    while value > 0x7F:
        data += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return data + bytes((value,))


def zigzag(value: int) -> int:
    return value << 1 ^ value >> 31


def group(number: int, fields: Fields) -> bytes:
    content = b"".join(varint(field << 3) + varint(value) for field, value in fields.items())
    return varint(number << 3 | 3) + content + varint(number << 3 | 4)


def place() -> bytes:
    return group(5, {1: zigzag(593741302), 2: zigzag(-281644535), 3: 1000, 4: 331, 5: 12, 6: zigzag(-55), 7: SECONDS})


def answer(kind: int, index: int) -> Reply:
    content = pack("<BHI", kind, 4, index)
    return Reply(b"\xc0" + content + pack("<H", crc16_ccitt_false(content)))


def one(message: bytes) -> Position:
    (position,) = positions(told(omnicomm, IDENTIFICATION, archive(message)))
    return position


class FrameTests(SynchronousTestCase):
    def cut(self, *reads: bytes) -> list[bytes]:
        assert omnicomm.split is not None
        frames = Frames(omnicomm.split, omnicomm.limit)
        return [frame for data in reads for frame in frames.feed(data)]

    def test_escapes(self) -> None:
        """Escapes are undone and not counted; one of no meaning vanishes, and is counted as one byte."""
        data = b"\xc0\xdb\xc0\xdb\xc0\xc0\xdb\xdb"
        sent = frame(1, data)
        self.assertEqual(sent[4:20], b"\xdb\xdc\xdb\xdd" * 2 + b"\xdb\xdc" * 2 + b"\xdb\xdd" * 2)
        whole = b"\xc0\1\x08\0" + data + pack(">H", crc16_ccitt_false(b"\1\x08\0" + data))
        self.assertEqual(self.cut(sent + sent), [whole, whole])
        self.assertEqual(self.cut(b"\xc0\1\2\0\xdb\1ab\xdb\xdc", b"\xc0"), [b"\xc0\1\2\0ab\xc0"])

    def test_pieces(self) -> None:
        """A frame may arrive in pieces, within an escape too."""
        sent = frame(1, b"\xdb" * 9)
        self.assertEqual(len(self.cut(*(sent[at : at + 1] for at in range(len(sent))), sent)), 2)

    def test_many_escapes(self) -> None:
        """Bytes of nothing but escapes are not gone through again with each piece that arrives."""
        sent = b"\xc0\x88\x98\x3a" + b"\xdb\xdc" * 14_998 + b"\xdb\xdb" + b"\xdb\xdd" + b"12"
        pieces = [sent[at : at + 16] for at in range(0, len(sent) - 1, 16)]
        self.assertEqual(b"".join(pieces), sent)
        with Steps(200_000):
            cut = self.cut(*pieces[:-1], pieces[-1] + IDENTIFICATION)
        self.assertEqual(cut, [b"\xc0\x88\x98\x3a" + b"\xc0" * 14_998 + b"\xdb" + b"12", IDENTIFICATION])

    def test_long(self) -> None:
        """Archives longer than those of most formats are heard, however they arrive."""
        message = place()
        data = archive(*[message] * 100)
        self.assertGreater(len(data), 2000)
        self.assertEqual(len(positions(told(omnicomm, IDENTIFICATION, data))), 100)

    def test_limit(self) -> None:
        """A frame that does not end is not waited for without end."""
        with self.assertRaises(WireError):
            Talk(omnicomm).say(b"\xc0\x86\xff\xff" + bytes(33000))

    def test_damage(self) -> None:
        """Whatever bytes come, nothing but the errors of a bad frame is raised."""
        chance = random.Random(5)
        (good,) = self.cut(archive(place() + group(2, {8: 216}) + group(8, {1: 2}), b"\x08\1", group(16, {1: 1})))
        errors = 0
        for _ in range(3000):
            data = bytearray(good)
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            talk = Talk(omnicomm)
            talk.say(IDENTIFICATION)
            try:
                list(talk.outputs(bytes(data[: chance.randrange(6, len(data) + 1)])))
            except BAD_FRAME:
                errors += 1
        self.assertGreater(errors, 100)


class DialogueTests(SynchronousTestCase):
    def test_identification(self) -> None:
        """Whoever identifies itself is asked for its archive from the beginning."""
        self.assertEqual(told(omnicomm, IDENTIFICATION), IDENTIFIED)
        self.assertEqual(told(omnicomm, IDENTIFICATION, known=()), IDENTIFIED)

    def test_archive(self) -> None:
        """Positions are not answered; an archive without any may be removed up to the next index."""
        outputs = told(omnicomm, IDENTIFICATION, archive(place(), place()))
        self.assertEqual([type(output) for output in outputs[2:]], [Login, Position, Position])
        for index, following in ((5325, 5326), (0xFFFFFFFF, 0)):
            for messages in ((), (b"\x08\x03",)):
                outputs = told(omnicomm, IDENTIFICATION, archive(*messages, index=index))
                self.assertEqual(outputs[2:], [Login(), answer(0x87, following)])

    def test_strangers(self) -> None:
        """The archive of a device that is not known is left alone."""
        for reads in ((archive(place()),), (IDENTIFICATION, archive())):
            self.assertEqual(told(omnicomm, *reads, known=())[-1], Login())

    def test_other(self) -> None:
        """Other frames say nothing."""
        self.assertEqual(told(omnicomm, frame(0x88, b"abc")), [])


class MessageTests(SynchronousTestCase):
    def test_standard(self) -> None:
        """A message of a real registrator."""
        data = bytes.fromhex(
            "c0866300cd1400002273231400580008011308a2e68da10110002006280030003800400048005000600068007000142b08ec979eb604"
            "10eeb7cc8c02180020002804300038a2e68da1012c33080010001800200028003000344308381000180220382800300244df2a"
        )
        (position,) = positions(told(omnicomm, IDENTIFICATION, data))
        self.assertEqual(
            position,
            Position(
                TIME,
                TIME,
                valid=True,
                latitude=59.3741302,
                longitude=28.1644535,
                attributes={
                    "power": 0.0,
                    "batteryLevel": 0,
                    "ignition": False,
                    "rpm": 0,
                    "sat": 4,
                    "fuel1Temp": 28,
                    "fuel1": 0,
                    "fuel1State": 1,
                },
            ),
        )

    def test_place(self) -> None:
        """The place is in fractions of a degree, the speed in tenths of km/h, the altitude in tenths of metres."""
        position = one(b"\x08\1\x08\2" + place())
        self.assertEqual((position.fix_time, position.valid), (TIME, True))
        self.assertEqual((position.latitude, position.longitude), (59.3741302, -28.1644535))
        self.assertEqual((position.speed, position.course, position.altitude), (100 * 0.539957, 331.0, -5.5))
        self.assertEqual(position.attributes, {"sat": 12})

    def test_no_time(self) -> None:
        """Without a time it is the first of those that can be told."""
        fields = dict.fromkeys(range(1, 7), 0)
        self.assertEqual(one(group(5, fields)).fix_time, datetime(2009, 1, 1, tzinfo=UTC))

    def test_required(self) -> None:
        """All of a place must be there but its time."""
        for missing in range(1, 7):
            fields = {number: 0 for number in range(1, 7) if number != missing}
            with self.assertRaises(BAD_FRAME):
                told(omnicomm, IDENTIFICATION, archive(place(), group(5, fields)))

    def test_general(self) -> None:
        """Power, battery, ignition and engine speed are told as soon as one field of their group is."""
        self.assertEqual(self.told(group(2, {4: 7, 7: 1500, 8: 242, 9: 98, 10: 3})), (24.2, 98, True, 1500))
        self.assertEqual(self.told(group(2, {4: 6, 7: 0xFFFFFFFF})), (0.0, 0, False, -1))
        self.assertEqual(self.told(group(2, {})), (0.0, 0, False, 0))

    def told(self, general: bytes) -> tuple[Any, ...]:
        attributes = one(general + place()).attributes
        return tuple(attributes[name] for name in ("power", "batteryLevel", "ignition", "rpm"))

    def test_levels(self) -> None:
        """Of the level sensors the first one is told."""
        levels = group(8, {1: zigzag(-3), 2: 4465, 3: zigzag(2), 4: 56, 5: 1, 6: 2})
        self.assertEqual(one(place() + levels).attributes, {"sat": 12, "fuel1Temp": -3, "fuel1": 4465, "fuel1State": 2})

    def test_others(self) -> None:
        """Other groups and fields are passed over."""
        others = group(6, {2: 35964}) + group(9, {1: 255}) + group(16, {1: 1}) + b"\x0a\2\1\2" + b"\xfa\1\1x"
        self.assertEqual(one(others + place()).attributes, {"sat": 12})

    def test_malformed(self) -> None:
        """A message that is none costs the whole frame, as does one that reaches out of it."""
        for message in (place()[:-1], b"\x2f", group(5, {1: 0})[:-1] + b"\x34"):
            with self.assertRaises(BAD_FRAME):
                told(omnicomm, IDENTIFICATION, archive(place(), message))
        with self.assertRaises(BAD_FRAME):
            told(omnicomm, IDENTIFICATION, frame(0x86, bytes(9) + b"\x05\0\x08\1"))


class CommandTests(SynchronousTestCase):
    def test_custom(self) -> None:
        """Commands are bytes in hex; there are no others."""
        session = Session(omnicomm, device=Device(ID))
        self.assertEqual(commands.encode(omnicomm, Command("custom", {"data": "c0db"}), session), b"\xc0\xdb")
        for command in (Command("custom", {"data": "120"}), Command("custom"), Command("engineStop")):
            with self.assertRaises(Unsupported):
                commands.encode(omnicomm, command, session)
