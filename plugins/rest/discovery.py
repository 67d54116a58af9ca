"""What this server tells programs of its log-in, where they look for it: `/.well-known`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.rest.traccar.openid import ISSUER, about_tokens, about_users
from trackd.rest.errors import ApiError
from trackd.rest.routes import Access, Call, Dialect, Route
from trackd.rest.services import Services


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
    Route("GET", f"/{name}{path}", function, Access.ANYONE)
    for name, function in (("openid-configuration", about_users), ("oauth-authorization-server", about_tokens))
    for path in ("", ISSUER)
)

dialect = Dialect("discovery", "/.well-known", ROUTES, who, allowed, refusal, headers)
