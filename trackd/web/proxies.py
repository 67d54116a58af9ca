"""Who the client is when a reverse proxy speaks for it."""

from __future__ import annotations

from trackd.web.site import Request


class Proxies:
    """Addresses of proxies whose word is believed; everybody else's X-Forwarded-* headers are ignored."""

    def __init__(self, addresses: tuple[str, ...] = ()) -> None:
        self._known = frozenset(addresses)

    def client(self, request: Request) -> tuple[str, bool]:
        """The client's address, and whether it speaks TLS."""
        peer = plain(getattr(request.getClientAddress(), "host", "") or "")
        secure = bool(request.isSecure())
        if peer not in self._known:
            return peer, secure
        if (request.getHeader("x-forwarded-proto") or "").strip().lower() == "https":
            secure = True
        # Each proxy adds its peer at the end; what stands before the first unknown one could be made up.
        for address in reversed((request.getHeader("x-forwarded-for") or "").split(",")):
            address = plain(address.strip())[:64]
            if address and address not in self._known:
                return address, secure
        return plain((request.getHeader("x-real-ip") or peer).strip())[:64], secure


def plain(address: str) -> str:
    """An address without the prefix that IPv4 has on an IPv6 socket."""
    return address.removeprefix("::ffff:")
