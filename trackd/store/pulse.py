"""
Whether the database answers at all.

One that has died closes its connections, and one that is stopped refuses new ones: both are noticed at once. One that is
frozen, or cut off by the network, says nothing, and whoever asks it waits. So a question that costs nothing is asked all
the time, on a connection of its own.

A network that works again may have forgotten the connections that it carried: nothing is ever heard on them. So while
nothing is heard a new one is tried all the time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from trackd.store.errors import StoreError

BEAT = 0.25  # s from an answer to the next question
PATIENCE = 0.5  # s for an answer
LONGEST = 30.0  # s, between two times that all connections are given up
READING = 0.01  # s for reading it, when it was we who were busy for so long


@define(eq=False)
class Pulse:
    """
    `ask` asks the database something easy. `silent` is called with True when it has not answered for `PATIENCE`
    seconds, and with False when it answers again.

    `knock` asks it on a new connection. `forgotten` is called when it is answered there, and only there.

    A connection that is lost says nothing about that: those who use the database find it out themselves.
    """

    ask: Callable[[], Awaitable[Any]]
    knock: Callable[[], Awaitable[Any]]
    clock: Any
    silent: Callable[[bool], None]
    forgotten: Callable[[], None]
    _quiet: bool = field(default=False, init=False)
    _knocking: Deferred[None] = field(factory=lambda: succeed(None), init=False)
    _guard: Any = field(default=None, init=False)
    _beating: LoopingCall = field(init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._beating = LoopingCall(lambda: Deferred.fromCoroutine(self._beat()))
        self._beating.clock = self.clock

    def start(self) -> None:
        self._beating.start(BEAT).addErrback(lambda failure: self._log.failure("the pulse is not felt", failure))

    def stop(self) -> None:
        if self._beating.running:
            self._beating.stop()
        self._disarm()
        self._knocking.cancel()

    async def _beat(self) -> None:
        self._guard = self.clock.callLater(PATIENCE, self._late)
        try:
            await self.ask()
        except StoreError:
            return
        finally:
            self._disarm()
        self._say(False)

    def _late(self) -> None:
        self._guard = self.clock.callLater(READING, self._say, True)

    def _disarm(self) -> None:
        if self._guard is not None and self._guard.active():
            self._guard.cancel()

    def _say(self, quiet: bool) -> None:
        if quiet != self._quiet:
            self._quiet = quiet
            self.silent(quiet)
            if quiet:
                self._knocking = Deferred.fromCoroutine(self._knock())
                self._knocking.addErrback(self._not_knocked)
            else:
                self._knocking.cancel()

    async def _knock(self) -> None:
        """
        Try new connections, until it answers again.

        Those that were made because the others are forgotten have more time each time: who is far away, or has much to
        do, may not be through with them in so short a time, and would never be.
        """
        pause = PATIENCE
        while True:
            try:
                await self.knock()
            except StoreError:
                await deferLater(self.clock, BEAT)
            else:
                # If it was the database that had fallen silent, it answers now on those that there are as well.
                await deferLater(self.clock, pause)
                self.forgotten()
                pause = min(2 * pause, LONGEST)

    def _not_knocked(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("no new connections are tried any more", failure)
