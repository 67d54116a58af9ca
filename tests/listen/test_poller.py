"""Formats that ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field
from treq.testing import StringStubbingResource, StubTreq
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.memory import MemoryIntake
from tests.listen.samples import clock_of, decode, log_of, server
from trackd.listen.poller import HTTPClient, Poller, Source
from trackd.wire.format import Session, WireFormat
from trackd.wire.http import Answer, Request
from trackd.wire.values import Output


@define
class Since:
    """What the format remembers of a session: when to go on."""

    time: str = ""


def ask(session: Session) -> Request:
    since = session.state.time or str(int(session.now.timestamp()))
    return Request("GET", f"/messages?since={since}&name=a%20b", {"x-format": "asking"})


def answered(answer: Answer, session: Session) -> Iterator[Output]:
    """A number is the next time to ask from, the words behind it are as ever."""
    session.state.time, _, words = answer.body.decode().partition(" ")
    yield from decode(words.encode(), session)


ASKING = WireFormat("asking", 0, answered, ask=ask, state=Since)


@define
class Network:
    """The other side: what it is asked and what it answers."""

    answers: list[tuple[int, bytes]]
    asked: list[str] = field(factory=list)

    def respond(self, method: bytes, url: str, params: Any, headers: Any, data: bytes) -> tuple[int, Any, bytes]:
        assert (method, headers[b"X-Format"], data) == (b"GET", [b"asking"], b"")
        self.asked.append(url + "?" + "&".join(f"{k.decode()}={v[0].decode()}" for k, v in params.items()))
        status, body = self.answers.pop(0)
        return status, {"location": "/elsewhere"}, body


@define
class Silent:
    """A client whose requests are answered when a test says so."""

    requests: list[Deferred[Any]] = field(factory=list)

    def request(self, method: str, url: str, **kwargs: Any) -> Deferred[Any]:
        self.requests.append(Deferred())
        return self.requests[-1]


class PollerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1")
        self.server = server(self.intake)
        self.clock = clock_of(self.server)
        self.clock.advance(1000)

    def polling(self, client: HTTPClient, interval: float = 60.0, tls: bool = False) -> Poller:
        poller = Poller(self.server, Source(ASKING, "sat.example", 8080, interval, tls), client)
        poller.startService()
        self.addCleanup(poller.stopService)
        return poller

    def network(self, *answers: bytes, status: int = 200) -> tuple[Network, Any]:
        network = Network([(status, answer) for answer in answers])
        return network, StubTreq(StringStubbingResource(network.respond))

    def test_asks(self) -> None:
        """It asks at once and at the interval, with what the format remembers, and takes the reports."""
        network, client = self.network(b"1050 login:1 at:1", b"1100 login:1 at:2 login:9 at:3")
        self.polling(client)
        self.clock.advance(60)
        self.assertEqual(
            network.asked,
            [f"http://sat.example:8080/messages?since={since}&name=a b" for since in (1000, 1050)],
        )
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0, 2.0])
        self.assertEqual(self.intake.gone, [])

    def test_tls(self) -> None:
        """It may ask with TLS."""
        network, client = self.network(b"1 ")
        self.polling(client, tls=True)
        self.assertTrue(network.asked[0].startswith("https://sat.example:8080/"))

    def test_status(self) -> None:
        """The status of an answer is up to the format; it is not followed elsewhere."""
        for status in (500, 302):
            network, client = self.network(b"1 login:1 at:1", status=status)
            self.polling(client)
            self.assertEqual(len(network.asked), 1)
        self.assertEqual(len(self.intake.taken), 2)

    def test_no_interval(self) -> None:
        """Without an interval nothing is asked."""
        network, client = self.network()
        self.polling(client, interval=0)
        self.clock.advance(1000)
        self.assertEqual(network.asked, [])

    def test_waits_for_the_commit(self) -> None:
        """The next question waits until what was answered is stored."""
        self.intake.held = True
        network, client = self.network(b"1 login:1 at:1", b"2 ")
        self.polling(client)
        self.clock.pump([60, 60])
        self.assertEqual(len(network.asked), 1)
        self.intake.commit()
        self.clock.advance(60)
        self.assertEqual(len(network.asked), 2)

    def test_unreadable(self) -> None:
        """An answer that cannot be read is lost, with one line; the next question begins a new session."""
        log = log_of(self)
        network, client = self.network(b"1050 login:1 at:1 bad", b"1100 login:1 at:2")
        self.polling(client)
        self.assertEqual(len(self.intake.gone), 1)
        self.clock.advance(60)
        self.assertIn("since=1060", network.asked[1])
        self.assertEqual([p.latitude for p in self.intake.positions], [2.0])
        self.assertEqual(len([event for event in log if "frame" in event]), 1)

    def test_too_long(self) -> None:
        """An answer without end is not read to its end."""
        network, client = self.network(b"1 login:1 at:1" + b" " * 70_000, b"2 login:1 at:2")
        self.polling(client)
        self.clock.advance(60)
        client.flush()
        self.assertEqual([p.latitude for p in self.intake.positions], [2.0])

    def test_failure(self) -> None:
        """After a failure it goes on at the interval, with a new session."""
        client = Silent()
        self.polling(client)
        client.requests[0].errback(Failure(ConnectionRefusedError()))
        self.assertEqual(len(self.intake.gone), 1)
        self.clock.advance(59)
        self.assertEqual(len(client.requests), 1)
        self.clock.advance(1)
        self.assertEqual(len(client.requests), 2)

    def test_no_answer(self) -> None:
        """Who does not answer is not waited for without end."""
        client = Silent()
        self.polling(client)
        self.clock.pump([30, 30])
        self.assertEqual(len(client.requests), 2)

    def test_our_mistake(self) -> None:
        """A question that cannot be made costs one line."""
        log = log_of(self)
        network, client = self.network()

        def broken(session: Session) -> Request:
            raise KeyError("accessId")

        source = Source(WireFormat("asking", 0, answered, ask=broken), "sat.example", 80, 60.0)
        poller = Poller(self.server, source, client)
        poller.startService()
        self.clock.advance(60)
        self.assertEqual(len([event for event in log if "peer" in event]), 2)
        self.successResultOf(poller.stopService())

    def test_stop(self) -> None:
        """The stop waits for what was answered, and nothing is asked any more."""
        self.intake.held = True
        network, client = self.network(b"1 login:1 at:1", b"2 ")
        poller = self.polling(client)
        stopped = poller.stopService()
        self.assertNoResult(stopped)
        self.intake.commit()
        self.successResultOf(stopped)
        self.clock.advance(120)
        self.assertEqual((len(network.asked), len(self.intake.gone)), (1, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_without_end(self) -> None:
        """When the database does not answer, the stop does not wait for it longer than the grace."""
        self.intake.held = True
        network, client = self.network(b"1 login:1 at:1")
        stopped = self.polling(client).stopService()
        self.clock.advance(1)
        self.successResultOf(stopped)
        self.intake.commit()
        self.assertEqual(len(self.intake.gone), 1)

    def test_stop_while_asking(self) -> None:
        """A question that is not answered yet does not hold up the stop."""
        client = Silent()
        poller = self.polling(client)
        self.successResultOf(poller.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
