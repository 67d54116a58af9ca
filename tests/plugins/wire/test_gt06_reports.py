"""
Other reports of GT06, one small frame for each layout, and what becomes of spoiled ones.
"""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.gt06.gt06 import gt06
from tests.plugins.wire.gt06_frames import (
    CELL,
    CELL_32,
    DATE,
    EPOCH,
    GPS,
    HOME,
    HOME_32,
    LOGIN,
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
from tests.plugins.wire.talk import Talk, positions
from tests.plugins.wire.test_gt06_generic import ALARMS, GENERIC, STATES, VARIANTS
from trackd.wire.format import BAD_FRAME
from trackd.wire.values import CellTower, Network, Position, Reply, WifiAccessPoint

SEEN, SEEN_TOO = CellTower(460, 0, 10365, 8049, -50), CellTower(460, 0, 10366, 8050, -60)
TWO_CELLS = "287D 001F71 32 287E 001F72 3C"
TWO_CELLS_4G = "0000287D FFFFFFFF00001F71 32 0000287E 0000000000001F72 3C"
CELLS = TWO_CELLS + "0000 FFFFFF 00" * 5
CELLS_32 = "287D 00001F71 32 287E 00001F72 3C" + "0000 FFFFFFFF 00"
CELLS_4G = TWO_CELLS_4G + "FFFFFFFF 0000000000000001 00" * 5
WIFI = "02 AABBCCDDEEFF 40 010203040506 C8"
POINTS = [WifiAccessPoint("aa:bb:cc:dd:ee:ff", -64), WifiAccessPoint("01:02:03:04:05:06", -200)]
BOTH, WITH_WIFI = Network([SEEN, SEEN_TOO]), Network([SEEN, SEEN_TOO], POINTS)

CELL_LISTS: dict[str, Case] = {
    "0x28": (short(0x28, DATE + "01CC 00" + CELLS + "FF"), last(TIME, BOTH), None),
    "0x2E": (extended(0x2E, DATE + "81CC 0000" + CELLS + "FF"), last(TIME, BOTH), None),
    "0x24": (short(0x24, DATE + "01CC 00" + CELLS + "FF"), last(TIME, BOTH), None),
    "0x18": (short(0x18, DATE + "01CC 00" + CELLS + "FF" + WIFI), last(TIME, WITH_WIFI), None),
    "0x2C": (short(0x2C, DATE + "01CC 00" + CELLS + "FF" + "00"), last(TIME, BOTH), None),
    "0x33": (
        short(0x33, DATE + "01CC 00" + CELLS_32 + "0000 00000000 00" * 3 + "FF" + WIFI),
        last(TIME, WITH_WIFI),
        None,
    ),
    "0xA1": (short(0xA1, DATE + "01CC 00" + CELLS_4G + "FF"), last(TIME, BOTH), None),
    "0xA2": (short(0xA2, DATE + "01CC 00" + CELLS_4G + "FF" + WIFI), last(TIME, WITH_WIFI), None),
    "0xA9": (
        short(0xA9, DATE + "01CC 00 00 02" + TWO_CELLS + "FF" + WIFI + "09 02"),
        last(TIME, WITH_WIFI, alarm="tow"),
        "VL512",
    ),
    "0xA9 by 4G": (
        short(0xA9, DATE + "01CC 00 01 02" + TWO_CELLS_4G + "FF 00 07 12"),
        last(TIME, BOTH, alarm="jamming"),
        None,
    ),
    "no cell": (short(0x28, DATE + "01CC 00" + "0000 000000 00" * 7 + "FF"), last(TIME, Network()), None),
    "WanWay-S20": (short(0x24, DATE + "FF 01CC 00 02" + TWO_CELLS + "00" * 21), last(TIME, BOTH), None),
    "SL4X": (
        short(0x34, DATE + "FF 01CC 0000" + CELLS_32 + "0000 00000000 00" * 4, length=0x37),
        last(TIME, BOTH),
        None,
    ),
}

CELLS_14 = 14 * "0E74"

REPORTS: dict[str, Case] = {
    "beacon": (
        short(0xB2, DATE + "C4 0102030405AB" + "CD" * 16 + "0001 0002 0136 2C"),
        last(
            TIME,
            rssi=-60,
            tagMac="0102030405ab",
            tagUuid="cd" * 16,
            tagMajor=1,
            tagMinor=2,
            tagBattery=3.1,
            clock=11,
        ),
        None,
    ),
    "battery": (
        extended(
            0x40,
            "00" * 8
            + EPOCH
            + "50 0FA0 51 1388 5F 0BA6 0064 C350 000A"
            + CELLS_14
            + "0001 0002"
            + b"BAR ".ljust(16, b"\0").hex()
            + "0003"
            + "00" * 16
            + "00000004 00000005 80000006",
        ),
        last(
            TIME,
            relativeCapacity=80,
            remainingCapacity=4000,
            absoluteCapacity=81,
            fullCapacity=5000,
            batteryHealth=95,
            batteryTemp=298.2 - 273.1,
            current=100,
            battery=50.0,
            cycleIndex=10,
            **{f"batteryCell{number}": 3.7 for number in range(1, 15)},
            currentChargeInterval=1,
            maxChargeInterval=2,
            barcode="BAR",
            batteryVersion=3,
            batteryStatus=4,
            controllerStatus=5,
            controllerFault=2147483654,
        ),
        None,
    ),
    "iButton": (
        short(0x61, "00" * 8 + G + CELL_32 + "000001395581"),
        at(HOME_32, driverUniqueId="20534657"),
        None,
    ),
    "JC100": (
        short(0x95, DATE + "0269FB20 0C41F850 1487" + "01 0203"),
        evolve(
            fix(event=1, eventData=515, alarm="sos"),
            speed=0.0,
            attributes={"event": 1, "eventData": 515, "alarm": "sos"},
        ),
        None,
    ),
    "JC400": (
        short(0x95, "FFFF 01" + DATE + "C7 0269FB20 0C41F850 1487 003C" + "008A 92 0001" + b"a.mp4,b.mp4".hex()),
        fix(power=13.8, event=146, eventData=1, alarm="hardCornering", eventFiles="a.mp4,b.mp4"),
        None,
    ),
    "string": (
        short(0x15, "0A 00000000" + b"OK\0\0\0\0".hex() + "0002"),
        last(result="OK\0\0\0\0"),
        None,
    ),
    "ICCID": (
        short(0x15, "20 00000001" + b"<ICCID:89860012345678901234>".hex() + "0002"),
        last(iccid="89860012345678901234"),
        None,
    ),
    "empty string": (short(0x15, "00 0002"), last(), None),
    "status modules": (
        extended(
            0xF1,
            EPOCH + "0001 01 04 0002 01 01 0004 01 00 0005 02 04D2 0007 01 01 000A 02 0078 000B 02 00FB 0099 01 FF",
        ),
        last(
            TIME,
            motion=True,
            armed=True,
            ignition=False,
            power=12.34,
            charge=True,
            chargeVoltage=120,
            batteryTemp=25.1,
        ),
        None,
    ),
    "peripherals": (
        extended(
            0xF2,
            EPOCH
            + "000A 000C 01 0102030405AB 03 04 05 BEEF"
            + "0099 00 02 FFFF 0098 01 FF"
            + "000C 0A 47 01 0102"
            + "00" * 6,
        ),
        last(
            TIME,
            mac="0102030405ab",
            event=3,
            eventData=4,
            dataType=5,
            dataDetails="beef",
            externalBatteryLevel=71,
            externalBatteryCharge=True,
            externalBatteryCycles=258,
        ),
        None,
    ),
    "no event": (
        extended(0xF2, EPOCH + "000A 000A 01 0102030405AB 00 04 05" + "000C 0A 47 00 0102" + "00" * 6),
        last(
            TIME,
            mac="0102030405ab",
            event=0,
            dataType=5,
            externalBatteryLevel=71,
            externalBatteryCycles=258,
        ),
        None,
    ),
    "modular": (
        extended(
            0x70,
            "0003 000A 89860012345678901234 000A 0001 0C 0011 000B 01CC 0000 287D 001F71 50"
            + "0018 0002 0192 0028 0001 0F 0029 0004 00000102 002A 0001 10 002B 0001 02 002E 0004 45230100"
            + "0034 0007 1A 00000000 01 FF"
            + "0033 0014"
            + EPOCH
            + "07 FF9C 0269FB20 0C41F850 3C 5487"
            + "0034 0007 20 00000000 00"
            + "007F 000E 0102030405AB 0BB8 5A FFF6 0032 07"
            + "0099 0001 FF",
        ),
        evolve(
            fix(
                iccid="89860012345678901234",
                satVisible=12,
                battery=4.02,
                hdop=1.5,
                index=258,
                door=False,
                tamper=True,
                bootReason=2,
                odometer=74565,
                event=32,
                alarm="lowBattery,vibration",
                tag1Id="0102030405ab",
                tag1Battery=3.0,
                tag1BatteryLevel=90,
                tag1Temp=-1.0,
                tag1Humidity=50,
                tag1Status=7,
            ),
            altitude=-100.0,
            network=near(460, 0, 10365, 8049, -80),
        ),
        None,
    ),
    "modular without fix": (
        extended(0x70, "0009 0001 05 0011 000B 01CC 0000 287D 000000 50"),
        last(sat=5),
        None,
    ),
}

SILENT: dict[str, Case] = {
    "X1": (
        short(0x34, "00000000" + G + "0000 00012345 81CC 00 287D 00001F71 00000007 0190 04D2 FF2FFFFF 05 06 0064 00C8"),
        at(
            near(33228, 0, 10365, 8049),
            odometer=74565,
            driverUniqueId="7",
            battery=4.0,
            power=12.34,
            input=5,
            output=6,
            adc1=1.0,
            adc2=2.0,
        ),
        None,
    ),
    "voltage": (short(0x94, "FF9C"), last(power=-1.0), None),
    "SR411-mini": (
        short(0x24, G + CELL + "01 04D2 0190" + "00" * 10),
        at(HOME, ignition=True, power=12.34, battery=4.0),
        None,
    ),
    "access points": (
        short(0xF3, "240506070809 02 0000 AABBCCDDEEFF 0000 010203040506"),
        last(TIME, Network(wifi=[WifiAccessPoint("aa:bb:cc:dd:ee:ff"), WifiAccessPoint("01:02:03:04:05:06")])),
        None,
    ),
    "cell kind": (extended(0x38, G + "01 00" + "00" + CELL + "50" + "0018 02 0192"), at(HOME), None),
    "text": (extended(0x21, "00000000 01" + b"Relay off\xe9".hex()), last(result="Relay off\xe9"), None),
    "long text": (extended(0x21, "00000000 02" + "Реле".encode("utf-16-be").hex()), last(result="Реле"), None),
    "place in words": (
        extended(
            0x21,
            "00000000 01"
            + b"Current position!Lat:S22.5,Lon:W114.25,Course:135.0,Speed:6.5,DateTime:2024-05-06  07:08:09".hex(),
        ),
        Position.at(TIME, valid=True, latitude=-22.5, longitude=-114.25, course=135.0, speed=6.5),
        None,
    ),
    "serial text": (extended(0x9B, b"\x03 OK\r\n"), last(result="OK"), None),
    "serial bytes": (extended(0x9B, "03 80D600"), last(result="80d600"), None),
    "OBD": (
        extended(
            0x8C,
            DATE
            + "01"
            + b"283=64,2B0=7d0,2D=9C4,351=1770,36=30D40,47=A=B,49=64,4A1=WVWZZZ,500=1,28=,2=".hex()
            + "00" * 12,
        ),
        last(
            TIME,
            ignition=True,
            odometer=1.0,
            fuel=20.0,
            coolantTemp=25.0,
            obdSpeed=60.0,
            rpm=2000.0,
            fuelUsed=0.1,
            hours=1.0,
            vin="WVWZZZ",
        ),
        None,
    ),
    "info: voltage": (extended(0x94, "00 04D2"), last(adc1=12.34), None),
    "info: settings": (
        extended(0x94, b"\x04ALM1=45;ALM4=D5;STA1=40=1;DYD=01;SOS=1,,;X"),
        last(alarm1Status=69, alarm4Status=213, otherStatus=64, engineStatus=1),
        None,
    ),
    "info: door": (extended(0x94, "05" + DATE + "05"), last(TIME, door=True, io1=True), None),
    "info: door, no time": (extended(0x94, "05 04"), last(door=False, io1=True), None),
    "info: card": (extended(0x94, "0A" + "00" * 16 + "8986001234567890123F"), last(iccid="8986001234567890123"), None),
    "info: 4G": (extended(0x94, "0B 01"), last(networkTechnology="4G"), None),
    "info: 2G": (extended(0x94, "0B FF"), last(networkTechnology="2G"), None),
    "info: power": (extended(0x94, "0B 04D2"), last(power=12.34), None),
    "info: 0B": (extended(0x94, "0B 04D205"), last(), None),
    "info: fuel": (
        extended(0x94, b"\x0d" + GPS[:6] + b"!AIOIL,02,002.720,029.500,524J,0100,003.400,0,00,93"),
        last(temp1=29.5, fuel=3.4),
        None,
    ),
    "info: serial": (extended(0x94, b"\x1b\xc4B 12 "), last(serial="\xc4B 12"), None),
    "info: driver": (extended(0x94, "1B 02 08 4277EFEF 3503"), last(driverUniqueId="4277efef"), None),
    "info: climate": (extended(0x94, "1E FFFFFFF6 000002EE"), last(temp1=-1.0, humidity=75.0), None),
}

AZ735: dict[str, Case] = {
    "location": (
        extended(0x32, DATE + "0C" + G[12:] + "09" + CELL + "3F 02 FFFF 01 FF A2 00"),
        at(HOME, rssi=63, status=0xA2),
        None,
    ),
    "alarm without fix": (
        extended(0x33, DATE + "00" + "00" + "00 00 A0 02 FFFF"),
        evolve(Position.at(TIME, outdated=True), attributes={"status": 0xA0, "armed": True}),
        None,
    ),
    "disarmed": (
        extended(0x33, DATE + "00" + "00" + "00 00 A1 00"),
        evolve(Position.at(TIME, outdated=True), attributes={"status": 0xA1, "armed": False}),
        None,
    ),
    "low": (
        extended(0x33, DATE + "00" + "00" + "00 00 A3 00"),
        evolve(Position.at(TIME, outdated=True), attributes={"status": 0xA3, "alarm": "lowBattery"}),
        None,
    ),
}

NOTHING = {
    "Space10X": short(0x19, CELL + "00" * 10),
    "fuel without a match": extended(0x94, b"\x0d!AIOIL,nothing"),
    "other information": extended(0x94, "77 00"),
    "trouble codes": extended(0x65, DATE + "00"),
}


MODULE_CODES = {
    0x10: "door",
    0x11: None,
    0x12: "removing",
    0x14: "geofenceEnter",
    0x15: "geofenceExit",
    0x16: "temperature",
    0x1A: "lowBattery",
    0x1B: "overspeed",
    0x1C: "powerOn",
    0x1D: "powerOff",
    0x20: "vibration",
    0x21: "powerCut",
    0x23: "tampering",
}


class ReportTests(SynchronousTestCase):
    def test_cells(self) -> None:
        """Cells and access points stand for a fix."""
        check(self, CELL_LISTS, short)

    def test_reports(self) -> None:
        """Other reports have layouts of their own."""
        check(self, REPORTS, short)

    def test_silent(self) -> None:
        """Some reports are not acknowledged."""
        check(self, SILENT, None)

    def test_az735(self) -> None:
        """AZ735 is acknowledged in its own form."""
        check(self, AZ735, extended)

    def test_nothing(self) -> None:
        """Some frames say nothing, and are not answered."""
        for name, frame in NOTHING.items():
            self.assertEqual(said(frame), [], name)

    def test_scan(self) -> None:
        """A scan has the number of access points for a length, and its time comes back."""
        cells = "02 01CC 00 287D 1F71 32 287E 1F72 3C"
        network = Network([CellTower(460, 0, 10365, 8049, -50), CellTower(460, 0, 10366, 8050, -60)], POINTS)
        for type in ("17", "69"):
            frame = bytes.fromhex(f"7878 02 {type} 240506070809 {WIFI[2:]} {cells} 0D0A")
            reply = Reply(bytes.fromhex(f"7878 00 {type} 240506070809 0D0A"))
            self.assertEqual(said(frame), [last(TIME, network), reply])

    def test_odd_scan(self) -> None:
        """Digits above nine of its time count what they are."""
        frame = bytes.fromhex("7878 00 17 18050607081A 00 01CC 00 0D0A")
        self.assertEqual(positions(said(frame))[0].device_time, TIME.replace(year=2018, second=20))

    def test_media_alarm(self) -> None:
        """An alarm with media but without a fix has a meaning of its own for the first event."""
        for frame, alarm in (
            ("01", "general"),
            ("0E", "lowPower"),
            ("76", "temperature"),
            ("80", "vibration"),
            ("87", "overspeed"),
            ("88", "powerCut"),
            ("90", "hardAcceleration"),
            ("91", "hardBraking"),
            ("93", "accident"),
            ("94", None),
        ):
            # Seven bytes of payload are no fix: the value is read from the serial number.
            (position,) = positions(said(short(0x95, DATE + frame)))
            self.assertEqual(position.device_time, TIME)
            self.assertTrue(position.outdated)
            self.assertEqual(position.attributes["eventData"], 0x0102)
            self.assertEqual(position.attributes.get("alarm"), alarm, frame)

    def test_module_alarms(self) -> None:
        """Events of modular frames are alarms."""
        for code, alarm in MODULE_CODES.items():
            (position,) = positions(said(extended(0x70, f"0034 0006 {code:02x} 00000000 00")))
            self.assertEqual(position.attributes, {"event": code, **({"alarm": alarm} if alarm else {})})

    def test_spoiled_pairs(self) -> None:
        """A key or a value that is no number, and half a pair of a known key, are errors."""
        pairs = (b"2=1", b"ZZ=1", b"28=G", b"28==1", b"=1", b"28=80000000")
        frames = [extended(0x8C, bytes.fromhex(DATE + "01") + text + bytes(12)) for text in pairs]
        frames += [extended(0x94, b"\x04" + text) for text in (b"ALM1", b"ALM1=", b"DYD==1", b"STA1=G")]
        for frame in frames:
            with self.assertRaises(BAD_FRAME, msg=frame.hex()):
                said(frame)

    def test_equal_cells(self) -> None:
        """A cell that is listed twice is kept once."""
        frame = short(0x28, DATE + "01CC 00" + "287D 001F71 32" * 7 + "FF")
        self.assertEqual(positions(said(frame))[0].network, Network([SEEN]))


class DamageTests(SynchronousTestCase):
    FRAMES = [
        frame
        for cases in (GENERIC, ALARMS, STATES, VARIANTS, CELL_LISTS, REPORTS, SILENT, AZ735)
        for frame, *_ in cases.values()
    ]

    def survives(self, frame: bytes, model: str | None = None) -> None:
        talk = Talk(gt06, model=model)
        talk.say(LOGIN)
        try:
            list(talk.outputs(frame))
        except BAD_FRAME:
            pass

    def test_cut(self) -> None:
        """However much of a frame is missing, it is at worst a bad frame."""
        for frame in self.FRAMES:
            for length in range(len(frame)):
                self.survives(frame[:length])

    def test_changed(self) -> None:
        """Whatever is wrong in a frame, it is at worst a bad frame."""
        for model in (None, "XT40", "LW4G"):
            for frame in self.FRAMES:
                for place in range(2, len(frame)):
                    for byte in (0x00, 0x7F, 0xFF):
                        self.survives(frame[:place] + bytes((byte,)) + frame[place + 1 :], model)

    def test_types(self) -> None:
        """Any type may come with any payload."""
        for type in range(256):
            for payload in (b"", b"\xff" * 40, bytes(200)):
                self.survives(short(type, payload))
                self.survives(extended(type, payload))
