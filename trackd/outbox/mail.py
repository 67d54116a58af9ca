"""
Mail: what is to be said to whom, and the ways in which it leaves.

    sent = mail.send("ann@example.org", "A test", "Dear Ann …")
    mail.entrust("ann@example.org", "A new password", "Dear Ann …")

Without a mail server it is printed to the log. With one, mails leave one after the other; those that wait are bounded,
and are gone with the process. Who sends a mail hears what has become of it, and it is not tried again. What is
entrusted is tried again for a time, as long as there is hope, and goes behind what somebody waits for.
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
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

# Characters of a text that is sent as it can be read.
SHORT = 4000


# Between attempts, doubling.
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 600.0  # s


class NotSent(Exception):
    """A mail did not leave; the text says why. `passing`: it may later."""

    def __init__(self, reason: str, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


class Mail(Protocol):
    """A way to send mail."""

    def send(self, to: str, subject: str, text: str, html: str = "") -> Deferred[None]:
        """Fires when a mail server has taken it, or fails with NotSent."""

    def entrust(self, to: str, subject: str, text: str, html: str = "") -> None:
        """Have it sent, now or later; what becomes of it is in the log. Raises NotSent if it cannot even wait."""


@define(eq=False)
class Printed:
    """There is no mail server: whoever looks after this one finds the mails in its log."""

    _log: Logger = field(factory=Logger, init=False)

    def send(self, to: str, subject: str, text: str, html: str = "") -> Deferred[None]:
        self.entrust(to, subject, text)
        return succeed(None)

    def entrust(self, to: str, subject: str, text: str, html: str = "") -> None:
        self._log.info("mail to {to!r}: {subject!r}\n{text}", to=to, subject=subject, text=text)


@define(eq=False)
class _Letter:
    message: EmailMessage
    told: Deferred[None] | None = None  # of who waits for it
    until: float = 0.0  # by the clock: when it is given up
    pause: float = FIRST_PAUSE  # s, before it is tried again

    @property
    def to(self) -> str:
        return str(self.message["To"])


@define(eq=False)
class Post:
    """
    Mail by way of a mail server. `deliver` hands a message over to it; its recipient is in its `To`.

    `sender` is an address, `name` what is shown for it. `most` mails may wait; what is entrusted is tried again for
    `patience` seconds when `deliver` fails with a NotSent that is passing; `sent` is told of each that has left.
    """

    deliver: Callable[[EmailMessage], Deferred[None]]
    sender: str
    name: str
    now: Callable[[], datetime]
    clock: IReactorTime
    most: int
    patience: float
    sent: Callable[[], None] = lambda: None
    _asked: deque[_Letter] = field(factory=deque, init=False)  # somebody waits for them
    _entrusted: deque[_Letter] = field(factory=deque, init=False)
    _put_off: int = field(default=0, init=False)  # how many are to be tried again later
    _busy: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._asked) + len(self._entrusted) + self._put_off

    def send(self, to: str, subject: str, text: str, html: str = "") -> Deferred[None]:
        told: Deferred[None] = Deferred()
        try:
            message = self._message(to, subject, text, html)
        except NotSent as error:
            return fail(error)
        self._asked.append(_Letter(message, told))
        self._next()
        return told

    def entrust(self, to: str, subject: str, text: str, html: str = "") -> None:
        message = self._message(to, subject, text, html)
        self._entrusted.append(_Letter(message, until=self.clock.seconds() + self.patience))
        self._next()

    def _message(self, to: str, subject: str, text: str, html: str) -> EmailMessage:
        """Raises NotSent when too many wait, and when no mail can be made of this."""
        if len(self) >= self.most:
            raise NotSent(f"{self.most} mails wait already")
        try:
            return self._written(to, subject, text, html)
        except (ValueError, IndexError, MessageError) as error:
            raise NotSent(f"no mail can be made of this: {error}") from None

    def _written(self, to: str, subject: str, text: str, html: str) -> EmailMessage:
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
        if not self._busy:
            self._busy = True
            Deferred.fromCoroutine(self._deliver_all()).addErrback(
                lambda failure: self._log.failure("while sending mails", failure)
            )

    async def _deliver_all(self) -> None:
        try:
            while line := self._asked or self._entrusted:
                await self._deliver(line.popleft())
        finally:
            self._busy = False

    async def _deliver(self, letter: _Letter) -> None:
        try:
            await self.deliver(letter.message)
        except Exception as error:
            self._refused(letter, error)
            return
        self.sent()
        if letter.told is not None:
            letter.told.callback(None)

    def _refused(self, letter: _Letter, error: Exception) -> None:
        passing = isinstance(error, NotSent) and error.passing
        if letter.told is None and passing and self.clock.seconds() + letter.pause <= letter.until:
            if letter.pause == FIRST_PAUSE:
                self._log.warn("a mail to {to!r} has to wait: {reason}", to=letter.to, reason=str(error))
            self._put_off += 1
            self.clock.callLater(letter.pause, self._try_again, letter)
            letter.pause = min(2 * letter.pause, LONGEST_PAUSE)
            return
        self._log.error("a mail to {to!r} was not sent: {reason}", to=letter.to, reason=str(error))
        if letter.told is not None:
            letter.told.errback(NotSent(str(error)))

    def _try_again(self, letter: _Letter) -> None:
        self._put_off -= 1
        self._entrusted.append(letter)
        self._next()


def _encoding(text: str) -> str:
    # Longer ones are sent in several pieces, and a full stop that begins a line at the seam would be lost.
    return "quoted-printable" if len(text) <= SHORT else "base64"
