"""What the server tells of itself: ports, unknown devices, refused reports, settings, figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from attrs import define, frozen

from trackd.figures import Figure
from trackd.settings import Row, Settings, transports
from trackd.store.commands import QueuedCommands
from trackd.store.quarantine import Quarantine
from trackd.store.unknown import UnknownDevices


@frozen
class Port:
    """Where devices of one format call: over `tcp`, `udp` or both."""

    format: str
    port: int
    transports: tuple[str, ...]
    tls: bool


@define(eq=False)
class Inside:
    """`started`: when the server began; `figures` are those of `/metrics`."""

    unknown: UnknownDevices
    quarantine: Quarantine
    queue: QueuedCommands
    settings: Settings
    started: datetime
    figures: Callable[[], Iterable[Figure]]

    def ports(self) -> list[Port]:
        """Those of all formats that devices call, by name."""
        said = self.settings
        return [
            Port(name, said[f"{name}.port"], tuple(transports(format)), said[f"{name}.ssl"])
            for name, format in sorted(said.formats.items())
            if format.ask is None
        ]

    def rows(self) -> list[Row]:
        """The settings in force, with what is secret left out."""
        return self.settings.rows()
