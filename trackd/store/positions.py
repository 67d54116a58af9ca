"""Stored positions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any

from attrs import define

from trackd.store.database import Database, Queries
from trackd.store.rows import PositionRow, columns

COLUMNS = columns(PositionRow, "p")

# The latest position of the device whose state is s. The state names the whole key, so that one partition is asked. If it
# names none that there is (it is in the quarantine, or was stored already under another id), the newest up to then is.
LATEST = """
(SELECT * FROM positions
    WHERE device_id = s.device_id AND fix_time = s.position_time AND id = s.position_id LIMIT 1)
UNION ALL
(SELECT * FROM positions
    WHERE device_id = s.device_id AND fix_time <= s.position_time ORDER BY fix_time DESC, id DESC LIMIT 1)
LIMIT 1
"""

# After a deletion: the state names the newest position that is left, or none.
REPAIR = """
UPDATE device_states s SET (position_id, position_time) = (
    SELECT id, fix_time FROM positions WHERE device_id = s.device_id AND fix_time <= s.position_time
    ORDER BY fix_time DESC, id DESC LIMIT 1)
WHERE s.device_id = %s AND s.position_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM positions WHERE device_id = s.device_id AND fix_time = s.position_time AND id = s.position_id)
"""

# Rows that are deleted in one transaction.
DELETED_AT_ONCE = 10_000

# Rows that are read at once: parsing them holds up the reactor for a few milliseconds.
PIECE = 1000


@define(eq=False)
class Positions:
    database: Database

    async def latest(self, device_ids: Iterable[int], since: datetime | None = None) -> list[PositionRow]:
        """The latest position of each of these devices that has one, or has one with a fix not before `since`."""
        ids = list(device_ids)
        found: list[PositionRow] = []
        for start in range(0, len(ids), PIECE):
            rows = await self.database.query(
                f"SELECT {COLUMNS} FROM device_states s, LATERAL ({LATEST}) p WHERE s.device_id = ANY(%s::bigint[])"
                " AND (%s::timestamptz IS NULL OR s.position_time >= %s AND p.fix_time >= %s)",
                [ids[start : start + PIECE], since, since, since],
            )
            found += [PositionRow(*row) for row in rows]
        return found

    async def by_ids(self, ids: Iterable[int]) -> list[PositionRow]:
        """Those that there are, in no order."""
        rows = await self.database.query(
            f"SELECT {COLUMNS} FROM positions p WHERE p.id = ANY(%s::bigint[])", [list(ids)]
        )
        return [PositionRow(*row) for row in rows]

    async def between(
        self, device_id: int, start: datetime, end: datetime, limit: int = 0, piece: int = PIECE
    ) -> AsyncIterator[list[PositionRow]]:
        """
        The positions of a device with fix times from `start` to `end`, both included, the oldest first.

        They come in pieces; no connection is held between two of them. `limit` is the number of all, 0 for no limit.
        """
        after, last_id, left = start, -1, limit
        while True:
            size = min(piece, left) if limit else piece
            rows = await self.database.query(
                f"SELECT {COLUMNS} FROM positions p WHERE p.device_id = %s AND p.fix_time >= %s AND p.fix_time <= %s"
                " AND (p.fix_time, p.id) > (%s, %s) ORDER BY p.fix_time, p.id LIMIT %s",
                [device_id, after, end, after, last_id, size],
            )
            if rows:
                found = [PositionRow(*row) for row in rows]
                after, last_id = found[-1].fix_time, found[-1].id
                left -= len(found)
                yield found
            if len(rows) < size or (limit and not left):
                return

    async def delete(self, device_id: int, start: datetime, end: datetime, piece: int = DELETED_AT_ONCE) -> None:
        """
        Delete the positions of a device with fix times from `start` to `end`, both included, the oldest first.

        If its latest is among them, the newest that is left becomes it. Other servers are told.
        """
        while True:
            rows = await self.database.query(
                "SELECT fix_time FROM positions WHERE device_id = %s AND fix_time >= %s AND fix_time <= %s"
                " ORDER BY fix_time OFFSET %s LIMIT 1",
                [device_id, start, end, piece],
            )
            # Many may have the time at which a piece ends: they go with it.
            until = rows[0][0] if rows else end
            await self._without(device_id, "fix_time >= %s AND fix_time <= %s", [start, until])
            if not rows:
                return
            start = until

    async def delete_one(self, position: PositionRow) -> None:
        """The same for one position."""
        await self._without(position.device_id, "fix_time = %s AND id = %s", [position.fix_time, position.id])

    async def _without(self, device_id: int, condition: str, args: list[Any]) -> None:
        async def work(queries: Queries) -> None:
            await queries.run(f"DELETE FROM positions WHERE device_id = %s AND {condition}", [device_id, *args])
            await queries.run(REPAIR, [device_id])
            await queries.run("SELECT pg_notify('changes', %s)", [f"positions {device_id}"])

        await self.database.transaction(work)
