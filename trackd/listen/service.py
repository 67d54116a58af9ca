"""
The listening ports of a server: all of them open, or none.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from trackd.listen.datagram import Datagrams
from trackd.listen.http import Channel
from trackd.listen.mqtt import Client
from trackd.listen.server import Listener, Server
from trackd.listen.stream import Connection
from trackd.share import Share

AT_ONCE = 10  # connections that a port lets in before others have their turn
BACKLOG = 1024  # connections that the kernel keeps for us: after a restart all devices come at once
DATAGRAM = 65536  # bytes
MINUTE = 60.0  # s from one look at the losses to the next


class CannotListen(Exception):
    """A port cannot be opened; the message names the setting, the port and the reason."""


class Connections(ServerFactory):
    """Makes the connections of a listener."""

    noisy = False

    def __init__(self, server: Server, listener: Listener) -> None:
        self.server = server
        self.listener = listener

    def buildProtocol(self, addr: IAddress | None) -> Connection | Channel:
        if self.listener.format.http:
            return Channel(self.server, self.listener)
        return (Client if self.listener.format.mqtt else Connection)(self.server, self.listener)


class Listeners(Service):
    """
    The ports of these listeners.

    All of them are bound in one turn of the reactor, so that nobody is let in before the last one is open; if one
    cannot be, the others are closed again.

    Lines of the log that strangers can cause are limited. What has none is counted, and told once a minute.
    """

    name = "listeners"
    _log = Logger()

    def __init__(self, reactor: Any, server: Server, listeners: Sequence[Listener], grace: float = 1.0) -> None:
        """`grace`: seconds that connections have at the stop for what they are owed."""
        self.reactor = reactor
        self.server = server
        self.listeners = tuple(listeners)
        self.grace = grace
        self._streams: list[Any] = []
        self._datagrams: list[tuple[Any, Datagrams]] = []
        self._looking = LoopingCall(self._tell_losses)
        self._looking.clock = server.clock

    @property
    def datagrams(self) -> list[Datagrams]:
        """The ports for datagrams."""
        return [datagrams for _, datagrams in self._datagrams]

    def startService(self) -> None:
        """Open all ports; raises CannotListen."""
        for listener in self.listeners:
            try:
                self._open(listener)
            except CannotListenError as error:
                ports = self._streams + [port for port, _ in self._datagrams]
                self._streams, self._datagrams = [], []
                _closed(ports).addErrback(lambda failure: self._log.failure("a port cannot be closed", failure))
                raise CannotListen(f"{listener.key}: {_reason(listener, error)}") from error
        self._looking.start(MINUTE, now=False).addErrback(
            lambda failure: self._log.failure("losses are not told any more", failure)
        )
        super().startService()

    def _tell_losses(self) -> None:
        for name, words in self.server.counters.losses():
            self._log.warn("{name}: {words}", name=name, words=words)

    def _open(self, listener: Listener) -> None:
        reactor, port, interface = self.reactor, listener.port, listener.address
        if listener.format.tcp:
            factory = Connections(self.server, listener)
            if listener.tls is None:
                stream = reactor.listenTCP(port, factory, backlog=BACKLOG, interface=interface)
            else:
                stream = reactor.listenSSL(port, factory, listener.tls, backlog=BACKLOG, interface=interface)
            unhurried(stream, self.server.limits.ahead, self.server.share)
            self._streams.append(stream)
        if listener.format.udp:
            datagrams = Datagrams(self.server, listener)
            opened = reactor.listenUDP(port, datagrams, interface=interface, maxPacketSize=DATAGRAM)
            self._datagrams.append((opened, datagrams))

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self.stop())

    async def stop(self) -> None:
        """
        Let nobody in any more, and close what is open when it has got what it is owed, or when the grace is over.

        To be called while the intake still works. Calling it again does nothing.
        """
        door = self.server.door
        streams, self._streams = self._streams, []
        ports, self._datagrams = self._datagrams, []
        await _closed(streams)
        settled = [datagrams.finish() for _, datagrams in ports]
        for guest in door.guests:
            guest.finish()
        # At the time-out these are cancelled one by one; the list itself ends well.
        await DeferredList([door.empty(), *settled], consumeErrors=True).addTimeout(self.grace, self.server.clock)
        if len(door):
            self._log.warn("{open} connections are closed with something owed", open=len(door))
        for guest in door.guests:
            guest.give_way()
        await _closed([port for port, _ in ports])
        if self._looking.running:
            self._looking.stop()
            self._tell_losses()
            for name, counts in self.server.counters.formats.items():
                if counts.connections or counts.bytes or counts.refused:
                    self._log.info("{name}: {counts}", name=name, counts=counts.words())


def _closed(ports: Sequence[Any]) -> Deferred[Any]:
    """Fires when these ports are closed."""
    return DeferredList([stopping for port in ports if (stopping := port.stopListening()) is not None])


def _reason(listener: Listener, error: CannotListenError) -> str:
    where = f"{listener.address} port {listener.port}" if listener.address else f"port {listener.port}"
    why = getattr(error.socketError, "strerror", None) or error.socketError
    return f"cannot listen on {where}: {why}"


def unhurried(port: Any, ahead: int, share: Share) -> None:
    """
    Have a port let in a few connections at a time, and none while the share of strangers is used up: the others wait in
    the queue of the kernel. And have the kernel keep no more of what each of them says than about `ahead` bytes.

    Twisted lets in the more of them the faster they come, and the kernel keeps megabytes of each: whoever is connected
    would wait meanwhile, also for what those have said who are gone.
    """
    port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ahead // 2)  # it takes twice as much
    let_in = port.doRead

    def do_read() -> None:
        if not share.used_up:
            port.numberAccepts = AT_ONCE
            share.use(let_in)
        if share.used_up:
            port.stopReading()
            share.wait(go_on, new=True)

    def go_on() -> None:
        if port.connected and not port.disconnecting:
            port.startReading()

    port.doRead = do_read
