"""
Messages on their way to one peer, at the speed of the peer.

The transport says `pause` when its buffer fills and `resume` when it is empty. It is given `burst` bytes more
meanwhile, so that it has something to send in each turn of the reactor; the rest waits here. Messages leave in pieces
of at most `PIECE` bytes. What waits for all peers together is counted in a `Crowd`.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable

from attrs import define, field

PIECE = 65536  # bytes of a message in one frame

# A piece of a message: its bytes, whether it is the first and whether it is the last of its message.
Send = Callable[[bytes, bool, bool], None]


@define(eq=False)
class Crowd:
    """
    What waits for all peers together, in bytes. While it is more than `limit`, none of them gets more than a little.
    """

    limit: int
    waiting: int = 0

    @property
    def full(self) -> bool:
        return self.waiting > self.limit


@define(eq=False)
class Outlet:
    """
    A queue of messages that writes through `send`.

    `limit` (bytes) is not enforced here: who writes looks at `full` first. One message may always be longer.
    """

    send: Send
    limit: int
    burst: int = 0
    crowd: Crowd = field(factory=lambda: Crowd(sys.maxsize))
    waiting: int = field(default=0, init=False)  # bytes
    closed: bool = field(default=False, init=False)
    _messages: deque[bytes] = field(factory=deque, init=False)
    _room: int | None = field(default=None, init=False)  # bytes that a paused transport still takes; None: it isn't
    _at: int = field(default=0, init=False)  # bytes of the first message that have left
    _lent: int = field(default=0, init=False)  # bytes that the transport has got since it is paused

    @property
    def full(self) -> bool:
        return self.waiting > self.limit or (self.waiting > PIECE and self.crowd.full)

    def write(self, message: bytes) -> None:
        """Send this after everything before; an empty message or a closed outlet is nothing."""
        if self.closed or not message:
            return
        if self._room is None and not self._messages and len(message) <= PIECE:
            self.send(message, True, True)
            return
        self._messages.append(message)
        self._count(len(message))
        self._drain()

    def pause(self) -> None:
        # A transport says so with every write while it is full.
        if self._room is None:
            self._room = 0 if self.crowd.full else self.burst

    def resume(self) -> None:
        self._room = None
        self._returned()
        self._drain()

    def close(self) -> None:
        """Forget what waits, take nothing more."""
        self.closed = True
        self._messages.clear()
        self._count(-self.waiting)
        self._returned()

    def _count(self, bytes: int) -> None:
        self.waiting += bytes
        self.crowd.waiting += bytes

    def _returned(self) -> None:
        self.crowd.waiting -= self._lent
        self._lent = 0

    def _drain(self) -> None:
        # `send` may pause or close this outlet.
        while self._messages and (self._room is None or self._room > 0):
            message, at = self._messages[0], self._at
            piece = message[at : at + PIECE]
            end = at + len(piece)
            last = end == len(message)
            if last:
                self._messages.popleft()
                end = 0
            self._at = end
            self._count(-len(piece))
            if self._room is not None:
                self._room -= len(piece)
                self._lent += len(piece)
                self.crowd.waiting += len(piece)
            self.send(piece, at == 0, last)
