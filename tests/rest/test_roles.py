"""Every route, asked by every role: see `roles.txt`."""

from __future__ import annotations

import os
from typing import Any

from attrs import evolve
from jsonschema import Draft202012Validator
from twisted.trial.unittest import SynchronousTestCase

from plugins.rest.traccar.description import WORDS
from plugins.rest.traccar.traccar import dialect
from plugins.rest.trackd import dialect as own
from tests.ports import free_port
from tests.rest.client import Client, Response
from tests.rest.roles import FILE, Row, finder, read, unmatched
from tests.rest.world import ROLES, SERVICE_TOKEN, World, media
from tests.whole import WholeHouseTestCase
from trackd.rest.openapi import description
from trackd.rest.routes import Answer, Call, Route

# All routes below the first dialect's prefix: its own, and those of the server.
ROUTES = (
    *dialect.routes,
    *(evolve(route, path=own.prefix.removeprefix(dialect.prefix) + route.path) for route in own.routes),
)
# What is not in the dialect's table of routes and yet has rows, by the beginning of its path.
ENTRIES = ("/api/media/", "/api/socket", "/metrics", "/setup", "/trackd/", "/index.html", "/client-proxy/")


# Flags of the server, and the role that has the same as its own.
RESTRICTED = {
    "readonly": "readonly",
    "device_readonly": "devices",
    "limit_commands": "commands",
    "disable_reports": "reports",
}
# Whose answers are held against the description.
TOLD = ("owner", "admin")


class Promises:
    """What the description of the REST interface says of answers."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._prefix = said["servers"][0]["url"]
        self._paths = said["paths"]
        self._find = finder((method.upper(), path) for path, item in said["paths"].items() for method in item)
        self._components = {"components": said["components"]}

    def broken(self, row: Row, answer: Response | None) -> str:
        """What is otherwise in this answer than the description says; nothing if all is well."""
        path = row.path.partition("?")[0].removeprefix(self._prefix)
        found = self._find(row.method, path) if row.path.startswith(self._prefix + "/") else None
        if found is None or answer is None or answer.status >= 400:
            return ""
        promised = self._paths[found[1]][row.method.lower()]["responses"].get(str(answer.status))
        if promised is None:
            return f"the status {answer.status} is not described"
        content = promised.get("content", {})
        type = (answer.header("Content-Type") or "").partition(";")[0]
        if not content:
            return f"nothing is promised, and it answers {answer.body[:50]!r}" if answer.body else ""
        if type not in content:
            return f"the content type {type} is not described"
        schema = content[type]["schema"]
        if type != "application/json" or schema.get("type") == "string":
            return ""
        errors = Draft202012Validator({**schema, **self._components}).iter_errors(answer.value)
        return "; ".join(error.message for error in errors)


class TableTests(SynchronousTestCase):
    """The table by itself."""

    def test_complete(self) -> None:
        """Every route has a row, those that ask for rights on an object also one for a foreign object."""
        roles, rows = read(FILE.read_text())
        self.assertEqual(roles, [name[:3] for name in ROLES])
        self.assertEqual(unmatched(rows, dialect.prefix, ROUTES, ENTRIES), [])
        for entry in ENTRIES:
            self.assertTrue(any(row.path.startswith(entry) for row in rows), entry)

    def test_incomplete(self) -> None:
        """A route without a row is found, so is a row without a route, and an object that nobody has tried to take."""

        async def nothing(services: object, call: Call) -> Answer:
            return Answer()

        _, rows = read("a b\nGET /api/a/<a> 401 200\nGET /api/c 401 200\nGET /metrics 401 403\n")
        routes = [Route("GET", "/a/{id}", nothing, needs=("a",)), Route("GET", "/b", nothing)]
        self.assertEqual(
            unmatched(rows, "/api", routes, ["/metrics"]),
            [
                "line 3: there is no GET /api/c",
                "GET /a/{id} has no row for what is somebody else's",
                "GET /b has no row",
            ],
        )

    def test_bad_line(self) -> None:
        """A line with a status too few or too many is no line."""
        for line in ("GET /a 401", "GET /a 401 200 | {}", "GET 401 200 200"):
            with self.assertRaises(ValueError):
                read(f"a b c\n{line}\n")


class RoleTests(WholeHouseTestCase):
    timeout = 300

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        folder = self.folder
        (folder / "web").mkdir()
        (folder / "web" / "index.html").write_text("<title>a client</title>")
        media(folder / "media")
        port = free_port()
        said = {
            "protocols.enable": "osmand",
            "osmand.port": str(port),
            "web.path": str(folder / "web"),
            "web.serviceAccountToken": SERVICE_TOKEN,
            "media.path": str(folder / "media"),
            "metrics.allow": "",
            "mail.debug": "true",
        }
        said["openid.clients"] = "site:secret:https://site.example/back"
        await self.open_house(said)
        self.house.people.services.machine.reboot = lambda: None
        self.world = World(self.house, f"http://{self.host}", Client(self.reactor, persistent=True))
        await self.world.fill()

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.world.client.close()
        await super().tearDown()

    async def test_table(self) -> None:
        """Everybody gets what the table says, and who is refused changes nothing."""
        _, rows = read(FILE.read_text())
        self.promises = Promises(description(dialect.prefix, dialect.routes, WORDS, "1"))
        only = os.environ.get("ROWS", "")
        problems = [problem for row in rows if only in row.path for problem in await self.problems(row)]
        self.assertEqual([], problems, "\n" + "\n".join(problems))

    async def test_server_flags(self) -> None:
        """
        A restriction of the server does to everybody what that of a user does to one, and nothing to administrators.
        """
        _, rows = read(FILE.read_text())
        problems = []
        for flag, restricted in RESTRICTED.items():
            await self.world.restrict(flag)
            for row in rows:
                wanted = dict(zip(ROLES, row.wanted, strict=True))
                # Where it makes no difference, one restriction is tried for all, and only where something changes.
                same = wanted["owner"] == wanted[restricted]
                if same and (flag != "readonly" or not row.changes):
                    continue
                for name, cell in (("owner", wanted[restricted]), ("admin", wanted["admin"])):
                    found = await self.world.ask(row, name)
                    if found != cell:
                        problems.append(f"{flag}: {name}: {row.method} {row.path}: {found}, not {cell} | {row.body}")
                    if row.changes:
                        await self.world.restore()
        self.assertEqual([], problems, "\n" + "\n".join(problems))

    async def problems(self, row: Row) -> list[str]:
        """What is otherwise than the table says; the line as it would be, or what a refused request has changed."""
        wanted = dict(zip(ROLES, row.wanted, strict=True))
        found: dict[str, str] = {}
        problems = []
        refused = [name for name in ROLES if wanted[name][0] in "45"]
        # Those who are to be refused come first: what they change is seen.
        for name in refused + [name for name in ROLES if name not in refused]:
            found[name] = await self.world.ask(row, name)
            if name in TOLD and (said := self.promises.broken(row, self.world.answer)):
                problems.append(f"{row.method} {row.path}: {said}")
            if found[name][0] not in "45" and row.changes:
                await self.world.restore()
            elif row.changes and refused and name == refused[-1] and (changed := await self.world.changed()):
                problems.append(f"{row.method} {row.path}: who is refused changes {', '.join(changed)}")
                await self.world.restore()
        if found != wanted:
            problems.append(row.told(found[name] for name in ROLES))
        return problems
