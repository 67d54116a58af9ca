"""
Wire formats on HTTP.

Twisted parses the requests, one after the other: the next one of a connection is looked at when the one before is
answered. What differs from a web server is what devices expect of their server: any method and path; nothing in an
answer but its length; a connection is kept whatever the request says; a request that cannot be read is answered by the
format as one without data, and what follows on its connection is thrown away; an error closes without an answer.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as TwistedRequest

from trackd.clock import now
from trackd.listen.manners import Manners
from trackd.listen.server import Listener, Server
from trackd.listen.stream import manner
from trackd.wire.http import Request, response
from trackd.wire.values import Response

REQUEST_LINE = 4096
HEADERS = 8192  # bytes of all of a request
BODY = 65536  # bytes, unless the format allows more

BAD_REQUEST = Request("GET", "/bad-request")


class Incoming(TwistedRequest):
    """A request while it arrives: its body is kept up to the limit, and beyond it is thrown away."""

    channel: Channel
    refused = False

    def __init__(self, channel: Channel, queued: object = None) -> None:
        super().__init__(channel)
        self._body: list[bytes] = []
        self._size = 0

    def parseCookies(self) -> None:
        """Devices have none."""

    def gotLength(self, length: int | None) -> None:
        expected = self.requestHeaders.getRawHeaders(b"expect", [b""])[0].lower()
        if expected not in (b"", b"100-continue"):
            self._refuse(417)
        elif length is not None and length > self.channel.largest:
            self._refuse(413)

    def handleContentChunk(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self.channel.largest:
            self._body.clear()
            self._refuse(413)
        elif not self.refused:
            self._body.append(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self.refused:
            self.channel.done(self)
        else:
            self.channel.requested(self, self.read(command, path, b"".join(self._body)))

    def read(self, command: bytes, path: bytes, body: bytes) -> Request:
        """As the format sees it."""
        headers = {
            name.decode("latin-1").lower(): values[0].decode("latin-1")
            for name, values in self.requestHeaders.getAllRawHeaders()
        }
        return Request(command.decode("latin-1"), path.decode("latin-1"), headers, body)

    def _refuse(self, status: int) -> None:
        if not self.refused:
            self.refused = True
            self.requestHeaders.removeHeader(b"expect")
            self.channel.refuse(self, status)


class Channel(Manners, HTTPChannel):
    """A device on HTTP. What follows a request waits in the channel until that is answered, 16 KiB of it at most."""

    # The end of a line is looked at here: one without CR in the first line spoils the request.
    delimiter = b"\n"
    MAX_LENGTH = HEADERS
    requestFactory = Incoming  # type: ignore[assignment]

    _incoming: TwistedRequest | None = None  # heard, and not answered
    _heading = False  # between the first line and the end of the headers
    _headers = 0  # bytes of them
    _deaf = False
    _command: bytes
    _path: bytes
    _version: bytes

    def __init__(self, server: Server, listener: Listener) -> None:
        Manners.__init__(self, server, listener)
        HTTPChannel.__init__(self)
        self.largest = min(max(BODY, listener.format.limit), server.limits.frame)

    def connectionMade(self) -> None:
        manner(self.transport)
        if self.arrive("http", raw=shown, live=False) is not None:
            HTTPChannel.connectionMade(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        # Who has not waited for an answer will ask again.
        self._late.clear()
        HTTPChannel.connectionLost(self, reason)
        self.lost()

    # Requests in

    def received(self, data: bytes) -> None:
        self._heard = self.server.clock.seconds()
        self.counts.bytes += len(data)
        if self.conversation is not None and not self._deaf and not self._shut:
            HTTPChannel.dataReceived(self, data)

    def lineReceived(self, line: bytes) -> None:
        if self._deaf:
            return
        whole = line.endswith(b"\r")
        line = line.removesuffix(b"\r")
        if self._heading:
            self._headers += len(line) + 2
            if self._headers > HEADERS:
                self._malformed()
                return
        elif line:
            if not whole or len(line) > REQUEST_LINE:
                self._malformed()
                return
            self._heading, self._headers = True, 0
        HTTPChannel.lineReceived(self, line)

    def rawDataReceived(self, data: bytes) -> None:
        if not self._deaf:
            HTTPChannel.rawDataReceived(self, data)

    def lineLengthExceeded(self, line: bytes) -> None:
        self._malformed()

    def _respondToBadRequestAndDisconnect(self) -> None:
        # Twisted says this when it cannot read a request.
        self._malformed()

    def allHeadersReceived(self) -> None:
        self._heading = False
        HTTPChannel.allHeadersReceived(self)

    def checkPersistence(self, request: TwistedRequest, version: bytes) -> bool:
        return True

    def requested(self, incoming: TwistedRequest | None, request: Request) -> None:
        """A request is complete."""
        assert self.conversation is not None
        self._incoming = incoming
        self.conversation.hear([request], now(self.server.clock))

    def _malformed(self) -> None:
        """The format answers it as a request without data; nothing more is read."""
        if self._deaf:
            return
        self._deaf = True
        request = BAD_REQUEST
        if self.requests and hasattr(self, "_path"):
            request = self.requests[-1].read(self._command, self._path, b"")
        self.requested(None, request)

    def refuse(self, request: TwistedRequest, status: int) -> None:
        """Answer without the format, as soon as it is known; the body is read all the same, and thrown away."""
        tokens = request.requestHeaders.getRawHeaders(b"connection", [b""])[0].lower()
        kept = b"close" not in tokens if self._version == b"HTTP/1.1" else b"keep-alive" in tokens
        self.answer(0, [response(Response(status, headers=() if kept else (("connection", "close"),)))])
        if not kept:
            self.close()

    # Answers out

    def settled(self) -> None:
        if self._incoming is not None:
            incoming, self._incoming = self._incoming, None
            self.done(incoming)

    def done(self, incoming: TwistedRequest) -> None:
        """This request is answered, and the next one is looked at."""
        if not self._shut:
            self.requestDone(incoming)


def shown(request: Any) -> bytes:
    """A request as bytes, without its headers: for logs, and for the list of unknown devices."""
    return f"{request.method} {request.uri}\r\n\r\n".encode("latin-1", "replace") + request.body
