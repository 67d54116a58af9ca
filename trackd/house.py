"""
The house with all its parts: the order in which they begin, and the order in which they end.

`trackd.tap` puts it together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from trackd.clock import now
from trackd.listen.poller import Poller
from trackd.listen.service import BACKLOG, CannotListen, Listeners, unhurried
from trackd.live.changes import Changes
from trackd.live.hub import Hub
from trackd.live.neighbours import Neighbours
from trackd.people.sessions import Sessions
from trackd.people.setup import Setup
from trackd.rest.services import Services
from trackd.settings import Settings
from trackd.store.committer import MINUTE, Committer
from trackd.store.database import Database, Unavailable
from trackd.store.deletions import Deletions
from trackd.store.partitions import Partitions
from trackd.store.unknown import UnknownDevices
from trackd.store.users import Users
from trackd.track.commands import Commands
from trackd.track.intake import Intake
from trackd.track.presence import Presence
from trackd.web.site import Site

log = Logger()

# Seconds that the stop may take in all; for what is left to be committed, when the database does not answer.
PATIENCE = 1.5
# Seconds between two additions to the statistics of the day.
WRITTEN = 600.0


@define(eq=False)
class People:
    """Who may come in, and what they may see and do."""

    users: Users
    sessions: Sessions
    setup: Setup
    services: Services


@define(eq=False)
class House:
    """All parts, put together. `start` and `stop` are the order in which they begin and end."""

    reactor: Any
    settings: Settings
    database: Database
    committer: Committer
    presence: Presence
    commands: Commands
    intake: Intake
    hub: Hub
    listeners: Listeners
    pollers: list[Poller]
    site: Site
    people: People
    changes: Changes
    unknown: UnknownDevices
    partitions: Partitions
    neighbours: Neighbours
    deletions: Deletions
    _timers: list[LoopingCall] = field(factory=list, init=False)
    web: Any = field(default=None, init=False)  # the port of the site

    async def start(self) -> None:
        """Everything that must be there comes before the first that may ask for it; the ports come last."""
        self.database.watch()
        await self.database.listen("changes", self.changes.heard, self.changes.missed)
        await self.neighbours.start(self.database)
        self.hub.start()
        if self.settings["web.port"] > 0:
            self._open_web()
        self.listeners.startService()
        for poller in self.pollers:
            poller.startService()
        self._every(max(1.0, self.settings["status.timeout"] / 10), self.presence.sweep)
        self._every(MINUTE, self.committer.tell_losses)
        self._every(WRITTEN, lambda: Deferred.fromCoroutine(self.people.services.statistics.write()))
        self._every(3600.0, lambda: Deferred.fromCoroutine(self._tidy()))

    async def stop(self) -> None:
        """Nobody new is let in, those who are there get what they are owed, and all that was said is committed."""
        for timer in self._timers:
            if timer.running:
                timer.stop()
        self.changes.stop()
        await DeferredList(
            [Deferred.fromCoroutine(self.listeners.stop()), *(one.stopService() for one in self.pollers)]
        )
        self.presence.everybody_offline()
        leaving = Deferred.fromCoroutine(self.neighbours.stop())
        last = DeferredList([self.committer.idle(), self.presence.strangers.stop(), leaving], consumeErrors=True)
        # At the time-out these are cancelled one by one; the list itself ends well.
        await last.addTimeout(PATIENCE, self.reactor)
        self.committer.tell_losses()
        if self.web is not None:
            await maybeDeferred(self.web.stopListening)
        await self.hub.stop()
        # It may be cancelled in the same way.
        counted = DeferredList([Deferred.fromCoroutine(self.people.services.statistics.write())], consumeErrors=True)
        await counted.addTimeout(PATIENCE, self.reactor)

    def _open_web(self) -> None:
        address, port = self.settings["web.address"], self.settings["web.port"]
        try:
            self.web = self.reactor.listenTCP(port, self.site, backlog=BACKLOG, interface=address)
            unhurried(self.web, self.settings["listen.ahead"], self.site.share)
        except CannotListenError as error:
            why = getattr(error.socketError, "strerror", None) or error.socketError
            raise CannotListen(f"web.port: cannot listen on port {port}: {why}") from error

    def _every(self, seconds: float, work: Callable[[], Any]) -> None:
        timer = LoopingCall(work)
        timer.clock = self.reactor
        timer.start(seconds, now=False).addErrback(lambda failure: log.failure("a timer has stopped", failure))
        self._timers.append(timer)

    async def _tidy(self) -> None:
        """Cut what grows, and make next month's partition; one server does it for all on its database."""
        if not self.neighbours.first:
            return
        time, people, services = now(self.reactor), self.people, self.people.services
        works: tuple[Callable[[], Awaitable[Any]], ...] = (
            lambda: self.partitions.keep(time),
            self.unknown.prune,
            people.sessions.clean,
            lambda: people.users.delete_expired(time),
            lambda: self.deletions.tidy(timedelta(days=self.settings["deleted.days"])),
            lambda: services.audit.prune(self.settings["audit.days"]),
            services.statistics.settle,
            services.identity.prune,
        )
        for work in works:
            try:
                await work()
            except Unavailable as error:
                log.warn("the hourly tidying waits for the database: {error}", error=str(error))
            except Exception:
                # The others must be done all the same, and all of them again in an hour.
                log.failure("while tidying")
