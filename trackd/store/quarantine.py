"""Reports that the database refused, until somebody has looked at them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from attrs import define

from trackd.store.batch import Batch, statements
from trackd.store.database import Database, Queries, Refused
from trackd.store.report import Report
from trackd.store.rows import QuarantineRow, columns

COLUMNS = columns(QuarantineRow)
TIMES = ("server_time", "device_time", "fix_time", "said")
PLAIN = "device_id protocol valid latitude longitude altitude speed course accuracy network digest".split()
LATER = ("address", "geofence_ids")  # those of an earlier version were kept without


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

    async def count(self) -> int:
        """How many there are."""
        return int((await self.database.query("SELECT count(*) FROM quarantine"))[0][0])

    async def get(self, id: int) -> QuarantineRow | None:
        rows = await self.database.query(f"SELECT {COLUMNS} FROM quarantine WHERE id = %s", [id])
        return QuarantineRow(*rows[0]) if rows else None

    async def delete(self, id: int) -> bool:
        """Whether it was there."""
        return bool(await self.database.run("DELETE FROM quarantine WHERE id = %s", [id]))

    async def retry(self, row: QuarantineRow) -> bool:
        """
        Store the position as the committer does, and keep it here no longer; False: it was stored already.

        Its events and the state of its device are not worked out again. Raises Refused if the database does not take
        it this time either; that reason is kept then.
        """
        try:
            report = reported(row)

            async def store(queries: Queries) -> bool:
                # Who comes second waits here, and then finds the position stored.
                await queries.run("DELETE FROM quarantine WHERE id = %s", [row.id])
                # A number of the sequence is the first of a block, of which nobody else will take the others.
                [(report.id,)] = await queries.query("SELECT nextval('position_ids')")
                return bool(await queries.run(*statements(Batch([report]))))

            return await self.database.transaction(store)
        except Refused as error:
            reason = str(error).replace("\0", "")
            await self.database.run("UPDATE quarantine SET reason = %s WHERE id = %s", [reason, row.id])
            raise


def reported(row: QuarantineRow) -> Report:
    """
    The report that was kept, without the attributes as values: they are stored as they were written. Raises Refused.
    """
    try:
        told: dict[str, Any] = orjson.loads(row.report)
        members: dict[str, Any] = {name: told[name] for name in PLAIN}
        members |= {name: told[name] and datetime.fromisoformat(told[name]) for name in TIMES}
        members |= {name: told.get(name) for name in LATER}
        return Report(**members, attributes={}, outdated=False, json=told["attributes"])
    except (ValueError, TypeError, KeyError) as error:
        raise Refused("", f"what was kept is no report: {error!r}") from error
