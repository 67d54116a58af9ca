"""
The web site: requests with limits, on a tree of resources.

What a client may send is bounded before anything looks at it: connections, header bytes, body bytes, and the time that
a request may take to arrive.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Request as BaseRequest
from twisted.web.server import Site as BaseSite

# Seconds in which a whole request must have arrived, from the first byte or from the end of the one before.
ARRIVAL = 60.0
LARGEST_HEADER = 16384  # bytes, the request line included
MOST_HEADERS = 100


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
    _refused = False

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
        else:
            self.content.write(data)

    def _refuse(self) -> None:
        self._refused = True
        self.content = BytesIO()
        self.channel.transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\nServer: trackd\r\n\r\n"
        )
        self.channel.loseConnection()

    def process(self) -> None:
        if not self._refused:
            super().process()

    def render(self, resrc: IResource) -> None:
        self.setHeader("Server", "trackd")
        super().render(resrc)

    def abort(self) -> None:
        """Cut the connection: the client notices that it has not got everything."""
        if self.channel is not None:
            self.channel.transport.abortConnection()


class Channel(HTTPChannel):
    """One connection. It is closed if a request takes too long to arrive, however busily it trickles in."""

    maxHeaders = MOST_HEADERS
    totalHeadersSize = LARGEST_HEADER
    site: Site
    transport: Any
    _deadline: Any = None

    def connectionMade(self) -> None:
        self.site.connections += 1
        super().connectionMade()
        self._expect()

    def allContentReceived(self) -> None:
        self._arrived()
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        super().requestDone(request)
        if self.persistent and not self._handlingRequest:
            self._expect()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.site.connections -= 1
        self._arrived()
        super().connectionLost(reason)

    def timeoutConnection(self) -> None:
        """Close it: nothing came for too long, or the whole request did not."""
        self._arrived()
        self.setTimeout(None)
        super().timeoutConnection()

    def _expect(self) -> None:
        self._arrived()
        self._deadline = self.site.reactor.callLater(ARRIVAL, self.timeoutConnection)

    def _arrived(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


class Site(BaseSite):
    """The site's factory. Connections beyond the limit are closed at once."""

    protocol = Channel  # type: ignore[assignment]
    displayTracebacks = False
    _log = Logger()

    def __init__(self, root: IResource, reactor: IReactorTime, largest_body: int, most_connections: int) -> None:
        super().__init__(root, requestFactory=Request, parsePOSTFormSubmission=False, timeout=ARRIVAL, reactor=reactor)
        self.largest_body = largest_body
        self.most_connections = most_connections
        self.connections = 0

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if self.connections >= self.most_connections:
            self._log.warn(
                "more than {most} web connections: one from {host} is refused", most=self.most_connections, host=addr
            )
            return None
        return super().buildProtocol(addr)

    def taken_over(self, request: Any) -> None:
        """The connection of this request has become a live socket: whoever runs that counts it."""
        self.connections -= 1

    def startFactory(self) -> None:
        """There is no access log, so its clock need not tick."""

    def log(self, request: Any) -> None:
        """There is no access log."""
