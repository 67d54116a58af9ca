from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from trackd.web.site import ARRIVAL, Request, Site


class Echo(Resource):
    """Answers with the body that came."""

    isLeaf = True
    bodies: list[bytes]

    def __init__(self) -> None:
        super().__init__()
        self.bodies = []
        self.held: Any = None

    def render(self, request: Request) -> Any:
        self.bodies.append(request.content.read())
        if request.path == b"/held":
            self.held = request
            return NOT_DONE_YET
        return b"done"


class Transport(StringTransport):
    """A transport that knows whether it was cut."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True
        super().abortConnection()


class SiteTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.echo = Echo()
        self.site = Site(self.echo, self.clock, largest_body=10, most_connections=2)

    def connect(self) -> tuple[Any, Transport]:
        channel = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        transport = Transport()
        channel.makeConnection(transport)
        self.addCleanup(self.lose, channel)
        return channel, transport

    def lose(self, channel: Any) -> None:
        if not getattr(channel, "gone", False):
            channel.gone = True
            channel.connectionLost()

    def ask(self, data: bytes) -> bytes:
        channel, transport = self.connect()
        channel.dataReceived(data)
        value: bytes = transport.value()
        return value

    def test_body(self) -> None:
        """A body within the limit arrives, in whatever pieces; the server does not say what it is made of."""
        answer = self.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789")
        self.assertIn(b"200 OK", answer)
        self.assertIn(b"Server: trackd\r\n", answer)
        self.assertEqual(self.echo.bodies, [b"0123456789"])

    def test_announced(self) -> None:
        """A body that is announced as too large is refused before it comes."""
        answer = self.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "))
        self.assertEqual(self.echo.bodies, [])

    def test_chunked(self) -> None:
        """A body of unknown length is refused once it is too large, and nothing of it is kept."""
        channel, transport = self.connect()
        channel.dataReceived(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            channel.dataReceived(b"5\r\n01234\r\n")
        channel.dataReceived(b"0\r\n\r\n")
        self.assertEqual(transport.value().count(b"HTTP/1.1 413 "), 1)
        self.assertTrue(transport.disconnecting)
        self.assertEqual(self.echo.bodies, [])

    def test_headers(self) -> None:
        """Too many headers, too long ones, or noise: the connection is closed."""
        for data in (
            b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n",
            b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
            b"GET /" + b"x" * 20_000,
            b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ):
            channel, transport = self.connect()
            channel.dataReceived(data)
            self.assertTrue(transport.disconnecting, data[:40])
            self.lose(channel)
        self.assertEqual(self.echo.bodies, [])

    def test_trickle(self) -> None:
        """A request that trickles in for too long is given up, however busy the connection is."""
        channel, transport = self.connect()
        channel.dataReceived(b"GET / HTTP/1.1\r\n")
        for number in range(int(ARRIVAL)):
            channel.dataReceived(b"X-%d: 1\r\n" % number)
            self.clock.advance(1.1)
        self.assertTrue(transport.disconnecting)

    def test_idle(self) -> None:
        """A connection that says nothing is closed."""
        _, transport = self.connect()
        self.clock.advance(ARRIVAL + 1)
        self.assertTrue(transport.disconnecting)

    def test_slow_answer(self) -> None:
        """An answer may take its time."""
        channel, transport = self.connect()
        channel.dataReceived(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        self.clock.advance(10 * ARRIVAL)
        self.assertFalse(transport.disconnecting)
        self.echo.held.finish()
        channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(transport.value().count(b"200 OK"), 2)

    def test_connections(self) -> None:
        """More connections than the limit are not let in; when one has gone there is room."""
        first, _ = self.connect()
        self.connect()
        self.assertIsNone(self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)))
        self.lose(first)
        self.connect()

    def test_taken_over(self) -> None:
        """A connection that has become a live socket does not count any more."""
        self.connect()
        self.connect()
        self.site.taken_over(None)
        self.connect()
        self.site.connections += 1
