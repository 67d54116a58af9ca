"""
Geofences, notifications, calendars, computed attributes, drivers, maintenances, saved commands, orders and reports.

They differ in their columns only (`trackd.store.kinds`). A user sees those that are linked to it. Deleted ones stay in
their tables and are not found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define

from trackd.store.audit import Note, add, unsaid
from trackd.store.database import Database, Queries
from trackd.store.deletions import bury
from trackd.store.kinds import KINDS, PAIRS
from trackd.store.listing import EVERYTHING, Listing
from trackd.store.references import hold
from trackd.store.rows import columns
from trackd.store.statements import insert, update

Owner = tuple[str, int]  # a user, a group or a device: its kind and its id


@define(eq=False)
class Objects:
    """`kind` is a key of KINDS; rows are of that kind's class."""

    database: Database

    async def get(self, kind: str, id: int) -> Any | None:
        rows = await self.rows(kind, [id])
        return rows[0] if rows else None

    async def rows(self, kind: str, ids: Sequence[int]) -> list[Any]:
        """Those of these ids that there are, in their order."""
        chosen = KINDS[kind]
        found = await self.database.query(
            f"SELECT {columns(chosen.row, 'o')} FROM {chosen.table} o"
            " WHERE o.deleted_at IS NULL AND o.id = ANY(%s::bigint[])",
            [list(ids)],
        )
        by_id = {row[0]: chosen.row(*row) for row in found}
        return [by_id[id] for id in ids if id in by_id]

    async def ids(self, kind: str, *owners: Owner, listing: Listing = EVERYTHING) -> list[int]:
        """
        Those that are linked to all of these owners, in the order of the kind; without owners all that there are.

        There may be very many, so their rows are left to `rows`.
        """
        chosen = KINDS[kind]
        where, args = listing.where([f"o.{column}" for column in chosen.searched])
        linked = ""
        for owner, id in owners:
            pair = PAIRS[owner, kind]
            linked += f" AND o.id IN (SELECT {pair.column} FROM {pair.table} WHERE {pair.owner_column} = %s)"
            args.append(id)
        # The keyword's arguments come first, so its condition does.
        rows = await self.database.query(
            f"SELECT o.id FROM {chosen.table} o WHERE o.deleted_at IS NULL{where}{linked}"
            f" ORDER BY o.{chosen.sort}, o.id{listing.page}",
            args,
        )
        return [row[0] for row in rows]

    async def lent(self, kind: str, user_id: int, device_id: int) -> list[Any]:
        """Those that are linked to the user, and to the device or to a group that it is in, however far above."""
        chosen, own = KINDS[kind], PAIRS["user", kind]
        device, group = PAIRS["device", kind], PAIRS["group", kind]
        rows = await self.database.query(
            "WITH RECURSIVE above AS (SELECT group_id AS id FROM devices WHERE id = %s AND deleted_at IS NULL UNION"
            " SELECT g.group_id FROM groups g JOIN above ON g.id = above.id WHERE g.deleted_at IS NULL)"
            f" SELECT {columns(chosen.row, 'o')} FROM {chosen.table} o WHERE o.deleted_at IS NULL"
            f" AND o.id IN (SELECT {own.column} FROM {own.table} WHERE user_id = %s)"
            f" AND (o.id IN (SELECT {device.column} FROM {device.table} WHERE device_id = %s)"
            f" OR o.id IN (SELECT {group.column} FROM {group.table} WHERE group_id IN (SELECT id FROM above)))"
            f" ORDER BY o.{chosen.sort}, o.id",
            [device_id, user_id, device_id],
        )
        return [chosen.row(*row) for row in rows]

    async def linked(self, kind: str, user_id: int, id: int) -> bool:
        """Whether there is such an object and it is linked to the user."""
        pair = PAIRS["user", kind]
        rows = await self.database.query(
            f"SELECT FROM {pair.table} l JOIN {KINDS[kind].table} o ON o.id = l.{pair.column}"
            f" WHERE l.user_id = %s AND o.id = %s AND o.deleted_at IS NULL",
            [user_id, id],
        )
        return bool(rows)

    async def insert(
        self, kind: str, values: Mapping[str, Any], creator: int | None = None, note: Note = unsaid
    ) -> Any:
        """Make one and link it to the user who makes it. Refused for what it refers to and is not there."""
        chosen, pair = KINDS[kind], PAIRS["user", kind]

        async def work(queries: Queries) -> Any:
            await hold(queries, values)
            made = chosen.row(*(await queries.query(*insert(chosen.table, chosen.row, values)))[0])
            if creator is not None:
                await queries.run(
                    f"INSERT INTO {pair.table} (user_id, {pair.column}) VALUES (%s, %s)", [creator, made.id]
                )
            await add(queries, note(made.id))
            return made

        return await self.database.transaction(work)

    async def update(self, kind: str, id: int, values: Mapping[str, Any], note: Note = unsaid) -> Any | None:
        """Set some columns; the row as it is then, None if there is none."""
        chosen = KINDS[kind]

        async def work(queries: Queries) -> Any | None:
            await hold(queries, values)
            rows = await queries.query(
                *update(chosen.table, chosen.row, values, "id = %s AND deleted_at IS NULL", [id])
            )
            if not rows:
                return None
            await add(queries, note(id))
            return chosen.row(*rows[0])

        return await self.database.transaction(work)

    async def delete(self, kind: str, id: int, by: int | None = None, note: Note = unsaid) -> bool:
        """Mark one as deleted, and cut it off; whether there was one."""
        return await self.database.transaction(lambda queries: bury(queries, kind, id, by, note))
