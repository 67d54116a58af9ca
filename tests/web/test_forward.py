"""What phones send to the web port, through a whole house."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from attrs import Factory, define
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory as ProtocolFactory
from twisted.internet.protocol import Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import URI, Agent, ResponseFailed, ResponseNeverReceived

from benchmarks.server import free_ports
from tests.postgres import DatabaseTestCase
from trackd.settings import load
from trackd.tap import build
from trackd.web.forward import Forward, Straight
from trackd.wire import catalog

FORM = "application/x-www-form-urlencoded"


class ForwardTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for coroutines too
        from twisted.internet import reactor

        await super().setUp()
        [port] = free_ports(1)
        said = {"protocols.enable": "osmand", "osmand.port": str(port), "osmand.address": "127.0.0.1", "web.port": "0"}
        house = build(reactor, load([], said, catalog, data=Path(self.mktemp()).absolute()), self.db)
        await house.start()
        house.web = reactor.listenTCP(0, cast(Any, house.site), interface="127.0.0.1")
        self.addCleanup(lambda: Deferred.fromCoroutine(house.stop()))
        self.base = f"http://127.0.0.1:{house.web.getHost().port}"
        self.client: Any = HTTPClient(Agent.usingEndpointFactory(reactor, Straight(reactor)))
        await self.db.run("INSERT INTO devices (name, unique_id) VALUES ('phone', 'phone')")

    async def ask(self, method: str, path: str, **more: Any) -> int:
        answer = await self.client.request(method, self.base + path, **more)
        await answer.content()
        return int(answer.code)

    async def test_passed_on(self) -> None:
        """`POST /` and anything to `/client-proxy/` reach the format, with query, body and kind of body."""
        body = b'{"device_id":"phone","location":{"timestamp":"2026-01-01T00:00:00Z","coords":{"latitude":3,'
        body += b'"longitude":1,"speed":0,"heading":0,"accuracy":1,"altitude":0}}}'
        asked = [
            await self.ask("POST", "/?id=phone&lat=1&lon=1&timestamp=1767225601"),
            await self.ask(
                "POST", "/", data=b"id=phone&lat=2&lon=1&timestamp=1767225602", headers={"Content-Type": FORM}
            ),
            await self.ask("POST", "/", data=body, headers={"Content-Type": "application/json"}),
            await self.ask("PUT", "/client-proxy/a/b?id=phone&lat=4&lon=1&name=a%20b&timestamp=1767225604"),
        ]
        self.assertEqual([200] * 4, asked)
        rows = await self.db.query("SELECT latitude, attributes ->> 'name' FROM positions ORDER BY id")
        self.assertEqual([(1.0, None), (2.0, None), (3.0, None), (4.0, "a b")], rows)

    async def test_answers(self) -> None:
        """What the format answers is the answer, also when it hangs up without one."""
        self.assertEqual(400, await self.ask("POST", "/?id=stranger&lat=1&lon=1"))
        try:
            await self.ask("GET", "/client-proxy/?id=phone&lat=north&lon=1")
        except (ResponseFailed, ResponseNeverReceived):
            pass
        else:
            self.fail("a report that cannot be read was answered")

    async def test_others(self) -> None:
        """Other requests are the web server's."""
        self.assertEqual(200, await self.ask("GET", "/"))
        self.assertEqual(405, await self.ask("POST", "/elsewhere?id=phone"))
        self.assertEqual([(0,)], await self.db.query("SELECT count(*) FROM positions"))


class Broken:
    """A client that fails as nobody expects."""

    async def request(self, *args: Any, **more: Any) -> Any:
        raise KeyError("unexpected")


@define(eq=False)
class Asked:
    """The part of a request that is passed on."""

    uri: bytes = b"/client-proxy/?id=1"
    method: bytes = b"GET"
    content: BytesIO = Factory(BytesIO)
    finished: Deferred[None] = Factory(Deferred)
    aborted: bool = False

    def getHeader(self, name: str) -> None:
        return None

    def notifyFinish(self) -> Deferred[None]:
        return self.finished

    def abort(self) -> None:
        self.aborted = True


class FailureTests(SynchronousTestCase):
    def test_nobody_waits(self) -> None:
        """Whatever goes wrong, the client is not left waiting, and the log says what it was."""
        asked = Asked()
        Forward(Broken(), "", 5055).render(cast(Any, asked))
        self.assertTrue(asked.aborted)
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))

    def test_gone(self) -> None:
        """A client that hangs up while it waits is no news."""
        waiting: Deferred[Any] = Deferred()
        client = SimpleNamespace(request=lambda *args, **more: waiting)
        asked = Asked()
        Forward(client, "", 5055).render(cast(Any, asked))
        asked.finished.errback(Failure(ConnectionDone()))
        self.assertTrue(waiting.called)
        self.assertEqual([], self.flushLoggedErrors())

    def test_gone_before_it_is_connected(self) -> None:
        """Nor is one that hangs up while its request is on the way to the port."""
        reactor = MemoryReactorClock()
        asked = Asked()
        client = HTTPClient(Agent.usingEndpointFactory(reactor, Straight(reactor)))
        Forward(client, "", 5055).render(cast(Any, asked))
        self.assertEqual(1, len(reactor.tcpClients))
        asked.finished.errback(Failure(ConnectionDone()))
        self.assertTrue(asked.aborted)
        self.assertEqual([], self.flushLoggedErrors())


class StraightTests(SynchronousTestCase):
    def test_addresses(self) -> None:
        """Addresses of both kinds are connected to as they are."""
        reactor = MemoryReactorClock()
        for url in (b"http://127.0.0.1:5055/", b"http://[::1]:5056/"):
            Straight(reactor).endpointForURI(URI.fromBytes(url)).connect(ProtocolFactory.forProtocol(Protocol))
        self.assertEqual([("127.0.0.1", 5055), ("::1", 5056)], [client[:2] for client in reactor.tcpClients])
