"""Who did what, as an administrator reads it."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

from tests.rest.client import Response
from tests.rest.house import HouseTestCase
from trackd.people.sessions import digest_of
from trackd.store.database import Unavailable
from trackd.store.kinds import PAIRS, TABLES
from trackd.store.resets import Resets
from trackd.track.commands import CommandRefused

# The tables that changes are made in.
CHANGED = sorted(
    {"server", "tokens", "password_resets", "shares", "deletions", "queued_commands"}
    | {*TABLES.values(), *(pair.table for pair in PAIRS.values())}
)


class AuditTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.admin = await self.user("admin", administrator=True)

    most = 0  # devices that take a command

    async def audit(self, who: dict[str, str] | None = None, before: int = 60, after: int = 60) -> Response:
        now = self.time.now()
        start, end = ((now + timedelta(seconds=by)).strftime("%Y-%m-%dT%H:%M:%SZ") for by in (-before, after))
        return await self.call("GET", f"/api/audit?from={start}&to={end}", who or self.admin)

    async def noted(self) -> list[tuple[Any, ...]]:
        """User, type, object and attributes of each action."""
        return [
            (one["userId"], one["actionType"], one["objectType"], one["objectId"], one["attributes"])
            for one in (await self.audit()).value
        ]

    async def test_shape(self) -> None:
        """An action says who did what when and from where; the address of who is gone is not known."""
        ann = await self.user("ann")
        await self.call("DELETE", "/api/session", ann)
        (action,) = (await self.audit()).value
        self.assertRegex(action.pop("actionTime"), r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00\Z")
        self.assertTrue(action.pop("id"))
        self.assertEqual(
            {
                "attributes": {},
                "address": "127.0.0.1",
                "userId": self.ids["ann"],
                "actionType": "logout",
                "objectType": None,
                "objectId": 0,
                "userEmail": "ann@example.org",
            },
            action,
        )
        await self.services.permissions.users.delete(self.ids["ann"])
        (action,) = (await self.audit()).value
        self.assertIsNone(action["userEmail"])

    async def test_objects(self) -> None:
        """Making links to the maker, changing and removing are noted; what was refused or changed nothing is not."""
        ann = await self.user("ann")
        me, device = self.ids["ann"], await self.device(ann)
        body = {"id": device, "name": "new", "uniqueId": "one"}
        await self.call("PUT", f"/api/devices/{device}", ann, json=body)
        await self.call("PUT", "/api/devices/9", self.admin, json={**body, "id": 999_999})
        await self.call("POST", "/api/devices", ann, json=body)
        await self.call("DELETE", f"/api/devices/{device}", ann)
        await self.call("DELETE", f"/api/devices/{device}", self.admin)
        owner = {"ownerType": "user", "ownerId": me}
        self.assertEqual(
            [
                (me, "create", "device", device, {}),
                (me, "link", "device", device, owner),
                (me, "edit", "device", device, {}),
                (me, "remove", "device", device, {}),
            ],
            await self.noted(),
        )

    async def test_people(self) -> None:
        """A manager's user is linked to the manager; an administrator's and one who registers are linked to nobody."""
        boss = await self.user("boss", user_limit=-1)
        await self.services.permissions.users.update_server({"registration": True})
        ids = [
            (await self.call("POST", "/api/users", who, json={"name": name, "email": name})).value["id"]
            for name, who in (("one", boss), ("two", self.admin), ("three", None))
        ]
        me = self.ids["boss"]
        self.assertEqual(
            [
                (me, "create", "user", ids[0], {}),
                (me, "link", "managedUser", ids[0], {"ownerType": "user", "ownerId": me}),
                (self.ids["admin"], "create", "user", ids[1], {}),
                (0, "create", "user", ids[2], {}),
            ],
            await self.noted(),
        )

    async def test_links(self) -> None:
        """Links are noted with their owner; of many at once, those up to the one that was refused."""
        ann = await self.user("ann")
        device, me = await self.device(ann), self.ids["admin"]
        links = [{"userId": self.ids["admin"], "deviceId": device}, {"userId": 999_999, "deviceId": device}]
        await self.db.run("DELETE FROM actions")
        answer = await self.call("POST", "/api/permissions/bulk", self.admin, json=links)
        self.assertEqual(400, answer.status)
        await self.call("DELETE", "/api/permissions", self.admin, json=links[0])
        owner = {"ownerType": "user", "ownerId": me}
        expected = [(me, "link", "device", device, owner), (me, "unlink", "device", device, owner)]
        self.assertEqual(expected, await self.noted())

    async def test_doors(self) -> None:
        """Who comes in, is refused, leaves, and takes a token along."""
        await self.user("ann")
        form = {"email": "ann@example.org", "password": "ann"}
        answer = await self.call("POST", "/api/session", form=form)
        session = {"Cookie": (answer.header("Set-Cookie") or "").partition(";")[0]}
        await self.call("POST", "/api/session", form={**form, "password": "wrong"})
        await self.call("POST", "/api/session", form={**form, "email": "nobody"})
        await self.call("GET", "/api/devices", {"Authorization": "Basic YTpi"})
        await self.call("POST", "/api/session/token", session, form={})
        await self.call("DELETE", "/api/session", session)
        found = [one[:3] for one in await self.noted()]
        denied, me = (0, "denied", None), self.ids["ann"]
        self.assertEqual(
            [(me, "login", None), denied, denied, denied, (me, "create", "token"), (me, "logout", None)], found
        )

    async def test_right_password(self) -> None:
        """Who has the right password and may not come in now is nobody who tries passwords."""
        await self.user("shut", disabled=True)
        await self.user("coded", totp_key="JBSWY3DPEHPK3PXP")
        for name in ("shut", "coded"):
            text = b64encode(f"{name}@example.org:{name}".encode()).decode()
            answer = await self.call("GET", "/api/devices", {"Authorization": f"Basic {text}"})
            self.assertEqual(401, answer.status)
            await self.call("POST", "/api/session", form={"email": f"{name}@example.org", "password": name})
        self.assertEqual([], await self.noted())

    async def test_rest(self) -> None:
        """The server's settings, and commands that were sent: not those that wait for their device."""
        device, away = await self.device(self.admin), await self.device(self.admin, "away")
        self.commands.connected.add(device)
        await self.db.run("DELETE FROM actions")
        await self.call("PUT", "/api/server", self.admin, json={"id": 1})
        await self.call("PUT", "/api/server", self.admin, json={"id": 2})
        for id in (away, device):
            await self.call("POST", "/api/commands/send", self.admin, json={"deviceId": id, "type": "custom"})
        self.assertEqual(
            [("edit", "server", 1), ("command", "device", device)], [one[1:4] for one in await self.noted()]
        )

    async def test_group(self) -> None:
        """A command to a group is on record also if one of its devices was refused, and not if all were."""
        group = (await self.call("POST", "/api/groups", self.admin, json={"name": "g"})).value["id"]
        for name in ("one", "two"):
            body = {"name": name, "uniqueId": name, "groupId": group}
            self.commands.connected.add((await self.call("POST", "/api/devices", self.admin, json=body)).value["id"])
        await self.db.run("DELETE FROM actions")
        send = self.commands.send
        sent: list[int] = []

        async def refuse(device_id: int, *args: Any) -> Any:
            if len(sent) == self.most:
                raise CommandRefused("not this one")
            sent.append(device_id)
            return await send(device_id, *args)

        self.patch(type(self.commands), "send", lambda commands, *args: refuse(*args))
        for self.most, noted in ((0, []), (1, [("command", "group", group)])):
            path = f"/api/commands/send?groupId={group}"
            answer = await self.call("POST", path, self.admin, json={"type": "custom"})
            self.assertEqual(400, answer.status)
            self.assertEqual(noted, [one[1:4] for one in await self.noted()])

    async def test_whom(self) -> None:
        """Administrators alone read it, and must say of which time."""
        boss = await self.user("boss", user_limit=-1)
        self.assertEqual((400, 401), ((await self.audit(boss)).status, (await self.audit({"X-Any": "1"})).status))
        answer = await self.call("GET", "/api/audit", self.admin)
        self.assertEqual(400, answer.status)

    async def test_long(self) -> None:
        """A long record comes whole and in order, in pieces."""
        await self.db.run(
            "INSERT INTO actions (time, type) SELECT now() - make_interval(secs => i / 100), 'login'"
            " FROM generate_series(1, 2500) i"
        )
        found = [one["actionTime"] for one in (await self.audit()).value]
        self.assertEqual((2500, sorted(found)), (len(found), found))

    async def test_away(self) -> None:
        """Who leaves while it cannot be noted has left all the same, and the log has what would have been noted."""

        async def fail(action: Any) -> None:
            raise Unavailable("away")

        ann = await self.user("ann")
        self.patch(type(self.services.audit.actions), "add", lambda self, action: fail(action))
        self.assertEqual(204, (await self.call("DELETE", "/api/session", ann)).status)
        self.assertEqual(1, len(self.flushLoggedErrors(Unavailable)))

    async def contents(self) -> list[tuple[Any, ...]]:
        """What the database holds of changes and their notes."""
        return [
            (table, *row)
            for table in ("actions", *CHANGED)
            for row in await self.db.query(f"SELECT t::text FROM {table} t ORDER BY 1")
        ]

    async def test_together(self) -> None:
        """A change and its note are there together or not at all, whichever of them the database refuses."""
        boss = await self.user("boss", user_limit=-1)
        device, me, other = await self.device(boss), self.ids["boss"], self.ids["admin"]
        group = (await self.call("POST", "/api/groups", boss, json={"name": "g"})).value["id"]
        driver, spare = [
            (await self.call("POST", "/api/drivers", boss, json={"name": id, "uniqueId": id})).value["id"]
            for id in ("d", "spare")
        ]
        now = self.time.now()
        await Resets(self.db).create(digest_of("sent by mail"), me, now, now + timedelta(hours=1))
        token = await self.services.sessions.make_token(me)
        changes: list[tuple[str, str, dict[str, str] | None, dict[str, Any]]] = [
            ("POST", "/api/devices", boss, {"json": {"name": "two", "uniqueId": "two"}}),
            ("PUT", f"/api/devices/{device}", boss, {"json": {"id": device, "name": "new", "uniqueId": "one"}}),
            ("POST", "/api/groups", boss, {"json": {"name": "h"}}),
            ("PUT", f"/api/groups/{group}", boss, {"json": {"id": group, "name": "new"}}),
            ("POST", "/api/drivers", boss, {"json": {"name": "e", "uniqueId": "e"}}),
            ("PUT", f"/api/drivers/{driver}", boss, {"json": {"id": driver, "name": "new", "uniqueId": "d"}}),
            ("POST", "/api/users", boss, {"json": {"name": "u", "email": "u", "password": "u"}}),
            ("PUT", f"/api/users/{me}", self.admin, {"json": {"id": me, "name": "new", "email": "boss@example.org"}}),
            ("PUT", "/api/server", self.admin, {"json": {"id": 1, "registration": True}}),
            ("POST", "/api/permissions", self.admin, {"json": {"userId": other, "deviceId": device}}),
            ("POST", "/api/share/device", boss, {"form": {"deviceId": device}}),
            ("POST", "/api/share/group", boss, {"form": {"groupId": group}}),
            ("DELETE", "/api/permissions", boss, {"json": {"userId": me, "driverId": spare}}),
            ("POST", "/api/session/token", boss, {"form": {}}),
            ("POST", "/api/password/update", None, {"form": {"token": token, "password": "another"}}),
            ("POST", "/api/password/update", None, {"form": {"token": "sent by mail", "password": "another"}}),
            ("DELETE", f"/api/drivers/{driver}", boss, {}),
            ("DELETE", f"/api/devices/{device}", boss, {}),
            ("DELETE", f"/api/groups/{group}", boss, {}),
            ("DELETE", f"/api/users/{me}", boss, {}),
        ]
        for refuse, permit in (
            (
                "ALTER TABLE actions ADD CONSTRAINT nothing CHECK (false) NOT VALID",
                "ALTER TABLE actions DROP CONSTRAINT nothing",
            ),
            (
                "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS"
                " $$BEGIN RAISE check_violation; END$$;"
                + "".join(
                    f"CREATE CONSTRAINT TRIGGER nothing AFTER INSERT OR UPDATE OR DELETE ON {table}"
                    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nothing();"
                    for table in CHANGED
                ),
                "DROP FUNCTION nothing CASCADE",
            ),
        ):
            await self.db.run(refuse)
            for method, path, who, body in changes:
                before = await self.contents()
                answer = await self.call(method, path, who, **body)
                self.assertEqual((400, before), (answer.status, await self.contents()), f"{method} {path}")
            await self.db.run(permit)
        for method, path, who, body in changes:
            before = await self.contents()
            if who is boss:  # what was sent by mail ends the sessions
                who = {"Cookie": f"JSESSIONID={await self.services.sessions.open(me)}"}
            answer = await self.call(method, path, who, **body)
            self.assertIn(answer.status, (200, 204), f"{method} {path}: {answer.text}")
            changed = set(before) ^ set(await self.contents())
            noted = {row for row in changed if row[0] == "actions"}
            self.assertTrue(noted and changed - noted, f"{method} {path}")

    async def test_prune(self) -> None:
        """What is older than it is kept for goes; with 0 days everything stays."""
        await self.user("ann")
        await self.db.run("INSERT INTO actions (time, type) VALUES (now() - interval '9 days', 'old'), (now(), 'new')")
        audit = self.services.audit
        await audit.prune(0)
        self.assertEqual([(2,)], await self.db.query("SELECT count(*) FROM actions"))
        await audit.prune(8)
        self.assertEqual([("new",)], await self.db.query("SELECT type FROM actions"))
