"""Users on their way to a site where they log in by this server, and the key that signs what is said of them."""

from __future__ import annotations

from datetime import datetime

from attrs import define

from trackd.store.database import Database
from trackd.store.rows import columns, names


@define(eq=False)
class Grant:
    """What a site has asked for; `challenge` is what its verifier has to fit, by `method`, if it has sent one."""

    user_id: int
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    challenge: str | None
    method: str
    expires: datetime


@define(eq=False)
class Grants:
    database: Database

    async def add(self, digest: bytes, grant: Grant) -> None:
        """Keep it under the SHA-256 of its code."""
        values = [getattr(grant, name) for name in names(Grant)]
        marks = ", ".join(["%s"] * (len(values) + 1))
        await self.database.run(f"INSERT INTO grants (digest, {columns(Grant)}) VALUES ({marks})", [digest, *values])

    async def take(self, digest: bytes, now: datetime) -> Grant | None:
        """The grant of this code, which is good no more; None if it is over, or was used."""
        rows = await self.database.query(f"DELETE FROM grants WHERE digest = %s RETURNING {columns(Grant)}", [digest])
        grant = Grant(*rows[0]) if rows else None
        return grant if grant is not None and grant.expires > now else None

    async def prune(self, now: datetime) -> int:
        """Remove what is over; how many."""
        return await self.database.run("DELETE FROM grants WHERE expires <= %s", [now])

    async def key(self) -> str:
        """The key (PEM), empty if there is none yet."""
        rows = await self.database.query("SELECT pem FROM signing_keys")
        return str(rows[0][0]) if rows else ""

    async def keep_key(self, pem: str) -> str:
        """Keep a key, unless another server was faster; the one that counts."""
        await self.database.run("INSERT INTO signing_keys (id, pem) VALUES (1, %s) ON CONFLICT DO NOTHING", [pem])
        return await self.key()
