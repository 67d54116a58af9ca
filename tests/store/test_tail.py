from __future__ import annotations

from tests.postgres import DatabaseTestCase
from trackd.store.tail import Tail

POSITION = """
INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, latitude, longitude,
    altitude, speed, course, accuracy, attributes, digest)
VALUES (%s, %s, 'alpha', now(), now(), '2026-01-02', true, 1, 2, 0, 0, 0, 0, '{}', %s)
"""
EVENT = "INSERT INTO events (id, device_id, type, event_time) VALUES (%s, %s, 'alarm', now())"


class TailTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        await self.db.run("INSERT INTO devices (id, name, unique_id) VALUES (1, 'a', 'a'), (2, 'b', 'b')")

    async def store(self, *ids: int, device: int = 1) -> None:
        for id in ids:
            await self.db.run(POSITION, [id, device, id])
            await self.db.run(EVENT, [id, device])

    async def told(self, tail: Tail) -> list[tuple[str, int]]:
        positions, events = await tail.positions(), await tail.events()
        self.assertEqual([row.id for _, row in positions], [row.id for _, row in events])
        return [(unique_id, row.id) for unique_id, row in positions]

    async def test_from_now_on(self) -> None:
        """What was there before is not told; what comes then is, once, with the device's unique id."""
        await self.store(1, 2)
        tail = Tail(self.db)
        await tail.start()
        self.assertEqual(await self.told(tail), [])
        await self.store(3)
        await self.store(4, device=2)
        self.assertEqual(await self.told(tail), [("a", 3), ("b", 4)])
        self.assertEqual(await self.told(tail), [])

    async def test_empty(self) -> None:
        """An empty database is no obstacle."""
        tail = Tail(self.db)
        await tail.start()
        await self.store(1)
        self.assertEqual(await self.told(tail), [("a", 1)])

    async def test_one_device(self) -> None:
        """Of one device alone."""
        tail = Tail(self.db, 2)
        await tail.start()
        await self.store(1)
        await self.store(2, device=2)
        self.assertEqual(await self.told(tail), [("b", 2)])

    async def test_several_servers(self) -> None:
        """What one server stores under a smaller id than another has given already is told as well, once."""
        await self.db.run("INSERT INTO nodes (name, place, seen) VALUES ('one', '', now()), ('two', '', now())")
        await self.store(1, 5000)
        tail = Tail(self.db, most=2)
        await tail.start()
        await self.store(2, 5001)
        self.assertEqual([id for _, id in await self.told(tail)], [2, 5001])
        await self.store(3, 4, 5002)
        self.assertEqual([id for _, id in await self.told(tail)], [3, 4])
        self.assertEqual([id for _, id in await self.told(tail)], [5002])
        self.assertEqual(await self.told(tail), [])

    async def test_pieces(self) -> None:
        """What does not fit into one answer comes with the next."""
        tail = Tail(self.db, most=2)
        await tail.start()
        await self.store(1, 2, 3)
        self.assertEqual([id for _, id in await self.told(tail)], [1, 2])
        self.assertEqual([id for _, id in await self.told(tail)], [3])
