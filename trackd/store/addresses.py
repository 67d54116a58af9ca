"""
Where the database is: connection parameters in libpq's words, with host names resolved.

libpq would resolve them itself, but waits for the name server in the meantime; the reactor must not.
"""

from __future__ import annotations

from typing import Any

import psycopg2
import psycopg2.extensions
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IHostResolution, IResolutionReceiver
from zope.interface import implementer

# A partner that has vanished without a word is noticed within a minute; a query that waits for it fails then.
DEFAULTS = {
    "application_name": "trackd",
    "client_encoding": "UTF8",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    # Kerberos is asked for by default, which costs each connection a search for tickets.
    "gssencmode": "disable",
}


def dsn(url: str, user: str = "", password: str = "") -> str:
    """
    A libpq dsn of a URL (`postgresql://…`, with or without `jdbc:` before it) or of a dsn, with user and password.

    Raises ValueError if it is neither.
    """
    try:
        parameters = psycopg2.extensions.parse_dsn(url.removeprefix("jdbc:"))
    except psycopg2.ProgrammingError as error:
        raise ValueError(str(error).strip()) from error
    if user:
        parameters["user"] = user
    if password:
        parameters["password"] = password
    return psycopg2.extensions.make_dsn(**parameters)


async def resolved(reactor: Any, dsn: str) -> dict[str, str]:
    """The parameters of `dsn`, with an address for each host; a name with several addresses becomes several hosts."""
    parameters = DEFAULTS | psycopg2.extensions.parse_dsn(dsn)
    hosts = parameters.get("host", "").split(",")
    if "hostaddr" in parameters or all(_needs_no_look_up(host) for host in hosts):
        return parameters
    ports = parameters.get("port", "").split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    found: list[tuple[str, str, str]] = []
    for host, port in zip(hosts, ports, strict=False):
        addresses = [""] if _needs_no_look_up(host) else await _Resolution().of(reactor, host)
        # A host without an address stays: libpq says best what is wrong with it.
        found += [(host, address, port) for address in addresses or [""]]
    for name, column in zip(("host", "hostaddr", "port"), zip(*found, strict=True), strict=True):
        parameters[name] = ",".join(column)
    return parameters


def _needs_no_look_up(host: str) -> bool:
    return not host or host[0] in "/@" or isIPAddress(host) or isIPv6Address(host)


@implementer(IResolutionReceiver)
class _Resolution:
    """Collects the addresses of one name."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._done: Deferred[list[str]] = Deferred()

    def of(self, reactor: Any, name: str) -> Deferred[list[str]]:
        reactor.nameResolver.resolveHostName(self, name)
        return self._done

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        pass

    def addressResolved(self, address: IAddress) -> None:
        if isinstance(address, IPv4Address | IPv6Address) and address.host not in self._found:
            self._found.append(address.host)

    def resolutionComplete(self) -> None:
        self._done.callback(self._found)
