"""Deferreds for which several wait: each passes the result on as it is to the next."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure


def joint() -> Deferred[None]:
    """One that nobody may cancel, since others wait for it too."""
    return Deferred(_not_to_be_cancelled)


def follow(other: Deferred[None]) -> Deferred[None]:
    """One's own, which fires as the other."""
    following: Deferred[None] = Deferred()

    def passed_on(result: Any) -> Any:
        following.callback(result)
        return result

    other.addBoth(passed_on)
    return following


def fail(waiting: Deferred[None], failure: Failure) -> None:
    """Have all who wait hear of the failure; behind the last of them it ends."""
    waiting.errback(failure)
    waiting.addErrback(lambda failure: None)


def after(others: list[Deferred[None]], done: Deferred[None] | None) -> None:
    """Fire `done`, if somebody waits for it, when the others have; if one fails, it does."""
    if not others:
        if done is not None:
            done.callback(None)
        return
    waiting = DeferredList(others, fireOnOneErrback=True, consumeErrors=True)
    if done is None:
        waiting.addErrback(lambda failure: None)  # the log has it
    else:
        waiting.addCallbacks(lambda _: done.callback(None), lambda failure: fail(done, failure.value.subFailure))


def fire(waiting: list[Deferred[None]]) -> None:
    """Fire all of these, and those alone: others may come meanwhile."""
    fired = waiting[:]
    waiting.clear()
    for one in fired:
        one.callback(None)


def _not_to_be_cancelled(deferred: Deferred[None]) -> None:
    raise RuntimeError("others wait for this commit too")
