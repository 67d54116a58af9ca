"""Users, and the one row of server settings. Deleted users stay in the table and are not found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import define

from trackd.store.audit import Note, add, unsaid
from trackd.store.database import Database, Queries
from trackd.store.deletions import bury
from trackd.store.errors import Full
from trackd.store.listing import EVERYTHING, Listing
from trackd.store.rows import ServerRow, UserRow, columns
from trackd.store.statements import insert, update

COLUMNS = columns(UserRow, "u")
SEARCHED = ("u.name", "u.email")


@define(eq=False)
class Users:
    database: Database

    async def get(self, id: int) -> UserRow | None:
        return _first(
            await self.database.query(f"SELECT {COLUMNS} FROM users u WHERE u.id = %s AND u.deleted_at IS NULL", [id])
        )

    async def find(self, name: str) -> UserRow | None:
        """The user with this e-mail address or login, whatever its case; the address goes first. Nobody has none."""
        if not (name := name.strip()):
            return None
        return _first(
            await self.database.query(
                f"SELECT {COLUMNS} FROM users u WHERE u.deleted_at IS NULL"
                " AND (lower(u.email) = lower(%s) OR lower(u.login) = lower(%s))"
                " ORDER BY lower(u.email) = lower(%s) DESC LIMIT 1",
                [name, name, name],
            )
        )

    async def another(self, name: str, id: int = 0) -> bool:
        """Whether a user other than this one has this e-mail address or login, whatever its case."""
        rows = await self.database.query(
            "SELECT FROM users WHERE deleted_at IS NULL AND id <> %s"
            " AND (lower(email) = lower(%s) OR lower(login) = lower(%s))",
            [id, name, name],
        )
        return bool(rows)

    async def all(self, listing: Listing = EVERYTHING) -> list[UserRow]:
        """All users, by name."""
        where, args = listing.where(SEARCHED)
        rows = await self.database.query(
            f"SELECT {COLUMNS} FROM users u WHERE u.deleted_at IS NULL{where} ORDER BY u.name, u.id{listing.page}", args
        )
        return [UserRow(*row) for row in rows]

    async def managed(self, by: int, listing: Listing = EVERYTHING) -> list[UserRow]:
        """The users that a user manages, by name."""
        where, args = listing.where(SEARCHED)
        rows = await self.database.query(
            f"SELECT {COLUMNS} FROM users u JOIN user_user l ON l.managed_user_id = u.id"
            f" WHERE l.user_id = %s AND u.deleted_at IS NULL{where} ORDER BY u.name, u.id{listing.page}",
            [by, *args],
        )
        return [UserRow(*row) for row in rows]

    async def manages(self, user_id: int, other_id: int) -> bool:
        """Whether a user manages another. Nobody manages an administrator, who may do more than whoever manages."""
        rows = await self.database.query(
            "SELECT FROM user_user l JOIN users u ON u.id = l.managed_user_id"
            " WHERE l.user_id = %s AND l.managed_user_id = %s AND u.deleted_at IS NULL AND NOT u.administrator",
            [user_id, other_id],
        )
        return bool(rows)

    async def count(self) -> int:
        rows = await self.database.query("SELECT count(*) FROM users WHERE deleted_at IS NULL")
        return int(rows[0][0])

    async def any(self) -> bool:
        """Whether there is a user."""
        return bool(await self.database.query("SELECT FROM users WHERE deleted_at IS NULL LIMIT 1"))

    async def insert(
        self,
        values: Mapping[str, Any],
        manager: int | None = None,
        most: int | None = None,
        note: Note = unsaid,
    ) -> UserRow:
        """
        Make a user, managed by `manager`.

        Refused for an address or a login that another user has; Full if the manager has `most` users already.
        """

        async def work(queries: Queries) -> UserRow:
            if most is not None:
                # Whoever makes many at once makes them one after another.
                await queries.run("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", [manager])
                [(managed,)] = await queries.query(
                    "SELECT count(*) FROM user_user l JOIN users u ON u.id = l.managed_user_id"
                    " WHERE l.user_id = %s AND u.deleted_at IS NULL",
                    [manager],
                )
                if managed >= most:
                    raise Full
            user = UserRow(*(await queries.query(*insert("users", UserRow, values)))[0])
            if manager is not None:
                await queries.run(
                    "INSERT INTO user_user (user_id, managed_user_id) VALUES (%s, %s)", [manager, user.id]
                )
            await add(queries, note(user.id))
            return user

        return await self.database.transaction(work)

    async def create_first(self, name: str, email: str, password_hash: str) -> int | None:
        """Make the first user, an administrator; None if there is a user already."""

        async def work(queries: Queries) -> int | None:
            # Two who come at the same time: the second waits here and then sees the first.
            await queries.run("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
            rows = await queries.query(
                "INSERT INTO users (name, email, password_hash, administrator, device_limit, user_limit)"
                " SELECT %s, %s, %s, true, -1, 0 WHERE NOT EXISTS (SELECT FROM users WHERE deleted_at IS NULL)"
                " RETURNING id",
                [name, email, password_hash],
            )
            return rows[0][0] if rows else None

        return await self.database.transaction(work)

    async def update(self, id: int, values: Mapping[str, Any], note: Note = unsaid) -> UserRow | None:
        """Set some columns; the user as it is then, None if there is none."""

        async def work(queries: Queries) -> UserRow | None:
            rows = await queries.query(*update("users", UserRow, values, "id = %s AND deleted_at IS NULL", [id]))
            if rows:
                await add(queries, note(id))
            return _first(rows)

        return await self.database.transaction(work)

    async def use_code(self, id: int, step: int) -> bool:
        """Note the step of the clock of a one-time code; false if that one or a later one has been used already."""
        return bool(
            await self.database.run(
                "UPDATE users SET totp_step = %s WHERE id = %s AND (totp_step IS NULL OR totp_step < %s)",
                [step, id, step],
            )
        )

    async def delete(self, id: int, by: int | None = None, note: Note = unsaid) -> bool:
        """Mark a user as deleted, unlink it, and end its sessions and tokens; whether there was one."""
        return await self.database.transaction(lambda queries: deleted(queries, id, by, note))

    async def delete_expired(self, now: datetime) -> int:
        """The same for temporary users whose time is over; how many there were."""
        rows = await self.database.query(
            "SELECT id FROM users WHERE temporary AND expiration_time <= %s AND deleted_at IS NULL", [now]
        )
        for (id,) in rows:
            await self.delete(id)
        return len(rows)

    async def server(self) -> ServerRow:
        return ServerRow(*(await self.database.query(f"SELECT {columns(ServerRow)} FROM server"))[0])

    async def update_server(self, values: Mapping[str, Any], note: Note = unsaid) -> ServerRow:
        """Set some columns of the server's row; the row as it is then."""

        async def work(queries: Queries) -> ServerRow:
            server = ServerRow(*(await queries.query(*update("server", ServerRow, values, "id = 1", [])))[0])
            await add(queries, note(server.id))
            return server

        return await self.database.transaction(work)


async def deleted(queries: Queries, id: int, by: int | None = None, note: Note = unsaid) -> bool:
    """Mark a user as deleted in a transaction: see `Users.delete`."""
    await queries.run("DELETE FROM sessions WHERE user_id = %s", [id])
    await queries.run("DELETE FROM password_resets WHERE user_id = %s", [id])
    await queries.run("UPDATE tokens SET revoked = now() WHERE user_id = %s AND revoked IS NULL", [id])
    # An open socket lives by the links: without them it hears nothing more.
    return await bury(queries, "user", id, by, note)


def _first(rows: list[tuple[Any, ...]]) -> UserRow | None:
    return UserRow(*rows[0]) if rows else None
