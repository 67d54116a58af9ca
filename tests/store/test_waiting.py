"""Deferreds for which several wait."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from trackd.store.waiting import after, fail, fire, follow, joint


class WaitingTests(SynchronousTestCase):
    def test_failure(self) -> None:
        """All who wait hear of a failure, those who follow and those who pass it on; nothing is left of it."""
        heard: list[Any] = []

        def hear(outcome: Any) -> Any:
            heard.append(type(outcome))
            return outcome

        waiting = joint()
        follow(waiting).addErrback(lambda failure: heard.append(failure.type))
        waiting.addBoth(hear)
        waiting.addBoth(hear)
        fail(waiting, Failure(KeyError()))
        self.assertEqual([KeyError, Failure, Failure], heard)

    def test_not_for_one_alone(self) -> None:
        """What others wait for as well cannot be cancelled."""
        self.assertRaises(RuntimeError, joint().cancel)

    def test_after(self) -> None:
        """It fires when all others have, and fails when one of them does."""
        for outcome in (None, Failure(KeyError())):
            others, heard = [Deferred[None](), Deferred[None]()], list[Any]()
            done = joint().addBoth(heard.append)
            after(others, done)
            others[0].callback(None)
            self.assertEqual([], heard)
            others[1].callback(outcome)
            self.assertEqual([outcome and KeyError], [one and one.type for one in heard])
        after([], done := joint())
        self.successResultOf(done)

    def test_fire(self) -> None:
        """Who begins to wait while others are told waits on."""
        waiting: list[Deferred[None]] = [Deferred()]
        later: Deferred[None] = Deferred()
        waiting[0].addCallback(lambda _: waiting.append(later))
        fire(waiting)
        self.assertEqual([later], waiting)
        self.assertNoResult(later)
