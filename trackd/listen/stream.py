"""
Wire formats on TCP, with or without TLS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from trackd.clock import now
from trackd.listen.backlog import PIECE
from trackd.listen.conversation import WHO
from trackd.listen.manners import Manners
from trackd.wire.format import Session, Split
from trackd.wire.framing import Frames, whole


@implementer(IPushProducer)
class Connection(Manners, Protocol):
    """
    A device on TCP.

    The transport waits for us, not the other way round: while something that was received is on its way to the
    database nothing more is read, so that memory is bounded and the device feels it.
    """

    _talkative = False  # what was read last has filled a piece: there is more
    _choked = False  # the peer does not take what we write
    _ahead = 0  # bytes received since the transport was paused
    _frames: Frames | None = None

    def connectionMade(self) -> None:
        manner(self.transport)
        conversation = self.arrive(*self.spoken())
        if conversation is not None:
            self._frames = Frames(self.cutter(conversation.session), self.most())
            # Told by the transport when the peer does not take what we write.
            self.transport.registerProducer(self, True)

    def spoken(self) -> tuple[Any, ...]:
        """What `arrive` is to be called with."""
        return ("tcp",)

    def cutter(self, session: Session) -> Split:
        format = self.listener.format
        return format.splitter(session) if format.splitter is not None else format.split or whole

    def most(self) -> int:
        """Bytes that may wait without a frame."""
        return min(self.listener.format.limit, self.server.limits.frame)

    def dataReceived(self, data: bytes) -> None:
        server, conversation = self.server, self.conversation
        if (
            len(data) >= PIECE
            and (len(server.backlog) or server.intake.crowded)
            and conversation is not None
            and conversation.known
            and not (self._late or self._shut or self._paused)
        ):
            # Others were before it.
            self._late.append(data)
            self._talkative = self._paused = True
            self.transport.pauseProducing()
            server.backlog.wait(self)
        else:
            super().dataReceived(data)

    def received(self, data: bytes) -> None:
        self._heard = self.server.clock.seconds()
        self.counts.bytes += len(data)
        conversation = self.conversation
        if conversation is None or conversation.closing or self._shut:
            return
        if self._paused:
            # TLS delivers what it has decrypted already.
            self._ahead += len(data)
            if self._ahead > self.server.limits.ahead:
                if self.server.errors.allows():
                    self._log.warn(f"{WHO}: does not wait", **conversation.who)
                self.give_way()
                return
        self._talkative = len(data) >= PIECE
        conversation.hear(self._cut(data), now(self.server.clock), data)
        if (conversation.busy or self._talkative) and not self._paused and not self._shut:
            self._paused = True
            self.transport.pauseProducing()
            if not conversation.busy:
                self.server.backlog.wait(self)

    def _cut(self, data: bytes) -> Iterator[bytes]:
        frames = self._frames
        assert frames is not None
        yield from frames.feed(data)
        if frames.broken is not None:
            raise frames.broken

    def settled(self) -> None:
        self._ahead = 0
        if not self._talkative:
            self.read_on()
        elif self._paused and not self._shut:
            self.server.backlog.wait(self)

    def read_on(self) -> None:
        if self._choked or self._shut:
            return
        if self._late:
            self._hear_late()
            return
        self._talkative = False
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.last_words()
        conversation = self.conversation
        if conversation is not None and not conversation.closing:
            # A rest that was no frame may be one by what was heard since.
            conversation.hear(self._cut(b""), now(self.server.clock))
        self.lost()
        self.server.backlog.leave(self)

    # IPushProducer, of our answers

    def pauseProducing(self) -> None:
        self._choked = True
        if not self._paused and not self._shut:
            self._paused = True
            self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        self._choked = False
        if self.conversation is not None and not self.conversation.busy:
            self.settled()

    def stopProducing(self) -> None:
        self._shut = True


def manner(transport: Any) -> None:
    """Answers go out at once, and a peer that has vanished is found out."""
    if hasattr(transport, "setTcpNoDelay"):
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
