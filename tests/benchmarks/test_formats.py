"""What the table of formats is made of; its times are up to the machine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stdout

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import formats
from benchmarks.formats import Row, part
from tests.conformance.vectors import Conversation
from tests.wire import seeds
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import line
from trackd.wire.values import Login, Output, Position, Reply, WireError


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    """A login, or as many reports as there are commas."""
    if frame.startswith(b"L"):
        yield Login.of(frame.decode())
        return
    yield Login.of()
    if frame == b"bad":
        raise WireError("bad")
    for _ in range(frame.count(b",")):
        yield Position()
    yield Reply(b"ok")


WORDS = WireFormat("words", 0, decode, split=line())


def conversation(*said: bytes, transport: str = "tcp") -> Conversation:
    steps = [seeds.step(wire=data) for data in said]
    return Conversation("one", transport, steps, steps)


class PartTests(SynchronousTestCase):
    def test_reports(self) -> None:
        """Timed is what has reports, and what stands between; a login is needed, and not timed."""
        one = conversation(b"L1\n", b",,\nhello\n", b"\x80\n", b",\n", b"bye\n")
        self.assertEqual(part(WORDS, one), formats.Part(one, 1, 4, 3, 4, 3))
        self.assertEqual(part(WORDS, conversation(b",,\n")), formats.Part(conversation(b",,\n"), 0, 1, 0, 1, 1))

    def test_no_reports(self) -> None:
        """Without reports all of it is timed."""
        one = conversation(b"L1\n", b"hello\n")
        self.assertEqual(part(WORDS, one), formats.Part(one, 0, 2, 0, 2, 2))

    def test_bad(self) -> None:
        """What cannot be read or cut is not timed."""
        self.assertIsNone(part(WORDS, conversation(b"L1\n", b"bad\n", b",\n")))
        self.assertIsNone(part(WORDS, conversation(b"L1\n", b",\n", b"x" * 2000 + b"\n")))

    def test_datagrams(self) -> None:
        """A datagram is a frame, line end and all."""
        one = conversation(b"L1\n", b",\n,\n", transport="udp")
        self.assertEqual(part(WORDS, one), formats.Part(one, 1, 2, 2, 1, 1))


class RowTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(formats, "SECONDS", 0.0)
        self.patch(formats, "ROUNDS", 1)

    def test_mark(self) -> None:
        """What exceeds the aim of its kind is marked, and what exceeds that of all."""
        for text, micros, mark in (
            (False, 9.9, ""),
            (False, 10.1, "over 10"),
            (False, 60.1, "over 60"),
            (True, 29.9, ""),
            (True, 30.1, "over 30"),
            (True, 61.0, "over 60"),
        ):
            self.assertEqual(Row("one", text, 5, True, micros / 1e6).mark, mark)

    def test_installed(self) -> None:
        """Formats of all kinds have a line, the slowest first."""
        names = ["iotm", "orbcomm", "osmand", "teltonika", "dualcam"]
        with redirect_stdout(io.StringIO()) as out:
            formats.main(*names)
        head, *lines = [text.split() for text in out.getvalue().splitlines()]
        self.assertEqual(head[:3], ["format", "kind", "count"])
        self.assertEqual(
            {line[0]: line[1] for line in lines},
            {"iotm": "binary", "orbcomm": "text", "osmand": "text", "teltonika": "binary", "dualcam": "binary"},
        )
        times = [float(line[4]) for line in lines]
        self.assertEqual(times, sorted(times, reverse=True))
