"""
H02 by frames of its description.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.h02 import h02
from tests.plugins.wire.talk import NOW, Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.framing import Frames
from trackd.wire.values import CellTower, Command, Login, Network, Output, Position, Reply, Unsupported, WireError

ID = "2020916012"
SHORT = bytes.fromhex("2441060116601245431311165035313006004318210e000000fffffbffff0024")
LONG = SHORT + bytes(13)
WIDE = bytes.fromhex("2435248308419329301047591808172627335900074412294E024138FEFFFFFFFF01120064BA73005ECC")
STATUS = "FFFFFBFF"
IDLE = {"ignition": False, "status": 0xFFFFFBFF}
SETTINGS = {"geolocation.mcc": 262, "geolocation.mnc": 2}


def v(
    tail: str, head: str = "V8,050316,A", place: str = "2212.8745,N,11346.6574,E", motion: str = "14.28,028"
) -> bytes:
    return f"*TH,{ID},{head},{place},{motion},{tail}#".encode()


def one(data: bytes, **talk: Any) -> Position:
    (position,) = positions(told(h02, data, **talk))
    return position


def replies(outputs: list[Output]) -> list[bytes]:
    return [output.data for output in outputs if isinstance(output, Reply)]


class CutterTests(SynchronousTestCase):
    def cut(self, *reads: bytes, length: int = 0) -> list[bytes]:
        assert h02.splitter is not None
        session = Session(h02, defaults={"h02.messageLength": length})
        frames = Frames(h02.splitter(session), h02.limit)
        found = [frame for data in reads for frame in frames.feed(data)]
        if frames.broken is not None:
            raise frames.broken
        return found

    def test_texts(self) -> None:
        """A text ends at the first #; what is between frames is passed over."""
        self.assertEqual(self.cut(b"\r\n*a#\r\n*b", b"*#c*#"), [b"*a#", b"*b*#", b"*#"])

    def test_length(self) -> None:
        """The first read that begins with a binary frame tells the length of all of them."""
        self.assertEqual(self.cut(LONG, LONG), [LONG, LONG])
        self.assertEqual(self.cut(SHORT, LONG), [SHORT, SHORT])
        self.assertEqual(self.cut(LONG + LONG, LONG), [SHORT] * 3)
        self.assertEqual(self.cut(b"*a#\r\n" + LONG), [b"*a#", LONG])
        self.assertEqual(self.cut(WIDE[:1], WIDE[1:], WIDE, length=42), [WIDE, WIDE])

    def test_x(self) -> None:
        """Frames that begin with X have 32 bytes and say nothing."""
        data = b"X" + b"*" * 31
        self.assertEqual(self.cut(data + b"*a#"), [data, b"*a#"])
        self.assertEqual(told(h02, data), [])

    def test_limit(self) -> None:
        """Too much without an end is hopeless."""
        with self.assertRaises(WireError):
            self.cut(b"*" * 1025)

    def test_datagram(self) -> None:
        """A datagram is one message, with what stands around it."""
        (position,) = positions(Talk(h02, "udp").say(v("220902") + b"\r\n\0"))
        self.assertEqual(position.speed, 14.28)
        for data in (b"\r\n" + v("220902"), v("220902") + v("220902") + b"x", b"", b"abc"):
            self.assertEqual(Talk(h02, "udp").say(data), [])


class LocationTests(SynchronousTestCase):
    def test_report(self) -> None:
        """V1 is a fix that is answered with the time."""
        login, position, reply = told(h02, v(f"220902,{STATUS}", head="V1,050316,A"))
        self.assertEqual(login, Login((ID,)))
        time = datetime(2002, 9, 22, 5, 3, 16, tzinfo=UTC)
        place = 22 + 12.8745 / 60, 113 + 46.6574 / 60
        self.assertEqual(position, Position(time, time, True, *place, speed=14.28, course=28.0, attributes=IDLE))
        self.assertEqual(reply, Reply(b"*HQ,2020916012,V4,V1,20261101123456#"))

    def test_acknowledged(self) -> None:
        """Other locations and binary reports are answered if that is wanted."""
        for data, id in ((v("220902"), ID), (SHORT, "4106011660")):
            self.assertEqual(replies(told(h02, data)), [])
            answer = f"*HQ,{id},R12,123456#".encode()
            self.assertEqual(replies(told(h02, data, settings={"h02.ack": True})), [answer])

    def test_strangers(self) -> None:
        """Nothing is said of and to a device that is not known."""
        self.assertEqual(told(h02, v("220902", head="V1,050316,A"), known=()), [Login((ID,))])

    def test_no_id(self) -> None:
        """Without an id it is the device of the connection, and there is no answer."""
        anonymous = v("220902", head="V1,050316,A").replace(ID.encode(), b"")
        outputs = told(h02, v("220902"), anonymous)
        self.assertEqual([type(output) for output in outputs], [Login, Position] * 2)
        self.assertEqual(told(h02, anonymous), [Login()])

    def test_answers(self) -> None:
        """V4 carries the longest answer to a command that leaves a location."""
        for text, result in (
            ("V4,S20,DONE,130305,050316,A", "S20,DONE,130305"),
            ("V4,S14,100,10,1,3,130305,050316,A", "S14,100,10,1,3,130305"),
            ("V4,050316,A", None),
            ("V4,,050316,A", None),
        ):
            position = one(v("220902", head=text))
            self.assertEqual(position.attributes.get("result"), result)
            self.assertEqual(position.fix_time, datetime(2002, 9, 22, 5, 3, 16, tzinfo=UTC))

    def test_validity(self) -> None:
        """A letter, nothing, or the digits of a coding scheme."""
        for text, valid in (("A", True), ("V", False), ("B", False), ("", False), ("0", True), ("17", True)):
            self.assertEqual(one(v("220902", head=f"VI1,050316,{text}")).valid, valid)

    def test_places(self) -> None:
        """Degrees and minutes in three forms; the letter tells the sign."""
        for place, latitude, longitude in (
            ("2212.8745,S,38.6508,W", -(22 + 12.8745 / 60), -38.6508 / 60),
            ("-23-35.3408,S,-48-2.8926,W", -(23 + 35.3408 / 60), -(48 + 2.8926 / 60)),
            ("-23-35.3408,N,-48-2.8926,E", 23 + 35.3408 / 60, 48 + 2.8926 / 60),
            ("37573392,S,145037022,E", -(37 + 57.3392 / 60), 145 + 3.7022 / 60),
        ):
            position = one(v("220902", place=place))
            self.assertEqual((position.latitude, position.longitude), (latitude, longitude))

    def test_no_place(self) -> None:
        """Whatever is not in the form of a location is passed over."""
        for place in (",N,,E", "0.0000,0,0.0000,0", "2212.,N,11346.6574,E", "221287,N,11346.6574,E", "2212.1,n,1.1,E"):
            self.assertEqual(told(h02, v("220902", place=place)), [])
        for data in (f"*HQ,{ID},#", f"*HQ,{ID},XT,1,100#", "*HQ#", f"*HQQ,{ID},V1#", "*HQ,1,BASE,152609,0,0#"):
            self.assertEqual(told(h02, data.encode()), [])

    def test_impossible_place(self) -> None:
        """A latitude beyond the pole is an error."""
        with self.assertRaises(WireError):
            told(h02, v("220902", place="9912.8745,N,11346.6574,E"))

    def test_motion(self) -> None:
        """The speed may have blanks before it, the course may be missing."""
        position = one(v("220902", motion="  7.,"))
        self.assertEqual((position.speed, position.course), (7.0, 0.0))

    def test_time(self) -> None:
        """Without a date it is the server's time; parts out of range roll over."""
        for time, date, moment in (
            ("", "220902", datetime(2002, 9, 22, tzinfo=UTC)),
            ("050316", "", NOW),
            ("160169", "320911", datetime(2011, 10, 2, 16, 2, 9, tzinfo=UTC)),
        ):
            position = one(v(date, head=f"V2,{time},A"))
            self.assertEqual((position.device_time, position.fix_time), (moment, moment))

    def test_tails(self) -> None:
        """What follows the course, in all its ambiguity."""
        date = datetime(2002, 9, 22, 5, 3, 16, tzinfo=UTC)
        other = datetime(2018, 9, 8, 5, 3, 16, tzinfo=UTC)
        table: list[tuple[str, datetime, dict[str, object]]] = [
            ("220902", date, {}),
            ("280122,", NOW, {}),
            (f"220902,{STATUS},,,9059e2c,8232,4", date, IDLE | {"io3": "9059e2c", "io4": "8232", "io5": "4"}),
            (f"220902,{STATUS},cc,28,  db,d75b,", date, IDLE | {"io1": "cc", "io2": "28", "io3": "db", "io4": "d75b"}),
            ("4,080918,EEE7FBDF,4261193,0", other, {}),
            (f"220902,{STATUS},1,2", date, {}),
            (f"220902,{STATUS},1", date, IDLE | {"io1": "1"}),
            (f"200417,,195.63.13.195,89480610500392633029,{STATUS}", NOW, {}),
            (f"220902,,195.63.13.195,8948,{STATUS.lower()},x", date, IDLE | {"io1": "x"}),
            (f"220902,1,195.63.13.195,8948,{STATUS.lower()},x", date, IDLE | {"io1": "x"}),
            (f",{STATUS},125,194,  64,d3", NOW, IDLE | {"io1": "125", "io2": "194", "io3": "64", "io4": "d3"}),
        ]
        for tail, time, attributes in table:
            position = one(v(tail))
            self.assertEqual((tail, position.fix_time, position.attributes), (tail, time, attributes))
        for tail in ("", "22090", "220902,FFFFFBF", "220902,1,2,3,FFFFFBF", "x,220902"):
            self.assertEqual(len(told(h02, v(tail))), 2 if not tail else 0, tail)

    def test_understood(self) -> None:
        """Six values of the right kinds are odometer, temperature, fuel, altitude and cell."""
        position = one(v(f"220902,{STATUS},69129336,-4,100.0,-18,5141,5A20"), settings=SETTINGS)
        self.assertEqual(position.attributes, IDLE | {"odometer": 69129336, "temp1": -4, "fuel": 100.0})
        self.assertEqual(position.altitude, -18.0)
        self.assertEqual(position.network, Network([CellTower(262, 2, 0x5141, 0x5A20)]))

    def test_status(self) -> None:
        """The first alarm whose bit is clear; ignition when its bit is set."""
        for status, alarm, ignition in (
            ("FFFFFFFE", "vibration", True),
            ("FFFFFBFC", "vibration", False),
            ("FFFFFBF9", "sos", False),
            ("FFF3FFFF", "sos", True),
            ("FFF7FFFB", "overspeed", True),
            ("FFF7FFFF", "powerCut", True),
            ("00000407", "sos", True),
            ("ffffffff", None, True),
        ):
            expected: dict[str, object] = {"alarm": alarm} if alarm else {}
            expected |= {"ignition": ignition, "status": int(status, 16)}
            self.assertEqual(one(v(f"220902,{status}")).attributes, expected)

    def test_bytes(self) -> None:
        """Each byte is a character."""
        data = v(f"220902,{STATUS},caf?").replace(b"?", b"\xe9")
        self.assertEqual(one(data).attributes["io1"], "caf\xe9")


class BinaryTests(SynchronousTestCase):
    def test_short(self) -> None:
        """Packed decimals of a device with 10 digits."""
        login, position = told(h02, SHORT)
        self.assertEqual(login, Login(("4106011660",)))
        time = datetime(2016, 11, 13, 12, 45, 43, tzinfo=UTC)
        place = 50 + 35.3130 / 60, 4 + 31.8210 / 60
        self.assertEqual(position, Position(time, time, True, *place, attributes={"batteryLevel": 100} | IDLE))
        (login, again) = told(h02, LONG)
        self.assertEqual(again, position)

    def test_wide(self) -> None:
        """A frame of 42 bytes is of a device with 15 digits."""
        login, position = Talk(h02, "udp").say(WIDE)
        assert isinstance(position, Position)
        self.assertEqual(login, Login(("352483084193293",)))
        self.assertEqual(position.fix_time, datetime(2017, 8, 18, 10, 47, 59, tzinfo=UTC))
        self.assertEqual((round(position.latitude, 7), round(position.longitude, 7)), (26.4555983, 74.6871567))
        self.assertEqual((position.speed, position.course), (24.0, 138.0))
        self.assertEqual(position.attributes, {"ignition": True, "status": 0xFEFFFFFF})

    def test_sides(self) -> None:
        """Three bits tell hemispheres and validity."""
        for flags, valid, north, east in ((0, 0, 0, 0), (2, 1, 0, 0), (4, 0, 1, 0), (8, 0, 0, 1), (1, 0, 0, 0)):
            position = one(SHORT[:21] + bytes((flags,)) + SHORT[22:])
            sides = position.valid, position.latitude > 0, position.longitude > 0
            self.assertEqual(sides, (bool(valid), bool(north), bool(east)))

    def test_levels(self) -> None:
        """The code of the battery: six steps, or percent."""
        levels: dict[int, int | None] = {0: None, 1: 0, 2: 10, 3: 20, 4: 60, 5: 80, 6: 100, 7: 7, 100: 100}
        levels |= {101: None, 0xF0: None, 0xF1: 1, 0xF6: 6, 0xF7: None, 0xFF: None}
        for code, level in levels.items():
            found = one(SHORT[:16] + bytes((code,)) + SHORT[17:]).attributes.get("batteryLevel")
            self.assertEqual((code, found), (code, level))

    def test_lenient(self) -> None:
        """Digits above 9 count their value."""
        position = one(SHORT[:22] + b"\x1f\x0a\x0c" + SHORT[25:])
        self.assertEqual((position.speed, position.course), (250.0, 1012.0))

    def test_too_short(self) -> None:
        """All fields must be there."""
        for length in range(1, 29):
            with self.assertRaises(BAD_FRAME):
                Talk(h02, "udp").say(SHORT[:length])
        self.assertEqual(len(Talk(h02, "udp").say(SHORT[:29])), 2)


class MessageTests(SynchronousTestCase):
    def test_heartbeat(self) -> None:
        """Heartbeats come back, also to strangers and damaged; one with a battery is a report."""
        data, echo = b"*HQ,135790246811220,HTBT,100#", Reply(b"*HQ,135790246811220,HTBT#")
        login = Login(("135790246811220",))
        position = Position(outdated=True, attributes={"batteryLevel": 100})
        self.assertEqual(told(h02, data), [echo, login, position])
        self.assertEqual(told(h02, data, known=()), [echo, login])
        self.assertEqual(told(h02, data.lower().replace(b"htbt", b"HTBT")), [Reply(b"*hq,135790246811220,HTBT#")])
        for text, answer in (("*HQ,1,V0#", "*HQ,1,V0#"), ("*,,HTBT,5#", "*,,HTBT#"), ("*HQ,1,V0,1,2#", "*HQ,1,V0#")):
            self.assertEqual(told(h02, text.encode()), [Reply(answer.encode())])
        self.assertEqual(told(h02, b"*HQ,\xe9,V0#"), [Reply("*HQ,\xe9,V0#".encode())])

    def test_neighbours(self) -> None:
        """NBR names cells, however many it counts."""
        data = f"*HQ,{ID},NBR,103732,722,310,0,6,8106,32010,23,8106,22010,-25,8106,32010,-23,100217,{STATUS},5#"
        login, position, reply = told(h02, data.encode())
        network = Network([CellTower(722, 310, 8106, 32010, -23), CellTower(722, 310, 8106, 22010, -25)])
        time = datetime(2017, 2, 10, 10, 37, 32, tzinfo=UTC)
        self.assertEqual(position, Position(time, outdated=True, network=network, attributes=IDLE))
        self.assertEqual(reply, Reply(b"*HQ,2020916012,V4,NBR,20261101123456#"))
        self.assertEqual(told(h02, f"*HQ,{ID},NBR,103732,722,310,0,0,100217,{STATUS}#".encode()), [])

    def test_link(self) -> None:
        """LINK tells how a watch is doing."""
        position = one(f"*HQ,{ID},LINK,180902,15,7,84,12,3,240517,{STATUS}#".encode())
        counts = {"rssi": 15, "sat": 7, "batteryLevel": 84, "steps": 12, "turnovers": 3}
        self.assertEqual(position.attributes, counts | IDLE)
        self.assertEqual(position.device_time, datetime(2017, 5, 24, 18, 9, 2, tzinfo=UTC))

    def test_cells(self) -> None:
        """V3 has as many cells as it counts, of four fields each."""
        cells = "010278,045142,128,-92,010278,026311,125,"
        data = f"*HQ,{ID},V3,095426,74001,02,{cells},0292,0,X,090517,{STATUS}"
        position = one(f"{data}#".encode())
        self.assertEqual(position.network, Network([CellTower(740, 1, 10278, 45142), CellTower(740, 1, 10278, 26311)]))
        self.assertEqual(position.attributes, {"battery": 0x292} | IDLE)
        self.assertEqual(positions(Talk(h02, "udp").say(data.encode())), [position])
        self.assertEqual(told(h02, f"{data},1#".encode()), [])
        with self.assertRaises(BAD_FRAME):
            told(h02, data.replace(",02,", ",03,").encode() + b"#")

    def test_person_cells(self) -> None:
        """VP1 of a person without a fix names cells."""
        position = one(b"*hq,356327081001239,VP1,V,470,002,92,3565,0Y92,19433,30Y92,1340,-29#")
        cells = [CellTower(470, 2, 92, 3565, 0), CellTower(470, 2, 92, 19433, -30), CellTower(470, 2, 92, 1340, -29)]
        self.assertEqual(position, Position(outdated=True, network=Network(cells)))
        self.assertEqual(one(b"*hq,356327081001239,VP1,V,470,002,92,3565,0,xYY#").network, Network(cells[:1]))
        for told_cells in (b"92,3565,0Y92,19433", b"92,3565,0YY92,19433,30", b"92,3565,"):
            with self.assertRaises(BAD_FRAME):
                told(h02, b"*hq,356327081001239,VP1,V,470,002," + told_cells + b"#")

    def test_person(self) -> None:
        """VP1 with a fix has a date only, and is always valid."""
        for letter in "AB":
            position = one(f"*hq,356327080425330,VP1,{letter},2702.7245,S,15251.9311,E,0.48,10.5,080917#".encode())
            time = datetime(2017, 9, 8, tzinfo=UTC)
            self.assertEqual((position.valid, position.fix_time), (True, time))
            self.assertEqual((position.latitude, position.longitude), (-(27 + 2.7245 / 60), 152 + 51.9311 / 60))
            self.assertEqual((position.speed, position.course), (0.48, 10.5))
        self.assertEqual(told(h02, b"*HQ,356327080425330,VP1,A,2702.7245,S,15251.9311,E,0.48,10.5,080917#"), [])

    def test_words(self) -> None:
        """SMS is an answer in words, line ends included."""
        position = one(f"*HQ,{ID},SMS,ST906\nVOLT:12.9V,\xe9#".encode("latin-1"))
        self.assertEqual(position, Position(outdated=True, attributes={"result": "ST906\nVOLT:12.9V,\xe9"}))
        self.assertEqual(told(h02, f"*HQ,{ID},SMS,#".encode()), [])

    def test_damage(self) -> None:
        """Whatever bytes come, nothing but the errors of a bad frame is raised."""
        chance = random.Random(2)
        good = [
            v(f"220902,{STATUS},69129336,-4,100.0,-18,5141,5A20", head="V4,S20,DONE,050316,A"),
            SHORT,
            WIDE,
            f"*HQ,{ID},NBR,103732,722,310,0,6,8106,32010,23,8106,22010,25,100217,{STATUS},5#".encode(),
            f"*HQ,{ID},V3,095426,74001,01,010278,045142,128,-92,0292,0,X,090517,{STATUS}#".encode(),
            b"*hq,356327081001239,VP1,V,470,002,92,3565,0Y92,19433,30Y92,1340,29#",
            f"*HQ,{ID},LINK,180902,15,7,84,12,3,240517,{STATUS}#".encode(),
        ]
        errors = 0
        for _ in range(3000):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(1, len(data))] = chance.choice((chance.randrange(256), *b"0123456789,-.#"))
            try:
                Talk(h02, "udp").say(bytes(data[: chance.randrange(8, len(data) * 2)]))
            except BAD_FRAME:
                errors += 1
        self.assertGreater(errors, 50)


class CommandTests(SynchronousTestCase):
    def send(self, type: str, device: dict[str, Any] | None = None, **attributes: Any) -> bytes | None:
        session = Session(h02, now=NOW, zone=timezone(timedelta(hours=2)))
        session.device = Device("123456789012345", attributes=device or {})
        return commands.encode(h02, Command(type, attributes), session)

    def test_commands(self) -> None:
        """Commands carry the server's local time."""
        for type, text in (
            ("alarmArm", "SCF,143456,0,0"),
            ("alarmDisarm", "SCF,143456,1,1"),
            ("engineStop", "S20,143456,1,1"),
            ("engineResume", "S20,143456,1,0"),
        ):
            self.assertEqual(self.send(type), f"*HQ,123456789012345,{text}#".encode())

    def test_interval(self) -> None:
        """The interval has two forms, and is needed."""
        self.assertEqual(self.send("positionPeriodic", frequency=10), b"*HQ,123456789012345,S71,143456,22,10#")
        self.assertEqual(
            self.send("positionPeriodic", {"h02.alternative": True}, frequency=10),
            b"*HQ,123456789012345,D1,143456,10#",
        )
        for refused in ("positionPeriodic", "rebootDevice"):
            with self.assertRaises(Unsupported):
                self.send(refused)
        with self.assertRaises(Unsupported):
            self.send("positionPeriodic", frequency=None)

    def test_custom(self) -> None:
        """Any text goes out as it is."""
        self.assertEqual(self.send("custom", data="STATUS#\\r\\n"), b"STATUS#\r\n")
