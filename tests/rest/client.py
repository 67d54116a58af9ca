"""A plain HTTP client for tests: no cookies of its own, no redirects, what is written is what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, readBody
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@define
class Response:
    status: int
    headers: Headers
    body: bytes
    length: int | None  # as it was announced

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        if name.lower() == "content-length":  # which the agent takes for itself
            return None if self.length is None else str(self.length)
        values = self.headers.getRawHeaders(name, [])
        return str(values[0]) if values else None


class Client:
    """Requests on connections of their own; a `persistent` one keeps them open between requests."""

    def __init__(self, reactor: Any, persistent: bool = False) -> None:
        self._reactor = reactor
        self._pool = HTTPConnectionPool(reactor, persistent)
        self._agent = Agent(reactor, pool=self._pool, connectTimeout=10)

    async def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        sent = Headers({name: [value] for name, value in (headers or {}).items()})
        producer = FileBodyProducer(BytesIO(body)) if body is not None else None
        response = await self._agent.request(method.encode(), url.encode(), sent, producer)
        length = None if response.length is UNKNOWN_LENGTH else response.length
        return Response(response.code, response.headers, await readBody(response), length)

    async def upgrade(self, url: str, headers: Mapping[str, str]) -> int:
        """The status of a request that wants to become a WebSocket; the connection ends with it."""
        parts = urlsplit(url)
        said = [f"GET {url.partition(parts.netloc)[2]} HTTP/1.1", f"Host: {parts.netloc}"]
        said += [f"{name}: {value}" for name, value in {**headers, **UPGRADE}.items()]
        endpoint = TCP4ClientEndpoint(self._reactor, str(parts.hostname), parts.port or 80)
        status: StatusLine = await connectProtocol(endpoint, StatusLine())
        status.transport.write("\r\n".join([*said, "", ""]).encode())
        return await status.read

    async def close(self) -> None:
        """Close what is open."""
        await self._pool.closeCachedConnections()


class StatusLine(LineReceiver):
    """Reads the status of an answer, and hangs up."""

    transport: Any

    def __init__(self) -> None:
        self.read: Deferred[int] = Deferred()
        self._status = 0

    def lineReceived(self, line: bytes) -> None:
        if not self._status:
            self._status = int(line.split()[1])
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.read.callback(self._status)
