"""Links for people without an account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.rest.client import Response
from tests.rest.house import HouseTestCase


class ShareTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.ann = await self.user("ann")
        self.one = await self.device(self.ann)

    def later(self, **span: float) -> str:
        return (self.time.now() + timedelta(**span)).isoformat()

    async def share(self, who: dict[str, str] | None = None, kind: str = "device", **form: Any) -> Response:
        form.setdefault(f"{kind}Id", self.one)
        return await self.call("POST", f"/api/share/{kind}", who or self.ann, form=form)

    async def guest(self, token: str) -> dict[str, str]:
        """The session of who has opened the link."""
        answer = await self.call("GET", f"/api/session?token={token}")
        self.assertEqual(200, answer.status)
        return {"Cookie": (answer.header("Set-Cookie") or "").partition(";")[0]}

    async def test_group(self) -> None:
        """A shared group shows its devices, also through an administrator who is linked to it."""
        admin = await self.user("admin", administrator=True)
        answer = await self.call("POST", "/api/groups", self.ann, json={"name": "Vans"})
        group = answer.value["id"]
        self.assertEqual(400, (await self.share(admin, "group", groupId=group)).status)
        await self.services.linking.links.link("user", self.ids["admin"], "group", group)
        body = {"id": self.one, "name": "one", "uniqueId": "one", "groupId": group}
        await self.call("PUT", f"/api/devices/{self.one}", self.ann, json=body)
        guest = await self.guest((await self.share(admin, "group", groupId=group)).text)
        me = (await self.call("GET", "/api/session", guest)).value
        self.assertEqual(("Vans", f"admin@example.org:group:{group}"), (me["name"], me["email"]))
        self.assertEqual([self.one], [one["id"] for one in (await self.call("GET", "/api/devices", guest)).value])

    async def test_end(self) -> None:
        """When the link is over nobody comes in by it, not even who is inside; the next link has a new user."""
        token = (await self.share(expiration=self.later(hours=1))).text
        guest = await self.guest(token)
        bearer = {"Authorization": f"Bearer {token}"}
        self.time.offset += timedelta(minutes=59, seconds=59)
        self.assertEqual(200, (await self.call("GET", "/api/devices", guest)).status)
        self.time.offset += timedelta(seconds=2)
        for way in (guest, bearer):
            self.assertEqual(401, (await self.call("GET", "/api/devices", way)).status)
        self.assertEqual(401, (await self.call("GET", f"/api/session?token={token}")).status)
        again = await self.guest((await self.share(expiration=self.later(hours=1))).text)
        self.assertEqual(200, (await self.call("GET", "/api/devices", again)).status)

    async def test_removed(self) -> None:
        """Temporary users whose time is over are removed, and no others."""
        users = self.services.permissions.users
        await self.share(expiration=self.later(hours=1))
        two = await self.device(self.ann, "two")
        await self.share(deviceId=two)
        await self.user("old", expiration_time=self.time.now())
        self.time.offset += timedelta(hours=2)
        self.assertEqual(1, await users.delete_expired(self.time.now()))
        self.assertEqual(0, await users.delete_expired(self.time.now()))
        left = {row.email for row in await users.all()}
        self.assertEqual({"ann@example.org", "old@example.org", "ann@example.org:two"}, left)

    async def test_no_longer(self) -> None:
        """Who has a link for a time finds no way to stay: no password, no longer token, no other user."""
        await self.share()
        token = (await self.share(expiration=self.later(hours=1))).text
        guest = await self.guest(token)
        me = (await self.call("GET", "/api/session", guest)).value
        answer = await self.call("PUT", f"/api/users/{me['id']}", guest, json={**me, "password": "mine"})
        self.assertEqual((400, "Temporary user"), (answer.status, answer.text))
        for way in (guest, {"Authorization": f"Bearer {token}"}):
            for form in ({}, {"expiration": self.later(hours=2)}):
                self.assertEqual(400, (await self.call("POST", "/api/session/token", way, form=form)).status)
            self.assertEqual(400, (await self.share(way)).status)
            self.assertEqual(400, (await self.call("GET", f"/api/session/{self.ids['ann']}", way)).status)

    async def test_prepared(self) -> None:
        """Who has made a user with the address of a share gets nothing of what is shared."""
        boss = await self.user("boss", user_limit=-1)
        body = {"name": "x", "email": "ann@example.org:one", "temporary": True, "password": "x"}
        self.assertEqual(200, (await self.call("POST", "/api/users", boss, json=body)).status)
        answer = await self.share()
        self.assertEqual((400, "The e-mail address is taken"), (answer.status, answer.text))
        self.assertEqual([(1,)], await self.db.query("SELECT count(*) FROM user_device"))

    async def test_promoted(self) -> None:
        """A guest whom an administrator has made a real user is no guest any more."""
        await self.share()
        await self.db.run("UPDATE users SET temporary = false, email = 'new' WHERE temporary")
        await self.share()
        self.assertEqual([(1,)], await self.db.query("SELECT count(*) FROM users WHERE temporary"))

    async def test_at_once(self) -> None:
        """What is shared several times at the same moment has one guest."""
        asked = [Deferred.fromCoroutine(self.share()) for _ in range(5)]
        self.assertEqual([200] * 5, [answer.status for answer in await gatherResults(asked)])
        self.assertEqual([(1,)], await self.db.query("SELECT count(*) FROM users WHERE temporary"))

    async def test_rights(self) -> None:
        """Guests may send commands and make reports where the server's owner says so."""
        self.services.shares.commands = self.services.shares.reports = True
        guest = await self.guest((await self.share()).text)
        body = {"deviceId": self.one, "type": "custom"}
        self.assertEqual(202, (await self.call("POST", "/api/commands/send", guest, json=body)).status)
        now = self.later().replace("+", "%2B")
        path = f"/api/positions?deviceId={self.one}&from={now}&to={now}"
        self.assertEqual(200, (await self.call("GET", path, guest)).status)

    async def test_audit(self) -> None:
        """A share is on record: its guest with what it sees, and each token."""
        await self.share()
        await self.share()
        rows = await self.db.query(
            "SELECT type, object_type, attributes FROM actions WHERE type <> 'login' ORDER BY id"
        )
        ((guest,),) = await self.db.query("SELECT id FROM users WHERE temporary")
        self.assertEqual(
            ["create device", "link device", "create user", "link device", "create token", "create token"],
            [f"{type} {kind}" for type, kind, _ in rows],
        )
        self.assertIn(f'"ownerId":{guest}', rows[3][2])
