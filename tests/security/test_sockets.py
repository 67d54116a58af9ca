"""Live sockets of users who may not listen any more, on a whole server: real sockets, real changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from autobahn.twisted.websocket import connectWS
from twisted.internet.task import deferLater

from tests.rest.client import Client
from tests.rest.house import MemoryMail
from tests.rest.replay import encoded
from tests.rest.sockets import Socket
from tests.whole import WholeHouseTestCase

# Seconds in which a socket must be closed.
SOON = 5.0


class SocketTests(WholeHouseTestCase):
    """`ann` listens in several ways at once."""

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.client = Client(self.reactor)
        await self.open_house({"protocols.enable": "osmand", "osmand.port": "-1"})
        self.services = self.house.people.services
        self.users = self.house.people.users
        values = {"name": "ann", "email": "ann@example.org", "device_limit": -1}
        self.ann = (await self.users.insert(values)).id
        session = await self.services.sessions.open(self.ann)
        self.cookie = {"Cookie": f"JSESSIONID={session}"}
        self.token = (await self.call("POST", "/session/token", {}, self.cookie))[1]
        answer = await self.client.request("GET", f"http://{self.host}/api/session?token={self.token}")
        self.of_token = {"Cookie": (answer.header("Set-Cookie") or "").partition(";")[0]}
        self.sockets = {
            "cookie": await self.socket("", self.cookie),
            "token": await self.socket(f"?token={self.token}"),
            "session of the token": await self.socket("", self.of_token),
        }

    async def tearDown(self) -> None:  # type: ignore[override]
        for socket in self.sockets.values():
            if not socket.closed:
                socket.socket.transport.abortConnection()
                await socket.finished
        await super().tearDown()

    async def call(self, method: str, path: str, form: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
        sent = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        answer = await self.client.request(method, f"http://{self.host}/api{path}", sent, encoded(form).encode())
        return answer.status, answer.text

    async def socket(self, query: str, headers: dict[str, str] | None = None) -> Socket:
        socket = Socket(self.reactor, f"ws://{self.host}/api/socket{query}", headers or {})
        connectWS(socket)
        self.assertEqual(101, await socket.connected)
        return socket

    async def closed(self, *names: str) -> None:
        """These sockets close, and no others do."""
        for name in names:
            await self.sockets[name].finished.addTimeout(SOON, self.reactor)
        await deferLater(self.reactor, 0.1)
        self.assertEqual(set(names), {name for name, socket in self.sockets.items() if socket.closed})

    async def test_foreign_pages(self) -> None:
        """A page of another site opens no socket with the cookie of who looks at it; one of this site does."""
        for origin, opens in ((f"http://{self.host}", True), ("http://evil.example", False), ("null", False)):
            socket = Socket(self.reactor, f"ws://{self.host}/api/socket", {**self.cookie, "Origin": origin})
            connectWS(socket)
            status = await socket.connected
            self.sockets[origin] = socket
            self.assertEqual(opens, status == 101, origin)

    async def test_disabled(self) -> None:
        """Who is disabled listens no longer."""
        await self.users.update(self.ann, {"disabled": True})
        await self.closed(*self.sockets)

    async def test_deleted(self) -> None:
        """Who is deleted listens no longer."""
        await self.users.delete(self.ann)
        await self.closed(*self.sockets)

    async def test_expires(self) -> None:
        """Who has a time listens until then."""
        await self.users.update(self.ann, {"expiration_time": self.services.now() + timedelta(seconds=1)})
        await self.closed(*self.sockets)

    async def test_revoked(self) -> None:
        """What was opened with a token that is revoked is closed; the user's other sockets stay."""
        await self.call("POST", "/session/token/revoke", {"token": self.token}, self.cookie)
        await self.closed("token", "session of the token")

    async def test_new_password(self) -> None:
        """A new password by mail closes everything that was opened with the old one."""
        recovery = self.services.recovery
        mail = MemoryMail()
        self.patch(recovery, "mail", mail)
        await recovery.ask("ann@example.org", "")
        await mail.came
        token = mail.sent[0][2].partition("passwordReset=")[2].split()[0]
        status, _ = await self.call("POST", "/password/update", {"token": token, "password": "new"}, {})
        self.assertEqual(200, status)
        await self.closed(*self.sockets)

    async def test_logged_out(self) -> None:
        """A log-out leaves the sockets open, as clients expect; so does a new password of one's own choice."""
        body = b'{"id":%d,"name":"ann","email":"ann@example.org","deviceLimit":-1,"password":"new"}' % self.ann
        sent = {**self.cookie, "Content-Type": "application/json"}
        answer = await self.client.request("PUT", f"http://{self.host}/api/users/{self.ann}", sent, body)
        self.assertEqual(200, answer.status)
        self.assertEqual(
            204, (await self.client.request("DELETE", f"http://{self.host}/api/session", self.cookie)).status
        )
        await self.closed()
