"""
OsmAnd's requests and their responses, by requests that are built here after their description.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.osmand import osmand
from tests.plugins.wire.talk import NOW, Device, Talk, positions
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.http import Request
from trackd.wire.times import zone
from trackd.wire.values import (
    CellTower,
    Command,
    DeviceAttribute,
    Login,
    Network,
    Output,
    Position,
    Response,
    TakeCommand,
    Unsupported,
    WifiAccessPoint,
    WireError,
)

LOGIN = Login(("7",), optional=True)
TIME = datetime(2013, 8, 22, 13, 14, 27, tzinfo=UTC)


def ask(query: str, **talk: Any) -> list[Output]:
    return Talk(osmand, "http", **talk).ask(Request(uri=f"/?{query}"))


def one(query: str, **talk: Any) -> Position:
    """The position of a query, to which a device is added."""
    (position,) = positions(ask(f"id=7&{query}", **talk))
    return position


def attributes(query: str) -> dict[str, Any]:
    return one(query).attributes


class QueryTests(SynchronousTestCase):
    def test_report(self) -> None:
        """Parameters become a position, which belongs to the device of the id."""
        outputs = ask(
            "id=7&timestamp=1377177267&lat=60.5&lon=-30&speed=10&bearing=7.25&altitude=224.5&accuracy=3&hdop=0.8&batt=76"
        )
        position = Position(
            TIME,
            TIME,
            valid=True,
            latitude=60.5,
            longitude=-30.0,
            altitude=224.5,
            speed=10.0,
            course=7.25,
            accuracy=3.0,
            attributes={"hdop": 0.8, "batteryLevel": 76.0},
        )
        self.assertEqual(outputs, [LOGIN, position, TakeCommand(), Response(200)])

    def test_form(self) -> None:
        """The body counts if the address has no parameter at all; it is read one character per byte."""
        body = "?id=7&lat=1;lon=2&name=ä&wise=%C3%A4".encode("latin-1")
        (position,) = positions(Talk(osmand, "http").ask(Request("POST", "/track?", {}, body)))
        self.assertEqual((position.latitude, position.attributes), (1.0, {"name": "ä", "wise": "ä"}))
        self.assertEqual(Talk(osmand, "http").ask(Request("POST", "/?a=1", {}, body)), [Response(400)])

    def test_stranger(self) -> None:
        """An unknown id is refused, and nothing after it is looked at."""
        self.assertEqual(ask("id=7&lat=north", known=()), [LOGIN, Response(400)])

    def test_no_id(self) -> None:
        """A request without an id is refused after it has been read, also on a connection that has a device."""
        self.assertEqual(ask("lat=1&lon=2"), [Response(400)])
        self.assertEqual(ask(""), [Response(400)])
        talk = Talk(osmand, "http")
        talk.ask(Request(uri="/?id=7"))
        self.assertEqual(talk.ask(Request(uri="/?lat=1&lon=2")), [Response(400)])
        with self.assertRaises(BAD_FRAME):
            ask("lat=north")
        with self.assertRaises(WireError):
            ask("lat=91&lon=2")

    def test_two_ids(self) -> None:
        """All ids must be known; the position belongs to the last."""
        second = Login(("8",), optional=True)
        outputs = ask("id=7&deviceid=8", known=("7", "8"))
        self.assertEqual([type(output) for output in outputs], [Login, Login, Position, TakeCommand, Response])
        self.assertEqual(outputs[:2], [LOGIN, second])
        self.assertEqual(ask("id=7&deviceid=8", known=("7",)), [LOGIN, second, Response(400)])
        self.assertEqual(ask("deviceid=8&x=1&id=7&id=9", known=("7", "8"))[-1], Response(400))

    def test_token(self) -> None:
        """A token for notifications is kept with the device, if that is known by then."""
        self.assertEqual(ask("id=7&notificationToken=abc")[1], DeviceAttribute("notificationTokens", "abc"))
        outputs = ask("notificationToken=abc&id=7")
        self.assertEqual([one for one in outputs if isinstance(one, DeviceAttribute)], [])
        self.assertEqual(positions(outputs)[0].attributes, {})
        self.assertNotIn(DeviceAttribute("notificationTokens", ""), ask("id=7&notificationToken="))

    def test_no_fix(self) -> None:
        """Without both coordinates the last known place stands, and the network is told."""
        position = one(
            "timestamp=1377177267&lat=5&cell=257,02,16,2224&cell=257,02,16,2223,90"
            "&wifi=00-14-22-01-23-ab,80&wifi=00-14-22-01-23-ab,-80"
        )
        self.assertEqual((position.outdated, position.latitude, position.device_time), (True, 0.0, TIME))
        self.assertEqual(
            position.network,
            Network(
                [CellTower(257, 2, 16, 2224), CellTower(257, 2, 16, 2223, -90)],
                [WifiAccessPoint("00:14:22:01:23:ab", -80)],
            ),
        )
        self.assertEqual(one("lat=1&lon=2").network, None)

    def test_place(self) -> None:
        """Latitude and longitude may come in one parameter."""
        position = one("location=60.0,30.0,7")
        self.assertEqual((position.latitude, position.longitude, position.outdated), (60.0, 30.0, False))

    def test_bad_values(self) -> None:
        """What is no number where one must be, is an error of the request."""
        for query in (
            "lat=",
            "lat=1,5",
            "lat=91&lon=0",
            "lat=0&lon=-180.1",
            "lat=NaN&lon=0",
            "location=1",
            "location=1,",
            "speed=fast",
            "altitude=",
            "batt=50%25",
            "hdop=x",
            "cell=1,2,3",
            "cell=1,2,3,x",
            "cell=1,2,3,4294967296",
            "wifi=00-11",
            "wifi=00-11,x",
            "timestamp=yesterday",
            "x=%zz",
        ):
            with self.assertRaises(BAD_FRAME, msg=query):
                one(query)

    def test_not_a_number(self) -> None:
        """What a sender does not know is not told; it spoils neither the position nor the texts."""
        position = one("lat=1&lon=2&altitude=NaN&speed=Infinity&hdop=NaN&batt=-Infinity&x=NaN&y=1e999")
        self.assertEqual((position.altitude, position.speed, position.outdated), (0.0, 0.0, False))
        self.assertEqual(position.attributes, {"x": "NaN", "y": "Infinity"})

    def test_valid(self) -> None:
        """A position is valid unless it says otherwise."""
        for text, valid in {"true": True, "TRUE": True, "1": True, "0": False, "yes": False, "": False}.items():
            self.assertEqual(one(f"valid={text}").valid, valid)

    def test_charge(self) -> None:
        """Only the word true is true."""
        for text, charge in {"true": True, "True": True, "1": False, "": False}.items():
            self.assertEqual(attributes(f"charge={text}"), {"charge": charge})

    def test_speed(self) -> None:
        """The unit of the speed is a setting."""
        for unit, knots in {
            "kn": 10.0,
            "kmh": 10 * 0.539957,
            "mps": 10 * 1.94384,
            "mph": 10 * 0.868976,
            "x": 10.0,
        }.items():
            self.assertEqual(one("speed=10", settings={"osmand.speed": unit}).speed, knots)

    def test_speed_of_device(self) -> None:
        """It is that of the request's device, not of one before on the connection, wherever the id stands."""
        session = Session(osmand, "http")
        for id, unit, knots in (("7", "kmh", 10 * 0.539957), ("8", "kn", 10.0)):
            outputs: list[Output] = []
            for output in osmand.decode(Request(uri=f"/?speed=10&id={id}"), session):
                outputs.append(output)
                if isinstance(output, Login):
                    session.device = Device(id, attributes={"osmand.speed": unit})
            self.assertEqual([position.speed for position in positions(outputs)], [knots])

    def test_heading(self) -> None:
        """A course has two names, of which the later counts."""
        self.assertEqual(one("bearing=1&heading=2").course, 2.0)

    def test_other_names(self) -> None:
        """A value of another name is what it looks like: a number, a flag, or a text."""
        found = attributes(
            "ignition=true&mock=false&rpm=933&fuel=.5e1&card=1234567890D&alarm=sos&name=J%C3%B6rg+M&flag=True&empty="
            "&driverUniqueId=0012&nothing&hex=0x1p3"
        )
        self.assertEqual(
            found,
            {
                "ignition": True,
                "mock": False,
                "rpm": 933.0,
                "fuel": 5.0,
                "card": 1234567890.0,
                "alarm": "sos",
                "name": "Jörg M",
                "flag": "True",
                "driverUniqueId": "0012",
                "hex": 8.0,
            },
        )
        self.assertEqual((type(found["rpm"]), type(found["ignition"])), (float, bool))

    def test_repeated(self) -> None:
        """Of several values the last counts."""
        self.assertEqual(attributes("x=1&y=2&x=3"), {"x": 3.0, "y": 2.0})


class TimeTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """Seconds, milliseconds, ISO with an offset, or date and time."""
        for text, expected in {
            "1377177267": TIME,
            "1377177267500": TIME.replace(microsecond=500_000),
            "2147483646": datetime(2038, 1, 19, 3, 14, 6, tzinfo=UTC),
            "2147483647": datetime(1970, 1, 25, 20, 31, 23, 647_000, UTC),
            "-5": datetime(1969, 12, 31, 23, 59, 55, tzinfo=UTC),
            "2013-08-22T13:14:27Z": TIME,
            "2013-08-22T13:14:27z": TIME,
            "2013-08-22T15:14:27.5+02:00": TIME.replace(microsecond=500_000),
            "2013-08-22T13:14Z": TIME.replace(second=0),
            "2013-08-22T13:14:27-00:00:30[Europe/Berlin]": TIME.replace(second=57),
            "2013-08-22 13:14:27": TIME,
            "2013-02-31 24:00:00": datetime(2013, 3, 1, tzinfo=UTC),
        }.items():
            self.assertEqual(one(f"timestamp={quote(text)}").fix_time, expected, text)

    def test_none(self) -> None:
        """Without a timestamp it is now."""
        position = one("lat=1&lon=2")
        self.assertEqual((position.device_time, position.fix_time), (NOW, NOW))

    def test_zone(self) -> None:
        """Date and time are read in the server's zone."""
        position = one("timestamp=2013-08-22+15:14:27", zone=zone("Europe/Berlin"))
        self.assertEqual(position.fix_time, TIME)

    def test_bad(self) -> None:
        """What fits no form is an error."""
        for text in (
            "",
            "now",
            "1377177267.5",
            "99999999999999999999",
            "9223372036854775807",
            "2013-08-22T13:14:27",
            "2013-08-22T13:14:27+0200",
            "2013-08-22T24:00:00Z",
            "2013-08-22t13:14:27Z",
            "2013-02-30T00:00:00Z",
            "2013-8-22 13:14:27",
            "2013-08-22 13:14:60",
            "2013-08-22 13:14",
        ):
            with self.assertRaises(BAD_FRAME, msg=text):
                one(f"timestamp={quote(text)}")


class CommandTests(SynchronousTestCase):
    def test_queued(self) -> None:
        """A response carries the text of the oldest command."""
        queue = [Command("custom", {"data": "größer"}), Command("custom", {"data": "2"})]
        self.assertEqual(ask("id=7", queue=queue)[-2:], [TakeCommand(), Response(200, "größer".encode())])
        self.assertEqual(len(queue), 1)

    def test_without_text(self) -> None:
        """A command without text is used up, and the response is empty."""
        queue = [Command("rebootDevice")]
        self.assertEqual(ask("id=7", queue=queue)[-1], Response(200))
        self.assertEqual(queue, [])

    def test_json(self) -> None:
        """A JSON message leaves the commands in the queue."""
        queue = [Command("custom", {"data": "1"})]
        self.assertEqual(Talk(osmand, "http", queue=queue).ask(message())[-1], Response(200))
        self.assertEqual(len(queue), 1)

    def test_live(self) -> None:
        """Nothing is sent but in a response."""
        with self.assertRaises(Unsupported):
            commands.encode(osmand, Command("custom", {"data": "00"}), Session(osmand, device=Device("7")))


COORDS = {"latitude": -6.5, "longitude": 106, "accuracy": 12.5, "speed": 10, "heading": 63, "altitude": 35.7}


def message(content_type: str = "application/json; charset=utf-8", device_id: object = "7", **location: Any) -> Request:
    told = {"timestamp": "2013-08-22T13:14:27Z", "coords": COORDS} | location
    body = {"device_id": device_id, "location": {name: value for name, value in told.items() if value is not None}}
    return Request("POST", "/?id=9&lat=x", {"content-type": content_type}, json.dumps(body).encode())


def location(**members: Any) -> Position:
    outputs = Talk(osmand, "http").ask(message(**members))
    (position,) = positions(outputs)
    return position


class JsonTests(SynchronousTestCase):
    def test_location(self) -> None:
        """A location is a fix with what is known around it; the query is not looked at."""
        outputs = Talk(osmand, "http").ask(
            message(
                event="motionchange",
                is_moving=False,
                uuid="x",
                odometer=12.9,
                mock=True,
                activity={"type": "still", "confidence": 100},
                battery={"is_charging": True, "level": 0.29},
                alarm="sos",
                extras={},
            )
        )
        position = Position(
            TIME,
            TIME,
            valid=True,
            latitude=-6.5,
            longitude=106.0,
            altitude=35.7,
            speed=19.4384,
            course=63.0,
            accuracy=12.5,
            attributes={
                "event": "motionchange",
                "motion": False,
                "odometer": 12,
                "mock": True,
                "activity": "still",
                "batteryLevel": 28,
                "charge": True,
                "alarm": "sos",
            },
        )
        self.assertEqual(outputs, [LOGIN, position, Response(200)])

    def test_type(self) -> None:
        """Only the content type, as it is written, makes a request JSON."""
        for content_type in ("Application/JSON", "text/json", ""):
            with self.assertRaises(ValueError):
                Talk(osmand, "http").ask(message(content_type))

    def test_stranger(self) -> None:
        """An unknown device is not found."""
        self.assertEqual(Talk(osmand, "http", known=()).ask(message()), [LOGIN, Response(404)])

    def test_no_fix(self) -> None:
        """Without coordinates the last known place stands."""
        position = location(coords=None, event="heartbeat")
        self.assertEqual((position.outdated, position.valid, position.device_time), (True, False, TIME))
        self.assertEqual(position.attributes, {"event": "heartbeat"})

    def test_unknown_values(self) -> None:
        """Negative speed and heading are none, and so is an accuracy better than the setting."""
        position = location(coords=COORDS | {"speed": -1, "heading": -1, "accuracy": 9.9})
        self.assertEqual((position.speed, position.course, position.accuracy), (0.0, 0.0, 0.0))
        talk = Talk(osmand, "http", settings={"osmand.minAccuracy": "5"})
        self.assertEqual(positions(talk.ask(message(coords=COORDS | {"accuracy": 9.9})))[0].accuracy, 9.9)

    def test_battery(self) -> None:
        """A level is a hundredth, cut; a negative one is not known; a charger is told when it is there."""
        for level, expected in {0.79: 79, 0.57: 56, 0.58: 57, 1: 100, 0: 0}.items():
            found = location(battery={"level": level, "is_charging": False}).attributes
            self.assertEqual((found, type(found["batteryLevel"])), ({"batteryLevel": expected}, int))
        self.assertEqual(
            location(battery={"level": 1e300, "is_charging": False}).attributes["batteryLevel"], 2147483647
        )
        self.assertEqual(location(battery={"level": -1, "is_charging": True}).attributes, {"charge": True})

    def test_extras(self) -> None:
        """Extras become attributes of their own type, over those that are there."""
        found = location(
            event="x",
            extras={
                "event": "y",
                "whole": 12,
                "huge": 1 << 63,
                "part": 1.0,
                "text": "é",
                "empty": "",
                "flag": False,
                "none": None,
                "list": [1],
                "object": {},
                "alarm": "sos",
            },
        ).attributes
        expected = {
            "event": "y",
            "whole": 12,
            "huge": -1 << 63,
            "part": 1.0,
            "text": "é",
            "flag": False,
            "alarm": "sos",
        }
        self.assertEqual(repr(found), repr(expected))
        self.assertEqual(location(alarm="tow", extras={"alarm": "sos"}).attributes, {"alarm": "tow"})

    def test_wrong_types(self) -> None:
        """A member of another type is an error, and so is a missing one that must be there."""
        wrong: list[dict[str, Any]] = [
            {"device_id": 7},
            {"device_id": None},
            {"timestamp": None},
            {"timestamp": 1377177267},
            {"timestamp": "2013-08-22 13:14:27"},
            {"coords": []},
            {"coords": COORDS | {"latitude": None}},
            {"coords": COORDS | {"latitude": "1"}},
            {"coords": COORDS | {"latitude": 90.1}},
            {"coords": COORDS | {"speed": True}},
            {"coords": {"latitude": 1, "longitude": 2}},
            {"event": 5},
            {"is_moving": 1},
            {"odometer": "5"},
            {"activity": {}},
            {"battery": {"level": 1}},
            {"battery": {"is_charging": True}},
            {"alarm": 1},
            {"extras": []},
        ]
        for members in wrong:
            with self.assertRaises(BAD_FRAME, msg=repr(members)):
                location(**members)

    def test_malformed(self) -> None:
        """What is no JSON object with a location is an error."""
        for body in (
            b"",
            b"{",
            b"[]",
            b"null",
            b'"x"',
            b'{"device_id":"7"}',
            b'{"device_id":"7","location":null}',
            b'{"device_id":"7","location":[{}]}',
            b"[" * 60000,
            b'{"device_id":"7","location":NaN}',
        ):
            with self.assertRaises(BAD_FRAME, msg=repr(body[:20])):
                Talk(osmand, "http").ask(Request("POST", "/", {"content-type": "application/json"}, body))

    def test_null_members(self) -> None:
        """A member that is null is not the same as none."""
        body = b'{"device_id":"7","location":{"timestamp":"2013-08-22T13:14:27Z","coords":null}}'
        with self.assertRaises(WireError):
            Talk(osmand, "http").ask(Request("POST", "/", {"content-type": "application/json"}, body))
