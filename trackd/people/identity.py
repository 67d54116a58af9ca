"""
Other sites where users log in by this server: OpenID Connect, the provider's side.

    the site → authorize(user, …) → the browser goes back to the site with a code
    the site → token(code, …)     → a token of the user, and a signed statement of who it is

A code is good once, for five minutes, for the site and the address that it was made for.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urlsplit

from attrs import define, field, frozen
from joserfc import jwt
from joserfc.jwk import ECKey

from trackd.people.errors import Denied, Invalid, Unauthorized
from trackd.people.permissions import SERVICE_ID, check_open
from trackd.people.sessions import TOKEN_LIFE, Sessions, digest_of
from trackd.store.grants import Grant, Grants
from trackd.store.rows import UserRow
from trackd.store.users import Users

CODE_LIFE = timedelta(minutes=5)
ALGORITHM = "ES256"
METHODS = ("S256", "plain")
SCOPES = ("openid", "profile", "email")
# Characters of each text that a site sends along.
LONGEST = 1000


@frozen
class Site:
    """A site that may ask. Without a secret it must show a verifier with its code."""

    id: str
    secret: str
    redirects: tuple[str, ...]


def sites(text: tuple[str, ...]) -> dict[str, Site]:
    """`id:secret:address|address`, each a site; ValueError for another form."""
    found = {}
    for one in text:
        id, _, rest = one.partition(":")
        secret, colon, redirects = rest.partition(":")
        addresses = tuple(filter(None, redirects.split("|")))
        if not id or not colon or not addresses or not all(urlsplit(address).scheme for address in addresses):
            raise ValueError(f'needs id:secret:address|address, not "{id[:40]}:…"')
        found[id] = Site(id, secret, addresses)
    return found


@define(eq=False)
class Identity:
    """The name of this server towards the sites, `issuer`, is an address."""

    grants: Grants
    users: Users
    sessions: Sessions
    now: Callable[[], datetime]
    sites: Mapping[str, Site]
    _key: ECKey | None = field(default=None, init=False)

    async def authorize(self, user: UserRow, asked: Mapping[str, str | None]) -> str:
        """
        Where the user's browser is to go. `asked` are the parameters of the standard.

        Raises Unauthorized for a site that nobody knows, Invalid for what is not in order, Denied for guests.
        """
        site = self.sites.get(asked["client_id"] or "")
        if site is None:
            raise Unauthorized("Unknown client")
        # The browser is sent nowhere else, neither with a code nor with a refusal.
        redirect = asked["redirect_uri"] or ""
        if redirect not in site.redirects:
            raise Invalid("Invalid redirect URI")
        if asked["response_type"] != "code":
            raise Invalid("The response type must be code")
        method = asked["code_challenge_method"] or "plain"
        if method not in METHODS:
            raise Invalid("The challenge's method must be S256 or plain")
        if not site.secret and not asked["code_challenge"]:
            raise Invalid("Without a secret a challenge is needed")
        if any(len(text or "") > LONGEST or "\0" in (text or "") for text in asked.values()):
            raise Invalid("One of the parameters is too long, or has strange characters")
        if user.temporary or user.id == SERVICE_ID:
            raise Denied("Temporary user")
        code = secrets.token_urlsafe(32)
        await self.grants.add(
            digest_of(code),
            Grant(
                user.id,
                site.id,
                redirect,
                asked["scope"] or "openid",
                asked["nonce"],
                asked["code_challenge"],
                method,
                self.now() + CODE_LIFE,
            ),
        )
        state = {"state": asked["state"]} if asked["state"] else {}
        return f"{redirect}{'&' if '?' in redirect else '?'}{urlencode({'code': code, **state})}"

    async def token(self, issuer: str, asked: Mapping[str, str | None]) -> tuple[int, dict[str, Any]]:
        """
        What a site gets for a code, and the user's id. Raises Unauthorized for a wrong site, Invalid for a wrong code.
        """
        site = self.sites.get(asked["client_id"] or "")
        if site is None or not _same(site.secret, asked["client_secret"] or ""):
            raise Unauthorized("Unknown client")
        if asked["grant_type"] != "authorization_code":
            raise Invalid("The grant type must be authorization_code")
        grant = await self.grants.take(digest_of(asked["code"] or ""), self.now())
        if (
            grant is None
            or grant.client_id != site.id
            or grant.redirect_uri != asked["redirect_uri"]
            or not _fits(grant, asked["code_verifier"])
        ):
            raise Invalid("The code is wrong, was used, or is over")
        user = await self.users.get(grant.user_id)
        if user is None:
            raise Invalid("The code is wrong, was used, or is over")
        check_open(user, self.now())
        token = await self.sessions.make_token(user.id)
        return user.id, {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
            "id_token": await self._statement(issuer, user, grant),
            "scope": grant.scope,
        }

    async def keys(self) -> dict[str, Any]:
        """The public half of the key, for whoever checks a statement."""
        key = (await self._signing_key()).as_dict(private=False)
        return {"keys": [{name: key[name] for name in ("kty", "crv", "use", "alg", "kid", "x", "y")}]}

    async def prune(self) -> None:
        """Forget the codes that nobody has come for. Fails as the database fails."""
        await self.grants.prune(self.now())

    async def _statement(self, issuer: str, user: UserRow, grant: Grant) -> str:
        key = await self._signing_key()
        now = int(self.now().timestamp())
        claims: dict[str, Any] = {
            "iss": issuer,
            "sub": str(user.id),
            "aud": grant.client_id,
            "exp": now + int(TOKEN_LIFE.total_seconds()),
            "iat": now,
        }
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        if {"email", "profile"} & set(grant.scope.split()):
            claims |= {"email": user.email, "name": user.name}
        return jwt.encode({"alg": ALGORITHM, "typ": "JWT", "kid": key.kid}, claims, key)

    async def _signing_key(self) -> ECKey:
        if self._key is None:
            pem = await self.grants.key()
            if not pem:
                pem = await self.grants.keep_key(ECKey.generate_key("P-256").as_pem(private=True).decode())
            key = ECKey.import_key(pem, {"use": "sig", "alg": ALGORITHM})
            key.ensure_kid()
            self._key = key
        return self._key


def statement_of(user: UserRow) -> dict[str, Any]:
    """What a site is told of the user whose token it has."""
    return {"sub": str(user.id), "name": user.name, "email": user.email}


def _fits(grant: Grant, verifier: str | None) -> bool:
    if not grant.challenge:
        return True
    shown = verifier or ""
    if grant.method == "S256":
        shown = urlsafe_b64encode(sha256(shown.encode()).digest()).decode().rstrip("=")
    return _same(grant.challenge, shown)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
