"""Tests of `trackd.live.socket`: a real site and a real WebSocket client, without a network between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import Factory, define, field
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.logger import formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from tests.listen.samples import log_of
from tests.live.memory import House, Place, Somebody, news
from trackd.live.dialect import User
from trackd.live.outlet import PIECE
from trackd.live.socket import SocketResource
from trackd.live.subscriber import Limits
from trackd.people.errors import TooMany, Unauthorized
from trackd.share import READ, REST, SLICE
from trackd.store.errors import Unavailable

CLIENT = IPv4Address("TCP", "192.0.2.1", 40000)


class Client(WebSocketClientProtocol):
    """A client that remembers what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[bytes] = []
        self.pongs: list[bytes] = []
        self.closed: tuple[int | None, str | None] | None = None

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.heard.append(payload)

    def onPong(self, payload: bytes) -> None:
        self.pongs.append(payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.closed = (self.remoteCloseCode, self.remoteCloseReason)


@define(eq=False)
class Doorkeeper:
    """An `Authenticate` that knows a few tokens, and remembers what it was shown."""

    users: dict[str, User] = Factory(lambda: {"one": Somebody(1), "two": Somebody(2)})
    shown: list[tuple[Any, ...]] = Factory(list)
    slow: list[Deferred[None]] = Factory(list)

    async def __call__(
        self, parameters: Mapping[str, str], cookies: Mapping[str, str], origin: str | None, host: str
    ) -> User | None:
        self.shown.append((parameters, cookies, origin, host))
        if self.slow:
            await self.slow.pop(0)
        return self.users.get(parameters.get("token", ""))


class Pipe(StringTransportWithDisconnection):
    """A transport in memory, as patient as TCP's; while it is `full` it says so with every write."""

    full = False

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.full and self.producer is not None:
            self.producer.pauseProducing()

    def unregisterProducer(self) -> None:
        self.producer = None


@define(eq=False)
class Line:
    """A connection between a client and the site; `pump` carries what both have written."""

    site: Site
    client: Any = None
    up: Pipe = field(factory=Pipe)
    down: Pipe = field(factory=Pipe)
    said: bytes = b""  # all that came from the site

    def open(self) -> None:
        channel = self.site.buildProtocol(CLIENT)
        self.down.protocol = channel
        channel.makeConnection(self.down)
        if self.client is not None:
            self.up.protocol = self.client
            self.client.makeConnection(self.up)

    def pump(self) -> None:
        while self._up() | self._down():
            pass
        if self.client is not None and not self.down.connected:
            self.up.loseConnection()

    def _up(self) -> bool:
        data = self.up.value()
        if not data or self.down.producerState != "producing":
            return False
        self.up.clear()
        # Whoever has taken the transport over gets it.
        if self.down.connected:
            self.down.protocol.dataReceived(data)
        return True

    def _down(self) -> bool:
        data = self.down.value()
        self.down.clear()
        self.said += data
        if data and self.client is not None:
            self.client.dataReceived(data)
        return bool(data)


class SocketTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(places=[Place(1)])
        self.doorkeeper = Doorkeeper()
        self.lines: list[Line] = []
        self.upgraded: list[Any] = []

    def line(self, client: Any = None) -> Line:
        root = Resource()
        root.putChild(
            b"socket",
            SocketResource(self.house.hub, self.house.dialect, self.doorkeeper, upgraded=self.upgraded.append),
        )
        line = Line(Site(root, reactor=self.house.clock), client)
        self.lines.append(line)
        line.open()
        return line

    def connect(self, query: str = "?token=one", **headers: Any) -> tuple[Client, Line]:
        factory = WebSocketClientFactory(f"ws://trackd.example/socket{query}", reactor=self.house.clock, **headers)
        factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0, serverConnectionDropTimeout=0)
        factory.protocol = Client
        client: Any = factory.buildProtocol(CLIENT)
        line = self.line(client)
        line.pump()
        return client, line

    def opened(self) -> tuple[Client, Line]:
        """A client that has read the first message."""
        client, line = self.connect()
        client.heard.clear()
        return client, line

    def hear(self, client: Client) -> list[bytes]:
        for line in self.lines:
            line.pump()
        heard, client.heard = client.heard, []
        return heard

    def status(self, request: str) -> int:
        line = self.line()
        line.up.write(request.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        line.pump()
        return int(line.said.split()[1])


class HandshakeTests(SocketTests):
    def test_open(self) -> None:
        """A user whom the doorkeeper knows gets the first positions, then the news."""
        client, _ = self.connect()
        self.assertEqual([b"hello p1"], self.hear(client))
        self.house.hub.tell([news(2, state="a", events=[3])])
        self.assertEqual([b"d7a", b"e3", b"p2"], self.hear(client))

    def test_small_reads(self) -> None:
        """What clients say is read in small pieces, so that one who says much holds up nobody else."""
        _, line = self.connect()
        self.assertEqual(READ, line.down.bufferSize)  # type: ignore[attr-defined]

    def test_share(self) -> None:
        """When the clients have had their share of the time, what they say waits, and nothing more is read."""
        client, line = self.opened()
        share, clock = self.house.hub.share, self.house.clock
        share.use(lambda: clock.__setattr__("rightNow", clock.rightNow + SLICE))
        client.sendPing(b"one")
        line.pump()
        self.assertEqual("paused", line.down.producerState)
        self.assertNotIn(b"one", line.said[-10:])
        clock.advance(REST)
        line.pump()
        self.assertEqual(("producing", True), (line.down.producerState, line.said.endswith(b"\x8a\x03one")))

    def test_lost_meanwhile(self) -> None:
        """Who hangs up while he waits for his share is not heard any more."""
        client, line = self.opened()
        share, clock = self.house.hub.share, self.house.clock
        share.use(lambda: clock.__setattr__("rightNow", clock.rightNow + SLICE))
        client.sendPing(b"one")
        line.pump()
        line.down.loseConnection()
        clock.advance(REST)
        self.assertEqual(0, self.house.hub.count)

    def test_shown(self) -> None:
        """The doorkeeper sees parameters, cookies, origin and host; the dialect the parameters."""
        self.connect("?token=one&x=%C3%A9&x=2", origin="https://else.example", headers={"Cookie": "a=1; b=2"})
        self.assertEqual(
            [({"token": "one", "x": "é"}, {"a": "1", "b": "2"}, "https://else.example", "trackd.example:80")],
            self.doorkeeper.shown,
        )
        self.assertEqual([{"token": "one", "x": "é"}], self.house.dialect.parameters)

    def test_no_origin(self) -> None:
        """A client that is no browser shows no origin; a page without one shows `null`, which is no reason either."""
        self.connect(origin=None)
        client, _ = self.connect(origin="null")
        self.assertEqual([None, "null"], [origin for _, _, origin, _ in self.doorkeeper.shown])
        self.assertEqual([b"hello p1"], client.heard)

    def test_stranger(self) -> None:
        """Who isn't known is refused with 401."""
        client, line = self.connect("?token=three")
        self.assertTrue(line.said.startswith(b"HTTP/1.1 401 "))
        self.assertEqual(([], 0), (client.heard, self.house.hub.count))

    def test_plain(self) -> None:
        """Without an upgrade the method is not allowed, whatever it is."""
        for method in ("GET", "POST", "PUT"):
            self.assertEqual(405, self.status(f"{method} /socket?token=one HTTP/1.1\nHost: x\nContent-Length: 0"))
        self.assertEqual(405, self.status("POST /socket?token=one HTTP/1.1\nHost: x\nUpgrade: websocket"))
        self.assertEqual(405, self.status("GET /socket?token=one HTTP/1.1\nHost: x\nUpgrade: h2c"))

    def test_bad_upgrade(self) -> None:
        """An upgrade that is none by the standard is refused, and counts for nothing."""
        upgrade = "GET /socket?token=one HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: websocket"
        self.assertEqual(400, self.status(upgrade))
        self.assertEqual(400, self.status(f"{upgrade}\nSec-WebSocket-Version: 99\nSec-WebSocket-Key: {'A' * 22}=="))
        self.assertEqual(0, self.house.hub.count)

    def test_full(self) -> None:
        """When there are too many sockets, another is refused with 503, until one has closed."""
        self.house.hub.limits = Limits(connections=1)
        _, first = self.connect()
        _, line = self.connect()
        self.assertTrue(line.said.startswith(b"HTTP/1.1 503 "))
        first.up.loseConnection()
        first.down.loseConnection()
        client, _ = self.connect()
        self.assertEqual([b"hello p1"], client.heard)

    def test_trouble(self) -> None:
        """When the doorkeeper can't tell, the answer is 503."""
        self.doorkeeper.slow = [slow := Deferred[None]()]
        _, line = self.connect()
        self.assertEqual(b"", line.said)
        slow.errback(Failure(ConnectionError("away")))
        line.pump()
        self.assertTrue(line.said.startswith(b"HTTP/1.1 503 "))
        self.assertEqual(1, len(self.flushLoggedErrors(ConnectionError)))

    def test_refused(self) -> None:
        """A refusal in words goes to the client: 401, or 429 with the time after which it may come again."""
        for error, start in [
            (Unauthorized("No"), b"HTTP/1.1 401 "),
            (TooMany("Too often", 30), b"HTTP/1.1 429 "),
        ]:
            self.doorkeeper.slow = [slow := Deferred[None]()]
            _, line = self.connect()
            slow.errback(error)
            line.pump()
            self.assertTrue(line.said.startswith(start))
            self.assertTrue(line.said.endswith(error.message.encode()))
        self.assertIn(b"Retry-After: 30\r\n", line.said)

    def test_upgraded(self) -> None:
        """Who counts the site's connections hears of each that has become a socket, however long that took."""
        self.connect("?token=three")
        self.assertEqual([], self.upgraded)
        self.connect()
        self.assertEqual(1, len(self.upgraded))
        self.doorkeeper.slow = [slow := Deferred[None]()]
        self.connect()
        self.assertEqual(1, len(self.upgraded))
        slow.callback(None)
        self.assertEqual(2, len(self.upgraded))

    def test_gone(self) -> None:
        """A client that hangs up before it is admitted leaves nothing behind, even if the doorkeeper has its answer."""
        for slow in (Deferred[None](), Deferred[None](lambda slow: slow.callback(None))):
            self.doorkeeper.slow = [slow]
            _, line = self.connect()
            line.down.loseConnection()
            self.assertEqual((0, b""), (self.house.hub.count, line.said))

    def test_away(self) -> None:
        """When the first positions can't be read, the socket closes with 1011, so that the client tries again."""
        self.house.trouble = [ConnectionError("away")]
        client, line = self.connect()
        self.assertEqual((1011, "internal error"), client.closed)
        self.assertEqual(1, len(self.flushLoggedErrors(ConnectionError)))
        self.assertEqual(0, self.house.hub.count)

    def test_database_away(self) -> None:
        """While the database is away clients are told to come again, at the door and behind it; there is no mistake."""
        self.doorkeeper.slow = [slow := Deferred[None]()]
        _, line = self.connect()
        slow.errback(Unavailable("away"))
        line.pump()
        self.assertTrue(line.said.startswith(b"HTTP/1.1 503 "))
        self.assertIn(b"Retry-After: 5\r\n", line.said)
        self.house.trouble = [Unavailable("away")]
        client, _ = self.connect()
        self.assertEqual((1011, "the database is not available"), client.closed)

    def test_compression(self) -> None:
        """An offer of compression is not accepted."""
        _, line = self.connect(headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
        self.assertTrue(line.said.startswith(b"HTTP/1.1 101 "))
        self.assertNotIn(b"Sec-WebSocket-Extensions", line.said)


class MessageTests(SocketTests):
    def test_long(self) -> None:
        """A message of any length arrives whole, in frames of bounded size."""
        client, line = self.opened()
        places = [Place(number) for number in range(60_000)]
        line.said = b""
        self.house.hub.tell([news(*(place.id for place in places))])
        [message] = self.hear(client)
        self.assertEqual(b" ".join(b"p%d" % place.id for place in places), message)
        self.assertGreater(len(message), 4 * PIECE)
        self.assertGreaterEqual(client.trafficStats.incomingWebSocketFrames, len(message) // PIECE)

    def test_answer(self) -> None:
        """What the client says reaches the dialect, and its answer the client."""
        client, _ = self.opened()
        client.sendMessage(b"word")
        client.sendMessage(b"")
        self.assertEqual([b"heard word", b"heard "], self.hear(client))

    def test_binary(self) -> None:
        """Binary messages are passed over."""
        client, _ = self.opened()
        client.sendMessage(b"word", isBinary=True)
        self.assertEqual([], self.hear(client))
        self.assertIsNone(client.closed)

    def test_too_long(self) -> None:
        """A message of more than the limit closes the socket with 1009."""
        client, line = self.opened()
        client.sendMessage(b"x" * 65536)
        self.assertEqual(1, len(self.hear(client)))
        client.sendMessage(b"x" * 65537)
        self.assertEqual([], self.hear(client))
        assert client.closed is not None
        self.assertEqual(1009, client.closed[0])

    def test_too_long_in_pieces(self) -> None:
        """So does one that comes in many small frames."""
        client, _ = self.opened()
        client.sendMessage(b"x" * 65537, fragmentSize=1000)
        self.assertEqual([], self.hear(client))
        assert client.closed is not None
        self.assertEqual(1009, client.closed[0])

    def test_no_text(self) -> None:
        """Text that is not UTF-8 closes the socket with 1007."""
        client, _ = self.opened()
        client.sendMessage(b"\xff")
        self.hear(client)
        assert client.closed is not None
        self.assertEqual(1007, client.closed[0])

    def test_logged(self) -> None:
        """What clients do wrong is a line each, but not of many at once; a second later there are lines again."""
        log = log_of(self)
        for _ in range(12):
            client, _ = self.opened()
            client.sendMessage(b"\xff")
            self.hear(client)
        lines = [formatEvent(line) for line in log]
        self.assertEqual(10, len(lines))
        self.assertTrue(lines[0].startswith("terse socket of user 1: "), lines[0])
        self.house.clock.advance(1)
        client, _ = self.opened()
        client.sendMessage(b"\xff")
        self.hear(client)
        self.assertEqual(11, len(log))

    def test_mistake(self) -> None:
        """A mistake in a dialect closes the one socket with 1011, and is logged."""
        client, other = self.opened()[0], self.opened()[0]
        client.sendMessage(b"bug")
        self.hear(client)
        self.assertEqual(((1011, "internal error"), None), (client.closed, other.closed))
        self.assertEqual(1, len(self.flushLoggedErrors(RuntimeError)))

    def test_ping(self) -> None:
        """A ping is answered."""
        client, _ = self.opened()
        client.sendPing(b"here?")
        self.hear(client)
        self.assertEqual([b"here?"], client.pongs)


class SpeedTests(SocketTests):
    def test_slow(self) -> None:
        """While a socket's transport is full only the newest is kept for it; the others go on."""
        self.house.hub.limits = Limits(queue=10, burst=0)
        slow, line = self.opened()
        quick, _ = self.opened()
        line.down.full = True
        for number in range(100, 200):
            self.house.hub.tell([news(number)])
        self.assertEqual([b"p100"], self.hear(slow))
        self.assertEqual([b"p%d" % number for number in range(100, 200)], self.hear(quick))
        line.down.full = False
        assert line.down.producer is not None
        line.down.producer.resumeProducing()
        self.assertEqual([b"p101", b"p102", b"p103", b"p199"], self.hear(slow))
        self.house.hub.tell([news(200)])
        self.assertEqual([b"p200"], self.hear(slow))

    def test_deaf(self) -> None:
        """Nothing is read from a client that doesn't read: its pings would fill the memory with pongs."""
        client, line = self.opened()
        assert line.down.producer is not None
        line.down.producer.pauseProducing()
        self.assertEqual("paused", line.down.producerState)
        line.down.producer.resumeProducing()
        self.assertEqual("producing", line.down.producerState)

    def test_never(self) -> None:
        """A client that never reads is told so, and then aborted."""
        self.house.hub.start()
        client, line = self.opened()
        assert line.down.producer is not None
        line.down.producer.pauseProducing()
        self.house.clock.pump([1] * 60)
        self.assertTrue(line.down.connected)
        self.house.clock.pump([1] * 3)
        self.assertFalse(line.down.connected)
        self.assertEqual(0, self.house.hub.count)


class EndTests(SocketTests):
    def test_client(self) -> None:
        """A client may close with any code; nothing is left of it."""
        for code in (1000, 4000):
            client, line = self.opened()
            client.sendClose(code)
            self.hear(client)
            self.assertEqual(0, self.house.hub.count)
            self.assertFalse(line.down.connected)
        self.assertEqual([], self.house.clock.getDelayedCalls())

    def test_lost(self) -> None:
        """Nor of one whose connection breaks."""
        client, line = self.opened()
        line.down.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual((0, []), (self.house.hub.count, self.house.clock.getDelayedCalls()))

    def test_keepalive(self) -> None:
        """The dialect's sign of life is sent every 55 seconds."""
        self.house.hub.start()
        client, _ = self.opened()
        self.house.clock.pump([1] * 54)
        self.assertEqual([], self.hear(client))
        self.house.clock.advance(1)
        self.assertEqual([b"alive"], self.hear(client))

    def test_idle(self) -> None:
        """A socket on which nothing is said or heard for so long is closed; a word of either side prolongs it."""
        self.house.hub.limits = Limits(timeout=30.0)
        client, _ = self.opened()
        self.house.clock.advance(29)
        client.sendPing()
        self.hear(client)
        self.house.clock.advance(29)
        self.house.hub.tell([news(2)])
        self.hear(client)
        self.house.clock.advance(29)
        self.assertIsNone(client.closed)
        self.house.clock.advance(1)
        self.hear(client)
        self.assertEqual((1001, "idle"), client.closed)

    def test_stop(self) -> None:
        """When the hub stops, clients are told to go away."""
        client, _ = self.opened()
        stopped = self.house.hub.stop()
        self.hear(client)
        self.assertEqual((1001, "the server stops"), client.closed)
        self.successResultOf(stopped)
        self.assertEqual([], self.house.clock.getDelayedCalls())

    def test_stop_rude(self) -> None:
        """A client that doesn't say farewell is aborted soon."""
        _, line = self.opened()
        stopped = self.house.hub.stop()
        self.assertNoResult(stopped)
        self.house.clock.advance(1)
        self.successResultOf(stopped)
        self.assertFalse(line.down.connected)
