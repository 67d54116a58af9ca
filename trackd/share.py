"""
The share of strangers: how much of the server's time those may take who are no devices, or have not shown one yet.

Reading is done in slices: when strangers have used one up, their words wait for a moment, in which the devices have the
server for themselves. However many of them say however much at once, a device is held up by one slice at the most; and
one that comes new, and is a stranger until it has said who it is, only by others that come new.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

SLICE = 0.004  # s of reading
REST = 0.002  # s until the next slice
READ = 1024  # bytes of a stranger's that are read at once, and wait for the next slice


@define(eq=False)
class Share:
    """One for all strangers of a server, and for the clients on its web port."""

    clock: IReactorTime
    _used: float = field(default=0.0, init=False)  # s of the slice
    _new: deque[Callable[[], None]] = field(factory=deque, init=False)
    _waiting: deque[Callable[[], None]] = field(factory=deque, init=False)
    _due: IDelayedCall | None = field(default=None, init=False)

    @property
    def used_up(self) -> bool:
        """Whether who comes now has to wait."""
        return self._used >= SLICE or self._due is not None

    def use(self, hear: Callable[[], None]) -> None:
        """Hear what is there, and take the time."""
        began = self.clock.seconds()
        try:
            hear()
        finally:
            self._used += self.clock.seconds() - began

    def wait(self, hear: Callable[[], None], new: bool = False) -> None:
        """
        Have this called in one of the next slices: first those who have never been heard, then those who have waited
        for longest.
        """
        (self._new if new else self._waiting).append(hear)
        self._rest()

    def _rest(self) -> None:
        if self._due is None:
            self._due = self.clock.callLater(REST, self._go_on)

    def _go_on(self) -> None:
        self._due, self._used = None, 0.0
        while (waiting := self._new or self._waiting) and self._used < SLICE:
            self.use(waiting.popleft())
        if waiting:
            self._rest()
