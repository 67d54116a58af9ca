"""
A wire format for tests, whose frames say in words what they make the decoder yield, and a device that speaks it.

    login:7 at:10 reply:A     device 7, a position at latitude 10, and an answer
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from attrs import define, evolve
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver, StringTransport
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.memory import MemoryIntake
from trackd.listen.limits import Limits
from trackd.listen.server import Listener, Server
from trackd.listen.service import Connections
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import line
from trackd.wire.values import (
    DeviceAttribute,
    Hangup,
    Login,
    Media,
    Output,
    Position,
    Reply,
    Response,
    TakeCommand,
    WireError,
)

TIME = datetime(2026, 11, 1, 12, tzinfo=UTC)


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    """Each word is an output; `bad` is a frame that cannot be read, `bug` a mistake of ours."""
    for word in frame.decode().split():
        name, _, value = word.partition(":")
        match name:
            case "login":
                yield Login.of(*value.split("/"), accept=b"(yes)", reject=b"(no)")
            case "who":
                yield Login.of(*value.split("/"), optional=True)
            case "me":
                yield Login.of()
            case "at":
                yield Position.at(TIME, latitude=float(value))
            case "now":
                yield Position.at(session.now)
            case "reply":
                yield Reply(value.encode())
            case "known":
                yield Reply(session.device.unique_id.encode() if session.device is not None else b"nobody")
            case "response":
                yield Response(int(value), b"told")
            case "media":
                yield Media(value.encode(), "jpg")
            case "keep":
                yield DeviceAttribute("note", value)
            case "command":
                yield TakeCommand()
                yield Reply(session.command.type.encode() if session.command else b"none")
            case "hangup":
                yield Hangup()
            case "forever":
                while True:
                    yield Reply(b"")
            case "bad":
                raise WireError("bad")
            case "bug":
                raise TypeError("bug")
            case _:
                raise WireError(f"what is {word}?")


WORDS = WireFormat("words", 5000, decode, split=line(), udp=True)


def server(intake: MemoryIntake, clock: Clock | None = None, **limits: Any) -> Server:
    """A server with these limits; the others are the usual ones."""
    return Server(intake, clock or Clock(), evolve(Limits(), **limits))


@define(eq=False)
class Caller:
    """A device on a connection without a socket."""

    connection: Any
    transport: StringTransport
    server: Server

    def says(self, *lines: str) -> str:
        """Send these lines in one piece; what is answered at once."""
        return self.sends("".join(line + "\n" for line in lines).encode())

    def sends(self, data: bytes) -> str:
        self.connection.dataReceived(data)
        return self.hears()

    def hears(self) -> str:
        """What was answered since the last time."""
        data = self.transport.value()
        self.transport.clear()
        return data.decode("latin-1")

    def hangs_up(self) -> None:
        self.connection.connectionLost(Failure(ConnectionDone()))

    @property
    def paused(self) -> bool:
        return self.transport.producerState == "paused"

    @property
    def closed(self) -> bool:
        """We have closed the connection, or are about to."""
        return self.transport.disconnecting

    @property
    def aborted(self) -> bool:
        return self.transport.disconnected


def call(to: Server, format: WireFormat = WORDS, host: str = "10.0.0.1", **listener: Any) -> Caller:
    """A new connection of a device."""
    factory = Connections(to, Listener(format, format.port, **listener))
    connection = factory.buildProtocol(None)
    transport = StringTransport(IPv4Address("TCP", "192.0.2.1", 5000), IPv4Address("TCP", host, 40000))
    connection.makeConnection(transport)
    return Caller(connection, transport, to)


def clock_of(server: Server) -> Clock:
    return cast(Clock, server.clock)


def log_of(test: SynchronousTestCase) -> Sequence[LogEvent]:
    """What is logged from now on, while the test runs."""
    observer = EventLoggingObserver()
    globalLogPublisher.addObserver(observer)
    test.addCleanup(globalLogPublisher.removeObserver, observer)
    return observer
