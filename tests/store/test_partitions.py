"""Partitions of the positions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twisted.logger import LogLevel

from tests.listen.samples import log_of
from tests.postgres import DatabaseTestCase
from tests.store.samples import NOON, device, latest, position
from trackd.store import partitions
from trackd.store.database import Unavailable
from trackd.store.partitions import Partitions


class PartitionTests(DatabaseTestCase):
    """On the 15th of May 2024."""

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.partitions = Partitions(self.db)

    async def places(self) -> list[tuple[str, int]]:
        """Where the positions are."""
        return await self.db.query(
            "SELECT tableoid::regclass::text, count(*)::int FROM positions GROUP BY 1 ORDER BY 1"
        )

    async def test_months(self) -> None:
        """There are partitions for the last, the current and the next two months, and they are made once."""
        made = ["positions_2024_04", "positions_2024_05", "positions_2024_06", "positions_2024_07"]
        self.assertEqual((await self.partitions.keep(NOON)).made, made)
        self.assertEqual((await self.partitions.keep(NOON)).made, [])
        self.assertEqual((await self.partitions.keep(datetime(2024, 6, 1, tzinfo=UTC))).made, ["positions_2024_08"])

    async def test_turn_of_the_year(self) -> None:
        """Months go on over the turn of the year."""
        made = (await self.partitions.keep(datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC))).made
        self.assertEqual(made[0], "positions_2023_11")
        self.assertEqual(made[-1], "positions_2024_02")

    async def test_borders(self) -> None:
        """The first moment of a month belongs to it, and other times go to the default."""
        await self.partitions.keep(NOON)
        for time in (
            datetime(2024, 4, 30, 23, 59, 59, 999999, UTC),
            datetime(2024, 5, 1, tzinfo=UTC),
            datetime(1980, 1, 6, tzinfo=UTC),
            datetime(9999, 12, 31, tzinfo=UTC),
        ):
            await position(self.db, 1, time)
        self.assertEqual(
            await self.places(), [("positions_2024_04", 1), ("positions_2024_05", 1), ("positions_default", 2)]
        )

    async def test_moved(self) -> None:
        """Rows that were in the default partition move to the one that is made for them, and lose nothing."""
        for day in (1, 15, 31):
            await position(self.db, 1, datetime(2024, 5, day, tzinfo=UTC), attributes='{"a":"\\u0000"}')
        await position(self.db, 1, datetime(2020, 5, 1, tzinfo=UTC))
        before = await self.db.query("SELECT to_json(p)::text FROM positions p ORDER BY id")
        await self.partitions.keep(NOON)
        self.assertEqual(await self.places(), [("positions_2024_05", 3), ("positions_default", 1)])
        self.assertEqual(await self.db.query("SELECT to_json(p)::text FROM positions p ORDER BY id"), before)

    async def test_crowded(self) -> None:
        """Where too many rows would have to move, they stay where they are, and the other partitions are made."""
        self.patch(partitions, "MOST_MOVED", 2)
        for number in range(3):
            await position(self.db, number)
        kept = await self.partitions.keep(NOON)
        self.assertEqual(kept.crowded, ["positions_2024_05"])
        self.assertEqual(kept.made, ["positions_2024_04", "positions_2024_06", "positions_2024_07"])
        self.assertEqual(await self.places(), [("positions_default", 3)])

    async def test_busy(self) -> None:
        """Somebody who holds the positions is waited for a little, not for ever."""
        self.patch(partitions, "LOCK_TIMEOUT", 50)

        async def work(queries: object) -> None:
            await queries.run("LOCK TABLE positions_default")  # type: ignore[attr-defined]
            with self.assertRaises(Unavailable):
                await self.partitions.keep(NOON)

        await self.db.transaction(work)
        self.assertEqual(len((await self.partitions.keep(NOON)).made), 4)

    async def test_backup(self) -> None:
        """A server starts although somebody reads the positions for hours; what cannot be made is made later."""
        self.patch(partitions, "LOCK_TIMEOUT", 50)
        log = log_of(self)

        async def work(queries: object) -> None:
            await queries.run("LOCK TABLE positions IN ACCESS SHARE MODE")  # type: ignore[attr-defined]
            await self.partitions.begin(NOON)

        await self.db.transaction(work)
        self.assertEqual([line["log_level"] for line in log], [LogLevel.warn])
        self.assertEqual(len((await self.partitions.keep(NOON)).made), 4)

    async def test_keys(self) -> None:
        """A partition has the keys of the whole: the same report is refused there as well."""
        await self.partitions.keep(NOON)
        rows = await self.db.query("SELECT indexdef FROM pg_indexes WHERE tablename = 'positions_2024_05'")
        parent = await self.db.query("SELECT indexdef FROM pg_indexes WHERE tablename = 'positions'")
        self.assertEqual(len(rows), len(parent))

    async def test_old(self) -> None:
        """With a retention, months that are past it are dropped; in the default the time of arrival counts."""
        for month in (1, 2, 3):
            await self.partitions.keep(datetime(2024, month, 1, tzinfo=UTC))
        await position(self.db, 1, datetime(2024, 1, 5, tzinfo=UTC))
        await position(self.db, 1, datetime(2024, 4, 5, tzinfo=UTC))
        await position(self.db, 2, datetime(1980, 1, 6, tzinfo=UTC), server_time=NOON)
        await position(self.db, 3, datetime(2010, 1, 6, tzinfo=UTC), server_time=datetime(2024, 1, 1, tzinfo=UTC))
        partitions = Partitions(self.db, history_days=60)
        dropped = [(await partitions.keep(NOON)).dropped for _ in range(4)]
        self.assertEqual(dropped, [["positions_2023_12"], ["positions_2024_01"], ["positions_2024_02"], []])
        rows = await self.db.query("SELECT device_id FROM positions ORDER BY device_id")
        self.assertEqual(rows, [(1,), (2,)])

    async def test_clock_put_forward(self) -> None:
        """A clock that is wrong for a moment costs the oldest month, and nothing that came later."""
        await self.partitions.keep(NOON)
        april, may = datetime(2024, 4, 5, tzinfo=UTC), datetime(2024, 5, 5, tzinfo=UTC)
        await position(self.db, 1, april)
        await position(self.db, 2, may)
        await position(self.db, 3, datetime(1980, 1, 6, tzinfo=UTC), server_time=may)
        partitions = Partitions(self.db, history_days=60)
        await partitions.begin(datetime(2080, 1, 1, tzinfo=UTC))
        kept = await partitions.keep(datetime(2080, 1, 1, tzinfo=UTC))
        self.assertEqual(kept.dropped, ["positions_2024_04"])
        rows = await self.db.query("SELECT device_id FROM positions ORDER BY device_id")
        self.assertEqual(rows, [(2,), (3,)])

    async def test_clocks_that_differ(self) -> None:
        """What is old by the clock of the server alone, or by that of the database alone, stays."""
        today = (await self.db.query("SELECT now()"))[0][0]
        await self.partitions.keep(today)
        partitions = Partitions(self.db, history_days=60)
        self.assertEqual((await partitions.keep(today + timedelta(days=3650))).dropped, [])
        await self.partitions.keep(NOON)
        self.assertEqual((await partitions.keep(NOON)).dropped, [])

    async def test_where_the_device_is(self) -> None:
        """The latest position of a device outlives its month and the time in the default; so does its event."""
        await self.partitions.keep(datetime(2024, 1, 1, tzinfo=UTC))
        january, long_ago = datetime(2024, 1, 5, tzinfo=UTC), datetime(1980, 1, 6, tzinfo=UTC)
        one, other = await device(self.db), await device(self.db)
        await position(self.db, one.id, datetime(2024, 1, 4, tzinfo=UTC))
        stays = {(await latest(self.db, one.id, january)).id}
        await position(self.db, other.id, long_ago, server_time=january)
        stays.add((await latest(self.db, other.id, long_ago, server_time=january)).id)
        partitions = Partitions(self.db, history_days=60)
        for _ in range(4):
            await partitions.keep(NOON)
        for _ in range(2):
            await partitions.keep(NOON)
            self.assertEqual(stays, {id for (id,) in await self.db.query("SELECT id FROM positions")})
        self.assertEqual(await self.places(), [("positions_default", 2)])

    async def test_old_events(self) -> None:
        """Events that are past the retention go, unless their position is there."""
        self.patch(partitions, "PIECE", 2)
        kept = await position(self.db, 1, datetime(1980, 1, 6, tzinfo=UTC), server_time=NOON)
        old, new = datetime(2024, 1, 5, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)
        id = (await device(self.db)).id
        times = [(old, None), (old, 77), (old, 78), (old, kept.id), (new, None), (new, 79)]
        for number, (time, position_id) in enumerate(times):
            await self.db.run(
                "INSERT INTO events (id, device_id, type, event_time, position_id) VALUES (%s, %s, 'alarm', %s, %s)",
                [number, id, time, position_id],
            )
        await Partitions(self.db, history_days=60).keep(NOON)
        self.assertEqual([(3,), (4,), (5,)], await self.db.query("SELECT id FROM events ORDER BY id"))

    async def test_many_old_ones(self) -> None:
        """Old positions go from every page of the default, and from no other."""
        self.patch(partitions, "PAGES", 2)
        long_ago, lately = datetime(2010, 1, 6, tzinfo=UTC), NOON
        await self.db.run(
            "INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, latitude,"
            " longitude, altitude, speed, course, accuracy, attributes, digest)"
            " SELECT n, 1, 'test', CASE WHEN n %% 100 = 0 THEN %s ELSE %s END, %s, %s, true, 0, 0, 0, 0, 0, 0, '{}', n"
            " FROM generate_series(1, 1000) n",
            [lately, long_ago, long_ago, long_ago],
        )
        [(pages,)] = await self.db.query("SELECT pg_relation_size('positions_default') / 8192")
        self.assertGreater(pages, 5)
        await Partitions(self.db, history_days=60).keep(NOON)
        ids = await self.db.query("SELECT id FROM positions ORDER BY id")
        self.assertEqual([(id,) for id in range(100, 1001, 100)], ids)
