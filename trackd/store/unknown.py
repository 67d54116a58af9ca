"""Ids that nobody knows."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define

from trackd.store.database import Database
from trackd.store.rows import UnknownRow, columns

AT_ONCE = 100  # ids that are written in one statement: others have their turn between two of them


@define(eq=False)
class UnknownDevices:
    """`most`: ids that are kept; the ones that were seen longest ago make room."""

    database: Database
    most: int = 10_000

    async def note(self, seen: Sequence[UnknownRow]) -> None:
        """Add what was seen since the last time, each pair of id and format at most once, to what is known."""
        # In one order everywhere, so that two servers can't wait for each other's rows.
        ordered = sorted(seen, key=lambda one: (one.unique_id, one.protocol))
        for start in range(0, len(ordered), AT_ONCE):
            await self._note(ordered[start : start + AT_ONCE])

    async def _note(self, ordered: Sequence[UnknownRow]) -> None:
        await self.database.run(
            "INSERT INTO unknown_devices AS u"
            " (unique_id, protocol, address, first_seen, last_seen, count, last_frame)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[],"
            "  %s::bigint[], %s::text[])"
            " ON CONFLICT (unique_id, protocol) DO UPDATE SET address = excluded.address,"
            " last_seen = greatest(u.last_seen, excluded.last_seen), count = u.count + excluded.count,"
            " last_frame = excluded.last_frame",
            [
                [one.unique_id for one in ordered],
                [one.protocol for one in ordered],
                [one.address for one in ordered],
                [one.first_seen for one in ordered],
                [one.last_seen for one in ordered],
                [one.count for one in ordered],
                [one.last_frame for one in ordered],
            ],
        )

    async def all(self, limit: int = 1000) -> list[UnknownRow]:
        """The ones that were seen last go first."""
        rows = await self.database.query(
            f"SELECT {columns(UnknownRow)} FROM unknown_devices ORDER BY last_seen DESC LIMIT %s", [limit]
        )
        return [UnknownRow(*row) for row in rows]

    async def forget(self, unique_id: str) -> int:
        """This id is known now; the number of rows that it had."""
        return await self.database.run("DELETE FROM unknown_devices WHERE unique_id = %s", [unique_id])

    async def prune(self) -> int:
        """Remove what is more than `most`; how many."""
        return await self.database.run(
            "DELETE FROM unknown_devices WHERE (unique_id, protocol) IN"
            " (SELECT unique_id, protocol FROM unknown_devices ORDER BY last_seen DESC OFFSET %s)",
            [self.most],
        )
