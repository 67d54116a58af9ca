"""Devices, users, positions and commands over HTTP: what recordings do not say, or say only in passing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from tests.rest.house import HouseTestCase, MemoryCommands
from tests.store.samples import NOON, after, latest, position


class PositionTests(HouseTestCase):
    options = {"most_positions": 2500}

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.ann = await self.user("ann")
        self.device_id = await self.device(self.ann)

    async def range(self, start: str = "2024-05-15T12:00:00Z", end: str = "2024-05-16T12:00:00Z") -> Any:
        answer = await self.call("GET", f"/api/positions?deviceId={self.device_id}&from={start}&to={end}", self.ann)
        self.assertEqual(answer.status, 200)
        return answer

    async def test_none(self) -> None:
        """No position is an empty list, of known length."""
        answer = await self.range()
        self.assertEqual((answer.body, answer.length), (b"[]", 2))

    async def test_one(self) -> None:
        """A short answer has its length."""
        await position(self.db, self.device_id)
        answer = await self.range()
        self.assertEqual(len(answer.value), 1)
        self.assertEqual(answer.length, len(answer.body))

    async def test_many(self) -> None:
        """A long answer comes in pieces, whole, in the order of time, cut at the limit."""
        await self.db.run(
            "INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, latitude,"
            " longitude, altitude, speed, course, accuracy, attributes, digest)"
            " SELECT n, %s, 'test', t, t, t, true, 1, 2, 3, 4, 5, 6, '{\"n\":1}', n"
            " FROM (SELECT n, %s + n * interval '1 second' AS t FROM generate_series(1, 3000) n) AS made",
            [self.device_id, NOON],
        )
        answer = await self.range()
        self.assertEqual([one["id"] for one in answer.value], list(range(1, 2501)))
        self.assertEqual(answer.value[0]["speed"], 4.0)
        self.assertIsNone(answer.length)

    async def test_interval(self) -> None:
        """Both ends belong to it; turned round it is empty."""
        for seconds in (0, 1, 2):
            await position(self.db, self.device_id, after(seconds))
        answer = await self.range("2024-05-15T12:00:00Z", "2024-05-15T12:00:01Z")
        self.assertEqual(len(answer.value), 2)
        self.assertEqual((await self.range("2024-05-16T12:00:00Z", "2024-05-15T12:00:00Z")).value, [])

    async def test_bad_moment(self) -> None:
        """A time that is none is 404, as is a bad number; who is not logged in hears of neither."""
        for query in ("from=yesterday", "from=&to=", "deviceId=x", "id=x", "from=2020-01-01T00:00:00+02:00"):
            self.assertEqual((await self.call("GET", f"/api/positions?{query}", self.ann)).status, 404, query)
            self.assertEqual((await self.call("GET", f"/api/positions?{query}")).status, 401)

    async def test_head(self) -> None:
        """HEAD is GET without a body."""
        await position(self.db, self.device_id)
        answer = await self.call("HEAD", f"/api/positions?deviceId={self.device_id}", self.ann)
        self.assertEqual((answer.status, answer.body), (200, b""))


class DeviceListTests(HouseTestCase):
    async def test_many(self) -> None:
        """A long list comes in pieces, whole, sorted, and without attributes if they are not wanted."""
        admin = await self.user("admin", administrator=True)
        await self.db.run(
            "INSERT INTO devices (name, unique_id, attributes) SELECT to_char(n, '0000'), n, '{\"a\":1}'"
            " FROM generate_series(2500, 1, -1) n"
        )
        answer = await self.call("GET", "/api/devices?all=true", admin)
        self.assertIsNone(answer.length)
        self.assertEqual([str(n) for n in range(1, 2501)], [one["uniqueId"] for one in answer.value])
        self.assertEqual({"a": 1}, answer.value[-1]["attributes"])
        answer = await self.call("GET", "/api/devices?all=true&excludeAttributes=true&limit=2", admin)
        self.assertIsNotNone(answer.length)
        self.assertEqual([("1", {}), ("2", {})], [(one["uniqueId"], one["attributes"]) for one in answer.value])


class ReplaceTests(HouseTestCase):
    async def test_replace(self) -> None:
        """A change replaces the whole device, goes by the id in the body, and never touches what the server knows."""
        ann = await self.user("ann")
        body = {"name": "Van", "uniqueId": " 1 ", "phone": "49", "attributes": {"b": 1, "a": [None]}, "status": "x"}
        made = (await self.call("POST", "/api/devices", ann, json=body)).value
        self.assertEqual((made["uniqueId"], made["status"]), ("1", "x"))
        shown = await self.call("GET", f"/api/devices/{made['id']}", ann)
        self.assertIn('"attributes":{"b":1,"a":[null]}', shown.text)
        self.assertEqual(shown.value["status"], "offline")
        changed = {"id": made["id"], "name": "Bus", "uniqueId": "1"}
        self.assertEqual((await self.call("PUT", "/api/devices/other", ann, json=changed)).status, 200)
        shown = await self.call("GET", f"/api/devices/{made['id']}", ann)
        self.assertEqual((shown.value["name"], shown.value["phone"], shown.value["attributes"]), ("Bus", None, {}))

    async def test_taken(self) -> None:
        """What is taken is said in one plain sentence, without the database's words."""
        ann = await self.user("ann")
        await self.device(ann, "one")
        answer = await self.call("POST", "/api/devices", ann, json={"name": "n", "uniqueId": "one"})
        self.assertEqual((answer.status, answer.text), (400, "The unique id is taken"))
        admin = await self.user("root", administrator=True)
        answer = await self.call("POST", "/api/users", admin, json={"name": "n", "email": "ANN@example.org"})
        self.assertEqual((answer.status, answer.text), (400, "The e-mail address is taken"))

    async def test_deleted(self) -> None:
        """A deleted device is gone, its unique id is free, and the row is kept."""
        ann = await self.user("ann")
        id = await self.device(ann, "one")
        self.assertEqual((await self.call("DELETE", f"/api/devices/{id}", ann)).status, 204)
        self.assertEqual((await self.call("GET", "/api/devices?uniqueId=one", ann)).value, [])
        self.assertNotEqual(await self.device(ann, "one"), id)
        self.assertEqual(len(await self.db.query("SELECT * FROM devices WHERE unique_id = 'one'")), 2)

    async def test_strange_texts(self) -> None:
        """Texts that the database has no notation for are refused; all others come back as they were."""
        ann = await self.user("ann")
        for data in (b'{"name":"a\\u0000b","uniqueId":"1"}', b'{"name":"\\ud800","uniqueId":"1"}'):
            answer = await self.call("POST", "/api/devices", ann | {"Content-Type": "application/json"}, data=data)
            self.assertEqual(answer.status, 400)
        self.assertEqual((await self.call("GET", "/api/devices?uniqueId=%00&keyword=%00", ann)).value, [])
        name = "Ünï 🚐 '; DROP TABLE devices; --"
        made = await self.call("POST", "/api/devices", ann, json={"name": name, "uniqueId": "1"})
        self.assertEqual((await self.call("GET", "/api/devices", ann)).value[0]["name"], made.value["name"])


class UserTests(HouseTestCase):
    async def test_secrets(self) -> None:
        """No answer has a password or its hash, and an empty password changes nothing."""
        admin = await self.user("root", administrator=True)
        body = {"name": "ann", "email": "ann@example.org", "password": "secret", "hashedPassword": "x"}
        made = await self.call("POST", "/api/users", admin, json=body)
        self.assertIsNone(made.value["password"])
        self.assertNotIn("argon2", made.text)
        changed = {**made.value, "name": "Ann", "password": ""}
        self.assertEqual((await self.call("PUT", f"/api/users/{made.value['id']}", admin, json=changed)).status, 200)
        form = {"email": "ann@example.org", "password": "secret"}
        self.assertEqual((await self.call("POST", "/api/session", form=form)).value["name"], "Ann")
        self.assertNotIn("argon2", (await self.call("GET", "/api/users", admin)).text)

    async def test_registration(self) -> None:
        """Who registers gets the limits of the configuration, never a rank; too many from one address have to wait."""
        await self.user("root", administrator=True)
        await self.db.run("UPDATE server SET registration = true")
        statuses = []
        for number in range(60):
            body = {"name": "n", "email": f"n{number}@example.org"}
            if number == 1:
                body["userLimit"] = "1"
            answer = await self.call("POST", "/api/users", json=body)
            statuses.append(answer.status)
            if number == 0:
                self.assertEqual((answer.value["deviceLimit"], answer.value["administrator"]), (-1, False))
        self.assertEqual((statuses[1], statuses[2], statuses[-1]), (400, 200, 429))

    async def test_own_attributes(self) -> None:
        """A read-only user may still store what his client needs, and change the password."""
        ann = await self.user("ann", readonly=True, attributes={"a": 1})
        own = (await self.call("GET", f"/api/users/{self.ids['ann']}", ann)).value
        for change, status in (
            ({"attributes": {"a": 1, "notificationTokens": "t"}}, 200),
            ({"password": "new"}, 200),
            ({"attributes": {"a": 2}}, 400),
            ({"name": "x"}, 400),
        ):
            answer = await self.call("PUT", "/api/users/x", ann, json={**own, **change})
            self.assertEqual(answer.status, status, change)
            own = (await self.call("GET", f"/api/users/{self.ids['ann']}", ann)).value


class CommandTests(HouseTestCase):
    async def test_sent_and_queued(self) -> None:
        """200 for a command that was sent, 202 with its number for one that waits."""
        ann = await self.user("ann")
        one, two = await self.device(ann, "one"), await self.device(ann, "two")
        self.commands.connected.add(one)
        body = {"deviceId": str(one), "type": "custom", "attributes": {"data": "{uniqueId}!"}, "strange": 1}
        sent = await self.call("POST", "/api/commands/send", ann, json=body)
        self.assertEqual((sent.status, sent.value["attributes"]), (200, {"data": "one!"}))
        queued = await self.call("POST", "/api/commands/send", ann, json={**body, "deviceId": two})
        self.assertEqual(
            (queued.status, queued.value),
            (202, {"id": 1, "attributes": {"data": "two!"}, "deviceId": two, "type": "custom", "textChannel": False}),
        )
        self.assertEqual(self.commands.sent, [(one, "custom", {"data": "one!"})])

    async def test_group(self) -> None:
        """A group's command is filled in for each of its devices."""
        ann = await self.user("ann")
        group = (await self.call("POST", "/api/groups", ann, json={"name": "g"})).value["id"]
        below = (await self.call("POST", "/api/groups", ann, json={"name": "h", "groupId": group})).value["id"]
        for name, inside in (("one", group), ("two", below), ("three", 0)):
            await self.call("POST", "/api/devices", ann, json={"name": name, "uniqueId": name, "groupId": inside})
        body = {"type": "custom", "attributes": {"data": "{uniqueId}"}}
        answer = await self.call("POST", f"/api/commands/send?groupId={group}", ann, json=body)
        self.assertEqual(answer.status, 202)
        self.assertEqual([one["attributes"]["data"] for one in answer.value], ["one", "two"])

    async def test_refused(self) -> None:
        """What cannot be sent is 400 with the reason; saved commands are nobody's."""
        ann = await self.user("ann")
        id = await self.device(ann)
        for body, reason in (
            ({"deviceId": id, "type": "custom", "textChannel": True}, "SMS not configured"),
            ({"deviceId": id}, "The type is missing"),
            ({"id": 1, "deviceId": id}, "Command access denied"),
        ):
            answer = await self.call("POST", "/api/commands/send", ann, json=body)
            self.assertEqual((answer.status, answer.text), (400, reason))


class SavedCommandTests(HouseTestCase):
    async def test_offered(self) -> None:
        """A device offers those of the caller's commands that it has, itself or from a group above, and understands."""
        ann = await self.user("ann")
        parent = await self.made(ann, "groups", name="g")
        group = await self.made(ann, "groups", name="h", groupId=parent)
        device = await self.made(ann, "devices", name="d", uniqueId="d", groupId=group)
        of_device, of_group, elsewhere, unknown = [
            await self.made(ann, "commands", description=name, type=type)
            for name, type in (("a", "custom"), ("b", "custom"), ("c", "custom"), ("d", "engineStop"))
        ]
        for link in (
            {"deviceId": device, "commandId": of_device},
            {"groupId": parent, "commandId": of_group},
            {"deviceId": device, "commandId": unknown},
        ):
            self.assertEqual((await self.call("POST", "/api/permissions", ann, json=link)).status, 204)
        answer = await self.call("GET", f"/api/commands/send?deviceId={device}", ann)
        self.assertEqual([one["id"] for one in answer.value], [of_device, of_group])
        bob = await self.user("bob")
        await self.services.linking.links.link("user", self.ids["bob"], "device", device)
        self.assertEqual((await self.call("GET", f"/api/commands/send?deviceId={device}", bob)).value, [])
        self.assertNotIn(elsewhere, [one["id"] for one in answer.value])

    async def test_sent(self) -> None:
        """Of a saved command the type, the channel and the attributes count, and who may send it may be restricted."""
        ann = await self.user("ann", limit_commands=True)
        root = await self.user("root", administrator=True)
        device = await self.device(ann)
        saved = await self.made(root, "commands", description="x", type="custom", attributes={"data": "{uniqueId}!"})
        body = {"id": saved, "deviceId": device, "type": "engineStop", "attributes": {"data": "other"}}
        self.assertEqual((await self.call("POST", "/api/commands/send", ann, json=body)).status, 400)
        await self.services.linking.links.link("user", self.ids["ann"], "command", saved)
        answer = await self.call("POST", "/api/commands/send", ann, json=body)
        self.assertEqual((answer.status, answer.value["type"]), (202, "custom"))
        self.assertEqual(self.commands.queued, [(device, "custom", {"data": "one!"})])
        missing = await self.call("POST", "/api/commands/send", root, json={**body, "id": 10**9})
        self.assertEqual(missing.status, 400)

    async def made(self, who: dict[str, str], path: str, **body: Any) -> int:
        answer = await self.call("POST", f"/api/{path}", who, json=body)
        self.assertEqual(answer.status, 200, answer.text)
        return int(answer.value["id"])


class TransportTests(HouseTestCase):
    async def test_order_of_checks(self) -> None:
        """Path and method, types, who is asking, parameters and body, rights: in this order."""
        ann = await self.user("ann")
        broken = {"Content-Type": "application/json"}
        for who, method, path, headers, data, status in (
            ({}, "GET", "/api/nothing", {}, None, 404),
            ({}, "DELETE", "/api/server", {}, None, 405),
            ({}, "POST", "/api/devices", {"Content-Type": "text/plain"}, b"x", 415),
            ({}, "POST", "/api/devices", {}, b"x", 415),
            ({}, "GET", "/api/devices", {"Accept": "text/csv"}, None, 406),
            ({}, "POST", "/api/devices", broken, b"{", 401),
            ({}, "GET", "/api/devices/abc", {}, None, 401),
            (ann, "GET", "/api/devices/abc", {}, None, 404),
            (ann, "POST", "/api/devices", broken, b"{", 400),
            (ann, "POST", "/api/devices", {}, None, 400),
            (ann, "PUT", "/api/server", broken, b"{", 400),
            (ann, "GET", "/api/session/token", {}, None, 404),
        ):
            answer = await self.call(method, path, {**who, **headers}, data=data)
            self.assertEqual(answer.status, status, f"{method} {path} {headers}")

    async def test_errors(self) -> None:
        """An error is one line of plain text that no browser takes for anything else."""
        ann = await self.user("ann")
        answer = await self.call("POST", "/api/devices", ann, json={"<b>\r\nX-Evil: 1": 1, "name": "n"})
        self.assertEqual(answer.status, 400)
        self.assertEqual(len(answer.text.splitlines()), 1)
        self.assertEqual(answer.header("Content-Type"), "text/plain; charset=utf-8")
        self.assertEqual(answer.header("X-Content-Type-Options"), "nosniff")
        self.assertIsNone(answer.header("X-Evil"))

    async def test_options(self) -> None:
        """OPTIONS needs nobody to be logged in and says what there is."""
        answer = await self.call("OPTIONS", "/api/devices/1")
        self.assertEqual((answer.status, answer.header("Allow")), (200, "DELETE, GET, HEAD, OPTIONS, PUT"))
        self.assertEqual(answer.header("Access-Control-Allow-Origin"), "*")
        self.assertEqual((await self.call("OPTIONS", "/api/nothing")).status, 404)

    async def test_cors(self) -> None:
        """Foreign pages may not read the answers unless they are named."""
        answer = await self.call("GET", "/api/server", {"Origin": "http://x.example"})
        self.assertIsNone(answer.header("Access-Control-Allow-Origin"))

    async def test_away(self) -> None:
        """While the database is away the API says so and when to come back; health is not well."""
        ann = await self.user("ann")
        await self.db.stop()
        answer = await self.call("GET", "/api/devices", ann)
        self.assertEqual((answer.status, answer.header("Retry-After")), (503, "5"))
        health = await self.call("GET", "/api/health")
        self.assertEqual((health.status, health.body), (500, b""))

    async def test_mistake(self) -> None:
        """A mistake in the server is logged, and the client hears nothing of it."""

        class Broken(MemoryCommands):
            async def types(self, device_id: int | None, text_channel: bool) -> list[str]:
                raise ZeroDivisionError("a secret")

        ann = await self.user("ann")
        self.services.commands = Broken()
        answer = await self.call("GET", "/api/commands/types", ann)
        self.assertEqual((answer.status, answer.text), (500, "Internal error"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class LastPositionTests(HouseTestCase):
    options = {"latest_within": timedelta(days=1)}

    async def test_age(self) -> None:
        """Old latest positions are left out of the list of all; of one device they are shown."""
        ann = await self.user("ann")
        id = await self.device(ann)
        await latest(self.db, id, self.time.now() - timedelta(days=2))
        self.assertEqual((await self.call("GET", "/api/positions", ann)).value, [])
        shown = (await self.call("GET", f"/api/positions?deviceId={id}", ann)).value
        self.assertEqual([one["deviceId"] for one in shown], [id])
        self.assertEqual(
            json.loads((await self.call("GET", f"/api/devices/{id}", ann)).body)["positionId"], shown[0]["id"]
        )
