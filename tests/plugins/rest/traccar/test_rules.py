"""Rules of HTTP that hold for every route: methods, content types, who is asked first, and pages of other hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from plugins.rest.traccar.credentials import cors
from plugins.rest.traccar.traccar import dialect
from tests.rest.client import Response
from tests.rest.house import HouseTestCase
from trackd.rest.routes import Access, Route
from trackd.rest.services import Options

CORS = {
    "Access-Control-Allow-Headers": "origin, content-type, accept, authorization",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
}


class OriginTests(SynchronousTestCase):
    """Which pages of other hosts may read what is answered."""

    def allowed(self, configured: str, origin: str | None) -> str | None:
        services: Any = type("Services", (), {"options": Options("1", origin=configured)})
        headers = dict(cors(services, {} if origin is None else {"origin": origin}))
        self.assertEqual({name: headers.pop(name) for name in CORS}, CORS)
        return headers.pop("Access-Control-Allow-Origin", None)

    def test_table(self) -> None:
        """Nobody's page where none is configured; a listed one, or all; who sends no origin is no page."""
        several = "https://one.example,https://two.example:8443"
        for configured, origin, wanted in (
            ("", None, "*"),
            ("*", None, "*"),
            (several, None, "*"),
            ("", "https://one.example", None),
            ("*", "https://one.example", "https://one.example"),
            ("*", "null", "null"),
            (several, "https://one.example", "https://one.example"),
            (several, "https://two.example:8443", "https://two.example:8443"),
            (several, "https://three.example", None),
            (several, "null", None),
        ):
            self.assertEqual(self.allowed(configured, origin), wanted, f"{configured} {origin}")


class RuleTests(HouseTestCase):
    options = {"origin": "https://page.example"}
    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        # The methods of each address: one without parameters may be that of a route with some as well.
        self.methods = {
            path: {route.method for route in dialect.routes if pattern(route.path).fullmatch(filled(path))}
            for path in {route.path for route in dialect.routes}
        }

    def check_cors(self, answer: Response, origin: str | None, name: str) -> None:
        for header, value in CORS.items():
            self.assertEqual(answer.header(header), value, name)
        self.assertEqual(answer.header("Access-Control-Allow-Origin"), origin, name)

    async def test_options(self) -> None:
        """OPTIONS says without any credentials which methods a path has; pages of other hosts may read that."""
        for path, methods in self.methods.items():
            answer = await self.call("OPTIONS", address(path), {"Origin": "https://page.example"})
            self.assertEqual(answer.status, 200, path)
            wanted = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
            self.assertEqual(listed(answer), wanted, path)
            self.check_cors(answer, "https://page.example", path)

    async def test_wrong_method(self) -> None:
        """Another method is told which ones there are, whoever asks."""
        for path, methods in self.methods.items():
            for method in ("PATCH", "NONSENSE", *({"GET", "POST", "PUT", "DELETE"} - methods)):
                answer = await self.call(method, address(path))
                self.assertEqual(answer.status, 405, f"{method} {path}")
                self.assertEqual(listed(answer), methods | {"OPTIONS"}, path)
                self.check_cors(answer, "*", path)

    async def test_types_first(self) -> None:
        """A body or an answer of a wrong type is refused before it is asked who is there."""
        for name, route in self.each():
            answer = await self.call(route.method, address(route.path), {"Accept": "image/x-nothing"})
            self.assertEqual(answer.status, 406, name)
            self.check_cors(answer, "*", name)
            if route.consumes in ("application/json", "application/x-www-form-urlencoded"):
                sent = {"Content-Type": "text/csv"}
                answer = await self.call(route.method, address(route.path), sent, data=b"a")
                self.assertEqual(answer.status, 415, name)
                self.check_cors(answer, "*", name)
            if route.consumes == "application/json":
                answer = await self.call(route.method, address(route.path), data=b"{}")
                self.assertEqual(answer.status, 415, name)

    async def test_who_first(self) -> None:
        """Nobody learns whether an address or a body would have made sense."""
        for name, route in self.each():
            if route.access is Access.ANYONE:
                continue
            sent = {"Content-Type": route.consumes} if route.consumes else {}
            query = "".join(f"&{param.name}=nonsense" for param in route.query)
            path = filled(route.path, "nonsense")
            origin = {"Origin": "https://page.example"}
            answer = await self.call(
                route.method, f"/api{path}?{query}", sent | origin, data=b"{nonsense" if route.consumes else None
            )
            self.assertEqual(answer.status, 401, name)
            self.check_cors(answer, "https://page.example", name)

    async def test_nothing_sent(self) -> None:
        """A body that is needed and not there is missing, whatever stands in the address."""
        root = await self.user("root", administrator=True)
        for name, route in self.each():
            if route.consumes in ("application/json", "application/x-www-form-urlencoded"):
                query = "&".join(f"{param.name}=1" for param in route.form or ())
                answer = await self.call(route.method, f"{address(route.path)}?{query}", root)
                self.assertEqual(answer.status, 400, name)

    async def test_addresses(self) -> None:
        """A slash at the end is nothing, capitals and empty segments are no routes, and paths end where they end."""
        ann = await self.user("ann")
        for path, status in (
            ("/api/devices/", 200),
            ("/api/session/", 200),
            ("/api/Devices", 404),
            ("/api//devices", 400),
            ("/api/devices//", 400),
            ("/api/devices//1", 400),
            ("/api/devices/1/nothing", 404),
            ("/api/nothing", 404),
            ("/api", 404),
            ("/api/", 404),
        ):
            answer = await self.call("GET", path, ann)
            self.assertEqual(answer.status, status, path)
            self.check_cors(answer, "*", path)

    async def test_answers(self) -> None:
        """JSON is called so and nothing more; nothing is packed, nothing may be kept by caches but what says so."""
        ann = await self.user("ann")
        for path in ("/api/devices", "/api/server", "/api/session", "/api/users", "/api/positions"):
            answer = await self.call("GET", path, ann | {"Accept-Encoding": "gzip, br"})
            self.assertEqual(answer.header("Content-Type"), "application/json", path)
            self.assertEqual(answer.length, len(answer.body), path)
            for header in ("Content-Encoding", "Cache-Control", "Expires", "ETag", "Last-Modified"):
                self.assertIsNone(answer.header(header), path)
            head = await self.call("HEAD", path, ann)
            self.assertEqual((head.status, head.body), (200, b""), path)

    async def test_elsewhere(self) -> None:
        """Other pages of this server are nothing that those of other hosts may read."""
        for path in ("/", "/trackd/style.css", "/setup"):
            answer = await self.call("GET", path, {"Origin": "https://page.example"})
            self.assertIsNone(answer.header("Access-Control-Allow-Origin"), path)

    def each(self) -> Iterator[tuple[str, Route]]:
        for route in dialect.routes:
            yield route.name, route


def pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))


def filled(path: str, word: str = "1") -> str:
    """A route's path with something for what varies."""
    return re.sub(r"\{[^}]+\}", word, path)


def address(path: str) -> str:
    return "/api" + filled(path)


def listed(answer: Response) -> set[str]:
    """The methods of an Allow header."""
    return {method.strip() for method in (answer.header("Allow") or "").split(",")}
