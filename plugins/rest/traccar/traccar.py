"""The dialect: all its routes, and how it speaks of credentials and refusals."""

from __future__ import annotations

from plugins.rest.traccar import (
    belongings,
    commands,
    computed,
    description,
    devices,
    exports,
    files,
    notices,
    openid,
    passwords,
    permissions,
    positions,
    records,
    server,
    session,
    shares,
    users,
)
from plugins.rest.traccar.credentials import allowed, cors, listener, refusal, who
from plugins.rest.traccar.files import placeholders
from trackd.rest.routes import Dialect

PARTS = (
    session,
    server,
    users,
    devices,
    positions,
    exports,
    files,
    commands,
    permissions,
    belongings,
    notices,
    computed,
    records,
    shares,
    passwords,
    openid,
)

PREFIX = "/api"
ROUTES = tuple(route for part in PARTS for route in part.ROUTES)

dialect = Dialect(
    name="traccar",
    prefix=PREFIX,
    routes=(*ROUTES, description.route(PREFIX, ROUTES)),
    who=who,
    allowed=allowed,
    refusal=refusal,
    headers=cors,
    session_parameter="jsessionid",
    listener=listener,
    media="media",
    placeholders=placeholders,
)
