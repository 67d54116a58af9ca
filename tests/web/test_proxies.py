from typing import Any, cast

from attrs import Factory, define
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from trackd.web.proxies import Proxies
from trackd.web.site import Request


@define
class Asked:
    """The part of a request that says where it comes from."""

    peer: Any
    headers: dict[str, str] = Factory(dict)
    secure: bool = False

    def getClientAddress(self) -> Any:
        return self.peer

    def isSecure(self) -> bool:
        return self.secure

    def getHeader(self, name: str) -> str | None:
        return self.headers.get(name)


def asked(host: str = "10.0.0.1", secure: bool = False, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return cast(Request, Asked(IPv4Address("TCP", host, 1), named, secure))


class ProxiesTests(SynchronousTestCase):
    def test_stranger(self) -> None:
        """Without a known proxy the peer is the client, whatever it says."""
        request = asked(x_forwarded_for="9.9.9.9", x_forwarded_proto="https", x_real_ip="9.9.9.9")
        self.assertEqual(Proxies().client(request), ("10.0.0.1", False))
        self.assertEqual(Proxies(("10.0.0.2",)).client(request), ("10.0.0.1", False))

    def test_known(self) -> None:
        """A known proxy is believed; of a chain the last address that is no known proxy counts."""
        proxies = Proxies(("10.0.0.1", "10.0.0.2"))
        self.assertEqual(proxies.client(asked(x_forwarded_for="9.9.9.9")), ("9.9.9.9", False))
        self.assertEqual(
            proxies.client(asked(x_forwarded_for="1.1.1.1, 9.9.9.9, 10.0.0.2", x_forwarded_proto="HTTPS")),
            ("9.9.9.9", True),
        )
        self.assertEqual(proxies.client(asked(x_real_ip="8.8.8.8")), ("8.8.8.8", False))
        self.assertEqual(proxies.client(asked(x_forwarded_for=" , 10.0.0.2")), ("10.0.0.1", False))
        self.assertEqual(proxies.client(asked(secure=True)), ("10.0.0.1", True))

    def test_networks(self) -> None:
        """Proxies may be named by their networks; what stands there in place of an address is no proxy."""
        proxies = Proxies(("10.0.0.0/8", "2001:db8::/32"))
        self.assertEqual(proxies.client(asked(x_forwarded_for="9.9.9.9, 10.1.2.3, 2001:db8::7")), ("9.9.9.9", False))
        self.assertEqual(proxies.client(asked(x_forwarded_for="9.9.9.9, unknown")), ("unknown", False))
        self.assertEqual(proxies.client(asked("11.0.0.1", x_forwarded_for="9.9.9.9")), ("11.0.0.1", False))

    def test_order(self) -> None:
        """Of several headers the one counts that a client cannot make up behind its proxy's back."""
        proxies = Proxies(("10.0.0.1",))
        said: dict[str, Any] = {"cf_connecting_ip": "1.1.1.1", "x_real_ip": "2.2.2.2"}
        self.assertEqual(proxies.client(asked(x_forwarded_for="9.9.9.9", **said)), ("9.9.9.9", False))
        self.assertEqual(proxies.client(asked(**said)), ("1.1.1.1", False))

    def test_addresses(self) -> None:
        """IPv4 on a socket of IPv6 is IPv4; a Unix socket has no address."""
        proxies = Proxies(("127.0.0.1",))
        mapped = cast(Request, Asked(IPv6Address("TCP", "::ffff:127.0.0.1", 1), {"x-forwarded-for": "9.9.9.9"}))
        self.assertEqual(proxies.client(mapped), ("9.9.9.9", False))
        self.assertEqual(proxies.client(cast(Request, Asked(UNIXAddress(b"/x")))), ("", False))
