"""
What a listener needs of the house: somebody who knows the devices and takes their reports.

`trackd.track` fulfils it; tests use a `MemoryIntake` (tests/listen/memory.py). The listeners see no more than this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from trackd.wire.format import KnownDevice, Session, WireFormat
from trackd.wire.values import Command, Media, Position


class Device(KnownDevice, Protocol):
    """A device with a session."""

    @property
    def id(self) -> int: ...


class Link(Protocol):
    """A way to a device: a TCP connection, a UDP sender, an HTTP or MQTT connection."""

    format: WireFormat
    session: Session
    live: bool  # commands can be written to it at any time (not HTTP)

    @property
    def host(self) -> str:
        """The peer's address without port."""

    def send(self, data: bytes) -> None:
        """Write a command's bytes (the format's outgoing layer is applied here)."""


class Intake(Protocol):
    """Who the listeners hand everything to."""

    @property
    def full(self) -> bool:
        """The queue of the committer is at its limit: parse nothing more until `room` fires."""

    @property
    def crowded(self) -> bool:
        """So much waits for the committer that who has much to say had better wait."""

    def room(self) -> Deferred[None]:
        """Fires when there is room again."""

    def find(self, link: Link, ids: tuple[str, ...], frame: bytes) -> Any:
        """
        The device of the first id that is known, or None; without ids the one of this link.

        A Device, None, or a Deferred of these when the database must be asked. Fails with WireError for a device that
        is disabled or expired. `frame` is kept (cut) with the id when nobody knows it.
        """

    def take(self, link: Link, said: Sequence[tuple[Device, Position]], frame: bytes) -> Deferred[None] | None:
        """
        Take the reports of one frame, in order; an empty list is a sign of life of the link's device.

        None: nothing is to be waited for. Otherwise fires when all of them (and all that came before them) are
        committed, filtered or recognised as re-sent; while the database is away it waits. It fails by a mistake of
        the intake alone: nobody knows then what is stored, and nothing may be acknowledged. Others may wait for the
        same Deferred: its result is passed on as it is, the failure too.
        """

    def keep(self, link: Link, device: Device, media: Media) -> Deferred[str]:
        """Store a file of the device; the name under which it was stored."""

    def next_command(self, link: Link, device: Device) -> Deferred[Command | None]:
        """Take the oldest queued command out of the queue, for a format that carries it in its reply."""

    def remember(self, link: Link, device: Device, name: str, value: Any) -> Deferred[None]:
        """Store an attribute of the device."""

    def lost(self, link: Link) -> None:
        """The link is gone: its devices are offline, if its format can tell."""
