"""Mail, printed and by way of a mail server."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from trackd.outbox.mail import FIRST_PAUSE, LONGEST_PAUSE, SHORT, NotSent, Post, Printed

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
        self.clock = Clock()
        self.post = Post(
            self.deliver, "trackd@example.org", "Track, d", lambda: NOON, self.clock, 2, 2 * LONGEST_PAUSE, self.counted
        )

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
        self.taken[1][1].errback(NotSent("nobody is there", passing=True))
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
        with self.assertRaises(NotSent):
            self.post.entrust("ann@example.org", "x", "x")
        for number in range(3):
            self.taken[number][1].callback(None)
        self.assertEqual(0, len(self.post))

    def test_many_refused(self) -> None:
        """However many are refused at once, all are told."""
        self.post.most = 10_000
        sent = [self.post.send("ann@example.org", "x", "x") for _ in range(2_000)]
        refusal = NotSent("nobody is there")
        self.patch(self.post, "deliver", lambda message: fail(refusal))
        self.taken[0][1].errback(refusal)
        for one in sent:
            self.failureResultOf(one, NotSent)

    def entrust(self, name: str = "ann") -> None:
        self.post.entrust(f"{name}@example.org", "x", "x")

    def to(self) -> list[str]:
        """To whom mails have been handed over so far."""
        return [str(message["To"]).partition("@")[0] for message, _ in self.taken]

    def test_entrusted(self) -> None:
        """What nobody waits for is tried again after growing pauses, and the log says once that it has to wait."""
        with capturedLogs() as logged:
            self.entrust()
            for number in range(5):
                self.taken[-1][1].errback(NotSent("come again", passing=True))
                self.clock.advance(FIRST_PAUSE * 2**number - 1)
                self.assertEqual((number + 1, 1), (len(self.taken), len(self.post)))
                self.clock.advance(1)
            self.taken[-1][1].callback(None)
        self.assertEqual((6, 0, 1), (len(self.taken), len(self.post), self.count))
        self.assertEqual([LogLevel.warn], [event["log_level"] for event in logged])
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_given_up(self) -> None:
        """After its time it is given up, and the log says why; no pause is longer than named."""
        self.post.patience = 10 * LONGEST_PAUSE
        self.post.deliver = lambda message: fail(NotSent("come again", passing=True))
        with capturedLogs() as logged:
            self.entrust()
            while calls := self.clock.getDelayedCalls():
                pause = calls[0].getTime() - self.clock.seconds()
                self.assertLessEqual(pause, LONGEST_PAUSE)
                self.clock.advance(pause)
        self.assertLessEqual(self.clock.seconds(), self.post.patience)
        self.assertGreater(self.clock.seconds(), self.post.patience - LONGEST_PAUSE)
        self.assertEqual([LogLevel.warn, LogLevel.error], [event["log_level"] for event in logged])
        self.assertEqual("come again", logged[-1]["reason"])
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_hopeless(self) -> None:
        """What will never be taken is not tried again, and told once."""
        for error in (NotSent("no such user"), ValueError("a mistake")):
            with capturedLogs() as logged:
                self.entrust()
                self.taken[-1][1].errback(error)
            self.assertEqual([LogLevel.error], [event["log_level"] for event in logged])
        self.clock.advance(LONGEST_PAUSE)
        self.assertEqual(2, len(self.taken))

    def test_no_patience(self) -> None:
        """Without patience nothing is tried again."""
        self.post.patience = 0
        self.entrust()
        self.taken[0][1].errback(NotSent("come again", passing=True))
        self.assertEqual((0, []), (len(self.post), self.clock.getDelayedCalls()))

    def test_first(self) -> None:
        """What somebody waits for goes first."""
        self.post.most = 9
        for name in "ab":
            self.entrust(name)
        self.post.send("c@example.org", "x", "x")
        for number in range(3):
            self.taken[number][1].callback(None)
        self.assertEqual(["a", "c", "b"], self.to())

    def test_put_off(self) -> None:
        """One that has to wait keeps no other waiting, and still counts."""
        for name in "ab":
            self.entrust(name)
        self.taken[0][1].errback(NotSent("come again", passing=True))
        self.assertEqual((["a", "b"], 1), (self.to(), len(self.post)))
        self.taken[1][1].callback(None)
        self.clock.advance(FIRST_PAUSE)
        self.assertEqual((["a", "b", "a"], 0), (self.to(), len(self.post)))
