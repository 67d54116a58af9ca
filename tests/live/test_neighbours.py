"""The other servers: what is told of them, and whose devices are whose, on a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.live.memory import NOON, Happening, Place
from trackd.live import neighbours
from trackd.live.neighbours import BEATS, RETRY, Neighbours
from trackd.live.news import News
from trackd.store.batch import Batch
from trackd.store.errors import Unavailable
from trackd.store.nodes import Node
from trackd.store.report import State
from trackd.track.device import Device

OTHER = Node(2, "elsewhere", True)
DEAD = Node(2, "elsewhere", False)


@define
class MemoryNodes:
    """The table of servers: the others, and what was asked of it."""

    id: int = 1
    timeout: float = 10.0
    others: list[Node] = Factory(list)
    buried: list[int] = Factory(list)  # devices that are offline when the dead are buried
    taken_for_dead: bool = False
    away: bool = False
    burials: int = 0
    beats: int = 0
    left: bool = False
    told: list[tuple[str, str]] = Factory(list)
    claimed: dict[int, tuple[int | None, int]] = Factory(dict)

    async def beat(self) -> tuple[bool, list[Node]]:
        if self.away:
            raise Unavailable("away")
        self.beats += 1
        return self.taken_for_dead, self.others

    async def bury(self) -> list[int]:
        self.burials += 1
        self.others = []
        return self.buried

    async def leave(self) -> None:
        self.left = True

    async def tell(self, channel: str, payload: str = "") -> None:
        self.told.append((channel, payload))

    async def claims(self, ids: Collection[int]) -> dict[int, tuple[int | None, int]]:
        if self.away:
            raise Unavailable("away")
        return {id: self.claimed[id] for id in ids if id in self.claimed}


@define
class MemoryElsewhere:
    """What others have committed: a position and an event of each id, of device 7."""

    asked: list[tuple[str, list[int]]] = Factory(list)
    away: bool = False
    held: Deferred[None] | None = None

    async def positions(self, ids: list[int], of: Collection[int]) -> list[Place]:
        if self.held is not None:
            await self.held
        if self.away:
            raise Unavailable("away")
        self.asked.append(("positions", ids))
        return [Place(id) for id in ids]

    async def events(self, ids: list[int], of: Collection[int]) -> list[Happening]:
        self.asked.append(("events", ids))
        return [Happening(id) for id in ids]

    async def devices(self, ids: list[int]) -> dict[int, tuple[str, str]]:
        if self.away:
            raise Unavailable("away")
        self.asked.append(("devices", ids))
        return dict.fromkeys(ids, ("device", "state"))

    async def newest(self, node: int, ids: list[int], since: int) -> list[Place]:
        if self.away:
            raise Unavailable("away")
        self.asked.append(("newest", [since]))
        return [Place(999)] if 7 in ids and since <= 999 else []

    async def of_others(self, node: int, ids: list[int]) -> list[int]:
        return ids


@define
class MemoryHub:
    """Somebody who watches devices, or nobody."""

    watched: set[int] = Factory(lambda: {7, 8})
    told: list[News] = Factory(list)

    @property
    def heard(self) -> bool:
        return bool(self.watched)

    def tell(self, news: list[News]) -> None:
        self.told += news


@define
class MemoryDirectory:
    by_id: dict[int, Device] = Factory(dict)


@define
class MemoryPresence:
    """Remembers what has become of the devices."""

    directory: MemoryDirectory = Factory(MemoryDirectory)
    gone: list[tuple[int, bool]] = Factory(list)
    offline: list[int] = Factory(list)
    regained: list[int] = Factory(list)

    def moved(self, device: Device, gone: bool) -> None:
        self.gone.append((device.id, gone))

    def left_behind(self, ids: Collection[int]) -> None:
        self.offline += ids

    async def regain(self, device: Device) -> None:
        self.regained.append(device.id)


@define
class MemoryDatabase:
    """Channels, and those who listen there."""

    heard: dict[str, Callable[[str], None]] = Factory(dict)
    missed: list[Callable[[], None]] = Factory(list)

    async def listen(self, channel: str, callback: Any, missed: Any = None) -> None:
        self.heard[channel] = callback
        if missed is not None:
            self.missed.append(missed)


class NeighbourTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.nodes, self.elsewhere = Clock(), MemoryNodes(), MemoryElsewhere()
        self.clock.advance(NOON.timestamp())
        self.presence, self.hub, self.database = MemoryPresence(), MemoryHub(), MemoryDatabase()
        parts: Any = (self.nodes, self.elsewhere, self.presence, self.hub, 10)
        self.neighbours = Neighbours(self.clock, *parts)
        database: Any = self.database
        self.successResultOf(Deferred.fromCoroutine(self.neighbours.start(database)))
        self.addCleanup(lambda: Deferred.fromCoroutine(self.neighbours.stop()))

    def hears(self, payload: str) -> None:
        self.database.heard["news"](payload)

    def told(self) -> list[tuple[int, list[int], list[int]]]:
        """What the hub was told: device, positions, events."""
        return [
            (news.device_id, [one.id for one in news.positions], [one.id for one in news.events])
            for news in self.hub.told
        ]


class NewsTests(NeighbourTestCase):
    def test_alone(self) -> None:
        """Nothing is told of a batch while nobody else is there."""
        batch = Batch(signs={7: ("online", NOON, 1)})
        self.assertEqual([], list(self.neighbours.bulletins(batch)))
        self.nodes.others = [OTHER]
        self.database.heard["nodes"]("")
        self.assertEqual(["1 p e d 7"], list(self.neighbours.bulletins(batch)))

    def test_told(self) -> None:
        """What others have committed is read, and told of the devices that somebody watches."""
        self.hears("2 p 100-101 e 5 d 8 9")
        self.assertEqual([(7, [100, 101], [5]), (8, [], [])], self.told())

    def test_own(self) -> None:
        """What this server has told itself is not read again, nor is anything while nobody listens."""
        self.hears("1 p 100-101")
        self.hub.watched = set()
        self.hears("2 p 100-101")
        self.assertEqual([], self.elsewhere.asked)

    def test_together(self) -> None:
        """What comes while others are being read is read together afterwards."""
        held = self.elsewhere.held = Deferred()
        for payload in ("2 p 1", "2 p 2", "2 p 3"):
            self.hears(payload)
        self.elsewhere.held = None
        held.callback(None)
        self.assertEqual([[1], [2, 3]], [ids for what, ids in self.elsewhere.asked if what == "positions"])

    def test_behind(self) -> None:
        """When too much waits, of each device only the latest position is told, and memory holds no more."""
        held = self.elsewhere.held = Deferred()
        self.hears("2 p 1")
        self.hears("2 p 2-9")
        self.assertEqual(8, self.neighbours.waiting)
        self.hears("2 p 10-12")
        self.hears("2 p 13-20 d 8")
        self.assertEqual(0, self.neighbours.waiting)
        self.elsewhere.held = None
        held.callback(None)
        self.assertEqual([(7, [1], []), (8, [], []), (7, [999], [])], self.told())
        self.assertEqual((19, ("newest", [2])), (self.neighbours.skipped, self.elsewhere.asked[-2]))
        self.hears("2 p 21")
        self.assertEqual((7, [21], []), self.told()[-1])

    def test_smallest(self) -> None:
        """Where ids do not rise, since each server has some in hand, the smallest of what was left out counts."""
        held = self.elsewhere.held = Deferred()
        self.hears("2 p 1")
        self.hears("2 p 1010-1030")
        self.hears("3 p 10-12")
        self.elsewhere.held = None
        held.callback(None)
        self.assertIn(("newest", [10]), self.elsewhere.asked)

    def test_events_alone(self) -> None:
        """Events that are too many are left out, and nothing takes their place."""
        held = self.elsewhere.held = Deferred()
        self.hears("2 p 1")
        self.hears("2 e 1-30")
        self.elsewhere.held = None
        held.callback(None)
        self.assertEqual(([(7, [1], [])], 30), (self.told(), self.neighbours.skipped))

    def test_away(self) -> None:
        """What cannot be read while the database is away is made up for by the latest positions; no state is missed."""
        self.elsewhere.away = True
        self.hears("2 p 1 d 8")
        self.clock.advance(RETRY)
        self.assertEqual([], self.told())
        self.elsewhere.away = False
        self.clock.advance(RETRY)
        self.assertEqual([(8, [], []), (7, [999], [])], self.told())
        self.assertIn(("newest", [1]), self.elsewhere.asked)

    def test_connection_lost(self) -> None:
        """So is what was told while this server could not hear it, and all states: who has gone offline is not named."""
        for missed in self.database.missed:
            missed()
        self.assertEqual([(7, [999], []), (8, [], [])], self.told())

    def test_many(self) -> None:
        """Many devices are caught up with some at a time."""
        self.patch(neighbours, "SOME", 2)
        self.hub.watched = set(range(5, 10))
        for missed in self.database.missed:
            missed()
        self.assertEqual([5, 6, 7, 8, 9], [device for device, _, _ in self.told()])
        self.assertEqual(3, sum(what == "newest" for what, _ in self.elsewhere.asked))


class LifeTests(NeighbourTestCase):
    def beat(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance(self.nodes.timeout / BEATS)

    def test_beats(self) -> None:
        """Signs of life are given all the time, until the stop."""
        self.beat(3)
        self.assertEqual(4, self.nodes.beats)
        self.successResultOf(Deferred.fromCoroutine(self.neighbours.stop()))
        self.beat(3)
        self.assertEqual((4, True), (self.nodes.beats, self.nodes.left))

    def test_dead(self) -> None:
        """The devices of a server that gives no sign of life are offline, and everybody is told."""
        self.beat(BEATS)
        self.nodes.others, self.nodes.buried = [DEAD], [7, 8]
        self.beat()
        self.assertEqual((1, [7, 8]), (self.nodes.burials, self.presence.offline))
        self.assertEqual([("news", "0 p e d 7-8")], self.nodes.told)
        self.hears("0 p e d 7-8")
        self.assertEqual([(7, [], []), (8, [], [])], self.told())

    def test_everybody_was_silent(self) -> None:
        """While the database was away nobody could give a sign of life: they are waited for when it is back."""
        self.beat(BEATS)
        self.nodes.away = True
        self.beat(BEATS)
        self.nodes.away, self.nodes.others = False, [DEAD]
        self.beat(BEATS)
        self.assertEqual(0, self.nodes.burials)
        self.beat(1)
        self.assertEqual(1, self.nodes.burials)

    def test_first(self) -> None:
        """What one server does for all is done by the first that is alive."""
        self.assertTrue(self.neighbours.first)
        self.nodes.id, self.nodes.others = 3, [OTHER]
        self.beat()
        self.assertFalse(self.neighbours.first)
        self.nodes.others = [DEAD]
        self.beat()
        self.assertTrue(self.neighbours.first)


class ClaimTests(NeighbourTestCase):
    def device(self, id: int, **members: Any) -> Device:
        made = self.presence.directory.by_id[id] = Device(id, str(id), State(id, epoch=4), **members)
        return made

    def test_moved(self) -> None:
        """Only the server that has had a device is concerned, for good or for the moment."""
        self.device(7)
        for payload in ("1 7 5 gone", "2 7 5 gone", "1 8 5 gone", "1 7 6 needed"):
            self.database.heard["moved"](payload)
        self.assertEqual([(7, True), (7, False)], self.presence.gone)

    def test_back_already(self) -> None:
        """A device that has come back before it was told that it had gone stays."""
        self.device(7)
        for payload in ("1 7 3 gone", "1 7 4 gone"):
            self.database.heard["moved"](payload)
        self.assertEqual([], self.presence.gone)

    def test_checked_later(self) -> None:
        """Whose the devices are is asked until it is answered, and once however often the connection was lost meanwhile."""
        self.device(1, link="a link")
        self.nodes.claimed = {1: (2, 5)}
        self.nodes.away = True
        for missed in self.database.missed * 3:
            missed()
        self.clock.advance(RETRY)
        self.assertEqual([], self.presence.gone)
        self.nodes.away = False
        self.clock.advance(RETRY)
        self.assertEqual([(1, True)], self.presence.gone)
        self.clock.advance(RETRY)
        self.assertEqual([(1, True)], self.presence.gone)

    def test_asleep(self) -> None:
        """A server that was taken for dead takes back the devices that are connected, and lets go of the others."""
        for id in range(5):
            self.device(id, link="a link" if id < 4 else None, claimed=id != 3)
        self.nodes.claimed = {0: (1, 4), 1: (2, 5), 2: (None, 5), 3: (2, 5), 4: (None, 5)}
        self.nodes.taken_for_dead = True
        self.database.heard["nodes"]("")
        self.assertEqual(([(1, True)], [2]), (self.presence.gone, self.presence.regained))
