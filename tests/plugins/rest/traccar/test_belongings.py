"""Geofences, notifications, calendars and the like: what is the same for all, and what is not."""

from __future__ import annotations

import base64
from typing import Any

from tests.rest.house import HouseTestCase
from tests.store.samples import latest

DAYS = base64.b64encode(
    b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101T000000Z\nEND:VEVENT\nEND:VCALENDAR\n"
).decode()
# One of each kind, by its path.
BODIES: dict[str, dict[str, Any]] = {
    "geofences": {"name": "yard", "area": "CIRCLE (48 11, 100)"},
    "notifications": {"type": "alarm", "notificators": "web"},
    "calendars": {"name": "days", "data": DAYS},
    "drivers": {"name": "Dora", "uniqueId": "dora"},
    "maintenance": {"name": "oil", "type": "hours", "start": 1, "period": 2.5},
    "commands": {"description": "stop", "type": "custom"},
    "orders": {"uniqueId": "o"},
    "reports": {"type": "trips", "description": "weekly"},
}
# What is said of a member that is missing.
NEEDED = {
    path: {name for name in body if name not in ("notificators", "start", "period")} for path, body in BODIES.items()
}


class BelongingsTestCase(HouseTestCase):
    async def made(self, who: dict[str, str], path: str, **more: Any) -> int:
        body = {**BODIES.get(path, {}), **more}
        if path == "reports":
            body.setdefault("calendarId", await self.made(who, "calendars"))
        answer = await self.call("POST", f"/api/{path}", who, json=body)
        self.assertEqual(answer.status, 200, answer.text)
        return int(answer.value["id"])

    async def names(self, who: dict[str, str], path: str, query: str = "") -> list[int]:
        answer = await self.call("GET", f"/api/{path}{query}", who)
        self.assertEqual(answer.status, 200, answer.text)
        return [one["id"] for one in answer.value]

    async def link(self, who: dict[str, str], **members: int) -> int:
        return (await self.call("POST", "/api/permissions", who, json=members)).status


class AllKindsTests(BelongingsTestCase):
    async def test_life(self) -> None:
        """Each kind is made, shown, replaced and deleted by its owner, and by nobody else but an administrator."""
        ann, bob = await self.user("ann"), await self.user("bob")
        root = await self.user("root", administrator=True)
        for path, body in BODIES.items():
            id = await self.made(ann, path, attributes={"a": 1})
            shown = (await self.call("GET", f"/api/{path}/{id}", ann)).value
            self.assertEqual({name: shown[name] for name in (*body, "attributes")}, {**body, "attributes": {"a": 1}})
            self.assertEqual(await self.names(ann, path, "?excludeAttributes=true"), [id])
            self.assertEqual((await self.names(bob, path), await self.names(root, path)), ([], []))
            self.assertEqual(
                (await self.names(bob, path, "?all=true"), await self.names(root, path, "?all=true")), ([], [id])
            )
            self.assertEqual((await self.call("GET", f"/api/{path}?userId={self.ids['ann']}", bob)).status, 400)
            changed = {**shown, "attributes": {}}
            # The id in the body counts, not that of the path.
            self.assertEqual((await self.call("PUT", f"/api/{path}/1000000", ann, json=changed)).status, 200)
            self.assertEqual((await self.call("GET", f"/api/{path}/{id}", root)).value, changed)
            for who, method, sent in (
                (bob, "PUT", changed),
                (ann, "PUT", {**changed, "id": 10**9}),
                (bob, "DELETE", None),
            ):
                answer = await self.call(method, f"/api/{path}/{id}", who, json=sent)
                self.assertEqual((answer.status, "access denied" in answer.text), (400, True), f"{method} {path}")
            self.assertEqual((await self.call("DELETE", f"/api/{path}/{id}", ann)).status, 204)
            self.assertEqual((await self.call("GET", f"/api/{path}/{id}", root)).status, 404)

    async def test_lines(self) -> None:
        """The text of a calendar may be broken into lines, and comes back in one."""
        ann = await self.user("ann")
        id = await self.made(ann, "calendars", data=f"{DAYS[:20]}\r\n{DAYS[20:]}\n")
        self.assertEqual(DAYS, (await self.call("GET", f"/api/calendars/{id}", ann)).value["data"])

    async def test_needed(self) -> None:
        """What must be there is asked for; a member that nobody knows is refused."""
        ann = await self.user("ann")
        for path, body in BODIES.items():
            if path == "reports":
                body = {**body, "calendarId": await self.made(ann, "calendars")}
            for name in NEEDED[path] | ({"calendarId"} if path == "reports" else set()):
                sent = {member: value for member, value in body.items() if member != name}
                answer = await self.call("POST", f"/api/{path}", ann, json=sent)
                self.assertEqual((answer.status, "is missing" in answer.text), (400, True), f"{path} {name}")
            status = (await self.call("POST", f"/api/{path}", ann, json={**body, "strange": 1})).status
            self.assertEqual(status, 200 if path == "commands" else 400)

    async def test_readonly(self) -> None:
        """Who is read-only changes nothing."""
        ann = await self.user("ann", readonly=True)
        for path, body in BODIES.items():
            self.assertEqual(
                (
                    await self.call(
                        "POST", f"/api/{path}", ann, json={**body, "calendarId": 1} if path == "reports" else body
                    )
                ).text,
                "Write access denied",
            )

    async def test_keyword(self) -> None:
        """A keyword is a keyword, whatever stands in it."""
        ann = await self.user("ann")
        id = await self.made(ann, "drivers", name="O'Hara; DROP TABLE drivers--")
        for keyword, found in (("o%27hara%3B", [id]), ("dora", [id]), ("x%27%20OR%20%271%27%3D%271", []), ("%00", [])):
            self.assertEqual(await self.names(ann, "drivers", f"?keyword={keyword}"), found)
        self.assertEqual(await self.names(ann, "drivers", "?limit=1&offset=1"), [])


class ReferenceTests(BelongingsTestCase):
    async def test_newly_set(self) -> None:
        """Who makes something refer to a calendar or a command must have access to it; what refers already may stay."""
        ann, bob = await self.user("ann"), await self.user("bob")
        root = await self.user("root", administrator=True)
        calendar, command = await self.made(ann, "calendars"), await self.made(ann, "commands")
        for path, member, id in (
            ("geofences", "calendarId", calendar),
            ("notifications", "calendarId", calendar),
            ("notifications", "commandId", command),
            ("reports", "calendarId", calendar),
            ("devices", "calendarId", calendar),
        ):
            body = {**BODIES.get(path, {"name": "d", "uniqueId": "d"}), member: id}
            answer = await self.call("POST", f"/api/{path}", bob, json=body)
            self.assertEqual((answer.status, "access denied" in answer.text), (400, True), path)
            missing = await self.call("POST", f"/api/{path}", root, json={**body, member: 10**9})
            self.assertEqual(missing.status, 400, path)
        geofence = await self.made(ann, "geofences", calendarId=calendar)
        await self.link(root, userId=self.ids["bob"], geofenceId=geofence)
        shown = (await self.call("GET", f"/api/geofences/{geofence}", bob)).value
        self.assertEqual((await self.call("PUT", "/api/geofences/x", bob, json={**shown, "name": "n"})).status, 200)

    async def test_deleted(self) -> None:
        """A calendar takes its reports with it, a command its notifications; others do without."""
        ann = await self.user("ann")
        calendar, command = await self.made(ann, "calendars"), await self.made(ann, "commands")
        geofence = await self.made(ann, "geofences", calendarId=calendar)
        await self.made(ann, "reports", calendarId=calendar)
        await self.made(ann, "notifications", commandId=command)
        await self.call("DELETE", f"/api/calendars/{calendar}", ann)
        await self.call("DELETE", f"/api/commands/{command}", ann)
        self.assertEqual((await self.names(ann, "reports"), await self.names(ann, "notifications")), ([], []))
        self.assertEqual((await self.call("GET", f"/api/geofences/{geofence}", ann)).value["calendarId"], 0)


class LinkTests(BelongingsTestCase):
    async def test_of_devices_and_groups(self) -> None:
        """Links of a device or a group lend nothing to users, and choose among what the users have."""
        ann, bob = await self.user("ann"), await self.user("bob")
        root = await self.user("root", administrator=True)
        device = await self.device(ann)
        group = await self.made(ann, "groups", name="g")
        one, two = await self.made(ann, "geofences", name="a"), await self.made(ann, "geofences", name="b")
        self.assertEqual(await self.link(ann, deviceId=device, geofenceId=one), 204)
        self.assertEqual(await self.link(ann, groupId=group, geofenceId=two), 204)
        self.assertEqual(await self.link(root, userId=self.ids["bob"], deviceId=device), 204)
        self.assertEqual(await self.names(bob, "geofences", f"?deviceId={device}"), [])
        self.assertEqual(await self.names(ann, "geofences", f"?deviceId={device}"), [one])
        self.assertEqual(await self.names(ann, "geofences", f"?groupId={group}"), [two])
        self.assertEqual(await self.names(ann, "geofences", f"?groupId={group}&deviceId={device}"), [])
        self.assertEqual(await self.link(bob, deviceId=device, geofenceId=two), 400)
        self.assertEqual((await self.call("GET", f"/api/geofences?groupId={group}", bob)).status, 400)
        # The other way round: what is one's own, to what is not.
        own = await self.made(bob, "geofences")
        self.assertEqual(await self.link(bob, groupId=group, geofenceId=own), 400)
        self.assertEqual(await self.link(bob, userId=self.ids["ann"], geofenceId=own), 400)

    async def test_linked_devices(self) -> None:
        """A device's linked devices are listed with it, as far as the caller sees them."""
        ann, bob = await self.user("ann"), await self.user("bob")
        root = await self.user("root", administrator=True)
        one, two, three = [await self.device(ann, name) for name in ("one", "two", "three")]
        for other in (two, three):
            self.assertEqual(await self.link(ann, deviceId=one, linkedDeviceId=other), 204)
        for id in (one, two):
            await self.link(root, userId=self.ids["bob"], deviceId=id)
        self.assertEqual(sorted(await self.names(ann, "devices", f"?deviceId={one}")), [two, three])
        self.assertEqual(await self.names(bob, "devices", f"?deviceId={one}"), [two])
        self.assertEqual(await self.names(root, "devices", f"?deviceId={one}"), [])
        self.assertEqual(sorted(await self.names(root, "devices", f"?deviceId={one}&all=true")), [two, three])
        self.assertEqual((await self.call("GET", f"/api/devices?deviceId={three}", bob)).status, 400)

    async def test_shapes(self) -> None:
        """A link has two members that can be linked, the owner first; everything else is refused."""
        root = await self.user("root", administrator=True)
        device, geofence = await self.device(root), await self.made(root, "geofences")
        for body, status in (
            ({"deviceId": device, "geofenceId": geofence}, 204),
            ({"DEVICEID": str(device), "geofenceid": str(geofence)}, 204),
            ({"geofenceId": geofence, "deviceId": device}, 400),
            ({"deviceId": device, "DEVICEID": device}, 400),
            ({"groupId": 1, "linkedDeviceId": device}, 400),
            ({"deviceId": device, "calendarId": 1}, 400),
            ({"deviceId": device}, 400),
            ({"deviceId": device, "geofenceId": geofence, "driverId": 1}, 400),
            ({"deviceId": device, "geofenceId": None}, 400),
            ({"deviceId": 10**9, "geofenceId": geofence}, 400),
            ({"deviceId": device, "geofenceId": 10**9}, 400),
        ):
            self.assertEqual((await self.call("POST", "/api/permissions", root, json=body)).status, status, body)
        answer = await self.call("GET", f"/api/permissions?deviceId={device}&geofenceId=0", root)
        self.assertEqual(answer.value, [{"deviceid": device, "geofenceid": geofence}])
        for _ in range(2):
            gone = await self.call(
                "DELETE", "/api/permissions", root, json={"deviceId": device, "geofenceId": geofence}
            )
            self.assertEqual(gone.status, 204)

    async def test_deleted(self) -> None:
        """What is deleted is in no list of anybody, and cannot be linked."""
        ann = await self.user("ann")
        device, geofence = await self.device(ann), await self.made(ann, "geofences")
        await self.link(ann, deviceId=device, geofenceId=geofence)
        await self.call("DELETE", f"/api/geofences/{geofence}", ann)
        self.assertEqual(await self.names(ann, "geofences", f"?deviceId={device}"), [])
        self.assertEqual(await self.link(ann, deviceId=device, geofenceId=geofence), 400)


class ComputedTests(BelongingsTestCase):
    async def tried(self, who: dict[str, str], expression: str, query: str, type: str = "number") -> tuple[int, str]:
        body = {"expression": expression, "type": type}
        answer = await self.call("POST", f"/api/attributes/computed/test{query}", who, json=body)
        return answer.status, answer.text

    async def test_tried(self) -> None:
        """An expression is tried on the last position of the device that is named, and of no other."""
        root, ann = await self.user("root", administrator=True), await self.user("ann")
        device = await self.device(ann)
        self.assertEqual((await self.tried(root, "1", f"?deviceId={device}"))[0], 400)
        await latest(self.db, device, self.time.now(), attributes='{"adc1": 7, "s": "x"}', speed=10.0)
        for expression, type, wanted in (
            ("adc1 / 2", "number", (200, "3")),
            ("speed * 2", "number", (200, "20.0")),
            ("speed * 2", "string", (200, "20.0")),
            ("adc1 > 5", "boolean", (200, "true")),
            ("s + 1", "number", (200, "x1")),
            ("null", "string", (204, "")),
            ("[1, [2]]", "number", (200, "[1, [2]]")),
        ):
            self.assertEqual(await self.tried(root, expression, f"?deviceId={device}", type), wanted, expression)
        for expression in ("missing", "((", "1 / 0", "var x = 1", "__import__('os')"):
            self.assertEqual((await self.tried(root, expression, f"?deviceId={device}"))[0], 400, expression)
        self.assertEqual(await self.tried(root, "1", ""), (400, "deviceId is needed"))
        self.assertEqual(await self.tried(ann, "1", f"?deviceId={device}"), (400, "Administrator access required"))

    async def test_written(self) -> None:
        """Computed attributes are an administrator's to write, and have no free attributes."""
        root, ann = await self.user("root", administrator=True), await self.user("ann")
        body = {"description": "d", "attribute": "a", "expression": "1", "type": "number"}
        self.assertEqual((await self.call("POST", "/api/attributes/computed", ann, json=body)).status, 400)
        self.assertEqual(
            (await self.call("POST", "/api/attributes/computed", root, json={**body, "attributes": {}})).status, 400
        )
        id = await self.made(root, "attributes/computed", **body)
        await self.link(root, userId=self.ids["ann"], attributeId=id)
        self.assertEqual(await self.names(ann, "attributes/computed"), [id])
        shown = await self.call("GET", "/api/attributes/computed?excludeAttributes=true", ann)
        self.assertEqual(shown.value, [{"id": id, **body, "priority": 0}])


class CheckTests(BelongingsTestCase):
    async def test_areas(self) -> None:
        """The area of a geofence is one, when it is made and when it is changed."""
        ann = await self.user("ann")
        id = await self.made(ann, "geofences")
        for area in (
            "",
            "TRIANGLE (1 2)",
            "CIRCLE (1 2)",
            "POLYGON ((91 0, 0 0, 0 1))",
            None,
            "CIRCLE (1 2, 3)" + " " * 5000,
        ):
            for method, path, more in (("POST", "/api/geofences", {}), ("PUT", f"/api/geofences/{id}", {"id": id})):
                answer = await self.call(method, path, ann, json={"name": "n", "area": area, **more})
                self.assertEqual((answer.status, len(answer.text.splitlines())), (400, 1), area)
        self.assertEqual((await self.call("GET", f"/api/geofences/{id}", ann)).value["area"], "CIRCLE (48 11, 100)")

    async def test_calendars(self) -> None:
        """The data of a calendar is one, in base64, and not too long."""
        ann = await self.user("ann")
        for data in ("", "!!!", "AAAA", None, DAYS[:-8], base64.b64encode(b"x" * 70_000).decode(), 5):
            answer = await self.call("POST", "/api/calendars", ann, json={"name": "c", "data": data})
            self.assertEqual((answer.status, len(answer.text.splitlines())), (400, 1), str(data)[:20])
        self.assertEqual(
            (await self.call("POST", "/api/calendars", ann, json={"name": "c", "data": DAYS})).value["data"], DAYS
        )
