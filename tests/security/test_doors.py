"""What people try at the doors: log-in, tokens, cookies."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote

from tests.rest.client import Response
from tests.rest.house import HouseTestCase
from trackd.people import codes
from trackd.people.limits import PER_ACCOUNT, PER_ADDRESS


def cookie(answer: Response) -> dict[str, str]:
    """The session of an answer."""
    return {"Cookie": (answer.header("Set-Cookie") or "").partition(";")[0]}


class DoorTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.ann = await self.user("ann")

    async def login(
        self, name: str = "ann@example.org", password: str = "ann", path: str = "", **more: Any
    ) -> Response:
        headers = more.pop("headers", None)
        form = {"email": name, "password": password, **more}
        return await self.call("POST", f"/api/session{path}", headers, form=form)

    async def test_same_work(self) -> None:
        """A log-in that fails costs the same work whatever is wrong, so that nobody finds out which names there are."""
        await self.user("bare")
        await self.db.run("UPDATE users SET password_hash = NULL WHERE name = 'bare'")
        await self.user("shut", disabled=True)
        await self.user("coded", totp_key=codes.new_key())
        passwords, counts = self.services.entrance.passwords, []
        work = passwords._in_thread
        done: list[Any] = []

        def counted(job: Any, *args: str) -> Any:
            done.append(job)
            return work(job, *args)

        self.patch(type(passwords), "_in_thread", lambda self, job, *args: counted(job, *args))
        answers = []
        for name in ("ann", "nobody", "bare", "shut", "coded", "ann\0"):
            for way in ("form", "basic"):
                done.clear()
                if way == "form":
                    answer = await self.login(f"{name}@example.org", "wrong")
                else:
                    answer = await self.call("GET", "/api/devices", basic(f"{name}@example.org", "wrong"))
                counts.append(len(done))
                answers.append((answer.status, answer.text, answer.header("WWW-Authenticate")))
        self.assertEqual([1] * 12, counts)
        self.assertEqual([(401, "Wrong e-mail or password", None)] * 12, answers)

    async def test_guessing(self) -> None:
        """Who guesses has to wait, by whichever way, and hears for how long."""
        for number in range(PER_ACCOUNT[0]):
            way = (
                self.login(password="wrong")
                if number % 2
                else self.call("GET", "/api/devices", basic("ann@example.org", "wrong"))
            )
            self.assertEqual(401, (await way).status)
        for answer in (await self.login(), await self.call("GET", "/api/devices", basic("ann@example.org", "ann"))):
            self.assertEqual(429, answer.status)
            self.assertGreater(int(answer.header("Retry-After") or 0), 0)
        self.assertEqual(200, (await self.call("GET", "/api/devices", self.ann)).status)

    async def test_guessing_names(self) -> None:
        """Who tries one password with all names has to wait too."""
        limits = self.services.entrance.limits
        for _ in range(PER_ADDRESS[0]):
            limits.failed("127.0.0.1", "")
        answer = await self.login("bob@example.org")
        self.assertEqual(429, answer.status)
        self.assertGreater(int(answer.header("Retry-After") or 0), 0)

    async def test_guessing_codes(self) -> None:
        """Who has the password does not get to try many codes."""
        key = codes.new_key()
        await self.user("bob", totp_key=key)
        right = codes.code(key, self.time.now().timestamp())
        statuses = []
        for number in range(PER_ACCOUNT[0] + 1):
            wrong = (int(right) + 1000 + number) % 1_000_000
            statuses.append((await self.login("bob@example.org", "bob", code=wrong)).status)
        self.assertEqual([400] * PER_ACCOUNT[0] + [429], statuses)
        self.assertEqual(429, (await self.login("bob@example.org", "bob", code=right)).status)

    async def test_fixation(self) -> None:
        """An id that somebody has chosen for another is not taken over, in a cookie, in the path or in the address."""
        made_up = "chosen-by-somebody-else"
        for path, headers in (
            ("", {"Cookie": f"JSESSIONID={made_up}"}),
            (f";jsessionid={made_up}", {}),
            (f"?session={made_up}&sid={made_up}", {}),
        ):
            answer = await self.login(path=path, headers=headers)
            self.assertEqual(200, answer.status)
            self.assertNotIn(made_up, answer.header("Set-Cookie") or "")
            for there in ({"Cookie": f"JSESSIONID={made_up}"}, {}):
                answer = await self.call("GET", f"/api/devices;jsessionid={made_up}", there)
                self.assertEqual(401, answer.status)

    async def test_of_another(self) -> None:
        """A session that somebody has given to another is over when the other logs in with it."""
        await self.user("evil")
        evil = cookie(await self.login("evil@example.org", "evil"))
        ann = cookie(await self.login(headers=evil))
        self.assertEqual(401, (await self.call("GET", "/api/devices", evil)).status)
        self.assertEqual(200, (await self.call("GET", "/api/devices", ann)).status)

    async def test_hidden(self) -> None:
        """No picture on a foreign page logs anybody in as somebody else; pages of one's own do."""
        token = (await self.call("POST", "/api/session/token", self.ann, form={})).text
        root = await self.user("root", administrator=True)
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        for path in (f"/api/session?token={token}", f"/api/session/{self.ids['ann']}"):
            answer = await self.call("GET", path, {**root, **foreign})
            self.assertEqual((401, None), (answer.status, answer.header("Set-Cookie")))
        own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
        self.assertEqual(200, (await self.call("GET", f"/api/session?token={token}", own)).status)

    async def test_foreign_forms(self) -> None:
        """A form on a foreign page changes nothing in the name of who is logged in."""
        for origin in ("http://evil.example", "null", "http://127.0.0.1.evil.example"):
            headers = {**self.ann, "Origin": origin}
            self.assertEqual(401, (await self.call("POST", "/api/session/token", headers, form={})).status)
        own = {**self.ann, "Origin": self.base}
        self.assertEqual(200, (await self.call("POST", "/api/session/token", own, form={})).status)

    async def test_tokens(self) -> None:
        """A token that is cut, lengthened, or made up is 401 everywhere, and nobody where anybody may ask."""
        token = (await self.call("POST", "/api/session/token", self.ann, form={})).text
        bad = [token[:-1], token[1:], f"{token}A", f"A{token}", f"{token}=", f"{token}==", f"{token}.x", f"{token} x"]
        bad += [token.swapcase(), "A" * 43, "A", "=", "!!", "x" * 10_000, "ä", "\0", "'", "null", "Bearer"]
        for text in bad:
            answer = await self.call("GET", f"/api/session?token={quote(text)}")
            self.assertEqual((401, None), (answer.status, answer.header("Set-Cookie")), text)
            if text.isascii() and "\0" not in text:
                headers = {"Authorization": f"Bearer {text}"}
                self.assertEqual(401, (await self.call("GET", "/api/devices", headers)).status, text)
                self.assertEqual(200, (await self.call("GET", "/api/server", headers)).status, text)
        self.assertEqual(200, (await self.call("GET", f"/api/session?token={token}")).status)

    async def test_cookie(self) -> None:
        """No script reads the cookie; it is for TLS alone where a proxy that is believed says so, and nowhere else."""
        for headers in ({}, {"X-Forwarded-Proto": "https"}):
            _, *attributes = ((await self.login(headers=headers)).header("Set-Cookie") or "").split("; ")
            self.assertEqual({"Path=/", "HttpOnly"}, set(attributes))


class ProxyTests(HouseTestCase):
    options = {"same_site": "lax"}
    proxies = ("127.0.0.0/8",)

    async def test_cookie(self) -> None:
        """Behind a proxy that is believed the cookie is for TLS, and where it is sent is as configured."""
        await self.user("ann")
        form = {"email": "ann@example.org", "password": "ann"}
        answer = await self.call("POST", "/api/session", {"X-Forwarded-Proto": "https"}, form=form)
        _, *attributes = (answer.header("Set-Cookie") or "").split("; ")
        self.assertEqual({"Path=/", "HttpOnly", "Secure", "SameSite=Lax"}, set(attributes))

    async def test_address(self) -> None:
        """Whoever is refused is on record with the address that the proxy has seen."""
        headers = {"X-Forwarded-For": "8.8.8.8, 9.9.9.9", "CF-Connecting-IP": "7.7.7.7"}
        await self.call("POST", "/api/session", headers, form={"email": "x", "password": "x"})
        self.assertEqual([("9.9.9.9", "denied")], await self.db.query("SELECT address, type FROM actions"))


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}
