"""
The monthly partitions of `positions`, by fix time, in UTC.

Reports of other months (a device that sends what it has kept for a year, a clock that is wrong) go to the default
partition; when a partition for such a month is made, they move.

With a retention, months that are past it are dropped one by one, and their events are deleted. The latest position of a device
stays, however old it is: it is where the device is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from attrs import Factory, define, field
from twisted.logger import Logger

from trackd.store.database import Database, Queries
from trackd.store.errors import LOCK_NOT_AVAILABLE, Unavailable

PARTITION = re.compile(r"positions_(\d{4})_(\d{2})")

# Months before and after the current one for which there is a partition.
BEFORE, AFTER = 1, 2
# Rows that are moved out of the default partition when one is made: nobody can write there meanwhile. About a second.
MOST_MOVED = 100_000
# How long others are kept waiting for the sake of a lock that is not to be had.
LOCK_TIMEOUT = 2000  # ms
# What one statement looks through and removes: pages of positions, devices, and events of these.
PAGES = 500
DEVICES = 500
PIECE = 10_000


@define
class Kept:
    """What was done: names of partitions. `crowded` ones can't be made: the default has too many of their rows."""

    made: list[str] = Factory(list)
    dropped: list[str] = Factory(list)
    crowded: list[str] = Factory(list)


@define(eq=False)
class Partitions:
    """`history_days`: positions are kept this long, 0 for ever."""

    database: Database
    history_days: int = 0
    _log: Logger = field(factory=Logger, init=False)

    async def begin(self, now: datetime) -> None:
        """
        Make the partitions for a server that starts, which need not wait for who holds the positions, such as a backup.

        Nothing is dropped: one that is started again and again, and whose clock is wrong, would drop all there is.
        """
        try:
            await self._made(now, await self._there())
        except Unavailable as error:
            if error.sqlstate != LOCK_NOT_AVAILABLE:
                raise
            self._log.warn("the partitions of the positions have to wait: {error}", error=str(error))

    async def keep(self, now: datetime) -> Kept:
        """Make the partitions around `now`, drop those that are too old. To be repeated each day."""
        there = await self._there()
        kept = await self._made(now, there)
        if self.history_days:
            # The clock that is behind counts, ours or that of the database: what is dropped is gone.
            [(its,)] = await self.database.query("SELECT now()")
            await self._drop(min(now, its) - timedelta(days=self.history_days), there, kept)
        return kept

    async def _made(self, now: datetime, there: list[str]) -> Kept:
        kept = Kept()
        for month in range(-BEFORE, AFTER + 1):
            start = _month(now, month)
            if (name := _name(start)) not in there:
                if await self.database.transaction(lambda queries, start=start: self._make(queries, start)):  # type: ignore[misc]
                    kept.made.append(name)
                else:
                    kept.crowded.append(name)
                    self._log.warn(
                        "the default partition has more than {most} positions of {name}: they stay there",
                        most=MOST_MOVED,
                        name=name,
                    )
        return kept

    async def _there(self) -> list[str]:
        rows = await self.database.query(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'positions'::regclass ORDER BY c.relname"
        )
        return [name for (name,) in rows if PARTITION.fullmatch(name)]

    async def _make(self, queries: Queries, start: datetime) -> bool:
        end = _month(start, 1)
        name = _name(start)
        await queries.run(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}")
        # Attaching locks the parent, then the default partition; so does an insert, and the order must be the same.
        await queries.run("LOCK TABLE ONLY positions IN SHARE UPDATE EXCLUSIVE MODE")
        await queries.run("LOCK TABLE positions_default IN ACCESS EXCLUSIVE MODE")
        if await queries.query("SELECT to_regclass(%s) WHERE to_regclass(%s) IS NOT NULL", [name, name]):
            return True  # another server was faster
        rows = await queries.query(
            "SELECT count(*) FROM (SELECT FROM positions_default WHERE fix_time >= %s AND fix_time < %s LIMIT %s) one",
            [start, end, MOST_MOVED + 1],
        )
        if rows[0][0] > MOST_MOVED:
            return False
        await queries.run(f"CREATE TABLE {name} (LIKE positions INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        if rows[0][0]:
            await queries.run(
                "WITH moved AS (DELETE FROM positions_default WHERE fix_time >= %s AND fix_time < %s RETURNING *)"
                f" INSERT INTO {name} SELECT * FROM moved",
                [start, end],
            )
        await queries.run(f"ALTER TABLE positions ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", [start, end])
        return True

    async def _drop(self, before: datetime, there: list[str], kept: Kept) -> None:
        """
        Drop the oldest month, if it is past `before`, and what is older than the oldest that is left.

        One month at a time: a clock that is put forward by mistake must not cost everything there is.
        """
        months = sorted(there + kept.made)
        if months and _start(months[0], 1) <= before:
            name = months.pop(0)
            await self.database.transaction(lambda queries: _drop(queries, name))
            kept.dropped.append(name)
            self._log.info("{name} is past the retention of {days} days", name=name, days=self.history_days)
        await self._drop_single(min(before, _start(months[0])) if months else before)

    async def _drop_single(self, before: datetime) -> None:
        """
        What is in no month: positions page by page, events device by device.

        Looked for from the beginning each time, they would cost the more the more have been deleted.
        """
        [(pages,)] = await self.database.query("SELECT pg_relation_size('positions_default') / 8192")
        for page in range(0, pages, PAGES):
            await self.database.run(OLD_POSITIONS, [f"({page},0)", f"({page + PAGES},0)", before])
        devices = [id for (id,) in await self.database.query("SELECT device_id FROM device_states ORDER BY device_id")]
        for start in range(0, len(devices), DEVICES):
            while await self.database.run(OLD_EVENTS, [devices[start : start + DEVICES], before, PIECE]) == PIECE:
                pass


# A fix time of long ago may be that of a device without a fix, so here the time of arrival counts.
OLD_POSITIONS = """
DELETE FROM positions_default p WHERE ctid >= %s::tid AND ctid < %s::tid AND server_time < %s AND NOT EXISTS (
    SELECT FROM device_states s WHERE s.device_id = p.device_id AND s.position_id = p.id)
"""
# The time of an event is that of the device's clock, so one that has its position stays with it.
OLD_EVENTS = """
DELETE FROM events WHERE (device_id, event_time, id) IN (
    SELECT e.device_id, e.event_time, e.id FROM unnest(%s::bigint[]) AS d (id), LATERAL (
        SELECT * FROM events WHERE device_id = d.id AND event_time < %s
            AND NOT EXISTS (SELECT FROM positions WHERE id = events.position_id)) e
    LIMIT %s)
"""


async def _drop(queries: Queries, name: str) -> None:
    await queries.run(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}")
    await queries.run(f"ALTER TABLE positions DETACH PARTITION {name}")
    # They go to the default partition.
    await queries.run(
        f"INSERT INTO positions SELECT p.* FROM {name} p JOIN device_states s"
        " ON s.device_id = p.device_id AND s.position_time = p.fix_time AND s.position_id = p.id"
    )
    await queries.run(f"DROP TABLE {name}")


def _month(time: datetime, later: int) -> datetime:
    """The beginning of the month of `time`, or of one so many months later."""
    months = time.year * 12 + time.month - 1 + later
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def _start(name: str, later: int = 0) -> datetime:
    """The beginning of the month of this partition, or of one so many months later."""
    year, month = name.split("_")[1:]
    return _month(datetime(int(year), int(month), 1, tzinfo=UTC), later)


def _name(start: datetime) -> str:
    return f"positions_{start.year:04}_{start.month:02}"
