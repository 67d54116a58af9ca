"""
Live sockets on the web server: the Autobahn adapter that runs any dialect.

    site ── SocketResource ── authenticate ── upgrade ── LiveSocket ── Hub

Who is refused gets an HTTP status, so that a browser sees it: 405 without an upgrade, 401 without credentials, 503 when
there are too many. Autobahn's own timers are off: everything here runs on the hub's clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from attrs import frozen
from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IDelayedCall, IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from trackd.live.dialect import Dialect, User
from trackd.live.hub import Hub
from trackd.live.subscriber import FAILED, GOING_AWAY, Subscriber
from trackd.people.errors import Busy, PeopleError
from trackd.share import READ, Patient, Share
from trackd.store.errors import Unavailable

log = Logger()
# Seconds after which a client may try again while the database is away.
RETRY_AFTER = 5

CONTINUATION, TEXT = 0, 1  # opcodes


class _Mistakes:
    """
    Autobahn's log. It says of each client several times what it has done wrong; here it is one line, and not of all.
    """

    def trace(self, format: str = "", **said: Any) -> None:
        pass

    debug = info = warn = trace

    def error(self, format: str = "", **said: Any) -> None:
        log.error(format, **said)

    critical = error


# Who asks, by the parameters of the URL, the cookies, and the headers `Origin` and `Host` as they came. None: nobody
# who may have a socket. A `PeopleError` refuses as well.
Authenticate = Callable[[Mapping[str, str], Mapping[str, str], "str | None", str], Awaitable["User | None"]]


@implementer(IPushProducer)
class LiveSocket(Patient, WebSocketServerProtocol):  # type: ignore[misc]  # Autobahn's own bases differ
    """One WebSocket. Its factory's hub decides what is said; this says it, and lets the hub know how fast."""

    transport: Any
    log = _Mistakes()
    hub: Hub
    dialect: Dialect
    user: User
    parameters: Mapping[str, str]
    _subscriber: Subscriber | None = None
    _leaving: IDelayedCall | None = None
    _idle: IDelayedCall | None = None
    _active: float = 0.0  # when something was said or heard last
    _choked = False  # the client does not take what is written
    new = False  # it was heard before it became one

    def onOpen(self) -> None:
        self._guarded(self._open)

    def _open(self) -> None:
        limits = self.hub.limits
        self._active = self.hub.clock.seconds()
        self._idle = self.hub.clock.callLater(limits.timeout, self._rest)
        # The HTTP channel was the producer so far. From now on a full transport pauses this socket.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        # A turn of the reactor sends at most this; by default less than a busy turn brings.
        self.transport.SEND_LIMIT = limits.burst
        # And it reads at most this: clients have little to say, and who says much holds up nobody else.
        self.transport.bufferSize = READ
        self._subscriber = self.hub.join(self.user, self.dialect, self.parameters, self.send_piece, self.hang_up)
        Deferred.fromCoroutine(self.hub.welcome(self._subscriber)).addErrback(self._failed)

    @property
    def share(self) -> Share:
        return self.hub.share

    def read_on(self) -> None:
        if not self._choked:
            super().read_on()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self._active = self.hub.clock.seconds()
        if self._subscriber is not None and not isBinary:
            self._guarded(self.hub.hear, self._subscriber, payload)

    def onPing(self, payload: bytes) -> None:
        self._active = self.hub.clock.seconds()
        super().onPing(payload)

    def onPong(self, payload: bytes) -> None:
        self._active = self.hub.clock.seconds()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.late = b""
        for call in (self._leaving, self._idle):
            if call is not None and call.active():
                call.cancel()
        if self._subscriber is not None:
            subscriber, self._subscriber = self._subscriber, None
            self.hub.leave(subscriber)

    def _guarded(self, step: Any, *args: Any) -> None:
        # Autobahn would log an exception and leave the socket as it is.
        try:
            step(*args)
        except Exception:
            self._failed(Failure())

    def _failed(self, failure: Failure) -> None:
        if failure.check(Unavailable):
            self.hang_up(FAILED, "the database is not available")
            return
        log.failure("{dialect} socket of user {user}", failure, dialect=self.dialect.name, user=self.user.id)
        self.hang_up(FAILED, "internal error")

    def send_piece(self, piece: bytes, first: bool, last: bool) -> None:
        """Write a piece of a message, as a frame."""
        self._active = self.hub.clock.seconds()
        if self.state == self.STATE_OPEN:
            self.sendFrame(TEXT if first else CONTINUATION, piece, last)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Write these octets. (Autobahn words and colours a line of its log each time, which is never seen.)"""
        self.transport.write(data)

    def hang_up(self, code: int, reason: str) -> None:
        """Close with this code; a peer that doesn't close its side in time is aborted."""
        if self.state == self.STATE_OPEN:
            if self._subscriber is not None:
                self._subscriber.outlet.close()
            # `sendClose` knows codes of applications only.
            self.sendCloseFrame(code, reason.encode())

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False) -> None:
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if self.failedByMe and self.hub.errors.allows():
            reason = (reasonUtf8 or b"").decode("utf-8", "replace")
            log.warn(
                "{dialect} socket of user {user}: {reason}", dialect=self.dialect.name, user=self.user.id, reason=reason
            )
        if not isReply and self._leaving is None:
            self._leaving = self.hub.clock.callLater(self.hub.limits.farewell, self.transport.abortConnection)

    def _rest(self) -> None:
        """Close if it is silent for too long, else look again when that could be."""
        silent = self.hub.clock.seconds() - self._active
        if silent >= self.hub.limits.timeout:
            self.hang_up(GOING_AWAY, "idle")
        else:
            self._idle = self.hub.clock.callLater(self.hub.limits.timeout - silent, self._rest)

    # IPushProducer: the transport's buffer

    def pauseProducing(self) -> None:
        # Who doesn't read is not heard either: answers and pongs would pile up.
        self._choked = True
        self.transport.pauseProducing()
        if self._subscriber is not None:
            self._subscriber.pause()

    def resumeProducing(self) -> None:
        self._choked = False
        if not self.late:
            self.transport.resumeProducing()
        if self._subscriber is not None:
            self._subscriber.resume()

    def stopProducing(self) -> None:
        """The connection is lost, or about to be: `onClose` follows."""


class LiveSocketFactory(WebSocketServerFactory):
    """Makes the sockets of one dialect."""

    protocol = LiveSocket

    def __init__(self, hub: Hub, dialect: Dialect) -> None:
        super().__init__(reactor=hub.clock, server="")
        self.hub = hub
        self.dialect = dialect
        self.setProtocolOptions(
            webStatus=False,
            # Limits of what clients send; what the server sends is cut in pieces by the outlet.
            maxFramePayloadSize=hub.limits.message,
            maxMessagePayloadSize=hub.limits.message,
            failByDrop=False,
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            # The rule of origins belongs to `authenticate`.
            allowedOrigins=["*"],
            allowNullOrigin=True,
        )

    def admitted(self, address: IAddress, user: User, parameters: Mapping[str, str]) -> LiveSocket:
        """A socket for somebody who has shown who it is."""
        socket: Any = self.buildProtocol(address)
        socket.hub, socket.dialect, socket.user, socket.parameters = self.hub, self.dialect, user, parameters
        return socket


@frozen
class _Admission:
    """What Autobahn's resource needs of a factory, for one request."""

    factory: LiveSocketFactory
    user: User
    parameters: Mapping[str, str]

    def buildProtocol(self, address: IAddress) -> LiveSocket:
        return self.factory.admitted(address, self.user, self.parameters)


class SocketResource(Resource):
    """
    The place of a dialect's socket on the site.

    `upgraded` hears of each request whose connection has become a socket, and so will not end as a request.
    """

    isLeaf = True

    def __init__(
        self,
        hub: Hub,
        dialect: Dialect,
        authenticate: Authenticate,
        upgraded: Callable[[Any], None] = lambda request: None,
    ) -> None:
        super().__init__()
        self._hub = hub
        self._dialect = dialect
        self._authenticate = authenticate
        self._upgraded = upgraded
        self._factory = LiveSocketFactory(hub, dialect)

    def render(self, request: Request) -> int | bytes:
        if request.method != b"GET" or "websocket" not in (request.getHeader("upgrade") or "").lower():
            request.setHeader("Upgrade", "websocket")
            return _refused(request, 405, "This is the address of a WebSocket")
        admitting = Deferred.fromCoroutine(self._admit(request))
        # A client that hangs up meanwhile wants no answer.
        request.notifyFinish().addErrback(lambda _: admitting.cancel())
        admitting.addErrback(self._failed, request)
        return NOT_DONE_YET

    async def _admit(self, request: Request) -> None:
        parameters = {_text(name): _text(values[0]) for name, values in request.args.items()}
        cookies = {_text(name): _text(value) for name, value in request.received_cookies.items()}
        host = request.getHeader("host") or ""
        user = await self._authenticate(parameters, cookies, request.getHeader("origin"), host)
        if request.channel is None:
            return
        if user is None:
            _finish(request, 401, "Not authenticated")
        elif not self._hub.has_room(user):
            _finish(request, 503, "Too many sockets")
        else:
            WebSocketResource(_Admission(self._factory, user, parameters)).render(request)
            if request.channel.transport is None:
                self._upgraded(request)

    def _failed(self, failure: Failure, request: Request) -> None:
        if request.channel is None:
            return
        error = failure.value
        if isinstance(error, Busy):
            request.setHeader("Retry-After", str(error.retry_after))
            _finish(request, 429, error.message)
        elif isinstance(error, PeopleError):
            _finish(request, 401, error.message)
        elif isinstance(error, Unavailable):
            request.setHeader("Retry-After", str(RETRY_AFTER))
            _finish(request, 503, "The database is not available, try again later")
        else:
            log.failure("{dialect} socket", failure, dialect=self._dialect.name)
            _finish(request, 503, "Not available")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _refused(request: Request, status: int, text: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader("Content-Type", "text/plain; charset=utf-8")
    body = text.encode()
    request.setHeader("Content-Length", str(len(body)))
    return body


def _finish(request: Request, status: int, text: str) -> None:
    request.write(_refused(request, status, text))
    request.finish()
