"""Detectors that compare a report with the one before it: alarms and ignition."""

from __future__ import annotations

from collections.abc import Sequence

from trackd.store.report import Event, Report
from trackd.track.device import Device
from trackd.track.frame import Detector


def alarm(ignore_duplicates: bool = True) -> Detector:
    """An event for each alarm of the report; with `ignore_duplicates`, for each that the report before it had not."""

    def alarm(report: Report, last: Report | None, device: Device) -> Sequence[Event]:
        if "alarm" not in report.attributes:
            return ()
        before: set[str] = set()
        if ignore_duplicates and last is not None and "alarm" in last.attributes:
            before = set(_text(last.attributes["alarm"]).split(","))
        names = dict.fromkeys(_text(report.attributes["alarm"]).split(","))
        return [_event("alarm", report, alarm=name) for name in names if name not in before]

    return alarm


def ignition(report: Report, last: Report | None, device: Device) -> Sequence[Event]:
    """An event when the ignition differs from the report before it; both must have said it."""
    if last is None or "ignition" not in report.attributes or "ignition" not in last.attributes:
        return ()
    now, before = _flag(report.attributes["ignition"]), _flag(last.attributes["ignition"])
    return () if now == before else [_event("ignitionOn" if now else "ignitionOff", report)]


def _event(type: str, report: Report, **attributes: object) -> Event:
    return Event(report.device_id, type, report.device_time, report.fix, attributes)  # type: ignore[arg-type]


def _flag(value: object) -> bool:
    return value if isinstance(value, bool) else str(value).lower() == "true"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A number reads as a float, with a point: so clients have always seen it.
    return str(float(value)) if isinstance(value, int) else str(value)
