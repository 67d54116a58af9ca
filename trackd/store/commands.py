"""Commands that wait for their device."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define

from trackd.store.database import Database, Refused
from trackd.store.rows import CommandRow, as_json, columns

COLUMNS = columns(CommandRow)


@define(eq=False)
class QueuedCommands:
    """`most`: commands that may wait for one device."""

    database: Database
    most: int = 1000

    async def add(self, device_id: int, type: str, attributes: dict[str, Any], text_channel: bool = False) -> int:
        """The command's number in the queue. Refused if there is no such device, or if too many wait for it."""
        rows = await self.database.query(
            "INSERT INTO queued_commands (device_id, type, text_channel, attributes) SELECT %s, %s, %s, %s"
            " WHERE (SELECT count(*) FROM queued_commands WHERE device_id = %s) < %s RETURNING id",
            [device_id, type, text_channel, as_json(attributes), device_id, self.most],
        )
        if not rows:
            raise Refused("54000", f"{self.most} commands wait for the device already")
        return int(rows[0][0])

    async def waiting(self, device_id: int) -> list[CommandRow]:
        """The commands that are to be sent, the oldest first."""
        rows = await self.database.query(
            f"SELECT {COLUMNS} FROM queued_commands WHERE device_id = %s AND failure IS NULL ORDER BY id", [device_id]
        )
        return [CommandRow(*row) for row in rows]

    async def take(self, device_id: int, at_most: int | None = None) -> list[CommandRow]:
        """Take commands out of the queue, the oldest first; what another server is just taking stays out of it."""
        rows = await self.database.query(
            # Materialized: as a mere subquery it could be asked again for each row, and find more each time.
            "WITH wanted AS MATERIALIZED (SELECT id AS number FROM queued_commands"
            "  WHERE device_id = %s AND failure IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED),"
            " taken AS (DELETE FROM queued_commands USING wanted WHERE device_id = %s AND id = number"
            f" RETURNING {COLUMNS}) SELECT * FROM taken ORDER BY id",
            [device_id, at_most, device_id],
        )
        return [CommandRow(*row) for row in rows]

    async def remove(self, device_id: int, id: int) -> bool:
        """Whether it was still there."""
        return bool(
            await self.database.run("DELETE FROM queued_commands WHERE device_id = %s AND id = %s", [device_id, id])
        )

    async def failed(self, device_id: int, id: int, reason: str) -> None:
        """It cannot be sent: it stays, with the reason, and is not tried again."""
        await self.database.run(
            "UPDATE queued_commands SET failure = %s WHERE device_id = %s AND id = %s", [reason, device_id, id]
        )

    async def counts(self, device_ids: Iterable[int]) -> dict[int, int]:
        """How many commands wait for each of these devices; those for which none waits are missing."""
        rows = await self.database.query(
            "SELECT device_id, count(*) FROM queued_commands WHERE device_id = ANY(%s::bigint[]) AND failure IS NULL"
            " GROUP BY device_id",
            [list(device_ids)],
        )
        return dict(rows)

    async def all(self, device_id: int) -> list[CommandRow]:
        """All commands of a device, also those that have failed, the oldest first."""
        rows = await self.database.query(
            f"SELECT {COLUMNS} FROM queued_commands WHERE device_id = %s ORDER BY id", [device_id]
        )
        return [CommandRow(*row) for row in rows]
