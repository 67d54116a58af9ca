"""
The first administrator.

While there is no user, a token lies in the data folder, readable by its owner alone. Who has it may make the first
administrator, once. Nothing else on the network makes a first user.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from pathlib import Path
from typing import Protocol

from attrs import define, field
from twisted.logger import Logger

from trackd.people.errors import Denied, Invalid, PeopleError
from trackd.people.limits import LoginLimits
from trackd.people.passwords import Passwords

SHORTEST_PASSWORD = 8  # characters
LONGEST_TEXT = 128
FILE = "setup-token"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def check_new(name: str, email: str, password: str) -> None:
    """Whether somebody can be made of this on the server itself; raises Invalid."""
    if not name or len(name) > LONGEST_TEXT or not name.isprintable():
        raise Invalid("The name is missing or too long, or has strange characters")
    if not _EMAIL.fullmatch(email) or len(email) > LONGEST_TEXT or not email.isprintable():
        raise Invalid("This is no e-mail address")
    if len(password) < SHORTEST_PASSWORD:
        raise Invalid(f"The password must have at least {SHORTEST_PASSWORD} characters")


class Done(PeopleError):
    """There is a user already."""


class Users(Protocol):
    """What the set-up needs of the store."""

    async def any(self) -> bool:
        """Whether there is a user."""

    async def create_first(self, name: str, email: str, password_hash: str) -> int | None:
        """Make the first user, an administrator; None if there is a user already, or if another was faster."""


@define(eq=False)
class Setup:
    """The set-up of this server; `folder` is the data folder."""

    folder: Path
    users: Users
    passwords: Passwords
    limits: LoginLimits
    _token: str = field(default="", init=False)
    _log: Logger = field(factory=Logger, init=False)

    @property
    def file(self) -> Path:
        return self.folder / FILE

    async def start(self) -> str:
        """The token, if there is no user yet, otherwise an empty text. It stays the same over restarts."""
        if await self.users.any():
            self._over()
        else:
            self._token = self._kept() or self._new()
        return self._token

    async def check(self, token: str, address: str) -> None:
        """Raises Done if there is a user, Denied for a wrong token, TooMany after too many of them."""
        self.limits.check(address)
        if not self._token or await self.users.any():
            self._over()
            raise Done("The set-up is done; the administrator makes further users")
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            self.limits.failed(address)
            raise Denied("This is not the set-up link that the server has printed")

    async def make(self, token: str, name: str, email: str, password: str, again: str, address: str) -> int:
        """Make the administrator; its id. Raises what `check` raises, and Invalid for what cannot be taken."""
        await self.check(token, address)
        name, email = name.strip(), email.strip()
        check_new(name, email, password)
        if password != again:
            raise Invalid("The two passwords differ")
        hash = await self.passwords.hash(password)
        made = await self.users.create_first(name, email, hash)
        self._over()
        if made is None:
            raise Done("The set-up is done; the administrator makes further users")
        self._log.info("the first administrator is made")
        return made

    def _kept(self) -> str:
        try:
            mode = self.file.stat().st_mode & 0o777
            token = self.file.read_text("ascii").strip()
        except (OSError, ValueError):
            return ""
        # Somebody else may have read it.
        return token if mode == 0o600 and len(token) >= 32 else ""

    def _new(self) -> str:
        token = secrets.token_urlsafe(32)
        self.file.unlink(missing_ok=True)
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(token + "\n")
        return token

    def _over(self) -> None:
        self._token = ""
        self.file.unlink(missing_ok=True)
