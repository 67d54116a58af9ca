"""
No recorded report is acknowledged before it is committed: listener, intake and committer as they are, in memory, on a
database that keeps every transaction waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.conformance import vectors
from tests.conformance.plays import Play, plays
from tests.conformance.vectors import Conversation
from tests.listen.samples import call
from tests.listen.test_datagram import A, DatagramTransport
from tests.track.memory import House
from trackd.listen.datagram import Datagrams
from trackd.listen.server import Listener, Server
from trackd.track.device import Device
from trackd.track.intake import Intake
from trackd.track.link import Link
from trackd.track.stages.place import outdated
from trackd.wire import catalog
from trackd.wire.format import WireFormat
from trackd.wire.values import Position


@define(eq=False)
class End:
    """A device, on a stream or as a sender of datagrams."""

    say: Callable[[bytes], object]
    heard: Callable[[], bytes]  # all that it was ever told


def stream(server: Server, format: WireFormat, conversation: Conversation) -> End:
    caller = call(server, format, defaults=conversation.settings)
    return End(caller.connection.dataReceived, caller.transport.value)


def datagrams(server: Server, format: WireFormat, conversation: Conversation) -> End:
    port, transport = (
        Datagrams(server, Listener(format, format.port, defaults=conversation.settings)),
        DatagramTransport(),
    )
    protocol: Any = port
    protocol.makeConnection(transport)
    return End(lambda data: port.datagramReceived(data, A), lambda: b"".join(data for data, _ in transport.written))


@define(eq=False)
class Watched:
    """The intake of a house, with somebody who looks on at what it takes."""

    intake: Intake
    take: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.intake, name)


@define(eq=False)
class Held:
    """A house whose database waits while something is said. `early`: what was heard between a report and its commit."""

    play: Play
    early: list[bytes] = field(factory=list)
    waited: int = 0  # reports that were not committed when there was nothing more to be heard
    owed: int = 0  # bytes that came after their commits
    _house: House = field(factory=lambda: House(stages=(outdated,)), init=False)
    _end: End | None = field(default=None, init=False)
    _before: bytes | None = field(default=None, init=False)  # what was heard up to the first report that waits

    def listen(self, format: WireFormat) -> None:
        house, conversation = self._house, self.play.conversation
        for id in self.play.devices:
            house.add(id, model=conversation.model, attributes=dict(conversation.settings))
        intake: Any = Watched(house.intake, self._take)
        server = Server(intake, house.clock)
        make = datagrams if conversation.transport == "udp" else stream
        self._end = end = make(server, format, conversation)
        house.settle()
        for pieces in self.play.pieces:
            held: Deferred[None] = Deferred()
            house.connection.held = held
            self._before = None
            for piece in pieces:
                end.say(piece)
            house.settle()
            now = end.heard()
            if self._before is not None:
                self.waited += house.committer.waiting
                if now != self._before:
                    self.early.append(now[len(self._before) :])
            house.connection.held = None
            held.callback(None)
            house.settle()
            if self._before is not None:
                self.owed += len(end.heard()) - len(now)

    def _take(self, link: Link, said: Sequence[tuple[Device, Position]], frame: bytes) -> Deferred[None] | None:
        assert self._end is not None
        heard, waiting = self._end.heard(), self._house.committer.waiting
        taken: Deferred[None] | None = self._house.intake.take(link, said, frame)
        if self._before is None and self._house.committer.waiting > waiting:
            self._before = heard
        return taken


class OrderTests(SynchronousTestCase):
    def test_acknowledged_when_committed(self) -> None:
        """Between a report and its commit nothing goes out, in no installed format; what is owed goes out then."""
        if not vectors.available():
            raise SkipTest(vectors.MISSING)
        acknowledging = set()
        for name in sorted(set(vectors.formats()) & set(catalog.names())):
            format = catalog.load(name)
            for play in plays(format, vectors.load(name)[0], lambda id, why: None):
                if play.mode == "known":
                    held = Held(play)
                    held.listen(format)
                    self.assertEqual([], held.early, f"{name} {play.conversation.id}")
                    if held.waited and held.owed:
                        acknowledging.add(name)
        self.flushLoggedErrors()
        self.assertGreaterEqual(len(acknowledging), 10)
