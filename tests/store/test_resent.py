"""Which reports are stored already: the question to the database, and how questions gather."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.store.samples import NOON
from tests.store.test_committer import report
from trackd.store import resent
from trackd.store.database import Unavailable
from trackd.store.report import Report
from trackd.store.resent import Resent


@define(eq=False)
class Memory:
    """A database that has the reports with even digests; it answers when it is told to."""

    asked: list[list[int]] = Factory(list)  # digests
    answers: list[Deferred[list[tuple[Any, ...]]]] = Factory(list)

    def query(self, sql: str, args: Sequence[str]) -> Deferred[list[tuple[Any, ...]]]:
        digests = orjson.loads("[" + args[3].strip("{}") + "]")
        self.asked.append(digests)
        self.answers.append(Deferred())
        return self.answers[-1]

    def answer(self) -> None:
        number = len(self.asked) - len(self.answers)
        found = [(at,) for at, digest in enumerate(self.asked[number]) if digest % 2 == 0]
        self.answers.pop(0).callback(found)


class GatherTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.memory = Memory()
        self.resent = Resent(self.memory)  # type: ignore[arg-type]

    def ask(self, *digests: int) -> tuple[list[Report], Deferred[set[Report]]]:
        reports = [report(1, digest=digest, said=NOON) for digest in digests]
        return reports, Deferred.fromCoroutine(self.resent(reports))

    def test_gathered(self) -> None:
        """What is asked while a question is under way goes into the next one, and each hears of its own."""
        first, *others = [self.ask(*digests) for digests in ((1, 2), (4, 3), (6,))]
        self.assertEqual([[1, 2]], self.memory.asked)
        self.memory.answer()
        self.assertEqual({first[0][1]}, self.successResultOf(first[1]))
        self.assertEqual([[1, 2], [4, 3, 6]], self.memory.asked)
        self.memory.answer()
        self.assertEqual([{others[0][0][0]}, {others[1][0][0]}], [self.successResultOf(one[1]) for one in others])

    def test_bounded(self) -> None:
        """A query asks for so many reports, or for as many as one question has."""
        self.patch(resent, "MOST", 3)
        for digests in ((0,), (1, 2), (3, 4), (5, 6, 7, 8)):
            self.ask(*digests)
        for _ in range(4):
            self.memory.answer()
        self.assertEqual([[0], [1, 2], [3, 4], [5, 6, 7, 8]], self.memory.asked)

    def test_away(self) -> None:
        """While the database is away all who have asked hear of it, and can ask again."""
        first, second = self.ask(1), self.ask(2)
        for _ in range(2):
            self.memory.answers.pop(0).errback(Unavailable("away"))
        for one in (first, second):
            self.failureResultOf(one[1], Unavailable)
        again = self.ask(2)
        self.memory.answer()
        self.assertEqual(set(again[0]), self.successResultOf(again[1]))

    def test_without_a_time(self) -> None:
        """Who says no time is not looked up."""
        self.assertEqual(
            set(), self.successResultOf(Deferred.fromCoroutine(self.resent([report(1, digest=2, said=None)])))
        )
        self.assertEqual([], self.memory.asked)
