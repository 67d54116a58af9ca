"""Making, changing, deleting and linking devices and groups, with the rules of who may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define

from trackd.people.errors import Denied, Invalid
from trackd.people.permissions import DEVICE_READONLY, READONLY, SERVICE_ID, Permissions
from trackd.store.devices import Devices
from trackd.store.errors import Full
from trackd.store.groups import Groups
from trackd.store.links import Links
from trackd.store.rows import DeviceRow, GroupRow, UserRow

# Steps upwards in which a group must not meet itself.
GENERATIONS = 3

Values = Mapping[str, Any]


@define(eq=False)
class Fleet:
    permissions: Permissions
    devices: Devices
    groups: Groups
    links: Links

    # Devices

    async def add_device(self, caller: UserRow, values: Values) -> DeviceRow:
        """Make a device and link it to who makes it. Raises Denied, Invalid, and Refused for an id that is taken."""
        await self.permissions.check_free(caller, READONLY, DEVICE_READONLY)
        most = caller.device_limit if not caller.administrator and caller.device_limit >= 0 else None
        await self._check_references(caller, values, {})
        try:
            return await self.devices.insert(_stored(values), _creator(caller), most)
        except Full:
            raise Denied("Write access denied") from None

    async def change_device(self, caller: UserRow, id: int, values: Values) -> DeviceRow | None:
        """Set these columns; None for an administrator who names no device. Raises Denied, Invalid, Refused."""
        await self.permissions.check_device(caller, id)
        await self.permissions.check_free(caller, READONLY, DEVICE_READONLY)
        before = await self.devices.get(id)
        if before is None:
            return None
        await self._check_references(caller, values, {"group_id": before.group_id, "calendar_id": before.calendar_id})
        return await self.devices.update(id, _stored(values))

    async def delete_device(self, caller: UserRow, id: int) -> bool:
        """Whether there was one. Raises Denied."""
        await self.permissions.check_device(caller, id)
        await self.permissions.check_free(caller, READONLY, DEVICE_READONLY)
        return await self.devices.delete(id)

    # Groups

    async def add_group(self, caller: UserRow, values: Values) -> GroupRow:
        """Make a group and link it to who makes it. Raises Denied, Invalid."""
        await self.permissions.check_free(caller, READONLY)
        await self._check_references(caller, values, {})
        return await self.groups.insert(_stored(values), _creator(caller))

    async def change_group(self, caller: UserRow, id: int, values: Values) -> GroupRow | None:
        """Set these columns; None for an administrator who names no group. Raises Denied, Invalid."""
        await self.permissions.check_group(caller, id)
        await self.permissions.check_free(caller, READONLY)
        before = await self.groups.get(id)
        if before is None:
            return None
        await self._check_references(caller, values, {"group_id": before.group_id})
        await self._check_ring(id, values.get("group_id") or 0)
        return await self.groups.update(id, _stored(values))

    async def delete_group(self, caller: UserRow, id: int) -> bool:
        """Whether there was one. Raises Denied."""
        await self.permissions.check_group(caller, id)
        await self.permissions.check_free(caller, READONLY)
        return await self.groups.delete(id)

    # Links

    async def check_link(self, caller: UserRow, user_id: int, kind: str, id: int) -> None:
        """Whether the caller may link or unlink this device, group or user; raises Denied."""
        await self.permissions.check_free(caller, READONLY, message="Operation restricted")
        await self.permissions.check_user(caller, user_id)
        if kind == "device":
            await self.permissions.check_device(caller, id)
        elif kind == "group":
            await self.permissions.check_group(caller, id)
        else:
            await self.permissions.check_managed(caller, id)

    async def link(self, caller: UserRow, user_id: int, kind: str, id: int) -> None:
        """Link it to the user. Raises Denied, Invalid if one of them does not exist."""
        await self.check_link(caller, user_id, kind, id)
        if await self.permissions.users.get(user_id) is None or not await self._exists(kind, id):
            raise Invalid("One of the two does not exist")
        await self.links.link(user_id, kind, id)

    async def unlink(self, caller: UserRow, user_id: int, kind: str, id: int) -> None:
        """Raises Denied. What is not linked stays so."""
        await self.check_link(caller, user_id, kind, id)
        await self.links.unlink(user_id, kind, id)

    async def _exists(self, kind: str, id: int) -> bool:
        if kind == "device":
            return await self.devices.get(id) is not None
        if kind == "group":
            return await self.groups.get(id) is not None
        return await self.permissions.users.get(id) is not None

    async def _check_references(self, caller: UserRow, values: Values, before: Values) -> None:
        """Who puts something into a group must see the group."""
        group_id = values.get("group_id") or 0
        if group_id and group_id != before.get("group_id"):
            await self.permissions.check_group(caller, group_id)
            if await self.groups.get(group_id) is None:
                raise Invalid("There is no such group")
        calendar_id = values.get("calendar_id") or 0
        if calendar_id and calendar_id != before.get("calendar_id"):
            raise Denied("Calendar access denied")

    async def _check_ring(self, id: int, parent: int) -> None:
        for _ in range(GENERATIONS):
            if parent == id:
                raise Invalid("Cycle in group hierarchy")
            above = await self.groups.get(parent) if parent else None
            parent = above.group_id or 0 if above is not None else 0


def _stored(values: Values) -> dict[str, Any]:
    """0 is no group and no calendar."""
    return {name: value or None if name in ("group_id", "calendar_id") else value for name, value in values.items()}


def _creator(caller: UserRow) -> int | None:
    return None if caller.id == SERVICE_ID else caller.id
