"""
GT06, by small frames that are built here after their layouts: cutting, login, replies, commands, pictures.

What the reports mean is in `test_gt06_generic` and `test_gt06_reports`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.gt06.frames import split
from plugins.wire.gt06.gt06 import gt06
from tests.plugins.wire.gt06_frames import GPS, IMEI, LOGIN, TIME, extended, said, short
from tests.plugins.wire.talk import Device, Talk, positions, told
from trackd.wire import commands, names
from trackd.wire.catalog import load
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.framing import Frames
from trackd.wire.values import Command, Login, Media, Position, Reply, Unsupported, WireError


class CuttingTests(SynchronousTestCase):
    def cut(self, *reads: bytes) -> list[list[bytes]]:
        frames = Frames(split, gt06.limit)
        return [list(frames.feed(data)) for data in reads]

    def test_lengths(self) -> None:
        """Short and extended frames end where their length says, with a line end inside or without."""
        one, two = short(0x10, b"a\r\nb"), extended(0x21, b"c\r\nd" * 100)
        self.assertEqual(self.cut(one + two + one), [[one, two, one]])

    def test_no_length(self) -> None:
        """A frame that does not end where it says ends with the first line end."""
        scan, login = short(0x17, b"a" * 40, length=3), short(0x01, "0123456789012345", length=40)
        self.assertEqual(self.cut(scan + login + LOGIN), [[scan, login, LOGIN]])

    def test_announced(self) -> None:
        """A frame that announces more than it brings does not wait for it."""
        login = bytes.fromhex("78780D01 0359339075005244 3434 0D0A")
        self.assertEqual(self.cut(login), [[login]])

    def test_split_text(self) -> None:
        """An extended frame is not taken for whole because the part that has come holds a line end."""
        frame = extended(0x9B, b"\x03one\r\ntwo\r\n")
        at = frame.index(b"\r\n") + 2
        self.assertEqual(self.cut(frame[:at], frame[at:]), [[], [frame]])

    def test_extended_announced(self) -> None:
        """An extended frame that announces too much is whole with the line end behind a right CRC."""
        frame = extended(0x94, "00 04D2", length=300)
        self.assertEqual(self.cut(frame, frame), [[frame], [frame]])

    def test_waits(self) -> None:
        """Fewer than five bytes are not looked at, and a part without line end is waited for."""
        frame = short(0x13, "00 04 04 00 01")
        self.assertEqual(self.cut(frame[:4], frame[4:-1], frame[-1:]), [[], [], [frame]])

    def test_endless(self) -> None:
        """What has no end in 32768 bytes is given up."""
        frames = Frames(split, gt06.limit)
        self.assertEqual(list(frames.feed(b"\x79\x79\xff\xff" + bytes(32768))), [])
        self.assertIsInstance(frames.broken, WireError)


class LoginTests(SynchronousTestCase):
    def test_login(self) -> None:
        """The IMEI is asked for, and a known device gets its serial back."""
        self.assertEqual(
            told(gt06, short(0x01, "0123456789012345 0000", serial=1)),
            [Login((IMEI,)), Reply(bytes.fromhex("7878 05 01 0001 D9DC 0D0A"))],
        )

    def test_unknown(self) -> None:
        """An unknown device is not answered, neither its login nor what it sends then."""
        frames = (LOGIN, short(0x12, GPS + bytes(8)), short(0x14), extended(0x41, bytes(60)))
        self.assertEqual(told(gt06, *frames, known=()), [Login((IMEI,)), Login(), Login(), Login()])

    def test_nobody(self) -> None:
        """Before a login nothing is understood, not even that it is broken."""
        self.assertEqual(told(gt06, short(0x12, "01"), extended(0x95)), [Login(), Login()])

    def test_short_login(self) -> None:
        """The last two bytes of the oldest logins are their serial already."""
        self.assertEqual(told(gt06, short(0x01, "0123456789012345"))[0], Login((IMEI,)))

    def zone(self, word: str, **talk: Any) -> datetime | None:
        login = short(0x01, f"0123456789012345 0000 {word}")
        return positions(told(gt06, login, short(0x10, GPS), **talk))[0].fix_time

    def test_zone(self) -> None:
        """The zone of a login is hours and minutes in a decimal number, with a bit for the west."""
        self.assertEqual(self.zone("3200"), TIME - timedelta(hours=8))
        self.assertEqual(self.zone("2262"), TIME - timedelta(hours=5, minutes=50))
        self.assertEqual(self.zone("190A"), TIME + timedelta(hours=4))

    def test_odd_zone(self) -> None:
        """A zone beyond a day is followed like any other."""
        self.assertEqual(self.zone("FFF0"), TIME - timedelta(hours=40, minutes=95))

    def test_configured_zone(self) -> None:
        """A configured zone goes before that of the login, and knows the summer."""
        self.assertEqual(self.zone("3200", settings={"decoder.timezone": "Europe/Berlin"}), TIME - timedelta(hours=2))
        self.assertEqual(self.zone("3200", settings={"decoder.timezone": "UTC"}), TIME)

    def test_again(self) -> None:
        """A login on the same connection sets the device and its zone anew."""
        talk = Talk(gt06)
        talk.say(short(0x01, "0123456789012345 0000 3200"))
        talk.say(short(0x01, "0999999999999999 0000"))
        self.assertEqual(positions(talk.say(short(0x10, GPS)))[0].fix_time, TIME)
        assert talk.session.device is not None
        self.assertEqual(talk.session.device.unique_id, "999999999999999")

    def test_roll_over(self) -> None:
        """Dates that do not exist roll over."""
        day = bytes.fromhex("180D20193D3D") + GPS[6:]
        self.assertEqual(positions(said(short(0x10, day)))[0].fix_time, datetime(2025, 2, 2, 2, 2, 1, tzinfo=UTC))


class ReplyTests(SynchronousTestCase):
    def test_acknowledged(self) -> None:
        """Every type and serial is acknowledged with the CRC that belongs to them."""
        for type in (0x14, 0x1F, 0xB0, 0xFF):
            for serial in (0, 1, 0x8000, 0x0D0B, 0xFFFF):
                self.assertEqual(
                    said(short(type, "00", serial)), [Reply(short(type, b"", serial))], f"{type:02x} {serial:04x}"
                )

    def test_not_acknowledged(self) -> None:
        """What is the server's to send, and extended frames of no known type, are not answered."""
        for frame in (short(0x80, "00"), short(0x81, "00"), short(0x82), extended(0x14, "00"), extended(0xFD, b"text")):
            self.assertEqual(said(frame), [], frame.hex())

    def test_missing(self) -> None:
        """An unknown type that does not bring what it announces is an error."""
        with self.assertRaises(BAD_FRAME):
            list(logged_in().outputs(short(0x14, "00", length=40)))

    def test_tiny(self) -> None:
        """A frame that is too short for a serial is an error."""
        for frame in ("7878030D0A", "78780D0A", "0D0A", "79790000"):
            with self.assertRaises(BAD_FRAME):
                list(logged_in().outputs(bytes.fromhex(frame)))

    def test_address(self) -> None:
        """Who asks for an address is told that there is none."""
        content = "0B 00000000" + b"NA&&NA&&0##".hex()
        self.assertEqual(said(short(0x2A, GPS)), [Reply(extended(0x97, content, serial=0))])

    def test_time(self) -> None:
        """Who asks for the time is told in UTC."""
        self.assertEqual(said(short(0x8A)), [Reply(short(0x8A, "1A0B010C2238", serial=0))])

    def test_back_to_back(self) -> None:
        """Frames that arrive together are answered one by one."""
        self.assertEqual(
            [
                output
                for output in told(gt06, LOGIN + short(0x14, serial=5) + short(0x14, serial=6))[1:]
                if output != Login()
            ],
            [Reply(short(0x01)), Reply(short(0x14, serial=5)), Reply(short(0x14, serial=6))],
        )


class PictureTests(SynchronousTestCase):
    INFO = bytes(18) + pack(">iI", 1030, 9)

    def piece(self, data: bytes) -> bytes:
        return extended(0x36, pack(">IIH", 9, 0, len(data)) + data)

    def test_x1(self) -> None:
        """A picture of X1 is asked for piece by piece, and handed over when it is whole, without a report."""
        data = bytes(range(206)) * 5
        told = said(short(0x35, self.INFO) + self.piece(data[:1024]) + self.piece(data[1024:]))
        *asked, last, media = (output for output in told if output != Login())
        self.assertEqual(asked, [Reply(short(0x36, "00000009 00000000 0400", serial=0))])
        self.assertEqual(last, Reply(short(0x36, "00000009 00000400 0006", serial=0)))
        assert isinstance(media, Media)
        self.assertEqual((media.data, media.extension), (data, "jpg"))

    def test_x1_spoiled(self) -> None:
        """A piece of no picture, one too many, and a picture of an impossible size are errors."""
        for frames in (
            (self.piece(b"a"),),
            (short(0x35, bytes(18) + pack(">iI", 3, 9)), self.piece(b"four")),
            (short(0x35, bytes(18) + pack(">iI", -1, 9)),),
            (short(0x35, bytes(18) + pack(">iI", 33554433, 9)),),
        ):
            *before, spoiled = frames
            talk = logged_in()
            for frame in before:
                talk.say(frame)
            with self.assertRaises(WireError):
                talk.say(spoiled)

    def test_limit(self) -> None:
        """The size of pictures is a setting."""
        with self.assertRaises(WireError):
            logged_in(settings={"media.bufferSize": 1029}).say(short(0x35, self.INFO))

    def part(self, index: int, data: bytes, size: int = 6, kind: str = "0000") -> bytes:
        head = bytes(8) + pack(">I", 1714979289) + bytes(14 + 8) + pack(">Ii", 1, size)
        return extended(0x41, head + bytes.fromhex(kind) + pack(">BH", 7, index) + data)

    def test_multimedia(self) -> None:
        """A picture of WD-209 makes one report when it is whole; each piece is acknowledged at length."""
        reply = Reply(extended(0x41))
        first, _, position, last = said(self.part(0, b"one") + self.part(1, b"two"))
        self.assertEqual((first, last), (reply, reply))
        assert isinstance(position, Position)
        image = position.attributes.pop(names.IMAGE)
        self.assertEqual((image.data, image.extension), (b"onetwo", "jpg"))
        self.assertEqual(position, Position.last(TIME))

    def test_multimedia_parts(self) -> None:
        """Pieces of no picture and other media are acknowledged and make nothing; a new first piece starts anew."""
        reply = Reply(extended(0x41))
        for frame in (self.part(1, b"x"), self.part(0, b"x", kind="0100"), self.part(0, b"x", kind="0001")):
            self.assertEqual(said(frame), [reply])
        talk = logged_in()
        for index, data in ((0, b"lost"), (0, b"one"), (1, b"two")):
            outputs = talk.say(self.part(index, data))
        (position,) = positions(outputs)
        self.assertEqual(position.attributes[names.IMAGE].data, b"onetwo")

    def test_multimedia_spoiled(self) -> None:
        """More than was announced is an error."""
        with self.assertRaises(WireError):
            logged_in().say(self.part(0, b"seven!!"))


class CommandTests(SynchronousTestCase):
    def sent(
        self, type: str, settings: Any = None, model: str | None = None, own: Any = None, **attributes: Any
    ) -> str:
        session = Session(gt06, device=Device(IMEI, model, own or {}), defaults=settings or {})
        data = commands.encode(gt06, Command(type, attributes), session)
        assert data is not None
        return data.hex()

    def text(self, *arguments: Any, **attributes: Any) -> str:
        data = bytes.fromhex(self.sent(*arguments, **attributes))
        self.assertEqual(data, short(0x80, bytes((len(data) - 11, 0, 0, 0, 0)) + data[9:-6], serial=0))
        return data[9:-6].decode("ascii")

    def test_relay(self) -> None:
        """The engine is stopped and released by the relay."""
        self.assertEqual(self.sent("engineStop"), "787812800c0000000052656c61792c312300009dee0d0a")
        self.assertEqual(self.text("engineResume"), "Relay,0#")

    def test_alternative(self) -> None:
        """The alternative commands carry a password: of the device, of the configuration, or the usual one."""
        on = {"gt06.alternative": "true"}
        self.assertEqual(self.text("engineStop", on), "DYD,123456#")
        self.assertEqual(self.text("engineResume", {**on, "gt06.devicePassword": "99"}), "HFYD,99#")
        self.assertEqual(self.text("engineResume", on, own={"devicePassword": 11}), "HFYD,11#")
        self.assertEqual(self.text("engineResume", on, own={"devicePassword": 1e7}), "HFYD,1.0E7#")

    def test_g109(self) -> None:
        """G109, written exactly so, has its own."""
        on = {"gt06.alternative": True}
        self.assertEqual(self.text("engineStop", on, "G109"), "DYD#")
        self.assertEqual(self.text("engineResume", None, "G109"), "HFYD#")
        self.assertEqual(self.text("engineResume", None, "g109"), "Relay,0#")

    def test_custom(self) -> None:
        """A custom command is its data, in ASCII."""
        self.assertEqual(self.text("custom", data="STATUS#"), "STATUS#")
        self.assertEqual(self.text("custom", data="é€\\r"), "??\\r")

    def test_language(self) -> None:
        """A setting adds the language in which answers are wanted."""
        self.assertEqual(
            self.sent("custom", {"gt06.language": True}, data="120"), "78780f8007000000003132300002000095c40d0a"
        )

    def test_refused(self) -> None:
        """No data, too much of it, and other commands are refused."""
        self.assertEqual(len(self.sent("custom", data="a" * 245)) // 2, 260)
        for type, settings, attributes in (
            ("custom", None, {}),
            ("custom", None, {"data": "a" * 246}),
            ("custom", {"gt06.language": True}, {"data": "a" * 244}),
            ("positionSingle", None, {}),
        ):
            with self.assertRaises(Unsupported):
                self.sent(type, settings, **attributes)


class FormatTests(SynchronousTestCase):
    def test_loaded(self) -> None:
        """It is found by its name, once and again."""
        self.assertIs(load("gt06"), gt06)
        self.assertIs(load("gt06"), gt06)


def logged_in(**talk: Any) -> Talk:
    """A connection whose device is known."""
    known = Talk(gt06, **talk)
    known.say(LOGIN)
    return known
