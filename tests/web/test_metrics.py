"""`/metrics`: who may read it, and how it comes."""

from __future__ import annotations

from twisted.web.resource import IResource

from plugins.rest.traccar.traccar import dialect
from tests.rest.house import HouseTestCase
from trackd.figures import counter
from trackd.web.metrics import metrics
from trackd.web.mount import Api
from trackd.web.proxies import Proxies

# As Prometheus asks.
ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"


class MetricsTestCase(HouseTestCase):
    allow: tuple[str, ...] = ()

    def serve(self, root: IResource) -> None:
        page = metrics(dialect, self.allow, lambda: [counter("things_total", "Things", 5)])
        root.putChild(b"metrics", Api(page, self.services, Proxies(self.proxies), self.reactor))
        super().serve(root)


class AdministratorTests(MetricsTestCase):
    options = {"service_token": "the service's own"}

    async def test_administrator(self) -> None:
        """An administrator reads it, with a session or a token; the type is that of Prometheus."""
        session = await self.user("ada", administrator=True)
        token = await self.services.sessions.make_token(self.ids["ada"])
        for headers in (session, {"Authorization": f"Bearer {token}"}, {"Authorization": "Bearer the service's own"}):
            for path in ("/metrics", "/metrics/"):
                answer = await self.call("GET", path, headers | {"Accept": ACCEPT})
                self.assertEqual(answer.status, 200)
                self.assertEqual(
                    answer.text, "# HELP things_total Things\n# TYPE things_total counter\nthings_total 5\n"
                )
                self.assertEqual(answer.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")
                self.assertIsNone(answer.header("Access-Control-Allow-Origin"))

    async def test_strangers(self) -> None:
        """Nobody else does, from wherever he says he asks."""
        user = await self.user("bob", user_limit=-1)
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer guessed"}, 401),
            ({"X-Forwarded-For": "127.0.0.1"}, 401),
            (user, 403),
        ):
            answer = await self.call("GET", "/metrics", headers)
            self.assertEqual(answer.status, status)
            self.assertNotIn("things", answer.text)

    async def test_reading_alone(self) -> None:
        """It can be read, and nothing else; there is nothing below it."""
        session = await self.user("ada", administrator=True)
        self.assertIn((await self.call("POST", "/metrics", session)).status, (404, 405))
        self.assertEqual((await self.call("GET", "/metrics/more", session)).status, 404)

    async def test_database_away(self) -> None:
        """Without a database nobody can be recognised."""
        session = await self.user("ada", administrator=True)
        await self.db.stop()
        answer = await self.call("GET", "/metrics", session)
        self.assertEqual((answer.status, answer.header("Retry-After")), (503, "5"))


class AddressTests(MetricsTestCase):
    allow = ("192.0.2.1", "127.0.0.0/8")

    async def test_allowed(self) -> None:
        """These addresses need no credentials, not even a database."""
        await self.db.stop()
        self.assertEqual((await self.call("GET", "/metrics")).status, 200)


class ProxyTests(MetricsTestCase):
    allow = ("192.0.2.0/24", "::1")
    proxies = ("127.0.0.1",)

    async def test_behind_a_proxy(self) -> None:
        """What counts is the address that a known proxy has seen."""
        for address, status in (("192.0.2.7", 200), ("192.0.3.7", 401), ("::1", 200), ("no address", 401)):
            answer = await self.call("GET", "/metrics", {"X-Forwarded-For": address})
            self.assertEqual(answer.status, status, address)
        answer = await self.call("GET", "/metrics", {"X-Forwarded-For": "192.0.2.7, 192.0.3.7"})
        self.assertEqual(answer.status, 401)
