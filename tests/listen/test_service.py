"""The ports of a server."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from attrs import Factory, define, evolve
from twisted.application.service import IService
from twisted.internet.address import IPv4Address
from twisted.internet.defer import succeed
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock, StringTransport, StringTransportWithDisconnection
from twisted.logger import formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.listen.memory import MemoryIntake
from tests.listen.samples import WORDS, log_of
from tests.listen.test_http import WEB
from tests.listen.test_mqtt import BROKER
from trackd.listen.http import Channel
from trackd.listen.limits import Limits
from trackd.listen.mqtt import Client
from trackd.listen.server import Listener, Server
from trackd.listen.service import AT_ONCE, CannotListen, Listeners
from trackd.listen.stream import Connection
from trackd.share import REST, SLICE

TCP_ONLY = evolve(WORDS, name="plain", udp=False)


@define
class Socket:
    """Remembers how much the kernel is to keep."""

    kept: int = 0

    def setsockopt(self, level: int, option: int, value: int) -> None:
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_RCVBUF)
        self.kept = value


@define(eq=False, slots=False)
class Port:
    """A port that knows whether it is open."""

    transport: str
    number: int
    interface: str
    made: Any  # factory or protocol
    tls: Any = None
    open: bool = True
    connected: bool = True
    disconnecting: bool = False
    reading: bool = True
    numberAccepts: int = 100
    let_in: int = 0
    socket: Socket = Factory(lambda: Socket())

    def doRead(self) -> None:
        self.let_in += self.numberAccepts
        self.numberAccepts += 20  # as Twisted does when there are more

    def startReading(self) -> None:
        self.reading = True

    def stopReading(self) -> None:
        self.reading = False

    def stopListening(self) -> Any:
        self.open = False
        if self.transport == "udp":
            self.made.doStop()
        return succeed(None)

    def getHost(self) -> IPv4Address:
        return IPv4Address("UDP", "0.0.0.0", self.number)

    def write(self, data: bytes, sender: Any) -> None:
        """Datagrams go nowhere."""


class Reactor(MemoryReactorClock):
    """Ports in memory; some numbers are taken, some may not be used."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[Port] = []
        self.taken = {6000: errno.EADDRINUSE, 80: errno.EACCES}

    def _listen(self, transport: str, port: int, made: Any, interface: str, tls: Any = None) -> Port:
        if port in self.taken:
            number = self.taken[port]
            raise CannotListenError(interface, port, OSError(number, os.strerror(number)))
        opened = Port(transport, port, interface, made, tls)
        self.ports.append(opened)
        if transport == "udp":
            made.makeConnection(opened)
        return opened

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        return self._listen("tcp", port, factory, interface)

    def listenSSL(self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = "") -> Any:
        return self._listen("tcp", port, factory, interface, contextFactory)

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> Any:
        assert maxPacketSize > 65507, "the longest datagram there is"
        return self._listen("udp", port, protocol, interface)

    @property
    def open(self) -> list[tuple[str, int]]:
        return [(port.transport, port.number) for port in self.ports if port.open]


class ServiceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.intake = MemoryIntake.knowing("1", held=True)
        self.server = Server(self.intake, self.reactor, Limits(linger=1.0))

    def listening(self, *listeners: Listener) -> Listeners:
        service = Listeners(self.reactor, self.server, listeners)
        service.startService()
        return service

    def test_ports(self) -> None:
        """Each format listens on its port, with TCP and UDP as it needs."""
        service = self.listening(
            Listener(WORDS, 5000), Listener(TCP_ONLY, 5003), Listener(evolve(WORDS, tcp=False), 5004)
        )
        verifyObject(IService, service)
        self.assertEqual(self.reactor.open, [("tcp", 5000), ("udp", 5000), ("tcp", 5003), ("udp", 5004)])

    def test_unhurried(self) -> None:
        """However many are at the door, a few are let in at a time; of what each says the kernel keeps a little."""
        self.listening(Listener(WORDS, 5000))
        port = self.reactor.ports[0]
        for _ in range(3):
            port.doRead()
        self.assertEqual((3 * AT_ONCE, Limits().ahead // 2), (port.let_in, port.socket.kept))

    def test_share(self) -> None:
        """While the share of strangers is used up nobody is let in, and nobody is asked whether he wants to come in."""
        self.listening(Listener(WORDS, 5000), Listener(TCP_ONLY, 5001))
        first, second = (port for port in self.reactor.ports if port.transport == "tcp")
        self.server.share.use(lambda: self.reactor.advance(SLICE))
        first.doRead()
        second.doRead()
        self.assertEqual((0, 0, False, False), (first.let_in, second.let_in, first.reading, second.reading))
        second.disconnecting = True
        self.reactor.advance(REST)
        self.assertEqual((True, False), (first.reading, second.reading))
        first.doRead()
        self.assertEqual((AT_ONCE, True), (first.let_in, first.reading))

    def test_address_and_tls(self) -> None:
        """A listener may have an address, and TLS on its TCP port."""
        context = object()
        self.listening(Listener(WORDS, 5000, "127.0.0.1", tls=context))
        self.assertEqual(
            [(p.interface, p.tls) for p in self.reactor.ports], [("127.0.0.1", context), ("127.0.0.1", None)]
        )

    def test_what_is_spoken(self) -> None:
        """What a connection speaks follows from the format."""
        self.listening(Listener(TCP_ONLY, 1), Listener(WEB, 2), Listener(BROKER, 3))
        made = [type(port.made.buildProtocol(None)) for port in self.reactor.ports]
        self.assertEqual(made, [Connection, Channel, Client])

    def test_port_in_use(self) -> None:
        """A port that cannot be opened is one clear error, and no other port stays open."""
        for port, why in ((6000, "Address already in use"), (80, "Permission denied")):
            error = self.assertRaises(CannotListen, self.listening, Listener(WORDS, 5000), Listener(TCP_ONLY, port))
            self.assertEqual(str(error), f"plain.port: cannot listen on port {port}: {why}")
        error = self.assertRaises(CannotListen, self.listening, Listener(TCP_ONLY, 6000, "127.0.0.1"))
        self.assertEqual(str(error), "plain.port: cannot listen on 127.0.0.1 port 6000: Address already in use")
        self.assertEqual(self.reactor.open, [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_start_after_a_failure(self) -> None:
        """When the port is free again, the same service starts."""
        service = Listeners(self.reactor, self.server, [Listener(WORDS, 6000)])
        self.assertRaises(CannotListen, service.startService)
        self.assertFalse(service.running)
        self.reactor.taken.clear()
        service.startService()
        self.assertEqual(self.reactor.open, [("tcp", 6000), ("udp", 6000)])

    def call(self) -> tuple[Any, StringTransport]:
        connection = self.reactor.ports[0].made.buildProtocol(None)
        transport = StringTransportWithDisconnection()
        transport.protocol = connection
        connection.makeConnection(transport)
        return connection, transport

    def test_stop(self) -> None:
        """At the stop nobody is let in, and who is owed something gets it before it is closed."""
        service = self.listening(Listener(WORDS, 5000))
        (_, idle), (connection, busy) = self.call(), self.call()
        connection.dataReceived(b"login:1 at:1 reply:A\n")
        busy.clear()
        self.reactor.ports[1].made.datagramReceived(b"login:1 at:2", ("10.0.0.1", 1))
        stopped = service.stopService()
        self.assertEqual((idle.connected, busy.connected), (False, True))
        self.assertEqual(self.reactor.open, [("udp", 5000)])
        self.assertNoResult(stopped)
        self.intake.commit()
        self.successResultOf(stopped)
        self.assertEqual((busy.value(), busy.connected), (b"A", False))
        self.assertEqual(self.reactor.open, [])
        self.assertEqual(len(self.intake.gone), 3)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stop_without_end(self) -> None:
        """When the database does not answer, the stop does not wait for it longer than the grace."""
        service = self.listening(Listener(WORDS, 5000))
        connection, transport = self.call()
        connection.dataReceived(b"login:1 at:1 reply:A\n")
        stopped = service.stopService()
        self.reactor.advance(0.9)
        self.assertNoResult(stopped)
        self.reactor.advance(0.1)
        self.successResultOf(stopped)
        self.assertTrue(transport.disconnected)
        self.assertEqual(self.reactor.open, [])

    def test_stop_again(self) -> None:
        """Stopping again, or what was never started, does nothing."""
        service = self.listening(Listener(WORDS, 5000))
        self.successResultOf(service.stopService())
        self.successResultOf(service.stopService())
        self.successResultOf(Listeners(self.reactor, self.server, []).stopService())


class LossTests(SynchronousTestCase):
    """What strangers cause, and has no line of its own in the log."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.server = Server(
            MemoryIntake(), self.reactor, Limits(errors_logged=1, per_address=1, datagrams=1, linger=1.0)
        )
        self.service = Listeners(self.reactor, self.server, [Listener(WORDS, 5000), Listener(TCP_ONLY, 5001)])
        self.service.startService()
        self.log = log_of(self)

    def lines(self) -> list[str]:
        """What was said of formats, but not of a single frame."""
        return [formatEvent(event) for event in self.log if "name" in event and "frame" not in event]

    def test_told(self) -> None:
        """It is counted, and told once a minute; when nothing more is lost nothing more is said."""
        stream, datagrams = self.reactor.ports[0].made, self.reactor.ports[1].made
        for _ in range(2):
            connection = stream.buildProtocol(None)
            connection.makeConnection(StringTransport())
        datagrams.underway = 1
        datagrams.datagramReceived(b"at:1", ("10.0.0.1", 1))
        datagrams.underway = 0
        datagrams.datagramReceived(b"bad bad", ("10.0.0.1", 1))
        datagrams.datagramReceived(b"bad", ("10.0.0.1", 1))
        self.assertEqual([], self.lines())
        self.reactor.advance(60)
        told = ["words: 1 bad frames, 1 connections refused, 1 datagrams dropped"]
        self.assertEqual(told, self.lines())
        self.reactor.advance(60)
        self.assertEqual(told, self.lines())

    def test_told_at_the_stop(self) -> None:
        """At the stop the rest is told, and all that was counted, of the formats that somebody has spoken."""
        datagrams = self.reactor.ports[1].made
        for data in (b"bad", b"bad", b"at:1"):
            datagrams.datagramReceived(data, ("10.0.0.1", 1))
        self.successResultOf(self.service.stopService())
        self.assertEqual(
            [
                "words: 1 bad frames",
                "words: 0 connections, 0 refused, 10 bytes, 3 frames, 0 reports, 2 bad frames, 0 datagrams dropped",
            ],
            self.lines(),
        )
        self.assertEqual([], self.reactor.getDelayedCalls())
