"""The root of the site: the API and what else was put here, the server's own pages, the files of a web client."""

from __future__ import annotations

from pathlib import Path

from twisted.web.resource import IResource, Resource

from trackd.web.setup import Pages
from trackd.web.site import Request
from trackd.web.static import Files

OWN = (b"setup", b"trackd")


class Root(Resource):
    """`putChild` adds what has a path of its own; `files`: the folder of a web client, if there is one."""

    def __init__(self, pages: Pages, files: Path | None = None) -> None:
        super().__init__()
        self._pages = pages.resource()
        self._files = Files(files) if files is not None else self._pages

    def getChild(self, path: bytes, request: Request) -> IResource:
        request.postpath.insert(0, request.prepath.pop())
        return self._pages if path in OWN else self._files
