"""Stages about time and place: the last known fix, clocks that have rolled over, distances."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from math import isfinite

from trackd.store.report import Report
from trackd.track.device import Device
from trackd.track.frame import Stage
from trackd.track.geometry import distance as metres

# When GPS began to count weeks, in ten bits.
GPS_EPOCH = datetime(1980, 1, 6, tzinfo=UTC)
ROLLOVER = timedelta(weeks=1024)
SUSPECT = ROLLOVER - timedelta(days=90)


def outdated(report: Report, last: Report | None, device: Device) -> Report:
    """A message without a fix takes place, time of fix and movement from the latest position."""
    if report.outdated:
        if last is not None:
            report.fix_time = last.fix_time
            report.valid = last.valid
            report.latitude = last.latitude
            report.longitude = last.longitude
            report.altitude = last.altitude
            report.speed = last.speed
            report.course = last.course
            report.accuracy = last.accuracy
        else:
            report.fix_time = GPS_EPOCH
        if report.device_time is None:
            report.device_time = report.server_time
    return report


def time(protocols: Collection[str] = ()) -> Stage:
    """
    Put right clocks whose count of weeks has rolled over, and override times as `time.override` says.

    `protocols` limits the override; empty: all.
    """

    def time(report: Report, last: Report | None, device: Device) -> Report:
        long_ago = report.server_time - SUSPECT
        if (device_time := report.device_time) is not None and device_time < long_ago:
            report.device_time = _rolled(device_time, long_ago)
        if (fix_time := report.fix_time) is not None and fix_time < long_ago:
            report.fix_time = _rolled(fix_time, long_ago)
        override = device.setting("time.override")
        if override and (not protocols or report.protocol in protocols):
            if override == "serverTime":
                report.device_time = report.fix_time = report.server_time
            elif report.device_time is not None:
                report.fix_time = report.device_time
        return report

    return time


def _rolled(time: datetime, long_ago: datetime) -> datetime:
    while GPS_EPOCH < time < long_ago:
        time += ROLLOVER
    return time


def distance(filter: bool = False, min_error: float = 0.0, max_error: float = 0.0) -> Stage:
    """
    Write `distance` from the latest position and `totalDistance`, in metres.

    With `filter`, a distance that is not above `min_error` or not below `max_error` (0: no bound) is an error of the
    fix: the place stays where it was.
    """

    def distance(report: Report, last: Report | None, device: Device) -> Report:
        attributes = report.attributes
        own = attributes.get("distance")
        moved = 0.0 if own is None else float(own)
        if not isfinite(moved):
            own, moved = None, 0.0  # the sum would be none for ever
        total = 0.0
        if last is not None:
            total = float(last.attributes.get("totalDistance", 0.0))
            if own is None:
                moved = metres(report.latitude, report.longitude, last.latitude, last.longitude)
            if filter and last.latitude and last.longitude:
                enough = not min_error or moved > min_error
                sane = not max_error or moved < max_error
                if not (enough and sane):
                    report.valid = last.valid
                    report.latitude = last.latitude
                    report.longitude = last.longitude
                    moved = 0.0
        attributes["distance"] = moved
        attributes["totalDistance"] = total + moved
        return report

    return distance


def geofences(report: Report, last: Report | None, device: Device) -> Report:
    """Note in which of its geofences the device is."""
    if device.fences:
        latitude, longitude, altitude = report.latitude, report.longitude, report.altitude
        inside = [id for id, fence in device.fences if fence.contains(latitude, longitude, altitude)]
        report.geofence_ids = inside or None
    return report
