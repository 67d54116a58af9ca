"""The live page as it is served: where, with which headers, and what it tells browsers to keep."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from tests.rest.house import HouseTestCase
from trackd.web.page import FOLDER, Tiles, edition, files, takes_gzip


class PageTests(HouseTestCase):
    tiles = Tiles("https://{s}.tile.example.org/{z}/{x}/{y}.png?key=<1>", "Someone & others")

    async def test_places(self) -> None:
        """Without a web client the page stands at the root, where mails lead to, and at its own address."""
        for path, above in (("/", ""), ("/?token=x", ""), ("/reset-password?passwordReset=x", ""), ("/live/", "../")):
            answer = await self.call("GET", path)
            self.assertEqual(answer.status, 200)
            self.assertIn(f'"{above}live/{edition()}/js/app.js"', answer.text)
            self.assertEqual(answer.header("Content-Type"), "text/html; charset=utf-8")
        self.assertEqual((await self.call("GET", "/live")).header("Location"), "live/")
        for path in ("/login", "/live/x", f"/live/{edition()}/index.html", f"/live/{edition()}/../page.py"):
            self.assertEqual((await self.call("GET", path)).status, 404, path)
        self.assertEqual((await self.call("PUT", "/live/")).status, 405)

    async def test_policy(self) -> None:
        """The page runs nothing that is not its own, makes no HTML of texts, and loads from the tiles' host alone."""
        answer = await self.call("GET", "/")
        policy = answer.header("Content-Security-Policy") or ""
        self.assertNotIn("unsafe", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertIn("img-src 'self' data: https://*.tile.example.org;", policy)
        self.assertIn("require-trusted-types-for 'script'", policy)
        self.assertEqual(answer.header("X-Content-Type-Options"), "nosniff")
        self.assertEqual(answer.header("Referrer-Policy"), "strict-origin-when-cross-origin")
        for inline in ("<style", "style=", " onclick", "<script>"):
            self.assertNotIn(inline, answer.text)
        self.assertIn("key=&lt;1&gt;", answer.text)
        self.assertIn("Someone &amp; others", answer.text)

    async def test_kept(self) -> None:
        """Files are kept for good under the name of their edition; the page is asked for again."""
        page = await self.call("GET", "/")
        self.assertEqual(page.header("Cache-Control"), "no-cache")
        again = await self.call("GET", "/", {"If-None-Match": page.header("ETag") or ""})
        self.assertEqual((again.status, again.text), (304, ""))
        file = await self.call("GET", f"/live/{edition()}/js/app.js")
        self.assertIn("immutable", file.header("Cache-Control") or "")
        self.assertEqual(file.header("Content-Type"), "text/javascript; charset=utf-8")
        self.assertEqual(file.header("X-Content-Type-Options"), "nosniff")
        old = await self.call("GET", "/live/0123456789ab/js/app.js")
        self.assertEqual((old.text, old.header("Cache-Control")), (file.text, "no-cache"))

    async def test_compressed(self) -> None:
        """A browser that takes gzip gets gzip."""
        address = f"/live/{edition()}/vendor/leaflet.js"
        plain = await self.call("GET", address)
        small = await self.call("GET", address, {"Accept-Encoding": "br, gzip"})
        self.assertEqual(small.header("Content-Encoding"), "gzip")
        self.assertEqual(gzip.decompress(small.body), plain.body)
        self.assertLess(len(small.body), len(plain.body) / 2)


class BesideTests(HouseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        self.web = Path(mkdtemp(prefix="trackd-client-"))
        self.addCleanup(rmtree, self.web)
        (self.web / "index.html").write_text("<html>client</html>")
        await super().setUp()

    async def test_beside(self) -> None:
        """With a web client the root is the client's, and the page stands at its own address."""
        self.assertIn("client", (await self.call("GET", "/")).text)
        answer = await self.call("GET", "/live/")
        self.assertIn(edition(), answer.text)
        self.assertEqual(answer.header("Referrer-Policy"), "same-origin")


class FilesTests(SynchronousTestCase):
    def test_libraries(self) -> None:
        """The libraries are what npm has under the recorded names and versions, each with its licence."""
        folder = FOLDER / "vendor"
        kept = set()
        for library in json.loads((folder / "libraries.json").read_text("utf-8")):
            self.assertRegex(library["version"], r"^\d+\.\d+\.\d+$")
            self.assertIn(library["licence"], ("MIT", "BSD-2-Clause"))
            self.assertIn(f"{library['name']}.LICENSE", library["sha256"])
            for name, digest in library["sha256"].items():
                self.assertEqual(hashlib.sha256((folder / name).read_bytes()).hexdigest(), digest, name)
                kept.add(name)
        self.assertEqual(kept | {"libraries.json"}, {path.name for path in folder.iterdir()})

    def test_size(self) -> None:
        """Without the libraries the page is less than 300 KB."""
        own = sum(len(file.body) for name, file in files().items() if not name.startswith("vendor/"))
        self.assertLess(own, 300_000)

    def test_texts(self) -> None:
        """Every language has the same texts, with the same places for values, and the modules ask for no others."""
        texts = {path.stem: texts_of(path) for path in sorted((FOLDER / "text").glob("*.js"))}
        self.assertEqual({"en", "de"} - set(texts), set())
        for language, found in texts.items():
            self.assertEqual(set(found), set(texts["en"]), language)
            for key, text in found.items():
                self.assertEqual(places(text), places(texts["en"][key]), f"{language}: {key}")
        source = "".join(path.read_text("utf-8") for path in (FOLDER / "js").glob("*.js"))
        asked = set(re.findall(r"\bt\(\s*\"([^\"]+)\"", source))
        self.assertEqual(asked - set(texts["en"]), set())
        # Some are put together of a beginning and a name that the server knows.
        begun = (*re.findall(r"\bt\(\s*`([^`$]+)\$", source), *re.findall(r"\bword\(\"(\w+)\"", source))
        mentioned = {key for key in texts["en"] if f'"{key}"' in source or key.startswith(begun)}
        self.assertEqual(set(texts["en"]) - mentioned, set())

    def test_no_markup(self) -> None:
        """No module makes HTML of a text."""
        for path in (FOLDER / "js").glob("*.js"):
            for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
                self.assertNotIn(way, path.read_text("utf-8"), path.name)

    def test_contrast(self) -> None:
        """Texts can be told from what they stand on: 4.5 to 1, in the light and in the dark."""
        source = (FOLDER / "style" / "base.css").read_text("utf-8")
        colours = {
            name: both
            for name, *both in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", source)
        }
        on_all = ("ink", "soft", "accent", "bad", "moving", "standing", "unknown", "offline")
        pairs = [(text, ground) for text in on_all for ground in ("paper", "ground", "raised")]
        for text, ground in (*pairs, ("on-accent", "accent"), ("on-bad", "bad")):
            for looks in (0, 1):
                found = contrast(colours[text][looks], colours[ground][looks])
                self.assertGreaterEqual(found, 4.5, f"{text} on {ground}, {('light', 'dark')[looks]}")

    def test_lines(self) -> None:
        """Lines of its own files are no longer than elsewhere in the house, nor are modules."""
        for path in (*(FOLDER / "js").iterdir(), *(FOLDER / "style").iterdir()):
            lines = path.read_text("utf-8").splitlines()
            self.assertEqual([line for line in lines if len(line) > 120], [], path.name)
            self.assertLessEqual(len(lines), 500, path.name)

    def test_gzip(self) -> None:
        """A browser gets gzip only if it takes it."""
        for header, takes in (("gzip", True), ("br;q=1, gzip;q=0.5", True), ("*", True), ("br", False), ("", False)):
            self.assertEqual(takes_gzip(header), takes, header)
        self.assertFalse(takes_gzip("gzip;q=0"))

    def test_tiles(self) -> None:
        """The policy names the host of the tiles, whichever of its servers is asked."""
        for url, source in (
            ("", ""),
            ("https://tile.example.org/{z}/{x}/{y}.png", "https://tile.example.org"),
            ("https://{s}.tile.example.org/{z}/{x}/{y}.png", "https://*.tile.example.org"),
            ("http://10.0.0.1:8080/{z}/{x}/{y}.png", "http://10.0.0.1:8080"),
        ):
            self.assertEqual(Tiles(url).source, source)


def texts_of(path: Path) -> dict[str, str]:
    """The texts of a language's file: one `"key": "text",` in each line."""
    found: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        if match := re.fullmatch(r'\s*("[^"]+"): (".*"),', line):
            key = json.loads(match[1])
            assert key not in found, f"{path.name}: {key} is there twice"
            found[key] = json.loads(match[2])
    return found


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as the accessibility guidelines reckon it."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))
