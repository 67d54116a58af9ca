"""Waiting on behalf of somebody who would rather be told to come again than wait for long."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from trackd.store.errors import Unavailable

T = TypeVar("T")

# Seconds. With what is asked of the database before and after it an answer takes less than one.
PATIENCE = 0.5


def in_time(work: Coroutine[Any, Any, T], clock: IReactorTime) -> Deferred[T]:
    """What comes of this work; Unavailable when that takes longer than PATIENCE, and it goes on all the same."""

    def done(result: T | Failure) -> None:
        if not answer.called:
            guard.cancel()
            answer.callback(result)

    answer: Deferred[T] = Deferred()
    guard = clock.callLater(PATIENCE, answer.errback, Unavailable("the database does not take what was said before"))
    Deferred.fromCoroutine(work).addBoth(done)
    return answer
