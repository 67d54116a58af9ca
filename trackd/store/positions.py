"""Stored positions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from attrs import define

from trackd.store.database import Database, Queries
from trackd.store.rows import PlainPosition, PositionRow, columns

COLUMNS = columns(PositionRow, "p")
# Writing a time costs PostgreSQL little, and nothing here.
SHOWN_TIME = """to_char(p.{0}, 'YYYY-MM-DD"T"HH24:MI:SS.MS+00:00')"""
PLAIN = ", ".join(
    "p.fix_time::text" if name == "key" else SHOWN_TIME.format(name) if name.endswith("_time") else f"p.{name}"
    for name in PlainPosition._fields
)

# The latest position of the device whose state is s. The state names the whole key, so that one partition is asked. If
# it names none that there is (it is in the quarantine, or was stored already under another id), the newest up to then
# is.
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


R = TypeVar("R", PositionRow, PlainPosition)


def _fix_time(row: PositionRow) -> datetime:
    return row.fix_time


def _key(row: PlainPosition) -> str:
    return row.key


@define(eq=False)
class Positions:
    database: Database

    async def latest(self, device_ids: Iterable[int], since: datetime | None = None) -> list[PositionRow]:
        """The latest position of each of these devices that has one, or has one with a fix not before `since`."""
        return [PositionRow(*row) for row in await self._latest(COLUMNS, device_ids, since)]

    async def latest_plain(self, device_ids: Iterable[int], since: datetime | None = None) -> list[PlainPosition]:
        """The same, to be shown."""
        return list(map(PlainPosition._make, await self._latest(PLAIN, device_ids, since)))

    async def _latest(self, chosen: str, device_ids: Iterable[int], since: datetime | None) -> list[tuple[Any, ...]]:
        ids = list(device_ids)
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(ids), PIECE):
            found += await self.database.query(
                f"SELECT {chosen} FROM device_states s, LATERAL ({LATEST}) p WHERE s.device_id = ANY(%s::bigint[])"
                " AND (%s::timestamptz IS NULL OR s.position_time >= %s AND p.fix_time >= %s)",
                [ids[start : start + PIECE], since, since, since],
            )
        return found

    async def by_ids(self, ids: Iterable[int]) -> list[PositionRow]:
        """Those that there are, in no order."""
        rows = await self.database.query(
            f"SELECT {COLUMNS} FROM positions p WHERE p.id = ANY(%s::bigint[])", [list(ids)]
        )
        return [PositionRow(*row) for row in rows]

    def between(
        self, device_id: int, start: datetime, end: datetime, limit: int = 0, piece: int = PIECE
    ) -> AsyncIterator[list[PositionRow]]:
        """
        The positions of a device with fix times from `start` to `end`, both included, the oldest first.

        They come in pieces; no connection is held between two of them. `limit` is the number of all, 0 for no limit.
        """
        return self._between(COLUMNS, lambda row: PositionRow(*row), _fix_time, device_id, start, end, limit, piece)

    def between_plain(
        self, device_id: int, start: datetime, end: datetime, limit: int = 0, piece: int = PIECE
    ) -> AsyncIterator[list[PlainPosition]]:
        """The same, to be shown."""
        return self._between(PLAIN, PlainPosition._make, _key, device_id, start, end, limit, piece)

    async def _between(
        self,
        chosen: str,
        make: Callable[[tuple[Any, ...]], R],
        key: Callable[[R], Any],
        device_id: int,
        start: datetime,
        end: datetime,
        limit: int,
        piece: int,
    ) -> AsyncIterator[list[R]]:
        after: Any = start
        last_id, left = -1, limit
        while True:
            size = min(piece, left) if limit else piece
            rows = await self.database.query(
                f"SELECT {chosen} FROM positions p WHERE p.device_id = %s AND p.fix_time >= %s AND p.fix_time <= %s"
                " AND (p.fix_time, p.id) > (%s, %s) ORDER BY p.fix_time, p.id LIMIT %s",
                [device_id, after, end, after, last_id, size],
            )
            if rows:
                found = [make(row) for row in rows]
                after, last_id = key(found[-1]), found[-1].id
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
