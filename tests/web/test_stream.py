from collections.abc import AsyncIterator
from typing import Any, cast

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.samples import log_of
from trackd.web.site import Request
from trackd.web.stream import PATIENCE, Stream


@define
class Asked:
    """The part of a request that an answer is written to."""

    method: bytes = b"GET"
    uri: bytes = b"/x"
    written: list[bytes] = Factory(list)
    headers: dict[str, str] = Factory(dict)
    producer: Any = None
    channel: Any = "a connection"  # None when the client has gone
    aborted: bool = False
    finished: Deferred[None] = Factory(Deferred)

    def setHeader(self, name: str, value: str) -> None:
        self.headers[name] = value

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def notifyFinish(self) -> Deferred[None]:
        return self.finished

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def abort(self) -> None:
        self.aborted = True


class Slow(Asked):
    """A client whose buffer is full after each piece."""

    def write(self, data: bytes) -> None:
        super().write(data)
        self.producer.pauseProducing()


class Gone(Asked):
    """A client that hangs up as soon as something comes."""

    def write(self, data: bytes) -> None:
        if not self.finished.called:
            self.finished.errback(Failure(ConnectionError()))


class StreamTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked = Asked()
        self.made = 0
        self.ended = False

    async def pieces(self, count: int, wrong_after: int = 1000) -> AsyncIterator[bytes]:
        try:
            for number in range(count):
                if number == wrong_after:
                    raise ZeroDivisionError
                self.made += 1
                yield b"%d" % number
        finally:
            self.ended = True

    def send(self, count: int, wrong_after: int = 1000) -> Deferred[None]:
        stream = Stream(cast(Request, self.asked), self.clock)
        return Deferred.fromCoroutine(stream.send(self.pieces(count, wrong_after)))

    def test_short(self) -> None:
        """An answer of one piece has its length, and needs no producer."""
        self.successResultOf(self.send(1))
        self.assertEqual((self.asked.written, self.asked.headers), ([b"0"], {"Content-Length": "1"}))

    def test_gone_before(self) -> None:
        """A client that has gone before anything was there is sent nothing, and nothing more is looked up."""
        self.asked.channel = None
        self.successResultOf(self.send(9))
        self.assertEqual(([], None, 2, True), (self.asked.written, self.asked.producer, self.made, self.ended))

    def test_long(self) -> None:
        """More pieces follow one another; their length is not known."""
        self.successResultOf(self.send(5))
        self.assertEqual((b"".join(self.asked.written), self.asked.headers), (b"01234", {}))
        self.assertIsNone(self.asked.producer)

    def test_slow_client(self) -> None:
        """While the client takes nothing, nothing is made; one that takes nothing for too long is dropped."""
        self.asked = slow = Slow()
        sending = self.send(100)
        self.assertEqual(self.made, 2)
        slow.producer.resumeProducing()
        self.assertEqual(self.made, 3)
        self.assertNoResult(sending)
        self.clock.advance(PATIENCE - 1)
        self.assertFalse(slow.aborted)
        self.clock.advance(2)
        self.assertTrue(slow.aborted)
        slow.finished.errback(Failure(ConnectionError()))
        self.successResultOf(sending)
        self.assertTrue(self.ended)

    def test_full_at_the_end(self) -> None:
        """An answer that is done while the client is still reading leaves nothing behind."""
        self.asked = slow = Slow()
        sending = self.send(3)
        slow.producer.resumeProducing()
        slow.producer.resumeProducing()
        self.successResultOf(sending)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_abandoned(self) -> None:
        """Sending that is ended while the client is slow, since nothing refers to it any more, does not go on."""
        self.asked = Slow()
        sending = Stream(cast(Request, self.asked), self.clock).send(self.pieces(9))
        sent = Deferred.fromCoroutine(sending)
        sending.close()
        self.assertNoResult(sent)
        self.assertEqual((True, []), (self.ended, self.clock.getDelayedCalls()))

    def test_client_gone(self) -> None:
        """A client that hangs up ends the making."""
        self.asked = Gone()
        self.successResultOf(self.send(100))
        self.assertLess(self.made, 5)
        self.assertTrue(self.ended)

    def test_wrong_at_once(self) -> None:
        """An error before anything was written is the caller's, who can still answer with it."""
        self.failureResultOf(self.send(10, wrong_after=1), ZeroDivisionError)
        self.assertEqual(self.asked.written, [])
        self.assertTrue(self.ended)

    def test_wrong_later(self) -> None:
        """An error on the way cuts the connection: the client must not take a part for the whole."""
        sending = self.send(10, wrong_after=5)
        self.assertTrue(self.asked.aborted)
        self.assertNoResult(sending)
        self.asked.finished.errback(Failure(ConnectionError()))
        self.successResultOf(sending)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_secrets(self) -> None:
        """What the log says of an answer that broke off is its path: what else is in the address may be a secret."""
        log = log_of(self)
        self.asked.uri = b"/api/positions;jsessionid=secret?token=secret"
        self.send(10, wrong_after=5)
        self.asked.finished.errback(Failure(ConnectionError()))
        self.flushLoggedErrors(ZeroDivisionError)
        said = [formatEvent(event) for event in log]
        self.assertIn("an answer of /api/positions broke off", said)
        self.assertNotIn("secret", " ".join(said))

    def test_head(self) -> None:
        """Where only the headers are wanted the body is not made."""
        self.asked.method = b"HEAD"
        self.successResultOf(self.send(100))
        self.assertEqual(self.made, 2)
        self.assertTrue(self.ended)
