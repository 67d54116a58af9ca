"""The files of a web client: what is in its folder and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource

from trackd.folder import SHOWN, Opened, opened
from trackd.rest.errors import ApiError
from trackd.store.errors import StoreError
from trackd.web.later import later
from trackd.web.sending import Thread, send, type_of
from trackd.web.site import Request

CACHE = "max-age=3600,public"
# What mimetypes does not know, or knows differently on every machine.
TYPES = {
    ".css": "text/css",
    ".gif": "image/gif",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".mp3": "audio/mpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
INDEX = "index.html"
# Bytes of the largest file in which places are looked for.
LARGEST_PAGE = 4_194_304

_PLACE = re.compile(rb"\$\{(\w{1,40})\}")

Placeholders = Callable[[], Awaitable[Mapping[str, str]]]
Otherwise = Callable[[Request], bytes]


@define(eq=False)
class Files:
    """
    The folders of a web client: what is in an earlier one goes before what is in a later one.

    `placeholders` are texts for the places that pages and the manifest leave open, `${name}`; `cache` is the header
    Cache-Control.
    """

    folders: Sequence[Path]
    thread: Thread
    clock: IReactorTime
    placeholders: Placeholders | None = None
    cache: str = CACHE

    async def answer(self, request: Request, otherwise: Otherwise | None = None) -> bytes | None:
        """
        Answer with the file of this path, or with the index, if it is a page of the application that is asked for.

        `otherwise` has the answer where there is no index. Raises ApiError.
        """
        if request.method not in (b"GET", b"HEAD"):
            raise ApiError(405, "Method not allowed", {"Allow": "GET, HEAD"})
        names = names_of(request.postpath)
        found = await self.thread(self._found, names) if names else None
        if found is None and is_page(request):
            names = [INDEX]
            found = await self.thread(self._found, names)
        if found is None or names is None:
            if otherwise is not None:
                return otherwise(request)
            raise ApiError(404, "Not found")
        type = type_of(names[-1], TYPES)
        if self.cache:
            request.setHeader("Cache-Control", self.cache)
        request.setHeader("X-Content-Type-Options", "nosniff")
        request.setHeader("Content-Type", type)
        shown = WRITTEN.get(type)
        if shown is None or self.placeholders is None or found.size > LARGEST_PAGE:
            return await send(request, found, self.thread, self.clock)
        body = await self.thread(_read, found)
        if _PLACE.search(body):
            body = filled(body, await self._texts(self.placeholders), shown)
        request.setHeader("Content-Length", str(len(body)))
        return bytes(body)

    def _found(self, names: Sequence[str]) -> Opened | None:
        return next(filter(None, (opened(folder, names) for folder in self.folders)), None)

    async def _texts(self, placeholders: Placeholders) -> Mapping[str, str]:
        try:
            return await placeholders()
        except StoreError:
            # The page will say itself that the server is not all there.
            return {}


class Folder(Resource):
    """The same below a path."""

    isLeaf = True

    def __init__(self, files: Files, otherwise: Otherwise | None = None) -> None:
        super().__init__()
        self._files = files
        self._otherwise = otherwise

    def render(self, request: Request) -> Any:
        """The file, or a refusal."""
        return later(request, self._files.answer(request, self._otherwise))


def names_of(segments: Sequence[bytes]) -> list[str] | None:
    """The names of folders and file that a path consists of, of a folder its index; None if one is not served."""
    try:
        names = [segment.decode() for segment in segments]
    except UnicodeDecodeError:
        return None
    if names[-1:] in ([], [""]):
        names[-1:] = [INDEX]
    return names if all(map(SHOWN.fullmatch, names)) else None


def is_page(request: Request) -> bool:
    """Whether a browser asks for a page of the application, rather than for a file."""
    last = request.path.rpartition(b"/")[2]
    return (
        "text/html" in (request.getHeader("accept") or "")
        and b"." not in last
        and not request.path.startswith((b"/api/", b"/console/"))
    )


def _read(found: Opened) -> bytes:
    with found.file as file:
        return file.readall()


def filled(body: bytes, texts: Mapping[str, str], shown: Callable[[str], str]) -> bytes:
    """The page with these texts in their places; places of other names stay."""

    def text(match: re.Match[bytes]) -> bytes:
        found = texts.get(match[1].decode("ascii", "replace"))
        return match[0] if found is None else shown(found).encode("utf-8", "replace")

    return _PLACE.sub(text, body)


def in_json(text: str) -> str:
    """A text as a part of a JSON string."""
    return json.dumps(text)[1:-1]


# How a text is written where it stands for a place: nobody must be able to write markup with it.
WRITTEN: dict[str, Callable[[str], str]] = {"text/html": escape, "application/manifest+json": in_json}
