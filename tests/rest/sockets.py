"""A WebSocket client for tests."""

from __future__ import annotations

import json
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred


class SocketClient(WebSocketClientProtocol):
    """One socket; `messages` are the JSON objects that have come."""

    factory: Any

    def onOpen(self) -> None:
        self.factory.opened(101)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.messages.append(json.loads(payload))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.factory.closed = True
        self.factory.opened(0 if code in (1000, 1001) else self.factory.status or 400)
        self.factory.gone()


class Socket(WebSocketClientFactory):
    """A socket to `url`; `connected` fires with 101, or with another status if it was refused."""

    protocol = SocketClient

    def __init__(self, reactor: Any, url: str, headers: dict[str, str]) -> None:
        super().__init__(url, headers=headers, reactor=reactor)
        self.messages: list[Any] = []
        self.status = 0
        self.closed = False
        self.connected: Deferred[int] = Deferred()
        self.finished: Deferred[None] = Deferred()
        self.socket: Any = None

    def buildProtocol(self, addr: Any) -> Any:
        self.socket = super().buildProtocol(addr)
        return self.socket

    def opened(self, status: int) -> None:
        if not self.connected.called:
            self.status = status
            self.connected.callback(status)

    def gone(self) -> None:
        if not self.finished.called:
            self.finished.callback(None)
