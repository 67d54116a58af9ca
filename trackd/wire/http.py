"""
HTTP of devices, without I/O: requests read from a stream, their parameters, the bytes of a response.

Devices write any method, path and content type, so nothing of these is judged here. What is malformed is handed on as a
request for `/bad-request`, which formats answer as they answer any request without data; after it the stream is dead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from urllib.parse import unquote

from attrs import Factory, define, field

from trackd.wire.text import latin
from trackd.wire.values import Response, WireError

MOST_PAIRS = 1024  # parameters of a query or form
MOST_LINE = 4096  # bytes of a request line
MOST_HEADERS = 8192  # bytes of all headers
MOST_BODY = 65536  # bytes

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 413 Request Entity Too Large\r\ncontent-length: 0\r\n\r\n"
TOO_LARGE_CLOSE = b"HTTP/1.1 413 Request Entity Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
EXPECTATION_FAILED = b"HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n"

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
        return parameters(self.uri.partition("?")[2].partition("#")[0])

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
    """What an HTTP server has answered to a request of ours."""

    status: int
    headers: Mapping[str, str] = Factory(dict)
    body: bytes = b""


_BROKEN = re.compile("%(?![0-9a-fA-F]{2})")


def parameters(text: str) -> Parameters:
    """
    Names in order of their first appearance, each with all its values.

    Pairs end at `&` or `;`, the first `=` that is not at their start splits, a plus is a blank, `%xx` are bytes of
    UTF-8. Raises WireError for a broken escape. At most 1024 pairs are read.
    """
    found: Parameters = {}
    for pair in re.split("[&;]", text)[:MOST_PAIRS]:
        name, _, value = pair.lstrip("=").partition("=")
        if not name:
            continue
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


_LINE = re.compile(rb"[ \t]*(\S+)[ \t]+(\S+)[ \t]+HTTP/(\d+)\.(\d+)[ \t]*")
_HEADER = re.compile(rb"([!-9;-~]+)[ \t]*:[ \t]*(.*?)[ \t]*", re.DOTALL)
_CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?", re.DOTALL)


class _Malformed(Exception):
    """What follows on the connection cannot be read."""


@define
class Requests:
    """
    The requests of one connection, however the network cut it into pieces.

    `feed` gives requests, and between them bytes that are to be written at once (100, 413, 417). `closing` is set when
    the connection is to be closed after them.
    """

    limit: int | None = MOST_BODY
    closing: bool = field(default=False, init=False)
    _buffer: bytes = field(default=b"", init=False)
    _request: Request | None = field(default=None, init=False)  # whose body is being read
    _left: int | None = field(default=None, init=False)  # of the body or the chunk; None: before a chunk
    _chunked: bool = field(default=False, init=False)
    _trailer: bool = field(default=False, init=False)
    _body: bytearray = field(factory=bytearray, init=False)
    _keeps: bool = field(default=True, init=False)  # the request in hand would leave the connection open
    _dropped: bool = field(default=False, init=False)  # too large: the body is read and thrown away
    _dead: bool = field(default=False, init=False)

    def feed(self, data: bytes) -> Iterator[Request | bytes]:
        """What is complete with `data`."""
        if self._dead:
            return
        self._buffer += data
        while not self._dead:
            try:
                event = self._head() if self._request is None else self._some_body()
            except _Malformed:
                yield self._die()
                return
            if event is None:
                return
            if event:
                yield event

    def _die(self) -> Request:
        request = self._request or Request("GET", "/bad-request")
        request.body = b""
        self._dead, self._buffer, self._request = True, b"", None
        self._body.clear()
        return request

    def _head(self) -> Request | bytes | None:
        """The head of a request: None for more, empty bytes when its body is to follow."""
        buffer = self._buffer = self._buffer.lstrip(b"\r\n \t")
        end = buffer.find(b"\n")
        if max(end, 0 if end >= 0 else len(buffer)) > MOST_LINE:
            raise _Malformed
        if end < 0:
            return None
        line = _LINE.fullmatch(buffer[: end - 1]) if buffer[end - 1 : end] == b"\r" else None
        if line is None:
            raise _Malformed
        after = buffer.find(b"\r\n\r\n", end - 1)
        if max(after, 0 if after >= 0 else len(buffer)) - end > MOST_HEADERS:
            self._request = self._started(line, buffer[end + 1 :])
            raise _Malformed
        if after < 0:
            return None
        self._request = self._started(line, buffer[end + 1 : after])
        self._buffer = buffer[after + 4 :]
        return self._expect()

    def _started(self, line: re.Match[bytes], block: bytes) -> Request:
        method, uri, major, minor = line.groups()
        headers: dict[str, str] = {}
        request = Request(method.decode("latin-1"), uri.decode("latin-1"), headers)
        for text in block.split(b"\r\n") if block else []:
            found = _HEADER.fullmatch(text)
            if found is None or b"\n" in text:
                self._request = request
                raise _Malformed
            headers.setdefault(found[1].decode("latin-1").lower(), found[2].decode("latin-1"))
        connection = headers.get("connection", "").lower()
        self._keeps = connection == "keep-alive" if (major, minor) == (b"1", b"0") else connection != "close"
        return request

    def _expect(self) -> Request | bytes:
        assert self._request is not None
        headers = self._request.headers
        self._chunked = headers.get("transfer-encoding", "").lower().endswith("chunked")
        length = headers.get("content-length", "0")
        if not self._chunked and not re.fullmatch("[0-9]{1,18}", length):
            raise _Malformed
        self._left = None if self._chunked else int(length)
        self._trailer = self._dropped = False
        expectation = headers.get("expect", "").lower()
        large = self.limit is not None and (self._left or 0) > self.limit
        if expectation and expectation != "100-continue":
            self._request = None
            return EXPECTATION_FAILED
        if expectation:
            # A client that waits for leave does not send what it gets no leave for.
            if large:
                self._request = None
            return TOO_LARGE if large else CONTINUE
        if large:
            return self._refuse()
        return b""

    def _refuse(self) -> bytes:
        self._dropped = True
        self._body.clear()
        if self._keeps:
            return TOO_LARGE
        self.closing = self._dead = True
        return TOO_LARGE_CLOSE

    def _some_body(self) -> Request | bytes | None:
        """The next part of a body: None for more, empty bytes to go on, the request at its end."""
        assert self._request is not None
        if self._left is None:
            return self._chunk_line()
        taken, self._buffer = self._buffer[: self._left], self._buffer[self._left :]
        self._left -= len(taken)
        if not self._dropped:
            self._body += taken
            if self.limit is not None and len(self._body) > self.limit:
                return self._refuse()
        if self._left:
            return None
        if self._chunked:
            if len(self._buffer) < 2:
                return None
            if self._buffer[:2] != b"\r\n":
                raise _Malformed
            self._buffer, self._left = self._buffer[2:], None
            return b""
        return self._finished()

    def _chunk_line(self) -> Request | bytes | None:
        end = self._buffer.find(b"\r\n")
        if max(end, 0 if end >= 0 else len(self._buffer)) > MOST_HEADERS:
            raise _Malformed
        if end < 0:
            return None
        text, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        if self._trailer:
            return b"" if text else self._finished()
        size = _CHUNK.fullmatch(text)
        if size is None:
            raise _Malformed
        length = int(size[1], 16)
        self._trailer = not length
        self._left = length or None
        return b""

    def _finished(self) -> Request | bytes:
        request, self._request = self._request, None
        assert request is not None
        request.body = bytes(self._body)
        self._body.clear()
        return b"" if self._dropped else request
