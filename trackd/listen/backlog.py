"""
The line of those who have much to say: devices that come back with what they could not send for hours, or that flood.

All reports go to the database in the order in which they were read, so who says thousands at once would keep everybody
else waiting. Therefore a device is read in pieces; who has filled one is read on when little waits for the database, a
few in each turn of the reactor, and who has waited for longest comes first. The database has enough to do all the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

PIECE = 4096  # bytes of a device that are read at once
AT_ONCE = 2  # that are read on in a turn of the reactor
PAUSE = 0.002  # s, until it is looked again how much waits for the database


class Talker(Protocol):
    """A connection with more to say."""

    def read_on(self) -> None:
        """It is its turn: read one piece more."""


@define(eq=False)
class Backlog:
    """One for all listeners of a server. `crowded`: so much waits for the database that the line has to."""

    clock: IReactorTime
    crowded: Callable[[], bool]
    _line: OrderedDict[Talker, None] = field(factory=OrderedDict, init=False)
    _due: IDelayedCall | None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self._line)

    def wait(self, talker: Talker) -> None:
        """Stand in line, once."""
        self._line[talker] = None
        if self._due is None:
            self._due = self.clock.callLater(0, self._look)

    def leave(self, talker: Talker) -> None:
        """It is gone."""
        self._line.pop(talker, None)

    def _look(self) -> None:
        self._due = None
        for _ in range(AT_ONCE):
            if not self._line or self.crowded():
                break
            self._line.popitem(last=False)[0].read_on()
        if self._line and self._due is None:
            self._due = self.clock.callLater(PAUSE if self.crowded() else 0, self._look)
