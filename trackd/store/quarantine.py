"""Reports that the database refused, until somebody has looked at them."""

from __future__ import annotations

from datetime import datetime

from attrs import define

from trackd.store.database import Database
from trackd.store.rows import QuarantineRow, columns

COLUMNS = columns(QuarantineRow)


@define(eq=False)
class Quarantine:
    database: Database

    async def add(
        self, device_id: int, protocol: str | None, received: datetime, reason: str, report: str, frame: bytes | None
    ) -> int:
        """Keep a report, `report` being JSON; its number."""
        rows = await self.database.query(
            "INSERT INTO quarantine (device_id, protocol, received, reason, report, frame)"
            " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            [device_id, protocol, received, reason, report, frame],
        )
        return int(rows[0][0])

    async def all(self, limit: int = 1000) -> list[QuarantineRow]:
        """The latest go first."""
        rows = await self.database.query(f"SELECT {COLUMNS} FROM quarantine ORDER BY id DESC LIMIT %s", [limit])
        return [QuarantineRow(*row) for row in rows]

    async def get(self, id: int) -> QuarantineRow | None:
        rows = await self.database.query(f"SELECT {COLUMNS} FROM quarantine WHERE id = %s", [id])
        return QuarantineRow(*rows[0]) if rows else None

    async def delete(self, id: int) -> bool:
        """Whether it was there."""
        return bool(await self.database.run("DELETE FROM quarantine WHERE id = %s", [id]))
