"""Which device, group or other user is linked to a user."""

from __future__ import annotations

from attrs import define

from trackd.store.database import Database

# What can be linked: its table, and the column that names it.
KINDS = {
    "device": ("user_device", "device_id"),
    "group": ("user_group", "group_id"),
    "user": ("user_user", "managed_user_id"),
}


@define(eq=False)
class Links:
    """`kind` is a key of KINDS."""

    database: Database

    async def link(self, user_id: int, kind: str, id: int) -> bool:
        """Link it to the user; whether it was not yet. Refused (foreign key) if one of them does not exist."""
        table, column = KINDS[kind]
        return bool(
            await self.database.run(
                f"INSERT INTO {table} (user_id, {column}) VALUES (%s, %s) ON CONFLICT DO NOTHING", [user_id, id]
            )
        )

    async def unlink(self, user_id: int, kind: str, id: int) -> bool:
        """Whether it was linked."""
        table, column = KINDS[kind]
        return bool(await self.database.run(f"DELETE FROM {table} WHERE user_id = %s AND {column} = %s", [user_id, id]))

    async def linked(self, user_id: int, kind: str) -> set[int]:
        """The ids of what is linked to the user itself."""
        table, column = KINDS[kind]
        rows = await self.database.query(f"SELECT {column} FROM {table} WHERE user_id = %s", [user_id])
        return {row[0] for row in rows}

    async def users_of(self, kind: str, id: int) -> set[int]:
        """The ids of the users to whom it is linked itself."""
        table, column = KINDS[kind]
        rows = await self.database.query(f"SELECT user_id FROM {table} WHERE {column} = %s", [id])
        return {row[0] for row in rows}

    async def pairs(self, kind: str, user_id: int = 0, id: int = 0) -> list[tuple[int, int]]:
        """All links of a kind as user and what is linked; of one user, or of one thing, if it is not 0."""
        table, column = KINDS[kind]
        rows = await self.database.query(
            f"SELECT user_id, {column} FROM {table} WHERE %s IN (0, user_id) AND %s IN (0, {column}) ORDER BY 1, 2",
            [user_id, id],
        )
        return [(row[0], row[1]) for row in rows]
