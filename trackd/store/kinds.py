"""
What people make besides users, groups and devices: a table, a row class and an order of lists for each kind.

The kinds that can be linked to somebody, and who can own which, are in PAIRS; which column of which table names
another object is in REFERENCES.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field, frozen

from trackd.store.rows import parsed


@define(eq=False)
class GeofenceRow:
    """`area` is text with the latitude first, in degrees and metres."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    calendar_id: int | None
    name: str
    description: str | None
    area: str


@define(eq=False)
class NotificationRow:
    """`notificators` is a list with commas."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    description: str | None
    calendar_id: int | None
    always: bool
    type: str
    command_id: int | None
    notificators: str | None


@define(eq=False)
class CalendarRow:
    """`data` is iCalendar."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    name: str
    data: bytes = field(converter=bytes)


@define(eq=False)
class AttributeRow:
    """
    A computed attribute: what `expression` gives becomes the `attribute`, as a `type`. The highest `priority` goes
    first; those below 0 go before the other stages.
    """

    id: int
    description: str
    attribute: str
    expression: str
    type: str
    priority: int


@define(eq=False)
class DriverRow:
    """`unique_id`: by which devices name the driver."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    name: str
    unique_id: str


@define(eq=False)
class MaintenanceRow:
    """`start` and `period` in the unit of what is counted."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    name: str
    type: str
    start: float
    period: float


@define(eq=False)
class SavedCommandRow:
    """A command to be sent to devices again and again. `text_channel`: as a text message."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    type: str
    text_channel: bool
    description: str


@define(eq=False)
class OrderRow:
    """Something to be carried from one place to another."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    unique_id: str
    description: str | None
    from_address: str | None
    to_address: str | None


@define(eq=False)
class ReportRow:
    """A report that is made again and again, at the times of its calendar."""

    id: int
    attributes: dict[str, Any] = field(converter=parsed)
    calendar_id: int
    type: str
    description: str


@frozen
class Kind:
    """`sort` is the column of the order of lists, `searched` are those of a keyword."""

    name: str
    table: str
    row: type
    sort: str = "name"
    searched: tuple[str, ...] = ("name",)


def _described(name: str, table: str, row: type) -> Kind:
    return Kind(name, table, row, "description", ("description",))


KINDS = {
    kind.name: kind
    for kind in (
        Kind("geofence", "geofences", GeofenceRow),
        _described("notification", "notifications", NotificationRow),
        Kind("calendar", "calendars", CalendarRow),
        _described("attribute", "computed_attributes", AttributeRow),
        Kind("driver", "drivers", DriverRow, searched=("name", "unique_id")),
        Kind("maintenance", "maintenances", MaintenanceRow),
        _described("command", "commands", SavedCommandRow),
        _described("order", "orders", OrderRow),
        _described("report", "reports", ReportRow),
    )
}

TABLES = {"user": "users", "group": "groups", "device": "devices"} | {name: kind.table for name, kind in KINDS.items()}


@frozen
class Pair:
    """A table of links: what of `owner` and what of `kind` belong together, and the columns that name them."""

    owner: str
    kind: str
    linked: str = ""  # what the other one is called where both are of the same kind

    @property
    def table(self) -> str:
        return f"{self.owner}_{self.kind}"

    @property
    def owner_column(self) -> str:
        return f"{self.owner}_id"

    @property
    def column(self) -> str:
        return f"{self.linked or self.kind}_id"


PAIRS = {
    (pair.owner, pair.kind): pair
    for pair in (
        Pair("user", "user", "managed_user"),
        Pair("user", "group"),
        Pair("user", "device"),
        Pair("device", "device", "linked_device"),
        *(Pair("user", kind) for kind in KINDS),
        *(Pair(owner, kind) for owner in ("group", "device") for kind in KINDS if kind != "calendar"),
    )
}


@frozen
class Reference:
    """A column of the rows of `kind` that names an object of kind `to`; `owned`: they are nothing without it."""

    kind: str
    column: str
    to: str
    owned: bool = False


REFERENCES = (
    Reference("device", "group_id", "group"),
    Reference("group", "group_id", "group"),
    Reference("device", "calendar_id", "calendar"),
    Reference("geofence", "calendar_id", "calendar"),
    Reference("notification", "calendar_id", "calendar"),
    Reference("notification", "command_id", "command", owned=True),
    Reference("report", "calendar_id", "calendar", owned=True),
)
# What each column of that name means, wherever it is.
REFERRED = {reference.column: reference.to for reference in REFERENCES}
