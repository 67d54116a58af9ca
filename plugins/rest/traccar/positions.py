"""Positions: the latest, those of a time, and single ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from plugins.rest.traccar.models import dumps, position_json
from trackd.people.permissions import DISABLE_REPORTS
from trackd.rest.errors import ApiError
from trackd.rest.params import LONG, MOMENT, Param
from trackd.rest.routes import Answer, Call, Route
from trackd.rest.services import Services
from trackd.store.rows import PositionRow

# Devices whose latest positions are read at once.
PIECE = 1000


async def get_positions(services: Services, call: Call) -> Answer:
    """By ids, of one device, or the latest of all devices that the caller sees."""
    params = call.params
    if params["id"]:
        return Answer(body=array(one_piece(await _by_ids(services, call, params["id"]))))
    if params["deviceId"]:
        return await _of_device(services, call, params["deviceId"])
    ids = sorted(await services.fleet.devices.ids_of_user(call.caller.user.id))
    within = services.options.latest_within
    return Answer(body=array(_latest(services, ids, services.now() - within if within else None)))


async def _by_ids(services: Services, call: Call, ids: Sequence[int]) -> list[PositionRow]:
    await _check_reports(services, call)
    by_id = {row.id: row for row in await services.positions.by_ids(set(ids))}
    if len(by_id) < len(set(ids)):
        raise ApiError(400, "There is no such position")
    for device_id in {row.device_id for row in by_id.values()}:
        await services.permissions.check_device(call.caller.user, device_id)
    return [by_id[id] for id in ids]


async def _of_device(services: Services, call: Call, device_id: int) -> Answer:
    await services.permissions.check_device(call.caller.user, device_id)
    start, end = call.params["from"], call.params["to"]
    if start is None or end is None:
        return Answer(body=array(_latest(services, [device_id], None)))
    await _check_reports(services, call)
    return Answer(body=array(services.positions.between(device_id, start, end, services.options.most_positions)))


async def _check_reports(services: Services, call: Call) -> None:
    await services.permissions.check_free(call.caller.user, DISABLE_REPORTS, message="Operation restricted")


async def _latest(
    services: Services, ids: Sequence[int], since: datetime | None
) -> AsyncIterator[Iterable[PositionRow]]:
    for start in range(0, len(ids), PIECE):
        yield await services.positions.latest(ids[start : start + PIECE], since)


async def one_piece(rows: Iterable[PositionRow]) -> AsyncIterator[Iterable[PositionRow]]:
    yield rows


async def array(pieces: AsyncIterator[Iterable[PositionRow]]) -> AsyncIterator[bytes]:
    """The JSON array of all positions, a piece at a time; few positions are one piece."""
    held = b"["
    async for rows in pieces:
        if encoded := dumps([position_json(row) for row in rows])[1:-1]:
            if len(held) > 1:
                yield held
                held = b","
            held += encoded
    yield held + b"]"


ROUTES = (
    Route(
        "GET",
        "/positions",
        get_positions,
        query=(
            Param("id", LONG, many=True),
            Param("deviceId", LONG),
            Param("from", MOMENT),
            Param("to", MOMENT),
        ),
        may_be_denied=(DISABLE_REPORTS,),
        needs=("device",),
    ),
)
