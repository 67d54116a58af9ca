"""
What one transaction writes, and the one text that writes it: a statement a table, the rows as arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import Factory, define
from orjson import dumps
from twisted.internet.defer import Deferred

from trackd.store.report import Event, Report, State

# Between the texts of an array: attributes are JSON, which writes control characters as \u001e.
BETWEEN = "\x1e"
NOTHING = "\x1f"

POSITIONS = """
INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, latitude, longitude,
    altitude, speed, course, accuracy, digest, said, address, network, geofence_ids, attributes)
SELECT id, device_id, protocol, server_time, device_time, fix_time, valid,
    latitude, longitude, altitude, speed, course, accuracy, digest, said, address, network::json,
    geofence_ids::json, attributes::json
FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::bool[],
    %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::bigint[], %s::timestamptz[],
    string_to_array(%s, E'\\x1e'), string_to_array(%s, E'\\x1e', E'\\x1f'), string_to_array(%s, E'\\x1e', E'\\x1f'),
    string_to_array(%s, E'\\x1e', E'\\x1f'), string_to_array(%s, E'\\x1e'))
    AS said (id, device_id, server_time, device_time, fix_time, valid, latitude, longitude, altitude, speed, course,
        accuracy, digest, said, protocol, address, network, geofence_ids, attributes)
ON CONFLICT DO NOTHING
"""

EVENTS = """
INSERT INTO events (id, device_id, type, event_time, position_id, geofence_id, maintenance_id, attributes)
SELECT id, device_id, type, to_timestamp(event_time), nullif(position_id, 0), nullif(geofence_id, 0),
    nullif(maintenance_id, 0), attributes::json
FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::bigint[], %s::bigint[], %s::bigint[],
    string_to_array(%s, E'\\x1e'), string_to_array(%s, E'\\x1e'))
    AS found (id, device_id, event_time, position_id, geofence_id, maintenance_id, type, attributes)
ON CONFLICT DO NOTHING
"""

# The times that are compared with those of positions come as texts: as a number a distant one would not be the same.
STATES = """
UPDATE device_states SET
    status = CASE WHEN device_states.epoch = now.epoch THEN now.status ELSE claim_lost(now.device_id) END,
    last_update = to_timestamp(now.last_update), position_id = nullif(now.position_id, 0), position_time = now.position_time,
    newest = now.newest, motion_streak = now.motion_streak, motion_state = now.motion_state,
    motion_position_id = nullif(now.motion_position_id, 0), motion_time = to_timestamp(now.motion_time),
    motion_distance = now.motion_distance, motion_latitude = now.motion_latitude,
    motion_longitude = now.motion_longitude, overspeed_state = now.overspeed_state,
    overspeed_time = to_timestamp(now.overspeed_time), overspeed_geofence_id = nullif(now.overspeed_geofence_id, 0)
FROM unnest(%s::bigint[], string_to_array(%s, ','), %s::float8[], %s::bigint[], %s::timestamptz[], %s::timestamptz[],
    %s::bool[], %s::bool[], %s::bigint[], %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::bool[],
    %s::float8[], %s::bigint[], %s::bigint[])
    AS now (device_id, status, last_update, position_id, position_time, newest, motion_streak, motion_state,
        motion_position_id, motion_time, motion_distance, motion_latitude, motion_longitude, overspeed_state,
        overspeed_time, overspeed_geofence_id, epoch)
WHERE device_states.device_id = now.device_id
"""


# A sign may be older than a report of the same batch, which is written before it. Of a device that is another server's
# by now it means nothing.
SIGNS = """
UPDATE device_states SET status = now.status,
    last_update = greatest(device_states.last_update, to_timestamp(now.last_update))
FROM unnest(%s::bigint[], string_to_array(%s, ','), %s::float8[], %s::bigint[])
    AS now (device_id, status, last_update, epoch)
WHERE device_states.device_id = now.device_id AND device_states.epoch = now.epoch
"""

QUARANTINE = """
INSERT INTO quarantine (id, device_id, protocol, received, reason, report, frame)
VALUES (%s, %s, %s, to_timestamp(%s), %s, %s, %s)
ON CONFLICT DO NOTHING
"""
# Taken before, so that a row of which nobody knows whether it is stored can be sent again.
QUARANTINE_ID = "SELECT nextval(pg_get_serial_sequence('quarantine', 'id'))"

Sign = tuple[str, datetime | None, int]  # status, last update, and the epoch of the claim


@define(eq=False)
class Batch:
    """What one transaction has written."""

    reports: list[Report] = Factory(list)
    events: list[Event] = Factory(list)  # those without a report
    signs: dict[int, Sign] = Factory(dict)  # of life, by device, without a report
    done: Deferred[None] | None = None  # all who wait for it have this one
    tried: Deferred[None] | None = None  # and those who wait until it is known what becomes of it, this one
    again: list[Deferred[None]] = Factory(list)  # reports that were taken out of it, and go their way again
    since: float = 0.0  # nothing of it came before (s, by the clock)
    size: int = 0  # bytes of the reports, about: their frames and attributes

    def __bool__(self) -> bool:
        return bool(self.reports or self.events or self.signs or self.again)


# The SQL state of a transaction that writes of a device that is another server's by now: see `claim_lost`.
CLAIM_LOST = "TD001"

SHOWN = (
    "device_id protocol server_time device_time fix_time valid latitude longitude altitude speed course accuracy"
    " network said digest address geofence_ids"
).split()


def storable(text: str) -> str:
    """The text without what PostgreSQL has not: NUL, and half a surrogate pair."""
    return text.replace("\0", "").encode(errors="replace").decode()


def told(report: Report) -> str:
    """The report for who looks at it in the quarantine."""
    said = {name: getattr(report, name) for name in SHOWN} | {"attributes": report.json}
    try:
        return dumps(said, default=str).decode()
    except TypeError:
        return ascii(said)


def statements(batch: Batch) -> tuple[str, list[Any]]:
    """The one text that writes the batch (in the simple protocol, one transaction), and its arguments."""
    sql, args = [], []
    if batch.reports:
        sql.append(POSITIONS)
        args += _positions(batch.reports)
    if events := events_of(batch):
        sql.append(EVENTS)
        args += _found(events)
    if states := {report.device_id: report.state for report in batch.reports if report.state is not None}:
        sql.append(STATES)
        # In the order of the ids, so that two servers can't wait for each other's rows.
        args += _states([states[device] for device in sorted(states)])
    if signs := sorted(batch.signs.items()):
        sql.append(SIGNS)
        args += [
            _array([device for device, _ in signs]),
            ",".join([status for _, (status, _, _) in signs]),
            _array([_seconds(last_update) for _, (_, last_update, _) in signs]),
            _array([epoch for _, (_, _, epoch) in signs]),
        ]
    return ";".join(sql), args


def events_of(batch: Batch) -> list[Event]:
    return [event for report in batch.reports for event in report.events] + batch.events


def _array(values: Sequence[Any]) -> str:
    return "{" + dumps(values)[1:-1].decode() + "}"


def _positions(reports: list[Report]) -> list[Any]:
    ids, devices, protocols, addresses, networks, geofences, texts, *columns = zip(
        *[
            (
                report.id,
                report.device_id,
                report.protocol,
                report.address,
                report.network,
                report.geofence_ids,
                report.json,
                report.server_time,
                report.device_time,
                report.fix_time,
                report.valid,
                report.latitude,
                report.longitude,
                report.altitude,
                report.speed,
                report.course,
                report.accuracy,
                report.digest,
                None if report.said == report.fix_time else report.said,
            )
            for report in reports
        ],
        strict=True,
    )
    return [
        _array(ids),
        _array(devices),
        *map(_array, columns),
        BETWEEN.join(protocols),
        BETWEEN.join([NOTHING if address is None else address for address in addresses]),
        BETWEEN.join([NOTHING if network is None else network for network in networks]),
        BETWEEN.join([NOTHING if ids is None else dumps(ids).decode() for ids in geofences]),
        BETWEEN.join(texts),
    ]


def _found(events: list[Event]) -> list[Any]:
    return [
        _array([event.id for event in events]),
        _array([event.device_id for event in events]),
        _array([event.event_time.timestamp() for event in events]),
        _array([event.position_id for event in events]),
        _array([event.geofence_id for event in events]),
        _array([event.maintenance_id for event in events]),
        BETWEEN.join([event.type for event in events]),
        BETWEEN.join([dumps(event.attributes).decode() for event in events]),
    ]


def _states(states: list[State]) -> list[Any]:
    return [
        _array([state.device_id for state in states]),
        ",".join([state.status for state in states]),
        _array([_seconds(state.last_update) for state in states]),
        _array([state.fix.id if state.fix else 0 for state in states]),
        _array([state.fix.time if state.fix else None for state in states]),
        _array([state.newest for state in states]),
        _array([state.motion_streak for state in states]),
        _array([state.motion_state for state in states]),
        _array([state.motion_fix.id if state.motion_fix else 0 for state in states]),
        _array([_seconds(state.motion_time) for state in states]),
        _array([state.motion_distance for state in states]),
        _array([state.motion_latitude for state in states]),
        _array([state.motion_longitude for state in states]),
        _array([state.overspeed_state for state in states]),
        _array([_seconds(state.overspeed_time) for state in states]),
        _array([state.overspeed_geofence_id for state in states]),
        _array([state.epoch for state in states]),
    ]


def _seconds(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()
