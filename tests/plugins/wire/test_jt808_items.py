"""JT/T 808: the items behind a location."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.jt808.jt808 import jt808
from tests.plugins.wire.jt808_frames import LOCATION, STATUS, exact, frame, located, plain, said
from tests.plugins.wire.talk import positions, told
from trackd.wire.format import BAD_FRAME
from trackd.wire.values import CellTower, Network, Position, WifiAccessPoint, WireError

# The item, what it means, and the model of the device.
Case = tuple[str, dict[str, Any]] | tuple[str, dict[str, Any], str]


def report(items: str, model: str | None = None) -> Position:
    return positions(said(0x0200, LOCATION + items, model=model))[0]


def behind(items: str) -> str:
    """The items and another one that means nothing; together they are not of the length of the fixed form."""
    return items + ("15 02 0000" if len(bytes.fromhex(items)) == 15 else "15 01 00")


class ItemsTestCase(SynchronousTestCase):
    def means(self, *cases: Case) -> None:
        """Each item has its meaning, and another one behind it has its own."""
        for items, attributes, *model in cases:
            position = report(behind(items), *model)
            self.assertEqual(exact(position), exact(located(**attributes)), items)

    def network(self, *cases: tuple[str, list[CellTower], list[WifiAccessPoint]]) -> None:
        for items, cells, wifi in cases:
            position = report(items)
            self.assertEqual(position.network, Network(cells, wifi))
            self.assertEqual(position.attributes, STATUS)


class ValueTests(ItemsTestCase):
    def test_values(self) -> None:
        """Items of one value."""
        self.means(
            ("01 04 0000000A", {"odometer": 1000}),
            ("02 02 0014", {"fuel": 2.0}),
            ("02 02 8014", {"fuel": 20}),
            ("06 01 3E", {"batteryLevel": 62}),
            ("14 04 00000005", {"videoAlarm": 5}),
            ("25 04 80000001", {"input": 2147483649}),
            ("2B 04 00C80064", {"adc1": 2.0, "adc2": 1.0}),
            ("A7 04 00C80064", {"adc1": 2.0, "adc2": 1.0}),
            ("30 01 1F", {"rssi": 31}),
            ("31 01 09", {"sat": 9}),
            ("33 01 03", {"mode": 3}),
            ("56 02 0900", {"batteryLevel": 90}),
            ("67 08 3133323134333232", {"password": "13214322"}),
            ("68 02 16A8", {"batteryLevel": 58.0}),
            ("69 02 018B", {"battery": 3.95}),
            ("82 02 008B", {"power": 13.9}),
            ("94 03 56494E", {"vin": "VIN"}),
            ("94 00", {}),
            ("AC 04 0000000A", {"odometer": 10}),
            ("BC 05 20426F6200", {"driver": "Bob"}),
            ("BD 03 20FF31", {"driverUniqueId": " \xff1"}),
            ("D3 02 0027", {"power": 3.9}),
            ("ED 04 20343200", {"card": "42"}),
            ("F1 04 0000308C", {"power": 12.428}),
            ("F2 03 56312E", {"versionFw": "V1."}),
            ("F5 02 0100", {"illuminance": 256}),
            ("F5 01 01", {}),
            ("FB 01 00", {"container": "\0"}),
            ("FC 01 05", {"geofence": 5}),
            ("03 02 0200", {}),
        )

    def test_sentence(self) -> None:
        """A sentence has a voltage at a fixed place, and must reach to it."""
        self.means((f"33 12 {b'*M00,45,11386Roy1&'.hex()}", {"battery": 3.86}), (f"33 02 {b'*N'.hex()}", {}))
        for text in (b"*M00,45,113860", b"*M00,45,11x86Roy1"):
            with self.assertRaises(BAD_FRAME):
                report(f"33 {len(text):02x} {text.hex()}")

    def test_own_width(self) -> None:
        """A value has its own width, even if that reaches into the next item."""
        self.means(
            ("30 00", {"rssi": 0x15}),
            ("E2 01 00 30 01 1F", {"fuel": 314601.5, "rssi": 31}),
            ("F9 02 0007 FE 04 00000090 FD 0A 02E8 0000000000000000", {"hdop": 74.4, "odometer": 144}),
        )

    def test_beyond(self) -> None:
        """Items may reach into those behind them, but not so that the frame is read over and over."""
        found = report(f"D5 01 02 30 01 1F 15 17 {'00' * 23}").attributes
        self.assertEqual((found["lock1Id"], found["lock2Locked"], found["rssi"]), ("30011f1517", True, 31))
        text = b",1,x,1,"  # an access point, and the beginning of one whose name is the item behind it
        spots = [b"\xeb\x0c%b\0\xb9\0%b" % ((14 * left - 2 - 1).to_bytes(2, "big"), text) for left in range(9, 0, -1)]
        for items in ("D501FF" * 300 + "00" * 3400, "9100" * 30 + "00" * 22, b"".join(spots).hex()):
            with self.assertRaisesRegex(WireError, "in each other"):
                report(items)

    def test_end(self) -> None:
        """What reaches beyond the frame is an error, up to it not."""
        self.assertEqual(report("30 01").attributes["rssi"], plain(0x0200, LOCATION + "30 01")[-2])
        for items in ("01 04 00", "15 09 00", "30 05 1F"):
            with self.assertRaises(BAD_FRAME):
                report(items)


class AlarmTests(ItemsTestCase):
    def test_alarms(self) -> None:
        """Alarms among the items."""
        self.means(
            ("57 08 0700 0000 00000000", {"alarm": "hardAcceleration,hardBraking,hardCornering"}),
            ("57 08 00FF FFFF FFFFFFFF", {}),
            ("57 08 0000 0000 00010000", {"door": False, "alarm": "door"}, "MV810G"),
            ("70 06 00000001 01 01", {"alarm": "hardAcceleration"}),
            ("70 06 00000001 01 02", {"alarm": "hardBraking"}),
            ("70 06 00000001 01 03", {"alarm": "hardCornering"}),
            ("70 06 00000001 01 16", {"alarm": "accident"}),
            ("70 06 00000001 01 04", {}),
            ("D0 04 00000008", {"alarm": "vibration"}),
            ("D0 04 FFFFFFF7", {}),
            ("E7 08 0001 000000000000", {"alarm": "vibration"}),
            ("E7 08 000A 000000000000", {"alarm": "sos"}),
            ("E7 07 000F 0000000000", {}),
        )

    def test_all(self) -> None:
        """Alarms of a message are joined, the alarm word's first."""
        position = positions(said(0x0200, "00000001" + LOCATION[8:] + "D0 04 00000008 D0 04 00000008"))[0]
        self.assertEqual(position.attributes["alarm"], "sos,vibration,vibration")

    def test_cameras(self) -> None:
        """Alarms of driving assistants, and the label of their files, which are the last bytes."""
        label = "00112233445566778899AABBCCDDEEFF"
        self.means(
            ("64 06 00000001 00 02", {"adasAlarm": 2}),
            (f"64 2F 00000001 00 02 {'00' * 25} {label}", {"adasAlarm": 2, "alarmLabel": label.lower()}),
            (f"65 30 00000001 00 05 {'00' * 26} {label}", {"dmsAlarm": 5, "alarmLabel": label.lower()}),
        )

    def test_events(self) -> None:
        """Some events of locks have the number of a card."""
        card = b"90017383".hex()
        self.means(
            ("60 02 0060", {"event": 0x60}),
            (f"60 10 0065 010203040506 {card}", {"event": 0x65, "driverUniqueId": "90017383"}),
        )


class ManyTests(ItemsTestCase):
    def test_temperatures(self) -> None:
        """Temperatures with a sign bit, one or eight of them."""
        none = "FFFF" * 5
        self.means(
            ("51 02 0123", {"temp1": 29.1}),
            (f"51 10 8017 FFFF 0000 {none}", {"temp1": -2.3, "temp3": 0.0}),
            ("51 04 0123 0123", {}),
        )

    def test_locks(self) -> None:
        """Locks by their numbers."""
        self.means(
            (
                "63 16 001234567890 0E5C 30 0000 CD91FE1314DA 1080 31 0000",
                {
                    "lock1Id": "001234567890",
                    "lock1Battery": 3.676,
                    "lock1Seal": False,
                    "lock2Id": "cd91fe1314da",
                    "lock2Battery": 4.224,
                    "lock2Seal": True,
                },
            ),
            (
                "D5 0E 01 0002604323 2795980277 53 0020",
                {"lock1Id": "0002604323", "lock1Card": "2795980277", "lock1Battery": 83, "lock1Locked": False},
            ),
            ("D5 02 01A2", {"battery": 4.18}),
            ("E8 03 0E83AB", {"lockStatus": 951211}),
            ("0B 06 22 00623A49 65", {"lockCommand": 34, "lockCard": 6437449, "unlockResult": 101}),
            ("0B 05 22 00623A49", {"lockCommand": 34, "lockCard": 6437449}),
            ("0B 07 03 363839363037", {"lockCommand": 3, "lockPassword": "689607"}),
            ("0B 02 03 65", {"lockCommand": 3, "unlockResult": 101}),
        )

    def test_tires(self) -> None:
        """Pressures and temperatures of the tyres."""
        self.means(
            (
                "77 10 01 7E19F1 FC38 4D 08 06 40A696 0000 00 00",
                {
                    "tire1SensorId": "7e19f1",
                    "tire1Pressure": 1.4,
                    "tire1Temp": 27,
                    "tire1Status": 8,
                    "tire6SensorId": "40a696",
                    "tire6Pressure": 0.0,
                    "tire6Temp": -50,
                    "tire6Status": 0,
                },
            )
        )

    def test_climate(self) -> None:
        """Temperatures and humidities of radio sensors, with 255ths."""
        self.means(
            (
                "E6 0B 03 BC572900CE2E EF18 3200",
                {"temp3": -17.094117647058823, "humidity3": 50.0},
            ),
            ("E6 0B 01 BC572900CE2E 00FF 0000", {"temp1": 1.0, "humidity1": 0.0}),
            ("E6 01 00", {}),
        )


class LengthTests(ItemsTestCase):
    def test_lengths(self) -> None:
        """Items whose length tells what they are."""
        self.means(
            ("D4 01 3F", {"batteryLevel": 63}),
            ("E1 01 FF", {"charge": True}),
            ("E9 04 00000102", {"driverUniqueId": "258"}),
            ("D4 0A FFFFFFFF 000000000000", {"driverUniqueId": "4294967295"}),
            ("E1 02 0075", {"power": 11.7}),
            ("E9 02 0000", {"driverUniqueId": "5377"}),
            ("E5 01 01", {"motion": True}),
            ("E5 01 02", {"motion": False}),
            ("E5 04 00000000", {}),
            ("EE 06 1F 30D4 0F3C 09", {"rssi": 31, "power": 12.5, "battery": 3.9, "sat": 9}),
            ("EE 0A 01CC01262C009A674300", {}),
            ("F7 02 0123", {"humidity": 29.1}),
            ("F7 04 00000F48", {"battery": 3.912}),
            ("F7 05 00000F48 02", {"battery": 3.912, "charge": True}),
            ("F7 06 00000F48 01 4E", {"battery": 3.912, "batteryLevel": 78}),
            ("FE 01 40", {"batteryLevel": 64}),
            ("FE 02 001E", {"power": 3.0}),
            ("FE 04 00000090", {"odometer": 144}),
        )

    def test_marked(self) -> None:
        """The long form of FE takes its battery level from behind a list of alarms, which is the next item."""
        self.means(
            ("FE 03 40 45 00", {"batteryLevel": 0x45}),
            ("FE 07 7C 01 04 00000019", {"alarm": "hardAcceleration,accident,tampering", "batteryLevel": 0x15}),
            ("FE 05 7C F1 02 0000", {"batteryLevel": 0x15}),
        )

    def test_power(self) -> None:
        """Fuel, batteries and charging."""
        self.means(
            ("E2 04 00000123", {"fuel": 29.1}),
            ("E2 04 00000123", {}, "DT800"),
            ("E3 04 00 5A 0186", {"batteryLevel": 90, "battery": 3.9}),
            ("E4 02 00 5A", {"charge": True, "batteryLevel": 90}),
            ("E4 02 01 5A", {"batteryLevel": 90}),
            ("DA 04 0000 05 00", {"string": True, "motion": True, "cover": False}),
            ("DA 03 0000 08", {"string": False, "motion": False, "cover": True}),
        )

    def test_quality(self) -> None:
        """Values that a mask names."""
        self.means(
            ("F9 06 0004 0018 0000", {"hdop": 2.4}),
            (f"F9 1E 007F {'00' * 8} 0018 {'00' * 6} {'00' * 8} FFF6 00000000", {"hdop": 2.4, "temp3": -1.0}),
            ("F9 02 0010", {}),
        )
        with self.assertRaises(BAD_FRAME):
            report("F9 02 0020")

    def test_models(self) -> None:
        """Items whose meaning is up to the model."""
        card = "89550327001051953711"
        self.means(
            (f"F8 13 00 {'00' * 8} {card}", {"iccid": card}, "AL300"),
            ("F8 02 4936", {"steps": 18742}, "C5L"),
            ("F8 02 0408", {"temp2": 53.2}),
            ("F6 02 03F5", {"airPressure": 1013}),
            ("F6 08 0086496607758216", {"imei": "086496607758216"}),
            ("F6 02 0200", {"event": 2, "motion": True}, "GL100"),
            (
                "F6 1A 00 3F 01CB 00D3 026B 0000 FFD0 0008 00000000000000000000 03F5",
                {
                    "event": 0,
                    "lightSensor": 459,
                    "temp1": 21.1,
                    "humidity": 61.9,
                    "gSensor": "[0,-48,8]",
                    "airPressure": 1013,
                },
            ),
            (
                f"F3 24 FF AABBCCDDEEFF BD {b'tag'.ljust(10).hex()} 0000 0BB8 00D3 FFF6 {'00' * 10}",
                {
                    "tag1Mac": "aabbccddeeff",
                    "tag1Rssi": -67,
                    "tag1Name": "tag",
                    "tag1Battery": 3.0,
                    "tag1Temp": 21.1,
                    "tag1Humidity": -1.0,
                },
                "AL300",
            ),
            (
                "F3 0F 00 AABBCCDDEEFF BD 001122334455 C0",
                {"tag1Mac": "aabbccddeeff", "tag1Rssi": -67, "tag2Mac": "001122334455", "tag2Rssi": -64},
                "GL100",
            ),
        )


class VehicleTests(ItemsTestCase):
    def test_block(self) -> None:
        """Readings at fixed places."""
        self.means(
            (
                "91 16 008C 0471 2D FF 33 5A 0000 04E2 0000 00000000 0000 03E8",
                {
                    "battery": 14.0,
                    "rpm": 1137,
                    "obdSpeed": 45,
                    "throttle": 100,
                    "engineLoad": 20,
                    "coolantTemp": 50,
                    "fuelConsumption": 12.5,
                    "fuelUsed": 10.0,
                },
            )
        )

    def test_list(self) -> None:
        """A list goes to the end of the report; its values have their own widths."""
        values = {
            "01 04 0000000A": ("odometer", 1000),
            "02 02 0014": ("fuel", 2.0),
            "03 02 0014": ("obdSpeed", 2.0),
            "56 02 00 5A": ("batteryLevel", 90),
            "61 02 0514": ("power", 13.0),
            "69 02 0186": ("battery", 3.9),
            "80 01 2D": ("obdSpeed", 45),
            "81 02 0471": ("rpm", 1137),
            "82 02 0082": ("power", 13.0),
            "83 01 0E": ("engineLoad", 14),
            "84 01 7B": ("coolantTemp", 83),
            "85 02 1AE9": ("fuelConsumption", 6889),
            "86 01 2F": ("intakeTemp", 7),
            "87 02 0178": ("intakeFlow", 376),
            "88 01 33": ("intakePressure", 51),
            "89 01 03": ("throttle", 3),
            f"8B 11 {b'JN1BJ1CR6KW336535'.hex()}": ("vin", "JN1BJ1CR6KW336535"),
            "8C 04 00000064": ("obdOdometer", 10000),
            "8D 02 0082": ("tripOdometer", 130000),
            "8E 01 14": ("fuel", 20),
            f"A0 05 {b'P1,U2'.hex()}": ("dtcs", "P1 U2"),
            f"CC 14 {b'89860478102073018680'.hex()}": ("iccid", "89860478102073018680"),
        }
        for item, (name, value) in values.items():
            self.assertEqual(exact(report(f"80 01 00 {item}")), exact(located(**{name: value})))
        self.assertEqual(report("80 01 00 99 02 0000 81 09 0471 83 01 0E"), located(rpm=1137, engineLoad=14))
        self.assertEqual(report("CC 01 31 30 01 05 80 00 00"), located(rssi=5))
        with self.assertRaises(BAD_FRAME):
            report("80 01 00 99 08 00")

    def test_obd_ii(self) -> None:
        """Another list, with types of two bytes."""
        values = {
            "0002 02 0014": ("obdSpeed", 2.0),
            "0003 02 0471": ("rpm", 1137),
            "0004 02 32C8": ("power", 13.0),
            "0005 04 00000064": ("obdOdometer", 10000),
            "0007 02 0064": ("fuelConsumption", 10.0),
            "0008 02 0064": ("engineLoad", 10.0),
            "0009 02 007B": ("coolantTemp", 83),
            "000B 02 0033": ("intakePressure", 51),
            "000C 02 002F": ("intakeTemp", 7),
            "000D 02 0178": ("intakeFlow", 376),
            "000E 02 0033": ("throttle", 20),
            f"0050 11 {b'JN1BJ1CR6KW336535'.hex()}": ("vin", "JN1BJ1CR6KW336535"),
            "0051 02 ABCD": ("cvn", "abcd"),
            "0052 02 4142": ("calid", "AB"),
            "0100 02 0064": ("tripOdometer", 10.0),
            "0102 02 0064": ("tripFuel", 10.0),
            "0112 02 0001": ("hardAccelerationCount", 1),
            "0113 02 0002": ("hardDecelerationCount", 2),
            "0114 02 0003": ("hardCorneringCount", 3),
        }
        for item, (name, value) in values.items():
            length = len(bytes.fromhex(item))
            self.means((f"F3 {length:02x} {item}", {name: value}))
        self.means(
            ("F3 0A 0051 00 0999 01 00 0003 02", {"rpm": 0x1501}),
            ("F3 08 0008 01 32 0009 01 00", {"engineLoad": 1280.0}),
        )

    def test_line(self) -> None:
        """A line of text, whose fields may be empty, but must be there."""
        line = b"$OBD-RT,12.3,,20,0.00,0.5,-5,10.89,31.15,181.68,181,54.26,565.96,0,0\r\n"
        self.means(
            (
                f"E6 {len(line):02x} {line.hex()}",
                {
                    "power": 12.3,
                    "obdSpeed": 20.0,
                    "throttle": 0.0,
                    "engineLoad": 0.5,
                    "coolantTemp": -5,
                    "fuelConsumption": 31.15,
                    "tripOdometer": 181.68,
                    "obdOdometer": 181.0,
                    "tripFuelUsed": 54.26,
                    "fuelUsed": 565.96,
                },
            )
        )
        for text in (b"$OBD-RT,12.3,0,20,0,0,1.5,1,1,1,1,1,1", b"$OBD-RT,12.3,0,20,0,0,1,1,1,1,1,1,", b"$OBD-RT"):
            with self.assertRaises(BAD_FRAME):
                report(f"E6 {len(text):02x} {text.hex()}")


class NetworkTests(ItemsTestCase):
    def test_networks(self) -> None:
        """Cells and access points of all items together."""
        one, two = CellTower(460, 1, 258, 3, -64), CellTower(460, 1, 259, 4, 0)
        home = WifiAccessPoint("30:de:4b:f6:73:68", -50)
        self.network(
            ("E1 14 01CC 0001 000102 00000003 40 000103 00000004 00", [one, two], []),
            ("F0 1A 01CC 0001 00000003 00000102 40 01CC 0001 00000004 00000103 00", [one, two], []),
            ("F0 0D 01CC 0001 00000003 00000102 40 F0 0D 01CC 0001 00000003 00000102 40", [one], []),
            ("EB 0D 01CC 01 0102 0003 40 0103 0004 00", [one, two], []),
            ("EC 07 30DE4BF67368 CE", [], [home]),
            ("F0 0D 01CC 0001 00000003 00000102 40 F4 07 30DE4BF67368 CE", [one], [home]),
            ("EB 0D 000B 00D8 01CC 01 0103 00000004", [CellTower(460, 1, 259, 4)], []),
        )
        self.assertIsNone(report("EC 00 F0 00").network)

    def test_texts(self) -> None:
        """Access points in writing, in pairs."""
        text = b"54:B1:21:66:C9:E0,-51,5C:B0:0A:2C:AD:70,52,x"
        item = f"{len(text) + 3:04x} 00B9 02 {text.hex()}"
        self.network(
            (
                f"EB {len(text) + 5:02x} {item}",
                [],
                [WifiAccessPoint("54:B1:21:66:C9:E0", -51), WifiAccessPoint("5C:B0:0A:2C:AD:70", -52)],
            )
        )


class MixedTests(ItemsTestCase):
    def mixed(self, *cases: tuple[str, dict[str, Any]]) -> None:
        for item, attributes in cases:
            length = len(bytes.fromhex(item))
            self.means((f"EB {length:02x} {item}", attributes))

    def test_zone(self) -> None:
        """A text is the name of a zone."""
        self.mixed((b"UTC+08:00".hex(), {"timezone": "UTC+08:00"}))

    def test_list(self) -> None:
        """A list, whose lengths are believed."""
        self.mixed(
            ("0004 0001 0167", {"fuel1": 35.9}),
            ("0008 0023 3030312E3437", {"fuel2": 1.47}),
            ("0006 002D 00002DB4", {"power": 11.7}),
            ("0004 002D 0E10", {"battery": 3.6}),
            ("0006 0089 FFFFFFFE", {"alarm": "powerOff"}),
            ("0006 0089 FFFFEFFE", {"alarm": "powerOff,removing"}),
            ("0006 0089 FFFFFFFF", {}),
            ("0003 00A8 5C", {"batteryLevel": 92}),
            ("0003 00E1 5C", {"batteryLevel": 92}),
            ("000C 00B2 89860117801086222165", {"iccid": "89860117801086222165"}),
            ("000C 00B2 8942310221007544309F", {"iccid": "8942310221007544309"}),
            ("0006 00C5 FFFFFFFF", {}),
            ("0006 00C5 FFFFFFBF", {"alarm": "vibration"}),
            ("0006 00C5 FE7FFFFF", {"motion": True}),
            ("0006 00C5 FEFFFFFF", {"motion": False}),
            ("0006 00C6 05 000000", {"batteryAlarm": 5}),
            ("0006 0089 FFFFFFFE 0003 00C6 03", {"batteryAlarm": 3, "alarm": "lowBattery"}),
            ("0004 00CE 1D46", {"power": 74.94}),
            ("0005 0003 000000 0003 00A8 5C", {"batteryLevel": 92}),
        )

    def test_broken(self) -> None:
        """A list that goes beyond the frame is an error."""
        for item in ("0006 002D 0E", "0099 0003 0000", "0001 00B9 0000"):
            with self.assertRaises(BAD_FRAME):
                report(f"EB {len(bytes.fromhex(item)):02x} {item}")


class EnvironmentTests(ItemsTestCase):
    def test_environment(self) -> None:
        """External sensors, whose lengths are believed; a value too long ends the list."""
        self.means(
            (
                f"EA 20 00 11 0F 0102 03 {'00' * 12} 13 02 0100 14 02 03F5 15 02 0123 12 00",
                {
                    "externalAlarms": 258,
                    "alarmThresholdType": 3,
                    "externalIlluminance": 256,
                    "externalAirPressure": 1013,
                    "externalHumidity": 29.1,
                },
            ),
            ("EA 05 00 16 02 02EE", {"externalTemp": 25.0}),
            ("EA 09 00 13 02 0100 16 03 0000", {"externalIlluminance": 256}),
            ("EA 02 00 00", {}),
        )


class CameraTests(ItemsTestCase):
    def camera(self, *cases: tuple[str, dict[str, Any]]) -> None:
        for item, attributes in cases:
            length = len(bytes.fromhex(item))
            for model in ("JC371", "JC181", "JC182", "JC450", "JC451"):
                self.means((f"E8 {length:02x} {item}", attributes, model))

    def test_states(self) -> None:
        """What cameras tell of themselves."""
        self.camera(
            ("2002 02 01 01", {"uploadMode": 1, "buffered": True}),
            (
                "2003 07 01 05 019F 03 0190",
                {"charge": True, "batteryLevel": 83, "battery": 4.15, "rssi": 3, "power": 4.0},
            ),
            ("2003 07 00 07 019F 03 0190", {"charge": False, "battery": 4.15, "rssi": 3, "power": 4.0}),
            (
                "2005 00 0001 02 019F 0002 04 00000009 0003 01 5A 0004 01 00",
                {"battery": 4.15, "dataUsage": 9, "batteryLevel": 90, "charge": True},
            ),
            (
                "2005 00 0004 02 0100 0005 0A 8986011780108622216F 0007 02 0006 0099 01 00 2001 02 008C",
                {"charge": False, "iccid": "8986011780108622216", "hdop": 0.6, "power": 14.0},
            ),
            ("0C03 00", {"ignition": True}),
            ("0C04 00", {"ignition": False}),
            ("0999 00", {}),
        )

    def test_alarms(self) -> None:
        """What they are alarmed by."""
        for alarm, *codes in (
            ("fault", "0001"),
            ("hardAcceleration", "0400", "0412"),
            ("hardBraking", "0401", "0413"),
            ("hardCornering", "0402", "0414"),
            ("overspeed", "0403"),
            ("accident", "0405", "0416", "0417"),
            ("vibration", "0406"),
            ("tow", "0407"),
            ("geofenceEnter", "0408"),
            ("geofenceExit", "0409"),
            ("door", "040C"),
            ("laneChange", "0415"),
            ("sos", "0C01"),
            ("lowPower", "0C02"),
            ("general", "0C05"),
            ("powerCut", "0C0E"),
            ("lowBattery", "0C0F"),
            ("powerOff", "0C10"),
            ("tampering", "0C12"),
        ):
            self.camera(*((code, {"alarm": alarm}) for code in codes))

    def test_others(self) -> None:
        """A model that is none of them sends the state of a lock."""
        self.means(("E8 03 0C0300", {"lockStatus": 0x0C0300}, "JC400"))


class FrameTests(SynchronousTestCase):
    def test_escaped(self) -> None:
        """Items are read from what the escapes stand for."""
        made = frame(0x0200, LOCATION + "FC 01 7E 30 01 7D")
        self.assertGreater(len(made), len(plain(0x0200, LOCATION + "FC 01 7E 30 01 7D")))
        self.assertEqual(positions(told(jt808, made))[0], located(geofence=0x7E, rssi=0x7D))
