"""Hands mails over to a mail server, by SMTP."""

from __future__ import annotations

from email.message import EmailMessage
from io import BytesIO
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.ssl import optionsForClientTLS
from twisted.mail.smtp import ESMTPSenderFactory

from trackd.settings import Settings


@frozen
class Smtp:
    """
    A mail server. `tls`: from the first byte; `starttls`: when it is offered, `starttls_required`: or else not at all.

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
        """Fires when the server has taken the mail, or fails with what it or the network says."""
        done: Deferred[Any] = Deferred()
        factory = ESMTPSenderFactory(
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
        factory.noisy = False
        if self.tls:
            self.reactor.connectSSL(self.host, self.port, factory, optionsForClientTLS(self.host), self.timeout)
        else:
            self.reactor.connectTCP(self.host, self.port, factory, self.timeout)
        return done.addCallback(lambda _: None)


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
