"""Commands that wait, ids that nobody knows, reports that were refused."""

from __future__ import annotations

from typing import Any

from twisted.internet import defer
from twisted.internet.task import deferLater

from tests.postgres import DatabaseTestCase
from tests.store.samples import NOON, after, device
from trackd.store.commands import QueuedCommands
from trackd.store.database import Queries, Refused
from trackd.store.quarantine import Quarantine
from trackd.store.rows import UnknownRow
from trackd.store.unknown import UnknownDevices


class CommandTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.commands = QueuedCommands(self.db)
        self.device = (await device(self.db)).id
        self.other = (await device(self.db)).id
        self.sent: list[int] = []

    async def test_waiting(self) -> None:
        """Commands wait in their order, each for its device, with all that was said of them."""
        one = await self.commands.add(self.device, "custom", {"data": "\0"}, True)
        two = await self.commands.add(self.device, "engineStop", {})
        await self.commands.add(self.other, "engineStop", {})
        waiting = await self.commands.waiting(self.device)
        self.assertEqual([row.id for row in waiting], [one, two])
        first = waiting[0]
        self.assertEqual(
            (first.device_id, first.type, first.attributes, first.text_channel, first.failure),
            (self.device, "custom", {"data": "\0"}, True, None),
        )
        self.assertEqual([1, 0], [len(await self.commands.waiting(id)) for id in (self.other, 10**9)])

    async def test_removed(self) -> None:
        """A command is removed once."""
        id = await self.commands.add(self.device, "custom", {})
        self.assertFalse(await self.commands.remove(self.other, id))
        self.assertTrue(await self.commands.remove(self.device, id))
        self.assertFalse(await self.commands.remove(self.device, id))

    async def hand(self, id: int, reason: str | None = None, epoch: int = 0) -> bool:
        """Have a command sent; `reason`: it cannot be."""
        return await self.commands.hand(self.device, id, epoch, lambda: self.sent.append(id) or reason)  # type: ignore[func-returns-value]

    async def test_handed(self) -> None:
        """A command is sent once, and leaves the queue."""
        id = await self.commands.add(self.device, "custom", {})
        self.assertTrue(await self.hand(id))
        self.assertFalse(await self.hand(id))
        self.assertEqual((self.sent, await self.commands.all(self.device)), ([id], []))

    async def test_failed(self) -> None:
        """A command that could not be sent stays with its reason, and is neither waiting nor tried again."""
        id = await self.commands.add(self.device, "custom", {})
        self.assertTrue(await self.hand(id, "not supported"))
        self.assertFalse(await self.hand(id))
        self.assertEqual(await self.commands.waiting(self.device), [])
        self.assertEqual([row.failure for row in await self.commands.all(self.device)], ["not supported"])

    async def test_not_sent(self) -> None:
        """A command whose connection is gone at the last moment waits on."""
        id = await self.commands.add(self.device, "custom", {})

        def gone() -> None:
            raise ConnectionError

        with self.assertRaises(ConnectionError):
            await self.commands.hand(self.device, id, 0, gone)
        self.assertEqual([row.id for row in await self.commands.waiting(self.device)], [id])

    async def test_two_servers(self) -> None:
        """What one is sending, another neither gets nor waits for; nor does it get what is for a device that it lost."""
        one, two = [await self.commands.add(self.device, "custom", {}) for _ in range(2)]

        async def work(queries: Queries) -> bool:
            await queries.query("SELECT FROM queued_commands WHERE id = %s FOR UPDATE", [one])
            return await self.hand(one)

        self.assertFalse(await self.db.transaction(work))
        await self.db.run("UPDATE device_states SET epoch = 1 WHERE device_id = %s", [self.device])
        self.assertFalse(await self.hand(two))
        self.assertTrue(await self.hand(two, epoch=1))
        self.assertEqual(self.sent, [two])

    async def test_direct(self) -> None:
        """Whoever has put a command into the queue for another server hears what becomes of it, in every case."""
        heard: list[str] = []
        await self.db.listen("changes", heard.append)
        ids = [await self.commands.add(self.device, "custom", {}, direct=True) for _ in range(3)]
        await self.hand(ids[0])
        await self.hand(ids[1], "not supported")
        self.assertIsNone(await self.commands.wait(self.device, ids[2]))
        self.assertEqual(await self.commands.wait(self.device, ids[1]), "not supported")
        with self.assertRaises(Refused):
            await self.commands.wait(self.device, ids[0])
        self.assertEqual([(row.id, row.direct) for row in await self.commands.all(self.device)], [(ids[2], False)])
        await self.db.query("SELECT 1")
        for _ in range(100):
            if len(found := [word for word in heard if word.startswith(("direct", "answered"))]) == 7:
                break
            await deferLater(self.reactor(), 0.01)
        self.assertEqual(
            found,
            [
                *(f"direct {self.device} {id}" for id in ids),
                f"answered {ids[0]} sent",
                f"answered {ids[1]} failed",
                f"answered {ids[2]} waits",
                f"answered {ids[1]} sent",
            ],
        )

    def reactor(self) -> Any:
        from twisted.internet import reactor

        return reactor

    async def test_limit(self) -> None:
        """No more than so many wait for one device."""
        commands = QueuedCommands(self.db, most=2)
        for _ in range(2):
            await commands.add(self.device, "custom", {})
        with self.assertRaises(Refused):
            await commands.add(self.device, "custom", {})
        await commands.add(self.other, "custom", {})

    async def test_no_device(self) -> None:
        """Nothing is queued for a device that does not exist."""
        with self.assertRaises(Refused):
            await self.commands.add(10**9, "custom", {})


class UnknownTests(DatabaseTestCase):
    def seen(self, unique_id: str, second: float = 0, protocol: str = "x", count: int = 1) -> UnknownRow:
        return UnknownRow(unique_id, protocol, f"10.0.0.{count}", after(second), after(second), count, "ff")

    async def test_counted(self) -> None:
        """What is seen again is counted; the first time stays, the last address and frame are kept."""
        unknown = UnknownDevices(self.db)
        await unknown.note([self.seen("b", 5), self.seen("a", 1), self.seen("a", 1, "y")])
        await unknown.note([self.seen("a", 10, count=3)])
        rows = [
            (row.unique_id, row.protocol, row.address, row.first_seen, row.last_seen, row.count, row.last_frame)
            for row in await unknown.all()
        ]
        self.assertEqual(
            rows,
            [
                ("a", "x", "10.0.0.3", after(1), after(10), 4, "ff"),
                ("b", "x", "10.0.0.1", after(5), after(5), 1, "ff"),
                ("a", "y", "10.0.0.1", after(1), after(1), 1, "ff"),
            ],
        )

    async def test_two_servers(self) -> None:
        """Two that note the same ids in different orders do not wait for each other for ever."""
        unknown = UnknownDevices(self.db)
        ids = [self.seen(f"id{number}") for number in range(200)]
        both = [ids, ids[::-1]] * 5
        await defer.gatherResults([defer.Deferred.fromCoroutine(unknown.note(some)) for some in both])
        self.assertEqual({row.count for row in await unknown.all()}, {10})

    async def test_pruned(self) -> None:
        """Beyond the limit the ones that were seen longest ago go."""
        unknown = UnknownDevices(self.db, most=2)
        await unknown.note([self.seen(f"id{number}", number) for number in range(5)])
        self.assertEqual(await unknown.prune(), 3)
        self.assertEqual([row.unique_id for row in await unknown.all()], ["id4", "id3"])
        self.assertEqual([row.unique_id for row in await unknown.all(1)], ["id4"])

    async def test_known(self) -> None:
        """An id that has become known is forgotten, in all formats."""
        unknown = UnknownDevices(self.db)
        await unknown.note([self.seen("a"), self.seen("a", protocol="y"), self.seen("b")])
        self.assertEqual(await unknown.forget("a"), 2)
        self.assertEqual([row.unique_id for row in await unknown.all()], ["b"])


class QuarantineTests(DatabaseTestCase):
    async def test_kept(self) -> None:
        """A report is kept with its reason until it is deleted."""
        quarantine = Quarantine(self.db)
        first = await quarantine.add(1, "x", NOON, "why", '{"a":"\\u0000"}', b"\0\xff")
        second = await quarantine.add(2, None, after(1), "why", "{}", None)
        self.assertEqual([row.id for row in await quarantine.all()], [second, first])
        self.assertEqual([row.id for row in await quarantine.all(1)], [second])
        row = await quarantine.get(first)
        assert row is not None
        self.assertEqual(
            (row.device_id, row.protocol, row.received, row.reason, row.report, row.frame),
            (1, "x", NOON, "why", '{"a":"\\u0000"}', b"\0\xff"),
        )
        self.assertTrue(await quarantine.delete(first))
        self.assertFalse(await quarantine.delete(first))
        self.assertIsNone(await quarantine.get(first))
