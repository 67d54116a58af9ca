"""
The share of strangers: how much of the server's time those may take who are no devices, or have not shown one yet.

It is given in slices. When strangers have used one up, everybody waits for a moment, in which the devices have the
server for themselves: who says something, and what the database has answered to him. However many of them say however
much at once, a device is held up by one slice at the most; and one that comes new, and is a stranger until it has said
who it is, waits in a line of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

SLICE = 0.002  # s of work
REST = 0.002  # s until the next slice
READ = 1024  # bytes of a stranger's that are read at once, and wait for the next slice

Work = Callable[[], object]


@define(eq=False)
class Share:
    """One for all strangers of a server, and for the clients on its web port."""

    clock: IReactorTime
    _used: float = field(default=0.0, init=False)  # s of the slice
    _since: float | None = field(default=None, init=False)  # when what is being done began
    _ended: float = field(default=0.0, init=False)  # when they did something last
    _resting: bool = field(default=False, init=False)
    _giving: bool = field(default=False, init=False)  # a slice to those who wait
    _new: deque[Work] = field(factory=deque, init=False)
    _begun: deque[Work] = field(factory=deque, init=False)
    _said: deque[Work] = field(factory=deque, init=False)
    _lines: deque[deque[Work]] = field(init=False)  # the one whose turn it is comes first
    _due: IDelayedCall | None = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._lines = deque([self._new, self._begun, self._said])

    def __len__(self) -> int:
        """How many wait for a turn."""
        return sum(map(len, self._lines))

    @property
    def used_up(self) -> bool:
        """Whether who comes now has to wait, and what is being done had better come to an end."""
        return self._resting or self._taken(self.clock.seconds()) >= SLICE

    def _taken(self, now: float) -> float:
        """So much of the slice, in s. Time in which strangers have nothing to do is a rest, too."""
        if self._since is not None:
            return self._used + now - self._since
        return max(0.0, self._used - max(0.0, now - self._ended) * SLICE / REST)

    def use(self, work: Work) -> None:
        """Do this now, and take the time."""
        if self._since is not None:  # it is a part of what is being done
            work()
            return
        now = self.clock.seconds()
        self._used, self._since = self._taken(now), now
        try:
            work()
        finally:
            self._ended = self.clock.seconds()
            self._used += self._ended - self._since
            self._since = None

    def wait(self, hear: Work, new: bool = False) -> None:
        """
        Have this called in one of the next slices: in turns one who has never been heard, and one who has; of each kind
        who has waited for longest.
        """
        (self._new if new else self._said).append(hear)
        self._come_back(rested=True)

    def go_on(self, work: Work) -> None:
        """Have this done, which goes on with what a stranger has begun: soon, if the slice is not used up."""
        self._begun.append(work)
        self._come_back(rested=self.used_up)

    def _come_back(self, rested: bool) -> None:
        if self._due is None and not self._giving:
            self._resting = rested
            self._due = self.clock.callLater(REST if rested else 0.0, self._give)

    def _give(self) -> None:
        self._due = None
        if self._resting:
            self._resting, self._used = False, 0.0
        self._giving = True
        try:
            self.use(self._in_turn)
        finally:
            self._giving = False
        if len(self):
            self._come_back(rested=True)

    def _in_turn(self) -> None:
        """Those who wait now have a turn each, as far as the slice goes; who comes meanwhile has to wait."""
        for _ in range(len(self)):
            if self.used_up or (work := self._next()) is None:
                return
            try:
                work()
            except Exception:
                self._log.failure("in the share of strangers")  # the others need not wait for it

    def _next(self) -> Work | None:
        """What has waited for longest in the line whose turn it is."""
        for _ in range(len(self._lines)):
            line = self._lines[0]
            self._lines.rotate(-1)
            if line:
                return line.popleft()
        return None


class Patient:
    """
    To be mixed into a Twisted protocol, before it: what comes is heard in its share, and while it waits no more is read.

    The protocol forgets `late` when its connection is lost.
    """

    transport: Any
    late: bytes = b""  # what has come, and waits
    new = True  # nothing has been heard yet

    @property
    def share(self) -> Share:
        raise NotImplementedError

    def dataReceived(self, data: bytes) -> None:
        share = self.share
        if self.late:
            self.late += data
            self.transport.pauseProducing()
        elif share.used_up:
            self.late = data
            self.transport.pauseProducing()
            share.wait(self._hear_late, self.new)
        else:
            self.new = False
            share.use(partial(super().dataReceived, data))  # type: ignore[misc]

    def _hear_late(self) -> None:
        late, self.late, self.new = self.late, b"", False
        if late and self.transport is not None:
            self.read_on()
            super().dataReceived(late)  # type: ignore[misc]

    def read_on(self) -> None:
        """Nothing waits any more."""
        self.transport.resumeProducing()
