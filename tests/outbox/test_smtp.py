"""Mail servers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from email.message import EmailMessage
from io import BytesIO
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.protocol import ServerFactory, connectionDone
from twisted.internet.task import Clock, deferLater
from twisted.mail.smtp import SMTP, IMessage
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from trackd.outbox.mail import NotSent
from trackd.outbox.smtp import Smtp, _Sender


@implementer(IMessage)
class Taken:
    """A mail as it comes."""

    def __init__(self, done: Callable[[bytes], None]) -> None:
        self.done = done
        self.text = BytesIO()

    def lineReceived(self, line: bytes) -> None:
        self.text.write(line + b"\n")

    def eomReceived(self) -> Deferred[None]:
        self.done(self.text.getvalue())
        return succeed(None)

    def connectionLost(self) -> None:
        """It broke off."""


class Server(SMTP):
    """A mail server without TLS."""

    factory: Any

    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.open += 1

    def connectionLost(self, reason: Failure | None = None) -> None:
        super().connectionLost(reason)
        self.factory.open -= 1

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:
        return b"Received: x"

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        return origin

    def validateTo(self, user: Any) -> Callable[[], Taken]:
        self.factory.receivers.append(str(user.dest))
        return lambda: Taken(self.factory.mails.append)


class Servers(ServerFactory):
    """What has come."""

    protocol = Server

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.receivers: list[str] = []
        self.open = 0  # connections


class Words(LineOnlyReceiver):
    """A mail server of few words: those of its factory, by the first word that it hears."""

    factory: Any
    reading = False  # a mail, to its end

    def connectionMade(self) -> None:
        self.factory.open += 1
        self.say(b"")

    def lineReceived(self, line: bytes) -> None:
        self.factory.heard.append(line)
        if not self.reading or line == b".":
            self.reading = line == b"DATA" and self.factory.answers[line].startswith(b"354")
            self.say(line.partition(b" ")[0])

    def say(self, word: bytes) -> None:
        if (answer := self.factory.answers.get(word, b"250 well")) is not None:
            self.sendLine(answer)
        else:
            self.factory.silent.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.open -= 1


class Answers(ServerFactory):
    """Its servers answer so; None: not at all."""

    protocol = Words

    def __init__(self, answers: dict[bytes, bytes | None]) -> None:
        self.answers: dict[bytes, bytes | None] = {b"": b"220 example.org", b"DATA": b"354 go on", **answers}
        self.heard: list[bytes] = []
        self.silent: Deferred[None] = Deferred()  # fires when one of them does not answer
        self.open = 0


class SmtpTests(TestCase):
    def setUp(self) -> None:
        self.serve(Servers())
        self.clock = Clock()
        self.patch(_Sender, "callLater", lambda sender, seconds, work: self.clock.callLater(seconds, work))

    def serve(self, factory: Any) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.factory = factory
        self.port: Any = self.reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        self.number: int = cast(Any, self.port.getHost()).port
        self.addCleanup(self.end, self.factory, self.port)

    async def end(self, factory: Any, port: Any) -> None:
        """Until both sides have hung up."""
        while factory.open:
            await deferLater(self.reactor, 0.01)
        await deferLater(self.reactor, 0.01)
        await maybeDeferred(port.stopListening)

    def smtp(self, **options: Any) -> Smtp:
        return Smtp(self.reactor, "127.0.0.1", self.number, **options)

    def message(self) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "trackd@example.org", "ann@example.org", "x"
        message.set_content("one\n.two\n\nthree\n")
        return message

    async def test_sent(self) -> None:
        """A mail arrives as it was written."""
        await self.smtp(starttls=True)(self.message())
        (mail,) = self.factory.mails
        self.assertTrue(mail.endswith(b"\n\none\n.two\n\nthree\n"), mail)
        self.assertEqual(["ann@example.org"], self.factory.receivers)

    async def test_without_tls(self) -> None:
        """Where TLS is needed nothing is sent without it, and no password where it is not asked for."""
        for options in ({"starttls_required": True}, {"username": "ann", "password": "x"}):
            self.assertFalse((await self.refused(**options)).passing)
        self.assertEqual([], self.factory.mails)

    async def test_nobody(self) -> None:
        """Where there is no mail server, whoever sends hears so, soon; there may be one later."""
        await maybeDeferred(self.port.stopListening)
        self.assertTrue((await self.refused()).passing)

    async def refused(self, **options: Any) -> NotSent:
        """How it was refused."""
        try:
            await self.smtp(**options)(self.message())
        except NotSent as error:
            return error
        self.fail("it was taken")

    async def test_refused(self) -> None:
        """What the server says is told, and whether it may take the mail later: not after a 5, nor without sense."""
        for word, answer, passing, told in (
            (b"", b"421 too busy", True, "421 too busy"),
            (b"", b"554 go away", False, "554 go away"),
            (b"MAIL", b"451 later", True, "451 later"),
            (b"RCPT", b"450 put on the grey list", True, "450 put on the grey list"),
            (b"RCPT", b"550 no such user", False, "550 no such user"),
            (b"DATA", b"452 full", True, "452 full"),
            (b".", b"554 \xfc", False, "554 \ufffd"),
            (b"MAIL", b"what?", False, "Invalid response from SMTP server: b'what?'"),
        ):
            self.serve(Answers({word: answer}))
            error = await self.refused()
            self.assertEqual((told, passing), (str(error), error.passing))

    async def test_silent(self) -> None:
        """A server that says nothing for too long may do so later."""
        self.serve(Answers({b"MAIL": None}))
        self.factory.silent.addCallback(lambda _: self.clock.advance(5))
        error = await self.refused(timeout=5)
        self.assertEqual(("Timeout waiting for SMTP server response", True), (str(error), error.passing))

    async def test_no_goodbye(self) -> None:
        """A server that says nothing more once it has the mail is left."""
        self.serve(Answers({b"RSET": None}))
        await self.smtp(timeout=5)(self.message())
        await self.factory.silent
        self.clock.advance(5)
        while self.factory.open:
            await deferLater(self.reactor, 0.01)

    async def test_secret(self) -> None:
        """What is told of a refused log-in does not have the password in it, in any form."""
        self.serve(Answers({b"EHLO": b"250-example.org\r\n250 AUTH PLAIN", b"AUTH": b"535 who are you?"}))
        error = await self.refused(username="ann", password="a secret")
        secret = b64encode(b"\0ann\0a secret")
        self.assertIn(b"AUTH PLAIN " + secret, self.factory.heard)
        self.assertEqual(("535 who are you?", False), (str(error), error.passing))
