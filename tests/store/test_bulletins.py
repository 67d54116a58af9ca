"""What servers tell each other of what they have committed."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.postgres import DatabaseTestCase
from tests.store.samples import NOON, after, device, latest, position
from tests.store.test_committer import report
from trackd.store.batch import Batch
from trackd.store.bulletins import LENGTH, Bulletin, Elsewhere, bulletins, parsed, told
from trackd.store.report import Event, State


class BulletinTests(SynchronousTestCase):
    def test_short(self) -> None:
        """Ids in a row are said by the first and the last."""
        [payload] = told(Bulletin(7, [1000, 1001, 1002, 1004], [31], [5, 8, 9]))
        self.assertEqual("7 p 1000-1002 1004 e 31 d 5 8-9", payload)
        self.assertEqual(Bulletin(7, [1000, 1001, 1002, 1004], [31], [5, 8, 9]), parsed(payload))

    def test_nothing(self) -> None:
        """What nobody needs to know is not said."""
        self.assertEqual([], list(told(Bulletin(7))))

    def test_long(self) -> None:
        """What does not fit into one payload is said in several, and nothing is lost."""
        random = Random(1)
        ids = [sorted(random.sample(range(10**15, 10**15 + 10_000), 3000)) for _ in range(3)]
        payloads = list(told(Bulletin(12345, *ids)))
        self.assertGreater(len(payloads), 3)
        self.assertLess(max(map(len, payloads)), LENGTH + 100)
        found = [parsed(payload) for payload in payloads]
        self.assertEqual({12345}, {one.node for one in found})
        for at, name in enumerate(("positions", "events", "devices")):
            self.assertEqual(ids[at], [id for one in found for id in getattr(one, name)])

    def test_batch(self) -> None:
        """Positions are told that are the latest of their device; of devices without one that they were heard."""
        batch = Batch()
        for id, number, late in ((1, 100, False), (1, 101, False), (2, 102, True), (3, 103, False)):
            one = report(id)
            one.id, one.state = number, State(id, fix=None if late else one.fix)
            batch.reports.append(one)
        batch.reports[0].events = [Event(1, "alarm", NOON, id=55)]
        batch.events = [Event(9, "deviceOnline", NOON, id=56)]
        batch.signs = {9: ("online", NOON, 0)}
        self.assertEqual(["4 p 100-101 103 e 55-56 d 2 9"], bulletins(4, batch))


class ReadingTests(DatabaseTestCase):
    async def test_positions(self) -> None:
        """The positions of these ids, of these devices, in the order of their ids."""
        stored = [await position(self.db, id, after(second)) for second, id in enumerate((1, 2, 1, 3))]
        elsewhere, ids = Elsewhere(self.db), [row.id for row in stored]
        self.assertEqual([row.id for row in await elsewhere.positions(ids[::-1], {1, 3})], [ids[0], ids[2], ids[3]])
        many = set(range(1, 5000)) - {2}
        self.assertEqual([row.id for row in await elsewhere.positions(ids[:3], many)], [ids[0], ids[2]])

    async def test_events(self) -> None:
        """The events of these ids, of these devices."""
        await self.db.run(
            "INSERT INTO events (id, device_id, type, event_time) SELECT n, n %% 2, 'alarm', %s"
            " FROM generate_series(1, 6) n",
            [NOON],
        )
        self.assertEqual([row.id for row in await Elsewhere(self.db).events([5, 2, 3, 99], {1})], [3, 5])

    async def test_devices(self) -> None:
        """Devices come with their states; deleted ones do not."""
        one, two = [await device(self.db, name=name) for name in ("One", "Two")]
        await self.db.run("UPDATE device_states SET status = 'online' WHERE device_id = %s", [one.id])
        await self.db.run("UPDATE devices SET deleted_at = now() WHERE id = %s", [two.id])
        found = await Elsewhere(self.db).devices([one.id, two.id])
        self.assertEqual([(row.name, state.status) for row, state in found.values()], [("One", "online")])

    async def test_newest(self) -> None:
        """The latest positions of devices that others have, or had before they died, from an id on."""
        ids = [(await device(self.db)).id for _ in range(5)]
        last = [await latest(self.db, id, after(second)) for second, id in enumerate(ids)]
        for id, node, epoch in zip(ids, (2, 1, 2, None, None), (1, 1, 1, 2, 0), strict=True):
            await self.db.run(
                "UPDATE device_states SET node_id = %s, epoch = %s WHERE device_id = %s", [node, epoch, id]
            )
        elsewhere = Elsewhere(self.db)
        for since, expected in ((0, [0, 2, 3]), (last[0].id + 1, [2, 3])):
            found = await elsewhere.newest(1, ids, since)
            self.assertEqual(sorted(row.id for row in found), [last[number].id for number in expected])
        self.assertEqual([ids[0], ids[2], ids[3]], sorted(await elsewhere.of_others(1, ids)))
