"""Resources that answer later."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.server import NOT_DONE_YET

from trackd.web.errors import refusal_of, refuse
from trackd.web.site import Request

_log = Logger()


def later(request: Request, answering: Coroutine[Any, Any, bytes | None]) -> int:
    """Answer with the body that comes of this, with what it has written itself (None), or with a refusal."""
    gone: list[Any] = []
    request.notifyFinish().addErrback(gone.append)

    async def answered() -> None:
        try:
            body = await answering
        except Exception as error:
            if request.startedWriting:
                request.abort()
                raise
            body = refuse(request, refusal_of(error))
        if not gone:
            if body is not None:
                request.write(body)
            request.finish()

    Deferred.fromCoroutine(answered()).addErrback(lambda failure: _log.failure("an answer broke off", failure))
    return NOT_DONE_YET
