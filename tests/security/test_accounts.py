"""What people try who want to be more than they are, or somebody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.rest.client import Response
from tests.rest.house import HouseTestCase
from trackd.people.permissions import SERVICE_ID

RANKS: dict[str, Any] = {
    "administrator": True,
    "userLimit": -1,
    "deviceLimit": 1000,
    "readonly": True,
    "deviceReadonly": True,
    "disabled": True,
    "limitCommands": True,
    "disableReports": True,
    "fixedEmail": True,
}


class RankTests(HouseTestCase):
    """Nobody raises himself, or lets himself be raised by whom he manages."""

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        await self.user("root", administrator=True)
        self.ann = await self.user("ann", device_limit=5)
        self.boss = await self.user("boss", user_limit=3, device_limit=5)
        self.emp = await self.user("emp", device_limit=5)
        await self.db.run("INSERT INTO user_user VALUES (%s, %s)", [self.ids["boss"], self.ids["emp"]])

    async def put(self, who: dict[str, str], name: str, **changes: Any) -> Response:
        """Change a user to what it is, except for these members."""
        row = await self.services.permissions.users.get(self.ids[name])
        assert row is not None
        body = {"id": row.id, "name": row.name, "email": row.email, "deviceLimit": row.device_limit}
        body |= {"userLimit": row.user_limit, **changes}
        return await self.call("PUT", f"/api/users/{row.id}", who, json=body)

    async def stored(self) -> list[tuple[Any, ...]]:
        return await self.db.query(
            "SELECT id, administrator, user_limit, device_limit, readonly, device_readonly, disabled, limit_commands,"
            " disable_reports, fixed_email, expiration_time FROM users ORDER BY id"
        )

    async def test_ranks(self) -> None:
        """Ranks, limits and restrictions of oneself are for administrators to set."""
        before = await self.stored()
        for member, value in RANKS.items():
            for who, name in ((self.ann, "ann"), (self.boss, "boss")):
                self.assertEqual(400, (await self.put(who, name, **{member: value})).status, member)
        self.assertEqual(before, await self.stored())

    async def test_of_others(self) -> None:
        """A manager restricts users, but gives them no rank that the manager could use."""
        before = await self.stored()
        for member in ("administrator", "userLimit", "deviceLimit"):
            value = RANKS[member]
            self.assertEqual(400, (await self.put(self.boss, "emp", **{member: value})).status, member)
            body = {"name": "x", "email": "x", member: value}
            self.assertEqual(400, (await self.call("POST", "/api/users", self.boss, json=body)).status, member)
        self.assertEqual(before, await self.stored())

    async def test_id(self) -> None:
        """The id in the body decides, and is looked at: by no path anybody reaches another user."""
        before = await self.stored()
        for name in ("boss", "emp", "root"):
            body = {"id": self.ids[name], "name": "hacked", "email": f"{name}@example.org", "password": "hacked"}
            for path in (self.ids["ann"], self.ids[name], "abc"):
                answer = await self.call("PUT", f"/api/users/{path}", self.ann, json=body)
                self.assertEqual((400, "User access denied"), (answer.status, answer.text))
        for id in (0, -1, SERVICE_ID):
            body = {"id": id, "name": "x", "email": "x"}
            self.assertEqual(400, (await self.call("PUT", "/api/users/1", self.ann, json=body)).status)
        self.assertEqual(before, await self.stored())
        self.assertEqual([], await self.db.query("SELECT FROM users WHERE name = 'hacked'"))

    async def test_new_id(self) -> None:
        """Who makes a user does not choose its id."""
        body = {"id": self.ids["root"], "name": "x", "email": "x"}
        answer = await self.call("POST", "/api/users", self.boss, json=body)
        self.assertGreater(answer.value["id"], self.ids["emp"])

    async def test_expiration(self) -> None:
        """Who has a time does not lengthen it, nor makes users who stay longer."""
        now = self.time.now()
        end = now + timedelta(days=1)
        await self.services.permissions.users.update(self.ids["boss"], {"expiration_time": end})
        for later in (None, (end + timedelta(seconds=1)).isoformat()):
            self.assertEqual(400, (await self.put(self.boss, "boss", expirationTime=later)).status)
        body = {"name": "x", "email": "x", "expirationTime": (end + timedelta(days=1)).isoformat()}
        self.assertEqual(400, (await self.call("POST", "/api/users", self.boss, json=body)).status)
        earlier = (end - timedelta(hours=1)).isoformat()
        self.assertEqual(200, (await self.put(self.boss, "boss", expirationTime=earlier)).status)

    async def test_attributes(self) -> None:
        """Attributes are words: none of them gives anybody a right."""
        words = {**RANKS, "roles": ["admin"], "totpForce": True, "disableShare": True, "permissions": "*"}
        self.assertEqual(200, (await self.put(self.ann, "ann", attributes=words)).status)
        for method, path in (("GET", "/api/audit"), ("PUT", "/api/server"), ("GET", f"/api/users/{self.ids['emp']}")):
            answer = await self.call(method, path, self.ann, json={"id": 1} if method == "PUT" else None)
            self.assertEqual(400, answer.status, path)
        self.assertEqual([], (await self.call("GET", "/api/devices?all=true", self.ann)).value)

    async def test_unknown_members(self) -> None:
        """Columns that are no members cannot be written."""
        for member in ("password_hash", "passwordHash", "deletedAt", "totpStep", "device_limit"):
            self.assertEqual(400, (await self.put(self.ann, "ann", **{member: "x"})).status, member)
        answer = await self.put(self.ann, "ann", hashedPassword="x", salt="x")
        self.assertEqual(200, answer.status)
        form = {"email": "ann@example.org", "password": "ann"}
        self.assertEqual(200, (await self.call("POST", "/api/session", form=form)).status)

    async def test_links(self) -> None:
        """Nobody becomes a manager, or gets at somebody's things, by a link."""
        device = await self.device(self.boss)
        me, boss, emp, root = (self.ids[name] for name in ("ann", "boss", "emp", "root"))
        for body in (
            {"userId": me, "managedUserId": emp},
            {"userId": me, "managedUserId": me},
            {"userId": me, "managedUserId": root},
            {"userId": emp, "managedUserId": me},
            {"userId": me, "deviceId": device},
            {"userId": boss, "deviceId": device},
            {"deviceId": device, "userId": me},
            {"userid": me, "DEVICEID": device},
        ):
            for method in ("POST", "DELETE"):
                answer = await self.call(method, "/api/permissions", self.ann, json=body)
                self.assertEqual(400, answer.status, body)
        self.assertEqual([(boss, emp)], await self.db.query("SELECT * FROM user_user"))

    async def test_promoted(self) -> None:
        """Whom a manager manages and who becomes an administrator is not the manager's any more."""
        await self.services.permissions.users.update(self.ids["emp"], {"administrator": True, "totp_key": "ABCD"})
        emp = self.ids["emp"]
        body = {"id": emp, "name": "emp", "email": "emp@example.org", "administrator": True, "password": "mine"}
        for method, path, sent in (
            ("GET", f"/api/session/{emp}", None),
            ("GET", f"/api/users/{emp}", None),
            ("PUT", f"/api/users/{emp}", body),
            ("DELETE", f"/api/users/{emp}", None),
            ("GET", f"/api/devices?userId={emp}", None),
        ):
            self.assertEqual(400, (await self.call(method, path, self.boss, json=sent)).status, path)
        (shown,) = (await self.call("GET", "/api/users", self.boss)).value
        self.assertEqual((emp, None), (shown["id"], shown["totpKey"]))

    async def test_reading(self) -> None:
        """What is another's is not to be read, whichever way it is asked for."""
        device = await self.device(self.boss)
        boss = self.ids["boss"]
        for path in (
            f"/api/users/{boss}",
            f"/api/users?userId={boss}",
            f"/api/users?deviceId={device}",
            f"/api/session/{boss}",
            f"/api/devices/{device}",
            f"/api/devices?userId={boss}",
            f"/api/groups?userId={boss}",
            f"/api/positions?deviceId={device}",
            f"/api/permissions?userId={boss}&deviceId=0",
        ):
            self.assertEqual(400, (await self.call("GET", path, self.ann)).status, path)
        for path in (f"/api/devices?id={device}", "/api/devices?uniqueId=one", "/api/users", "/api/users?all=true"):
            self.assertEqual([], (await self.call("GET", path, self.ann)).value, path)


class RegistrationTests(HouseTestCase):
    async def register(self, who: dict[str, str] | None = None, **members: Any) -> Response:
        body = {"name": "new", "email": "new@example.org", "password": "new", **members}
        return await self.call("POST", "/api/users", who, json=body)

    async def test_shut(self) -> None:
        """A new server lets nobody register, neither strangers nor users, until an administrator has allowed it."""
        self.assertEqual(400, (await self.register()).status)
        admin, ann = await self.user("admin", administrator=True), await self.user("ann")
        self.assertFalse((await self.call("GET", "/api/server")).value["registration"])
        self.assertEqual((400, 400), ((await self.register()).status, (await self.register(ann)).status))
        self.assertEqual(400, (await self.call("PUT", "/api/server", ann, json={"id": 1, "registration": True})).status)
        await self.call("PUT", "/api/server", admin, json={"id": 1, "registration": True})
        self.assertEqual(200, (await self.register()).status)

    async def test_ranks(self) -> None:
        """Who registers gets no rank, no limit of his own choice and no restriction lifted later."""
        await self.user("admin", administrator=True)
        await self.services.permissions.users.update_server({"registration": True})
        for member, value in RANKS.items():
            self.assertEqual(400, (await self.register(**{member: value})).status, member)
        answer = await self.register(hashedPassword="x")
        self.assertEqual((200, -1, 0), (answer.status, answer.value["deviceLimit"], answer.value["userLimit"]))

    async def test_default_credentials(self) -> None:
        """There is no account that nobody has made, and no token that nobody has set."""
        for name, password in (("admin", "admin"), ("admin@example.org", "admin"), ("", ""), ("none", "")):
            form = {"email": name, "password": password}
            self.assertEqual(401, (await self.call("POST", "/api/session", form=form)).status)
        for token in ("", "null", "none", str(SERVICE_ID)):
            self.assertEqual(401, (await self.call("GET", f"/api/session?token={token}")).status)
        self.assertEqual([(0,)], await self.db.query("SELECT count(*) FROM users"))

    async def test_case(self) -> None:
        """Two addresses that differ in their case only are one; nobody takes another's by changing the own."""
        ann, bob = await self.user("ann"), await self.user("bob")
        await self.user("admin", administrator=True)
        await self.services.permissions.users.update_server({"registration": True})
        for email in ("ANN@example.org", " ann@example.org ", "Ann@Example.Org"):
            answer = await self.register(email=email)
            self.assertEqual((400, "The e-mail address is taken"), (answer.status, answer.text))
            body = {"id": self.ids["bob"], "name": "bob", "email": email, "deviceLimit": -1}
            self.assertEqual(400, (await self.call("PUT", "/api/users/1", bob, json=body)).status)
        body = {"id": self.ids["ann"], "name": "ann", "email": "ANN@example.org", "deviceLimit": -1}
        self.assertEqual(200, (await self.call("PUT", "/api/users/1", ann, json=body)).status)

    async def test_names(self) -> None:
        """Nobody's address is another's login, so that nobody logs in by a name that another has come by first."""
        bob = await self.user("bob")
        await self.user("ann", login="ally")
        await self.user("admin", administrator=True)
        await self.services.permissions.users.update_server({"registration": True})
        taken: list[dict[str, Any]] = [{"email": "ALLY"}, {"login": "ann@example.org"}, {"login": "Ally"}]
        for members in taken:
            self.assertEqual(400, (await self.register(**members)).status, members)
            body = {"id": self.ids["bob"], "name": "bob", "email": "bob@example.org", "deviceLimit": -1, **members}
            self.assertEqual(400, (await self.call("PUT", "/api/users/1", bob, json=body)).status, members)
