"""A new password for who has forgotten the old one."""

from __future__ import annotations

from trackd.people.errors import Gone
from trackd.rest.errors import ApiError
from trackd.rest.params import TEXT, Param
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.services import Services


async def reset(services: Services, call: Call) -> Answer:
    """Have a link sent to an address. The answer is the same whether anybody has it or not."""
    if call.params["email"] is None:
        raise ApiError(400, "The e-mail address is missing")
    await services.recovery.ask(call.params["email"], call.address)
    return Answer(200)


async def update(services: Services, call: Call) -> Answer:
    """Set a password with what the link has, or with a token; without a password nothing happens."""
    if not call.params["token"]:
        raise ApiError(400, "The token is missing")
    try:
        note = services.audit.renewed(call.address)
        await services.recovery.update(call.params["token"], call.params["password"] or "", note)
    except Gone as error:
        raise ApiError(404, error.message) from None
    return Answer(200)


ROUTES = (
    Route("POST", "/password/reset", reset, Access.ANYONE, form=(Param("email", TEXT),)),
    Route("POST", "/password/update", update, Access.ANYONE, form=(Param("token", TEXT), Param("password", TEXT))),
)
