"""Logging in by another site, and other sites' log-ins by this server: OpenID Connect, both sides."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote_plus

from plugins.rest.traccar.answers import shown
from plugins.rest.traccar.credentials import cookies
from plugins.rest.traccar.session import logged_in
from trackd.people.errors import Invalid, Shut, Unauthorized
from trackd.people.identity import ALGORITHM, METHODS, SCOPES, statement_of
from trackd.rest.errors import ApiError
from trackd.rest.params import TEXT, Param
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.services import Caller, Services

CALLBACK = "/api/session/openid/callback"
# State and verifier, while the browser is away.
COOKIE = "openid"
AWAY = 600  # s
# The app for phones comes back under an address of its own.
APP = "org.traccar.manager:"

ISSUER = "/api/oidc"
SECRET = (("Cache-Control", "no-store"),)


async def start(services: Services, call: Call) -> Answer:
    """Send the browser to the provider."""
    departure = await services.openid.start(services.options.site + CALLBACK)
    kept = _cookie(call, f"{departure.state}.{departure.verifier}", AWAY)
    return Answer(303, headers=(("Location", departure.url), ("Set-Cookie", kept), *SECRET))


async def finish(services: Services, call: Call) -> Answer:
    """The browser comes back from the provider; log in, and send it on to the web client."""
    params = call.params
    redirect = params["redirect_uri"] or ""
    if redirect and not redirect.startswith(APP):
        raise ApiError(400, "Invalid redirect URI")
    # Each time the provider is asked, who may not like that: who is let in by nobody asks no more often than with passwords.
    limits = services.entrance.limits
    limits.check(call.address)
    state, _, verifier = cookies(call.headers.get("cookie", "")).get(COOKIE, "").partition(".")
    try:
        user = await services.openid.finish(
            params["code"] or "",
            params["state"] or "",
            (state, verifier),
            redirect or services.options.site + CALLBACK,
            services.audit.joined(call.address),
        )
    except Shut as error:
        raise ApiError(400, error.message) from None
    except Invalid:
        limits.failed(call.address)
        raise
    answer = await logged_in(services, call, Caller(user))
    onward = ("Location", f"{services.options.site}?openid=success")
    return Answer(303, headers=(*answer.headers, ("Set-Cookie", _cookie(call, "", 0)), onward))


def _cookie(call: Call, value: str, seconds: int) -> str:
    # Lax: the browser brings it back when another site sends it here.
    secure = "; Secure" if call.secure else ""
    return f"{COOKIE}={value}; Path=/api/session/openid; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


async def authorize(services: Services, call: Call) -> Answer:
    """Send the user's browser back to the site, with a code."""
    url = await services.identity.authorize(call.caller.user, call.params)
    return Answer(303, headers=(("Location", url), *SECRET))


async def token(services: Services, call: Call) -> Answer:
    """What a site gets for a code."""
    asked = {**call.params, **_client(call.headers.get("authorization"))}
    try:
        user_id, found = await services.identity.token(services.options.site + ISSUER, asked)
    except Shut as error:
        raise ApiError(400, error.message) from None
    await services.audit.came(user_id, call.address)
    return shown(found, headers=SECRET)


def _client(authorization: str | None) -> dict[str, str]:
    """Id and secret of a site from its Authorization header. Raises Unauthorized."""
    if authorization is None:
        return {}
    scheme, _, credentials = authorization.strip().partition(" ")
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    id, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Unauthorized("The Authorization header is not as it should be")
    return {"client_id": unquote_plus(id), "client_secret": unquote_plus(secret)}


async def user_info(services: Services, call: Call) -> Answer:
    """Who the user of a token is."""
    return shown(statement_of(call.caller.user))


async def keys(services: Services, call: Call) -> Answer:
    """The key for checking what this server says of users."""
    return shown(await services.identity.keys())


async def about_users(services: Services, call: Call) -> Answer:
    """For sites whose users log in by this server."""
    issuer = services.options.site + ISSUER
    return shown(
        {
            **_common(issuer),
            "userinfo_endpoint": f"{issuer}/userinfo",
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }
    )


async def about_tokens(services: Services, call: Call) -> Answer:
    """For programs that want a token."""
    return shown(_common(services.options.site + ISSUER))


def _common(issuer: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "scopes_supported": list(SCOPES),
        "code_challenge_methods_supported": list(METHODS),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    }


def texts(*names: str) -> tuple[Param, ...]:
    return tuple(Param(name, TEXT) for name in names)


ROUTES = (
    Route("GET", "/session/openid/auth", start, Access.ANYONE),
    Route("GET", "/session/openid/callback", finish, Access.ANYONE, query=texts("code", "state", "redirect_uri")),
    Route(
        "GET",
        "/oidc/authorize",
        authorize,
        query=texts(
            "client_id",
            "redirect_uri",
            "state",
            "scope",
            "response_type",
            "code_challenge",
            "code_challenge_method",
            "nonce",
        ),
    ),
    Route(
        "POST",
        "/oidc/token",
        token,
        Access.ANYONE,
        form=texts("grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier"),
        own_credentials=True,
    ),
    Route("GET", "/oidc/userinfo", user_info),
    Route("GET", "/oidc/jwks", keys, Access.ANYONE),
    # Where the standard has it: behind the issuer.
    Route("GET", "/oidc/.well-known/openid-configuration", about_users, Access.ANYONE),
)
