"""Requests of devices that come to the web port, passed on to the port of their format."""

from __future__ import annotations

from typing import Any

from attrs import define
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import URI, RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived
from twisted.web.iweb import IAgentEndpointFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from trackd.web.site import Request

PATIENCE = 30.0  # s
# Headers that a format may look at; the others are between the client and the web port.
PASSED = ("content-type", "user-agent", "authorization")

_log = Logger()


@implementer(IAgentEndpointFactory)
@define
class Straight:
    """
    How a client gets to a port of this server: by its address as it is. By default it would be looked up like a name,
    in a thread.
    """

    reactor: Any

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        host = uri.host.decode("ascii")
        kind = TCP6ClientEndpoint if ":" in host else TCP4ClientEndpoint
        endpoint: IStreamClientEndpoint = kind(self.reactor, host, uri.port)
        return endpoint


class Forward(Resource):
    """
    Any method and path; status and body of what that port answers are the answer.

    `client` is treq's; `address` is where the port is open, if not everywhere.
    """

    isLeaf = True

    def __init__(self, client: Any, address: str, port: int) -> None:
        super().__init__()
        host = "127.0.0.1" if address in ("", "0.0.0.0", "::") else f"[{address}]" if ":" in address else address
        self._client = client
        self._base = f"http://{host}:{port}/"

    def render(self, request: Request) -> int:
        passing = Deferred.fromCoroutine(self._pass(request))
        request.notifyFinish().addErrback(lambda _: passing.cancel())
        passing.addErrback(self._failed, request)
        return NOT_DONE_YET

    def _failed(self, failure: Failure, request: Request) -> None:
        # It was cancelled because the client is gone, or for being too slow; any other failure is a mistake in the
        # server.
        if not failure.check(CancelledError, ConnectingCancelledError):
            _log.failure("while passing a request on", failure)
        request.abort()

    async def _pass(self, request: Request) -> None:
        query = request.uri.partition(b"?")[2].decode("latin-1")
        headers = {name: value for name in PASSED if (value := request.getHeader(name)) is not None}
        try:
            answer = await self._client.request(
                request.method.decode("ascii"),
                f"{self._base}?{query}" if query else self._base,
                headers=headers,
                data=request.content.read(),
                timeout=PATIENCE,
            )
            body = await answer.content()
        except (ConnectError, DNSLookupError, RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived):
            # That is how a device format refuses what it cannot read: without a word.
            request.abort()
            return
        request.setResponseCode(answer.code)
        request.setHeader("Content-Length", str(len(body)))
        request.write(body)
        request.finish()
