"""
HTTP of devices, without I/O: a request as formats see it, its parameters, the bytes of a response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from itertools import islice
from urllib.parse import unquote

from attrs import Factory, define

from trackd.wire.text import latin
from trackd.wire.values import Response, WireError

MOST_PAIRS = 1024  # parameters of a query or form

Parameters = dict[str, list[str]]


@define(slots=False)
class Request:
    """One HTTP request. Names of headers are lower-case; of several of one name the first counts."""

    method: str = "GET"
    uri: str = "/"  # as sent, with the query
    headers: Mapping[str, str] = Factory(dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The part before the query, as sent."""
        return re.split("[?#]", self.uri, maxsplit=1)[0]

    @cached_property
    def query(self) -> Parameters:
        """The parameters of the query. Raises WireError for a broken escape."""
        return parameters(self.uri.partition("#")[0].partition("?")[2])

    @cached_property
    def form(self) -> Parameters:
        """
        The parameters of the body, whatever its content type, one character per byte. WireError for a broken escape.
        """
        return parameters(latin(self.body).removeprefix("?").partition("#")[0])

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@define
class Answer:
    """What an HTTP server has answered to a request."""

    status: int
    headers: Mapping[str, str] = Factory(dict)
    body: bytes = b""


_PAIR = re.compile("(?<![^&;])=*([^=&;][^&;]*)")
_BROKEN = re.compile("%(?![0-9a-fA-F]{2})")


def parameters(text: str) -> Parameters:
    """
    Names in order of their first appearance, each with all its values.

    Pairs end at `&` or `;`, the first `=` that is not at their start splits, a plus is a blank, `%xx` are bytes of
    UTF-8. Raises WireError for a broken escape. At most 1024 pairs that have a name are read.
    """
    found: Parameters = {}
    for pair in islice(_PAIR.finditer(text), MOST_PAIRS):
        name, _, value = pair[1].partition("=")
        found.setdefault(_decoded(name), []).append(_decoded(value))
    return found


def _decoded(text: str) -> str:
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    if _BROKEN.search(text):
        raise WireError(f"broken escape: {text!r}")
    return unquote(text, "utf-8", "replace")


def response(answer: Response) -> bytes:
    """The bytes of a response: status line, length, no other header but those that the format gives."""
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {reason}", f"content-length: {len(answer.body)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + answer.body
