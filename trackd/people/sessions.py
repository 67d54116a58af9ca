"""
Sessions and tokens: what a client holds so that it need not send its password.

Both are random texts of 256 bits. The database has their SHA-256 only, so nobody who reads it can use them.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from attrs import define, field

from trackd.people.errors import Invalid
from trackd.store.audit import Note, unsaid
from trackd.store.errors import Full
from trackd.store.rows import SessionRow, TokenRow, UserRow
from trackd.store.sessions import MOST
from trackd.store.sessions import Sessions as Store

TOKEN_LIFE = timedelta(days=7)
# A session that nobody has used for so long is over, whatever the settings say.
LONGEST_REST = timedelta(days=90)
# Sessions whose last use is known to the second; the database notes it by the minute.
MOST_REMEMBERED = 10_000

_STANDARD_ALPHABET = str.maketrans("+/", "-_")


@define(eq=False)
class Sessions:
    """
    `timeout`: after so long a rest a session is over; None: after LONGEST_REST. The last use of `remembered` is known.

    A user has `most_sessions`, of which the one that has rested for longest gives way, and `most_tokens`.
    """

    store: Store
    now: Callable[[], datetime]
    timeout: timedelta | None = None
    remembered: int = MOST_REMEMBERED
    most_sessions: int = MOST
    most_tokens: int = MOST
    _used: OrderedDict[bytes, datetime] = field(factory=OrderedDict, init=False)

    @property
    def in_memory(self) -> int:
        """How many there are whose last use is known to the second."""
        return len(self._used)

    async def open(
        self,
        user_id: int,
        *,
        origin: str | None = None,
        expires: datetime | None = None,
        token_id: int | None = None,
    ) -> str:
        """A new session; what the client holds of it. One that is made from a token ends with the token."""
        id = secrets.token_urlsafe(32)
        await self.store.create(
            digest_of(id),
            user_id,
            self.now(),
            expires=expires,
            token_id=token_id,
            origin=origin,
            most=self.most_sessions,
        )
        return id

    async def find(self, id: str, origin: str | None = None, host: str = "") -> tuple[SessionRow, UserRow] | None:
        """
        The session of this id, and its user, who may be disabled.

        With an `Origin` header the session must have been opened from there, or the origin be this very host.
        """
        found = await self._alive(id)
        if found is None or not same_origin(found[0], origin, host):
            return None
        self._remember(found[0].digest)
        return found

    async def alive(self, id: str) -> bool:
        """Whether there is such a session; asking does not prolong it."""
        return await self._alive(id, touch=False) is not None

    async def close(self, id: str) -> None:
        digest = digest_of(_bare(id))
        self._used.pop(digest, None)
        await self.store.delete(digest)

    async def make_token(self, user_id: int, expires: datetime | None = None, note: Note = unsaid) -> str:
        """
        A new token; what the client holds of it. Seven days, unless an end is given.

        `note` goes into the record of what people do. Raises Invalid if the user has too many.
        """
        token = secrets.token_urlsafe(32)
        now = self.now()
        end = expires or now + TOKEN_LIFE
        try:
            await self.store.create_token(digest_of(token), user_id, now, end, self.most_tokens, note)
        except Full:
            raise Invalid(
                f"There are {self.most_tokens} tokens already: revoke some, or wait until they are over"
            ) from None
        return token

    async def token(self, text: str) -> tuple[TokenRow, UserRow] | None:
        """The token that this text is, unless it is over, and its user, who may be disabled."""
        return await self.store.find_token(_token_digest(text), self.now()) if text else None

    async def revoke(self, text: str) -> None:
        """End a token and the sessions that were made from it. Invalid if there is no such token (any more)."""
        if not await self.store.revoke(_token_digest(text), self.now()):
            raise Invalid("There is no such token")

    async def clean(self) -> None:
        """Remove what is over."""
        await self.store.delete_expired(self.now(), min(self.timeout or LONGEST_REST, LONGEST_REST))

    async def _alive(self, id: str, touch: bool = True) -> tuple[SessionRow, UserRow] | None:
        if not (id := _bare(id)):
            return None
        now = self.now()
        found = await self.store.find(digest_of(id), now, touch)
        if found is None:
            return None
        session = found[0]
        used = max(session.last_used, self._used.get(session.digest, session.last_used))
        if now - used > (self.timeout or LONGEST_REST):
            await self.store.delete(session.digest)
            return None
        return found

    def _remember(self, digest: bytes) -> None:
        self._used[digest] = self.now()
        self._used.move_to_end(digest)
        if len(self._used) > self.remembered:
            self._used.popitem(last=False)


def digest_of(secret: str) -> bytes:
    """What the database has of a session's id or of a token. They are random, so a plain hash will do."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _bare(id: str) -> str:
    """An id without the name of a node behind it."""
    return id.partition(".")[0]


def _token_digest(text: str) -> bytes:
    return digest_of(text.translate(_STANDARD_ALPHABET))


def same_origin(session: SessionRow, origin: str | None, host: str) -> bool:
    """Whether a page from `origin` may use the session: so that a foreign page can't act in a user's name."""
    if origin is None:
        return True
    if session.origin is not None:
        return origin == session.origin
    return bool(host) and _host(origin) == _host(f"//{host}") != ""


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
