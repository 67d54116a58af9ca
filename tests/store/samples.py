"""Rows for tests; each test says only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from trackd.store.database import Database
from trackd.store.devices import Devices
from trackd.store.rows import DeviceRow, PositionRow, UserRow, as_json, columns, names
from trackd.store.users import Users

NOON = datetime(2024, 5, 15, 12, 0, tzinfo=UTC)

_numbers = count(1)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


async def user(db: Database, **values: Any) -> UserRow:
    number = next(_numbers)
    return await Users(db).insert({"name": f"User {number}", "email": f"user{number}@example.org"} | values)


async def device(db: Database, **values: Any) -> DeviceRow:
    number = next(_numbers)
    return await Devices(db).insert({"name": f"Device {number}", "unique_id": f"id{number}"} | values)


async def group(db: Database, parent: int | None = None, **attributes: Any) -> int:
    rows = await db.query(
        "INSERT INTO groups (name, group_id, attributes) VALUES ('Group', %s, %s) RETURNING id",
        [parent, as_json(attributes)],
    )
    return int(rows[0][0])


async def position(db: Database, device_id: int, fix_time: datetime = NOON, **values: Any) -> PositionRow:
    """A stored position; it is not the device's latest one by itself."""
    number = next(_numbers)
    row: dict[str, Any] = {
        "id": number,
        "device_id": device_id,
        "protocol": "test",
        "server_time": fix_time,
        "device_time": fix_time,
        "fix_time": fix_time,
        "valid": True,
        "latitude": 1.0,
        "longitude": 2.0,
        "altitude": 3.0,
        "speed": 4.0,
        "course": 5.0,
        "address": None,
        "accuracy": 6.0,
        "network": None,
        "geofence_ids": None,
        "attributes": "{}",
        "said": None,
        "digest": number,
    } | values
    assert list(row) == names(PositionRow)
    marks = ", ".join(["%s"] * len(row))
    await db.run(f"INSERT INTO positions ({columns(PositionRow)}) VALUES ({marks})", list(row.values()))
    return PositionRow(*row.values())


async def latest(db: Database, device_id: int, fix_time: datetime = NOON, **values: Any) -> PositionRow:
    """A stored position that the device's state names as its latest."""
    stored = await position(db, device_id, fix_time, **values)
    await db.run(
        "UPDATE device_states SET position_id = %s, position_time = %s WHERE device_id = %s",
        [stored.id, stored.fix_time, device_id],
    )
    return stored
