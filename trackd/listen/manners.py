"""
The manners of all connections, whatever is spoken on them.

There is a place for it or it is closed at once; who is silent for too long, or says for too long nothing by which it is
known, is closed; what is closed gets what it is owed first, and only so much time for taking it. As long as it is not
known by anything it has its share of the server's time, and otherwise waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from trackd.clock import now
from trackd.listen.backlog import PIECE
from trackd.listen.conversation import WHO, Conversation
from trackd.listen.server import Listener, Server
from trackd.share import READ
from trackd.wire.format import Decode


class Manners:
    """
    To be mixed into a Twisted protocol: the part of `Peer` and `Guest` that is the same for all connections.

    The protocol calls `arrive` when it is connected, and `lost` when it is disconnected; what comes is `received` by it.
    """

    transport: Any
    host = ""
    conversation: Conversation | None = None  # none: there was no place
    _shut = False
    _heard = 0.0  # when the last byte came
    _since = 0.0  # when it connected
    _watching: IDelayedCall | None = None
    _greeting: IDelayedCall | None = None
    _paused = False  # until what it has said is dealt with
    _new = True  # it has never been heard
    _late: list[bytes]  # what a stranger has said, and waits for his share
    _log = Logger()

    def __init__(self, server: Server, listener: Listener) -> None:
        self.server = server
        self.listener = listener
        self.counts = listener.counts(server)
        self._late = []
        self._idle = listener.idle(server.limits)

    # What the protocol calls

    def arrive(
        self, transport: str, decode: Decode | None = None, raw: Callable[[Any], bytes] | None = None, live: bool = True
    ) -> Conversation | None:
        """Begin the conversation; None if there is no place."""
        server, listener = self.server, self.listener
        local = self.transport.getHost()
        self.host = address(self.transport.getPeer().host)
        if not server.door.enter(self):
            self.counts.refused += 1
            self._shut = True
            self.transport.abortConnection()
            return None
        self.counts.connections += 1
        self.counts.open += 1
        format = listener.format
        if format.split or format.splitter or format.http or format.mqtt:  # else each read is a frame
            _below(self.transport).bufferSize = READ
        self._heard = self._since = server.clock.seconds()
        session = listener.session(transport, f"{address(local.host)}:{local.port}", self.host)
        session.now = now(server.clock)
        self.conversation = Conversation(
            server, session, self.host, self, self.counts, decode or listener.format.decode, raw, live
        )
        self._watch()
        if listener.format.greet is not None:
            self._greet()
        return self.conversation

    def dataReceived(self, data: bytes) -> None:
        share, conversation = self.server.share, self.conversation
        if conversation is None or self._shut or (conversation.known and not self._late):
            self.received(data)
        elif self._late:
            # TLS delivers what it has decrypted already.
            self._late.append(data)
            if sum(map(len, self._late)) > self.server.limits.ahead:
                self.give_way()
        elif share.used_up:
            self._late.append(data)
            self.transport.pauseProducing()
            share.wait(self._hear_late, self._new)
        else:
            self._new = False
            share.use(partial(self.received, data))

    def _hear_late(self) -> None:
        self._new = False
        conversation = self.conversation
        if self._late and not self._shut and conversation is not None:
            if not self._paused:
                self.transport.resumeProducing()
            try:
                self.last_words()
            except Exception:
                # As Twisted would.
                self._log.failure(WHO, Failure(), **conversation.who)
                self.give_way()

    def last_words(self) -> None:
        """Hear now what has been waiting."""
        late, self._late = self._late, []
        for data in late:
            self.received(data)

    def received(self, data: bytes) -> None:
        """Bytes have come."""
        raise NotImplementedError

    def lost(self) -> None:
        """The connection is closed."""
        for call in (self._watching, self._greeting):
            if call is not None and call.active():
                call.cancel()
        self._shut = True
        if self.conversation is not None:
            self.counts.open -= 1
            self.server.door.hung_up(self)
            self.conversation.end()

    # Peer

    def answer(self, frames: int, replies: Sequence[bytes]) -> None:
        if replies and not self._shut:
            self.transport.write(b"".join(replies))

    def recognised(self) -> None:
        self.server.door.recognised(self)
        below = _below(self.transport)
        if "bufferSize" in vars(below):
            below.bufferSize = PIECE

    def settled(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Close when what was written is sent, or cannot be sent."""
        if self._shut:
            return
        self._shut = True
        if self._watching is not None and self._watching.active():
            self._watching.cancel()
        self._watching = self.server.clock.callLater(self.server.limits.linger, self.transport.abortConnection)
        # TLS closes when no producer is registered any more, and when it has read that the peer agrees.
        self.transport.unregisterProducer()
        self.transport.resumeProducing()
        self.transport.loseConnection()

    def over(self) -> None:
        self.server.door.leave(self)
        # Neither keeps the other in memory until the collector comes by.
        self.conversation = None

    # Guest

    def give_way(self) -> None:
        self._shut = True
        self.transport.abortConnection()

    def finish(self) -> None:
        if self.conversation is not None:
            self.conversation.finish()

    # Time

    def _watch(self) -> None:
        """Close if it is time, and look again when it may be."""
        conversation, limits, moment = self.conversation, self.server.limits, self.server.clock.seconds()
        assert conversation is not None
        if conversation.busy:
            # It waits for us, not we for it.
            self._heard = self._since = moment
        ends = []
        if self._idle is not None:
            ends.append(self._heard + self._idle)
        if not conversation.known:
            ends.append(self._since + limits.login_time)
        if not ends:
            # Nothing to look after: an idle time that never ends is not checked again.
            self._watching = None
        elif min(ends) <= moment:
            self._log.debug(f"{WHO}: silent", **conversation.who)
            self.close()
        else:
            self._watching = self.server.clock.callLater(min(ends) - moment, self._watch)

    def _greet(self) -> None:
        format, conversation = self.listener.format, self.conversation
        assert conversation is not None and format.greet is not None
        conversation.session.now = now(self.server.clock)
        try:
            conversation.send(format.greet(conversation.session))
        except Exception:
            self._log.failure(WHO, Failure(), **conversation.who)
        if format.greet_interval > 0:
            self._greeting = self.server.clock.callLater(format.greet_interval, self._greet)


def _below(transport: Any) -> Any:
    """The transport that reads from the socket, below TLS."""
    return getattr(transport, "transport", None) or transport


def address(host: str) -> str:
    """An address of the fourth version as such, although the socket speaks the sixth."""
    return host.removeprefix("::ffff:")
