"""
Wire formats that ask: we are the client, and the server of a satellite network or the like has the reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol

from attrs import Factory, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from trackd.clock import now
from trackd.listen.conversation import WHO, Conversation
from trackd.listen.server import Listener, Server
from trackd.wire.format import WireFormat
from trackd.wire.http import Answer, Request
from trackd.wire.values import WireError

BODY = 65536  # bytes of an answer
PATIENCE = 30.0  # s for an answer
GRACE = 1.0  # s at the stop for what was answered to be stored


class HTTPClient(Protocol):
    """The part of treq's client that is used."""

    def request(self, method: str, url: str, **kwargs: Any) -> Deferred[Any]: ...


@frozen
class Source:
    """Whom a format asks, and how often."""

    format: WireFormat
    host: str
    port: int
    interval: float  # s from question to question, and before the next try after a failure; 0: it is not asked
    tls: bool = False
    defaults: Mapping[str, Any] = Factory(dict)  # the configuration's values of the format's keys
    zone: tzinfo = UTC  # the server's

    def url(self, uri: str) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{uri}"


class Poller(Service):
    """
    Asks at once, and then at the interval; the next question waits until what was answered is stored.

    A failure, or an answer that cannot be read, ends the session of the format; the next question begins a new one.
    """

    _log = Logger()

    def __init__(self, server: Server, source: Source, client: HTTPClient) -> None:
        self.server = server
        self.source = source
        self.client = client
        self.counts = server.counters.of(source.format.name)
        self._conversation: Conversation | None = None
        self._settling: Deferred[None] | None = None
        self._fetching: Deferred[Answer] | None = None
        self._asking = LoopingCall(lambda: Deferred.fromCoroutine(self._ask()))
        self._asking.clock = server.clock

    def startService(self) -> None:
        super().startService()
        if self.source.interval > 0:
            self._asking.start(self.source.interval).addErrback(
                lambda failure: self._log.failure("{name}", failure, name=self.source.format.name)
            )

    def stopService(self) -> Deferred[None]:
        """Ask no more; fires when what was answered is stored, or when the database has had its time for that."""
        super().stopService()
        if self._asking.running:
            self._asking.stop()
        if self._fetching is not None:
            self._fetching.cancel()
        settled = self._settled().addTimeout(GRACE, self.server.clock, lambda result, seconds: None)
        return settled.addCallback(lambda _: self._hang_up())

    async def _ask(self) -> None:
        format = self.source.format
        conversation = self._conversation or self._connect()
        conversation.session.now = self._now()
        try:
            assert format.ask is not None
            self._fetching = Deferred.fromCoroutine(self._fetch(format.ask(conversation.session)))
            answer = await self._fetching.addTimeout(PATIENCE, self.server.clock)
        except Exception as error:
            self._log.warn(f"{WHO}: {{error!r}}", error=error, **conversation.who)
            self._hang_up()
            return
        finally:
            self._fetching = None
        self.counts.bytes += len(answer.body)
        conversation.hear([answer], self._now())
        await self._settled()

    async def _fetch(self, request: Request) -> Answer:
        chunks: list[bytes] = []
        size = 0

        def collect(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            if size > BODY:
                raise WireError(f"an answer of more than {BODY} bytes")
            chunks.append(chunk)

        response = await self.client.request(
            request.method,
            self.source.url(request.uri),
            headers=dict(request.headers),
            data=request.body or None,
            allow_redirects=False,
            unbuffered=True,
        )
        await response.collect(collect)
        headers = {
            name.decode("latin-1").lower(): values[0].decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        }
        return Answer(response.code, headers, b"".join(chunks))

    def _connect(self) -> Conversation:
        source = self.source
        listener = Listener(source.format, source.port, defaults=source.defaults, zone=source.zone)
        self._conversation = Conversation(
            self.server,
            listener.session("http", "", source.host),
            source.host,
            self,
            self.counts,
            source.format.decode,
            shown,
            live=False,
        )
        return self._conversation

    def _hang_up(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.end()

    def _settled(self) -> Deferred[None]:
        """Fires when nothing that was answered is on its way any more."""
        if self._conversation is None or not self._conversation.busy:
            return succeed(None)
        if self._settling is None:
            self._settling = Deferred()
        settled: Deferred[None] = Deferred()
        self._settling.chainDeferred(settled)
        return settled

    def _now(self) -> datetime:
        return now(self.server.clock)

    # Peer

    def answer(self, frames: int, replies: Sequence[bytes]) -> None:
        """Nobody hears it."""

    def recognised(self) -> None:
        """Nothing depends on it."""

    def settled(self) -> None:
        settling, self._settling = self._settling, None
        if settling is not None:
            settling.callback(None)

    def close(self) -> None:
        self._hang_up()
        self.settled()

    def over(self) -> None:
        """Nothing of a session is left but what the intake has."""


def shown(answer: Any) -> bytes:
    """An answer as bytes, for logs."""
    body: bytes = answer.body
    return body
