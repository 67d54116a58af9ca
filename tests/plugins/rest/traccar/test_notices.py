"""Telling users something."""

from __future__ import annotations

from typing import Any

from tests.rest.house import HouseTestCase, MemoryMail
from trackd.outbox.channels import Channels, Posted, Web
from trackd.outbox.mail import NotSent


class NoticeTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.mail = MemoryMail()
        self.told: list[tuple[int, str]] = []
        tell = Web(lambda user_id, text: self.told.append((user_id, text)))
        known = dict(self.services.channels.by_name)
        self.services.channels = Channels({**known, "web": tell, "mail": Posted(self.mail)})

    async def names(self, who: dict[str, str], query: str = "") -> list[str]:
        answer = await self.call("GET", f"/api/notifications/notificators{query}", who)
        return [one["type"] for one in answer.value]

    async def test_lists(self) -> None:
        """What operators have chosen, and what of it can carry an announcement."""
        ann = await self.user("ann")
        self.assertEqual(await self.names(ann), ["web", "mail", "command", "sms"])
        self.assertEqual(await self.names(ann, "?announcement=true"), ["mail", "sms"])

    async def test_tested(self) -> None:
        """A test goes to who asks for it; what cannot be sent is refused with the reason."""
        ann = await self.user("ann")
        for name, status, said in (
            ("web", 204, ""),
            ("mail", 204, ""),
            ("command", 400, "Saved command not provided"),
            ("sms", 400, "sms is not configured"),
            ("pigeon", 400, "Failed to get notificator pigeon"),
        ):
            answer = await self.call("POST", f"/api/notifications/test/{name}", ann)
            self.assertEqual((answer.status, answer.text), (status, said))
        self.assertEqual(self.told, [(self.ids["ann"], "test")])
        self.assertEqual([to for to, _, _ in self.mail.sent], ["ann@example.org"])
        self.services.channels = Channels({"web": self.services.channels.named("web")})
        self.assertEqual((await self.call("POST", "/api/notifications/test", ann)).status, 204)

    async def test_no_mail_server(self) -> None:
        """Without a mail server a test says so."""
        self.services.channels = Channels({"mail": Posted(None)})
        answer = await self.call("POST", "/api/notifications/test/mail", await self.user("ann"))
        self.assertEqual((answer.status, answer.text), (400, "No SMTP configuration found"))

    async def test_too_many(self) -> None:
        """Nobody floods an address by testing."""
        ann = await self.user("ann")
        statuses = [(await self.call("POST", "/api/notifications/test/mail", ann)).status for _ in range(21)]
        self.assertEqual(statuses, [204] * 20 + [429])
        self.assertEqual(len(self.mail.sent), 20)

    async def announce(self, who: dict[str, str], query: str = "", name: str = "mail", **more: Any) -> int:
        body = {"subject": "s", "body": "b", **more}
        return (await self.call("POST", f"/api/notifications/send/{name}{query}", who, json=body)).status

    async def test_announced(self) -> None:
        """Managers tell their users, administrators all; guests are told nothing."""
        boss, other, root = (
            await self.user("boss", user_limit=-1),
            await self.user("other"),
            await self.user("root", administrator=True),
        )
        await self.user("guest", temporary=True)
        await self.user("emp")
        for name in ("emp", "guest"):
            await self.services.linking.links.link("user", self.ids["boss"], "user", self.ids[name])
        self.assertEqual(await self.announce(other), 400)
        self.assertEqual(await self.announce(boss), 204)
        self.assertEqual(self.mail.sent, [("emp@example.org", "s", "b")])
        self.assertEqual(await self.announce(boss, f"?userId={self.ids['other']}"), 400)
        self.assertEqual(await self.announce(root, f"?userId={self.ids['other']}&userId={self.ids['emp']}"), 204)
        self.assertEqual([to for to, _, _ in self.mail.sent[1:]], ["other@example.org", "emp@example.org"])
        self.mail.sent.clear()
        self.assertEqual(await self.announce(root), 204)
        self.assertNotIn("guest@example.org", [to for to, _, _ in self.mail.sent])
        self.assertEqual(len(self.mail.sent), 4)
        for name in ("web", "command", "pigeon"):
            self.assertEqual(await self.announce(root, name=name), 400)
        self.assertEqual(await self.announce(root, foo=1), 400)
        self.assertEqual(await self.announce(root, "?userId=999999"), 400)

    async def test_not_delivered(self) -> None:
        """A mail that does not leave is told to whoever sent it."""
        self.services.channels = Channels({"mail": Posted(MemoryMail(refusal=NotSent("the mail server is away")))})
        answer = await self.call("POST", "/api/notifications/test/mail", await self.user("ann"))
        self.assertEqual((answer.status, answer.text), (400, "the mail server is away"))
