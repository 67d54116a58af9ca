from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import http
from trackd.wire.http import Request, parameters
from trackd.wire.values import Response, WireError


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
        self.assertEqual(parameters("&" * 2000 + "=;" * 2000 + "a=1"), {"a": ["1"]})

    def test_query(self) -> None:
        """The query goes from the first question mark to a hash."""
        self.assertEqual(Request(uri="/p?a=1?b=2#c=3").query, {"a": ["1?b=2"]})
        self.assertEqual((Request(uri="/p#x?a=1").path, Request(uri="/p").query), ("/p", {}))
        self.assertEqual(Request(uri="/p#x?a=1").query, {})

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
