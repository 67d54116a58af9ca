"""
Teltonika's codecs, by frames that are built here after their description.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.teltonika.elements import meanings
from plugins.wire.teltonika.teltonika import teltonika
from tests.plugins.wire.talk import Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.checksums import crc16_arc
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.framing import Frames
from trackd.wire.values import (
    CellTower,
    Command,
    Login,
    Media,
    Network,
    Position,
    Reply,
    Unsupported,
    WireError,
)

ID = "352093089439473"
LOGIN = pack(">H15s", 15, ID.encode())
ACCEPTED = Login((ID,), accept=b"\1", reject=b"\0")

# From the fact sheet: one record each.
CODEC_8 = bytes.fromhex(
    "000000000000003508010000014f8e016420002141bbaf0f4e96a7fffa000012000000"
    "0602010047030242669c92000002c7000000009100000000000100002df3"
)
DATAGRAM = bytes.fromhex(
    "0049cafe0122000f33353734353430373237313339373508010000015d3766f6a800003eef961ec6215e0063006d09003100"
    "070401000200f001c8000242381c18003201c7000000e10001"
)

NONE: Mapping[str, Any] = {}

MS = 1_700_000_000_000
TIME = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
HEAD = pack(">qBiihHBH", MS, 1, 132_000_000, 525_000_000, 34, 270, 9, 100)
GROUP = {8: "B", 0x8E: "H", 0x10: "B"}
IDS = {8: "B", 0x8E: "H", 0x10: "H"}


def frame(codec: int, *records: bytes, count: int | None = None) -> bytes:
    number = len(records) if count is None else count
    body = bytes((codec, number)) + b"".join(records) + bytes((number,))
    return bytes(4) + pack(">I", len(body)) + body + pack(">I", crc16_arc(body))


def record(
    ones: list[tuple[int, int]] | None = None,
    twos: list[tuple[int, int]] | None = None,
    fours: list[tuple[int, int]] | None = None,
    eights: list[tuple[int, int]] | None = None,
    *,
    codec: int = 8,
    long: list[tuple[int, bytes]] | None = None,
    variable: list[tuple[int, bytes]] | None = None,
) -> bytes:
    """A record with these elements, (id, value), by width."""
    event = {8: pack(">BB", 7, 0), 0x8E: pack(">HH", 300, 0), 0x10: pack(">HBB", 300, 5, 0)}[codec]
    data = HEAD + event
    for letter, elements in zip("BHIQ", (ones, twos, fours, eights), strict=True):
        data += pack(">" + GROUP[codec], len(elements or ()))
        for id, value in elements or ():
            data += pack(f">{IDS[codec]}{letter}", id, value % (1 << 64))
    if long is not None:
        data += pack(">" + GROUP[codec], len(long))
        data += b"".join(pack(">" + IDS[codec], id) + value for id, value in long)
    if codec == 0x8E:
        data += pack(">H", len(variable or ()))
        data += b"".join(pack(">HH", id, len(value)) + value for id, value in variable or ())
    return data


def one(data: bytes, model: str | None = None, settings: Mapping[str, Any] = NONE) -> Position:
    """The only position of a frame."""
    (position,) = positions(told(teltonika, LOGIN, data, model=model, settings=settings))
    return position


def attributes(data: bytes, model: str | None = None, settings: Mapping[str, Any] = NONE) -> dict[str, Any]:
    """The attributes that the elements of a frame's only record lead to."""
    found = dict(one(data, model, settings).attributes)
    for name in ("priority", "sat", "event"):
        del found[name]
    return found


def message(codec: int, *messages: tuple[int, bytes]) -> bytes:
    return frame(codec, *(pack(">BI", kind, len(content)) + content for kind, content in messages))


class ConnectionTests(SynchronousTestCase):
    def test_login(self) -> None:
        """The IMEI is answered with one byte, which says whether data may follow."""
        self.assertEqual(told(teltonika, LOGIN), [ACCEPTED])

    def test_stranger(self) -> None:
        """Data of a device that is not known is left alone."""
        self.assertEqual(told(teltonika, LOGIN, CODEC_8, known=()), [ACCEPTED, Login()])

    def test_keep_alive(self) -> None:
        """A byte FF between frames says nothing."""
        self.assertEqual(told(teltonika, b"\xff" + LOGIN + b"\xff\xff"), [ACCEPTED])

    def test_frames(self) -> None:
        """Frames that arrive together are told apart."""
        reads = told(teltonika, LOGIN + CODEC_8 + b"\xff" + CODEC_8)
        self.assertEqual([type(output) for output in reads], [Login] + 2 * [Login, Position, Reply])

    def test_lengths(self) -> None:
        """A length below nothing ends the stream; a frame that never ends does when too much waits for it."""
        for data in (pack(">Ii", 0, -12), pack(">Ii", 0, 1 << 30) + bytes(32768)):
            with self.assertRaises(WireError):
                Talk(teltonika).say(data + bytes(4))

    def test_less_than_a_head(self) -> None:
        """A data frame whose negative length leaves fewer bytes than its head is an error, and no identification."""
        for length in (-11, -10, -9, -4, -3):
            with self.assertRaises(BAD_FRAME):
                told(teltonika, LOGIN, pack(">Ii", 0, length) + bytes(4))

    def test_length_is_for_cutting(self) -> None:
        """A data frame of length 0 is one of 12 bytes, whose records are missing."""
        frames = Frames(teltonika.split or (lambda buffer, start: None))
        self.assertEqual(list(frames.feed(bytes(12) + b"\xff")), [bytes(12), b"\xff"])

    def test_datagram(self) -> None:
        """A datagram names its device, and is answered with the number of its data."""
        login, position, reply = Talk(teltonika, "udp").say(DATAGRAM)
        self.assertEqual(login, Login(("357454072713975",)))
        self.assertEqual(reply, Reply(bytes.fromhex("00050000012201")))
        assert isinstance(position, Position)
        self.assertEqual(position.fix_time, datetime(2017, 7, 12, 15, 24, 41, tzinfo=UTC))
        self.assertEqual((position.longitude, position.latitude), (0.4124566, 51.630115))
        self.assertEqual(
            position.attributes,
            {
                "priority": 0,
                "sat": 9,
                "event": 0,
                "in1": False,
                "in2": False,
                "motion": True,
                "io200": 0,
                "power": 14.364,
                "io24": 50,
                "tripOdometer": 225,
            },
        )

    def test_datagram_of_a_stranger(self) -> None:
        """A datagram of a device that is not known is not answered."""
        self.assertEqual(Talk(teltonika, "udp", known=()).say(DATAGRAM), [Login(("357454072713975",))])

    def test_damage(self) -> None:
        """Whatever bytes come, nothing but the errors of a bad frame is raised."""
        chance = random.Random(8)
        good = [
            frame(
                0x8E,
                record([(1, 1)], [(66, 1)], [(16, 1)], [(78, 1)], codec=0x8E, variable=[(548, TAGS), (385, BEACONS)]),
            ),
            frame(0x10, record([(1, 1), (253, 2)], [(66, 1)], codec=0x10)),
            frame(7, GH3000),
            message(12, (6, b"text"), (13, b"\1" + bytes(8))),
            message(13, (6, pack(">I", 1) + b"GTSL|1|2|3|4|")),
            CODEC_8,
        ]
        models = (None, "FMB120", "FMB640", "TAT100")
        errors = 0
        for _ in range(3000):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(8, len(data))] = chance.randrange(256)
            talk = Talk(teltonika, model=chance.choice(models), settings={"teltonika.extended": chance.random() < 0.2})
            talk.say(LOGIN)
            try:
                list(talk.outputs(bytes(data[: chance.randrange(8, len(data) + 1)])))
            except BAD_FRAME:
                errors += 1
        self.assertGreater(errors, 100)


class RecordTests(SynchronousTestCase):
    def test_codec_8(self) -> None:
        """A record is a fix, its event and its elements; the frame is answered with the number of records."""
        login, look_up, position, reply = told(teltonika, LOGIN, CODEC_8)
        time = datetime(2015, 9, 2, 12, 21, 40, tzinfo=UTC)
        self.assertEqual((login, look_up, reply), (ACCEPTED, Login(), Reply(b"\0\0\0\1")))
        self.assertEqual(
            position,
            Position(
                time,
                time,
                valid=True,
                latitude=25.6808615,
                longitude=55.7956015,
                altitude=-6.0,
                attributes={
                    "priority": 0,
                    "sat": 18,
                    "event": 0,
                    "in1": False,
                    "io71": 3,
                    "power": 26.268,
                    "io146": 0,
                    "tripOdometer": 0,
                    "io145": 0,
                },
            ),
        )

    def test_several(self) -> None:
        """All records of a frame are told in their order, and counted in one answer."""
        outputs = told(teltonika, LOGIN, frame(8, record([(200, 1)]), record([(200, 2)]), record()))
        self.assertEqual([one.attributes.get("io200") for one in positions(outputs)], [1, 2, None])
        self.assertEqual(outputs[-1], Reply(b"\0\0\0\3"))

    def test_wide_ids(self) -> None:
        """Codecs 8 Extended and 16 have ids and events of two bytes."""
        for codec in (0x8E, 0x10):
            position = one(frame(codec, record([(300, 1)], [(301, 2)], [(302, 3)], [(303, -4)], codec=codec)))
            self.assertEqual((position.fix_time, position.latitude, position.longitude), (TIME, 52.5, 13.2))
            self.assertEqual((position.speed, position.course, position.altitude), (100 * 0.539957, 270.0, 34.0))
            self.assertEqual(
                position.attributes,
                {"priority": 1, "sat": 9, "event": 300, "io300": 1, "io301": 2, "io302": 3, "io303": -4},
            )

    def test_no_satellites(self) -> None:
        """Without satellites the coordinates are kept, and not valid."""
        data = pack(">qBiihHBH", MS, 0, 10_000_000, 20_000_000, 0, 0, 0, 0) + bytes(6)
        position = one(frame(8, data))
        self.assertEqual((position.valid, position.outdated, position.latitude), (False, False, 2.0))

    def test_out_of_range(self) -> None:
        """A latitude beyond the pole is an error of the frame."""
        data = pack(">qBiihHBH", MS, 0, 0, 900_000_001, 0, 0, 1, 0) + bytes(6)
        with self.assertRaises(WireError):
            told(teltonika, LOGIN, frame(8, record(), data))

    def test_other_codec(self) -> None:
        """A codec that is not known is read as codec 8 without the group of 8-byte values."""
        position = one(frame(0x4D, record([(200, 1)])[:-1]))
        self.assertEqual(position.attributes, {"priority": 1, "sat": 9, "event": 7, "io200": 1})

    def test_long_values(self) -> None:
        """A setting adds a group of 16-byte values, which are told as hex."""
        value = bytes(range(16))
        for codec in (8, 0x10, 0x8E):
            data = frame(codec, record(codec=codec, long=[(203, value)], variable=[(400, b"\xab")]))
            expected = {"io203": value.hex()} | ({"io400": "ab"} if codec == 0x8E else {})
            self.assertEqual(attributes(data, settings={"teltonika.extended": True}), expected)

    def test_cut_off(self) -> None:
        """Elements that are announced and not there are an error."""
        data = record([(200, 1)])
        for count in (3, 4, 255):
            with self.assertRaises(BAD_FRAME):
                Talk(teltonika, "udp").say(DATAGRAM[:23] + b"\x08\1" + data[:26] + bytes((count,)) + data[27:])


class ElementTests(SynchronousTestCase):
    def test_standard(self) -> None:
        """Elements that mean the same on every model."""
        data = frame(
            8,
            record(
                [(1, 0), (2, 1), (3, 9), (4, 0), (21, 4), (179, 1), (180, 0), (239, 1), (240, 0)],
                [
                    (17, 0xFFE5),
                    (18, 31),
                    (19, 0),
                    (25, 3000),
                    (26, 0xFF9C),
                    (66, 12345),
                    (67, 3977),
                    (181, 11),
                    (182, 6),
                ],
                [(16, 4_000_000_000), (199, 12), (241, 73002)],
            ),
        )
        found = attributes(data)
        self.assertEqual(
            found,
            {
                "in1": False,
                "in2": True,
                "in3": True,
                "in4": False,
                "rssi": 4,
                "out1": True,
                "out2": False,
                "ignition": True,
                "motion": False,
                "axisX": -27,
                "axisY": 31,
                "axisZ": 0,
                "bleTemp1": 30.0,
                "bleTemp2": -1.0,
                "power": 12.345,
                "battery": 3.977,
                "pdop": 1.1,
                "hdop": 0.6,
                "odometer": 4_000_000_000,
                "tripOdometer": 12,
                "operator": 73002,
            },
        )
        self.assertEqual(type(found["bleTemp1"]), float)

    def test_models(self) -> None:
        """Which elements have a meaning depends on the whole name of the model."""
        for model, expected in {
            None: (),
            "": (),
            "FMB120": (9, 80, 205),
            "FMC130": (9, 80, 205),
            "FMB1202": (),
            "FM1100": (),
            "FMA110": (),
            "fmb120": (),
            "FMB003": (9, 80, 205, 389),
            "FMB640": (9, 205, 701),
            "FM3612": (701,),
            "FM5500": (),
            "FMA600": (701,),
            "MTB100": (9, 80, 205),
            "MSP500": (9, 80, 205),
            "TAT100": (205,),
            "TMT250": (205,),
        }.items():
            known = meanings(model)
            self.assertEqual(tuple(id for id in (9, 80, 205, 389, 701) if id in known), expected, model)

    def test_family(self) -> None:
        """What the FMB family means by its own elements."""
        data = frame(
            0x8E,
            record(
                [(32, 0xF6), (57, 100), (89, 44), (113, 87), (662, 1)],
                [
                    (9, 16),
                    (13, 250),
                    (68, 95),
                    (84, 305),
                    (115, 0xFFF1),
                    (10644, 2150),
                    (10801, 0xFF38),
                    (10835, 0xFFD3),
                ],
                [(12, 44214), (72, 0xFFFFFFF1), (87, 70000), (107, 15)],
                [(11, 8938001150)],
                codec=0x8E,
            ),
        )
        self.assertEqual(
            attributes(data, "FMB120"),
            {
                "coolantTemp": -10,
                "hybridBatteryLevel": 100,
                "fuelLevel": 44,
                "batteryLevel": 87,
                "door": True,
                "adc1": 0.016,
                "fuelConsumption": 2.5,
                "batteryCurrent": 0.095,
                "fuel": 30.5,
                "engineTemp": -1.5,
                "tempProbe1": 21.5,
                "eyeTemp2": -2.0,
                "eyeRoll4": -45,
                "fuelUsed": 1.5,
                "temp1": -1.5,
                "obdOdometer": 70000,
                "iccid": "8938001150",
            },
        )
        self.assertEqual(attributes(data)["io11"], 8938001150)

    def test_single_models(self) -> None:
        """Kilometres of one model become metres; some temperatures are those of another family."""
        data = frame(0x8E, record(None, [(701, 215)], [(389, 12)], codec=0x8E))
        self.assertEqual(attributes(data, "FMB003"), {"io701": 215, "obdOdometer": 12000})
        self.assertEqual(attributes(data, "FMB640"), {"bleTemp1": 21.5, "io389": 12})

    def test_speed(self) -> None:
        """The FMB family's speed of its own takes the place of the record's."""
        data = frame(8, record(None, [(24, 50)]))
        self.assertEqual(one(data, "FMB120").speed, 50 * 0.539957)
        self.assertNotIn("io24", one(data, "FMB120").attributes)
        self.assertEqual(one(data).speed, 100 * 0.539957)

    def test_other_widths(self) -> None:
        """A value is read in its own width from its first byte, whatever the width in which it is sent."""
        wide = frame(8, record(None, None, [(66, 0x30390000)]))
        self.assertEqual(attributes(wide), {"power": 12.345})
        narrow = frame(8, record([(66, 0x30), (0x39, 1)]))
        self.assertEqual(attributes(narrow), {"power": 12.345, "io57": 1})

    def test_driver(self) -> None:
        """An iButton is told by its bytes in reverse; none is nothing."""
        self.assertEqual(
            attributes(frame(8, record(None, None, None, [(78, 0x01000B00791C1793)]))),
            {"driverUniqueId": "93171C79000B0001"},
        )
        self.assertEqual(attributes(frame(8, record(None, None, None, [(78, 0)]))), {})

    def test_alarms(self) -> None:
        """Alarms of a record are joined in their order; those with value 0 are none."""
        data = frame(8, record([(246, 1), (251, 1), (252, 0), (236, 1), (253, 2), (253, 9)]))
        self.assertEqual(attributes(data, "FMB120"), {"alarm": "tow,idle,general,hardBraking"})
        self.assertEqual(attributes(data), {"io246": 1, "io251": 1, "io252": 0, "alarm": "general,hardBraking"})
        for value, alarm in ((0, "geofenceExit"), (1, "geofenceEnter"), (2, "geofenceEnter")):
            self.assertEqual(attributes(frame(8, record([(175, value)])), "FMB120"), {"alarm": alarm})

    def test_tachograph(self) -> None:
        """On the FM6 family the driver is the card in the tachograph, whose halves are two elements."""
        first, second = (int.from_bytes(half, "big") for half in (b"D1234567", b"89\0\0\0\0\0\0"))
        data = frame(8, record(None, None, None, [(78, 1), (195, first), (196, second)]))
        self.assertEqual(attributes(data, "FMB640")["driverUniqueId"], "D123456789\0\0\0\0\0\0")
        self.assertEqual(attributes(data, "FMB120")["driverUniqueId"], "0100000000000000")


class NetworkTests(SynchronousTestCase):
    def test_cell(self) -> None:
        """Area and cell make a network; country and operator are the element's, or the configuration's."""
        data = record(None, [(205, 8767), (206, 29719)], [(241, 73002)])
        position = one(frame(8, data), "FMB120")
        self.assertEqual(position.network, Network([CellTower(730, 2, 29719, 8767)]))
        self.assertEqual(attributes(frame(8, data), "FMB120"), {"operator": 73002})
        data = record(None, [(205, 8767), (206, 29719)], [(241, 999)])
        position = one(frame(8, data), "FMB120", settings={"geolocation.mcc": 262, "geolocation.mnc": "1"})
        self.assertEqual(position.network, Network([CellTower(262, 1, 29719, 8767)]))

    def test_long_cell(self) -> None:
        """The cell of an LTE network is used where there is no other."""
        data = record(None, [(206, 7)], [(636, 70000)], codec=0x8E)
        self.assertEqual(one(frame(0x8E, data), "TMT250").network, Network([CellTower(0, 0, 7, 70000)]))

    def test_half_a_cell(self) -> None:
        """An area alone is no network, and no attribute."""
        position = one(frame(8, record(None, [(206, 7)])), "FMB120")
        self.assertEqual((position.network, "lac" in position.attributes), (None, False))

    def test_other_models(self) -> None:
        """Where the elements of a cell have no meaning they are kept as they are."""
        position = one(frame(8, record(None, [(205, 1), (206, 2)])), "FM1100")
        self.assertEqual(position.network, None)
        self.assertEqual((position.attributes["io205"], position.attributes["io206"]), (1, 2))

    def test_tat100(self) -> None:
        """A TAT100 hears up to four cells; what is told of half a cell stays, and so do its plain elements."""
        data = record(
            [(289, 45)],
            [
                (205, 5),
                (287, 11),
                (288, 12),
                (290, 21),
                (291, 22),
                (296, 41),
                (297, 42),
                (1200, 3),
                (1201, 4),
                (1202, 5),
            ],
            codec=0x8E,
        )
        position = one(frame(0x8E, data), "TAT100", settings={"geolocation.mcc": 255})
        self.assertEqual(position.network, Network([CellTower(255, 3, 11, 12, -45), CellTower(255, 4, 21, 22)]))
        self.assertEqual(attributes(frame(0x8E, data), "TAT100"), {"cid2g": 5, "io296": 41, "io297": 42, "io1202": 5})


# A list of one tag with each kind of field, one without any, and one with a name.
FIELDS = bytes.fromhex(
    "0001c6 0106babbf3630055 0202c06d 0602f380 070134 080101 090100 0a020102 0b01f6 0c02ffd3 0d0100 0e020c1c"
    "0f067cd9f4110c40 630102"
)
TAGS = b"\1" + b"".join(bytes((len(tag),)) + tag for tag in (FIELDS, b"", b"\5\4Nev\0"))
BEACONS = bytes.fromhex(
    "11 27 53a6fb624588040001ba86064f0eae51 0001 0002 c5 0bb8 0102  00 00112233445566778899 aabbccddeeff d3"
)


class VariableTests(SynchronousTestCase):
    def found(self, *elements: tuple[int, bytes]) -> dict[str, Any]:
        return attributes(frame(0x8E, record(codec=0x8E, variable=list(elements))))

    def test_texts(self) -> None:
        """Chassis number and trouble codes are texts, anything else is hex."""
        self.assertEqual(
            self.found((256, b"WV1ZZZ2EZ86015388"), (281, b"P0299,P0675"), (400, b"\0\xff"), (401, b"")),
            {"vin": "WV1ZZZ2EZ86015388", "dtcs": "P0299 P0675", "io400": "00ff"},
        )
        self.assertEqual(self.found((325, b"WV1")), {"vin": "WV1"})

    def test_beacons(self) -> None:
        """Beacons of both forms, with and without battery and temperature."""
        self.assertEqual(
            self.found((385, BEACONS)),
            {
                "beacon1Uuid": "53a6fb624588040001ba86064f0eae51",
                "beacon1Major": 1,
                "beacon1Minor": 2,
                "beacon1Rssi": -59,
                "beacon1Battery": 30.0,
                "beacon1Temp": 258,
                "beacon2Namespace": "00112233445566778899",
                "beacon2Instance": "aabbccddeeff",
                "beacon2Rssi": -45,
            },
        )

    def test_tags(self) -> None:
        """Tags tell type, length and value; an empty one takes a number all the same."""
        expected = {
            "tag1Rssi": -58,
            "tag1Id": "babbf3630055",
            "tag1LowBattery": 0,  # the number comes after the flag of the same name
            "tag1Voltage": 3090,
            "tag1Temp": -3200,
            "tag1Humidity": 52,
            "tag1Magnet": True,
            "tag1Motion": False,
            "tag1MotionCount": 258,
            "tag1Pitch": -10,
            "tag1AngleRoll": -45,
            "tag1Battery": 3100,
            "tag1Mac": "7cd9f4110c40",
            "tag3Name": "Nev\0",
        }
        for id in (548, 10828, 10829, 10831, 11317):
            self.assertEqual(self.found((id, TAGS)), expected)
        flagged = self.found((548, bytes.fromhex("01 03 020140")))
        self.assertEqual((flagged, type(flagged["tag1LowBattery"])), ({"tag1LowBattery": True}, bool))

    def test_cut_off(self) -> None:
        """A list that ends inside an element is an error."""
        for id, data in ((548, TAGS), (385, BEACONS)):
            for end in (0, 4, len(data) - 1):
                with self.assertRaises(BAD_FRAME):
                    self.found((id, data[:end]))


GH3000 = bytes.fromhex("50aa17f3 03 1f 42332a4c 4193d68c 008d 00 02 09 01 f0 01")


class Gh3000Tests(SynchronousTestCase):
    def test_fix(self) -> None:
        """A record of codec 7 has floats, and its speed in one byte."""
        time = datetime(2015, 11, 10, 21, 51, 47, tzinfo=UTC)
        login, look_up, position, reply = told(teltonika, LOGIN, frame(7, GH3000))
        self.assertEqual(reply, Reply(b"\0\0\0\1"))
        self.assertEqual(
            position,
            Position(
                time,
                time,
                valid=True,
                latitude=44.79130554199219,
                longitude=18.479759216308594,
                altitude=141.0,
                speed=2 * 0.539957,
                attributes={"sat": 9, "motion": True},
            ),
        )

    def test_elements(self) -> None:
        """Groups that the mask names, with ids of their own; without a fix the last known one stands."""
        data = bytes.fromhex("00000000 0e 06 015e 0201 dc01 de01 f400 3707  01 1400 66  02 05 00000ce4 43 00000f9f")
        outputs = told(teltonika, LOGIN, frame(7, data[:19] + data[19:]))
        (position,) = positions(outputs)
        self.assertEqual((position.outdated, position.valid, position.fix_time), (True, True, None))
        self.assertEqual(position.device_time, datetime(2007, 1, 1, tzinfo=UTC))
        self.assertEqual(
            position.attributes,
            {
                "batteryLevel": 94,
                "usbConnected": True,
                "io220": 1,
                "alarm": "sos",
                "roaming": False,
                "io55": 7,
                "hdop": 10.2,
                "uptime": 3300,
                "battery": 3.999,
            },
        )

    def test_nothing(self) -> None:
        """A record with neither fix nor elements is counted, and gives no position."""
        outputs = told(teltonika, LOGIN, frame(7, bytes(5), GH3000))
        self.assertEqual(
            ([one.attributes["sat"] for one in positions(outputs)], outputs[-1]), ([9], Reply(b"\0\0\0\2"))
        )

    def test_cell(self) -> None:
        """With a cell, signal and operator belong to it; without, they are attributes."""
        cell = bytes.fromhex("00000000 01 e0 0001 030b 16 0000601a")
        self.assertEqual(one(frame(7, cell)).network, Network([CellTower(246, 2, 1, 779, -22)]))
        self.assertEqual(one(frame(7, cell)).latitude, 0.0)
        self.assertEqual(
            one(frame(7, bytes.fromhex("00000000 01 c0 16 0000601a"))).attributes, {"rssi": 22, "operator": 24602}
        )
        self.assertEqual(
            one(frame(7, bytes.fromhex("00000000 01 30 05 0001 030b")), settings={"geolocation.mcc": 262}).network,
            Network([CellTower(262, 0, 1, 779)]),
        )

    def test_short_operator(self) -> None:
        """An operator of fewer than four digits cannot be split, which is an error."""
        with self.assertRaises(BAD_FRAME):
            one(frame(7, bytes.fromhex("00000000 01 a0 0001 030b 000000ff")))

    def test_course(self) -> None:
        """A course is a part of 256 of the circle."""
        self.assertEqual(one(frame(7, bytes.fromhex("00000000 01 14 01 05"))).course, 1.40625)


class MessageTests(SynchronousTestCase):
    def test_answer(self) -> None:
        """The text of codec 12 is a command's result, without a fix, and is not acknowledged."""
        outputs = told(teltonika, LOGIN, message(12, (6, b" #FM2=1,2\r\n"), (6, b"\0\x7f")))
        last = [
            Position(outdated=True, valid=True, attributes={"type": 6, "result": result})
            for result in ("#FM2=1,2", "007f")
        ]
        self.assertEqual(outputs, [ACCEPTED, Login(), *last])

    def test_empty_answer(self) -> None:
        """An empty text is no result; its type is told all the same."""
        self.assertEqual(one(message(12, (6, b"\r\n"))).attributes, {"type": 6})

    def test_axles(self) -> None:
        """The box that weighs axles tells twelve weights."""
        weights = "06.4;04.2;0;0;0;0;0;0;1.3;0;10.7;.5"
        found = one(message(12, (6, f"UUUUww{weights};SSS\r\n".encode()))).attributes
        self.assertEqual(
            found,
            {"type": 6, "axle1": 6.4, "axle2": 4.2}
            | {f"axle{n}": 0.0 for n in range(3, 9)}
            | {"loadTruck": 1.3, "loadTrailer": 0.0, "totalTruck": 10.7, "totalTrailer": 0.5},
        )
        for text in (b"UUUUww1;2;SSS", b"UUUUwwSSS", b"UUUUww1;x;0;0;0;0;0;0;0;0;0;0;SSS"):
            with self.assertRaises(BAD_FRAME):
                one(message(12, (6, text)))

    def test_serial(self) -> None:
        """Codec 13 has a time; some firmware does not count it, and the end of the data is lost."""
        samples = {
            "00000000000000240d01060000001c642b3ad14754534c7c367c317c307c31323734393838347c317c0d0a010000ec11": (
                datetime(2023, 4, 3, 20, 45, 5, tzinfo=UTC),
                {"driverUniqueId": "12749884"},
            ),
            "000000000000001C0D01050000001056E924222347455420444154414F524445520D0A0100004990": (
                datetime(2016, 3, 16, 9, 15, 14, tzinfo=UTC),
                {"result": "#GET DATAORD"},
            ),
            "00000000000000170D01050000000F0000016C0A81C320676574696E666F0100006855": (
                datetime(1970, 1, 1, 0, 6, 4, tzinfo=UTC),
                {"result": "0a81c320676574696e666f"},
            ),
        }
        for data, (time, expected) in samples.items():
            outputs = told(teltonika, LOGIN, bytes.fromhex(data))
            position = Position(time, outdated=True, valid=True, attributes=expected)
            self.assertEqual(outputs, [ACCEPTED, Login(), position])

    def test_serial_errors(self) -> None:
        """A card without its fifth item, and a length below that of the time, are errors."""
        for content in (pack(">I", 1) + b"GTSL|1|2|3|", b"\0\0"):
            with self.assertRaises(BAD_FRAME):
                one(message(13, (6, content)))

    def test_empty_serial(self) -> None:
        """A time without data gives no position."""
        self.assertEqual(told(teltonika, LOGIN, message(13, (6, pack(">I", 1)))), [ACCEPTED, Login()])

    def test_with_imei(self) -> None:
        """Codecs 14 and 15 are 12 and 13 with the IMEI before the data, which is passed over."""
        imei = bytes.fromhex("0352093089439473")
        answers = positions(told(teltonika, LOGIN, message(14, (6, imei + b"Param ID:1"), (0x11, imei))))
        self.assertEqual([one.attributes for one in answers], [{"type": 6, "result": "Param ID:1"}, {"type": 0x11}])
        position = one(message(15, (0x0B, pack(">I", MS // 1000) + imei + b"hello")))
        self.assertEqual((position.device_time, position.attributes), (TIME, {"result": "hello"}))
        with self.assertRaises(BAD_FRAME):
            one(message(14, (6, b"short")))


def start(size: int) -> bytes:
    return message(12, (13, b"\1" + pack(">Ii", 0x598493ED, size)))


def block(data: bytes, id: int = 0x598493ED) -> bytes:
    return message(12, (13, b"\2" + pack(">IiH", id, 0, len(data)) + data))


class CameraTests(SynchronousTestCase):
    def test_photo(self) -> None:
        """A photo is asked for block by block, and stored when it is whole."""
        outputs = told(teltonika, LOGIN, start(5000), block(b"a" * 2048), block(b"b" * 2048), block(b"c" * 904))
        replies = [output.data for output in outputs if isinstance(output, Reply)]
        self.assertEqual(
            [data.hex() for data in replies[:1]],
            ["00000000000000130c010d0000000b02598493ed000000000800010000f76b"],
        )
        self.assertEqual(
            [data[20:26].hex() for data in replies],
            [pack(">IH", at, size).hex() for at, size in ((0, 2048), (2048, 2048), (4096, 904))],
        )
        (position,) = positions(outputs)
        image = position.attributes["image"]
        self.assertIsInstance(image, Media)
        self.assertEqual((image.data, image.extension), (b"a" * 2048 + b"b" * 2048 + b"c" * 904, "jpg"))
        self.assertEqual((position.outdated, position.device_time, list(position.attributes)), (True, None, ["image"]))

    def test_no_photo(self) -> None:
        """A block of no photo, or more than was announced, is an error."""
        for frames in ((block(b"a"),), (start(1), block(b"ab")), (start(1), block(b"a"), block(b"a"))):
            with self.assertRaises(WireError):
                told(teltonika, LOGIN, *frames)

    def test_size(self) -> None:
        """A photo beyond the setting is refused before any of it comes."""
        for size in (-1, 101):
            with self.assertRaises(WireError):
                told(teltonika, LOGIN, start(size), settings={"media.bufferSize": 100})
        self.assertEqual(len(told(teltonika, LOGIN, start(100), settings={"media.bufferSize": 100})), 3)

    def test_restart(self) -> None:
        """A new photo takes the place of one that is not finished."""
        outputs = told(teltonika, LOGIN, start(10), block(b"old"), start(3), block(b"new"))
        self.assertEqual([one.attributes["image"].data for one in positions(outputs)], [b"new"])

    def test_other(self) -> None:
        """Other messages of the camera say nothing."""
        self.assertEqual(told(teltonika, LOGIN, message(12, (13, b"\0\1\2\3"))), [ACCEPTED, Login()])

    def test_connections(self) -> None:
        """Each connection has a photo of its own."""
        first, second = Talk(teltonika), Talk(teltonika)
        for talk in (first, second):
            talk.say(LOGIN + start(2))
        first.say(block(b"1"))
        self.assertEqual(positions(second.say(block(b"22")))[0].attributes["image"].data, b"22")


class CommandTests(SynchronousTestCase):
    def sent(self, type: str, **attributes: Any) -> str:
        session = Session(teltonika, device=Device(ID))
        data = commands.encode(teltonika, Command(type, attributes), session)
        assert data is not None
        return data.hex()

    def test_custom(self) -> None:
        """A text goes out as it is, one of hex digits as the bytes it stands for."""
        for data, expected in {
            "setdigout 11": "00000000000000140c01050000000c7365746469676f7574203131010000bed5",
            "03030000000185E8": "00000000000000100c01050000000803030000000185e8010000da8b",
        }.items():
            self.assertEqual(self.sent("custom", data=data), expected)
        self.assertIn(b"120".hex(), self.sent("custom", data="120"))
        self.assertIn(ID.encode().hex(), self.sent("custom", data="id {uniqueId}"))
        self.assertIn(b"caf?".hex(), self.sent("custom", data="café"))

    def test_engine(self) -> None:
        """The engine is stopped and released by the first output."""
        self.assertEqual(self.sent("engineStop"), "00000000000000130c01050000000b7365746469676f7574203101000087a2")
        self.assertEqual(self.sent("engineResume"), "00000000000000130c01050000000b7365746469676f7574203001000017a3")

    def test_refused(self) -> None:
        """A custom command needs its data; other commands there are none."""
        for type in ("custom", "rebootDevice"):
            with self.assertRaises(Unsupported):
                self.sent(type)
