"""
Logging in by another site: OpenID Connect, the side of who asks.

    the browser → start()  → the provider, which asks the user → the browser → finish(code, state)

What the provider says counts because it says it directly, over TLS, for a code that nobody else can use: the browser
that comes back must have the state that it was sent away with, and the code only fits the verifier of this server.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from attrs import define, field, frozen
from twisted.logger import Logger

from trackd.people.errors import Denied, Invalid
from trackd.people.permissions import check_open
from trackd.store.audit import Note
from trackd.store.rows import UserRow
from trackd.store.users import Users


class Asking(Protocol):
    """Asks another server, and reads its JSON object. Fails with CannotAsk."""

    async def get(self, url: str, headers: Mapping[str, str]) -> dict[str, Any]: ...

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]: ...


class CannotAsk(Exception):
    """The other server does not answer, or not as it should."""


@frozen
class Provider:
    """Who says who somebody is. Addresses that are empty are asked for at the issuer's."""

    client_id: str = ""
    client_secret: str = ""
    issuer: str = ""
    auth_url: str = ""
    token_url: str = ""
    user_info_url: str = ""
    groups_claim: str = "groups"
    allow_group: str = ""
    admin_group: str = ""
    allow_registration: bool = False


@frozen
class Departure:
    """Where a browser is sent, and what it must bring back, besides the code."""

    url: str
    state: str
    verifier: str


@define(eq=False)
class OpenId:
    """`default_limit` and `default_days` are as for who registers."""

    provider: Provider
    users: Users
    asking: Asking
    now: Callable[[], datetime]
    default_limit: int = -1
    default_days: int = 0
    _found: dict[str, str] = field(factory=dict, init=False)  # addresses that the issuer has named
    _log: Logger = field(factory=Logger, init=False)

    @property
    def enabled(self) -> bool:
        return bool(self.provider.client_id)

    async def start(self, redirect: str) -> Departure:
        """
        Begin; `redirect` is where the browser comes back. Raises Invalid if this is not set up, or the provider does
        not answer.
        """
        self._check_enabled()
        url = await self._address("auth_url", "authorization_endpoint")
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        scopes = ["openid", "profile", "email"]
        if self.provider.admin_group or self.provider.allow_group:
            scopes.append(self.provider.groups_claim)
        asked = {
            "response_type": "code",
            "scope": " ".join(scopes),
            "client_id": self.provider.client_id,
            "redirect_uri": redirect,
            "state": state,
            "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return Departure(f"{url}{'&' if '?' in url else '?'}{urlencode(asked, quote_via=quote)}", state, verifier)

    async def finish(self, code: str, state: str, brought: tuple[str, str], redirect: str, note: Note) -> UserRow:
        """
        The user, who is made if there is none. `brought`: state and verifier as the browser has kept them.

        `note` goes into the record of what people do when the user is made. Raises Invalid, Denied, Shut.
        """
        self._check_enabled()
        kept, verifier = brought
        if not kept or not hmac.compare_digest(kept.encode(), state.encode("utf-8", "surrogatepass")):
            raise Invalid("This log-in did not begin here; begin anew")
        if not code:
            raise Invalid("The provider has not let you in")
        claims = await self._claims(code, verifier, redirect)
        groups = claims.get(self.provider.groups_claim)
        groups = groups if isinstance(groups, list) else [groups]
        administrator = self.provider.admin_group in groups if self.provider.admin_group else None
        if self.provider.allow_group and not administrator and self.provider.allow_group not in groups:
            raise Denied("You are in no group that may come in")
        user = await self._user(claims, administrator, note)
        check_open(user, self.now())
        return user

    def _check_enabled(self) -> None:
        if not self.enabled:
            raise Invalid("OpenID not enabled")

    async def _claims(self, code: str, verifier: str, redirect: str) -> dict[str, Any]:
        """What the provider says of who has this code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        # The standard has both written as in a form first.
        pair = f"{quote(self.provider.client_id, safe='')}:{quote(self.provider.client_secret, safe='')}"
        basic = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        try:
            answer = await self.asking.post(await self._address("token_url", "token_endpoint"), form, basic)
            token = answer.get("access_token")
            if not isinstance(token, str) or not token.isascii() or not token.isprintable():
                raise CannotAsk("there is no access token in the answer")
            url = await self._address("user_info_url", "userinfo_endpoint")
            return await self.asking.get(url, {"Authorization": f"Bearer {token}"})
        except CannotAsk as error:
            self._log.warn("OpenID: {error}", error=str(error))
            raise Invalid("The provider has not let you in") from None

    async def _address(self, name: str, found: str) -> str:
        if said := getattr(self.provider, name):
            return str(said)
        if found not in self._found:
            issuer = self.provider.issuer.rstrip("/")
            try:
                answer = await self.asking.get(f"{issuer}/.well-known/openid-configuration", {})
                if str(answer.get("issuer")).rstrip("/") != issuer:
                    raise CannotAsk(f"{issuer} says that it is {answer.get('issuer')!r}")
            except CannotAsk as error:
                self._log.error("OpenID: {error}", error=str(error))
                raise Invalid("The provider does not answer") from None
            self._found = {key: value for key, value in answer.items() if isinstance(value, str)}
        try:
            return self._found[found]
        except KeyError:
            raise Invalid("The provider does not say where to ask") from None

    async def _user(self, claims: Mapping[str, Any], administrator: bool | None, note: Note) -> UserRow:
        email, name = claims.get("email"), claims.get("name")
        if not isinstance(email, str) or not email.strip() or not email.isprintable():
            raise Invalid("The provider does not say your e-mail address")
        if claims.get("email_verified") in (False, "false"):
            raise Denied("Your e-mail address is not verified")
        email = email.strip()
        name = name.strip()[:128] if isinstance(name, str) and name.isprintable() and name.strip() else email
        user = await self.users.find(email)
        if user is not None and user.email.lower() == email.lower():
            if user.temporary:
                raise Denied("Temporary user")
            changes: dict[str, Any] = {"name": name} if name != user.name else {}
            if administrator is not None and administrator != user.administrator:
                changes["administrator"] = administrator
            return (await self.users.update(user.id, changes) if changes else None) or user
        if not self.provider.allow_registration and not (await self.users.server()).registration:
            raise Denied("Registration disabled")
        values = {
            "name": name,
            "email": email,
            "fixed_email": True,
            "administrator": bool(administrator),
            "device_limit": self.default_limit,
        }
        if self.default_days > 0:
            values["expiration_time"] = self.now() + timedelta(days=self.default_days)
        return await self.users.insert(values, note=note)
