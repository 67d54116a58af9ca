"""
Two clocks: one that says how long, and one that says when.

A reactor measures its timers by the clock of the machine, which can be set: put back by an hour, all that is due waits
for an hour, and put forward, everybody has been silent for too long. After `steady` it measures by one that cannot.
What time it is says `now`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any


def steady(
    reactor: Any, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
) -> None:
    """Have the reactor go on from its present time as `monotonic` does, whatever becomes of the time of day."""
    ahead = reactor.seconds() - monotonic()
    latest = reactor.seconds()

    def seconds() -> float:
        nonlocal ahead, latest
        moment = monotonic() + ahead
        if moment < latest:  # as of a machine that was moved to another one
            ahead += latest - moment
            moment = latest
        latest = moment
        return moment

    reactor.seconds, reactor.wall = seconds, wall


def now(clock: Any) -> datetime:
    """The time of day; of a clock that is not `steady`, its own."""
    wall = getattr(clock, "wall", None)
    return datetime.fromtimestamp(clock.seconds() if wall is None else wall(), UTC)
