"""Whether the database answers, on a clock that is moved by hand."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trackd.store.errors import Unavailable
from trackd.store.pulse import BEAT, PATIENCE, READING, Pulse


class PulseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[Deferred[None]] = []
        self.said: list[bool] = []
        self.knocks: list[Deferred[None]] = []
        self.forgotten = 0
        self.pulse = Pulse(self.ask, self.knock, self.clock, self.said.append, self.forget)
        self.pulse.start()

    def ask(self) -> Deferred[None]:
        self.asked.append(Deferred())
        return self.asked[-1]

    def knock(self) -> Deferred[None]:
        self.knocks.append(Deferred())
        return self.knocks[-1]

    def forget(self) -> None:
        self.forgotten += 1

    def fall_silent(self) -> None:
        self.clock.advance(PATIENCE)
        self.clock.advance(READING)

    def test_answers(self) -> None:
        """As long as it answers nothing is said; the next question comes a while after the answer."""
        for count in range(1, 4):
            self.assertEqual(len(self.asked), count)
            self.clock.advance(PATIENCE - 0.01)
            self.asked[-1].callback(None)
            self.clock.advance(BEAT)
        self.assertEqual(self.said, [])

    def test_silent(self) -> None:
        """When it does not answer in time that is said once, and when it answers again, however late."""
        self.clock.advance(PATIENCE)
        self.clock.advance(READING)
        self.assertEqual(self.said, [True])
        self.clock.advance(60)
        self.asked[-1].callback(None)
        self.assertEqual(self.said, [True, False])
        self.clock.advance(BEAT)
        self.assertEqual(len(self.asked), 2)

    def test_busy(self) -> None:
        """When it was not the database that was slow but we, its answer counts, which is read in the next turn."""
        self.clock.advance(PATIENCE + 5)
        self.asked[-1].callback(None)
        self.clock.advance(READING)
        self.assertEqual(self.said, [])

    def test_lost(self) -> None:
        """A lost connection says nothing; nor does one that cannot be made while it is silent."""
        self.asked[-1].errback(Unavailable("away"))
        self.clock.advance(BEAT)
        self.assertEqual(self.said, [])
        self.clock.advance(PATIENCE)
        self.clock.advance(READING)
        self.asked[-1].errback(Unavailable("away"))
        self.clock.advance(BEAT)
        self.asked[-1].errback(Unavailable("away"))
        self.assertEqual(self.said, [True])

    def test_awake(self) -> None:
        """While it is silent new connections are tried; when it wakes up it answers on the old one, and all is well."""
        self.fall_silent()
        for count in range(1, 4):
            self.assertEqual(len(self.knocks), count)
            self.knocks[-1].errback(Unavailable("no answer"))
            self.clock.advance(BEAT)
        self.knocks[-1].callback(None)
        self.asked[-1].callback(None)
        self.clock.advance(PATIENCE)
        self.assertEqual((self.said, self.forgotten, len(self.knocks)), ([True, False], 0, 4))

    def test_forgotten(self) -> None:
        """When it answers on a new connection alone, the old ones lead nowhere."""
        self.fall_silent()
        self.knocks[-1].callback(None)
        self.assertEqual(self.forgotten, 0)
        self.clock.advance(PATIENCE)
        self.assertEqual((self.said, self.forgotten), ([True], 1))
        self.asked[-1].errback(Unavailable("closed"))
        self.clock.advance(BEAT)
        self.asked[-1].callback(None)
        self.knocks[-1].callback(None)
        self.clock.advance(PATIENCE)
        self.assertEqual((self.said, self.forgotten, len(self.knocks)), ([True, False], 1, 2))
        self.clock.advance(BEAT)
        self.fall_silent()
        self.assertEqual(len(self.knocks), 3)

    def test_far_away(self) -> None:
        """Connections that are made anew have more time each time: else nobody far away would ever be through."""
        self.fall_silent()
        times: list[float] = []
        for _ in range(60):
            if not self.knocks[-1].called:
                self.knocks[-1].callback(None)
            before = self.forgotten
            self.clock.advance(PATIENCE)
            if self.forgotten > before:
                times.append(round(self.clock.seconds() - PATIENCE - READING, 3))
        self.assertEqual([0.5, 1.5, 3.5, 7.5, 15.5], times[:5])

    def test_stop(self) -> None:
        """After the stop nothing is asked, said, or left on the clock."""
        self.pulse.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.asked[-1].errback(Unavailable("closed"))
        self.assertEqual((len(self.asked), self.said), (1, []))
