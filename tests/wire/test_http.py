from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import http
from trackd.wire.http import Request, Requests, parameters
from trackd.wire.values import Response, WireError

GET = b"GET /a?id=1&x=%C3%BC HTTP/1.1\r\nHost: localhost\r\nX-One: a\r\nx-one: b\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nid=12"
CHUNKED = b"PUT /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nid=\r\n2\r\n12\r\n0\r\nTrailer: x\r\n\r\n"
BAD = Request("GET", "/bad-request")


def read(data: bytes, limit: int | None = http.MOST_BODY) -> list[Request | bytes]:
    return list(Requests(limit).feed(data))


class RequestTests(SynchronousTestCase):
    def test_get(self) -> None:
        """Any method and path; names of headers are lower-case, of several of one name the first counts."""
        (request,) = read(GET)
        assert isinstance(request, Request)
        self.assertEqual((request.method, request.path, request.body), ("GET", "/a", b""))
        self.assertEqual(request.headers, {"host": "localhost", "x-one": "a"})
        self.assertEqual(request.query, {"id": ["1"], "x": ["ü"]})

    def test_bodies(self) -> None:
        """A body has a length, or comes in chunks."""
        (post, chunked) = read(POST + CHUNKED)
        assert isinstance(post, Request) and isinstance(chunked, Request)
        self.assertEqual((post.method, post.form), ("POST", {"id": ["12"]}))
        self.assertEqual((chunked.method, chunked.path, chunked.body), ("PUT", "/b", b"id=12"))

    def test_pieces(self) -> None:
        """Requests do not depend on how the stream arrives."""
        stream = GET + b"\r\n" + POST + CHUNKED + GET
        requests = Requests()
        self.assertEqual([event for byte in stream for event in requests.feed(bytes((byte,)))], read(stream))
        self.assertEqual(len(read(stream)), 4)

    def test_bad_line(self) -> None:
        """A malformed or too long request line is a request for `/bad-request`, and the rest is thrown away."""
        for bad in (
            b"GET / HTTP/1.1\nHost: x\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / x HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\r\n",
            b"GET /" + b"x" * 4096 + b" HTTP/1.1\r\n\r\n",
            b"x" * 4097,
        ):
            self.assertEqual(read(bad + GET), [BAD], bad[:30])
            requests = Requests()
            self.assertEqual([event for piece in (bad, GET) for event in requests.feed(piece)], [BAD])

    def test_bad_headers(self) -> None:
        """With malformed or too large headers the request is handed on with what was read, and the rest is dead."""
        for bad in (
            b"POST /a?id=1 HTTP/1.1\r\nno colon\r\n\r\n",
            b"POST /a?id=1 HTTP/1.1\r\nX: a\nY: b\r\n\r\n",
            b"POST /a?id=1 HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
            b"POST /a?id=1 HTTP/1.1\r\nX: " + b"x" * 8192 + b"\r\n\r\n",
            b"POST /a?id=1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ):
            (request,) = read(bad + GET)
            assert isinstance(request, Request)
            self.assertEqual((request.uri, request.body), ("/a?id=1", b""), bad[:60])

    def test_too_large(self) -> None:
        """A body beyond the limit is answered with 413 and thrown away; the connection lives on if it may."""
        post = b"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello world"
        self.assertEqual(read(post + GET, 10), [http.TOO_LARGE, *read(GET)])
        self.assertEqual(len(read(post, None)), 1)
        chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"
        self.assertEqual(read(chunked + GET, 10), [http.TOO_LARGE, *read(GET)])
        for head in (b"POST / HTTP/1.0\r\n", b"POST / HTTP/1.1\r\nConnection: close\r\n"):
            requests = Requests(10)
            self.assertEqual(list(requests.feed(head + b"Content-Length: 11\r\n\r\n" + GET)), [http.TOO_LARGE_CLOSE])
            self.assertTrue(requests.closing)

    def test_expect(self) -> None:
        """Leave to send a body is given if it is not too large; other expectations are not met."""
        head = b"POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        requests = Requests(10)
        self.assertEqual(list(requests.feed(head)), [http.CONTINUE])
        (request,) = requests.feed(b"hello")
        assert isinstance(request, Request)
        self.assertEqual(request.body, b"hello")
        self.assertEqual(list(Requests(4).feed(head + GET)), [http.TOO_LARGE, *read(GET)])
        self.assertEqual(read(head.replace(b"100-continue", b"miracles") + GET), [http.EXPECTATION_FAILED, *read(GET)])

    @given(some.binary(max_size=80))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes are requests, or wait for more."""
        for head in (b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"):
            requests = Requests()
            whole = read(head + data)
            self.assertEqual([event for byte in head + data for event in requests.feed(bytes((byte,)))], whole)


class ParameterTests(SynchronousTestCase):
    def test_pairs(self) -> None:
        """Names in order, each with all its values; a semicolon ends a pair as well."""
        self.assertEqual(parameters("b=1&a=2;b=3&c"), {"b": ["1", "3"], "a": ["2"], "c": [""]})
        self.assertEqual(list(parameters("b=1&a=2;b=3")), ["b", "a"])

    def test_odd_pairs(self) -> None:
        """An empty name gives nothing, or what stands behind its `=` is the name."""
        self.assertEqual(parameters("&&=x&a=b=c"), {"x": [""], "a": ["b=c"]})
        self.assertEqual(parameters(""), {})

    def test_escapes(self) -> None:
        """A plus is a blank, escapes are UTF-8 in names and values; a broken one is an error."""
        self.assertEqual(
            parameters("a+b=c+d&%C3%BC=%2B%e2%82%AC&x=%FF"), {"a b": ["c d"], "ü": ["+€"], "x": ["\ufffd"]}
        )
        for bad in ("a=%", "a=%2", "a=%zz", "%=1"):
            with self.assertRaises(WireError):
                parameters(bad)

    def test_most(self) -> None:
        """No more than 1024 pairs are read."""
        self.assertEqual(len(parameters("&".join(f"a{number}=1" for number in range(3000)))), 1024)

    def test_query(self) -> None:
        """The query goes from the first question mark to a hash."""
        self.assertEqual(Request(uri="/p?a=1?b=2#c=3").query, {"a": ["1?b=2"]})
        self.assertEqual((Request(uri="/p#x?a=1").path, Request(uri="/p").query), ("/p", {}))

    def test_form(self) -> None:
        """A form is read by the same rules, a question mark before it is skipped."""
        self.assertEqual(Request(body=b"?a=1&b=x%20y").form, {"a": ["1"], "b": ["x y"]})


class ResponseTests(SynchronousTestCase):
    def test_response(self) -> None:
        """A response has its length and no other header but those given."""
        self.assertEqual(http.response(Response()), b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        self.assertEqual(
            http.response(Response(404, b"ab", (("content-type", "text/plain"),))),
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nab",
        )
