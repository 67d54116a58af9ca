"""Unknown ids as the log shows them; what is stored of them is in test_presence."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.samples import log_of
from tests.track.memory import NOON
from trackd.store.rows import UnknownRow
from trackd.track.strangers import LOGGED, Strangers


async def forgotten(seen: list[UnknownRow]) -> None:
    """Nobody wants to know."""


class LogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.strangers = Strangers(forgotten, self.clock, limit=100)
        self.log: Sequence[LogEvent] = log_of(self)

    def lines(self) -> list[str]:
        return [formatEvent(event) for event in self.log]

    def see(self, *ids: str) -> None:
        for id in ids:
            self.strangers.seen(id, "words", "192.0.2.1", b"frame", NOON)

    def test_any_character(self) -> None:
        """Whatever an id is made of, its line is one line and leaves the terminal as it is."""
        for id in ("12345", "\x1b[2J", "a\nb", "\u202e", "\ud800", "'"):
            self.see(id)
        lines = self.lines()
        self.assertEqual("words #0 192.0.2.1: unknown device '12345'", lines[0])
        self.assertEqual([True] * 6, [line.isprintable() for line in lines])

    def test_many(self) -> None:
        """Some are named, the others are a number; a second later some are named again."""
        self.see(*map(str, range(150)), "0")
        self.assertEqual(LOGGED, len(self.lines()))
        self.clock.advance(1)
        self.assertEqual(f"{150 - LOGGED} more messages of unknown devices", self.lines()[-1])
        self.see("x")
        self.clock.advance(1)
        self.assertEqual("words #0 192.0.2.1: unknown device 'x'", self.lines()[-1])
