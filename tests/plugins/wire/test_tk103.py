"""
TK103 by frames of its description.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.tk103 import split, tk103
from tests.plugins.wire.talk import NOW, Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.framing import Frames
from trackd.wire.values import (
    CellTower,
    Command,
    Login,
    Network,
    Position,
    Reply,
    Unsupported,
    WifiAccessPoint,
    WireError,
)

ID = "088047365460"
PLACE = "A2555.3531S02855.3329E004.7055148276.17"
OFF = {"charge": True, "ignition": False, "in2": 0, "panic": 0, "out2": 0, "fuel": 0, "odometer": 0}


def compact(tail: str = "", kind: str = "BR00", data: str = "") -> bytes:
    return f"({ID}{kind}{data}151024{PLACE}{tail})".encode()


def commas(kind: str, tail: str = "155.49") -> bytes:
    return f"(352606090042050,{kind},240414,A,4527.3513N,00909.9758E,4.80,112825,{tail})".encode()


def one(data: bytes, **talk: Any) -> Position:
    (position,) = positions(told(tk103, data, **talk))
    return position


class CutterTests(SynchronousTestCase):
    def cut(self, data: bytes) -> list[bytes]:
        frames = Frames(split, tk103.limit)
        found = list(frames.feed(data))
        self.assertIsNone(frames.broken)
        return found

    def test_brackets(self) -> None:
        """From a bracket to the next closing one; the rest is thrown away."""
        self.assertEqual(self.cut(b"x)\r\n(a)b(c(d)e"), [b"(a)", b"(c(d)"])

    def test_texts(self) -> None:
        """A bracket between two dollars is text."""
        self.assertEqual(self.cut(b"$(a$:)$b$)$c)(d$e)f"), [b"(a$:)$b$)$c)"])
        self.assertEqual(self.cut(b"(a$:)$$:)$)(b)"), [b"(a$:)$$:)$)", b"(b)"])

    def test_limit(self) -> None:
        """What does not end is thrown away, as far as a bracket among the last bytes."""
        self.assertEqual(self.cut(b"(a$" + b")" * 1021), [])
        self.assertEqual(self.cut(b"(a$" + b"(" * 1022 + b"b)"), [b"(" * 1022 + b"b)"])
        self.assertEqual(self.cut(b"(a$" + b")" * 1022 + b"$" + b"(b" * 300), [])
        frames = Frames(split, tk103.limit)
        self.assertEqual(list(frames.feed(b"(a$" + b")" * 1100 + b"(b")) + list(frames.feed(b")")), [b"(b)"])


class LocationTests(SynchronousTestCase):
    def test_compact(self) -> None:
        """Date from the year on, speed in km/h, sensors and odometer."""
        login, position = told(tk103, compact("01000000L00009AA3"))
        self.assertEqual(login, Login((ID,)))
        time = datetime(2015, 10, 24, 5, 51, 48, tzinfo=UTC)
        place = -(25 + 55.3531 / 60), 28 + 55.3329 / 60
        attributes = OFF | {"ignition": True, "odometer": 39587}
        motion = {"speed": 4.7 * 0.539957, "course": 276.17}
        assert isinstance(position, Position)
        self.assertEqual({"speed": position.speed, "course": position.course}, motion)
        position.speed = position.course = 0
        self.assertEqual(position, Position(time, time, True, *place, attributes=attributes))

    def test_commas(self) -> None:
        """Date from the day on, and a course alone."""
        login, position = told(tk103, commas("BP05"))
        assert isinstance(position, Position)
        self.assertEqual(login, Login(("352606090042050",)))
        self.assertEqual(position.fix_time, datetime(2014, 4, 24, 11, 28, 25, tzinfo=UTC))
        self.assertEqual((position.speed, position.course, position.attributes), (4.8 * 0.539957, 155.49, {}))

    def test_ids(self) -> None:
        """What is an id, in the order of trying."""
        for text, id, time in (
            ("(01602009983BR00160830V1855.7022S4817.8731W000.0002729000.00", "(01602009983", (2016, 8, 30, 0, 27, 29)),
            ("(357593060760397BP02,G,2,170304A6015.7466N01101.8460E001.609445591.048,7)", "357593060760397BP02", None),
            (compact(data="354188047305960").decode(), ID, (2015, 10, 24, 5, 51, 48)),
            (compact().decode()[1:], ID, (2015, 10, 24, 5, 51, 48)),
            (commas("BP05").decode()[1:], "352606090042050", (2014, 4, 24, 11, 28, 25)),
        ):
            login, position = Talk(tk103, "udp").say(text.encode())
            assert isinstance(position, Position)
            self.assertEqual(login, Login((id,)))
            self.assertEqual(position.fix_time, datetime(*time or (2004, 3, 17, 9, 44, 55), tzinfo=UTC))

    def test_tails(self) -> None:
        """What follows the time, where digits run together."""
        head = f"({ID}BQ81,ALARM,1,164,151101A2238.5237N11349.4571E"
        position = one(f"{head}0.7031241010.0000,00000000)".encode())
        self.assertEqual((position.speed, position.course), (0.703 * 0.539957, 0.0))
        self.assertEqual(position.fix_time, datetime(2015, 11, 1, 12, 41, 1, tzinfo=UTC))
        position = one(f"({ID}BR00000007V0000.0000N00000.0000E000.00014039900000000L00000000)".encode())
        self.assertEqual((position.course, position.attributes), (99.0, OFF))
        self.assertEqual(position.fix_time, datetime(1999, 12, 7, 0, 14, 3, tzinfo=UTC))
        position = one(f"({ID}BR00200617A4000.5775N 8415.4076W 46.0173725 87.3101000000L00000000)".encode())
        self.assertEqual((position.longitude, position.course), (-(84 + 15.4076 / 60), 87.31))
        position = one(commas("BP05", "178.48,00000000,L00000000"))
        self.assertEqual((position.course, position.attributes), (178.48, {}))
        self.assertEqual(one(commas("BP05", "")).course, 0.0)

    def test_no_degrees(self) -> None:
        """The last two digits before the point are minutes."""
        data = b"(868822040452227,DW3B,150421,A,4154.51607N,45.78950E,0.050,103142,0.000,595.200,7,0)"
        self.assertEqual(one(data).longitude, 45.7895 / 60)

    def test_bad_numbers(self) -> None:
        """A speed or course that is none is an error; a text that does not fit is passed over."""
        for old, new in ((b"004.7", b"     "), (b"004.7", b"0.4.7"), (b"276.17", b"2 6.17")):
            with self.assertRaises(BAD_FRAME):
                told(tk103, compact("01000000L00009AA3").replace(old, new))
        for old, new in ((b"A2555", b"B2555"), (b"055148276.17", b"x55148")):
            self.assertEqual(told(tk103, compact().replace(old, new)), [])
        with self.assertRaises(WireError):
            told(tk103, compact().replace(b"2555", b"9555"))
        with self.assertRaises(WireError):
            told(tk103, b"(088047365460BR)")

    def test_sensors(self) -> None:
        """Sensors are told when they are on, and always if that is wanted."""
        for digits, found in (
            ("10F00", {"charge": False, "in2": 1, "panic": 1, "out2": 1, "blocked": 1}),
            ("010F0", {"ignition": True, "hs3": 1, "hs2": 1, "hs1": 1, "door": 1}),
            ("0000f", {"ls3": 1, "ls2": 1, "ls1": 1}),
            ("00010", {"hs3": 1}),
            ("00001", {}),
        ):
            position = one(compact(f"{digits}0A0L00000000"))
            self.assertEqual(position.attributes, OFF | {"fuel": 0xA0} | found)
        low = one(compact("00010000L0"), settings={"tk103.decodeLow": True}).attributes
        others = dict.fromkeys(("blocked", "hs2", "hs1", "door", "ls3", "ls2", "ls1"), 0)
        self.assertEqual(low, OFF | {"hs3": 1} | others)

    def test_odometer(self) -> None:
        """The odometer is of 64 bits."""
        self.assertEqual(one(compact("00000000LEF9ECB9C")).attributes["odometer"], 0xEF9ECB9C)

    def test_speed(self) -> None:
        """The unit of the speed is configured."""
        self.assertEqual(one(compact(), settings={"tk103.speed": "mph"}).speed, 4.7 * 0.868976)
        self.assertEqual(one(compact(), settings={"tk103.speed": "kn"}).speed, 4.7)

    def test_alarms(self) -> None:
        """Types, and data of two types, are alarms."""
        for kind, data, found in (
            ("BO01", "1", {"alarm": "accident"}),
            ("BO01", "23", {"alarm": "sos"}),
            ("BO01", "6", {"alarm": "geofenceExit"}),
            ("BO01", "7", {}),
            ("BQ81", ",ALARM,0,164,", {"alarm": "lowBattery"}),
            ("BQ81", "02", {"alarm": "idle"}),
            ("BQ81", "6", {}),
            ("BR00", "1", {}),
            ("ZC25", "", {"alarm": "sos"}),
            ("DW31", "", {"alarm": "movement"}),
            ("DW40", "", {"alarm": "lowPower"}),
            ("DW62", "", {"ignition": True}),
            ("ZC16", "", {"ignition": False}),
        ):
            self.assertEqual((kind, one(compact(kind=kind, data=data)).attributes), (kind, found))
        self.assertTrue(one(compact("01000000L0", kind="ZC16")).attributes["ignition"])
        for kind in ("BO01", "BQ81"):
            with self.assertRaises(BAD_FRAME):
                told(tk103, compact(kind=kind))

    def test_strangers(self) -> None:
        """Nothing is said of a device that is not known."""
        self.assertEqual(told(tk103, compact(), known=()), [Login((ID,))])


class MessageTests(SynchronousTestCase):
    def test_greetings(self) -> None:
        """BP00 and BP05 of the compact form are answered, whoever sends them and whatever follows."""
        self.assertEqual(told(tk103, b"(027044702512BP00DW5)", known=()), [Reply(b"(027044702512AP01HSO)")])
        reply = Reply(b"(088047365460AP05)")
        self.assertEqual(told(tk103, compact(kind="BP05"), known=()), [reply, Login((ID,))])
        self.assertEqual(told(tk103, b"(088047365460BP05?)"), [reply])
        self.assertEqual([type(output) for output in told(tk103, compact(kind="BP05"))], [Reply, Login, Position])

    def test_cells(self) -> None:
        """Cells in braces; the odometer is hex, though of digits only."""
        data = b"(027045009305BP05355227045009305,{413,2,30073,16724}\n{413,2,30073,49860,9}\n,01000010)"
        reply, login, position = told(tk103, data)
        self.assertEqual((reply, login), (Reply(b"(027045009305AP05)"), Login(("027045009305",))))
        cells = [CellTower(413, 2, 30073, 16724), CellTower(413, 2, 30073, 49860)]
        expected = Position(outdated=True, network=Network(cells), attributes={"odometer": 0x1000010})
        self.assertEqual(position, expected)
        for lines in (b"{413,2,30073}", b"{413,2,30073, 1}", b"{413,2,30073,1}\n\n{}", b"{}"):
            with self.assertRaises(BAD_FRAME):
                told(tk103, b"(027045009305BZ00," + lines + b",01000010)")
        self.assertEqual(told(tk103, b"(027045009305BZ00,{413,2,30073,1},0100001)"), [])

    def test_battery(self) -> None:
        """ZC20: a level in steps, and voltages."""
        for tail, found in (
            ("6,392,65535,255", {"batteryLevel": 100, "battery": 3.92}),
            ("2,65535,112,0", {"batteryLevel": 10, "power": 11.2}),
            ("255,42,112,0", {"battery": 0.42, "power": 11.2}),
        ):
            position = one(f"(013632651491,ZC20,180716,144222,{tail})".encode())
            time = datetime(2016, 7, 18, 14, 42, 22, tzinfo=UTC)
            self.assertEqual(position, Position(time, outdated=True, attributes=found))
        self.assertEqual(told(tk103, b"(013632651491,ZC20,180716,144222,6,392,65535)"), [])

    def test_network(self) -> None:
        """BZ00: the first cell, in hex."""
        position = one(b"(087073104337BZ00,740,000,3bf7,0425,3bf7,0bf5,01000000)")
        self.assertEqual(position, Position(outdated=True, network=Network([CellTower(740, 0, 0x3BF7, 0x425)])))

    def test_result(self) -> None:
        """ZC03: the text between dollars."""
        head = "(864555555555555,ZC03,191117,234207,"
        time = datetime(2017, 11, 19, 23, 42, 7, tzinfo=UTC)
        for text, found in (
            ("$1: On (a)\r\n2$", {"result": "1: On (a)\r\n2"}),
            ("$$x", {}),
            ("$a€$b", {"result": "a€"}),
        ):
            self.assertEqual(one(f"{head}{text})".encode()), Position(time, outdated=True, attributes=found))
        (_, position) = Talk(tk103, "udp").say(f"{head}$Power: 95%".encode())
        self.assertEqual(position, Position(time, outdated=True, attributes={"result": "Power: 95%"}))

    def test_surroundings(self) -> None:
        """DW5x: a cell, and access points if their number is right."""
        points = "58:F3:BB:3B:AA:82*-65*1,1C:6A:BB:AA:81:95*78*11,58:F3:BB:3B:AA:82*-65*1,"
        time = datetime(2017, 11, 15, 15, 44, 19, tzinfo=UTC)
        for count, kind, wifi, found in (
            (3, "DW51", [("58:F3:BB:3B:AA:82", -65, 1), ("1C:6A:BB:AA:81:95", -78, 11)], {"alarm": "movement"}),
            (2, "DW56", [], {"ignition": False}),
        ):
            data = f"(864555555555555,{kind},200,1,3215,43370,{count},{points}151117,154419)"
            network = Network([CellTower(200, 1, 3215, 43370)], [WifiAccessPoint(*point) for point in wifi])
            self.assertEqual(one(data.encode()), Position(time, time, outdated=True, network=network, attributes=found))
        position = one(b"(358511020000026,DW5B,310,6,29876,30393,0,041217,102211)")
        self.assertEqual(position.network, Network([CellTower(310, 6, 29876, 30393)]))
        self.assertEqual(told(tk103, b"(358511020000026,DW60,310,6,29876,30393,0,041217,102211)"), [])

    def test_vehicle(self) -> None:
        """BV00: 17 characters."""
        self.assertEqual(one(b"(027023361470BV005J6RW2H53HL066029)").attributes, {"vin": "5J6RW2H53HL066029"})
        self.assertEqual(told(tk103, b"(027023361470BV005J6RW2H53HL06602)"), [])

    def test_state(self) -> None:
        """BS50: voltages, currents and temperatures of a battery."""
        data = pack(
            "<3xB24HBHHBBBB2xHB6xBBB7BHI",
            *(2, *range(3841, 3865), 0, 125, 5731, 100, 0, 1, 2, 7, 3, 2, 62, 63, *range(60, 67), 4100, 4_000_000_000),
        )
        login, position = told(tk103, b"(352602014867BS50" + data.hex().encode() + b")")
        assert isinstance(position, Position)
        self.assertEqual((login, position.outdated), (Login(("352602014867",)), True))
        self.assertEqual(
            position.attributes,
            {
                "battery1": 3.841,
                "battery2": 3.842,
                "charge": True,
                "current": 12.5,
                "battery": 57.31,
                "batteryLevel": 100,
                "batteryOverheat": False,
                "chargeProtection": True,
                "dischargeProtection": True,
                "cycles": 7,
                "faultAlarm": 3,
                "powerTemp": 22,
                "equilibriumTemp": 23,
                "batteryTemp1": 20,
                "batteryTemp2": 21,
                "calibrationCapacity": 41.0,
                "dischargeCapacity": 4_000_000_000,
            },
        )
        for bad in (data.hex()[:-1], data.hex()[:-2], data.hex()[:-1] + "g", ""):
            with self.assertRaises(BAD_FRAME):
                told(tk103, f"(352602014867BS50{bad})".encode())

    def test_groups(self) -> None:
        """BS51: groups of values by number."""
        groups = "90:0a001400317530ff,91:e90e01d10e02,92:42034104,93:00,96:004142"
        self.assertEqual(
            one(f"(007030201454BS51{groups})".encode()).attributes,
            {
                "cumulativeVoltage": 1.0,
                "gatherVoltage": 2.0,
                "current": 0.1,
                "soc": 6532.8,
                "maxCellVoltage": 3.817,
                "maxCellVoltageCount": 1,
                "minCellVoltage": 3.793,
                "minCellVoltageCount": 2,
                "maxTemp": 26,
                "maxTempCount": 3,
                "minTemp": 25,
                "minTempCount": 4,
                "cellTemp1": 25,
                "cellTemp2": 26,
            },
        )
        for bad in ("", "90:0a", "90", " 93:00", "93:0", "93:", "96:", "xx:00", "92:42034104,,93:00"):
            with self.assertRaises(BAD_FRAME, msg=bad):
                told(tk103, f"(007030201454BS51{bad})".encode())

    def test_damage(self) -> None:
        """Whatever bytes come, nothing but the errors of a bad frame is raised."""
        chance = random.Random(103)
        good = [
            compact("01000000L00009AA3", kind="BP05"),
            commas("BO01", "155.49,1"),
            b"(027045009305BP05355227045009305,{413,2,30073,16724}\n{413,2,30073,49860,9}\n,01000010)",
            b"(013632651491,ZC20,180716,144222,6,392,65535,255)",
            b"(864555555555555,DW51,200,1,3215,43370,1,58:F3:BB:3B:AA:82*-65*1,151117,154419)",
            b"(007030201454BS5190:0a001400317530ff,91:e90e01d10e02,96:004142)",
            b"(087073104337BZ00,740,000,3bf7,0425,3bf7,0bf5,01000000)",
        ]
        errors = 0
        for _ in range(3000):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(1, len(data))] = chance.choice((chance.randrange(256), *b"0123456789,. {}$"))
            try:
                Talk(tk103, "udp").say(bytes(data[: chance.randrange(8, len(data) * 2)]))
            except BAD_FRAME:
                errors += 1
        self.assertGreater(errors, 50)


class CommandTests(SynchronousTestCase):
    def send(self, type: str, device: dict[str, Any] | None = None, **attributes: Any) -> bytes | None:
        session = Session(tk103, now=NOW, device=Device("123456789012345", attributes=device or {}))
        return commands.encode(tk103, Command(type, attributes), session)

    def test_commands(self) -> None:
        """Commands stand in brackets, after the id."""
        for type, text in (
            ("getVersion", "AP07"),
            ("rebootDevice", "AT00"),
            ("setOdometer", "AX01"),
            ("positionSingle", "AP00"),
            ("positionStop", "AR0000000000"),
            ("engineStop", "AV010"),
            ("engineResume", "AV011"),
            ("outputControl", "AV00"),
            ("custom", ""),
            ("positionPeriodic", "AR0000000000"),
        ):
            self.assertEqual(self.send(type), f"(123456789012345{text})".encode())
        self.assertEqual(self.send("positionPeriodic", frequency=60), b"(123456789012345AR00003C0000)")
        self.assertEqual(self.send("outputControl", data="1"), b"(123456789012345AV001)")
        self.assertEqual(self.send("custom", data="A\\r{uniqueId}"), b"(123456789012345A\\r123456789012345)")

    def test_alternative(self) -> None:
        """The other dialect."""
        for type, attributes, text in (
            ("custom", {"data": "a"}, "a"),
            ("rebootDevice", {}, "88888888"),
            ("positionPeriodic", {"frequency": 60}, "*routetrack*99*"),
            ("modeDeepSleep", {"enable": True}, "*sleep*2*"),
            ("modeDeepSleep", {}, "*sleepoff*"),
            ("modePowerSaving", {"enable": True}, "*sleepv*"),
            ("alarmSos", {"enable": "false"}, "*sosoff*"),
            ("setConnection", {"server": "203.0.113.7", "port": 5000}, "*setip*203*0*113*7*5000*"),
            ("sosNumber", {"phone": "+1555"}, "*master*123456*+1555*"),
        ):
            expected = f"[begin]sms2,{text},[end]".encode()
            self.assertEqual(self.send(type, {"tk103.alternative": True}, **attributes), expected)
        secret = {"tk103.alternative": True, "devicePassword": "42"}
        self.assertEqual(self.send("sosNumber", secret, phone="1"), b"[begin]sms2,*master*42*1*,[end]")

    def test_refused(self) -> None:
        """Each dialect lacks some commands; an interval may be too long."""
        for type, device in (("powerOff", {}), ("engineStop", {"tk103.alternative": True}), ("alarmArm", {})):
            with self.assertRaises(Unsupported):
                self.send(type, device)
        for frequency in (-1, 65536, "soon"):
            with self.assertRaises(Unsupported):
                self.send("positionPeriodic", frequency=frequency)
