"""JT/T 808: what is sent through the terminal, 0x0900."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.plugins.wire.jt808_frames import (
    DATE,
    FIX,
    PLACE,
    STATUS,
    TIME,
    WHERE,
    accepted,
    exact,
    located,
    plain,
    said,
)
from tests.plugins.wire.talk import positions
from trackd.wire.format import BAD_FRAME
from trackd.wire.values import Output, Position


def uplink(body: str, **talk: Any) -> list[Output]:
    return said(0x0900, body, **talk)


class UplinkTests(SynchronousTestCase):
    def told(self, body: str, time: datetime | None = None, **attributes: Any) -> None:
        expected = Position(time, outdated=True, attributes=attributes)
        self.assertEqual(exact(*uplink(body)), exact(expected, accepted(0x0900)))

    def test_others(self) -> None:
        """Other kinds are acknowledged."""
        for kind in ("00", "0B", "42", "A1"):
            self.assertEqual(uplink(kind + "0102030405"), [accepted(0x0900)])

    def test_card(self) -> None:
        """A driver's card, behind a length that counts as white space; without a card there is nothing to say."""
        card = b"GTSL|6|1|7|10218094|1|\r\n".hex()
        self.told(f"40 0018 {card}", driverUniqueId="10218094")
        for fields in (b"GTSL|6|1|7", b"GTSL|6|1|7||1"):
            self.assertEqual(uplink(f"40 {fields.hex()}"), [accepted(0x0900)])

    def test_text(self) -> None:
        """Any other text is kept as it is, checksum and marker included."""
        checksum = chr(plain(0x0900, "40 0021 4F4BFF")[-2])
        self.told("40 0021 4F4BFF", data=f"!OK\xff{checksum}~")

    def test_obd(self) -> None:
        """A line of readings of the vehicle, whatever it begins with."""
        line = b"x,12.3,0,20,0.00,0.00,0,,31.15,181.68,181,54.26,565.96\r\n".hex()
        self.told(
            f"41 {line}",
            power=12.3,
            rpm=0.0,
            obdSpeed=20.0,
            throttle=0.0,
            engineLoad=0.0,
            coolantTemp=0,
            fuelConsumption=31.15,
            tripOdometer=181.68,
            obdOdometer=181.0,
            tripFuelUsed=54.26,
            fuelUsed=565.96,
        )

    def test_tags(self) -> None:
        """A location and the tags around, counted from nought."""
        (position,) = positions(uplink(f"53 {PLACE} 02 00 AABBCC001122 BD 02 0B04 03 AABBCC011122 C0 00"))
        self.assertEqual(
            position,
            located(tag1Mac="aabbcc001122", tag1Rssi=-67, tag1Data="0b04", tag4Mac="aabbcc011122", tag4Rssi=-64),
        )
        for cut in (f"53 {PLACE}"[:-4], f"53 {PLACE} 01 00 AABBCC001122 BD"):
            with self.assertRaises(BAD_FRAME):
                uplink(cut)

    def test_samples(self) -> None:
        """A location and samples of sensors, of which the last ones stay."""
        whole = f"001F {DATE} 0100 00D3 026B FFF6 {'00' * 6} 03F5"
        found = {"lightSensor": 256, "deviceTemp": 21.1, "humidity": 61.9, "temp3": -1.0, "airPressure": 1013}
        self.assertEqual(exact(*positions(uplink(f"54 {PLACE} {whole}"))), exact(located(**found)))
        again = f"0001 {DATE} 0101"
        self.assertEqual(positions(uplink(f"54 {PLACE} {whole} {again}")), [located(**{**found, "lightSensor": 257})])

    def test_collision(self) -> None:
        """A collision and its time, both with lengths that are believed."""
        self.told(f"F3 0006 0006 {DATE} 0001 0001 00 0002 0003 6400 00", TIME, collision=1.0)
        self.told("F3 0002 0002 0100", collision=0.01)
        with self.assertRaises(BAD_FRAME):
            uplink("F3 0001 0009 00")

    def test_fix(self) -> None:
        """A place alone, with signs."""
        (position,) = positions(uplink(f"FF {DATE} FEA8AD60 06CF5110 0064 0258 0087 1234"))
        self.assertEqual(position, Position.at(TIME, **{**WHERE, "latitude": -22.5}))


class VehicleTests(SynchronousTestCase):
    def told(self, kind: str, old: bool = False, **attributes: Any) -> None:
        """A message of a kind that has no place."""
        if old:
            attributes["archive"] = True
        expected = Position(TIME, outdated=True, attributes=attributes)
        outputs = uplink(f"F0 {DATE} {'01' if old else '00'} 05 {kind}")
        self.assertEqual(exact(*outputs), exact(expected, accepted(0x0900)))

    def placed(self, kind: str, **attributes: Any) -> None:
        """A message of a kind that has one, which does not count all the same."""
        expected = Position(
            TIME,
            TIME,
            True,
            22.5,
            114.25,
            outdated=True,
            attributes={**STATUS, **attributes},
        )
        (position,) = positions(uplink(f"F0 {DATE} 00 05 {kind} 00000003 {FIX}"))
        self.assertEqual(exact(position), exact(expected))

    def test_readings(self) -> None:
        """Readings of the vehicle's computer; what is unknown has a number."""
        self.placed("01 00")
        for item, name, value in (
            ("0102 04 0000000A", "odometer", 1000),
            ("0528 04 0000000A", "odometer", 1000),
            ("0546 04 0000000A", "odometer", 1000),
            ("0103 04 00001388", "fuel", 50.0),
            ("0111 01 50", "fuelTemp", 40),
            ("012E 02 0064", "oilLevel", 10.0),
            ("052A 02 1388", "fuel", 50.0),
            ("052B 01 50", "fuel", 80),
            ("0105 04 00001388", "fuelUsed", 50.0),
            ("052C 04 00001388", "fuelUsed", 50.0),
            ("014A 02 00AD", "fuelConsumption", 1.73),
            ("0537 02 00AD", "fuelConsumption", 1.73),
            ("0538 02 00AD", "fuelConsumption", 1.73),
            ("0539 02 00AD", "fuelConsumption", 1.73),
            ("052D 01 6B", "coolantTemp", 67),
            ("052E 01 4F", "airTemp", 39),
            ("0530 02 31BA", "power", 12.73),
            ("0535 02 0014", "obdSpeed", 2.0),
            ("0536 02 03B8", "rpm", 952),
            ("053D 02 01EA", "intakePressure", 49.0),
            ("0544 01 50", "liquidLevel", 80),
            ("0547 01 50", "throttle", 80),
            ("0548 01 50", "throttle", 80),
            ("FEEC 03 56494E", "vin", "VIN"),
            ("0545 04 0000001E", "io1349", 30),
            ("0545 02 001E", "io1349", 30),
            ("0545 01 1E", "io1349", 30),
        ):
            self.placed(f"01 01 {item}", **{name: value})
        self.placed("01 03 0545 03 00001E 0535 01 0014 0536 02 03B8", obdSpeed=2.0, rpm=952)

    def test_status(self) -> None:
        """The status word with the place decides like that of a location."""
        (position,) = positions(uplink(f"F0 {DATE} 00 05 01 00 04010000 {FIX}", model="MV710G"))
        attributes = {"ignition": False, "blocked": False, "charge": True, "door": True}
        self.assertEqual((position.valid, position.attributes), (False, attributes))

    def test_trouble(self) -> None:
        """Trouble codes of all control units."""
        self.placed(f"02 0001 FFFFFFFF 0001 00001457 00000002 0006 {b'P1457'.hex()}00", dtcs="P1457")
        unit = f"FFFFFFFF 0001 00001457 00000002 0005 {b'P1457'.hex()}"
        self.placed(f"02 0003 {unit} FFFFFFFF 0000 {unit}", dtcs="P1457 P1457")
        self.placed("02 0000")

    def test_events(self) -> None:
        """Events are alarms."""
        for alarm, *events in (
            ("powerRestored", "01"),
            ("powerCut", "02"),
            ("idle", "0E"),
            ("hardAcceleration", "1A"),
            ("hardBraking", "1B"),
            ("hardCornering", "1C"),
            ("laneChange", "1D", "1E", "1F"),
            ("fatigueDriving", "23"),
            ("overspeed", "25"),
            ("accident", "26", "27", "28"),
            ("door", "31", "32"),
        ):
            for event in events:
                self.placed(f"03 01 {event} 02 0000", alarm=alarm)
        self.placed("03 03 02 00 99 01 00 01 00", alarm="powerCut,powerRestored")

    def test_trip(self) -> None:
        """A trip that begins has a number, one that ends its sums."""
        self.told(f"04 01 00000009 {DATE}", tripNumber=9)
        skipped = "00" * 23
        self.told(
            f"04 02 00000009 {DATE} {skipped} 0002 003C 0064 00C8",
            old=True,
            tripNumber=9,
            idlingCount=2,
            idlingTime=60,
            tripOdometer=10000,
            tripFuel=2.0,
        )

    def test_vin(self) -> None:
        """The vehicle's number, if it is known."""
        self.told(f"0B 11 {b'JN1BJ1CR6KW336535'.hex()}", vin="JN1BJ1CR6KW336535")
        self.told("0B 00")

    def test_assistance(self) -> None:
        """Alarms of a driving assistant, and events that are none."""
        for code, alarm in (
            (51, "hardAcceleration"),
            (52, "hardBraking"),
            (53, "hardCornering"),
            (54, "laneChange"),
            (56, "accident"),
        ):
            self.told(f"15 {code:08x}", alarm=alarm)
        self.told("15 00000037", event=55)
        self.told("15 FFFFFFFF", event=-1)

    def test_others(self) -> None:
        """Other kinds say nothing."""
        self.assertEqual(uplink(f"F0 {DATE} 00 05 05 00000000"), [accepted(0x0900)])

    def test_broken(self) -> None:
        """What ends too early is an error."""
        for kind in ("01 02 0102 04 0000", "02 FFFF", "03 01 01 FF 00", "04 02 00000009", "0B 11 4A4E", "15"):
            with self.assertRaises(BAD_FRAME):
                uplink(f"F0 {DATE} 00 05 {kind}")

    def test_impossible(self) -> None:
        """A place that does not exist spoils the frame, though it does not count."""
        with self.assertRaises(BAD_FRAME):
            uplink(f"F0 {DATE} 00 05 01 00 00000003 FFFFFFFF 00000000")
