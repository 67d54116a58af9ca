"""
An intake in memory, with the interface of the real one: tests say who is known and when things are committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed

from trackd.listen.intake import Device, Intake, Link
from trackd.wire.format import Session, WireFormat
from trackd.wire.values import Command, Media, Position, WireError


@define(eq=False)
class MemoryDevice:
    """A device with its attributes."""

    id: int
    unique_id: str
    model: str | None = None
    memory: dict[str, Any] = field(factory=dict)
    attributes: dict[str, Any] = field(factory=dict)

    def setting(self, name: str) -> Any:
        return self.attributes.get(name)


@define(eq=False, slots=False)  # so that a test can replace a method
class MemoryIntake:
    """
    Knows the devices that it was told of.

    `held`: commits wait for `commit()`. `asking`: look-ups wait for `tell()`, as when the database must be asked.
    """

    held: bool = False
    asking: bool = False
    full: bool = False
    crowded: bool = False
    devices: dict[str, MemoryDevice] = field(factory=dict)
    refused: set[str] = field(factory=set)  # ids of disabled devices
    commands: list[Command] = field(factory=list)

    # What has happened, in order
    taken: list[tuple[str, Position]] = field(factory=list)  # device and position
    signs: int = 0  # frames without a position
    frames: list[bytes] = field(factory=list)
    kept: list[tuple[str, Media]] = field(factory=list)
    remembered: list[tuple[str, str, Any]] = field(factory=list)
    strangers: list[tuple[tuple[str, ...], bytes]] = field(factory=list)
    gone: list[Link] = field(factory=list)
    log: list[str] = field(factory=list)

    _links: dict[Any, MemoryDevice] = field(factory=dict)
    _barrier: Deferred[None] | None = None
    _questions: list[tuple[Deferred[Any], Link, tuple[str, ...], bytes]] = field(factory=list)
    _rooms: list[Deferred[None]] = field(factory=list)

    @classmethod
    def knowing(cls, *ids: str, **given: Any) -> MemoryIntake:
        intake = cls(**given)
        for id in ids:
            intake.add(id)
        return intake

    def add(self, id: str) -> MemoryDevice:
        device = self.devices[id] = MemoryDevice(len(self.devices) + 1, id)
        return device

    # Intake

    def room(self) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._rooms.append(waiting)
        return waiting

    def find(self, link: Link, ids: tuple[str, ...], frame: bytes) -> Any:
        if not ids:
            return self._links.get(link)
        if self.asking:
            question: Deferred[Any] = Deferred()
            self._questions.append((question, link, ids, frame))
            return question
        return self._found(link, ids, frame)

    def take(self, link: Link, said: Sequence[tuple[Device, Position]], frame: bytes) -> Deferred[None] | None:
        self.frames.append(frame)
        if not said:
            self.signs += 1
            return None
        self.taken += [(device.unique_id, position) for device, position in said]
        self.log += ["taken"] * len(said)
        if not self.held:
            return None
        if self._barrier is None:
            self._barrier = Deferred()
        return self._barrier

    def keep(self, link: Link, device: Device, media: Media) -> Deferred[str]:
        self.kept.append((device.unique_id, media))
        self.log.append("kept")
        return succeed(f"1.{media.extension}")

    def next_command(self, link: Link, device: Device) -> Deferred[Command | None]:
        return succeed(self.commands.pop(0) if self.commands else None)

    def remember(self, link: Link, device: Device, name: str, value: Any) -> Deferred[None]:
        self.remembered.append((device.unique_id, name, value))
        self.log.append("remembered")
        return succeed(None)

    def lost(self, link: Link) -> None:
        self.gone.append(link)
        self._links.pop(link, None)

    # What a test makes happen

    def commit(self) -> None:
        """All that was taken is committed."""
        barrier, self._barrier = self._barrier, None
        assert barrier is not None, "nothing was taken"
        self.log.append("committed")
        barrier.callback(None)

    def tell(self) -> None:
        """The database answers the oldest look-up."""
        question, link, ids, frame = self._questions.pop(0)
        try:
            question.callback(self._found(link, ids, frame))
        except WireError as error:
            question.errback(error)

    def make_room(self) -> None:
        """The queue is short again."""
        self.full = False
        rooms, self._rooms = self._rooms, []
        for waiting in rooms:
            waiting.callback(None)

    @property
    def questions(self) -> int:
        """Look-ups that wait."""
        return len(self._questions)

    @property
    def positions(self) -> list[Position]:
        return [position for _, position in self.taken]

    def _found(self, link: Link, ids: tuple[str, ...], frame: bytes) -> MemoryDevice | None:
        for id in ids:
            if id in self.refused:
                raise WireError(f"{id} is disabled")
            if (device := self.devices.get(id)) is not None:
                self._links[link] = device
                return device
        self.strangers.append((ids, frame))
        return None


@define(eq=False)
class MemoryLink:
    """A link that remembers what was sent."""

    format: WireFormat
    session: Session
    live: bool = True
    host: str = "10.0.0.1"
    sent: list[bytes] = field(factory=list)

    def send(self, data: bytes) -> None:
        self.sent.append(data)


def _as_protocols(intake: MemoryIntake, device: MemoryDevice, link: MemoryLink) -> tuple[Intake, Device, Link]:
    """For the type checker: the fakes have the real interfaces."""
    return intake, device, link
