"""Mail, printed and by way of a mail server."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trackd.outbox.mail import SHORT, NotSent, Post, Printed

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class PrintedTests(SynchronousTestCase):
    def test_logged(self) -> None:
        """Without a mail server the log has all of it, whatever characters there are in it."""
        with capturedLogs() as logged:
            self.successResultOf(Printed().send("ann@example.org", "{x}", "Dear {ann}"))
        self.assertEqual(["Dear {ann}"], [event["text"] for event in logged if event["log_level"] is LogLevel.info])


class PostTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.taken: list[tuple[EmailMessage, Deferred[None]]] = []
        self.count = 0
        self.post = Post(self.deliver, "trackd@example.org", "Track, d", lambda: NOON, 2, self.counted)

    def deliver(self, message: EmailMessage) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.taken.append((message, done))
        return done

    def counted(self) -> None:
        self.count += 1

    def test_message(self) -> None:
        """A mail says who wrote it, to whom, when and of what, in any alphabet, with a form for those who read HTML."""
        self.post.send("ann@example.org", "Ä{x}", "Grüße\n.\n", "<p>Grüße")
        message = message_from_bytes(bytes(self.taken[0][0]), policy=default)
        self.assertEqual('"Track, d" <trackd@example.org>', message["From"])
        self.assertEqual(("ann@example.org", "Ä{x}"), (message["To"], message["Subject"]))
        self.assertEqual(NOON, message["Date"].datetime)
        self.assertTrue(message["Message-ID"].endswith("@example.org>"))
        assert isinstance(message, EmailMessage)
        plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
        assert plain is not None and html is not None
        self.assertEqual(("Grüße\r\n.\r\n", "<p>Grüße\r\n"), (plain.get_content(), html.get_content()))

    def test_long(self) -> None:
        """No line of a long text begins with a full stop, so that none is lost between two pieces."""
        self.post.send("ann@example.org", "x", ".\n" * SHORT)
        self.assertNotIn(b"\n.", bytes(self.taken[0][0]))

    def test_strange(self) -> None:
        """No text gets a line of its own into the head of a mail, and no second receiver gets one."""
        for to, subject in (
            ("ann@example.org\r\nBcc: bob@example.org", "x"),
            ("ann@example.org, bob@example.org", "x"),
            ("<ann@example.org>", "x"),
            ("nobody", "x"),
            ("", "x"),
            ("ann@exämple.org", "x"),
            ("ann@example.org:van", "x"),
            ("ann@example.org", "x\r\nBcc: bob@example.org"),
        ):
            self.failureResultOf(self.post.send(to, subject, "text"), NotSent)
        self.assertEqual([], self.taken)

    def test_one_after_the_other(self) -> None:
        """Mails leave in their order; one that is refused keeps nobody waiting, and its sender hears of it."""
        sent = [self.post.send(f"{name}@example.org", "x", "x") for name in "abc"]
        self.assertEqual(1, len(self.taken))
        self.taken[0][1].callback(None)
        self.taken[1][1].errback(ConnectionRefusedError())
        self.taken[2][1].callback(None)
        self.successResultOf(sent[0])
        self.failureResultOf(sent[1], NotSent)
        self.successResultOf(sent[2])
        self.assertEqual(
            (["a@example.org", "b@example.org", "c@example.org"], 2),
            ([str(one["To"]) for one, _ in self.taken], self.count),
        )

    def test_bounded(self) -> None:
        """No more mails wait than may."""
        sent = [self.post.send("ann@example.org", "x", "x") for _ in range(4)]
        self.assertEqual(2, len(self.post))
        self.failureResultOf(sent[3], NotSent)
        for number in range(3):
            self.taken[number][1].callback(None)
        self.assertEqual(0, len(self.post))
