"""
ATrack's custom fields, in texts and in binary records, and the beacons among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import pack
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.atrack.atrack import atrack
from tests.plugins.wire.talk import Device, Talk, positions
from tests.plugins.wire.test_atrack import LINE, STANDARD, frame, one, record, text
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.values import CellTower, Network, Position

STANDARD_TEXT = one(text(LINE)).attributes


def told(data: bytes, standard: Mapping[str, Any], **settings: Any) -> tuple[Position, dict[str, Any]]:
    """The position, and what it has besides the standard attributes, or has otherwise."""
    position = one(data, **settings)
    for name in standard:
        assert name in position.attributes, name
    more = {name: value for name, value in position.attributes.items() if (name, value) not in standard.items()}
    return position, more


def from_text(values: str, form: str, **settings: Any) -> tuple[Position, dict[str, Any]]:
    return told(text(f"{LINE}\x1a,{values}"), STANDARD_TEXT, form=form, **settings)


def from_binary(values: bytes, form: str, **settings: Any) -> tuple[Position, dict[str, Any]]:
    return told(frame(record(values)), STANDARD, form=form, **settings)


class ListTests(SynchronousTestCase):
    def test_off(self) -> None:
        """Custom fields are not read unless they are switched on."""
        self.assertEqual(one(text(f"{LINE}\x1a,%CI%SA,9")).attributes, STANDARD_TEXT)
        self.assertEqual(one(frame(record(b"%CI%SA\0\x09"))).attributes, STANDARD)

    def test_own(self) -> None:
        """Each record brings its list of keys, behind one that is none."""
        self.assertEqual(
            told(text(f"{LINE}\x1a,%CI%SA%FL,9,5"), STANDARD_TEXT, custom="true")[1], {"sat": 9, "fuel": 5}
        )
        records = record(b" %CI%SA%FL\n\0\x09\x05") + record(b"%CI%\0") + record(b"%CI%SA\0\x07")
        outputs = Talk(atrack, settings={"atrack.custom": True}).say(frame(records))
        self.assertEqual(
            [position.attributes for position in positions(outputs)],
            [STANDARD | {"sat": 9, "fuel": 5}, STANDARD, STANDARD | {"sat": 7}],
        )

    def test_configured(self) -> None:
        """A list may be configured, for all devices or for one; then they send none."""
        self.assertEqual(from_text("9,5", "%SA%FL")[1], {"sat": 9, "fuel": 5})
        self.assertEqual(from_binary(b"\x09\x05", "%SA%FL")[1], {"sat": 9, "fuel": 5})
        session = Session(atrack, device=Device("1", attributes={"atrack.form": "%SA"}))
        (position,) = positions(list(atrack.decode(frame(record(b"\x09")), session)))
        self.assertEqual(position.attributes["sat"], 9)

    def test_missing(self) -> None:
        """Where custom fields are expected they must be there."""
        for line in (LINE, f"{LINE}\x1a,", f"{LINE}\x1a,%CI,", f"{LINE}\x1a,%CI%SA"):
            with self.assertRaises(BAD_FRAME):
                one(text(line), custom=True)
        for line in (LINE, f"{LINE}\x1a,"):
            with self.assertRaises(BAD_FRAME):
                one(text(line), form="%SA")
        for values in (b"", b"%CI\0", b"\0", b"%CI%SA", b"%CI%SA\0", b"%CI%VN\0"):
            with self.assertRaises(BAD_FRAME):
                one(frame(record(values)), custom=True)
        with self.assertRaises(BAD_FRAME):
            one(frame(record(b"\0")), form="%SA%MV")


class TextTests(SynchronousTestCase):
    def test_values(self) -> None:
        """Numbers, flags and texts."""
        for key, value, found in (
            ("SA", "9", {"sat": 9}),
            ("MV", "125", {"power": 12.5}),
            ("BV", "-41", {"battery": -4.1}),
            ("PC", "7", {"count1": 7}),
            ("RP", "1187", {"rpm": 1187}),
            ("GS", "12", {"rssi": 12}),
            ("DT", "1", {"archive": True}),
            ("DT", "2", {"archive": False}),
            ("VN", "JN8AZ1", {"vin": "JN8AZ1"}),
            ("TR", "9", {"throttle": 9}),
            ("ET", "90", {"coolantTemp": 90}),
            ("FL", "72", {"fuel": 72}),
            ("FC", "22", {"fuelConsumption": 22}),
            ("AV1", "40", {"adc1": 40}),
            ("CD", "894231", {"iccid": "894231"}),
            ("EH", "409", {"hours": 147240000}),
            ("IA", "30", {"intakeTemp": 30}),
            ("EL", "58", {"engineLoad": 58}),
            ("HA", "1", {"alarm": "hardAcceleration"}),
            ("HB", "2", {"alarm": "hardBraking"}),
            ("HC", "1", {"alarm": "hardCornering"}),
            ("HC", "0", {}),
            ("MT", "1", {"motion": True}),
            ("MT", "0", {"motion": False}),
            ("RL", "x", {}),
            ("ZO4", "x", {}),
            ("sa", "x", {}),
            ("", "x", {}),
        ):
            position, more = from_text(value, f"%{key}")
            self.assertEqual((key, repr(more)), (key, repr(found)))
            self.assertEqual((position.altitude, position.network), (0.0, None))

    def test_altitude(self) -> None:
        """The altitude is a field of the position."""
        position, more = from_text("-13", "%AT")
        self.assertEqual((position.altitude, more), (-13.0, {}))

    def test_pairs(self) -> None:
        """Keys and values are paired as far as both reach; no number where one is read is an error."""
        self.assertEqual(from_text("9,,x,,,", "%SA%VN%OD%FL%RP")[1], {"sat": 9})
        self.assertEqual(from_text("9,1,2", "%SA")[1], {"sat": 9})
        self.assertEqual(from_text("1,0,1", "%HA%HB%HC")[1], {"alarm": "hardAcceleration,hardCornering"})
        for values in (",5", "x", "1.5", "2147483648"):
            with self.assertRaises(BAD_FRAME):
                from_text(values, "%SA%FL")

    def test_cells(self) -> None:
        """A cell needs network, area and number; without one the signal replaces the other."""
        position, more = from_text("310260,14953,21096194,20,10", "%CN%LC%CE%GQ%GS")
        self.assertEqual(position.network, Network([CellTower(310, 260, 14953, 21096194, -20)]))
        self.assertEqual(more, {"rssi": 10})
        self.assertEqual(from_text("310260,1,0", "%CN%LC%CE")[0].network, Network([CellTower(310, 260, 1, 0)]))
        for values in ("310260,,,5,10", "310,1,2,5,10", ",1,2,-5,10"):
            keys = [key for key, value in zip("CN LC CE GQ GS".split(), values.split(","), strict=True) if value]
            given = [value for value in values.split(",") if value]
            position, more = from_text(",".join(given), "%" + "%".join(keys))
            self.assertEqual((position.network, more), (None, {"rssi": -5}))
        self.assertEqual(from_text("0,10", "%GQ%GS")[1], {"rssi": 0})


class BinaryTests(SynchronousTestCase):
    def test_values(self) -> None:
        """Numbers of one, two and four bytes, and texts that end with NUL."""
        for key, value, found in (
            ("SA", b"\x09", {"sat": 9}),
            ("MV", b"\0\x7d", {"power": 12.5}),
            ("BV", b"\0\x29", {"battery": 4.1}),
            ("PC", b"\xff\xff\xff\xff", {"count1": 4294967295}),
            ("RP", b"\x04\xa3", {"rpm": 1187}),
            ("GS", b"\x0c", {"rssi": 12}),
            ("DT", b"\1", {"archive": True}),
            ("DT", b"\2", {"archive": False}),
            ("VN", b"JN8AZ1\0", {"vin": "JN8AZ1"}),
            ("VN", b"\0", {}),
            ("TR", b"\x09", {"throttle": 9}),
            ("ET", b"\0\x5a", {"temp1": 90}),
            ("FL", b"\x48", {"fuel": 72}),
            ("FC", b"\0\0\0\x16", {"fuelConsumption": 22}),
            ("AV1", b"\0\x28", {"adc1": 40}),
            ("CD", b"894231\0", {"iccid": "894231"}),
            ("EH", b"\xff\0\0\0", {"hours": 0xFF000000 * 360000}),
            ("HA", b"\1", {"alarm": "hardAcceleration"}),
            ("HB", b"\2", {"alarm": "hardBraking"}),
            ("HC", b"\0", {}),
            ("MT", b"\1", {"motion": True}),
            ("EO", b"\0\0\0\2", {"odometer": 3218.68}),
            ("IN0", b"\1", {"ignition": True}),
            ("IN1", b"\0", {"in1": False}),
            ("IN2", b"\1", {"in2": True}),
            ("IN3", b"\1", {"in3": True}),
            ("ZO4", b"\5", {"throttle": 2.0}),
            ("ZO6", b"\2", {"obdSpeed": 1.61}),
            ("ZO9", b"\5", {"engineLoad": 2.5}),
            ("ZO10", b"\5", {"fuel": 2.5}),
            ("ZO14", b"\5", {"coolantTemp": 5}),
            ("ZH2", b"\x0e\x10", {"fuelConsumption": 16.428}),
            ("ZH3", b"\0\5", {"rpm": 1.25}),
            ("ZL2", b"\0\0\0\2", {"odometer": 322}),
            ("ZL4", b"\0\0\0\2", {"hours": 360000}),
            ("ZS1", b"V1\0", {"vin": "V1"}),
            ("JO4", b"\5", {"engineLoad": 5}),
            ("JO5", b"\5", {"fuel": 2.0}),
            ("JO11", b"\5", {"coolantTemp": -35}),
            ("JH1", b"\1\x80", {"obdSpeed": 1.5}),
            ("JH2", b"\0\4", {"rpm": 0.5}),
            ("JH3", b"\0\5", {"axleWeight1": 2.5}),
            ("JH7", b"\0\5", {"axleWeight5": 2.5}),
            ("JH8", b"\0\5", {"serviceOdometer": 25}),
            ("JH11", b"\0\5", {"fuelConsumption": 0.25}),
            ("JL1", b"\0\0\0\5", {"fuelUsed": 2.5}),
            ("JL2", b"\0\0\0\2", {"hours": 360000}),
            ("JL3", b"\0\0\0\2", {"odometer": 2000}),
            ("JL4", b"\0\0\0\5", {"fuelUsed": 0.005}),
            ("JS1", b"V2\0", {"vin": "V2"}),
            ("JS3", b"D1\0", {"driver1": "D1"}),
            ("JS4", b"D2\0", {"driver2": "D2"}),
        ):
            position, more = from_binary(value, f"%{key}")
            self.assertEqual((key, repr(more)), (key, repr(found)))
            self.assertEqual((position.altitude, position.network), (0.0, None))

    def test_altitude(self) -> None:
        """The altitude has no sign."""
        self.assertEqual(from_binary(b"\xff\xff\xff\xff", "%AT")[0].altitude, 4294967295.0)

    def test_skipped(self) -> None:
        """What is passed over has its size."""
        for size, keys in (
            (1, "RL IA EL ML PD MP ZO1 ZO17 JO1 JO12"),
            (2, "MF SM ZH1 JH9 JH10 JH12"),
            (4, "ZL1 ZL3 JN1 JN5"),
            (6, "GV"),
            (8, "CM ME"),
            (60, "GN"),
            (0, "BC OD XS sa"),
        ):
            for key in keys.split():
                self.assertEqual(from_binary(bytes(size) + b"\x09", f"%{key}%SA")[1], {"sat": 9}, key)
        for key in ("CI", "NC", "GL", "MA", "JS2"):
            self.assertEqual(from_binary(b"text\0\x09", f"%{key}%SA")[1], {"sat": 9}, key)

    def test_mixed(self) -> None:
        """Numbers and texts follow each other without filling."""
        values = b"\x09V\0\0\x7d\0I\0"
        self.assertEqual(from_binary(values, "%SA%VN%MV%CD%NC")[1], {"sat": 9, "vin": "V", "power": 12.5})

    def test_last_one(self) -> None:
        """Of values of one name the last counts, but nothing is no value."""
        self.assertEqual(from_binary(b"A\0\0", "%VN%ZS1")[1], {"vin": "A"})
        self.assertEqual(from_binary(b"A\0B\0", "%VN%ZS1")[1], {"vin": "B"})

    def test_cells(self) -> None:
        """A cell needs a number that is not 0, and of the operator only five digits count."""
        form = "%CN%LC%CE%GQ%GS"
        position, more = from_binary(pack(">IHIBB", 310260, 14953, 4294967295, 20, 10), form)
        self.assertEqual(position.network, Network([CellTower(102, 60, 14953, 4294967295, -20)]))
        self.assertEqual(more, {"rssi": 10})
        position, more = from_binary(pack(">IHIBB", 310260, 14953, 0, 20, 10), form)
        self.assertEqual((position.network, more), (None, {"rssi": -20}))
        self.assertEqual(from_binary(pack(">IH", 310260, 1), "%CN%LC")[0].network, None)

    def test_alarms(self) -> None:
        """The alarm of the report comes first."""
        more = from_binary(b"\1\1\1", "%HC%HA%SA", alarmMap="101=sos")[1]
        self.assertEqual(more, {"alarm": "sos,hardCornering,hardAcceleration", "sat": 1})


class BeaconTests(SynchronousTestCase):
    def beacons(self, value: str, **settings: Any) -> dict[str, Any]:
        return from_text(value, "%BC%SA", **settings)[1]

    def test_masked(self) -> None:
        """The mask tells which values each beacon has."""
        for value, found in (
            ("3:224:F128833445E6002C09C6", {"tag1Id": "f128833445e6", "tag1Humidity": 44, "tag1Temp": 2502}),
            ("3:12:C80001640002", {"tag1Rssi": 200, "tag2Rssi": 100}),
            ("1:120:0001000205C8", {"tag1Rssi": 200}),
            ("2:120:0001FFF605C8", {"tag1Temp": 65526, "tag1Rssi": 200}),
            (
                "2:136:00000000000132000000000002C8",
                {"tag1Id": "000000000001", "tag1Rssi": 50} | {"tag2Id": "000000000002", "tag2Rssi": 200},
            ),
            ("4:128:000000000001", {"tag1Id": "000000000001"}),
            ("4:240:000000000001" + "02" + "00" * 11, {"tag1Id": "000000000001"}),
            ("9:128:000000000001000000000002", {"tag1Id": "000000000001", "tag2Id": "000000000002"}),
        ):
            self.assertEqual((value, self.beacons(value)), (value, found))

    def test_hardware(self) -> None:
        """How much is passed over depends on the beacon's hardware."""
        for hardware, size in ((1, 11), (2, 2), (3, 6), (4, 11), (5, 10), (0, 0), (9, 0)):
            beacon = f"00000000000a{hardware:02x}{'00' * size}"
            found = self.beacons(f"4:224:{beacon}{beacon}")
            self.assertEqual(found, {"tag1Id": "00000000000a", "tag2Id": "00000000000a"})
            with self.assertRaises(BAD_FRAME):
                self.beacons(f"4:224:{beacon[:-2]}")
            self.assertEqual(self.beacons(f"4:64:{hardware:02x}06"), {})

    def test_order(self) -> None:
        """What beacons tell stands where they are among the fields."""
        position = one(text(f"{LINE}\x1a,9,3:12:C80001640002,5"), form="%SA%BC%FL")
        self.assertEqual(list(position.attributes)[-4:], ["sat", "tag1Rssi", "tag2Rssi", "fuel"])

    def test_bad_masks(self) -> None:
        """Beacons that have no end are errors, and so is what is no list of beacons."""
        for value in (
            "3:0:00",
            "3:16:00",
            "9:127:00",
            "4:32:00",
            "3:224:F1",
            "3:224:",
            ":224:00",
            "3::00",
            "3:224",
            "x",
            "3:224:0",
            "3:8:00:00",
            ",9",
        ):
            with self.assertRaises(BAD_FRAME):
                self.beacons(value)

    def test_framed(self) -> None:
        """Each beacon may have its length; one kind tells its temperature."""
        first, second = "0DE0CD9F8F1F40FE092D0BA0C5F0", "07E1000000000001"
        for value, found in (
            (first, {"tag1Temp": 23.49}),
            (second + first.replace("092D", "FFF6"), {"tag2Temp": -0.1}),
            ("09E0CD9F8F1F40FE092D", {"tag1Temp": 23.49}),
            (",9", {"sat": 9}),
            (second, {}),
        ):
            self.assertEqual((value, self.beacons(value, frameMask="1")), (value, found))
        for value in (first[:-2], "08E0000000000001FF", "06E1000000000001", "00", "0"):
            with self.assertRaises(BAD_FRAME):
                self.beacons(value, frameMask=1)
