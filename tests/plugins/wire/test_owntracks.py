"""
OwnTracks by messages of its description.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.owntracks import owntracks
from tests.plugins.wire.talk import Device, Talk, positions
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.http import Request
from trackd.wire.values import Command, Login, Output, Position, Response, Unsupported

LOGIN = Login(("JJ",), optional=True)
TIME = datetime(2017, 6, 13, 10, 21, 56, tzinfo=UTC)
LOCATION = {"_type": "location", "tid": "JJ", "tst": 1497349316, "lat": 48.85833, "lon": -2.5}


def post(body: bytes, talk: Talk | None = None) -> list[Output]:
    return (talk or Talk(owntracks, "http")).ask(Request("POST", "/owntracks/user?u=x", {}, body))


def say(talk: Talk | None = None, **members: Any) -> list[Output]:
    """A location with these members besides the mandatory ones; one that is `...` is left out."""
    message = {name: value for name, value in (LOCATION | members).items() if value is not ...}
    return post(json.dumps(message).encode(), talk)


def one(**members: Any) -> Position:
    (position,) = positions(say(**members))
    return position


class LocationTests(SynchronousTestCase):
    def test_report(self) -> None:
        """A location is a fix; members that are not known are passed over."""
        outputs = say(vel=61.9, alt=-167.9, cog=271, acc=5, batt=67.9, vac=21, conn="w", m=None, mcc=232)
        position = Position(
            TIME,
            TIME,
            valid=True,
            latitude=48.85833,
            longitude=-2.5,
            altitude=-167.0,
            speed=61 * 0.539957,
            course=271.0,
            accuracy=5.0,
            attributes={"batteryLevel": 67},
        )
        self.assertEqual(repr(outputs), repr([LOGIN, position, Response(200)]))

    def test_bare(self) -> None:
        """Time and place are enough."""
        position = Position(TIME, TIME, valid=True, latitude=48.85833, longitude=-2.5)
        self.assertEqual(say(), [LOGIN, position, Response(200)])

    def test_times(self) -> None:
        """A location may be sent later than it was found; parts of a second are not read."""
        position = one(tst=1497349316.9, sent=1497349320)
        self.assertEqual((position.fix_time, position.device_time), (TIME, TIME.replace(minute=22, second=0)))
        self.assertEqual(one(tst=4102444800).fix_time, datetime(2100, 1, 1, tzinfo=UTC))

    def test_values(self) -> None:
        """Values and the types that they become."""
        found = one(
            uext=12, ubatt=4.1, vin="WVW", rpm=900.7, ign=True, motion=False, odometer=12.5, hmc=5400, batt=0
        ).attributes
        expected = {
            "batteryLevel": 0,
            "power": 12.0,
            "battery": 4.1,
            "vin": "WVW",
            "rpm": 900,
            "ignition": True,
            "motion": False,
            "odometer": 12500.0,
            "hours": 1.5,
        }
        self.assertEqual(repr(found), repr(expected))

    def test_name(self) -> None:
        """A name takes the place of a VIN."""
        self.assertEqual(one(name="van", vin="WVW").attributes, {"vin": "van"})

    def test_characters(self) -> None:
        """Each byte is a character."""
        body = json.dumps(LOCATION | {"name": "é"}, ensure_ascii=False).encode()
        (position,) = positions(post(body))
        self.assertEqual(position.attributes, {"vin": "Ã©"})
        self.assertEqual(one(name="é").attributes, {"vin": "é"})

    def test_analogue(self) -> None:
        """Inputs are texts, temperatures numbers; places beyond the count are not read."""
        told = {"adda-00": "1.5", "adda-02": "", "temp_c-01": 21, "temp_c-11": -0.5, "adda-100": "7", "adda-3": "x"}
        expected = {"adc1": "1.5", "temp2": 21.0, "temp12": -0.5}
        self.assertEqual(one(anum=100, **told).attributes, expected)
        self.assertEqual(one(anum=101, **told).attributes, expected | {"adc101": "7"})
        self.assertEqual(one(anum=1, **told).attributes, {"adc1": "1.5"})
        self.assertEqual(one(**told).attributes, {})
        self.assertEqual(one(anum=100, **{f"adda-{'1' * 5000}": "x"}).attributes, {})
        self.assertEqual(one(anum=2**31 - 1, **{"adda-2147483646": "x"}).attributes, {"adc2147483647": "x"})


class TriggerTests(SynchronousTestCase):
    def test_alarms(self) -> None:
        """Some reasons are alarms; the reason is told in any case."""
        for trigger, alarm in {
            "9": "lowBattery",
            "1": "powerOn",
            "E": "powerRestored",
            "e": "powerCut",
            "!": "tow",
            "s": "overspeed",
        }.items():
            self.assertEqual(one(t=trigger).attributes, {"event": trigger, "alarm": alarm})
        for trigger in ("u", "p", "t", "c", "S", "h", "99"):
            self.assertEqual(one(t=trigger).attributes, {"event": trigger})
        self.assertEqual(one(t="").attributes, {})

    def test_ignition(self) -> None:
        """Two reasons tell the ignition; its own member counts more."""
        self.assertEqual(one(t="i").attributes, {"event": "i", "ignition": True})
        self.assertEqual(one(t="I").attributes, {"event": "I", "ignition": False})
        self.assertEqual(one(t="I", ign=True).attributes, {"event": "I", "ignition": True})

    def test_harsh(self) -> None:
        """Harsh driving is of three kinds, each with two numbers."""
        kinds = ("hardBraking", "hardAcceleration", "hardCornering")
        for number in range(6):
            self.assertEqual(one(t="h", rty=number).attributes["alarm"], kinds[number % 3])
        self.assertEqual(one(t="h", rty=4.7).attributes["alarm"], "hardAcceleration")
        self.assertEqual(one(t="h", rty=2**32 + 5).attributes["alarm"], "hardCornering")
        for kind in (6, -1, "0", None, True, ...):
            self.assertEqual(one(t="h", rty=kind).attributes, {"event": "h"})
        self.assertEqual(one(t="u", rty="x").attributes, {"event": "u"})


class IdentityTests(SynchronousTestCase):
    def test_topic(self) -> None:
        """A topic as a whole is the id, otherwise the tracker's two letters."""
        self.assertEqual(say(topic="owntracks/user/phone")[0], Login(("owntracks/user/phone",), optional=True))
        self.assertEqual(say(topic="a", tid=5)[0], Login(("a",), optional=True))

    def test_connection(self) -> None:
        """Without an id it is the device of the connection, if that has one."""
        talk = Talk(owntracks, "http")
        self.assertEqual(say(talk, tid=...), [Login(optional=True), Response(400)])
        say(talk)
        self.assertEqual(len(positions(say(talk, tid=...))), 1)

    def test_stranger(self) -> None:
        """An unknown device is refused."""
        self.assertEqual(say(Talk(owntracks, "http", known=())), [LOGIN, Response(400)])

    def test_other_types(self) -> None:
        """Messages of other types are accepted and not read, whoever sends them."""
        for kind in ("lwt", "waypoint", "transition", "status", "card", "Location", ""):
            self.assertEqual(post(json.dumps({"_type": kind, "tst": "x"}).encode()), [Response(200)])


class WrongTests(SynchronousTestCase):
    def test_missing(self) -> None:
        """Type, time and place must be there."""
        for name in ("_type", "tst", "lat", "lon"):
            without: dict[str, Any] = {name: ...}
            with self.assertRaises(BAD_FRAME, msg=name):
                say(**without)

    def test_types(self) -> None:
        """A member of another type is an error, and null is one; so is a place that is none."""
        texts = ("tst", "sent", "lat", "lon", "vel", "alt", "cog", "acc", "batt", "uext", "ubatt", "rpm", "odometer")
        wrong: list[tuple[str, Any]] = [(name, "1") for name in (*texts, "hmc", "anum", "ign", "motion")]
        wrong += [(name, 1) for name in ("_type", "tid", "topic", "t", "vin", "name", "ign", "motion")]
        wrong += [(name, None) for name in LOCATION] + [("vel", None), ("t", None), ("acc", True)]
        wrong += [("lat", 90.1), ("lon", -180.1), ("tst", 1e300), ("tst", 10**15)]
        for name, value in wrong:
            with self.assertRaises(BAD_FRAME, msg=f"{name} {value}"):
                say(**{name: value})
        stranger = Talk(owntracks, "http", known=())
        with self.assertRaises(BAD_FRAME):
            say(stranger, lat=90.1)
        for place in ({"adda-00": 1}, {"temp_c-00": "1"}):
            with self.assertRaises(BAD_FRAME):
                say(anum=1, **place)

    def test_malformed(self) -> None:
        """What is no JSON object is an error."""
        for body in (
            b"",
            b"{",
            b"[]",
            b"null",
            b'"x"',
            b'{"_type":"location","tst":1e400}',
            b"[" * 60000,
            b"\xff\xfe{",
        ):
            with self.assertRaises(BAD_FRAME, msg=repr(body[:20])):
                post(body)


class CommandTests(SynchronousTestCase):
    def test_none(self) -> None:
        """Nothing can be sent."""
        with self.assertRaises(Unsupported):
            commands.encode(owntracks, Command("custom", {"data": "00"}), Session(owntracks, device=Device("JJ")))
