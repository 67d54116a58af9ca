"""From what was committed to what there is to hear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import define

from trackd.live.hub import Hub
from trackd.live.news import DeviceNews, News, RawFrame
from trackd.store.report import Event, Report


@define(eq=False)
class Feed:
    """Makes the news of each commit for the hub, if anybody listens. `devices` are those in memory, by id."""

    hub: Hub
    devices: Mapping[int, Any]

    def tell(self, reports: Sequence[Report], events: Sequence[Event], alive: Iterable[int]) -> None:
        """
        These reports are committed, and these events that belong to none; these devices have given a sign of life.

        A late report is no news of its own: the latest position is another.
        """
        if not self.hub.heard:
            return
        news: dict[int, News] = {}
        states: dict[int, Any] = {}  # the last of each device
        for report in reports:
            device_id, state = report.device_id, report.state
            item = news.get(device_id)
            if item is None:
                item = news[device_id] = News(device_id, None, [], [])
            if report.events:
                item.events += report.events
            if state is not None:
                if not report.copied:
                    states[device_id] = state
                if state.fix is report.fix:
                    item.positions.append(report)
        for device_id, state in states.items():
            if (device := self.devices.get(device_id)) is not None:
                news[device_id].device = DeviceNews(device, state)
        for event in events:
            item = news.setdefault(event.device_id, News(event.device_id, None, [], []))
            item.events += [event]
        for device_id in alive:
            if (device := self.devices.get(device_id)) is not None:
                item = news.setdefault(device_id, News(device_id, None, [], []))
                item.device = DeviceNews(device, device.state)
        self.hub.tell(list(news.values()))

    def frame(self, link: Any, device: Any, frame: bytes) -> None:
        """A frame of this device has come in."""
        if self.hub.logging:
            self.hub.log(RawFrame(link.format.name, device.unique_id, device.id, frame, link.host))

    def stranger(self, link: Any, unique_id: str, frame: bytes) -> None:
        """A frame of an id that no device has has come in."""
        if self.hub.logging:
            self.hub.log(RawFrame(link.format.name, unique_id, None, frame, link.host))
