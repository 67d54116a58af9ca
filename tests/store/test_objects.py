"""Geofences, notifications and the like in the database, whom they are linked to, and what is deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.postgres import DatabaseTestCase
from tests.store.samples import user
from trackd.store.database import Queries
from trackd.store.deletions import Deletions, Gone
from trackd.store.devices import Devices
from trackd.store.errors import Refused
from trackd.store.groups import Groups
from trackd.store.kinds import KINDS, PAIRS, REFERENCES, TABLES
from trackd.store.links import Links
from trackd.store.listing import EVERYTHING, Listing
from trackd.store.objects import Objects
from trackd.store.references import hold
from trackd.store.users import Users

# What one of each kind must have.
NEEDED: dict[str, dict[str, Any]] = {
    "geofence": {"name": "yard", "area": "CIRCLE (1 2, 3)"},
    "notification": {"type": "alarm"},
    "calendar": {"name": "days", "data": b"BEGIN:VCALENDAR"},
    "attribute": {"description": "d", "attribute": "a", "expression": "1", "type": "number"},
    "driver": {"name": "Dora", "unique_id": "dora"},
    "maintenance": {"name": "oil", "type": "hours"},
    "command": {"description": "stop", "type": "custom"},
    "order": {"unique_id": "o"},
    "report": {"description": "r", "type": "trips"},
}


class ObjectsTestCase(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.objects, self.links, self.deletions = Objects(self.db), Links(self.db), Deletions(self.db)
        self.devices, self.groups, self.users = Devices(self.db), Groups(self.db), Users(self.db)
        self.ann = (await user(self.db)).id

    async def made(self, kind: str, **values: Any) -> int:
        if kind == "report":
            values.setdefault("calendar_id", await self.made("calendar"))
        return int((await self.objects.insert(kind, {**NEEDED[kind], **values}, self.ann)).id)

    async def row(self, kind: str, id: int) -> Any:
        row = await self.objects.get(kind, id)
        assert row is not None
        return row

    async def device(self, unique_id: str = "one", **values: Any) -> int:
        return (await self.devices.insert({"name": unique_id, "unique_id": unique_id, **values}, self.ann)).id

    async def group(self, **values: Any) -> int:
        return (await self.groups.insert({"name": "g", **values}, self.ann)).id


class ObjectTests(ObjectsTestCase):
    async def test_kinds(self) -> None:
        """Each kind can be made, found, changed, listed and deleted, and is linked to who made it."""
        self.assertEqual(set(NEEDED), set(KINDS))
        for kind in KINDS:
            id = await self.made(kind)
            row = await self.objects.get(kind, id)
            self.assertIsInstance(row, KINDS[kind].row)
            self.assertTrue(await self.objects.linked(kind, self.ann, id))
            self.assertFalse(await self.objects.linked(kind, self.ann + 1, id))
            column = KINDS[kind].sort
            self.assertEqual(getattr(await self.objects.update(kind, id, {column: "new"}), column), "new")
            self.assertEqual(await self.objects.ids(kind, ("user", self.ann)), [id])
            self.assertTrue(await self.objects.delete(kind, id))
            self.assertFalse(await self.objects.delete(kind, id))
            self.assertIsNone(await self.objects.get(kind, id))
            self.assertIsNone(await self.objects.update(kind, id, {column: "x"}))
            self.assertFalse(await self.objects.linked(kind, self.ann, id))
            self.assertEqual((await self.objects.ids(kind), await self.objects.rows(kind, [id])), ([], []))

    async def test_lists(self) -> None:
        """A list has what is linked to all of its owners; a keyword, a page and an order can be asked for."""
        device, group = await self.device(), await self.group()
        ids = [await self.made("driver", name=name, unique_id=name) for name in ("c", "a", "b")]
        await self.links.link("device", device, "driver", ids[0])
        await self.links.link("device", device, "driver", ids[1])
        await self.links.link("group", group, "driver", ids[1])

        async def names(*owners: tuple[str, int], listing: Listing = EVERYTHING) -> str:
            ids = await self.objects.ids("driver", *owners, listing=listing)
            return "".join([row.name for row in await self.objects.rows("driver", ids)])

        self.assertEqual(await names(), "abc")
        self.assertEqual(await names(("user", self.ann), ("device", device)), "ac")
        self.assertEqual(await names(("device", device), ("group", group)), "a")
        self.assertEqual(await names(("user", self.ann + 1)), "")
        self.assertEqual(await names(("device", device), listing=Listing("C")), "c")
        self.assertEqual(await names(listing=Listing(limit=1, offset=1)), "b")

    async def test_lent(self) -> None:
        """A device has what is linked to it and to the groups above it, however far; a ring of groups is no trouble."""
        top = await self.group()
        below = await self.group(group_id=top)
        await self.groups.update(top, {"group_id": below})
        device = await self.device(group_id=below)
        of_device, of_top, nobodys = [await self.made("command", description=name) for name in ("a", "b", "c")]
        await self.links.link("device", device, "command", of_device)
        await self.links.link("group", top, "command", of_top)
        found = await self.objects.lent("command", self.ann, device)
        self.assertEqual([row.id for row in found], [of_device, of_top])
        self.assertEqual(await self.objects.lent("command", self.ann + 1, device), [])
        self.assertNotIn(nobodys, [row.id for row in found])

    async def test_all_pairs(self) -> None:
        """Every pair has a table with the columns that it says."""
        for pair in PAIRS.values():
            self.assertEqual(await self.links.pairs(pair.owner, pair.kind), [])

    async def test_references(self) -> None:
        """Nothing refers to what is not there, or is deleted."""
        gone = await self.made("calendar")
        await self.objects.delete("calendar", gone)
        for id in (gone, 10**9):
            with self.assertRaises(Refused) as caught:
                await self.made("geofence", calendar_id=id)
            self.assertEqual(caught.exception.sqlstate, "23503")
            with self.assertRaises(Refused):
                await self.device(f"with {id}", calendar_id=id)
        for reference in REFERENCES:
            await self.db.query(f"SELECT {reference.column} FROM {TABLES[reference.kind]}")

    async def test_links_of_deleted(self) -> None:
        """What is deleted can't be linked."""
        geofence, device = await self.made("geofence"), await self.device()
        await self.objects.delete("geofence", geofence)
        self.assertFalse(await self.links.link("device", device, "geofence", geofence))
        self.assertFalse(await self.links.link("user", self.ann, "geofence", geofence))


class DeletionTests(ObjectsTestCase):
    async def test_links_and_references(self) -> None:
        """What was cut off from what is deleted is there again when it comes back."""
        calendar, device, group = await self.made("calendar"), await self.device(), await self.group()
        geofence = await self.made("geofence", calendar_id=calendar)
        await self.devices.update(device, {"calendar_id": calendar, "group_id": group})
        await self.links.link("device", device, "geofence", geofence)
        report = await self.made("report", calendar_id=calendar)
        await self.objects.delete("calendar", calendar, self.ann)
        await self.groups.delete(group)
        found = await self.devices.get(device)
        assert found is not None
        self.assertEqual((found.calendar_id, found.group_id), (None, None))
        self.assertEqual((await self.row("geofence", geofence)).calendar_id, None)
        self.assertIsNone(await self.objects.get("report", report))
        listed = await self.deletions.all()
        self.assertEqual(
            {(one.kind, one.id) for one in listed}, {("calendar", calendar), ("group", group), ("report", report)}
        )
        self.assertEqual([(one.title, one.by) for one in await self.deletions.all("calendar")], [("days", self.ann)])
        await self.deletions.bring_back("calendar", calendar)
        await self.deletions.bring_back("group", group)
        found = await self.devices.get(device)
        assert found is not None
        self.assertEqual((found.calendar_id, found.group_id), (calendar, group))
        self.assertEqual((await self.row("geofence", geofence)).calendar_id, calendar)
        self.assertEqual((await self.row("report", report)).calendar_id, calendar)
        self.assertTrue(await self.objects.linked("calendar", self.ann, calendar))
        self.assertTrue(await self.objects.linked("report", self.ann, report))
        self.assertEqual(await self.deletions.all(), [])

    async def test_kept_elsewhere(self) -> None:
        """What has got another group meanwhile keeps it."""
        one, two = await self.group(), await self.group()
        device = await self.device(group_id=one)
        await self.groups.delete(one)
        await self.devices.update(device, {"group_id": two})
        await self.deletions.bring_back("group", one)
        found = await self.devices.get(device)
        self.assertEqual(found and found.group_id, two)

    async def test_meanwhile(self) -> None:
        """What is made to refer to something while that is being deleted does not refer to it afterwards."""
        calendar = await self.made("calendar")
        deleting: list[Deferred[bool]] = []

        async def refer(queries: Queries) -> int:
            await hold(queries, {"calendar_id": calendar})
            deleting.append(Deferred.fromCoroutine(self.objects.delete("calendar", calendar)))
            while not await self.db.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
                await deferLater(self.db.reactor, 0.01)
            values = "INSERT INTO geofences (name, area, calendar_id) VALUES ('n', 'a', %s) RETURNING id"
            return int((await queries.query(values, [calendar]))[0][0])

        geofence = await self.db.transaction(refer)
        self.assertTrue(await deleting[0])
        self.assertIsNone((await self.row("geofence", geofence)).calendar_id)
        await self.deletions.bring_back("calendar", calendar)
        self.assertEqual((await self.row("geofence", geofence)).calendar_id, calendar)

    async def test_both_ends(self) -> None:
        """A link whose both ends were deleted is there again when both are back, whichever comes first."""
        for first, second in (("device", "geofence"), ("geofence", "device")):
            device, geofence = await self.device(first), await self.made("geofence")
            await self.links.link("device", device, "geofence", geofence)
            await self.devices.delete(device)
            await self.objects.delete("geofence", geofence)
            ids = {"device": device, "geofence": geofence}
            await self.deletions.bring_back(first, ids[first])
            self.assertEqual(await self.links.linked("device", device, "geofence"), set())
            await self.deletions.bring_back(second, ids[second])
            self.assertEqual(await self.links.linked("device", device, "geofence"), {geofence})

    async def test_reference_gone(self) -> None:
        """What comes back before what it refers to is without it, until that is back too."""
        calendar = await self.made("calendar")
        geofence = await self.made("geofence", calendar_id=calendar)
        await self.objects.delete("geofence", geofence)
        await self.objects.delete("calendar", calendar)
        await self.deletions.bring_back("geofence", geofence)
        self.assertIsNone((await self.row("geofence", geofence)).calendar_id)
        await self.deletions.bring_back("calendar", calendar)
        self.assertEqual((await self.row("geofence", geofence)).calendar_id, calendar)

    async def test_nothing_without(self) -> None:
        """A report is nothing without its calendar, a notification nothing without its command."""
        report = await self.made("report")
        calendar = (await self.row("report", report)).calendar_id
        command = await self.made("command")
        notification = await self.made("notification", command_id=command)
        await self.objects.delete("calendar", calendar)
        await self.objects.delete("command", command)
        self.assertIsNone(await self.objects.get("notification", notification))
        with self.assertRaises(Gone) as caught:
            await self.deletions.bring_back("report", report)
        self.assertIn(f"calendar {calendar}", str(caught.exception))
        await self.deletions.bring_back("command", command)
        self.assertEqual((await self.row("notification", notification)).command_id, command)

    async def test_taken(self) -> None:
        """What is unique and has been taken meanwhile keeps it from coming back, and nothing is changed."""
        device, driver = await self.device("van"), await self.made("driver")
        await self.devices.delete(device)
        await self.objects.delete("driver", driver)
        await self.device("van")
        await self.made("driver")
        for kind, id in (("device", device), ("driver", driver)):
            with self.assertRaises(Gone) as caught:
                await self.deletions.bring_back(kind, id)
            self.assertEqual(
                str(caught.exception), f"{kind} {id} cannot come back: another one has its unique id by now"
            )
        self.assertEqual(await self.deletions.count(), 2)

    async def test_user(self) -> None:
        """A user comes back with what it had; its sessions and tokens do not."""
        bob = (await user(self.db)).id
        device, geofence = await self.device(), await self.made("geofence")
        for kind, id in (("device", device), ("geofence", geofence), ("user", self.ann)):
            await self.links.link("user", bob, kind, id)
        await self.links.link("user", self.ann, "user", bob)
        await self.users.delete(bob, self.ann)
        self.assertFalse(await self.users.manages(self.ann, bob))
        await self.deletions.bring_back("user", bob)
        self.assertEqual(await self.devices.ids_of_user(bob), {device})
        self.assertTrue(await self.objects.linked("geofence", bob, geofence))
        self.assertTrue(await self.users.manages(self.ann, bob))
        self.assertTrue(await self.users.manages(bob, self.ann))

    async def test_linked_devices(self) -> None:
        """Devices that are linked to each other, and to themselves."""
        one, two = await self.device("one"), await self.device("two")
        for owner, other in ((one, two), (two, one), (one, one)):
            await self.links.link("device", owner, "device", other)
        await self.devices.delete(one)
        self.assertEqual(await self.links.pairs("device", "device"), [])
        await self.deletions.bring_back("device", one)
        self.assertEqual(await self.links.pairs("device", "device"), [(one, one), (one, two), (two, one)])

    async def test_queue(self) -> None:
        """Commands that waited for a device do not wait for it when it comes back."""
        device = await self.device()
        await self.db.run("INSERT INTO queued_commands (device_id, type) VALUES (%s, 'engineStop')", [device])
        await self.devices.delete(device)
        await self.deletions.bring_back("device", device)
        self.assertEqual(await self.db.query("SELECT FROM queued_commands"), [])

    async def test_unknown(self) -> None:
        """What was not deleted can't be brought back."""
        for kind, id in (("device", await self.device()), ("geofence", 10**9)):
            with self.assertRaises(Gone):
                await self.deletions.bring_back(kind, id)

    async def test_tidied(self) -> None:
        """After its time it is gone for good, with all that hangs on it; what was deleted later stays."""
        old, calendar = await self.device("old"), await self.made("calendar")
        report = await self.made("report", calendar_id=calendar)
        await self.devices.delete(old)
        await self.objects.delete("calendar", calendar)
        for table in ("devices", "calendars", "reports", "deletions"):
            await self.db.run(
                f"UPDATE {table} SET deleted_at = deleted_at - interval '31 days' WHERE deleted_at IS NOT NULL"
            )
        young = await self.device("young")
        await self.devices.delete(young)
        await self.deletions.tidy(timedelta(days=30))
        self.assertEqual(await self.db.query("SELECT id FROM devices"), [(young,)])
        self.assertEqual(await self.db.query("SELECT FROM reports WHERE id = %s", [report]), [])
        self.assertEqual([(one.kind, one.id) for one in await self.deletions.all()], [("device", young)])
