"""The server's own pages and the files of a web client, over HTTP."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from tests.rest.client import Response
from tests.rest.house import HouseTestCase


class PagesTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.token = await self.setup_.start()

    async def post(self, **values: Any) -> Response:
        said = {"token": self.token, "name": "Ann", "email": "ann@example.org"}
        said |= {"password": "long enough", "again": "long enough"} | values
        return await self.call("POST", "/setup", form=said)

    async def test_headers(self) -> None:
        """Own pages run no scripts, stand in no frame, and tell nobody the set-up link."""
        for path in (f"/setup?token={self.token}", "/setup?token=x", "/trackd/style.css"):
            answer = await self.call("GET", path)
            self.assertIn("default-src 'none'", answer.header("Content-Security-Policy") or "")
            self.assertIn("frame-ancestors 'none'", answer.header("Content-Security-Policy") or "")
            self.assertEqual(answer.header("X-Content-Type-Options"), "nosniff")
            self.assertEqual(answer.header("Referrer-Policy"), "no-referrer")
            self.assertEqual(answer.header("Cache-Control"), "no-store")
            for inline in ("<script", "<style", "style=", "onclick"):
                self.assertNotIn(inline, answer.text)

    async def test_whole_way(self) -> None:
        """The link shows a form, the form makes the administrator, who can log in; then the link is used up."""
        form = await self.call("GET", f"/setup?token={self.token}")
        self.assertEqual(form.status, 200)
        self.assertIn(self.token, form.text)
        made = await self.post()
        self.assertEqual(made.status, 200)
        self.assertIn('href="/live/', made.text)
        login = await self.call("POST", "/api/session", form={"email": "ann@example.org", "password": "long enough"})
        self.assertEqual((login.value["administrator"], login.value["deviceLimit"]), (True, -1))
        for again in (await self.post(), await self.call("GET", f"/setup?token={self.token}")):
            self.assertEqual(again.status, 410)
        self.assertEqual(len(await self.db.query("SELECT * FROM users")), 1)

    async def test_wrong_link(self) -> None:
        """A wrong link shows no form and makes nobody."""
        for answer in (
            await self.call("GET", "/setup"),
            await self.call("GET", "/setup?token=x"),
            await self.call("GET", "/setup?token=%ff"),
            await self.post(token="x"),
        ):
            self.assertEqual(answer.status, 403)
            self.assertNotIn("<form", answer.text)
        self.assertEqual(await self.db.query("SELECT * FROM users"), [])

    async def test_mistakes(self) -> None:
        """What was entered comes back with what is wrong, escaped, and without the passwords."""
        answer = await self.post(name='"><script>', again="other password")
        self.assertEqual(answer.status, 400)
        self.assertIn("The two passwords differ", answer.text)
        self.assertIn("&quot;&gt;&lt;script&gt;", answer.text)
        self.assertNotIn("<script", answer.text)
        self.assertNotIn("other password", answer.text)
        self.assertEqual((await self.call("POST", "/setup", json={})).status, 415)
        self.assertEqual((await self.call("PUT", "/setup")).status, 405)

    async def test_away(self) -> None:
        """While the database is away the set-up waits."""
        await self.db.stop()
        answer = await self.call("GET", f"/setup?token={self.token}")
        self.assertEqual((answer.status, answer.header("Retry-After")), (503, "5"))


class FilesTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        self.web = self.client_files = Path(mkdtemp(prefix="trackd-client-"))
        self.addCleanup(rmtree, self.web)
        (self.web / "index.html").write_text("<html>client</html>")
        (self.web / "app.js").write_text("code")
        (self.web / ".hidden").write_text("secret")
        (self.web / "deep").mkdir()
        (self.web / "deep" / "page.css").write_text("css")
        (self.web.parent / f"{self.web.name}.txt").write_text("outside")
        self.addCleanup((self.web.parent / f"{self.web.name}.txt").unlink)
        await super().setUp()

    async def get(self, path: str, accept: str | None = None) -> Response:
        return await self.call("GET", path, {"Accept": accept} if accept else None)

    async def test_files(self) -> None:
        """Files of the folder, with their types, to be cached."""
        for path, kind, text in (
            ("/", "text/html", "<html>client</html>"),
            ("/index.html", "text/html", "<html>client</html>"),
            ("/app.js", "text/javascript", "code"),
            ("/deep/page.css", "text/css", "css"),
        ):
            answer = await self.get(path)
            self.assertEqual((answer.status, answer.header("Content-Type"), answer.text), (200, kind, text))
            self.assertEqual(answer.header("Cache-Control"), "max-age=3600,public")
            self.assertIsNone(answer.header("Access-Control-Allow-Origin"))

    async def test_kept(self) -> None:
        """For how long browsers keep them is said as it is set, or not at all."""
        for cache in ("no-store", ""):
            self.served.cache = cache
            self.assertEqual((await self.get("/app.js")).header("Cache-Control"), cache or None)

    async def test_nothing_else(self) -> None:
        """Nothing outside of the folder, nothing hidden, no listings, no matter how the path is written."""
        name = self.client_files.name
        for path in (
            "/.hidden",
            "/deep",
            "/nothing.js",
            f"/../{name}.txt",
            f"/%2e%2e/{name}.txt",
            f"/..%2f{name}.txt",
            f"/deep/..%2f..%2f{name}.txt",
            f"/%5c..%5c{name}.txt",
            f"//{self.client_files.parent}/{name}.txt",
            "/app.js%00.html",
            "/app.js/",
            "/" + "x" * 5000,
        ):
            self.assertEqual((await self.get(path)).status, 404, path)

    async def test_application(self) -> None:
        """A page of the application is its index; a file that is not there is none, nor is anything of the API."""
        for path in ("/login", "/settings/users", "/a.b/"):
            self.assertEqual((await self.get(path, "text/html,*/*")).text, "<html>client</html>")
            self.assertEqual((await self.get(path, "application/json")).status, 404)
        for path in ("/nothing.js", "/api/nothing", "/console/"):
            self.assertEqual((await self.get(path, "text/html")).status, 404)
        self.assertEqual((await self.call("POST", "/login", {"Accept": "text/html"})).status, 405)
        self.assertEqual((await self.call("POST", "/index.html")).status, 405)

    async def test_range(self) -> None:
        """A part of a file can be asked for."""
        answer = await self.call("GET", "/app.js", {"Range": "bytes=0-1"})
        self.assertEqual((answer.status, answer.text), (206, "co"))

    async def test_setup_stays(self) -> None:
        """The set-up page is there with a web client too."""
        token = await self.setup_.start()
        self.assertEqual((await self.get(f"/setup?token={token}")).status, 200)
