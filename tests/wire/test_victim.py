"""What is wrong with a format is found, and the frame that has shown it is told."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.conformance.vectors import Conversation
from tests.plugins.wire.talk import Talk, told
from tests.wire import damage, fuzz, seeds
from tests.wire.victim import LONG, TIME, Blow, Victim
from trackd.wire import http
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import line
from trackd.wire.http import Request
from trackd.wire.values import Login, Output, Position, Reply, WireError

KEPT: list[bytes] = []


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    """Some beginnings are ways to fail."""
    yield Login.of("1", optional=True)
    match frame[:3]:
        case b"<T>":
            raise TypeError("a mistake")
        case b"<L>":
            while True:
                pass
        case b"<S>":
            position = Position.last()
            position.set("text", "\ud800")
            yield position
        case b"<B>":
            raise WireError("bad")
        case b"<M>":
            KEPT.append(bytes(10_000))
        case b"<P>":
            bytes(2 * fuzz.PEAK)
        case b"<R>":
            session.state.append(frame)
        case b"<N>":
            assert session.state == [], "what came before"
    yield Reply(frame)


WEAK = WireFormat("weak", 0, decode, split=line(), state=list)
WHOLE = seeds.step(wire=b"whole\n", frame=b"whole")
CONVERSATION = Conversation("one", "tcp", [WHOLE], [WHOLE])


def blow(data: bytes, *steps: bytes) -> Blow:
    """This frame in the place of the second of three."""
    said = [seeds.step(wire=step + b"\n", frame=step) for step in (steps or (b"first", b"second", b"third"))]
    return Blow(Conversation("c", "tcp", said, said), 1, True, data, lambda connection: connection.frame(data))


class VictimTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.victim = Victim(WEAK, [CONVERSATION], Random(1))

    def test_right(self) -> None:
        """A frame that is understood, and one that is refused, are no reason to complain; the latter are counted."""
        self.assertEqual([self.victim.strike(blow(data)) for data in (b"", b"x", b"<B>")], [None] * 3)
        self.assertEqual(self.victim.bad, 1)
        self.assertGreater(self.victim.most, 5)

    def test_wrong(self) -> None:
        """Mistakes, loops, and what cannot be stored are told."""
        for data, word in ((b"<T>", "TypeError('a mistake')"), (b"<L>", "Endless"), (b"<S>", "cannot be stored")):
            self.assertIn(word, self.victim.strike(blow(data)) or "")
        self.assertEqual(str(blow(b"T")), "c step 1: 54")

    def test_behind(self) -> None:
        """What a damaged frame has left behind is seen by the frames that follow it, not by others."""
        self.assertIn("what came before", self.victim.strike(blow(b"<R>", b"first", b"second", b"<N>")) or "")
        self.assertIsNone(self.victim.strike(blow(b"x", b"first", b"second", b"<N>")))
        self.assertIn("what came before", self.victim.strike(blow(b"<N>", b"<R>", b"second")) or "")

    def test_again(self) -> None:
        """The same seed gives the same frames."""
        others = [Victim(WEAK, [CONVERSATION], Random(seed)) for seed in (1, 2)]
        first, again, other = ([str(one.blow()) for _ in range(20)] for one in (self.victim, *others))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_timed(self) -> None:
        """A frame is slow when it takes too long every time; long ones may take longer in proportion."""
        for data, times, expected in (
            (b"x", [TIME / 2], (TIME / 2, False)),
            (b"x", [TIME * 2, TIME * 3, TIME / 2], (TIME / 2, False)),
            (b"x", [TIME * 3, TIME * 2, TIME * 3, TIME * 2, TIME * 4, 0], (TIME * 2, True)),
            (b"x" * LONG * 3, [TIME * 2], (TIME * 2, False)),
        ):
            ticks = iter([tick for seconds in times for tick in (0, seconds)])
            self.victim.clock = lambda ticks=ticks: next(ticks)  # type: ignore[misc]
            self.assertEqual(self.victim.timed(blow(data)), expected)

    def test_requests(self) -> None:
        """Of requests the body or the address is damaged, of answers the body."""

        def ask(request: Any, session: Session) -> Iterator[Output]:
            kinds.add((type(request), request.body == b"sound" * 9))
            yield Login.of()

        kinds: set[tuple[type, bool]] = set()
        request = {"method": "POST", "uri": "/?id=1", "headers": {}, "body": (b"sound" * 9).hex()}
        for transport, said in (("http", seeds.step(http=request)), ("tcp", seeds.step(answer=b"sound" * 9))):
            victim = Victim(
                WireFormat("asked", 0, ask, http=True), [Conversation("h", transport, [said], [said])], Random(2)
            )
            for _ in range(50):
                self.assertIsNone(victim.strike(victim.blow()))
        self.assertLessEqual({(http.Request, True), (http.Request, False), (http.Answer, False)}, kinds)


class RunTests(SynchronousTestCase):
    def setUp(self) -> None:
        KEPT.clear()

    def run_with(self, first: bytes, count: int = 300) -> tuple[int, str]:
        """What becomes of a run in which now and then a frame begins so."""
        with redirect_stdout(io.StringIO()) as out:
            status = fuzz.run(WEAK, [CONVERSATION], [first + b"!"], count)
        return status, out.getvalue()

    def test_right(self) -> None:
        """A format that stands it has one line."""
        status, said = self.run_with(b"<B>")
        self.assertEqual((status, said.count("\n"), said.split()[:3]), (0, 1, ["weak", "1", "300"]))

    def test_wrong(self) -> None:
        """A format that does not is told, with its frames."""
        status, said = self.run_with(b"<T>")
        self.assertEqual(status, 1)
        self.assertIn("TypeError('a mistake')", said)
        self.assertIn(b"<T>!".hex(), said)

    def test_much_memory(self) -> None:
        """A frame for which much memory is taken is told."""
        status, said = self.run_with(b"<P>")
        self.assertEqual(status, 1)
        self.assertIn("bytes are held: one step 0: 3c503e21", said)

    def test_kept_memory(self) -> None:
        """A format that keeps what it reads is found."""
        status, said = self.run_with(b"<M>", 1000)
        self.assertEqual((status, len(said.splitlines())), (1, 2))
        self.assertIn("more memory", said)

    def test_nothing(self) -> None:
        """A format in which nothing is said is not passed over."""
        with redirect_stdout(io.StringIO()):
            self.assertEqual(fuzz.run(WEAK, [], [], 10), 1)

    def test_watched(self) -> None:
        """What is endless without lines of Python is ended."""
        self.assertRaises(damage.Endless, fuzz.endless, 14, None)


class SeedTests(SynchronousTestCase):
    def heard(self, format: WireFormat, say: Any) -> list[Any]:
        ear = seeds.Ear(format.name)
        with ear:
            say()
        return ear.conversations()

    def test_told(self) -> None:
        """What a test says is a conversation, once, with the frames and the world in which it was said."""
        (one,) = self.heard(WEAK, lambda: told(WEAK, b"one\n", b"two\nthree\n", model="X", settings={"weak.a": 1}))
        self.assertEqual([(step.wire, step.frame) for step in one.steps], [(b"one\n", b"one"), (b"two\nthree\n", None)])
        self.assertEqual((one.model, one.settings, one.transport, one.session), ("X", {"weak.a": 1}, "tcp", None))

    def test_not_understood(self) -> None:
        """What was an error is no whole frame, and what another format hears is not noted."""

        def say() -> None:
            self.assertRaises(WireError, Talk(WEAK).say, b"<B>\n")
            told(WireFormat("other", 0, decode, split=line()), b"one\n")

        self.assertEqual(self.heard(WEAK, say), [])

    def test_requests(self) -> None:
        """Requests, answers, datagrams and messages are noted as what they are."""
        asked = WireFormat("weak", 0, lambda frame, session: decode(b"x", session), http=True)
        (request,) = self.heard(asked, lambda: Talk(asked, "http").ask(Request("GET", "/x", {"a": "b"}, b"c")))
        self.assertEqual(request.steps[0].http, {"method": "GET", "uri": "/x", "headers": {"a": "b"}, "body": "63"})
        (answer,) = self.heard(WEAK, lambda: list(Talk(asked).outputs(http.Answer(200, {}, b"c"))))
        self.assertEqual(answer.steps[0].answer, b"c")
        (datagram,) = self.heard(WEAK, lambda: Talk(WEAK, "udp").say(b"x"))
        self.assertEqual((datagram.transport, datagram.steps[0].frame), ("udp", b"x"))
        published = WireFormat("weak", 0, decode, mqtt=True)
        (message,) = self.heard(published, lambda: list(Talk(published, "mqtt").outputs(b"x")))
        self.assertEqual([step.wire and step.wire[:1] for step in message.steps], [b"\x10", b"\x32"])

    def test_own_tests(self) -> None:
        """The tests of a format say what it understands."""
        self.assertGreater(len(seeds.spoken("iotm")), 50)
        self.assertEqual(seeds.spoken("nothing"), [])
