"""
Detectors of motion: `deviceMoving` and `deviceStopped`.

`streaks` looks at distances over time and is the default; `trips` follows the attribute `motion`.
Keys (of the device, its groups, or the configuration): report.trip.minDistance (m), .minDuration and .stopGap (s) for
the first; .minimalTripDistance (m), .minimalTripDuration, .minimalParkingDuration and .minimalNoDataDuration (s),
.useIgnition for the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from math import cos, radians

from trackd.store.report import Event, Fix, Report
from trackd.track.device import Device
from trackd.track.geometry import DEGREE, distance


def streaks(report: Report, last: Report | None, device: Device) -> Sequence[Event]:
    """Stopped: for `minDuration` within `minDistance`. Moving: `minDistance` away from where it stopped."""
    state, here, before = device.state, report.fix, device.history
    assert here is not None
    if state.motion_time is None:
        _refer(device, here)
    if not before:
        return ()
    reach = device.value("report.trip.minDistance", 200.0)
    duration = device.value("report.trip.minDuration", 180.0)
    newest = before[-1]
    gap = (here.time - newest.time).total_seconds()
    if gap > device.value("report.trip.stopGap", 3600.0) and _leapt(report, gap, reach, duration):
        moved = [_event("deviceMoving", newest, device), _event("deviceStopped", here, device)]
        if state.motion_streak:
            moved.insert(0, _event("deviceStopped", newest, device))
        state.motion_streak = False
        _refer(device, here)
        return moved
    if state.motion_streak:
        if _all_near(before, here, reach) and (here.time - before[0].time).total_seconds() >= duration:
            state.motion_streak = False
            _refer(device, here)
            return (_event("deviceStopped", here, device),)
    elif distance(state.motion_latitude, state.motion_longitude, here.latitude, here.longitude) >= reach:
        start = _start(device, here, _pace(reach, duration))
        state.motion_streak = True
        _refer(device, start)
        return (_event("deviceMoving", start, device),)
    return ()


def _pace(reach: float, duration: float) -> float:
    """Metres per second up to which a leg is no motion."""
    return reach / duration if duration else 0.0


def _leapt(report: Report, gap: float, reach: float, duration: float) -> bool:
    leap = float(report.attributes.get("distance", 0.0))
    return leap >= reach and leap / gap > _pace(reach, duration)


def _refer(device: Device, fix: Fix) -> None:
    """Remember where and when the last event of motion was."""
    state = device.state
    state.motion_time = fix.time
    state.motion_latitude = fix.latitude
    state.motion_longitude = fix.longitude


def _all_near(fixes: Iterable[Fix], here: Fix, reach: float) -> bool:
    # Far off in latitude alone: mostly so for a device that drives, by the first fix that is looked at.
    for fix in fixes:
        if abs(fix.latitude - here.latitude) * 111_319.0 >= reach:
            return False
        break
    # In this little box nothing is as far away as `reach`; it spares the trigonometry for a device that stands.
    north = reach / DEGREE / 1.5
    east = north / max(0.01, cos(radians(min(90.0, abs(here.latitude)))))
    latitude, longitude = here.latitude, here.longitude
    for fix in fixes:
        if abs(fix.latitude - latitude) < north and abs(fix.longitude - longitude) < east / 1.5:
            continue
        if distance(fix.latitude, fix.longitude, latitude, longitude) >= reach:
            return False
    return True


def _start(device: Device, here: Fix, slow: float) -> Fix:
    """Where the motion began: back from the newest fix, as long as each leg was driven, not stood."""
    start, following = here, here
    reference = device.state.motion_time
    for candidate in reversed(device.history):
        if reference is not None and candidate.time <= reference:
            break
        if following is not here:
            seconds = (following.time - candidate.time).total_seconds()
            leg = distance(candidate.latitude, candidate.longitude, following.latitude, following.longitude)
            if seconds <= 0 or leg / seconds <= slow:
                break
        start = following = candidate
    return start


def _event(type: str, fix: Fix, device: Device) -> Event:
    return Event(device.id, type, fix.time, fix)


def trips(report: Report, last: Report | None, device: Device) -> Iterator[Event]:
    """Follow the attribute `motion`: an event when it has held for long or far enough."""
    state, here = device.state, report.fix
    assert here is not None and report.fix_time is not None
    moving = bool(report.attributes.get("motion", False))
    total = float(report.attributes.get("totalDistance", 0.0))
    silence = device.value("report.trip.minimalNoDataDuration", 3600.0)
    before = last.fix_time if last is not None else None
    if last is not None and before is not None and state.motion_streak and _apart(before, report.fix_time) >= silence:
        _forget(device)
        state.motion_streak = state.motion_state = False
        yield Event(device.id, "deviceStopped", last.device_time or before, last.fix)
        return
    if moving != state.motion_state:
        state.motion_state = moving
        if state.motion_streak == moving:
            _forget(device)
        else:
            state.motion_fix, state.motion_time, state.motion_distance = here, report.fix_time, total
    elif state.motion_time is not None:
        seconds = _apart(state.motion_time, report.fix_time)
        if moving:
            held = seconds >= device.value(
                "report.trip.minimalTripDuration", 300.0
            ) or total - state.motion_distance >= device.value("report.trip.minimalTripDistance", 500.0)
        else:
            held = seconds >= device.value("report.trip.minimalParkingDuration", 300.0) or (
                device.value("report.trip.useIgnition", False) and report.attributes.get("ignition") is False
            )
        if held:
            state.motion_streak = moving
            yield Event(device.id, "deviceMoving" if moving else "deviceStopped", state.motion_time, state.motion_fix)
            _forget(device)


def _apart(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds()


def _forget(device: Device) -> None:
    state = device.state
    state.motion_fix, state.motion_time, state.motion_distance = None, None, 0.0
