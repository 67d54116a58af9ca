"""The server's own settings, and its health."""

from __future__ import annotations

import attrs

from plugins.rest.traccar.answers import shown, text
from plugins.rest.traccar.objects import SERVER
from trackd.rest.errors import ApiError
from trackd.rest.params import DOUBLE, Param
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.services import Services


async def get_server(services: Services, call: Call) -> Answer:
    """The settings that every client reads first."""
    users = services.permissions.users
    values = attrs.asdict(await users.server(), recurse=False)
    values["version"] = services.options.version
    values["email_enabled"] = services.options.mail
    values["open_id_enabled"] = services.openid.enabled
    values["open_id_force"] = services.openid.enabled and not services.entrance.by_passwords
    if call.caller is None:
        values["new_server"] = not await users.any()
    elif call.caller.user.administrator:
        values["storage_space"] = services.storage()
    return shown(SERVER.show(values))


async def put_server(services: Services, call: Call) -> Answer:
    """Change them. There is one row, so a body with another id changes nothing."""
    if call.body["id"] == 1:
        note = services.audit.edited(call, "server")
        await services.permissions.users.update_server(SERVER.stored(call.body), note)
    return shown(SERVER.show(call.body))


async def time_zones(services: Services, call: Call) -> Answer:
    """The names of all time zones."""
    return shown(services.zones())


async def geocode(services: Services, call: Call) -> Answer:
    """The address of a place: nobody can be asked for one yet."""
    raise ApiError(400, "Reverse geocoding is not enabled")


async def collect(services: Services, call: Call) -> Answer:
    """Have the memory collected of what nobody needs any more."""
    services.machine.collect()
    return Answer()


async def told(services: Services, call: Call) -> Answer:
    """What the server is doing, and what it keeps in memory, in words."""
    return text(services.machine.told())


async def reboot(services: Services, call: Call) -> Answer:
    """End the process, which is started again by whoever watches it."""
    services.machine.reboot()
    return Answer()


async def health(services: Services, call: Call) -> Answer:
    """Whether all is well."""
    return Answer(200, b"OK") if await services.health() else Answer(500)


ROUTES = (
    Route("GET", "/server", get_server, Access.ANYONE),
    Route("PUT", "/server", put_server, Access.ADMINISTRATOR, body=SERVER),
    Route("GET", "/server/timezones", time_zones),
    Route("GET", "/server/geocode", geocode, query=(Param("latitude", DOUBLE), Param("longitude", DOUBLE))),
    Route("GET", "/server/gc", collect, Access.ADMINISTRATOR),
    Route("GET", "/server/cache", told, Access.ADMINISTRATOR),
    Route("POST", "/server/reboot", reboot, Access.ADMINISTRATOR),
    Route("GET", "/health", health, Access.ANYONE, produces="text/plain"),
)
