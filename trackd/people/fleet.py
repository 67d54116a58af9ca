"""Making, changing and deleting devices and groups, with the rules of who may."""

from __future__ import annotations

from attrs import define

from trackd.people.errors import Denied, Invalid
from trackd.people.permissions import DEVICE_READONLY, READONLY, Permissions
from trackd.people.writing import Values, check_references, creator, stored
from trackd.store.audit import Note
from trackd.store.devices import Devices
from trackd.store.errors import Full
from trackd.store.groups import Groups
from trackd.store.rows import DeviceRow, GroupRow, UserRow

# Steps upwards in which a group must not meet itself.
GENERATIONS = 3


@define(eq=False)
class Fleet:
    """`note`: what is written with the change into the record of what people do."""

    permissions: Permissions
    devices: Devices
    groups: Groups

    # Devices

    async def add_device(self, caller: UserRow, values: Values, note: Note) -> DeviceRow:
        """Make a device and link it to who makes it. Raises Denied, Invalid, and Refused for an id that is taken."""
        await self.permissions.check_free(caller, READONLY, DEVICE_READONLY)
        most = caller.device_limit if not caller.administrator and caller.device_limit >= 0 else None
        await check_references(self.permissions, caller, values, {})
        try:
            return await self.devices.insert(stored(values), creator(caller), most, note)
        except Full:
            raise Denied("Write access denied") from None

    async def change_device(self, caller: UserRow, id: int, values: Values, note: Note) -> DeviceRow | None:
        """Set these columns; None for an administrator who names no device. Raises Denied, Invalid, Refused."""
        await self.permissions.check_device(caller, id)
        await self.permissions.check_free(caller, READONLY, DEVICE_READONLY)
        before = await self.devices.get(id)
        if before is None:
            return None
        await check_references(
            self.permissions, caller, values, {"group_id": before.group_id, "calendar_id": before.calendar_id}
        )
        return await self.devices.update(id, stored(values), note)

    async def delete_device(self, caller: UserRow, id: int, note: Note) -> bool:
        """Whether there was one. Raises Denied."""
        await self.permissions.check_device(caller, id)
        await self.permissions.check_free(caller, READONLY, DEVICE_READONLY)
        return await self.devices.delete(id, creator(caller), note)

    # Groups

    async def add_group(self, caller: UserRow, values: Values, note: Note) -> GroupRow:
        """Make a group and link it to who makes it. Raises Denied, Invalid."""
        await self.permissions.check_free(caller, READONLY)
        await check_references(self.permissions, caller, values, {})
        return await self.groups.insert(stored(values), creator(caller), note)

    async def change_group(self, caller: UserRow, id: int, values: Values, note: Note) -> GroupRow | None:
        """Set these columns; None for an administrator who names no group. Raises Denied, Invalid."""
        await self.permissions.check_group(caller, id)
        await self.permissions.check_free(caller, READONLY)
        before = await self.groups.get(id)
        if before is None:
            return None
        await check_references(self.permissions, caller, values, {"group_id": before.group_id})
        await self._check_ring(id, values.get("group_id") or 0)
        return await self.groups.update(id, stored(values), note)

    async def delete_group(self, caller: UserRow, id: int, note: Note) -> bool:
        """Whether there was one. Raises Denied."""
        await self.permissions.check_group(caller, id)
        await self.permissions.check_free(caller, READONLY)
        return await self.groups.delete(id, creator(caller), note)

    async def _check_ring(self, id: int, parent: int) -> None:
        for _ in range(GENERATIONS):
            if parent == id:
                raise Invalid("Cycle in group hierarchy")
            above = await self.groups.get(parent) if parent else None
            parent = above.group_id or 0 if above is not None else 0
