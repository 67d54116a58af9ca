"""Showing a device or a group to somebody who has no account: a link with a token, good for a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import define

from trackd.people.errors import Denied, Invalid
from trackd.people.permissions import Permissions, switched_on
from trackd.people.sessions import TOKEN_LIFE, Sessions
from trackd.store.audit import Note
from trackd.store.rows import UserRow
from trackd.store.shares import Shares as Store


@define(eq=False)
class Shares:
    """
    `commands` and `reports`: whether guests may send commands and make reports.

    `notes`: what is written into the record of what people do, of a guest if one is made, and of the token.
    """

    store: Store
    permissions: Permissions
    sessions: Sessions
    now: Callable[[], datetime]
    commands: bool = False
    reports: bool = False

    async def device(self, owner: UserRow, id: int, expires: datetime | None, notes: tuple[Note, Note]) -> str:
        """
        A token that shows a device that is linked to its owner, itself or by a group: that holds for administrators
        too.

        Without an end the token lives for seven days, its user for ever. What is shared again has the same user, whose
        end stays what it was. Raises Denied, Invalid.
        """
        await self._check(owner, expires)
        device = await self.permissions.devices.get(id)
        if device is None or not await self.permissions.devices.sees(owner.id, id):
            raise Denied("Device access denied")
        return await self._share(owner, "device", id, device.name, f"{owner.email}:{device.unique_id}", expires, notes)

    async def group(self, owner: UserRow, id: int, expires: datetime | None, notes: tuple[Note, Note]) -> str:
        """The same for a group."""
        await self._check(owner, expires)
        group = await self.permissions.groups.get(id)
        if group is None or not await self.permissions.groups.sees(owner.id, id):
            raise Denied("Group access denied")
        return await self._share(owner, "group", id, group.name, f"{owner.email}:group:{id}", expires, notes)

    async def _check(self, owner: UserRow, expires: datetime | None) -> None:
        if switched_on(await self.permissions.users.server(), "disableShare"):
            raise Denied("Sharing is disabled")
        if owner.temporary:
            raise Denied("Temporary user")
        if owner.expiration_time is not None and expires is None:
            raise Invalid("Say when it ends: your own account does")

    async def _share(
        self,
        owner: UserRow,
        kind: str,
        id: int,
        name: str,
        email: str,
        expires: datetime | None,
        notes: tuple[Note, Note],
    ) -> str:
        if expires is not None and owner.expiration_time is not None:
            expires = min(expires, owner.expiration_time)
        values = {
            "name": name,
            "email": email,
            "readonly": True,
            "temporary": True,
            "expiration_time": expires,
            "limit_commands": not self.commands,
            "disable_reports": not self.reports,
        }
        of_guest, of_token = notes
        guest = await self.store.guest(owner.id, kind, id, values, self.now(), of_guest)
        end = expires or self.now() + TOKEN_LIFE
        if guest.expiration_time is not None:
            end = min(end, guest.expiration_time)
        return await self.sessions.make_token(guest.id, end, of_token)
