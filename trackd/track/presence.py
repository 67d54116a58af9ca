"""
Who is there: look-ups, sessions, automatic registration, and the status of devices.

A device is `online` with each message, `offline` when its connection closes (where the format can tell), and `unknown`
after a silence. Its session lives as long as its connection, however silent.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakSet

from attrs import Factory, define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from trackd.clock import now
from trackd.store.committer import Committer
from trackd.store.database import Unavailable
from trackd.store.report import Event
from trackd.track.device import Device
from trackd.track.directory import Directory
from trackd.track.link import Link
from trackd.track.sessions import Sessions
from trackd.track.strangers import Strangers
from trackd.track.turns import let_pass, queue
from trackd.wire.values import WireError

T = TypeVar("T")

# Between tries while the database is away; the connection that asks is paused meanwhile.
PATIENCE = 0.5


@define(eq=False)
class Presence:
    """
    `register` makes a device for an unknown id that fits `pattern`, and says whether it did; None: nobody is registered.
    """

    directory: Directory
    committer: Committer
    strangers: Strangers
    clock: IReactorTime
    tell: Callable[[Iterable[int]], None]  # these devices' status has changed, or they are alive
    set_attribute: Callable[[int, str, Any], Awaitable[None]]
    register: Callable[[str], Awaitable[None]] | None = None
    pattern: re.Pattern[str] = re.compile(r"\w{3,15}", re.ASCII)
    never_offline: Collection[str] = ()  # formats whose closed connections mean nothing
    timeout: float = 600.0  # s of silence
    events: bool = False
    sessions: Sessions = Factory(Sessions)
    show: Callable[[Link, str, bytes], None] | None = None  # whom frames of unknown ids are shown
    _lost: WeakSet[Any] = field(factory=WeakSet, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def find(self, link: Link, ids: tuple[str, ...], frame: bytes) -> Any:
        """A Device, None, or a Deferred of these. WireError for a device that is disabled or has expired."""
        if (device := self.sessions.known(link, ids)) is not None or not ids:
            return device
        if (device := self.directory.here(ids[0])) is not None:
            return self._bind(link, device)
        found = self.directory.find(ids[0])
        found.addCallbacks(self._found, self._search, (link, ids, frame), errbackArgs=(link, ids, frame))
        return found

    def _found(self, device: Device | None, link: Link, ids: tuple[str, ...], frame: bytes) -> Any:
        """Most devices have one id, and most strangers are nobody; a coroutine is made for the others."""
        if device is not None:
            self.strangers.known(ids)
            return self._bind(link, device)
        if len(ids) > 1 or self.register is not None:
            return self._search(None, link, ids, frame)
        self._unknown(link, ids, frame)
        return None

    def _search(self, failure: Failure | None, link: Link, ids: tuple[str, ...], frame: bytes) -> Any:
        if failure is not None:
            failure.trap(Unavailable)
        return Deferred.fromCoroutine(self._find(link, ids, frame))

    async def _find(self, link: Link, ids: tuple[str, ...], frame: bytes) -> Device | None:
        device = await self.patiently(lambda: self._look_up(ids))
        if device is None:
            self._unknown(link, ids, frame)
            return None
        self.strangers.known(ids)
        return self._bind(link, device)

    def _unknown(self, link: Link, ids: tuple[str, ...], frame: bytes) -> None:
        self.strangers.seen(ids[0], link.format.name, link.host, frame, self._now(), link.number)
        if self.show is not None:
            self.show(link, ids[0], frame)

    async def _look_up(self, ids: tuple[str, ...]) -> Device | None:
        for id in ids:
            if (device := await self.directory.find(id)) is not None:
                return device
        if self.register is not None and self.pattern.fullmatch(ids[0]):
            await self.register(ids[0])
            self.directory.known_now(ids[0])
            return await self.directory.find(ids[0])
        return None

    def _bind(self, link: Link, device: Device) -> Device:
        if device.disabled:
            raise WireError(f"device {device.unique_id} is disabled")
        if device.expiration_time is not None and device.expiration_time < self._now():
            raise WireError(f"device {device.unique_id} has expired")
        if link not in self._lost:
            self.sessions.bind(link, device)
        return device

    async def patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, however long the database is away."""
        while True:
            try:
                return await ask()
            except Unavailable:
                await deferLater(self.clock, PATIENCE)

    # Status

    def heard(self, device: Device, now: datetime) -> None:
        """A message has come from it."""
        device.state.last_update = now
        if device.state.status != "online":
            self._become(device, "online", now)

    def sign(self, device: Device) -> None:
        """Have its status stored; a report that is stored does that by itself."""
        state = device.state
        self.committer.touch(device.id, state.status, state.last_update, epoch=state.epoch)

    def lost(self, link: Link) -> None:
        """The connection is closed: whoever was on it is offline."""
        self._lost.add(link)
        devices = self.sessions.lost(link)
        format = link.format
        if format.http or link.session.transport == "udp" or format.name in self.never_offline:
            return
        now = self._now()
        for device in devices:
            self._become(device, "offline", now)
        self.tell([device.id for device in devices])

    def sweep(self) -> None:
        """Devices that have been silent for too long are unknown."""
        now = self._now()
        since = now - timedelta(seconds=self.timeout)
        silent = [
            device
            for device in self.directory.by_id.values()
            if device.state.status == "online"
            and device.claimed
            and device.state.last_update
            and device.state.last_update < since
        ]
        for device in silent:
            self._become(device, "unknown", now)
            # A connection that is still open goes on carrying it; a sender of datagrams or requests may be gone.
            if device.link is not None and device.link.session.transport in ("udp", "http"):
                self.sessions.release(device)
        if silent:
            self.tell([device.id for device in silent])
        self.directory.forget()

    def everybody_offline(self) -> None:
        """The server stops: whoever was connected is not any more."""
        for device in self.directory.by_id.values():
            if device.state.status == "online" and device.claimed:
                device.state.status = "offline"
                self.sign(device)

    # Several servers

    def moved(self, device: Device, gone: bool) -> None:
        """
        Another server has it: what memory knows of it is void.

        `gone`: it has a session there, so the one here is over, and its connection if nobody else is on it.
        """
        device.stale = True
        device.queued = max(1, device.queued)  # there may be commands for it that could not be sent meanwhile
        if not gone:
            return
        device.claimed = False
        link = device.link
        if link is not None:
            self.sessions.release(device)
            if link.live and link.session.transport != "udp" and not self.sessions.carries(link):
                link.finish()

    def left_behind(self, ids: Iterable[int]) -> None:
        """These devices were online on a server that is dead, and are offline now."""
        if self.events:
            for id in ids:
                self.committer.note(Event(id, "deviceOffline", self._now()))

    async def regain(self, device: Device) -> None:
        """It was taken from this server by mistake: it is here, and alive."""
        device.stale = True
        await queue(device, lambda: self._regained(device))

    async def _regained(self, device: Device) -> None:
        await self.refreshed(device)
        if device.state.status == "online":
            self.committer.touch(device.id, "online", device.state.last_update, urgent=True, epoch=device.state.epoch)

    async def refreshed(self, device: Device, again: bool = False) -> None:
        """
        Memory has of it what the database has: to be called in the device's turn.

        What has to go its way again comes before; `again`: the caller is a part of that.
        """
        while (device.stale or not device.claimed) and not device.deleted:
            await self.written(device)
            if device.returning and not again:
                await let_pass(device)
            else:
                await self.patiently(lambda: self.directory.reload(device))

    async def written(self, device: Device) -> None:
        """What it has said so far is in the database, or on its way again."""
        if device.uncommitted and (tried := self.committer.tried()) is not None:
            await tried

    def _become(self, device: Device, status: str, now: datetime) -> None:
        state = device.state
        state.status = status
        self.committer.touch(device.id, status, state.last_update, urgent=True, epoch=state.epoch)
        if self.events:
            self.committer.note(Event(device.id, "device" + status.capitalize(), now))

    async def remember(self, device: Device, name: str, value: Any) -> None:
        """Store an attribute of the device."""
        await self.patiently(lambda: self.set_attribute(device.id, name, value))
        device.attributes = {**device.attributes, name: value}

    def _now(self) -> datetime:
        return now(self.clock)
