"""What people try with addresses and texts: redirects, headers of their own, statements, scripts."""

from __future__ import annotations

from typing import Any

from tests.rest.client import Response
from tests.rest.house import HouseTestCase
from tests.rest.replay import encoded

EVIL = "evil.example"
INJECTED = "x%0d%0aX-Injected:%201%0d%0a%0d%0a%3Cscript%3E"


class WebTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.ann = await self.user("ann")
        self.admin = await self.user("admin", administrator=True)

    def check(self, answer: Response, path: str) -> None:
        """It leads nowhere, and has no header that was not meant."""
        self.assertFalse(300 <= answer.status < 400, path)
        self.assertIsNone(answer.header("Location"), path)
        self.assertIsNone(answer.header("X-Injected"), path)
        for _, values in answer.headers.getAllRawHeaders():
            self.assertNotIn(b"evil.example", b" ".join(values), path)

    async def test_redirects(self) -> None:
        """No address of the server sends anybody elsewhere, however it is written."""
        for path in (
            f"//{EVIL}/",
            f"//{EVIL}/%2e%2e",
            f"/%2f%2f{EVIL}/",
            f"/%5c%5c{EVIL}",
            f"/api//{EVIL}/",
            f"/api/session?redirect_uri=//{EVIL}&next=https://{EVIL}&url=https://{EVIL}",
            f"/setup?token=x&next=https://{EVIL}",
            f"/?uniqueId=https://{EVIL}",
            "/api",
            "/api/",
            "/api/devices/",
            "/trackd",
        ):
            for headers in ({}, self.ann, {"Host": EVIL}):
                self.check(await self.call("GET", path, headers), path)

    async def test_headers(self) -> None:
        """No text of a request becomes a header of the answer."""
        for path in (
            f"/api/{INJECTED}",
            f"/{INJECTED}",
            f"/api/session/check-sid?sid={INJECTED}",
            f"/api/session?token={INJECTED}",
            f"/api/devices?keyword={INJECTED}&uniqueId={INJECTED}",
            f"/api/devices;jsessionid={INJECTED}",
            f"/api/users/{INJECTED}",
            f"/setup?token={INJECTED}",
        ):
            self.check(await self.call("GET", path, self.ann), path)
        text = "x\r\nX-Injected: 1"
        forms: list[tuple[str, dict[str, Any]]] = [
            ("session", {"email": text, "password": text}),
            ("password/reset", {"email": text}),
            ("session/token", {"expiration": text}),
        ]
        for path, form in forms:
            self.check(await self.call("POST", f"/api/{path}", self.ann, form=form), path)

    async def test_scripts(self) -> None:
        """A refusal that repeats what was sent is plain text, and everything is what it says it is."""
        script = "<script>alert(1)</script>"
        bodies: list[tuple[str, str, dict[str, Any]]] = [
            ("PUT", "/api/devices/1", {script: 1}),
            ("POST", "/api/devices", {"name": "x", "uniqueId": "x", "disabled": script}),
        ]
        for method, path, body in bodies:
            answer = await self.call(method, path, self.ann, json=body)
            self.assertEqual(400, answer.status)
            self.assertEqual("text/plain; charset=utf-8", answer.header("Content-Type"))
            self.assertEqual("nosniff", answer.header("X-Content-Type-Options"))
        await self.call("POST", "/api/devices", self.ann, json={"name": script, "uniqueId": script})
        for path in ("/api/devices", "/api/session", "/api/server", "/api/health"):
            answer = await self.call("GET", path, {**self.ann, "Accept": "*/*"})
            self.assertEqual("nosniff", answer.header("X-Content-Type-Options"), path)
            self.assertNotIn("html", answer.header("Content-Type") or "", path)

    async def test_statements(self) -> None:
        """No text that is searched for or sorted by is a piece of a statement."""
        await self.device(self.ann)
        texts = ("' OR 1=1 --", "'; DROP TABLE users; --", "\\' OR 1=1 --", "%s'", "%(x)s", "one' --", '" OR "" = "')
        for text in texts:
            for name in ("devices", "groups", "users", "drivers", "geofences"):
                query = encoded({"keyword": text, "limit": 10, "sort": text, "order": text, "all": "true"})
                answer = await self.call("GET", f"/api/{name}?{query}", self.admin)
                self.assertEqual((200, []), (answer.status, answer.value), text)
        for query in ("limit=1;DROP TABLE users", "offset=1--", "deviceId=1 OR 1=1", "userId=1'--"):
            answer = await self.call("GET", f"/api/devices?{query.replace(' ', '%20')}", self.admin)
            self.assertEqual(404, answer.status, query)
        form = {"email": "' OR 1=1 --", "password": "x"}
        self.assertEqual(401, (await self.call("POST", "/api/session", form=form)).status)
        self.assertEqual([(2,)], await self.db.query("SELECT count(*) FROM users"))

    async def test_secrets(self) -> None:
        """No answer and no record has a password, a hash, or anything that opens a door."""
        body = {"name": "bob", "email": "bob", "password": "a secret of bob"}
        made = await self.call("POST", "/api/users", self.admin, json=body)
        paths = (f"/api/users/{made.value['id']}", "/api/users", "/api/session", "/api/server")
        answers = [made.text, *[(await self.call("GET", path, self.admin)).text for path in paths]]
        await self.call("POST", "/api/session", form={"email": "bob", "password": "another secret"})
        answers.append(str(await self.db.query("SELECT * FROM actions")))
        for secret in ("a secret of bob", "another secret", "argon2", self.admin["Cookie"].partition("=")[2]):
            self.assertNotIn(secret, "".join(answers))
