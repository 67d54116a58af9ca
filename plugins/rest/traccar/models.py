"""
Devices, positions and events as JSON objects of this dialect: member order, units, times and nulls of its contract.

The functions take rows of the store and give plain dicts; `dumps` makes the bytes. The socket sends the same objects,
thousands a second, so they are written for speed: a position costs about 3 µs, and its JSON another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import orjson
from orjson import Fragment

from trackd.rest.output import dumps, free, moment, number
from trackd.store.rows import PlainPosition, Position
from trackd.wire.values import Network

__all__ = ["device_json", "dumps", "event_json", "plain_json", "position_json"]


class Device(Protocol):
    """What users say of a device: a row of the store."""

    id: int
    attributes: Any
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


class DeviceState(Protocol):
    """What the server knows of a device."""

    status: str
    last_update: datetime | None
    position_id: int | None


class Event(Protocol):
    """A stored event."""

    id: int
    device_id: int
    type: str
    event_time: datetime
    position_id: int | None
    geofence_id: int | None
    maintenance_id: int | None
    attributes: Any


def device_json(row: Device, state: DeviceState | None) -> dict[str, Any]:
    """A device with its state; none means that it has never reported."""
    return {
        "id": row.id,
        "attributes": free(row.attributes),
        "groupId": row.group_id or 0,
        "calendarId": row.calendar_id or 0,
        "name": row.name,
        "uniqueId": row.unique_id,
        "status": state.status if state is not None else "offline",
        "lastUpdate": moment(state.last_update) if state is not None else None,
        "positionId": (state.position_id or 0) if state is not None else 0,
        "phone": row.phone,
        "model": row.model,
        "contact": row.contact,
        "category": row.category,
        "disabled": row.disabled,
        "expirationTime": moment(row.expiration_time),
    }


def position_json(row: Position) -> dict[str, Any]:
    """A position."""
    fix_time, device_time = row.fix_time, row.device_time
    shown_fix = moment(fix_time)
    # A format may say 5 where 5.0 is meant.
    latitude, longitude, altitude = row.latitude + 0.0, row.longitude + 0.0, row.altitude + 0.0
    speed, course, accuracy = row.speed + 0.0, row.course + 0.0, row.accuracy + 0.0
    attributes, network, geofences = row.attributes, row.network, row.geofence_ids
    shown: dict[str, Any] = {
        "id": row.id,
        "attributes": attributes if attributes.__class__ is dict else free(attributes),
        "deviceId": row.device_id,
        "protocol": row.protocol,
        "serverTime": moment(row.server_time),
        "deviceTime": shown_fix if device_time == fix_time else moment(device_time),
        "fixTime": shown_fix,
        "valid": row.valid,
        "latitude": latitude,
        "longitude": longitude,
        "altitude": altitude,
        "speed": speed,
        "course": course,
        "address": row.address,
        "accuracy": accuracy,
        "network": network_json(network) if network else None,
        "geofenceIds": free(geofences) if geofences and geofences != "[]" else None,
    }
    total = altitude + speed + course + accuracy
    if total - total != 0:
        _with_texts(shown)
    return shown


def plain_json(row: PlainPosition) -> dict[str, Any]:
    """A position of a list of many, whose texts are as they go out."""
    (
        id,
        device_id,
        protocol,
        server_time,
        device_time,
        fix_time,
        valid,
        latitude,
        longitude,
        altitude,
        speed,
        course,
        address,
        accuracy,
        network,
        geofences,
        attributes,
        _,
    ) = row
    shown = {
        "id": id,
        "attributes": Fragment(attributes),
        "deviceId": device_id,
        "protocol": protocol,
        "serverTime": server_time,
        "deviceTime": device_time,
        "fixTime": fix_time,
        "valid": valid,
        "latitude": latitude,
        "longitude": longitude,
        "altitude": altitude,
        "speed": speed,
        "course": course,
        "address": address,
        "accuracy": accuracy,
        "network": Fragment(network) if network else None,
        "geofenceIds": Fragment(geofences) if geofences and geofences != "[]" else None,
    }
    total = altitude + speed + course + accuracy
    if total - total != 0:
        _with_texts(shown)
    return shown


def _with_texts(shown: dict[str, Any]) -> None:
    """One of the numbers is infinite, or no number at all."""
    for name in ("altitude", "speed", "course", "accuracy"):
        shown[name] = number(shown[name])


def event_json(row: Event, message: str | None = None) -> dict[str, Any]:
    """An event; over the socket with the short text that the user reads."""
    attributes = row.attributes
    if message is not None:
        attributes = {**(orjson.loads(attributes) if isinstance(attributes, str) else attributes), "message": message}
    return {
        "id": row.id,
        "attributes": free(attributes),
        "deviceId": row.device_id,
        "type": row.type,
        "eventTime": moment(row.event_time),
        "positionId": row.position_id or 0,
        "geofenceId": row.geofence_id or 0,
        "maintenanceId": row.maintenance_id or 0,
    }


def network_json(value: Network | Mapping[str, Any] | str) -> Any:
    """Cells and access points, from the value of a wire format or from the database."""
    return value.to_json() if isinstance(value, Network) else free(value)
