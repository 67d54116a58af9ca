"""Notifications of users, as they are stored and linked."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import deferLater

from tests.postgres import DatabaseTestCase
from trackd.store.devices import Devices
from trackd.store.groups import Groups
from trackd.store.notices import Notices
from trackd.store.objects import Objects
from trackd.store.users import Users


class NoticesTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.notices, self.objects = Notices(self.db), Objects(self.db)
        self.user = (await Users(self.db).insert({"name": "ann", "email": "ann@example.org"})).id

    async def made(self, notificators: str | None = "mail, web", **values: Any) -> int:
        said = {"type": "alarm", "always": False, "notificators": notificators, **values}
        return int((await self.objects.insert("notification", said, self.user)).id)

    async def test_channel(self) -> None:
        """Those are found that go the way that is asked for."""
        for number, ways in enumerate(("web", "mail,web", " mail , web ", "mail", "webmail", None)):
            await self.made(ways, type=f"type {number}")
        found = [row.type for row in await self.notices.of_user(self.user, "web")]
        self.assertEqual(found, ["type 0", "type 1", "type 2"])
        self.assertEqual(await self.notices.of_user(self.user + 1, "web"), [])

    async def test_devices(self) -> None:
        """The devices are those that are linked, and those of linked groups and of all groups below them."""
        id = await self.made(attributes={"alarms": "sos"})
        above = (await Groups(self.db).insert({"name": "above"}, None)).id
        below = (await Groups(self.db).insert({"name": "below", "group_id": above}, None)).id
        one, two, three = [
            (await Devices(self.db).insert({"name": name, "unique_id": name, "group_id": group}, None)).id
            for name, group in (("one", None), ("two", below), ("three", None))
        ]
        await self.db.run("INSERT INTO device_notification VALUES (%s, %s)", [one, id])
        await self.db.run("INSERT INTO group_notification VALUES (%s, %s)", [above, id])
        (row,) = await self.notices.of_user(self.user, "web")
        self.assertEqual((sorted(row.devices), row.attributes), ([one, two], {"alarms": "sos"}))
        self.assertNotIn(three, row.devices)

    async def test_calendar(self) -> None:
        """A notification comes with its calendar."""
        calendar = (await self.objects.insert("calendar", {"name": "c", "data": b"x"}, self.user)).id
        await self.made(calendar_id=calendar)
        (row,) = await self.notices.of_user(self.user, "web")
        self.assertEqual(bytes(row.calendar or b""), b"x")

    async def test_told(self) -> None:
        """Servers are told of each change that concerns a user's notifications."""
        heard: list[str] = []
        await self.db.listen("changes", heard.append, lambda: None)
        id = await self.made()
        await self.until(heard, 1)
        await self.db.run("UPDATE notifications SET always = true WHERE id = %s", [id])
        await self.until(heard, 2)
        await self.db.run("DELETE FROM user_notification WHERE notification_id = %s", [id])
        await self.until(heard, 3)

    async def until(self, heard: list[str], count: int) -> None:
        """Wait until so many changes of rights have been heard of."""
        for _ in range(500):
            if heard.count(f"rights {self.user}") >= count:
                return
            await deferLater(self.db.reactor, 0.01)
        raise AssertionError(heard)
