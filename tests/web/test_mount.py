from __future__ import annotations

import re
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from plugins.rest.traccar.traccar import dialect
from tests.rest.house import HouseTestCase, MemoryCommands
from trackd.people.permissions import RESTRICTIONS


class Slow(MemoryCommands):
    """Commands that are sent when they are told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: Deferred[None] = Deferred()
        self.go: Deferred[None] = Deferred()

    async def send(self, *command: Any) -> tuple[bool, int | None]:
        self.begun.callback(None)
        await self.go
        return await super().send(*command)


class HangUpTests(HouseTestCase):
    async def test_work_is_done(self) -> None:
        """A client that hangs up doesn't stop what it has asked for in the middle."""
        ann = await self.user("ann")
        id = await self.device(ann)
        slow = Slow()
        self.services.commands = slow
        asking = Deferred.fromCoroutine(
            self.call("POST", "/api/commands/send", ann, json={"deviceId": id, "type": "custom"})
        )
        await slow.begun
        asking.cancel()
        asking.addErrback(lambda _: None)
        while self.site.connections:
            await deferLater(self.reactor, 0.01)
        slow.go.callback(None)
        self.assertEqual(slow.queued, [(id, "custom", {})])


class RoutesTests(SynchronousTestCase):
    """The table of routes is whole: what is written in it is what the house knows."""

    def test_marks(self) -> None:
        """Restrictions are those of the house, and what is checked needs somebody who is asking."""
        for route in dialect.routes:
            self.assertLessEqual({*route.denied, *route.may_be_denied}, set(RESTRICTIONS), route.path)

    def test_places(self) -> None:
        """Each part of a path that varies is a parameter, and each parameter is there once."""
        for route in dialect.routes:
            names = re.findall(r"{(\w+)}", route.path)
            self.assertEqual(names, [param.name for param in route.place], route.path)
            params = [param.name for param in (*route.place, *route.query, *(route.form or ()))]
            self.assertEqual(len(params), len(set(params)), route.path)

    def test_once(self) -> None:
        """No method of a path is there twice."""
        ways = [(route.method, route.path) for route in dialect.routes]
        self.assertEqual(len(ways), len(set(ways)))
