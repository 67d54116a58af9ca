"""Servers on one database, and whose device is whose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.postgres import DatabaseTestCase
from tests.store.samples import NOON, device
from trackd.store.database import Queries
from trackd.store.devices import Devices
from trackd.store.loading import Loading
from trackd.store.nodes import Node, Nodes
from trackd.store.rows import Loaded


async def until(happened: Callable[[], bool]) -> None:
    """Wait for it; at most as long as a test may take."""
    from twisted.internet import reactor

    clock: Any = reactor
    while not happened():
        await deferLater(clock, 0.01)


class NodeTestCase(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.one, self.two = (Nodes(lambda: self.db, name, f"place {name}", 10.0) for name in ("one", "two"))
        for nodes in (self.one, self.two):
            await nodes.join()

    async def dies(self, nodes: Nodes) -> None:
        """Its last sign of life was a while ago."""
        await self.db.run("UPDATE nodes SET seen = now() - interval '11 s' WHERE id = %s", [nodes.id])

    async def devices(self, count: int, **state: Any) -> list[int]:
        """Devices whose states have these values."""
        ids = [(await device(self.db, unique_id=f"d{number}")).id for number in range(count)]
        for name, value in state.items():
            await self.db.run(f"UPDATE device_states SET {name} = %s WHERE device_id = ANY(%s)", [value, ids])
        return ids

    async def statuses(self, ids: list[int]) -> list[str]:
        states = await Devices(self.db).states(ids)
        return [states[id].status for id in ids]


class NodeTests(NodeTestCase):
    async def test_same_number(self) -> None:
        """A server that begins again is the same one; another has another number."""
        again = Nodes(lambda: self.db, "one", "moved", 10.0)
        await again.join()
        self.assertEqual((again.id, again.id != self.two.id), (self.one.id, True))

    async def test_others(self) -> None:
        """Each knows the others that have not stopped, and which of them live."""
        self.assertEqual(await self.one.beat(), (False, [Node(self.two.id, "place two", True)]))
        await self.dies(self.two)
        self.assertEqual(await self.one.beat(), (False, [Node(self.two.id, "place two", False)]))
        await self.two.leave()
        self.assertEqual(await self.one.beat(), (False, []))

    async def test_told(self) -> None:
        """Who is there hears of those who come and go."""
        heard: list[str] = []
        await self.db.listen("nodes", heard.append)
        await self.two.leave()
        await self.two.join()
        await until(lambda: len(heard) == 2)

    async def test_start(self) -> None:
        """At the start of a server its own devices are offline, and nobody's; those of others that live are not."""
        mine = await self.devices(2, status="online", last_update=NOON, node_id=self.one.id)
        [nobodys] = [(await device(self.db)).id]
        [theirs] = [(await device(self.db)).id]
        await self.db.run("UPDATE device_states SET status = 'unknown' WHERE device_id = %s", [nobodys])
        await self.db.run(
            "UPDATE device_states SET status = 'online', node_id = %s WHERE device_id = %s", [self.two.id, theirs]
        )
        self.assertEqual(await self.one.join(), 3)
        self.assertEqual(await self.statuses([*mine, nobodys, theirs]), ["offline"] * 3 + ["online"])
        states = await Devices(self.db).states(mine)
        self.assertEqual((states[mine[0]].last_update, states[mine[0]].node_id), (NOON, self.one.id))

    async def test_dead(self) -> None:
        """The devices of a dead server are offline and nobody's, once, and what it writes of them does not count."""
        ids = await self.devices(3, node_id=self.two.id, status="online", epoch=4)
        await self.db.run("UPDATE device_states SET status = 'unknown' WHERE device_id = %s", [ids[2]])
        self.assertEqual(await self.one.bury(), [])
        await self.dies(self.two)
        self.assertEqual(sorted(await self.one.bury()), ids[:2])
        self.assertEqual(await self.one.bury(), [])
        self.assertEqual(await self.statuses(ids), ["offline", "offline", "unknown"])
        self.assertEqual(await self.one.claims(ids), dict.fromkeys(ids, (None, 5)))
        self.assertEqual((await self.two.beat())[0], True)
        self.assertEqual((await self.two.beat())[0], False)

    async def test_forgotten(self) -> None:
        """A server that was asleep for so long that nobody remembers it is the same one when it wakes."""
        await self.db.run("DELETE FROM nodes WHERE id = %s", [self.two.id])
        self.assertEqual((await self.two.beat())[0], True)
        self.assertEqual((await self.one.beat())[1], [Node(self.two.id, "place two", True)])
        again = Nodes(lambda: self.db, "two", "place two", 10.0)
        await again.join()
        self.assertEqual(again.id, self.two.id)


class ClaimTests(NodeTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.ids = await self.devices(2)
        self.mine, self.theirs = Loading(self.db, self.one), Loading(self.db, self.two)
        self.moved: list[str] = []
        await self.db.listen("moved", self.moved.append)

    async def heard(self, count: int) -> list[str]:
        await until(lambda: len(self.moved) == count)
        return sorted(self.moved)

    async def test_claimed(self) -> None:
        """Who loads a device by its unique id has it; only a change of hands has a new number, and is told."""
        for _ in range(2):
            for loaded in (await self.mine.load(["d0", "d1"])).values():
                self.assertEqual((loaded.state.node_id, loaded.state.epoch), (self.one.id, 1))
                self.assertTrue(self.mine.has(loaded.state))
        [loaded] = (await self.theirs.load(["d1"])).values()
        self.assertEqual((loaded.state.node_id, loaded.state.epoch), (self.two.id, 2))
        self.assertFalse(self.mine.has(loaded.state))
        [loaded] = (await self.mine.take_back([self.ids[1]])).values()
        self.assertEqual((loaded.state.node_id, loaded.state.epoch), (self.one.id, 3))
        self.assertEqual(
            await self.heard(2), [f"{self.one.id} {self.ids[1]} 2 gone", f"{self.two.id} {self.ids[1]} 3 needed"]
        )

    async def test_looked_at(self) -> None:
        """Loading by number changes no hands."""
        await self.mine.load(["d0"])
        [loaded] = (await self.theirs.load_by_id([self.ids[0]])).values()
        self.assertEqual((loaded.state.node_id, loaded.state.epoch), (self.one.id, 1))
        self.assertFalse(self.theirs.has(loaded.state))

    async def test_without_state(self) -> None:
        """A device whose state is missing is claimed as well."""
        await self.db.run("DELETE FROM device_states")
        [loaded] = (await self.mine.load(["d0"])).values()
        self.assertEqual((loaded.state.node_id, loaded.state.epoch), (self.one.id, 1))

    async def test_waits(self) -> None:
        """What the other is just writing is waited for, and seen."""
        loading: list[Deferred[dict[str, Loaded]]] = []

        async def write(queries: Queries) -> None:
            await queries.run("UPDATE device_states SET motion_distance = 7 WHERE device_id = %s", [self.ids[0]])
            loading.append(Deferred.fromCoroutine(self.theirs.load(["d0"])))
            await queries.query("SELECT pg_sleep(0.1)")
            self.assertFalse(loading[0].called)

        await self.mine.load(["d0"])
        await self.db.transaction(write)
        [loaded] = (await loading[0]).values()
        self.assertEqual((loaded.state.motion_distance, loaded.state.epoch), (7.0, 2))
