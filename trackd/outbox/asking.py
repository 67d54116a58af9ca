"""Asks other servers that the configuration names, for JSON objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from treq.client import HTTPClient
from twisted.internet.defer import Deferred

from trackd.people.openid import CannotAsk

SECONDS = 10.0
LARGEST = 262_144  # bytes


@frozen
class Asking:
    """`client` makes the requests. Redirects are not followed, answers are bounded in size and time."""

    client: HTTPClient
    reactor: Any

    async def get(self, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
        return await self._asked("GET", url, headers, None)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        return await self._asked("POST", url, headers, form)

    async def _asked(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> dict[str, Any]:
        """The JSON object of an answer. Raises CannotAsk."""
        waiting = Deferred.fromCoroutine(self._answer(method, url, headers, form))
        try:
            status, body = await waiting.addTimeout(SECONDS, self.reactor)
            found = json.loads(body) if status == 200 else None
        except Exception as error:
            # Whatever there is to say of a name that is not found, a certificate that is not good, no JSON …
            raise CannotAsk(f"{url}: {type(error).__name__}: {error}") from None
        if not isinstance(found, dict):
            raise CannotAsk(f"{url}: the answer is {status}, and no object")
        return found

    async def _answer(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> tuple[int, bytes]:
        sent: dict[bytes | str, bytes | str] = {"Accept": "application/json"}
        sent.update(headers.items())
        data = dict(form) if form is not None else None
        response = await self.client.request(method, url, headers=sent, data=data, allow_redirects=False)
        pieces: list[bytes] = []

        def take(piece: bytes) -> None:
            pieces.append(piece)
            if sum(map(len, pieces)) > LARGEST:
                raise CannotAsk(f"the answer has more than {LARGEST} bytes")

        await response.collect(take)
        return response.code, b"".join(pieces)
