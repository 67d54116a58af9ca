"""The root of the site: the API and what else was put here, the server's own pages, the files of a web client."""

from __future__ import annotations

from pathlib import Path

from twisted.web.resource import IResource, Resource

from trackd.web.page import LivePage
from trackd.web.setup import Pages
from trackd.web.site import Request
from trackd.web.static import Files

OWN = (b"setup", b"trackd")
PHONES = b"client-proxy"
# The live page, and where it stands besides if there is no web client: at the root, and where mails lead to.
LIVE = b"live"
ALSO_LIVE = (b"", b"reset-password")


class Root(Resource):
    """
    `putChild` adds what has a path of its own; `files`: the folder of a web client, if there is one; `live`: our own
    page, which stands in for it.

    `devices` gets what phones send to the web port: `POST /`, and whatever goes to `/client-proxy/`.
    """

    def __init__(
        self, pages: Pages, live: LivePage, files: Path | None = None, devices: IResource | None = None
    ) -> None:
        super().__init__()
        self._devices = devices
        self._pages = pages.resource()
        self._live = live.resource()
        self._alone = files is None
        self._files = Files(files) if files is not None else self._pages

    def getChild(self, path: bytes, request: Request) -> IResource:
        if self._devices is not None and (
            path == PHONES or (request.method == b"POST" and not path and not request.postpath)
        ):
            return self._devices
        if path == LIVE or (self._alone and path in ALSO_LIVE and not request.postpath):
            return self._live
        request.postpath.insert(0, request.prepath.pop())
        return self._pages if path in OWN else self._files
