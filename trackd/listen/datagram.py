"""
Wire formats on UDP: the same conversation as on TCP, with each sender.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import MessageLengthError
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from trackd.clock import now
from trackd.listen.conversation import Conversation
from trackd.listen.manners import address
from trackd.listen.server import Listener, Server

Sender = tuple[str, int]

OF_ONE = 50  # datagrams of one sender, on their way to the database when that has much to do
SWEEPS = 10  # in the time after which a silent sender is forgotten


@define(eq=False)
class Endpoint:
    """A sender of datagrams; fulfils `Peer`."""

    port: Datagrams
    sender: Sender
    heard: float = 0.0
    underway: int = 0  # datagrams of it that are not dealt with
    conversation: Conversation = field(init=False)

    def answer(self, frames: int, replies: Sequence[bytes]) -> None:
        for reply in replies:
            self.port.write(reply, self.sender)
        self._dealt_with(min(frames, self.underway))

    def _dealt_with(self, datagrams: int) -> None:
        if datagrams:
            self.underway -= datagrams
            self.port.dealt_with(datagrams)

    def recognised(self) -> None:
        self.port.recognised(self)

    def settled(self) -> None:
        """Nothing has waited: there is no way to make a sender wait."""

    def close(self) -> None:
        self.port.forget(self)

    def over(self) -> None:
        """The port has forgotten it. What went wrong on the way does not count any more."""
        self._dealt_with(self.underway)
        # Neither keeps the other in memory until the collector comes by.
        del self.conversation


class Datagrams(DatagramProtocol):
    """
    The senders of a port.

    Anybody can write anybody's address on a datagram. So those that have no device have a table of their own, where
    they push out only each other; and what arrives while too much is on its way to the database is dropped: it is not
    acknowledged, and who expects that sends it again. All of them together have the share of strangers.
    """

    noisy = False
    transport: Any
    _log = Logger()

    def __init__(self, server: Server, listener: Listener) -> None:
        self.server = server
        self.listener = listener
        self.counts = listener.counts(server)
        self.known: dict[Sender, Endpoint] = {}  # the one that was silent for longest comes first
        self.strangers: dict[Sender, Endpoint] = {}
        self.underway = 0
        self._resting = False
        self._sweeping: IDelayedCall | None = None
        self._finished: Deferred[None] | None = None

    def startProtocol(self) -> None:
        local = self.transport.getHost()
        self._local = f"{address(local.host)}:{local.port}"
        self._sweep()

    def stopProtocol(self) -> None:
        if self._sweeping is not None and self._sweeping.active():
            self._sweeping.cancel()
        for endpoint in (*self.known.values(), *self.strangers.values()):
            self.forget(endpoint)

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        share = self.server.share
        share.use(partial(self._received, datagram, addr))
        if share.used_up and not self._resting:
            self._resting = True
            self.transport.stopReading()
            # The transport reads as long as something is there, and so much: with this it ends.
            self.transport.maxThroughput = -1
            share.wait(self._read_on)

    def _read_on(self) -> None:
        self._resting = False
        if self.transport is not None:  # the port is open
            del self.transport.maxThroughput
            self.transport.startReading()

    def _received(self, datagram: bytes, addr: Any) -> None:
        counts, limits = self.counts, self.server.limits
        counts.bytes += len(datagram)
        if self._finished is not None:
            return
        sender: Sender = addr[:2]
        table = self.known if sender in self.known else self.strangers
        endpoint = table.get(sender)
        much = endpoint is not None and endpoint.underway >= OF_ONE and self.server.intake.crowded
        if much or self.underway >= limits.datagrams or len(datagram) > limits.frame:
            counts.dropped += 1
            return
        if endpoint is None:
            endpoint = self._meet(sender)
        else:
            del table[sender]
        table[sender] = endpoint
        endpoint.heard = self.server.clock.seconds()
        self.underway += 1
        endpoint.underway += 1
        endpoint.conversation.hear([datagram], now(self.server.clock))

    def _meet(self, sender: Sender) -> Endpoint:
        if len(self.strangers) >= self.server.limits.before_login:
            self.forget(next(iter(self.strangers.values())))
        endpoint = Endpoint(self, sender)
        host = address(sender[0])
        session = self.listener.session("udp", self._local, host)
        endpoint.conversation = Conversation(
            self.server, session, host, endpoint, self.counts, self.listener.format.decode, strict=False
        )
        return endpoint

    def recognised(self, endpoint: Endpoint) -> None:
        """It has a device."""
        if self.strangers.pop(endpoint.sender, None) is not None:
            if len(self.known) >= self.server.limits.endpoints:
                self.forget(next(iter(self.known.values())))
            self.known[endpoint.sender] = endpoint

    def forget(self, endpoint: Endpoint) -> None:
        """The next datagram of this sender begins anew."""
        for table in (self.known, self.strangers):
            if table.get(endpoint.sender) is endpoint:
                del table[endpoint.sender]
                endpoint.conversation.end()

    def write(self, reply: bytes, sender: Sender) -> None:
        try:
            self.transport.write(reply, sender)
        except (OSError, MessageLengthError) as error:
            # Port 0, a network that cannot be reached, more than a datagram holds: nobody has lost but the sender.
            self._log.debug("{name}: {sender}: {error!r}", name=self.listener.format.name, sender=sender, error=error)

    def dealt_with(self, datagrams: int) -> None:
        """So many are not on their way any more."""
        self.underway -= datagrams
        if self._finished is not None and not self.underway:
            self._finished.callback(None)

    def finish(self) -> Deferred[None]:
        """Hear nothing more; fires when what was heard is answered."""
        finished = self._finished = Deferred()
        if not self.underway:
            finished.callback(None)
        return finished

    def _sweep(self) -> None:
        idle = self.server.limits.idle
        if idle <= 0:
            return
        since = self.server.clock.seconds() - idle
        for table in (self.known, self.strangers):
            for endpoint in list(table.values()):
                if endpoint.heard > since:
                    break
                if not endpoint.conversation.busy:
                    self.forget(endpoint)
        self._sweeping = self.server.clock.callLater(idle / SWEEPS, self._sweep)
