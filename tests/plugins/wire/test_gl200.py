"""
Queclink's text reports, built here after their description.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.gl200.gl200 import gl200
from tests.plugins.wire.talk import Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
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

ID = "135790246811220"
LOGIN = Login((ID,), optional=True)
TIME = datetime(2009, 2, 14, 1, 32, 54, tzinfo=UTC)
SENT = datetime(2010, 2, 14, 9, 32, 54, tzinfo=UTC)
NONE: Mapping[str, Any] = {}

# A point of reports that are matched, and one of those that are read field by field, with its mask.
POINT = "1,4.3,92,70.0,121.354335,31.222073,20090214013254,0460,0000,18d8,6141,00"
NO_POINT = "0,4.3,92,70.0,,,,0460,0000,18d8,6141,00"
END = "20100214093254,11F0"
CELL = Network([CellTower(460, 0, 0x18D8, 0x6141)])


def text(kind: str, rest: str, version: str = "020102", head: str = "+RESP") -> bytes:
    return f"{head}:GT{kind},{version},{ID},{rest}$".encode("latin-1")


def found(data: bytes, model: str | None = None, settings: Mapping[str, Any] = NONE) -> list[Position]:
    return positions(told(gl200, data, model=model, settings=settings))


def one(data: bytes, model: str | None = None, settings: Mapping[str, Any] = NONE) -> Position:
    (position,) = found(data, model, settings)
    return position


def attributes(data: bytes, model: str | None = None, settings: Mapping[str, Any] = NONE) -> dict[str, Any]:
    """The attributes of the only position, without its type."""
    shown = dict(one(data, model, settings).attributes)
    del shown["type"]
    return shown


def times(position: Position) -> tuple[datetime | None, datetime | None]:
    return position.device_time, position.fix_time


def fix(**attributes: Any) -> Position:
    """The point of `POINT`."""
    return Position.at(
        TIME,
        valid=True,
        latitude=31.222073,
        longitude=121.354335,
        altitude=70.0,
        speed=4.3 * 0.539957,
        course=92.0,
        attributes={"hdop": 1.0, **attributes},
    )


class CuttingTests(SynchronousTestCase):
    def test_texts(self) -> None:
        """Texts end with a dollar sign, or if there is none with NUL; what stands between them belongs to the next."""
        stream = text("FRI", f",0,0,1,{POINT},,{END}")
        self.assertEqual(len(found(stream * 3)), 3)
        self.assertEqual(len(found(stream[:-1] + b"\0")), 1)
        self.assertEqual([one.attributes["hdop"] for one in found(stream + b"\r\n" + stream)], [1.0, 1])

    def test_limit(self) -> None:
        """Texts without an end are given up, whole ones may have any length."""
        long = text("FRI", f",0,0,1,{POINT},{'x' * 2000},{END}")
        self.assertEqual(len(positions(Talk(gl200).say(long))), 1)
        with self.assertRaises(WireError):
            Talk(gl200).say(long[:-1])

    def test_datagram(self) -> None:
        """A datagram is a frame, with or without its dollar sign."""
        for data in (text("FRI", f",0,0,1,{POINT},,{END}"), text("FRI", f",0,0,1,{POINT},,{END}")[:-1]):
            self.assertEqual(len(positions(Talk(gl200, "udp").say(data))), 1)

    def test_nothing(self) -> None:
        """A text without a type is left alone, a part of a type is an error."""
        self.assertEqual(told(gl200, b"+RESP,020102,1357$", b"hello, server$", settings={"gl200.ack": True}), [])
        for data in (b"+RESP:GTFR$....", b"+RESP:GTFRI,020102$"):
            with self.assertRaises(BAD_FRAME):
                told(gl200, data)


class FixedTests(SynchronousTestCase):
    def test_report(self) -> None:
        """A point, and what stands behind it; cells are not told, and the time of sending is not either."""
        self.assertEqual(
            told(gl200, text("FRI", f",0,0,1,{POINT},,{END}")),
            [LOGIN, fix(type="FRI")],
        )
        self.assertEqual(told(gl200, text("FRI", f",0,0,1,{POINT},,{END}"), known=()), [LOGIN])

    def test_types(self) -> None:
        """Six types are fixed reports, also those that were stored; ids may be hex, versions be missing."""
        for kind in ("FRI", "GEO", "RTL", "DOG", "STR", "CTN"):
            for head in ("+RESP", "+BUFF"):
                self.assertEqual(
                    one(text(kind, f",0,0,1,{POINT},80,{END}", head=head)), fix(type=kind, batteryLevel=80)
                )
        for version in ("", "8020040200"):
            self.assertEqual(one(text("FRI", f",0,0,1,{POINT},80,{END}", version)).attributes["hdop"], 1.0)
        data = text("FRI", f",0,0,1,{POINT},80,{END}").replace(ID.encode(), b"A1000043D20139")
        self.assertEqual(told(gl200, data)[0], Login(("A1000043D20139",), optional=True))

    def test_points(self) -> None:
        """Several points are a report each; the last has what stands behind them, all have the VIN."""
        rest = f"1G1JC5444R7252367,,,00,2,{POINT},{POINT.replace('1,4.3', '2.5,0.0')},2000.0,12345:12:34,,,80,210100,,,50,{END}"
        first, second = found(text("FRI", rest))
        self.assertEqual(first, fix(vin="1G1JC5444R7252367", type="FRI"))
        self.assertEqual(
            second.attributes,
            {
                "hdop": 2.5,
                "vin": "1G1JC5444R7252367",
                "odometer": 2000000.0,
                "hours": (12345 * 3600 + 12 * 60 + 34) * 1000,
                "batteryLevel": 80,
                "ignition": True,
                "input": 1,
                "in1": False,
                "in2": False,
                "output": 0,
                "out1": False,
                "out2": False,
                "fuel": 50,
                "type": "FRI",
            },
        )
        self.assertEqual(
            [one.attributes for one in found(text("FRI", rest), settings={"gl200.ignoreFixTime": True})],
            [second.attributes],
        )

    def test_power(self) -> None:
        """The supply is in mV, but up to ten it is a flag."""
        for power, expected in (("11", 0.011), ("15153", 15.153), ("10", None), ("", None)):
            self.assertEqual(attributes(text("FRI", f",{power},10,1,{POINT},,{END}")).get("power"), expected)

    def test_optional(self) -> None:
        """Fields in front of the point are taken when the rest still fits."""
        for head, point, level, hdop in (
            (",0,0,1", "1,0.0,0,1.0", None, 1.0),
            (",0,1,1,0", "1,16,0.0,5,1.0", 1, 16.0),
            (",0,0,2,,9", "1,0.1,5,1.0", 9, 1.0),
            (",0,1,1,123,80", "2,0.0,0,1.0", 80, 2.0),
            (",0,1,123,80", "2,0.0,0,1.0", 80, 2.0),
            (",0,1,80", "2,0.0,0,1.0", None, 2.0),
            (",0,123,80", "2,0.0,0,1.0", 80, 2.0),
            (",0,,80", "2,0.0,0,1.0", 80, 2.0),
            (",0,80", "2,0.0,0,1.0", None, 2.0),
            (",0,123", "2,0.0,0,1.0", None, 2.0),
            (",0", "2,0.0,0,1.0", None, 2.0),
        ):
            rest = f"{head},{point},121.354335,31.222073,20090214013254,0460,0000,18d8,6141,00,,{END}"
            shown = attributes(text("FRI", rest))
            self.assertEqual((shown.get("batteryLevel"), shown["hdop"]), (level, hdop), head)

    def test_battery_tail(self) -> None:
        """Battery, percent, and perhaps a temperature."""
        shown = attributes(text("FRI", f",0,0,1,{POINT},19,3850,85,1,1,21.5,{END}"))
        self.assertEqual(shown, {"hdop": 1.0, "battery": 3.85, "batteryLevel": 85, "temp1": 21.5})
        shown = attributes(text("FRI", f",0,0,1,{POINT},19,,85,1,,,{END}"))
        self.assertEqual(shown, {"hdop": 1.0, "batteryLevel": 85})

    def test_vehicle_tail(self) -> None:
        """Odometer, hour meter, analog inputs as they are sent, battery, status, engine."""
        for consumption in ("5.5", "Inf", "NaN", ""):
            shown = attributes(text("FRI", f",,10,1,{POINT},,,1F,0A,99,,130605,800,{consumption},56,{END}"))
            self.assertEqual(
                shown,
                {
                    "hdop": 1.0,
                    "adc1": "1F",
                    "adc2": "0A",
                    "ignition": False,
                    "input": 6,
                    "in1": True,
                    "in2": True,
                    "output": 5,
                    "out1": True,
                    "out2": False,
                    "rpm": 800,
                    "fuel": 56,
                },
            )

    def test_signal_tail(self) -> None:
        """Signal and percent, with which the report type is motion and charge."""
        shown = attributes(text("FRI", f"Bolt4G,0,1,1,{POINT},-1,100,{END}"))
        self.assertEqual(shown, {"hdop": 1.0, "motion": True, "charge": False, "rssi": -1, "batteryLevel": 100})

    def test_last_tail(self) -> None:
        """An odometer and the percent, of which either may be missing."""
        self.assertEqual(
            attributes(text("FRI", f",0,0,1,{POINT},2.5,88,{END}")),
            {"hdop": 1.0, "odometer": 2500.0, "batteryLevel": 88},
        )
        self.assertEqual(attributes(text("FRI", f",0,0,1,{POINT},,{END}")), {"hdop": 1.0})

    def test_no_fix(self) -> None:
        """Without place or time the last known place stands; what else is told counts."""
        position = one(text("FRI", f",0,0,1,{NO_POINT},88,{END}"))
        self.assertEqual(
            position,
            Position(
                outdated=True,
                valid=False,
                speed=4.3 * 0.539957,
                course=92.0,
                altitude=70.0,
                attributes={"hdop": 0.0, "batteryLevel": 88, "type": "FRI"},
            ),
        )
        self.assertTrue(one(text("FRI", f",0,0,1,{NO_POINT[1:]},88,{END}")).valid)

    def test_valid(self) -> None:
        """A place and a time are valid, whatever the hdop says; the time rolls over."""
        data = text("FRI", f",0,0,1,{POINT.replace('20090214', '20091332').replace('1,4.3', '0,4.3')},88,{END}")
        self.assertEqual((one(data).valid, one(data).fix_time), (True, datetime(2010, 2, 1, 1, 32, 54, tzinfo=UTC)))

    def test_wifi(self) -> None:
        """Access points between time and cell are the network."""
        heard = "2,0e36c9916485,-50,,,,E831CD5EB79D,-73,,,,"
        data = text("FRI", f",0,0,1,{POINT.replace('0460', heard + '0460')},88,{END}")
        self.assertEqual(
            one(data).network,
            Network(wifi=[WifiAccessPoint("0e:36:c9:91:64:85", -50), WifiAccessPoint("E8:31:CD:5E:B7:9D", -73)]),
        )

    def test_point_odometer(self) -> None:
        """With a point the last field of a point is its odometer."""
        self.assertEqual(attributes(text("FRI", f",0,0,1,{POINT[:-2]}7.5,88,{END}"))["odometer"], 7500.0)

    def test_other_shapes(self) -> None:
        """What does not fit is read as any other report."""
        for rest in (
            f",0,0,1,{POINT.replace('70.0', '70')},80,{END}",
            f",0,0,1,{POINT},0015e96913a7,-58,,100,20100214093254,11F",
            f",0,0,1,{POINT},,20100214093254",
        ):
            self.assertEqual(one(text("FRI", rest)).attributes["hdop"], 1)
            self.assertIs(type(one(text("FRI", rest)).attributes["hdop"]), int)

    def test_long(self) -> None:
        """Hundreds of points that end wrongly are given up soon."""
        rest = ",0,0,1," + 500 * f"{POINT.replace('1,4.3', '1.5,4.3')},"
        for end in ("xx,11F0", "11F", ",,,"):
            with self.assertRaises(BAD_FRAME):
                Talk(gl200, "udp").say(text("FRI", rest + end))
        vin = "1G1JC5444R7252367"
        for rest in (
            f"{vin},,1,1,1,1,1," + 1600 * "1.2,1.2,,,,,,,,,,1.2," + "xx,11F0",  # points begin at any field
            f",,10,1,{POINT},,,,,,,,," + "1" * 32000 + f"x,,{END}",  # a number without end
        ):
            self.assertEqual(Talk(gl200, "udp").say(text("FRI", rest))[:1], [LOGIN])


class MatchedTests(SynchronousTestCase):
    def test_version(self) -> None:
        """VER tells type, firmware and hardware; its time is that of the report."""
        for head in ("+RESP", "+BUFF"):
            self.assertEqual(
                one(text("VER", f"name,GV300,0A03,0101,{END}", head=head)),
                Position(
                    SENT,
                    outdated=True,
                    attributes={"deviceType": "GV300", "versionFw": 2563, "versionHw": 257, "type": "VER"},
                ),
            )

    def test_diagnosis(self) -> None:
        """OBD tells what the vehicle's computer does."""
        vin = "4T1BE46KX7U018210"
        head = f"{vin},gv500,0,78FFFF,{vin},1,13411,981B81C0,787,3,43,1.5,921,463,1,10,03000301,20,55,60"
        position = one(text("OBD", f"{head},,1286,{POINT},7.5,{END}".replace("60,,", "60,A,")))
        self.assertEqual(
            position.attributes,
            {
                "hdop": 1.0,
                "rpm": 787,
                "obdSpeed": 3,
                "temp1": 43,
                "fuelConsumption": "1.5",
                "dtcsClearedDistance": 921,
                "odbConnect": True,
                "dtcsNumber": 10,
                "dtcsCodes": "03000301",
                "throttle": 20,
                "fuel": 60,
                "obdOdometer": 7500,
                "type": "OBD",
            },
        )
        self.assertEqual(times(position), (SENT, TIME))
        empty = f",gv500,0,78FFFF,,1,,,,,,,,,,,,,,,1286,{POINT},,{END}"
        self.assertEqual(attributes(text("OBD", empty)), {"hdop": 1.0, "obdOdometer": 1286000})
        with self.assertRaises(BAD_FRAME):  # all values are read, also those that another replaces
            one(text("OBD", empty.replace(",1286,", ",2147483648,").replace(f",,{END}", f",7.5,{END}")))
        long = text("OBD", ",gv500,0,78FFFF,,1,,,,,," + "1" * 32000 + f"x,,{END}")
        self.assertEqual(Talk(gl200, "udp").say(long)[:1], [LOGIN])

    def test_switches(self) -> None:
        """LSW and TSW are two inputs; the time of sending is the device's."""
        for kind, name in (("LSW", "in1"), ("TSW", "in2")):
            position = one(text(kind, f",0,1,{POINT},{END}"))
            self.assertEqual(
                (position.attributes, times(position)), ({"hdop": 1.0, name: True, "type": kind}, (SENT, TIME))
            )
            self.assertIs(attributes(text(kind, f",0,0,{POINT},{END}"))[name], False)

    def test_sending(self) -> None:
        """With the setting the time of sending is that of the fix as well; without one nothing changes."""
        data = text("LSW", f",0,1,{POINT},{END}")
        self.assertEqual(times(one(data, settings={"gl200.ignoreFixTime": True})), (SENT, SENT))
        self.assertEqual(times(one(text("LSW", f",0,1,{POINT},,11F0"))), (TIME, TIME))
        self.assertEqual(times(one(text("LSW", f",0,1,{NO_POINT},{END}"))), (SENT, None))

    def test_driver(self) -> None:
        """IDA tells the driver's card."""
        shown = attributes(text("IDA", f",,01C68011010000C7,1,1,{POINT},34.5,,,,,{END}"))
        self.assertEqual(shown, {"hdop": 1.0, "driverUniqueId": "01C68011010000C7", "odometer": 34500.0})

    def test_wifi(self) -> None:
        """WIF is what was heard, without any time."""
        self.assertEqual(
            one(text("WIF", f",2,08626693fb98,-36,,,,08626693fb99,37,,,,,,,,97,{END}")),
            Position(
                outdated=True,
                network=Network(
                    wifi=[WifiAccessPoint("08:62:66:93:fb:98", -36), WifiAccessPoint("08:62:66:93:fb:99", -37)]
                ),
                attributes={"batteryLevel": 97, "type": "WIF"},
            ),
        )

    def test_cells(self) -> None:
        """GSM has six cells, some perhaps empty, and the one that serves, which is left out."""
        rest = f"STR,0234,0015,003a,62a2,16,,{',,,,,,' * 4}0234,0015,003a,56a0,-10,,0234,0015,003a,7489,17,,{END}"
        self.assertEqual(
            one(text("GSM", rest)),
            Position(
                outdated=True,
                network=Network([CellTower(234, 15, 0x3A, 0x62A2, -16), CellTower(234, 15, 0x3A, 0x56A0, -10)]),
                attributes={"type": "GSM"},
            ),
        )
        with self.assertRaises(BAD_FRAME):
            one(text("GSM", f"STR,0234,0015,003a,62a2,16,,{END}"))

    def test_power(self) -> None:
        """PNA and PFA are alarms, also with more fields; they have no time when they are as described."""
        for kind, alarm in (("PNA", "powerOn"), ("PFA", "powerOff")):
            self.assertEqual(
                one(text(kind, f"name,{END}")), Position(outdated=True, attributes={"alarm": alarm, "type": kind})
            )
            self.assertEqual(
                one(text(kind, f"name,2,7,{END}")),
                Position(SENT, outdated=True, attributes={"alarm": alarm, "type": kind}),
            )

    def test_assistance(self) -> None:
        """DAR: fatigue is an alarm, the others are numbers."""
        data = text("DAR", f",1,5,,,{POINT},more,{END}")
        self.assertEqual(
            (attributes(data), times(one(data))),
            ({"hdop": 1.0, "alarm": "fatigueDriving", "fatigueDegree": 5}, (TIME, TIME)),
        )
        self.assertEqual(attributes(text("DAR", f",2,5,,,{POINT},{END}")), {"hdop": 1.0, "warningType": 2})

    def test_serial(self) -> None:
        """DTT is a text in hex, or the reading of a fuel sensor."""
        position = one(text("DTT", f",,,1,5,{b'hello'.hex()},{END}"))
        self.assertEqual(position, Position(SENT, outdated=True, attributes={"result": "hello", "type": "DTT"}))
        self.assertEqual(attributes(text("DTT", f",,,1,5,{b'x,COMB,12.5,0'.hex()},{END}")), {"fuel": 12.5})
        self.assertEqual(one(text("DTT", f",,,1,5,{b'hello'.hex()},,11F0")).device_time, None)
        for data in ("abc", b"COMB,1".hex()):
            with self.assertRaises(BAD_FRAME):
                one(text("DTT", f",,,1,5,{data},{END}"))

    def test_accessory(self) -> None:
        """BAA has the fields of its mask."""
        shown = attributes(text("BAA", f",FF,3,0,04,003F,name,7805412A6EE9,2,3065,-5,40,{POINT},{END}"))
        self.assertEqual(
            shown,
            {
                "hdop": 1.0,
                "accessoryName": "name",
                "accessoryMac": "7805412A6EE9",
                "accessoryStatus": 2,
                "accessoryVoltage": 3.065,
                "accessoryTemp": -5,
                "accessoryHumidity": 40,
            },
        )
        self.assertEqual(times(one(text("BAA", f",FF,3,0,04,0000,{POINT},{END}"))), (TIME, TIME))
        with self.assertRaises(BAD_FRAME):
            one(text("BAA", f",FF,3,0,04,000A,7805412A6EE9,{POINT},{END}"))

    def test_beacon(self) -> None:
        """BID has at most two of them."""
        shown = attributes(text("BID", f",1,0,000A,7805412A6EE9,3065,{POINT},{END}"))
        self.assertEqual(shown, {"hdop": 1.0, "accessoryMac": "7805412A6EE9", "accessoryVoltage": 3.065})

    def test_light(self) -> None:
        """LSA is the light sensor."""
        data = text("LSA", f",1,0,5,{POINT},0,3,80,1,,-1.5,{END}")
        self.assertEqual(attributes(data), {"hdop": 1.0, "lightLevel": 3, "batteryLevel": 80, "temp1": -1.5})
        self.assertEqual(times(one(data)), (SENT, TIME))
        self.assertNotIn("temp1", attributes(text("LSA", f",1,0,5,{POINT},0,3,80,1,0,,{END}")))
        other = attributes(text("LSA", f",1,0,5,{POINT},0,3,80,1,,21.55,{END}"))
        self.assertEqual(other, {"hdop": 1})

    def test_stored(self) -> None:
        """Most of these are understood as they come live only."""
        self.assertEqual(attributes(text("LSW", f",0,1,{POINT},{END}", head="+BUFF")), {"hdop": 1, "batteryLevel": 0})


def extended(mask: str, vehicle: str, version: str = "060502", count: int = 1, points: str = POINT) -> bytes:
    return text("ERI", f"name,{mask},12345,10,{count},{points},{vehicle},{END}", version)


STATUS = {"ignition": True, "input": 1, "in1": False, "in2": False, "output": 4, "out1": False, "out2": False}


class ExtendedTests(SynchronousTestCase):
    def extra(self, data: bytes, model: str | None = None) -> dict[str, Any]:
        shown = attributes(data, model)
        self.assertEqual((shown.pop("hdop"), shown.pop("power")), (1.0, 12.345))
        return shown

    def test_report(self) -> None:
        """A point with its cell, the vehicle, and the time of sending."""
        position = one(extended("00000000", "7.5,01138:30:24,1500,F25,83,220104,2"))
        expected = fix(
            power=12.345,
            odometer=7500.0,
            hours=(1138 * 3600 + 30 * 60 + 24) * 1000,
            adc1=1.5,
            fuel2=25,
            batteryLevel=83,
            **STATUS,
            type="ERI",
        )
        expected.device_time = SENT
        expected.network = CELL
        self.assertEqual(position, expected)

    def test_hours(self) -> None:
        """Minutes and seconds of the hour meter may be missing."""
        for meter, expected in (("2", 7_200_000), ("2:", 7_200_000), ("2:30", 9_000_000), ("2:30:01", 9_001_000)):
            self.assertEqual(self.extra(extended("00000000", f",{meter},,,,,2")), {"hours": expected})

    def test_points(self) -> None:
        """The last of several points has what stands behind them, and with the setting it is the only one."""
        data = extended("00000000", ",,,,,,2", count=2, points=f"{POINT},,,,,,,,,,,,00")
        first, second = found(data)
        self.assertEqual((first.attributes, times(first)), ({"hdop": 1.0, "type": "ERI"}, (TIME, TIME)))
        self.assertEqual(
            (second.attributes, times(second), second.outdated, second.network),
            ({"hdop": 0.0, "power": 12.345, "type": "ERI"}, (SENT, None), True, None),
        )
        self.assertEqual(times(one(data, settings={"gl200.ignoreFixTime": True})), (SENT, SENT))
        with self.assertRaises(BAD_FRAME):
            one(extended("00000000", ",,,,,,2", count=0))

    def test_append(self) -> None:
        """The mask behind a point announces satellites and why it was sent."""
        for points, satellites in ((POINT[:-2] + "03,9,1", 9), (POINT[:-2] + "02,1", None), (POINT[:-2], None)):
            shown = self.extra(extended("00000000", "7.5,,,,83,220104,2", points=points))
            self.assertEqual((shown.get("sat"), shown["odometer"]), (satellites, 7500.0))

    def test_models(self) -> None:
        """The fields of the vehicle differ from model to model, which the version or the device tells."""
        for model, version, vehicle, expected in (
            (None, "300100", "7.5,,1,83,220104,2", {"odometer": 7500.0, "adc1": 0.001, "batteryLevel": 83, **STATUS}),
            (
                None,
                "8020050203",
                "7.5,,1,2,,83,220104,2",
                {"odometer": 7500.0, "adc1": 0.001, "adc2": 0.002, "batteryLevel": 83, **STATUS},
            ),
            (None, "C20101", "7.5,,1,,83,220104,2", {"odometer": 7500.0, "adc1": 0.001, "batteryLevel": 83, **STATUS}),
            (None, "F10101", "7.5,,1,83,220104,2", {"odometer": 7500.0, "adc1": 0.001, "batteryLevel": 83, **STATUS}),
            (
                None,
                "040101",
                "7.5,,1,2,3,1F,0A,2",
                {"odometer": 7500.0, "adc1": 0.001, "adc2": 0.002, "adc3": 0.003, "input": 31, "output": 10},
            ),
            ("gv200", "060101", "7.5,,,,,1F,,2", {"odometer": 7500.0, "input": 31}),
            (
                None,
                "6E0101",
                "7.5,,1,2,3,83,220104,2",
                {"odometer": 7500.0, "adc1": 0.001, "adc2": 0.002, "adc3": 0.003, "batteryLevel": 83, **STATUS},
            ),
            (
                "unheard of",
                "060101",
                "7.5,,1,83,220104,2",
                {"odometer": 7500.0, "adc1": 0.001, "batteryLevel": 83, **STATUS},
            ),
            (None, "990101", "7.5,,,,,2", {"odometer": 7500.0}),
        ):
            self.assertEqual(self.extra(extended("00000000", vehicle, version), model), expected, version)

    def test_persons(self) -> None:
        """Trackers of persons and things have few fields."""
        points = POINT[:-2] + "19,0,"  # signal, bit errors, mask
        shown = self.extra(extended("00000000", "79,1,2,0", "DE0115", points=points))
        self.assertEqual(shown, {"batteryLevel": 79, "motion": True})
        points = POINT[:-3]
        shown = self.extra(extended("00000080", "7.5,27,55", "C30209", points=points))
        self.assertEqual(shown, {"odometer": 7500.0, "batteryLevel": 27, "externalBattery": 55})

    def test_sensors(self) -> None:
        """Fuel, thermometers and sensors are announced by the mask."""
        vehicle = ",,,,,,2"
        self.assertEqual(self.extra(extended("00000001", vehicle + ",1F")), {"fuel": 31})
        self.assertEqual(
            self.extra(extended("00000002", vehicle + ",3,28FF,1,FFE2,28FE,1,,28FD,1,0010")),
            {"temp1": -1.875, "temp3": 1.0},
        )
        self.assertEqual(self.extra(extended("00000019", vehicle + ",0394,1,4,50.5,100.0")), {"fuel": 50.5})
        self.assertEqual(self.extra(extended("00000008", vehicle)), {})
        self.assertEqual(self.extra(extended("00000009", ",,,,,2,2,4,7,1F,50.5,4,7,20,60.5", "F10101")), {"fuel": 60.5})
        self.assertEqual(self.extra(extended("00000001", ",,,,,2,1,4,7,1F", "F10101")), {"fuel": 31})
        self.assertEqual(self.extra(extended("00000007", vehicle + ",1F,0,rubbish")), {"fuel": 31})

    def test_many(self) -> None:
        """A count that cannot be is an error, or where nothing would be read no endless work."""
        self.assertEqual(self.extra(extended("00000010", ",,,,,,2,2147483647,1,1,0")), {})
        for mask in ("00000002", "00000008", "00000080", "00000100", "00000110"):
            with self.assertRaises(BAD_FRAME):
                one(extended(mask, ",,,,,,2,2147483647,1,1,0"))

    def test_accessories(self) -> None:
        """Radio sensors are passed over, Bluetooth accessories are tags."""
        radio = "2,0011,2,21.5,40,0012,1,21.5"
        tag = "00,6,1,FF00,7FFF,name,78054,1,3000,-1.5,40,0,1,2,3,4,5,90,0"
        bare = "01,6,1,FF00,0000"
        self.assertEqual(
            self.extra(extended("00000180", f",,,,,,2,{radio},2,{tag},{bare}")),
            {"tag1Id": "78054", "tag1Temp": -1.5, "tag1Humidity": 40, "tag1Battery": 90},
        )
        self.assertEqual(self.extra(extended("00000100", ",,,,,,2,1,00,6,1,4,FF00,0010,", "C20101")), {})

    def test_errors(self) -> None:
        """Fields past the end and numbers that are none are errors."""
        for data in (
            extended("0000000G", ",,,,,,2"),
            extended("00000000", "x,,,,,,2"),
            extended("00000002", ",,,,,,2,9"),
            extended("00000000", ",,,,,,2", version="0"),
            extended("00000000", ",,,,,,2").replace(b"20100214", b"20101314"),
            extended("00000000", ",,,,,,2", points=POINT.replace("92", "92.5")),
            extended("00000000", ",,,,,,2", points=POINT.replace("31.222073", "91.222073")),
        ):
            with self.assertRaises(BAD_FRAME):
                one(data)


class IndexedTests(SynchronousTestCase):
    def information(self, rest: str, version: str = "1A0800", model: str | None = None) -> dict[str, Any]:
        position = one(text("INF", f"name,{rest},{END}", version), model)
        self.assertEqual((position.outdated, times(position)), (True, (SENT, None)))
        del position.attributes["type"]
        return position.attributes

    def test_information(self) -> None:
        """INF: the state of the device."""
        self.assertEqual(
            self.information("21,8989,17,0,1,12349,5000,3.90,1,1,0"),
            {
                "ignition": True,
                "motion": False,
                "iccid": "8989",
                "rssi": 17,
                "power": 12.349,
                "power2": 5.0,
                "battery": 3.9,
                "charge": True,
            },
        )
        self.assertEqual(self.information(",,,0,1,26.6,,,1,2,"), {"odometer": 26600.0})
        self.assertEqual(self.information(",,,0,1,,,,,,,"), {})

    def test_states(self) -> None:
        """The state is ignition and motion, or one of them, or neither."""
        for state, ignition, motion in (
            ("11", False, False),
            ("12", False, True),
            ("16", False, True),
            ("1a", False, True),
            ("21", True, False),
            ("22", True, True),
            ("41", None, False),
            ("42", None, True),
            ("99", None, None),
        ):
            shown = self.information(f"{state},,,0,1,,,,,,,")
            self.assertEqual((shown.get("ignition"), shown.get("motion")), (ignition, motion), state)

    def test_information_models(self) -> None:
        """Some models have no second supply, some do not mean it, some have more."""
        self.assertEqual(
            self.information(",,,0,1,1000,4.1,1,1", "2D0300"), {"power": 1.0, "battery": 4.1, "charge": True}
        )
        self.assertEqual(self.information(",,,0,1,1000,5000,4.1,,", "F10101"), {"power": 1.0, "battery": 4.1})
        self.assertEqual(
            self.information(",,,0,1,1000,5000,4.1,,a,b,c,d,e,1,2,3", "6E0101"),
            {"power": 1.0, "battery": 4.1, "adc1": 1, "adc2": 2, "adc3": 3},
        )

    def test_climate(self) -> None:
        """A long second field means a thermometer, whose readings come before the supply."""
        self.assertEqual(
            self.information(",,,0,1,x,000000000025,40,1000,5000,4.1,,"),
            {"deviceTemp": 25, "humidity": 40, "power": 1.0, "power2": 5.0, "battery": 4.1},
        )
        with self.assertRaises(BAD_FRAME):
            self.information(",,,0,1,x,78054125E6E9,40,1000,5000,4.1,,")

    def test_old_information(self) -> None:
        """What has something longer in the place of the version has other fields, in which nothing is known."""
        data = f"+RESP:GTINF,{ID},{ID},name,21,89,17,0,1,12349,5000,3.90,1,1,0,{END}$".encode()
        self.assertEqual(told(gl200, data), [LOGIN])

    def test_ignition(self) -> None:
        """IGN and VGN are on, IGF and VGF off; then hours and odometer."""
        for kind, on in (("IGN", True), ("VGN", True), ("IGF", False), ("VGF", False)):
            position = one(text(kind, f"name,379,{POINT},00001:00:00,7.5,{END}", "270302"))
            self.assertEqual(
                position.attributes, {"hdop": 1.0, "hours": 3600000, "odometer": 7500.0, "ignition": on, "type": kind}
            )
            self.assertEqual((times(position), position.network), ((SENT, TIME), CELL))
        self.assertEqual(
            attributes(text("IGN", f"name,,1,379,{POINT},,7.5,{END}", "BD0302")),
            {"hdop": 1.0, "odometer": 7500.0, "ignition": True},
        )

    def test_cells(self) -> None:
        """LBS: seven cells, of which those without a network code are none."""
        group, none = "0460,0001,18d8,6141,30,,", ",,,,,,"
        head = "name,1,2,80,,,,,,"
        position = one(text("LBS", f"{head}{group}{none * 5}{group.replace('30', '31')}{END}"))
        self.assertEqual(
            position,
            Position(
                SENT,
                outdated=True,
                network=Network([CellTower(460, 1, 0x18D8, 0x6141, -30), CellTower(460, 1, 0x18D8, 0x6141, -31)]),
                attributes={"batteryLevel": 80, "type": "LBS"},
            ),
        )
        self.assertEqual(one(text("LBS", f"{head}{none * 7}{END}")).network, Network())
        for data in (f"{head}{group}{END}", f"{head.replace('80', '')}{none * 7}{END}"):
            with self.assertRaises(BAD_FRAME):
                one(text("LBS", data))

    def test_transparent(self) -> None:
        """DAT: what another device has said, and a location."""
        position = one(text("DAT", f"name,1,,,<I:5014|DB:607>,{POINT},,,,{END}", "270B01"))
        self.assertEqual(
            (position.attributes, times(position)),
            ({"data": "<I:5014|DB:607>", "hdop": 1.0, "type": "DAT"}, (SENT, TIME)),
        )


class CanTests(SynchronousTestCase):
    def can(self, mask: str, fields: str, version: str = "310603") -> Position:
        return one(text("CAN", f"name,00,1,{mask},{fields}{END}", version))

    def test_vehicle(self) -> None:
        """A field for each bit of the mask; those of speed and rpm have changed places."""
        fields = "8LBETF3W4N0001613,2,H89394,63.14,900,85,87,L/H5.5,P43.60,18,10,17.5,11.61,5.92,0.5,13115,1F,4002,0A,03,1.5,2.5,"
        position = self.can("003FFFFF", fields)
        self.assertEqual(
            position,
            Position(
                SENT,
                outdated=True,
                attributes={
                    "vin": "8LBETF3W4N0001613",
                    "ignition": True,
                    "obdOdometer": 89394,
                    "fuelUsed": 63.14,
                    "rpm": 900,
                    "obdSpeed": 85,
                    "coolantTemp": 87,
                    "fuelConsumption": 5.5,
                    "fuel": 43.6,
                    "range": 1800,
                    "throttle": 10,
                    "hours": 63000000,
                    "drivingTime": 11.61,
                    "idleHours": 5.92,
                    "idleFuelConsumption": 0.5,
                    "axleWeight": 13115,
                    "tachographInfo": 31,
                    "indicators": 0x4002,
                    "lights": 10,
                    "doors": 3,
                    "vehicleOverspeed": 1.5,
                    "engineOverspeed": 2.5,
                    "type": "CAN",
                },
            ),
        )
        self.assertEqual(self.can("003FFFFF", "," * 22).attributes, {"type": "CAN"})
        self.assertEqual(self.can("00000082", "0,M12,").attributes, {"ignition": False, "type": "CAN"})

    def test_extension(self) -> None:
        """A second mask has its own fields, and a third one some that are not read."""
        fields = "FFFFFFFF,P50.5,1,2,3,,,,1500,,,,,,,,card1,card2,name1,name2,plate,,,,,,,,,,,,7,a,b,c,"
        self.assertEqual(
            self.can("60000000", fields + "0,4.3,92,70.0,121.354335,31.222073,20090214013254,").attributes,
            {
                "adBlueLevel": 50.5,
                "axleWeight1": 1,
                "axleWeight3": 2,
                "axleWeight4": 3,
                "adc1": 1.5,
                "driver1Card": "card1",
                "driver2Card": "card2",
                "driver1Name": "name1",
                "driver2Name": "name2",
                "registration": "plate",
                "type": "CAN",
            },
        )
        self.assertEqual(self.can("20000000", ",").attributes, {"type": "CAN"})

    def test_limits(self) -> None:
        """Whole numbers wrap, floats are cut to the largest."""
        self.assertEqual(
            self.can("00000A00", "30000000,1e300,").attributes,
            {"range": 3_000_000_000 - 2**32, "hours": 2**63 - 1, "type": "CAN"},
        )

    def test_place(self) -> None:
        """The location stands behind any number of empty fields; its first field is whether it counts."""
        position = self.can("C0000000", ",,,1,4.3,92,70.0,121.354335,31.222073,20090214013254,0460,0000,18d8,6141,00,")
        expected = fix(type="CAN")
        expected.device_time = SENT
        del expected.attributes["hdop"]
        self.assertEqual(position, expected)
        self.assertFalse(self.can("C0000000", "0,4.3,92,70.0,121.354335,31.222073,20090214013254,").valid)
        self.assertTrue(self.can("C0000000", ",1,,,,,,,").outdated)

    def test_models(self) -> None:
        """Some bits have fields on some models only, and one model has no location."""
        place = "1,4.3,92,70.0,121.354335,31.222073,20090214013254,"
        self.assertFalse(self.can("5FC00000", place).outdated)
        self.assertFalse(self.can("5FC00000", "a,b,c," + place, "F10101").outdated)
        self.assertTrue(self.can("5FC00000", "a,b,c,d,e,f,g," + place, "8020050101").outdated)
        shown = self.can("3FC00000", "a,b,c,d,e,f,g,00000001,P9,", "8020050101").attributes
        self.assertEqual(shown, {"adBlueLevel": 9.0, "type": "CAN"})


class GenericTests(SynchronousTestCase):
    def test_location(self) -> None:
        """What looks like a location is one, and what looks like a cell behind it too."""
        position = one(text("SOS", f",0,0,1,{POINT},80,{END}"))
        expected = fix(hdop=1, alarm="sos", batteryLevel=80, type="SOS")
        expected.network = CELL
        expected.device_time = SENT
        self.assertEqual(position, expected)
        self.assertIs(type(position.attributes["hdop"]), int)

    def test_sending(self) -> None:
        """Of the time of sending and the battery in front of it nothing is known if they do not look like it."""
        self.assertEqual(times(one(text("SOS", f",0,0,1,{POINT},80,,11F0"))), (TIME, TIME))
        self.assertNotIn("batteryLevel", attributes(text("SOS", f",0,0,1,{POINT},,{END}")))
        data = text("SOS", f",0,0,1,{POINT},80,{END}")
        self.assertEqual(times(one(data, settings={"gl200.ignoreFixTime": True})), (SENT, SENT))
        with self.assertRaises(BAD_FRAME):
            one(text("SOS", f",0,0,1,{POINT},80,2010021409325x,11F0"))

    def test_no_location(self) -> None:
        """Without a location the cell may be anywhere; with nothing at all there is no report."""
        position = one(text("STC", f",,0,,,,,,,0228,0002,4EE8,1BFF489,00,{END}"))
        self.assertEqual(
            position,
            Position(
                SENT, outdated=True, network=Network([CellTower(228, 2, 0x4EE8, 0x1BFF489)]), attributes={"type": "STC"}
            ),
        )
        self.assertEqual(told(gl200, text("STC", f",,0,,310,260,4EE8,1BFF,00,{END}")), [LOGIN])

    def test_first(self) -> None:
        """
        The first two neighbours that are degrees, and have a field behind them, and the first cell behind them count.
        """
        cell = "0460,0000,18d8,6141"
        position = one(
            text("SOS", f",,,,9.123456,x,1,1.1,5,1.1,-1.000001,2.000002,20090214013254,a,123,{cell}5555,{cell}")
        )
        self.assertEqual((position.longitude, position.latitude), (-1.000001, 2.000002))
        self.assertEqual(position.network, Network([CellTower(460, 0, 0x18D8, 0x61415555)]))
        self.assertTrue(one(text("SOS", f",,,{cell},1,1.1,5,1.1,-1.000001,2.000002,,")).outdated)
        self.assertEqual(one(text("SOS", f",,,1,1.1,5,1.1,1.000001,2.000002,20090214013254,{cell}")).network, CELL)
        before = one(text("SOS", f",,,{cell},1,1.1,5,1.1,1.000001,2.000002,20090214013254,x"))
        self.assertIsNone(before.network)

    def test_long(self) -> None:
        """Thousands of fields are looked at once."""
        for field in (",1234", ",1.123", ",1234,1234,ABCX", ","):
            self.assertEqual(Talk(gl200, "udp").say(text("SOS", 4000 * field + f",{END}"))[:1], [LOGIN])

    def test_errors(self) -> None:
        """Few fields, and a location without all of what belongs to it, are errors."""
        for rest in (
            "",
            "a,b",
            "121.354335,31.222073,20090214013254,a,b",
            f",,,{POINT.replace('1,4.3', ',4.3')},{END}",
            f",,,{POINT.replace('92', '92.5')},{END}",
        ):
            with self.assertRaises(BAD_FRAME):
                one(text("SOS", rest))
        self.assertEqual(told(gl200, text("SOS", ""), known=()), [LOGIN])

    def test_states(self) -> None:
        """The field in front of a location means something on some types."""
        for kind, state, expected in (
            ("NMR", "1", {"motion": True}),
            ("NMR", "0", {"motion": False}),
            ("DIS", "21", {"in2": True}),
            ("DIS", "10", {"in1": False}),
            ("IGL", "01", {"ignition": True}),
            ("IGL", "00", {"ignition": False}),
            ("HBM", "10", {"alarm": "hardBraking"}),
            ("HBM", "11", {"alarm": "hardAcceleration"}),
            ("HBM", "12", {"alarm": "hardCornering"}),
            ("HBM", "13", {"alarm": "hardBraking"}),
            ("HBM", "14", {"alarm": "hardAcceleration"}),
            ("HBM", "15", {}),
            ("SPD", "01", {"alarm": "overspeed"}),
        ):
            self.assertEqual(
                attributes(text(kind, f",,{state},1,{POINT},,{END}")), {"hdop": 1, **expected}, (kind, state)
            )

    def test_alarms(self) -> None:
        """Some types are alarms."""
        expected = {
            "SOS": "sos",
            "SPD": "overspeed",
            "TOW": "tow",
            "IDL": "idle",
            "PNA": "powerOn",
            "PFA": "powerOff",
            "EPN": "powerRestored",
            "MPN": "powerRestored",
            "EPF": "powerCut",
            "MPF": "powerCut",
            "BPL": "lowBattery",
            "STT": "movement",
            "SWG": "geofence",
            "TMP": "temperature",
            "TEM": "temperature",
            "JDR": "jamming",
            "JDS": "jamming",
            "GES": None,
            "IDN": None,
            "CRA": None,
        }
        shown = {kind: attributes(text(kind, f",,,1,{POINT},{END}")).get("alarm") for kind in expected}
        self.assertEqual(shown, expected)


class ReplyTests(SynchronousTestCase):
    def test_heartbeat(self) -> None:
        """A heartbeat is answered with version and count, but not to strangers."""
        data = f"+ACK:GTHBD,1A0401,{ID},name,{END}$".encode()
        self.assertEqual(told(gl200, data), [LOGIN, Reply(b"+SACK:GTHBD,1A0401,11F0$")])
        self.assertEqual(told(gl200, data, known=()), [LOGIN])
        self.assertEqual(
            told(gl200, data, settings={"gl200.ack": True})[1:],
            [Reply(b"+SACK:GTHBD,1A0401,11F0$"), Reply(b"+SACK:11F0$")],
        )

    def test_result(self) -> None:
        """The answer to a command is a result, with the time at which it was sent and without a type."""
        self.assertEqual(
            told(gl200, f"+ACK:GTRTO,1A0800,{ID},GL300,VER,FFFF,{END}$".encode()),
            [LOGIN, Position(SENT, outdated=True, attributes={"result": "+ACK:GTRTO"})],
        )
        for data in (b"+ACK:GTRTO,1A0800$", f"+ACK:GTRTO,1A0800,{ID},GL300,,11F0$".encode()):
            with self.assertRaises(BAD_FRAME):
                told(gl200, data)

    def test_acknowledged(self) -> None:
        """With the setting every text is acknowledged by its count, also a stranger's, but none that is an error."""
        settings = {"gl200.ack": True}
        data = text("FRI", f",0,0,1,{POINT},,{END}")
        self.assertEqual(told(gl200, data, settings=settings), [LOGIN, fix(type="FRI"), Reply(b"+SACK:11F0$")])
        self.assertEqual(told(gl200, data, settings=settings, known=()), [LOGIN, Reply(b"+SACK:11F0$")])
        with self.assertRaises(BAD_FRAME):
            told(gl200, text("SOS", ""), settings=settings)


class CommandTests(SynchronousTestCase):
    def sent(self, type: str, settings: Mapping[str, Any] = NONE, **attributes: Any) -> bytes | None:
        return commands.encode(gl200, Command(type, attributes), Session(gl200, device=Device(ID, attributes=settings)))

    def test_commands(self) -> None:
        """Commands are texts with the device's password, if there is one."""
        for type, expected in {
            "positionSingle": b"AT+GTRTO=,1,,,,,,FFFF$",
            "deviceIdentification": b"AT+GTRTO=,8,,,,,,FFFF$",
            "rebootDevice": b"AT+GTRTO=,3,,,,,,FFFF$",
            "engineStop": b"AT+GTOUT=,1,,,0,0,0,0,0,0,0,,,,,,,FFFF$",
            "engineResume": b"AT+GTOUT=,0,,,0,0,0,0,0,0,0,,,,,,,FFFF$",
        }.items():
            self.assertEqual(self.sent(type), expected)
            secret = expected.replace(b"=,", b"=654321,")
            self.assertEqual(self.sent(type, {"devicePassword": "654321"}), secret)
            self.assertEqual(self.sent(type, {"gl200.devicePassword": "654321"}), secret)
            self.assertEqual(self.sent(type, {"devicePassword": "1"}, devicePassword="654321"), secret)

    def test_custom(self) -> None:
        """A custom text goes out as it is."""
        self.assertEqual(self.sent("custom", data="AT+GTRTO=x$\\r\\n"), b"AT+GTRTO=x$\r\n")
        with self.assertRaises(Unsupported):
            self.sent("sendSms", phone="1", message="2")


class DamageTests(SynchronousTestCase):
    def test_damaged(self) -> None:
        """Damaged texts are bad frames or say something, and nothing else."""
        source = random.Random(5004)
        samples = (
            text("FRI", f",0,0,2,{POINT},{POINT},2000.0,12345:12:34,,,80,210100,,,50,{END}"),
            extended("00000103", "7.5,01138:30:24,1500,F25,83,220104,2,1F,1,28FF,1,FFE2,1,00,6,1,FF00,0010,-1.5"),
            text("CAN", f"name,00,1,E03FFFFF,{',' * 22}7FFFFFFF,{',' * 31}0,4.3,92,70.0,121.354335,31.222073,{END}"),
            text("INF", f"name,21,8989,17,0,1,12349,5000,3.90,1,1,0,{END}"),
            text("BAA", f",FF,3,0,04,003F,name,7805412A6EE9,2,3065,-5,40,{POINT},{END}"),
            text("SOS", f",0,0,1,{POINT},80,{END}"),
            f"+ACK:GTRTO,1A0800,{ID},GL300,VER,FFFF,{END}$".encode(),
        )
        for _ in range(2000):
            data = bytearray(source.choice(samples))
            for _ in range(source.randint(1, 3)):
                data[source.randrange(len(data))] = source.choice(b",$.09-AFG\x00\x7f\xff")
            if source.random() < 0.3:
                del data[source.randrange(len(data)) :]
            for transport in ("tcp", "udp"):
                try:
                    Talk(gl200, transport).say(bytes(data))
                except BAD_FRAME:
                    pass
