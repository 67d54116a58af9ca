"""The root of the site: the API and what else was put here, the server's own pages, the files of a web client."""

from __future__ import annotations

from pathlib import Path

from twisted.web.resource import IResource, Resource

from trackd.web.setup import Pages
from trackd.web.site import Request
from trackd.web.static import Files

OWN = (b"setup", b"trackd")
PHONES = b"client-proxy"


class Root(Resource):
    """
    `putChild` adds what has a path of its own; `files`: the folder of a web client, if there is one.

    `devices` gets what phones send to the web port: `POST /`, and whatever goes to `/client-proxy/`.
    """

    def __init__(self, pages: Pages, files: Path | None = None, devices: IResource | None = None) -> None:
        super().__init__()
        self._devices = devices
        self._pages = pages.resource()
        self._files = Files(files) if files is not None else self._pages

    def getChild(self, path: bytes, request: Request) -> IResource:
        if self._devices is not None and (
            path == PHONES or (request.method == b"POST" and not path and not request.postpath)
        ):
            return self._devices
        request.postpath.insert(0, request.prepath.pop())
        return self._pages if path in OWN else self._files
