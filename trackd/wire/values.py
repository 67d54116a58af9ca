"""
What a wire format says and is told: plain values, without I/O.

`decode` yields them; the listener and the intake act on them:

    Login            whose frames these are; looked up before the generator goes on
    Position         one fix, or a message without one
    Reply            bytes owed to the device once everything before them is stored
    Response         the same for HTTP
    Media            a file that the device has sent
    TakeCommand      a queued command to be carried in the reply
    DeviceAttribute  something to be remembered with the device
    Hangup           the connection is to be closed
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from attrs import Factory, define, field

from trackd.wire.names import ALARM


class WireError(Exception):
    """The bytes are not what the format allows: the frame is lost, a stream is closed."""


class Unsupported(Exception):
    """The format has no such command, or the command lacks what the format needs."""


@define(unsafe_hash=True)
class CellTower:
    """
    A mobile cell: country and network code, area, cell, and the signal in dBm (a positive one is stored negated).

    Not to be changed: the same may be part of several reports.
    """

    mcc: int
    mnc: int
    lac: int
    cid: int
    signal: int | None = None
    radio: str | None = None

    def __attrs_post_init__(self) -> None:
        # Devices write -70 dBm as 70 as often as as -70.
        if self.signal is not None and self.signal > 0:
            self.signal = -self.signal


@define(unsafe_hash=True)
class WifiAccessPoint:
    """A Wi-Fi access point, MAC as the format writes it, and its signal in dBm (a positive one is stored negated)."""

    mac: str
    signal: int | None = None
    channel: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.signal is not None and self.signal > 0:
            self.signal = -self.signal


# A cell without a signal, for formats of which each report names one: devices stay where they were, mostly.
same_cell = lru_cache(4096)(CellTower)


@define
class Network:
    """What the device heard around it. Equal cells and equal access points are kept once, in the order of the wire."""

    cells: list[CellTower] = Factory(list)
    wifi: list[WifiAccessPoint] = Factory(list)
    radio: str | None = "gsm"
    carrier: str | None = None
    consider_ip: bool = False
    home_mcc: int | None = None
    home_mnc: int | None = None
    _there: set[CellTower | WifiAccessPoint] | None = field(default=None, init=False, eq=False, repr=False)

    def add(self, seen: CellTower | WifiAccessPoint) -> None:
        """Add a cell or an access point, unless the same is there."""
        if (there := self._there) is None:  # a frame may name thousands
            there = self._there = set()
        if (count := len(there)) != len(self.cells) + len(self.wifi):
            there.update(self.cells, self.wifi)
            count = len(there)
        there.add(seen)
        if len(there) == count:
            return
        if isinstance(seen, CellTower):
            self.cells.append(seen)
        else:
            self.wifi.append(seen)

    def to_json(self) -> dict[str, Any]:
        """As the API shows it: members without a value are left out."""
        shown: dict[str, Any] = {}
        if self.home_mcc is not None:
            shown["homeMobileCountryCode"] = self.home_mcc
        if self.home_mnc is not None:
            shown["homeMobileNetworkCode"] = self.home_mnc
        if self.radio is not None:
            shown["radioType"] = self.radio
        if self.carrier is not None:
            shown["carrier"] = self.carrier
        shown["considerIp"] = self.consider_ip
        if self.cells:
            shown["cellTowers"] = [_cell(cell) for cell in self.cells]
        if self.wifi:
            shown["wifiAccessPoints"] = [_point(point) for point in self.wifi]
        return shown


def _cell(cell: CellTower) -> dict[str, Any]:
    shown: dict[str, Any] = {} if cell.radio is None else {"radioType": cell.radio}
    shown["cellId"] = cell.cid
    shown["locationAreaCode"] = cell.lac
    shown["mobileCountryCode"] = cell.mcc
    shown["mobileNetworkCode"] = cell.mnc
    if cell.signal is not None:
        shown["signalStrength"] = cell.signal
    return shown


def _point(point: WifiAccessPoint) -> dict[str, Any]:
    shown: dict[str, Any] = {"macAddress": point.mac}
    if point.signal is not None:
        shown["signalStrength"] = point.signal
    if point.channel is not None:
        shown["channel"] = point.channel
    return shown


@define(eq=False)
class Media:
    """A whole file from a device. As an attribute's value it becomes the name under which the server has stored it."""

    data: bytes
    extension: str


@define
class Position:
    """
    One report. A message without a fix has `outdated` set: processing fills time and place from the last known fix.

    A position with neither `fix_time` nor `outdated` cannot be stored.
    """

    device_time: datetime | None = None  # by the device's clock, aware
    fix_time: datetime | None = None  # of the fix, aware
    valid: bool = False
    latitude: float = 0.0  # degrees, north
    longitude: float = 0.0  # degrees, east
    altitude: float = 0.0  # m
    speed: float = 0.0  # kn
    course: float = 0.0  # degrees
    accuracy: float = 0.0  # m
    network: Network | None = None
    attributes: dict[str, Any] = Factory(dict)
    outdated: bool = False

    @classmethod
    def at(cls, time: datetime, **fields: Any) -> Position:
        """A fix whose device time and fix time are the same."""
        return cls(time, time, **fields)

    @classmethod
    def last(cls, time: datetime | None = None) -> Position:
        """A message without a fix: the last known location, with this device time (none: the server's)."""
        return cls(time, outdated=True)

    def set(self, name: str, value: Any) -> None:
        """Store an attribute; no value and an empty text are nothing. A name that is there keeps its place."""
        if value is not None and value != "":
            self.attributes[name] = value

    def add_alarm(self, name: str | None) -> None:
        """Add an alarm to those that are there, joined by commas; no name is nothing."""
        if name:
            there = self.attributes.get(ALARM)
            if there:
                # A text that nobody else holds grows in its place, and a frame may raise thousands.
                self.attributes[ALARM] = None
                there += f",{name}"
            self.attributes[ALARM] = there or name


@define
class Login:
    """
    Whose frames these are: candidate ids, tried in order; absent ones are skipped. No id: whoever this connection has.

    The adapter looks it up before the generator goes on and leaves the result in `session.device`. A device that is
    not known ends the frame, unless `optional`. `accept` and `reject` are written at once.
    """

    ids: tuple[str, ...] = ()
    accept: bytes = b""
    reject: bytes = b""
    optional: bool = False

    @classmethod
    def of(cls, *ids: str | None, accept: bytes = b"", reject: bytes = b"", optional: bool = False) -> Login:
        return cls(tuple(id for id in ids if id is not None), accept, reject, optional)


@define
class Reply:
    """Bytes owed to the device once everything before them is committed."""

    data: bytes


@define
class Response:
    """The answer to an HTTP request, owed like a `Reply`."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@define
class TakeCommand:
    """
    Take the oldest queued command of `session.device`, for a format that carries it in its reply: `session.command`.
    """


@define
class DeviceAttribute:
    """A fact to be stored among the attributes of `session.device`."""

    name: str
    value: Any


@define
class Hangup:
    """Close the connection when everything before is stored and written."""


@define
class Command:
    """What a client wants of a device: a type from `names.COMMANDS` and its parameters as they came by the API."""

    type: str
    attributes: Mapping[str, Any] = Factory(dict)


Output = Login | Position | Reply | Response | Media | TakeCommand | DeviceAttribute | Hangup
