"""
Groups of devices, and who can see which.

A user sees a group that is linked to it, its children and its grandchildren. Deleted groups stay in the table and are
not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define

from trackd.store.audit import Note, add, unsaid
from trackd.store.database import Database, Queries
from trackd.store.deletions import bury
from trackd.store.devices import GROUPS
from trackd.store.listing import EVERYTHING, Listing
from trackd.store.references import hold
from trackd.store.rows import GroupRow, columns
from trackd.store.statements import insert, update

COLUMNS = columns(GroupRow, "g")
SEARCHED = ("g.name",)


@define(eq=False)
class Groups:
    database: Database

    async def get(self, id: int) -> GroupRow | None:
        rows = await self._where("g.id = %s", [id])
        return rows[0] if rows else None

    async def all(self, listing: Listing = EVERYTHING) -> list[GroupRow]:
        """All groups, by name."""
        where, args = listing.where(SEARCHED)
        return await self._where(f"true{where} ORDER BY g.name, g.id{listing.page}", args)

    async def of_user(self, user_id: int, listing: Listing = EVERYTHING) -> list[GroupRow]:
        """The groups that a user can see, by name."""
        where, args = listing.where(SEARCHED)
        rows = await self.database.query(
            f"{GROUPS} SELECT {COLUMNS} FROM groups g WHERE g.id IN (SELECT id FROM reached){where}"
            f" ORDER BY g.name, g.id{listing.page}",
            [user_id, *args],
        )
        return [GroupRow(*row) for row in rows]

    async def sees(self, user_id: int, group_id: int) -> bool:
        """Whether a user can see a group."""
        return bool(await self.database.query(f"{GROUPS} SELECT FROM reached WHERE id = %s", [user_id, group_id]))

    async def holders(self, users: Iterable[int]) -> set[int]:
        """Of these users, those to whom a group is linked."""
        rows = await self.database.query(
            "SELECT DISTINCT user_id FROM user_group WHERE user_id = ANY(%s::bigint[])", [list(users)]
        )
        return {row[0] for row in rows}

    async def below(self, id: int) -> set[int]:
        """The ids of a group and of all groups under it, however deep."""
        rows = await self.database.query(
            "WITH RECURSIVE tree AS (SELECT id FROM groups WHERE id = %s AND deleted_at IS NULL UNION"
            " SELECT g.id FROM groups g JOIN tree ON g.group_id = tree.id WHERE g.deleted_at IS NULL)"
            " SELECT id FROM tree",
            [id],
        )
        return {row[0] for row in rows}

    async def insert(self, values: Mapping[str, Any], creator: int | None = None, note: Note = unsaid) -> GroupRow:
        """Make a group and link it to the user who makes it."""

        async def work(queries: Queries) -> GroupRow:
            await hold(queries, values)
            group = GroupRow(*(await queries.query(*insert("groups", GroupRow, values)))[0])
            if creator is not None:
                await queries.run("INSERT INTO user_group (user_id, group_id) VALUES (%s, %s)", [creator, group.id])
            await add(queries, note(group.id))
            return group

        return await self.database.transaction(work)

    async def update(self, id: int, values: Mapping[str, Any], note: Note = unsaid) -> GroupRow | None:
        """Set some columns; the group as it is then, None if there is none."""

        async def work(queries: Queries) -> GroupRow | None:
            await hold(queries, values)
            rows = await queries.query(*update("groups", GroupRow, values, "id = %s AND deleted_at IS NULL", [id]))
            if not rows:
                return None
            await add(queries, note(id))
            return GroupRow(*rows[0])

        return await self.database.transaction(work)

    async def delete(self, id: int, by: int | None = None, note: Note = unsaid) -> bool:
        """Mark a group as deleted, unlink it, and take what was in it out of it; whether there was one."""
        return await self.database.transaction(lambda queries: bury(queries, "group", id, by, note))

    async def _where(self, condition: str, args: list[Any]) -> list[GroupRow]:
        rows = await self.database.query(
            f"SELECT {COLUMNS} FROM groups g WHERE g.deleted_at IS NULL AND {condition}", args
        )
        return [GroupRow(*row) for row in rows]
