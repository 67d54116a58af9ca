"""Who may see and do what, asked over HTTP."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

from tests.rest.house import HouseTestCase
from tests.store.samples import latest

# Who asks, in the order of the columns below.
WHO = "nobody stranger owner readonly boss admin".split()

# What is asked, and the status for each of them. {device} and {owner} are the owner's device and the owner.
READS = """
    GET /api/server                       200 200 200 200 200 200
    GET /api/health                       200 200 200 200 200 200
    GET /api/session                      404 200 200 200 200 200
    GET /api/session/check-sid?sid=x      200 200 200 200 200 200
    GET /api/server/timezones             401 200 200 200 200 200
    GET /api/devices                      401 200 200 200 200 200
    GET /api/devices/{device}             401 400 200 200 400 200
    GET /api/devices/999999               401 400 400 400 400 404
    GET /api/devices?userId={owner}       401 400 200 400 200 200
    GET /api/devices?deviceId={device}    401 400 200 200 400 200
    GET /api/positions                    401 200 200 200 200 200
    GET /api/positions?deviceId={device}  401 400 200 200 400 200
    GET /api/positions?id={position}      401 400 200 200 400 200
    GET /api/users                        401 200 200 200 200 200
    GET /api/users/{owner}                401 400 200 400 200 200
    GET /api/users/{admin}                401 400 400 400 400 200
    GET /api/users?userId={owner}         401 400 200 400 200 200
    GET /api/users?deviceId={device}      401 400 400 400 400 200
    GET /api/groups                       401 200 200 200 200 200
    GET /api/groups/{group}               401 400 200 400 400 200
    GET /api/groups?userId={owner}        401 400 200 400 200 200
    GET /api/commands/types               401 200 200 200 200 200
    GET /api/commands/types?deviceId={device} 401 400 200 200 400 200
    GET /api/commands/send?deviceId={device}  401 400 200 200 400 200
    GET /api/permissions?userId=0&deviceId=0  401 400 400 400 400 200
"""


class AccessTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.who: dict[str, dict[str, str]] = {"nobody": {}}
        self.who["stranger"] = await self.user("stranger")
        self.who["owner"] = await self.user("owner")
        self.who["readonly"] = await self.user("readonly", readonly=True)
        self.who["boss"] = await self.user("boss", user_limit=-1)
        self.who["admin"] = await self.user("admin", administrator=True)
        links = self.services.linking.links
        await links.link("user", self.ids["boss"], "user", self.ids["owner"])
        device = await self.device(self.who["owner"])
        await links.link("user", self.ids["readonly"], "device", device)
        made = await self.call("POST", "/api/groups", self.who["owner"], json={"name": "group"})
        position = await latest(self.db, device, self.time.now())
        self.names = {
            "device": device,
            "owner": self.ids["owner"],
            "admin": self.ids["admin"],
            "group": made.value["id"],
            "position": position.id,
        }

    async def statuses(self, method: str, path: str, json: Any = None) -> str:
        found = [await self.call(method, path.format(**self.names), self.who[name], json=json) for name in WHO]
        return " ".join(str(one.status) for one in found)

    async def test_reads(self) -> None:
        """Everybody sees what is his, an administrator everything, and nobody nothing but what all may see."""
        for line in READS.strip().splitlines():
            method, path, *wanted = line.split()
            self.assertEqual(f"{path} {await self.statuses(method, path)}", f"{path} {' '.join(wanted)}")

    async def test_refused_writes(self) -> None:
        """What is not allowed changes nothing, whoever asks."""
        device = {"id": self.names["device"], "name": "changed", "uniqueId": "one"}
        owner = {"id": self.names["owner"], "name": "changed", "email": "owner@example.org", "deviceLimit": -1}
        server = {"id": 1, "registration": True}
        link = {"userId": self.ids["stranger"], "deviceId": self.names["device"]}
        writes: list[tuple[str, str, Any, list[str]]] = [
            ("PUT", "/api/server", server, ["nobody", "stranger", "owner", "readonly", "boss"]),
            ("PUT", "/api/devices/{device}", device, ["nobody", "stranger", "readonly", "boss"]),
            ("DELETE", "/api/devices/{device}", None, ["nobody", "stranger", "readonly", "boss"]),
            ("POST", "/api/devices", {"name": "n", "uniqueId": "n"}, ["nobody", "readonly"]),
            ("PUT", "/api/users/{owner}", owner, ["nobody", "stranger", "readonly"]),
            ("DELETE", "/api/users/{owner}", None, ["nobody", "stranger", "readonly"]),
            ("DELETE", "/api/users/{admin}", None, ["nobody", "stranger", "owner", "readonly", "boss"]),
            ("POST", "/api/users", {"name": "n", "email": "n@x", "administrator": True}, WHO[:-1]),
            ("PUT", "/api/groups/{group}", {"id": self.names["group"], "name": "x"}, WHO[:2] + WHO[3:5]),
            ("DELETE", "/api/groups/{group}", None, ["nobody", "stranger", "readonly", "boss"]),
            ("POST", "/api/permissions", link, ["nobody", "stranger", "owner", "readonly", "boss"]),
            ("DELETE", "/api/permissions", link, ["nobody", "stranger", "owner", "readonly", "boss"]),
            ("POST", "/api/commands/send", {"deviceId": self.names["device"], "type": "custom"}, WHO[:2] + ["boss"]),
            ("POST", "/api/session/token", None, ["nobody"]),
            ("DELETE", "/api/session", None, ["nobody"]),
        ]
        before = await self.everything()
        for method, path, body, who in writes:
            for name in who:
                answer = await self.call(method, path.format(**self.names), self.who[name], json=body)
                self.assertIn(answer.status, (400, 401), f"{name}: {method} {path}")
        self.assertEqual(await self.everything(), before)
        self.assertEqual(self.commands.queued, [])

    async def everything(self) -> list[Any]:
        tables = ("server", "users", "devices", "groups", "user_user", "user_device", "user_group")
        return [sorted(map(str, await self.db.query(f"SELECT * FROM {table}"))) for table in tables]

    async def test_shut(self) -> None:
        """Who is disabled or expired is nobody, by whichever way; enabled again, the old ways are open."""
        sessions, users = self.services.sessions, self.services.permissions.users
        id = self.ids["owner"]
        ways = [self.who["owner"], {"Authorization": f"Bearer {await sessions.make_token(id)}"}, basic("owner")]
        for values in ({"disabled": True}, {"expiration_time": self.time.now() - timedelta(seconds=1)}):
            await users.update(id, values)
            for way in ways:
                self.assertEqual((await self.call("GET", "/api/devices", way)).status, 401)
            await users.update(id, {"disabled": False, "expiration_time": None})
            for way in ways:
                self.assertEqual((await self.call("GET", "/api/devices", way)).status, 200)

    async def test_deleted(self) -> None:
        """A user who is deleted is gone at once: sessions, tokens, password."""
        token = await self.services.sessions.make_token(self.ids["owner"])
        ways = [self.who["owner"], {"Authorization": f"Bearer {token}"}, basic("owner")]
        self.assertEqual((await self.call("DELETE", f"/api/users/{self.ids['owner']}", self.who["admin"])).status, 204)
        for way in ways:
            self.assertEqual((await self.call("GET", "/api/devices", way)).status, 401)

    async def test_groups_reach(self) -> None:
        """A group shows its devices, its children's and its grandchildren's, and no deeper ones."""
        parent, devices = self.names["group"], []
        for depth in range(4):
            body = {"name": "d", "uniqueId": f"depth{depth}", "groupId": parent}
            devices.append((await self.call("POST", "/api/devices", self.who["admin"], json=body)).value["id"])
            made = await self.call("POST", "/api/groups", self.who["admin"], json={"name": "g", "groupId": parent})
            parent = made.value["id"]
        await self.services.linking.links.link("user", self.ids["stranger"], "group", self.names["group"])
        statuses = [(await self.call("GET", f"/api/devices/{id}", self.who["stranger"])).status for id in devices]
        self.assertEqual(statuses, [200, 200, 200, 400])

    async def test_first_user(self) -> None:
        """Where there is no user nobody makes one over the API, and no log-in leads anywhere."""
        await self.db.run("DELETE FROM users")
        body = {"name": "x", "email": "x@example.org", "password": "x", "administrator": True}
        for registration in ("false", "true"):
            await self.db.run(f"UPDATE server SET registration = {registration}")
            self.assertEqual((await self.call("POST", "/api/users", json=body)).status, 400)
            self.assertEqual((await self.call("POST", "/api/users", json=body | {"administrator": False})).status, 400)
        self.assertEqual(await self.db.query("SELECT * FROM users"), [])

    async def test_service_account(self) -> None:
        """Without a service token none opens the door, least of all an empty one."""
        for way in ({"Authorization": "Bearer "}, {"Authorization": "Bearer"}, {"Authorization": ""}):
            self.assertEqual((await self.call("GET", "/api/devices", way)).status, 401)
        self.assertEqual((await self.call("GET", "/api/session?token=")).status, 401)


class ServiceAccountTests(HouseTestCase):
    options = {"service_token": "open sesame"}

    async def test_service_account(self) -> None:
        """Who has the service's token is an administrator; what it makes belongs to nobody."""
        service = {"Authorization": "Bearer open sesame"}
        shown = await self.call("GET", "/api/session?token=open%20sesame")
        self.assertEqual((shown.value["administrator"], shown.header("Set-Cookie")), (True, None))
        await self.device(service)
        self.assertEqual((await self.call("GET", "/api/devices?all=true", service)).value[0]["uniqueId"], "one")
        self.assertEqual(await self.db.query("SELECT * FROM user_device"), [])
        self.assertEqual((await self.call("POST", "/api/session/token", service, form={})).status, 400)
        self.assertEqual((await self.call("GET", "/api/devices", {"Authorization": "Bearer open"})).status, 401)


def basic(name: str, password: str = "") -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}@example.org:{password or name}".encode()).decode()}
