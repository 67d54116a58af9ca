"""A plain HTTP client for tests: no cookies of its own, no redirects, what is written is what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from attrs import define
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, readBody
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH


@define
class Response:
    status: int
    headers: Headers
    body: bytes
    length: int | None  # as it was announced

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        values = self.headers.getRawHeaders(name, [])
        return str(values[0]) if values else None


class Client:
    """Requests on connections of their own."""

    def __init__(self, reactor: Any) -> None:
        self._agent = Agent(reactor, pool=HTTPConnectionPool(reactor, persistent=False), connectTimeout=10)

    async def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        sent = Headers({name: [value] for name, value in (headers or {}).items()})
        producer = FileBodyProducer(BytesIO(body)) if body is not None else None
        response = await self._agent.request(method.encode(), url.encode(), sent, producer)
        length = None if response.length is UNKNOWN_LENGTH else response.length
        return Response(response.code, response.headers, await readBody(response), length)
