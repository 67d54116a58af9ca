"""What is stored from now on, found by asking again and again: for an onlooker without a part in the server."""

from __future__ import annotations

from attrs import define, field

from trackd.store.database import Database, Row
from trackd.store.rows import EventRow, PositionRow, columns

POSITIONS = columns(PositionRow, "n")
EVENTS = columns(EventRow, "n")


@define(eq=False)
class Tail:
    """
    Positions and events as they are stored, each with the unique id of its device, in the order of their ids.

    `device_id`: of this device alone. `most`: rows of either kind that one question brings.
    """

    database: Database
    device_id: int | None = None
    most: int = 1000
    _after: dict[str, int] = field(factory=dict, init=False)

    async def start(self) -> None:
        """What is there by now is not asked for."""
        for table in ("positions", "events"):
            rows = await self.database.query(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 1")
            self._after[table] = rows[0][0] if rows else 0

    async def positions(self) -> list[tuple[str, PositionRow]]:
        """Those that have come since the last question, `most` at the most: the rest comes with the next one."""
        return [(row[0], PositionRow(*row[1:])) for row in await self._next("positions", POSITIONS)]

    async def events(self) -> list[tuple[str, EventRow]]:
        """The same of events."""
        return [(row[0], EventRow(*row[1:])) for row in await self._next("events", EVENTS)]

    async def _next(self, table: str, wanted: str) -> list[Row]:
        rows = await self.database.query(
            f"SELECT d.unique_id, {wanted} FROM {table} n JOIN devices d ON d.id = n.device_id"
            " WHERE n.id > %s AND (%s::bigint IS NULL OR n.device_id = %s) ORDER BY n.id LIMIT %s",
            [self._after[table], self.device_id, self.device_id, self.most],
        )
        if rows:
            self._after[table] = rows[-1][1]
        return rows
