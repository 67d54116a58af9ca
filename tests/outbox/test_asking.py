"""Asking other servers."""

from __future__ import annotations

from typing import Any, cast

from treq.client import HTTPClient
from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from trackd.outbox.asking import LARGEST, SECONDS, Asking
from trackd.people.openid import CannotAsk


class Server(Resource):
    """Answers `status` and `body`; None: never. What came is in `came`."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.body: bytes | None = b'{"a": 1}'
        self.came: list[tuple[bytes, bytes | None, bytes | None, bytes]] = []

    def render(self, request: Any) -> Any:
        headers = (request.getHeader(b"accept"), request.getHeader(b"authorization"))
        self.came.append((request.method, *headers, request.content.read()))
        request.setResponseCode(self.status)
        if self.status == 302:
            request.setHeader(b"Location", b"http://127.0.0.1/inside")
        return NOT_DONE_YET if self.body is None else self.body


class AskingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server, self.clock = Server(), Clock()
        self.stub = StubTreq(self.server)
        self.asking = Asking(cast(HTTPClient, self.stub), self.clock)

    def get(self) -> Any:
        asked = Deferred.fromCoroutine(self.asking.get("https://other.example/x", {"Authorization": "Bearer y"}))
        self.stub.flush()
        return asked

    def test_get(self) -> None:
        """An object is read."""
        self.assertEqual({"a": 1}, self.successResultOf(self.get()))
        self.assertEqual([(b"GET", b"application/json", b"Bearer y", b"")], self.server.came)

    def test_post(self) -> None:
        """A form is sent."""
        asked = Deferred.fromCoroutine(self.asking.post("https://other.example/x", {"a": "b c"}, {}))
        self.stub.flush()
        self.assertEqual({"a": 1}, self.successResultOf(asked))
        self.assertEqual((b"POST", b"a=b+c"), (self.server.came[0][0], self.server.came[0][3]))

    def test_bad(self) -> None:
        """What is no object, too long, not well, or elsewhere, is no answer."""
        for status, body in ((200, b"[]"), (200, b"{"), (200, b"{}" + b" " * LARGEST), (500, b"{}"), (302, b"{}")):
            self.server.status, self.server.body = status, body
            self.failureResultOf(self.get(), CannotAsk)
        self.assertEqual(5, len(self.server.came))

    def test_never(self) -> None:
        """Nobody waits for ever."""
        self.server.body = None
        asked = self.get()
        self.clock.advance(SECONDS)
        self.failureResultOf(asked, CannotAsk)
