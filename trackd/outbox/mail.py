"""
Mail: what is to be said to whom, and the ways in which it leaves.

    sent = mail.send("ann@example.org", "A new password", "Dear Ann …")

Without a mail server it is printed to the log. With one, mails leave one after the other; those that wait are bounded,
and are gone with the process. What could not be sent is not tried again: whoever asked hears of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

# Characters of a text that is sent as it can be read.
SHORT = 4000


class NotSent(Exception):
    """A mail did not leave; the text says why."""


class Mail(Protocol):
    """A way to send mail."""

    def send(self, to: str, subject: str, text: str, html: str = "") -> Deferred[None]:
        """Fires when a mail server has taken it, or fails with NotSent."""


@define(eq=False)
class Printed:
    """There is no mail server: whoever looks after this one finds the mails in its log."""

    _log: Logger = field(factory=Logger, init=False)

    def send(self, to: str, subject: str, text: str, html: str = "") -> Deferred[None]:
        self._log.info("mail to {to!r}: {subject!r}\n{text}", to=to, subject=subject, text=text)
        return succeed(None)


@define(eq=False)
class Post:
    """
    Mail by way of a mail server. `deliver` hands a message over to it; its recipient is in its `To`.

    `sender` is an address, `name` what is shown for it. `most` mails may wait; `sent` is told of each that has left.
    """

    deliver: Callable[[EmailMessage], Deferred[None]]
    sender: str
    name: str
    now: Callable[[], datetime]
    most: int
    sent: Callable[[], None] = lambda: None
    _waiting: deque[tuple[EmailMessage, Deferred[None]]] = field(factory=deque, init=False)
    _busy: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def send(self, to: str, subject: str, text: str, html: str = "") -> Deferred[None]:
        if len(self._waiting) >= self.most:
            return fail(NotSent(f"{self.most} mails wait already"))
        try:
            message = self._message(to, subject, text, html)
        except (ValueError, IndexError, MessageError) as error:
            return fail(NotSent(f"no mail can be made of this: {error}"))
        done: Deferred[None] = Deferred()
        self._waiting.append((message, done))
        if not self._busy:
            self._next()
        return done

    def _message(self, to: str, subject: str, text: str, html: str) -> EmailMessage:
        """Raises ValueError for addresses and subjects that no header can have."""
        message = EmailMessage(SMTP)
        sender, receiver = Address(self.name, addr_spec=self.sender), Address(addr_spec=to)
        if not receiver.addr_spec.isascii():
            raise ValueError("the address is not ASCII")
        message["From"] = sender
        message["To"] = receiver
        message["Subject"] = subject
        message["Date"] = format_datetime(self.now())
        message["Message-ID"] = make_msgid(domain=sender.domain or "localhost")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text, cte=_encoding(text))
        if html:
            message.add_alternative(html, subtype="html", cte=_encoding(html))
        return message

    def _next(self) -> None:
        if not self._waiting:
            return
        self._busy = True
        message, done = self._waiting.popleft()
        delivering = maybeDeferred(self.deliver, message)
        delivering.addCallbacks(self._delivered, self._refused, callbackArgs=(done,), errbackArgs=(message, done))
        delivering.addErrback(lambda failure: self._log.failure("after a mail", failure))
        delivering.addCallback(lambda _: self._freed())

    def _freed(self) -> None:
        self._busy = False
        self._next()

    def _delivered(self, _: object, done: Deferred[None]) -> None:
        self.sent()
        done.callback(None)

    def _refused(self, failure: Failure, message: EmailMessage, done: Deferred[None]) -> None:
        reason = failure.getErrorMessage()
        self._log.error("a mail to {to!r} was not sent: {reason}", to=str(message["To"]), reason=reason)
        done.errback(NotSent(reason))


def _encoding(text: str) -> str:
    # Longer ones are sent in several pieces, and a full stop that begins a line at the seam would be lost.
    return "quoted-printable" if len(text) <= SHORT else "base64"
