"""What processing asks of the database."""

from __future__ import annotations

from twisted.internet import defer

from tests.postgres import DatabaseTestCase
from tests.store.samples import NOON, after, device, group, latest, position
from trackd.store.commands import QueuedCommands
from trackd.store.devices import Devices
from trackd.store.loading import Loading
from trackd.store.partitions import Partitions
from trackd.track.loading import Loader


class LoadTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        await Partitions(self.db).keep(NOON)
        self.loading = Loading(self.db)

    async def test_all(self) -> None:
        """Of each device that is known comes all that there is, and nothing of the others."""
        root = await group(self.db, speedLimit=3, only="root")
        child = await group(self.db, root, speedLimit=2)
        grouped = await device(self.db, unique_id="a", group_id=child, attributes={"x": "\0"})
        alone = await device(self.db, unique_id="b")
        await position(self.db, grouped.id, after(5))
        stored = await latest(self.db, grouped.id, after(1), attributes='{"n":1}')
        await self.db.run(
            "UPDATE device_states SET motion_streak = true, motion_distance = 7.5, newest = %s WHERE device_id = %s",
            [after(9), grouped.id],
        )
        commands = QueuedCommands(self.db)
        for _ in range(2):
            await commands.add(grouped.id, "custom", {})
        await commands.hand(grouped.id, await commands.add(grouped.id, "custom", {}), 0, lambda: "why")

        loaded = await self.loading.load(["b", "nobody", "a"])
        self.assertEqual(set(loaded), {"a", "b"})
        one = loaded["a"]
        self.assertEqual((one.device.id, one.device.attributes), (grouped.id, {"x": "\0"}))
        self.assertEqual(
            [(row.id, row.group_id, row.attributes) for row in one.groups],
            [(child, root, {"speedLimit": 2}), (root, None, {"speedLimit": 3, "only": "root"})],
        )
        assert one.last is not None
        self.assertEqual((one.last.id, one.last.attributes), (stored.id, {"n": 1}))
        self.assertEqual(
            (one.state.motion_streak, one.state.motion_distance, one.state.newest, one.state.position_id),
            (True, 7.5, after(9), stored.id),
        )
        self.assertEqual(one.queued, 2)
        other = loaded["b"]
        self.assertEqual((other.device.id, other.groups, other.last, other.queued), (alone.id, [], None, 0))
        self.assertEqual(other.state.status, "offline")

    async def test_missing_position(self) -> None:
        """A device whose state names a position that there is not begins with the newest up to the state's time."""
        made = await device(self.db, unique_id="a")
        gone = await latest(self.db, made.id, after(20))
        stored = [await position(self.db, made.id, after(second)) for second in (10, 20, 30)]
        await self.db.run("DELETE FROM positions WHERE id = %s", [gone.id])
        last = (await self.loading.load(["a"]))["a"].last
        assert last is not None
        self.assertEqual(last.id, stored[1].id)

    async def test_fences(self) -> None:
        """A device comes with the ids of its geofences and of those that all the groups above it lend, each once."""
        root = await group(self.db)
        child = await group(self.db, root)
        grouped = (await device(self.db, group_id=child)).id
        alone = (await device(self.db)).id
        areas = ("CIRCLE (1 2, 3)", "nonsense", "CIRCLE (4 5, 6)", "CIRCLE (7 8, 9)")
        for id, area in enumerate(areas, 1):
            await self.db.run("INSERT INTO geofences (id, name, area) VALUES (%s, 'g', %s)", [id, area])
        for table, owner, id in (
            ("device", grouped, 1),
            ("group", root, 1),
            ("group", root, 2),
            ("group", child, 3),
            ("group", await group(self.db), 4),
        ):
            await self.db.run(f"INSERT INTO {table}_geofence VALUES (%s, %s)", [owner, id])
        loaded = await self.loading.load_by_id([grouped, alone])
        self.assertEqual(({1, 2, 3}, []), ({*loaded[grouped].fences}, loaded[alone].fences))
        self.assertEqual(3, len(loaded[grouped].fences))
        await self.db.run("UPDATE geofences SET deleted_at = now() WHERE id = 3")
        self.assertEqual(
            [(1, areas[0]), (2, areas[1])], [(row.id, row.area) for row in await self.loading.fences([3, 2, 1])]
        )
        # One that is nowhere keeps the device from nothing.
        made = (await Loader(self.loading, {}).load_by_id([grouped]))[grouped]
        self.assertEqual([1], [id for id, _ in made.fences])

    async def test_fences_are_told(self) -> None:
        """Whatever changes the geofences of a device is told: a link, an area, a deletion; a name is not."""
        heard: list[str] = []
        await self.db.listen("changes", heard.append)
        one, lender = (await device(self.db)).id, await group(self.db)
        await self.db.run("INSERT INTO geofences (id, name, area) VALUES (1, 'g', 'CIRCLE (1 2, 3)')")
        del heard[:]
        for statement, told in (
            (f"INSERT INTO device_geofence VALUES ({one}, 1)", {f"fences {one}"}),
            (f"INSERT INTO group_geofence VALUES ({lender}, 1)", {f"lent {lender}"}),
            ("UPDATE geofences SET area = 'CIRCLE (1 2, 4)'", {f"fences {one}", f"lent {lender}"}),
            ("UPDATE geofences SET name = 'other'", set()),
            ("UPDATE geofences SET deleted_at = now()", {f"fences {one}", f"lent {lender}"}),
            ("DELETE FROM device_geofence", {f"fences {one}"}),
            ("DELETE FROM group_geofence", {f"lent {lender}"}),
        ):
            await self.db.run(statement)
            await self.db.notify("changes", "end")
            while "end" not in heard:
                await self.db.query("SELECT pg_sleep(0.005)")
            self.assertEqual(told, set(heard) - {"end"}, statement)
            del heard[:]

    async def test_by_id(self) -> None:
        """The same by id."""
        ids = [(await device(self.db)).id for _ in range(2)]
        loaded = await self.loading.load_by_id([*ids, 10**9])
        self.assertEqual({id: one.device.id for id, one in loaded.items()}, {id: id for id in ids})
        self.assertEqual(await self.loading.load_by_id([]), {})

    async def test_missing_state(self) -> None:
        """A state that is missing is made, so that it can be updated; two that make it at once do not disturb each other."""
        made = await device(self.db, unique_id="a")
        await self.db.run("DELETE FROM device_states")
        found = await defer.gatherResults([defer.Deferred.fromCoroutine(self.loading.load(["a"])) for _ in range(4)])
        self.assertEqual([one["a"].state.device_id for one in found], [made.id] * 4)
        self.assertEqual(await self.db.query("SELECT device_id, status FROM device_states"), [(made.id, "offline")])

    async def test_deleted(self) -> None:
        """A deleted device is not there; a deleted group, and those above it, lend nothing."""
        root = await group(self.db)
        child = await group(self.db, root)
        gone = await device(self.db, unique_id="gone")
        await device(self.db, unique_id="a", group_id=child)
        await Devices(self.db).delete(gone.id)
        await self.db.run("UPDATE groups SET deleted_at = now() WHERE id = %s", [root])
        loaded = await self.loading.load(["gone", "a"])
        self.assertEqual([row.id for row in loaded["a"].groups], [child])
        self.assertNotIn("gone", loaded)

    async def test_ring(self) -> None:
        """Groups that contain each other are each taken once."""
        one = await group(self.db)
        two = await group(self.db, one)
        await self.db.run("UPDATE groups SET group_id = %s WHERE id = %s", [two, one])
        await device(self.db, unique_id="a", group_id=two)
        self.assertEqual([row.id for row in (await self.loading.load(["a"]))["a"].groups], [two, one])

    async def test_history(self) -> None:
        """The history goes back to a time, and one further, the newest first."""
        stored = [await position(self.db, 1, after(second)) for second in range(6)]
        await position(self.db, 2, after(3))
        ids = [row.id for row in stored]
        self.assertEqual([row.id for row in await self.loading.history(1, after(3))], ids[:1:-1])
        self.assertEqual([row.id for row in await self.loading.history(1, after(-1))], ids[::-1])
        self.assertEqual([row.id for row in await self.loading.history(1, after(9))], ids[-1:])
        self.assertEqual([row.id for row in await self.loading.history(1, after(2), 2)], [ids[5], ids[4], ids[1]])
        self.assertEqual(await self.loading.history(3, after(0)), [])
        (fix,) = await self.loading.history(1, after(6))
        self.assertEqual((fix.fix_time, fix.latitude, fix.longitude, fix.server_time), (after(5), 1.0, 2.0, after(5)))

    async def test_register(self) -> None:
        """A device is made once, however many want it at the same time, and is whole."""
        group_id = await group(self.db)
        ids = await defer.gatherResults(
            [defer.Deferred.fromCoroutine(self.loading.register("new", "New", "car", group_id)) for _ in range(8)]
        )
        self.assertEqual(len(set(ids)), 1)
        loaded = (await self.loading.load(["new"]))["new"]
        self.assertEqual(
            (loaded.device.id, loaded.device.name, loaded.device.category, loaded.device.group_id),
            (ids[0], "New", "car", group_id),
        )
        self.assertEqual(set(await Devices(self.db).states(ids)), {ids[0]})
