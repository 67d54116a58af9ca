"""
The objects of this dialect that clients write: their members in the order of the wire, and how each is read.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from trackd.rest.body import (
    ANY,
    DOUBLE,
    FLAG,
    FREE,
    INT,
    LONG,
    MOMENT,
    TEXT,
    Member,
    Model,
    Type,
    or_zero,
    read_double,
    read_integer,
    read_text,
    same,
)
from trackd.track import area, calendar

# Characters of the JSON of one object's attributes.
ATTRIBUTES = 4000
# Bytes of a calendar.
CALENDAR_SIZE = 64 * 1024


def text(name: str, most: int = 128, *, trim: bool = False, required: bool = False, field: str = "") -> Member:
    return Member(name, TEXT, field, trim=trim, required=required, most=most)


ID = Member("id", LONG, ro=True)
FREE_FORM = Member("attributes", FREE, most=ATTRIBUTES)

DEVICE = Model(
    "Device",
    (
        ID,
        FREE_FORM,
        Member("groupId", LONG),
        Member("calendarId", LONG),
        text("name", required=True),
        text("uniqueId", trim=True, required=True),
        Member("status", TEXT, default="offline", ro=True),
        Member("lastUpdate", MOMENT, ro=True),
        Member("positionId", LONG, ro=True),
        text("phone", trim=True),
        text("model"),
        text("contact", 512),
        text("category"),
        Member("disabled", FLAG),
        Member("expirationTime", MOMENT),
    ),
    frozenset(
        """
        motionStreak motionState motionPositionId motionTime motionDistance motionLatitude motionLongitude
        overspeedState overspeedTime overspeedGeofenceId
        """.split()
    ),
)

GROUP = Model("Group", (ID, FREE_FORM, Member("groupId", LONG), text("name", required=True)))

USER = Model(
    "User",
    (
        ID,
        FREE_FORM,
        text("name", required=True),
        text("login", trim=True),
        text("email", trim=True, required=True),
        text("phone", trim=True),
        Member("readonly", FLAG),
        Member("administrator", FLAG),
        text("map"),
        Member("latitude", DOUBLE),
        Member("longitude", DOUBLE),
        Member("zoom", INT),
        text("coordinateFormat"),
        Member("disabled", FLAG),
        Member("expirationTime", MOMENT),
        Member("deviceLimit", INT),
        Member("userLimit", INT),
        Member("deviceReadonly", FLAG),
        Member("limitCommands", FLAG),
        Member("disableReports", FLAG),
        Member("fixedEmail", FLAG),
        text("poiLayer", 512),
        text("totpKey", 64),
        Member("temporary", FLAG),
        Member("password", TEXT, ro=True, write_only=True),
    ),
    frozenset(("hashedPassword", "salt", "manager")),
)

SERVER = Model(
    "Server",
    (
        ID,
        FREE_FORM,
        Member("registration", FLAG),
        Member("readonly", FLAG),
        Member("deviceReadonly", FLAG),
        text("map"),
        text("bingKey"),
        text("mapUrl", 512),
        text("overlayUrl", 512),
        Member("latitude", DOUBLE),
        Member("longitude", DOUBLE),
        Member("zoom", INT),
        Member("forceSettings", FLAG),
        text("coordinateFormat"),
        Member("limitCommands", FLAG),
        Member("disableReports", FLAG),
        Member("fixedEmail", FLAG),
        text("poiLayer", 512),
        text("announcement", 4000),
        Member("emailEnabled", FLAG, ro=True),
        Member("geocoderEnabled", FLAG, ro=True),
        Member("textEnabled", FLAG, ro=True),
        Member("storageSpace", ANY, ro=True),
        Member("newServer", FLAG, ro=True),
        Member("openIdEnabled", FLAG, ro=True),
        Member("openIdForce", FLAG, ro=True),
        Member("version", TEXT, ro=True),
    ),
    tolerant=True,
)

COMMAND = Model(
    "Command",
    (
        ID,
        FREE_FORM,
        Member("deviceId", LONG),
        text("type"),
        Member("textChannel", FLAG),
        text("description", 4000),
    ),
    tolerant=True,
)

QUEUED_COMMAND = Model(
    "QueuedCommand", (ID, FREE_FORM, Member("deviceId", LONG), text("type"), Member("textChannel", FLAG))
)


def is_said(value: Any) -> bool:
    """Whether something is said at all."""
    return value is not None and value != ""


ACCUMULATORS = Model(
    "DeviceAccumulators",
    (
        Member("deviceId", LONG),
        Member("totalDistance", Type("double", lambda said: read_double(said) if is_said(said) else None, same)),
        Member("hours", Type("long", lambda said: read_integer(said) if is_said(said) else None, same)),
    ),
)


def read_area(value: Any) -> str | None:
    """The text of an area, which can be read as one. Raises ValueError."""
    found = read_text(value)
    if found is not None:
        area.parse(found)
    return found


def read_calendar(value: Any) -> bytes | None:
    """The calendar that a text in base64 is, which can be read as one. Raises ValueError."""
    text = read_text(value)
    if text is None:
        return None
    try:
        # Who encodes may break lines.
        found = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if len(found) > CALENDAR_SIZE:
        raise ValueError(f"is longer than {CALENDAR_SIZE} bytes")
    calendar.parse(found)
    return found


AREA = Type("string", read_area, same, size=len)
ICALENDAR = Type("string", read_calendar, lambda value: base64.b64encode(value).decode())
# An id that cannot be left out.
NEEDED = Type("long", lambda value: read_integer(value) or None, or_zero)

GEOFENCE = Model(
    "Geofence",
    (
        ID,
        FREE_FORM,
        Member("calendarId", LONG),
        text("name", required=True),
        text("description"),
        Member("area", AREA, required=True, most=4096),
    ),
    frozenset(("geometry",)),
)
NOTIFICATION = Model(
    "Notification",
    (
        ID,
        FREE_FORM,
        text("description", 4000),
        Member("calendarId", LONG),
        Member("always", FLAG),
        text("type", required=True),
        Member("commandId", LONG),
        text("notificators"),
    ),
    frozenset(("notificatorsTypes",)),
)
MESSAGE = Model(
    "NotificationMessage",
    (
        text("subject", 500, required=True),
        text("digest", 500),
        text("body", 10_000, required=True),
        Member("priority", FLAG),
    ),
)
CALENDAR = Model(
    "Calendar",
    (ID, FREE_FORM, text("name", required=True), Member("data", ICALENDAR, required=True)),
    frozenset(("calendar",)),
)
ATTRIBUTE = Model(
    "Attribute",
    (
        ID,
        text("description", 4000, required=True),
        text("attribute", required=True),
        text("expression", 4000, required=True),
        text("type", required=True),
        Member("priority", INT),
    ),
)
# One that is tried out: its value is all that is wanted.
TRIED = Model(
    "TriedAttribute",
    (
        ID,
        text("description", 4000),
        text("attribute"),
        text("expression", 4000, required=True),
        text("type", required=True),
        Member("priority", INT),
    ),
)
DRIVER = Model("Driver", (ID, FREE_FORM, text("name", required=True), text("uniqueId", trim=True, required=True)))
MAINTENANCE = Model(
    "Maintenance",
    (
        ID,
        FREE_FORM,
        text("name", 4000, required=True),
        text("type", required=True),
        Member("start", DOUBLE),
        Member("period", DOUBLE),
    ),
)
SAVED_COMMAND = Model(
    "SavedCommand",
    (
        ID,
        FREE_FORM,
        Member("deviceId", LONG, ro=True),
        text("type", required=True),
        Member("textChannel", FLAG),
        text("description", 4000, required=True),
    ),
    tolerant=True,
)
ORDER = Model(
    "Order",
    (
        ID,
        FREE_FORM,
        text("uniqueId", required=True),
        text("description", 512),
        text("fromAddress", 512),
        text("toAddress", 512),
    ),
)
REPORT = Model(
    "Report",
    (
        ID,
        FREE_FORM,
        Member("calendarId", NEEDED, required=True),
        text("type", 32, required=True),
        text("description", required=True),
    ),
)
