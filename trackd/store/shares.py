"""The users who are made for those to whom somebody shows a device or a group."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import define

from trackd.store.audit import Note, add, unsaid
from trackd.store.database import Database, Queries
from trackd.store.rows import UserRow, columns
from trackd.store.statements import insert
from trackd.store.users import deleted

# How a user is given one, by its kind.
LINKS = {
    "device": "INSERT INTO user_device (user_id, device_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
    "group": "INSERT INTO user_group (user_id, group_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
}


@define(eq=False)
class Shares:
    """`kind` is a key of LINKS."""

    database: Database

    async def guest(
        self, owner_id: int, kind: str, id: int, values: Mapping[str, Any], now: datetime, note: Note = unsaid
    ) -> UserRow:
        """
        The temporary user for this share, who is made of these columns, and noted, if there is none.

        One whose time is over is replaced. Refused for an address that another user has.
        """

        async def work(queries: Queries) -> UserRow:
            # Two who share the same at once make one user.
            await queries.run("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", [owner_id])
            rows = await queries.query(
                f"SELECT {columns(UserRow, 'u')} FROM shares s JOIN users u ON u.id = s.user_id"
                " WHERE s.owner_id = %s AND s.kind = %s AND s.object_id = %s AND u.temporary AND u.deleted_at IS NULL",
                [owner_id, kind, id],
            )
            user = UserRow(*rows[0]) if rows else None
            if user is not None and user.expiration_time is not None and user.expiration_time <= now:
                await deleted(queries, user.id)
                user = None
            if user is None:
                user = UserRow(*(await queries.query(*insert("users", UserRow, values)))[0])
                await queries.run(
                    "INSERT INTO shares (user_id, owner_id, kind, object_id) VALUES (%s, %s, %s, %s)"
                    " ON CONFLICT (owner_id, kind, object_id) DO UPDATE SET user_id = excluded.user_id",
                    [user.id, owner_id, kind, id],
                )
                await add(queries, note(user.id))
            await queries.run(LINKS[kind], [user.id, id])
            return user

        return await self.database.transaction(work)
