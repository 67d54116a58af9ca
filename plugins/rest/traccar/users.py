"""Users."""

from __future__ import annotations

import attrs

from plugins.rest.traccar.answers import (
    ID,
    IGNORED_ID,
    LIST,
    NOTHING,
    USER_ID,
    listed,
    listing,
    shown,
    text,
    user_json,
)
from plugins.rest.traccar.objects import USER
from trackd.people import codes
from trackd.people.permissions import READONLY, check_manager, is_manager, switched_on
from trackd.rest.errors import ApiError
from trackd.rest.params import LONG, Param
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.services import Caller, Services
from trackd.store.listing import Listing
from trackd.store.rows import UserRow


async def get_users(services: Services, call: Call) -> Answer:
    """All users for an administrator, those whom they manage for others."""
    user = call.caller.user
    by, device = call.params["userId"], call.params["deviceId"]
    if by:
        await services.permissions.check_user(user, by)
    wanted = listing(call)
    if not device:
        return listed(call, map(user_json, await _users(services, user, by, wanted)))
    check_manager(user)
    await services.permissions.check_device(user, device)
    linked = await services.linking.links.owners("user", "device", device)
    found = [one for one in await _users(services, user, by, Listing(wanted.keyword)) if one.id in linked]
    if wanted.limit > 0:
        start = max(0, wanted.offset)
        found = found[start : start + wanted.limit]
    return listed(call, map(user_json, found))


async def _users(services: Services, user: UserRow, by: int, wanted: Listing) -> list[UserRow]:
    users = services.permissions.users
    if user.administrator and not by:
        return await users.all(wanted)
    found = await users.managed(by or user.id, wanted)
    if user.administrator:
        return found
    # Who has become an administrator is in the list all the same, and has secrets that are not the manager's.
    return [attrs.evolve(one, totp_key=None) if one.administrator else one for one in found]


async def get_user(services: Services, call: Call) -> Answer:
    id = call.params["id"]
    await services.permissions.check_user(call.caller.user, id)
    user = await services.permissions.users.get(id)
    if user is None:
        raise ApiError(404)
    return shown(user_json(user))


async def post_user(services: Services, call: Call) -> Answer:
    """Make a user, or register."""
    caller: Caller | None = call.caller
    managed = caller is not None and not caller.user.administrator and is_manager(caller.user)
    user = await services.accounts.create(
        caller.user if caller is not None else None,
        USER.stored(call.body),
        call.body["password"] or "",
        call.address,
        services.audit.created(call, "user", linked=managed),
    )
    return shown(user_json(user))


async def put_user(services: Services, call: Call) -> Answer:
    """Change the user whose id the body has."""
    user = await services.accounts.update(
        call.caller.user,
        call.body["id"],
        USER.stored(call.body),
        call.body["password"] or "",
        services.audit.edited(call, "user"),
    )
    return shown(user_json(user))


async def delete_user(services: Services, call: Call) -> Answer:
    await services.accounts.delete(call.caller.user, call.params["id"], services.audit.removed(call, "user"))
    return NOTHING


async def new_totp_key(services: Services, call: Call) -> Answer:
    """A key for one-time codes; it counts once it is stored with a user."""
    if not switched_on(await services.permissions.users.server(), "totpEnable"):
        raise ApiError(400, "One-time password is disabled")
    return text(codes.new_key())


ROUTES = (
    Route("GET", "/users", get_users, query=(USER_ID, Param("deviceId", LONG), *LIST), needs=("user", "device")),
    Route("POST", "/users", post_user, Access.ANYONE, body=USER),
    Route("POST", "/users/totp", new_totp_key, Access.ANYONE),
    Route("GET", "/users/{id}", get_user, place=ID, needs=("user",)),
    Route("PUT", "/users/{id}", put_user, place=IGNORED_ID, body=USER, may_be_denied=(READONLY,), needs=("user",)),
    Route("DELETE", "/users/{id}", delete_user, place=ID, denied=(READONLY,), needs=("user",)),
)
