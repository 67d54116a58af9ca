"""Files of devices, photos above all: for whoever has a session and sees the device."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource

from trackd.folder import SHOWN, opened
from trackd.people.errors import Denied
from trackd.rest.errors import ApiError
from trackd.rest.routes import Listener
from trackd.rest.services import Services
from trackd.web.later import later
from trackd.web.sending import Thread, send, type_of
from trackd.web.site import Request

# What is shown as it is. Anything else a device may have sent is bytes, to be saved: it must not run as a page of this
# site.
TYPES = {
    extension: kind
    for extension, kind in mimetypes.MimeTypes().types_map[True].items()
    if kind.startswith(("image/", "video/", "audio/")) and "xml" not in kind
} | {".webp": "image/webp", ".amr": "audio/amr", ".mp4": "video/mp4", ".jpg": "image/jpeg"}

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    # The picture of a device keeps its name when it is replaced.
    "Cache-Control": "private, no-cache",
}


@define(eq=False)
class _Parts:
    services: Services
    viewer: Listener
    folder: Path
    thread: Thread
    clock: IReactorTime


class DeviceFiles(Resource):
    """`<unique id>/<file>` in the folder. `viewer` finds out whose session it is; no other credentials count."""

    isLeaf = True

    def __init__(self, services: Services, viewer: Listener, folder: Path, thread: Thread, clock: IReactorTime) -> None:
        super().__init__()
        self._parts = _Parts(services, viewer, folder, thread, clock)

    def render(self, request: Request) -> Any:
        """The file, or a refusal."""
        return later(request, self._answer(request))

    async def _answer(self, request: Request) -> bytes | None:
        parts, services = self._parts, self._parts.services
        host, origin = request.getHeader("host") or "", request.getHeader("origin")
        cookies = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.received_cookies.items()}
        caller = await parts.viewer(services, {}, cookies, origin, host)
        if caller is None:
            raise ApiError(401, "Not logged in")
        try:
            names = [segment.decode() for segment in request.postpath]
        except UnicodeDecodeError:
            names = []
        if len(names) < 2 or not all(names) or "\0" in names[0]:
            raise ApiError(403, "Device and file are needed")
        devices = await services.fleet.devices.by_unique_ids(names[:1])
        if not devices:
            raise ApiError(403, "Device access denied")
        try:
            await services.permissions.check_device(caller.user, devices[0].id)
        except Denied as error:
            raise ApiError(403, error.message) from None
        if request.method not in (b"GET", b"HEAD"):
            raise ApiError(405, "Method not allowed", {"Allow": "GET, HEAD"})
        found = None
        if len(names) == 2 and SHOWN.fullmatch(names[1]):
            found = await parts.thread(opened, parts.folder, names)
        if found is None:
            raise ApiError(404, "There is no such file")
        type = type_of(names[1], TYPES)
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        request.setHeader("Content-Type", type)
        if type not in TYPES.values():
            request.setHeader("Content-Disposition", "attachment")
        return await send(request, found, parts.thread, parts.clock)
