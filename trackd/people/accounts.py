"""Making, changing and deleting users, and what each may change of whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import define

from trackd.people.errors import Denied, Invalid
from trackd.people.limits import Attempts, origin
from trackd.people.passwords import Passwords
from trackd.people.permissions import (
    READONLY,
    Permissions,
    check_administrator,
    check_manager,
    is_manager,
    restricted,
    switched_on,
)
from trackd.people.writing import creator
from trackd.store.audit import Note
from trackd.store.errors import Full
from trackd.store.rows import UserRow
from trackd.store.users import Users

# What only an administrator sets.
RANKS = ("administrator", "device_limit", "user_limit")
# What nobody sets for himself.
FLAGS = ("readonly", "device_readonly", "disabled", "limit_commands", "disable_reports", "fixed_email")
# What a read-only user may change of himself all the same: attributes of his own clients.
ALWAYS_FREE = ("notificationTokens", "termsAccepted")
# Registrations from one address that are allowed at once, and the seconds after which one is forgotten.
REGISTRATIONS = (50, 60.0)

Values = Mapping[str, Any]


@define(eq=False)
class Accounts:
    """
    `default_limit` and `default_days` are for users who register themselves; 0 days: they never expire.

    `note`: what is written with the change into the record of what people do.
    """

    users: Users
    permissions: Permissions
    passwords: Passwords
    registrations: Attempts
    now: Callable[[], datetime]
    default_limit: int = -1
    default_days: int = 0

    async def create(self, caller: UserRow | None, values: Values, password: str, address: str, note: Note) -> UserRow:
        """
        Make a user with these columns. An empty password is none: nobody can log in with it.

        Administrators make any user; managers users of their own; everybody else registers himself, while the server
        allows it. Raises Denied, TooMany, and Refused for an address that is taken.
        """
        values = dict(values)
        manager = most = None
        if caller is None or not is_manager(caller):
            await self._check_registration(caller, values, address)
            values["device_limit"] = self.default_limit
            if self.default_days > 0:
                # Clients are shown milliseconds, and send them back.
                now = self.now()
                now = now.replace(microsecond=now.microsecond // 1000 * 1000)
                values["expiration_time"] = now + timedelta(days=self.default_days)
        elif not caller.administrator:
            _check_new(caller, values)
            manager = caller.id
            most = caller.user_limit if caller.user_limit > 0 else None
        await self._check_names(values)
        if password:
            values["password_hash"] = await self.passwords.hash(password)
        try:
            return await self.users.insert(values, manager, most, note)
        except Full:
            raise Denied("Manager user limit reached") from None

    async def update(self, caller: UserRow, id: int, values: Values, password: str, note: Note) -> UserRow:
        """
        Set these columns of a user, and the password unless it is empty. Raises Denied, Invalid, Refused.
        """
        await self.permissions.check_user(caller, id)
        before = await self.users.get(id)
        if before is None:
            raise Invalid("There is no such user")
        if not caller.administrator:
            _check_changes(caller, before, values)
            server = await self.users.server()
            if restricted(caller, server, READONLY) and not (caller.id == id and _only_free(before, values)):
                raise Denied("Write access denied")
        # Little else is written: what an administrator changes meanwhile must not come back as it was. (Attributes may
        # differ and yet be equal: 1 and true, or in another order.)
        changed = _changed(before, values)
        await self._check_names({name: values[name] for name in changed}, id)
        if password and before.temporary and caller.id == id:
            # Who has the link has it for a time, and must not come in by another way afterwards.
            raise Denied("Temporary user")
        changes = {name: value for name, value in values.items() if name in changed or name == "attributes"}
        if password:
            changes["password_hash"] = await self.passwords.hash(password)
        after = await self.users.update(id, changes, note)
        if after is None:
            raise Invalid("There is no such user")
        return after

    async def delete(self, caller: UserRow, id: int, note: Note) -> bool:
        """Delete a user; its sessions and tokens end. Whether there was one. Raises Denied."""
        await self.permissions.check_user(caller, id)
        await self.permissions.check_free(caller, READONLY)
        return await self.users.delete(id, creator(caller), note)

    async def _check_names(self, values: Values, id: int = 0) -> None:
        """One's e-mail address must not be the login of somebody else, nor one's login the address of somebody else."""
        for column, called in (("email", "e-mail address"), ("login", "login")):
            text = values.get(column)
            if text and "\0" not in text and await self.users.another(text, id):
                raise Invalid(f"The {called} is taken")

    async def _check_registration(self, caller: UserRow | None, values: Values, address: str) -> None:
        self.registrations.check(origin(address))
        self.registrations.failed(origin(address))
        server = await self.users.server()
        if not await self.users.any():
            raise Denied("Open the set-up link that the server has printed")
        if not server.registration:
            raise Denied("Registration disabled")
        if caller is None:
            if any(values.get(name) for name in (*RANKS, *FLAGS)):
                raise Denied("Administrator access required")
        else:
            _check_new(caller, values)
        if switched_on(server, "totpForce") and not values.get("totp_key"):
            raise Denied("One-time password key is required")


def _check_new(caller: UserRow, values: Values) -> None:
    if any(values.get(name) for name in RANKS):
        check_administrator(caller)
    if any(values.get(name) for name in FLAGS):
        check_manager(caller)
    expires = values.get("expiration_time")
    if expires is not None and caller.expiration_time is not None and expires > caller.expiration_time:
        check_administrator(caller)


def _check_changes(caller: UserRow, before: UserRow, values: Values) -> None:
    changed = _changed(before, values)
    if changed & set(RANKS):
        check_administrator(caller)
    if changed & set(FLAGS) and caller.id == before.id:
        check_administrator(caller)
    if "expiration_time" in changed and caller.expiration_time is not None:
        expires = values["expiration_time"]
        if expires is None or expires > caller.expiration_time:
            check_administrator(caller)
    if before.fixed_email and "email" in changed:
        check_administrator(caller)


def _changed(before: UserRow, values: Values) -> set[str]:
    """The columns that would become others."""
    return {name for name, value in values.items() if value != getattr(before, name)}


def _only_free(before: UserRow, values: Values) -> bool:
    """Whether nothing differs but what is always free."""

    def rest(attributes: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in attributes.items() if name not in ALWAYS_FREE}

    return all(
        rest(value) == rest(before.attributes) if name == "attributes" else value == getattr(before, name)
        for name, value in values.items()
    )
