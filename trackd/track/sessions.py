"""
Who is on which connection.

A device has one session, on the connection (or UDP sender) that it used last; one connection may carry many devices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from attrs import define, field

from trackd.track.device import Device
from trackd.track.link import Link


@define(eq=False)
class Sessions:
    """Devices by connection."""

    _links: dict[Any, dict[str, Device]] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return len(self._links)

    def known(self, link: Link, ids: tuple[str, ...]) -> Device | None:
        """The first of these ids that has a session on this connection; without ids, any device of it."""
        devices = self._links.get(link)
        if devices is None:
            return None
        if not ids:
            return next(iter(devices.values()), None)
        for id in ids:
            if (device := devices.get(id)) is not None:
                return device
        return None

    def devices(self, link: Link) -> Iterable[Device]:
        """All devices of this connection."""
        return self._links.get(link, {}).values()

    def bind(self, link: Link, device: Device) -> None:
        """The device is on this connection now, and on no other."""
        self.release(device)
        self._links.setdefault(link, {})[device.unique_id] = device
        device.link = link

    def release(self, device: Device) -> None:
        """The device is on no connection; the one that it was on stays open."""
        if device.link is not None:
            devices = self._links.get(device.link)
            if devices is not None:
                for id in [id for id, one in devices.items() if one.id == device.id]:
                    del devices[id]
                if not devices:
                    del self._links[device.link]
            device.link = None
            device.memory.clear()

    def carries(self, link: Link) -> bool:
        """Whether there is a device on this connection."""
        return link in self._links

    def lost(self, link: Link) -> Collection[Device]:
        """The connection is gone: the devices that were on it."""
        devices = list(self._links.pop(link, {}).values())
        for device in devices:
            device.link = None
            device.memory.clear()
        return devices
