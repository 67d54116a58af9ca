"""Trying again until it works, and waking those who wait for that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import Factory, define, field
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import Logger

from trackd.store.errors import StoreError

# Between attempts to reach a database that is away, doubling: it is noticed soon that it is back.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5  # s


@define(eq=False)
class Attempts:
    """Repeats `attempt` with growing pauses until it raises no Unavailable."""

    clock: Any
    attempt: Callable[[], Awaitable[None]]
    running: bool = False
    _pause: float = FIRST_PAUSE
    _call: Any = None
    _going: Deferred[None] = field(factory=lambda: succeed(None))
    _log: Logger = field(factory=Logger)

    def start(self) -> None:
        if not self.running:
            self.running = True
            self._pause = FIRST_PAUSE
            self._later()

    def stop(self) -> None:
        self.running = False
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._going.cancel()

    def give_up(self) -> None:
        """The attempt that is under way may lead nowhere: the next one comes after a pause."""
        self._going.cancel()

    def _later(self) -> None:
        self._call = self.clock.callLater(self._pause, self.try_now)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def try_now(self) -> None:
        """Once, at once."""
        self._going = Deferred.fromCoroutine(self._once())
        self._going.addErrback(lambda failure: self._log.failure("while connecting to the database", failure))

    async def _once(self) -> None:
        try:
            await self.attempt()
        except Exception as error:
            if not isinstance(error, StoreError | CancelledError):
                self._log.failure("while connecting to the database")
            if self.running:
                self._later()
        else:
            self.running = False


@define(eq=False)
class Bell:
    """Wakes all who wait, each time that it rings."""

    _waiting: list[Deferred[None]] = Factory(list)

    def wait(self) -> Deferred[None]:
        waiting: Deferred[None] = Deferred(self._forget)
        self._waiting.append(waiting)
        return waiting

    def _forget(self, waiting: Deferred[None]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def ring(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)
