"""Hands mails over to a mail server, by SMTP."""

from __future__ import annotations

from email.message import EmailMessage
from io import BytesIO
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.ssl import optionsForClientTLS
from twisted.mail.smtp import SUCCESS, ESMTPSender, ESMTPSenderFactory, SMTPClientError
from twisted.python.failure import Failure

from trackd.outbox.mail import NotSent
from trackd.settings import Settings


class _Sender(ESMTPSender):
    # Or else its errors would quote what was said, password included.
    debug = False
    factory: Any
    transport: Any

    def sendError(self, exc: Exception) -> None:
        if self.factory.sendFinished:
            # The mail is told of already: the server is silent, or talks nonsense, instead of saying goodbye.
            self.transport.abortConnection()
        else:
            super().sendError(exc)


class _Senders(ESMTPSenderFactory):
    protocol = _Sender
    noisy = False


@frozen
class Smtp:
    """
    A mail server: call it with a message. `tls`: from the first byte; `starttls`: when it is offered,
    `starttls_required`: or else not at all.

    Certificates are checked. `timeout` in seconds.
    """

    reactor: Any
    host: str
    port: int
    username: str = ""
    password: str = ""
    tls: bool = False
    starttls: bool = False
    starttls_required: bool = False
    timeout: float = 5.0

    def __call__(self, message: EmailMessage) -> Deferred[None]:
        """Fires when the server has taken the mail, or fails with NotSent, which has what it or the network says."""
        done: Deferred[Any] = Deferred()
        factory = _Senders(
            self.username.encode(),
            self.password.encode(),
            message["From"].addresses[0].addr_spec,
            [address.addr_spec for address in message["To"].addresses],
            # What sends it makes the line ends of the network itself.
            BytesIO(message.as_bytes(policy=message.policy.clone(linesep="\n"))),
            done,
            retries=0,
            timeout=self.timeout,
            heloFallback=True,
            requireAuthentication=bool(self.username),
            requireTransportSecurity=self.starttls_required and not self.tls,
            # Without the name it makes no use of STARTTLS.
            hostname=self.host if self.starttls or self.starttls_required else None,
        )
        if self.tls:
            self.reactor.connectSSL(self.host, self.port, factory, optionsForClientTLS(self.host), self.timeout)
        else:
            self.reactor.connectTCP(self.host, self.port, factory, self.timeout)
        return done.addCallbacks(lambda _: None, _not_sent)


def _not_sent(failure: Failure) -> None:
    failure.trap(SMTPClientError)
    error: Any = failure.value
    code, answer = error.code, error.resp
    for _, of_recipient, said in error.addresses or ():
        if of_recipient not in SUCCESS:
            code, answer = of_recipient, said
    text = answer.decode(errors="replace")
    # Without a code it is the network's word; `retry`: that it was not reached, or did not answer.
    raise NotSent(f"{code} {text}" if code > 0 else text, passing=400 <= code < 500 if code > 0 else error.retry)


def smtp(reactor: Any, settings: Settings) -> Smtp:
    """The server of the settings."""
    return Smtp(
        reactor,
        settings["mail.smtp.host"],
        settings["mail.smtp.port"],
        settings["mail.smtp.username"],
        settings["mail.smtp.password"],
        settings["mail.smtp.ssl.enable"],
        settings["mail.smtp.starttls.enable"],
        settings["mail.smtp.starttls.required"],
        settings["mail.smtp.timeout"] / 1000,
    )
