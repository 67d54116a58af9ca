"""
The frame: what every report goes through before it is stored, and what it then causes.

A stage is a function of the report, the device's latest report before it, and the device. It changes the report and
returns it; None stops the report, which is then not stored. A stage that asks the outside world returns an awaitable
of the same; the device's later reports wait meanwhile, other devices don't.

A detector is a function of the same three that gives events. It may change the device's state, which is committed
with the report.

What fails is logged and counts as not having been there: it never costs a report.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from twisted.logger import Logger

from trackd.store.report import Event, Report
from trackd.track.device import Device

Stage = Callable[[Report, "Report | None", Device], "Report | Awaitable[Report | None] | None"]
Detector = Callable[[Report, "Report | None", Device], Iterable[Event]]

_log = Logger()


def through(
    stages: Sequence[Stage], report: Report, last: Report | None, device: Device
) -> Report | Awaitable[Report | None] | None:
    """The report after all stages; None if one has stopped it; an awaitable of these if one has to wait."""
    for stage in stages:
        try:
            kept = stage(report, last, device)
        except Exception:
            _log.failure("device {device}: stage {stage}", device=device.id, stage=stage)
            continue
        if kept is not report:
            if kept is None:
                return None
            return _waited(kept, stages[stages.index(stage) + 1 :], report, last, device)  # type: ignore[arg-type]
    return report


async def _waited(
    asked: Awaitable[Report | None], stages: Sequence[Stage], report: Report, last: Report | None, device: Device
) -> Report | None:
    try:
        if await asked is None:
            return None
    except Exception:
        _log.failure("device {device}: a stage that waited", device=device.id)
    kept = through(stages, report, last, device)
    return kept if kept is None or isinstance(kept, Report) else await kept


def detected(detectors: Sequence[Detector], report: Report, last: Report | None, device: Device) -> Sequence[Event]:
    """The events of all detectors, in their order."""
    found: Sequence[Event] = ()
    for detector in detectors:
        try:
            if events := detector(report, last, device):
                found = (*found, *events)
        except Exception:
            _log.failure("device {device}: detector {detector}", device=device.id, detector=detector)
    return found
