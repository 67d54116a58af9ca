"""
ATrack by frames that are built here after its description: the frames, the standard fields, photos, answers, commands.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.atrack.atrack import atrack
from tests.plugins.wire.talk import Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.framing import Frames
from trackd.wire.values import Command, Login, Media, Output, Position, Reply, Unsupported, WireError

ID = "357543057991638"
TIME = 1445979384  # of the fix
FIX_TIME = datetime(2015, 10, 27, 20, 56, 24, tzinfo=UTC)
RECEIPT = Reply(bytes.fromhex("fe020001452efaf6a7d6eb73"))
KEEP_ALIVE = bytes.fromhex("fe0200014104d8f196820001")
STANDARD: dict[str, Any] = {
    "type": 101,
    "odometer": 5758900,
    "hdop": 1.0,
    "input": 3,
    "output": 1,
    "adc1": 13.1,
    "temp1": 200.0,
    "temp2": -0.5,
}


def frame(body: bytes, prefix: bytes = b"@P", id: int = int(ID)) -> bytes:
    return prefix + pack(">HHHq", 0x25E3, len(body) + 10, 0xEB73, id) + body


def record(
    more: bytes = b"",
    *,
    times: bytes = pack(">III", TIME, TIME - 1, TIME + 52),
    kind: int = 101,
    longitude: int = 44041945,
    driver: bytes = b"",
    message: bytes = b"",
) -> bytes:
    fields = pack(">iiHBIHBHBH", longitude, 36126593, 100, kind, 57589, 10, 3, 60, 1, 13100)
    return times + fields + driver + b"\0" + pack(">hh", 2000, -5) + message + b"\0" + more


def one(data: bytes, **settings: Any) -> Position:
    _, position, reply = told(atrack, data, settings={f"atrack.{name}": value for name, value in settings.items()})
    assert isinstance(position, Position) and isinstance(reply, Reply)
    return position


def text(*lines: str, sequence: str = "104547", prefix: str = "@P", counted: bool = False) -> bytes:
    """A report whose length counts what follows its comma, the comma itself too if it is `counted`."""
    body = f"{sequence},{ID}," + "\r\n".join(lines) + "\r\n"
    return f"{prefix},93D1,{len(body) + counted},{body}".encode()


LINE = "1445979384,1445979383,1445979436,44041945,36126593,100,230,57589,8,3,60,1,39,,2000,215,"


class CutterTests(SynchronousTestCase):
    def cut(self, *parts: bytes) -> list[bytes]:
        assert atrack.split is not None
        frames = Frames(atrack.split, atrack.limit)
        found = [frame for part in parts for frame in frames.feed(part)]
        if frames.broken is not None:
            raise frames.broken
        return found

    def test_kinds(self) -> None:
        """Keep-alives have 12 bytes, all other messages a length, or they are a line without commas."""
        messages = [
            KEEP_ALIVE,
            frame(record()),
            b"$OK\r\n",
            text(LINE),
            text(LINE, LINE, counted=True),
            frame(b",,\r\n", b"@R"),
            b"$ERROR=101\r\n",
            text(LINE, prefix="\3\1"),
            KEEP_ALIVE,
        ]
        self.assertEqual(self.cut(b"".join(messages)), messages)
        drops = self.cut(*(bytes((byte,)) for byte in b"".join(messages)))
        self.assertEqual([drop.rstrip(b"\n") for drop in drops], [message.rstrip(b"\n") for message in messages])

    def test_errors(self) -> None:
        """What is no number where a text has its length is an error, and so is a length that leads nowhere."""
        for data in (b"$INFO=1,AX7,Rev", b"@P,93D1,x,1", b"@P,93D1,-20,1", b"\r\n@P,93D1,"):
            with self.assertRaises(WireError):
                self.cut(data)

    def test_waiting(self) -> None:
        """At most 32768 bytes wait."""
        for data in (b"@P,93D1,99999,", b"$OK", b"\r\n$OK\r\n", b"@P\0\0\xff\xff"):
            self.assertEqual(self.cut(data), [])
            self.assertEqual(self.cut(data.ljust(32768, b".")), [])
            with self.assertRaises(WireError):
                self.cut(data.ljust(32769, b"."))


class RecordTests(SynchronousTestCase):
    def test_record(self) -> None:
        """Times of fix and clock, place, movement and the standard attributes; the answer names unit and sequence."""
        login, position, reply = told(atrack, frame(record()))
        self.assertEqual(login, Login((ID,)))
        self.assertEqual(
            position,
            Position(
                FIX_TIME.replace(second=23),
                FIX_TIME,
                True,
                36.126593,
                44.041945,
                speed=60 * 0.539957,
                course=100.0,
                attributes=STANDARD,
            ),
        )
        self.assertEqual(reply, RECEIPT)

    def test_texts(self) -> None:
        """A driver and a message, but a fuel sensor's message is its level."""
        for message, settings, found in (
            (b"hello", {}, {"message": "hello"}),
            (b"FULS:F=2091 t=17 N=0901", {}, {"fuel": 230.5}),
            (b"x FULS:F=2091 t=17 N=0901 y", {"decimalFuel": "true"}, {"fuel": 90.1}),
            (b"FULS:F=2091  t=17 N=0901", {}, {"message": "FULS:F=2091  t=17 N=0901"}),
        ):
            position = one(frame(record(message=message)), **settings)
            self.assertEqual(position.attributes, STANDARD | found)
        position = one(frame(record(driver=b"A\xe9")))
        self.assertEqual(position.attributes, STANDARD | {"driverUniqueId": "A\xe9"})
        with self.assertRaises(BAD_FRAME):
            one(frame(record(message=b"FULS:F=0 t=0 N=0A")), decimalFuel=True)

    def test_order(self) -> None:
        """Attributes stand in the order of the record, an alarm behind the report that it is."""
        position = one(frame(record(driver=b"D", message=b"M")), alarmMap="101=sos")
        first = ["type", "alarm", "odometer", "hdop", "input", "output", "adc1", "driverUniqueId"]
        self.assertEqual(list(position.attributes), [*first, "temp1", "temp2", "message"])
        position = one(text(LINE.replace(",39,,", ",39,D,")))
        first = ["event", "odometer", "hdop", "input", "output", "adc1", "driverUniqueId"]
        self.assertEqual(list(position.attributes), [*first, "temp1", "temp2"])

    def test_long_dates(self) -> None:
        """Times may be dates, whose parts roll over; the first one counts."""
        dates = pack(">HBBBBB", 2014, 1, 27, 11, 31, 63) + bytes(14)
        position = one(frame(record(times=dates)), longDate="true")
        self.assertEqual(position.fix_time, datetime(2014, 1, 27, 11, 32, 3, tzinfo=UTC))
        self.assertEqual(position.device_time, position.fix_time)
        self.assertEqual(position.attributes, STANDARD)
        self.assertEqual(one(frame(record(times=b"\0\x0e" + dates[2:])), longDate="true"), position)

    def test_several(self) -> None:
        """Records stand one behind the other; less than 40 bytes are filling."""
        for filling in (0, 1, 39):
            outputs = told(atrack, frame(record() + record(kind=2) + bytes(filling)))
            self.assertEqual([position.attributes["type"] for position in positions(outputs)], [101, 2])
        self.assertEqual(told(atrack, frame(b"")), [Login((ID,)), RECEIPT])
        with self.assertRaises(BAD_FRAME):
            told(atrack, frame(record() + bytes(40)))

    def test_no_end(self) -> None:
        """A text without a NUL is none, and a byte is passed over."""
        data = record(message=b"hi")[:-1]
        self.assertEqual(one(frame(data)).attributes, STANDARD)
        with self.assertRaises(BAD_FRAME):
            told(atrack, frame(record()[:-1]))

    def test_prefixes(self) -> None:
        """On UDP, any prefix will do."""
        outputs = Talk(atrack, "udp").say(frame(record(), b"\2\3"))
        self.assertEqual(outputs, told(atrack, frame(record())))

    def test_ids(self) -> None:
        """Ids are numbers of 64 bits with a sign."""
        for id, shown in ((1004715, "1004715"), (-2, "-2")):
            self.assertEqual(told(atrack, frame(b"", id=id))[0], Login((shown,)))

    def test_strangers(self) -> None:
        """A stranger gets no answer."""
        for data in (frame(record()), text(LINE), frame(bytes(8), b"@R"), b"$OK\r\n"):
            self.assertEqual([type(output) for output in told(atrack, data, known=())], [Login])

    def test_alarms(self) -> None:
        """Reports are alarms if the configuration says so."""
        for kind, alarm in ((101, "sos"), (106, "overspeed"), (1, None)):
            position = one(frame(record(kind=kind)), alarmMap="101=sos,, 106=overspeed,")
            self.assertEqual(position.attributes.get("alarm"), alarm)

    def test_bad_places(self) -> None:
        """Places that are none are errors."""
        for longitude in (180_000_001, -180_000_001):
            with self.assertRaises(WireError):
                told(atrack, frame(record(longitude=longitude)))

    def test_damage(self) -> None:
        """Bytes that have changed on the way are bad frames at worst."""
        chance = random.Random(5)
        settings = {"atrack.custom": True, "atrack.alarmMap": "2=sos"}
        fields = b"%CI%SA%MV%VN%CE%LC\0" + bytes(3) + b"VIN\0" + bytes(6)
        values = "%CI%SA%MV%CN%BC,9,125,310260,3:224:F128833445E6002C09C6"
        good = [
            frame(record(fields) * 2),
            text(f"{LINE},{values}"),
            frame(pack(">IBBH", TIME, 1, 2, 4) + b"1234", b"@R"),
            b"$INFO=1,AX7,Rev.1,1,2,3,144,42,9,1,12,1,0",
        ]
        errors = 0
        for _ in range(3000):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.choice((chance.randrange(256), *b"0,-%:\0"))
            try:
                Talk(atrack, "udp", settings=settings).say(bytes(data[: chance.randrange(3, len(data) * 3)]))
            except BAD_FRAME:
                errors += 1
        self.assertGreater(errors, 300)


class TextTests(SynchronousTestCase):
    def test_line(self) -> None:
        """The same as in binary, with raw numbers and one time; the answer has the length in place of the unit."""
        login, position, reply = told(atrack, text(LINE))
        self.assertEqual(login, Login((ID,)))
        self.assertEqual(
            position,
            Position.at(
                FIX_TIME,
                valid=True,
                latitude=36.126593,
                longitude=44.041945,
                speed=60 * 0.539957,
                course=100.0,
                attributes={
                    "event": 230,
                    "odometer": 5758900.0,
                    "hdop": 0.8,
                    "input": 3,
                    "output": 1,
                    "adc1": 39,
                    "temp1": 2000,
                    "temp2": 215,
                },
            ),
        )
        self.assertEqual(reply, Reply(b"\xfe\2" + pack(">qH", len(text(LINE)) - 12, 0x9863)))

    def test_fields(self) -> None:
        """Numbers are whole but for the odometer; places may be negative."""
        for old, new, field, value in (
            (",57589,", ",6.5,", "odometer", 650.0),
            (",39,,", ",39,D 1,", "driverUniqueId", "D 1"),
        ):
            self.assertEqual(one(text(LINE.replace(old, new))).attributes[field], value)
        position = one(text(LINE.replace(",440", ",-440").replace(",361", ",-361")))
        self.assertEqual((position.latitude, position.longitude), (-36.126593, -44.041945))

    def test_times(self) -> None:
        """Seconds since 1970, or a date."""
        for written, time in (
            ("20180412143513", datetime(2018, 4, 12, 14, 35, 13, tzinfo=UTC)),
            ("20180231240000", datetime(2018, 3, 1, tzinfo=UTC)),
            ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ):
            position = one(text(LINE.replace("1445979384", written)))
            self.assertEqual((written, position.fix_time), (written, time))
        for written in ("20181312143513", "201804121435130", "9999999999999"):
            with self.assertRaises(BAD_FRAME):
                told(atrack, text(LINE.replace("1445979384", written)))

    def test_lines(self) -> None:
        """Each line is a record; those of another shape are passed over, and an answer is given in any case."""
        bad = (
            "",
            LINE[:-1],
            LINE + "text",
            LINE.replace(",215,", ",-5,"),
            LINE.replace(",8,", ",0.8,"),
            LINE.replace(",39,", ",,"),
            "x" + LINE,
        )
        for line in bad:
            outputs = told(atrack, text(LINE, line, LINE + "\x1a,1575,0"))
            self.assertEqual([type(output) for output in outputs], [Login, Position, Position, Reply])
        self.assertEqual(len(told(atrack, text("no record"))), 2)

    def test_heads(self) -> None:
        """A head needs all of its items, and numbers where it has numbers."""
        for head in ("@P,93D1,20,x,1,", "@P,93D1,1.5,1,1,", "@P,93D1,20,1,1", "@P,93D1,20,12345678901,1,"):
            with self.assertRaises(BAD_FRAME):
                Talk(atrack, "udp").say(head.encode())
        self.assertEqual(Talk(atrack, "udp").say(b"\3\1,,7,1,A 1,\r\n")[0], Login(("A 1",)))

    def test_numbers(self) -> None:
        """Numbers of more than 32 bits are errors."""
        for old in (",39,", ",230,", ",215,", ",3,"):
            with self.assertRaises(BAD_FRAME):
                told(atrack, text(LINE.replace(old, ",2147483648,")))


class PhotoTests(SynchronousTestCase):
    def packet(self, index: int, count: int, data: bytes, length: int | None = None) -> bytes:
        return frame(pack(">IBBH", TIME, index, count, len(data) if length is None else length) + data, b"@R")

    def photos(self, *packets: bytes, **settings: Any) -> list[bytes]:
        outputs = told(atrack, *packets, settings=settings)
        self.assertEqual(outputs.count(RECEIPT), len(packets))
        found = []
        for position in positions(outputs):
            media = position.attributes.pop("image")
            self.assertEqual(position, Position.last(FIX_TIME))
            self.assertTrue(isinstance(media, Media) and media.extension == "jpg")
            found.append(media.data)
        return found

    def test_packets(self) -> None:
        """Packets are put together as they come; the one with the last index completes the photo."""
        self.assertEqual(self.photos(*(self.packet(index, 3, bytes((index,))) for index in range(3))), [b"\0\1\2"])
        packets = [self.packet(0, 2, b"a"), self.packet(0, 2, b"b"), self.packet(1, 2, b"c"), self.packet(0, 1, b"d")]
        self.assertEqual(self.photos(*packets), [b"abc", b"d"])
        self.assertEqual(self.photos(self.packet(0, 0, b"a"), self.packet(1, 3, b"a")), [])

    def test_lengths(self) -> None:
        """A packet has as many bytes as it says; what follows is filling."""
        self.assertEqual(self.photos(self.packet(0, 1, b"abc", 2)), [b"ab"])
        with self.assertRaises(BAD_FRAME):
            self.photos(self.packet(0, 1, b"abc", 4))

    def test_limit(self) -> None:
        """A photo has at most as many bytes as the setting allows."""
        packets = [self.packet(0, 2, b"ab"), self.packet(1, 2, b"c")]
        self.assertEqual(self.photos(*packets, **{"media.bufferSize": 3}), [b"abc"])
        with self.assertRaises(WireError):
            self.photos(*packets, **{"media.bufferSize": 2})


class AnswerTests(SynchronousTestCase):
    def say(self, data: bytes) -> list[Output]:
        return Talk(atrack, "udp").say(data)

    def test_keep_alive(self) -> None:
        """A keep-alive is sent back, whoever sends it."""
        self.assertEqual(told(atrack, KEEP_ALIVE, known=()), [Reply(KEEP_ALIVE)])
        self.assertEqual(self.say(KEEP_ALIVE + b"!"), [Reply(KEEP_ALIVE + b"!")])

    def test_information(self) -> None:
        """Information names its unit; it has no time."""
        info = "$INFO=1004715,AX7,Rev.0.61 Build.1624,358683066267395,466924131626767,898,144,42,9,1,12,1,0"
        attributes = {
            "model": "AX7",
            "versionFw": "Rev.0.61 Build.1624",
            "power": 14.4,
            "battery": 4.2,
            "sat": 9,
            "rssi": 12,
        }
        for end in ("\r\n", ",more\r\n"):
            outputs = self.say((info + end).encode())
            self.assertEqual(outputs, [Login(("1004715",)), Position(attributes=attributes)])
        for other in (info[:-2], info.replace("AX7", ""), "$INFO", info.replace(",144,", ",14.4,")):
            self.assertEqual(self.say(other.encode()), [])

    def test_answers(self) -> None:
        """Other answers are results of whoever has reported before."""
        for answer in ("$OK", "$ERROR=101", "$VERSION=Rev.1,2"):
            talk = Talk(atrack, "udp")
            self.assertEqual(talk.say(f"{answer}\r\n".encode()), [Login()])
            talk.say(frame(record()))
            self.assertEqual(talk.say(f"{answer}\r\n".encode())[1:], [Position(attributes={"result": answer})])

    def test_short(self) -> None:
        """What is too short for any message is an error."""
        for data in (b"", b"@P", b"@P" + bytes(13)):
            with self.assertRaises(BAD_FRAME):
                self.say(data)


class CommandTests(SynchronousTestCase):
    def send(self, type: str, **attributes: Any) -> bytes | None:
        return commands.encode(atrack, Command(type, attributes), Session(atrack, device=Device(ID)))

    def test_custom(self) -> None:
        """A command is a line, and the line is the command's data."""
        self.assertEqual(self.send("custom", data="AT$UNID=?"), b"AT$UNID=?\r\n")
        self.assertEqual(self.send("custom", data="A\\r\xe9"), b"A\\r?\r\n")

    def test_others(self) -> None:
        """There are no others, and none without data."""
        for type in ("custom", "engineStop"):
            with self.assertRaises(Unsupported):
                self.send(type)
