"""
T55 by sentences of its description.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.t55 import t55
from tests.plugins.wire.talk import NOW, Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.values import Command, Login, Output, Position, Reply, Unsupported, WireError

ID = "359853000144328"
HOST = "10.0.0.7"
BOUND = Login(optional=True)
ADDRESS = Login((HOST,), optional=True)
RMC = "$GPRMC,082350.000,A,5355.0314,N,01044.1271,E,26.20,184.27,080518,,"
FIX = Position(
    datetime(2018, 5, 8, 8, 23, 50, tzinfo=UTC),
    datetime(2018, 5, 8, 8, 23, 50, tzinfo=UTC),
    valid=True,
    latitude=53 + 55.0314 / 60,
    longitude=10 + 44.1271 / 60,
    speed=26.2,
    course=184.27,
)


def say(*sentences: str, **talk: Any) -> list[Output]:
    """What lines say, by default of a sender whose address nobody knows."""
    talk = {"known": (ID,), "remote": HOST} | talk
    return told(t55, "".join(f"{sentence}\r\n" for sentence in sentences).encode(), **talk)


def after_login(sentence: str, **talk: Any) -> list[Output]:
    """What a sentence says on a connection that has a device, beyond asking for that."""
    outputs = say(f"IMEI {ID}", sentence, **talk)
    return outputs[outputs.index(BOUND, 1) + 1 :]


def one(sentence: str) -> Position:
    (position,) = positions(after_login(sentence))
    return position


def ids(outputs: list[Output]) -> list[tuple[str, ...]]:
    return [output.ids for output in outputs if isinstance(output, Login)]


class IdentityTests(SynchronousTestCase):
    def test_address(self) -> None:
        """A sender without an id is known by its address, if by anything."""
        self.assertEqual(say(RMC, known=(HOST,)), [BOUND, ADDRESS, FIX])
        self.assertEqual(say(RMC, "", known=(HOST,)), [BOUND, ADDRESS, FIX, BOUND])
        self.assertEqual(say("$GPGSV,1", ""), [BOUND, ADDRESS] * 2)

    def test_prefix(self) -> None:
        """An id in front of a sentence, with or without a comma or between slashes."""
        for prefix, id in (
            ("123456789", "123456789"),
            ("660420156A0066AA", "660420156A0066AA"),
            ("990000561287964,", "990000561287964"),
            ("4711/022789000688081/", "022789000688081"),
            ("a/b/c/", "b/c"),
            ("//", ""),
            ("a,,", "a,"),
            ("größe", "größe"),
            ("QZE,1", "QZE,1"),
        ):
            self.assertEqual(say(prefix + RMC, known=None), [Login((id,), optional=True), FIX])
        for prefix in ("abc/", "/"):
            with self.assertRaises(BAD_FRAME):
                say(prefix + RMC)

    def test_prefix_of_stranger(self) -> None:
        """An unknown id in front leaves the sentence without a device, whoever is known by address."""
        self.assertEqual(say(f"1{RMC}", known=(HOST,)), [Login(("1",), optional=True)])

    def test_sentences(self) -> None:
        """Sentences that tell an id are cut where their makers cut them."""
        for sentence, id in (
            ("$PGID,359853000144328*0F", "359853000144328"),
            ("$PGID,***", ""),
            ("$DEVID,0x0103846677F21422*41", "0x0103846677F21422"),
            ("$DEVID,a*b*", "a*b"),
            ("$PCPTI,CradlePoint Test,184453,184453.0,6F*57", "CradlePoint Test"),
            ("$PCPTI,,", ""),
            ("IMEI 351467108700000", "351467108700000"),
            ("IMEI:351467108700000", "351467108700000"),
            ("IMEI=", ""),
            ("$IMEI=355797031609284", "355797031609284"),
            ("$PSIWMDID,6Q5161694402B133*2F", "6Q5161694402B133"),
            ('$CONNECT,350030950116536,NETWORK,"Ben NL",RO', "350030950116536"),
            ("$GPFID,ID123456ABC", "ID123456ABC"),
            ("086415031C20", "086415031C20"),
            ("0", "0"),
            ("  ABBA \t", "ABBA"),
        ):
            self.assertEqual(say(sentence), [BOUND, ADDRESS, Login((id,))])
        self.assertEqual(ids(say("12$IMEI=34")), [("12",), ("34",)])

    def test_short(self) -> None:
        """A sentence without the id that it should tell is an error."""
        for sentence in (
            "$PGID",
            "$PGID,*0",
            "$DEVID,0x01",
            "$DEVID*",
            "$PCPTI",
            "$PCPTI,x",
            "$PCPTI,",
            "IMEI",
            "$IMEI",
            "$PSIWMDID,6",
            "$PSIWMDID*",
            "$CONNECT,x",
            "$GPFID",
        ):
            with self.assertRaises(WireError, msg=sentence):
                say(sentence)

    def test_nothing(self) -> None:
        """Other sentences are passed over."""
        for sentence in (
            "$GPGSV,3,1,11",
            "$GPVTG,0,T",
            "OK",
            "abba",
            "12 34",
            "$",
            "$DEVI",
            "$CONNECT",
            "imei 1",
            "$ID",
        ):
            self.assertEqual(after_login(sentence), [])

    def test_binds(self) -> None:
        """An id counts for the sentences that follow it, until another comes."""
        outputs = say(f"$IMEI={ID}", RMC, "$IMEI=2", RMC, known=(ID, "2"))
        self.assertEqual(outputs, [BOUND, ADDRESS, Login((ID,)), BOUND, FIX, BOUND, Login(("2",)), BOUND, FIX])

    def test_datagram(self) -> None:
        """A datagram is one sentence: other lines in it belong to its end."""
        talk = Talk(t55, "udp", known=(ID,))
        self.assertEqual(positions(talk.say(f"\r\n{ID}{RMC}\r\n{RMC}\r\n".encode())), [FIX])
        self.assertEqual(ids(talk.say(f"IMEI 1\r\n{RMC}".encode())), [("IMEI 1\r\n",)])

    def test_long(self) -> None:
        """A line has at most 1024 bytes."""
        self.assertEqual(positions(after_login(RMC.ljust(1024, "x"))), [FIX])
        with self.assertRaises(WireError):
            say(RMC.ljust(1025, "x"))


class RmcTests(SynchronousTestCase):
    def test_report(self) -> None:
        """A fix with time, place, speed in knots and course."""
        self.assertEqual(after_login(RMC), [FIX])
        self.assertEqual(after_login(f" {RMC}*3A\t"), [FIX])

    def test_forms(self) -> None:
        """What else fits."""
        for old, new in (
            ("$GP", "$GN"),
            ("$GP", "$GL"),
            ("350.000", "350"),
            ("350.000", "350."),
            ("01044.1271", "1044.1271"),
            (",,", ",020.3,E*42"),
            (",,", ",,,A * 72"),
            (",,", ",,,A,V*15"),
            (",,", ",\r,"),
        ):
            self.assertEqual(after_login(RMC.replace(old, new)), [FIX], new)

    def test_values(self) -> None:
        """Hemispheres, validity, and what may be absent."""
        position = one("$GNRMC,161223,V,2517.0545,S,05739.1788,W,,3.,011196,,,A*61")
        time = datetime(2096, 11, 1, 16, 12, 23, tzinfo=UTC)
        place = -(25 + 17.0545 / 60), -(57 + 39.1788 / 60)
        self.assertEqual(position, Position(time, time, False, *place, course=3.0))
        rolled = one(RMC.replace("082350", "250000").replace("080518", "310418"))
        self.assertEqual(rolled.fix_time, datetime(2018, 5, 2, 1, tzinfo=UTC))

    def test_no_match(self) -> None:
        """What does not fit says nothing."""
        for old, new in (
            ("$GP", "$GA"),
            ("$GP", "$gp"),
            ("$GP", "GPG"),
            ("350.000", "35.000"),
            (",A,", ",,"),
            (",A,", ",a,"),
            ("5355.0314", "355.0314"),
            ("5355.0314", "15355.0314"),
            ("5355.0314", "5355"),
            ("01044.1271", "101044.1271"),
            (",N,", ",n,"),
            ("26.20", "-1"),
            ("26.20", ".5"),
            ("080518,,", "080518,"),
            ("080518,,", "080518,*6C"),
            ("080518,,", "08051,,"),
            ("080518,,", "080518"),
        ):
            self.assertEqual(after_login(RMC.replace(old, new)), [], new)

    def test_tail(self) -> None:
        """Satellites, id, ignition, fuel, battery and inputs behind the checksum count all or not at all."""
        outputs = after_login(f"{RMC}D*71,11,{ID},1,090,086,123,045,67x,8")
        self.assertEqual(outputs[0], Login((ID,)))
        (position,) = positions(outputs)
        expected = {"sat": 11, "ignition": True, "fuel": 90, "battery": 86, "io1": "123", "io2": "045", "io3": "67"}
        self.assertEqual(repr(position.attributes), repr(expected))
        (position,) = positions(after_login(f"{RMC}*71,0,{ID},0,1,2"))
        self.assertEqual(position.attributes, {"sat": 0, "ignition": False, "fuel": 1, "battery": 2})
        for tail in (
            f"*71,11,{ID},2,90,86",
            f"*71,11,{ID},1,90,",
            f"*,1,{ID},1,1",
            f"*71,,{ID},1,1,1",
            "*71,11,A,1,1,1",
        ):
            self.assertEqual(after_login(RMC + tail), [FIX], tail)

    def test_id_in_tail(self) -> None:
        """The id in the tail counts more than that of the connection, and an unknown one loses the sentence."""
        tail = f"{RMC}*71,11,2,1,1,1"
        self.assertEqual(after_login(tail), [Login(("2",))])
        outputs = say(tail, RMC, known=("2",))
        self.assertEqual(ids(outputs), [(), (HOST,), ("2",), ()])
        self.assertEqual(len(positions(outputs)), 2)

    def test_acknowledged(self) -> None:
        """If that is wanted, a known device is answered, also when the sentence makes no sense."""
        wanted = {"t55.ack": True}
        self.assertEqual(after_login(RMC, settings=wanted), [Reply(b"OK1\r\n"), FIX])
        self.assertEqual(after_login("xyzRMC", settings=wanted), [Reply(b"OK1\r\n")])
        self.assertEqual(after_login(f"{RMC}*71,1,2,1,1,1", settings=wanted), [Reply(b"OK1\r\n"), Login(("2",))])
        self.assertEqual(say(RMC, settings=wanted), [BOUND, ADDRESS])
        self.assertEqual(say(f"{RMC}*71,1,{ID},1,1,1", settings=wanted)[2], Login((ID,)))
        self.assertEqual(
            after_login("$GPGLL,4650.5,N,01246.1,E,164414,V,", settings=wanted)[0],
            one("$GPGLL,4650.5,N,01246.1,E,164414,V,"),
        )

    def test_afterwards(self) -> None:
        """The latest position of nobody is of whoever tells an id afterwards, once."""
        late = RMC.replace("082350", "082351")
        outputs = say(RMC, late, "$GPFID,1", f"$GPFID,{ID}", f"$GPFID,{ID}", RMC)
        told_late, again = positions(outputs)
        self.assertEqual((told_late.fix_time, again), (datetime(2018, 5, 8, 8, 23, 51, tzinfo=UTC), FIX))
        self.assertEqual(outputs.index(told_late), outputs.index(Login((ID,))) + 1)
        self.assertEqual(positions(say(RMC, f"$IMEI={ID}")), [])

    def test_impossible(self) -> None:
        """A place that is none and a count beyond all numbers are errors, of nobody as well."""
        for sentence in (RMC.replace("5355", "9055"), RMC.replace("01044", "18100"), f"{RMC}*7,4294967296,{ID},1,1,1"):
            with self.assertRaises(BAD_FRAME, msg=sentence):
                after_login(sentence)
            with self.assertRaises(BAD_FRAME, msg=sentence):
                say(sentence)


class NmeaTests(SynchronousTestCase):
    def test_gga(self) -> None:
        """A fix of today, with its quality."""
        position = Position(
            NOW.replace(hour=0, minute=0, second=7),
            NOW.replace(hour=0, minute=0, second=7),
            valid=True,
            latitude=-(31 + 36.599 / 60),
            longitude=-(52 + 13.981 / 60),
            altitude=-250.0,
            attributes={"sat": 7, "hdop": 2.13},
        )
        sentence = "$GPGGA,000007.9,3136.599,S,5213.981,W,1,07,2.13,-250.00,M,-16.384,M,,*6F"
        self.assertEqual(after_login(sentence), [position])
        self.assertEqual(one(sentence.replace("W,1,", "W,0,")).valid, False)
        for old, new in (
            ("$GP", "$GA"),
            ("2.13", ""),
            ("-250.00,", "-250.00"),
            ("W,1", "W,"),
            ("07", ""),
            ("0007.9", "007"),
        ):
            self.assertEqual(after_login(sentence.replace(old, new)), [])

    def test_gll(self) -> None:
        """A place of today."""
        sentence = "$GNGLL,4650.5156500,N,01246.1059604,E,164414.90,A,A*77"
        time = NOW.replace(hour=16, minute=44, second=14)
        place = 46 + 50.51565 / 60, 12 + 46.1059604 / 60
        self.assertEqual(after_login(sentence), [Position(time, time, True, *place)])
        self.assertEqual(one(sentence.replace(",A,", ",V,")).valid, False)
        self.assertEqual(after_login("$GPGLL,4650.5,N,01246.1,E,164414,A"), [])

    def test_rma(self) -> None:
        """A fix of now."""
        sentence = "$GPRMA,A,1200.00,S,00130.00,W,,,00.5,010.,11.,E*7"
        self.assertEqual(after_login(sentence), [Position(NOW, NOW, True, -12.0, -1.5, speed=0.5, course=10.0)])
        self.assertEqual(after_login("$GPRMA,V,0000.00,N,00000.00,E,,,,,"), [Position(NOW, NOW)])
        for old, new in (("A,1", "A1"), (",,,", ",1,2,"), ("00130.00", "0130.00"), ("$GP", "$GN")):
            self.assertEqual(after_login(sentence.replace(old, new)), [])

    def test_strangers(self) -> None:
        """Of nobody they say nothing, and are not kept."""
        for sentence in (
            "$GPGGA,000000,9907.038,N,01131.000,E,1,08,0.9,545.4,M",
            "$GPGLL,9950.5,N,01246.1,E,164414,A,",
            "$GPRMA,V,9900.00,S,00000.00,E,,,00.0,000.,11.,E*7",
            "$TRCCR,20140101001122.333,V,160.0,-100.0,1.1,2.2,3.3,4.4,*00",
        ):
            self.assertEqual(positions(say(sentence, f"$GPFID,{ID}")), [])


class MakersTests(SynchronousTestCase):
    def test_trccr(self) -> None:
        """Decimal degrees, knots and volts."""
        sentence = "$TRCCR,20140101001122.333,V,60.0,-100.0,1.1,2.2,-3.3,50,*00"
        time = datetime(2014, 1, 1, 0, 11, 22, tzinfo=UTC)
        position = Position(time, time, False, 60.0, -100.0, -3.3, 1.1, 2.2, attributes={"battery": 50.0})
        self.assertEqual(repr(after_login(sentence)), repr([position]))
        for old, new in (("60.0", "60"), ("1.1", "-1.1"), (",50,", ",50"), ("2014", "14")):
            self.assertEqual(after_login(sentence.replace(old, new)), [])

    def test_gpiop(self) -> None:
        """Voltages without a fix, which must be somebody's."""
        sentence = "$GPIOP,01000000,00000000,0.00,0.00,0.00,0.00,4.69,4.24*49"
        position = Position(outdated=True, attributes={"power": 4.69, "battery": 4.24})
        self.assertEqual(after_login(sentence), [position])
        with self.assertRaises(WireError):
            say(sentence)
        for old, new in (("01000000", "0100000"), ("01000000", "01000002"), ("4.69", "4")):
            self.assertEqual(after_login(sentence.replace(old, new)), [])
            self.assertEqual(say(sentence.replace(old, new)), [BOUND, ADDRESS])

    def test_qze(self) -> None:
        """A fix with an event, in km/h."""
        sentence = f"QZE,{ID},35,28062020,113553,-22.13673,114.57263,100,22,A,1"
        time = datetime(2020, 6, 28, 11, 35, 53, tzinfo=UTC)
        position = Position(
            time, time, True, -22.13673, 114.57263, 0.0, 53.9957, 22.0, attributes={"event": 35, "ignition": True}
        )
        self.assertEqual(repr(say(sentence)), repr([BOUND, ADDRESS, Login((ID,)), position]))
        self.assertEqual(positions(say(sentence, known=())), [])
        for old, new in ((ID, ID[1:]), ("A,1", "A,1,"), ("A,1", "A,2"), ("100", "1.0"), ("-22.13673", "-22")):
            self.assertEqual(say(sentence.replace(old, new)), [BOUND, ADDRESS])

    def test_pubx(self) -> None:
        """A fix of today with accuracy, in km/h, and an id."""
        sentence = f"$PUBX,00,130209.00,3650.51159,S,01346.10602,W,-785.947,D3,4.1,5.2,10.0,87.43,-0.054,,0.88,1.21,0.8,24,{ID},0*6d"
        time = NOW.replace(hour=13, minute=2, second=9)
        position = Position(
            time,
            time,
            valid=True,
            latitude=-(36 + 50.51159 / 60),
            longitude=-(13 + 46.10602 / 60),
            altitude=-785.947,
            speed=10 * 0.539957,
            course=87.43,
            accuracy=4.1,
            attributes={"index": 0, "hdop": 0.88, "vdop": 1.21, "sat": 24},
        )
        self.assertEqual(repr(say(sentence)), repr([BOUND, ADDRESS, Login((ID,)), position]))
        self.assertEqual(positions(say(sentence.replace("D3", "NF")))[0].valid, False)
        standard = sentence.replace(ID, "0")
        self.assertEqual(say(standard), [BOUND, ADDRESS, Login(("0",))])
        for old, new in (("D3", "D"), ("09.00", "09"), ("01346", "1346"), ("4.1", "4"), ("*6d", "*6"), ("*6d", "*6d,")):
            self.assertEqual(say(sentence.replace(old, new)), [BOUND, ADDRESS])

    def test_gptxt(self) -> None:
        """The network, without a fix."""
        sentence = f"$GPTXT,NET,{ID},A 1,-53,232 01*77"
        position = Position(outdated=True, attributes={"operator": "A 1", "rssi": -53, "mcc": 232, "mnc": 1})
        self.assertEqual(repr(say(sentence)), repr([BOUND, ADDRESS, Login((ID,)), position]))
        for old, new in (("-53", "53"), ("232 01", "23201"), ("A 1", ""), ("*77", "*77 x"), ("NET", "TXT")):
            self.assertEqual(say(sentence.replace(old, new)), [BOUND, ADDRESS])

    def wmcs(self, tail: str, head: str = "4,WMCS-34,0,IOP,O,0x01,") -> Position:
        login, position = say(f"$ID,{ID},{head}{tail}")[2:]
        self.assertEqual(login, Login((ID,)))
        assert isinstance(position, Position)
        return position

    def test_wmcs(self) -> None:
        """Groups that may be missing, in km/h."""
        time = datetime(2003, 7, 5, 9, 51, 21, tzinfo=UTC)
        found = self.wmcs("GPSEX,A,D,050703,T,095121,S,9:5,La,51.5,S,Lo,-5.5,E,H,7.5,V,10.0,DD,12,x")
        attributes = {"satVisible": 9, "sat": 5, "totalDistance": 12.0}
        expected = Position(time, time, True, -51.5, -5.5, speed=10 * 0.539957, course=7.5, attributes=attributes)
        self.assertEqual(repr(found), repr(expected))
        self.assertEqual(self.wmcs("GPSET,V"), Position(outdated=True))
        self.assertEqual(self.wmcs("GPSEH,V,T,095121,La,1.5,N"), Position(outdated=True, latitude=1.5))

    def test_wmcs_order(self) -> None:
        """A group in another place ends the list; the first status counts."""
        found = self.wmcs("GPSEX,A,T,095121,D,050703,S,9:5")
        self.assertEqual((found.outdated, found.attributes), (True, {}))
        found = self.wmcs("GPSED,A,D,050703,T,095121,La,1.5,N,S,9:5,GPSED,V,S,1:1")
        self.assertEqual((found.valid, found.attributes), (True, {}))
        self.assertTrue(self.wmcs("GPSEA,V,GPSEX,,GPSEX,A").valid)
        for sentence in (f"$ID,{ID},GPSEX,B", f"$ID,{ID}", "$ID,x,GPSEX,A", f"$ID,{ID}GPSEX,A"):
            self.assertEqual(say(sentence), [BOUND, ADDRESS])

    def test_wmcs_alarm(self) -> None:
        """An alarm is seen directly behind the id only, and told as it is."""
        self.assertEqual(self.wmcs("GPSEX,A", "ALARM,0x00004000,").attributes, {"alarm": "0x00004000"})
        self.assertEqual(self.wmcs("GPSEX,A", "666,370,ALARM,0x00004000,IOP,").attributes, {})


class CommandTests(SynchronousTestCase):
    def test_custom(self) -> None:
        """Text goes out as it is; nothing else does."""
        session = Session(t55, device=Device(ID))
        self.assertEqual(commands.encode(t55, Command("custom", {"data": "$PX\\r\\n"}), session), b"$PX\r\n")
        with self.assertRaises(Unsupported):
            commands.encode(t55, Command("rebootDevice"), session)


class DamageTests(SynchronousTestCase):
    def test_cut(self) -> None:
        """A sentence that is broken says less, or is an error, and no more."""
        for sentence in (
            f"4711/{ID}/{RMC}D*71,11,{ID},1,090,086,123",
            f"$PUBX,00,130209.00,3650.5,N,01346.1,E,785.9,D3,4.1,5.2,0.1,87.4,-0.0,7.0,0.8,1.2,0.8,24,{ID},0*6D",
            f"$ID,{ID},GPSEX,A,D,050703,T,095121,S,9:5,La,51.8,N,Lo,5.8,E,H,1.0,V,2.0,DD,0",
            f"{ID}$TRCCR,20140101001122.333,V,60.0,-100.0,1.1,2.2,3.3,4.4,*00",
            f"$GPTXT,NET,{ID},A1,-53,232 01*77",
        ):
            data = sentence.encode()
            for at in range(len(data)):
                for broken in (data[:at], data[at:], data[:at] + data[at + 1 :], data[:at] + b"\xff" + data[at:]):
                    try:
                        Talk(t55, "udp").say(broken)
                    except BAD_FRAME:
                        pass
