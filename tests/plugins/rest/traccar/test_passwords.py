"""A new password for who has forgotten the old one, over HTTP."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent

from tests.rest.client import Response
from tests.rest.house import HouseTestCase, MemoryMail
from trackd.outbox.mail import NotSent
from trackd.people.recovery import PER_ACCOUNT, PER_ADDRESS


class PasswordTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.ann = await self.user("ann", login="ally")
        self.mail = cast(MemoryMail, self.services.recovery.mail)

    async def ask(self, email: str = "ann@example.org", **headers: str) -> Response:
        return await self.call("POST", "/api/password/reset", headers, form={"email": email})

    async def update(self, token: str, password: str = "fresh") -> Response:
        return await self.call("POST", "/api/password/update", form={"token": token, "password": password})

    async def login(self, password: str) -> int:
        form = {"email": "ann@example.org", "password": password}
        return (await self.call("POST", "/api/session", form=form)).status

    async def link(self, **headers: str) -> str:
        """The token of a mail that was asked for."""
        self.assertEqual(200, (await self.ask(" Ann@Example.org ", **headers)).status)
        await self.mail.came
        found = re.search(r"(\S+)/reset-password\?passwordReset=(\S+)", self.mail.sent[0][2])
        assert found is not None
        self.assertEqual("https://gps.example.org", found[1])
        return found[2]

    async def test_way(self) -> None:
        """The link sets a password, once, and then everybody who was logged in has to log in again."""
        token = await self.link()
        self.assertEqual("ann@example.org", self.mail.sent[0][0])
        answer = await self.update(token, "")
        self.assertEqual((200, b""), (answer.status, answer.body))
        self.assertEqual(200, (await self.update(token)).status)
        self.assertEqual((200, 401), (await self.login("fresh"), await self.login("ann")))
        self.assertEqual(401, (await self.call("GET", "/api/devices", self.ann)).status)
        self.assertEqual(400, (await self.update(token, "other")).status)
        rows = await self.db.query("SELECT user_id, type, object_id FROM actions WHERE type = 'edit'")
        self.assertEqual([(self.ids["ann"], "edit", self.ids["ann"])], rows)

    async def test_nothing_else(self) -> None:
        """What the link has opens no door: it is no token and no session."""
        token = await self.link()
        self.assertNotIn(token, str(await self.db.query("SELECT * FROM password_resets")))
        for way in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"JSESSIONID={token}"}):
            self.assertEqual(401, (await self.call("GET", "/api/devices", way)).status)
        self.assertEqual(401, (await self.call("GET", f"/api/session?token={token}")).status)
        answer = await self.call("POST", "/api/session/token/revoke", self.ann, form={"token": token})
        self.assertEqual(400, answer.status)

    async def test_short(self) -> None:
        """After an hour it is over, and when a new one is asked for."""
        first = await self.link()
        self.mail.sent.clear()
        self.mail.came = Deferred()
        second = await self.link()
        self.assertEqual(400, (await self.update(first)).status)
        self.time.offset += timedelta(minutes=61)
        self.assertEqual(400, (await self.update(second)).status)
        self.assertEqual(200, await self.login("ann"))

    async def test_not_the_host(self) -> None:
        """The link leads where the configuration says, whatever the request claims."""
        await self.link(**{"Host": "evil.example.org", "X-Forwarded-Host": "evil.example.org"})

    async def test_same_for_all(self) -> None:
        """The answer is the same whether there is such a user or not."""
        await self.user("shut", disabled=True)
        await self.user("guest", temporary=True)
        answers = []
        names = ("ann@example.org", "nobody@example.org", "shut@example.org", "guest@example.org", "ally", "\0", "")
        for email in names:
            answer = await self.ask(email)
            answers.append((answer.status, answer.body, sorted(dict(answer.headers.getAllRawHeaders()))))
        self.assertEqual([answers[0]] * len(names), answers)
        self.assertEqual(200, answers[0][0])
        await self.mail.came
        self.assertEqual(["ann@example.org"], [to for to, *_ in self.mail.sent])

    async def test_no_mail(self) -> None:
        """
        When no mail can be sent, the log says so, and the answer is the same; while the database is away it is not.
        """
        self.mail.refusal = NotSent("too many mails")
        with capturedLogs() as logged:
            self.assertEqual(200, (await self.ask()).status)
            while self.services.recovery._underway:
                await deferLater(self.reactor, 0.01)
        self.assertIn("too many mails", str([formatEvent(event) for event in logged]))
        await self.db.stop()
        for email in ("ann@example.org", "nobody@example.org"):
            self.assertEqual(503, (await self.ask(email)).status)

    async def test_too_often(self) -> None:
        """An address gets a few mails, whoever asks, and somebody can ask for some addresses, whoever has them."""
        for email in ("ann@example.org", "nobody@example.org"):
            for _ in range(PER_ACCOUNT[0]):
                self.assertEqual(200, (await self.ask(email)).status)
            answer = await self.ask(email.upper())
            self.assertEqual(429, answer.status)
            self.assertGreater(int(answer.header("Retry-After") or 0), 0)
        statuses = [(await self.ask(f"{number}@example.org")).status for number in range(PER_ADDRESS[0])]
        self.assertEqual(429, statuses[-1])

    async def test_token(self) -> None:
        """A token of the user does it too, as it could in other ways, and all goes on."""
        answer = await self.call("POST", "/api/session/token", self.ann, form={})
        self.assertEqual(200, (await self.update(answer.text)).status)
        self.assertEqual(200, await self.login("fresh"))
        self.assertEqual(200, (await self.call("GET", "/api/devices", self.ann)).status)
        await self.services.permissions.users.update(self.ids["ann"], {"disabled": True})
        self.assertEqual(400, (await self.update(answer.text)).status)
        await self.services.permissions.users.delete(self.ids["ann"])
        self.assertEqual(404, (await self.update(answer.text)).status)

    async def test_guest(self) -> None:
        """Who has come by a shared link gets no password."""
        guest = await self.user("guest", temporary=True)
        answer = await self.call("POST", "/api/session/token", guest, form={})
        self.assertEqual(400, (await self.update(answer.text)).status)

    async def test_missing(self) -> None:
        """What is missing is said."""
        for path, form in (("reset", {}), ("update", {"password": "x"}), ("update", {"token": "", "password": "x"})):
            self.assertEqual(400, (await self.call("POST", f"/api/password/{path}", form=form)).status)
        self.assertEqual(400, (await self.update("garbage")).status)
