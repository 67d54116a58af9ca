"""Devices on TCP: what is read and when, and who is closed."""

from __future__ import annotations

from collections import deque
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.interfaces import IPushProducer
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.listen.memory import MemoryIntake
from tests.listen.samples import WORDS, Caller, call, clock_of, log_of, server
from trackd.listen.server import Listener
from trackd.listen.service import Connections
from trackd.wire.format import Session, Split, WireFormat
from trackd.wire.framing import fixed, line, sized


class PauseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1", held=True)
        self.device = call(server(self.intake))
        self.device.says("login:1")
        self.device.hears()

    def test_paused(self) -> None:
        """The transport is paused while a report is on its way, and only then."""
        self.assertFalse(self.device.paused)
        self.device.says("at:1 reply:A")
        self.assertTrue(self.device.paused)
        self.intake.commit()
        self.assertFalse(self.device.paused)

    def test_format_without_replies(self) -> None:
        """A device that expects no answer is made to wait as well."""
        self.device.says("at:1")
        self.assertTrue(self.device.paused)
        self.intake.commit()
        self.assertFalse(self.device.paused)

    def test_paused_once(self) -> None:
        """A read with many reports pauses once."""
        calls: list[str] = []
        self.patch(self.device.transport, "pauseProducing", lambda: calls.append("pause"))
        self.patch(self.device.transport, "resumeProducing", lambda: calls.append("resume"))
        self.device.says(*["at:1 reply:A"] * 20)
        self.intake.commit()
        self.assertEqual(calls, ["pause", "resume"])

    def test_delivered_all_the_same(self) -> None:
        """What a transport delivers although it is paused, as TLS does, is read in order and answered in order."""
        self.device.says("at:1 reply:A")
        self.device.sends(b"at:2 reply:B\nat:3 re")
        self.assertTrue(self.device.paused)
        self.device.sends(b"ply:C\n")
        self.intake.commit()
        self.assertEqual(self.device.hears(), "ABC")
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0, 2.0, 3.0])
        self.assertFalse(self.device.paused)

    def test_delivered_during_a_look_up(self) -> None:
        """So is what comes while a device is looked up: it waits for its turn."""
        self.intake.add("2")
        self.intake.asking = True
        self.device.says("login:2 at:1 reply:A")
        self.device.says("me at:2 reply:B")
        self.assertEqual(self.intake.taken, [])
        self.intake.tell()
        self.intake.commit()
        self.assertEqual(self.device.hears(), "(yes)AB")
        self.assertEqual([id for id, _ in self.intake.taken], ["2", "2"])

    def test_delivered_without_end(self) -> None:
        """A transport that does not stop delivering loses its connection; what was taken stays taken."""
        device = call(server(self.intake, ahead=1000))
        device.says("login:1 at:1")
        for _ in range(100):
            device.says("at:2")
        self.assertFalse(device.aborted)
        for _ in range(200):
            device.says("at:2")
        self.assertTrue(device.aborted)
        self.assertLess(len(self.intake.taken), 300)

    def test_counted_anew(self) -> None:
        """What was delivered during one pause does not count against the next."""
        device = call(server(self.intake, ahead=10))
        device.says("login:1")
        for _ in range(20):
            device.says("at:1")
            device.says("at:2")
            self.intake.commit()
        self.assertFalse(device.aborted)

    def test_peer_does_not_take_answers(self) -> None:
        """Nothing is read from a device that does not take our answers."""
        producer: Any = self.device.transport.producer
        verifyObject(IPushProducer, producer)
        producer.pauseProducing()
        self.assertTrue(self.device.paused)
        self.device.says("at:1 reply:A")
        self.intake.commit()
        self.assertTrue(self.device.paused)
        producer.resumeProducing()
        self.assertFalse(self.device.paused)

    def test_takes_answers_again_during_a_commit(self) -> None:
        """It is read from again when both are over: the answers are taken, and the report is stored."""
        producer: Any = self.device.transport.producer
        self.device.says("at:1 reply:A")
        producer.pauseProducing()
        producer.resumeProducing()
        self.assertTrue(self.device.paused)
        self.intake.commit()
        self.assertFalse(self.device.paused)

    def test_aborted_while_paused(self) -> None:
        """A connection that was aborted meanwhile is not resumed, and not written to."""
        self.device.says("at:1 reply:A")
        self.device.connection.give_way()
        self.intake.commit()
        self.assertEqual(self.device.hears(), "")
        self.device.hangs_up()
        self.assertEqual(len(self.intake.gone), 1)

    def test_hung_up_while_paused(self) -> None:
        """The answer to a device that has hung up is written nowhere; its report is stored."""
        self.device.says("at:1 reply:A")
        self.device.hangs_up()
        self.intake.commit()
        self.assertEqual(self.device.hears(), "")
        self.assertEqual(len(self.intake.gone), 1)


class CutTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1")
        self.server = server(self.intake)

    def test_pieces(self) -> None:
        """A frame may come in pieces."""
        device = call(self.server)
        for byte in b"login:1 at:1 reply:A\n":
            device.sends(bytes([byte])) if byte != 10 else self.assertEqual(device.sends(b"\n"), "(yes)A")
        self.assertEqual(len(self.intake.taken), 1)

    def test_read_as_frame(self) -> None:
        """A format that cuts nothing gets each read as a frame."""
        device = call(self.server, evolve(WORDS, split=None))
        self.assertEqual(device.sends(b"login:1 reply:A"), "(yes)A")
        self.assertEqual(self.server.counters.of("words").frames, 1)

    def test_framing_of_the_connection(self) -> None:
        """A format may cut each connection differently, and a frame may change how the next one is cut."""

        def splitter(session: Session) -> Split:
            lines, pairs = line(), fixed(7)
            return lambda buffer, start: (lines if session.device is None else pairs)(buffer, start)

        device = call(self.server, evolve(WORDS, split=None, splitter=splitter))
        self.assertEqual(device.sends(b"login:1\nreply:Areply:B"), "(yes)AB")

    def test_state_of_the_connection(self) -> None:
        """Each connection has a state of its own, and knows who and where it is."""
        format = evolve(WORDS, state=dict)
        one, other = (call(self.server, format, host=host).connection.conversation for host in ("10.1.1.1", "10.1.1.2"))
        self.assertIsNot(one.session.state, other.session.state)
        self.assertEqual((one.session.remote, one.host, one.session.transport), ("10.1.1.1", "10.1.1.1", "tcp"))
        self.assertEqual(one.session.local, "192.0.2.1:5000")

    def test_mapped_address(self) -> None:
        """An address of the fourth version on a socket of the sixth is shown as such."""
        self.assertEqual(call(self.server, host="::ffff:10.1.1.1").connection.host, "10.1.1.1")
        self.assertEqual(call(self.server, host="2001:db8::1").connection.host, "2001:db8::1")

    def test_cannot_be_cut(self) -> None:
        """Frames before hopeless bytes are taken and answered; then the connection is closed, with one line."""
        lines = log_of(self)
        device = call(self.server, evolve(WORDS, limit=100))
        self.assertEqual(device.sends(b"login:1 at:1 reply:A\n" + b"x" * 200), "(yes)A")
        self.assertTrue(device.closed)
        self.assertEqual(self.server.counters.of("words").errors, 1)
        (shown,) = [event["frame"] for event in lines if "frame" in event]
        self.assertTrue(bytes.fromhex(shown).startswith(b"login:1"))

    def test_largest_frame(self) -> None:
        """Ten megabytes without a frame are refused at the limit of the format, or of the server if that is lower."""
        for format, limit in ((evolve(WORDS, limit=2000), 10**9), (evolve(WORDS, limit=10**9), 2000)):
            to = server(self.intake, frame=limit)
            device = call(to, format)
            for _ in range(10_000):
                device.sends(b"x" * 1000)
                if device.closed:
                    break
            self.assertEqual(to.counters.of("words").bytes, 3000)

    def test_length_of_ten_megabytes(self) -> None:
        """A length field that announces ten megabytes is refused at once."""
        device = call(self.server, evolve(WORDS, split=sized(0, 4, 4)))
        device.sends((10_000_000).to_bytes(4, "big"))
        self.assertTrue(device.closed)

    def test_rest_at_the_end(self) -> None:
        """A rest is looked at once more when the device hangs up, and is no frame if it has no end."""
        device = call(self.server)
        device.sends(b"login:1 at:1")
        device.hangs_up()
        self.assertEqual(self.intake.taken, [])

        ends: list[bool] = []

        def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
            return (buffer[start:], len(buffer)) if ends else None

        device = call(self.server, evolve(WORDS, split=split))
        device.sends(b"login:1 at:1")
        ends.append(True)
        device.hangs_up()
        self.assertEqual(len(self.intake.taken), 1)

    def test_our_mistake_in_a_cutter(self) -> None:
        """A cutter with a mistake of ours costs its connection, and leaves a traceback."""

        def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
            raise TypeError("bug")

        device = call(self.server, evolve(WORDS, split=split))
        device.sends(b"x")
        self.assertTrue(device.closed)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_bytes_of_other_formats(self) -> None:
        """What is meant for another port is an error with one line, or waits for its end; nothing is stored."""
        for data in (
            bytes.fromhex("78780d01086471700328358100093f040d0a"),
            bytes.fromhex("000f333532303933303839343339343733"),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"*HQ,865205030330012,V1,145452,A,2240.55181,N,11358.32389,E,3.50,71,100815,FFFFFBFF#\r\n",
            b"GET /?id=1&lat=1&lon=2 HTTP/1.1\r\nHost: x\r\n\r\n",
        ):
            device = call(self.server)
            device.sends(data)
            self.assertEqual((device.closed, device.hears()), (b"\n" in data, ""))
            device.hangs_up()
        self.assertEqual((self.intake.taken, self.intake.strangers), ([], []))

    def test_socket(self) -> None:
        """Answers go out at once, and peers that vanish without a word are found out."""
        options: dict[str, bool] = {}
        transport: Any = StringTransport()
        transport.setTcpNoDelay = lambda on: options.update(nodelay=on)
        transport.setTcpKeepAlive = lambda on: options.update(keepalive=on)
        for format in (WORDS, evolve(WORDS, http=True), evolve(WORDS, mqtt=True)):
            options.clear()
            Connections(self.server, Listener(format, 1)).buildProtocol(None).makeConnection(transport)
            transport.unregisterProducer()
            self.assertEqual(options, {"nodelay": True, "keepalive": True})

    @given(st.binary(max_size=3000), st.integers(1, 700))
    def test_noise(self, noise: bytes, size: int) -> None:
        """Whatever comes, nothing is raised and nothing is stored."""
        device = call(self.server)
        for at in range(0, len(noise), size):
            device.sends(noise[at : at + size])
        device.hangs_up()
        self.assertEqual(self.intake.taken, [])
        self.assertEqual(len(self.server.door), 0)
        self.assertEqual(clock_of(self.server).getDelayedCalls(), [])


class SilenceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1")
        self.server = server(self.intake, idle=100.0, login_time=30.0, linger=5.0)
        self.clock = clock_of(self.server)

    def test_idle(self) -> None:
        """A device that sends nothing for too long is disconnected; each byte counts as sending."""
        device = call(self.server)
        device.says("login:1")
        self.clock.advance(99)
        device.sends(b"r")
        self.clock.advance(99)
        self.assertFalse(device.closed)
        self.clock.advance(1)
        self.assertTrue(device.closed)

    def test_writing_is_no_sign_of_life(self) -> None:
        """What we send counts for nothing."""
        device = call(self.server)
        device.says("login:1")
        self.clock.advance(99)
        device.connection.conversation.send(b"command")
        self.clock.advance(1)
        self.assertTrue(device.closed)

    def test_own_time(self) -> None:
        """A listener may have a time of its own, else the format; a negative one is none at all."""
        for format, timeout, seconds in ((WORDS, 50, 50), (evolve(WORDS, timeout=60), 0, 60), (WORDS, 0, 100)):
            device = call(self.server, format, timeout=timeout)
            device.says("login:1")
            self.clock.pump([seconds - 1])
            self.assertFalse(device.closed)
            self.clock.advance(1)
            self.assertTrue(device.closed)
        device = call(self.server, timeout=-1)
        device.says("login:1")
        self.clock.pump([1000] * 10)
        self.assertFalse(device.closed)

    def test_before_login(self) -> None:
        """A connection that says nothing by which it is known is closed sooner."""
        device = call(self.server)
        self.clock.advance(29)
        device.says("login:9")
        self.assertFalse(device.closed)
        self.clock.advance(1)
        self.assertTrue(device.closed)

    def test_waiting_for_us(self) -> None:
        """A device that waits for its acknowledgement is not silent."""
        self.intake.held = True
        device = call(self.server)
        device.says("login:1 at:1 reply:A")
        self.clock.pump([100, 100, 100])
        self.intake.commit()
        self.assertFalse(device.closed)
        self.clock.pump([100, 100])
        self.assertTrue(device.closed)

    def test_does_not_take_the_last_words(self) -> None:
        """A connection that cannot be closed in peace is aborted."""
        device = call(self.server)
        device.says("login:1", "bad")
        self.assertTrue(device.closed)
        self.clock.advance(4)
        self.assertFalse(device.aborted)
        self.clock.advance(1)
        self.assertTrue(device.aborted)

    def test_nothing_left(self) -> None:
        """A closed connection leaves no timer behind."""
        format = evolve(WORDS, greet=lambda session: b"hi", greet_interval=10.0)
        for device in (call(self.server), call(self.server, format)):
            device.says("login:1")
            device.hangs_up()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class GreetTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = server(MemoryIntake.knowing("1"))
        self.clock = clock_of(self.server)

    def test_once(self) -> None:
        """A format may speak first."""
        device = call(self.server, evolve(WORDS, greet=lambda session: b"hi " + session.remote.encode()))
        self.assertEqual(device.hears(), "hi 10.0.0.1")
        self.clock.advance(200)
        self.assertEqual(device.hears(), "")

    def test_again(self) -> None:
        """It may do so again at an interval."""
        device = call(self.server, evolve(WORDS, greet=lambda session: b"hi", greet_interval=60.0))
        self.clock.pump([60, 60])
        self.assertEqual(device.hears(), "hi" * 3)

    def test_cannot(self) -> None:
        """A greeting that cannot be made costs nothing but a traceback."""

        def greet(session: Session) -> bytes:
            raise TypeError("bug")

        device = call(self.server, evolve(WORDS, greet=greet))
        self.assertEqual(device.says("login:1 reply:A"), "(yes)A")
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class LimitTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1")

    def test_connections(self) -> None:
        """A server has so many connections and no more; who leaves makes room."""
        to = server(self.intake, connections=2)
        first, _, refused = (call(to) for _ in range(3))
        self.assertTrue(refused.aborted)
        self.assertEqual(refused.says("login:1 at:1"), "")
        self.assertEqual(self.intake.taken, [])
        refused.hangs_up()
        first.hangs_up()
        self.assertFalse(call(to).closed)
        counts = to.counters.of("words")
        self.assertEqual((counts.open, counts.connections, counts.refused), (2, 3, 1))

    def test_shared_by_listeners(self) -> None:
        """The limit holds for all listeners of the server together."""
        to = server(self.intake, connections=1)
        call(to)
        self.assertTrue(call(to, WireFormat("other", 1, WORDS.decode)).aborted)

    def test_per_address(self) -> None:
        """One address has so many connections; others are not affected."""
        to = server(self.intake, per_address=2)
        devices = [call(to, host="10.0.0.7") for _ in range(3)]
        self.assertEqual([device.aborted for device in devices], [False, False, True])
        self.assertFalse(call(to, host="10.0.0.8").closed)
        devices[0].hangs_up()
        self.assertFalse(call(to, host="10.0.0.7").closed)

    def test_ten_thousand_silent_ones(self) -> None:
        """Of connections that say nothing only so many stay, and a device still gets through."""
        to = server(self.intake, before_login=100, per_address=100_000)
        device = call(to)
        device.says("login:1")
        silent: deque[Caller] = deque()
        for _ in range(10_000):
            silent.append(call(to))
            if len(silent) > 100:
                oldest = silent.popleft()
                self.assertTrue(oldest.aborted)
                oldest.hangs_up()
        self.assertEqual([one.aborted for one in silent], [False] * 100)
        self.assertEqual((to.door.strangers, len(to.door)), (100, 101))
        self.assertEqual(call(to).says("login:1 reply:A"), "(yes)A")
        self.assertFalse(device.closed)

    def test_one_line_a_minute(self) -> None:
        """Refusals fill no log."""
        lines = log_of(self)
        to = server(self.intake, connections=1)
        for _ in range(10):
            call(to)
        self.assertEqual(len([event for event in lines if "what" in event]), 1)

    def test_finish(self) -> None:
        """At the stop a connection gets what it is owed; one that is owed nothing is closed at once."""
        self.intake.held = True
        to = server(self.intake)
        idle, busy = call(to), call(to)
        busy.says("login:1 at:1 reply:A")
        busy.hears()
        for device in (idle, busy):
            device.connection.finish()
        self.assertEqual((idle.closed, busy.closed), (True, False))
        self.intake.commit()
        self.assertEqual((busy.hears(), busy.closed), ("A", True))
