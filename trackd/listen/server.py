"""
What the listeners of a server share, and what one of them is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, tzinfo
from itertools import count
from typing import Any

from attrs import Factory, define, field, frozen
from twisted.internet.interfaces import IReactorTime

from trackd.listen.backlog import Backlog
from trackd.listen.counters import Counters, Counts
from trackd.listen.door import Door
from trackd.listen.intake import Intake
from trackd.listen.limits import Limits
from trackd.rate import Rate
from trackd.share import Share
from trackd.wire.format import Session, WireFormat


@define(eq=False)
class Server:
    """Shared by all listeners: whom they hand everything to, the time, and the limits that count for them together."""

    intake: Intake
    clock: IReactorTime
    limits: Limits = field(factory=Limits)
    counters: Counters = field(factory=Counters)
    door: Door = field(init=False)
    errors: Rate = field(init=False)  # of the log lines about bad frames
    share: Share = Factory(lambda self: Share(self.clock), takes_self=True)  # of those who have no device
    backlog: Backlog = field(init=False)  # of those who have one
    numbers: Iterator[int] = field(factory=lambda: count(1), init=False)  # of connections, for the log

    def __attrs_post_init__(self) -> None:
        self.door = Door(self.limits, Rate(self.clock, 1, 60.0))
        self.backlog = Backlog(self.clock, lambda: self.intake.crowded)
        self.errors = Rate(self.clock, self.limits.errors_logged_per_second)


@frozen
class Listener:
    """A format on a port."""

    format: WireFormat
    port: int
    address: str = ""  # to bind to; empty: all
    tls: Any = None  # a context factory: TLS on its TCP connections
    timeout: float = 0.0  # s without a byte; 0: the format's own or the server's; negative: any time
    defaults: Mapping[str, Any] = Factory(dict)  # the configuration's values of the format's keys
    zone: tzinfo = UTC  # the server's

    @property
    def key(self) -> str:
        """The setting that has chosen the port."""
        return f"{self.format.name}.port"

    def idle(self, limits: Limits) -> float | None:
        """Seconds that a connection may be silent; None: any time."""
        seconds = self.timeout or self.format.timeout or limits.idle
        return seconds if seconds > 0 else None

    def counts(self, server: Server) -> Counts:
        return server.counters.of(self.format.name)

    def session(self, transport: str, local: str, remote: str) -> Session:
        """The session of a new connection."""
        make: Callable[[], Any] | None = self.format.state
        return Session(
            self.format,
            transport,
            zone=self.zone,
            local=local,
            remote=remote,
            defaults=self.defaults,
            state=make() if make is not None else None,
        )
