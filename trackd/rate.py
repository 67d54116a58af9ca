"""
So many in so much time, and no more: for log lines that strangers can cause.
"""

from __future__ import annotations

from attrs import define, field
from twisted.internet.interfaces import IReactorTime


@define(eq=False)
class Rate:
    """`most` in each span of `span` seconds; a span begins with the first that is asked for."""

    clock: IReactorTime
    most: int
    span: float = 1.0
    _since: float = field(default=float("-inf"), init=False)
    _count: int = field(default=0, init=False)

    def allows(self) -> bool:
        """Whether one more is within bounds; it counts as done then."""
        now = self.clock.seconds()
        if now - self._since >= self.span:
            self._since, self._count = now, 0
        self._count += 1
        return self._count <= self.most
