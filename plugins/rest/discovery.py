"""What this server tells programs of its log-in, where they look for it: `/.well-known`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.rest.traccar.answers import shown
from plugins.rest.traccar.openid import ISSUER
from trackd.people.identity import ALGORITHM, METHODS, SCOPES
from trackd.rest.errors import ApiError
from trackd.rest.routes import Access, Answer, Call, Dialect, Route
from trackd.rest.services import Services


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


async def who(services: Services, call: Call) -> Any:
    """It is the same for all."""
    raise ApiError(401)


async def allowed(services: Services, call: Call) -> None:
    """Anybody may read it."""


def refusal(error: Exception) -> ApiError | None:
    return None


def headers(services: Services, sent: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Pages of other sites may read it too."""
    return [("Access-Control-Allow-Origin", "*")]


# With and without the issuer's path behind it, as the standards have it.
ROUTES = tuple(
    Route("GET", f"/{name}{path}", handler, Access.ANYONE)
    for name, handler in (("openid-configuration", about_users), ("oauth-authorization-server", about_tokens))
    for path in ("", ISSUER)
)

dialect = Dialect("discovery", "/.well-known", ROUTES, who, allowed, refusal, headers)
