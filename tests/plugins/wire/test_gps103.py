"""
GPS103 by frames of its description.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.gps103 import gps103
from tests.plugins.wire.talk import NOW, Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
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
    WireError,
)

ID = "359587010124900"
PLACE = "A,2234.4669,N,11354.3287,E"


def fix(
    tail: str = ",0.11,321.53", keyword: str = "tracker", local: str = "0809231929", utc: str = "112909.397"
) -> bytes:
    return f"imei:{ID},{keyword},{local},13554900601,F,{utc},{PLACE}{tail},;".encode()


def no_fix(tail: str = "", keyword: str = "tracker", local: str = "0809231929", card: str = "") -> bytes:
    return f"imei:{ID},{keyword},{local},{card},L,{tail};".encode()


def one(data: bytes, **talk: Any) -> Position:
    (position,) = positions(told(gps103, data, **talk))
    return position


def attributes(data: bytes) -> dict[str, Any]:
    return one(data).attributes


class CutterTests(SynchronousTestCase):
    def test_delimiters(self) -> None:
        """Frames keep the line end, semicolon or star at which they end."""
        assert gps103.split is not None
        frames = Frames(gps103.split, gps103.limit)
        self.assertEqual(list(frames.feed(b"a;b\r\nc\nd*\re;f")), [b"a;", b"b\r\n", b"c\n", b"d*", b"\re;"])

    def test_limit(self) -> None:
        """A frame has at most 32768 bytes before its end, which may come apart."""
        for end in ((b";",), (b"\r\n",), (b"\r", b"\n")):
            talk = Talk(gps103)
            reads = (b"1" * 32768 + end[0], *end[1:])
            self.assertEqual([output for data in reads for output in talk.say(data)], [Reply(b"ON")])
        with self.assertRaises(WireError):
            Talk(gps103).say(b"1" * 32769 + b";")


class GreetingTests(SynchronousTestCase):
    def test_handshake(self) -> None:
        """A short message with an IMEI is answered, whoever sends it, and binds the connection."""
        for data in (f"##,imei:{ID},A;", f"imei:{ID},L,*", f"1,imei:{ID},;"):
            self.assertEqual(told(gps103, data.encode()), [Reply(b"LOAD"), Login((ID,))])
        self.assertEqual(told(gps103, b"##,imei:1,A;", known=()), [Reply(b"LOAD"), Login(("1",))])
        self.assertEqual(told(gps103, b"imei:;"), [Reply(b"LOAD")])

    def test_keep_alive(self) -> None:
        """A number is answered; what follows it from the IMEI on is a message."""
        self.assertEqual(told(gps103, f"{ID};".encode(), known=()), [Reply(b"ON")])
        outputs = told(gps103, b"12 " + fix())
        self.assertEqual(outputs, [Reply(b"ON"), *told(gps103, fix())])

    def test_short(self) -> None:
        """What is too short for any message is an error, a line end alone too."""
        for data in (b"\r\n", b"abc;", b"12345678901234567890123;abc;", b"x" * 22 + b";"):
            with self.assertRaises(WireError):
                told(gps103, data)
        self.assertEqual(told(gps103, b"x" * 23 + b";"), [])


class ReportTests(SynchronousTestCase):
    def test_fix(self) -> None:
        """Local date and UTC clock together are the time."""
        login, position = told(gps103, fix())
        time = datetime(2008, 9, 23, 11, 29, 9, tzinfo=UTC)
        place = 22 + 34.4669 / 60, 113 + 54.3287 / 60
        self.assertEqual(login, Login((ID,)))
        self.assertEqual(position, Position(time, time, True, *place, speed=0.11, course=321.53))

    def test_strangers(self) -> None:
        """Nothing is said of a device that is not known, and its call for help is not answered."""
        self.assertEqual(told(gps103, fix(keyword="help me"), known=()), [Login((ID,))])

    def test_times(self) -> None:
        """The clocks differ by the zone, less than half a day; seconds are those of the UTC clock."""
        for local, utc, time in (
            ("181217080050", "080047.000", (2018, 12, 17, 8, 0, 47)),
            ("13/02/27 23:40", "125952", (2013, 2, 27, 12, 59, 52)),
            ("2001010030", "183009.5", (2019, 12, 31, 18, 30, 9)),
            ("2001012330", "053009", (2020, 1, 2, 5, 30, 9)),
            ("2001011200", "000000", (2020, 1, 1, 0, 0, 0)),
            ("2001010000", "120000", (2019, 12, 31, 12, 0, 0)),
            ("150420050648", "0.0", (2015, 4, 20, 5, 6, 0)),
            ("150420050648", "", (2015, 4, 20, 5, 6, 0)),
            ("000000000", "", (1999, 11, 30, 0, 0, 0)),
            ("", "061530", (1999, 11, 30, 6, 15, 30)),
        ):
            position = one(fix(local=local, utc=utc))
            self.assertEqual((local, utc, position.fix_time), (local, utc, datetime(*time, tzinfo=UTC)))
            self.assertEqual(position.device_time, position.fix_time)

    def test_sides(self) -> None:
        """Hemispheres stand before or after the number, and the one after counts."""
        for place, latitude, longitude in (
            ("V,2230.0000,S,11330.0000,W", -22.5, -113.5),
            ("V,S,2230.0000,W,11330.0000,", -22.5, -113.5),
            ("V,S,2230.0000,N,E,11330.0000,W", 22.5, -113.5),
            ("V,2230.0000,11330.0000,", 22.5, 113.5),
            ("V,S,2230.0000,E,11330.0000", -22.5, 113.5),
        ):
            position = one(fix().replace(PLACE.encode(), place.encode()))
            self.assertEqual((place, position.latitude, position.longitude), (place, latitude, longitude))
            self.assertEqual((position.valid, position.speed), (False, 0.11))

    def test_bad_places(self) -> None:
        """A text that does not fit is passed over, a place that is none is an error."""
        for place in ("B,2230.0000,S,11330.0000,W", "A,30.0000,S,11330.0000,W", "A,2230,S,11330,W"):
            self.assertEqual(told(gps103, fix().replace(PLACE.encode(), place.encode())), [])
        with self.assertRaises(WireError):
            told(gps103, fix().replace(b"2234", b"9234"))

    def test_motion(self) -> None:
        """Numbers that are missing are 0."""
        for tail, speed, course, altitude in (
            ("", 0.0, 0.0, 0.0),
            (",0.00,202.6,-0.1", 0.0, 202.6, -0.1),
            (",1.4,,175.9", 1.4, 0.0, 175.9),
            (",15.,0", 15.0, 0.0, 0.0),
            (",x,7,8", 0.0, 0.0, 0.0),
        ):
            position = one(fix(tail))
            self.assertEqual((position.speed, position.course, position.altitude), (speed, course, altitude))

    def test_additions(self) -> None:
        """Ignition, door, fuel and temperature; what does not fit is passed over without its comma."""
        both = {"ignition": False, "door": False}
        for tail, found in (
            (",0,0,,1,0,31.37%,51442", {"ignition": True, "door": False, "fuel1": 31.37}),
            (",0,0,,0,0,0.00%,0.5%,+22", both | {"fuel1": 0.0, "fuel2": 0.5, "temp1": 22}),
            (",0,0,,0,0,51.93%,,-4", both | {"fuel1": 51.93, "temp1": -4}),
            (",0,0,,0,0,0.0,0.0", both | {"temp1": 0}),
            (",0,0,,1,0,10.5%,P0021", {"ignition": True, "door": False, "fuel1": 10.5}),
            (",0,0,,0,0,10%", both | {"temp1": 10}),
            (",0,0,,,,51.6,41.7", {"temp1": 51}),
            (",0,0,-0.1,1,,,,20", {"ignition": True, "temp1": 20}),
            (",0,0,,2,1", {}),
        ):
            self.assertEqual((tail, attributes(fix(tail))), (tail, found))

    def test_keywords(self) -> None:
        """Keywords are alarms, states, or else events."""
        for keyword, found in (
            ("tracker", {}),
            ("", {}),
            ("low battery", {"alarm": "lowBattery"}),
            ("stockade", {"alarm": "geofence"}),
            ("footbrake alarm", {"alarm": "footBrake"}),
            ("DTC", {"alarm": "fault"}),
            ("T:+28.5", {"alarm": "temperature", "temp1": 28.5}),
            ("oil", {"alarm": "fuelLeak"}),
            ("oil 51.67", {"alarm": "fuelLeak", "fuel": 51.67}),
            ("acc on", {"ignition": True}),
            ("acc off", {"ignition": False}),
            ("acc alarm", {"event": "acc alarm"}),
            ("001", {"event": "001"}),
            ("rfid", {"event": "rfid", "driverUniqueId": "13554900601"}),
            ("vt14", {}),
        ):
            self.assertEqual((keyword, attributes(fix(keyword=keyword))), (keyword, found))
        self.assertEqual(attributes(fix(",0,0,,1,,,,-4", keyword="acc off")), {"ignition": True, "temp1": -4})
        self.assertEqual(attributes(fix(",0,0,,,,,,11", keyword="T:+10"))["temp1"], 11)
        with self.assertRaises(BAD_FRAME):
            told(gps103, fix(keyword="T:hot"))

    def test_no_fix(self) -> None:
        """Without a fix there may be a cell; the country is configured."""
        settings = {"geolocation.mcc": 262, "geolocation.mnc": "2"}
        self.assertEqual(one(no_fix()), Position(outdated=True))
        position = one(no_fix(",,296a,,51F7,,,0,0", keyword="ac alarm"), settings=settings)
        network = Network([CellTower(262, 2, 0x296A, 0x51F7)])
        self.assertEqual(position, Position(outdated=True, network=network, attributes={"alarm": "powerCut"}))
        self.assertEqual(attributes(no_fix(keyword="rfid", card="77")), {"event": "rfid", "driverUniqueId": "77"})
        self.assertIsNone(one(no_fix(",,296a,,,,,")).network)

    def test_help(self) -> None:
        """A call for help is answered."""
        for data in (fix(keyword="help me"), no_fix(keyword="help me", local="")):
            _, position, reply = told(gps103, data)
            assert isinstance(position, Position)
            self.assertEqual(position.attributes, {"alarm": "sos"})
            self.assertEqual(reply, Reply(f"**,imei:{ID},E;".encode()))


class OtherTests(SynchronousTestCase):
    def test_diagnosis(self) -> None:
        """What a vehicle tells; load and throttle are texts."""
        head = f"imei:{ID},OBD,180301094003,"
        position = one(f"{head}5000000,0.00,1.5,98,18,68.63%,+55,25.10%,01368,14.24,U1108,P0021,,;".encode())
        full = {
            "odometer": 5000000,
            "fuelConsumption": 1.5,
            "hours": 352800000,
            "obdSpeed": 18,
            "engineLoad": "68.63%",
            "coolantTemp": 55,
            "throttle": "25.10%",
            "rpm": 1368,
            "battery": 14.24,
            "dtcs": "U1108 P0021",
        }
        time = datetime(2018, 3, 1, 9, 40, 3, tzinfo=UTC)
        self.assertEqual(position, Position(time, outdated=True, attributes=full))
        for temperature in ("", "+", "-"):
            self.assertEqual(
                attributes(f"{head},,,,000,0.0%,{temperature},0%,00000,12.6,,,,;".encode()),
                {
                    "odometer": 0,
                    "fuelConsumption": 0.0,
                    "obdSpeed": 0,
                    "engineLoad": "0.0%",
                    "throttle": "0%",
                    "rpm": 0,
                    "battery": 12.6,
                },
            )
        self.assertEqual(told(gps103, f"{head},,0.0,,000,0.0%,+,0.0%,00000,,,,,;".encode()), [])

    def test_environment(self) -> None:
        """The alternative form, in which dashes are absent."""
        head = f"imei:{ID},Equipo 1,"
        tail = "214734,241018,26,1,-33.42317,-70.61930,067,229,-0674,1.00,08,0,1,"
        time = datetime(2018, 10, 24, 21, 47, 34, tzinfo=UTC)
        position = one(f"{head}---,------,----,{tail}---,*".encode())
        found = {"rssi": 26, "hdop": 1.0, "sat": 8, "ignition": False, "charge": True}
        expected = Position(time, time, True, -33.42317, -70.6193, -674.0, 67 * 0.539957, 229.0, attributes=found)
        self.assertEqual(position, expected)
        told_more = {"event": "open", "sensorId": "S-1", "sensorVoltage": 3.3, "error": "E12,*"}
        self.assertEqual(attributes(f"{head}open,S-1,3.3,{tail}E12,*".encode()), found | told_more)
        self.assertFalse(one(f"{head}-,-,-,{tail}-,*".replace("26,1", "26,0").encode()).valid)
        self.assertEqual(told(gps103, f"imei:{ID},,-,-,-,{tail}-,*".encode()), [])

    def test_star(self) -> None:
        """A report is cut at a star, and what stands before it is no alternative form."""
        self.assertEqual(told(gps103, fix(",0,0*0,0").rpartition(b"0,0,;")[0]), [])


def packet(index: int, data: bytes) -> bytes:
    return f"imei:{ID},vr,{(index.to_bytes(2, 'little') + b'LL' + data + b'cc').hex()};".encode()


class PhotoTests(SynchronousTestCase):
    def photos(self, *reads: bytes) -> list[Output]:
        talk = Talk(gps103)
        return [output for data in reads for output in talk.say(data) if not isinstance(output, Login)]

    def test_photo(self) -> None:
        """A photo is whole when as many packets are there as were announced."""
        report, done = self.photos(fix(keyword="vt3"), packet(0, b"ab"), packet(1, b""), packet(2, b"c"))
        assert isinstance(done, Position)
        picture = done.attributes["image"]
        assert isinstance(picture, Media)
        self.assertEqual((done.outdated, picture.data, picture.extension), (True, b"abc", "jpg"))

    def test_again(self) -> None:
        """An announcement begins a new photo."""
        *_, done = self.photos(fix(keyword="vt2"), packet(0, b"ab"), fix(keyword="vt1"), packet(0, b"x"))
        assert isinstance(done, Position)
        self.assertEqual(done.attributes["image"].data, b"x")

    def test_not_announced(self) -> None:
        """A packet that nothing announced is an error, and so is one without its frame."""
        with self.assertRaises(WireError):
            self.photos(packet(0, b"ab"))
        with self.assertRaises(WireError):
            self.photos(fix(keyword="vt1"), packet(0, b"ab"), packet(1, b"ab"))
        for bad in (b"0000000000;", b"000000000000a;", b"zz0000000000;"):
            with self.assertRaises(BAD_FRAME):
                self.photos(fix(keyword="vt1"), f"imei:{ID},vr,".encode() + bad)

    def test_strangers(self) -> None:
        """Photos of devices that are not known are passed over."""
        self.assertEqual(Talk(gps103, known=()).say(packet(0, b"ab")), [Login((ID,))])

    def test_limit(self) -> None:
        """A photo has a limit."""
        talk = Talk(gps103, settings={"media.bufferSize": 10})
        talk.say(fix(keyword="vt9") + packet(0, b"0123456789"))
        with self.assertRaises(WireError):
            talk.say(packet(1, b"0"))

    def test_damage(self) -> None:
        """Whatever bytes come, nothing but the errors of a bad frame is raised."""
        chance = random.Random(103)
        good = [
            fix(",0.11,321.53,5,1,0,31.37%,2.0%,+22", keyword="T:+28.5"),
            no_fix(",,296a,,51F7,,,0,0", keyword="help me"),
            packet(3, bytes(range(40))),
            f"imei:{ID},OBD,180301094003,5000000,0.00,1.5,98,18,68.63%,+55,25.10%,01368,14.24,U1108,,,;".encode(),
            f"imei:{ID},E,-,-,1,214734,241018,26,1,-33.4,-70.6,067,229,-0674,1.00,08,0,1,-,*".encode(),
        ]
        errors = 0
        for _ in range(3000):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.choice((chance.randrange(256), *b"0123456789,.:-"))
            try:
                Talk(gps103, "udp").say(bytes(data[: chance.randrange(8, len(data) * 3)]))
            except BAD_FRAME:
                errors += 1
        self.assertGreater(errors, 50)


class CommandTests(SynchronousTestCase):
    def send(self, type: str, **attributes: Any) -> bytes | None:
        session = Session(gps103, now=NOW, device=Device("123456789012345"))
        return commands.encode(gps103, Command(type, attributes), session)

    def test_commands(self) -> None:
        """A letter behind the IMEI, without a delimiter."""
        for type, text in (
            ("positionSingle", "B"),
            ("positionStop", "D"),
            ("engineStop", "J"),
            ("engineResume", "K"),
            ("alarmArm", "L"),
            ("alarmDisarm", "M"),
            ("requestPhoto", "160"),
            ("custom", ""),
        ):
            self.assertEqual(self.send(type), f"**,imei:123456789012345,{text}".encode())
        self.assertEqual(self.send("custom", data="A\\r"), b"**,imei:123456789012345,A\\r")

    def test_intervals(self) -> None:
        """The interval is told in whole hours, minutes or seconds."""
        for seconds, text in ((7, "07s"), (0, "00s"), (60, "01m"), (300, "05m"), (3599, "59m"), (5400, "01h")):
            sent = self.send("positionPeriodic", frequency=seconds)
            self.assertEqual(sent, f"**,imei:123456789012345,C,{text}".encode())
        for attributes in ({}, {"frequency": "soon"}):
            with self.assertRaises(Unsupported):
                self.send("positionPeriodic", **attributes)
