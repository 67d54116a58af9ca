"""Logging in and out, cookies and tokens, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

from tests.plugins.rest.traccar.test_access import basic
from tests.rest.client import Response
from tests.rest.house import HouseTestCase
from trackd.people import codes
from trackd.people.limits import PER_ACCOUNT


def cookie(response: Response) -> dict[str, str]:
    """The session of an answer, as a header."""
    return {"Cookie": (response.header("Set-Cookie") or "").partition(";")[0]}


class SessionTests(HouseTestCase):
    async def login(self, name: str = "ann", password: str = "ann", **more: Any) -> Response:
        headers = more.pop("headers", None)
        return await self.call("POST", "/api/session", headers, form={"email": name, "password": password, **more})

    async def test_cookie(self) -> None:
        """A log-in gives a session that scripts can't read; the database has no more than its digest."""
        await self.user("ann")
        answer = await self.login("ann@example.org")
        self.assertEqual(answer.status, 200)
        value, *attributes = (answer.header("Set-Cookie") or "").split("; ")
        self.assertEqual(attributes, ["Path=/", "HttpOnly"])
        self.assertEqual(answer.header("Expires"), "Thu, 01 Jan 1970 00:00:00 GMT")
        secret = value.partition("=")[2]
        digests = [row[0] for row in await self.db.query("SELECT digest FROM sessions")]
        self.assertIn(sha256(secret.encode()).digest(), digests)
        self.assertNotIn(secret, str(await self.db.query("SELECT * FROM sessions")))
        again = await self.call("GET", "/api/session", cookie(answer))
        self.assertEqual((again.value["email"], again.header("Set-Cookie")), ("ann@example.org", None))

    async def test_rotation(self) -> None:
        """Each log-in has an id of its own, and ends the session that was there; one that fails ends nothing."""
        await self.user("ann")
        await self.user("bob")
        first = cookie(await self.login("ann@example.org"))
        self.assertEqual((await self.login("bob@example.org", "wrong", headers=first)).status, 401)
        self.assertEqual((await self.call("GET", "/api/session", first)).status, 200)
        second = cookie(await self.login("bob@example.org", "bob", headers=first))
        self.assertNotEqual(first, second)
        self.assertEqual((await self.call("GET", "/api/session", first)).status, 404)
        # An id that a client has made up is never taken over.
        made_up = {"Cookie": "JSESSIONID=fixed"}
        third = cookie(await self.login("ann@example.org", headers=made_up))
        self.assertNotIn("fixed", third["Cookie"])
        self.assertEqual((await self.call("GET", "/api/session", made_up)).status, 404)

    async def test_names(self) -> None:
        """The name is the e-mail address or the login, in any case; the password is what it is."""
        await self.user("ann", login="Ally")
        for name in (" ANN@example.org ", "\tann@example.org\r\n", "ally", "ALLY"):
            self.assertEqual((await self.login(name)).status, 200)
        for password in (" ann", "ANN", ""):
            self.assertEqual((await self.login("ally", password)).status, 401)
        for name in ("nobody", "", "a\0b", "%"):
            self.assertEqual((await self.login(name)).status, 401)

    async def test_no_login(self) -> None:
        """Users without a login may have an empty one, all of them, and nobody comes in by it."""
        admin = await self.user("root", administrator=True)
        for name in ("ann", "bob"):
            sent = {"name": name, "email": f"{name}@example.org", "login": "", "password": "p"}
            made = await self.call("POST", "/api/users", admin, json=sent)
            self.assertEqual((made.status, made.value["login"]), (200, ""))
        self.assertEqual((await self.login("", "p")).status, 401)
        self.assertEqual((await self.login(" ", "p")).status, 401)

    async def test_no_password(self) -> None:
        """An account without a password is as shut as one that does not exist."""
        await self.user("ann")
        await self.db.run("UPDATE users SET password_hash = NULL")
        for password in ("", "ann", "None"):
            answer = await self.login("ann@example.org", password)
            self.assertEqual((answer.status, answer.text), (401, "Wrong e-mail or password"))

    async def test_missing(self) -> None:
        """A form without its fields, or no form, is refused as such."""
        for form in ({}, {"email": "x"}, {"password": "x"}):
            self.assertEqual((await self.call("POST", "/api/session", form=form)).status, 400)
        self.assertEqual((await self.call("POST", "/api/session", json={})).status, 415)
        self.assertEqual((await self.call("POST", "/api/session")).status, 400)

    async def test_too_often(self) -> None:
        """After too many wrong passwords even the right one has to wait, and the answer says how long."""
        await self.user("ann")
        for _ in range(PER_ACCOUNT[0]):
            self.assertEqual((await self.login("ann@example.org", "wrong")).status, 401)
        answer = await self.login("Ann@Example.org ")
        self.assertEqual(answer.status, 429)
        self.assertGreater(int(answer.header("Retry-After") or 0), 0)
        self.assertEqual((await self.call("GET", "/api/devices", basic("ann"))).status, 429)

    async def test_logout(self) -> None:
        """A log-out ends the session and needs one."""
        await self.user("ann")
        session = cookie(await self.login("ann@example.org"))
        self.assertEqual((await self.call("DELETE", "/api/session", session)).status, 204)
        self.assertEqual((await self.call("GET", "/api/session", session)).status, 404)
        self.assertEqual((await self.call("DELETE", "/api/session", session)).status, 401)

    async def test_logout_by_name(self) -> None:
        """A client that sends its password with each request ends the session that it has as well."""
        await self.user("ann")
        session = cookie(await self.login("ann@example.org"))
        by_name = basic("ann")
        self.assertEqual((await self.call("DELETE", "/api/session", by_name | session)).status, 204)
        self.assertEqual((await self.call("GET", "/api/session", session)).status, 404)
        self.assertEqual((await self.call("DELETE", "/api/session", by_name)).status, 204)

    async def test_shut(self) -> None:
        """A disabled user is told so, but only after the right password."""
        await self.user("ann", disabled=True)
        right, wrong = await self.login("ann@example.org"), await self.login("ann@example.org", "wrong")
        self.assertEqual((right.status, right.text), (400, "User is disabled"))
        self.assertEqual(wrong.status, 401)

    async def test_code(self) -> None:
        """Who has a key for one-time codes needs a code, after the password; with Basic there is no way."""
        key = codes.new_key()
        await self.user("ann", totp_key=key)
        asked = await self.login("ann@example.org")
        self.assertEqual((asked.status, asked.header("WWW-Authenticate")), (401, "TOTP"))
        self.assertIsNone((await self.login("ann@example.org", "wrong")).header("WWW-Authenticate"))
        right = codes.code(key, self.time.now().timestamp())
        wrong = str((int(right) + 1) % 1_000_000)
        self.assertEqual((await self.login("ann@example.org", code=wrong)).status, 400)
        self.assertEqual((await self.login("ann@example.org", code="x")).status, 400)
        self.assertEqual((await self.login("ann@example.org", code=right)).status, 200)
        self.assertEqual((await self.call("GET", "/api/devices", basic("ann"))).status, 401)

    async def test_code_of_zeros(self) -> None:
        """000000 is a code, right or wrong like any other, and not the same as none."""
        key = codes.new_key()
        await self.user("ann", totp_key=key)
        while codes.code(key, self.time.now().timestamp()) == "000000":
            self.time.offset += timedelta(minutes=5)
        self.assertEqual((await self.login("ann@example.org", code="000000")).status, 400)
        self.assertEqual((await self.login("ann@example.org", code="")).status, 401)

    async def test_switches(self) -> None:
        """Switches among the server's attributes are on by true, be it a text, and by nothing else."""
        ann = await self.user("ann")
        device_id = await self.device(ann)
        users = self.services.permissions.users
        for value, on in ((True, True), ("true", True), ("TRUE", True), (False, False), ("no", False), (1, False)):
            attributes = dict.fromkeys(("totpEnable", "totpForce", "disableShare"), value)
            await users.update_server({"registration": True, "attributes": attributes})
            key = await self.call("POST", "/api/users/totp")
            person = {"name": "x", "email": f"{value!r}@example.org"}
            registered = await self.call("POST", "/api/users", json=person)
            shared = await self.call("POST", "/api/share/device", ann, form={"deviceId": device_id})
            expected = [200, 400, 400] if on else [400, 200, 200]
            self.assertEqual([key.status, registered.status, shared.status], expected, value)

    async def test_code_twice(self) -> None:
        """A one-time code is good for one log-in, and none from before is good after it."""
        key = codes.new_key()
        await self.user("ann", totp_key=key)
        now = self.time.now().timestamp()
        before, right, later = (codes.code(key, now + by) for by in (-30, 0, 30))
        for given, status in ((right, 200), (right, 400), (before, 400), (later, 200)):
            self.assertEqual((await self.login("ann@example.org", code=given)).status, status)

    async def test_authorization_decides(self) -> None:
        """With an Authorization header the cookie does not count; where anybody may ask, a bad one is nobody."""
        session = await self.user("ann")
        for bad in ("Basic x", "Basic ", "Basic eA==", "Bearer x", "Digest x", "", "Basic 8J+YgA=="):
            answer = await self.call("GET", "/api/devices", session | {"Authorization": bad})
            self.assertEqual(answer.status, 401, bad)
            self.assertEqual((await self.call("GET", "/api/server", {"Authorization": bad})).status, 200)
        browser = session | {"Authorization": "Basic x", "Accept": "text/html,*/*"}
        self.assertEqual(
            (await self.call("GET", "/api/devices", browser)).header("WWW-Authenticate"), 'Basic realm="api"'
        )
        self.assertEqual((await self.call("GET", "/api/devices", basic("ann"))).status, 200)
        # The session is the cookie's affair.
        self.assertEqual((await self.call("GET", "/api/session", basic("ann"))).status, 404)

    async def test_origin(self) -> None:
        """A foreign page can't use the session, the session lives on, and tokens have no origin."""
        session = await self.user("ann")
        token = {"Authorization": f"Bearer {await self.services.sessions.make_token(self.ids['ann'])}"}
        evil = {"Origin": "http://evil.example"}
        self.assertEqual((await self.call("GET", "/api/devices", session | evil)).status, 401)
        self.assertEqual((await self.call("GET", "/api/session", session | evil)).status, 404)
        self.assertEqual((await self.call("GET", "/api/devices", token | evil)).status, 200)
        self.assertEqual((await self.call("GET", "/api/devices", session)).status, 200)
        remembered = cookie(await self.login("ann@example.org", headers={"Origin": "http://app.example"}))
        self.assertEqual((await self.call("GET", "/api/devices", remembered | evil)).status, 401)
        self.assertEqual(
            (await self.call("GET", "/api/devices", remembered | {"Origin": "http://app.example"})).status, 200
        )

    async def test_path(self) -> None:
        """An id may stand in the path, with the name of a node behind it or not."""
        sid = (await self.user("ann"))["Cookie"].partition("=")[2]
        for path in (f"/api/session;jsessionid={sid}", f"/api/session;JSESSIONID={sid}.node0"):
            self.assertEqual((await self.call("GET", path)).value["name"], "ann")
        self.assertEqual((await self.call("GET", f"/api/session;other={sid}")).status, 404)

    async def test_check(self) -> None:
        """Whether a session is alive can be asked with nothing but its id."""
        sid = (await self.user("ann"))["Cookie"].partition("=")[2]
        for id, alive in ((sid, True), (f"{sid}.node0", True), (sid + "x", False), (".", False)):
            answer = await self.call("GET", f"/api/session/check-sid?sid={id}")
            self.assertEqual((answer.value, answer.header("Set-Cookie")), ({"status": alive}, None))
        self.assertEqual((await self.call("GET", "/api/session/check-sid")).text, "Missing session ID")

    async def test_become(self) -> None:
        """An administrator goes on as somebody else, and can't come back."""
        session = await self.user("root", administrator=True)
        await self.user("ann")
        answer = await self.call("GET", f"/api/session/{self.ids['ann']}", session)
        self.assertEqual(answer.value["name"], "ann")
        self.assertEqual((await self.call("GET", "/api/session", session)).status, 404)
        back = await self.call("GET", f"/api/session/{self.ids['root']}", cookie(answer))
        self.assertEqual((back.status, back.text), (400, "User access denied"))


class TokenTests(HouseTestCase):
    async def token(self, who: dict[str, str], **form: str) -> str:
        return (await self.call("POST", "/api/session/token", who, form=form)).text

    async def test_use(self) -> None:
        """A token is its user, as Bearer everywhere and in the address where a session begins."""
        token = await self.token(await self.user("ann"))
        self.assertRegex(token, r"\A[A-Za-z0-9_-]{40,}\Z")
        self.assertNotIn(token, str(await self.db.query("SELECT * FROM tokens")))
        bearer = {"Authorization": f"bearer {token}"}
        self.assertEqual((await self.call("GET", "/api/devices", bearer)).status, 200)
        self.assertEqual((await self.call("GET", f"/api/devices?token={token}")).status, 401)
        answer = await self.call("GET", f"/api/session?token={token}")
        self.assertEqual((await self.call("GET", "/api/session", cookie(answer))).value["name"], "ann")

    async def test_revoked(self) -> None:
        """A revoked token is over, and so are the sessions that were made from it, and no others."""
        ann, bob = await self.user("ann"), await self.user("bob")
        token = await self.token(ann)
        session = cookie(await self.call("GET", f"/api/session?token={token}"))
        later = cookie(await self.call("GET", f"/api/session/{self.ids['ann']}", session))
        answer = await self.call("POST", "/api/session/token/revoke", bob, form={"token": token})
        self.assertEqual(answer.status, 204)
        for way in (session, later, {"Authorization": f"Bearer {token}"}):
            self.assertEqual((await self.call("GET", "/api/devices", way)).status, 401)
        self.assertEqual((await self.call("GET", f"/api/session?token={token}")).status, 401)
        self.assertEqual((await self.call("GET", "/api/devices", ann)).status, 200)
        for again in (token, "abc", ""):
            answer = await self.call("POST", "/api/session/token/revoke", bob, form={"token": again})
            self.assertEqual(answer.status, 400)

    async def test_expiry(self) -> None:
        """A token lives for seven days or as long as was asked for; its sessions end with it."""
        ann = await self.user("ann")
        short = await self.token(ann, expiration=(self.time.now() + timedelta(hours=1)).isoformat())
        long = await self.token(ann)
        session = cookie(await self.call("GET", f"/api/session?token={short}"))
        self.time.offset = timedelta(hours=2)
        for way, status in ((session, 401), (bearer(short), 401), (bearer(long), 200), (ann, 200)):
            self.assertEqual((await self.call("GET", "/api/devices", way)).status, status)
        self.time.offset = timedelta(days=8)
        self.assertEqual((await self.call("GET", "/api/devices", bearer(long))).status, 401)

    async def test_too_many(self) -> None:
        """A user has so many tokens and no more; those that are over or revoked don't count, nor do those of others."""
        self.services.sessions.most_tokens = 2
        ann, bob = await self.user("ann"), await self.user("bob")
        old = (self.time.now() - timedelta(hours=1)).isoformat()
        await self.token(ann, expiration=old)
        first, second = await self.token(ann), await self.token(ann)
        answer = await self.call("POST", "/api/session/token", ann, form={})
        self.assertEqual(400, answer.status)
        self.assertIn("2 tokens already", answer.text)
        self.assertGreaterEqual(len(await self.token(bob)), 40)
        await self.call("POST", "/api/session/token/revoke", ann, form={"token": first})
        third = await self.token(ann)
        for token in (second, third):
            self.assertEqual((await self.call("GET", "/api/devices", bearer(token))).status, 200)

    async def test_no_longer(self) -> None:
        """From a session of a token nobody makes a token that lives longer."""
        ann = await self.user("ann")
        end = (self.time.now() + timedelta(hours=1)).isoformat()
        session = cookie(await self.call("GET", f"/api/session?token={await self.token(ann, expiration=end)}"))
        later = (self.time.now() + timedelta(hours=2)).isoformat()
        for form, status in (({}, 400), ({"expiration": later}, 400), ({"expiration": end}, 200)):
            answer = await self.call("POST", "/api/session/token", session, form=form)
            self.assertEqual(answer.status, status, form)
        for bad in ("tomorrow", "", "2040-01-01"):
            self.assertEqual((await self.call("POST", "/api/session/token", ann, form={"expiration": bad})).status, 400)


class OptionTests(HouseTestCase):
    options = {"session_timeout": 60, "same_site": "none"}
    proxies = ("127.0.0.1",)

    async def test_rest(self) -> None:
        """A session that rests for too long is over; one that is used is not."""
        ann = await self.user("ann")
        for _ in range(3):
            self.time.offset += timedelta(seconds=50)
            self.assertEqual((await self.call("GET", "/api/devices", ann)).status, 200)
        self.time.offset += timedelta(seconds=50)
        # Asking whether it is alive does not prolong it.
        check = f"/api/session/check-sid?sid={ann['Cookie'].partition('=')[2]}"
        self.assertEqual((await self.call("GET", check)).value, {"status": True})
        self.time.offset += timedelta(seconds=20)
        self.assertEqual((await self.call("GET", "/api/devices", ann)).status, 401)
        self.assertEqual(await self.db.query("SELECT * FROM sessions"), [])

    async def test_attributes(self) -> None:
        """The cookie says how long it lives, where it is sent, and that it needs TLS where that is so."""
        await self.user("ann")
        answer = await self.call("POST", "/api/session", form={"email": "ann@example.org", "password": "ann"})
        parts = (answer.header("Set-Cookie") or "").split("; ")
        self.assertEqual(parts[1], "Path=/")
        self.assertTrue(parts[2].startswith("Expires="))
        self.assertEqual(parts[3:], ["Max-Age=60", "Secure", "HttpOnly", "SameSite=None"])


class ProxyTests(HouseTestCase):
    proxies = ("127.0.0.1",)

    async def test_secure(self) -> None:
        """Behind a proxy that speaks TLS the cookie is for TLS alone."""
        await self.user("ann")
        form = {"email": "ann@example.org", "password": "ann"}
        for said, secure in (("https", True), ("http", False)):
            answer = await self.call("POST", "/api/session", {"X-Forwarded-Proto": said}, form=form)
            self.assertEqual("Secure" in (answer.header("Set-Cookie") or ""), secure)


class NoProxyTests(HouseTestCase):
    async def test_not_believed(self) -> None:
        """What a stranger says of TLS and of addresses is not believed."""
        await self.user("ann")
        said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "9.9.9.9"}
        form = {"email": "ann@example.org", "password": "ann"}
        answer = await self.call("POST", "/api/session", said, form=form)
        self.assertNotIn("Secure", answer.header("Set-Cookie") or "")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
