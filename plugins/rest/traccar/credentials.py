"""
Who is asking: an Authorization header alone, or else the session cookie.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime

from trackd.people.errors import CodeNeeded, Denied, Invalid, Shut, TooMany, Unauthorized
from trackd.people.permissions import RESTRICTIONS, check_administrator, check_manager, check_open
from trackd.rest.errors import ApiError
from trackd.rest.routes import Access, Call
from trackd.rest.services import Caller, Options, Services
from trackd.store.errors import Refused
from trackd.track.commands import CommandRefused

COOKIE = "JSESSIONID"
BROWSERS = {"WWW-Authenticate": 'Basic realm="api"'}

# What users are told when the database refuses, by the constraint.
TAKEN = {
    "users_email": "The e-mail address is taken",
    "users_login": "The login is taken",
    "devices_unique_id": "The unique id is taken",
}


async def who(services: Services, call: Call) -> Caller:
    """Who is asking. Raises ApiError (401, 429)."""
    caller = await _known(services, call)
    services.statistics.requested(caller.user.id)
    return caller


async def _known(services: Services, call: Call) -> Caller:
    try:
        authorization = call.headers.get("authorization")
        if authorization is not None:
            return await _authorized(services, authorization, call.address)
        caller = await by_cookie(services, call)
        if caller is None:
            raise Unauthorized("Not logged in")
        check_open(caller.user, services.now())
        return caller
    except Unauthorized as error:
        # A browser that a person types an address into may ask for name and password.
        asks = "text/html" in call.headers.get("accept", "")
        raise ApiError(401, error.message, BROWSERS if asks else {}) from None


async def by_cookie(services: Services, call: Call) -> Caller | None:
    """The user of the session cookie (or of the id in the path), who may be disabled."""
    sid = cookies(call.headers.get("cookie", "")).get(COOKIE) or call.session
    return await by_session(services, sid, call.headers.get("origin"), call.headers.get("host", ""))


async def by_session(services: Services, sid: str, origin: str | None, host: str) -> Caller | None:
    """The user of a session, if a page from this origin may use it."""
    found = await services.entrance.by_session(sid, origin, host)
    return Caller(found[0], sid, found[1]) if found is not None else None


async def listener(
    services: Services,
    parameters: Mapping[str, str],
    cookies: Mapping[str, str],
    origin: str | None,
    host: str,
) -> Caller | None:
    """
    Who opens a live socket: by `token`, else by the cookie, else by `session` in the address; one that is good will do.

    Token and `session` need no cookie, so a page from anywhere may use them. A disabled user gets in by no way.
    """
    if token := parameters.get("token"):
        try:
            user, used = await services.entrance.by_token(token)
            return Caller(user, token=used)
        except Unauthorized:
            pass
    for sid, page in ((cookies.get(COOKIE), origin), (parameters.get("session"), None)):
        if sid and (caller := await by_session(services, sid, page, host)) is not None:
            try:
                check_open(caller.user, services.now())
            except Unauthorized:
                continue
            return caller
    return None


async def _authorized(services: Services, authorization: str, address: str) -> Caller:
    scheme, _, credentials = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        user, token = await services.entrance.by_token(credentials.strip())
        return Caller(user, token=token)
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(credentials.strip(), validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            raise Unauthorized("The Authorization header is not as it should be") from None
        name, colon, password = text.partition(":")
        if not colon:
            raise Unauthorized("The Authorization header is not as it should be")
        try:
            return Caller(await services.entrance.by_basic(name, password, address))
        except (CodeNeeded, Shut):
            raise  # the password is right
        except Unauthorized:
            await services.audit.denied(address)
            raise
    raise Unauthorized("Unsupported authorization scheme")


def cookies(header: str) -> dict[str, str]:
    """The cookies of a header; of several of one name the first."""
    found: dict[str, str] = {}
    for part in header.split(";"):
        name, _, value = part.partition("=")
        found.setdefault(name.strip(), value.strip().strip('"'))
    return found


def session_cookie(sid: str, options: Options, secure: bool, now: datetime) -> tuple[tuple[str, str], ...]:
    """The headers that give a client its session."""
    parts = [f"{COOKIE}={sid}", "Path=/"]
    if options.session_timeout > 0:
        end = now + timedelta(seconds=options.session_timeout)
        parts += [f"Expires={format_datetime(end, usegmt=True)}", f"Max-Age={options.session_timeout}"]
    if secure or options.same_site == "none":
        parts.append("Secure")
    parts.append("HttpOnly")
    if options.same_site:
        parts.append(f"SameSite={options.same_site.capitalize()}")
    return (("Set-Cookie", "; ".join(parts)), ("Expires", "Thu, 01 Jan 1970 00:00:00 GMT"))


async def allowed(services: Services, call: Call) -> None:
    """Holds the route's marks against the caller. Raises Denied."""
    route = call.route
    if route.access is Access.ANYONE:
        return
    user = call.caller.user
    if route.access is Access.ADMINISTRATOR:
        check_administrator(user)
    elif route.access is Access.MANAGER:
        check_manager(user)
    if route.denied:
        assert set(route.denied) <= set(RESTRICTIONS)
        await services.permissions.check_free(user, *route.denied, message=route.denial)


def refusal(error: Exception) -> ApiError | None:
    """Errors of the house in the words of this dialect, where everything that is not permitted is 400."""
    if isinstance(error, TooMany):
        return ApiError(429, error.message, {"Retry-After": str(error.retry_after)})
    if isinstance(error, Unauthorized):
        return ApiError(401, error.message)
    if isinstance(error, Denied | Invalid):
        return ApiError(400, error.message)
    if isinstance(error, CommandRefused):
        return ApiError(400, str(error))
    if isinstance(error, Refused):
        return ApiError(400, TAKEN.get(error.constraint or "", "The database does not accept this"))
    return None


def cors(services: Services, headers: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """The headers of every response that tell a browser which pages may read it."""
    found = [
        ("Access-Control-Allow-Headers", "origin, content-type, accept, authorization"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"),
    ]
    origin, allowed = headers.get("origin"), services.options.origin
    if origin is None:
        found.append(("Access-Control-Allow-Origin", "*"))
    elif allowed and (allowed == "*" or origin in allowed):
        found.append(("Access-Control-Allow-Origin", origin))
    return found
