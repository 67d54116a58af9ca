"""Stored events."""

from __future__ import annotations

from attrs import define

from trackd.store.database import Database
from trackd.store.rows import EventRow, columns


@define(eq=False)
class Events:
    database: Database

    async def get(self, id: int) -> EventRow | None:
        rows = await self.database.query(f"SELECT {columns(EventRow)} FROM events WHERE id = %s", [id])
        return EventRow(*rows[0]) if rows else None
