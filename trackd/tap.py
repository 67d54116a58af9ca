"""
The composition root: the only place that makes parts.

`twistd trackd` calls `makeService`; the service starts the database, brings its schema up to date, has `build` put the
house together, and starts it. The order in which its parts begin and end is in `trackd.house`.
"""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from attrs import define, field
from treq.client import HTTPClient
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent

from trackd.clock import now, steady
from trackd.desk import Desk, Taken
from trackd.figures import Figure
from trackd.house import House, People
from trackd.listen.limits import Limits
from trackd.listen.poller import Poller, Source
from trackd.listen.server import Listener, Server
from trackd.listen.service import CannotListen, Listeners
from trackd.listen.tls import BadCertificate, context
from trackd.live.changes import Changes
from trackd.live.feed import Feed
from trackd.live.hub import Hub
from trackd.live.neighbours import Neighbours
from trackd.live.notices import notices
from trackd.live.subscriber import Limits as LiveLimits
from trackd.observation import Observation, beginning
from trackd.openfiles import allowed, needed, within
from trackd.options import Options
from trackd.people.setup import Setup
from trackd.rest.parts import services as parts_for_rest
from trackd.rest.services import Machine
from trackd.settings import Settings, SettingsError
from trackd.share import Share
from trackd.store.batch import Batch
from trackd.store.bulletins import Elsewhere
from trackd.store.chosen import Chosen, node
from trackd.store.commands import QueuedCommands
from trackd.store.committer import Committer
from trackd.store.database import Database, Unavailable
from trackd.store.deletions import Deletions
from trackd.store.devices import Devices
from trackd.store.embedded import CannotStart
from trackd.store.groups import Groups
from trackd.store.loading import Loading
from trackd.store.migrations import WrongSchema, migrate
from trackd.store.partitions import Partitions
from trackd.store.positions import Positions
from trackd.store.resent import Resent
from trackd.store.rows import EventRow
from trackd.store.unknown import UnknownDevices
from trackd.store.users import Users
from trackd.track.amendments import Amendments
from trackd.track.commands import Commands
from trackd.track.detect.motion import streaks, trips
from trackd.track.detect.simple import alarm, ignition
from trackd.track.directory import Directory
from trackd.track.frame import Detector, Stage
from trackd.track.intake import Intake
from trackd.track.loading import Loader
from trackd.track.media import Media
from trackd.track.presence import Presence
from trackd.track.stages.files import files
from trackd.track.stages.place import distance, geofences, outdated, time
from trackd.track.stages.vehicle import copy_attributes, engine_hours, motion
from trackd.track.strangers import Strangers
from trackd.web.health import Health, time_zones, zone
from trackd.web.machine import machine
from trackd.web.parts import site

__all__ = ["Options", "build", "makeService"]

log = Logger()


def stages(settings: Settings) -> list[Stage]:
    """The stages that are switched on, in their order."""
    found: list[Stage] = [
        outdated,
        time(settings["time.protocols"]),
        distance(settings["coordinates.filter"], settings["coordinates.minError"], settings["coordinates.maxError"]),
        geofences,
        motion,
    ]
    if settings["processing.copyAttributes.enable"]:
        found.append(copy_attributes)
    return [*found, engine_hours]


def detectors(settings: Settings) -> list[Detector]:
    """The detectors, in their order."""
    return [
        streaks if settings["report.trip.newLogic"] else trips,
        alarm(settings["event.ignoreDuplicateAlerts"]),
        ignition,
    ]


def limits(settings: Settings) -> Limits:
    """What the listeners bear."""
    return Limits(
        connections=settings["listen.connections"],
        per_address=settings["listen.perAddress"],
        before_login=settings["listen.beforeLogin"],
        login_time=settings["listen.loginTime"],
        idle=settings["server.timeout"],
        frame=settings["listen.frame"],
        ahead=settings["listen.ahead"],
        endpoints=settings["listen.endpoints"],
        datagrams=settings["listen.datagrams"],
        outputs=settings["listen.outputs"],
        linger=settings["listen.linger"],
        errors_logged=settings["listen.errorsLogged"],
        errors_logged_per_second=settings["listen.errorsLoggedPerSecond"],
    )


def listeners(settings: Settings) -> list[Listener]:
    """The ports of all formats in service. Raises BadCertificate."""
    found = []
    tls: Any = None
    here = zone("")
    for name, format in settings.formats.items():
        said = settings.format(name)
        if said[f"{name}.ssl"] and tls is None:
            certificate, key = settings["tls.certificate"], settings["tls.key"]
            if certificate is None or key is None:
                raise BadCertificate(f"{name}.ssl: set tls.certificate and tls.key to PEM files")
            tls = context(certificate, key)
        if format.ask is not None:
            continue
        found += [
            Listener(
                format,
                said[f"{name}.port"],
                address,
                tls if said[f"{name}.ssl"] else None,
                settings.timeout(name) or -1.0,
                said,
                here,
            )
            for address in said[f"{name}.address"] or ("",)
        ]
    return found


def people(
    reactor: Any,
    settings: Settings,
    database: Database,
    commands: Commands,
    intake: Intake,
    received: Callable[[], int],
    figures: Callable[[], Iterable[Figure]],
    does: Machine,
    tell: Callable[[int, str], None],
) -> People:
    """The parts that the REST dialects are given; `received` counts the messages of devices, `figures` are all counts."""
    committer = intake.committer
    health = Health(Users(database), settings.data, lambda: committer.pending)
    services = parts_for_rest(
        reactor,
        settings,
        database,
        version=version("trackd"),
        commands=commands,
        amendments=Amendments(intake, Positions(database), reactor),
        health=health.well,
        storage=health.storage,
        zones=time_zones,
        zone=zone(""),
        received=received,
        figures=figures,
        machine=does,
        tell=tell,
    )
    entrance = services.entrance
    setup = Setup(settings.data, entrance.users, entrance.passwords, entrance.limits)
    return People(entrance.users, services.sessions, setup, services)


def sources(settings: Settings) -> list[Source]:
    """Whom the formats that ask have to ask."""
    here = zone("")
    found = []
    for name, format in settings.formats.items():
        said = settings.format(name)
        if format.ask is not None and said[f"{name}.address"]:
            interval = settings.values.get(f"{name}.interval") or 0
            tls = said[f"{name}.ssl"]
            port = said[f"{name}.port"] or (443 if tls else 80)
            found.append(Source(format, said[f"{name}.address"][0], port, interval, tls, said, here))
    return found


def build(reactor: Any, settings: Settings, database: Database, share: Share | None = None) -> House:
    """Make every part and hand it what it needs."""
    share = Share(reactor) if share is None else share
    nodes = node(database, settings)
    devices, queue, unknown, loading = (
        Devices(database),
        QueuedCommands(database, settings["commands.queue"]),
        UnknownDevices(database, settings["unknown.kept"]),
        Loading(database, nodes),
    )
    positions = Positions(database)

    within = timedelta(seconds=settings["database.positionPeriod"])

    async def latest(user_id: int) -> Sequence[Any]:
        since = now(reactor) - within if within else None
        return await positions.latest(await devices.ids_of_user(user_id), since)

    async def rights(user_id: int) -> Collection[int]:
        await noticed.read(user_id)
        return await devices.ids_of_user(user_id)

    hub = Hub(
        reactor,
        lambda user_id, tokens: parts.services.entrance.admission(user_id, tokens),
        rights,
        latest,
        devices.users_of,
        Groups(database).holders,
        LiveLimits(
            connections=settings["live.connections"],
            user_connections=settings["live.userConnections"],
            queue=settings["live.queue"] * 7 // 8,  # the rest is for the message that is one too many
            memory=settings["live.memory"],
            events=settings["live.events"],
            timeout=settings["web.timeout"] / 1000,
            strangers=settings["web.showUnknownDevices"],
        ),
        share,
    )

    # The parts that hear of a commit are made after the committer.
    def committed(batch: Batch) -> None:
        intake.committed(batch)
        statistics.stored(batch.reports)

    committer = Committer(
        database.dedicated(),
        reactor,
        committed,
        lambda report: intake.refused(report),
        settings["commit.batch"],
        settings["commit.queue"],
        settings["commit.bytes"],
        withdrawn=lambda reports: intake.withdrawn(reports),
        bulletins=lambda batch: neighbours.bulletins(batch),
        shared=lambda: bool(neighbours.others),
    )
    loader = Loader(loading, settings.fallbacks(), settings["devices.history"], above=committer.above)
    directory = Directory(
        loader.load,
        loader.load_by_id,
        reactor,
        settings["devices.cache"],
        settings["database.throttleUnknown"],
        settings["devices.strangers"],
        loader.take_back,
    )
    noticed = notices(
        settings,
        database,
        lambda id: getattr(directory.by_id.get(id), "name", ""),
        hub.listening,
        lambda: now(reactor),
    )
    feed = Feed(hub, directory.by_id)

    async def set_attribute(device_id: int, name: str, value: Any) -> None:
        await devices.set_attribute(device_id, name, value)

    async def register(unique_id: str) -> None:
        await loading.register(
            unique_id,
            unique_id,
            settings["database.registerUnknown.defaultCategory"] or None,
            settings["database.registerUnknown.defaultGroupId"] or None,
        )

    presence = Presence(
        directory,
        committer,
        Strangers(unknown.note, reactor, settings["unknown.limit"]),
        reactor,
        lambda ids: feed.tell((), (), ids),
        set_attribute,
        register if settings["database.registerUnknown"] else None,
        re.compile(settings["database.registerUnknown.regex"], re.ASCII),
        settings["status.ignoreOffline"],
        settings["status.timeout"],
        settings["event.status.enable"],
        show=feed.stranger,
    )
    neighbours = Neighbours(reactor, nodes, Elsewhere(database), presence, hub, settings["nodes.queue"])
    commands = Commands(directory, queue, committer, reactor, settings.formats.get, neighbours.numbers)

    def thread(work: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return deferToThreadPool(reactor, reactor.getThreadPool(), work, *args)

    media = Media(settings["media.path"], thread)
    intake = Intake(
        presence,
        committer,
        commands,
        media,
        [files(media, datetime.now().astimezone().tzinfo or UTC), *stages(settings)],
        detectors(settings),
        (),
        Resent(database.dedicated()),
        feed.tell,
        settings["database.saveEmpty"],
        settings["database.saveOriginal"],
        settings["processing.remoteAddress.enable"],
        settings["devices.history"],
        show=feed.frame,
    )
    # Each room has its own words for a device; what the listeners hand in is what the intake has given them.
    taker: Any = intake
    server = Server(taker, reactor, limits(settings), share=share)
    client: Any = HTTPClient(Agent(reactor))

    def figures() -> Iterable[Figure]:
        return Observation(house).figures()

    def tell(user_id: int, text: str) -> None:
        hub.note(user_id, EventRow(0, 0, text, now(reactor), None, None, None, {}))

    does = machine(reactor, settings, media, thread, lambda: Observation(house).told(), leave)
    parts = people(reactor, settings, database, commands, intake, server.counters.frames, figures, does, tell)
    statistics = parts.services.statistics
    house = House(
        reactor,
        settings,
        database,
        committer,
        presence,
        commands,
        intake,
        hub,
        Listeners(reactor, server, listeners(settings)),
        [Poller(server, source, client) for source in sources(settings)],
        site(reactor, settings, parts.services, parts.setup, hub, noticed, thread, figures),
        parts,
        Changes(reactor, directory, commands, hub),
        unknown,
        Partitions(database, settings["database.historyDays"]),
        neighbours,
        Deletions(database),
    )
    return house


@define(eq=False)
class Trackd(Service):
    """The service that twistd runs. What keeps it from starting is said in one line, and ends the process."""

    reactor: Any
    settings: Settings
    show: Callable[[str], None]
    share: Share = field(init=False)
    chosen: Chosen = field(init=False)
    database: Database | None = None
    house: House | None = None
    desk: Desk = field(init=False)
    _starting: Deferred[None] | None = None

    def __attrs_post_init__(self) -> None:
        self.share = Share(self.reactor)
        self.desk = Desk(
            self.reactor,
            self.settings.data,
            lambda: beginning() if self.house is None else Observation(self.house).at_desk(),
        )
        self.chosen = Chosen(self.reactor, self.settings, sole=True, go_on=self.share.go_on)

    def startService(self) -> None:
        super().startService()
        # Without an answer to it the signal would end the process.
        signal.signal(signal.SIGUSR2, lambda number, frame: self.reactor.callFromThread(self.tell))
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(self._cannot)

    async def _start(self) -> None:
        await deferLater(self.reactor, 0.0)  # what keeps it from starting ends the reactor, which has to run for that
        settings = self.settings
        for warning in settings.warnings:
            self.show(f"warning: {warning}")
        self.desk.open()
        self.database = await self.chosen.start()
        await migrate(self.database)
        self.house = build(self.reactor, settings, self.database, self.share)
        await self.house.partitions.begin(now(self.reactor))
        await self.house.neighbours.nodes.join()
        await self.house.start()
        self.show(self._screen(await self.house.people.setup.start()))
        # What is here now stays: the collector need not look at it again and again. Reports make much that is gone
        # before it would be looked at, so it may come less often; but everybody waits for it, so never with much to do.
        gc.collect()
        gc.freeze()
        gc.set_threshold(25_000, 2, 200)

    def _screen(self, token: str) -> str:
        settings, house = self.settings, self.house
        assert house is not None
        where = "PostgreSQL of its own" if self.chosen.embedded is not None else "PostgreSQL of database.url"
        ports = len(house.listeners.listeners)
        url = settings["web.url"] or f"http://{settings['web.address'] or 'localhost'}:{settings['web.port']}"
        url = url.rstrip("/") + "/"
        link = [f"  set up     {url}setup?token={token}"] if token else []
        return "\n".join(
            [
                f"trackd {version('trackd')}",
                f"  data       {settings.data}",
                f"  database   {where}",
                f"  web        {url}",
                f"  listening  {len(settings.formats)} wire formats, {ports} listeners",
                *link,
            ]
        )

    def tell(self) -> None:
        """Log what the server is doing."""
        log.info("{block}", block="trackd is starting" if self.house is None else Observation(self.house).told())

    def _cannot(self, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, Unavailable) and self.chosen.embedded is None:
            self.show(f"trackd: database.url: the database cannot be reached: {' '.join(str(error).split())}")
        elif isinstance(error, KNOWN):
            self.show(f"trackd: {' '.join(str(error).split())}")
        else:
            log.failure("trackd cannot start", failure)
            self.show(f"trackd: cannot start: {error!r}")
        self.reactor.addSystemEventTrigger("after", "shutdown", leave, 1)
        self.reactor.stop()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._starting is not None:
            await self._starting
        if self.house is not None:
            await self.house.stop()
        await self.chosen.stop()
        await self.desk.close()


# Reasons that an operator can do something about.
KNOWN = (Taken, CannotStart, CannotListen, BadCertificate, WrongSchema, Unavailable, OSError)


def leave(status: int) -> None:
    """End the process with this status: twistd itself knows none after the reactor has run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def show(text: str) -> None:
    """Say it on the terminal, not in the log; nobody is there when twistd runs in the background."""
    if sys.__stderr__ is not None:
        print(text, file=sys.__stderr__, flush=True)


def makeService(options: Options) -> Service:
    """What twistd asks for. A configuration that cannot be used ends the process with a line for each reason."""
    from twisted.internet import reactor

    try:
        settings = options.settings()
    except SettingsError as error:
        raise SystemExit("\n".join(f"trackd: {problem}" for problem in error.problems)) from None
    steady(reactor)
    return Trackd(reactor, within(settings, allowed(needed(settings))), show)
