"""The files of a web client: what is in its folder and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from twisted.web.resource import Resource
from twisted.web.static import File

from trackd.rest.errors import ApiError
from trackd.web.errors import refuse
from trackd.web.site import Request

CACHE = "max-age=3600,public"
# What mimetypes does not know, or knows differently on every machine.
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
# A name of a file or folder that is served: no hidden ones, no way up, nothing that another system reads differently.
NAME = re.compile(rb"[^./\\\0:][^/\\\0:]*")


class Files(Resource):
    """
    A folder. A path that is no file, asked for by a browser as a page, is a page of the application: its index.html.
    """

    isLeaf = True

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def render(self, request: Request) -> Any:
        """The file, or a refusal."""
        path = self._path(request.postpath)
        if path is None or not is_file(path):
            if not is_page(request) or not (self._folder / "index.html").is_file():
                return refuse(request, ApiError(404, "Not found"))
            path = self._folder / "index.html"
        if request.method not in (b"GET", b"HEAD"):
            return refuse(request, ApiError(405, "Method not allowed", {"Allow": "GET, HEAD"}))
        request.setHeader("Cache-Control", CACHE)
        request.setHeader("X-Content-Type-Options", "nosniff")
        file = File(str(path), defaultType="application/octet-stream")
        file.type, file.encoding = TYPES.get(path.suffix.lower(), "application/octet-stream"), None
        return file.render_GET(request)

    def _path(self, segments: list[bytes]) -> Path | None:
        names = segments[:-1] if segments[-1:] == [b""] else segments
        if not all(NAME.fullmatch(name) for name in names):
            return None
        path = self._folder.joinpath(*(name.decode("utf-8", "surrogateescape") for name in names))
        return path / "index.html" if segments[-1:] in ([], [b""]) else path


def is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is longer than names can be
        return False


def is_page(request: Request) -> bool:
    """Whether a browser asks for a page of the application, rather than for a file."""
    last = request.path.rpartition(b"/")[2]
    return (
        request.method in (b"GET", b"HEAD")
        and "text/html" in (request.getHeader("accept") or "")
        and b"." not in last
        and not request.path.startswith((b"/api/", b"/console/"))
    )
