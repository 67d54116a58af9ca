"""
`/metrics`: what is counted, for Prometheus. Who may read it: an administrator, as for the API, and certain addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from attrs import evolve

from trackd.figures import TYPE, Figure, exposition
from trackd.people.entrance import service_account
from trackd.rest.errors import ApiError
from trackd.rest.routes import Access, Answer, Call, Dialect, Route
from trackd.rest.services import Caller

PREFIX = "/metrics"


def metrics(dialect: Dialect, allow: Iterable[str], figures: Callable[[], Iterable[Figure]]) -> Dialect:
    """
    A dialect of this one page. `dialect` knows administrators by their tokens, sessions and passwords; `allow` are
    addresses and networks that need none, not even a database.
    """
    networks = [ip_network(text, strict=False) for text in allow]

    async def who(services: Any, call: Call) -> Caller:
        if known(call.address):
            return Caller(service_account())
        caller: Caller = await dialect.who(services, call)
        return caller

    def known(address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in networks)

    async def allowed(services: Any, call: Call) -> None:
        if not call.caller.user.administrator:
            raise ApiError(403, "Administrator access required")

    async def page(services: Any, call: Call) -> Answer:
        return Answer(200, exposition(figures()), TYPE, (("Cache-Control", "no-store"),))

    route = Route("GET", "/", page, Access.ADMINISTRATOR, produces="text/plain")
    return evolve(
        dialect,
        prefix=PREFIX,
        routes=(route,),
        who=who,
        allowed=allowed,
        headers=lambda services, sent: (),
        listener=None,
    )
