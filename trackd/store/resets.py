"""New passwords for who has forgotten the old one: what was sent to them, by its SHA-256, as for tokens."""

from __future__ import annotations

from datetime import datetime

from attrs import define

from trackd.store.audit import Note, add, unsaid
from trackd.store.database import Database, Queries


@define(eq=False)
class Resets:
    database: Database

    async def create(self, digest: bytes, user_id: int, now: datetime, expires: datetime) -> None:
        """One for a user; those from before are good no longer."""

        async def work(queries: Queries) -> None:
            await queries.run("DELETE FROM password_resets WHERE user_id = %s OR expires <= %s", [user_id, now])
            await queries.run(
                "INSERT INTO password_resets (digest, user_id, created, expires) VALUES (%s, %s, %s, %s)",
                [digest, user_id, now, expires],
            )

        await self.database.transaction(work)

    async def find(self, digest: bytes, now: datetime) -> int | None:
        """The user whom it was sent to, unless it is over."""
        rows = await self.database.query(
            "SELECT r.user_id FROM password_resets r JOIN users u ON u.id = r.user_id"
            " WHERE r.digest = %s AND r.expires > %s AND u.deleted_at IS NULL",
            [digest, now],
        )
        return int(rows[0][0]) if rows else None

    async def use(self, digest: bytes, now: datetime, password_hash: str, note: Note = unsaid) -> int | None:
        """
        Give the user this password, and end what was opened with the old one; the user, None if it is used already.

        All servers on the database hear that the user's sockets are to be closed.
        """

        async def work(queries: Queries) -> int | None:
            rows = await queries.query(
                "DELETE FROM password_resets WHERE digest = %s AND expires > %s RETURNING user_id", [digest, now]
            )
            if not rows:
                return None
            ((user_id,),) = rows
            changed = await queries.run(
                "UPDATE users SET password_hash = %s WHERE id = %s AND deleted_at IS NULL", [password_hash, user_id]
            )
            await queries.run("DELETE FROM sessions WHERE user_id = %s", [user_id])
            await queries.run("DELETE FROM password_resets WHERE user_id = %s", [user_id])
            await queries.query("SELECT pg_notify('changes', %s)", [f"gone {user_id}"])
            if not changed:
                return None
            await add(queries, note(user_id))
            return int(user_id)

        return await self.database.transaction(work)

    async def of_deleted(self, digest: bytes) -> bool:
        """Whether this is the digest of a token whose user has been deleted."""
        rows = await self.database.query(
            "SELECT FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.digest = %s AND u.deleted_at IS NOT NULL",
            [digest],
        )
        return bool(rows)
