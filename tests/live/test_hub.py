"""Tests of `trackd.live.hub` and of the subscribers that it tells."""

from datetime import UTC, datetime

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.samples import log_of
from tests.live.memory import Happening, House, Place, Somebody, Terse, news
from trackd.live.hub import SOME, Hub
from trackd.live.news import News, RawFrame
from trackd.live.subscriber import POLICY, Limits
from trackd.store.errors import Unavailable


def raw(device: int | None) -> RawFrame:
    return RawFrame("gt06", "1", device, b"\x78", "192.0.2.1")


class TellTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()
        self.hub = self.house.hub

    def test_order(self) -> None:
        """The news of a commit are one message per kind: devices, then events, then positions."""
        peer = self.house.listener()
        self.hub.tell([news(1, 2, state="on", events=[5]), news(3, device=8, state="off")])
        self.assertEqual([b"d7on d8off", b"e5", b"p1 p2 p3"], peer.read())

    def test_newest_device(self) -> None:
        """Of a device that a commit names several times only the newest state is told, but every position."""
        peer = self.house.listener()
        self.hub.tell([news(1, state="a"), news(2, state="b"), news(3, state="c")])
        self.assertEqual([b"d7c", b"p1 p2 p3"], peer.read())
        self.assertNotIn(b"d7a", self.house.dialect.encoded)

    def test_next_commit(self) -> None:
        """What was told is not told again."""
        peer = self.house.listener()
        self.hub.tell([news(1, state="a", events=[1])])
        self.hub.tell([news(2)])
        self.assertEqual([b"p2"], peer.read()[3:])

    def test_whose(self) -> None:
        """Everybody hears of the devices that they may see, and of no other."""
        one, two = self.house.listener(1), self.house.listener(2)
        self.hub.tell([news(1, state="a"), news(2, device=8), news(3, device=9)])
        self.assertEqual(([b"d7a", b"p1 p2"], [b"p2"]), (one.read(), two.read()))

    def test_note(self) -> None:
        """What is said to one user is said on all of this user's sockets, and to nobody else."""
        one, again, two = self.house.listener(1), self.house.listener(1), self.house.listener(2)
        self.hub.note(1, Happening(5, 0))
        self.hub.note(3, Happening(6, 0))
        self.assertEqual(([b"e5"], [b"e5"], []), (one.read(), again.read(), two.read()))

    def test_once(self) -> None:
        """However many listen, each value is encoded once."""
        for user in (1, 1, 2, 2):
            self.house.listener(user)
        self.house.dialect.encoded.clear()
        self.hub.tell([news(1, 2, device=8, state="a", events=[5])])
        self.assertEqual([b"d8a", b"e5", b"p1", b"p2"], sorted(self.house.dialect.encoded))

    def test_once_per_dialect(self) -> None:
        """Two languages have each their own text."""
        other = Terse("other")
        here, there = self.house.connect(), self.house.connect(dialect=other)
        here.read(), there.read()
        self.hub.tell([news(1)])
        self.assertEqual(([b"p1"], [b"p1"]), (here.read(), there.read()))
        self.assertEqual([[b"p1"], [b"p1"]], [self.house.dialect.encoded, other.encoded])

    def test_nobody(self) -> None:
        """When nobody listens, or nobody may see the device, nothing is encoded."""
        self.hub.tell([news(1, state="a", events=[1])])
        self.house.listener()
        self.hub.tell([news(1, device=9, state="a", events=[1])])
        self.assertEqual([], self.house.dialect.encoded)

    def test_heard(self) -> None:
        """The hub says whether news are worth making."""
        self.assertFalse(self.hub.heard)
        peer = self.house.listener()
        self.assertTrue(self.hub.heard)
        self.assertEqual((True, False), (7 in self.hub.watched, 9 in self.hub.watched))
        assert peer.subscriber is not None
        self.hub.leave(peer.subscriber)
        self.assertEqual((False, False), (self.hub.heard, 7 in self.hub.watched))

    def test_unwanted(self) -> None:
        """Events that the client doesn't want are neither sent nor encoded."""
        peer = self.house.listener()
        self.hub.tell([News(7, None, [Happening(1, secret=True), Happening(2)])])
        self.assertEqual([b"e2"], peer.read())
        self.assertEqual([b"e2"], self.house.dialect.encoded)

    def test_unspeakable(self) -> None:
        """A value that can't be encoded is logged, and costs nobody anything else."""
        self.house.dialect.unspeakable = frozenset({2})
        peer = self.house.listener()
        self.hub.tell([news(1, 2, 3, state="a")])
        self.assertEqual([b"d7a", b"p1 p3"], peer.read())
        self.assertEqual(1, len(self.flushLoggedErrors(ValueError)))

    def test_left(self) -> None:
        """Who has left is told nothing; the others go on."""
        one, two = self.house.listener(), self.house.listener()
        assert one.subscriber is not None
        self.hub.leave(one.subscriber)
        self.hub.tell([news(1)])
        self.assertEqual(([], [b"p1"], 1), (one.read(), two.read(), self.hub.count))


class WelcomeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(places=[Place(1), Place(2, 8), Place(3, 9)])

    def test_first(self) -> None:
        """The first message has the latest position of each device that the user may see."""
        self.assertEqual([b"hello p1 p2"], self.house.connect().read())

    def test_between(self) -> None:
        """What is committed while the first positions are read follows them; what they show already does not."""
        answer: Deferred[None] = Deferred()
        asked: Deferred[None] = Deferred()
        self.house.slow = [asked, answer]
        peer = self.house.connect()
        asked.callback(None)
        self.house.hub.tell([news(1, state="a"), news(4, device=8, events=[5])])
        self.assertEqual([], peer.read())
        answer.callback(None)
        self.assertEqual([b"hello p1 p2", b"d7a", b"e5", b"p4"], peer.read())

    def test_older(self) -> None:
        """A position that is older than the one shown first is not sent after it."""
        asked, answer = Deferred[None](), Deferred[None]()
        self.house.slow = [asked, answer]
        self.house.places = [Place(5)]
        peer = self.house.connect()
        asked.callback(None)
        self.house.hub.tell([news(4)])
        answer.callback(None)
        self.assertEqual([b"hello p5"], peer.read())

    def test_many(self) -> None:
        """The positions of a large fleet are encoded in turns, between which others are served."""
        self.house.places = [Place(number, 8) for number in range(SOME + 1)]
        peer = self.house.connect()
        self.assertEqual(SOME, len(self.house.dialect.encoded))
        self.assertEqual([], peer.read())
        self.house.clock.advance(0)
        self.assertEqual(SOME + 1, len(peer.read()[0].split()) - 1)

    def test_away(self) -> None:
        """Without a database the welcome fails."""
        self.house.trouble = [ConnectionError("away")]
        self.assertEqual([(1011, "away")], self.house.connect().closed)


class SlowTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(Limits(queue=10, burst=0, events=2, patience=30.0))
        self.house.hub.start()
        self.slow = self.house.listener()
        self.quick = self.house.listener()
        assert self.slow.subscriber is not None
        self.subscriber = self.slow.subscriber

    def tell(self, *positions: int, **more: object) -> None:
        self.house.hub.tell([news(*positions, **more)])  # type: ignore[arg-type]

    def fall_behind(self) -> None:
        self.subscriber.pause()
        self.tell(100, 101, 102)

    def test_newest(self) -> None:
        """A peer that has fallen behind gets the newest position and state of each device once it reads."""
        self.fall_behind()
        for number in range(50):
            self.tell(number, number + 1, state=f"s{number}")
        self.tell(1, device=8)
        self.assertEqual([], self.slow.read())
        self.subscriber.resume()
        self.assertEqual([b"p100 p101 p102", b"d7s49", b"p50 p1"], self.slow.read())

    def test_bounded(self) -> None:
        """What is kept for a peer that doesn't read doesn't grow."""
        self.fall_behind()
        for number in range(50):
            self.tell(number, state="s", events=[number])
        waiting = self.subscriber.outlet.waiting
        kept = [len(kept) for kept in (self.subscriber._newest, self.subscriber._devices, self.subscriber._events)]
        self.assertEqual(([1, 1, 2], []), (kept, self.subscriber._positions))
        self.tell(51, state="s", events=[51])
        self.assertEqual(waiting, self.subscriber.outlet.waiting)

    def test_others(self) -> None:
        """It delays nobody else."""
        self.fall_behind()
        self.tell(1)
        self.tell(2)
        self.assertEqual([b"p100 p101 p102", b"p1", b"p2"], self.quick.read())

    def test_short(self) -> None:
        """A peer that is busy for a moment misses nothing."""
        self.subscriber.pause()
        self.tell(1)
        self.tell(2)
        self.subscriber.resume()
        self.assertEqual([b"p1", b"p2"], self.slow.read())

    def test_caught_up(self) -> None:
        """A peer that has caught up is told everything again."""
        self.fall_behind()
        self.subscriber.resume()
        self.slow.read()
        self.tell(1, 2, 3)
        self.assertEqual([b"p1 p2 p3"], self.slow.read())

    def test_events(self) -> None:
        """Of many events the newest are kept; how many were dropped is counted."""
        self.fall_behind()
        self.tell(events=[1, 2, 3])
        self.tell(events=[4])
        self.subscriber.resume()
        self.assertEqual([b"p100 p101 p102", b"e3 e4"], self.slow.read())
        self.house.hub.leave(self.subscriber)
        self.assertEqual(2, self.house.hub.dropped)

    def test_crowd(self) -> None:
        """While too much waits for all, who lets it wait gets no further socket; others do."""
        house = House(Limits(memory=1, queue=10**6, burst=0))
        slow = house.listener(1)
        assert slow.subscriber is not None
        slow.subscriber.pause()
        self.assertTrue(house.hub.has_room(Somebody(1)))
        house.hub.tell([news(1, 2)])
        self.assertEqual(
            (5, False, True),
            (house.hub.standing().memory, house.hub.has_room(Somebody(1)), house.hub.has_room(Somebody(2))),
        )
        slow.subscriber.resume()
        self.assertTrue(house.hub.has_room(Somebody(1)))

    def test_standing(self) -> None:
        """How far the slowest is behind can be seen, and when it goes the log has one line of what it has missed."""
        log = log_of(self)
        self.fall_behind()
        self.tell(events=[1, 2, 3, 4, 5])
        standing = self.house.hub.standing()
        self.assertEqual((standing.behind, standing.events, standing.dropped), (1, 2, 3))
        self.assertEqual(standing.bytes, self.subscriber.outlet.waiting)
        self.assertGreater(standing.bytes, 0)
        self.assertEqual(standing.of_user, 2)
        self.house.hub.leave(self.subscriber)
        standing = self.house.hub.standing()
        self.assertEqual((standing.behind, standing.events, standing.bytes, standing.dropped), (0, 0, 0, 3))
        said = "terse socket of user 1: read too slowly, 3 events or frames were dropped"
        self.assertEqual([formatEvent(line) for line in log], [said])

    def test_patience(self) -> None:
        """A peer that takes nothing for so long is dropped; one that takes something is not."""
        self.subscriber.pause()
        self.house.clock.pump([1] * 29)
        self.subscriber.resume()
        self.subscriber.pause()
        self.house.clock.pump([1] * 29)
        self.subscriber.pause()
        self.assertEqual([], self.slow.closed)
        self.house.clock.pump([1])
        self.assertEqual([(1013, "reads too slowly")], self.slow.closed)
        self.assertEqual([], self.quick.closed)

    def test_closing(self) -> None:
        """Nothing is kept, or encoded, for a socket that is being closed."""
        assert self.quick.subscriber is not None
        self.house.hub.leave(self.quick.subscriber)
        self.subscriber.outlet.close()
        self.tell(1, 2, state="s", events=[1])
        self.assertEqual(([], [], {}), (self.slow.read(), self.subscriber._positions, self.subscriber._devices))
        self.assertEqual([], self.house.dialect.encoded)


class RightsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()
        self.peer = self.house.listener()

    def tell(self) -> list[bytes]:
        self.house.hub.tell([news(7), news(8, device=8), news(9, device=9)])
        return self.peer.read()

    def test_more(self) -> None:
        """A device that a user may see from now on is heard at once."""
        self.house.may_see[1].add(9)
        self.assertEqual([b"p7 p8"], self.tell())
        self.house.hub.rights_changed([1])
        self.assertEqual([b"p7 p8 p9"], self.tell())

    def test_less(self) -> None:
        """A device that a user may not see any more is not heard any more."""
        self.house.may_see[1].discard(7)
        self.house.hub.rights_changed([1])
        self.assertEqual([b"p8"], self.tell())

    def test_kept(self) -> None:
        """What is kept of such a device for a slow peer is not sent either."""
        assert (subscriber := self.peer.subscriber) is not None
        subscriber.behind = True
        subscriber.outlet.limit = -1
        self.house.hub.tell([news(1, state="a", events=[1]), news(2, device=8, state="b", events=[2])])
        self.house.may_see[1].discard(7)
        self.house.hub.rights_changed([1])
        subscriber.outlet.limit = 100
        subscriber.resume()
        self.assertEqual([b"d8b", b"e2", b"p2"], self.peer.read())

    def test_everybody(self) -> None:
        """Without a user everybody who listens is asked for."""
        two = self.house.listener(2)
        self.house.may_see = {1: set(), 2: {9}}
        self.house.hub.rights_changed()
        self.assertEqual(([], [b"p9"]), (self.tell(), two.read()))

    def test_absent(self) -> None:
        """For a user without a socket nothing is asked."""
        asked = self.house.asked
        self.house.hub.rights_changed([2])
        self.assertEqual(asked, self.house.asked)

    def test_overtaken(self) -> None:
        """An answer to an older question changes nothing after that to a newer one."""
        slow: Deferred[None] = Deferred()
        self.house.slow = [slow]
        self.house.may_see[1] = {7, 9}
        self.house.connect()
        self.house.may_see[1] = {8}
        self.house.hub.rights_changed([1])
        slow.callback(None)
        self.assertEqual([b"p8"], self.tell())

    def test_burst(self) -> None:
        """However often the rights change while they are being read, they are read once more."""
        slow: Deferred[None] = Deferred()
        self.house.slow = [slow]
        self.house.hub.rights_changed([1])
        self.house.may_see[1] = {9}
        for _ in range(100):
            self.house.hub.rights_changed([1])
        asked = self.house.asked
        slow.callback(None)
        self.assertEqual((asked + 1, [b"p9"]), (self.house.asked, self.tell()))

    def changed(self, *devices: int) -> int:
        """How many users were asked for."""
        asked = self.house.asked
        self.successResultOf(Deferred.fromCoroutine(self.house.hub.devices_changed(devices)))
        return self.house.asked - asked

    def test_devices(self) -> None:
        """Of changed devices one question is asked, and then only for those who see more or less than before."""
        two = self.house.listener(2)
        self.assertEqual((0, 1), (self.changed(7, 8, 9), self.house.asked_of_devices))
        self.house.may_see[1].discard(7)
        self.assertEqual((1, [b"p8"], [b"p8"]), (self.changed(7, 8, 9), self.tell(), two.read()))
        self.house.may_see[2].add(9)
        self.assertEqual((1, [b"p8"], [b"p8 p9"]), (self.changed(7, 9), self.tell(), two.read()))

    def test_devices_on_the_way(self) -> None:
        """A user of whom an older answer is still on its way is asked for again."""
        slow: Deferred[None] = Deferred()
        self.house.slow = [slow]
        self.house.may_see[1] = {9}
        self.house.connect()
        self.house.may_see[1] = {7, 8}
        self.assertEqual(1, self.changed(7, 8, 9))
        slow.callback(None)
        self.assertEqual([b"p7 p8"], self.tell())

    def test_devices_of_nobody(self) -> None:
        """Where nobody listens nothing is asked."""
        assert self.peer.subscriber is not None
        self.house.hub.leave(self.peer.subscriber)
        self.assertEqual((0, 0), (self.changed(7), self.house.asked_of_devices))

    def test_groups(self) -> None:
        """Of a changed group only those hear who have groups."""
        two = self.house.listener(2)
        self.house.may_see, self.house.have_groups = {1: {9}, 2: {9}}, {2}
        self.successResultOf(Deferred.fromCoroutine(self.house.hub.groups_changed()))
        self.assertEqual(([b"p7 p8"], [b"p9"]), (self.tell(), two.read()))

    def test_devices_away(self) -> None:
        """When the database cannot say who is concerned, everybody who listens is asked for later."""
        for change in (lambda: self.house.hub.devices_changed([7]), self.house.hub.groups_changed):
            self.house.may_see[1] ^= {9}
            self.house.trouble = [Unavailable("away")]
            before = self.tell()
            self.successResultOf(Deferred.fromCoroutine(change()))
            self.assertEqual(before, self.tell())
            self.house.clock.advance(5)
            self.assertNotEqual(before, self.tell())

    def test_away(self) -> None:
        """What can't be asked now is asked again."""
        self.house.may_see[1] = {9}
        self.house.trouble = [ConnectionError("away")]
        self.house.hub.rights_changed([1])
        self.assertEqual(1, len(self.flushLoggedErrors(ConnectionError)))
        self.assertEqual([b"p7 p8"], self.tell())
        self.house.clock.advance(5)
        self.assertEqual([b"p9"], self.tell())

    def test_database_away(self) -> None:
        """A database that is away is no mistake, and needs no further line."""
        self.house.may_see[1] = {9}
        self.house.trouble = [Unavailable("away")]
        self.house.hub.rights_changed([1])
        self.house.clock.advance(5)
        self.assertEqual([b"p9"], self.tell())

    def test_second_socket(self) -> None:
        """All sockets of a user hear the same."""
        second = self.house.listener()
        self.house.may_see[1] = {9}
        self.house.hub.rights_changed([1])
        self.assertEqual([b"p9"], self.tell())
        self.assertEqual([b"p9"], second.read())


class StayTests(SynchronousTestCase):
    """Who may not listen any more is not listened to, and hears nothing."""

    def setUp(self) -> None:
        self.house = House()
        self.hub = self.house.hub

    def test_not_let_in(self) -> None:
        """All sockets of a user who may not come in any more are closed, and hear nothing; others' are not."""
        shut, other = [self.house.connect(1), self.house.connect(1)], self.house.listener(2)
        for peer in shut:
            peer.read()
        self.house.ways[1] = {}
        self.hub.rights_changed([1])
        self.hub.tell([News(8, None, [Happening(1)])])
        self.assertEqual([[POLICY]] * 2, [[code for code, _ in peer.closed] for peer in shut])
        self.assertEqual(([], []), (shut[0].read(), other.closed))

    def test_revoked(self) -> None:
        """When a token is revoked, the sockets that were opened with it are closed, and no others of the user."""
        self.house.ways[1] = {None: None, 5: None, 6: None}
        with_five, with_six, without = (self.house.connect(1, token_id=id) for id in (5, 6, None))
        del self.house.ways[1][5]
        self.hub.rights_changed([1])
        self.assertEqual([1, 0, 0], [len(peer.closed) for peer in (with_five, with_six, without)])

    def test_too_late(self) -> None:
        """Who was shut out while the socket opened does not stay."""
        self.house.ways[1] = {}
        peer = self.house.connect(1)
        self.assertEqual(([POLICY], []), ([code for code, _ in peer.closed], peer.read()))

    def test_time(self) -> None:
        """When the time of the user or the token is over nothing more is said, and the socket is closed within a second."""
        self.hub.start()
        self.house.clock.advance(100)
        end = datetime.fromtimestamp(self.house.clock.seconds() + 10, UTC)
        self.house.ways[1] = {None: None, 5: end}
        guest, owner = self.house.connect(1, token_id=5), self.house.connect(1)
        guest.read()
        self.house.clock.advance(9.9)
        self.hub.tell([news(1)])
        self.assertEqual(([b"p1"], []), (guest.read(), guest.closed))
        self.house.clock.advance(0.1)
        self.hub.tell([news(2)])
        self.house.clock.advance(1)
        self.house.clock.advance(1)
        self.assertEqual(([], [POLICY], []), (guest.read(), [code for code, _ in guest.closed], owner.closed))

    def test_silent(self) -> None:
        """That holds also when there is nothing to say."""
        self.hub.start()
        self.house.ways[1] = {None: datetime.fromtimestamp(10, UTC)}
        peer = self.house.connect(1)
        for _ in range(12):
            self.house.clock.advance(1)
        self.assertEqual([POLICY], [code for code, _ in peer.closed])

    def test_dismissed(self) -> None:
        """All sockets of a user can be closed at once."""
        peers = [self.house.connect(id) for id in (1, 1, 2)]
        self.hub.dismiss(1)
        self.assertEqual([1, 1, 0], [len(peer.closed) for peer in peers])


class LogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()
        self.hub = self.house.hub
        self.peer, self.other = self.house.listener(1), self.house.listener(2)
        assert self.peer.subscriber is not None and self.other.subscriber is not None
        self.subscriber = self.peer.subscriber

    def test_nobody(self) -> None:
        """Nobody who hasn't asked gets raw frames."""
        self.assertFalse(self.hub.logging)
        self.hub.log(raw(7))
        self.assertEqual([], self.house.clock.getDelayedCalls())

    def test_after_news(self) -> None:
        """A frame follows the news that it has caused."""
        self.hub.hear(self.subscriber, b"log")
        self.assertTrue(self.hub.logging)
        self.hub.log(raw(7))
        self.hub.tell([news(1, state="a")])
        self.assertEqual([b"d7a", b"p1", b"f7"], self.peer.read())
        self.house.clock.advance(1)
        self.assertEqual([], self.peer.read())

    def test_without_news(self) -> None:
        """A frame without news leaves after a moment."""
        self.hub.hear(self.subscriber, b"log")
        self.hub.log(raw(7))
        self.hub.log(raw(8))
        self.assertEqual([], self.peer.read())
        self.house.clock.advance(0.1)
        self.assertEqual([b"f7 f8"], self.peer.read())

    def test_whose(self) -> None:
        """Only frames of devices that the user may see; a stranger's are shown to nobody."""
        self.hub.hear(self.subscriber, b"log")
        self.hub.log(raw(9))
        self.hub.log(raw(None))
        self.house.clock.advance(1)
        self.assertEqual([], self.peer.read())

    def test_strangers(self) -> None:
        """If the configuration says so, strangers' frames are shown to all who asked for frames."""
        self.hub.limits = Limits(strangers=True)
        self.hub.hear(self.subscriber, b"log")
        self.hub.log(raw(None))
        self.house.clock.advance(1)
        self.assertEqual(([b"fNone"], []), (self.peer.read(), self.other.read()))

    def test_off(self) -> None:
        """The client can switch them off; one who leaves has."""
        for stop in (lambda: self.hub.hear(self.subscriber, b"quiet"), lambda: self.hub.leave(self.subscriber)):
            self.hub.hear(self.subscriber, b"log")
            stop()
            self.assertFalse(self.hub.logging)

    def test_answers(self) -> None:
        """Answers of the dialect are sent at once."""
        self.hub.hear(self.subscriber, b"word")
        self.assertEqual([b"heard word"], self.peer.read())


class LifeTests(SynchronousTestCase):
    def test_keepalive(self) -> None:
        """Every socket is sent the dialect's sign of life at its interval."""
        house = House()
        house.hub.start()
        first = house.listener()
        house.clock.pump([1] * 30)
        second = house.listener()
        house.clock.pump([1] * 25)
        self.assertEqual(([b"alive"], []), (first.read(), second.read()))
        house.clock.pump([1] * 55)
        self.assertEqual(([b"alive"], [b"alive"]), (first.read(), second.read()))

    def test_limits(self) -> None:
        """There is room for so many sockets, and for so many of one user."""
        house = House(Limits(connections=3, user_connections=2), may_see={1: set(), 2: set(), 3: set()})
        one, two = Somebody(1), Somebody(2)
        house.connect(1)
        self.assertTrue(house.hub.has_room(one))
        second = house.connect(1)
        self.assertEqual((False, True), (house.hub.has_room(one), house.hub.has_room(two)))
        house.connect(2)
        self.assertFalse(house.hub.has_room(two))
        assert second.subscriber is not None
        house.hub.leave(second.subscriber)
        self.assertTrue(house.hub.has_room(one))

    def test_stop(self) -> None:
        """To stop is to close every socket; it is done when they are gone, and nothing is left on the clock."""
        house = House()
        house.hub.start()
        peer = house.listener()
        assert peer.subscriber is not None
        house.hub.hear(peer.subscriber, b"log")
        house.hub.log(raw(7))
        house.trouble = [ConnectionError("away")]
        house.hub.rights_changed([1])
        self.flushLoggedErrors(ConnectionError)
        stopped = house.hub.stop()
        self.assertEqual([(1001, "the server stops")], peer.closed)
        self.assertFalse(house.hub.has_room(Somebody(2)))
        self.assertNoResult(stopped)
        house.hub.leave(peer.subscriber)
        self.successResultOf(stopped)
        self.assertEqual([], house.clock.getDelayedCalls())

    def test_stop_empty(self) -> None:
        """A hub without sockets stops at once."""
        house = House()
        house.hub.start()
        self.successResultOf(house.hub.stop())
        self.assertEqual([], house.clock.getDelayedCalls())

    def test_defaults(self) -> None:
        """A hub can be made without limits: it has some."""
        house = House()
        self.assertEqual(
            Limits(), Hub(Clock(), house.admission, house.rights, house.latest, house.watchers, house.holders).limits
        )
