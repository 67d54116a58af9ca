"""
A new password for who has forgotten the old one.

What is sent to the address of an account is good for one new password, within an hour, and for nothing else: nobody
logs in with it. Whether there is such an account cannot be seen from outside: the answer is the same, and is given
before anybody has looked.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from trackd.people.errors import Busy, Denied, Gone, Invalid, Unauthorized
from trackd.people.limits import Attempts, origin
from trackd.people.passwords import Passwords
from trackd.people.permissions import check_open
from trackd.people.sessions import Sessions, digest_of
from trackd.store.audit import Note
from trackd.store.resets import Resets
from trackd.store.users import Users

LIFE = timedelta(hours=1)
# Mails that are asked for at once, and the seconds after which one is forgotten.
PER_ADDRESS = (20, 60.0)
PER_ACCOUNT = (3, 600.0)
# Those that are being written at the same time.
MOST_UNDERWAY = 100

SUBJECT = "A new password"
# There is no text in it that a user can choose: mails of this server are not for spreading messages.
TEXT = """Somebody, probably you, wants a new password for your account at {site}.
Here you can choose one, within an hour:

{link}

If it was not you, nothing needs to be done: the old password is still good.
"""


class Mail(Protocol):
    """Takes mails over, to be sent now or later; raises an exception for what cannot even wait."""

    def entrust(self, to: str, subject: str, text: str, html: str = "") -> None: ...


@define(eq=False)
class Recovery:
    """`site`: the address under which users reach the server; links are made from it and from nothing else."""

    users: Users
    resets: Resets
    passwords: Passwords
    sessions: Sessions
    mail: Mail
    now: Callable[[], datetime]
    site: str
    addresses: Attempts
    accounts: Attempts
    _underway: int = field(default=0, init=False)
    _log: Logger = field(factory=Logger, init=False)

    @classmethod
    def on(
        cls,
        clock: Any,
        users: Users,
        resets: Resets,
        passwords: Passwords,
        sessions: Sessions,
        mail: Mail,
        now: Callable[[], datetime],
        site: str,
        most_keys: int,
    ) -> Recovery:
        """With the limits of this module; `most_keys` addresses and accounts are remembered."""
        attempts = Attempts(clock, *PER_ADDRESS, most_keys), Attempts(clock, *PER_ACCOUNT, most_keys)
        return cls(users, resets, passwords, sessions, mail, now, site, *attempts)

    async def ask(self, email: str, address: str) -> None:
        """
        Have a link sent to this address, if it is somebody's; `address` is where the question comes from.

        Raises TooMany, Busy; fails as the database fails.
        """
        account = email.strip().lower()[:200]
        for attempts, key in ((self.addresses, origin(address)), (self.accounts, account)):
            attempts.check(key)
        for attempts, key in ((self.addresses, origin(address)), (self.accounts, account)):
            attempts.failed(key)
        if self._underway >= MOST_UNDERWAY:
            raise Busy("Too many passwords are being forgotten, try again later", 10)
        await self.users.server()  # while the database is away this fails, for all alike
        self._underway += 1
        Deferred.fromCoroutine(self._send(email.strip())).addBoth(self._over)

    def _over(self, outcome: Any) -> None:
        self._underway -= 1
        if outcome is not None:
            self._log.failure("a link for a new password was not sent", outcome)

    async def _send(self, email: str) -> None:
        user = await self.users.find(email) if email.isprintable() else None
        if user is None or user.email.lower() != email.lower() or user.temporary:
            return
        try:
            check_open(user, self.now())
        except Unauthorized:
            return
        token, now = secrets.token_urlsafe(32), self.now()
        await self.resets.create(digest_of(token), user.id, now, now + LIFE)
        link = f"{self.site}/reset-password?{urlencode({'passwordReset': token})}"
        try:
            self.mail.entrust(user.email, SUBJECT, TEXT.format(site=self.site, link=link))
        except Exception as error:
            self._log.error("user {user} has no link for a new password: {error}", user=user.id, error=str(error))

    async def update(self, token: str, password: str, note: Note) -> None:
        """
        Set the password of who holds this; an empty one is none. `note` goes into the record of what people do.

        It is what was sent by mail, and then everybody who is logged in has to log in anew; or it is a token of the
        user, who may change the password anyway, and then all goes on. Raises Invalid, Gone if the user is.
        """
        digest, now = digest_of(token), self.now()
        if await self.resets.find(digest, now) is not None:
            if password and await self.resets.use(digest, now, await self.passwords.hash(password), note) is None:
                raise Invalid("This link has been used already")
            return
        found = await self.sessions.token(token)
        if found is None:
            if await self.resets.of_deleted(digest):
                raise Gone("There is no such user any more")
            raise Invalid("This link is wrong, has been used, or is over")
        user = found[1]
        try:
            check_open(user, now)
        except Unauthorized as error:
            raise Invalid(error.message) from None
        if not password:
            return
        if user.temporary:
            raise Denied("Temporary user")
        await self.users.update(user.id, {"password_hash": await self.passwords.hash(password)}, note)
