"""
Devices, and who can see which.

A user sees a device that is linked to it, and those in groups that are linked to it, in their children and in their
grandchildren. Deleted devices stay in the table and are not found; a deleted group lends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define

from trackd.store.audit import Note, add, unsaid
from trackd.store.database import Database, Queries
from trackd.store.deletions import bury
from trackd.store.errors import Full
from trackd.store.listing import EVERYTHING, Listing
from trackd.store.references import hold
from trackd.store.rows import DeviceRow, StateRow, as_json, columns, parsed
from trackd.store.statements import insert, update

COLUMNS = columns(DeviceRow, "d")
SEARCHED = ("d.name", "d.unique_id", "d.phone", "d.model", "d.contact")

# The groups that lend a user their devices; one argument, the user's id.
GROUPS = """
    WITH linked AS (
        SELECT g.id FROM user_group l JOIN groups g ON g.id = l.group_id
        WHERE l.user_id = %s AND g.deleted_at IS NULL
    ), children AS (
        SELECT g.id FROM groups g JOIN linked ON g.group_id = linked.id WHERE g.deleted_at IS NULL
    ), reached AS (
        SELECT id FROM linked UNION SELECT id FROM children
        UNION SELECT g.id FROM groups g JOIN children ON g.group_id = children.id WHERE g.deleted_at IS NULL
    )"""
# With GROUPS before it; one argument more, the same.
VISIBLE = """d.deleted_at IS NULL AND (d.id IN (SELECT device_id FROM user_device WHERE user_id = %s)
    OR d.group_id IN (SELECT id FROM reached))"""

# Pairs of device and user, the other way round; one argument, the devices' ids.
WATCHERS = """
    WITH asked AS (SELECT id, group_id FROM devices WHERE id = ANY(%s) AND deleted_at IS NULL),
    holding AS (
        SELECT a.id AS device_id, g.id AS group_id, g.group_id AS parent_id
        FROM asked a JOIN groups g ON g.id = a.group_id WHERE g.deleted_at IS NULL
    ), parents AS (
        SELECT h.device_id, g.id AS group_id, g.group_id AS parent_id
        FROM holding h JOIN groups g ON g.id = h.parent_id WHERE g.deleted_at IS NULL
    ), above AS (
        SELECT device_id, group_id FROM holding UNION SELECT device_id, group_id FROM parents
        UNION SELECT p.device_id, g.id FROM parents p JOIN groups g ON g.id = p.parent_id WHERE g.deleted_at IS NULL
    ), pairs AS (
        SELECT l.device_id, l.user_id FROM user_device l JOIN asked ON asked.id = l.device_id
        UNION SELECT a.device_id, l.user_id FROM above a JOIN user_group l ON l.group_id = a.group_id
    )
    SELECT p.device_id, p.user_id FROM pairs p JOIN users u ON u.id = p.user_id WHERE u.deleted_at IS NULL
"""


@define(eq=False)
class Devices:
    database: Database

    async def get(self, id: int) -> DeviceRow | None:
        rows = await self.by_ids([id])
        return rows[0] if rows else None

    async def by_ids(self, ids: Iterable[int]) -> list[DeviceRow]:
        """Those that there are, in no order."""
        return await self._where("d.id = ANY(%s::bigint[])", [list(ids)])

    async def by_unique_ids(self, unique_ids: Iterable[str]) -> list[DeviceRow]:
        """Those that there are, in no order."""
        return await self._where("d.unique_id = ANY(%s::text[])", [list(unique_ids)])

    async def all(self, listing: Listing = EVERYTHING, beside: int = 0) -> list[int]:
        """
        The ids of all devices, by name. There may be very many, so their rows are left to `by_ids`.

        `beside`: of those only that are linked to this device; 0 is no device.
        """
        where, args = listing.where(SEARCHED)
        near, more = _beside(beside)
        rows = await self.database.query(
            f"SELECT d.id FROM devices d WHERE d.deleted_at IS NULL{where}{near} ORDER BY d.name, d.id{listing.page}",
            [*args, *more],
        )
        return [row[0] for row in rows]

    async def seen_by(self, user_id: int, listing: Listing = EVERYTHING, beside: int = 0) -> list[int]:
        """The ids of those that a user can see, by name."""
        where, args = listing.where(SEARCHED)
        near, more = _beside(beside)
        rows = await self.database.query(
            f"{GROUPS} SELECT d.id FROM devices d WHERE {VISIBLE}{where}{near} ORDER BY d.name, d.id{listing.page}",
            [user_id, user_id, *args, *more],
        )
        return [row[0] for row in rows]

    async def of_user(self, user_id: int) -> list[DeviceRow]:
        """The devices that a user can see, by name."""
        rows = await self.database.query(
            f"{GROUPS} SELECT {COLUMNS} FROM devices d WHERE {VISIBLE} ORDER BY d.name, d.id", [user_id, user_id]
        )
        return [DeviceRow(*row) for row in rows]

    async def linked_to(self, user_id: int, listing: Listing = EVERYTHING, beside: int = 0) -> list[int]:
        """The ids of those that are linked to a user themselves, not through groups, by name."""
        where, args = listing.where(SEARCHED)
        near, more = _beside(beside)
        rows = await self.database.query(
            "SELECT d.id FROM devices d WHERE d.deleted_at IS NULL"
            " AND d.id IN (SELECT device_id FROM user_device WHERE user_id = %s)"
            f"{where}{near} ORDER BY d.name, d.id{listing.page}",
            [user_id, *args, *more],
        )
        return [row[0] for row in rows]

    async def ids_of_user(self, user_id: int) -> set[int]:
        """The ids of the devices that a user can see."""
        rows = await self.database.query(f"{GROUPS} SELECT d.id FROM devices d WHERE {VISIBLE}", [user_id, user_id])
        return {row[0] for row in rows}

    async def sees(self, user_id: int, device_id: int) -> bool:
        """Whether a user can see a device."""
        rows = await self.database.query(
            f"{GROUPS} SELECT FROM devices d WHERE d.id = %s AND {VISIBLE}", [user_id, device_id, user_id]
        )
        return bool(rows)

    async def users_of(self, ids: Iterable[int]) -> dict[int, set[int]]:
        """For each of these devices, the ids of the users who can see it."""
        found: dict[int, set[int]] = {id: set() for id in ids}
        for device_id, user_id in await self.database.query(WATCHERS, [list(found)]):
            found[device_id].add(user_id)
        return found

    async def states(self, ids: Iterable[int]) -> dict[int, StateRow]:
        """What the server knows of these devices; those that have never been heard of may be missing."""
        rows = await self.database.query(
            f"SELECT {columns(StateRow)} FROM device_states WHERE device_id = ANY(%s::bigint[])", [list(ids)]
        )
        return {row[0]: StateRow(*row) for row in rows}

    async def insert(
        self,
        values: Mapping[str, Any],
        creator: int | None = None,
        most: int | None = None,
        note: Note = unsaid,
    ) -> DeviceRow:
        """
        Make a device and link it to the user who makes it.

        Refused for a unique id that another device has; Full if the user sees `most` devices already.
        """

        async def work(queries: Queries) -> DeviceRow:
            if most is not None:
                # Whoever makes many at once makes them one after another.
                await queries.run("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", [creator])
                [(seen,)] = await queries.query(
                    f"{GROUPS} SELECT count(*) FROM devices d WHERE {VISIBLE}", [creator, creator]
                )
                if seen >= most:
                    raise Full
            await hold(queries, values)
            device = DeviceRow(*(await queries.query(*insert("devices", DeviceRow, values)))[0])
            await queries.run("INSERT INTO device_states (device_id) VALUES (%s)", [device.id])
            if creator is not None:
                await queries.run("INSERT INTO user_device (user_id, device_id) VALUES (%s, %s)", [creator, device.id])
            await add(queries, note(device.id))
            return device

        return await self.database.transaction(work)

    async def update(self, id: int, values: Mapping[str, Any], note: Note = unsaid) -> DeviceRow | None:
        """Set some columns; the device as it is then, None if there is none."""

        async def work(queries: Queries) -> DeviceRow | None:
            await hold(queries, values)
            rows = await queries.query(*update("devices", DeviceRow, values, "id = %s AND deleted_at IS NULL", [id]))
            if not rows:
                return None
            await add(queries, note(id))
            return DeviceRow(*rows[0])

        return await self.database.transaction(work)

    async def set_attribute(self, id: int, name: str, value: Any) -> bool:
        """Set one attribute, or remove it if the value is None; whether there is such a device."""

        async def work(queries: Queries) -> bool:
            # jsonb could do it in one statement, but refuses the NUL that another attribute may have.
            rows = await queries.query(
                "SELECT attributes FROM devices WHERE id = %s AND deleted_at IS NULL FOR UPDATE", [id]
            )
            if not rows:
                return False
            before = parsed(rows[0][0])
            after = {**before, name: value}
            if value is None:
                del after[name]
            if after != before:
                await queries.run("UPDATE devices SET attributes = %s WHERE id = %s", [as_json(after), id])
            return True

        return await self.database.transaction(work)

    async def delete(self, id: int, by: int | None = None, note: Note = unsaid) -> bool:
        """Mark a device as deleted, and unlink it; whether there was one. Its unique id is free from then on."""

        async def work(queries: Queries) -> bool:
            # They would be sent when it comes back, and nobody would remember why.
            await queries.run("DELETE FROM queued_commands WHERE device_id = %s", [id])
            return await bury(queries, "device", id, by, note)

        return await self.database.transaction(work)

    async def _where(self, condition: str, args: list[Any]) -> list[DeviceRow]:
        rows = await self.database.query(
            f"SELECT {COLUMNS} FROM devices d WHERE d.deleted_at IS NULL AND {condition}", args
        )
        return [DeviceRow(*row) for row in rows]


def _beside(device_id: int) -> tuple[str, list[Any]]:
    """A condition that begins with AND, and its arguments: none without a device."""
    if not device_id:
        return "", []
    return " AND d.id IN (SELECT linked_device_id FROM device_device WHERE device_id = %s)", [device_id]
