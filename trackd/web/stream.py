"""Bodies of unknown length: sent as fast as the client takes them, and no faster."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from trackd.web.site import Request

# Seconds for which a client may take nothing of an answer before it is dropped.
PATIENCE = 60.0

_log = Logger()


@implementer(IPushProducer)
@define(eq=False)
class Stream:
    """
    Sends pieces to one request.

    A failure on the way cuts the connection, so that the client can't take a part for the whole.
    """

    request: Request
    clock: IReactorTime
    _gone: bool = field(default=False, init=False)
    _room: Deferred[None] | None = field(default=None, init=False)  # waited for while the client is slow
    _guard: Any = field(default=None, init=False)

    async def send(self, pieces: AsyncIterator[bytes]) -> None:
        """Write all pieces. An error before the first one is raised: the response is not under way yet."""
        held: list[bytes] = []
        try:
            async for piece in pieces:
                held.append(piece)
                if len(held) == 2:
                    break
        except BaseException:
            await _closed(pieces)
            raise
        if len(held) < 2:
            # The whole answer is there, so its length is known.
            self.request.setHeader("Content-Length", str(sum(map(len, held))))
            self.request.write(b"".join(held))
            return
        if self.request.method == b"HEAD":
            await _closed(pieces)
            self.request.write(b"")
            return
        if self.request.channel is None:
            # The client has gone while its answer was looked up.
            await _closed(pieces)
            return
        self.request.notifyFinish().addErrback(self._lost)
        self.request.registerProducer(self, True)
        try:
            for piece in held:
                await self._write(piece)
            held.clear()
            async for piece in pieces:
                await self._write(piece)
        except _Gone:
            pass
        except Exception:
            # Behind the path there may be a token, and behind a `;` a session.
            path = re.split(b"[;?]", self.request.uri)[0].decode("ascii", "replace")[:200]
            _log.failure("an answer of {path} broke off", path=path)
            await self._cut()
        finally:
            await _closed(pieces)
            if not self._gone:
                self.request.unregisterProducer()
            # Nobody waits for room any more: it is not told of, since that might be this coroutine, which is being
            # ended.
            self._make_room()

    async def _write(self, piece: bytes) -> None:
        if self._room is not None:
            await self._room
        if self._gone:
            raise _Gone
        self.request.write(piece)

    async def _cut(self) -> None:
        if not self._gone:
            self.request.abort()
            self.pauseProducing()
            if self._room is not None:
                await self._room

    def _lost(self, failure: Any) -> None:
        self._gone = True
        self.resumeProducing()

    def pauseProducing(self) -> None:
        if self._room is None and not self._gone:
            self._room = Deferred()
            self._guard = self.clock.callLater(PATIENCE, self._give_up)

    def resumeProducing(self) -> None:
        if (room := self._make_room()) is not None:
            room.callback(None)

    def _make_room(self) -> Deferred[None] | None:
        """What was waited for, if anything, for whoever waits."""
        room, self._room = self._room, None
        if self._guard is not None and self._guard.active():
            self._guard.cancel()
        return room

    def stopProducing(self) -> None:
        self._gone = True
        self.resumeProducing()

    def _give_up(self) -> None:
        self.request.abort()


class _Gone(Exception):
    """The client is not there any more."""


async def _closed(pieces: AsyncIterator[bytes]) -> None:
    # An asynchronous generator would else be ended by the garbage collector, outside of any task.
    close = getattr(pieces, "aclose", None)
    if close is not None:
        await close()
