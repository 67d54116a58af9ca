"""
The record of what people do.

What is noted of a change is written in its transaction: neither is there without the other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any

from attrs import define, frozen

from trackd.store.database import Database, Queries
from trackd.store.rows import ActionRow, as_json, columns

# Rows that are read, or removed, at once.
PIECE = 1000
REMOVED = 10_000


@frozen
class Action:
    """One thing that somebody did; `user_id` 0: nobody that is known."""

    time: datetime
    address: str
    user_id: int
    type: str
    object_type: str | None = None
    object_id: int = 0
    attributes: dict[str, Any] = {}


# What is to be noted of a change, once the id of what was made or changed is known.
Note = Callable[[int], Sequence[Action]]


def unsaid(id: int) -> Sequence[Action]:
    """The note of a change that nobody has asked for."""
    return ()


async def add(queries: Queries, actions: Sequence[Action]) -> None:
    """All of them or none."""
    if not actions:
        return
    await queries.run(
        "INSERT INTO actions (time, address, user_id, type, object_type, object_id, attributes)"
        " SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::bigint[],"
        "  %s::json[])",
        [
            [one.time for one in actions],
            [one.address or None for one in actions],
            [one.user_id for one in actions],
            [one.type for one in actions],
            [one.object_type for one in actions],
            [one.object_id for one in actions],
            [as_json(one.attributes) for one in actions],
        ],
    )


@define(eq=False)
class Actions:
    database: Database

    async def add(self, action: Action) -> None:
        """For what is no change in the database."""
        await add(self.database, [action])

    async def between(
        self, start: datetime, end: datetime, piece: int = PIECE
    ) -> AsyncIterator[list[tuple[ActionRow, str | None]]]:
        """
        What was done from `start` to `end`, both included, the oldest first: each with the user's e-mail address of
        today, None for one who is gone.

        It comes in pieces; no connection is held between two of them.
        """
        after, last_id = start, -1
        while True:
            rows = await self.database.query(
                f"SELECT {columns(ActionRow, 'a')}, u.email FROM actions a"
                " LEFT JOIN users u ON u.id = a.user_id AND u.deleted_at IS NULL"
                " WHERE a.time >= %s AND a.time <= %s AND (a.time, a.id) > (%s, %s) ORDER BY a.time, a.id LIMIT %s",
                [after, end, after, last_id, piece],
            )
            if rows:
                found = [(ActionRow(*row[:-1]), row[-1]) for row in rows]
                after, last_id = found[-1][0].time, found[-1][0].id
                yield found
            if len(rows) < piece:
                return

    async def prune(self, before: datetime) -> int:
        """Remove what is older; how many."""
        removed = 0
        while count := await self.database.run(
            "DELETE FROM actions WHERE (time, id) IN (SELECT time, id FROM actions WHERE time < %s LIMIT %s)",
            [before, REMOVED],
        ):
            removed += count
        return removed
