"""
The hub: who wants to hear what, and telling them.

    intake ── tell(news) ──┐                    ┌── Listener (a user) ── Subscriber (a socket) ── Outlet ── transport
    services ─ rights_changed ─ Hub ── Audience ┤
    listeners ─ log(frame) ┘      (a dialect)   └── Listener …

The news of one commit become one message per kind and socket, joined from fragments that are encoded once per dialect.
When nobody listens nothing is encoded, and the news need not even be made: see `Hub.heard`.

A server that shares its database with others tells its own commits to its own hub. What the others commit comes by way
of the database (`trackd.live.neighbours`), and goes into the same `tell`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import Factory, define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from trackd.live.dialect import Dialect, Talk, User
from trackd.live.news import News, RawFrame
from trackd.live.outlet import Crowd, Outlet, Send
from trackd.live.subscriber import GOING_AWAY, POLICY, Limits, Piece, Subscriber, texts
from trackd.rate import Rate
from trackd.share import Share
from trackd.store.errors import Unavailable

# Positions that are encoded for a greeting before others get their turn.
SOME = 500

# Of a user and the ids of tokens: until when these tokens (None: no token) let the user in, None for ever. What is
# missing lets nobody in.
Admission = Callable[[int, Collection[int]], Awaitable[Mapping["int | None", "datetime | None"]]]
Rights = Callable[[int], Awaitable[Collection[int]]]  # of a user: ids of the devices
Latest = Callable[[int], Awaitable[Sequence[Any]]]  # of a user: the latest positions of the devices
Watchers = Callable[[Collection[int]], Awaitable[Mapping[int, Collection[int]]]]  # of devices: who may see each
Holders = Callable[[Collection[int]], Awaitable[Collection[int]]]  # of users: those who have groups


@define(eq=False)
class Listener:
    """A user who listens in one dialect, with one socket or several."""

    user_id: int
    devices: frozenset[int] = frozenset()
    sockets: list[Subscriber] = field(factory=list)
    asked: int = 0  # number of the question whose answer `devices` is


@define(eq=False)
class Audience:
    """All who listen in one dialect."""

    listeners: dict[int, Listener] = field(factory=dict)  # by user
    watchers: dict[int, list[Listener]] = field(factory=dict)  # by device

    def tell(self, news: Sequence[News]) -> None:
        watchers = self.watchers
        told: set[Listener] = set()
        for item in news:
            watching = watchers.get(item.device_id)
            if watching is None:
                continue
            device = Piece(item.device) if item.device is not None else None
            events = [Piece(event) for event in item.events]
            positions = [Piece(position) for position in item.positions]
            for listener in watching:
                for subscriber in listener.sockets:
                    subscriber.take(item.device_id, device, events, positions)
            told.update(watching)
        for listener in told:
            for subscriber in listener.sockets[:]:
                subscriber.flush()

    def admit(self, listener: Listener, devices: frozenset[int]) -> None:
        """From now on these devices are what the listener may see."""
        lost = listener.devices - devices
        for device in devices - listener.devices:
            self.watchers.setdefault(device, []).append(listener)
        for device in lost:
            watching = self.watchers[device]
            watching.remove(listener)
            if not watching:
                del self.watchers[device]
        listener.devices = devices
        if lost:
            for subscriber in listener.sockets:
                subscriber.forget(lost)


@frozen
class Standing:
    """How the sockets are doing. `bytes` and `events`: what waits for the one for which most waits; `memory`: for all."""

    behind: int  # sockets whose peers do not keep up
    of_user: int  # sockets of the user who has most
    bytes: int
    events: int
    dropped: int  # events and raw frames, since the start
    memory: int  # bytes


@define(eq=False)
class Hub:
    """
    Sockets by dialect, by user and by device.

    `rights` and `latest` ask the database what a user may see; sockets live on what they said last.

    Whoever hears of a change calls `rights_changed`, `devices_changed` or `groups_changed`: the users concerned, whom
    `watchers` and `holders` tell from all others, are asked for again. However many changes come at once, each of them
    is asked for once more, not once for each change. Each time `admission` says whose sockets must be closed.
    """

    clock: IReactorTime
    admission: Admission
    rights: Rights
    latest: Latest
    watchers: Watchers
    holders: Holders
    limits: Limits = field(factory=Limits)
    share: Share = Factory(lambda self: Share(self.clock), takes_self=True)  # of the clients, in what they say
    dropped: int = field(default=0, init=False)  # events and raw frames that slow sockets have missed
    count: int = field(default=0, init=False)  # sockets
    errors: Rate = field(init=False)  # of the log lines about what clients do wrong
    _crowd: Crowd = field(init=False)
    _audiences: dict[Dialect, Audience] = field(factory=dict, init=False)
    _question: int = field(default=0, init=False)
    _asking: dict[int, int] = field(factory=dict, init=False)  # questions on their way, by user
    _owed: dict[int, None] = field(factory=dict, init=False)  # users to be asked for, in this order
    _busy: bool = field(default=False, init=False)  # they are being asked for
    _again: dict[int, IDelayedCall] = field(factory=dict, init=False)
    _logging: set[Subscriber] = field(factory=set, init=False)
    _logs_due: IDelayedCall | None = field(default=None, init=False)
    _ticking: LoopingCall = field(init=False)
    _stopped: list[Deferred[None]] = field(factory=list, init=False)
    _stopping: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._crowd = Crowd(self.limits.memory)
        self.errors = Rate(self.clock, self.limits.errors_logged_per_second)
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = self.clock

    def start(self) -> None:
        """Begin to send keepalives and to drop those who don't read."""
        self._stopping = False
        self._ticking.start(1.0, now=False).addErrback(
            lambda failure: self._log.failure("the hub's clock has stopped", failure=failure)
        )

    def stop(self) -> Deferred[None]:
        """Close all sockets; fires when they are gone."""
        self._stopping = True
        if self._ticking.running:
            self._ticking.stop()
        for call in [*self._again.values(), *([self._logs_due] if self._logs_due else [])]:
            call.cancel()
        self._again.clear()
        self._logs_due = None
        gone: Deferred[None] = Deferred()
        self._stopped.append(gone)
        for subscriber in list(self._subscribers()):
            subscriber.hang_up(GOING_AWAY, "the server stops")
        self._perhaps_stopped()
        return gone

    def _perhaps_stopped(self) -> None:
        if not self.count:
            stopped, self._stopped = self._stopped, []
            for one in stopped:
                one.callback(None)

    def _subscribers(self) -> Iterator[Subscriber]:
        for audience in self._audiences.values():
            for listener in audience.listeners.values():
                yield from listener.sockets

    def standing(self) -> Standing:
        """How the sockets are doing; looks at each of them."""
        users: dict[int, int] = {}
        behind = bytes = events = 0
        dropped = self.dropped
        for subscriber in self._subscribers():
            users[subscriber.user_id] = users.get(subscriber.user_id, 0) + 1
            behind += subscriber.behind
            bytes = max(bytes, subscriber.outlet.waiting)
            events = max(events, subscriber.kept)
            dropped += subscriber.dropped
        return Standing(behind, max(users.values(), default=0), bytes, events, dropped, self._crowd.waiting)

    def _tick(self) -> None:
        for subscriber in list(self._subscribers()):
            try:
                subscriber.tick()
            except Exception:
                self._log.failure("a socket's clock")

    # News

    @property
    def heard(self) -> bool:
        """Somebody listens; otherwise news need not be made."""
        return bool(self._audiences)

    @property
    def watched(self) -> set[int]:
        """Ids of the devices of which somebody who listens may hear."""
        return {device_id for audience in self._audiences.values() for device_id in audience.watchers}

    def tell(self, news: Sequence[News]) -> None:
        """Tell everybody who may hear it. All news of one commit in one call, in their order."""
        for audience in list(self._audiences.values()):
            audience.tell(news)

    def note(self, user_id: int, event: Any) -> None:
        """Tell one user of an event, whichever the user wants to hear of."""
        for audience in self._audiences.values():
            if (listener := audience.listeners.get(user_id)) is not None:
                piece = Piece(event)
                for subscriber in listener.sockets[:]:
                    subscriber.note(piece)

    @property
    def logging(self) -> bool:
        """Somebody wants raw frames; otherwise `log` need not be called."""
        return bool(self._logging)

    def log(self, frame: RawFrame) -> None:
        """
        Show a raw frame to those who asked for them.

        It follows the next news of the socket, or leaves after `Limits.gather` seconds.
        """
        if not self._logging:
            return
        pieces: dict[Dialect, Piece] = {}
        for subscriber in self._logging:
            if self._may_see(subscriber, frame.device_id):
                if (piece := pieces.get(subscriber.dialect)) is None:
                    piece = pieces[subscriber.dialect] = Piece(frame)
                subscriber.frame(piece)
        if pieces and self._logs_due is None:
            self._logs_due = self.clock.callLater(self.limits.gather, self._flush_logs)

    def _may_see(self, subscriber: Subscriber, device_id: int | None) -> bool:
        if device_id is None:
            return self.limits.strangers
        return device_id in self._audiences[subscriber.dialect].listeners[subscriber.user_id].devices

    def _flush_logs(self) -> None:
        self._logs_due = None
        for subscriber in list(self._logging):
            subscriber.flush()

    # Sockets

    def has_room(self, user: User) -> bool:
        """
        One more socket of this user would keep the limits.

        While too much waits for all sockets, who lets some of it wait gets no further one: a greeting may be long.
        """
        own = list(self._sockets_of(user.id))
        if self._stopping or self.count >= self.limits.connections or len(own) >= self.limits.user_connections:
            return False
        return not (self._crowd.full and any(subscriber.outlet.waiting for subscriber in own))

    def join(
        self,
        user: User,
        dialect: Dialect,
        parameters: Mapping[str, str],
        send: Send,
        hang_up: Callable[[int, str], None],
    ) -> Subscriber:
        """A socket has opened. It hears nothing until `welcome`, but misses nothing either."""
        talk: Talk = dialect.open(user, parameters)
        outlet = Outlet(send, self.limits.queue, self.limits.burst, self._crowd)
        subscriber = Subscriber(user.id, dialect, talk, outlet, self.limits, self.clock.seconds, hang_up, user.token_id)
        listener = self._audiences.setdefault(dialect, Audience()).listeners.setdefault(user.id, Listener(user.id))
        listener.sockets.append(subscriber)
        self.count += 1
        return subscriber

    async def welcome(self, subscriber: Subscriber) -> None:
        """
        Send the first messages: the latest position of each device that the user may see.

        The socket is subscribed before they are read, so that no report falls between. Fails as the database fails.
        """
        # Asked also for a user whose other sockets know it: a change between the two must not be missed.
        await self._ask(subscriber.user_id)
        shown = await self.latest(subscriber.user_id)
        dialect = subscriber.dialect
        said = []
        for start in range(0, len(shown), SOME):
            if start:
                await deferLater(self.clock, 0)
            said += texts(dialect, map(Piece, shown[start : start + SOME]), dialect.position)
        subscriber.welcome(shown, said)

    def dismiss(self, user_id: int) -> None:
        """Close all sockets of a user, who may come again with credentials that are good now."""
        for subscriber in list(self._sockets_of(user_id)):
            subscriber.hang_up(POLICY, "log in again")

    def _sockets_of(self, user_id: int) -> Iterator[Subscriber]:
        for audience in self._audiences.values():
            if (listener := audience.listeners.get(user_id)) is not None:
                yield from listener.sockets

    def hear(self, subscriber: Subscriber, text: bytes) -> None:
        """A client's message has come."""
        subscriber.say(subscriber.talk.hear(text))
        if subscriber.talk.logs:
            self._logging.add(subscriber)
        else:
            self._logging.discard(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        """A socket has closed."""
        audience = self._audiences[subscriber.dialect]
        listener = audience.listeners[subscriber.user_id]
        listener.sockets.remove(subscriber)
        if not listener.sockets:
            audience.admit(listener, frozenset())
            del audience.listeners[subscriber.user_id]
            if not audience.listeners:
                del self._audiences[subscriber.dialect]
        self._logging.discard(subscriber)
        subscriber.outlet.close()
        self.dropped += subscriber.dropped
        if subscriber.dropped and self.errors.allows():
            self._log.warn(
                "{dialect} socket of user {user}: read too slowly, {count} events or frames were dropped",
                dialect=subscriber.dialect.name,
                user=subscriber.user_id,
                count=subscriber.dropped,
            )
        self.count -= 1
        self._perhaps_stopped()

    # Permissions

    def rights_changed(self, users: Collection[int] | None = None) -> None:
        """
        Ask again what these users may see (None: every user who listens).

        What can't be asked now is asked again later.
        """
        listening = self.listening()
        self._owed |= dict.fromkeys(sorted(listening if users is None else listening & set(users)))
        if self._owed and not self._busy:
            self._busy = True
            Deferred.fromCoroutine(self._ask_owed()).addErrback(
                lambda failure: self._log.failure("permissions of listeners", failure=failure)
            )

    async def devices_changed(self, devices: Collection[int]) -> None:
        """These devices are others, or gone: those listeners are asked for who see more or less of them than before."""
        listening = self.listening()
        if not listening or not devices:
            return
        try:
            seen = await self.watchers(devices)
        except Exception as error:
            self._cannot(error, listening)
            return
        concerned = {user for user in listening if user in self._asking}
        for audience in self._audiences.values():
            for device in devices:
                before = {listener.user_id for listener in audience.watchers.get(device, ())}
                concerned |= before ^ (audience.listeners.keys() & set(seen.get(device, ())))
        self.rights_changed(concerned)

    async def groups_changed(self) -> None:
        """A group has another place, or is gone: those listeners are asked for who have any groups."""
        listening = self.listening()
        if not listening:
            return
        try:
            concerned = await self.holders(listening)
        except Exception as error:
            self._cannot(error, listening)
            return
        self.rights_changed(concerned)

    def listening(self) -> set[int]:
        """The ids of all who listen."""
        return {user for audience in self._audiences.values() for user in audience.listeners}

    async def _ask_owed(self) -> None:
        try:
            while self._owed:
                user = next(iter(self._owed))
                del self._owed[user]
                try:
                    await self._ask(user)
                except Exception as error:
                    self._cannot(error, [user])
        finally:
            self._busy = False

    def _cannot(self, error: Exception, users: Collection[int]) -> None:
        """What these users may see can't be asked now: later."""
        if not isinstance(error, Unavailable):  # which has its line already
            self._log.failure("permissions of {count} listeners can't be read", count=len(users))
        for user in users:
            if user not in self._again and not self._stopping:
                self._again[user] = self.clock.callLater(self.limits.retry, self._ask_again, user)

    def _ask_again(self, user_id: int) -> None:
        del self._again[user_id]
        self.rights_changed([user_id])

    async def _ask(self, user_id: int) -> None:
        self._question += 1
        question = self._question
        self._asking[user_id] = self._asking.get(user_id, 0) + 1
        try:
            tokens = {one.token_id for one in self._sockets_of(user_id) if one.token_id is not None}
            ways = await self.admission(user_id, tokens)
            devices = frozenset(await self.rights(user_id)) if ways else frozenset()
        finally:
            self._asking[user_id] -= 1
            if not self._asking[user_id]:
                del self._asking[user_id]
        for audience in self._audiences.values():
            listener = audience.listeners.get(user_id)
            # Answers may overtake each other: the latest question's counts.
            if listener is not None and listener.asked < question:
                listener.asked = question
                audience.admit(listener, devices)
                self._let_stay(listener, ways, tokens)

    def _let_stay(
        self, listener: Listener, ways: Mapping[int | None, datetime | None], asked: Collection[int | None]
    ) -> None:
        """Close the sockets for which there is no way in any more; the others know when their time is over."""
        for subscriber in listener.sockets[:]:
            token_id = subscriber.token_id
            if token_id in ways:
                end = ways[token_id]
                subscriber.until = end.timestamp() if end is not None else None
            elif token_id is None or token_id in asked or not ways:
                subscriber.outlet.close()
                subscriber.hang_up(POLICY, "not allowed to listen any more")
