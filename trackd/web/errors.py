"""Refusals on the wire: a status and one line of plain text, made in this one place."""

from __future__ import annotations

from twisted.logger import Logger
from twisted.python.failure import Failure

from trackd.people.errors import Busy
from trackd.rest.errors import ApiError
from trackd.store.errors import Unavailable
from trackd.web.site import Request

# Seconds after which a client may try again while the database is away.
RETRY_AFTER = 5

_log = Logger()


def refusal_of(error: Exception) -> ApiError:
    """What a client hears of an error that no dialect knows. Mistakes in the server are logged, and not told."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, Unavailable):
        return ApiError(503, "The database is not available, try again later", {"Retry-After": str(RETRY_AFTER)})
    if isinstance(error, Busy):
        return ApiError(503, error.message, {"Retry-After": str(error.retry_after)})
    _log.failure("while answering a request", Failure(error))
    return ApiError(500, "Internal error")


def refuse(request: Request, error: ApiError) -> bytes:
    """Set status and headers of a refusal; the body to be written."""
    request.setResponseCode(error.status)
    for name, value in error.headers.items():
        request.setHeader(name, value)
    body = one_line(error.message).encode()
    if body:
        request.setHeader("Content-Type", "text/plain; charset=utf-8")
        request.setHeader("X-Content-Type-Options", "nosniff")
    request.setHeader("Content-Length", str(len(body)))
    return body


def one_line(text: str) -> str:
    """What a client sent may be in a message: no line ends, no other control characters, not too long."""
    return "".join(character if character.isprintable() else " " for character in text[:500]).strip()
