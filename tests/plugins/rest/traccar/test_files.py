"""Files by the API: pictures of devices, those of the web client, and what people try to get out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater

from tests.rest.house import HouseTestCase

PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
# What leads out of a folder, as it stands in an address: plain, encoded, encoded twice, absolute, with an end in it.
WAYS = (
    "../secret.txt",
    "%2e%2e/secret.txt",
    "..%2fsecret.txt",
    "%2e%2e%2fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%5csecret.txt",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "secret.txt%00.png",
    "%00",
    "..",
    "%2e%2e",
    ".",
    "%c0%ae%c0%ae%c0%afsecret.txt",
    "%ff",
    "x" * 5000,
)


class FilesTestCase(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.owner = await self.user("owner")
        self.admin = await self.user("admin", administrator=True)
        self.van = await self.device(self.owner, "van")
        self.media, self.site_folder = self.folder / "media", self.folder / "web"
        (self.folder / "secret.txt").write_text("secret")
        (self.folder / "web").mkdir()
        (self.folder / "web" / "secret.txt.html").write_text("page")

    def files(self) -> dict[str, bytes]:
        """All that there is in the folders of the house, but not what belongs to nobody."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()
        }

    async def picture(self, who: dict[str, str], id: int, data: bytes = PNG, type: str = "image/png") -> Any:
        return await self.call("POST", f"/api/devices/{id}/image", {**who, "Content-Type": type}, data=data)

    def store(self, name: str, data: bytes) -> Path:
        """A file that the device has sent."""
        path = self.media / "van" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


class PictureTests(FilesTestCase):
    async def test_refused_keeps_the_old(self) -> None:
        """A picture that is too large, or none, leaves the one before as it was."""
        self.assertEqual("device.png", (await self.picture(self.owner, self.van)).text)
        before = self.files()
        for data, type, status in (
            (bytes(500_001), "image/png", 400),
            (PNG, "image/svg+xml", 400),
            (PNG, "image/png2", 400),
            (PNG, "image/png; charset=utf-8", 400),
            (PNG, "text/html", 415),
            (PNG, "application/octet-stream", 415),
        ):
            self.assertEqual(status, (await self.picture(self.owner, self.van, data, type)).status, type)
        self.assertEqual(before, self.files())
        self.assertEqual(413, (await self.picture(self.owner, self.van, bytes(2_000_000))).status)
        self.assertEqual(200, (await self.picture(self.owner, self.van, bytes(500_000))).status)
        self.assertEqual(500_000, len(self.files()["media/van/device.png"]))

    async def test_type_is_no_name(self) -> None:
        """The name of the file is the server's, whatever the client calls its content."""
        for type in ("image/../../x", "image/png/../../x", "image/x.html", "image/png; name=../x.html", "image/png"):
            await self.picture(self.owner, self.van, PNG, type)
        self.assertEqual(["media/van/device.png"], [name for name, data in self.files().items() if data == PNG])

    async def test_no_way_out(self) -> None:
        """A device whose unique id is no name of a folder has no picture; nothing is written elsewhere."""
        before = self.files()
        for unique_id in ("..", ".", "../van", "/etc", "a/b", "a\\b", "..\\..", "", "ä" * 128):
            id = await self.device(self.owner, unique_id)
            answer = await self.picture(self.owner, id)
            self.assertEqual(400, answer.status, unique_id)
            self.assertIn("no place", answer.text)
            await self.call("DELETE", f"/api/devices/{id}", self.owner)
        self.assertEqual(before, self.files())

    async def test_link(self) -> None:
        """A folder that leads elsewhere is none for pictures."""
        self.media.mkdir()
        (self.media / "van").symlink_to(self.folder / "web")
        self.assertEqual(400, (await self.picture(self.owner, self.van)).status)
        self.assertNotIn("web/device.png", self.files())


class MediaTests(FilesTestCase):
    async def get(self, path: str, who: dict[str, str] | None = None, **headers: str) -> Any:
        return await self.call("GET", f"/api/media/{path}", {**(self.owner if who is None else who), **headers})

    async def test_whose(self) -> None:
        """Only a session shows files, and only those of devices that its user sees."""
        self.store("a.jpg", PNG)
        stranger = await self.user("stranger")
        token = (await self.call("POST", "/api/session/token", self.owner, form={})).text
        refused: dict[str, str] = {}
        for who, status in (
            (refused, 401),
            ({"Authorization": f"Bearer {token}"}, 401),
            ({"Authorization": "Basic b3duZXJAZXhhbXBsZS5vcmc6b3duZXI="}, 401),
            ({**self.owner, "Origin": "http://elsewhere.example.org"}, 401),
            (stranger, 403),
            (self.owner, 200),
            (self.admin, 200),
        ):
            self.assertEqual(status, (await self.get("van/a.jpg", who)).status)
        self.assertEqual(401, (await self.get(f"van/a.jpg?token={token}", {})).status)
        await self.services.permissions.users.update(self.ids["owner"], {"disabled": True})
        self.assertEqual(401, (await self.get("van/a.jpg")).status)

    async def test_no_way_out(self) -> None:
        """No name leads out of the device's folder, nor to another device, and no folder is listed."""
        self.store("a.jpg", PNG)
        (self.media / "other").mkdir()
        (self.media / "other" / "a.jpg").write_bytes(b"foreign")
        (self.media / "van" / "link.jpg").symlink_to(self.folder / "secret.txt")
        (self.media / "van" / ".hidden").write_text("hidden")
        (self.media / "van" / "deep").mkdir()
        (self.media / "van" / "deep" / "a.jpg").write_bytes(PNG)
        ways = [
            *WAYS,
            "../other/a.jpg",
            "..%2fother%2fa.jpg",
            "link.jpg",
            ".hidden",
            "deep",
            "deep/a.jpg",
            "deep%2fa.jpg",
            "",
        ]
        for way in ways:
            for who in (self.owner, self.admin):
                answer = await self.get(f"van/{way}", who)
                self.assertIn(answer.status, (400, 403, 404), way)
                self.assertNotIn(b"secret", answer.body)
                self.assertNotIn(b"foreign", answer.body)
        for way in ("../secret.txt", "%2e%2e/secret.txt", "van", "", "van%2fa.jpg", "../media/van/a.jpg", "%00/a.jpg"):
            self.assertIn((await self.get(way, self.admin)).status, (400, 403, 404), way)

    async def test_never_a_page(self) -> None:
        """What a device has sent never runs as a page of this site: it is shown as a picture, or saved as bytes."""
        script = b"<html><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg></html>"
        for name in ("a.svg", "a.html", "a.xml", "a.xhtml", "a.js", "a.pdf", "a", "a.html.", "a.JPG.htm"):
            self.store(name, script)
            saved = await self.get(f"van/{name}")
            self.assertEqual((200, "application/octet-stream"), (saved.status, saved.header("Content-Type")), name)
            self.assertEqual("attachment", saved.header("Content-Disposition"))
        self.store("a.PNG", script)
        shown = await self.get("van/a.PNG")
        self.assertEqual(("image/png", None), (shown.header("Content-Type"), shown.header("Content-Disposition")))
        for answer in (saved, shown):
            self.assertEqual("nosniff", answer.header("X-Content-Type-Options"))
            self.assertIn("sandbox", answer.header("Content-Security-Policy") or "")
            self.assertIn("private", answer.header("Cache-Control") or "")

    async def test_parts(self) -> None:
        """A part of a file, its end, what is not there; and nothing, if the client has it as it is."""
        self.store("a.mp4", b"0123456789")
        for asked, status, body, said in (
            ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
            ("bytes=8-", 206, b"89", "bytes 8-9/10"),
            ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
            ("bytes=-2", 206, b"89", "bytes 8-9/10"),
            ("bytes=10-", 416, b"There is no such range", "bytes */10"),
            ("bytes=5-4", 200, b"0123456789", None),
            ("bytes=0-1,3-4", 200, b"0123456789", None),
            ("bytes=a-b", 200, b"0123456789", None),
            ("lines=0-1", 200, b"0123456789", None),
        ):
            answer = await self.get("van/a.mp4", Range=asked)
            self.assertEqual((status, body, said), (answer.status, answer.body, answer.header("Content-Range")), asked)
        whole = await self.get("van/a.mp4")
        changed = whole.header("Last-Modified") or ""
        self.assertEqual(("bytes", "10"), (whole.header("Accept-Ranges"), whole.header("Content-Length")))
        again = await self.get("van/a.mp4", {**self.owner, "If-Modified-Since": changed})
        self.assertEqual((304, b""), (again.status, again.body))
        for condition, status in ((changed, 206), ("Thu, 01 Jan 1970 00:00:00 GMT", 200)):
            headers = {"Range": "bytes=0-3", "If-Range": condition}
            answer = await self.get("van/a.mp4", {**self.owner, **headers})
            self.assertEqual(status, answer.status)
        head = await self.call("HEAD", "/api/media/van/a.mp4", self.owner)
        self.assertEqual((200, "video/mp4", b""), (head.status, head.header("Content-Type"), head.body))
        self.store("empty.png", b"")
        self.assertEqual((200, b""), ((answer := await self.get("van/empty.png")).status, answer.body))

    async def test_large(self) -> None:
        """A large file comes whole, in pieces."""
        data = bytes(range(256)) * 8000
        self.store("film.mp4", data)
        self.assertEqual(data, (await self.get("van/film.mp4")).body)
        self.assertEqual(data[1000:1_500_000], (await self.get("van/film.mp4", Range="bytes=1000-1499999")).body)


class SiteTests(FilesTestCase):
    async def put(self, name: str, data: bytes = b"new", type: str = "text/plain") -> Any:
        return await self.call("POST", f"/api/server/file/{name}", {**self.admin, "Content-Type": type}, data=data)

    async def test_put(self) -> None:
        """A file that an administrator puts there is served, with the type of its name."""
        self.assertEqual(200, (await self.put("logo.svg", b"<svg/>", "application/octet-stream")).status)
        self.assertEqual(200, (await self.put("data.json", b"{}", "application/json")).status)
        self.assertEqual(200, (await self.put("a%20b.txt")).status)
        answer = await self.call("GET", "/logo.svg")
        self.assertEqual((200, "image/svg+xml", b"<svg/>"), (answer.status, answer.header("Content-Type"), answer.body))
        self.assertEqual(b"new", (await self.call("GET", "/a%20b.txt")).body)
        self.assertEqual(404, (await self.call("GET", "/override/logo.svg")).status)

    async def test_no_way_out(self) -> None:
        """No name leads out of the folder, no file is put where it would not be shown."""
        (self.folder / "web" / "way").symlink_to(self.folder)
        # What is encoded twice is encoded once: the name of a file like any other.
        self.assertEqual(200, (await self.put("%252e%252e%252fsecret.txt")).status)
        self.assertEqual(b"new", self.files()["web/%2e%2e%2fsecret.txt"])
        before = self.files()
        names = [way for way in WAYS if not way.startswith("%25")]
        names += ["way%2fsecret.txt", "way/secret.txt", "way", ".hidden", "c:secret.txt", "a%0d%0ab", "a%0aSet-Cookie"]
        for name in names:
            answer = await self.put(name)
            self.assertIn(answer.status, (400, 404), name)
            self.assertIsNone(answer.header("Set-Cookie"))
        self.assertEqual(before, self.files())

    async def test_link(self) -> None:
        """A link in the folder is neither followed nor written through."""
        (self.folder / "web" / "link.txt").symlink_to(self.folder / "secret.txt")
        self.assertEqual(404, (await self.call("GET", "/link.txt")).status)
        self.assertEqual(200, (await self.put("link.txt")).status)
        self.assertEqual(b"secret", self.files()["secret.txt"])
        self.assertEqual(b"new", (await self.call("GET", "/link.txt")).body)

    async def test_too_large(self) -> None:
        """A file larger than bodies may be is refused, and not begun."""
        before = self.files()
        self.assertEqual(413, (await self.put("big.txt", bytes(1_100_000))).status)
        self.assertEqual(before, self.files())
        while self.site.waiting:  # what has been refused is still being sent
            await deferLater(self.reactor, 0.01)

    async def test_places(self) -> None:
        """Title, description and colour stand in pages and in the manifest, and nobody can write markup with them."""
        page = b"<title>${title}</title><meta content='${description}' style='color:${colorPrimary}'>${other}"
        await self.put("index.html", page)
        await self.put("manifest.webmanifest", b'{"name":"${title}"}')
        await self.put("app.js", b"`${title}`")
        self.assertEqual(
            "<title>Traccar</title><meta content='Traccar GPS Tracking System' style='color:#1a237e'>${other}",
            (await self.call("GET", "/")).text,
        )
        said = {"title": "</title><script>\"'&", "description": "' onload='x", "colorPrimary": "red;} body{x:url(//e)"}
        await self.call("PUT", "/api/server", self.admin, json={"id": 1, "attributes": said})
        self.assertEqual(
            "<title>&lt;/title&gt;&lt;script&gt;&quot;&#x27;&amp;</title>"
            "<meta content='&#x27; onload=&#x27;x' style='color:#1a237e'>${other}",
            (await self.call("GET", "/login", {"Accept": "text/html"})).text,
        )
        self.assertEqual({"name": said["title"]}, (await self.call("GET", "/manifest.webmanifest")).value)
        self.assertEqual("`${title}`", (await self.call("GET", "/app.js")).text)
        await self.call(
            "PUT", "/api/server", self.admin, json={"id": 1, "attributes": {"title": 5, "colorPrimary": "rgb(1, 2, 3)"}}
        )
        self.assertIn("<title>5<", (answer := await self.call("GET", "/index.html")).text)
        self.assertIn("color:rgb(1, 2, 3)", answer.text)

    async def test_places_without_database(self) -> None:
        """While the database is away the page is there all the same."""
        await self.put("index.html", b"<title>${title}</title>")
        await self.db.stop()
        self.assertEqual(
            (200, "<title>${title}</title>"), ((answer := await self.call("GET", "/")).status, answer.text)
        )

    async def test_machine(self) -> None:
        """What the server does is told to administrators; there is nobody to ask for addresses."""
        self.assertEqual("what the server is doing", (await self.call("GET", "/api/server/cache", self.admin)).text)
        answer = await self.call("GET", "/api/server/gc", self.admin)
        self.assertEqual((200, b""), (answer.status, answer.body))
        answer = await self.call("GET", "/api/server/geocode?latitude=1&longitude=2", self.owner)
        self.assertEqual((400, "Reverse geocoding is not enabled"), (answer.status, answer.text))

    async def test_films(self) -> None:
        """There is a playlist of each channel, with nothing in it."""
        answer = await self.call("GET", f"/api/stream/{self.van}/1/live.m3u8", self.owner)
        self.assertEqual((200, "application/vnd.apple.mpegurl"), (answer.status, answer.header("Content-Type")))
        self.assertEqual(["#EXTM3U", "#EXT-X-MEDIA-SEQUENCE:0"], [answer.text.split()[0], answer.text.split()[-1]])
        for path, status in (("1/0.ts", 404), ("x/live.m3u8", 404), ("1/x.ts", 404)):
            self.assertEqual(status, (await self.call("GET", f"/api/stream/{self.van}/{path}", self.owner)).status)
