"""Logging in and out, and tokens."""

from __future__ import annotations

from plugins.rest.traccar.answers import ID, NOTHING, shown, text, user_json
from plugins.rest.traccar.credentials import by_cookie, session_cookie
from trackd.people.errors import CodeNeeded, Invalid, Shut, Unauthorized
from trackd.people.permissions import SERVICE_ID
from trackd.rest.errors import ApiError
from trackd.rest.params import MOMENT, TEXT, Kind, Param, integer
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.services import Caller, Services
from trackd.store.rows import UserRow

# A one-time code: 000000 is one, too, and not the same as none.
CODE = Kind("integer", integer)


async def get_session(services: Services, call: Call) -> Answer:
    """Who the cookie belongs to; with a token: log in with it."""
    if call.params["token"] is not None:
        _check_page(call)
        user, token = await services.entrance.by_token(call.params["token"])
        if user.id == SERVICE_ID:
            return shown(user_json(user))
        return await logged_in(services, call, Caller(user, token=token))
    caller = await by_cookie(services, call)
    if caller is None:
        raise ApiError(404, "There is no session")
    return shown(user_json(caller.user))


async def post_session(services: Services, call: Call) -> Answer:
    """Log in with a password."""
    email, password = call.params["email"], call.params["password"]
    if email is None or password is None:
        raise ApiError(400, "E-mail and password are needed")
    try:
        user = await services.entrance.by_password(email, password, call.address, call.params["code"])
    except CodeNeeded as error:
        raise ApiError(401, error.message, {"WWW-Authenticate": "TOTP"}) from None
    except Shut as error:
        raise ApiError(400, error.message) from None
    except (Unauthorized, Invalid):
        await services.audit.denied(call.address)
        raise
    return await logged_in(services, call, Caller(user))


async def delete_session(services: Services, call: Call) -> Answer:
    """Log out; a client that says who it is with each request may have a session as well."""
    caller = call.caller if call.caller.sid else await by_cookie(services, call)
    if caller is not None:
        await services.sessions.close(caller.sid)
    await services.audit.left(call)
    return NOTHING


async def become(services: Services, call: Call) -> Answer:
    """Go on as another user."""
    id = call.params["id"]
    caller: Caller = call.caller
    _check_page(call)
    await services.permissions.check_user(caller.user, id)
    user = await services.permissions.users.get(id)
    if user is None:
        if caller.sid:
            await services.sessions.close(caller.sid)
        raise ApiError(400, "There is no such user")
    return await logged_in(services, call, caller, user)


async def make_token(services: Services, call: Call) -> Answer:
    """A token that stands for the caller."""
    caller: Caller = call.caller
    expires, latest = call.params["expiration"], caller.expires
    if caller.user.temporary and caller.token is not None:
        latest = caller.token.expires
    if caller.user.id == SERVICE_ID:
        raise Invalid("The service account has its token")
    if latest is not None and (expires is None or expires > latest):
        raise Invalid("The session ends with its token, and so must this one")
    note = services.audit.created(call, "token", linked=False)
    return text(await services.sessions.make_token(caller.user.id, expires, note))


async def revoke_token(services: Services, call: Call) -> Answer:
    """End a token; who holds it may do so."""
    if not call.params["token"]:
        raise ApiError(400, "The token is missing")
    await services.sessions.revoke(call.params["token"])
    return NOTHING


async def check_sid(services: Services, call: Call) -> Answer:
    """Whether a session is alive."""
    if not call.params["sid"]:
        raise ApiError(400, "Missing session ID")
    return shown({"status": await services.sessions.alive(call.params["sid"])})


def _check_page(call: Call) -> None:
    """
    Raises ApiError (401) for a GET that a foreign page has hidden in an image or the like.

    Browsers send no Origin with it, and nobody has meant to log in by it.
    """
    if call.headers.get("sec-fetch-site") == "cross-site" and call.headers.get("sec-fetch-mode") == "no-cors":
        raise ApiError(401, "Another site's page may not log anybody in")


async def logged_in(services: Services, call: Call, caller: Caller, user: UserRow | None = None) -> Answer:
    """A session of its own for the user, in place of the one that the client had."""
    user = user or caller.user
    token, session = caller.token, caller.session
    sid = await services.sessions.open(
        user.id,
        origin=call.headers.get("origin"),
        expires=token.expires if token is not None else session.expires if session is not None else None,
        token_id=token.id if token is not None else session.token_id if session is not None else None,
    )
    if (before := await by_cookie(services, call)) is not None:
        await services.sessions.close(before.sid)
    await services.audit.came(user.id, call.address)
    return shown(user_json(user), headers=session_cookie(sid, services.options, call.secure, services.now()))


ROUTES = (
    Route("GET", "/session", get_session, Access.ANYONE, query=(Param("token", TEXT),)),
    Route(
        "POST",
        "/session",
        post_session,
        Access.ANYONE,
        form=(Param("email", TEXT), Param("password", TEXT), Param("code", CODE)),
    ),
    Route("DELETE", "/session", delete_session),
    Route("GET", "/session/check-sid", check_sid, Access.ANYONE, query=(Param("sid", TEXT),)),
    Route("POST", "/session/token", make_token, form=(Param("expiration", MOMENT),)),
    Route("POST", "/session/token/revoke", revoke_token, form=(Param("token", TEXT),)),
    Route("GET", "/session/{id}", become, needs=("user",), place=ID),
)
