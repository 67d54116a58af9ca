"""
What a report costs in each wire format: cutting and decoding, and nothing else.

    python -m benchmarks.formats [FORMAT …]

Played are the recordings of a format, or, where they are not there, what its tests say. Of a conversation everything from
its first report to its last is timed; what comes before, such as a login, is not. The best of many rounds counts, since
this machine has other things to do. A format that tells no reports is measured by the frame.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter
from typing import Any

from attrs import Factory, define, field, frozen

from tests.conformance.replay import ANOTHER_TIME, read_request, request_of
from tests.conformance.vectors import Conversation, Step
from tests.plugins.wire.talk import Device
from tests.wire import seeds
from trackd.wire import catalog, http, mqtt
from trackd.wire.binary import printable
from trackd.wire.format import BAD_FRAME, Session, WireFormat
from trackd.wire.framing import Frames, whole
from trackd.wire.values import Login, Position, TakeCommand

BINARY, TEXT, ANY = 10, 30, 60  # µs for a report: what is aimed at, and what none may exceed
ROUNDS = 5  # at least
SECONDS = 0.3  # of rounds, at least


@define(eq=False)
class Connection:
    """A connection that costs no more than the format: all devices are known, and nothing is kept."""

    format: WireFormat
    conversation: Conversation
    session: Session = field(init=False)
    frames: Frames | None = field(init=False)
    bound: Device | None = None
    devices: dict[str, Device] = Factory(dict)

    def __attrs_post_init__(self) -> None:
        format, conversation = self.format, self.conversation
        if conversation.session is not None:
            self.bound = Device(conversation.session, conversation.model)
        self.session = Session(
            format,
            "mqtt" if format.mqtt else conversation.transport,
            ANOTHER_TIME,
            device=self.bound,
            state=format.state() if format.state is not None else None,
            defaults=conversation.settings,
        )
        split = format.splitter(self.session) if format.splitter is not None else format.split
        cut = conversation.transport == "tcp"
        self.frames = Frames(mqtt.split if format.mqtt else split or whole, format.limit) if cut else None

    def feed(self, said: Any) -> Iterable[Any]:
        """The frames of what is said: bytes of a stream, a datagram, a message."""
        if isinstance(said, Uncut):
            return (said.frame,)
        if self.frames is None:
            return (said,)
        return self._payloads(said) if self.format.mqtt else self.frames.feed(said)

    def _payloads(self, data: bytes) -> Iterator[bytes]:
        assert self.frames is not None
        for packet in self.frames.feed(data):
            read = mqtt.read(packet, self.session.version)
            if isinstance(read, mqtt.Connect):
                self._look_up(read.client_id)
                self.session.device = self.bound
            elif isinstance(read, mqtt.Publish):
                yield read.payload

    def read(self, frame: Any) -> int:
        """How many reports a frame has."""
        session, reports = self.session, 0
        for output in self.format.decode(frame, session):
            if isinstance(output, Position):
                reports += 1
            elif isinstance(output, Login):
                if output.ids:
                    self._look_up(output.ids[0])
                session.device = self.bound
                if self.bound is None and not output.optional:
                    break
            elif isinstance(output, TakeCommand):
                session.command = None
        return reports

    def _look_up(self, id: str) -> None:
        self.bound = self.devices.get(id)
        if self.bound is None:
            self.bound = self.devices[id] = Device(id, self.conversation.model)


@frozen
class Uncut:
    """A frame that does not come from a stream."""

    frame: Any


def said(step: Step) -> Any:
    """What a step says, made anew: a request remembers what was read of it."""
    if step.answer is not None:
        return Uncut(http.Answer(200, {}, step.answer))
    if step.http is not None:
        return Uncut(request_of(step.http) if step.wire is None else read_request(step.wire))
    return step.wire if step.wire is not None else Uncut(step.frame or (step.text or "").encode())


@frozen
class Part:
    """A conversation of which the steps from `first` up to `end` are timed, and what is in these."""

    conversation: Conversation
    first: int
    end: int
    reports: int
    frames: int
    texts: int  # frames that are text


def part(format: WireFormat, conversation: Conversation) -> Part | None:
    """The part with reports, or all of it if there are none; None if something cannot be read."""
    connection = Connection(format, conversation)
    counts = []  # of reports, frames and texts in each step
    try:
        for step in conversation.steps:
            frames = list(connection.feed(said(step)))
            reports = sum(map(connection.read, frames))
            counts.append((reports, len(frames), sum(not isinstance(f, bytes) or printable(f) for f in frames)))
    except BAD_FRAME:
        return None
    if connection.frames is not None and connection.frames.broken is not None:
        return None
    with_reports = [number for number, (reports, _, _) in enumerate(counts) if reports] or range(len(counts))
    first, end = with_reports[0], with_reports[-1] + 1
    return Part(conversation, first, end, *map(sum, zip(*counts[first:end], strict=True)))


@frozen
class Row:
    """A line of the table. `count`: of reports, or of frames if there are no reports."""

    name: str
    text: bool
    count: int
    reports: bool
    seconds: float  # for one of them

    @property
    def mark(self) -> str:
        """What it exceeds, if it does."""
        micros = self.seconds * 1e6
        return next((f"over {most}" for most in (ANY, TEXT if self.text else BINARY) if micros > most), "")

    def __str__(self) -> str:
        kind, unit = "text" if self.text else "binary", "reports" if self.reports else "frames"
        return f"{self.name:16}{kind:8}{self.count:7} {unit:8}{self.seconds * 1e6:8.1f}  {self.mark}".rstrip()


def row(name: str) -> Row | None:
    """The figures of a format; None if nothing is known that is said in it."""
    format = catalog.load(name)
    conversations = seeds.recorded(name) or seeds.spoken(name)
    parts = [found for one in conversations if (found := part(format, one)) is not None]
    reports = sum(one.reports for one in parts)
    if reports:
        parts = [one for one in parts if one.reports]
    count = reports or sum(one.frames for one in parts)
    if not count:
        return None
    text = sum(one.texts for one in parts) * 2 > sum(one.frames for one in parts)
    return Row(name, text, count, bool(reports), best(format, parts) / count)


def best(format: WireFormat, parts: Sequence[Part]) -> float:
    """Seconds for all of these, in the best round."""
    rounds: list[float] = []
    gc.collect()
    gc.freeze()  # what is here stays, and need not be looked at after each round
    while len(rounds) < ROUNDS or sum(rounds) < SECONDS:
        ready = []
        for one in parts:
            connection, steps = Connection(format, one.conversation), one.conversation.steps
            for step in steps[: one.first]:
                for frame in connection.feed(said(step)):
                    connection.read(frame)
            ready.append((connection, [said(step) for step in steps[one.first : one.end]]))
        gc.collect()
        gc.disable()
        started = perf_counter()
        for connection, told in ready:
            for words in told:
                for frame in connection.feed(words):
                    connection.read(frame)
        rounds.append(perf_counter() - started)
        gc.enable()
    gc.unfreeze()
    return min(rounds)


def main(*names: str) -> None:
    print(
        f"{'format':16}{'kind':8}{'count':>7} {'of':8}{'µs each':>8}  (aim: binary {BINARY}, text {TEXT}, none {ANY})"
    )
    rows = [found for name in names or catalog.names() if (found := row(name)) is not None]
    for one in sorted(rows, key=lambda one: -one.seconds):
        print(one, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
