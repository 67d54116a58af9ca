"""Devices that send datagrams."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.address import IPv4Address
from twisted.internet.error import MessageLengthError
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.memory import MemoryIntake
from tests.listen.samples import WORDS, clock_of, server
from trackd.listen.datagram import OF_ONE, Datagrams, Sender
from trackd.listen.server import Listener, Server

A, B = ("10.0.0.1", 4001), ("10.0.0.2", 4002)


@define(eq=False, slots=False)
class DatagramTransport:
    """A socket that remembers what was sent; some addresses cannot be sent to."""

    written: list[tuple[bytes, Sender]] = field(factory=list)
    unreachable: dict[Sender, Exception] = field(factory=dict)
    reading: bool = True

    maxThroughput = 256 * 1024

    def stopReading(self) -> None:
        self.reading = False

    def startReading(self) -> None:
        self.reading = True

    def getHost(self) -> IPv4Address:
        return IPv4Address("UDP", "192.0.2.1", 5000)

    def write(self, data: bytes, sender: Sender) -> None:
        if sender in self.unreachable:
            raise self.unreachable[sender]
        self.written.append((data, sender))

    def hears(self) -> list[tuple[bytes, Sender]]:
        """What was sent since the last time."""
        written, self.written = self.written, []
        return written


def listening(to: Server) -> tuple[Datagrams, DatagramTransport]:
    """A port of the words."""
    datagrams, transport = Datagrams(to, Listener(WORDS, 5000)), DatagramTransport()
    protocol: Any = datagrams
    protocol.makeConnection(transport)
    return datagrams, transport


class DatagramTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1", "2", held=True)
        self.server = server(self.intake)
        self.port, self.transport = listening(self.server)

    def test_acknowledged_when_stored(self) -> None:
        """A datagram is answered to its sender, when its report is committed and not before."""
        self.port.datagramReceived(b"login:1 at:1 reply:A", A)
        self.assertEqual(self.transport.hears(), [(b"(yes)", A)])
        self.intake.commit()
        self.assertEqual(self.transport.hears(), [(b"A", A)])

    def test_each_reply_a_datagram(self) -> None:
        """Replies are not joined."""
        self.port.datagramReceived(b"login:1 reply:A reply:B", A)
        self.assertEqual(self.transport.hears(), [(b"(yes)", A), (b"A", A), (b"B", A)])

    def test_whole_datagram(self) -> None:
        """A datagram is a frame as it is, line ends included."""
        self.port.datagramReceived(b"login:1\nreply:A\n", A)
        self.assertEqual(self.intake.frames, [b"login:1\nreply:A\n"])

    def test_sender_is_the_connection(self) -> None:
        """A datagram without an id is of the device that this sender had, and of no other."""
        self.port.datagramReceived(b"login:1", A)
        self.port.datagramReceived(b"me at:1", A)
        self.port.datagramReceived(b"me at:2", B)
        self.port.datagramReceived(b"me at:3", (A[0], A[1] + 1))
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0])
        session = self.port.known[A].conversation.session
        self.assertEqual((session.transport, session.remote, session.local), ("udp", "10.0.0.1", "192.0.2.1:5000"))

    def test_nobody_waits(self) -> None:
        """Datagrams are taken while earlier ones are on their way, and answered in order."""
        self.port.datagramReceived(b"login:1 at:1 reply:A", A)
        self.port.datagramReceived(b"at:2 reply:B", A)
        self.port.datagramReceived(b"login:2 at:3 reply:C", B)
        self.assertEqual(len(self.intake.taken), 3)
        self.transport.hears()
        self.intake.commit()
        self.assertEqual(self.transport.hears(), [(b"A", A), (b"B", A), (b"C", B)])

    def test_much_of_one(self) -> None:
        """When the database has much to do, one sender cannot have more than his part on the way; others are heard."""
        self.intake.crowded = True
        self.port.datagramReceived(b"login:1", A)
        self.port.datagramReceived(b"login:2", B)
        for _ in range(OF_ONE + 5):
            self.port.datagramReceived(b"at:1 reply:A", A)
        self.port.datagramReceived(b"at:2 reply:B", B)
        self.assertEqual((len(self.intake.taken), self.port.counts.dropped), (OF_ONE + 1, 5))
        self.intake.crowded = False
        self.port.datagramReceived(b"at:1 reply:A", A)
        self.assertEqual(len(self.intake.taken), OF_ONE + 2)

    def test_bad_datagram(self) -> None:
        """A datagram that cannot be read is counted and passed over; the sender is heard on."""
        self.port.datagramReceived(b"login:1 at:1 bad", A)
        self.port.datagramReceived(b"me at:2 reply:A", A)
        self.assertEqual([p.latitude for p in self.intake.positions], [2.0])
        self.intake.commit()
        self.assertEqual(self.transport.hears(), [(b"(yes)", A), (b"A", A)])
        self.assertEqual(self.server.counters.of("words").errors, 1)

    def test_hangup(self) -> None:
        """After a hang-up the sender begins anew."""
        self.port.datagramReceived(b"login:1 reply:A hangup", A)
        self.assertEqual(len(self.intake.gone), 1)
        self.port.datagramReceived(b"me reply:B", A)
        self.port.datagramReceived(b"login:1 reply:C", A)
        self.assertEqual(self.transport.hears(), [(b"(yes)", A), (b"A", A), (b"(yes)", A), (b"C", A)])

    def test_impossible_sender(self) -> None:
        """An answer that cannot be sent is nobody's concern."""
        self.transport.unreachable = {A: OSError(22, "Invalid argument"), B: MessageLengthError("too long")}
        self.port.datagramReceived(b"login:1 at:1 reply:A", A)
        self.port.datagramReceived(b"login:2 at:1 reply:A", B)
        self.intake.commit()
        self.assertEqual((self.transport.hears(), len(self.intake.taken)), ([], 2))

    def test_look_up(self) -> None:
        """Datagrams of a sender wait while its device is looked up; those of others do not."""
        self.intake.asking = True
        self.port.datagramReceived(b"login:1 at:1", A)
        self.port.datagramReceived(b"me at:2", A)
        self.port.datagramReceived(b"reply:B", B)
        self.assertEqual(self.transport.hears(), [(b"B", B)])
        self.intake.tell()
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0, 2.0])


class BoundTests(SynchronousTestCase):
    def test_on_their_way(self) -> None:
        """Beyond so many datagrams on their way more are dropped, never acknowledged, and counted."""
        intake = MemoryIntake.knowing("1", held=True)
        to = server(intake, datagrams=3)
        port, transport = listening(to)
        for at in range(5):
            port.datagramReceived(b"login:1 at:%d reply:A" % at, A)
        self.assertEqual((len(intake.taken), to.counters.of("words").dropped), (3, 2))
        intake.commit()
        self.assertEqual(port.underway, 0)
        port.datagramReceived(b"me at:9", A)
        self.assertEqual(len(intake.taken), 4)

    def test_a_steady_stream(self) -> None:
        """A sender that never rests is no reason to drop: what is committed is not on its way."""
        intake = MemoryIntake.knowing("1", held=True)
        to = server(intake, datagrams=3)
        port, transport = listening(to)
        port.datagramReceived(b"login:1 at:0", A)
        for _ in range(100):
            commit, intake._barrier = intake._barrier, None
            port.datagramReceived(b"at:1", A)
            assert commit is not None
            commit.callback(None)
        self.assertEqual((to.counters.of("words").dropped, port.underway), (0, 1))

    def test_no_room(self) -> None:
        """While the queue is full datagrams wait, within the same bound."""
        intake = MemoryIntake.knowing("1", full=True)
        to = server(intake, datagrams=3)
        port, transport = listening(to)
        for at in range(5):
            port.datagramReceived(b"login:1 at:%d" % at, A)
        self.assertEqual((intake.taken, to.counters.of("words").dropped), ([], 2))
        intake.make_room()
        self.assertEqual((len(intake.taken), port.underway), (3, 0))

    def test_forgotten_without_room(self) -> None:
        """A sender that is forgotten while the queue is full is heard to its end."""
        intake = MemoryIntake.knowing("1", full=True)
        port, transport = listening(server(intake, before_login=1))
        port.datagramReceived(b"login:1 at:1", A)
        port.datagramReceived(b"at:2", A)
        port.datagramReceived(b"login:9", B)
        self.assertEqual((len(port.strangers), intake.gone), (1, []))
        intake.make_room()
        self.assertEqual((len(intake.taken), port.underway, len(intake.gone)), (2, 0, 1))

    def test_mistake_of_ours(self) -> None:
        """A look-up that comes to nothing leaves nothing on its way."""
        intake = MemoryIntake.knowing("1", asking=True)
        port, transport = listening(server(intake))
        port.datagramReceived(b"login:1 at:1", A)
        question, *_ = intake._questions.pop()
        question.errback(RuntimeError("no"))
        self.assertEqual(port.underway, 0)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_mistake_after_the_commit(self) -> None:
        """A mistake while an answer is written leaves nothing on its way either, and frees nothing twice."""
        intake = MemoryIntake.knowing("1", held=True)
        port, transport = listening(server(intake))
        transport.unreachable = {A: TypeError("bug")}
        port.datagramReceived(b"who:1 at:1 reply:A", A)
        intake.asking = True
        port.datagramReceived(b"login:9", A)
        port.datagramReceived(b"login:1", B)
        intake.commit()
        self.assertEqual(port.underway, 1)
        intake.tell()
        self.assertEqual(port.underway, 1)
        intake.tell()
        self.assertEqual(port.underway, 0)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 2)

    def test_forged_senders(self) -> None:
        """However many senders are made up, those without a device push out only each other."""
        intake = MemoryIntake.knowing("1")
        port, transport = listening(server(intake, before_login=10))
        port.datagramReceived(b"login:1", A)
        for number in range(1000):
            port.datagramReceived(b"login:9 at:1", ("10.9.0.1", number))
        self.assertEqual((list(port.known), len(port.strangers)), ([A], 10))
        self.assertEqual(len(intake.gone), 990)
        port.datagramReceived(b"me at:1", A)
        self.assertEqual(len(intake.taken), 1)

    def test_known_senders(self) -> None:
        """Of senders with a device the one that was silent for longest gives way."""
        intake = MemoryIntake.knowing("1")
        port, transport = listening(server(intake, endpoints=2))
        for number in (1, 2, 1, 3):
            port.datagramReceived(b"login:1", ("10.0.0.1", number))
        self.assertEqual([number for _, number in port.known], [1, 3])
        self.assertEqual([link.session.remote for link in intake.gone], ["10.0.0.1"])

    def test_forgotten_while_underway(self) -> None:
        """A sender that gives way gets its answer all the same."""
        intake = MemoryIntake.knowing("1", held=True)
        port, transport = listening(server(intake, endpoints=1))
        port.datagramReceived(b"login:1 at:1 reply:A", A)
        port.datagramReceived(b"login:1 reply:B", B)
        transport.hears()
        self.assertEqual(intake.gone, [])
        intake.commit()
        self.assertEqual(transport.hears(), [(b"A", A)])
        self.assertEqual(len(intake.gone), 1)

    def test_silent_senders(self) -> None:
        """A sender that was silent for too long is forgotten."""
        intake = MemoryIntake.knowing("1")
        to = server(intake, idle=100.0)
        port, transport = listening(to)
        port.datagramReceived(b"login:1", A)
        clock_of(to).pump([10] * 5)
        port.datagramReceived(b"login:9", B)
        clock_of(to).pump([10] * 5)
        self.assertEqual((list(port.known), list(port.strangers)), ([], [B]))
        clock_of(to).pump([10] * 5)
        self.assertEqual(len(intake.gone), 2)

    def test_waiting_senders(self) -> None:
        """A sender that waits for its acknowledgement is not forgotten."""
        intake = MemoryIntake.knowing("1", held=True)
        to = server(intake, idle=100.0)
        port, transport = listening(to)
        port.datagramReceived(b"login:1 at:1 reply:A", A)
        clock_of(to).pump([10] * 20)
        self.assertEqual(list(port.known), [A])

    def test_senders_without_end(self) -> None:
        """When silence has no limit senders are kept, as many as there is place for."""
        intake = MemoryIntake.knowing("1")
        to = server(intake, idle=-1.0)
        port, transport = listening(to)
        port.datagramReceived(b"login:1", A)
        clock_of(to).advance(10**6)
        self.assertEqual(list(port.known), [A])

    def test_too_long(self) -> None:
        """A datagram longer than the largest frame is dropped."""
        intake = MemoryIntake.knowing("1")
        to = server(intake, frame=10)
        port, transport = listening(to)
        port.datagramReceived(b"login:1 at:1", A)
        self.assertEqual((intake.taken, to.counters.of("words").dropped), ([], 1))


class FinishTests(SynchronousTestCase):
    def test_finish(self) -> None:
        """At the stop nothing more is heard, and what was heard is answered first."""
        intake = MemoryIntake.knowing("1", held=True)
        to = server(intake)
        port, transport = listening(to)
        port.datagramReceived(b"login:1 at:1 reply:A", A)
        finished = port.finish()
        port.datagramReceived(b"login:1 at:2 reply:B", A)
        self.assertNoResult(finished)
        transport.hears()
        intake.commit()
        self.successResultOf(finished)
        self.assertEqual(transport.hears(), [(b"A", A)])
        port.doStop()
        self.assertEqual((len(intake.gone), clock_of(to).getDelayedCalls()), (1, []))

    def test_nothing_owed(self) -> None:
        """With nothing on its way it is over at once."""
        port, transport = listening(server(MemoryIntake()))
        self.successResultOf(port.finish())
