"""What people try who want more than is theirs, and what no client would send."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import Deferred, gatherResults

from tests.rest.house import HouseTestCase


class MisuseTests(HouseTestCase):
    async def test_no_text_of_the_database(self) -> None:
        """A character that no text of the database can have is in no name, and no reason to fail."""
        owner = await self.user("owner")
        await self.device(owner)
        for path in ("/api/devices", "/api/groups", "/api/users"):
            answer = await self.call("GET", f"{path}?keyword=%00", owner)
            self.assertEqual((200, []), (answer.status, answer.value), path)
        answer = await self.call("GET", "/api/devices?uniqueId=%00", owner)
        self.assertEqual((200, []), (answer.status, answer.value))

    async def test_deleted_links(self) -> None:
        """What is deleted is linked to nobody, and nothing to it: whoever still listens in its name hears nothing."""
        admin = await self.user("admin", administrator=True)
        boss = await self.user("boss", user_limit=-1)
        owner = await self.user("owner")
        await self.services.linking.links.link("user", self.ids["boss"], "user", self.ids["owner"])
        device = await self.device(owner)
        group = (await self.call("POST", "/api/groups", owner, json={"name": "g"})).value["id"]
        await self.call("DELETE", f"/api/devices/{device}", owner)
        await self.call("DELETE", f"/api/groups/{group}", owner)
        for kind in ("device", "group"):
            answer = await self.call("GET", f"/api/permissions?userId=0&{kind}Id=0", admin)
            self.assertEqual([], answer.value)
        await self.device(owner, "two")
        await self.call("DELETE", f"/api/users/{self.ids['owner']}", boss)
        for kind in ("device", "managedUser"):
            answer = await self.call("GET", f"/api/permissions?userId=0&{kind}Id=0", admin)
            self.assertEqual([], answer.value)
        self.assertEqual(set(), await self.services.fleet.devices.ids_of_user(self.ids["owner"]))

    async def test_change_between(self) -> None:
        """Who changes his name at the moment in which an administrator restricts him stays restricted."""
        owner = await self.user("owner")
        users, passwords = self.services.permissions.users, self.services.entrance.passwords
        hash = passwords.hash

        async def slow(password: str) -> str:
            await users.update(self.ids["owner"], {"readonly": True, "device_limit": 1})
            return await hash(password)

        self.services.accounts.passwords = cast(Any, Slow(slow))
        mine = (await self.call("GET", "/api/session", owner)).value
        answer = await self.call(
            "PUT", f"/api/users/{self.ids['owner']}", owner, json={**mine, "name": "new", "password": "new"}
        )
        self.assertEqual(200, answer.status)
        row = await users.get(self.ids["owner"])
        assert row is not None
        self.assertEqual(("new", True, 1), (row.name, row.readonly, row.device_limit))

    async def test_default_expiration(self) -> None:
        """Who has registered for some days can send back what he is shown, though he may change nothing."""
        users = self.services.permissions.users
        await self.user("admin", administrator=True)
        await users.update_server({"registration": True})
        self.services.accounts.default_days = 3
        body = {"name": "new", "email": "new@example.org", "password": "new"}
        id = (await self.call("POST", "/api/users", json=body)).value["id"]
        await users.update(id, {"readonly": True})
        new = {"Cookie": f"JSESSIONID={await self.services.sessions.open(id)}"}
        mine = (await self.call("GET", "/api/session", new)).value
        mine["attributes"] = {"notificationTokens": "x"}
        self.assertEqual(200, (await self.call("PUT", f"/api/users/{id}", new, json=mine)).status)

    async def test_equal_attributes(self) -> None:
        """Attributes that only look the same are stored as they were sent."""
        owner = await self.user("owner", attributes={"a": 1, "b": 5})
        mine = (await self.call("GET", "/api/session", owner)).value
        mine["attributes"] = {"b": 5.0, "a": True}
        await self.call("PUT", f"/api/users/{mine['id']}", owner, json=mine)
        self.assertIn('"attributes":{"b":5.0,"a":true}', (await self.call("GET", "/api/session", owner)).text)

    async def test_limits_at_once(self) -> None:
        """Who asks for many things at once gets no more of them than one after another."""
        boss = await self.user("boss", user_limit=2, device_limit=3)
        for path, most, bodies in (
            ("/api/devices", 3, [{"name": str(n), "uniqueId": str(n)} for n in range(10)]),
            ("/api/users", 2, [{"name": str(n), "email": str(n)} for n in range(10)]),
        ):
            asked = [Deferred.fromCoroutine(self.call("POST", path, boss, json=body)) for body in bodies]
            statuses = sorted([answer.status for answer in await gatherResults(asked)])
            self.assertEqual([200] * most + [400] * (10 - most), statuses)


class Slow:
    """Passwords that take their time: `hash` is what computes them."""

    def __init__(self, hash: Any) -> None:
        self.hash = hash
