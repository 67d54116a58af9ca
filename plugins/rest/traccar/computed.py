"""Trying out the expression of a computed attribute."""

from __future__ import annotations

from plugins.rest.traccar.answers import NOTHING, shown, text
from plugins.rest.traccar.objects import TRIED
from trackd.rest.errors import ApiError
from trackd.rest.output import number
from trackd.rest.params import LONG, Param
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.services import Services
from trackd.track.expression.script import Script, variables
from trackd.track.expression.values import BadExpression, shortest
from trackd.track.expression.values import text as as_text


async def try_out(services: Services, call: Call) -> Answer:
    """What the expression makes of the last position of a device; nothing for null."""
    device_id = call.params["deviceId"]
    if not device_id:
        raise ApiError(400, "deviceId is needed")
    await services.permissions.check_device(call.caller.user, device_id)
    rows = await services.positions.latest([device_id])
    if not rows:
        raise ApiError(400, "The device has no position")
    try:
        script = Script.read(call.body["expression"], services.options.expressions)
        found = script.value(variables(rows[0], services.machine.zone("")))
        said = as_text(found)
    except BadExpression as error:
        raise ApiError(400, f"The expression has no value: {error}") from None
    if found is None:
        return NOTHING
    if call.body["type"] in ("number", "boolean") and isinstance(found, bool | int | float):
        return shown(number(shortest(found)) if isinstance(found, float) else found)
    return text(said)


ROUTES = (
    Route(
        "POST",
        "/attributes/computed/test",
        try_out,
        Access.ADMINISTRATOR,
        query=(Param("deviceId", LONG),),
        body=TRIED,
        needs=("device",),
    ),
)
