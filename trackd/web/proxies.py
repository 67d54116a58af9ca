"""Who the client is when a reverse proxy speaks for it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from trackd.web.site import Request


class Proxies:
    """
    Addresses and networks of proxies whose word is believed; what everybody else says of addresses and TLS is ignored.

    The header that each proxy adds to goes first: a proxy passes on other headers as its client has made them up.
    """

    def __init__(self, addresses: tuple[str, ...] = ()) -> None:
        self._networks = [ip_network(address, strict=False) for address in addresses]

    def _known(self, address: str) -> bool:
        if not self._networks:
            return False
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def client(self, request: Request) -> tuple[str, bool]:
        """The client's address, and whether it speaks TLS."""
        peer = plain(getattr(request.getClientAddress(), "host", "") or "")
        secure = bool(request.isSecure())
        if not self._known(peer):
            return peer, secure
        if (request.getHeader("x-forwarded-proto") or "").strip().lower() == "https":
            secure = True
        # Each proxy adds its peer at the end; what stands before the first unknown one could be made up.
        for address in reversed((request.getHeader("x-forwarded-for") or "").split(",")):
            address = plain(address.strip())[:64]
            if address and not self._known(address):
                return address, secure
        named = (request.getHeader(name) for name in ("cf-connecting-ip", "x-real-ip"))
        return plain((next(filter(None, named), peer)).strip())[:64], secure


def plain(address: str) -> str:
    """An address without the prefix that IPv4 has on an IPv6 socket."""
    return address.removeprefix("::ffff:")
