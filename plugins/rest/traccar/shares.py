"""Links by which somebody without an account sees a device or a group."""

from __future__ import annotations

from plugins.rest.traccar.answers import text
from trackd.rest.params import LONG, MOMENT, Param
from trackd.rest.routes import Answer, Call, Route
from trackd.rest.services import Services
from trackd.store.audit import Note


async def share_device(services: Services, call: Call) -> Answer:
    """The token of a link that shows a device."""
    id, notes = call.params["deviceId"], _notes(services, call, "device", call.params["deviceId"])
    return text(await services.shares.device(call.caller.user, id, call.params["expiration"], notes))


async def share_group(services: Services, call: Call) -> Answer:
    """The token of a link that shows a group with its devices."""
    id, notes = call.params["groupId"], _notes(services, call, "group", call.params["groupId"])
    return text(await services.shares.group(call.caller.user, id, call.params["expiration"], notes))


def _notes(services: Services, call: Call, kind: str, id: int) -> tuple[Note, Note]:
    """Of the guest, and of the token."""
    return services.audit.shared(call, kind, id), services.audit.created(call, "token", linked=False)


EXPIRATION = Param("expiration", MOMENT)

ROUTES = (
    Route("POST", "/share/device", share_device, form=(Param("deviceId", LONG), EXPIRATION), needs=("device",)),
    Route("POST", "/share/group", share_group, form=(Param("groupId", LONG), EXPIRATION), needs=("group",)),
)
