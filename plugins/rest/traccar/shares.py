"""Links by which somebody without an account sees a device or a group."""

from __future__ import annotations

from plugins.rest.traccar.answers import text
from trackd.people.shares import Share
from trackd.rest.params import LONG, MOMENT, Param
from trackd.rest.routes import Answer, Call, Route
from trackd.rest.services import Services


async def share_device(services: Services, call: Call) -> Answer:
    """The token of a link that shows a device."""
    id = call.params["deviceId"]
    return await _shared(
        services, call, "device", id, await services.shares.device(call.caller.user, id, call.params["expiration"])
    )


async def share_group(services: Services, call: Call) -> Answer:
    """The token of a link that shows a group with its devices."""
    id = call.params["groupId"]
    return await _shared(
        services, call, "group", id, await services.shares.group(call.caller.user, id, call.params["expiration"])
    )


async def _shared(services: Services, call: Call, kind: str, id: int, share: Share) -> Answer:
    if share.made:
        await services.audit.created(call, "user", share.guest.id, linked=False)
        await services.audit.linked(call, [("user", share.guest.id, kind, id)])
    await services.audit.created(call, "token", share.token_id, linked=False)
    return text(share.token)


EXPIRATION = Param("expiration", MOMENT)

ROUTES = (
    Route("POST", "/share/device", share_device, form=(Param("deviceId", LONG), EXPIRATION), needs=("device",)),
    Route("POST", "/share/group", share_group, form=(Param("groupId", LONG), EXPIRATION), needs=("group",)),
)
