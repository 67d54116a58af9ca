"""Linking and unlinking, with the rules of who may."""

from __future__ import annotations

from attrs import define

from trackd.people.errors import Invalid
from trackd.people.permissions import READONLY, Permissions
from trackd.store.audit import Note
from trackd.store.links import Links
from trackd.store.rows import UserRow


@define(eq=False)
class Linking:
    """
    `owner` and `kind` are those of a pair of `trackd.store.kinds.PAIRS`.

    `note`: what is written with the change into the record of what people do.
    """

    permissions: Permissions
    links: Links

    async def check(self, caller: UserRow, owner: str, owner_id: int, kind: str, id: int) -> None:
        """Whether the caller may link or unlink these two; raises Denied."""
        await self.permissions.check_free(caller, READONLY, message="Operation restricted")
        await self.permissions.check(caller, owner, owner_id)
        if kind == "user":
            await self.permissions.check_managed(caller, id)
        else:
            await self.permissions.check(caller, kind, id)

    async def link(self, caller: UserRow, owner: str, owner_id: int, kind: str, id: int, note: Note) -> None:
        """Link it to its owner. Raises Denied, Invalid if one of them does not exist."""
        await self.check(caller, owner, owner_id, kind, id)
        if not await self.links.link(owner, owner_id, kind, id, note):
            raise Invalid("One of the two does not exist")

    async def unlink(self, caller: UserRow, owner: str, owner_id: int, kind: str, id: int, note: Note) -> None:
        """Raises Denied. What is not linked stays so."""
        await self.check(caller, owner, owner_id, kind, id)
        await self.links.unlink(owner, owner_id, kind, id, note)
