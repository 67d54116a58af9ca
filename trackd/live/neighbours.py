"""
The other servers on the same database: who there is, what they have committed, which devices they have taken over.

While there is no other, nothing is told and nothing is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from trackd.live.hub import Hub
from trackd.live.news import DeviceNews, News
from trackd.store.batch import Batch
from trackd.store.bulletins import Bulletin, Elsewhere, bulletins, parsed, told
from trackd.store.database import Database
from trackd.store.errors import StoreError, Unavailable
from trackd.store.loading import GONE
from trackd.store.nodes import Node, Nodes
from trackd.store.rows import EventRow, PositionRow
from trackd.track.presence import Presence

# Of the time after which a server counts as dead: signs of life in it.
BEATS = 5
# When the database is away (s): until what others have told is read after all.
RETRY = 0.5
# Ids of positions: of those from this one on none is missed; of those from the other on all may be.
NONE, ALL = 1 << 62, 0
# Devices that are caught up with before others get their turns.
SOME = 1000


@define(eq=False)
class Neighbours:
    """
    `limit`: positions and events of others that wait to be read; when there are more, of each device only the latest
    position is.
    """

    reactor: Any
    nodes: Nodes
    elsewhere: Elsewhere
    presence: Presence
    hub: Hub
    limit: int = 5000
    others: Sequence[Node] = field(default=(), init=False)  # those that have not stopped
    skipped: int = field(default=0, init=False)  # positions and events of others that nobody here was told of
    _waiting: Bulletin = field(factory=lambda: Bulletin(0), init=False)
    _devices: set[int] = field(factory=set, init=False)  # that others have heard
    _behind: int | None = field(default=None, init=False)  # the first position that nobody was told of, if there is one
    _reading: bool = field(default=False, init=False)
    _unchecked: bool = field(default=False, init=False)  # whether the devices in memory are still this server's
    _checking: bool = field(default=False, init=False)
    _since: float = field(default=0.0, init=False)  # when the database began to take our signs of life
    _beating: LoopingCall = field(init=False)
    _stopped: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        self._beating = LoopingCall(lambda: Deferred.fromCoroutine(self._beat()))
        self._beating.clock = self.reactor

    @property
    def alive(self) -> int:
        """How many others are alive."""
        return len(self.numbers())

    def numbers(self) -> list[int]:
        """Of the others that are alive."""
        return [node.id for node in self.others if node.alive]

    @property
    def waiting(self) -> int:
        """Positions and events of others that wait to be read."""
        return len(self._waiting.positions) + len(self._waiting.events)

    @property
    def first(self) -> bool:
        """Whether what one server does for all is for this one to do."""
        return all(node.id > self.nodes.id for node in self.others if node.alive)

    # Begin and end

    async def start(self, database: Database) -> None:
        """Listen to the others, and give signs of life."""
        self._since = self.reactor.seconds()
        await database.listen("nodes", lambda payload: self._look(), self._missed)
        await database.listen("moved", self._moved)
        await database.listen("news", self._news)
        self._beating.start(self.nodes.timeout / BEATS).addErrback(
            lambda failure: self._log.failure("no signs of life are given any more", failure)
        )

    async def stop(self) -> None:
        """Others need not wait for this server."""
        self._stopped = True
        if self._beating.running:
            self._beating.stop()
        try:
            await self.nodes.leave()
        except StoreError:
            pass  # they will notice

    # Who there is

    def _look(self) -> None:
        """Somebody has come or gone."""
        Deferred.fromCoroutine(self._beat()).addErrback(
            lambda failure: self._log.failure("other servers", failure=failure)
        )

    async def _beat(self) -> None:
        if self._stopped:
            return
        now = self.reactor.seconds()
        try:
            buried, others = await self.nodes.beat()
            before, self.others = {node.id for node in self.others}, others
            for node in others:
                if node.id not in before:
                    self._log.info("server {node} on this database: {place}", node=node.id, place=node.place)
            if buried:
                self._log.warn("this server was taken for dead")
                self._check_soon()
            # Nobody's signs of life could be written while the database was away.
            if any(not node.alive for node in others) and now - self._since > self.nodes.timeout:
                await self._bury([node for node in others if not node.alive])
        except StoreError as error:
            self._since = self.reactor.seconds()
            if not isinstance(error, Unavailable):
                self._log.error("signs of life: {error}", error=str(error))

    async def _bury(self, dead: Collection[Node]) -> None:
        devices = await self.nodes.bury()
        for node in dead:
            self._log.warn("server {node} is dead: {place}", node=node.id, place=node.place)
        if devices:
            self.presence.left_behind(devices)
            for payload in told(Bulletin(0, devices=sorted(devices))):
                await self.nodes.tell("news", payload)

    # Whose device is whose

    def _moved(self, payload: str) -> None:
        before, device_id, epoch, word = payload.split()
        device = self.presence.directory.by_id.get(int(device_id))
        # It may have come back before the word that it has gone: that comes by another connection.
        if int(before) == self.nodes.id and device is not None and device.state.epoch < int(epoch):
            self.presence.moved(device, word == GONE)

    def _missed(self) -> None:
        """The connection was away for a while: devices may have moved, and others have told what nobody has heard."""
        self._fall_behind(ALL)
        self._check_soon()
        self._look()

    def _check_soon(self) -> None:
        self._unchecked = True
        if not self._checking:
            self._checking = True
            Deferred.fromCoroutine(self._check_surely()).addErrback(
                lambda failure: self._log.failure("whose devices these are", failure)
            )

    async def _check_surely(self) -> None:
        """As often as it takes: who hears first that the database is back may find that others have not heard it yet."""
        try:
            while self._unchecked and not self._stopped:
                self._unchecked = False
                try:
                    await self._check()
                except Unavailable:
                    self._unchecked = True
                    await deferLater(self.reactor, RETRY)
        finally:
            self._checking = False

    async def _check(self) -> None:
        """Compare the claims in memory with those in the database."""
        devices = [device for device in self.presence.directory.by_id.values() if device.claimed]
        claims = await self.nodes.claims([device.id for device in devices])
        for device in devices:
            node, epoch = claims.get(device.id, (None, device.state.epoch))
            if epoch == device.state.epoch or not device.claimed:
                continue
            if node is not None and node != self.nodes.id:
                self.presence.moved(device, True)
            elif device.link is not None:
                await self.presence.regain(device)

    # What they have committed

    def bulletins(self, batch: Batch) -> Sequence[str]:
        """What others are to be told of a batch."""
        return bulletins(self.nodes.id, batch) if self.others else ()

    def _news(self, payload: str) -> None:
        if not self.hub.heard or payload.startswith(f"{self.nodes.id} "):
            return
        bulletin, waiting = parsed(payload), self._waiting
        self._devices.update(bulletin.devices)
        if self._behind is None:
            waiting.positions += bulletin.positions
            waiting.events += bulletin.events
            if self.waiting > self.limit:
                self._fall_behind()
        else:
            self._skip(bulletin)
        self._read_soon()

    def _fall_behind(self, first: int = NONE) -> None:
        """Of the positions from this one on, and of those that wait, only the latest of each device is told."""
        self._skip(self._waiting, first)
        self._waiting = Bulletin(0)
        self._read_soon()

    def _skip(self, bulletin: Bulletin, first: int = NONE) -> None:
        # By ids, which rise wherever they come from: what the clock says is another thing on each server.
        self.skipped += len(bulletin.positions) + len(bulletin.events)
        self._behind = min([NONE if self._behind is None else self._behind, first, *bulletin.positions])

    def _read_soon(self) -> None:
        if not self._reading:
            self._reading = True
            Deferred.fromCoroutine(self._read()).addErrback(
                lambda failure: self._log.failure("what other servers have committed", failure)
            )

    async def _read(self) -> None:
        """Tell the hub, until nothing waits."""
        try:
            while not self._stopped and (self._behind is not None or self.waiting or self._devices):
                told, self._waiting = self._waiting, Bulletin(0)
                told.devices, self._devices = list(self._devices), set()
                since, self._behind = self._behind, None
                try:
                    if self.hub.heard:
                        await self._tell(told)
                        if since is not None:
                            await self._catch_up(since)
                except Unavailable:
                    self._skip(told, NONE if since is None else since)
                    self._devices.update(told.devices)
                    await deferLater(self.reactor, RETRY)
        finally:
            self._reading = False

    async def _catch_up(self, since: int) -> None:
        """Tell the latest position of each device of others, from this id on; ALL: and how they are."""
        watched = sorted(self.hub.watched)
        for start in range(0, len(watched), SOME):
            some = watched[start : start + SOME]
            positions = await self.elsewhere.newest(self.nodes.id, some, since)
            devices = await self.elsewhere.of_others(self.nodes.id, some) if since == ALL else []
            self.hub.tell(await self._news_of(positions, [], set(devices)))

    async def _tell(self, told: Bulletin) -> None:
        watched, elsewhere = self.hub.watched, self.elsewhere
        positions = await elsewhere.positions(told.positions, watched) if told.positions else []
        events = await elsewhere.events(told.events, watched) if told.events else []
        self.hub.tell(await self._news_of(positions, events, watched.intersection(told.devices)))

    async def _news_of(
        self, positions: Iterable[PositionRow], events: Iterable[EventRow], ids: set[int]
    ) -> Sequence[News]:
        """All of it by device, and these devices besides."""
        ids.update([position.device_id for position in positions], [event.device_id for event in events])
        if not ids:
            return []
        rows = await self.elsewhere.devices(sorted(ids))
        found = {id: News(id, DeviceNews(*both)) for id, both in rows.items()}
        for position in positions:
            if (item := found.get(position.device_id)) is not None:
                item.positions.append(position)
        for event in events:
            if (item := found.get(event.device_id)) is not None:
                item.events.append(event)
        return list(found.values())
