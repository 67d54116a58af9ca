"""Positions: the latest, those of a time, and single ones; and single events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from plugins.rest.traccar.answers import ID, NOTHING, array, shown
from plugins.rest.traccar.models import event_json, plain_json, position_json
from trackd.people.permissions import DISABLE_REPORTS, READONLY
from trackd.rest.errors import ApiError
from trackd.rest.params import LONG, MOMENT, Param
from trackd.rest.routes import Answer, Call, Route
from trackd.rest.services import Services
from trackd.store.rows import PlainPosition, PositionRow
from trackd.track.area import BadArea
from trackd.track.fence import Fence, fence

R = TypeVar("R", PositionRow, PlainPosition)
# Positions in pieces, and what reads them: of a device, from and to these times, at most so many.
Rows = AsyncIterator[Sequence[R]]
Read = Callable[[int, datetime, datetime, int], AsyncIterator[list[R]]]

# Devices whose latest positions are read at once.
PIECE = 1000


async def get_positions(services: Services, call: Call) -> Answer:
    """By ids, of one device, or the latest of all devices that the caller sees."""
    params = call.params
    if params["id"]:
        rows = await _by_ids(services, call, params["id"])
        return shown([position_json(row) for row in rows])
    if params["deviceId"]:
        return await _of_device(services, call, params["deviceId"])
    ids = sorted(await services.fleet.devices.ids_of_user(call.caller.user.id))
    within = services.options.latest_within
    return _answer(_latest(services, ids, services.now() - within if within else None))


async def _by_ids(services: Services, call: Call, ids: Sequence[int]) -> list[PositionRow]:
    await _check_reports(services, call)
    by_id = {row.id: row for row in await services.positions.by_ids(set(ids))}
    if len(by_id) < len(set(ids)):
        raise ApiError(400, "There is no such position")
    for device_id in {row.device_id for row in by_id.values()}:
        await services.permissions.check_device(call.caller.user, device_id)
    return [by_id[id] for id in ids]


async def _of_device(services: Services, call: Call, device_id: int) -> Answer:
    if call.params["from"] is None or call.params["to"] is None:
        await services.permissions.check_device(call.caller.user, device_id)
        return _answer(_latest(services, [device_id], None))
    return _answer(await of_span(services, call, services.positions.between_plain))


async def of_span(services: Services, call: Call, read: Read[R]) -> Rows[R]:
    """The positions of a device and a time, in pieces; the rights to see them are checked at once. Raises ApiError."""
    device_id, start, end = call.params["deviceId"], call.params["from"], call.params["to"]
    await services.permissions.check_device(call.caller.user, device_id)
    if start is None or end is None:
        raise ApiError(400, "The time is missing: from and to")
    await _check_reports(services, call)
    found = read(device_id, start, end, services.options.most_positions)
    geofence_id = call.params["geofenceId"]
    geofence = await services.belongings.objects.get("geofence", geofence_id) if geofence_id else None
    if geofence is None:
        return found
    try:
        return _inside(found, fence(geofence.area, geofence.attributes))
    except BadArea as error:
        raise ApiError(400, str(error)) from None


async def _inside(pieces: Rows[R], fence: Fence) -> Rows[R]:
    async for rows in pieces:
        yield [row for row in rows if fence.contains(row.latitude, row.longitude, row.altitude)]


async def _check_reports(services: Services, call: Call) -> None:
    await services.permissions.check_free(call.caller.user, DISABLE_REPORTS, message="Operation restricted")


async def _latest(services: Services, ids: Sequence[int], since: datetime | None) -> Rows[PlainPosition]:
    for start in range(0, len(ids), PIECE):
        yield await services.positions.latest_plain(ids[start : start + PIECE], since)


async def _shown(pieces: Rows[PlainPosition]) -> AsyncIterator[list[dict[str, Any]]]:
    async for rows in pieces:
        yield list(map(plain_json, rows))


def _answer(pieces: Rows[PlainPosition]) -> Answer:
    return Answer(body=array(_shown(pieces)))


async def delete_positions(services: Services, call: Call) -> Answer:
    """Delete the positions of a device and a time."""
    device_id, start, end = call.params["deviceId"], call.params["from"], call.params["to"]
    await services.permissions.check_device(call.caller.user, device_id)
    if not device_id:
        # To an administrator every id is fine, also none.
        raise ApiError(400, "The device is missing: deviceId")
    if start is None or end is None:
        raise ApiError(400, "The time is missing: from and to")
    await services.amendments.delete(device_id, start, end)
    return NOTHING


async def delete_position(services: Services, call: Call) -> Answer:
    """Delete one; that there is none is said to anybody, whatever is forbidden."""
    found = await services.positions.by_ids([call.params["id"]])
    if not found:
        raise ApiError(404)
    user = call.caller.user
    await services.permissions.check_free(user, READONLY, message="Operation restricted")
    await services.permissions.check_device(user, found[0].device_id)
    await services.amendments.delete_one(found[0])
    return NOTHING


async def get_event(services: Services, call: Call) -> Answer:
    event = await services.events.get(call.params["id"])
    if event is None:
        raise ApiError(404, "There is no such event")
    await services.permissions.check_device(call.caller.user, event.device_id)
    return shown(event_json(event))


SPAN = (Param("deviceId", LONG), Param("from", MOMENT), Param("to", MOMENT))
IN_SPAN = (*SPAN, Param("geofenceId", LONG, meaning="Only where this geofence is"))

ROUTES = (
    Route(
        "GET",
        "/positions",
        get_positions,
        query=(Param("id", LONG, many=True), *IN_SPAN),
        may_be_denied=(DISABLE_REPORTS,),
        needs=("device",),
    ),
    Route(
        "DELETE",
        "/positions",
        delete_positions,
        denied=(READONLY,),
        denial="Operation restricted",
        query=SPAN,
        needs=("device",),
    ),
    Route("DELETE", "/positions/{id}", delete_position, may_be_denied=(READONLY,), place=ID, needs=("device",)),
    Route("GET", "/events/{id}", get_event, place=ID, needs=("device",)),
)
