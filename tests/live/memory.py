"""Fakes for the tests of `trackd.live`: a dialect that says little, and listeners without sockets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import Factory, define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from trackd.live.dialect import Notices, User
from trackd.live.hub import Hub
from trackd.live.news import DeviceNews, News, RawFrame
from trackd.live.subscriber import Limits, Subscriber

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@frozen
class Somebody:
    """A user."""

    id: int = 1
    token_id: int | None = None


@frozen
class Place:
    """A position: number `id` of a device, so many seconds after noon."""

    id: int
    device_id: int = 7

    @property
    def fix_time(self) -> datetime:
        return NOON + timedelta(seconds=self.id)


@frozen
class Happening:
    """An event."""

    id: int
    device_id: int = 7
    secret: bool = False


@define(eq=False)
class Terse:
    """
    A `Dialect` of words: `d7` for a device, `e1 e2` for events, `p1 p2` for positions, `f7` for a frame.

    It remembers what it had to encode.
    """

    name: str = "terse"
    path: str = "socket"
    keepalive: bytes = b"alive"
    interval: float = 55.0
    encoded: list[bytes] = Factory(list)
    parameters: list[Mapping[str, str]] = Factory(list)
    unspeakable: frozenset[int] = frozenset()  # ids of positions

    def noticing(self, notices: Notices) -> Terse:
        return self

    def open(self, user: User, parameters: Mapping[str, str]) -> TerseTalk:
        self.parameters.append(parameters)
        return TerseTalk()

    def device(self, news: DeviceNews) -> bytes:
        return self._said(f"d{news.device}{news.state}")

    def event(self, event: Any) -> bytes:
        return self._said(f"e{event.id}")

    def position(self, position: Any) -> bytes:
        if position.id in self.unspeakable:
            raise ValueError("unspeakable")
        return self._said(f"p{position.id}")

    def frame(self, frame: RawFrame) -> bytes:
        return self._said(f"f{frame.device_id}")

    def _said(self, text: str) -> bytes:
        self.encoded.append(text.encode())
        return text.encode()


@define(eq=False)
class TerseTalk:
    """Wants all events that are no secret; `log` and `quiet` switch raw frames; other words come back."""

    logs: bool = False

    def greet(self, positions: Sequence[bytes]) -> list[bytes]:
        return [b"hello " + b" ".join(positions)]

    def hear(self, text: bytes) -> list[bytes]:
        if text in (b"log", b"quiet"):
            self.logs = text == b"log"
            return []
        if text == b"bug":
            raise RuntimeError("a mistake")
        return [b"heard " + text]

    def wants(self, event: Any) -> bool:
        return not getattr(event, "secret", False)

    def tell(
        self,
        devices: Sequence[bytes],
        events: Sequence[bytes],
        positions: Sequence[bytes],
        frames: Sequence[bytes],
    ) -> list[bytes]:
        return [b" ".join(said) for said in (devices, events, positions, frames) if said]


@define(eq=False)
class Peer:
    """A socket's other side: what it has got, message by message, and how it was closed."""

    got: list[bytes] = Factory(list)
    closed: list[tuple[int, str]] = Factory(list)
    subscriber: Subscriber | None = None

    def send(self, piece: bytes, first: bool, last: bool) -> None:
        if first:
            self.got.append(b"")
        self.got[-1] += piece

    def hang_up(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    def read(self) -> list[bytes]:
        """What has come since the last look."""
        got, self.got = self.got, []
        return got


@define(eq=False)
class House:
    """A hub with its clock, a database in memory, and a way to connect."""

    limits: Limits = Limits()
    dialect: Terse = Factory(Terse)
    may_see: dict[int, set[int]] = Factory(lambda: {1: {7, 8}, 2: {8}})
    ways: dict[int, dict[int | None, datetime | None]] = Factory(dict)  # by user; of others without a token, for ever
    places: list[Place] = Factory(list)
    trouble: list[Exception] = Factory(list)  # of the next questions to the database
    slow: list[Deferred[None]] = Factory(list)  # the next questions are answered when these fire
    asked: int = 0
    asked_of_devices: int = 0
    have_groups: set[int] = Factory(set)  # users
    clock: Clock = Factory(Clock)
    hub: Hub = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.hub = Hub(self.clock, self.admission, self.rights, self.latest, self.watchers, self.holders, self.limits)

    async def admission(self, user_id: int, tokens: Collection[int]) -> dict[int | None, datetime | None]:
        return {way: end for way, end in self.ways.get(user_id, {None: None}).items() if way is None or way in tokens}

    async def rights(self, user_id: int) -> set[int]:
        self.asked += 1
        answer = set(self.may_see.get(user_id, ()))
        await self._answer()
        return answer

    async def watchers(self, devices: Collection[int]) -> dict[int, set[int]]:
        self.asked_of_devices += 1
        answer = {id: {user for user, seen in self.may_see.items() if id in seen} for id in devices}
        await self._answer()
        return answer

    async def holders(self, users: Collection[int]) -> set[int]:
        await self._answer()
        return self.have_groups & set(users)

    async def latest(self, user_id: int) -> list[Place]:
        found = [place for place in self.places if place.device_id in self.may_see[user_id]]
        await self._answer()
        return found

    async def _answer(self) -> None:
        if self.slow:
            await self.slow.pop(0)
        if self.trouble:
            raise self.trouble.pop(0)

    def connect(self, user_id: int = 1, dialect: Terse | None = None, token_id: int | None = None) -> Peer:
        """A listener who has been welcomed, if the database answers at once."""
        peer = Peer()
        somebody = Somebody(user_id, token_id)
        peer.subscriber = self.hub.join(somebody, dialect or self.dialect, {}, peer.send, peer.hang_up)
        welcomed = Deferred.fromCoroutine(self.hub.welcome(peer.subscriber))
        welcomed.addErrback(lambda failure: peer.hang_up(1011, str(failure.value)))
        return peer

    def listener(self, user_id: int = 1) -> Peer:
        """A listener who has read the first message."""
        peer = self.connect(user_id)
        peer.read()
        return peer


def news(*positions: int, device: int = 7, state: str = "", events: Sequence[int] = ()) -> News:
    """News of a device: its state, events and positions by their numbers."""
    return News(
        device,
        DeviceNews(device, state) if state else None,
        [Happening(id, device) for id in events],
        [Place(id, device) for id in positions],
    )
