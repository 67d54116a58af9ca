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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import Factory, define, evolve, field
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

from tests.conformance import replay, stored
from tests.conformance.ends import HOST, End, connected
from tests.conformance.replay import ANOTHER_TIME, RECORDED_AT
from tests.conformance.vectors import Conversation, Step
from trackd import tap
from trackd.configuration import dialects
from trackd.listen.server import Listener
from trackd.settings import Formats, Settings, load
from trackd.store.database import Database
from trackd.track.media import Media
from trackd.wire import catalog
from trackd.wire.format import WireFormat
from trackd.wire.framing import whole

MODES = ("known", "unknown", "bytewise", "glued")
AT_ONCE = 200  # conversations side by side
STILL = 4  # turns of the reactor without anything, after which nothing is on its way
PATIENCE = 30.0  # s until it is


class Clockwork:
    """The reactor, with a clock that stands at `now`; what is due later is due all the same."""

    def __init__(self, reactor: Any, now: datetime) -> None:
        self.now = now
        self._reactor = reactor

    def seconds(self) -> float:
        return self.now.timestamp()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


class Deaf(tap.Changes):
    """Changes of rows are taken over when the runner says so, not some time later."""

    def heard(self, payload: str) -> None:
        """What is told is known."""


@define(eq=False)
class Play:
    """A conversation in one of the ways of playing, or two of them on one connection."""

    mode: str
    conversation: Conversation
    steps: list[Step]
    pieces: list[list[bytes]]  # for each step, what is written
    configured: bool = False  # its settings are in the configuration, not with the devices
    differences: list[str] = Factory(list)
    ids: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ids = frozenset(id for step in self.steps for ids in step.ids for id in ids)

    @property
    def known(self) -> bool:
        return self.mode != "unknown"

    @property
    def devices(self) -> set[str]:
        """The ids that are devices: in the recordings the first of each list."""
        return {ids[0] for step in self.steps for ids in step.ids if ids} if self.known else set()


@define
class Outcome:
    """How the service fared with a format."""

    conversations: int
    left_out: dict[str, str] = Factory(dict)  # id -> why
    failures: dict[str, dict[str, list[str]]] = Factory(dict)  # mode -> id -> differences
    logged: list[str] = Factory(list)  # mistakes that were not a device's

    @property
    def failed(self) -> set[str]:
        return {one for mode in self.failures.values() for id in mode for one in id.split(" + ")}


# What is played


def plays(format: WireFormat, conversations: Sequence[Conversation], outcome: Outcome) -> Iterator[Play]:
    """All ways of playing these conversations, except what can't be played from outside."""
    streams = []
    for conversation in conversations:
        if why := _obstacle(format, conversation):
            outcome.left_out[conversation.id] = why
            continue
        said = [[_wire(step)] for step in conversation.steps]
        yield Play("unknown", conversation, conversation.unknown, said, True)
        if any("\0" in id for step in conversation.steps for ids in step.ids for id in ids[:1]):
            outcome.left_out[conversation.id] = "a device whose id has a NUL"
            continue
        configured = not _as_attributes(format, conversation)
        yield Play("known", conversation, conversation.steps, said, configured)
        if _is_cut(format, conversation):
            bytewise = [[bytes((byte,)) for byte in data] for [data] in said]
            yield Play("bytewise", conversation, conversation.steps, bytewise, configured)
        if conversation.transport == "tcp" and _is_cut(format, conversation):
            streams.append(conversation)
    for conversation in _paired(format, streams):
        stream = b"".join(map(_wire, conversation.steps))
        configured = not _as_attributes(format, conversation)
        yield Play("glued", conversation, [_together(conversation.steps)], [[stream]], configured)


def _obstacle(format: WireFormat, conversation: Conversation) -> str:
    if conversation.session is not None:
        return "is logged in before it begins"
    if format.ask is not None:
        return "answers of a server that was asked"
    if any(step.wire is None and step.http is None for step in conversation.steps):
        return "its bytes are not recorded"
    return ""


def _is_cut(format: WireFormat, conversation: Conversation) -> bool:
    """Whether it does not matter how the network cuts it."""
    if conversation.transport == "udp":
        return False
    return format.http or format.mqtt or format.split not in (None, whole) or format.splitter is not None


def _wire(step: Step) -> bytes:
    if step.wire is not None:
        return step.wire
    assert step.http is not None
    request = replay.request_of(step.http)
    headers = {**request.headers, "content-length": str(len(request.body))}
    lines = [f"{request.method} {request.uri} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def _as_attributes(format: WireFormat, conversation: Conversation) -> bool:
    """Whether settings mean the same with the device: not those that are asked for before it is known."""
    if not conversation.settings:
        return True
    connection = replay.Connection(format, evolve(conversation, settings={}))
    for id in {ids[0] for step in conversation.steps for ids in step.ids if ids}:
        connection._device(id).attributes = conversation.settings
    return not any(
        replay.difference(step, connection.play(step), conversation.transport) for step in conversation.steps
    )


def _paired(format: WireFormat, conversations: Sequence[Conversation]) -> Iterator[Conversation]:
    """These conversations, two of them as one wherever the first changes nothing for the second."""
    waiting = list(conversations)
    while waiting:
        first = waiting.pop(0)
        for second in waiting[:5]:
            if (both := _both(format, first, second)) is not None:
                waiting.remove(second)
                yield both
                break
        else:
            yield first


def _both(format: WireFormat, first: Conversation, second: Conversation) -> Conversation | None:
    if (first.model, first.settings, first.clock) != (second.model, second.settings, second.clock):
        return None
    devices = [{ids[0] for step in one.steps for ids in step.ids if ids} for one in (first, second)]
    if devices[0] != devices[1] and not all(step.ids and all(step.ids) for step in second.steps):
        return None  # whoever does not say who he is would be the first one
    if any(step.closed for step in first.steps):
        return None
    both = evolve(
        first, id=f"{first.id} + {second.id}", steps=first.steps + second.steps, unknown=first.unknown + second.unknown
    )
    return None if replay.glued(format, both) else both


def _together(steps: Sequence[Step]) -> Step:
    """Several steps as one."""
    return Step(
        wire=None,
        frame=None,
        text=None,
        http=None,
        answer=None,
        ids=[ids for step in steps for ids in step.ids],
        positions=[position for step in steps for position in step.positions],
        replies=[reply for step in steps for reply in step.replies],
        media=[file for step in steps for file in step.media],
        error=any(step.error for step in steps),
        closed=any(step.closed for step in steps),
    )


def waves(plays: Iterable[Play]) -> Iterator[list[Play]]:
    """What can be played side by side: the same way at the same time, and no id twice unless nobody knows it."""
    groups: dict[tuple[str, bool], list[list[Play]]] = {}
    after: dict[tuple[str, bool, str], int] = {}  # the wave behind the last one with this id
    for play in plays:
        group = (play.mode, play.conversation.clock)
        made = groups.setdefault(group, [])
        number = max((after.get((*group, id), 0) for id in play.ids), default=0) if play.known else 0
        while number < len(made) and len(made[number]) >= AT_ONCE:
            number += 1
        if number == len(made):
            made.append([])
        made[number].append(play)
        after |= {(*group, id): number + 1 for id in play.ids}
    for made in groups.values():
        yield from made


# The service


@define(eq=False)
class Service:
    """A house in which one format listens, on any free port for each of the configurations that were recorded."""

    reactor: Any
    database: Database
    format: WireFormat
    media: Path
    clock: Clockwork
    house: tap.House
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
        house.changes = Deaf(clock, house.changes.directory, house.changes.commands, house.changes.hub)
        # Each file durable at once would take most of the time.
        media = house.intake.media
        assert isinstance(media, Media)
        listeners: dict[int, str] = {}
        for configuration in [{}, *configurations]:
            key = json.dumps(configuration, sort_keys=True)
            if key not in listeners.values():
                [listener] = tap.listeners(settings(configuration))
                listener = evolve(listener, port=0, address=HOST)
                listeners[id(listener)] = key
                house.listeners.listeners += (listener,)
        house.listeners.listeners = tuple(one for one in house.listeners.listeners if id(one) in listeners)
        await house.start()
        service = cls(reactor, database, format, media.folder, clock, house)
        for stream in house.listeners._streams:
            service._ports["tcp", listeners[id(stream.factory.listener)]] = stream.getHost().port
        for port, datagrams in house.listeners._datagrams:
            service._ports["udp", listeners[id(datagrams.listener)]] = port.getHost().port
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
        for number in range(max(len(play.steps) for play in wave)):
            await self._say(wave, ends, number)
            for play, end in zip(wave, ends, strict=True):
                self._compare(play, end, number)
        for end in ends:
            end.leave()
        for datagrams in self._datagrams:
            for endpoint in [*datagrams.known.values(), *datagrams.strangers.values()]:
                datagrams.forget(endpoint)
        await self._quiet(ends)
        await self.house.committer.idle()
        if devices:
            await self._look(wave, devices)
        await self._remove(devices)

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
        configuration = json.dumps(play.conversation.settings if play.configured else {}, sort_keys=True)
        port = self._ports["udp" if transport == "udp" else "tcp", configuration]
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
                raise TimeoutError(f"the service does not come to rest: {now}, busy: {busy}")
            await deferLater(self.reactor, 0.001 if busy else 0)

    def _compare(self, play: Play, end: End, number: int) -> None:
        if number >= len(play.steps):
            return
        step = play.steps[number]
        where = f"step {number}: " if len(play.steps) > 1 else ""
        found = compare_replies(step, end, play.conversation.transport)
        play.differences += [where + one for one in found]

    async def _look(self, wave: Sequence[Play], devices: Mapping[str, int]) -> None:
        """Compare what is stored."""
        names = {id: unique_id for unique_id, id in devices.items()}
        ids = list(names)
        rows = await self.database.query(
            f"SELECT {stored.COLUMNS} FROM positions WHERE device_id = ANY(%s::bigint[]) ORDER BY id", [ids]
        )
        refused = await self.database.query(
            "SELECT device_id, reason FROM quarantine WHERE device_id = ANY(%s::bigint[])", [ids]
        )
        found: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault(names[row[0]], []).append(stored.as_json(row, names[row[0]]))
        for play in wave:
            wanted = stored.expected(play.steps, self.clock.now)
            here = {unique_id: found.get(unique_id, []) for unique_id in play.devices}
            play.differences += stored.differences(wanted, here, self.media)
            play.differences += stored.media([file for step in play.steps for file in step.media], self.media)
            play.differences += [
                f"{names[id]}: the database refused it: {reason}" for id, reason in refused if names[id] in here
            ]

    async def _remove(self, devices: Mapping[str, int]) -> None:
        """Whoever has one of these ids next is another device."""
        if not devices:
            return
        ids = list(devices.values())
        await self.database.run("UPDATE devices SET deleted_at = now() WHERE id = ANY(%s::bigint[])", [ids])
        await self.house.presence.directory.changed(ids)
        if self.media.is_dir():
            for folder in self.media.iterdir():
                shutil.rmtree(folder)


def compare_replies(step: Step, end: End, transport: str) -> list[str]:
    """How what came back differs from a recorded step."""
    found = replay.compare.replies(step.replies, end.take(), transport)
    if transport != "udp" and end.closed != step.closed:
        found.append("closed" if end.closed else "not closed")
    return found


async def check(
    reactor: Any,
    database: Database,
    format: WireFormat,
    conversations: Sequence[Conversation],
    folder: Path,
    formats: Formats = catalog,
) -> Outcome:
    """All recordings of a format in all modes, against a service that is started for it."""
    outcome = Outcome(len(conversations), failures={mode: {} for mode in MODES})

    def observe(event: Any) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            outcome.logged.append(formatEvent(event))

    all = list(plays(format, conversations, outcome))
    globalLogPublisher.addObserver(observe)
    try:
        configurations = [play.conversation.settings for play in all if play.configured]
        service = await Service.started(reactor, database, format, configurations, folder, formats)
        try:
            for wave in waves(all):
                await service.play(wave)
        finally:
            await service.house.stop()
    finally:
        globalLogPublisher.removeObserver(observe)
    for play in all:
        if play.differences:
            outcome.failures[play.mode][play.conversation.id] = play.differences
    return outcome
