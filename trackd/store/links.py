"""What is linked to a user, a group or a device: the tables of PAIRS in `trackd.store.kinds`."""

from __future__ import annotations

from attrs import define

from trackd.store.audit import Note, add, unsaid
from trackd.store.database import Database, Queries
from trackd.store.kinds import PAIRS, TABLES


@define(eq=False)
class Links:
    """`owner` and `kind` are those of a pair of PAIRS: a user that is linked to a user is managed by it."""

    database: Database

    async def link(self, owner: str, owner_id: int, kind: str, id: int, note: Note = unsaid) -> bool:
        """Link it; whether both exist. A link exists once, however often it is made; each time is noted."""
        pair = PAIRS[owner, kind]

        async def work(queries: Queries) -> bool:
            rows = await queries.query(
                # Locked, so that neither of them is deleted before the link is there.
                f"WITH both_ends AS (SELECT o.id AS a, p.id AS b FROM {TABLES[owner]} o, {TABLES[kind]} p"
                "  WHERE o.id = %s AND p.id = %s AND o.deleted_at IS NULL AND p.deleted_at IS NULL FOR SHARE OF o, p),"
                f" made AS (INSERT INTO {pair.table} ({pair.owner_column}, {pair.column}) SELECT a, b FROM both_ends"
                "  ON CONFLICT DO NOTHING)"
                " SELECT FROM both_ends",
                [owner_id, id],
            )
            if rows:
                await add(queries, note(id))
            return bool(rows)

        return await self.database.transaction(work)

    async def unlink(self, owner: str, owner_id: int, kind: str, id: int, note: Note = unsaid) -> bool:
        """Whether it was linked; that it should not be is noted either way."""
        pair = PAIRS[owner, kind]

        async def work(queries: Queries) -> bool:
            removed = await queries.run(
                f"DELETE FROM {pair.table} WHERE {pair.owner_column} = %s AND {pair.column} = %s", [owner_id, id]
            )
            await add(queries, note(id))
            return bool(removed)

        return await self.database.transaction(work)

    async def linked(self, owner: str, owner_id: int, kind: str) -> set[int]:
        """The ids of what is linked to the owner itself."""
        pair = PAIRS[owner, kind]
        rows = await self.database.query(
            f"SELECT {pair.column} FROM {pair.table} WHERE {pair.owner_column} = %s", [owner_id]
        )
        return {row[0] for row in rows}

    async def owners(self, owner: str, kind: str, id: int) -> set[int]:
        """The ids of the owners of this kind to which it is linked itself."""
        pair = PAIRS[owner, kind]
        rows = await self.database.query(f"SELECT {pair.owner_column} FROM {pair.table} WHERE {pair.column} = %s", [id])
        return {row[0] for row in rows}

    async def pairs(self, owner: str, kind: str, owner_id: int = 0, id: int = 0) -> list[tuple[int, int]]:
        """All links of these kinds, owner first; of one owner, or of one thing, if it is not 0."""
        pair = PAIRS[owner, kind]
        rows = await self.database.query(
            f"SELECT {pair.owner_column}, {pair.column} FROM {pair.table}"
            f" WHERE %s IN (0, {pair.owner_column}) AND %s IN (0, {pair.column}) ORDER BY 1, 2",
            [owner_id, id],
        )
        return [(row[0], row[1]) for row in rows]
