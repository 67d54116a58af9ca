"""What is stored from now on, found by asking again and again: for an onlooker without a part in the server."""

from __future__ import annotations

from attrs import define, field

from trackd.store.database import Database, Row
from trackd.store.rows import EventRow, PositionRow, columns

POSITIONS = columns(PositionRow, "n")
EVENTS = columns(EventRow, "n")


# Servers give ids out of blocks of their own: what one stores now may have a smaller id than what another has stored
# before. So far back it is looked for.
LOOK_BACK = 20_000


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
    _seen: dict[str, set[int]] = field(factory=dict, init=False)  # where several servers store: ids that were told

    async def start(self) -> None:
        """What is there by now is not asked for."""
        for table in ("positions", "events"):
            rows = await self.database.query(f"SELECT id FROM {table} ORDER BY id DESC LIMIT 1")
            self._after[table] = after = rows[0][0] if rows else 0
            if await self._several():
                self._seen[table] = await self._recent(table, after)

    async def positions(self) -> list[tuple[str, PositionRow]]:
        """Those that have come since the last question, `most` at the most: the rest comes with the next one."""
        return [(row[0], PositionRow(*row[1:])) for row in await self._next("positions", POSITIONS)]

    async def events(self) -> list[tuple[str, EventRow]]:
        """The same of events."""
        return [(row[0], EventRow(*row[1:])) for row in await self._next("events", EVENTS)]

    async def _next(self, table: str, wanted: str) -> list[Row]:
        after = self._after[table]
        if not await self._several():
            rows = await self.database.query(
                f"SELECT d.unique_id, {wanted} FROM {table} n JOIN devices d ON d.id = n.device_id"
                " WHERE n.id > %s AND (%s::bigint IS NULL OR n.device_id = %s) ORDER BY n.id LIMIT %s",
                [after, self.device_id, self.device_id, self.most],
            )
        else:
            ids = await self._recent(table, after)
            if (seen := self._seen.get(table)) is None:
                seen = {id for id in ids if id <= after}
            new = sorted(ids - seen)[: self.most]
            rows = await self.database.query(
                f"SELECT d.unique_id, {wanted} FROM {table} n JOIN devices d ON d.id = n.device_id"
                " WHERE n.id = ANY(%s::bigint[]) ORDER BY n.id",
                [new],
            )
            self._seen[table] = seen & ids | set(new)
        if rows:
            self._after[table] = max(after, rows[-1][1])
        return rows

    async def _recent(self, table: str, after: int) -> set[int]:
        """The ids that are looked at."""
        rows = await self.database.query(
            f"SELECT id FROM {table} WHERE id > %s AND (%s::bigint IS NULL OR device_id = %s)",
            [after - LOOK_BACK, self.device_id, self.device_id],
        )
        return {id for (id,) in rows}

    async def _several(self) -> bool:
        """Whether more than one server stores."""
        [(several,)] = await self.database.query(
            "SELECT count(*) > 1 FROM nodes WHERE seen > now() - interval '1 minute'"
        )
        return bool(several)
