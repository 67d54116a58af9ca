"""Watch, by frames that are made here after their layouts."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.watch import split, watch
from tests.plugins.wire.talk import NOW, Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME
from trackd.wire.framing import Frames
from trackd.wire.values import (
    CellTower,
    Command,
    Login,
    Media,
    Network,
    Output,
    Position,
    Reply,
    Unsupported,
    WifiAccessPoint,
    WireError,
)

ID = "8800000015"
TIME = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
PLACE: dict[str, Any] = {
    "valid": True,
    "latitude": 22.5,
    "longitude": 114.25,
    "speed": 32.397420000000004,
    "course": 135.0,
    "altitude": 12.5,
}
FOUND = {"sat": 7, "rssi": 60, "batteryLevel": 90, "steps": 1000}


def frame(content: bytes | str, maker: str = "3G", index: str = "") -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return f"[{maker}*{ID}*{index}{len(content):04x}*".encode() + content + b"]"


def said(content: bytes | str, **talk: Any) -> list[Output]:
    """What a frame says, the login aside."""
    return told(watch, frame(content), **talk)[1:]


def report(
    kind: str = "UD",
    fix: str = "060524,070809,A,22.500000,N,114.250000,E,60.0,135,12.5",
    counts: str = "7,60,90,1000,50",
    status: str = "00000000",
    around: str = "0,0",
) -> str:
    return f"{kind},{fix},{counts},{status},{around}"


def located(content: str) -> Position:
    return positions(said(content))[0]


def near(*seen: CellTower | WifiAccessPoint) -> Network:
    network = Network()
    for one in seen:
        network.add(one)
    return network


class CuttingTests(SynchronousTestCase):
    def cut(self, data: bytes) -> list[bytes]:
        """The frames of a read, which part of another one behind it does not change."""
        found = list(Frames(split, watch.limit).feed(data))
        self.assertEqual(list(Frames(split, watch.limit).feed(data + b"[3G*1")), found)
        return found

    def test_frames(self) -> None:
        """A frame ends with the bracket that closes its first one."""
        one, two = frame("LK"), frame(report(around="0,1,[a]b[c],,"))
        self.assertEqual(self.cut(one + two + one), [one, two, one])

    def test_escapes(self) -> None:
        """Escaped bytes are plain in the frame that is passed on, brackets are not counted then."""
        self.assertEqual(self.cut(b"[3G*1*0004*TK,}\x01}\x02}\x03}\x04}\x05]"), [b"[3G*1*0004*TK,}[],*]"])

    def test_odd_escape(self) -> None:
        """An escape that means nothing is an error; frames before it are cut."""
        frames = Frames(split)
        self.assertEqual(list(frames.feed(frame("LK") + frame("UD,}a"))), [frame("LK")])
        self.assertIsInstance(frames.broken, WireError)

    def test_stray(self) -> None:
        """A stray byte is a part of the frame, two of them are one of their own."""
        self.assertEqual(self.cut(b"\n" + frame("LK")), [b"\n" + frame("LK")])
        self.assertEqual(self.cut(b"\r\n" + frame("LK")), [b"\r\n", frame("LK")])
        self.assertEqual(self.cut(b"][" + frame("LK")), [b"][", frame("LK")])
        self.assertEqual(self.cut(b"x]a[" + frame("LK")), [b"x]a[", frame("LK")])
        self.assertEqual(self.cut(b"]a]b[c[" + frame("LK")), [b"]a]b[c[", frame("LK")])

    def test_endless(self) -> None:
        """What has no end in 32768 bytes is given up."""
        frames = Frames(split, watch.limit)
        self.assertEqual(list(frames.feed(b"[" * 32769)), [])
        self.assertIsInstance(frames.broken, WireError)


class HeaderTests(SynchronousTestCase):
    def test_id(self) -> None:
        """Each frame has the id, and a stranger is not answered."""
        self.assertEqual(told(watch, frame("LK"), frame("INIT"), known=()), [Login((ID,)), Login((ID,))])

    def test_replies(self) -> None:
        """A reply has maker, id and index of the frame."""
        for content, reply in (
            ("LK", "LK"),
            ("LK,0,100", "LK"),
            ("INIT,13800000000", "INIT,1"),
            ("TKQ", "TKQ"),
            ("TKQ2,1", "TKQ2"),
            ("AL,nonsense", "AL"),
        ):
            self.assertEqual(said(content), [Reply(frame(reply))])
        self.assertEqual(told(watch, frame("LK", "ZJ", "0075*"))[1:], [Reply(frame("LK", "ZJ", "0075*"))])

    def test_answers(self) -> None:
        """Answers to commands, reports without a meaning here and garbled ones say nothing."""
        for content in ("CR", "UPLOAD,60", "VERNO,1.0", "", "lk", "UD,garbage", "TK,1", "pulse", "PULSE,"):
            self.assertEqual(said(content), [])

    def test_index(self) -> None:
        """An index is there if four hex digits and an asterisk follow another asterisk."""
        self.assertEqual(told(watch, b"[CS*1*000A*ABCD*LK]")[1:], [Reply(b"[CS*1*000A*0002*LK]")])
        self.assertEqual(told(watch, b"[CS*1*0002*LK,1*2]")[1:], [Reply(b"[CS*1*0002*LK]")])

    def test_broken(self) -> None:
        """A frame without id or content is an error."""
        for broken in (b"\r\n", b"[]", b"[3G*1]", b"[3G*1*002]", b"[3G*1*00]"):
            with self.assertRaises(BAD_FRAME):
                Talk(watch).say(broken)

    def test_shifted(self) -> None:
        """Behind a stray byte the id is empty, which nobody has."""
        self.assertEqual(told(watch, b"\n" + frame("LK"), known=(ID,)), [Login(("",))])


class LocationTests(SynchronousTestCase):
    def test_location(self) -> None:
        """Place, time and counts."""
        for kind in ("UD", "UD2", "UD_LTE", "WT"):
            self.assertEqual(said(report(kind)), [Position.at(TIME, **PLACE, attributes=FOUND)])

    def test_without_fix(self) -> None:
        """A place without fix is the place all the same."""
        position = located(report(fix="060524,070809,V,0,N, 0.000000,E,0,0,-1"))
        self.assertEqual((position.valid, position.outdated, position.altitude), (False, False, -1.0))
        self.assertEqual(position.fix_time, TIME)

    def test_hemispheres(self) -> None:
        """S and W are negative, whatever the sign; without a letter the sign counts."""
        for sides, place in (
            ("16.5,S,68.25,W", (-16.5, -68.25)),
            ("-16.5,S,-68.25,W", (-16.5, -68.25)),
            ("-16.5,,-68.25,", (-16.5, -68.25)),
            (" 16.5,, 68.25,E", (16.5, 68.25)),
        ):
            position = located(report(fix=f"060524,070809,A,{sides},0,0,0"))
            self.assertEqual((position.latitude, position.longitude), place)

    def test_roll_over(self) -> None:
        """Dates that do not exist roll over."""
        position = located(report(fix="320424,250000,A,1,N,1,E,0,0,0"))
        self.assertEqual(position.fix_time, datetime(2024, 5, 3, 1, tzinfo=UTC))

    def test_alarms(self) -> None:
        """The first bit that means an alarm counts; an alarm message without one is a general alarm."""
        for kind, status, alarm in (
            ("AL", "00000001", "lowBattery"),
            ("UD", "00000002", "geofenceExit"),
            ("UD", "00000004", "geofenceEnter"),
            ("UD", "00004000", "powerCut"),
            ("AL", "00010000", "sos"),
            ("AL", "00020000", "lowBattery"),
            ("AL", "00040000", "geofenceExit"),
            ("AL", "00080000", "geofenceEnter"),
            ("AL", "00100000", "removing"),
            ("ALCUSTOMER1", "00200000", "fallDown"),
            ("AL_LTE", "00400000", "fallDown"),
            ("AL", "00110001", "lowBattery"),
            ("AL", "0", "general"),
            ("UD", "0000", None),
            ("UD", "00000008", None),
        ):
            self.assertEqual(located(report(kind, status=status)).attributes.get("alarm"), alarm)

    def test_alarm_reply(self) -> None:
        """An alarm is answered when its position is stored."""
        position, reply = said(report("AL", status="10"))
        self.assertEqual(position, Position.at(TIME, **PLACE, attributes=FOUND | {"alarm": "general", "motion": True}))
        self.assertEqual(reply, Reply(frame("AL")))

    def test_garbled(self) -> None:
        """A report that is not of this shape is passed over."""
        for garbled in (
            report(fix="060524,070809,B,1,N,1,E,0,0,0"),
            report(fix="060524,0708,A,1,N,1,E,0,0,0"),
            report(counts="7,60,90"),
            report(status="G"),
            report(around="")[:-1],
        ):
            self.assertEqual(said(garbled), [])

    def test_impossible(self) -> None:
        """Numbers that are too large are errors."""
        for impossible in (
            report(counts="2147483648,0,0,0,0"),
            report(status="80000000"),
            report("AL", fix="060524,070809,A,90.5,N,1,E,0,0,0"),
            report("AL", fix="060524,070809,A,1,N,180.5,E,0,0,0"),
        ):
            with self.assertRaises(BAD_FRAME):
                said(impossible)


class NetworkTests(SynchronousTestCase):
    def test_networks(self) -> None:
        """Cells and access points behind the status; what cannot be is passed over."""
        cell = CellTower(310, 260, 1091, 30082, -139)
        home = WifiAccessPoint("60:45:cb:cb:34:68", -93)
        for around, network in (
            ("0,0", None),
            ("0,0,58.0", None),
            ("0,1,,,,00", None),
            ("0,1,0,0,,10", None),
            ("0", None),
            ("0,,,", None),
            ("-1,", None),
            ("1,1,310,260,1091,30082,139,,00", near(cell)),
            ("1,1,310,260,1091,30082,139,0,13.8", near(cell)),
            ("2,1,310,260,1091,30082,139,1091,30082,139", near(cell)),
            ("1,1,234,10,55C0,3B882A2,132,,10", near(CellTower(234, 10, 21952, 62423714, -132))),
            ("1,1,240,7,34505,80806406,,00", near(CellTower(240, 7, 34505, 80806406))),
            ("1,1,240,7,34505,80806406,0,00", near(CellTower(240, 7, 34505, 80806406, 0))),
            ("1,1,FFFF,FFFF,FFFE,3B882A2,132,,00", None),
            ("1,1,310,260,1091,30082,139,1,Home,60:45:cb:cb:34:68,-93,8.2", near(cell, home)),
            ("0,1,Home,60:45:cb:cb:34:68,93", None),  # a letter in the fourth field
            ("0,2,,60:45:00:00:34:68,93,x,0,1", near(WifiAccessPoint("60:45:00:00:34:68", -93))),
            ("0,2,,60:45:00:00:34:68,,x,,1", None),
            ("0,-1,,60:45:00:00:34:68,93", None),
            ("-2,3,,60:45:00:00:34:68,93,x,0,1,x,0,1", near(WifiAccessPoint("60:45:00:00:34:68", -93))),
            (f"5400,1,1,1{',1,1,1' * 5400}", near(CellTower(1, 1, 1, 1, -1))),
        ):
            self.assertEqual(located(report(around=around)).network, network, around)

    def test_broken(self) -> None:
        """Lists that are shorter than they say, and texts in place of numbers, are errors."""
        for around in (
            "",
            ",,,",
            "58.0",
            "0,1",
            "1,1,460,0,1,2",
            "1,1,460,0,1,2,",
            "3,1,460,0,1,2,3",
            "2147483647,1,460,0,1,2,3",
            "0,2147483647,,60:45:00:00:34:68,93",
            "1,1,,,1,2,3",
            "1,1,460,0,1,2147483648,3",
            "1,1,460,0,1,80000000A,3",
            "1,1,460,0,1,2,3,65.8",
        ):
            with self.assertRaises(BAD_FRAME):
                said(report(around=around))


class HealthTests(SynchronousTestCase):
    def test_link(self) -> None:
        """A link may carry steps and battery, of the time of the server."""
        position = Position(outdated=True, attributes={"batteryLevel": 100, "steps": 12})
        self.assertEqual(said("LK,12,3,100"), [position, Reply(frame("LK"))])

    def test_readings(self) -> None:
        """Readings of the body, their keyword in any case, without a place."""
        for content, attributes in (
            ("PULSE,72", {"heartRate": 72}),
            ("heart,0", {"heartRate": 0}),
            ("heart,,", {}),
            ("BLOOD,109,68", {"pressureHigh": "109", "pressureLow": "68"}),
            ("bphrt,120,79,73,,,,", {"pressureHigh": "120", "pressureLow": "79", "heartRate": 73}),
            ("BPHRT,,79", {"pressureLow": "79"}),
            ("TEMP,36.5", {"temp1": 36.5}),
            ("btemp2,1,35.29", {"temp1": 35.29}),
            ("btemp2,0", {}),
            ("oxygen,0,98", {"bloodOxygen": 98}),
        ):
            self.assertEqual(said(content), [Position(NOW, outdated=True, attributes=attributes)])

    def test_broken(self) -> None:
        """What is no number, or not there, is an error."""
        for content in ("LK,a,0,5", "LK,1,0,5.5", "PULSE,x", "BLOOD,1", "TEMP,x", "BTEMP2,1", "OXYGEN,98", "BLOOD,,"):
            with self.assertRaises(BAD_FRAME):
                said(content)


class MediaTests(SynchronousTestCase):
    def media(self, outputs: list[Output], name: str) -> list[tuple[bytes, str]]:
        found = []
        for position in positions(outputs):
            self.assertTrue(position.outdated)
            self.assertIsNone(position.device_time)
            file = position.attributes[name]
            assert isinstance(file, Media)
            found.append((file.data, file.extension))
        return found

    def heard(self, *reads: bytes, **talk: Any) -> list[tuple[bytes, str]]:
        """Files of a talk; they are not compared by `told`."""
        whole = Talk(watch, **talk)
        return self.media([output for data in reads for output in whole.say(data)], "audio")

    def test_voice(self) -> None:
        """A voice message in one frame, with its escapes."""
        self.assertEqual(self.heard(frame(b"TK,#!AMR}\x01}\x03,\xff")), [(b"#!AMR}],\xff", "amr")])
        self.assertEqual(self.heard(frame(b"TK2,12")), [(b"12", "amr")])
        self.assertEqual(self.heard(frame(b"TK")), [(b"", "amr")])

    def part(self, current: int, total: int, piece: bytes) -> bytes:
        return frame(f"JXTK,0,name,{current},{total},".encode() + piece)

    def test_parts(self) -> None:
        """Parts are answered each, and make a file with the last one; the next message starts anew."""
        talk = Talk(watch)
        self.assertEqual(talk.say(self.part(1, 2, b"a,"))[1:], [Reply(frame("JXTKR,1"))])
        outputs = talk.say(self.part(2, 2, b"b"))
        self.assertEqual(self.media(outputs, "audio"), [(b"a,b", "amr")])
        self.assertEqual(outputs[-1], Reply(frame("JXTKR,1")))
        self.assertEqual(self.media(talk.say(self.part(1, 1, b"c")), "audio"), [(b"c", "amr")])

    def test_size(self) -> None:
        """A message has a largest size."""
        self.assertEqual(self.heard(self.part(1, 1, b"1234"), settings={"media.bufferSize": 4}), [(b"1234", "amr")])
        with self.assertRaises(WireError):
            self.heard(self.part(1, 2, b"123"), self.part(2, 2, b"45"), settings={"media.bufferSize": 4})

    def test_broken_parts(self) -> None:
        """A part without numbers is an error."""
        for content in ("JXTK,0,name,1,2", "JXTK,0,name,x,2,abc", "JXTK"):
            with self.assertRaises(BAD_FRAME):
                said(content)

    def test_picture(self) -> None:
        """A picture stands behind its source and time; without them it is whatever stands there."""
        said = Talk(watch).say
        self.assertEqual(self.media(said(frame(b"img,5,240506070809,\xff\xd8")), "image"), [(b"\xff\xd8", "jpg")])
        self.assertEqual(self.media(said(frame(b"img,5")), "image"), [(frame(b"img,5")[13:-1], "jpg")])
        with self.assertRaises(BAD_FRAME):
            said(frame(b"img,5,240506"))


class CommandTests(SynchronousTestCase):
    def sent(self, type: str, after: bytes = frame("LK", "CS"), **attributes: Any) -> bytes | None:
        talk = Talk(watch)
        talk.say(after)
        talk.session.device = Device("123456789012345")
        return commands.encode(watch, Command(type, attributes), talk.session)

    def test_texts(self) -> None:
        """Contents of the commands."""
        for text, type, attributes in (
            ("STATUS,1%#\n", "custom", {"data": "STATUS,1%%#%n"}),
            ("CR", "positionSingle", {}),
            ("UPLOAD,60", "positionPeriodic", {"frequency": 60}),
            ("SOS1,123456789", "sosNumber", {"index": 1, "phone": "123456789"}),
            ("SOSSMS,1", "alarmSos", {"enable": True}),
            ("LOWBAT,0", "alarmBattery", {"enable": False}),
            ("REMOVE,1", "alarmRemove", {"enable": True}),
            ("RESET", "rebootDevice", {}),
            ("POWEROFF", "powerOff", {}),
            ("SILENCETIME,21:10-7:30", "silenceTime", {"data": "21:10-7:30"}),
            ("REMIND,8:10-1-1", "alarmClock", {"data": "8:10-1-1"}),
            ("PHB,12,?", "setPhonebook", {"data": "12,é"}),
            ("MESSAGE,0074006500780074", "message", {"message": "text"}),
            ("FLOWER,5", "setIndicator", {"data": "5"}),
            ("FLOWER,", "setIndicator", {}),
        ):
            made = self.sent(type, **attributes)
            self.assertEqual(made, f"[CS*123456789012345*{len(text):04x}*{text}]".encode())

    def test_zones(self) -> None:
        """The offset of a zone in hours, without summer time."""
        for name, offset in (
            ("Europe/Berlin", "+1"),
            ("America/St_Johns", "-3.5"),
            ("Asia/Kathmandu", "+5.75"),
            ("GMT+0:30", "+0.5"),
            ("GMT+10", "+10"),
            ("UTC", "+0"),
            ("Nowhere/Land", "+0"),
        ):
            text = f"LZ,0,{offset}"
            made = self.sent("setTimezone", language="0", timezone=name)
            self.assertEqual(made, f"[CS*123456789012345*{len(text):04x}*{text}]".encode())

    def test_voice(self) -> None:
        """Voice is escaped, and its length counts the escapes."""
        self.assertEqual(self.sent("voiceMessage", data="2321414d520a2573"), b"[CS*123456789012345*000b*TK,#!AMR\n%s]")
        self.assertEqual(
            self.sent("voiceMessage", data="7d5b5d2c2a"),
            b"[CS*123456789012345*000d*TK,}\x01}\x02}\x03}\x04}\x05]",
        )

    def test_kind(self) -> None:
        """Commands are like the latest frame: its maker, and an index once there has been one."""
        self.assertEqual(self.sent("positionSingle", frame("LK", "ZJ", "0075*")), b"[ZJ*123456789012345*0001*0002*CR]")
        self.assertEqual(self.sent("positionSingle", frame("LK")), b"[SG*123456789012345*0002*CR]")

    def test_refused(self) -> None:
        """What is missing, or would be another frame, is refused; so is all before a frame has come."""
        for type, attributes in (
            ("alarmSos", {}),
            ("alarmSos", {"enable": "true"}),
            ("message", {}),
            ("setTimezone", {"language": "0"}),
            ("voiceMessage", {"data": "abc"}),
            ("voiceMessage", {}),
            ("custom", {}),
            ("custom", {"data": "50%"}),
            ("custom", {"data": "%s"}),
            ("sosNumber", {"index": 1, "phone": "1][SG*1*0005*RESET"}),
        ):
            with self.assertRaises(Unsupported):
                self.sent(type, **attributes)
        silent = Talk(watch).session
        silent.device = Device("1")
        with self.assertRaises(Unsupported):
            commands.encode(watch, Command("positionSingle"), silent)


class DamageTests(SynchronousTestCase):
    def test_damage(self) -> None:
        """Damaged frames are bad frames and nothing worse."""
        random = Random(1)
        samples = [
            frame(report("AL", around="1,1,310,260,1091,30082,139,1,Home,60:45:cb:cb:34:68,-93,8.2")),
            frame("bphrt,120,79,73", "ZJ", "0001*"),
            frame(b"JXTK,0,name,1,2,}\x01"),
            frame(b"img,5,240506070809,\xff\xd8"),
        ]
        for _ in range(500):
            data = bytearray(random.choice(samples))
            for _ in range(random.randrange(1, 4)):
                data[random.randrange(len(data))] = random.choice(b"[]*,}\x01\x00\xff0A%c" % random.randrange(256))
            try:
                Talk(watch).say(bytes(data))
            except BAD_FRAME:
                pass
