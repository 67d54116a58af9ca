"""A device in memory: its row, its groups' attributes, its state, and what is under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from attrs import Factory, define, field
from twisted.internet.defer import Deferred

from trackd.store.report import Fix, Report, State
from trackd.track.fence import Fence
from trackd.wire.format import typed

T = TypeVar("T")

# Groups that lend their attributes: the device's own, its parent, its grandparent.
GENERATIONS = 3

FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
LONGEST_SPAN = 1e9  # s; about thirty years


def before(time: datetime, span: timedelta) -> datetime:
    """So much earlier; of a device that lives in the year 1, the first moment there is."""
    return time - span if time - FIRST_MOMENT > span else FIRST_MOMENT


@define(eq=False)
class Device:
    """
    One device, as long as it is connected, busy, or remembered.

    `last` is the latest report, `history` the fixes before it, the newest at the right, as far back as motion needs.
    """

    id: int
    unique_id: str
    state: State
    name: str = ""
    model: str | None = None
    attributes: dict[str, Any] = Factory(dict)
    groups: list[dict[str, Any]] = Factory(list)  # attributes of its groups, the nearest first
    fences: tuple[tuple[int, Fence], ...] = ()  # its geofences and those of its groups, by id
    group_id: int = 0
    calendar_id: int = 0
    phone: str | None = None
    contact: str | None = None
    category: str | None = None
    disabled: bool = False
    expiration_time: datetime | None = None
    config: Mapping[str, Any] = Factory(dict)
    last: Report | None = None
    history: deque[Fix] = Factory(deque)
    memory: dict[str, Any] = Factory(dict)
    link: Any = None  # the Link on which it was heard last
    queued: int = 0  # commands that wait for it
    delivering: bool = False
    deleted: bool = False
    claimed: bool = True  # it is this server's; else memory knows nothing of it for sure
    node: int = 0  # the server that has it, if it is not this one; 0: none
    stale: bool = False  # the database has not what memory has: load before going on
    uncommitted: int = 0
    returning: int = 0  # how many of the first jobs are reports that go their way again
    recent: dict[int, None] = Factory(dict)  # digests of its latest reports, in their order
    jobs: deque[tuple[Callable[[], Awaitable[None]], Deferred[None]]] | None = None  # work in its turn; None: idle
    # Asked for with every report, and changed hardly ever.
    _found: dict[str, Any] = field(factory=dict, init=False)
    _values: dict[str, Any] = field(factory=dict, init=False)
    _spans: dict[str, timedelta] = field(factory=dict, init=False)

    @property
    def idle(self) -> bool:
        """Nothing is lost by forgetting it; who is online will be unknown after a silence, and has to be there then."""
        return (
            self.link is None
            and self.jobs is None
            and not self.uncommitted
            and not self.delivering
            and (self.state.status != "online" or not self.claimed)
        )

    def setting(self, name: str) -> Any:
        """Its own attribute, else that of its groups (three at most), else the configuration's value, else None."""
        try:
            return self._found[name]
        except KeyError:
            pass
        found = None
        for attributes in (self.attributes, *self.groups[:GENERATIONS]):
            if (found := attributes.get(name)) is not None:
                break
        else:
            found = self.config.get(name)
        self._found[name] = found
        return found

    def value(self, name: str, default: T) -> T:
        """
        The setting as the type of `default`, which is the same wherever this name is asked for.

        ValueError if it is no number where one is needed.
        """
        try:
            return self._values[name]
        except KeyError:
            value = self._values[name] = typed(self.setting(name), default)
            return value

    def span(self, name: str, default: float = 180.0) -> timedelta:
        """
        The setting, a number of seconds, as a span of time: neither negative nor longer than can be reckoned with.

        One that is no number is as none: what somebody has mistyped must keep no report from being stored.
        """
        try:
            return self._spans[name]
        except KeyError:
            pass
        try:
            seconds = self.value(name, default)
        except (TypeError, ValueError, OverflowError):
            seconds = default
        span = self._spans[name] = timedelta(seconds=min(max(0.0, seconds), LONGEST_SPAN))
        return span

    def renew(self, other: Device) -> None:
        """Take over what users have changed, and keep what was found out."""
        for name in (
            "unique_id name model attributes groups fences group_id calendar_id phone contact category disabled"
            " expiration_time"
        ).split():
            setattr(self, name, getattr(other, name))
        self.queued = max(self.queued, other.queued)  # one may have come since; too many cost a question
        self._found.clear()
        self._values.clear()
        self._spans.clear()

    def restore(self, other: Device) -> None:
        """
        Forget what reports have said since the last commit: take over what the database has. It lives all the same,
        unless it was another server's.
        """
        if self.claimed:
            other.state.status, other.state.last_update = self.state.status, self.state.last_update
        self.state, self.last, self.history = other.state, other.last, other.history
        self.recent.clear()
        self.stale, self.claimed, self.node = False, other.claimed, other.node
