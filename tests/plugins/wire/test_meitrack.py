"""
Meitrack's messages, built here after their description.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.meitrack.meitrack import meitrack
from tests.plugins.wire.talk import Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.checksums import sum8_hex
from trackd.wire.format import BAD_FRAME, Session
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

ID = "353358017784062"
LOGIN = Login((ID,))
TIME = datetime(2015, 2, 8, 17, 34, 14, tzinfo=UTC)
SINCE_2000 = 476_732_054  # the same in seconds since 2000


def frame(content: bytes, flag: bytes = b"A", id: str = ID) -> bytes:
    """A message with its envelope."""
    body = b"," + id.encode() + b"," + content + b"*"
    data = b"$$" + flag + str(len(body) + 4).encode() + body
    return data + sum8_hex(data).encode() + b"\r\n"


FIX = b"54.739468,25.273648,150208173414,A,5,24,10,73,1.5,165,74,3381"


def line(
    event: int = 35,
    analog: str = "0003|0003|0000|08D4|0002",
    tail: str = "",
    *,
    fix: bytes = FIX,
    cell: str = "246|1|0065|118A",
    io: str = "0102",
    kind: str = "AAA",
) -> bytes:
    """A location as text."""
    return frame(f"{kind},{event},{fix.decode()},{cell},{io},{analog},{tail}".encode())


def one(data: bytes, **talk: Any) -> Position:
    (position,) = positions(told(meitrack, data, **talk))
    return position


def attributes(data: bytes, **talk: Any) -> dict[str, Any]:
    return one(data, **talk).attributes


def replies(outputs: list[Output]) -> list[bytes]:
    return [output.data for output in outputs if isinstance(output, Reply)]


PLAIN = {
    "event": 35,
    "sat": 5,
    "hdop": 1.5,
    "odometer": 74,
    "runtime": "3381",
    "input": 1,
    "output": 2,
    "adc1": 3,
    "adc2": 3,
    "adc3": 0,
    "battery": 22.6,
    "power": 0.02,
}


def extra(data: bytes, **talk: Any) -> dict[str, Any]:
    """The attributes that a text has beside those which all have."""
    return {name: value for name, value in attributes(data, **talk).items() if PLAIN.get(name) != value}


class CuttingTests(SynchronousTestCase):
    def test_frames(self) -> None:
        """The length counts from the first comma to the line end; the flag may be any byte."""
        stream = frame(b"AAC,1", b"z") + frame(b"AAC,1", b"\xff") + frame(b"D82,0")
        self.assertEqual(len(told(meitrack, stream)), 4)

    def test_hopeless(self) -> None:
        """A length that is no number, or leads nowhere, breaks the stream."""
        for data in (b"$$Ax7,353358017784062,AAC", b"$$A-9,353358017784062,AAC", b"$$A" + b"7" * 33000):
            with self.assertRaises(WireError):
                Talk(meitrack).say(data)

    def test_datagram(self) -> None:
        """The length of a datagram is not looked at, nor must it end with a line end."""
        data = line()[:-2].replace(b"$$A", b"$$A9")
        self.assertEqual(attributes_of_datagram(data), PLAIN)

    def test_several_in_a_datagram(self) -> None:
        """Of several texts in one datagram the first counts."""
        self.assertEqual(attributes_of_datagram(line(35, tail="1,,3,0008") + line(1)), PLAIN)

    def test_short(self) -> None:
        """Fifteen bytes of id must be there."""
        for data in (b"", b"$$A28,12345", b"$$A28,35335801778406"):
            with self.assertRaises(BAD_FRAME):
                Talk(meitrack, "udp").say(data)


def attributes_of_datagram(data: bytes) -> dict[str, Any]:
    (position,) = positions(Talk(meitrack, "udp").say(data))
    return position.attributes


class LocationTests(SynchronousTestCase):
    def test_fix(self) -> None:
        """A text is a fix with the cell, whose signal stands before it."""
        self.assertEqual(
            told(meitrack, line()),
            [
                LOGIN,
                Position.at(
                    TIME,
                    valid=True,
                    latitude=54.739468,
                    longitude=25.273648,
                    altitude=165.0,
                    speed=10 * 0.539957,
                    course=73.0,
                    network=Network([CellTower(246, 1, 0x65, 0x118A, -24)]),
                    attributes=PLAIN,
                ),
            ],
        )

    def test_types(self) -> None:
        """Values of clients' interest keep their types."""
        found = attributes(line())
        self.assertEqual(
            {name: type(found[name]) for name in ("event", "hdop", "odometer", "runtime", "adc1", "power")},
            {"event": int, "hdop": float, "odometer": int, "runtime": str, "adc1": int, "power": float},
        )

    def test_packet(self) -> None:
        """The number of a packet before the event is passed over; ids have any number of digits."""
        data = frame(b"AFF,0004,34," + FIX + b",240|24|88B9|E435,0000,|||0A22|0000,", id="79007001520234")
        self.assertEqual((told(meitrack, data)[0], attributes(data)["event"]), (Login(("79007001520234",)), 34))

    def test_invalid(self) -> None:
        """V is no fix, whose place counts as it is sent; parts of the time roll over."""
        position = one(line(fix=b"-5.5,-6.5,151332250000,V,0,0,0,0,0,-7,0,0"))
        self.assertEqual(
            (position.valid, position.latitude, position.longitude, position.altitude), (False, -5.5, -6.5, -7.0)
        )
        self.assertEqual(position.fix_time, datetime(2016, 2, 2, 1, 0, tzinfo=UTC))

    def test_cells(self) -> None:
        """A cell needs both codes; area and cell may be empty."""
        self.assertEqual(one(line(cell="246|1||")).network, Network([CellTower(246, 1, 0, 0, -24)]))
        for cell in ("0|1|1|1", "246|0|1|1"):
            self.assertIsNone(one(line(cell=cell)).network)

    def test_alarms(self) -> None:
        """Some events are alarms, the others are not."""
        expected = {
            1: "sos",
            17: "lowBattery",
            18: "lowPower",
            19: "overspeed",
            20: "geofenceEnter",
            21: "geofenceExit",
            22: "powerRestored",
            23: "powerCut",
            36: "tow",
            44: "jamming",
            78: "accident",
            90: "hardCornering",
            91: "hardCornering",
            129: "hardBraking",
            130: "hardAcceleration",
            135: "fatigueDriving",
        }
        found = {event: attributes(line(event)).get("alarm") for event in range(150)}
        self.assertEqual({event: alarm for event, alarm in found.items() if alarm}, expected)

    def test_volts(self) -> None:
        """Five decimals are volts, of battery and supply; the tail behind them is not looked at."""
        found = attributes(line(37, "4.33|12.96|1.92|2.72|2.69", "00A1,,3,0008"))
        self.assertEqual((found["battery"], found["power"]), (4.33, 12.96))
        self.assertEqual({"adc1", "fuel", "driverUniqueId"} & set(found), set())

    def test_analog(self) -> None:
        """Inputs may be empty; then so is their attribute, but not that of the supply."""
        found = attributes(line(analog="|1f||A2D|"))
        self.assertEqual((found["adc2"], found["battery"], found["power"]), (31, 26.05, 0.0))
        self.assertEqual({"adc1", "adc3"} & set(found), set())
        self.assertEqual(told(meitrack, line(analog="1|2|3||5")), [])

    def test_models(self) -> None:
        """Each model has its own way to tell battery and supply."""
        expected: dict[str, tuple[float, float]] = {
            "MVT380": (0x400 * 3.0 * 2 / 1024, 0x100 * 3.0 * 16 / 1024),
            "mvt340": (0x400 * 3.0 * 2 / 1024, 0x100 * 3.0 * 16 / 1024),
            "MT90": (0x400 * 3.3 * 2 / 4096, 0x100),
            "MT90G": (0x400 * 3.0 * 2 / 4096, 0x100),
            "TC68S": (0x400 * 3.3 * 2 / 4096, 0x100 * 3.3 * 16 / 4096),
            "T1": (0x400 * 3.3 * 2 / 4096, 0x100 * 3.3 * 16 / 4096),
            "T399": (10.24, 2.56),
        }
        for model, values in expected.items():
            found = attributes(line(analog="|||400|100"), model=model)
            self.assertEqual((found["battery"], found["power"]), values, model)
            self.assertIs(type(found["power"]), int if model.startswith("MT90") else float, model)

    def test_tail(self) -> None:
        """Event information, version, fuel, temperature: with and without the first."""
        self.assertEqual(extra(line(tail="00A1,,1,0008")), {"eventData": "00A1", "fuel": 0.08})
        self.assertEqual(extra(line(37, tail="00A1,,1,6450")), {"event": 37, "driverUniqueId": "00A1", "fuel": 100.8})
        self.assertEqual(extra(line(tail=",3,0000")), {"fuel": 0.0})
        self.assertEqual(extra(line(tail=",3,")), {})
        self.assertEqual(extra(line(tail="00A1,,3,,")), {"eventData": "00A1"})

    def test_temperature(self) -> None:
        """Its form depends on the version, and more than one sensor is a large number."""
        for tail, expected in {
            ",,3,,06FB2E": {"temp6": -12.34},
            ",,3,,06fb2e": {"temp6": -12.34},
            ",1,,001206": {"temp0": 18.06},
            ",,,,011206": {"temp1": 18.06},
            ",3,,010001020003": {"temp1": 0.03},
            ",1,,011201000000": {"temp1": 18 + 0x1000000 * 0.01},
        }.items():
            self.assertEqual(extra(line(tail=tail)), expected, tail)
        for tail in (",1,,018006", ",3,,018000000000", ",99999999999,"):
            with self.assertRaises(BAD_FRAME):
                one(line(tail=tail))

    def test_other_tails(self) -> None:
        """Of a tail that has another form nothing is taken, also of what would fit."""
        for tail in (
            "",
            ",",
            "00000001,,50,,,,,,,,",
            "00000011,",
            "A,,3,0008,06FB2E|07FB2E",
            "A,,3,00080",
            "A,,3,0008,,7",
        ):
            self.assertEqual(extra(line(tail=tail)), {}, tail)

    def test_data(self) -> None:
        """Data fields: a text of a temperature sensor, and a taximeter."""
        head = ",,108,0000,,6,"
        self.assertEqual(
            extra(line(tail=head + "0,AB,,,,11|171207091500|171207091501|78|3500|000000|000003,7")),
            {
                "fuel": 0.0,
                "tempData": "AB",
                "taximeterOn": False,
                "taximeterStart": "171207091500",
                "taximeterEnd": "171207091501",
                "taximeterDistance": 78,
                "taximeterFare": 3500,
                "taximeterTrip": "000000",
                "taximeterWait": "000003",
            },
        )
        self.assertEqual(
            extra(line(tail=head + ",,,,,00|1712")), {"fuel": 0.0, "taximeterOn": True, "taximeterStart": "1712"}
        )
        self.assertEqual(extra(line(tail=head)), {"fuel": 0.0})
        for meter in ("0|1", "00", "|", "00|1|2|3", "00|1|2|x|4|5|6"):
            with self.assertRaises(BAD_FRAME):
                one(line(tail=f"{head},,,,,{meter}"))

    def test_too_large(self) -> None:
        """Numbers beyond 32 bits and places beyond the poles are errors."""
        for data in (
            line(99999999999),
            line(cell="246|1|FFFFFFFF|1"),
            line(analog="|||80000000|"),
            line(fix=FIX.replace(b"54.7", b"94.7")),
            line(fix=FIX.replace(b",74,", b",4294967295,")),
        ):
            with self.assertRaises(BAD_FRAME):
                one(data)

    def test_long(self) -> None:
        """A number that ends wrongly is given up soon."""
        for fix in (FIX.replace(b",10,", b",%bx," % (b"1" * 32000)), FIX.replace(b",1.5,", b",%bx," % (b"1" * 32000))):
            self.assertEqual(Talk(meitrack).say(line(fix=fix)), [])

    def test_decimals(self) -> None:
        """Speed and hdop may do without decimals, or even without any behind the point."""
        for speed, hdop in (("10", "2"), ("10.", "2."), ("10.0", "2.00")):
            position = one(
                line(fix=FIX.replace(b",10,", b",%b," % speed.encode()).replace(b",1.5,", b",%b," % hdop.encode()))
            )
            self.assertEqual((position.speed, position.attributes["hdop"]), (10 * 0.539957, 2.0))
            self.assertIs(type(position.attributes["hdop"]), float)

    def test_others(self) -> None:
        """What is no location, like the answer to a command, says nothing, and strangers neither."""
        self.assertEqual(told(meitrack, frame(b"C01,OK") + frame(b"A10,OK")), [])
        self.assertEqual(told(meitrack, line(), known=()), [LOGIN])


RECORD = (
    pack("<BiiIBBB", 35, -7_266_504, 112_743_651, SINCE_2000, 1, 9, 19)
    + pack("<HHHHII", 100, 270, 12, 65535, 80083, 3_000_000_000)
    + pack("<HHHHHHHHI", 510, 1, 13572, 60414, 2, 5, 419, 1201, 0)
)


def fixed(*records: bytes) -> bytes:
    return frame(b"CCC," + pack("<BBHI", 2, 1, 52, 1) + b"".join(records), b"X")


class FixedTests(SynchronousTestCase):
    def test_record(self) -> None:
        """A record is a fix, always with a cell; its event is no alarm."""
        self.assertEqual(
            told(meitrack, fixed(RECORD)),
            [
                LOGIN,
                Position.at(
                    TIME,
                    valid=True,
                    latitude=-7.266504,
                    longitude=112.743651,
                    altitude=65535.0,
                    speed=53.9957,
                    course=270.0,
                    network=Network([CellTower(510, 1, 13572, 60414, -19)]),
                    attributes={
                        "event": 35,
                        "sat": 9,
                        "hdop": 1.2,
                        "odometer": 80083,
                        "runtime": 3_000_000_000,
                        "status": 2,
                        "adc1": 5,
                        "battery": 4.19,
                        "power": 1201,
                    },
                ),
                Reply(b"@@X27,353358017784062,CCC,1*F7\r\n"),
            ],
        )
        self.assertFalse(one(fixed(RECORD[:13] + b"\2" + RECORD[14:])).valid)

    def test_count(self) -> None:
        """The answer counts the records, also none; its length is one too many from 20 on."""
        for count, head in ((0, b"27"), (9, b"27"), (10, b"28"), (20, b"29")):
            (reply,) = replies(told(meitrack, fixed(*[RECORD] * count)))
            self.assertTrue(reply.startswith(b"@@X%b,353358017784062,CCC,%d*" % (head, count)), reply)

    def test_stranger(self) -> None:
        """A stranger gets no answer."""
        self.assertEqual(told(meitrack, fixed(RECORD), known=()), [LOGIN])


def group(width: str, *values: tuple[int, int]) -> bytes:
    ids = [(pack(">H", id) if id > 255 else bytes((id,)), value) for id, value in values]
    return bytes((len(values),)) + b"".join(id + pack("<" + width, value) for id, value in ids)


def other(*values: tuple[int, bytes]) -> bytes:
    ids = [(pack(">H", id) if id > 255 else bytes((id,)), data) for id, data in values]
    return bytes((len(values),)) + b"".join(id + bytes((len(data),)) + data for id, data in ids)


def records(*bodies: bytes) -> bytes:
    content = b"CCE," + pack("<IH", 7, len(bodies))
    return frame(content + b"".join(pack("<HH", len(body) + 2, 99) + body for body in bodies), b"[")


def record(
    ones: tuple[tuple[int, int], ...] = (),
    twos: tuple[tuple[int, int], ...] = (),
    fours: tuple[tuple[int, int], ...] = (),
    others: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    return group("B", *ones) + group("H", *twos) + group("I", *fours) + other(*others)


class ParameterTests(SynchronousTestCase):
    def test_fix(self) -> None:
        """A record is what its parameters say; the later of two wins."""
        body = record(
            ((0x05, 2), (0x06, 9), (0x07, 15), (0x01, 35)),
            ((0x08, 100), (0x09, 270), (0x0B, 0xFFF9), (0x40, 300)),
            ((0x02, 2**32 - 22_510_033), (0x03, 114_056_370), (0x04, SINCE_2000), (0x04, SINCE_2000)),
        )
        fix = Position.at(
            TIME,
            valid=True,
            latitude=-22.510033,
            longitude=114.05637,
            altitude=-7.0,
            speed=53.9957,
            course=270.0,
            attributes={"sat": 9, "rssi": 15, "event": 300},
        )
        self.assertEqual(told(meitrack, records(body)), [LOGIN, fix])
        self.assertEqual(told(meitrack, records(body, body)), [LOGIN, fix, fix])
        self.assertEqual(told(meitrack, records(body), known=()), [LOGIN])

    def test_without_fix(self) -> None:
        """What is missing is 0, and a record without a time has none."""
        self.assertEqual(one(records(record())), Position())

    def test_attributes(self) -> None:
        """Parameters have their names and conversions by their group."""
        twos = {0x0A: 12, 0x16: 150, 0x17: 151, 0x19: 413, 0x1A: 1250, 0x91: 40, 0x98: 7, 0x99: 900, 0x9C: 82, 0x9F: 27}
        fours = {0x0C: 89030, 0x0D: 4_294_967_295, 0x25: 12_345_678, 0x9B: 5, 0xA0: 1500, 0xFEF4: 3}
        body = record(
            ((0x14, 1), (0x15, 2), (0x97, 98), (0x9D, 32), (0xFE69, 96), (0x1B, 9), (0xFE90, 9)),
            (*twos.items(), (0x29, 3250), (0xC9, 62), (0x18, 1), (0xFE90, 1)),
            (*fours.items(), (0x1C, 1), (0xFE37, 1)),
        )
        found = attributes(records(body))
        expected = {
            "output": 1,
            "input": 2,
            "throttle": 98,
            "fuel": 32.5,
            "batteryLevel": 96,
            "hdop": 12,
            "adc1": 1.5,
            "adc2": 1.51,
            "battery": 4.13,
            "power": 12.5,
            "obdSpeed": 40,
            "rpm": 900,
            "coolantTemp": 82,
            "temp1": 27,
            "fuelConsumption": 62,
            "odometer": 89030,
            "runtime": 4_294_967_295,
            "driverUniqueId": "12345678",
            "obdOdometer": 5,
            "fuelUsed": 1.5,
            "hours": 180_000,
        }
        self.assertEqual(found, expected)
        self.assertEqual(
            {name: type(found[name]) for name in expected}, {name: type(expected[name]) for name in expected}
        )
        self.assertEqual(attributes(records(record(fours=((0xA2, 150),)))), {"fuelConsumption": 1.5})
        self.assertEqual(attributes(records(record(((0x9D, 5),)))), {"fuel": 5})

    def test_groups(self) -> None:
        """A parameter means nothing in a group that is not its own."""
        self.assertEqual(attributes(records(record(((0x19, 1),), ((0x01, 1),), ((0x06, 1),)))), {})

    def test_lock(self) -> None:
        """2 is locked, 0 says nothing, anything else is open."""
        self.assertEqual(
            [attributes(records(record(((0x47, value),)))).get("lock") for value in (0, 1, 2, 3)],
            [None, False, True, False],
        )

    def test_network(self) -> None:
        """Five cells and access points; equal ones count once."""
        cell = pack("<HHHIh", 460, 0, 10166, 70000, -71)
        self.assertEqual(
            one(
                records(
                    record(
                        others=(
                            (0x0E, cell),
                            (0x0F, cell),
                            (0x11, cell),
                            (0x13, bytes(12)),
                            (0x1D, bytes.fromhex("0A1B2C3D4E5F") + pack("<h", -60)),
                            (0x25, bytes(6) + pack("<h", 70)),
                        )
                    )
                )
            ).network,
            Network(
                [CellTower(460, 0, 10166, 70000, -71), CellTower(0, 0, 0, 0, 0)],
                [WifiAccessPoint("0a:1b:2c:3d:4e:5f", -60), WifiAccessPoint("00:00:00:00:00:00", -70)],
            ),
        )

    def test_sensors(self) -> None:
        """Thermometers, tags and batteries."""
        tag = b"\1\3abc" + bytes(6) + pack("<Bhh", 90, -640, 0x2080) + bytes(8)
        found = attributes(
            records(
                record(
                    others=(
                        (0x2A, b"\0" + pack("<h", -1234)),
                        (0x31, b"\0" + pack("<h", 2500)),
                        (0x4B, b"LTE"),
                        (0xFE79, b"..."),
                        (0xFE73, tag),
                        (0xFEA8, bytes((1, 50, 0, 60, 2, 70, 9))),
                    )
                )
            )
        )
        self.assertEqual(
            found,
            {
                "temp0": -12.34,
                "temp7": 25.0,
                "tagName": "abc",
                "tagBattery": 90,
                "tagTemp": -2.5,
                "tagHumidity": 32.5,
                "batteryLevel": 50,
                "battery3Level": 70,
            },
        )

    def test_pictures(self) -> None:
        """A camera's alarm names the picture, whose folder is its day."""
        for data, expected in {
            b"\2\7" + b"20250607122041.jpg": {"alarmType": 7, "image": "2025-06-07/20250607122041.jpg"},
            b"\2\7" + b"camera01.jpg": {"alarmType": 7, "image": "camera01/camera01.jpg"},
            b"\2\7.": {"alarmType": 7},
            b"\1\0" + b"whatever": {"alarmType": 0},
        }.items():
            self.assertEqual(attributes(records(record(others=((0xFE31, data),)))), expected)
        for data in (b"\2\7short", b"\2", b""):
            with self.assertRaises(BAD_FRAME):
                one(records(record(others=((0xFE31, data),))))

    def test_own_size(self) -> None:
        """Known parameters take their own size, whatever is written there, and records the size that they tell."""
        body = bytes(3) + b"\2\x2a\xff" + b"\0" + pack("<h", 100) + b"\x2b\0" + b"\0" + pack("<h", 200) + b"rubbish"
        self.assertEqual(
            [position.attributes for position in positions(told(meitrack, records(body, record(((0x01, 1),)))))],
            [{"temp0": 1.0, "temp1": 2.0}, {"event": 1}],
        )

    def test_overlap(self) -> None:
        """Records that lie in each other are read as long as that is not endless work."""
        first, second = pack("<HH", 7, 0) + b"\0\0\0\1\x2a", pack("<HH", 6, 0) + bytes(4)
        outputs = told(meitrack, frame(b"CCE," + pack("<IH", 0, 2) + first + second))
        self.assertEqual([position.attributes for position in positions(outputs)], [{"temp0": 0.0}, {}])
        with self.assertRaises(WireError):
            Talk(meitrack).say(frame(b"CCE," + pack("<IH", 0, 3000) + bytes(6000)))

    def test_cut_off(self) -> None:
        """Counts and lengths beyond the end are errors."""
        whole = records(record(((0x01, 1),), ((0x40, 1),), ((0x04, 1),), ((0x0E, bytes(12)), (0x4B, b"LTE"))))
        for end in range(len(whole) - 5):
            if end > 28:
                with self.assertRaises(BAD_FRAME, msg=end):
                    Talk(meitrack, "udp").say(whole[:end])
        for data in (b"\xff", bytes(3) + b"\xff", bytes(3) + b"\1\x4b\xff"):
            with self.assertRaises(BAD_FRAME):
                one(records(data))


def piece(index: int, total: int = 9, data: bytes = b"abc", file: str = "a.jpg") -> bytes:
    return frame(f"D00,{file},{total},{index},".encode() + data)


class PhotoTests(SynchronousTestCase):
    def test_start(self) -> None:
        """Whatever the answer to a photo command is, the first pieces are asked for, by strangers too."""
        for known in (None, ()):
            self.assertEqual(
                told(meitrack, frame(b"D03,OK"), known=known),
                [Reply(b"@@O46,353358017784062,D00,camera_picture.jpg,0*28\r\n")],
            )

    def test_photo(self) -> None:
        """Pieces are put together as they come, every eight of them are followed by a request, and the last ends it."""
        outputs = told(meitrack, frame(b"D03,OK"), *[piece(index, data=b"%d,*\r\n" % index) for index in range(9)])
        self.assertEqual(replies(outputs)[1:], [b"@@O33,353358017784062,D00,a.jpg,8*C9\r\n"])
        (position,) = positions(outputs)
        image = position.attributes["image"]
        self.assertIsInstance(image, Media)
        self.assertEqual((image.data, image.extension), (b"".join(b"%d,*\r\n" % n for n in range(9)), "jpg"))
        self.assertEqual((position.outdated, position.device_time), (True, None))

    def test_restart(self) -> None:
        """A photo may begin without an answer before it; an answer drops what there is."""
        talk = Talk(meitrack)
        talk.say(piece(0) + frame(b"D03,OK"))
        (position,) = positions(talk.say(piece(8, data=b"x")))
        self.assertEqual(position.attributes["image"].data, b"x")
        (position,) = positions(talk.say(piece(0, 1)))
        self.assertEqual(position.attributes["image"].data, b"abc")

    def test_errors(self) -> None:
        """Strange numbers, a photo beyond the limit and one of a stranger are errors."""
        for data in (frame(b"D00,a.jpg,x,0,"), frame(b"D00,a.jpg,1,,"), frame(b"D00,a.jpg,1")):
            with self.assertRaises(BAD_FRAME):
                told(meitrack, data)
        with self.assertRaises(WireError):
            told(meitrack, piece(0), piece(1), settings={"media.bufferSize": 5})
        self.assertEqual(told(meitrack, piece(7), known=()), [Reply(b"@@O33,353358017784062,D00,a.jpg,8*C9\r\n")])
        with self.assertRaises(WireError):
            told(meitrack, piece(8), known=())


class AnswerTests(SynchronousTestCase):
    def test_heartbeat(self) -> None:
        """A request for the link is answered, to strangers too, always with the same flag."""
        for known in (None, ()):
            self.assertEqual(
                told(meitrack, frame(b"AAC,1", b"G", "861451040910625"), known=known),
                [Reply(b"@@z27,861451040910625,AAC,1*0B\r\n")],
            )

    def test_result(self) -> None:
        """The answer of a lock is a result, with half of its checksum unless the line end is missing."""
        data = frame(b"D82,0")
        half = data[-4:-3].decode()
        self.assertEqual(one(data), Position(outdated=True, attributes={"result": f"D82,0*{half}"}))
        (position,) = positions(Talk(meitrack, "udp").say(data[:-2]))
        self.assertEqual(position.attributes, {"result": "D82,0"})
        with self.assertRaises(WireError):
            told(meitrack, data, known=())


class CommandTests(SynchronousTestCase):
    def sent(self, type: str, settings: Any = None, **attributes: Any) -> bytes:
        device = Device("123456789012345", attributes=settings or {})
        data = commands.encode(meitrack, Command(type, attributes), Session(meitrack, device=device))
        assert data is not None
        return data

    def test_commands(self) -> None:
        """Commands have their text in the envelope."""
        for type, expected in {
            "positionSingle": b"@@A25,123456789012345,A10*58",
            "engineStop": b"@@A33,123456789012345,C01,0,12222*DA",
            "engineResume": b"@@A33,123456789012345,C01,0,02222*D9",
            "alarmArm": b"@@A33,123456789012345,C01,0,22122*DA",
            "alarmDisarm": b"@@A33,123456789012345,C01,0,22022*D9",
            "requestPhoto": b"@@A46,123456789012345,D03,1,camera_picture.jpg*1C",
        }.items():
            self.assertEqual(self.sent(type), expected + b"\r\n")

    def test_alternative(self) -> None:
        """The setting changes how the alarm is armed, and nothing else."""
        setting = {"meitrack.alternative": True}
        self.assertIn(b"B21,1*", self.sent("alarmArm", setting))
        self.assertIn(b"B21,0*", self.sent("alarmDisarm", setting))
        self.assertIn(b"C01,0,12222*", self.sent("engineStop", setting))

    def test_values(self) -> None:
        """Photos are counted from 1; what is absent in a text message is called so."""
        self.assertIn(b"D03,7,", self.sent("requestPhoto", index=7))
        self.assertIn(b"D03,1,", self.sent("requestPhoto", index=-7))
        self.assertEqual(
            self.sent("sendSms", phone="15360853789", message="Meitrack"),
            b"@@A48,123456789012345,C02,0,15360853789,Meitrack*8B\r\n",
        )
        self.assertIn(b"C02,0,null,null*", self.sent("sendSms"))

    def test_custom(self) -> None:
        """A custom text gets envelope and checksum; other characters than ASCII are added as question marks."""
        self.assertEqual(self.sent("custom", data="A10"), b"@@A25,123456789012345,A10*58\r\n")
        text = "@@A26,123456789012345,caf?*"
        expected = text.replace("?", "é").encode() + sum8_hex(text).encode() + b"\r\n"
        self.assertEqual(self.sent("custom", data="café"), expected)
        for type in ("custom", "rebootDevice"):
            with self.assertRaises(Unsupported):
                self.sent(type)


class DamageTests(SynchronousTestCase):
    def test_damaged(self) -> None:
        """Damaged frames are bad frames or say something, and nothing else."""
        source = random.Random(5020)
        samples = (
            line(tail=",,108,0000,,6,0,AB,,,,11|1712|1713|78|3500|0|3"),
            fixed(RECORD),
            records(record(((0xFE69, 1),), ((0x40, 1),), ((0x04, 1),), ((0x0E, bytes(12)), (0x4B, b"LTE")))),
            piece(8),
            frame(b"D82,0"),
        )
        for _ in range(1000):
            data = bytearray(source.choice(samples))
            for _ in range(source.randint(1, 3)):
                data[source.randrange(len(data))] = source.choice(b",|*.09-\x00\x7f\x80\xff")
            del data[source.randint(len(data) // 2, len(data)) :]
            for transport in ("tcp", "udp"):
                try:
                    Talk(meitrack, transport).say(bytes(data))
                except BAD_FRAME:
                    pass
