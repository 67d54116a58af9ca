"""The root of the site: the API and what else was put here, the server's own pages, the files of a web client."""

from __future__ import annotations

from twisted.web.resource import IResource, Resource

from trackd.web.page import LivePage
from trackd.web.setup import Pages
from trackd.web.site import Request
from trackd.web.static import Files, Folder

OWN = (b"setup", b"trackd")
PHONES = b"client-proxy"
OVERRIDE = b"override"
# The live page, and where it stands besides if there is no web client: at the root, and where mails lead to.
LIVE = b"live"
ALSO_LIVE = (b"", b"reset-password")


class Root(Resource):
    """
    `putChild` adds what has a path of its own; `files` are those of a web client, of which those of `override` have a
    path of their own besides; `live`: the page with the map, which stands in for a web client that is not there.

    `devices` gets what phones send to the web port: `POST /`, and whatever goes to `/client-proxy/`.
    """

    def __init__(
        self,
        pages: Pages,
        live: LivePage,
        files: Files,
        override: Files | None = None,
        devices: IResource | None = None,
    ) -> None:
        super().__init__()
        self._devices = devices
        self._pages = pages.resource()
        self._live = live.resource()
        self._files = Folder(files)
        self._or_live = Folder(files, self._live.render)
        if override is not None:
            self.putChild(OVERRIDE, Folder(override))

    def getChild(self, path: bytes, request: Request) -> IResource:
        if self._devices is not None and (
            path == PHONES or (request.method == b"POST" and not path and not request.postpath)
        ):
            return self._devices
        if path == LIVE:
            return self._live
        or_live = path in ALSO_LIVE and not request.postpath
        request.postpath.insert(0, request.prepath.pop())
        return self._pages if path in OWN else self._or_live if or_live else self._files
