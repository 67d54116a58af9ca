"""
ORBCOMM satellite terminals (ST 6100, ST 9100 and their kin), whose messages a gateway keeps until it is asked for them.

    GET /GLGW/2/RestMessages.svc/JSON/get_return_messages/?access_id=7&password=…&start_utc=2022-02-17%2008%3A44%3A45

    {"ErrorID": 0, "NextStartUTC": "2022-02-17 08:44:45", "Messages": [
        {"MessageUTC": "2022-02-17 08:44:45", "MobileID": "01452955SKYB444", "Payload": {"Fields": [
            {"Name": "Latitude", "Value": "727668"}, {"Name": "Longitude", "Value": "902276"}, …]}}]}

The first question is for what has come since it is asked; each answer tells from when on the next one is to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from attrs import define

from trackd.wire.coordinates import check_position
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.http import Answer, Request
from trackd.wire.members import member, parsed
from trackd.wire.text import integer, long, utf8
from trackd.wire.times import pattern, seconds
from trackd.wire.units import kmh
from trackd.wire.values import Login, Output, Position

PATH = "/GLGW/2/RestMessages.svc/JSON/get_return_messages/"
time = pattern("yyyy-MM-dd HH:mm:ss")


@define
class State:
    """From when on messages are asked for."""

    start: datetime | None = None


def ask(session: Session) -> Request:
    state: State = session.state
    if state.start is None:
        state.start = session.now
    parameters = {
        "access_id": session.setting("accessId", ""),
        "password": session.setting("password", ""),
        "start_utc": state.start.replace(tzinfo=None).isoformat(" ", "seconds"),
    }
    query = "&".join(f"{name}={quote(value, safe='*')}" for name, value in parameters.items())
    return Request("GET", f"{PATH}?{query}", {"host": session.remote, "content-length": "0"})


def decode(answer: Answer, session: Session) -> Iterator[Output]:
    told = parsed(utf8(answer.body))
    if start := member(told, "NextStartUTC", str):
        session.state.start = time(start)
    if told["Messages"] is None:
        return
    for message in member(told, "Messages", list):
        yield Login.of(member(message, "MobileID", str), optional=True)
        if session.device is not None:
            yield report(message)


DEGREE = 60_000  # thousandths of a minute


def report(message: Any) -> Position:
    """A message of a terminal; most kinds have other fields than these, and no place."""
    position = Position(time(member(message, "MessageUTC", str)))
    for field in member(member(message, "Payload", dict), "Fields", list):
        value = member(field, "Value", str)
        match member(field, "Name", str).lower():
            case "eventtime":
                position.device_time = seconds(long(value))
            case "latitude":
                position.latitude = integer(value) / DEGREE
                check_position(position)  # another field of that name may overwrite it
            case "longitude":
                position.longitude = integer(value) / DEGREE
                check_position(position)
            case "speed":
                position.speed = kmh(integer(value))
            case "heading":
                course = integer(value)
                position.course = float(course) if course <= 360 else 0.0
    if position.latitude and position.longitude:
        position.valid = True
        position.fix_time = position.device_time
    else:
        position.outdated = True
    return position


orbcomm = WireFormat(
    "orbcomm",
    port=0,
    decode=decode,
    ask=ask,
    state=State,
    keys=(
        Key("accessId", str, "", "Name of the account at the gateway."),
        Key("password", str, "", "Password of the account.", secret=True),
    ),
)
