"""
JT/T 808, by frames that are built here after their layouts: cutting, identity, replies, messages, commands.

What the items of a location mean is in `test_jt808_items`, and what is sent through the terminal in
`test_jt808_uplink`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.jt808.frames import split, wrap
from plugins.wire.jt808.jt808 import jt808
from tests.plugins.wire.jt808_frames import (
    DATE,
    FIX,
    LOCATION,
    LOGIN_IDS,
    PHONE,
    TIME,
    WHERE,
    accepted,
    exact,
    frame,
    located,
    plain,
    said,
)
from tests.plugins.wire.talk import NOW, Device, Talk, positions, told
from trackd.wire import commands, names
from trackd.wire.catalog import load
from trackd.wire.format import BAD_FRAME
from trackd.wire.framing import Frames
from trackd.wire.values import CellTower, Command, Login, Network, Position, Reply, Unsupported, WireError


class CuttingTests(SynchronousTestCase):
    def cut(self, *reads: bytes) -> list[list[bytes]]:
        frames = Frames(split, jt808.limit)
        return [list(frames.feed(data)) for data in reads]

    def test_frames(self) -> None:
        """Frames of all three forms, and what stands between them is thrown away."""
        one, two, three = plain(0x0002), plain(0x0003, marker=b"\xe7", id="01" * 7), b"(1,2)"
        self.assertEqual(self.cut(b"\r\n" + one + two + b"x" + three + one + b"ab"), [[one, two, three, one]])

    def test_escapes(self) -> None:
        """Escapes are undone, and such as mean nothing vanish."""
        for sent, passed in (
            ("7e 7d02 7d01 7d01 02 7e", "7e 7e 7d 7d 02 7e"),
            ("7e 01 7d05 02 7e", "7e 01 02 7e"),
            ("e7 e601 e602 3e01 3e02 7d01 e7", "e7 e6 e7 3e 3d 7d01 e7"),
            ("e7 01 3e03 e6e6 02 e7", "e7 01 02 e7"),
        ):
            self.assertEqual(self.cut(bytes.fromhex(sent)), [[bytes.fromhex(passed)]])

    def test_lone_escape(self) -> None:
        """An escape before the end takes the end with it."""
        self.assertEqual(self.cut(bytes.fromhex("7e01027d7e") + plain(2)), [[bytes.fromhex("7e0102"), plain(2)]])

    def test_waits(self) -> None:
        """A frame is waited for, but not for ever."""
        one = frame(0x0200, LOCATION)
        self.assertEqual(self.cut(one[:1], one[1:9], one[9:]), [[], [], [plain(0x0200, LOCATION)]])
        frames = Frames(split, jt808.limit)
        self.assertEqual(list(frames.feed(b"\x7e" + bytes(32768))), [])
        self.assertIsInstance(frames.broken, WireError)

    def test_adjacent(self) -> None:
        """Two markers are a frame, and a bad one."""
        with self.assertRaises(BAD_FRAME):
            Talk(jt808).say(b"\x7e\x7e")

    def test_sent(self) -> None:
        """What is sent is escaped but for the markers at its ends, by the table of the first byte."""
        session = Talk(jt808).session
        for made, sent in (
            ("7e 7e 7d 02 7e", "7e 7d02 7d01 02 7e"),
            ("e7 e6 e7 3e 3d 7d 7e e7", "e7 e601 e602 3e01 3e02 7d 7e e7"),
            ("7d 01 7e 02", "7d01 01 7d02 02"),
            ("7e", "7e"),
            ("", ""),
        ):
            self.assertEqual(wrap(bytes.fromhex(made), session), bytes.fromhex(sent))


class IdentityTests(SynchronousTestCase):
    def test_ids(self) -> None:
        """The id is looked for without leading zeros first, in every frame."""
        for id, header, ids in (
            (PHONE, {}, LOGIN_IDS),
            ("860315927150", {}, ("860315927150",)),
            ("000000000000", {}, ("0", "000000000000")),
            ("00000866496077582164", {"version": 1}, ("866496077582164", "00000866496077582164")),
            ("00135112211220", {"marker": b"\xe7"}, ("135112211220", "00135112211220")),
            ("4f07788ef676", {}, ("868935060005020",)),
            ("4f07788ef676ffffffff", {"version": 1}, ("868935060005020",)),
        ):
            talk = Talk(jt808)
            frame = plain(0x0002, id=id, **header)
            self.assertEqual(list(talk.outputs(frame))[0], Login(ids))

    def test_unknown(self) -> None:
        """A stranger gets no reply of any kind."""
        reads = [frame(type, LOCATION) for type in (0x0002, 0x0100, 0x0102, 0x0109, 0x0200)]
        reads.append(frame(0x5501, LOCATION, index="07"))
        self.assertEqual(told(jt808, *reads, known=()), [Login(LOGIN_IDS)] * 6)

    def test_many(self) -> None:
        """Several devices may share a connection."""
        talk = Talk(jt808)
        for id in ("111111111111", "222222222222"):
            talk.say(frame(0x0200, LOCATION, id=id))
            assert talk.session.device is not None
            self.assertEqual(talk.session.device.unique_id, id)


class ReplyTests(SynchronousTestCase):
    def test_general(self) -> None:
        """Most messages are acknowledged by index and type."""
        for type in (0x0002, 0x0003, 0x0102, 0x0506, 0x1007, 0x8888):
            self.assertEqual(said(type), [accepted(type)])

    def test_example(self) -> None:
        """Replies as they are sent: from the header's index on, and the checksum."""
        (login, reply) = told(jt808, frame(0x0003, index="0007"))
        assert isinstance(reply, Reply)
        self.assertEqual(reply.data.hex(), "7e8001000501351122112200000007000300b47e")

    def test_kind(self) -> None:
        """A reply has marker, version and id of the frame."""
        long = "00000866496077582164"
        for header in ({"version": 1, "id": long}, {"marker": b"\xe7", "id": "00135112211220"}):
            made = told(jt808, plain(0x0003, **header))[1:]
            self.assertEqual(made, [Reply(plain(0x8001, "0102 0003 00", **header, index="0000"))])

    def test_register(self) -> None:
        """Whoever registers is welcome, its id being the code with which it comes back."""
        code = PHONE.encode().hex()
        self.assertEqual(said(0x0100, "00" * 37), [Reply(plain(0x8100, f"0102 00 {code}", index="0000"))])
        (_, reply) = told(jt808, frame(0x0100, id="4f07788ef676"))
        assert isinstance(reply, Reply)
        self.assertIn(b"868935060005020", reply.data)

    def test_time(self) -> None:
        """The time is that of UTC."""
        self.assertEqual(said(0x0109), [Reply(plain(0x8109, "07EA 0B 01 0C 22 38 00", index="0000"))])

    def test_ignored(self) -> None:
        """Other messages, a terminal's general response for one, say nothing and are not answered."""
        for type in (0x0001, 0x0104, 0x0201, 0x0700, 0x0705, 0x0801, 0x0A00, 0x1003):
            self.assertEqual(said(type, bytes(20)), [])


class TextTests(SynchronousTestCase):
    def test_time(self) -> None:
        """A lock that asks for the time gets it, whoever it is."""
        ask, answer = b"(794104004140,1,001,BASE,2,TIME)", b"(794104004140,1,001,BASE,2,20261101123456)"
        self.assertEqual(told(jt808, ask, known=()), [Reply(answer)])

    def test_result(self) -> None:
        """Any other text is a result of the device that is known from its frames."""
        position = Position(outdated=True, attributes={"result": "(1,P41,\xff)"})
        self.assertEqual(told(jt808, frame(0x0003), b"(1,P41,\xff)")[2:], [Login(), position])
        self.assertEqual(told(jt808, b"(1,P41)"), [Login()])


class LocationTests(SynchronousTestCase):
    def test_location(self) -> None:
        """Place, time and status, acknowledged when they are stored."""
        self.assertEqual(exact(*said(0x0200, LOCATION)), exact(located(), accepted(0x0200)))

    def place(self, body: str, **talk: Any) -> Position:
        return positions(said(0x0200, body, **talk))[0]

    def test_status(self) -> None:
        """Bits of the status word."""
        for status, changed, attributes in (
            ("00000000", {"valid": False}, {"ignition": False}),
            ("00000007", {"latitude": -22.5}, {}),
            ("0000000B", {"longitude": -114.25}, {}),
            ("00000403", {}, {"blocked": True}),
            ("04000003", {}, {"charge": True}),
            ("00010013", {}, {}),
        ):
            body = f"00000000 {status} {FIX} 0064 0258 0087 {DATE}"
            expected = evolve(located(**attributes), **changed)
            self.assertEqual(self.place(body), expected)

    def test_status_of_models(self) -> None:
        """Bits that only some models have."""
        for status, model, attributes in (
            ("00000013", "G1C Pro", {"motion": True}),
            ("00000003", "G1C Pro", {"motion": False}),
            ("00010003", "MV810G", {"door": True}),
            ("00000003", "MV710G", {"door": False}),
        ):
            body = f"00000000 {status} {FIX} 0064 0258 0087 {DATE}"
            self.assertEqual(self.place(body, model=model), located(**attributes))

    def test_below(self) -> None:
        """Below the sea, and nowhere at all."""
        self.assertEqual(self.place(f"00000000 00000003 {FIX} FFFF 0258 0087 {DATE}").altitude, -1.0)
        nowhere = self.place(f"00000000 00000000 {'00' * 14} {DATE}")
        self.assertEqual((nowhere.latitude, nowhere.longitude, nowhere.outdated), (0.0, 0.0, False))

    def test_impossible(self) -> None:
        """A latitude that does not exist spoils the frame."""
        with self.assertRaises(WireError):
            said(0x0200, f"00000000 00000003 055D4A81 00000000 0000 0000 0000 {DATE}")

    def test_alarms(self) -> None:
        """Bits of the alarm word, in the order of the table."""
        for word, alarm in (
            (1 << 0, "sos"),
            (1 << 1, "overspeed"),
            (1 << 2, "fatigueDriving"),
            (1 << 5, "gpsAntennaCut"),
            (1 << 6, "gpsAntennaCut"),
            (1 << 4, "fault"),
            (1 << 9, "fault"),
            (1 << 10 | 1 << 11, "fault"),
            (1 << 7, "lowBattery"),
            (1 << 18, "lowBattery"),
            (1 << 8, "powerOff"),
            (1 << 15, "vibration"),
            (1 << 16 | 1 << 17, "tampering"),
            (1 << 19, "parking"),
            (1 << 20, "geofence"),
            (1 << 26, "general"),
            (1 << 28, "movement"),
            (1 << 29, "accident"),
            (1 << 30, "accident"),
            (1 << 3 | 1 << 12 | 1 << 31, None),
            (1 << 8 | 1 << 7 | 1 << 0, "sos,lowBattery,powerOff"),
        ):
            self.assertEqual(self.place(f"{word:08x}" + LOCATION[8:]).attributes.get("alarm"), alarm)

    def test_alarms_of_models(self) -> None:
        """What some models mean by the bits."""
        for word, model, alarm in (
            (1 << 0, "G-360P", "removing"),
            (1 << 4 | 1 << 1, "G-508P", "removing,tampering"),
            (1 << 8, "G-508P", None),
            (1 << 16, "AL300", "movement"),
            (1 << 0, "GL100", None),
            (1 << 29 | 1 << 8, "VL300", "powerOff"),
        ):
            position = self.place(f"{word:08x}" + LOCATION[8:], model=model)
            self.assertEqual(position.attributes.get("alarm"), alarm)

    def test_fixed_form(self) -> None:
        """Eighteen bytes behind the place are no items."""
        self.assertEqual(
            self.place(LOCATION + "00000000 00000002 0078 00000000 18 000000"),
            located(odometer=2000, battery=12.0, rssi=24),
        )

    def test_zone(self) -> None:
        """Times are those of China, or of the configured zone."""
        for zone, time in (
            ("", TIME),
            ("UTC", TIME + timedelta(hours=8)),
            ("Europe/Berlin", TIME + timedelta(hours=6)),
            ("GMT-3", TIME + timedelta(hours=11)),
        ):
            self.assertEqual(self.place(LOCATION, settings={"decoder.timezone": zone}).fix_time, time)

    def test_dates(self) -> None:
        """Digits above nine count their value, parts roll over."""
        for date, time in (
            ("000000000000", datetime(1999, 11, 29, 16, tzinfo=UTC)),
            ("2405060A0000", datetime(2024, 5, 6, 2, tzinfo=UTC)),
            ("241332250000", datetime(2025, 2, 1, 17, tzinfo=UTC)),
        ):
            self.assertEqual(self.place(LOCATION[: -len(DATE)] + date).fix_time, time)

    def test_camera(self) -> None:
        """The files of an alarm with a label are asked for, if it is known where they are to go."""
        value = "00000001 00 02" + "00" * 25 + "30" * 16
        item = f"64 2F {value}"
        settings: dict[str, Any] = {"web.url": "https://me@example.com:8082/path"}
        outputs = said(0x0200, LOCATION + item, settings=settings)
        text = b"\xf0VIDEOUPLOAD,example.com,5267," + b"30" * 16 + b",1-2-3,2"
        request = Reply(plain(0x8900, text, index="0000"))
        self.assertEqual(outputs[1:], [accepted(0x0200), request])
        self.assertEqual(said(0x0200, LOCATION + item), outputs[:2])
        settings["jimiphoto.port"] = 0
        self.assertEqual(said(0x0200, LOCATION + item, settings=settings), outputs[:2])
        self.assertEqual(said(0x0200, LOCATION, settings=settings), [located(), accepted(0x0200)])


class BatchTests(SynchronousTestCase):
    def test_batch(self) -> None:
        """Reports behind their lengths; old ones are marked."""
        report = f"0020 {LOCATION} 30 02 1F 00"
        expected = [located(rssi=31), located(rssi=31)]
        self.assertEqual(said(0x0704, f"0002 00 {report}{report}"), [*expected, accepted(0x0704)])
        for position in expected:
            position.set(names.ARCHIVE, True)
        self.assertEqual(said(0x0704, f"0009 01 {report}{report}"), [*expected, accepted(0x0704)])

    def test_ends(self) -> None:
        """In a batch the last two bytes of a report are not looked at, and twenty are the fixed form."""
        items = "30 01 1F 31"
        self.assertEqual(said(0x0704, f"0001 00 0020 {LOCATION} {items}")[0], located(rssi=31))
        fixed = "00000000 00000002 0078 00000000 18 000000 0000"
        expected = located(odometer=2000, battery=12.0, rssi=24)
        self.assertEqual(said(0x0704, f"0001 00 0030 {LOCATION} {fixed}")[0], expected)

    def test_short_batch(self) -> None:
        """Another batch has lengths of one byte, and neither number nor mark."""
        self.assertEqual(said(0x0210, f"1C {LOCATION} 1C {LOCATION}"), [located(), located(), accepted(0x0210)])

    def test_level(self) -> None:
        """Seven bytes in place of a batch are a battery level."""
        position = Position(TIME, outdated=True, attributes={"batteryLevel": 79})
        self.assertEqual(said(0x0210, f"4F {DATE}"), [position, accepted(0x0210)])

    def test_broken(self) -> None:
        """A report that is shorter than it says spoils the batch."""
        for body in (f"0002 00 001C {LOCATION} 00FF {LOCATION}", f"0001 00 001B {LOCATION}", ""):
            with self.assertRaises(BAD_FRAME):
                said(0x0704, body)


class MessageTests(SynchronousTestCase):
    def told(self, type: int, body: str, time: datetime | None = None, **attributes: Any) -> None:
        position = Position(time, outdated=True, attributes=attributes)
        self.assertEqual(exact(*positions(said(type, body))), exact(position))

    def test_heartbeat(self) -> None:
        """A heartbeat may have levels; of two bytes the third one is the checksum."""
        self.told(0x0002, "5A 10 01", batteryLevel=90, rssi=16, status=1)
        checksum = plain(0x0002, "5A 10")[-2]
        self.told(0x0002, "5A 10", batteryLevel=90, rssi=16, status=checksum)
        self.assertEqual(said(0x0002, "5A"), [accepted(0x0002)])

    def test_attributes(self) -> None:
        """The card of a terminal."""
        self.told(0x0107, "00" * 34 + "89860117801086222165 FFFF", iccid="89860117801086222165")

    def test_results(self) -> None:
        """Answers to commands in four encodings."""
        self.told(0x0701, "00000003 4F4BFF", result="OK\xff")
        self.told(0x6006, "01" + "设置成功 ".encode("gbk").hex(), result="设置成功 ")
        self.told(0x1300, "0005" + " OK €\n".encode("utf-16-be").hex(), result="OK €")
        for body in ("0000FFFF 4F4B", "FFFFFFFF 4F4B"):
            with self.assertRaises(BAD_FRAME):
                said(0x0701, body)

    def test_driver(self) -> None:
        """A card that has been inserted, and one that has been removed, which is too short."""
        code, agency = b"A1".ljust(20, b"\0").hex(), b"Agency".hex()
        self.told(
            0x0702,
            f"01 {DATE} 00 03 {b'Bob'.hex()} {code} 06 {agency} 20301231",
            TIME,
            cardStatus=1,
            cardResult=0,
            driver="Bob",
            cardCode="A1",
            cardAgency="Agency",
            cardValidity="20301231",
        )
        with self.assertRaises(BAD_FRAME):
            said(0x0702, f"02 {DATE}")

    def test_acceleration(self) -> None:
        """Three axes with a sign bit; a sample that is begun must be whole."""
        self.told(0x2070, f"{DATE} 000E 802D 8000 {DATE} 0000 0001 FFFF", gSensor="[[14,-45,0],[0,1,-32767]]")
        self.told(0x2070, "", gSensor="[]")
        with self.assertRaises(BAD_FRAME):
            said(0x2070, f"{DATE} 000E 802D 00AC 00")

    def test_package(self) -> None:
        """A part of a message is read as if it were whole, its number first."""
        numbered = frame(0x0701, "00020001 4F4B", flags=0x2000)
        with self.assertRaises(BAD_FRAME):
            Talk(jt808).say(numbered)


class LockTests(SynchronousTestCase):
    # 6 May 2024 07:08:09 UTC, 22°30' N, 114°15' E, 12 kn, 2 × 67°, 7 satellites
    PLACE = "060524 070809 22300000 1141500006 12 43"
    REST = "1C 07 00000002 5A 00000000 0000 01 0008 0000"

    def lock(self, body: str, type: int = 0x5501, flags: int = 0x8000, **talk: Any) -> Position:
        outputs = told(jt808, frame(type, body, index="07", flags=flags), **talk)
        (position,) = positions(outputs)
        reply = Reply(plain(0x4401, f"{type:04x} 00", index="01"))
        self.assertEqual(outputs[2:], [reply] if flags else [])
        return position

    def expected(self, **attributes: Any) -> Position:
        place = {**WHERE, "altitude": 0.0, "speed": 12.0, "course": 134.0}
        found = {"rssi": 28, "sat": 7, "odometer": 2000, "batteryLevel": 90, "status": 8}
        return Position.at(TIME, **place, attributes={**found, **attributes})

    def test_lock(self) -> None:
        """A lock says where it is in decimals; the reply is sent if it is wanted."""
        for flags in (0x8000, 0):
            self.assertEqual(self.lock(self.PLACE + self.REST, flags=flags), self.expected())

    def test_offline(self) -> None:
        """Where it was while it could not say so is no valid place."""
        position = self.lock(self.PLACE + self.REST, 0x5502)
        self.assertEqual(position, evolve(self.expected(), valid=False))

    def test_sides(self) -> None:
        """Hemispheres are bits of the last digit, and so is nothing else."""
        for digit, latitude, longitude in (("0", -22.5, -114.25), ("3", 22.5, -114.25), ("D", -22.5, 114.25)):
            place = f"060524 070809 22300000 114150000{digit} 12 43"
            position = self.lock(place + self.REST)
            self.assertEqual((position.latitude, position.longitude), (latitude, longitude))

    def test_battery(self) -> None:
        """A level above a hundred means that it is being charged, or nothing."""
        for level, found in (("64", (100, None)), ("AA", (None, True)), ("AB", (None, True)), ("FF", (None, None))):
            attributes = self.lock(f"{self.PLACE} 1C 07 00000002 {level} 00000000 0000 01 0008 0000").attributes
            self.assertEqual((attributes.get("batteryLevel"), attributes.get("charge")), found)

    def test_cell(self) -> None:
        """The cell belongs to the configured network."""
        body = f"{self.PLACE} 1C 07 00000002 5A 00440001 2337 01 0008 0000"
        self.assertEqual(self.lock(body).network, Network([CellTower(0, 0, 9015, 4456449)]))
        settings = {"geolocation.mcc": 460, "geolocation.mnc": 1}
        self.assertEqual(self.lock(body, settings=settings).network, Network([CellTower(460, 1, 9015, 4456449)]))
        self.assertIsNone(self.lock(body.replace("2337", "0000")).network)

    def test_alarms(self) -> None:
        """Alarms and what else the product decides on."""
        for product, status, bits, attributes in (
            ("01", "0020", "0001", {"alarm": "lowPower"}),
            ("02", "0000", "0003", {"alarm": "lowPower"}),
            ("03", "0020", "000F", {"alarm": "overspeed,lowPower,vibration,lowBattery", "blocked": True}),
            ("03", "0000", "0060", {"alarm": "geofenceEnter,geofenceExit", "blocked": False}),
            ("04", "0020", "FFFF", {}),
        ):
            body = f"{self.PLACE} 1C 07 00000002 5A 00000000 0000 {product} {status} {bits}"
            self.assertEqual(exact(self.lock(body)), exact(self.expected(status=int(status, 16), **attributes)))

    def test_items(self) -> None:
        """Items have widths of their own, whatever they say."""
        for items, attributes in (
            ("10 01 02 FC 01 05", {"wakeSource": 2, "geofence": 5}),
            ("0A 03 010203 10 05 02", {"wakeSource": 2}),
            ("0B 08 03 363839363037 65", {"lockCommand": 3, "lockPassword": "689607", "unlockResult": 101}),
            ("0B 05 22 00623A49 10 01 02", {"lockCommand": 34, "lockCard": 6437449, "wakeSource": 2}),
            ("0B 06 22 00623A49 65", {"lockCommand": 34, "lockCard": 6437449, "unlockResult": 101}),
            ("0B 01 0D", {"lockCommand": 13}),
            ("0C 06 003B FFA8 8000", {"tilt": "[59,-88,32768]"}),
            ("55 02 1234 10 01 02", {"wakeSource": 2}),
        ):
            self.assertEqual(exact(self.lock(self.PLACE + self.REST + items)), exact(self.expected(**attributes)))
        high = self.lock(self.PLACE + self.REST + "02 02 FFF6")
        self.assertEqual(high, evolve(self.expected(), altitude=-10.0))

    def test_broken(self) -> None:
        """An item that goes beyond the frame spoils it."""
        with self.assertRaises(BAD_FRAME):
            self.lock(self.PLACE + self.REST + "0A 09 01")


class CommandTests(SynchronousTestCase):
    def sent(
        self,
        type: str,
        attributes: Mapping[str, Any] = MappingProxyType({}),
        talk: Talk | None = None,
        device: Device | None = None,
    ) -> str:
        session = (talk or Talk(jt808)).session
        session.device = device or Device("123456789012345")
        made = commands.encode(jt808, Command(type, attributes), session)
        assert made is not None
        return made.hex()

    def test_commands(self) -> None:
        """Frames of the commands, to a device whose id is an IMEI."""
        for type, attributes, sent in (
            ("rebootDevice", {}, "7e031000040b3a73ce2ff2000001230103667e"),
            ("positionPeriodic", {"frequency": 60}, "7e031000070b3a73ce2ff200000106040000003c7a7e"),
            ("alarmArm", {}, "7e031000080b3a73ce2ff2000001240501757365727a7e"),
            ("alarmDisarm", {}, "7e031000080b3a73ce2ff2000001240500757365727b7e"),
            ("engineStop", {}, "7e810500010b3a73ce2ff20000f0247e"),
            ("engineResume", {}, "7e810500010b3a73ce2ff20000f1257e"),
            ("videoStop", {}, "7e910200040b3a73ce2ff2000001000000c77e"),
            ("videoStop", {"index": 3}, "7e910200040b3a73ce2ff2000003000000c57e"),
            ("custom", {"data": "7e01027d7e"}, "7e01027d7e"),
        ):
            self.assertEqual(self.sent(type, attributes), sent)

    def test_models(self) -> None:
        """What some models want instead."""
        for model, type, attributes, sent in (
            ("VL300", "engineStop", {}, "7e810500040b3a73ce2ff2000023303b31c87e"),
            ("VL300", "engineResume", {}, "7e810500040b3a73ce2ff2000023303b30c97e"),
            ("W15L", "engineStop", {}, "7e810500010b3a73ce2ff2000064b07e"),
            ("W15L", "engineResume", {}, "7e810500010b3a73ce2ff2000065b17e"),
            (
                "BSJ",
                "custom",
                {"data": "Test, Command, 123#"},
                "7e830000140b3a73ce2ff2000001546573742c20436f6d6d616e642c2031323323a57e",
            ),
            ("C5L", "custom", {"data": "设"}, "7e830000030b3a73ce2ff2000001c9e8f17e"),
            ("JC371", "custom", {"data": "TEST"}, "7e890000050b3a73ce2ff20000f0544553543b7e"),
            ("AL300", "custom", {"data": "TEST"}, "7e8103000a0b3a73ce2ff20000010000f03004544553540a7e"),
            ("VL300", "custom", {"data": "TEST"}, "7e8103000a0b3a73ce2ff20000010000f03004544553540a7e"),
        ):
            self.assertEqual(self.sent(type, attributes, device=Device("123456789012345", model)), sent)

    def test_alternative(self) -> None:
        """Another dialect has the server's time, whatever the model."""
        device = Device("123456789012345", "VL300", {"jt808.alternative": True})
        talk = Talk(jt808, zone=ZoneInfo("Asia/Tokyo"))
        talk.session.now = datetime(2026, 1, 1, 18, 4, 5, tzinfo=UTC)
        sent = self.sent("engineStop", {}, talk, device)
        self.assertEqual(sent, "7ea00600070b3a73ce2ff2000001260102030405d67e")
        self.assertEqual(self.sent("engineResume", {}, talk, device)[26:28], "00")

    def test_video(self) -> None:
        """Video goes to the server's host, if that is configured."""
        settings: dict[str, Any] = {"web.url": "http://example.com:8082"}
        self.assertEqual(
            self.sent("videoStart", talk=Talk(jt808, settings=settings)),
            "7e910100130b3a73ce2ff200000b6578616d706c652e636f6d148f0000010100657e",
        )
        settings |= {"web.url": "https://[::1]/", "jt1078.port": 1}
        sent = bytes.fromhex(self.sent("videoStart", {"index": 2}, Talk(jt808, settings=settings)))
        self.assertEqual(sent[13:-2], b"\x05[::1]\0\1\0\0\2\1\0")

    def test_kind(self) -> None:
        """Commands are like the latest frame of the connection: its marker, its version, an id of that width."""
        talk = Talk(jt808)
        talk.say(frame(0x0002, version=1, id="0" * 20))
        device = Device("866496077582164")
        self.assertEqual(
            self.sent("engineStop", {}, talk, device)[:-4], "7e810540010100000866496077582164" + "0000" + "f0"
        )
        talk.say(frame(0x0002))
        self.assertEqual(self.sent("engineStop", {}, talk, Device(PHONE))[:-4], f"7e81050001{PHONE}0000f0")
        talk.say(plain(0x0002, id="0" * 14, marker=b"\xe7"))
        sent = self.sent("engineStop", {}, talk, Device(PHONE))
        self.assertEqual((sent[:2], sent[-2:]), ("e7", "e7"))

    def test_refused(self) -> None:
        """What is missing, too long or no hex is refused."""
        for type, model, attributes in (
            ("custom", None, {}),
            ("custom", None, {"data": "STATUS#"}),
            ("custom", "AL300", {"data": "x" * 256}),
            ("custom", "JC371", {"data": "x" * 1023}),
            ("videoStart", None, {}),
            ("positionPeriodic", None, {"frequency": "soon"}),
        ):
            with self.assertRaises(Unsupported):
                self.sent(type, attributes, device=Device("123", model))
        with self.assertRaises(Unsupported):
            self.sent("engineResume", device=Device("no digits"))


class FormatTests(SynchronousTestCase):
    def test_catalog(self) -> None:
        """The format is found by its name."""
        self.assertIs(load("jt808"), jt808)

    def test_now(self) -> None:
        """Messages without a time have none, so that the server's counts."""
        self.assertIsNone(positions(said(0x0002, "5A 10 01"))[0].device_time)
        self.assertEqual(Talk(jt808).session.now, NOW)

    def test_damage(self) -> None:
        """Damaged frames are bad frames and nothing worse."""
        random = Random(1)
        items = "01 04 0000000A 0B 06 22 00623A49 65 E1 0C 01CC0001 000102 00000003 40 EB 06 0004 002D 0E10 80 04 00 81 02 0001"
        samples = [
            frame(0x0200, LOCATION + items),
            frame(0x0704, f"0001 01 001C {LOCATION}"),
            frame(0x0900, f"F0 {DATE} 00 00 01 01 0102 04 00000001 00000003 {FIX}"),
            frame(0x5501, LockTests.PLACE + LockTests.REST + "0B 01 0D", index="07"),
            b"(1,BASE,3)",
        ]
        for _ in range(1000):
            data = bytearray(random.choice(samples))
            for _ in range(random.randrange(1, 4)):
                data[random.randrange(1, len(data) - 1)] = random.randrange(256)
            try:
                Talk(jt808).say(bytes(data))
            except BAD_FRAME:
                pass
