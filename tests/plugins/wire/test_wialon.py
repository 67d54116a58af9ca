"""
Wialon IPS by messages of its description.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.wialon import wialon
from tests.plugins.wire.talk import NOW, Device, Talk, positions, told
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.values import CellTower, Command, Login, Network, Output, Position, Reply, Unsupported, WireError

ID = "352093089439473"
LOGIN = f"#L#{ID};NA\r\n".encode()
LOGGED_IN = Login((ID,), accept=b"#AL#1\r\n")
FIX = "270413;205601;5544.6025;N;03739.6834;E;1;2;3;4"
TIME = datetime(2013, 4, 27, 20, 56, 1, tzinfo=UTC)
NOTHING = "NA;NA;NA;NA;NA;NA;NA;NA;NA"


def data(record: str, kind: str = "D") -> bytes:
    return f"#{kind}#{record}\r\n".encode()


def after_login(message: bytes, **talk: Any) -> list[Output]:
    """What a message says on a connection that has logged in."""
    outputs = told(wialon, LOGIN, message, **talk)
    return outputs[1:]


def one(record: str) -> Position:
    (position,) = positions(after_login(data(record)))
    return position


def attributes(record: str) -> dict[str, Any]:
    return one(record).attributes


def params(text: str) -> dict[str, Any]:
    """What parameters alone become."""
    return attributes(f"{NOTHING};NA;NA;NA;NA;;NA;{text}")


def ids(outputs: list[Output]) -> tuple[str, ...]:
    (login,) = [output for output in outputs if isinstance(output, Login)]
    return login.ids


def result(outputs: list[Output]) -> object:
    (position,) = positions(outputs)
    return position.attributes["result"]


class LoginTests(SynchronousTestCase):
    def test_login(self) -> None:
        """The id stands first, or after a version with a point; the rest is not looked at."""
        for text in (ID, f"{ID};", f"{ID};NA", f"{ID};2.0;x", f"2.0;{ID}", f"2.0;{ID};NA;BB2B", f".;{ID}"):
            self.assertEqual(told(wialon, f"#L#{text}\r\n".encode()), [LOGGED_IN])
        self.assertEqual(ids(told(wialon, "#L#трекер;NA\r\n".encode())), ("трекер",))

    def test_empty(self) -> None:
        """An empty id is an id; a version alone and separators alone are an error."""
        for text in ("", ";NA", "2.0;;NA"):
            self.assertEqual(told(wialon, f"#L#{text}\n".encode()), [Login(("",), accept=b"#AL#1\r\n")])
        for text in ("2.0", "2.0;", ";", ";;"):
            with self.assertRaises(BAD_FRAME, msg=text):
                told(wialon, f"#L#{text}\n".encode())

    def test_strangers(self) -> None:
        """Of an unknown device nothing is believed; only pings and black boxes are answered."""
        self.assertEqual(told(wialon, LOGIN, known=()), [LOGGED_IN])
        for kind, text in (("D", FIX), ("SD", FIX), ("M", "hello")):
            self.assertEqual(told(wialon, data(text, kind), known=()), [Login()])
        self.assertEqual(told(wialon, data("", "P")), [Reply(b"#AP#\r\n")])
        outputs = told(wialon, data(f"{FIX}|{FIX}|{FIX.replace('5544', '9944')}", "B"), known=())
        self.assertEqual(outputs, [Login(optional=True), Reply(b"#AB#3\r\n")])

    def test_id_in_message(self) -> None:
        """The form of datagrams, with and without version, understood on streams too."""
        for head, expected in (
            (f"{ID}", (ID,)),
            (f"2.0;{ID}", (ID,)),
            ("2.0;", ()),
            ("2.0", ("2.0",)),
            ("a;b", ("a;b",)),
        ):
            for message in (f"{head}#D#{FIX}", f"{head}#B#{FIX}", f"{head}#M#x"):
                self.assertEqual(ids(told(wialon, f"{message}\r\n".encode())), expected)

    def test_not_looked_up(self) -> None:
        """Nobody is looked up for data that cannot be understood."""
        for message in (f"{ID}#D#x", f"{ID}#SD#{NOTHING}", f"{ID}#D#"):
            self.assertEqual(told(wialon, f"{message}\r\n".encode()), [])
        self.assertEqual(told(wialon, f"{ID}#B#x|y\r\n".encode()), [Reply(b"#AB#2\r\n")])

    def test_others(self) -> None:
        """Other types, and what is no message, are passed over."""
        for text in ("", "#", "##", "#D", "D#", "##D#", "#d#x", f"#QT#{FIX}", "#T#x", "#US#x", "#l#1"):
            self.assertEqual(told(wialon, f"{text}\r\n".encode()), [])


class FramingTests(SynchronousTestCase):
    def test_long(self) -> None:
        """A line may have 32768 bytes."""
        longest = b"#P#".ljust(32768, b"x")
        for reads in ((longest + b"\r\n",), (longest + b"\r", b"\n")):
            talk = Talk(wialon)
            self.assertEqual([output for data in reads for output in talk.say(data)], [Reply(b"#AP#\r\n")])
        with self.assertRaises(WireError):
            Talk(wialon).say(longest + b"x\r\n")

    def test_datagram(self) -> None:
        """A datagram is one message, its line end included."""
        talk = Talk(wialon, "udp")
        self.assertEqual(result(talk.say(f"{ID}#M#on my way\r\n".encode())), "on my way\r\n")
        long = f"{FIX};0.5;1;0;;;a:1:1,b:1:2"
        for record, expected in (
            (f"{FIX}\r\n", {"sat": 4}),
            (f"{long};A1B2\r\n", {"sat": 4, "hdop": 0.5, "input": "1", "output": "0", "a": 1.0, "b": 2.0}),
            (f"{long}\r\n", {"sat": 4, "hdop": 0.5, "input": "1", "output": "0", "a": 1.0}),
            (f"{FIX}\r\n#D#{FIX}\r\n", {"sat": 4}),
        ):
            (position,) = positions(talk.say(f"{ID}#D#{record}".encode()))
            self.assertEqual(position.attributes, expected)
        outputs = talk.say(f"{ID}#B#{FIX}|\r\n".encode())
        self.assertEqual(outputs[-1], Reply(b"#AB#2\r\n"))

    def test_characters(self) -> None:
        """Text is UTF-8; what is broken is replaced."""
        self.assertEqual(result(after_login(data("пора домой", "M"))), "пора домой")
        self.assertEqual(result(after_login(b"#M#a\xff\xfeb\r\n")), "a\ufffd\ufffdb")
        self.assertEqual(params("Батарея:3:100 %"), {"батарея": "100 %"})


class RecordTests(SynchronousTestCase):
    def test_report(self) -> None:
        """Short and long data are the same, and are answered alike."""
        position = Position(
            TIME,
            TIME,
            valid=True,
            latitude=55 + 44.6025 / 60,
            longitude=37 + 39.6834 / 60,
            altitude=3.0,
            speed=0.539957,
            course=2.0,
            attributes={"sat": 4},
        )
        for kind in ("D", "SD"):
            outputs = after_login(data(FIX, kind))
            self.assertEqual(outputs, [Login(), position, Reply(b"#AD#1\r\n")])

    def test_long(self) -> None:
        """The fields behind the satellites; inputs, outputs and analogue values stay texts."""
        found = attributes(f"{FIX};0.0;007;0;14.77,,3.6,;AB45DF01145;count1:1:564,fuel:2:45.8,hw:3:V4.5;E7C9;x")
        expected = {
            "sat": 4,
            "hdop": 0.0,
            "input": "007",
            "output": "0",
            "adc1": "14.77",
            "adc3": "3.6",
            "driverUniqueId": "AB45DF01145",
            "count1": 564.0,
            "fuel": 45.8,
            "hw": "V4.5",
        }
        self.assertEqual(repr(found), repr(expected))
        self.assertEqual(attributes(f"{FIX};NA;NA;NA;NA;NA;NA"), {"sat": 4})
        self.assertEqual(attributes(f"{FIX};1.;2;3;;;"), {"sat": 4, "hdop": 1.0, "input": "2", "output": "3"})
        self.assertEqual(attributes(f"{FIX};NA;NA;NA;NAN;NA1;"), {"sat": 4, "adc1": "NAN", "driverUniqueId": "NA1"})

    def test_all_or_nothing(self) -> None:
        """If one of the fields behind the satellites is missing or wrong, none of them counts."""
        tails = (";A1B2", ";0.5;1;2;3;4", ";;1;2;3;4;5", ";-1;1;2;3;4;a:1:1", ";.5;1;2;3;4;5", ";1;-1;2;3;4;5")
        for tail in (*tails, "x;0.5;1;2;3;4;a:1:1", ".0", ";1;2;0x3;4;5;6"):
            self.assertEqual(attributes(FIX + tail), {"sat": 4}, tail)

    def test_satellites(self) -> None:
        """Three make a fix; none told make none."""
        for text, valid, expected in (("2", False, {"sat": 2}), ("03", True, {"sat": 3}), ("NA", False, {})):
            position = one(FIX[:-1] + text)
            self.assertEqual((position.valid, position.attributes), (valid, expected))

    def test_place(self) -> None:
        """The last two digits before the point are minutes, of which there may be more than 59."""
        for place, latitude, longitude in (
            ("5364.0167;N;06127.8262;W", 53 + 64.0167 / 60, -(61 + 27.8262 / 60)),
            ("144.6;S;00044.5;E", -(1 + 44.6 / 60), 44.5 / 60),
            ("5544.6025;NA;03739.6834;NA", 55 + 44.6025 / 60, 37 + 39.6834 / 60),
            ("NA;NA;03739.6834;E", 0.0, 37 + 39.6834 / 60),
        ):
            position = one(FIX.replace("5544.6025;N;03739.6834;E", place))
            self.assertEqual((position.latitude, position.longitude), (latitude, longitude))

    def test_absent(self) -> None:
        """Any value of place, movement or altitude makes it a fix, in which what is absent is 0."""
        fields = NOTHING.split(";")
        for place, value in ((2, "100.0"), (3, "S"), (4, "100.0"), (5, "E"), (6, "0.000"), (7, "0"), (8, "0.")):
            record = ";".join([*fields[:place], value, *fields[place + 1 :], "5"])
            self.assertEqual((one(record).outdated, one(record).fix_time), (False, NOW))
        position = one("270413;205601;NA;NA;NA;NA;;;NA;5")
        self.assertEqual(position, Position(TIME, TIME, True, outdated=True, attributes={"sat": 5}))

    def test_time(self) -> None:
        """A moment needs date and time, otherwise it is the server's; parts roll over."""
        for text, time in (
            ("270413;NA", NOW),
            ("NA;205601", NOW),
            ("320913;250000", datetime(2013, 10, 3, 1, tzinfo=UTC)),
        ):
            position = one(FIX.replace("270413;205601", text))
            self.assertEqual((position.device_time, position.fix_time), (time, time))

    def test_no_record(self) -> None:
        """Data in which one of the first ten fields is out of shape says nothing and gets no answer."""
        fields = FIX.split(";")
        for place, values in {
            0: ("", "27041", "2704133", "na"),
            1: ("", "205601.123", "20560"),
            2: ("", "44.6", "5544", "5544.", "-5544.6025", "5544,6025"),
            3: ("", "n", "E"),
            4: ("", "39.6"),
            5: ("", "e", "N"),
            6: ("-1", ".5", "1e3", " 1"),
            7: ("-1", "x"),
            8: ("", "-", "+3", ".5"),
            9: ("", "x", "-4", " 4", "N"),
        }.items():
            for value in values:
                record = ";".join([*fields[:place], value, *fields[place + 1 :]])
                self.assertEqual(after_login(data(record)), [], record)
        self.assertEqual(after_login(data(";".join(fields[:9]))), [])

    def test_impossible(self) -> None:
        """A place that is none, or a count beyond all numbers, is an error."""
        for record in (FIX.replace("5544", "9044"), FIX.replace("03739", "18100"), FIX[:-1] + "4294967296"):
            with self.assertRaises(BAD_FRAME, msg=record):
                after_login(data(record))


class ParamTests(SynchronousTestCase):
    def test_values(self) -> None:
        """What reads as a number is one, whatever type it is said to have; then flags, then texts."""
        for text, value in {
            "1:94": 94.0,
            "3: -.5e1 ": -5.0,
            "2:10d": 10.0,
            "3:0x1p3": 8.0,
            "1:0x10": "0x10",
            "3:tRue": True,
            "1:FALSE": False,
            "3:yes": "yes",
            "3: ": " ",
            "2:NaN": "NaN",
            "1:-Infinity": "-Infinity",
            "1:1e999": "Infinity",
            "1:0x1p99999": "Infinity",
        }.items():
            self.assertEqual(repr(params(f"x:{text}")), repr({"x": value}))

    def test_names(self) -> None:
        """Names come in small letters, and may be nearly anything; the last of several counts."""
        for text, expected in {
            "EvId:1:1": {"evid": 1.0},
            "101_521072_21.1:1:0": {"101_521072_21.1": 0.0},
            "a:b c:3:d": {"a:b c": "d"},
            "a:1:b:2:3": {"a:1:b": 3.0},
            "a:1:b:2:": {},
            ":3:x": {"": "x"},
            "a:1:1,A:1:2": {"a": 2.0},
            "a:1:1,a:1:": {"a": 1.0},
            ",,a:4:1,b,c:1,d:1:1,": {"d": 1.0},
            "NAME:3:x,b:1:1": {},
            "nAME:3:x": {"name": "x"},
        }.items():
            self.assertEqual(params(text), expected, text)
        self.assertEqual(
            attributes(f"{FIX};1;1;1;1;1;sat:3:x,adc1:1:2"),
            {"sat": "x", "hdop": 1.0, "input": "1", "output": "1", "adc1": 2.0, "driverUniqueId": "1"},
        )

    def test_known(self) -> None:
        """Accuracy, battery and temperature have places of their own."""
        position = one(f"{NOTHING};NA;NA;NA;NA;;NA;SOS:1:0,Accuracy:2:7.5,temp:3:-18.9,bat:3:99")
        self.assertEqual(position.accuracy, 7.5)
        self.assertEqual(repr(position.attributes), repr({"batteryLevel": 99, "deviceTemp": -18, "sos": 0.0}))
        for text in ("accuracy:3:good", "bat:3:true", "temp:3:cold"):
            with self.assertRaises(WireError, msg=text):
                params(text)
        self.assertEqual(
            (one(f"{FIX};NA;NA;NA;;;accuracy:2:NaN").accuracy, params("bat:2:NaN")), (0.0, {"batteryLevel": 0})
        )

    def test_cells(self) -> None:
        """A cell without number, and those from 1 on up to a gap; the id of a cell stays an attribute."""

        def cell(place: str, cid: int = 4) -> str:
            return f"mcc{place}:1:250,mnc{place}:1:02,lac{place}:1:3,cell_id{place}:1:{cid}"

        for text, cids, left in (
            (cell(""), [4], {"cell_id": 4.0}),
            (f"{cell('1', 5)},{cell('2', 4294967295)}", [5, 4294967295], {"cell_id1": 5.0, "cell_id2": 4294967295.0}),
            (f"{cell('', 9)},{cell('1')}", [9, 4], {"cell_id": 9.0, "cell_id1": 4.0}),
            ("mcc:1:1,mnc:1:1", None, {"mcc": 1.0, "mnc": 1.0}),
            (cell("10"), None, {"mcc10": 250.0, "mnc10": 2.0, "lac10": 3.0, "cell_id10": 4.0}),
        ):
            (position,) = positions(after_login(data(f"{FIX[:-1]}NA;NA;NA;NA;;NA;{text}")))
            network = None if cids is None else Network([CellTower(250, 2, 3, cid) for cid in cids])
            self.assertEqual((position.network, position.attributes), (network, left))
        (position,) = positions(after_login(data(f"{FIX};NA;NA;NA;;NA;{cell('1')},{cell('3')}")))
        self.assertEqual(position.network, Network([CellTower(250, 2, 3, 4)]))
        self.assertEqual(position.attributes["lac3"], 3.0)
        with self.assertRaises(WireError):
            params(cell("").replace("250", "home"))


class MessageTests(SynchronousTestCase):
    def test_black_box(self) -> None:
        """Records from memory are marked; the answer counts every piece."""
        second = FIX.replace("205601", "205602")
        outputs = after_login(data(f"{FIX}|{second};NA;NA;NA;;NA;a:1:1|x||E7C9||", "B"))
        self.assertEqual(outputs[0], Login(optional=True))
        first, other = positions(outputs)
        self.assertEqual(first.attributes, {"sat": 4, "archive": True})
        self.assertEqual(other.attributes, {"sat": 4, "a": 1.0, "archive": True})
        self.assertEqual(outputs[3:], [Reply(b"#AB#5\r\n")])
        self.assertEqual(after_login(data("", "B")), [Reply(b"#AB#1\r\n")])
        self.assertEqual(after_login(data("||", "B")), [Reply(b"#AB#0\r\n")])

    def test_bad_piece(self) -> None:
        """A piece that cannot be true spoils the others."""
        with self.assertRaises(WireError):
            after_login(data(f"{FIX}|{FIX.replace('5544', '9944')}", "B"))

    def test_driver(self) -> None:
        """The driver's words are a result, where the device was last."""
        position = Position.last(NOW)
        position.attributes = {"result": "on my way;A1#B2"}
        outputs = after_login(data("on my way;A1#B2", "M"))
        self.assertEqual(outputs, [Login(), position, Reply(b"#AM#1\r\n")])
        self.assertEqual(positions(after_login(data("", "M"))), [Position.last(NOW)])


class CommandTests(SynchronousTestCase):
    def test_commands(self) -> None:
        """Each is a line of text; what is missing is empty."""
        for type, given, sent in (
            ("rebootDevice", {}, "reboot\r\n"),
            ("deviceIdentification", {"data": "x"}, "VER?\r\n"),
            ("sendUssd", {"phone": "*100#"}, "USSD:*100#\r\n"),
            ("sendUssd", {}, "USSD:\r\n"),
            ("outputControl", {"index": 1, "data": "0"}, "L1=0\r\n"),
            ("outputControl", {"index": 2.0, "data": True}, "L2.0=true\r\n"),
            ("custom", {"data": "VER?\\r\\n"}, "VER?\r\n"),
            ("custom", {"data": "größe"}, "größe"),
        ):
            found = commands.encode(wialon, Command(type, given), Session(wialon, device=Device(ID)))
            self.assertEqual(found, sent.encode())

    def test_refused(self) -> None:
        """Other types are not understood, and messages take only custom ones."""
        session = Session(wialon, device=Device(ID))
        for command in (Command("engineStop"), Command("custom")):
            with self.assertRaises(Unsupported):
                commands.encode(wialon, command, session)
        self.assertEqual(commands.encode_message(wialon, Command("custom", {"data": "a\\n"}), session), "a\\n")
        with self.assertRaises(Unsupported):
            commands.encode_message(wialon, Command("rebootDevice"), session)


class DamageTests(SynchronousTestCase):
    def test_cut(self) -> None:
        """A message that ends too early says less, or is an error, and no more."""
        message = f"2.0;{ID}#D#{FIX};0.5;1;0;14.77,3;AB;mcc:1:1,mnc:1:2,lac:1:3,cell_id:1:4,bat:1:5;E7C9\r\n".encode()
        for end in range(len(message)):
            for data in (message[:end], message[end:], message[:end] + b"\xff" + message[end:]):
                try:
                    Talk(wialon, "udp").say(data)
                except BAD_FRAME:
                    pass
