"""
A whole house with one user of each role, and objects of theirs and of somebody else's, for the table of who may do
what.

    <device>, <group> …   linked to everybody who has rights at all
    <foreign device> …    linked to the user `other` alone
    <me>                  the id of who asks (of the stranger, for who has no name)
    <token>, <session>    of who asks; nobody's are none. A socket that has one in its address comes with nothing else
    <my name>             of who asks, which is the first part of the e-mail address
    <my flags>            members of a user, as those of who asks are
    <managed>, <foreign user>, <administrator>  ids of users

What a request has changed is put back before the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import Factory, define, frozen
from twisted.internet.task import deferLater

from plugins.rest.traccar.objects import USER
from tests.rest.client import Client, Response
from tests.rest.roles import Row
from tests.store.samples import latest
from trackd.house import House
from trackd.people.accounts import FLAGS
from trackd.people.belongings import ADMINISTERED
from trackd.people.permissions import SERVICE_ID
from trackd.rest.body import field
from trackd.rest.output import dumps

SERVICE_TOKEN = "the-token-of-the-service"
PASSWORD = "a password of somebody"

# What each role's user has besides a name; None: no user of its own.
ROLES: dict[str, Mapping[str, Any] | None] = {
    "none": None,
    "stranger": {},
    "owner": {},
    "readonly": {"readonly": True},
    "devices": {"device_readonly": True},
    "commands": {"limit_commands": True},
    "reports": {"disable_reports": True},
    "boss": {"user_limit": -1},
    "managed": {},
    "admin": {"administrator": True},
    "token": None,
    "revoked": None,
    "shared": None,
    "over": None,
    "expired": {},
    "disabled": {},
    "service": None,
}
# Those with rights.
LINKED = [name for name, values in ROLES.items() if values is not None and name not in ("stranger", "boss", "admin")]
# Who shares the device with them; the share of another is another user.
SHARES = {"shared": "owner", "over": "managed"}

DAYS = (
    "QkVHSU46VkNBTEVOREFSClZFUlNJT046Mi4wClBST0RJRDotLy94Ly94CkJFR0lOOlZFVkVOVApVSUQ6MQpEVFNUQVJUOjIwMjYwMTAxVDAwMDAw"
    "MFoKRFRFTkQ6MjAyNjAxMDFUMDEwMDAwWgpSUlVMRTpGUkVRPURBSUxZCkVORDpWRVZFTlQKRU5EOlZDQUxFTkRBUgo="
)
# How one of each kind is made, and its member in links.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "device": ("/devices", {"name": "Van", "uniqueId": "van"}),
    "group": ("/groups", {"name": "Vans"}),
    "geofence": ("/geofences", {"name": "yard", "area": "CIRCLE (48 11, 100)"}),
    "calendar": ("/calendars", {"name": "days", "data": DAYS}),
    "command": ("/commands", {"type": "custom", "description": "stop", "attributes": {"data": "x"}}),
    "notification": ("/notifications", {"type": "alarm"}),
    "attribute": (
        "/attributes/computed",
        {"description": "d", "attribute": "a", "expression": "1", "type": "number"},
    ),
    "driver": ("/drivers", {"name": "Dora", "uniqueId": "dora"}),
    "maintenance": ("/maintenance", {"name": "oil", "type": "hours"}),
    "order": ("/orders", {"uniqueId": "order"}),
    "report": ("/reports", {"type": "trips", "description": "weekly", "calendarId": "<calendar>"}),
}

# A device that this server has once claimed stays its own.
CLAIMS = "CREATE TEMP TABLE claims ON COMMIT DROP AS SELECT device_id, node_id, epoch FROM device_states"
CLAIMED = (
    "UPDATE device_states s SET node_id = c.node_id, epoch = c.epoch FROM claims c WHERE c.device_id = s.device_id"
)


@frozen
class Role:
    """How a role asks: the headers it sends, and what it can put into an address."""

    headers: Mapping[str, str]
    id: int
    token: str = ""
    session: str = ""
    flags: str = '"deviceLimit": -1'


@define(eq=False)
class World:
    house: House
    base: str  # of the site
    client: Client
    names: dict[str, object] = Factory(dict)
    roles: dict[str, Role] = Factory(dict)
    answer: Response | None = None  # the last one
    # What the server writes by itself, and when it likes: refusals, requests and devices that are heard, also unknown
    # ones.
    unwatched: tuple[str, ...] = (
        "actions",
        "device_states",
        "statistics",
        "statistics_devices",
        "statistics_users",
        "unknown_devices",
    )

    async def fill(self) -> None:
        """Make everybody and everything, and remember all of it."""
        services = self.house.people.services
        hash = await services.entrance.passwords.hash(PASSWORD)
        ids: dict[str, int] = {}
        for name, values in [*ROLES.items(), ("other", {})]:
            if values is not None:
                row = {"name": name, "email": f"{name}@example.org", "password_hash": hash, "device_limit": -1}
                ids[name] = (await services.permissions.users.insert(row | dict(values))).id
        for name, id in ids.items():
            session = await services.sessions.open(id)
            self.roles[name] = Role(
                {"Cookie": f"JSESSIONID={session}"}, id, await self._token(id), session, flags(ROLES.get(name))
            )
        owner, stranger = ids["owner"], ids["stranger"]
        token, revoked = await self._token(owner), await self._token(owner)
        await services.sessions.revoke(revoked)
        self.roles |= {
            "none": Role({}, stranger),
            "token": Role({"Authorization": f"Bearer {token}"}, owner, token),
            "revoked": Role({"Authorization": f"Bearer {revoked}"}, owner, revoked),
            "service": Role({"Authorization": f"Bearer {SERVICE_TOKEN}"}, SERVICE_ID, SERVICE_TOKEN),
        }
        self.names |= {"managed": ids["managed"], "foreign user": ids["other"], "administrator": ids["admin"]}
        await self._link("managedUserId", ids["managed"], "boss")
        for kind, (path, body) in KINDS.items():
            # What is not for everybody to make is made by who is linked to nothing, and given to those who have it.
            restricted = kind in ADMINISTERED
            self.names[f"foreign {kind}"] = other = await self._made(
                "service" if restricted else "other", path, body | _other(body)
            )
            self.names[kind] = made = await self._made("service" if restricted else "owner", path, body)
            if restricted:
                await self._link(f"{kind}Id", other, "other")
            for name in LINKED:
                await self._link(f"{kind}Id", made, name)
        for name, by in SHARES.items():
            ids[name] = await self._share(name, by)
        await self._positions()
        now = datetime.now(UTC)
        database = self.house.database
        await database.run("UPDATE sessions SET last_used = now() + interval '1 hour'")
        await database.run("UPDATE users SET disabled = true WHERE id = %s", [ids["disabled"]])
        await database.run(
            "UPDATE users SET expiration_time = %s WHERE id = ANY(%s)",
            [now - timedelta(seconds=1), [ids["expired"], ids["over"]]],
        )
        await self._keep()

    async def _token(self, user_id: int) -> str:
        return await self.house.people.services.sessions.make_token(user_id)

    async def _made(self, name: str, path: str, body: dict[str, Any]) -> int:
        sent = {member: self.names[value[1:-1]] if member == "calendarId" else value for member, value in body.items()}
        answer = await self._call("POST", f"/api{path}", name, sent)
        assert answer.status == 200, f"POST {path}: {answer.status} {answer.text}"
        return int(answer.value["id"])

    async def _share(self, name: str, by: str) -> int:
        """A role for who has the link of a device that another role shares."""
        form = f"deviceId={self.names['device']}".encode()
        headers = {**self.roles[by].headers, "Content-Type": "application/x-www-form-urlencoded"}
        shared = await self.client.request("POST", f"{self.base}/api/share/device", headers, form)
        assert shared.status == 200, shared.text
        entered = await self.client.request("GET", f"{self.base}/api/session?token={shared.text}")
        session = str(entered.header("Set-Cookie")).partition(";")[0].partition("=")[2]
        user = entered.value
        shown = {member.name: user[member.name] for member in USER.members if field(member) in FLAGS}
        said = dumps({"deviceLimit": user["deviceLimit"], **shown}).decode()[1:-1]
        self.roles[name] = Role({"Cookie": f"JSESSIONID={session}"}, user["id"], shared.text, session, said)
        return int(user["id"])

    async def _link(self, member: str, id: int, name: str) -> None:
        link = {"userId": self.roles[name].id, member: id}
        answer = await self._call("POST", "/api/permissions", "admin", link)
        assert answer.status == 204, f"{link}: {answer.status} {answer.text}"

    async def _call(self, method: str, path: str, name: str, body: Any) -> Response:
        headers = {**self.roles[name].headers, "Content-Type": "application/json"}
        return await self.client.request(method, self.base + path, headers, dumps(body))

    async def _positions(self) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        for prefix in ("", "foreign "):
            device: Any = self.names[f"{prefix}device"]
            position = await latest(self.house.database, device, now)
            self.names[f"{prefix}position"] = self.names[f"{prefix}event"] = position.id
            await self.house.database.run(
                "INSERT INTO events (id, device_id, type, event_time) VALUES (%s, %s, 'ignitionOn', %s)",
                [position.id, device, now],
            )

    # Asking

    async def ask(self, row: Row, name: str) -> str:
        """What a role gets for a request, as a cell of the table."""
        role = self.roles[name]
        names = {
            **self.names,
            "me": role.id,
            "token": role.token,
            "session": role.session,
            "my name": name,
            "my flags": role.flags,
        }
        path, headers = row.filled(row.path, names), dict(role.headers)
        if row.method == "WS":
            headers = {} if "?" in row.path else headers
            return str(await self.client.upgrade(self.base + path, headers))
        if row.type:
            headers["Content-Type"] = row.type
        body = row.filled(row.body, names).encode() if row.type else None
        self.answer = answer = await self.client.request(row.method, self.base + path, headers, body)
        if answer.status == 200 and answer.body.startswith(b"["):
            count = len(answer.value)
            return f"[{count if count < 10 else '+'}]"
        return str(answer.status)

    # Putting back

    async def _keep(self) -> None:
        """Remember all tables but that of the servers, which is the server's own."""
        database = self.house.database
        rows = await database.query(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'nodes'"
        )
        await database.run(
            "CREATE SCHEMA kept; CREATE UNLOGGED TABLE kept.touched (name text);"
            "CREATE FUNCTION kept.touch() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN INSERT INTO kept.touched VALUES (TG_TABLE_NAME); RETURN NULL; END $$"
        )
        for (table,) in rows:
            await database.run(
                f"CREATE TABLE kept.{table} AS TABLE {table};"
                f"CREATE TRIGGER touched AFTER INSERT OR UPDATE OR DELETE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION kept.touch()"
            )

    async def settle(self) -> None:
        """Wait for what goes on after its request has been answered."""
        while self.house.people.services.recovery._underway:
            await deferLater(self.house.reactor, 0.001)

    async def _touched(self) -> list[str]:
        await self.settle()
        return [name for (name,) in await self.house.database.query("SELECT DISTINCT name FROM kept.touched")]

    async def restore(self) -> None:
        """Everything is as it was at first."""
        statements = []
        for table in await self._touched():
            statements += [f"DELETE FROM {table}", f"INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE kept.{table}"]
        if statements:
            # Without triggers and without looking whether a row has those that it names: they will be there.
            first, last = "SET LOCAL session_replication_role = replica", "DELETE FROM kept.touched"
            await self.house.database.run("; ".join([first, CLAIMS, *statements, CLAIMED, last]))
            for device in self.house.presence.directory.by_id.values():
                device.stale = True  # memory may have more, or less

    async def restrict(self, flag: str) -> None:
        """From now on the server has this flag and no other."""
        for table in ("server", "kept.server"):
            await self.house.database.run(
                f"UPDATE {table} SET readonly = false, device_readonly = false, limit_commands = false,"
                f" disable_reports = false; UPDATE {table} SET {flag} = true"
            )

    async def changed(self) -> list[str]:
        """The tables that are not as they were."""
        questions = [
            f"SELECT '{table}' WHERE (SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t)"
            f" IS DISTINCT FROM (SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM kept.{table} t)"
            for table in await self._touched()
            if table not in self.unwatched
        ]
        if not questions:
            return []
        return [name for (name,) in await self.house.database.query(" UNION ALL ".join(questions))]


def flags(values: Mapping[str, Any] | None) -> str:
    """A user's values as members of its JSON."""
    row = values or {}
    return dumps(
        {"deviceLimit": -1} | {member.name: row[field(member)] for member in USER.members if field(member) in row}
    ).decode()[1:-1]


def _other(body: Mapping[str, Any]) -> dict[str, Any]:
    """What must not be the same twice, for the second one."""
    other = {name: f"foreign {body[name]}" for name in ("uniqueId",) if name in body}
    return other | ({"calendarId": "<foreign calendar>"} if "calendarId" in body else {})


def media(folder: Path) -> None:
    """A picture of each device."""
    for unique_id in ("van", "foreign van"):
        (folder / unique_id).mkdir(parents=True)
        (folder / unique_id / "picture.jpg").write_bytes(b"a picture")
