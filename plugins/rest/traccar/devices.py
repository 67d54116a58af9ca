"""Devices and groups."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from plugins.rest.traccar.answers import (
    ALL,
    ID,
    IGNORED_ID,
    LIST,
    NOTHING,
    USER_ID,
    array,
    group_json,
    listed,
    listing,
    shown,
    trimmed,
)
from plugins.rest.traccar.models import device_json
from plugins.rest.traccar.objects import ACCUMULATORS, DEVICE, GROUP
from trackd.people.permissions import DEVICE_READONLY, READONLY
from trackd.rest.errors import ApiError
from trackd.rest.params import LONG, TEXT, Param
from trackd.rest.routes import Answer, Call, Route
from trackd.rest.services import Services
from trackd.store.rows import DeviceRow

# Devices that are read and shown at once.
PIECE = 1000


async def get_devices(services: Services, call: Call) -> Answer:
    """Those that the caller sees; an administrator sees in lists what is linked to it, or all."""
    user, params = call.caller.user, call.params
    devices, beside = services.fleet.devices, params["deviceId"]
    if params["id"] or params["uniqueId"]:
        return listed(call, await _json(services, await _named(services, call)))
    if beside:
        await services.permissions.check_device(user, beside)
    if user.administrator and params["all"]:
        ids = await devices.all(listing(call), beside)
    elif params["userId"]:
        await services.permissions.check_user(user, params["userId"])
        ids = await devices.linked_to(params["userId"], listing(call), beside)
    else:
        ids = await devices.seen_by(user.id, listing(call), beside)
    return Answer(body=array(_pieces(services, call, ids)))


async def _pieces(services: Services, call: Call, ids: Sequence[int]) -> AsyncIterator[Sequence[dict[str, Any]]]:
    for start in range(0, len(ids), PIECE):
        piece = ids[start : start + PIECE]
        by_id = {row.id: row for row in await services.fleet.devices.by_ids(piece)}
        # One that was deleted meanwhile is left out.
        yield trimmed(call, await _json(services, [by_id[id] for id in piece if id in by_id]))


async def _named(services: Services, call: Call) -> list[DeviceRow]:
    """In the order of the request, unique ids first; what the caller does not see is left out."""
    devices = services.fleet.devices
    ids, unique_ids = call.params["id"], call.params["uniqueId"]
    seen = await devices.ids_of_user(call.caller.user.id)
    by_id = {row.id: row for row in await devices.by_ids(ids)}
    by_unique_id = {
        row.unique_id: row for row in await devices.by_unique_ids([one for one in unique_ids if "\0" not in one])
    }
    found = [*map(by_unique_id.get, unique_ids), *map(by_id.get, ids)]
    return [row for row in found if row is not None and row.id in seen]


async def _json(services: Services, rows: list[DeviceRow]) -> Iterable[dict[str, Any]]:
    states = await services.fleet.devices.states({row.id for row in rows})
    return [device_json(row, states.get(row.id)) for row in rows]


async def get_device(services: Services, call: Call) -> Answer:
    id = call.params["id"]
    await services.permissions.check_device(call.caller.user, id)
    row = await services.fleet.devices.get(id)
    if row is None:
        raise ApiError(404)
    (found,) = await _json(services, [row])
    return shown(found)


async def post_device(services: Services, call: Call) -> Answer:
    """Make a device; the answer is what was understood, with the id."""
    row = await services.fleet.add_device(
        call.caller.user, DEVICE.stored(call.body), services.audit.created(call, "device")
    )
    return shown(DEVICE.show({**call.body, "id": row.id}))


async def put_device(services: Services, call: Call) -> Answer:
    """Change the device whose id the body has; the answer is what was understood."""
    await services.fleet.change_device(
        call.caller.user, call.body["id"], DEVICE.stored(call.body), services.audit.edited(call, "device")
    )
    return shown(DEVICE.show(call.body))


async def delete_device(services: Services, call: Call) -> Answer:
    await services.fleet.delete_device(call.caller.user, call.params["id"], services.audit.removed(call, "device"))
    return NOTHING


async def put_accumulators(services: Services, call: Call) -> Answer:
    """Have the device whose id the body has count on from other values."""
    device_id = call.body["device_id"]
    await services.permissions.check_device(call.caller.user, device_id)
    if not await services.amendments.accumulate(device_id, call.body["total_distance"], call.body["hours"]):
        raise ApiError(400, "The device has no position")
    await services.audit.counted(call, device_id)
    return NOTHING


async def get_groups(services: Services, call: Call) -> Answer:
    """Those that the caller sees; an administrator sees in lists what is linked to it, or all."""
    user, params = call.caller.user, call.params
    groups = services.fleet.groups
    if user.administrator and params["all"]:
        rows = await groups.all(listing(call))
    elif params["userId"]:
        await services.permissions.check_user(user, params["userId"])
        rows = await groups.of_user(params["userId"], listing(call))
    else:
        rows = await groups.of_user(user.id, listing(call))
    return listed(call, map(group_json, rows))


async def get_group(services: Services, call: Call) -> Answer:
    id = call.params["id"]
    await services.permissions.check_group(call.caller.user, id)
    row = await services.fleet.groups.get(id)
    if row is None:
        raise ApiError(404)
    return shown(group_json(row))


async def post_group(services: Services, call: Call) -> Answer:
    """Make a group; the answer is what was understood, with the id."""
    row = await services.fleet.add_group(
        call.caller.user, GROUP.stored(call.body), services.audit.created(call, "group")
    )
    return shown(GROUP.show({**call.body, "id": row.id}))


async def put_group(services: Services, call: Call) -> Answer:
    """Change the group whose id the body has; the answer is what was understood."""
    await services.fleet.change_group(
        call.caller.user, call.body["id"], GROUP.stored(call.body), services.audit.edited(call, "group")
    )
    return shown(GROUP.show(call.body))


async def delete_group(services: Services, call: Call) -> Answer:
    await services.fleet.delete_group(call.caller.user, call.params["id"], services.audit.removed(call, "group"))
    return NOTHING


DEVICE_WRITES = (READONLY, DEVICE_READONLY)
NAMED = (Param("id", LONG, many=True), Param("uniqueId", TEXT, many=True), Param("deviceId", LONG))

ROUTES = (
    Route("GET", "/devices", get_devices, query=(ALL, USER_ID, *NAMED, *LIST), needs=("user", "device")),
    Route("POST", "/devices", post_device, denied=DEVICE_WRITES, body=DEVICE, needs=("group",)),
    Route("GET", "/devices/{id}", get_device, place=ID, needs=("device",)),
    Route(
        "PUT",
        "/devices/{id}",
        put_device,
        denied=DEVICE_WRITES,
        place=IGNORED_ID,
        body=DEVICE,
        needs=("device", "group"),
    ),
    Route("DELETE", "/devices/{id}", delete_device, denied=DEVICE_WRITES, place=ID, needs=("device",)),
    Route(
        "PUT",
        "/devices/{id}/accumulators",
        put_accumulators,
        denied=DEVICE_WRITES,
        place=IGNORED_ID,
        body=ACCUMULATORS,
        needs=("device",),
    ),
    Route("GET", "/groups", get_groups, query=(ALL, USER_ID, *LIST), needs=("user",)),
    Route("POST", "/groups", post_group, denied=(READONLY,), body=GROUP, needs=("group",)),
    Route("GET", "/groups/{id}", get_group, place=ID, needs=("group",)),
    Route("PUT", "/groups/{id}", put_group, denied=(READONLY,), place=IGNORED_ID, body=GROUP, needs=("group",)),
    Route("DELETE", "/groups/{id}", delete_group, denied=(READONLY,), place=ID, needs=("group",)),
)
