"""Mail servers."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from io import BytesIO
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.protocol import ServerFactory
from twisted.internet.task import deferLater
from twisted.mail.smtp import SMTP, IMessage, SMTPClientError
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from trackd.outbox.smtp import Smtp


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


class SmtpTests(TestCase):
    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.factory = Servers()
        self.port: Any = self.reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        self.number: int = cast(Any, self.port.getHost()).port
        self.addCleanup(self.end)

    async def end(self) -> None:
        """Until both sides have hung up."""
        while self.factory.open:
            await deferLater(self.reactor, 0.01)
        await deferLater(self.reactor, 0.01)
        await maybeDeferred(self.port.stopListening)

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
        with self.assertRaises(SMTPClientError):
            await self.smtp(starttls_required=True)(self.message())
        with self.assertRaises(SMTPClientError):
            await self.smtp(username="ann", password="x")(self.message())
        self.assertEqual([], self.factory.mails)

    async def test_nobody(self) -> None:
        """Where there is no mail server, whoever sends hears so, soon."""
        await maybeDeferred(self.port.stopListening)
        with self.assertRaises(SMTPClientError):
            await self.smtp()(self.message())
