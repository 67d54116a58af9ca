"""What a REST dialect refuses a request with."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """
    A refusal that the client reads: a status and one plain sentence.

    Not for what makes no sense to a client: a mistake in the server is another exception, and gets a traceback.
    """

    def __init__(self, status: int, message: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
