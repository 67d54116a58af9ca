"""What the log and the audit say when log-ins are tried from everywhere at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.samples import log_of
from trackd.people.audit import MINUTE, Audit
from trackd.people.entrance import Entrance
from trackd.people.errors import Unauthorized
from trackd.people.limits import LOGGED, LoginLimits
from trackd.rate import Rate

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Nobody:
    """Users and passwords of a server that knows nobody, and an audit that notes how much is written."""

    noted = 0

    async def find(self, name: str) -> None:
        return None

    async def right(self, hash: str | None, password: str) -> bool:
        return False

    async def add(self, actions: Any) -> None:
        self.noted += 1


class FloodTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.log = log_of(self)
        self.nobody: Any = Nobody()

    def said(self) -> list[str]:
        return [formatEvent(line) for line in self.log]

    def test_refused(self) -> None:
        """So many refused log-ins have a line of the log in a second, and no more."""
        entrance = Entrance(self.nobody, self.nobody, self.nobody, LoginLimits.on(self.clock), lambda: NOON)
        for second in range(2):
            for number in range(LOGGED + 5):
                address = f"192.0.2.{second * 100 + number}"
                trying = Deferred.fromCoroutine(entrance.by_password(f"ada{number}", "x", address))
                self.failureResultOf(trying, Unauthorized)
            self.assertEqual((second + 1) * LOGGED, len(self.said()))
            self.clock.advance(1)
        self.assertEqual("log-in refused: 'ada0' from 192.0.2.0", self.said()[0])

    def test_audit(self) -> None:
        """That not all of them are in the audit is said once a minute."""
        audit = Audit(self.nobody, lambda: NOON, Rate(self.clock, 3))
        for minute in range(2):
            for number in range(10):
                self.successResultOf(Deferred.fromCoroutine(audit.denied(f"192.0.2.{number}")))
            self.assertEqual((3 * (minute + 1), minute + 1), (self.nobody.noted, len(self.said())))
            self.clock.advance(MINUTE)
        self.assertIn("192.0.2.3", self.said()[0])
