"""Whether all is well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from trackd.store.errors import Unavailable
from trackd.web.health import LATE, Health


@define
class Rows:
    """The part of `Users` that is asked; `error` is raised when it is."""

    error: Exception | None = None

    async def server(self) -> None:
        if self.error is not None:
            raise self.error


class HealthTests(SynchronousTestCase):
    def well(self, error: Exception | None = None, pending: float = 0.0) -> bool:
        users: Any = Rows(error)
        return self.successResultOf(Deferred.fromCoroutine(Health(users, Path("."), lambda: pending).well()))

    def test_well(self) -> None:
        """All is well when the database answers, also while a transaction is under way."""
        self.assertTrue(self.well(pending=LATE))

    def test_away(self) -> None:
        """Without a database it is not."""
        self.assertFalse(self.well(Unavailable("away")))

    def test_late(self) -> None:
        """Nor is it when the database answers, and what devices have said cannot be stored for long."""
        self.assertFalse(self.well(pending=LATE + 0.1))
