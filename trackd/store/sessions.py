"""
Sessions and tokens, by the SHA-256 of what the client holds: who reads the database cannot log in with it.

Neither is found once it has expired, has been revoked, or its user has been deleted.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from attrs import define

from trackd.store.audit import Note, add, unsaid
from trackd.store.database import Database, Queries
from trackd.store.errors import Full
from trackd.store.rows import SessionRow, TokenRow, UserRow, columns, names

# `last_used` is written no more often.
TOUCH = timedelta(minutes=1)
# Sessions and tokens of one user.
MOST = 1000


@define(eq=False)
class Sessions:
    database: Database

    async def create(
        self,
        digest: bytes,
        user_id: int,
        now: datetime,
        *,
        expires: datetime | None = None,
        token_id: int | None = None,
        origin: str | None = None,
        most: int = MOST,
    ) -> None:
        """When the user has `most` sessions, the one that has rested for longest gives way."""
        await self.database.run(
            "WITH gone AS (DELETE FROM sessions WHERE digest IN"
            " (SELECT digest FROM sessions WHERE user_id = %s ORDER BY last_used DESC OFFSET %s))"
            " INSERT INTO sessions (digest, user_id, created, last_used, expires, token_id, origin)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [user_id, most - 1, digest, user_id, now, now, expires, token_id, origin],
        )

    async def find(self, digest: bytes, now: datetime, touch: bool = True) -> tuple[SessionRow, UserRow] | None:
        """The session and its user; with `touch` it is noted, at most once a minute, that it was used."""
        rows = await self.database.query(
            f"SELECT {columns(SessionRow, 's')}, {columns(UserRow, 'u')} FROM sessions s JOIN users u ON u.id = s.user_id"
            " WHERE s.digest = %s AND (s.expires IS NULL OR s.expires > %s) AND u.deleted_at IS NULL",
            [digest, now],
        )
        if not rows:
            return None
        width = len(names(SessionRow))
        session, user = SessionRow(*rows[0][:width]), UserRow(*rows[0][width:])
        if touch and now - session.last_used > TOUCH:
            await self.database.run(
                "UPDATE sessions SET last_used = %s WHERE digest = %s AND last_used < %s", [now, digest, now - TOUCH]
            )
        return session, user

    async def delete(self, digest: bytes) -> bool:
        """Whether there was such a session."""
        return bool(await self.database.run("DELETE FROM sessions WHERE digest = %s", [digest]))

    async def delete_expired(self, now: datetime, idle: timedelta | None = None) -> int:
        """Remove what is not found any more, and sessions that have not been used for `idle`; how many sessions."""
        await self.database.run("DELETE FROM tokens WHERE expires <= %s", [now])
        return await self.database.run(
            "DELETE FROM sessions WHERE expires <= %s OR last_used < %s", [now, None if idle is None else now - idle]
        )

    async def create_token(
        self, digest: bytes, user_id: int, now: datetime, expires: datetime, most: int = MOST, note: Note = unsaid
    ) -> int:
        """The token's id. Full if the user has `most` that are good."""

        async def work(queries: Queries) -> int:
            # Whoever makes many at once makes them one after another.
            await queries.run("SELECT FROM users WHERE id = %s FOR NO KEY UPDATE", [user_id])
            [(good,)] = await queries.query(
                "SELECT count(*) FROM tokens WHERE user_id = %s AND expires > %s AND revoked IS NULL", [user_id, now]
            )
            if good >= most:
                raise Full
            rows = await queries.query(
                "INSERT INTO tokens (digest, user_id, created, expires) VALUES (%s, %s, %s, %s) RETURNING id",
                [digest, user_id, now, expires],
            )
            ((id,),) = rows
            await add(queries, note(id))
            return int(id)

        return await self.database.transaction(work)

    async def find_token(self, digest: bytes, now: datetime) -> tuple[TokenRow, UserRow] | None:
        """The token and its user."""
        rows = await self.database.query(
            f"SELECT {columns(TokenRow, 't')}, {columns(UserRow, 'u')} FROM tokens t JOIN users u ON u.id = t.user_id"
            " WHERE t.digest = %s AND t.expires > %s AND t.revoked IS NULL AND u.deleted_at IS NULL",
            [digest, now],
        )
        if not rows:
            return None
        width = len(names(TokenRow))
        return TokenRow(*rows[0][:width]), UserRow(*rows[0][width:])

    async def good_tokens(self, ids: Collection[int], now: datetime) -> dict[int, datetime]:
        """Those of these tokens that are neither over nor revoked, and when they are over."""
        rows = await self.database.query(
            "SELECT id, expires FROM tokens WHERE id = ANY(%s::bigint[]) AND expires > %s AND revoked IS NULL",
            [list(ids), now],
        )
        return dict(rows)

    async def revoke(self, digest: bytes, now: datetime) -> bool:
        """Whether there was such a token, not yet revoked. Sessions that were made from it end with it."""

        async def work(queries: Queries) -> bool:
            rows = await queries.query(
                "UPDATE tokens SET revoked = %s WHERE digest = %s AND revoked IS NULL RETURNING id", [now, digest]
            )
            for (token_id,) in rows:
                await queries.run("DELETE FROM sessions WHERE token_id = %s", [token_id])
            return bool(rows)

        return await self.database.transaction(work)
