"""What notifications there can be, and telling users something."""

from __future__ import annotations

from plugins.rest.traccar.answers import NOTHING, shown
from plugins.rest.traccar.objects import MESSAGE
from trackd.outbox.channels import Note
from trackd.outbox.mail import NotSent
from trackd.rest.errors import ApiError
from trackd.rest.params import FLAG, LONG, TEXT, Param
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.services import Services

TYPES = """
    commandResult deviceOnline deviceUnknown deviceOffline deviceInactive queuedCommandSent deviceMoving deviceStopped
    deviceOverspeed deviceFuelDrop deviceFuelIncrease geofenceEnter geofenceExit geofenceCrossed proximityEnter
    proximityExit unaccompaniedMotion alarm ignitionOn ignitionOff maintenance driverChanged media
""".split()
TEST = Note("test", "test")


async def get_types(services: Services, call: Call) -> Answer:
    """The types of events of which users can be notified."""
    return shown([{"type": type} for type in TYPES])


async def get_notificators(services: Services, call: Call) -> Answer:
    """The ways in which they can be."""
    names = services.channels.names(personal=call.params["announcement"])
    return shown([{"type": name} for name in names])


async def test_all(services: Services, call: Call) -> Answer:
    """Tell the caller something in every way that there is."""
    return await _tested(services, call, services.channels.names())


async def test_one(services: Services, call: Call) -> Answer:
    """Tell the caller something in one way."""
    return await _tested(services, call, [call.params["notificator"]])


async def _tested(services: Services, call: Call, names: list[str]) -> Answer:
    services.telling.check_trial(call.caller.user)
    try:
        for name in names:
            await services.channels.named(name).send(call.caller.user, TEST)
    except NotSent as error:
        raise ApiError(400, str(error)) from None
    return NOTHING


async def announce(services: Services, call: Call) -> Answer:
    """Tell other users something: those who are named, or all whom the caller manages."""
    users = await services.telling.audience(call.caller.user, call.params["userId"])
    body = call.body
    note = Note(body["subject"], body["body"], body["digest"] or body["body"], body["priority"])
    try:
        channel = services.channels.named(call.params["notificator"])
        if not channel.personal:
            raise ApiError(400, "Announcements are not sent in this way")
        for user in users:
            await channel.send(user, note)
    except NotSent as error:
        raise ApiError(400, str(error)) from None
    return NOTHING


PLACE = (Param("notificator", TEXT),)

ROUTES = (
    Route("GET", "/notifications/types", get_types),
    Route(
        "GET",
        "/notifications/notificators",
        get_notificators,
        query=(Param("announcement", FLAG, meaning="Those that carry what people write"),),
    ),
    Route("POST", "/notifications/test", test_all),
    Route("POST", "/notifications/test/{notificator}", test_one, place=PLACE),
    Route(
        "POST",
        "/notifications/send/{notificator}",
        announce,
        Access.MANAGER,
        place=PLACE,
        query=(Param("userId", LONG, many=True, meaning="To whom; without one to all"),),
        body=MESSAGE,
        needs=("user",),
    ),
)
