"""Devices on HTTP."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.memory import MemoryIntake
from tests.listen.samples import Caller, call, clock_of, decode, log_of, server
from trackd.wire.format import Session, WireFormat
from trackd.wire.http import Request
from trackd.wire.values import Login, Output, Response


def words(request: Request, session: Session) -> Iterator[Output]:
    """The words are in the parameter `say`, or in the body; without any, 400; an unknown device gets 404."""
    say = request.query.get("say", [""])[0] or request.body.decode()
    if not say:
        yield Response(400, f"{request.method} {request.path}".encode())
        return
    if "id" in request.query:
        yield Login.of(*request.query["id"], optional=True)
        if session.device is None:
            yield Response(404)
            return
    yield from decode(say.encode(), session)


WEB = WireFormat("web", 5001, words, http=True)
OK = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntold"


def get(target: str, *headers: str, version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join([f"GET {target} {version}", *headers, "", ""]).encode()


def post(body: bytes, *headers: str) -> bytes:
    lines = ["POST / HTTP/1.1", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class RequestTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1")
        self.server = server(self.intake)
        self.device = call(self.server, WEB)

    def seen(self, data: bytes) -> Request:
        """The request as the format sees it."""
        requests: list[Request] = []

        def decode(request: Request, session: Session) -> Iterator[Output]:
            requests.append(request)
            yield Response()

        device = call(self.server, evolve(WEB, decode=decode))
        device.sends(data)
        (request,) = requests
        return request

    def test_bytes_of_an_answer(self) -> None:
        """An answer has its length, in lower case, and no other header."""
        self.assertEqual(self.device.sends(get("/?id=1&say=at:1+response:200")), OK)
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0])

    def test_answered_when_stored(self) -> None:
        """A report is answered when it is committed, and not before."""
        self.intake.held = True
        self.assertEqual(self.device.sends(get("/?id=1&say=at:1+response:200")), "")
        self.intake.commit()
        self.assertEqual(self.device.hears(), OK)

    def test_unknown_device(self) -> None:
        """What a stranger is told is up to the format."""
        self.assertEqual(
            self.device.sends(get("/?id=9&say=response:200")), "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
        )
        self.assertEqual(self.intake.strangers, [(("9",), b"GET /?id=9&say=response:200\r\n\r\n")])

    def test_keeps_the_device(self) -> None:
        """A connection keeps its device from request to request; no command can be sent on it unasked."""
        self.device.sends(get("/?id=1&say=response:200"))
        self.device.sends(get("/?say=me+at:2+response:200"))
        self.assertEqual([id for id, _ in self.intake.taken], ["1"])
        conversation = self.device.connection.conversation
        self.assertEqual((conversation.live, conversation.session.transport), (False, "http"))

    def test_any_method_and_path(self) -> None:
        """Any method and any path will do."""
        for target in (b"PUT /a/b?say=response:200", b"BREW /?say=response:200", b"get *?say=response:200"):
            self.assertEqual(self.device.sends(target + b" HTTP/1.1\r\n\r\n"), OK)

    def test_request(self) -> None:
        """The format sees method, target as sent, headers in lower case, and the body."""
        request = self.seen(b"PUT /a%20b?x=%C3%A4#f HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 3\r\n\r\nabc")
        self.assertEqual((request.method, request.uri, request.body), ("PUT", "/a%20b?x=%C3%A4#f", b"abc"))
        self.assertEqual(request.headers, {"x-a": "1", "content-length": "3"})

    def test_pieces(self) -> None:
        """A request may come byte by byte."""
        for byte in post(b"login:1 at:1 response:200"):
            self.device.sends(bytes([byte]))
        self.assertEqual(len(self.intake.taken), 1)

    def test_chunked(self) -> None:
        """Chunks are joined."""
        chunks = b"4\r\nlogi\r\n5\r\nn:1 a\r\n3\r\nt:1\r\n0\r\n\r\n"
        self.assertEqual(
            self.seen(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks).body, b"login:1 at:1"
        )

    def test_form_is_left_to_the_format(self) -> None:
        """No content type makes the server look into a body."""
        body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nbroken'
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data"):
            self.assertEqual(self.seen(post(body, f"Content-Type: {kind}")).body, body)

    def test_header_lines_end_with_lf(self) -> None:
        """Behind the first line a bare LF ends a line."""
        self.assertEqual(self.seen(b"GET / HTTP/1.1\r\nx-a: 1\nx-b: 2\n\n").headers, {"x-a": "1", "x-b": "2"})

    def test_kept(self) -> None:
        """Whatever the request says, the connection is kept."""
        self.device.sends(get("/?say=response:200", "Connection: close"))
        self.device.sends(get("/?say=response:200", version="HTTP/1.0"))
        self.assertFalse(self.device.closed)
        self.assertEqual(self.device.sends(get("/?say=response:200")), OK)

    def test_hangup(self) -> None:
        """A format may close after its answer, and give bytes of its own."""
        self.assertEqual(self.device.sends(get("/?say=reply:HTTP/1.1+hangup")), "HTTP/1.1")
        self.assertTrue(self.device.closed)

    def test_no_answer(self) -> None:
        """A format may leave a request without an answer; the next one is heard."""
        self.assertEqual(self.device.sends(get("/?say=login:1+at:1")), "(yes)")
        self.assertEqual(self.device.sends(get("/?say=response:200")), OK)

    def test_continue(self) -> None:
        """Who asks whether to send a body is told to."""
        head, body = post(b"login:1 response:200", "Expect: 100-continue").split(b"\r\n\r\n")
        self.assertEqual(self.device.sends(head + b"\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n")
        self.assertEqual(self.device.sends(body), "(yes)" + OK)

    def test_other_expectations(self) -> None:
        """Who expects anything else is disappointed; the body is thrown away, the connection kept."""
        self.assertEqual(
            self.device.sends(post(b"login:1 at:1", "Expect: tea")),
            "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n",
        )
        self.assertEqual(self.device.sends(get("/?say=response:200")), OK)
        self.assertEqual(self.intake.taken, [])


class PipelineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1", held=True)
        self.device = call(server(self.intake), WEB)

    def test_order(self) -> None:
        """Requests of one read are answered in order, each when its report is committed."""
        self.device.sends(
            get("/?id=1&say=at:1+response:200") + get("/?say=response:201") + get("/?say=me+at:2+response:202")
        )
        self.intake.commit()
        self.assertEqual([word for word in self.device.hears().split() if word.startswith("20")], ["200", "201"])
        self.intake.commit()
        self.assertIn("202", self.device.hears())

    def test_many(self) -> None:
        """A read full of requests goes no deeper than one."""
        self.intake.held = False
        self.device.sends(get("/?id=1&say=at:1+response:200") * 2000)
        self.assertEqual(len(self.intake.taken), 2000)

    def test_many_waiting(self) -> None:
        """What waits for an answer is bounded: the transport is paused."""
        for _ in range(1000):
            self.device.sends(get("/?id=1&say=at:1+response:200"))
            if self.device.paused:
                break
        self.assertTrue(self.device.paused)
        self.assertEqual(len(self.intake.taken), 1)
        self.intake.held = False
        self.intake.commit()
        self.assertFalse(self.device.paused)
        self.assertGreater(len(self.intake.taken), 300)

    def test_error(self) -> None:
        """A request that cannot be read closes without an answer; those before it get theirs."""
        self.device.sends(get("/?id=1&say=at:1+response:200") + get("/?say=response:200+bad"))
        self.intake.commit()
        self.assertEqual(self.device.hears(), OK)
        self.assertTrue(self.device.closed)

    def test_broken_escape(self) -> None:
        """So does one with a broken escape."""
        self.assertEqual(self.device.sends(get("/?say=%zz")), "")
        self.assertTrue(self.device.closed)

    def test_gone(self) -> None:
        """A device that hangs up before its answer has its report stored."""
        self.device.sends(get("/?id=1&say=at:1+response:200"))
        self.device.hangs_up()
        self.intake.commit()
        self.assertEqual((len(self.intake.gone), self.device.hears()), (1, ""))

    def test_peer_does_not_take_answers(self) -> None:
        """Nothing is read from a device that does not take our answers."""
        self.device.connection.pauseProducing()
        self.assertTrue(self.device.paused)
        self.device.connection.resumeProducing()
        self.assertFalse(self.device.paused)


class MalformedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1")
        self.server = server(self.intake)
        self.log = log_of(self)

    def answer(self, data: bytes) -> str:
        device = call(self.server, WEB)
        heard = device.sends(data)
        self.assertFalse(device.closed)
        self.assertEqual(device.sends(get("/?id=1&say=at:1+response:200")), "", "what follows is thrown away")
        self.assertEqual(self.intake.taken, [])
        return heard

    def test_request_line(self) -> None:
        """A first line that is none is answered as a request without data."""
        bad = "HTTP/1.1 400 Bad Request\r\ncontent-length: 16\r\n\r\nGET /bad-request"
        for data in (
            b"nonsense\r\n\r\n",
            b"GET / HTTP/1.1 more\r\n\r\n",
            b"GET / HTTP/3.0\r\n\r\n",
            b"GET /?id=1&say=at:1 HTTP/1.1\nHost: x\n\n",
            b"GET /?say=" + b"a" * 4096 + b" HTTP/1.1\r\n\r\n",
            b"x" * 20000,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
        ):
            self.assertEqual(self.answer(data), bad)

    def test_headers(self) -> None:
        """A request whose headers are none is handed on as far as it was read, with an empty body."""
        self.assertEqual(self.answer(b"GET /?say=response:200 HTTP/1.1\r\nno header\r\n\r\n"), OK)
        self.assertEqual(self.answer(b"GET /?say=response:200 HTTP/1.1\r\nno header\r\nx-a: 1\r\n\r\n"), OK)
        self.assertEqual(self.answer(b"POST /?say=response:200 HTTP/1.1\r\ncontent-length: x\r\n\r\nlogin:1"), OK)

    def test_too_many_headers(self) -> None:
        """So is one with more than 8192 bytes of headers, in one line or in many."""
        for headers in (b"x-a: " + b"a" * 9000 + b"\r\n", (b"x-a: " + b"a" * 100 + b"\r\n") * 90):
            self.assertEqual(self.answer(b"GET /?say=response:200 HTTP/1.1\r\n" + headers + b"\r\n"), OK)

    def test_chunks(self) -> None:
        """So is one whose chunks are none."""
        head = b"POST /?say=response:200 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.assertEqual(self.answer(head + b"zz\r\n"), OK)

    def test_long_line_within_bounds(self) -> None:
        """A first line of 4096 bytes is fine."""
        target = "/?say=response:200&x="
        target += "a" * (4096 - len(f"GET {target} HTTP/1.1"))
        self.assertEqual(call(self.server, WEB).sends(get(target)), OK)

    def test_endless_noise(self) -> None:
        """A connection that is not listened to any more takes no memory, and no time but its own."""
        device = call(self.server, WEB)
        for _ in range(100):
            device.sends(b"x" * 10000)
        self.assertEqual(device.connection.clearLineBuffer(), b"")
        clock_of(self.server).advance(300)
        self.assertTrue(device.closed)

    @given(st.binary(max_size=600), st.integers(1, 100))
    def test_noise(self, noise: bytes, size: int) -> None:
        """Whatever comes, nothing is raised and nothing is stored."""
        for data in (noise, get("/") + noise, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + noise):
            device = call(self.server, WEB)
            for at in range(0, len(data), size):
                device.sends(data[at : at + size])
            device.hangs_up()
        self.assertEqual(self.intake.taken, [])
        self.assertEqual(len(self.server.door), 0)
        self.assertEqual(clock_of(self.server).getDelayedCalls(), [])


class BodyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1")
        self.server = server(self.intake)

    def refused(self, device: Caller, *headers: str, version: str = "HTTP/1.1") -> str:
        return device.sends("\r\n".join([f"POST / {version}", "Content-Length: 10000000", *headers, "", ""]).encode())

    def test_too_large(self) -> None:
        """A body beyond the limit is refused at once and thrown away; the connection is kept."""
        device = call(self.server, WEB)
        self.assertEqual(self.refused(device), "HTTP/1.1 413 Request Entity Too Large\r\ncontent-length: 0\r\n\r\n")
        for _ in range(1000):
            self.assertEqual(device.sends(b"x" * 10_000), "")
        self.assertEqual(device.sends(get("/?say=response:200")), OK)
        self.assertEqual(self.server.counters.of("web").frames, 1)

    def test_expected(self) -> None:
        """Who asks first is not told to go on."""
        heard = self.refused(call(self.server, WEB), "Expect: 100-continue")
        self.assertEqual(heard, "HTTP/1.1 413 Request Entity Too Large\r\ncontent-length: 0\r\n\r\n")

    def test_not_kept(self) -> None:
        """The connection is closed if the request does not want it kept."""
        for headers, version, closed in (
            (["Connection: close"], "HTTP/1.1", True),
            ([], "HTTP/1.0", True),
            (["Connection: keep-alive"], "HTTP/1.0", False),
        ):
            device = call(self.server, WEB)
            self.assertEqual("connection: close" in self.refused(device, *headers, version=version), closed)
            self.assertEqual(device.closed, closed)
            device.sends(b"x" * 1000)

    def test_chunks(self) -> None:
        """Chunks count together."""
        device = call(self.server, WEB)
        chunk = b"7d0\r\n" + b"x" * 2000 + b"\r\n"
        device.sends(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        self.assertEqual(device.sends(chunk * 32), "")
        self.assertTrue(device.sends(chunk).startswith("HTTP/1.1 413"))
        self.assertEqual(device.sends(chunk * 100 + b"0\r\n\r\n"), "")
        self.assertEqual(device.sends(get("/?say=response:200")), OK)

    def test_own_limit(self) -> None:
        """A format may allow more, but not more than the server."""
        body = b"login:1 at:1 response:200" + b" " * 100_000
        self.assertEqual(call(self.server, evolve(WEB, limit=200_000)).sends(post(body)), "(yes)" + OK)
        small = server(self.intake, frame=70_000)
        self.assertTrue(call(small, evolve(WEB, limit=200_000)).sends(post(body)).startswith("HTTP/1.1 413"))


class MannersTests(SynchronousTestCase):
    def test_limits(self) -> None:
        """Connections count as on TCP: so many and no more, closed when silent, sooner without a device."""
        to = server(MemoryIntake.knowing("1"), connections=2, idle=100.0, login_time=30.0)
        known, stranger, refused = (call(to, WEB) for _ in range(3))
        known.sends(get("/?id=1&say=response:200"))
        self.assertTrue(refused.aborted)
        refused.sends(get("/?id=1&say=at:1"))
        refused.hangs_up()
        clock_of(to).pump([30])
        self.assertEqual((known.closed, stranger.closed), (False, True))
        clock_of(to).pump([70])
        self.assertTrue(known.closed)
