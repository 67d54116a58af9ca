"""A file as an answer: whole or a range of it, read outside the reactor as fast as the client takes it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.web.http import CACHED, datetimeToString
from werkzeug.http import parse_range_header

from trackd.folder import Opened
from trackd.rest.errors import ApiError
from trackd.web.site import Request
from trackd.web.stream import Stream

# Bytes that are read at once.
PIECE = 262_144

Thread = Callable[..., Deferred[Any]]


def type_of(name: str, types: dict[str, str]) -> str:
    """The content type of a file by its extension; what is unknown is bytes."""
    return types.get(name[name.rfind(".") :].lower(), "application/octet-stream")


async def send(request: Request, opened: Opened, thread: Thread, clock: IReactorTime) -> bytes | None:
    """Answer with this file, and close it. A body that is left to be written, or None. Raises ApiError."""
    try:
        request.setHeader("Accept-Ranges", "bytes")
        if request.setLastModified(opened.changed) is CACHED:
            return b""
        start, end = _range(request, opened.size)
        request.setHeader("Content-Length", str(end - start))
        if request.method == b"HEAD":
            return b""
        await Stream(request, clock).send(_pieces(opened, start, end, thread))
        return None
    finally:
        await thread(opened.file.close)


async def _pieces(opened: Opened, start: int, end: int, thread: Thread) -> AsyncIterator[bytes]:
    await thread(opened.file.seek, start)
    while start < end:
        piece = await thread(opened.file.read, min(PIECE, end - start))
        if not piece:
            raise EOFError("the file has become shorter")
        start += len(piece)
        yield piece


def _range(request: Request, size: int) -> tuple[int, int]:
    """What is asked for, as first byte and the one after the last; several ranges are answered with everything."""
    said = request.getHeader("range") or ""
    condition = request.getHeader("if-range")
    whole = 0, size
    if not re.fullmatch(r"bytes=(\d{1,18}-\d{0,18}|-\d{1,18})", said.strip()):
        return whole
    if condition is not None and condition != datetimeToString(request.lastModified).decode():
        return whole
    asked = parse_range_header(said)
    if asked is None:
        return whole
    found = asked.range_for_length(size)
    if found is None:
        raise ApiError(416, "There is no such range", {"Content-Range": f"bytes */{size}"})
    request.setResponseCode(206)
    request.setHeader("Content-Range", f"bytes {found[0]}-{found[1] - 1}/{size}")
    return found
