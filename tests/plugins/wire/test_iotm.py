"""
IOTM by payloads of its description.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.iotm import iotm
from tests.listen.memory import MemoryIntake
from tests.listen.samples import call, server
from tests.plugins.wire.talk import Device, Talk, positions
from trackd.wire import commands, mqtt
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.values import Command, Output, Position, Unsupported

ID = "123456789012345"
TIME = datetime(2020, 12, 30, 5, 51, 51, tzinfo=UTC)
SECONDS = 1609307511
IMEI = bytes.fromhex("4f6af05390140300")
FIX = bytes.fromhex("0e00d0d34bc9412e9c5d4212000806ee00feff")


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<BH", kind, len(data)) + data


def payload(*records: bytes, end: bytes = b"\0") -> bytes:
    return b"\2" + b"".join(records) + end


def data(*items: bytes, time: int = SECONDS) -> bytes:
    return record(1, struct.pack("<I", time) + b"".join(items))


def item(kind: int, id: int, value: str = "") -> bytes:
    return struct.pack("<BH", kind, id) + bytes.fromhex(value)


def said(message: bytes) -> list[Output]:
    return list(Talk(iotm, "mqtt").outputs(message))


def one(*items: bytes) -> Position:
    (position,) = positions(said(payload(data(*items))))
    return position


def attributes(kind: int, id: int, value: str = "") -> dict[str, Any]:
    return one(item(kind, id, value)).attributes


class ReportTests(SynchronousTestCase):
    def test_report(self) -> None:
        """A data record is a position; records of other types are passed over, and so is the sum."""
        items = item(13, 0xB002, "00485cea73083041"), item(4, 0x300B, "ee"), item(5, 0x3000, "ae38"), FIX
        flags = item(1, 0x13), item(0, 0x6D)
        position = Position.at(
            TIME,
            valid=True,
            latitude=25.162023544311523,
            longitude=55.40251922607422,
            altitude=-2.0,
            speed=18 * 0.539957,
            course=238.0,
            attributes={
                "obdOdometer": 1050739.9154706001,
                "io12299": 238,
                "power": 14.51,
                "hdop": 0.8,
                "sat": 6,
                "in5": True,
                "ignition": False,
            },
        )
        told = said(payload(record(2, IMEI), data(*items, *flags), record(200, b"xyz")))
        self.assertEqual(repr(told), repr([position]))

    def test_several(self) -> None:
        """All records count, in their order; without a fix there is no place and no last place either."""
        told = positions(said(payload(data(), data(FIX, time=SECONDS + 1), data(time=SECONDS + 2))))
        self.assertEqual(
            [(one.valid, one.outdated, one.latitude > 0) for one in told],
            [(False,) * 3, (True, False, True), (False,) * 3],
        )
        self.assertEqual([one.fix_time.second for one in told if one.fix_time], [51, 52, 53])

    def test_event(self) -> None:
        """An event is where the device was last; what stands behind its number is not looked at."""
        told = said(payload(record(2, IMEI), record(3, struct.pack("<IBB", SECONDS, 1, 51) + b"FC2")))
        self.assertEqual(told, [Position(TIME, attributes={"event": 51}, outdated=True)])

    def test_nothing(self) -> None:
        """A message without these records says nothing."""
        for message in (payload(), payload(record(2, IMEI))):
            self.assertEqual(said(message), [])

    def test_two_fixes(self) -> None:
        """The last of several fixes counts, whatever its id."""
        position = one(FIX, item(14, 1, "0000803f" + "000080bf" + "0000" + "00" + "00" + "0100" + "0100"))
        self.assertEqual(
            (position.latitude, position.longitude, position.speed, position.course), (1.0, -1.0, 0.0, 1.0)
        )
        self.assertEqual(position.attributes, {"hdop": 0.0, "sat": 0})


class ItemTests(SynchronousTestCase):
    def test_flags(self) -> None:
        """The kind alone tells a flag; a zero of a number tells nothing."""
        told = {
            0x02: "motion",
            0x10: "in2",
            0x15: "in7",
            0x1E: "buttonPresent",
            0x62: "doorFL",
            0x65: "doorRR",
            0x6D: "ignition",
            0x8B: "handBrake",
            0x8C: "footBrake",
            0x94: "out1",
            0x96: "out3",
            0x9A: "out4",
        }
        for id, name in told.items():
            found = [attributes(kind, id) for kind in (0, 1, 3, 5)]
            self.assertEqual(found, [{name: False}, {name: True}, {}, {name: True}])

    def test_jamming(self) -> None:
        """Two flags are an alarm, when they are set."""
        self.assertEqual([attributes(kind, 0x08) for kind in (0, 1)], [{}, {"alarm": "jamming"}])
        self.assertEqual(one(item(1, 0x08), item(1, 0x9B)).attributes, {"alarm": "jamming,jamming"})

    def test_numbers(self) -> None:
        """The id tells the width of these numbers, whatever the kind, and the unit."""
        for id, value, expected in (
            (0x2000, "ff", {"obdSpeed": 255}),
            (0x2001, "07", {"sat": 7}),
            (0x2006, "64", {"throttle": 100}),
            (0x2007, "64", {"fuel": 100}),
            (0x2008, "5a", {"coolantTemp": 90}),
            (0x2009, "01", {"fuel2": 1}),
            (0x200A, "02", {"engineLoad": 2}),
            (0x2041, "63", {"batteryLevel": 99}),
            (0x3000, "b135", {"power": 13.745}),
            (0x3001, "e803", {"adc5": 1.0}),
            (0x3002, "0100", {"adc4": 0.001}),
            (0x3003, "ffff", {"adc3": 65.535}),
            (0x3004, "a00f", {"battery": 4.0}),
            (0x300C, "2003", {"rpm": 800}),
            (0x3021, "1900", {"fuelConsumption": 1.25}),
            (0x3037, "ffff", {"cargoWeight": 131070}),
            (0x4001, "ffffffff", {"fuelUsed": 4294967295}),
            (0x4002, "0a000000", {"hours": 10}),
            (0x4003, "ffffffff", {"odometer": 21474836475}),
            (0x4063, "10270000", {"axleWeight": 10000}),
            (0x5004, "ffffffffffffffff", {"temp1": -1}),
            (0x5007, "1500000000000000", {"temp4": 21}),
            (0xA000, "cdcc2c40", {"deviceTemp": 2.700000047683716}),
            (0xA001, "0000803f", {"acceleration": 1.0}),
            (0xA002, "000000bf", {"cornering": -0.5}),
            (0xA017, "0000a841", {"temp1": 21.0}),
            (0xA01A, "0000a8c1", {"temp4": -21.0}),
            (0xB002, "000000000000f83f", {"obdOdometer": 1.5}),
        ):
            for kind in (0, 4, 99):
                self.assertEqual(repr(attributes(kind, id, value)), repr(expected))
            self.assertEqual(attributes(3, id), {})

    def test_kinds(self) -> None:
        """An id that is not known has a value by its kind."""
        for kind, value, expected in (
            (0, "", False),
            (1, "", True),
            (4, "ff", 255),
            (5, "ffff", 65535),
            (6, "ffffffff", 4294967295),
            (7, "ffffffffffffffff", -1),
            (8, "ff", -1),
            (9, "feff", -2),
            (10, "fdffffff", -3),
            (11, "0000000000000080", -(2**63)),
            (12, "cdcc2c40", 2.7),
            (12, "01000000", 1.4e-45),
            (12, "00000080", -0.0),
            (13, "9a99999999990540", 2.7),
            (32, "04476f6f44", "GooD"),
            (32, "01ff", "ÿ"),
            (33, "02abCD", "abcd"),
            (64, "0200" + "4f4b", "OK"),
            (65, "0100" + "0F", "0f"),
            (32, "00", ""),
            (2, "", None),
            (99, "", None),
        ):
            self.assertEqual(repr(attributes(kind, 0xC000, value)), repr({"io49152": expected}))
        self.assertEqual(attributes(3, 0xC000), {})
        self.assertEqual(one(item(99, 1), item(4, 7, "05")).attributes, {"io1": None, "io7": 5})

    def test_texts(self) -> None:
        """Drivers and trailers are texts, whatever they are sent as; nothing is no text."""
        for id, name in ((0x5000, "driverUniqueId"), (0x500D, "trailerId")):
            for kind, value, expected in (
                (6, "16a1c101", "29466902"),
                (11, "ffffffffffffffff", "-1"),
                (1, "", "true"),
                (12, "cdcc2c40", "2.7"),
                (13, "000000205fa00242", "1.0E10"),
                (32, "024142", "AB"),
                (33, "0b0102030405060708090a0b", "0102030405060708090a0b"),
            ):
                self.assertEqual(attributes(kind, id, value), {name: expected})
            self.assertEqual([attributes(kind, id, value) for kind, value in ((3, ""), (32, "00"), (99, ""))], [{}] * 3)


class WrongTests(SynchronousTestCase):
    def test_short(self) -> None:
        """What ends too early is an error; a message is believed whole or not at all."""
        for message in (
            b"",
            b"\2",
            payload(data(FIX), end=b""),
            payload(data(FIX), end=b"\0\0"),
            payload(data(FIX))[:-2],
            payload(record(1, b"\0\0\0")),
            payload(record(3, b"\0\0\0\0\0")),
            payload(data(item(4, 1))),
            payload(data(item(5, 0x3000, "00"))),
            payload(data(item(32, 1, "05" + "4142"))),
            payload(data(item(64, 1, "00"))),
            payload(data(b"\1\0")),
            payload(data(FIX[:-1])),
        ):
            with self.assertRaises(BAD_FRAME, msg=message.hex()):
                said(message)

    def test_cut_anywhere(self) -> None:
        """Wherever a message is cut, it is an error or says less."""
        message = payload(record(2, IMEI), data(FIX, item(32, 9, "024142"), item(13, 8, "00" * 8)))
        for end in range(len(message)):
            try:
                self.assertEqual(said(message[:end]), [])
            except BAD_FRAME:
                pass

    def test_no_place(self) -> None:
        """A place that is none on earth is an error, also if another overwrites it."""
        nowhere = item(14, 0, "0000b642" + "00000000" + "0000" + "0000" + "00000000")
        for items in ((nowhere,), (nowhere, FIX)):
            with self.assertRaises(BAD_FRAME):
                one(*items)


class CommandTests(SynchronousTestCase):
    def encoded(self, type: str = "outputControl", version: int = 4, id: str = ID, **given: Any) -> str:
        session = Session(iotm, "mqtt", device=Device(id), version=version)
        made = commands.encode(iotm, Command(type, given), session)
        assert made is not None
        return made.hex()

    def test_output(self) -> None:
        """An output is switched by a message to a topic of the device's own."""
        topic = f"{ID}/OUTC".encode().hex()
        switch = "0202080079df0d8648700000040a00ffffff7f00000301b0b19e"
        self.assertEqual(self.encoded(index=1, data="1"), "32320014" + topic + "0000" + switch)
        self.assertEqual(self.encoded(index=1, data=1.0), "32320014" + topic + "0000" + switch)
        self.assertEqual(self.encoded(version=5, index=1, data=1), "32330014" + topic + "000000" + switch)
        self.assertTrue(self.encoded(index=3, data=120).endswith("ffffff7f02000378b0b117"))
        self.assertTrue(self.encoded().endswith("ffffff7fff000300b0b19c"))

    def test_impossible(self) -> None:
        """What is no number is refused, the device's id included."""
        cases: list[tuple[str, dict[str, Any]]] = [
            (ID, {"data": "10:00"}),
            (ID, {"index": "x"}),
            ("ABC", {}),
            ("9" * 20, {}),
        ]
        for id, given in cases:
            with self.assertRaises(Unsupported, msg=repr(given)):
                self.encoded(id=id, **given)

    def test_custom(self) -> None:
        """Other commands are bytes as they are."""
        self.assertEqual(self.encoded("custom", data="C000"), "c000")
        with self.assertRaises(Unsupported):
            self.encoded("custom", data="STATUS")


class ConversationTests(SynchronousTestCase):
    def test_whole_and_byte_by_byte(self) -> None:
        """A device connects, publishes and is acknowledged, however the network cuts its packets."""
        connect = bytes.fromhex("101b00044d51545404000000000f") + ID.encode()
        first, second = (mqtt.publish(4, "data", payload(data(FIX, time=time)), time) for time in (1, 2))
        for size in (1, 1000):
            intake = MemoryIntake.knowing(ID)
            device = call(server(intake), iotm)
            stream = connect + first + second
            heard = "".join(device.sends(stream[at : at + size]) for at in range(0, len(stream), size))
            self.assertEqual(heard.encode("latin-1").hex(), "20020000" + "40020001" + "40020002")
            self.assertEqual([id for id, _ in intake.taken], [ID] * 2)

    def test_old_version(self) -> None:
        """A client of MQTT 3.1 has an id of up to 23 characters, however many bytes these are."""
        for id, answer in (("é" * 23, "20020000"), ("é" * 24, "")):
            name, text = b"\0\6MQIsdp\3\0\0\0", id.encode()
            connect = bytes((0x10, len(name) + 2 + len(text))) + name + struct.pack(">H", len(text)) + text
            device = call(server(MemoryIntake.knowing(id)), iotm)
            self.assertEqual(device.sends(connect).encode("latin-1").hex(), answer)
