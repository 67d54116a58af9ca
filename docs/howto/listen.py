"""
Show positions as they come in.

    python listen.py http://localhost:8082 ada@example.org password
"""

import json
import sys
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol, connectWS
from twisted.internet.defer import Deferred
from twisted.internet.task import react


def token(server: str, email: str, password: str) -> str:
    """Log in, and have a token made that stands for the user."""
    form = urlencode({"email": email, "password": password}).encode()
    with urlopen(Request(f"{server}/api/session", form)) as answer:
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    with urlopen(Request(f"{server}/api/session/token", b"", {"Cookie": cookie})) as answer:
        return str(answer.read().decode())


class Listener(WebSocketClientProtocol):
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        message: dict[str, list[Any]] = json.loads(payload)
        for position in message.get("positions", []):
            print(position["deviceId"], position["fixTime"], position["latitude"], position["longitude"], flush=True)


async def listen(reactor: Any, server: str, email: str, password: str) -> None:
    """Until the server closes the socket."""
    query = urlencode({"token": token(server, email, password)})
    factory = WebSocketClientFactory(f"{server.replace('http', 'ws', 1)}/api/socket?{query}", reactor=reactor)
    factory.protocol = Listener
    closed: Deferred[None] = Deferred()
    factory.clientConnectionLost = lambda connector, reason: closed.callback(None)
    factory.clientConnectionFailed = lambda connector, reason: closed.errback(reason)
    connectWS(factory)
    await closed


if __name__ == "__main__":
    react(lambda *arguments: Deferred.fromCoroutine(listen(*arguments)), sys.argv[1:])
