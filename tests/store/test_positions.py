"""Stored positions."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson

from tests.postgres import DatabaseTestCase
from tests.store.samples import NOON, after, device, latest, position
from trackd.store.partitions import Partitions
from trackd.store.positions import Positions
from trackd.store.rows import PlainPosition, PositionRow, names


class PositionTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        await Partitions(self.db).keep(NOON)
        self.positions = Positions(self.db)

    async def ids(self, device_id: int, start: float, end: float, limit: int = 0, piece: int = 1000) -> list[list[int]]:
        """The ids of the positions in this span (seconds after noon), in the pieces in which they come."""
        pieces = self.positions.between(device_id, after(start), after(end), limit, piece)
        return [[row.id for row in rows] async for rows in pieces]

    async def test_all_columns(self) -> None:
        """What is stored of a position comes back, its JSON parsed."""
        stored = await position(
            self.db,
            1,
            datetime(2024, 5, 15, 12, 0, 0, 123456, UTC),
            device_time=after(1),
            server_time=after(2),
            address="Straße 1",
            network='{"radioType":"gsm"}',
            geofence_ids="[3,1]",
            attributes='{"b":1.0,"a":"\\u0000"}',
            said=after(1),
            digest=-(2**63),
            longitude=0.1 + 0.2,
        )
        (found,) = await self.positions.by_ids([stored.id, 10**9])
        for name in names(PositionRow):
            self.assertEqual(getattr(found, name), getattr(stored, name), name)
        self.assertEqual((found.network, found.geofence_ids), ({"radioType": "gsm"}, [3, 1]))
        self.assertEqual(list(found.attributes.items()), [("b", 1.0), ("a", "\0")])

    async def test_latest(self) -> None:
        """The latest position is the one that the state names, also in the default partition."""
        one, other, silent = [(await device(self.db)).id for _ in range(3)]
        await position(self.db, one, after(10))
        wanted = [await latest(self.db, one, after(5)), await latest(self.db, other, datetime(1980, 1, 6, tzinfo=UTC))]
        found = await self.positions.latest([one, other, silent, 10**9])
        self.assertEqual({row.id for row in found}, {row.id for row in wanted})
        self.assertEqual([row.device_id for row in await self.positions.latest([one, other], after(5))], [one])
        self.assertEqual(await self.positions.latest([]), [])

    async def test_latest_missing(self) -> None:
        """When there is no position of the name in the state, the latest is the newest up to the state's time."""
        same, older, none = [(await device(self.db)).id for _ in range(3)]
        for one in (same, older, none):
            await latest(self.db, one, after(20))
            await self.db.run("DELETE FROM positions WHERE device_id = %s", [one])
        again = [await position(self.db, same, after(second)) for second in (10, 20, 20, 30)]
        before = await position(self.db, older, after(10))
        found = {row.device_id: row.id for row in await self.positions.latest([same, older, none])}
        self.assertEqual(found, {same: again[2].id, older: before.id})
        found = {row.device_id: row.id for row in await self.positions.latest([same, older, none], after(15))}
        self.assertEqual(found, {same: again[2].id})

    async def test_between(self) -> None:
        """A span includes both of its ends, is in the order of time, and of one device."""
        stored = [await position(self.db, 1, after(second)) for second in (30, 10, 20, 0, 40)]
        await position(self.db, 2, after(20))
        wanted = [stored[1].id, stored[2].id, stored[0].id]
        self.assertEqual(await self.ids(1, 10, 30), [wanted])
        self.assertEqual(await self.ids(1, 41, 50), [])
        self.assertEqual(await self.ids(1, 30, 10), [])

    async def test_pieces(self) -> None:
        """Pieces are no larger than asked and lose nothing, also where times are the same."""
        stored = [await position(self.db, 1, after(second // 4)) for second in range(10)]
        wanted = [row.id for row in stored]
        for piece in (1, 2, 3, 5, 9, 10, 11):
            pieces = await self.ids(1, 0, 60, piece=piece)
            self.assertEqual([id for ids in pieces for id in ids], wanted)
            self.assertLessEqual(max(map(len, pieces)), piece)

    async def test_limit(self) -> None:
        """A limit takes the oldest, over all pieces."""
        stored = [await position(self.db, 1, after(second)) for second in range(7)]
        wanted = [row.id for row in stored]
        for limit in (1, 3, 4, 6, 7, 8):
            pieces = await self.ids(1, 0, 60, limit, 3)
            self.assertEqual([id for ids in pieces for id in ids], wanted[:limit])

    async def test_months(self) -> None:
        """A span may go over several months."""
        days = [datetime(2024, month, 10, tzinfo=UTC) for month in (3, 4, 5, 6, 7, 8)]
        stored = [await position(self.db, 1, day) for day in days]
        found = [row.id async for rows in self.positions.between(1, days[0], days[-1], piece=2) for row in rows]
        self.assertEqual(found, [row.id for row in stored])

    async def state(self, device_id: int) -> tuple[int | None, datetime | None]:
        rows = await self.db.query(
            "SELECT position_id, position_time FROM device_states WHERE device_id = %s", [device_id]
        )
        return rows[0][0], rows[0][1]

    async def test_delete(self) -> None:
        """What lies between two times, both included, is deleted, of this device alone, in pieces of any size."""
        for piece in (1, 2, 3, 100):
            one, other = [(await device(self.db)).id for _ in range(2)]
            stored = [await position(self.db, one, after(second // 2)) for second in range(10)]
            beside = await position(self.db, other, after(2))
            await self.positions.delete(one, after(1), after(3), piece)
            self.assertEqual(await self.ids(one, 0, 60), [[row.id for row in (*stored[:2], *stored[8:])]])
            self.assertEqual(await self.ids(other, 0, 60), [[beside.id]])

    async def test_delete_latest(self) -> None:
        """A state names the newest position that is left, or none, and stays as it is while its own is there."""
        one = (await device(self.db)).id
        stored = [await position(self.db, one, after(second)) for second in (10, 20)]
        last = await latest(self.db, one, after(30))
        later = await position(self.db, one, after(40))
        await self.positions.delete_one(stored[0])
        self.assertEqual(await self.state(one), (last.id, last.fix_time))
        await self.positions.delete_one(last)
        self.assertEqual(await self.state(one), (stored[1].id, stored[1].fix_time))
        self.assertEqual(await self.ids(one, 0, 60), [[stored[1].id, later.id]])
        await self.positions.delete(one, after(0), after(60))
        self.assertEqual(await self.state(one), (None, None))

    async def test_delete_is_told(self) -> None:
        """Whoever has the device in memory hears that its positions are not what they were."""
        heard: list[str] = []
        await self.db.listen("changes", heard.append)
        await self.positions.delete(7, after(0), after(60))
        await self.db.query("SELECT 1")
        while not heard:
            await self.db.query("SELECT pg_sleep(0.01)")
        self.assertEqual(heard, ["positions 7"])

    async def test_plain(self) -> None:
        """Positions that are to be shown have the same values, with times and JSON as the texts that go out."""
        one = (await device(self.db)).id
        stored = await latest(
            self.db,
            one,
            datetime(2024, 5, 15, 12, 0, 0, 129_999, UTC),
            device_time=datetime(1, 2, 3, 4, 5, 6, tzinfo=UTC),
            server_time=datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC),
            address="Straße 1",
            network='{"radioType":"gsm"}',
            geofence_ids="[3,1]",
            attributes='{"b":1.0,  "a":"\\u0000"}',
        )
        (found,) = await self.positions.latest_plain([one])
        for name in PlainPosition._fields[:-1]:
            said, value = getattr(found, name), getattr(stored, name)
            if isinstance(value, datetime):
                value = value.isoformat("T", "milliseconds")
            self.assertEqual(orjson.loads(said) if isinstance(value, dict | list) else said, value, name)
        self.assertEqual('{"b":1.0,  "a":"\\u0000"}', found.attributes)
        self.assertEqual([], await self.positions.latest_plain([one], after(60)))

    async def test_plain_pieces(self) -> None:
        """They come in the same pieces, to the microsecond."""
        times = [NOON.replace(microsecond=micro) for micro in (1, 1, 2, 999, 1000, 1001)]
        stored = [await position(self.db, 1, time) for time in times]
        for piece in (1, 2, 5, 6):
            found = [rows async for rows in self.positions.between_plain(1, NOON, after(1), 0, piece)]
            self.assertEqual([row.id for row in stored], [row.id for rows in found for row in rows])
            self.assertLessEqual(max(map(len, found)), piece)
