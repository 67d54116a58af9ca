"""Detectors that compare a report with the one before it: alarms and ignition."""

from __future__ import annotations

from collections.abc import Iterator

from trackd.store.report import Event, Report
from trackd.track.device import Device
from trackd.track.frame import Detector


def alarm(ignore_duplicates: bool = True) -> Detector:
    """An event for each alarm of the report; with `ignore_duplicates`, for each that the report before it had not."""

    def alarm(report: Report, last: Report | None, device: Device) -> Iterator[Event]:
        if "alarm" in report.attributes:
            names = dict.fromkeys(_text(report.attributes["alarm"]).split(","))
            before: set[str] = set()
            if ignore_duplicates and last is not None and "alarm" in last.attributes:
                before = set(_text(last.attributes["alarm"]).split(","))
            for name in names:
                if name not in before:
                    yield _event("alarm", report, alarm=name)

    return alarm


def ignition(report: Report, last: Report | None, device: Device) -> Iterator[Event]:
    """An event when the ignition differs from the report before it; both must have said it."""
    if last is not None and "ignition" in report.attributes and "ignition" in last.attributes:
        now, before = _flag(report.attributes["ignition"]), _flag(last.attributes["ignition"])
        if now != before:
            yield _event("ignitionOn" if now else "ignitionOff", report)


def _event(type: str, report: Report, **attributes: object) -> Event:
    return Event(report.device_id, type, report.device_time, report.fix, attributes)  # type: ignore[arg-type]


def _flag(value: object) -> bool:
    return value if isinstance(value, bool) else str(value).lower() == "true"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A number reads as a float, with a point: so clients have always seen it.
    return str(float(value)) if isinstance(value, int) else str(value)
