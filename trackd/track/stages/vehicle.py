"""Stages about the vehicle: whether it moves, how long its engine has run, and what is carried over."""

from __future__ import annotations

import re

from trackd.store.report import Report
from trackd.track.device import Device


def motion(report: Report, last: Report | None, device: Device) -> Report:
    """Write `motion`, unless the device has said it: faster than `event.motion.speedThreshold` knots."""
    if "motion" not in report.attributes:
        report.attributes["motion"] = report.speed > device.value("event.motion.speedThreshold", 0.01)
    return report


def copy_attributes(report: Report, last: Report | None, device: Device) -> Report:
    """Carry over the attributes that `processing.copyAttributes` lists, where the report has none of its own."""
    if last is not None and (names := device.setting("processing.copyAttributes")):
        for name in re.split("[, ]", names) if isinstance(names, str) else names:
            if name in last.attributes and name not in report.attributes:
                report.attributes[name] = last.attributes[name]
    return report


def engine_hours(report: Report, last: Report | None, device: Device) -> Report:
    """Count `hours`, in milliseconds, while the ignition is on in two reports running."""
    attributes = report.attributes
    if last is None or "hours" in attributes:
        return report
    before = last.attributes
    hours = int(before.get("hours", 0))
    if _on(attributes.get("ignition")) and _on(before.get("ignition")) and report.device_time and last.device_time:
        hours += round((report.device_time - last.device_time).total_seconds() * 1000)
    if hours:
        attributes["hours"] = hours
    return report


def _on(ignition: object) -> bool:
    return ignition is True or (isinstance(ignition, str) and ignition.lower() == "true")
