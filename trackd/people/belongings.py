"""
Making, changing, deleting and listing what people own besides devices and groups, with the rules of who may.

It is the same for all kinds: who is linked to an object has access to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import define, frozen

from trackd.people.permissions import LIMIT_COMMANDS, READONLY, Permissions, check_administrator
from trackd.people.writing import Values, check_references, creator, stored
from trackd.store.audit import Note
from trackd.store.listing import EVERYTHING, Listing
from trackd.store.objects import Objects
from trackd.store.rows import UserRow

# What keeps people from writing, where it is more than being read-only.
RESTRICTIONS: Mapping[str, tuple[str, ...]] = {"command": (READONLY, LIMIT_COMMANDS)}
# A computed attribute is a piece of programme that runs for each report.
ADMINISTERED = frozenset({"attribute"})


def restrictions(kind: str) -> tuple[str, ...]:
    """The restrictions that keep people from writing objects of this kind."""
    return RESTRICTIONS.get(kind, (READONLY,))


@frozen
class Scope:
    """Whose objects are listed. 0 is nobody: then the caller's own."""

    everything: bool = False  # for administrators only
    user_id: int = 0
    group_id: int = 0  # of those only that are linked to this group as well
    device_id: int = 0


@define(eq=False)
class Belongings:
    """
    `kind` is a key of `trackd.store.kinds.KINDS`; rows are of that kind's class.

    `note`: what is written with the change into the record of what people do.
    """

    permissions: Permissions
    objects: Objects

    async def ids(self, caller: UserRow, kind: str, scope: Scope, listing: Listing = EVERYTHING) -> list[int]:
        """Those of a list. Raises Denied for somebody, a group or a device that the caller has no access to."""
        owners = []
        if not (caller.administrator and scope.everything):
            if scope.user_id:
                await self.permissions.check_user(caller, scope.user_id)
            owners.append(("user", scope.user_id or caller.id))
        for owner, id in (("group", scope.group_id), ("device", scope.device_id)):
            if id:
                await self.permissions.check(caller, owner, id)
                owners.append((owner, id))
        return await self.objects.ids(kind, *owners, listing=listing)

    async def of_device(self, caller: UserRow, kind: str, device_id: int) -> list[Any]:
        """Those of the caller that the device has, itself or from its groups. Raises Denied."""
        await self.permissions.check_device(caller, device_id)
        return await self.objects.lent(kind, caller.id, device_id)

    async def get(self, caller: UserRow, kind: str, id: int) -> Any | None:
        """One; None for an administrator who names none. Raises Denied."""
        await self.permissions.check(caller, kind, id)
        return await self.objects.get(kind, id)

    async def add(self, caller: UserRow, kind: str, values: Values, note: Note) -> Any:
        """Make one and link it to who makes it. Raises Denied, and Refused for what is there already."""
        await self._check_writing(caller, kind)
        await check_references(self.permissions, caller, values, {})
        return await self.objects.insert(kind, stored(values), creator(caller), note)

    async def change(self, caller: UserRow, kind: str, id: int, values: Values, note: Note) -> Any | None:
        """Set these columns; None for an administrator who names none. Raises Denied, Refused."""
        await self._check_writing(caller, kind)
        await self.permissions.check(caller, kind, id)
        before = await self.objects.get(kind, id)
        if before is None:
            return None
        await check_references(self.permissions, caller, values, attrs.asdict(before, recurse=False))
        return await self.objects.update(kind, id, stored(values), note)

    async def delete(self, caller: UserRow, kind: str, id: int, note: Note) -> bool:
        """Whether there was one. Raises Denied."""
        await self._check_writing(caller, kind)
        await self.permissions.check(caller, kind, id)
        return await self.objects.delete(kind, id, creator(caller), note)

    async def _check_writing(self, caller: UserRow, kind: str) -> None:
        if kind in ADMINISTERED:
            check_administrator(caller)
        await self.permissions.check_free(caller, *restrictions(kind))
