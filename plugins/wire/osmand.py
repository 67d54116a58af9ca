"""
OsmAnd, Traccar Client and many scripts: HTTP requests with a position in the query, in a form, or as JSON.

    /?id=123456&timestamp=1377177267&lat=60.0&lon=30.0&speed=0.0&bearing=0.0&altitude=0&hdop=0.0

    {"device_id": "123456", "location": {"timestamp": "2025-06-15T13:45:12.862Z", "coords": {"latitude": 37.4, …}}}

A name in the query that is not one of the known ones becomes an attribute. The response to a query carries the text of
the oldest queued command.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Any

from trackd.wire import names
from trackd.wire.binary import cut, int64
from trackd.wire.coordinates import check_position
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.http import Parameters, Request
from trackd.wire.members import member, optional, parsed
from trackd.wire.text import boolean, integer, long, number, shown, split_at, utf8
from trackd.wire.times import exactly, iso, millis, seconds
from trackd.wire.units import mps, speed
from trackd.wire.values import (
    CellTower,
    DeviceAttribute,
    Login,
    Network,
    Output,
    Position,
    Response,
    TakeCommand,
    WifiAccessPoint,
)

LAST_SECOND = 2_147_483_647  # from here on a timestamp is in milliseconds
FLAGS = {"true": True, "false": False}


def decode(request: Request, session: Session) -> Iterator[Output]:
    if request.content_type.startswith("application/json"):
        yield from location(parsed(utf8(request.body)), session)
    else:
        yield from report(request.query or request.form, session)


def report(parameters: Parameters, session: Session) -> Iterator[Output]:
    """Parameters, read in their order: what follows an id that is not known is not looked at."""
    position = Position(valid=True)
    network = Network()
    latitude = longitude = None
    spoken = 0.0
    known = False
    for name, value in ((name, value) for name, values in parameters.items() for value in values):
        match name:
            case "id" | "deviceid":
                yield Login.of(value, optional=True)
                known = session.device is not None
                if not known:
                    yield Response(400)
                    return
            case "notificationToken":
                if known and value:
                    yield DeviceAttribute("notificationTokens", value)
            case "valid":
                position.valid = boolean(value) or value == "1"
            case "timestamp":
                position.device_time = position.fix_time = moment(value, session.zone)
            case "lat":
                latitude = number(value)
            case "lon":
                longitude = number(value)
            case "location":
                latitude, longitude = map(number, split_at(value, ",")[:2])
            case "cell":
                mcc, mnc, lac, cid, *rest = map(integer, split_at(value, ",")[:5])
                network.add(CellTower(mcc, mnc, lac, cid, rest[0] if rest else None))
            case "wifi":
                mac, signal = split_at(value, ",")[:2]
                network.add(WifiAccessPoint(mac.replace("-", ":"), integer(signal)))
            case "speed":
                spoken = finite(value) or 0.0
            case "bearing" | "heading":
                position.course = finite(value) or 0.0
            case "altitude":
                position.altitude = finite(value) or 0.0
            case "accuracy":
                position.accuracy = finite(value) or 0.0
            case "hdop":
                position.set(names.HDOP, finite(value))
            case "batt":
                position.set(names.BATTERY_LEVEL, finite(value))
            case "driverUniqueId":
                position.set(names.DRIVER_UNIQUE_ID, value)
            case "charge":
                position.set(names.CHARGE, boolean(value))
            case _:
                position.set(name, attribute(value))
    position.speed = speed(spoken, session.setting("speed", "kn"))  # of the device, wherever its id stands
    if position.fix_time is None:
        position.device_time = position.fix_time = session.now
    if network.cells or network.wifi:
        position.network = network
    if latitude is not None and longitude is not None:
        position.latitude, position.longitude = latitude, longitude
        check_position(position)
    else:
        position.outdated = True
    if not known:
        yield Response(400)
        return
    yield position
    yield TakeCommand()
    text = session.command.attributes.get("data") if session.command is not None else None
    yield Response(200, shown(text).encode("utf-8", "replace"))


def moment(text: str, zone: tzinfo) -> datetime:
    """A timestamp: Unix seconds or milliseconds, ISO 8601, or a date and time in the server's zone."""
    try:
        epoch = long(text)
    except ValueError:
        return iso(text) if "T" in text else exactly("yyyy-MM-dd HH:mm:ss", text, zone)
    return seconds(epoch) if epoch < LAST_SECOND else millis(epoch)


def finite(text: str) -> float | None:
    """A number; nothing for NaN and Infinity, which some senders write for what they do not know."""
    value = number(text)
    return value if math.isfinite(value) else None


def attribute(text: str) -> float | bool | str:
    """What a text of unknown meaning is by its looks."""
    if text in FLAGS:
        return FLAGS[text]
    try:
        value = number(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else shown(value)


def location(message: Any, session: Session) -> Iterator[Output]:
    """A JSON message of one location."""
    yield Login.of(member(message, "device_id", str), optional=True)
    if session.device is None:
        yield Response(404)
        return
    told = member(message, "location", dict)
    position = Position.at(iso(member(told, "timestamp", str)))
    coords = optional(told, "coords", dict)
    if coords is None:
        position.outdated = True
    else:
        accuracy = member(coords, "accuracy", float)
        position.valid = True
        position.latitude = member(coords, "latitude", float)
        position.longitude = member(coords, "longitude", float)
        position.speed = mps(max(member(coords, "speed", float), 0.0))
        position.course = max(member(coords, "heading", float), 0.0)
        position.accuracy = accuracy if accuracy >= session.setting("minAccuracy", 10.0) else 0.0
        position.altitude = member(coords, "altitude", float)
    position.set(names.EVENT, optional(told, "event", str))
    position.set(names.MOTION, optional(told, "is_moving", bool))
    position.set(names.ODOMETER, optional(told, "odometer", int))
    position.set("mock", optional(told, "mock", bool))
    if (activity := optional(told, "activity", dict)) is not None:
        position.set("activity", member(activity, "type", str))
    if (battery := optional(told, "battery", dict)) is not None:
        level = member(battery, "level", float)
        if level >= 0:
            position.set(names.BATTERY_LEVEL, cut(level * 100))
        if member(battery, "is_charging", bool):
            position.set(names.CHARGE, True)
    alarm = optional(told, "alarm", str)
    position.set(names.ALARM, alarm)
    for name, value in (optional(told, "extras", dict) or {}).items():
        if isinstance(value, str | bool | float):
            kept: str | bool | float = value
        elif isinstance(value, int):
            kept = int64(value)
        else:
            continue
        if name != names.ALARM or alarm is None:
            position.set(name, kept)
    yield position
    yield Response(200)


osmand = WireFormat(
    "osmand",
    port=5055,
    http=True,
    web=True,
    decode=decode,
    keys=(
        Key("speed", str, "kn", "Unit in which a query tells the speed: kmh, mps or mph; anything else is knots."),
        Key("minAccuracy", float, 10.0, "JSON form: smaller accuracies, in metres, become 0."),
    ),
)
