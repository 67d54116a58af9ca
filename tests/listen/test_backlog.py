"""Who has much to say, and that others need not wait for it."""

from __future__ import annotations

from attrs import define, field
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.memory import MemoryIntake
from tests.listen.samples import Caller, call, clock_of, server
from trackd.listen.backlog import AT_ONCE, PAUSE, PIECE, Backlog

LINE = "at:1 reply:" + "A" * 48  # 60 bytes with its end
MUCH = [LINE] * (PIECE // 60 + 1)


@define(eq=False)
class Talking:
    """Says when it is read on."""

    line: list[Talking] = field(factory=list)

    def read_on(self) -> None:
        self.line.append(self)


class Turns(Clock):
    """A clock that tells the turns of the reactor apart."""

    def turn(self) -> None:
        due, self.calls = self.calls, []
        for one in due:
            one.called = 1
            one.func(*one.args)


class LineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Turns()
        self.crowd = False
        self.backlog = Backlog(self.clock, lambda: self.crowd)
        self.heard: list[Talking] = []
        self.talkers = [Talking(line=self.heard) for _ in range(2 * AT_ONCE + 1)]

    def test_turns(self) -> None:
        """A few in each turn of the reactor, the one who has waited for longest first; nobody stands there twice."""
        for talker in [*self.talkers, *self.talkers]:
            self.backlog.wait(talker)
        self.assertEqual(self.heard, [])
        for count in (AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1):
            self.clock.turn()
            self.assertEqual(self.heard, self.talkers[:count])
        self.assertEqual((len(self.backlog), self.clock.getDelayedCalls()), (0, []))

    def test_crowded(self) -> None:
        """While much waits for the database nobody of them is read."""
        self.crowd = True
        self.backlog.wait(self.talkers[0])
        self.clock.pump([0, PAUSE, PAUSE])
        self.assertEqual(self.heard, [])
        self.crowd = False
        self.clock.advance(PAUSE)
        self.assertEqual(self.heard, self.talkers[:1])

    def test_gone(self) -> None:
        """Whoever has gone stands there no longer."""
        for talker in self.talkers[:2]:
            self.backlog.wait(talker)
        self.backlog.leave(self.talkers[0])
        self.backlog.leave(self.talkers[2])
        self.clock.advance(0)
        self.assertEqual(self.heard, [self.talkers[1]])

    def test_again(self) -> None:
        """Who has more to say stands behind all others."""
        first, second = self.talkers[:2]
        for talker in (first, second):
            self.backlog.wait(talker)
        self.clock.advance(0)
        self.backlog.wait(second)
        self.backlog.wait(first)
        self.clock.advance(0)
        self.assertEqual(self.heard, [first, second, second, first])


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1", "2", held=True)
        self.server = server(self.intake)
        self.clock = clock_of(self.server)
        self.device = self.caller("1")

    def caller(self, id: str) -> Caller:
        caller = call(self.server)
        caller.says(f"login:{id}")
        return caller

    def test_more(self) -> None:
        """A device that has filled a piece is read on when it is answered and its turn has come, others at once."""
        other = self.caller("2")
        self.device.says(*MUCH)
        other.says(LINE)
        self.intake.commit()
        self.assertEqual((self.device.paused, other.paused), (True, False))
        self.clock.advance(0)
        self.assertFalse(self.device.paused)

    def test_crowded(self) -> None:
        """It waits until little waits for the database, and others do not."""
        other = self.caller("2")
        self.device.says(*MUCH)
        other.says(LINE)
        self.intake.crowded = True
        self.intake.commit()
        self.clock.pump([0, PAUSE])
        self.assertEqual((self.device.paused, other.paused), (True, False))
        self.intake.crowded = False
        self.clock.advance(PAUSE)
        self.assertFalse(self.device.paused)
        self.device.says(LINE)
        self.intake.commit()
        self.assertFalse(self.device.paused)

    def test_others_were_before(self) -> None:
        """What has been read already is not heard either before its turn, but whatever was said is heard in order."""
        self.intake.crowded = True
        self.device.says(*MUCH)
        self.device.says(LINE)  # delivered by TLS
        self.assertEqual((self.device.paused, self.intake.positions), (True, []))
        other = self.caller("2")
        other.says(*MUCH)
        other.hangs_up()
        self.assertEqual(len(self.intake.positions), len(MUCH))
        self.intake.crowded = False
        self.clock.advance(PAUSE)
        self.assertEqual(len(self.intake.positions), 2 * len(MUCH) + 1)
        self.intake.commit()
        self.clock.advance(0)
        self.assertFalse(self.device.paused)

    def test_mistake(self) -> None:
        """A mistake of the server's with what one has said does not cost those behind it their turn."""
        self.intake.crowded = True
        other = self.caller("2")
        for caller in (self.device, other):
            caller.says(*MUCH)

        def broken(data: bytes) -> None:
            raise RuntimeError("a mistake")

        self.patch(self.device.connection, "received", broken)
        self.intake.crowded = False
        self.clock.advance(PAUSE)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual((self.device.aborted, len(self.intake.positions)), (True, len(MUCH)))

    def test_nothing_to_store(self) -> None:
        """Words that cost nothing but time come in pieces as well."""
        self.intake.held = False
        self.device.says(*["reply:" + "A" * 60] * 100)
        self.assertTrue(self.device.paused)
        self.clock.advance(0)
        self.assertFalse(self.device.paused)

    def test_does_not_take_answers(self) -> None:
        """Who does not take what he is told is not read on, though it is his turn."""
        self.device.says(*MUCH)
        self.device.connection.pauseProducing()
        self.intake.commit()
        self.clock.advance(0)
        self.assertTrue(self.device.paused)
        self.device.connection.resumeProducing()
        self.clock.advance(0)
        self.assertFalse(self.device.paused)

    def test_hangs_up(self) -> None:
        """Nothing is left of who has hung up while it stood in line."""
        self.device.says(*MUCH)
        self.intake.crowded = True
        self.intake.commit()
        self.assertEqual(len(self.server.backlog), 1)
        self.device.hangs_up()
        self.assertEqual(len(self.server.backlog), 0)
