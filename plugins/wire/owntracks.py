"""
OwnTracks in its HTTP mode, and what other senders post in its form: a JSON object in the body of a request.

    {"_type": "location", "tid": "JJ", "tst": 1497349316, "lat": 48.85833, "lon": 2.29513, "vel": 61, "cog": 271, …}

Only locations are read. https://owntracks.org/booklet/tech/json/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from trackd.wire import names
from trackd.wire.binary import int32
from trackd.wire.coordinates import check_position
from trackd.wire.format import Session, WireFormat
from trackd.wire.http import Request
from trackd.wire.members import member, optional, parsed
from trackd.wire.text import latin
from trackd.wire.times import seconds
from trackd.wire.units import kmh
from trackd.wire.values import Login, Output, Position, Response


def decode(request: Request, session: Session) -> Iterator[Output]:
    message = parsed(latin(request.body))
    if member(message, "_type", str) != "location":
        yield Response(200)
        return
    position = location(message)
    check_position(position)  # what cannot be read is an error of strangers too
    yield Login.of(optional(message, "topic" if "topic" in message else "tid", str), optional=True)
    if session.device is None:
        yield Response(400)
        return
    yield position
    yield Response(200)


# Members that become attributes as they are, in this order.
ATTRIBUTES: dict[str, tuple[type, str]] = {
    "batt": (int, names.BATTERY_LEVEL),
    "uext": (float, names.POWER),
    "ubatt": (float, names.BATTERY),
    "vin": (str, names.VIN),
    "name": (str, names.VIN),
    "rpm": (int, names.RPM),
    "ign": (bool, names.IGNITION),
    "motion": (bool, names.MOTION),
}
KILOMETRE = 1000  # m
HOUR = 3600  # s


def location(message: dict[str, Any]) -> Position:
    position = Position.at(
        moment(message, "tst"),
        valid=True,
        latitude=member(message, "lat", float),
        longitude=member(message, "lon", float),
        speed=kmh(optional(message, "vel", int) or 0),
        altitude=float(optional(message, "alt", int) or 0),
        course=float(optional(message, "cog", int) or 0),
        accuracy=float(optional(message, "acc", int) or 0),
    )
    if "sent" in message:
        position.device_time = moment(message, "sent")
    if "t" in message:
        set_trigger(position, member(message, "t", str), message.get("rty"))
    for name, (kind, attribute) in ATTRIBUTES.items():
        position.set(attribute, optional(message, name, kind))
    if (odometer := optional(message, "odometer", float)) is not None:
        position.set(names.ODOMETER, odometer * KILOMETRE)
    if (running := optional(message, "hmc", float)) is not None:
        position.set(names.HOURS, running / HOUR)  # hours, where others have milliseconds
    if "anum" in message:
        set_analogue(position, member(message, "anum", int), message)
    return position


def moment(message: dict[str, Any], name: str) -> datetime:
    """Whole seconds since 1970."""
    return seconds(int(member(message, name, float)))


# Why a location is sent.
ALARMS = {
    "9": names.ALARM_LOW_BATTERY,
    "1": names.ALARM_POWER_ON,
    "E": names.ALARM_POWER_RESTORED,
    "e": names.ALARM_POWER_CUT,
    "!": names.ALARM_TOW,
    "s": names.ALARM_OVERSPEED,
}
IGNITION = {"i": True, "I": False}
# Harsh driving has a trigger of its own, and types of it.
HARSH = "h"
HARSH_ALARMS = {
    0: names.ALARM_BRAKING,
    1: names.ALARM_ACCELERATION,
    2: names.ALARM_CORNERING,
    3: names.ALARM_BRAKING,
    4: names.ALARM_ACCELERATION,
    5: names.ALARM_CORNERING,
}


def set_trigger(position: Position, trigger: str, kind: Any) -> None:
    position.set(names.EVENT, trigger)
    position.set(names.IGNITION, IGNITION.get(trigger))
    position.add_alarm(ALARMS.get(trigger))
    if trigger == HARSH and type(kind) in (int, float):
        position.add_alarm(HARSH_ALARMS.get(int32(int(kind))))


# Two digits of a place from 0 on, more where two are not enough.
ANALOGUE = re.compile(r"(adda|temp_c)-(\d\d|[1-9]\d{2,9})", re.ASCII)


def set_analogue(position: Position, count: int, message: dict[str, Any]) -> None:
    """Analogue inputs and temperatures below `count`; the message, not the count, tells which are looked for."""
    for name in message:
        if (found := ANALOGUE.fullmatch(name)) and (place := int(found[2])) < count:
            if found[1] == "adda":
                position.set(f"{names.ADC}{place + 1}", member(message, name, str))
            else:
                position.set(f"{names.TEMP}{place + 1}", member(message, name, float))


owntracks = WireFormat("owntracks", port=5144, http=True, decode=decode)
