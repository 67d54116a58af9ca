"""
The rows of the tables as values: one class a table, one attribute a column, under the column's name.

    await database.query(f"SELECT {columns(DeviceRow)} FROM devices …")     →  DeviceRow(*row)

Times are aware, columns of JSON are parsed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import attrs
import orjson
from attrs import Factory, define, field


def parsed(text: Any) -> Any:
    """The value of a JSON text; what is no text has been parsed already."""
    if not isinstance(text, str):
        return text
    try:
        return orjson.loads(text)
    except ValueError:  # half a surrogate pair, which PostgreSQL's json lets pass
        return json.loads(text)


def as_json(value: Any) -> str:
    """A value as the text of a JSON column."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits, or half a surrogate pair
        return json.dumps(value, separators=(",", ":"))


def columns(row: type, alias: str = "") -> str:
    """The columns of a row class, in its order, for SELECT."""
    prefix = alias + "." if alias else ""
    return ", ".join([prefix + name for name in names(row)])


def names(row: type) -> Sequence[str]:
    return [attribute.name for attribute in attrs.fields(row)]


@define(eq=False)
class ServerRow:
    """
    What administrators say of the whole server; there is one row. `latitude`, `longitude` (degrees) and `zoom`: where
    maps begin for users who do not say it themselves.
    """

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    registration: bool
    readonly: bool
    device_readonly: bool
    map: str | None
    bing_key: str | None
    map_url: str | None
    overlay_url: str | None
    latitude: float
    longitude: float
    zoom: int
    force_settings: bool
    coordinate_format: str | None
    limit_commands: bool
    disable_reports: bool
    fixed_email: bool
    poi_layer: str | None
    announcement: str | None


@define(eq=False)
class UserRow:
    """
    A user. `device_limit`, `user_limit`: how many of them it may have, below 0 any number; who may have no users is no
    manager. `latitude`, `longitude` (degrees), `zoom`: where its maps begin. `totp_key`: of its one-time codes, in
    base32. `temporary`: a guest, who has come by a shared link. Without a `password_hash` no password is right.
    """

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    name: str
    login: str | None
    email: str
    phone: str | None
    readonly: bool
    administrator: bool
    map: str | None
    latitude: float
    longitude: float
    zoom: int
    coordinate_format: str | None
    disabled: bool
    expiration_time: datetime | None
    device_limit: int
    user_limit: int
    device_readonly: bool
    limit_commands: bool
    disable_reports: bool
    fixed_email: bool
    poi_layer: str | None
    totp_key: str | None
    temporary: bool
    password_hash: str | None


@define(eq=False)
class GroupRow:
    """`group_id`: the group that it is in."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    group_id: int | None
    name: str


@define(eq=False)
class DeviceRow:
    """What users say of a device. One that is `disabled`, or whose `expiration_time` is over, is not let in."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    group_id: int | None
    calendar_id: int | None
    name: str
    unique_id: str
    phone: str | None
    model: str | None
    contact: str | None
    category: str | None
    disabled: bool
    expiration_time: datetime | None


@define(eq=False)
class StateRow:
    """What the server has found out about a device. Distances in metres."""

    device_id: int
    status: str = "offline"
    last_update: datetime | None = None
    position_id: int | None = None
    position_time: datetime | None = None
    newest: datetime | None = None
    motion_streak: bool = False
    motion_state: bool = False
    motion_position_id: int | None = None
    motion_time: datetime | None = None
    motion_distance: float = 0.0
    motion_latitude: float = 0.0
    motion_longitude: float = 0.0
    overspeed_state: bool = False
    overspeed_time: datetime | None = None
    overspeed_geofence_id: int | None = None
    node_id: int | None = None  # the server that has the device
    epoch: int = 0  # how often it has changed hands


class Position(Protocol):
    """
    What a row of positions has in common with a report that is to become one. Degrees, metres, knots; times are aware.
    """

    id: int
    device_id: int
    protocol: str
    server_time: datetime
    device_time: datetime
    fix_time: datetime
    valid: bool
    latitude: float
    longitude: float
    altitude: float
    speed: float
    course: float
    address: str | None
    accuracy: float
    network: Any
    geofence_ids: Any
    attributes: Any


@define(eq=False)
class PositionRow:
    """Degrees, metres, knots."""

    id: int
    device_id: int
    protocol: str
    server_time: datetime
    device_time: datetime
    fix_time: datetime
    valid: bool
    latitude: float
    longitude: float
    altitude: float
    speed: float
    course: float
    address: str | None
    accuracy: float
    network: dict[str, Any] | None = field(converter=parsed)
    geofence_ids: list[int] | None = field(converter=parsed)
    attributes: dict[str, Any] = field(converter=parsed)
    said: datetime | None
    digest: int


class PlainPosition(NamedTuple):
    """
    A position as it is shown to clients, for lists of many: what JSON will have as text is text already.

    Times are `2026-01-31T07:05:09.120+00:00`; `network`, `geofence_ids` and `attributes` are JSON. `key` is the exact
    time of fix.
    """

    id: int
    device_id: int
    protocol: str
    server_time: str
    device_time: str
    fix_time: str
    valid: bool
    latitude: float
    longitude: float
    altitude: float
    speed: float
    course: float
    address: str | None
    accuracy: float
    network: str | None
    geofence_ids: str | None
    attributes: str
    key: str


@define(eq=False)
class FixRow:
    """The part of a position that the history of a device is made of."""

    id: int
    fix_time: datetime
    latitude: float
    longitude: float
    server_time: datetime


@define(eq=False)
class EventRow:
    """Something that has happened to a device. `event_time`: by the device's clock, if it has told of it."""

    id: int
    device_id: int
    type: str
    event_time: datetime
    position_id: int | None
    geofence_id: int | None
    maintenance_id: int | None
    attributes: dict[str, Any] = field(converter=parsed)


@define(eq=False)
class CommandRow:
    """A command that waits; with `failure`, one that could not be sent and is not tried again."""

    id: int
    device_id: int
    type: str
    text_channel: bool
    attributes: dict[str, Any] = field(converter=parsed)
    created: datetime
    failure: str | None
    direct: bool = False  # somebody waits for what becomes of it


@define(eq=False)
class SessionRow:
    """`digest` is the SHA-256 of what the client holds."""

    digest: bytes
    user_id: int
    created: datetime
    last_used: datetime
    expires: datetime | None
    token_id: int | None
    origin: str | None


@define(eq=False)
class TokenRow:
    """`digest` is the SHA-256 of the token."""

    id: int
    digest: bytes
    user_id: int
    created: datetime
    expires: datetime
    revoked: datetime | None


@define(eq=False)
class ActionRow:
    """What somebody did; `user_id` 0 is nobody that is known, `object_id` 0 nothing in particular."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    time: datetime
    address: str | None
    user_id: int
    type: str
    object_type: str | None
    object_id: int


@define(eq=False)
class DayRow:
    """How much was done on a day; `protocols`: devices by wire format, None if there was none."""

    id: int
    capture_time: datetime
    requests: int
    messages_received: int
    messages_stored: int
    mail_sent: int
    sms_sent: int
    geocoder_requests: int
    geolocation_requests: int
    active_users: int
    active_devices: int
    protocols: dict[str, int] | None = field(converter=parsed)


@define(eq=False)
class UnknownRow:
    """An id that nobody knows; `last_frame` is hex."""

    unique_id: str
    protocol: str
    address: str
    first_seen: datetime
    last_seen: datetime
    count: int
    last_frame: str


@define(eq=False)
class QuarantineRow:
    """A report that the database refused; `report` is JSON."""

    id: int
    device_id: int
    protocol: str | None
    received: datetime
    reason: str
    report: str
    frame: bytes | None


@define(eq=False)
class Loaded:
    """All that processing needs of a device. `groups`: its group, that one's parent, and so on to the root."""

    device: DeviceRow
    state: StateRow
    last: PositionRow | None
    groups: list[GroupRow] = Factory(list)
    queued: int = 0  # commands
    fences: list[int] = Factory(list)  # ids of its geofences, and of those that its groups lend
