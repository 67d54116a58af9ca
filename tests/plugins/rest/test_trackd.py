"""What the server tells of itself, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.rest.house import HouseTestCase
from trackd.store.quarantine import Quarantine
from trackd.store.rows import UnknownRow
from trackd.store.unknown import UnknownDevices

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class InsideTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.admin = await self.user("admin", administrator=True)
        self.ann = await self.user("ann")

    async def ask(self, path: str, method: str = "GET", **sent: Any) -> Any:
        answer = await self.call(method, f"/api/trackd/{path}", self.admin, **sent)
        self.assertIn(answer.status, (200, 204), answer.text)
        return answer.value if answer.text else None

    async def test_ports(self) -> None:
        """Users learn which port is for which format; nobody else does."""
        answer = await self.call("GET", "/api/trackd/formats", self.ann)
        self.assertEqual(answer.value, [{"name": "gt06", "port": 5023, "transports": ["tcp"], "tls": False}])
        self.assertEqual((await self.call("GET", "/api/trackd/formats")).status, 401)

    async def test_administrators(self) -> None:
        """What concerns the whole server is for administrators."""
        for method, path in (
            ("GET", "unknown"),
            ("DELETE", "unknown?uniqueId=x"),
            ("GET", "quarantine"),
            ("POST", "quarantine/1/retry"),
            ("DELETE", "quarantine/1"),
            ("GET", "settings"),
            ("GET", "state"),
        ):
            answer = await self.call(method, f"/api/trackd/{path}", self.ann)
            self.assertEqual((answer.status, answer.text), (400, "Administrator access required"), path)

    async def test_unknown(self) -> None:
        """Unknown ids are listed, and can be forgotten."""
        await UnknownDevices(self.db).note(
            [UnknownRow(id, "gt06", "10.0.0.1", NOON, NOON, 3, "7878") for id in ("one", "a&b")]
        )
        (first,) = [row for row in await self.ask("unknown") if row["uniqueId"] == "a&b"]
        self.assertEqual((first["count"], first["lastSeen"]), (3, "2026-01-31T12:00:00.000+00:00"))
        await self.ask("unknown?uniqueId=a%26b", "DELETE")
        self.assertEqual([row["uniqueId"] for row in await self.ask("unknown")], ["one"])

    async def test_quarantine(self) -> None:
        """Refused reports are listed with their reason, tried again, and deleted; what is refused again says why."""
        id = await Quarantine(self.db).add(1, "gt06", NOON, "too large", "[]", b"\x78\x78")
        told = await self.ask("quarantine")
        self.assertEqual((told["total"], told["reports"][0]["reason"]), (1, "too large"))
        self.assertEqual(told["reports"][0]["frame"], "7878")
        again = await self.call("POST", f"/api/trackd/quarantine/{id}/retry", self.admin)
        self.assertEqual(again.status, 400)
        self.assertIn("is no report", again.text)
        self.assertIn("is no report", (await self.ask("quarantine"))["reports"][0]["reason"])
        await self.ask(f"quarantine/{id}", "DELETE")
        self.assertEqual((await self.ask("quarantine"))["total"], 0)
        self.assertEqual((await self.call("DELETE", f"/api/trackd/quarantine/{id}", self.admin)).status, 404)

    async def test_settings(self) -> None:
        """The settings are listed with where they come from; secrets are not."""
        answer = await self.call("GET", "/api/trackd/settings", self.admin)
        rows = {row["name"]: row for row in answer.value}
        self.assertEqual((rows["web.port"]["value"], rows["web.port"]["origin"]), ("8082", "default"))
        self.assertEqual(rows["protocols.enable"]["origin"], "--set")
        self.assertEqual(rows["web.serviceAccountToken"]["value"], "(set)")
        self.assertNotIn("a secret", answer.text)

    async def test_state(self) -> None:
        """The state has the figures, and whether the database is there."""
        state = await self.ask("state")
        self.assertEqual((state["database"], state["version"]), (True, "1.2.3"))
        (sockets,) = [figure for figure in state["figures"] if figure["name"] == "trackd_live_sockets"]
        self.assertEqual(sockets["values"], [{"labels": {}, "value": 3}])

    async def test_commands(self) -> None:
        """Who sees a device sees what waits for it."""
        id = await self.device(self.ann)
        await self.services.inside.queue.add(id, "custom", {"data": "x"})
        answer = await self.call("GET", f"/api/trackd/commands?deviceId={id}", self.ann)
        (found,) = answer.value
        self.assertEqual((found["type"], found["attributes"], found["failure"]), ("custom", {"data": "x"}, None))
        other = await self.user("bob")
        self.assertEqual((await self.call("GET", f"/api/trackd/commands?deviceId={id}", other)).status, 400)
