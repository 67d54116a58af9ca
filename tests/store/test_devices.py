"""Devices, and who can see them."""

from __future__ import annotations

from twisted.internet import defer

from tests.postgres import DatabaseTestCase
from tests.store.samples import device, group, user
from trackd.store.database import Refused
from trackd.store.devices import Devices
from trackd.store.groups import Groups
from trackd.store.links import Links
from trackd.store.listing import Listing


class DeviceTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.devices = Devices(self.db)

    async def test_insert(self) -> None:
        """A new device is linked to who made it, and has a state."""
        maker = await user(self.db)
        made = await self.devices.insert({"name": "A", "unique_id": "1", "attributes": {"x": "\0"}}, maker.id)
        self.assertEqual(await self.devices.ids_of_user(maker.id), {made.id})
        self.assertEqual((await self.devices.states([made.id]))[made.id].status, "offline")
        found = await self.devices.get(made.id)
        assert found is not None
        self.assertEqual(
            (found.name, found.unique_id, found.attributes, found.disabled), ("A", "1", {"x": "\0"}, False)
        )

    async def test_same_unique_id(self) -> None:
        """A unique id belongs to one device; a refused one leaves nothing; that of a deleted device is free."""
        maker = await user(self.db)
        made = await self.devices.insert({"name": "A", "unique_id": "1"}, maker.id)
        with self.assertRaises(Refused) as caught:
            await self.devices.insert({"name": "B", "unique_id": "1"}, maker.id)
        self.assertEqual(caught.exception.constraint, "devices_unique_id")
        self.assertEqual(await self.devices.ids_of_user(maker.id), {made.id})
        self.assertTrue(await self.devices.delete(made.id))
        self.assertFalse(await self.devices.delete(made.id))
        again = await self.devices.insert({"name": "B", "unique_id": "1"})
        self.assertEqual([one.id for one in await self.devices.by_unique_ids(["1", "2"])], [again.id])

    async def test_nobody_to_link(self) -> None:
        """If the maker does not exist, no device is made."""
        with self.assertRaises(Refused):
            await self.devices.insert({"name": "A", "unique_id": "1"}, 10**9)
        self.assertEqual(await self.devices.all(), [])

    async def test_deleted(self) -> None:
        """A deleted device is found by nothing, and seen by nobody."""
        maker = await user(self.db)
        made = await self.devices.insert({"name": "A", "unique_id": "1"}, maker.id)
        await self.devices.delete(made.id)
        self.assertIsNone(await self.devices.get(made.id))
        self.assertEqual(await self.devices.by_ids([made.id]), [])
        self.assertEqual(await self.devices.of_user(maker.id), [])
        self.assertEqual(await self.devices.seen_by(maker.id), [])
        self.assertEqual(await self.devices.linked_to(maker.id), [])
        self.assertFalse(await self.devices.sees(maker.id, made.id))
        self.assertEqual(await self.devices.users_of([made.id]), {made.id: set()})
        self.assertIsNone(await self.devices.update(made.id, {"name": "x"}))
        self.assertFalse(await self.devices.set_attribute(made.id, "a", 1))

    async def test_update(self) -> None:
        """Only what is given is changed."""
        made = await device(self.db, phone="1")
        after = await self.devices.update(made.id, {"name": "New", "disabled": True})
        assert after is not None
        self.assertEqual((after.name, after.disabled, after.phone), ("New", True, "1"))

    async def test_attribute(self) -> None:
        """An attribute is set beside the others, in its place, and removed by None."""
        made = await device(self.db, attributes={"b": "\0", "a": 1})
        self.assertTrue(await self.devices.set_attribute(made.id, "c", [2]))
        await self.devices.set_attribute(made.id, "b", "new")
        found = await self.devices.get(made.id)
        assert found is not None
        self.assertEqual(list(found.attributes.items()), [("b", "new"), ("a", 1), ("c", [2])])
        await self.devices.set_attribute(made.id, "a", None)
        await self.devices.set_attribute(made.id, "never", None)
        found = await self.devices.get(made.id)
        assert found is not None
        self.assertEqual(found.attributes, {"b": "new", "c": [2]})

    async def test_attributes_at_once(self) -> None:
        """Attributes that are set at the same time do not overwrite each other."""
        made = await device(self.db)
        await defer.gatherResults(
            [defer.Deferred.fromCoroutine(self.devices.set_attribute(made.id, f"a{n}", n)) for n in range(10)]
        )
        found = await self.devices.get(made.id)
        assert found is not None
        self.assertEqual(found.attributes, {f"a{n}": n for n in range(10)})

    async def test_listing(self) -> None:
        """Lists are sorted by name; keyword and page narrow them."""
        watcher = await user(self.db)
        made = {}
        for name, model in (("C", "x"), ("A", "y"), ("B", "xx")):
            values = {"name": name, "unique_id": name, "model": model}
            made[name] = (await self.devices.insert(values, watcher.id)).id
        for ids in (
            await self.devices.all(Listing("X", limit=5)),
            await self.devices.seen_by(watcher.id, Listing("X")),
            await self.devices.linked_to(watcher.id, Listing("X")),
        ):
            self.assertEqual(ids, [made["B"], made["C"]])
        self.assertEqual(await self.devices.all(Listing(limit=1, offset=1)), [made["B"]])


class SightTests(DatabaseTestCase):
    """
    A tree of groups: top, child, grandchild, great-grandchild, each with a device; one device in no group.
    """

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.devices, self.links = Devices(self.db), Links(self.db)
        self.groups: list[int] = []
        self.ids: list[int] = []
        for _ in range(4):
            self.groups.append(await group(self.db, self.groups[-1] if self.groups else None))
            self.ids.append((await device(self.db, group_id=self.groups[-1])).id)
        self.alone = (await device(self.db)).id
        self.watcher = (await user(self.db)).id

    async def seen(self) -> list[int]:
        """Which devices the watcher sees, by all that can be asked; -1 is the one without a group."""
        ids = await self.devices.ids_of_user(self.watcher)
        self.assertEqual({one.id for one in await self.devices.of_user(self.watcher)}, ids)
        watchers = await self.devices.users_of([*self.ids, self.alone])
        self.assertEqual({id for id, users in watchers.items() if self.watcher in users}, ids)
        for id in (*self.ids, self.alone):
            self.assertEqual(await self.devices.sees(self.watcher, id), id in ids)
        return sorted(-1 if id == self.alone else self.ids.index(id) for id in ids)

    async def test_nothing(self) -> None:
        """A user without links sees nothing."""
        self.assertEqual(await self.seen(), [])

    async def test_direct(self) -> None:
        """A device that is linked is seen, until it is not linked any more."""
        self.assertTrue(await self.links.link("user", self.watcher, "device", self.alone))
        self.assertTrue(await self.links.link("user", self.watcher, "device", self.alone))
        self.assertEqual(await self.links.pairs("user", "device"), [(self.watcher, self.alone)])
        self.assertEqual(await self.seen(), [-1])
        self.assertTrue(await self.links.unlink("user", self.watcher, "device", self.alone))
        self.assertFalse(await self.links.unlink("user", self.watcher, "device", self.alone))
        self.assertEqual(await self.seen(), [])

    async def test_three_levels(self) -> None:
        """A group that is linked lends its devices, those of its children and of its grandchildren; not deeper ones."""
        await self.links.link("user", self.watcher, "group", self.groups[0])
        self.assertEqual(await self.seen(), [0, 1, 2])

    async def test_not_upwards(self) -> None:
        """A group lends nothing of the groups above it."""
        await self.links.link("user", self.watcher, "group", self.groups[2])
        self.assertEqual(await self.seen(), [2, 3])

    async def test_both_ways(self) -> None:
        """A device that is seen twice over is seen once."""
        await self.links.link("user", self.watcher, "group", self.groups[0])
        await self.links.link("user", self.watcher, "group", self.groups[1])
        await self.links.link("user", self.watcher, "device", self.ids[1])
        self.assertEqual(await self.seen(), [0, 1, 2, 3])
        self.assertEqual(len(await self.devices.of_user(self.watcher)), 4)

    async def test_deleted_group(self) -> None:
        """A deleted group lends nothing, and nothing through it."""
        await self.links.link("user", self.watcher, "group", self.groups[0])
        await self.db.run("UPDATE groups SET deleted_at = now() WHERE id = %s", [self.groups[1]])
        self.assertEqual(await self.seen(), [0])

    async def test_ring(self) -> None:
        """Groups that contain each other are no trouble."""
        await self.db.run("UPDATE groups SET group_id = %s WHERE id = %s", [self.groups[3], self.groups[0]])
        await self.links.link("user", self.watcher, "group", self.groups[2])
        self.assertEqual(await self.seen(), [0, 2, 3])

    async def test_deleted_user(self) -> None:
        """A deleted user is not among those who see a device."""
        await self.links.link("user", self.watcher, "device", self.alone)
        await self.db.run("UPDATE users SET deleted_at = now() WHERE id = %s", [self.watcher])
        self.assertEqual(await self.devices.users_of([self.alone]), {self.alone: set()})

    async def test_links(self) -> None:
        """What is linked can be asked for by kind; what does not exist can't be linked."""
        other = (await user(self.db)).id
        await self.links.link("user", self.watcher, "user", other)
        await self.links.link("user", self.watcher, "group", self.groups[1])
        self.assertEqual(await self.links.linked("user", self.watcher, "user"), {other})
        self.assertEqual(await self.links.linked("user", self.watcher, "group"), {self.groups[1]})
        self.assertEqual(await self.links.linked("user", self.watcher, "device"), set())
        self.assertFalse(await self.links.link("user", self.watcher, "device", 10**9))

    async def test_holders(self) -> None:
        """Of some users it is known who has groups at all, and may see others when a group moves."""
        other = (await user(self.db)).id
        groups = Groups(self.db)
        self.assertEqual(await groups.holders([self.watcher, other]), set())
        for one in self.groups[:2]:
            await self.links.link("user", self.watcher, "group", one)
        self.assertEqual(await groups.holders([self.watcher, other]), {self.watcher})
        self.assertEqual(await groups.holders([other]), set())
