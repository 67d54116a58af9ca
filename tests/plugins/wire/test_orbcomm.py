"""
ORBCOMM by answers of its gateway.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.orbcomm import orbcomm
from tests.plugins.wire.talk import Device, Talk, positions
from trackd.keys import keys_of
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.http import Answer, Request
from trackd.wire.values import Command, Login, Output, Position, Unsupported

ID = "01452955SKYB444"
LOGIN = Login((ID,), optional=True)
MESSAGE = {
    "ID": 10343663424,
    "MessageUTC": "2022-02-17 08:44:45",
    "SIN": 126,
    "MobileID": ID,
    "Payload": {"Name": "MovingIntervalSat", "Fields": []},
}
SENT = datetime(2022, 2, 17, 8, 44, 45, tzinfo=UTC)
FIX = {"Latitude": "727668", "Longitude": "902276", "Speed": "10", "Heading": "271", "EventTime": "1645087473"}
PATH = "/GLGW/2/RestMessages.svc/JSON/get_return_messages/"


def message(fields: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """A message with these fields; a member that is `...` is left out."""
    listed = [{"Name": name, "Value": value} for name, value in (fields or {}).items()]
    merged: dict[str, Any] = MESSAGE | {"Payload": {"Name": "x", "Fields": listed}} | members
    return {name: value for name, value in merged.items() if value is not ...}


def answer(*messages: Any, **members: Any) -> Answer:
    merged = {"ErrorID": 0, "NextStartUTC": "", "Messages": list(messages)} | members
    merged = {name: value for name, value in merged.items() if value is not ...}
    return Answer(200, {}, json.dumps(merged).encode())


def said(*messages: Any, **members: Any) -> list[Output]:
    return list(Talk(orbcomm, "http").outputs(answer(*messages, **members)))


def one(**fields: Any) -> Position:
    (position,) = positions(said(message(fields)))
    return position


class AnswerTests(SynchronousTestCase):
    def test_report(self) -> None:
        """A message with a place is a fix, at the time of the event."""
        time = SENT.replace(second=33)
        position = Position.at(
            time,
            valid=True,
            latitude=12.1278,
            longitude=902276 / 60000,
            speed=10 * 0.539957,
            course=271.0,
        )
        self.assertEqual(repr(said(message(FIX))), repr([LOGIN, position]))

    def test_no_place(self) -> None:
        """Without a place, or with half of one, it is where the terminal was last."""
        self.assertEqual(said(message({"hardwareMajorVersion": "4"})), [LOGIN, Position.last(SENT)])
        for half in ({"Latitude": "60000"}, {"Longitude": "60000"}, {"Latitude": "60000", "Longitude": "0"}):
            position = one(**half)
            self.assertEqual((position.valid, position.outdated, position.fix_time), (False, True, None))

    def test_time(self) -> None:
        """Without a time of the event the message's counts."""
        self.assertEqual(one(Latitude="-60000", Longitude="-30000").fix_time, SENT)

    def test_names(self) -> None:
        """Fields are known by their names, however these are written; the last of one name counts."""
        position = one(LATITUDE="60000", longitude="120000", hEADING="1", Heading="2", SpeedLimit="x")
        self.assertEqual((position.latitude, position.longitude, position.course), (1.0, 2.0, 2.0))

    def test_heading(self) -> None:
        """A heading beyond the circle is none."""
        self.assertEqual([one(Heading=text).course for text in ("360", "361", "511")], [360.0, 0.0, 0.0])

    def test_several(self) -> None:
        """An answer has messages of many terminals; those of strangers are passed over, whatever is in them."""
        talk = Talk(orbcomm, "http", known=("A", "B"))
        told = list(talk.outputs(answer(message(FIX, MobileID="A"), message(None, Payload=5), message(MobileID="B"))))
        logins = [Login((id,), optional=True) for id in ("A", ID, "B")]
        self.assertEqual([output for output in told if isinstance(output, Login)], logins)
        self.assertEqual(len(positions(told)), 2)

    def test_none(self) -> None:
        """There may be no messages."""
        self.assertEqual([said(), said(Messages=None)], [[], []])

    def test_wrong(self) -> None:
        """What is missing, of another type, or no number is an error; so is a place that is none."""
        missing: list[Any] = [message(MobileID=...), message(MessageUTC=...), message(Payload=...)]
        missing += [message(Payload={}), message(Payload={"Fields": [{"Value": "1"}]})]
        types: list[Any] = [
            message(MobileID=5),
            message(MessageUTC=None),
            message(Payload=[]),
            message(Payload={"Fields": {}}),
        ]
        types += [message({"x": None}), message({"x": 5}), message(Payload={"Fields": [5]}), 5, None]
        names = ("Latitude", "Longitude", "Speed", "Heading", "EventTime")
        values = [message({name: value}) for name in names for value in ("", "x", "1.5", " 1")]
        values += [message({"Latitude": "5400060", "Longitude": "1"}), message({"EventTime": "9" * 18})]
        values += [message({name: "10800060", name.upper(): "60000"}) for name in ("Latitude", "Longitude")]
        values += [
            message(MessageUTC=text) for text in ("", "2022-02-17T08:44:45", "2022-02-17 08:44", "2022-13-01 00:00:00")
        ]
        for wrong in missing + types + values:
            with self.assertRaises(BAD_FRAME, msg=repr(wrong)):
                said(wrong)

    def test_malformed(self) -> None:
        """What is no answer of the gateway is an error."""
        for wrong in (
            answer(NextStartUTC=...),
            answer(NextStartUTC=None),
            answer(NextStartUTC="soon"),
            answer(Messages=...),
            answer(Messages={}),
            *(Answer(500, {}, body) for body in (b"", b"[]", b"null", b"<html>", b"{", b"\xff\xfe{\0}\0")),
        ):
            with self.assertRaises(BAD_FRAME, msg=repr(wrong)):
                list(Talk(orbcomm, "http").outputs(wrong))


class QuestionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.talk = Talk(orbcomm, "http", settings={"orbcomm.accessId": "7 é+", "orbcomm.password": "a-_.*~/&"})
        self.talk.session.remote = "isatdatapro.example"

    def asked(self) -> str:
        """The time from which on is asked."""
        assert orbcomm.ask is not None
        request: Request = orbcomm.ask(self.talk.session)
        start, _, time = request.uri.partition("&start_utc=")
        self.assertEqual(start, f"{PATH}?access_id=7%20%C3%A9%2B&password=a-_.*~%2F%26")
        self.assertEqual((request.method, request.body), ("GET", b""))
        self.assertEqual(request.headers, {"host": "isatdatapro.example", "content-length": "0"})
        return time

    def test_first(self) -> None:
        """The first question is for what comes from now on, and it stays so until the gateway says otherwise."""
        self.assertEqual(self.asked(), "2026-11-01%2012%3A34%3A56")
        self.talk.session.now = SENT
        list(self.talk.outputs(answer()))
        self.assertEqual(self.asked(), "2026-11-01%2012%3A34%3A56")

    def test_next(self) -> None:
        """Each answer tells what to ask for next, also one that cannot be read to its end."""
        list(self.talk.outputs(answer(NextStartUTC="2022-02-17 08:44:45")))
        self.assertEqual(self.asked(), "2022-02-17%2008%3A44%3A45")
        with self.assertRaises(BAD_FRAME):
            list(self.talk.outputs(answer(5, NextStartUTC="0022-02-17 08:44:46")))
        self.assertEqual(self.asked(), "0022-02-17%2008%3A44%3A46")


class SettingTests(SynchronousTestCase):
    def test_keys(self) -> None:
        """It is off until it has a port; the password of the account is not shown."""
        keys = keys_of(orbcomm)
        self.assertEqual(keys["port"].default, 0)
        self.assertEqual([keys[name].secret for name in ("password", "accessId")], [True, False])
        self.assertLess({"address", "ssl", "interval", "devices"}, set(keys))


class CommandTests(SynchronousTestCase):
    def test_none(self) -> None:
        """Nothing can be sent but text messages."""
        session = Session(orbcomm, device=Device(ID))
        with self.assertRaises(Unsupported):
            commands.encode(orbcomm, Command("custom", {"data": "0102"}), session)
        self.assertEqual(commands.encode_message(orbcomm, Command("custom", {"data": "0102"}), session), "0102")
