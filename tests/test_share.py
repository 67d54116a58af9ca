"""How much of the server's time strangers have, and that devices do not wait for them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.memory import MemoryIntake
from tests.listen.samples import WORDS, Caller, call, clock_of, server
from tests.listen.test_datagram import A, B, listening
from tests.listen.test_http import WEB
from tests.listen.test_mqtt import BROKER, connect
from trackd.listen.backlog import PIECE
from trackd.share import READ, REST, SLICE, Share
from trackd.wire.format import Session, WireFormat
from trackd.wire.values import Output


class ShareTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.share = Share(self.clock)
        self.heard: list[int] = []

    def hear(self, number: int, seconds: float = 0.0) -> None:
        self.heard.append(number)
        self.clock.rightNow += seconds

    def test_slices(self) -> None:
        """When a slice is used up, who comes waits; who has waited for longest comes first in the next."""
        self.share.use(lambda: self.hear(0, SLICE - 0.001))
        self.assertFalse(self.share.used_up)
        self.share.use(lambda: self.hear(1, 0.01))
        self.assertTrue(self.share.used_up)
        for number in range(2, 7):
            self.share.wait(lambda number=number: self.hear(number, SLICE * 0.6))  # type: ignore[misc]
        self.assertEqual(self.heard, [0, 1])
        for heard in (4, 6, 7):
            self.clock.advance(REST)
            self.assertEqual(self.heard, list(range(heard)))
        self.assertFalse(self.share.used_up)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_idle(self) -> None:
        """Time in which strangers have nothing to do is a rest, too: one who asks now and then never waits."""
        for number in range(9):
            self.share.use(lambda number=number: self.hear(number, SLICE * 0.6))  # type: ignore[misc]
            self.clock.rightNow += REST * 0.6
            self.assertFalse(self.share.used_up)
        self.share.use(lambda: self.hear(9, SLICE * 1.1))
        self.assertTrue(self.share.used_up)

    def test_again(self) -> None:
        """Who waits again when his turn has come has the next one in the next slice, and nobody is kept by him."""

        def again() -> None:
            self.hear(1)
            self.share.wait(again)

        def impatient() -> None:
            self.hear(2)
            if self.share.used_up:
                self.share.wait(impatient)

        self.share.wait(again)
        self.share.wait(impatient)
        self.clock.advance(REST)
        self.assertEqual(self.heard, [1, 2])
        self.clock.advance(REST)
        self.assertEqual(self.heard, [1, 2, 1])

    def test_clock_put_back(self) -> None:
        """A clock that is put back keeps nobody waiting until it is as late again."""
        self.clock.rightNow = 1000.0
        self.share.use(lambda: self.hear(0, SLICE / 2))
        self.clock.rightNow = 1.0
        self.assertFalse(self.share.used_up)

    def test_new(self) -> None:
        """Those who have never been heard and those who have come in turns."""
        self.share.use(lambda: self.hear(0, SLICE))
        for number in (1, 2, 3, 4):
            self.share.wait(lambda number=number: self.hear(number), new=number > 2)  # type: ignore[misc]
        self.clock.advance(REST)
        self.assertEqual(self.heard, [0, 3, 1, 4, 2])

    def test_while_it_lasts(self) -> None:
        """What is being done knows when its slice is used up; a part of it does not count twice."""
        seen: list[bool] = []

        def work() -> None:
            for _ in range(3):
                seen.append(self.share.used_up)
                self.share.use(lambda: self.hear(0, SLICE * 0.4))

        self.share.use(work)
        self.assertEqual((seen, self.share.used_up), ([False] * 3, True))
        self.clock.advance(REST)
        self.share.wait(work)
        self.clock.advance(REST)
        self.share.use(lambda: seen.append(self.share.used_up))
        self.assertEqual(seen[3:], [False, False, False, True])

    def test_answers(self) -> None:
        """What has been begun goes on in the next turn of the reactor, as far as the slice goes, then after the rest."""
        for number in (1, 2, 3, 4):
            self.share.go_on(lambda number=number: self.hear(number, SLICE * 0.6))  # type: ignore[misc]
        self.assertEqual((self.heard, self.share.used_up), ([], False))
        self.clock.advance(0)
        self.assertEqual((self.heard, self.share.used_up), ([1, 2], True))
        self.share.wait(lambda: self.hear(5))
        self.clock.advance(REST / 2)
        self.assertEqual(self.heard, [1, 2])
        self.clock.advance(REST / 2)
        self.assertEqual(self.heard, [1, 2, 5, 3, 4])

    def test_answers_wait(self) -> None:
        """When the slice is used up, what has been begun waits for the next too."""
        self.share.use(lambda: self.hear(0, SLICE))
        self.share.go_on(lambda: self.hear(1))
        self.clock.advance(REST / 2)
        self.assertEqual(self.heard, [0])
        self.clock.advance(REST / 2)
        self.assertEqual(self.heard, [0, 1])

    def test_nobody_starves(self) -> None:
        """However many there are of one kind, the others have every third turn."""
        self.share.use(lambda: self.hear(0, SLICE))
        for number in range(10, 40):
            self.share.go_on(lambda number=number: self.hear(number))  # type: ignore[misc]
        self.share.wait(lambda: self.hear(1), new=True)
        self.share.wait(lambda: self.hear(2))
        self.clock.advance(REST)
        self.assertLess(max(self.heard.index(1), self.heard.index(2)), 4)
        self.assertEqual(len(self.heard), 33)

    def test_mistake(self) -> None:
        """What fails takes its time too, and costs nobody else his turn."""

        def fail() -> None:
            self.clock.rightNow += SLICE
            raise ValueError

        self.assertRaises(ValueError, self.share.use, fail)
        self.assertTrue(self.share.used_up)
        self.share.go_on(fail)
        self.share.go_on(lambda: self.hear(1))
        self.clock.advance(REST)
        self.clock.advance(REST)
        self.assertEqual((self.heard, len(self.flushLoggedErrors(ValueError))), ([1], 1))


class MemoryTests(SynchronousTestCase):
    def test_gone_at_once(self) -> None:
        """Who has hung up takes no memory until the collector of garbage comes by, however he has talked."""
        intake = MemoryIntake.knowing("1")
        to = server(intake)
        gc.disable()
        self.addCleanup(gc.enable)
        gone = []
        for format, data in (
            (WORDS, b"login:9\n"),
            (WORDS, b"login:1 at:1 reply:A\n"),
            (WEB, b"GET /?id=9 HTTP/1.1\r\nHost: x\r\n\r\n"),
            (BROKER, connect("9")),
        ):
            caller = call(to, format)
            caller.sends(data)
            gone.append(weakref.ref(caller.connection.conversation))
            caller.hangs_up()
            caller.transport.unregisterProducer()
            del caller
        port, _ = listening(to)
        port.datagramReceived(b"login:9", A)
        [endpoint] = port.strangers.values()
        gone.append(weakref.ref(endpoint.conversation))
        port.forget(endpoint)
        del endpoint
        intake.gone.clear()
        self.assertEqual([conversation() is None for conversation in gone], [True] * 5)


class StrangerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1", "2")
        self.server = server(self.intake)
        self.clock = clock_of(self.server)

        def slow(frame: bytes, session: Session) -> Iterator[Output]:
            self.clock.rightNow += frame.count(b"slow") * 2 * SLICE
            yield from WORDS.decode(frame.replace(b"slow", b"").strip(b" "), session)

        self.slow = evolve(WORDS, decode=slow)

    def caller(self, *lines: str, format: WireFormat | None = None) -> Caller:
        caller = call(self.server, format or self.slow)
        if lines:
            caller.says(*lines)
        return caller

    def test_devices_first(self) -> None:
        """While strangers wait for their share, devices are heard."""
        device = self.caller("login:1")
        stranger, other = self.caller("slow"), self.caller()
        self.assertFalse(stranger.paused)
        self.assertEqual((other.says("login:9"), other.paused), ("", True))
        self.assertEqual(device.says("reply:here"), "here")
        self.clock.advance(REST)
        self.assertEqual((other.hears(), other.paused), ("(no)", False))

    def test_newcomers_before_others(self) -> None:
        """Who comes new does not wait for those who go on and on."""
        talking = [self.caller("login:9") for _ in range(3)]
        self.caller("slow")
        for stranger in talking:
            stranger.hears()
            stranger.says("slow", "login:9")
        device = self.caller("login:1")
        self.clock.advance(REST)
        self.assertEqual([device.hears(), *(stranger.hears() for stranger in talking)], ["(yes)", "(no)", "", ""])

    def test_recognised_while_waiting(self) -> None:
        """A device that has waited to log in waits no longer."""
        self.caller("slow")
        device = self.caller("login:1", "reply:in")
        self.clock.advance(REST)
        self.assertEqual(device.hears(), "(yes)in")
        self.caller("slow")
        self.assertEqual(device.says("reply:here"), "here")

    def test_hung_up(self) -> None:
        """What was said before the end is heard, though its time had not come; but requests nobody waits for are not."""
        self.caller("slow")
        device = self.caller("login:1 at:1")
        device.hangs_up()
        self.assertEqual([position.latitude for position in self.intake.positions], [1.0])
        self.clock.advance(REST)
        self.assertEqual(len(self.intake.positions), 1)
        self.caller("slow")
        requesting = self.caller(format=WEB)
        requesting.sends(b"GET /?id=1&say=at:2 HTTP/1.1\r\nHost: x\r\n\r\n")
        requesting.hangs_up()
        self.clock.advance(REST)
        self.assertEqual(len(self.intake.positions), 1)

    def test_given_up(self) -> None:
        """Of who has had to go nothing is heard any more."""
        self.caller("slow")
        stranger = self.caller("login:1 at:1")
        stranger.connection.give_way()
        self.clock.advance(REST)
        self.assertEqual(self.intake.positions, [])

    def test_does_not_wait(self) -> None:
        """Who goes on talking while he is told to wait is heard later, and thrown out when it is too much."""
        self.caller("slow")
        device = self.caller("login:1")
        device.says("reply:more")
        self.clock.advance(REST)
        self.assertEqual(device.hears(), "(yes)more")
        self.caller("slow")
        stranger = self.caller("x")
        stranger.sends(b"x" * self.server.limits.ahead)
        self.assertTrue(stranger.aborted)

    def test_mistake(self) -> None:
        """A mistake of ours in one of them does not cost those behind it their turn."""
        self.caller("slow")
        first, second = self.caller("login:9"), self.caller("login:9")

        def broken(data: bytes) -> None:
            raise RuntimeError("a mistake")

        self.patch(first.connection, "received", broken)
        self.clock.advance(REST)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual((first.aborted, second.hears()), (True, "(no)"))

    def test_small_reads(self) -> None:
        """Strangers are read in small pieces, devices in larger ones; where each read is a frame it stays whole."""
        device: Any = self.caller()
        self.assertEqual(device.transport.bufferSize, READ)
        device.says("login:1")
        self.assertEqual(device.transport.bufferSize, PIECE)
        for format, small in ((WEB, True), (BROKER, True), (evolve(WORDS, split=None), False)):
            self.assertEqual(hasattr(self.caller(format=format).transport, "bufferSize"), small)

    def test_other_adapters(self) -> None:
        """Requests and publishers wait in the same way."""
        for format, data in ((WEB, b"GET /?id=9 HTTP/1.1\r\nHost: x\r\n\r\n"), (BROKER, b"\xc0\0")):
            self.caller("slow")
            stranger = self.caller(format=format)
            stranger.sends(data)
            self.assertEqual((stranger.hears(), stranger.paused), ("", True))
            self.clock.advance(REST)
            self.assertFalse(stranger.paused)

    def test_datagrams(self) -> None:
        """A port for datagrams rests with them: what comes meanwhile waits in the kernel, or is lost."""
        port, transport = listening(self.server)
        port.datagramReceived(b"login:9", A)
        self.assertEqual((transport.reading, transport.maxThroughput > 0), (True, True))
        self.caller("slow")
        port.datagramReceived(b"login:9", B)
        port.datagramReceived(b"login:9", A)
        self.assertEqual((transport.reading, transport.maxThroughput > 0), (False, False))
        self.clock.advance(REST)
        self.assertEqual((transport.reading, transport.maxThroughput > 0), (True, True))
        self.assertEqual(len(transport.hears()), 3)

    def test_datagrams_at_the_stop(self) -> None:
        """A port that was closed while it rested stays closed."""
        port, transport = listening(self.server)
        self.caller("slow")
        port.datagramReceived(b"login:9", A)
        protocol: Any = port
        protocol.doStop()
        self.clock.advance(REST)
        self.assertFalse(transport.reading)
