"""How much is done on a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define

from tests.postgres import DatabaseTestCase
from trackd.people.permissions import SERVICE_ID
from trackd.people.statistics import Statistics
from trackd.store.database import Unavailable
from trackd.store.statistics import Days

NOON = datetime(2031, 5, 6, 12, tzinfo=UTC)
EVER = (NOON - timedelta(days=99), NOON + timedelta(days=99))


@define
class Stored:
    """A report."""

    device_id: int
    protocol: str


class StatisticsTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.now = NOON
        self.heard = 0
        self.statistics = self.another()

    def another(self, most: int = 100) -> Statistics:
        """Another server, or the same after a restart."""
        return Statistics(Days(self.db), lambda: self.now, UTC, lambda: self.heard, most)

    def busy(self, statistics: Statistics) -> None:
        """A little of everything."""
        for user in (1, 1, 2, SERVICE_ID):
            statistics.requested(user)
        statistics.stored([Stored(7, "a"), Stored(7, "b"), Stored(8, "b")])
        statistics.counted("mail_sent")
        self.heard += 5

    async def test_day(self) -> None:
        """A day is shown when it is over: what was done, how many were there, and with which wire formats."""
        self.busy(self.statistics)
        self.assertEqual([], await self.statistics.between(*EVER))
        self.now += timedelta(days=1)
        self.statistics.requested(1)
        (day,) = await self.statistics.between(*EVER)
        self.assertEqual(
            (self.now, 4, 5, 3, 1, 2, 2, {"a": 1, "b": 2}),
            (
                day.capture_time,
                day.requests,
                day.messages_received,
                day.messages_stored,
                day.mail_sent,
                day.active_users,
                day.active_devices,
                day.protocols,
            ),
        )
        self.assertEqual([], await self.statistics.between(NOON, NOON))

    async def test_added(self) -> None:
        """Two servers, or one before and after a restart, add to one day, and who comes twice counts once."""
        self.busy(self.statistics)
        await self.statistics.write()
        await self.statistics.write()
        other = self.another()
        self.heard = 0
        self.busy(other)
        await other.write()
        self.now += timedelta(days=1)
        (day,) = await other.between(*EVER)
        self.assertEqual((8, 6, 2, 2), (day.requests, day.messages_stored, day.active_users, day.active_devices))

    async def test_settled(self) -> None:
        """Of a day that is long over the numbers stay, and who was there is forgotten."""
        self.busy(self.statistics)
        await self.statistics.write()
        for days, left in ((1, 2), (1, 0)):
            self.now += timedelta(days=days)
            await self.statistics.settle()
            self.assertEqual([(left,)], await self.db.query("SELECT count(*) FROM statistics_users"))
            (day,) = await self.statistics.between(*EVER)
            self.assertEqual((2, 2, {"a": 1, "b": 2}), (day.active_users, day.active_devices, day.protocols))

    async def test_nobody(self) -> None:
        """A day without devices has no wire formats, and a day on which nothing was done is not there."""
        await self.statistics.write()
        self.assertEqual([], await self.db.query("SELECT * FROM statistics"))
        self.statistics.requested(1)
        self.now += timedelta(days=1)
        (day,) = await self.statistics.between(*EVER)
        self.assertEqual((0, None), (day.active_devices, day.protocols))

    async def test_away(self) -> None:
        """What the database does not take now is written later."""
        days = self.statistics.days

        async def fail(*args: Any) -> None:
            raise Unavailable("away")

        add = days.add
        self.patch(type(days), "add", lambda self, *args: fail())
        self.busy(self.statistics)
        await self.statistics.write()
        self.busy(self.statistics)
        await self.statistics.write()
        self.patch(type(days), "add", lambda self, *args: add(*args))
        self.now += timedelta(days=1)
        (day,) = await self.statistics.between(*EVER)
        self.assertEqual((8, 10, 2), (day.requests, day.messages_received, day.active_users))

    async def test_bounded(self) -> None:
        """Memory knows no more than it may; beyond that the day is added to at once, and goes on."""
        small = self.another(most=2)
        for user in range(1, 6):
            small.requested(user)
            self.assertLessEqual(len(small._tally.users), 2)
            await small.write()
        await small.write()
        self.assertEqual([(5,)], await self.db.query("SELECT count(*) FROM statistics_users"))
