"""Logging in by another site, and other sites' log-ins by this server, over HTTP."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import evolve
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.rest.client import Response
from tests.rest.house import HouseTestCase, MemoryAsking
from trackd.people.limits import PER_ADDRESS
from trackd.people.openid import Provider

SITE = "https://gps.example.org"
BACK = "https://site.example/back"
PROVIDER = "https://login.example"
FOUND = {
    "issuer": PROVIDER,
    "authorization_endpoint": f"{PROVIDER}/auth?kind=x",
    "token_endpoint": f"{PROVIDER}/token",
    "userinfo_endpoint": f"{PROVIDER}/me",
}


def query(url: str | None) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url or "").query))


class LogInTests(HouseTestCase):
    """This server asks a provider who somebody is."""

    async def setUp(self) -> None:  # type: ignore[override]
        self.asking = MemoryAsking(
            {
                f"{PROVIDER}/.well-known/openid-configuration": FOUND,
                f"{PROVIDER}/token": {"access_token": "of-ann"},
                f"{PROVIDER}/me": {"email": "Ann@Example.org", "name": "Ann of there", "groups": ["drivers"]},
            }
        )
        provider = Provider("us", "a secret:", PROVIDER, allow_registration=True)
        self.options = {"asking": self.asking, "provider": provider}
        await super().setUp()

    def set(self, **values: Any) -> None:
        self.services.openid.provider = evolve(self.services.openid.provider, **values)

    def says(self, **claims: Any) -> None:
        self.asking.answers[f"{PROVIDER}/me"].update(claims)

    async def start(self) -> tuple[dict[str, str], dict[str, str]]:
        """What the provider is asked, and the cookie that the browser keeps."""
        answer = await self.call("GET", "/api/session/openid/auth")
        self.assertEqual(303, answer.status, answer.text)
        location = answer.header("Location") or ""
        self.assertTrue(location.startswith(f"{PROVIDER}/auth?kind=x&"), location)
        value, *attributes = (answer.header("Set-Cookie") or "").split("; ")
        self.assertLessEqual({"HttpOnly", "SameSite=Lax", "Path=/api/session/openid"}, set(attributes))
        return query(location), {"Cookie": value}

    async def finish(self, headers: dict[str, str], **params: str) -> Response:
        return await self.call("GET", f"/api/session/openid/callback?{urlencode(params)}", headers)

    async def way(self) -> Response:
        asked, kept = await self.start()
        return await self.finish(kept, code="abc", state=asked["state"])

    async def me(self, answer: Response) -> Any:
        """Who is logged in by this answer."""
        self.assertEqual((303, f"{SITE}?openid=success"), (answer.status, answer.header("Location")), answer.text)
        cookies = [line.partition(";")[0] for line in answer.headers.getRawHeaders("Set-Cookie") or []]
        (session,) = [cookie for cookie in cookies if cookie.startswith("JSESSIONID=")]
        return (await self.call("GET", "/api/session", {"Cookie": session})).value

    async def test_new(self) -> None:
        """Whom the provider knows and this server does not is made, as far as that is allowed, with a fixed address."""
        me = await self.me(await self.way())
        self.assertEqual(
            ("Ann of there", "Ann@Example.org", True, False, -1),
            (me["name"], me["email"], me["fixedEmail"], me["administrator"], me["deviceLimit"]),
        )
        self.assertEqual(me["id"], (await self.me(await self.way()))["id"])
        rows = await self.db.query("SELECT type, object_type FROM actions ORDER BY id")
        self.assertEqual([("create", "user"), ("login", None), ("login", None)], rows)

    async def test_known(self) -> None:
        """Who is here already, by the address in whatever case, is the same, under the name that the provider has."""
        await self.user("ann")
        self.set(allow_registration=False)
        me = await self.me(await self.way())
        self.assertEqual((self.ids["ann"], "Ann of there", "ann@example.org"), (me["id"], me["name"], me["email"]))

    async def test_asked(self) -> None:
        """
        The provider is asked by the standard, with a verifier that fits the challenge, and only once where to ask.
        """
        asked, kept = await self.start()
        self.assertEqual(
            ("code", "us", "openid profile email", f"{SITE}/api/session/openid/callback", "S256"),
            tuple(
                asked[name] for name in ("response_type", "client_id", "scope", "redirect_uri", "code_challenge_method")
            ),
        )
        await self.finish(kept, code="abc", state=asked["state"])
        await self.start()
        (_, *rest), (url, form, headers), (me, _, bearer) = self.asking.asked
        self.assertEqual((f"{PROVIDER}/token", f"{PROVIDER}/me"), (url, me))
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        self.assertEqual((asked["code_challenge"], "abc"), (challenge, form["code"]))
        self.assertEqual("us:a%20secret%3A", b64decode(headers["Authorization"].removeprefix("Basic ")).decode())
        self.assertEqual("Bearer of-ann", bearer["Authorization"])

    async def test_begun_here(self) -> None:
        """Nobody is logged in by a link that another has begun, nor twice with one state of another browser."""
        asked, kept = await self.start()
        other, _ = await self.start()
        for headers, state in (({}, asked["state"]), (kept, other["state"]), (kept, ""), ({"Cookie": "openid=."}, "")):
            answer = await self.finish(headers, code="abc", state=state)
            self.assertEqual((400, None), (answer.status, answer.header("Set-Cookie")))
        self.assertEqual(400, (await self.finish(kept, state=asked["state"], error="access_denied")).status)

    async def test_app(self) -> None:
        """The app for phones comes back under its own address, and no other address will do."""
        asked, kept = await self.start()
        for redirect in ("https://evil.example", "org.evil:/x", "javascript:x"):
            answer = await self.finish(kept, code="abc", state=asked["state"], redirect_uri=redirect)
            self.assertEqual((400, "Invalid redirect URI"), (answer.status, answer.text))
        own = "org.traccar.manager:/api/session/openid/callback"
        await self.me(await self.finish(kept, code="abc", state=asked["state"], redirect_uri=own))
        self.assertEqual(own, self.asking.asked[1][1]["redirect_uri"])

    async def test_groups(self) -> None:
        """A group lets users in, another makes them administrators, and who has left it is none any more."""
        self.set(allow_group="staff", admin_group="admins")
        asked, _ = await self.start()
        self.assertEqual("openid profile email groups", asked["scope"])
        answer = await self.way()
        self.assertEqual((400, "You are in no group that may come in"), (answer.status, answer.text))
        for groups, administrator in ((["admins"], True), (["staff"], False), ("staff", False)):
            self.says(groups=groups)
            self.assertEqual(administrator, (await self.me(await self.way()))["administrator"])

    async def test_administrator_stays(self) -> None:
        """Without a group for administrators the provider makes nobody one, and takes it from nobody."""
        await self.user("ann", administrator=True)
        self.assertTrue((await self.me(await self.way()))["administrator"])

    async def test_refused(self) -> None:
        """Nobody comes in whose address is not sure, who may not come in, whom nobody may make, or who is a guest."""
        self.says(email_verified=False)
        self.assertEqual(400, (await self.way()).status)
        self.says(email_verified=True)
        self.set(allow_registration=False)
        answer = await self.way()
        self.assertEqual((400, "Registration disabled"), (answer.status, answer.text))
        await self.user("ann", disabled=True)
        self.assertEqual(400, (await self.way()).status)
        await self.services.permissions.users.update(self.ids["ann"], {"disabled": False, "temporary": True})
        self.assertEqual(400, (await self.way()).status)
        self.set(allow_registration=True)
        for email in (None, "", 5, "a\nb@example.org"):
            self.says(email=email)
            self.assertEqual(400, (await self.way()).status, email)

    async def test_provider_fails(self) -> None:
        """A provider that does not answer, or says what makes no sense, lets nobody in; it is asked anew next time."""
        answers = self.asking.answers
        found = answers.pop(f"{PROVIDER}/.well-known/openid-configuration")
        self.assertEqual(400, (await self.call("GET", "/api/session/openid/auth")).status)
        answers[f"{PROVIDER}/.well-known/openid-configuration"] = {**found, "issuer": "https://evil.example"}
        self.assertEqual(400, (await self.call("GET", "/api/session/openid/auth")).status)
        answers[f"{PROVIDER}/.well-known/openid-configuration"] = found
        for token in ({}, {"access_token": 5}, {"access_token": "x\r\ny"}):
            answers[f"{PROVIDER}/token"] = token
            self.assertEqual(400, (await self.way()).status)

    async def test_often(self) -> None:
        """Who tries codes again and again is told to come later, and the provider is asked no more."""
        asked, kept = await self.start()
        self.asking.answers[f"{PROVIDER}/token"] = {}
        for _ in range(PER_ADDRESS[0]):
            self.assertEqual(400, (await self.finish(kept, code="abc", state=asked["state"])).status)
        count = len(self.asking.asked)
        answer = await self.finish(kept, code="abc", state=asked["state"])
        self.assertIsNotNone(answer.header("Retry-After"))
        self.assertEqual((429, count), (answer.status, len(self.asking.asked)))

    async def test_forced(self) -> None:
        """Where it is forced no password opens the door, but tokens do; clients are told so."""
        ann = await self.user("ann")
        token = (await self.call("POST", "/api/session/token", ann, form={})).text
        self.services.entrance.by_passwords = False
        server = (await self.call("GET", "/api/server")).value
        self.assertEqual((True, True), (server["openIdEnabled"], server["openIdForce"]))
        form = {"email": "ann@example.org", "password": "ann"}
        self.assertEqual(401, (await self.call("POST", "/api/session", form=form)).status)
        basic = {"Authorization": "Basic " + b64encode(b"ann@example.org:ann").decode()}
        self.assertEqual(401, (await self.call("GET", "/api/devices", basic)).status)
        bearer = {"Authorization": f"Bearer {token}"}
        self.assertEqual(200, (await self.call("GET", "/api/devices", bearer)).status)


class NotSetUpTests(HouseTestCase):
    async def test_refused(self) -> None:
        """Where it is not set up it says so."""
        for path in ("auth", "callback?code=x&state=x"):
            answer = await self.call("GET", f"/api/session/openid/{path}")
            self.assertEqual((400, "OpenID not enabled"), (answer.status, answer.text))
        self.assertFalse((await self.call("GET", "/api/server")).value["openIdEnabled"])


class ProviderTests(HouseTestCase):
    """This server tells a site who somebody is."""

    options = {"sites": (f"site:secret:{BACK}|{BACK}?x=y", f"open::{BACK}", f"other:word:{BACK}")}

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.ann = await self.user("ann")

    async def authorize(self, who: dict[str, str] | None = None, /, **params: str) -> Response:
        asked = {"client_id": "site", "redirect_uri": BACK, "response_type": "code", "state": "a b", **params}
        return await self.call("GET", f"/api/oidc/authorize?{urlencode(asked)}", self.ann if who is None else who)

    async def code(self, **params: str) -> str:
        answer = await self.authorize(**params)
        self.assertEqual(303, answer.status, answer.text)
        return query(answer.header("Location"))["code"]

    async def token(self, headers: dict[str, str] | None = None, /, **form: str) -> Response:
        sent = {"grant_type": "authorization_code", "redirect_uri": BACK, **form}
        if headers is None:
            sent = {"client_id": "site", "client_secret": "secret", **sent}
        return await self.call("POST", "/api/oidc/token", headers, form=sent)

    async def test_way(self) -> None:
        """A site gets a code, for the code a token, and with it who the user is; its key fits the statement."""
        answer = await self.authorize(scope="openid email", nonce="n")
        self.assertEqual((303, "no-store"), (answer.status, answer.header("Cache-Control")))
        back = answer.header("Location") or ""
        self.assertTrue(back.startswith(f"{BACK}?code="))
        self.assertEqual("a b", query(back)["state"])
        found = (await self.token(code=query(back)["code"])).value
        self.assertEqual(
            ("Bearer", 604800, "openid email"), tuple(found[k] for k in ("token_type", "expires_in", "scope"))
        )
        bearer = {"Authorization": f"Bearer {found['access_token']}"}
        me = (await self.call("GET", "/api/oidc/userinfo", bearer)).value
        id = str(self.ids["ann"])
        self.assertEqual({"sub": id, "name": "ann", "email": "ann@example.org"}, me)
        keys = (await self.call("GET", "/api/oidc/jwks")).value
        self.assertNotIn("d", keys["keys"][0])
        statement = jwt.decode(found["id_token"], KeySet.import_key_set(keys), algorithms=["ES256"])
        self.assertEqual(("JWT", keys["keys"][0]["kid"]), (statement.header["typ"], statement.header["kid"]))
        claims = statement.claims
        self.assertEqual(604800, claims.pop("exp") - claims.pop("iat"))
        expected = {"iss": f"{SITE}/api/oidc", "sub": id, "aud": "site", "nonce": "n"}
        self.assertEqual({**expected, "name": "ann", "email": "ann@example.org"}, claims)

    async def test_little(self) -> None:
        """A site that asks for no more is told no more than who it is."""
        found = (await self.token(code=await self.code())).value
        self.assertEqual("openid", found["scope"])
        keys = KeySet.import_key_set((await self.call("GET", "/api/oidc/jwks")).value)
        claims = jwt.decode(found["id_token"], keys, algorithms=["ES256"]).claims
        self.assertEqual({"iss", "sub", "aud", "exp", "iat"}, set(claims))

    async def test_one_key(self) -> None:
        """All servers on the database, and those that start anew, have one key."""
        before = (await self.call("GET", "/api/oidc/jwks")).value
        self.services.identity._key = None
        self.assertEqual(before, (await self.call("GET", "/api/oidc/jwks")).value)
        self.assertEqual([(1,)], await self.db.query("SELECT count(*) FROM signing_keys"))

    async def test_once(self) -> None:
        """A code is good once, for five minutes, for the site and the address that it was made for."""
        code = await self.code()
        self.assertNotIn(code, str(await self.db.query("SELECT * FROM grants")))
        self.assertEqual(200, (await self.token(code=code)).status)
        self.assertEqual(400, (await self.token(code=code)).status)
        self.assertEqual(400, (await self.token(code=await self.code(), redirect_uri=f"{BACK}?x=y")).status)
        other = {"client_id": "other", "client_secret": "word"}
        self.assertEqual(400, (await self.token({}, code=await self.code(), **other)).status)
        late = await self.code()
        self.time.offset += timedelta(minutes=6)
        self.assertEqual(400, (await self.token(code=late)).status)
        await self.code()
        self.time.offset += timedelta(minutes=6)
        await self.services.identity.prune()
        self.assertEqual([], await self.db.query("SELECT * FROM grants"))

    async def test_sites(self) -> None:
        """A site that nobody knows, or without its secret, gets nothing; its Authorization header is no user's."""
        code = await self.code()
        for id, secret in (("nobody", "secret"), ("site", "wrong"), ("site", ""), ("", "")):
            self.assertEqual(401, (await self.token({}, code=code, client_id=id, client_secret=secret)).status)
            basic = {"Authorization": "Basic " + b64encode(f"{id}:{secret}".encode()).decode()}
            self.assertEqual(401, (await self.token(basic, code=code)).status)
        self.assertEqual(401, (await self.token({"Authorization": "Basic x"}, code=code)).status)
        basic = {"Authorization": "Basic " + b64encode(b"site:secret").decode()}
        self.assertEqual(200, (await self.token(basic, code=code)).status)
        self.assertEqual([], await self.db.query("SELECT FROM actions WHERE type = 'denied'"))

    async def test_redirects(self) -> None:
        """The browser goes nowhere but where the site is said to be."""
        for redirect in ("https://evil.example", f"{BACK}/", f"{BACK}?x=z", "//site.example/back", "", BACK.upper()):
            answer = await self.authorize(redirect_uri=redirect)
            self.assertEqual((400, None), (answer.status, answer.header("Location")), redirect)
        self.assertEqual(401, (await self.authorize(client_id="nobody")).status)
        for wrong in ({"response_type": "token"}, {"code_challenge_method": "none"}, {"nonce": "x" * 2000}):
            self.assertEqual(400, (await self.authorize(**wrong)).status, wrong)
        self.assertIn(f"{BACK}?x=y&code=", (await self.authorize(redirect_uri=f"{BACK}?x=y")).header("Location") or "")

    async def test_challenge(self) -> None:
        """Whose code was made for a challenge must have its verifier; a site without a secret needs one."""
        verifier = "v" * 43
        digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        for method, challenge in (("S256", digest), ("plain", verifier)):
            asked = {"code_challenge": challenge, "code_challenge_method": method}
            for shown, status in (
                ("", 400),
                ("w" * 43, 400),
                (digest if method == "S256" else "x", 400),
                (verifier, 200),
            ):
                answer = await self.token(code=await self.code(**asked), code_verifier=shown)
                self.assertEqual(status, answer.status, (method, shown))
        self.assertEqual(400, (await self.authorize(client_id="open")).status)
        code = await self.code(client_id="open", code_challenge=digest, code_challenge_method="S256")
        answer = await self.token({}, code=code, client_id="open", code_verifier=verifier)
        self.assertEqual(200, answer.status)

    async def test_who(self) -> None:
        """Nobody is sent with a code who is not logged in, a guest, or not let in any more."""
        self.assertEqual(401, (await self.authorize({"X-Any": "1"})).status)
        guest = await self.user("guest", temporary=True)
        self.assertEqual(400, (await self.authorize(guest)).status)
        code = await self.code()
        await self.services.permissions.users.update(self.ids["ann"], {"disabled": True})
        self.assertEqual(400, (await self.token(code=code)).status)
        code = "x"
        self.assertEqual(400, (await self.token(code=code)).status)
        self.assertEqual(400, (await self.token(grant_type="password", code=code)).status)
