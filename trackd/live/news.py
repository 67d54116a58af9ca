"""What there is to hear: values that the intake makes after a commit, and that the hub hands on."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define, frozen


@define
class DeviceNews:
    """A device as users describe it, and what the server knows of it now."""

    device: Any  # a `track.device.Device`, or a row of `devices`
    state: Any  # what is committed of it: a `store.report.State`, or a row of `device_states`


@define
class News:
    """
    What one commit has changed for one device.

    Positions are those that became its latest, oldest first; a late one (its fix is older than the latest) is no news.
    """

    device_id: int
    device: DeviceNews | None = None
    events: list[Any] = Factory(list)
    positions: list[Any] = Factory(list)


@frozen
class RawFrame:
    """A frame as it came from a device, for those who asked for the log. `device_id` is None for a stranger's."""

    protocol: str
    unique_id: str
    device_id: int | None
    data: bytes
    host: str
