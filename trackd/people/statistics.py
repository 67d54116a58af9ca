"""
How much is done on a day: requests, messages, and who was there.

It is counted in memory, and added to the day's row in the database every few minutes, when the day is over, and at the
stop; so neither a restart nor a second server on the database loses the day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from trackd.people.permissions import SERVICE_ID
from trackd.store.errors import Unavailable
from trackd.store.rows import DayRow
from trackd.store.statistics import Days

# Devices and users that memory knows; beyond them the day is added to at once.
MOST_REMEMBERED = 100_000


class Report(Protocol):
    """A stored report."""

    device_id: int
    protocol: str


@define(eq=False)
class Tally:
    """What has been counted of a day and is not in the database."""

    day: date
    counts: Counter[str] = field(factory=Counter)
    users: set[int] = field(factory=set)
    devices: set[tuple[int, str]] = field(factory=set)

    @property
    def empty(self) -> bool:
        return not (self.counts or self.users or self.devices)


@define(eq=False)
class Statistics:
    """
    Days are those of `zone`. `received` says how many messages devices have sent since the start.

    Of devices and users that are not written yet, `most` are remembered each.
    """

    days: Days
    now: Callable[[], datetime]
    zone: tzinfo
    received: Callable[[], int]
    most: int = MOST_REMEMBERED
    _tally: Tally = field(init=False)
    _midnight: datetime = field(init=False)  # when the day of the tally is over, UTC
    _over: dict[date, Tally] = field(factory=dict, init=False)  # of days that are over, or could not be written
    _heard: int = field(default=0, init=False)  # messages that are counted
    _turn: DeferredLock = field(factory=DeferredLock, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._new_day()

    def requested(self, user_id: int) -> None:
        """Somebody who is known has asked for something."""
        tally = self._today()
        tally.counts["requests"] += 1
        if user_id != SERVICE_ID and self._room(tally.users):
            tally.users.add(user_id)

    def stored(self, reports: Collection[Report]) -> None:
        """These reports have been committed."""
        tally = self._today()
        tally.counts["messages_stored"] += len(reports)
        if self._room(tally.devices):
            tally.devices.update([(report.device_id, report.protocol) for report in reports])

    def counted(self, name: str) -> None:
        """One more of these: a name of `store.statistics.COUNTED`."""
        self._today().counts[name] += 1

    async def between(self, start: datetime, end: datetime) -> list[DayRow]:
        """The days that are over, by the time at which they were added to last."""
        await self.write()
        return await self.days.between(start, end, self._day())

    async def write(self) -> None:
        """Add what has been counted to the database. Never fails: what cannot be written is kept until it can."""
        await self._turn.acquire()
        try:
            self._put_aside()
            for day in sorted(self._over):
                await self._write(self._over.pop(day))
        finally:
            self._turn.release()

    @property
    def in_memory(self) -> dict[str, int]:
        """How many users and devices are remembered."""
        return {"users": len(self._tally.users), "devices": len(self._tally.devices)}

    async def settle(self) -> None:
        """Count for good who was there on days to which nobody adds any more. Fails as the database fails."""
        await self.days.settle(self._day() - timedelta(days=1))

    async def _write(self, tally: Tally) -> None:
        try:
            if tally.empty:
                if tally.day != self._day():
                    await self.days.ended(tally.day, self.now())
                return
            await self.days.add(tally.day, self.now(), tally.counts, tally.users, tally.devices)
        except Unavailable as error:
            # It may have been written all the same; a number of a statistic may be too large once in a while.
            self._log.warn("the statistics of {day} wait: {error}", day=tally.day, error=str(error))
            self._keep(tally)
        except Exception:
            self._log.failure("the statistics of {day} are lost: {tally}", day=tally.day, tally=tally.counts)

    def _today(self) -> Tally:
        """What is counted of today; with its first, that of the day before is written."""
        if self.now() >= self._midnight:
            self._put_aside()
            self._begin()
        return self._tally

    def _begin(self) -> None:
        if not self._turn.locked:
            Deferred.fromCoroutine(self.write()).addErrback(lambda failure: self._log.failure("statistics", failure))

    def _put_aside(self) -> None:
        tally = self._tally
        heard = self.received()
        if heard > self._heard:
            tally.counts["messages_received"] += heard - self._heard
            self._heard = heard
        self._new_day()
        self._keep(tally)

    def _keep(self, tally: Tally) -> None:
        kept = self._over.setdefault(tally.day, tally)
        if kept is not tally:
            kept.counts.update(tally.counts)
            kept.users |= tally.users if len(kept.users) < self.most else set()
            kept.devices |= tally.devices if len(kept.devices) < self.most else set()

    def _room(self, seen: set[int] | set[tuple[int, str]]) -> bool:
        if len(seen) < self.most:
            return True
        self._begin()
        return False

    def _new_day(self) -> None:
        day = self._day()
        self._tally = Tally(day)
        # Asked for with every request: to look at the clock is cheaper than to look at the calendar.
        self._midnight = datetime.combine(day + timedelta(days=1), time(), self.zone).astimezone(UTC)

    def _day(self) -> date:
        return self.now().astimezone(self.zone).date()
