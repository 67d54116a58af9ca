"""
Recordings played to a running service over real sockets, with a real database.

Many conversations are under way at once, each on a connection of its own, step by step side by side: when nothing moves
any more on any of them, what has come back is compared and the next step is said. So nobody waits for a time that
somebody has guessed, and what should not come is seen as well as what should. Conversations that share an id follow
each other, each with devices that were made for it.

The service's clock stands still, at the time of the recording where the recording depends on it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import Factory, define, evolve
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import implementer

from tests.conformance import compare, stored
from tests.conformance.ends import HOST, End, connected
from tests.conformance.plays import MODES, Play, plays, waves
from tests.conformance.replay import ANOTHER_TIME, RECORDED_AT
from tests.conformance.vectors import Conversation
from trackd import tap
from trackd.configuration import dialects
from trackd.house import House
from trackd.live.changes import Changes
from trackd.settings import Formats, Settings, load
from trackd.store.database import Database
from trackd.wire import catalog
from trackd.wire.format import WireFormat

STILL = 4  # turns of the reactor without anything, after which nothing is on its way
PATIENCE = 10.0  # s until it is


class Clockwork:
    """The reactor, with a clock that stands at `now`; what is due later is due all the same."""

    def __init__(self, reactor: Any, now: datetime) -> None:
        self.now = now
        self._reactor = reactor

    def seconds(self) -> float:
        return self.now.timestamp()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


@implementer(ILogObserver)
@define
class Mistakes:
    """Collects what is logged as an error: what devices send never is."""

    lines: list[str]

    def __call__(self, event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            self.lines.append(formatEvent(event))


class Deaf(Changes):
    """Changes of rows are taken over when the runner says so, not some time later."""

    def heard(self, payload: str) -> None:
        """What is told is known."""


class Restless(Exception):
    """Something goes on in the service when everything should be over."""


@define
class Outcome:
    """How the service fared with a format."""

    conversations: int
    left_out: dict[str, str] = Factory(dict)  # id -> why
    failures: dict[str, dict[str, list[str]]] = Factory(lambda: {mode: {} for mode in MODES})  # -> id -> differences
    logged: list[str] = Factory(list)  # mistakes that were not a device's

    @property
    def failed(self) -> set[str]:
        return {one for mode in self.failures.values() for id in mode for one in id.split(" + ")}


@define(eq=False)
class Service:
    """A house in which one format listens, on any free port for each of the configurations that were recorded."""

    reactor: Any
    database: Database
    format: WireFormat
    media: Path
    clock: Clockwork
    house: House
    _ports: dict[tuple[str, str], int] = Factory(dict)  # by transport and configuration
    _datagrams: list[Any] = Factory(list)

    @classmethod
    async def started(
        cls,
        reactor: Any,
        database: Database,
        format: WireFormat,
        configurations: Iterable[Mapping[str, Any]],
        folder: Path,
        formats: Formats = catalog,
    ) -> Service:
        """`folder`: an empty one for files."""
        clock = Clockwork(reactor, ANOTHER_TIME)
        said = {"protocols.enable": format.name, f"{format.name}.port": "5000", "web.port": "0"}

        def settings(more: Mapping[str, Any]) -> Settings:
            return load([], {**said, **more}, formats, data=folder, dialects=dialects())

        plain = settings({})
        house = tap.build(clock, plain, database)
        changes = house.changes
        house.changes = Deaf(clock, directory=changes.directory, commands=changes.commands, hub=changes.hub)
        distinct = {key(configuration): configuration for configuration in [{}, *configurations]}
        house.listeners.listeners = tuple(
            evolve(listener, port=0, address=HOST)
            for configuration in distinct.values()
            for listener in tap.listeners(settings(configuration))
        )
        await house.start()
        service = cls(reactor, database, format, plain["media.path"], clock, house)
        for said_so, stream in zip(distinct, house.listeners._streams, strict=False):
            service._ports["tcp", said_so] = stream.getHost().port
        for said_so, (port, datagrams) in zip(distinct, house.listeners._datagrams, strict=False):
            service._ports["udp", said_so] = port.getHost().port
            service._datagrams.append(datagrams)
        return service

    async def play(self, wave: Sequence[Play]) -> None:
        """Play these side by side, and note what differs."""
        [clock] = {play.conversation.clock for play in wave}
        self.clock.now = RECORDED_AT if clock else ANOTHER_TIME
        devices = await self._make(wave)
        ends = [await self._connect(play) for play in wave]
        await self._quiet(ends)
        for end in ends:
            end.take()  # what is sent unasked is not recorded
        if wave[0].mode == "leaving":
            for play, end in zip(wave, ends, strict=True):
                for piece in play.pieces[0]:
                    end.say(piece)
        else:
            for number in range(max(len(play.steps) for play in wave)):
                await self._say(wave, ends, number)
                for play, end in zip(wave, ends, strict=True):
                    if number < len(play.steps):
                        self._compare(play, end, number)
        await self._part(ends)
        if devices:
            await self._look(wave, devices)
            await self._remove(devices)

    async def _part(self, ends: Sequence[End]) -> None:
        """Leave, and wait until all that was said is stored."""
        for end in ends:
            end.leave()
        await self._quiet(ends)
        for datagrams in self._datagrams:
            for endpoint in [*datagrams.known.values(), *datagrams.strangers.values()]:
                datagrams.forget(endpoint)
        if open := len(self.house.listeners.server.door):
            raise Restless(f"{open} connections are not given up")
        await self.house.committer.idle()

    async def _make(self, wave: Sequence[Play]) -> dict[str, int]:
        """The devices of these plays, by unique id."""
        rows = {
            unique_id: [play.conversation.model, json.dumps({} if play.configured else play.conversation.settings)]
            for play in wave
            for unique_id in play.devices
        }
        if not rows:
            return {}
        made = await self.database.query(
            "INSERT INTO devices (name, unique_id, model, attributes)"
            " SELECT unique_id, unique_id, model, attributes::json"
            " FROM unnest(%s::text[], %s::text[], %s::text[]) AS made (unique_id, model, attributes)"
            " RETURNING unique_id, id",
            [list(rows), [model for model, _ in rows.values()], [attributes for _, attributes in rows.values()]],
        )
        return dict(made)

    async def _connect(self, play: Play) -> End:
        transport = play.conversation.transport
        configuration = play.conversation.settings if play.configured else {}
        port = self._ports["udp" if transport == "udp" else "tcp", key(configuration)]
        return await connected(self.reactor, transport, port)

    async def _say(self, wave: Sequence[Play], ends: Sequence[End], number: int) -> None:
        """Step `number` of all of them, piece by piece."""
        speaking = [
            (end, play.pieces[number])
            for play, end in zip(wave, ends, strict=True)
            if number < len(play.pieces) and not end.closed
        ]
        for at in range(max((len(pieces) for _, pieces in speaking), default=0)):
            for end, pieces in speaking:
                if at < len(pieces):
                    end.say(pieces[at])
            # One turn for sending, one for receiving.
            for _ in range(2):
                await deferLater(self.reactor, 0)
        await self._quiet(ends)

    async def _quiet(self, ends: Sequence[End]) -> None:
        """Wait until nothing is on its way, in neither direction."""
        deadline = self.reactor.seconds() + PATIENCE
        before: Any = None
        still = 0
        while still < STILL:
            door = self.house.listeners.server.door
            guests: Iterable[Any] = door.guests
            busy = any(guest.conversation.busy for guest in guests if guest.conversation is not None)
            server = self.house.listeners.server
            busy = busy or len(server.share) > 0 or len(server.backlog) > 0
            busy = busy or any(datagrams.underway for datagrams in self._datagrams)
            counts = self.house.listeners.server.counters.of(self.format.name)
            now = (
                len(door),
                counts.connections,
                counts.bytes,
                sum(end.size for end in ends),
                sum(end.closed for end in ends),
            )
            still = 0 if busy or now != before else still + 1
            before = now
            if self.reactor.seconds() > deadline:
                raise Restless(f"the service does not come to rest: {now}, busy: {busy}")
            await deferLater(self.reactor, 0.001 if busy else 0)

    def _compare(self, play: Play, end: End, number: int) -> None:
        """Compare what has come back."""
        step, transport = play.steps[number], play.conversation.transport
        found = compare.replies(step.replies, end.take(), transport)
        if transport != "udp" and end.closed != any(step.closed for step in play.steps[: number + 1]):
            found.append("closed" if end.closed else "not closed")
        where = f"step {number}: " if len(play.steps) > 1 else ""
        play.differences += [where + one for one in found]

    async def _look(self, wave: Sequence[Play], devices: Mapping[str, int]) -> None:
        """Compare what is stored."""
        names = {id: unique_id for unique_id, id in devices.items()}
        ids = list(names)
        rows = await self.database.query(
            f"SELECT {stored.COLUMNS} FROM positions WHERE device_id = ANY(%s::bigint[]) ORDER BY id", [ids]
        )
        refused = await self.database.query(
            "SELECT device_id, 'the database refused it: ' || reason FROM quarantine WHERE device_id = ANY(%s::bigint[])",
            [ids],
        )
        lost = await self.database.query(
            "SELECT device_id, 'its latest position is none of the stored ones' FROM device_states s"
            " WHERE device_id = ANY(%s::bigint[]) AND position_id IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM positions p WHERE p.device_id = s.device_id AND p.id = s.position_id)",
            [ids],
        )
        found: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault(names[row[0]], []).append(stored.as_json(row, names[row[0]]))
        for play in wave:
            wanted = stored.expected(play.steps, self.clock.now)
            here = {unique_id: found.get(unique_id, []) for unique_id in play.devices}
            play.differences += stored.differences(wanted, here, self.media)
            play.differences += stored.media([file for step in play.steps for file in step.media], self.media)
            play.differences += [f"{names[id]}: {what}" for id, what in refused + lost if names[id] in here]

    async def _remove(self, devices: Mapping[str, int]) -> None:
        """Whoever has one of these ids next is another device."""
        ids = list(devices.values())
        await self.database.run("UPDATE devices SET deleted_at = now() WHERE id = ANY(%s::bigint[])", [ids])
        await self.house.presence.directory.changed(ids)
        if self.media.is_dir():
            for folder in self.media.iterdir():
                shutil.rmtree(folder)


def key(configuration: Mapping[str, Any]) -> str:
    return json.dumps(configuration, sort_keys=True)


def listens(format: WireFormat, transport: str) -> bool:
    return {"tcp": format.tcp and not format.http, "udp": format.udp, "http": format.http}[transport]


async def check(
    reactor: Any,
    database: Database,
    format: WireFormat,
    conversations: Sequence[Conversation],
    folder: Path,
    formats: Formats = catalog,
) -> Outcome:
    """All recordings of a format in all modes, against a service that is started for it; `folder` is for its files."""
    outcome = Outcome(len(conversations))
    all = list(plays(format, conversations, outcome.left_out.__setitem__))
    for play in all:
        if not listens(format, play.conversation.transport):
            play.differences.append(f"the format does not listen on {play.conversation.transport}")
    observe = Mistakes(outcome.logged)
    globalLogPublisher.addObserver(observe)
    try:
        await _play(reactor, database, format, [play for play in all if not play.differences], folder, formats)
    except Exception as error:
        outcome.logged.append(f"{type(error).__name__}: {error}")
    finally:
        globalLogPublisher.removeObserver(observe)
    for play in all:
        if play.differences:
            outcome.failures[play.mode][play.conversation.id] = play.differences
    return outcome


async def _play(
    reactor: Any, database: Database, format: WireFormat, all: Sequence[Play], folder: Path, formats: Formats
) -> None:
    if not all:
        return
    configurations = [play.conversation.settings for play in all if play.configured]
    service = await Service.started(reactor, database, format, configurations, folder, formats)
    try:
        for wave in waves(all):
            try:
                await service.play(wave)
            except Restless as error:
                ids = ", ".join(play.conversation.id for play in wave)
                raise Restless(f"{error}; {wave[0].mode}: {ids}; nothing more was played") from error
    finally:
        await service.house.stop()
