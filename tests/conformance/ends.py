"""The devices' ends of real connections: what is said goes out at once, what comes back is collected."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import DatagramProtocol, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure

HOST = "127.0.0.1"


class End(Protocol):
    """A connection to the service, or a sender of datagrams. `size`: bytes that have come back so far."""

    size: int
    closed: bool

    def say(self, data: bytes) -> None: ...

    def take(self) -> list[bytes]:
        """What has come since the last time: the stream as one, datagrams and HTTP responses one by one."""

    def leave(self) -> None: ...


class Stream(TwistedProtocol):
    """A TCP connection. `divide` makes answers of what has come."""

    transport: Any

    def __init__(self, divide: Callable[[bytes], list[bytes]]) -> None:
        self.size = 0
        self.closed = False
        self._divide = divide
        self._received = b""

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        self.size += len(data)
        self._received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True

    def say(self, data: bytes) -> None:
        self.transport.write(data)

    def take(self) -> list[bytes]:
        received, self._received = self._received, b""
        return self._divide(received) if received else []

    def leave(self) -> None:
        if not self.closed:
            self.transport.loseConnection()


class Sender(DatagramProtocol):
    """A UDP socket of its own."""

    transport: Any
    noisy = False

    def __init__(self, port: int) -> None:
        self.size = 0
        self.closed = False
        self._port = port
        self._received: list[bytes] = []

    def startProtocol(self) -> None:
        self.transport.connect(HOST, self._port)

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.size += len(datagram) + 1  # one of no bytes is an answer too
        self._received.append(datagram)

    def connectionRefused(self) -> None:
        self.closed = True

    def say(self, data: bytes) -> None:
        self.transport.write(data)

    def take(self) -> list[bytes]:
        received, self._received = self._received, []
        return received

    def leave(self) -> None:
        self.transport.stopListening()


def whole(received: bytes) -> list[bytes]:
    return [received]


def responses(received: bytes) -> list[bytes]:
    """HTTP responses that have come one after the other."""
    return re.split(rb"(?<!^)(?=HTTP/1\.[01] [1-5]\d\d )", received)


async def connected(reactor: Any, transport: str, port: int) -> End:
    """An end that is connected to this port."""
    if transport == "udp":
        sender = Sender(port)
        reactor.listenUDP(0, sender, interface=HOST)
        return sender
    endpoint = TCP4ClientEndpoint(reactor, HOST, port)
    stream: Stream = await connectProtocol(endpoint, Stream(responses if transport == "http" else whole))
    return stream
