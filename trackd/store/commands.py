"""Commands that wait for their device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define

from trackd.store.database import Database, Queries, Refused
from trackd.store.rows import CommandRow, as_json, columns

COLUMNS = columns(CommandRow)


@define(eq=False)
class QueuedCommands:
    """`most`: commands that may wait for one device."""

    database: Database
    most: int = 1000

    async def add(
        self, device_id: int, type: str, attributes: dict[str, Any], text_channel: bool = False, direct: bool = False
    ) -> int:
        """
        The command's number in the queue. Refused if there is no such device, or if too many wait for it.

        `direct`: whoever has the device is to say at once what becomes of it.
        """
        rows = await self.database.query(
            "INSERT INTO queued_commands (device_id, type, text_channel, attributes, direct) SELECT %s, %s, %s, %s, %s"
            " WHERE (SELECT count(*) FROM queued_commands WHERE device_id = %s) < %s RETURNING id",
            [device_id, type, text_channel, as_json(attributes), direct, device_id, self.most],
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

    async def hand(self, device_id: int, id: int, epoch: int, write: Callable[[], str | None]) -> bool:
        """
        Have `write` send a command, which then leaves the queue; whether it was there for this server.

        `write` says why it cannot be sent, if it cannot: then it stays, with the reason, and is not tried again. What
        `write` raises comes through, and the command waits on. A command that another server is just sending, or
        whose device is another's since `epoch`, is not there.
        """

        async def work(queries: Queries) -> bool:
            if not await queries.query(
                "SELECT FROM queued_commands c JOIN device_states s ON s.device_id = c.device_id"
                " WHERE c.device_id = %s AND c.id = %s AND c.failure IS NULL AND s.epoch = %s"
                " FOR UPDATE OF c SKIP LOCKED",
                [device_id, id, epoch],
            ):
                return False
            if (reason := write()) is None:
                await queries.run("DELETE FROM queued_commands WHERE device_id = %s AND id = %s", [device_id, id])
            else:
                await queries.run(
                    "UPDATE queued_commands SET failure = %s WHERE device_id = %s AND id = %s", [reason, device_id, id]
                )
            return True

        return await self.database.transaction(work)

    async def wait(self, device_id: int, id: int) -> str | None:
        """
        Nobody waits for this command any more. Why it cannot be sent, if it cannot: it is removed then; None if it waits.

        Refused if it is not there: it has been sent.
        """
        rows = await self.database.query(
            "WITH gone AS (DELETE FROM queued_commands WHERE device_id = %s AND id = %s AND failure IS NOT NULL"
            " RETURNING failure), stays AS (UPDATE queued_commands SET direct = false"
            " WHERE device_id = %s AND id = %s AND failure IS NULL RETURNING NULL::text)"
            " SELECT * FROM gone UNION ALL SELECT * FROM stays",
            [device_id, id, device_id, id],
        )
        if not rows:
            raise Refused("", f"command {id} does not wait")
        return None if rows[0][0] is None else str(rows[0][0])

    async def remove(self, device_id: int, id: int) -> bool:
        """Whether it was still there."""
        return bool(
            await self.database.run("DELETE FROM queued_commands WHERE device_id = %s AND id = %s", [device_id, id])
        )

    async def all(self, device_id: int) -> list[CommandRow]:
        """All commands of a device, also those that have failed, the oldest first."""
        rows = await self.database.query(
            f"SELECT {COLUMNS} FROM queued_commands WHERE device_id = %s ORDER BY id", [device_id]
        )
        return [CommandRow(*row) for row in rows]
