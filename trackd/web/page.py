"""
The live page: a map of what the server knows, made of the files in the folder `live`.

The page itself is asked for each time; its files stand under a name that changes when one of them does, so browsers
keep them for good and never mix two versions.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from attrs import define, frozen
from twisted.web.resource import Resource

from trackd.rest.errors import ApiError
from trackd.web.errors import refuse
from trackd.web.site import Request
from trackd.web.static import TYPES

FOLDER = Path(__file__).with_name("live")
INDEX = "index.html"
FOREVER = "public, max-age=31536000, immutable"
ASK = "no-cache"  # keep it, but ask each time whether it is still the same
COMPRESSED = {".css", ".html", ".js", ".json", ".svg", ".webmanifest"}


@frozen
class Kept:
    """A file as it is sent."""

    body: bytes
    small: bytes | None  # the same, compressed, if that is worth it
    type: str
    tag: str  # its ETag


@frozen
class Tiles:
    """
    Where the pictures of the map come from: an address with `{z}`, `{x}` and `{y}`, and whom to thank for them. Empty:
    there are none, and the page asks nobody outside.
    """

    url: str = ""
    attribution: str = ""

    @property
    def source(self) -> str:
        """The place from which a browser has to let them in, as the policy names it."""
        if not self.url:
            return ""
        parts = urlsplit(self.url)
        host = re.sub(r"^[^.]*\{[a-z]+\}[^.]*(?=\.)", "*", parts.netloc.rpartition("@")[2])
        return f"{parts.scheme}://{host}"


@cache
def files() -> dict[str, Kept]:
    """All files of the page, by their paths below its folder."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file() and path.suffix in TYPES:
            found[path.relative_to(FOLDER).as_posix()] = kept(path.read_bytes(), path.suffix)
    return found


def kept(body: bytes, suffix: str) -> Kept:
    small = gzip.compress(body, 9, mtime=0) if suffix in COMPRESSED and len(body) > 500 else None
    kind = TYPES[suffix]
    if kind.startswith("text/") or kind == "application/json":
        kind += "; charset=utf-8"
    # Weak, since it is that of the compressed file, too.
    return Kept(body, small, kind, f'W/"{hashlib.sha256(body).hexdigest()[:24]}"')


@cache
def edition() -> str:
    """A name for the files as they are now."""
    digest = hashlib.sha256()
    for name, file in files().items():
        digest.update(f"{name} {file.tag}\n".encode())
    return digest.hexdigest()[:12]


@define(eq=False)
class LivePage:
    """What the page is told by the configuration; `api` is where the API is."""

    tiles: Tiles
    version: str
    api: str = "/api"

    def resource(self) -> Resource:
        """For `/live/`, and for what else is to be this page."""
        return _Files(self)

    @property
    def policy(self) -> str:
        """What a browser may load and run: what comes from here, and pictures of the map. No HTML is made of texts."""
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                f"img-src 'self' data: {self.tiles.source}".rstrip(),
                "connect-src 'self'",
                "form-action 'self'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types default",
            )
        )

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Security-Policy": self.policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            # Servers of pictures want to know for which site they work; they hear of no more than that.
            "Referrer-Policy": "strict-origin-when-cross-origin" if self.tiles.url else "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }

    def page(self, above: str) -> Kept:
        """The page, `above` being the way from its address to the site's root."""
        texts = {
            "files": f"{above}live/{edition()}",
            "api": f"{above}{self.api.strip('/')}",
            "version": self.version,
            "tiles": self.tiles.url,
            "attribution": self.tiles.attribution,
        }
        modules = [name for name in files() if name.startswith("js/") and name.endswith(".js")]
        preloads = "\n".join(f'<link rel="modulepreload" href="{texts["files"]}/{name}">' for name in modules)
        source = Template(files()[INDEX].body.decode())
        text = source.substitute({name: escape(text) for name, text in texts.items()}, preloads=preloads)
        return kept(text.encode(), ".html")


class _Files(Resource):
    """The page and its files."""

    isLeaf = True

    def __init__(self, live: LivePage) -> None:
        super().__init__()
        self._live = live

    def render(self, request: Request) -> bytes:
        if request.method not in (b"GET", b"HEAD"):
            return refuse(request, ApiError(405, "Method not allowed", {"Allow": "GET, HEAD"}))
        path = request.path.decode("latin-1")
        if path == "/live":
            return refuse(request, ApiError(308, "", {"Location": "live/"}))
        _, live, below = path.partition("/live/")
        if not live or not below:
            return self._send(request, self._live.page("../" * (path.count("/") - 1)), ASK)
        asked, _, name = below.partition("/")
        found = files().get(name)
        if found is None or name == INDEX:
            return refuse(request, ApiError(404, "Not found"))
        # A page that was loaded before the files changed gets the new ones, but doesn't keep them under the old name.
        return self._send(request, found, FOREVER if asked == edition() else ASK)

    def _send(self, request: Request, file: Kept, cache: str) -> bytes:
        for name, value in self._live.headers.items():
            request.setHeader(name, value)
        request.setHeader("Cache-Control", cache)
        request.setHeader("Vary", "Accept-Encoding")
        request.setHeader("Content-Type", file.type)
        if request.setETag(file.tag.encode()):
            return b""
        body = file.body
        if file.small is not None and takes_gzip(request.getHeader("accept-encoding") or ""):
            request.setHeader("Content-Encoding", "gzip")
            body = file.small
        request.setHeader("Content-Length", str(len(body)))
        return body if request.method == b"GET" else b""


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header lets compressed bodies through."""
    for choice in accepted.split(","):
        name, _, quality = (part.strip().lower() for part in choice.partition(";"))
        if name in ("gzip", "*"):
            return re.fullmatch(r"q=0(\.0*)?", quality) is None
    return False
