"""What is committed: a report with the events that it causes and the device's state after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import Factory, define, fields


@define(eq=False)
class Fix:
    """Where and when: what stays in memory of a report. `id` is 0 until the committer has given it one."""

    id: int
    time: datetime
    latitude: float
    longitude: float
    server_time: datetime | None = None


@define(eq=False)
class Event:
    """Something that happened; `fix` names the position that it belongs to, if there is one."""

    device_id: int
    type: str
    event_time: datetime
    fix: Fix | None = None
    attributes: dict[str, Any] = Factory(dict)
    geofence_id: int = 0
    maintenance_id: int = 0
    id: int = 0

    @property
    def position_id(self) -> int:
        return self.fix.id if self.fix is not None else 0


@define(eq=False)
class State:
    """
    What the server knows of a device beyond its row: a copy of this is committed with each report.

    Times are aware; `fix` is the latest position; `newest` is the latest time that a report has carried.
    """

    device_id: int
    status: str = "offline"
    last_update: datetime | None = None
    fix: Fix | None = None
    newest: datetime | None = None
    motion_streak: bool = False
    motion_state: bool = False
    motion_fix: Fix | None = None
    motion_time: datetime | None = None
    motion_distance: float = 0.0
    motion_latitude: float = 0.0
    motion_longitude: float = 0.0
    overspeed_state: bool = False
    overspeed_time: datetime | None = None
    overspeed_geofence_id: int = 0
    epoch: int = 0  # of the claim under which it was found out

    @property
    def position_id(self) -> int:
        return self.fix.id if self.fix is not None else 0

    def copy(self) -> State:
        return State(
            self.device_id,
            self.status,
            self.last_update,
            self.fix,
            self.newest,
            self.motion_streak,
            self.motion_state,
            self.motion_fix,
            self.motion_time,
            self.motion_distance,
            self.motion_latitude,
            self.motion_longitude,
            self.overspeed_state,
            self.overspeed_time,
            self.overspeed_geofence_id,
            self.epoch,
        )

    def restore(self, other: State) -> None:
        """Become what the other is."""
        for name in _MEMBERS:
            setattr(self, name, getattr(other, name))


_MEMBERS = tuple(member.name for member in fields(State))


@define(eq=False)
class Report:
    """
    A position on its way to the database: the members of its row, what was found out about it, and what it causes.

    Units as in `wire.values.Position`; `network` is the JSON of the API.
    """

    device_id: int
    protocol: str
    server_time: datetime
    device_time: datetime | None
    fix_time: datetime | None
    valid: bool
    latitude: float
    longitude: float
    altitude: float
    speed: float
    course: float
    accuracy: float
    network: str | None  # JSON, as the API shows it
    attributes: dict[str, Any]
    outdated: bool  # no fix: place and time of fix are to be taken from the latest position
    digest: int
    said: datetime | None = None  # the time of the message by the device's clock, as it was decoded
    frame: bytes = b""
    id: int = 0
    address: str | None = None
    geofence_ids: list[int] | None = None
    fix: Fix | None = None
    events: Sequence[Event] = ()
    state: State | None = None  # of the device, after this report
    json: str = ""  # the attributes as stored; set by the intake
    copied: bool = False  # from the one before, by somebody else than the device, which says nothing of itself with it
    source: Any = None  # what was decoded, as long as the report may have to be made anew
    waiting: Any = None  # a stage that asks the outside world
