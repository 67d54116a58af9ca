from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import formatEvent
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.listen.samples import log_of
from trackd.share import REST, SLICE
from trackd.web.site import ARRIVAL, FAREWELL, PIECE, Request, Site


class Echo(Resource):
    """Answers with the body that came."""

    isLeaf = True
    bodies: list[bytes]

    def __init__(self) -> None:
        super().__init__()
        self.bodies = []
        self.held: Any = None
        self.costs: Callable[[], None] = lambda: None

    def render(self, request: Request) -> Any:
        self.bodies.append(request.content.read())
        self.costs()
        if request.path == b"/held":
            self.held = request
            return NOT_DONE_YET
        return b"done"


class Transport(StringTransport):
    """A transport that knows whether it was cut, or closed on this side."""

    aborted = False
    said_all = False

    def loseWriteConnection(self) -> None:
        self.said_all = True

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

    def test_share(self) -> None:
        """When the clients have had their share of the time, what they say waits, and nothing more is read."""
        (channel, transport), (gone, _) = self.connect(), self.connect()
        self.site.share.use(lambda: self.clock.__setattr__("rightNow", SLICE))
        for one in (channel, gone):
            one.dataReceived(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
            one.dataReceived(b"body")
        self.assertEqual(("paused", b""), (transport.producerState, transport.value()))
        self.lose(gone)
        self.clock.advance(REST)
        self.assertEqual("producing", transport.producerState)
        self.assertIn(b"200 OK", transport.value())
        self.assertEqual(self.echo.bodies, [b"body"])

    def test_share_of_many_requests(self) -> None:
        """Requests that come together are answered one after the other, and have no more time than others."""
        (channel, transport), (gone, _) = self.connect(), self.connect()
        self.echo.costs = lambda: self.clock.__setattr__("rightNow", self.clock.rightNow + SLICE * 0.6)
        for one in (channel, gone):
            one.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5)
        self.assertEqual(len(self.echo.bodies), 2)
        self.lose(gone)
        for answered in (4, 5, 5):
            self.clock.advance(REST)
            self.assertEqual(transport.value().count(b"200 OK"), answered)
        channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(transport.value().count(b"200 OK"), 6)

    def test_small_reads(self) -> None:
        """Clients are read in small pieces, so that many requests in one cost no more than each of them."""
        _, transport = self.connect()
        self.assertEqual(transport.bufferSize, PIECE)  # type: ignore[attr-defined]

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
        self.assertTrue(transport.said_all)
        self.assertEqual(self.echo.bodies, [])

    def begin(self, data: bytes, path: bytes = b"/") -> tuple[Any, Transport]:
        """A request for a body of ten bytes of which these have come."""
        channel, transport = self.connect()
        channel.dataReceived(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n" + data)
        return channel, transport

    def test_bodies(self) -> None:
        """When there is no room for the bodies of all, the one that began first gives way, and others are heard."""
        self.site = Site(self.echo, self.clock, largest_body=10, most_connections=9, most_bodies=25)
        slow, _, third = [self.begin(b"12345678") for _ in range(3)]
        self.assertEqual((False, 24), (slow[1].aborted, self.site.bodies))
        slow[0].dataReceived(b"9")
        fourth = self.begin(b"12345678")
        self.assertEqual((True, False, 24), (slow[1].aborted, third[1].aborted, self.site.bodies))
        for channel, transport in (third, fourth):
            channel.dataReceived(b"90")
            self.assertIn(b"200 OK", transport.value())
        self.assertEqual([b"1234567890"] * 2, self.echo.bodies)

    def test_own_body(self) -> None:
        """Who has taken longest and goes on gives way himself."""
        self.site = Site(self.echo, self.clock, largest_body=10, most_connections=9, most_bodies=17)
        (channel, transport), (_, other) = self.begin(b"12345678"), self.begin(b"12345678")
        channel.dataReceived(b"90")
        self.assertTrue(transport.value().startswith(b"HTTP/1.1 503 "))
        self.assertEqual((False, 8), (other.aborted, self.site.bodies))

    def test_bodies_of_all_kinds(self) -> None:
        """What is answered, refused or cut off takes no room any more; who finds none but what is waited for is told so."""
        self.site = Site(self.echo, self.clock, largest_body=10, most_connections=9, most_bodies=15)
        self.begin(b"1234567890")
        self.lose(self.begin(b"1234567")[0])
        channel, _ = self.connect()
        channel.dataReceived(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n")
        channel.dataReceived(b"2\r\n12\r\n")
        self.assertEqual((0, {}), (self.site.bodies, self.site.arriving))
        held, _ = self.begin(b"1234567890", b"/held")
        self.assertEqual(10, self.site.bodies)
        _, transport = self.begin(b"123456")
        self.assertTrue(transport.value().startswith(b"HTTP/1.1 503 "))
        self.assertIn(b"\r\nRetry-After: 5\r\n", transport.value())
        self.lose(held)
        self.assertEqual((0, {}), (self.site.bodies, self.site.arriving))

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
            self.assertTrue(transport.value().startswith(b"HTTP/1.1 400 "), data[:40])
            self.assertTrue(transport.said_all, data[:40])
            self.lose(channel)
        self.assertEqual(self.echo.bodies, [])

    def test_dismissed(self) -> None:
        """
        Who was refused may read why: what is still sent is thrown away for a while, and then the connection is cut.
        """
        large = b"POST / HTTP/1.1\r\nHost: x\r\n"
        for data in (
            b"no request\r\n\r\n",
            large + b"Content-Length: 11\r\n\r\n0123456789",
            large + b"Expect: 100-continue\r\nContent-Length: 11\r\n\r\n0123456789",
            large + b"Transfer-Encoding: chunked\r\n\r\nb\r\n0123456789x\r\n0\r\n\r\n",
        ):
            channel, transport = self.connect()
            channel.dataReceived(data + b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
            for _ in range(100):
                channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual((transport.value().count(b"HTTP/1.1 "), self.echo.bodies), (1, []))
            self.clock.advance(FAREWELL - 0.1)
            self.assertFalse(transport.aborted)
            self.clock.advance(0.1)
            self.assertTrue(transport.aborted)
            self.lose(channel)
        self.assertEqual(self.clock.getDelayedCalls(), [])

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
        """When there is no room, the connection whose client has had its turn for longest gives way."""
        pairs = [self.connect() for _ in range(2)]
        pairs[0][0].dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        pairs += [self.connect() for _ in range(2)]
        self.assertEqual([transport.aborted for _, transport in pairs], [True, True, False, False])
        self.assertEqual(self.site.connections, 2)
        for channel, _ in pairs:
            self.lose(channel)
        self.assertEqual((self.site.connections, self.site.waiting, self.clock.getDelayedCalls()), (0, {}, []))

    def test_full(self) -> None:
        """
        While all of them wait for the server, nobody is let in; of many that are not, the log has one line a minute.
        """
        log = log_of(self)
        for _ in range(2):
            channel, _ = self.connect()
            channel.dataReceived(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(100):
            self.assertIsNone(self.site.buildProtocol(IPv4Address("TCP", "192.0.2.9", 1)))
        self.assertEqual([formatEvent(line) for line in log], ["192.0.2.9: there are 2 web connections already"])
        self.echo.held.finish()
        self.connect()

    def test_taken_over(self) -> None:
        """A connection that has become a live socket does not count any more."""
        channel, _ = self.connect()
        channel.dataReceived(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        self.site.taken_over(self.echo.held)
        self.assertEqual(self.site.connections, 0)
        self.lose(channel)
        self.assertEqual(self.site.connections, 0)

    def test_answers_not_taken(self) -> None:
        """While a client does not take its answers, its next requests are not looked at; then they are."""
        channel, transport = self.connect()
        channel.pauseProducing()
        channel.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        self.assertEqual(len(self.echo.bodies), 1)
        channel.resumeProducing()
        self.assertEqual(transport.value().count(b"200 OK"), 3)

    def test_answers_never_taken(self) -> None:
        """A client that never takes them is cut off in the end, whether it wants to ask more or not."""
        for ask in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
            channel, transport = self.connect()
            channel.pauseProducing()
            channel.dataReceived(ask)
            self.assertFalse(transport.aborted)
            self.clock.advance(ARRIVAL)
            self.clock.advance(channel.abortTimeout)
            self.assertTrue(transport.aborted)
            self.lose(channel)

    def test_undecodable(self) -> None:
        """
        Bytes that are no text are refused where a text is needed, and are characters elsewhere; nothing is logged.
        """
        self.site.most_connections = 10
        log = log_of(self)
        for first, host in ((b"/%ff", b"x"), (b"/", b"\xff")):
            answer = self.ask(b"GET " + first + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "))
            self.assertTrue(answer.endswith(b"\r\n\r\nThe address is not UTF-8"))
        self.ask(b"GET /held HTTP/1.1\r\nHost: x\r\nOrigin: \xff\r\n\r\n")
        self.assertEqual((self.echo.held.getHeader("origin"), self.echo.held.getHeader(b"origin")), ("\xff", b"\xff"))
        self.assertEqual(list(log), [])

    def test_odd_clients(self) -> None:
        """What Twisted finds odd about a client fills no log: requests for headers alone, time that has run out."""
        log = log_of(self)
        channel, _ = self.connect()
        channel.dataReceived(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.clock.advance(2 * ARRIVAL)
        self.assertEqual(list(log), [])
