"""
The web site: requests with limits, on a tree of resources.

What a client may send is bounded before anything looks at it: connections, header bytes, body bytes, those of all
clients together, and the time that a request may take to arrive. So is what it lets wait for it: the next request is
looked at when it takes the answer to the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, AnyStr, BinaryIO
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import FilteringLogObserver, Logger, LogLevel, LogLevelFilterPredicate, globalLogPublisher
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Request as BaseRequest
from twisted.web.server import Site as BaseSite

from trackd.rate import Rate
from trackd.share import Patient, Share

# Seconds in which a whole request must have arrived, from the first byte or from the end of the one before.
ARRIVAL = 60.0
# Seconds in which a client that was refused may read why, before its connection is cut.
FAREWELL = 5.0
LARGEST_HEADER = 16384  # bytes, the request line included
MOST_HEADERS = 100
# Bytes that are read at once: of each line Twisted copies all that is behind it.
PIECE = 8192

# Twisted says of each client what it finds odd, and that it has timed out. Whoever likes could fill the log with that.
_SERIOUS = FilteringLogObserver(globalLogPublisher, [LogLevelFilterPredicate(LogLevel.warn)])


class Request(BaseRequest):
    """A request whose body is bounded, and which is answered by `trackd`."""

    channel: Channel
    site: Site
    prepath: list[bytes]
    postpath: list[bytes]
    content: BinaryIO
    # What stood behind a `;` in the segments of the path.
    session_parameters: tuple[bytes, ...] = ()
    _length = 0
    _held = 0  # bytes of it in memory
    _refused = False
    _log = Logger(observer=_SERIOUS)

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        if length is not None and length > self.channel.site.largest_body:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._length += len(data)
        if self._refused:
            return
        if self._length > self.channel.site.largest_body:
            self._refuse()
        elif self.channel.site.makes_room(self, len(data)):
            self._held += len(data)
            self.content.write(data)
        else:
            self._refuse(b"503 Service Unavailable\r\nRetry-After: 5")

    def _refuse(self, status: bytes = b"413 Content Too Large") -> None:
        self.release()
        self.channel.dismiss(status)

    def release(self) -> None:
        """Nothing more of the body is kept."""
        self._refused = True
        self.content = BytesIO()
        self._forget(self.channel)

    def _forget(self, channel: Channel) -> None:
        channel.site.forget(self, self._held)
        self._held = 0

    def give_way(self) -> None:
        """Others need the room that the body takes."""
        self.release()
        self.channel.give_way()

    def finish(self) -> None:
        channel = self.channel
        super().finish()
        self._forget(channel)

    def connectionLost(self, reason: Failure) -> None:
        if self.channel is not None:
            self._forget(self.channel)
        super().connectionLost(reason)

    def process(self) -> None:
        self.channel.site.arriving.pop(self, None)
        try:
            # Routes are texts.
            unquote_to_bytes(self.path).decode()
            (super().getHeader(b"host") or b"").decode()
        except UnicodeDecodeError:
            body = b"The address is not UTF-8"
            self.setResponseCode(400)
            self.setHeader("Server", "trackd")
            self.setHeader("Content-Type", "text/plain")
            self.setHeader("Content-Length", str(len(body)))
            self.write(body)
            self.finish()
        else:
            super().process()

    def getHeader(self, key: AnyStr) -> AnyStr | None:
        """The last header of this name; as text it has one character per byte, so that anything is one."""
        if isinstance(key, bytes):
            return super().getHeader(key)
        value = super().getHeader(key.encode("ascii"))
        return value.decode("latin-1") if value is not None else None

    def render(self, resrc: IResource) -> None:
        self.setHeader("Server", "trackd")
        super().render(resrc)

    def abort(self) -> None:
        """Cut the connection: the client notices that it has not got everything."""
        if self.channel is not None:
            self.channel.transport.abortConnection()


class Channel(Patient, HTTPChannel):
    """
    One connection. It is closed if a request takes too long to arrive, however busily it trickles in, and if the answer
    is not taken for as long.
    """

    maxHeaders = MOST_HEADERS
    totalHeadersSize = LARGEST_HEADER
    site: Site
    transport: Any
    _log = Logger(observer=_SERIOUS)
    _deadline: Any = None
    _counted = False
    _deaf = False
    _choked = False  # the client does not take what is written
    _answered: Any = None  # the request whose answer it does not take, or after which it has to wait

    def connectionMade(self) -> None:
        self._counted = True
        self.site.connections += 1
        self.transport.bufferSize = PIECE
        super().connectionMade()
        self._expect()

    @property
    def share(self) -> Share:
        return self.site.share

    def dataReceived(self, data: bytes) -> None:
        if not self._deaf:
            super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if not self._deaf:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        if not self._deaf:
            super().rawDataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        self._respondToBadRequestAndDisconnect()

    def _respondToBadRequestAndDisconnect(self) -> None:
        # Twisted says this when it cannot read a request.
        self.dismiss(b"400 Bad Request")

    def _send100Continue(self) -> None:
        # Not to one whose body has been refused already.
        if not self._deaf:
            super()._send100Continue()

    def dismiss(self, status: bytes) -> None:
        """
        Answer with this status (and headers behind it) and no body, and hear nothing more.

        What the client is still sending is thrown away for a while. If the connection were closed at once, it would be
        told that it has been reset, and not why.
        """
        if not self._deaf:
            self._deaf = True
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\nServer: trackd\r\n\r\n"
            )
            self.transport.loseWriteConnection()
            self._expect(self.give_way, FAREWELL)

    def allContentReceived(self) -> None:
        if not self._deaf:
            self._arrived()
            super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        if not self.persistent:
            self._expect(self.give_way)
            super().requestDone(request)
        elif self._choked:
            self._answered = request
            self._expect()
        elif self.share.used_up:
            # The next request may be here already, and would be answered in the time of others.
            self._answered = request
            self.share.wait(self._next)
        else:
            super().requestDone(request)
            if not self._handlingRequest:
                self._expect()

    def _next(self) -> None:
        """Let the request after the one that is answered begin, unless the client must take that answer first."""
        if self._answered is not None and not self._choked:
            answered, self._answered = self._answered, None
            self._arrived()
            self.requestDone(answered)

    def pauseProducing(self) -> None:
        self._choked = True
        super().pauseProducing()

    def resumeProducing(self) -> None:
        self._choked = False
        super().resumeProducing()
        self._next()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.late = b""
        self._arrived()
        self.leave()
        if self._answered is not None:
            answered, self._answered = self._answered, None
            self.requests.remove(answered)
        super().connectionLost(reason)

    def timeoutConnection(self) -> None:
        """Close it: the whole request did not come for too long, or the answer was not taken."""
        self._arrived()
        self.setTimeout(None)
        super().timeoutConnection()

    def give_way(self) -> None:
        """Go at once: the place is needed."""
        self._arrived()
        self.leave()
        self.transport.abortConnection()

    def leave(self) -> None:
        """It is counted no longer."""
        if self._counted:
            self._counted = False
            self.site.connections -= 1

    def _expect(self, otherwise: Callable[[], None] | None = None, seconds: float = ARRIVAL) -> None:
        """It is the client's turn: to send a request, or to take an answer."""
        self._arrived()
        self.site.waiting[self] = None
        self._deadline = self.site.reactor.callLater(seconds, otherwise or self.timeoutConnection)

    def _arrived(self) -> None:
        self.site.waiting.pop(self, None)
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


class Site(BaseSite):
    """
    The site's factory.

    When there is no place for one more connection, the one whose client has had its turn for longest gives way. If all
    of them wait for the server, the new one is refused.
    """

    protocol = Channel  # type: ignore[assignment]
    displayTracebacks = False
    noisy = False
    _log = Logger()

    def __init__(
        self,
        root: IResource,
        reactor: IReactorTime,
        largest_body: int,
        most_connections: int,
        share: Share | None = None,
        most_bodies: int = 64 * 1024 * 1024,
    ) -> None:
        super().__init__(root, requestFactory=Request, parsePOSTFormSubmission=False, timeout=ARRIVAL, reactor=reactor)
        self.largest_body = largest_body
        self.most_connections = most_connections
        self.most_bodies = most_bodies
        self.bodies = 0  # bytes, of all requests that are not answered
        self.arriving: dict[Request, None] = {}  # those whose body is on its way, the one that began first first
        self.connections = 0
        self.waiting: dict[Channel, None] = {}  # for their clients, the one that has waited for longest first
        self._full = Rate(reactor, 1, 60.0)
        self.share = Share(reactor) if share is None else share  # of the clients, in what they say

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if self.connections >= self.most_connections:
            if self._full.allows():
                self._log.warn(
                    "{host}: there are {most} web connections already",
                    host=getattr(addr, "host", addr),
                    most=self.most_connections,
                )
            if not self.waiting:
                return None
            next(iter(self.waiting)).give_way()
        return super().buildProtocol(addr)

    def makes_room(self, request: Request, size: int) -> bool:
        """
        Whether so many bytes more of a body may be kept; not if nobody has taken longer for his.

        Those who have have to begin anew, rather than nobody new be heard.
        """
        self.arriving.setdefault(request)
        while self.bodies + size > self.most_bodies:
            oldest = next(iter(self.arriving))
            if oldest is request:
                return False
            oldest.give_way()
        self.bodies += size
        return True

    def forget(self, request: Request, held: int) -> None:
        """Of this request so many bytes were kept, and no more are."""
        self.arriving.pop(request, None)
        self.bodies -= held

    def taken_over(self, request: Any) -> None:
        """The connection of this request has become a live socket: whoever runs that counts it."""
        request.release()
        request.channel.leave()

    def startFactory(self) -> None:
        """There is no access log, so its clock need not tick."""

    def log(self, request: Any) -> None:
        """There is no access log."""
