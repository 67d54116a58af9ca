"""
The ways in: password, session, token.

Wrong credentials cost the same time whatever is wrong with them, and count against the address and the account.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from datetime import datetime

from attrs import define, field
from twisted.logger import Logger

from trackd.people import codes
from trackd.people.errors import CodeNeeded, Invalid, Shut, Unauthorized
from trackd.people.limits import LoginLimits
from trackd.people.passwords import Passwords
from trackd.people.permissions import SERVICE_ID, check_open
from trackd.people.sessions import Sessions
from trackd.store.rows import SessionRow, TokenRow, UserRow
from trackd.store.users import Users


def service_account() -> UserRow:
    """Who comes with the service's own token: an administrator who is in no table."""
    return UserRow(
        id=SERVICE_ID,
        attributes={},
        name="Service Account",
        login=None,
        email="none",
        phone=None,
        readonly=False,
        administrator=True,
        map=None,
        latitude=0.0,
        longitude=0.0,
        zoom=0,
        coordinate_format=None,
        disabled=False,
        expiration_time=None,
        device_limit=-1,
        user_limit=-1,
        device_readonly=False,
        limit_commands=False,
        disable_reports=False,
        fixed_email=False,
        poi_layer=None,
        totp_key=None,
        temporary=False,
        password_hash=None,
    )


@define(eq=False)
class Entrance:
    """
    `service_token`: a token of the configuration that makes whoever has it an administrator; empty: there is none.

    `by_passwords`: whether passwords open the door at all.
    """

    users: Users
    sessions: Sessions
    passwords: Passwords
    limits: LoginLimits
    now: Callable[[], datetime]
    service_token: str = ""
    by_passwords: bool = True
    _log: Logger = field(factory=Logger, init=False)

    async def by_password(self, name: str, password: str, address: str, code: int | None = None) -> UserRow:
        """
        The user with this e-mail address or login.

        Raises Unauthorized (CodeNeeded: the one-time code is missing; Shut: may not come in), Invalid for a wrong
        code, TooMany.
        """
        user = await self._checked(name, password, address, remember=False)
        if user.totp_key:
            if code is None:
                raise CodeNeeded("One-time code required")
            step = codes.step_of(user.totp_key, code, self.now().timestamp())
            # Who has looked over somebody's shoulder has seen a code that is of no use any more.
            if step is None or not await self.users.use_code(user.id, step):
                self.limits.failed(address, _account(name))
                raise Invalid("User authorization failed")
        self.limits.succeeded(_account(name))
        check_open(user, self.now())
        return user

    async def by_basic(self, name: str, password: str, address: str) -> UserRow:
        """The same for who sends the password with every request; users with one-time codes can't (CodeNeeded)."""
        user = await self._checked(name, password, address, remember=True)
        if user.totp_key:
            raise CodeNeeded("One-time code required")
        check_open(user, self.now())
        return user

    async def by_token(self, text: str) -> tuple[UserRow, TokenRow | None]:
        """
        The user of a token, and the token (the service's own is in no table). Raises Unauthorized.

        Attempts are not counted: nobody guesses 256 bits, and a client whose token has expired would lock out all
        others at its address.
        """
        if self.service_token and hmac.compare_digest(text.encode(), self.service_token.encode()):
            return service_account(), None
        found = await self.sessions.token(text)
        if found is None:
            raise Unauthorized("The token is wrong, has expired or has been revoked")
        token, user = found
        check_open(user, self.now())
        return user, token

    async def admission(self, user_id: int, tokens: Collection[int]) -> dict[int | None, datetime | None]:
        """
        Until when a user may stay who is inside: by these tokens, or without one (None). None: for ever.

        What is missing is no way in any more: nothing is there for a user who is deleted, disabled, or whose time is
        over.
        """
        now = self.now()
        if user_id == SERVICE_ID:
            return {None: None}
        user = await self.users.get(user_id)
        if user is None:
            return {}
        try:
            check_open(user, now)
        except Shut:
            return {}
        end = user.expiration_time
        ends: dict[int | None, datetime | None] = {None: end}
        if tokens:
            for id, expires in (await self.sessions.store.good_tokens(tokens, now)).items():
                ends[id] = expires if end is None else min(end, expires)
        return ends

    async def by_session(self, id: str, origin: str | None, host: str) -> tuple[UserRow, SessionRow] | None:
        """The user of a session, and the session; None if there is none. The user may be disabled: `check_open`."""
        found = await self.sessions.find(id, origin, host)
        return (found[1], found[0]) if found is not None else None

    async def _checked(self, name: str, password: str, address: str, remember: bool) -> UserRow:
        if not self.by_passwords:
            raise Unauthorized("There is no log-in by password")
        account = _account(name)
        self.limits.check(address, account)
        user = await self.users.find(name) if storable(name.strip()) else None
        hash = user.password_hash if user is not None else None
        right = await (self.passwords.right_again if remember else self.passwords.right)(hash, password)
        if user is None or not right:
            self.limits.failed(address, account)
            if self.limits.lines.allows():
                self._log.warn("log-in refused: {name!r} from {address}", name=name[:200], address=address)
            raise Unauthorized("Wrong e-mail or password")
        if hash is not None and self.passwords.outdated(hash):
            await self.users.update(user.id, {"password_hash": await self.passwords.hash(password)})
        return user


def _account(name: str) -> str:
    return name.strip().lower()[:200]


def storable(text: str) -> bool:
    """Whether the database can hold this text, and so could have it."""
    return "\0" not in text and text.isprintable()
