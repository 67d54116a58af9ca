"""Fakes for the tests of `trackd.track`: a database in memory, and connections without sockets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import Factory, define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from trackd.store.batch import CLAIM_LOST, Batch
from trackd.store.committer import Committer
from trackd.store.database import Refused, Unavailable
from trackd.store.report import Event, Report, State
from trackd.store.rows import UnknownRow
from trackd.track.commands import Commands
from trackd.track.device import Device
from trackd.track.directory import Directory
from trackd.track.frame import Detector, Stage
from trackd.track.intake import Intake
from trackd.track.media import Media
from trackd.track.presence import Presence
from trackd.track.strangers import Strangers
from trackd.wire.format import Session, WireFormat
from trackd.wire.values import Command, Position, Unsupported

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def never(frame: Any, session: Session) -> Any:
    raise AssertionError("nothing is decoded here")


def encode(command: Command, session: Session) -> bytes | None:
    if command.type == "engineStop":
        return b"stop"
    raise Unsupported(command.type)


PLAIN = WireFormat("plain", 5000, never, text=True, commands=("engineStop",), encode=encode)
WEB = WireFormat("web", 5001, never, http=True)


@define(eq=False)
class Wire:
    """A `Link` that keeps what is sent to it."""

    format: WireFormat = PLAIN
    live: bool = True
    host: str = "192.0.2.1"
    session: Session = Factory(lambda self: Session(self.format, now=NOON), takes_self=True)
    sent: list[bytes] = Factory(list)
    finished: bool = False
    number: int = 17

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def finish(self) -> None:
        self.finished = True


@define(eq=False)
class MemoryConnection:
    """The committer's connection: remembers what it was told to write; it refuses positions with `poison` in them."""

    batches: list[tuple[str, list[Any]]] = Factory(list)
    trouble: list[Exception] = Factory(list)
    held: Deferred[None] | None = None
    poison: str = ""
    refuses: str = "no such statement"
    lost: int = 0  # so many of the next transactions with positions are refused: another server has a device
    epochs: dict[int, int] = Factory(dict)  # of the claims, by device
    number: int = 1

    async def query(self, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if "epoch" in sql:
            return [(id, self.epochs.get(id, 0)) for id in args[0]]
        first = self.number
        self.number += 1000 * (args[1] if args else 1)
        return [(start,) for start in range(first, self.number, 1000)]

    async def run(self, sql: str, args: Sequence[Any] = ()) -> int:
        if self.held is not None:
            await self.held
        if self.trouble:
            raise self.trouble.pop(0)
        if self.lost and "INTO positions" in sql:
            self.lost -= 1
            raise Refused(CLAIM_LOST, "another server has the device")
        if self.refuses in sql:
            raise refused()
        if self.poison and "INTO positions" in sql and self.poison in str(args):
            raise refused()
        self.batches.append((sql, list(args)))
        return 0


@define
class Row:
    id: int
    type: str
    attributes: Any
    direct: bool = False
    failure: str | None = None


@define(eq=False)
class MemoryQueue:
    """Queued commands."""

    rows: dict[int, list[Row]] = Factory(dict)
    number: int = 0
    held: Deferred[None] | None = None
    away: bool = False

    async def add(
        self, device_id: int, type: str, attributes: dict[str, Any], text_channel: bool = False, direct: bool = False
    ) -> int:
        self.number += 1
        self.rows.setdefault(device_id, []).append(Row(self.number, type, attributes, direct))
        return self.number

    async def waiting(self, device_id: int) -> list[Any]:
        found = [row for row in self.rows.get(device_id, ()) if row.failure is None]
        if self.away:
            raise Unavailable("away")
        if self.held is not None:
            await self.held
        return found

    async def remove(self, device_id: int, id: int) -> bool:
        there = self.rows.get(device_id, [])
        self.rows[device_id] = [row for row in there if row.id != id]
        return len(self.rows[device_id]) < len(there)

    async def hand(self, device_id: int, id: int, epoch: int, write: Callable[[], str | None]) -> bool:
        row = self._row(device_id, id)
        if row is None or row.failure is not None:
            return False
        if (reason := write()) is None:
            return await self.remove(device_id, id)
        row.failure = reason
        return True

    async def wait(self, device_id: int, id: int) -> str | None:
        row = self._row(device_id, id)
        if row is None:
            raise Refused("", "it does not wait")
        row.direct = False
        if row.failure is not None:
            await self.remove(device_id, id)
        return row.failure

    def _row(self, device_id: int, id: int) -> Row | None:
        return next((row for row in self.rows.get(device_id, ()) if row.id == id), None)


@define(eq=False)
class House:
    """An intake with all its parts, on a clock that stands still."""

    stages: tuple[Stage, ...] = ()
    detectors: tuple[Detector, ...] = ()
    options: dict[str, Any] = Factory(dict)
    clock: Clock = field(factory=Clock)
    connection: MemoryConnection = field(factory=MemoryConnection)
    queue: MemoryQueue = field(factory=MemoryQueue)
    devices: dict[str, Device] = field(factory=dict)  # what the database has
    stored: set[int] = field(factory=set)  # digests that the database has
    asked: list[Any] = field(factory=list)  # what the database was asked
    told: list[tuple[list[Report], list[Event], list[int]]] = field(factory=list)
    sightings: list[UnknownRow] = field(factory=list)
    committed: list[Batch] = field(factory=list)
    away: bool = False
    presence: Presence = field(init=False)
    commands: Commands = field(init=False)
    committer: Committer = field(init=False)
    intake: Intake = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clock.advance(NOON.timestamp())
        self.committer = Committer(
            self.connection,
            self.clock,
            self._committed,
            self._refused,
            withdrawn=lambda reports: self.intake.withdrawn(reports),
        )
        directory = Directory(self._load, self._load_by_id, self.clock, limit=3, throttle=True)
        self.presence = Presence(
            directory,
            self.committer,
            Strangers(self._sighted, self.clock, limit=2),
            self.clock,
            lambda ids: self.told.append(([], [], list(ids))),
            self._set_attribute,
        )
        self.commands = Commands(directory, self.queue, self.committer, self.clock, {"plain": PLAIN, "web": WEB}.get)
        self.intake = Intake(
            self.presence,
            self.committer,
            self.commands,
            Media(None, lambda *args: succeed("name.jpg")),  # type: ignore[arg-type]
            self.stages,
            self.detectors,
            (),
            self._resent,
            lambda reports, events, ids: self.told.append((list(reports), list(events), list(ids))),
            **self.options,
        )

    def _committed(self, batch: Batch) -> None:
        self.committed.append(batch)
        self.intake.committed(batch)

    def _refused(self, report: Report) -> None:
        self.intake.refused(report)

    def add(self, unique_id: str, **members: Any) -> Device:
        """A device in the database."""
        id = len(self.devices) + 1
        self.devices[unique_id] = Device(id, unique_id, State(id), name=unique_id, **members)
        return self.devices[unique_id]

    async def _load(self, ids: list[str]) -> dict[str, Device]:
        self.asked.append(ids)
        if self.away:
            raise Unavailable("away")
        return {id: self.devices[id] for id in ids if id in self.devices}

    async def _load_by_id(self, ids: list[int]) -> dict[int, Device]:
        return {device.id: device for device in self.devices.values() if device.id in ids}

    async def _resent(self, reports: list[Report]) -> set[Report]:
        self.asked.append([report.digest for report in reports])
        return {report for report in reports if report.digest in self.stored}

    async def _sighted(self, sightings: list[UnknownRow]) -> None:
        self.sightings += sightings

    async def _set_attribute(self, id: int, name: str, value: Any) -> None:
        self.asked.append((id, name, value))

    def find(self, link: Wire, *ids: str) -> Any:
        """Whom the intake finds: a device, None, or the error."""
        found = self.intake.find(link, ids, b"frame")
        if isinstance(found, Deferred):
            answers: list[Any] = []
            found.addBoth(answers.append)
            self.clock.advance(0)
            found = answers[0] if answers else found
        return found

    def take(self, link: Wire, *positions: Position, device: Device | None = None) -> list[None]:
        """Hand positions of the link's device over; what comes back has an item when they are committed."""
        device = device or self.presence.sessions.known(link, ())
        done: list[None] = []
        waiting = self.intake.take(link, [(device, position) for position in positions], b"frame")  # type: ignore[misc]
        if waiting is None:
            done.append(None)
        else:
            waiting.addCallback(done.append)
        return done

    def settle(self) -> None:
        """Let everything that is due happen."""
        for _ in range(5):
            self.clock.advance(0)

    @property
    def reports(self) -> list[Report]:
        """What is committed."""
        return [report for batch in self.committed for report in batch.reports]

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.committed for event in _events(batch)]


def _events(batch: Batch) -> list[Event]:
    return [event for report in batch.reports for event in report.events] + batch.events


def refused(text: str = "invalid byte sequence") -> Refused:
    return Refused("22021", text)


def fix(seconds: float, latitude: float = 48.0, longitude: float = 11.0, **members: Any) -> Position:
    """A valid fix so many seconds after noon."""
    return Position.at(at(seconds), latitude=latitude, longitude=longitude, valid=True, **members)
