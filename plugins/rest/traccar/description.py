"""`/api/openapi.json`: the dialect as a program reads it."""

from __future__ import annotations

from collections.abc import Iterable

from plugins.rest.traccar.answers import shown
from plugins.rest.traccar.belongings import RESOURCES
from plugins.rest.traccar.credentials import COOKIE
from plugins.rest.traccar.objects import COMMAND, DEVICE, GROUP, QUEUED_COMMAND, SERVER, USER
from plugins.rest.traccar.permissions import One
from plugins.rest.traccar.shapes import ACTION, ALIVE, EVENT, POSITION, STATISTICS, TYPE
from trackd.rest.body import Model, field
from trackd.rest.openapi import Gives, Words, description
from trackd.rest.routes import Answer, Call, Route
from trackd.rest.services import Services

NOTHING = Gives(status=204)
TEXT = Gives("string")
EMPTY = Gives()
FILE = Gives("any")

# Whose routes are those of all objects: a list, one, make, change, remove.
OBJECTS = {
    "/devices": DEVICE,
    "/groups": GROUP,
    "/users": USER,
    **{resource.path: resource.model for resource in RESOURCES},
}
OTHERS: dict[str, tuple[Gives, ...]] = {
    "GET /session": (Gives(USER),),
    "POST /session": (Gives(USER),),
    "DELETE /session": (NOTHING,),
    "GET /session/check-sid": (Gives(ALIVE),),
    "POST /session/token": (TEXT,),
    "POST /session/token/revoke": (NOTHING,),
    "GET /session/{id}": (Gives(USER),),
    "GET /server": (Gives(SERVER),),
    "PUT /server": (Gives(SERVER),),
    "GET /server/timezones": (Gives("string", many=True),),
    "GET /health": (TEXT,),
    "POST /users/totp": (TEXT,),
    "PUT /devices/{id}/accumulators": (NOTHING,),
    "GET /positions": (Gives(POSITION, many=True),),
    "DELETE /positions": (NOTHING,),
    "DELETE /positions/{id}": (NOTHING,),
    "GET /positions/csv": (TEXT,),
    "GET /positions/gpx": (TEXT,),
    "GET /positions/kml": (TEXT,),
    "GET /positions/kmz": (FILE,),
    "POST /devices/{id}/image": (TEXT,),
    "POST /server/file/{path}": (EMPTY,),
    "GET /server/geocode": (TEXT,),
    "GET /server/gc": (EMPTY,),
    "GET /server/cache": (TEXT,),
    "POST /server/reboot": (EMPTY,),
    "GET /stream/{deviceId}/{channel}/live.m3u8": (TEXT,),
    "GET /stream/{deviceId}/{channel}/{index}.ts": (FILE,),
    "GET /session/openid/auth": (Gives(status=303),),
    "GET /session/openid/callback": (Gives(status=303),),
    "GET /oidc/authorize": (Gives(status=303),),
    "POST /oidc/token": (Gives("object"),),
    "GET /oidc/userinfo": (Gives("object"),),
    "GET /oidc/jwks": (Gives("object"),),
    "GET /oidc/.well-known/openid-configuration": (Gives("object"),),
    "GET /events/{id}": (Gives(EVENT),),
    "GET /commands/types": (Gives(TYPE, many=True),),
    "GET /commands/send": (Gives(COMMAND, many=True),),
    "POST /commands/send": (
        Gives(COMMAND),
        Gives(QUEUED_COMMAND, status=202),
        Gives(QUEUED_COMMAND, many=True, status=202),
    ),
    "GET /notifications/types": (Gives(TYPE, many=True),),
    "GET /notifications/notificators": (Gives(TYPE, many=True),),
    "POST /notifications/test": (NOTHING,),
    "POST /notifications/test/{notificator}": (NOTHING,),
    "POST /notifications/send/{notificator}": (NOTHING,),
    "POST /attributes/computed/test": (Gives("any"), NOTHING),
    "GET /permissions": (Gives(One(), many=True),),
    "POST /permissions": (NOTHING,),
    "DELETE /permissions": (NOTHING,),
    "POST /permissions/bulk": (NOTHING,),
    "DELETE /permissions/bulk": (NOTHING,),
    "POST /password/reset": (EMPTY,),
    "POST /password/update": (EMPTY,),
    "POST /share/device": (TEXT,),
    "POST /share/group": (TEXT,),
    "GET /audit": (Gives(ACTION, many=True),),
    "GET /statistics": (Gives(STATISTICS, many=True),),
    "GET /openapi.json": (Gives("object"),),
}

CREDENTIALS = {
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "From POST /session."},
    "token": {"type": "http", "scheme": "bearer", "description": "A token from POST /session/token."},
    "password": {"type": "http", "scheme": "basic", "description": "E-mail address and password."},
}
REFUSALS = {
    400: "Not permitted, against a rule, or not understood; one line says what.",
    401: "Nobody, or nobody who may come in at present.",
    404: "There is no such object, or a parameter has a form that makes no sense.",
    406: "The client accepts no answer of this kind.",
    415: "Not this kind of body.",
    429: "Too many attempts; Retry-After says when to go on.",
}


def gives(objects: dict[str, Model]) -> Iterable[tuple[str, tuple[Gives, ...]]]:
    """What the routes of these objects answer."""
    for path, model in objects.items():
        yield f"GET {path}", (Gives(model, many=True),)
        yield f"GET {path}/{{id}}", (Gives(model),)
        yield f"POST {path}", (Gives(model),)
        yield f"PUT {path}/{{id}}", (Gives(model),)
        yield f"DELETE {path}/{{id}}", (NOTHING,)


WORDS = Words(
    "trackd",
    "Speed is in knots, distances in metres, durations in milliseconds; times are UTC.",
    {**dict(gives(OBJECTS)), **OTHERS},
    CREDENTIALS,
    REFUSALS,
    {field(member): member.name for member in USER.members},
)


def route(prefix: str, others: Iterable[Route], words: Words = WORDS) -> Route:
    """The route that describes these others, and itself."""

    async def get_description(services: Services, call: Call) -> Answer:
        """This description of all routes, as OpenAPI 3.1."""
        return shown(description(prefix, routes, words, services.options.version))

    described = Route("GET", "/openapi.json", get_description)
    routes = (*others, described)
    return described
