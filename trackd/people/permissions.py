"""
Who may see and do what. It is decided here and nowhere else, and what is not allowed here is denied.

Roles are numbers and flags of the user: an administrator may do everything, a manager (`user_limit` is not 0) makes
users and may do for them what they may do themselves. Restrictions are flags of the user or of the whole server.
"""

from __future__ import annotations

from datetime import datetime

from attrs import define

from trackd.people.errors import Denied, Shut
from trackd.store.devices import Devices
from trackd.store.groups import Groups
from trackd.store.objects import Objects
from trackd.store.rows import ServerRow, UserRow
from trackd.store.users import Users

# Who comes with the service's own token; objects that it makes belong to nobody.
SERVICE_ID = 9_000_000_000_000_000_000

READONLY, DEVICE_READONLY, LIMIT_COMMANDS, DISABLE_REPORTS = RESTRICTIONS = (
    "readonly",
    "device_readonly",
    "limit_commands",
    "disable_reports",
)


def restricted(user: UserRow, server: ServerRow, restriction: str) -> bool:
    """Whether this restriction, of the user or of the server, holds for the user."""
    return not user.administrator and bool(getattr(user, restriction) or getattr(server, restriction))


def switched_on(server: ServerRow, name: str) -> bool:
    """Whether an attribute of the server is on: true, as such or as text."""
    return str(server.attributes.get(name)).lower() == "true"


def is_manager(user: UserRow) -> bool:
    return user.administrator or user.user_limit != 0


def check_open(user: UserRow, now: datetime) -> None:
    """Raises Shut for a user who may not come in at present."""
    if user.disabled:
        raise Shut("User is disabled")
    if user.expiration_time is not None and user.expiration_time <= now:
        raise Shut("User has expired")


def check_administrator(user: UserRow) -> None:
    if not user.administrator:
        raise Denied("Administrator access required")


def check_manager(user: UserRow) -> None:
    if not is_manager(user):
        raise Denied("Manager access required")


@define(eq=False)
class Permissions:
    """The part of it that must be looked up."""

    users: Users
    devices: Devices
    groups: Groups
    objects: Objects

    async def check_free(self, user: UserRow, *restrictions: str, message: str = "Write access denied") -> None:
        """Raises Denied if one of the restrictions holds for the user."""
        if not user.administrator:
            server = await self.users.server()
            if any(restricted(user, server, restriction) for restriction in restrictions):
                raise Denied(message)

    async def check_device(self, user: UserRow, id: int) -> None:
        """Raises Denied unless the user can see the device; to an administrator every id is fine."""
        if not user.administrator and not await self.devices.sees(user.id, id):
            raise Denied("Device access denied")

    async def check_group(self, user: UserRow, id: int) -> None:
        if not user.administrator and not await self.groups.sees(user.id, id):
            raise Denied("Group access denied")

    async def check_user(self, user: UserRow, id: int, called: str = "User") -> None:
        """Raises Denied unless it is the user itself, or one whom it manages."""
        if not user.administrator and user.id != id and not await self.users.manages(user.id, id):
            raise Denied(f"{called} access denied")

    async def check_managed(self, user: UserRow, id: int) -> None:
        """The same without the user itself: nobody manages himself."""
        if not user.administrator and not await self.users.manages(user.id, id):
            raise Denied("ManagedUser access denied")

    async def check(self, user: UserRow, kind: str, id: int) -> None:
        """Raises Denied unless the user has access to this user, group, device or other object."""
        if kind == "user":
            await self.check_user(user, id)
        elif kind == "device":
            await self.check_device(user, id)
        elif kind == "group":
            await self.check_group(user, id)
        elif not user.administrator and not await self.objects.linked(kind, user.id, id):
            raise Denied(f"{kind.capitalize()} access denied")
