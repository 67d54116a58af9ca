"""The stage for photos, films and sound that come with a report."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import tzinfo

from trackd.store.report import Report
from trackd.track.device import Device
from trackd.track.frame import Stage
from trackd.track.media import Media as Folder
from trackd.wire.names import AUDIO, IMAGE, VIDEO
from trackd.wire.values import Media

NAMES = (IMAGE, VIDEO, AUDIO)


def files(folder: Folder, zone: tzinfo) -> Stage:
    """Store files that are attributes, and put their names there instead; one that is not stored leaves nothing."""

    def files(report: Report, last: Report | None, device: Device) -> Report | Awaitable[Report | None]:
        attributes = report.attributes
        if IMAGE in attributes or VIDEO in attributes or AUDIO in attributes:
            return stored(report, device)
        return report

    async def stored(report: Report, device: Device) -> Report:
        for name in NAMES:
            file = report.attributes.get(name)
            if isinstance(file, Media):
                report.attributes[name] = await folder.keep(device.unique_id, file, report.server_time.astimezone(zone))
                if not report.attributes[name]:
                    del report.attributes[name]
        return report

    return files
