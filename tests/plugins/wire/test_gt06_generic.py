"""
The common reports of GT06: one small frame for each layout.
"""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.plugins.wire.gt06_frames import (
    CELL,
    CELL_4G,
    CELL_32,
    DATE,
    GPS,
    HOME,
    HOME_4G,
    HOME_32,
    IGNITION_OFF,
    IGNITION_ON,
    LEVELS,
    PLACE,
    STATE,
    STATUS,
    TIME,
    Case,
    G,
    at,
    check,
    extended,
    fix,
    last,
    near,
    said,
    short,
)
from tests.plugins.wire.talk import positions
from trackd.wire.format import BAD_FRAME
from trackd.wire.values import Position

GENERIC: dict[str, Case] = {
    "GPS": (short(0x10, G), fix(type=0x10), None),
    "south and west": (
        short(0x10, GPS[:-2].hex() + "0800"),
        Position.at(TIME, latitude=-22.5, longitude=-114.25, speed=PLACE["speed"], attributes={"type": 16, "sat": 7}),
        None,
    ),
    "ignition on": (short(0x1A, IGNITION_ON), fix(type=0x1A, ignition=True), None),
    "ignition off": (short(0x1E, IGNITION_OFF), fix(type=0x1E, ignition=False), None),
    "cell": (short(0x12, G + CELL), at(HOME, type=0x12), None),
    "extended": (extended(0x12, G + CELL), at(HOME, type=0x12), None),
    "long MNC": (short(0x2D, G + "81CC 0102 287D 001F71"), at(near(460, 258, 10365, 8049), type=0x2D), None),
    "0x11": (short(0x11, G + "01CC 0001 287D 01001F71"), at(near(460, 1, 10365, 16785265), type=0x11), None),
    "0xA0": (short(0xA0, G + CELL_4G + "01 05 00"), at(HOME_4G, type=0xA0, ignition=True), None),
    "0xA3": (short(0xA3, G + CELL), at(HOME, type=0xA3), None),
    "0xA7": (short(0xA7, CELL), last(None, HOME, type=0xA7), None),
    "ends in a mode": (short(0x12, G + CELL + "00 05 01"), at(HOME, type=0x12, ignition=False, archive=True), None),
    "ends in a distance": (short(0x12, G + CELL + "00012345"), at(HOME, type=0x12, odometer=74565), None),
    "ends in both": (
        short(0x12, G + CELL + "01 05 00 00012345"),
        at(HOME, type=0x12, ignition=True, odometer=74565),
        None,
    ),
    "no room for a cell": (short(0x12, G), fix(type=0x12), None),
    "QH302R": (short(0x12, "00" * 8 + G + CELL), at(HOME, type=0x12), "qh302r"),
    "0x22": (short(0x22, G + CELL), at(HOME, type=0x22), None),
    "0x22 with reason": (
        short(0x22, IGNITION_ON + CELL + "00 05 00"),
        at(HOME, type=0x22, ignition=False, event=5, archive=False),
        None,
    ),
    "0x22 with distance": (
        short(0x22, G + CELL + "01 05 01 00012345"),
        at(HOME, type=0x22, ignition=True, event=5, archive=True, odometer=74565),
        None,
    ),
    "0x22 of NT": (
        short(0x22, "00" + "00" * 8 + "010101010101" + G + "09" + CELL + "46 04D2 29 03 01 02 000064 00003C"),
        at(HOME, type=0x22, **STATE, power=12.34, battery=4.1, rssi=3, alarm="sos", odometer=100, hours=3600000),
        "nt20",
    ),
    "0x25": (short(0x25, G + CELL_32), at(HOME_32, type=0x25), None),
    "0x25 of NT": (
        short(
            0x25,
            "00" * 9 + DATE + G + "09" + CELL_32 + "46 04D2 29 03 00 02 000064 00003C" + "05 00 AABBCCDD",
        ),
        at(
            HOME_32,
            type=0x25,
            **STATE,
            power=12.34,
            battery=4.1,
            rssi=3,
            odometer=100,
            hours=3600000,
            driverUniqueId="aabbccdd",
        ),
        "XT40",
    ),
    "no reason from NT": (short(0x2D, G + CELL + "00 05 00 00 00"), at(HOME, type=0x2D), "NT11"),
    "0x37": (
        short(0x37, G + CELL + "01 05 00" + "0027 02 04D2" + "0099 02 FFFF"),
        at(HOME, type=0x37, ignition=True, event=5, archive=False, power=12.34),
        None,
    ),
    "0x37 with distance": (
        short(0x37, G + CELL + "01 05 00" + "002E 04 00012345"),
        at(HOME, type=0x37, ignition=True, event=5, archive=False, odometer=74565),
        None,
    ),
    "0x37 with accuracy": (
        short(0x37, G + CELL + "01 05 00" + "003B 02 00FA"),
        evolve(at(HOME, type=0x37, ignition=True, event=5, archive=False), accuracy=2.5),
        None,
    ),
    "0x37 with others": (
        short(0x37, G + CELL + "01 05 00" + "0099 01 FF"),
        at(HOME, type=0x37, ignition=True, event=5, archive=False),
        None,
    ),
}

ALARMS: dict[str, Case] = {
    "0x16": (short(0x16, G + "09" + CELL + STATUS + "01 02"), at(HOME, type=0x16, **LEVELS, alarm="sos"), None),
    "0x26": (short(0x26, G + "09" + CELL + STATUS + "06 02"), at(HOME, type=0x26, **LEVELS, alarm="overspeed"), None),
    "long cell": (
        short(0x26, G + "0B" + CELL + "FFFF" + STATUS + "00 02"),
        at(HOME, type=0x26, **LEVELS),
        None,
    ),
    "no cell": (short(0x16, G + "00" + STATUS + "01 02"), at(None, type=0x16, **LEVELS, alarm="sos"), None),
    "padded cell": (
        short(0x16, G + "00" + "00" * 45 + STATUS + "01 02"),
        at(None, type=0x16, **LEVELS, alarm="sos"),
        None,
    ),
    "two alarms": (
        short(0x16, G + "09" + CELL + "66 04 03 0E 02"),
        at(HOME, type=0x16, **LEVELS | {"status": 0x66}, alarm="sos,lowBattery"),
        None,
    ),
    "blocked": (
        short(0x13, "88 00 03 00 01"),
        last(
            type=0x13,
            status=0x88,
            ignition=False,
            charge=False,
            blocked=True,
            alarm="vibration",
            batteryLevel=0,
            rssi=3,
        ),
        None,
    ),
    "0x27": (
        short(0x27, G + "09" + CELL + STATUS + "07 12 05"),
        at(HOME, type=0x27, **LEVELS, alarm="jamming", geofence=5),
        None,
    ),
    "0x27, another code": (
        short(0x27, G + "09" + CELL + STATUS + "01 12 05"),
        at(HOME, type=0x27, **LEVELS, geofence=5),
        None,
    ),
    "0x27 without fence": (
        short(0x27, G + "09" + CELL + STATUS + "01 02"),
        at(HOME, type=0x27, **LEVELS, alarm="sos", geofence=1),
        None,
    ),
    "0xA4": (
        short(0xA4, G + "10" + CELL_4G + STATUS + "0B 12 05"),
        at(near(460, 0, 1, 0), type=0xA4, **LEVELS, alarm="jamming", geofence=5),
        None,
    ),
    "0x19": (short(0x19, CELL + STATUS + "02 02"), last(None, HOME, type=0x19, **LEVELS, alarm="powerCut"), None),
    "0xA5": (short(0xA5, CELL_4G + STATUS + "14 02"), last(None, HOME_4G, type=0xA5, **LEVELS, alarm="door"), None),
    "0x39": (
        short(0x39, G + "00" + CELL + "50" + STATUS + "07 12" + "0018 02 0192"),
        at(HOME, type=0x39, **LEVELS, alarm="jamming", battery=4.02),
        None,
    ),
    "0x39 by 4G": (
        short(0x39, G + "03" + CELL_4G + "0050" + STATUS + "00 02"),
        at(HOME_4G, type=0x39, **LEVELS),
        None,
    ),
}

STATES: dict[str, Case] = {
    "0x13": (short(0x13, STATUS + "01 02"), last(type=0x13, **LEVELS, alarm="sos"), None),
    "per cent": (short(0x13, "46 32 03 00 02"), last(type=0x13, **LEVELS | {"batteryLevel": 50}), None),
    "no level": (short(0x13, "46 C8 03 00 02"), last(type=0x13, **STATE, rssi=3), None),
    "cut short": (short(0x13, "46 04", serial=0x0353), last(type=0x13, **LEVELS, alarm="fuelLeak"), None),
    "R11": (
        short(0x13, "46 04D2 03 01 02"),
        last(type=0x13, **STATE, power=12.34, rssi=3, alarm="sos"),
        "R11",
    ),
    "LW": (short(0x13, STATUS + "F07B"), last(type=0x13, **LEVELS, power=12.3), "lw4g-4b"),
    "SW": (short(0x13, STATUS + "0C 02"), last(type=0x13, **LEVELS, power=12.0), "SEEWORLD"),
    "OBD6": (
        short(0x13, "46 0C85 01 00 37 04 04D2 00 0000 FF9C"),
        last(type=0x13, **STATE, sat=7, rssi=5, alarm="sos", batteryLevel=55, power=12.34, temp1=-10.0),
        None,
    ),
    "OBD6, another mode": (
        short(0x13, "46 0C85 00 00 37 03 04D2 00 0000 FF9C"),
        last(type=0x13, **STATE, sat=7, rssi=5, batteryLevel=55, power=12.34),
        None,
    ),
    "0x36": (
        short(0x36, STATUS + "01 02" + "0018 02 0192" + "0032 01 01" + "0099 02 FFFF" + "006A 01 5F"),
        last(type=0x36, **LEVELS | {"batteryLevel": 95}, alarm="sos", battery=4.02, startupStatus=1),
        None,
    ),
    "SEEWORLD": (
        short(0xA3, STATUS + "06 01 00 01"),
        last(type=0xA3, **LEVELS, alarm="overspeed", archive=True),
        None,
    ),
    "GL21L": (
        short(0xA3, "42 0000 00 15 0C 000000 00001000 4B 01 01" + "00 00 00"),
        last(
            type=0xA3,
            status=0x42,
            ignition=False,
            charge=True,
            blocked=False,
            rssi=21,
            power=12.0,
            steps=4096,
            batteryLevel=75,
            motion=True,
        ),
        None,
    ),
    "temperature": (
        short(0x13, "46 0000 00 02 37 00 0000 00 0000 0000 80E1"),
        last(batteryLevel=55, temp1=22.5),
        None,
    ),
    "inverted sign": (
        short(0x13, "46 0000 00 02 37 00 0000 00 0000 0000 00E1"),
        last(batteryLevel=55, temp1=-22.5),
        None,
    ),
    "heartbeat": (
        short(0x23, "05 0190 04 0002"),
        last(armed=True, ignition=False, charge=True, battery=4.0, rssi=4),
        None,
    ),
    "short heartbeat": (short(0x23, "02 04"), last(armed=False, ignition=True, charge=False, rssi=4), None),
    "bare heartbeat": (short(0x23, "00"), last(armed=False, ignition=False, charge=False), None),
}

SL4X_ALARM = short(0x32, G + "09" + "01CC 0001 287D 0000000100000002" + STATUS)

VARIANTS: dict[str, Case] = {
    "VXT01": (
        short(0x12, G + CELL + "3A 04D2 03 00"),
        at(
            HOME,
            type=0x12,
            status=0x3A,
            ignition=True,
            charge=False,
            blocked=False,
            alarm="overspeed",
            power=12.34,
            rssi=3,
        ),
        None,
    ),
    "VXT01 status": (short(0x16, G + CELL + STATUS + "01 02"), at(HOME, type=0x16, **LEVELS), None),
    "GT06E-card": (
        short(0x12, G + CELL + "00012345 4B" + b" 12345".hex() + "00" * 69 + "00 00"),
        at(HOME, type=0x12, odometer=74565, card="12345"),
        None,
    ),
    "Benway, cold": (short(0x12, G + CELL + "D219"), at(HOME, type=0x12, ignition=True, in2=True, temp1=-25), None),
    "Benway, whole": (short(0x12, G + CELL + "2019"), at(HOME, type=0x12, ignition=False, in2=False, adc1=25), None),
    "Benway, tenths": (short(0x12, G + CELL + "4219"), at(HOME, type=0x12, ignition=False, in2=True, adc1=53.7), None),
    "S5": (
        short(0x12, G + CELL + "46 04D2 03 01 0102 85 0000000A"),
        at(HOME, type=0x12, **STATE, power=12.34, rssi=3, alarm="sos", oil=258, temp1=-5, odometer=100),
        None,
    ),
    "WeTrust": (
        short(0x12, G + CELL + "00012345 01" + b"7".hex() + "01 02 012C"),
        at(HOME, type=0x12, odometer=74565, card="7", alarm="general", cardStatus=2, drivingTime=300),
        None,
    ),
    "SEEWORLD": (
        short(0x22, G + CELL_32 + "01 0000 00012345 00000000 8064 1388"),
        at(HOME_32, type=0x22, ignition=True, odometer=74565, temp1=-1.0, humidity=50.0),
        None,
    ),
    "SEEWORLD alarm": (
        short(0x16, G + "09" + CELL_32 + STATUS + "01 02"),
        at(HOME_32, type=0x16, **LEVELS, alarm="sos"),
        None,
    ),
    "SEEWORLD by length, of NT": (
        short(
            0x22,
            "00" * 15
            + G
            + "09"
            + CELL_32
            + "46 04D2 29 03 01 02"
            + "01 0000 00012345 00000000 8064 1388"
            + "000064 00003C",
            length=0x2F,
        ),
        at(
            HOME_32,
            type=0x22,
            **STATE,
            power=12.34,
            battery=4.1,
            rssi=3,
            alarm="sos",
            odometer=100,
            temp1=-1.0,
            humidity=50.0,
            hours=3600000,
        ),
        "NT20",
    ),
    "TRX16i alarm": (
        short(0x16, G + "09" + CELL + STATUS + "0E 00 0102030405060708"),
        at(HOME, type=0x16, **LEVELS, alarm="lowPower", event=14, driverUniqueId="0102030405060708"),
        None,
    ),
    "TRX16i": (
        short(0x36, G + CELL_32 + "01 02 00 00012345 04D2 29 00003C 0000000000000000"),
        at(
            HOME_32,
            ignition=True,
            uploadMode=2,
            archive=False,
            odometer=74565,
            power=12.34,
            battery=4.1,
            hours=3600000,
        ),
        None,
    ),
    "RFID": (
        short(0x17, G + CELL + "0102030405060708 00"),
        at(HOME, type=0x17, driverUniqueId="0102030405060708"),
        None,
    ),
    "LW4G": (
        short(0xA2, G + CELL_4G + "00 46 04D2 37 03 01 02 00012345 0000003C" + "00" * 8 + "0201"),
        at(
            HOME_4G,
            type=0xA2,
            **LEVELS | {"batteryLevel": 55},
            power=12.34,
            alarm="sos",
            odometer=74565,
            hours=60000,
            input=513,
        ),
        None,
    ),
    "SL4X": (
        short(0x31, G + "01CC 0001 287D 0000000100000002" + "01 05 00 FF9C"),
        evolve(at(near(460, 1, 10365, 4294967298), type=0x31, ignition=True, event=5, archive=False), altitude=-100.0),
        None,
    ),
    "SL4X alarm": (
        SL4X_ALARM,
        # What is missing is taken from serial and CRC.
        evolve(
            at(near(460, 1, 10365, 4294967298), type=0x32, **LEVELS, alarm="sos"),
            altitude=float(int.from_bytes(SL4X_ALARM[-5:-3], "big", signed=True)),
        ),
        None,
    ),
}


CODES: dict[str | None, dict[int, str | None]] = {
    None: {
        0x00: None,
        0x01: "sos",
        0x02: "powerCut",
        0x03: "vibration",
        0x04: "geofenceEnter",
        0x05: "geofenceExit",
        0x06: "overspeed",
        0x09: "vibration",
        0x0A: None,
        0x0C: "tampering",
        0x0E: "lowBattery",
        0x0F: "lowBattery",
        0x11: "powerOff",
        0x13: "tampering",
        0x14: "door",
        0x18: "removing",
        0x19: "lowBattery",
        0x1A: "hardBraking",
        0x1B: "hardCornering",
        0x23: "fallDown",
        0x25: "tampering",
        0x26: "hardAcceleration",
        0x27: "hardBraking",
        0x28: "hardBraking",
        0x29: "hardAcceleration",
        0x2A: "hardCornering",
        0x2B: "hardCornering",
        0x2C: "accident",
        0x2D: None,
        0x2E: "hardCornering",
        0x30: "jamming",
        0x32: "tampering",
        0x33: "lock",
        0x34: "unlock",
        0x53: "fuelLeak",
        0x5B: "temperature",
        0x5C: "temperature",
        0xC9: "idle",
        0xF0: "hardAcceleration",
        0xF1: "hardBraking",
        0xF2: "accident",
        0xFE: None,
    },
    "lw4g": {0x18: "accident", 0x19: "hardAcceleration", 0x28: "hardBraking"},
    "SeeWorld": {0x28: "hardCornering", 0x29: "accident", 0x30: "jamming"},
    "LL303": {0x09: "tow", 0x28: "powerOff", 0x30: "hardBraking", 0x18: "removing"},
}


class GenericTests(SynchronousTestCase):
    def test_generic(self) -> None:
        """A location is what its type, length and model say, and acknowledged."""
        check(self, GENERIC, short)

    def test_alarms(self) -> None:
        """An alarm has a status and a code, and maybe no cell."""
        check(self, ALARMS, short)

    def test_states(self) -> None:
        """A status is a report without fix."""
        check(self, STATES, short)

    def test_variants(self) -> None:
        """Variants are known by their length."""
        check(self, VARIANTS, short)

    def test_codes(self) -> None:
        """Codes of alarms, and what models mean by them."""
        for model, codes in CODES.items():
            for code, alarm in codes.items():
                frame = short(0x26, G + "09" + CELL + STATUS + f"{code:02x} 02")
                (position,) = positions(said(frame, model=model))
                self.assertEqual(position.attributes.get("alarm"), alarm, f"{model} {code:02x}")

    def test_trx16i_code(self) -> None:
        """TRX16i means a fence by a code of others."""
        frame = short(0x16, G + "09" + CELL + STATUS + "09 00 0000000000000000")
        (position,) = positions(said(frame, model="VL103"))
        self.assertEqual(position.attributes, {"type": 22, "sat": 7, **LEVELS, "alarm": "geofence", "event": 9})

    def test_status_alarms(self) -> None:
        """Three bits of the status byte are an alarm."""
        alarms = (None, "vibration", "powerCut", "lowBattery", "sos", None, "geofence", "removing")
        for code, alarm in enumerate(alarms):
            (position,) = positions(said(short(0x13, f"{code << 3:02x} 04 03 00 02")))
            self.assertEqual(position.attributes.get("alarm"), alarm, str(code))

    def test_nowhere(self) -> None:
        """A place beyond the poles is an error."""
        with self.assertRaises(BAD_FRAME):
            said(short(0x10, DATE + "C7 FFFFFFFF 00000000 00 0000"))
