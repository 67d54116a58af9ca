"""Texts that would be something else in a statement, a path or a header, in every parameter of every route."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from plugins.rest.traccar.traccar import dialect
from tests.rest.house import HouseTestCase
from trackd.rest.params import Param
from trackd.rest.routes import Route

TEXTS = (
    "1'; DELETE FROM devices; --",
    "1) OR (1=1",
    "%' OR name LIKE '%",
    "id DESC, (SELECT pg_sleep(9))",
    "\\ %s%(x)s%% {0.__class__}",
    "\0",
    "a\r\nSet-Cookie: x=y",
    "\U0001f690" * 300,
)
# What a parameter is given while another is tried.
FINE = {"long": "1", "integer": "1", "double": "1", "boolean": "true", "date-time": "2026-01-01T00:00:00Z"}


class ParameterTests(HouseTestCase):
    timeout = 300

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.admin = await self.user("admin", administrator=True)
        await self.device(self.admin, "van")
        self.services.machine.reboot = lambda: None

    async def asked(self, route: Route, tried: Param, text: str) -> Any:
        """What comes of this text in this parameter, with something that could be meant in all others."""
        path = route.path
        for param in route.place:
            said = text if param is tried else FINE.get(param.kind.name, "x")
            path = path.replace(f"{{{param.name}}}", quote(said, safe=""))
        query = "&".join(
            f"{param.name}={quote(text if param is tried else FINE.get(param.kind.name, 'x'))}"
            for param in route.query
            if param is tried or (param.name not in ("id", "uniqueId") and tried not in route.place)
        )
        return await self.call(route.method, f"{dialect.prefix}{path}?{query}", self.admin)

    async def test_every_parameter(self) -> None:
        """
        No text is more than a text: it changes nothing, says nothing of the inside, and is no mistake in the server.
        """
        before = await self.state()
        for route in dialect.routes:
            if route.method not in ("GET", "DELETE") or route.path.startswith("/session"):
                continue
            for param in (*route.place, *route.query):
                for text in TEXTS:
                    answer = await self.asked(route, param, text)
                    said = f"{route.name} {param.name}={text!r}: {answer.status} {answer.body[:200]!r}"
                    self.assertLess(answer.status, 500, said)
                    self.assertIsNone(answer.header("Set-Cookie"), said)
                    for word in (b"syntax", b"SELECT", b"psycopg", b"Traceback"):
                        self.assertNotIn(
                            word, answer.body.replace(quote(text).encode(), b"").split(text.encode())[0], said
                        )
        self.assertEqual(before, await self.state())

    async def state(self) -> list[Any]:
        return [
            await self.db.query(f"SELECT count(*), sum(id) FROM {table}")
            for table in ("devices", "users", "groups", "geofences")
        ]

    async def test_keyword(self) -> None:
        """A keyword is looked for as it is, except that % and _ stand for anything."""
        for name in ("a'b", "a\\b", "a%b", 'a"b'):
            await self.call("POST", "/api/groups", self.admin, json={"name": name})
        for keyword, count in (("'", 1), ("\\", 1), ('"', 1), ("%", 4), ("a_b", 4), ("' OR ''='", 0)):
            answer = await self.call("GET", f"/api/groups?keyword={quote(keyword)}", self.admin)
            self.assertEqual(count, len(answer.value), keyword)
