"""
What a service has in its database after a conversation: the recorded positions, and what processing makes of them.

    sent again   a position that says the same as an earlier one of its device is stored once
    outdated     time of fix, place and movement are those of the latest fix, 1980-01-06 if there is none
    rolled over  a time of more than 1024 weeks (but 90 days) ago is moved on by 1024 weeks until it is not
    more         stages add attributes; `totalDistance` is the server's own count, whatever the device says
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.conformance import compare
from tests.conformance.vectors import Step

GPS_EPOCH = datetime(1980, 1, 6, tzinfo=UTC)
WEEKS = timedelta(weeks=1024)
PLACE = ("valid", "latitude", "longitude", "altitude", "speed", "course", "accuracy")

# What stages write where the device has said nothing.
ADDED = {"distance", "totalDistance", "motion", "hours"}

# In the order of `as_json`.
COLUMNS = (
    "device_id, protocol, device_time, fix_time, valid, latitude, longitude, altitude, speed, course, accuracy,"
    " network, attributes"
)


def as_json(row: Sequence[Any], device: str) -> dict[str, Any]:
    """A row of these columns as the recordings show a position."""
    _, protocol, device_time, fix_time, *place, network, attributes = row
    return {
        "device": device,
        "protocol": protocol,
        "deviceTime": _text(device_time),
        "fixTime": _text(fix_time),
        **dict(zip(PLACE, place, strict=True)),
        "network": None if network is None else json.loads(network),
        "attributes": json.loads(attributes),
    }


def expected(steps: Sequence[Step], now: datetime) -> dict[str, list[dict[str, Any]]]:
    """What is to be stored of these steps if all of them arrive at `now`, by device, in the order of arrival."""
    found: dict[str, list[dict[str, Any]]] = {}
    latest: dict[str, dict[str, Any]] = {}
    seen = set()
    for recorded in [position for step in steps for position in step.positions]:
        device, outdated = recorded["device"], recorded.get("outdated", False)
        said = json.dumps(recorded, sort_keys=True)
        if device is None or said in seen or (recorded["fixTime"] is None and not outdated):
            continue
        seen.add(said)
        position = {name: value for name, value in recorded.items() if name != "outdated"}
        last = latest.get(device)
        if outdated:
            position["fixTime"] = _text(GPS_EPOCH)
            if last is not None:
                position |= {name: last[name] for name in ("fixTime", *PLACE)}
        if position["deviceTime"] is None:
            position["deviceTime"] = _text(now) if outdated else position["fixTime"]
        for name in ("deviceTime", "fixTime"):
            position[name] = _rolled(position[name], now)
        if last is None or _time(position["fixTime"]) >= _time(last["fixTime"]):
            latest[device] = position
        found.setdefault(device, []).append(position)
    return found


def _rolled(text: str, now: datetime) -> str:
    time = _time(text)
    while time > GPS_EPOCH and now - time > WEEKS - timedelta(days=90):
        time += WEEKS
    return _text(time)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def differences(
    wanted: Mapping[str, Sequence[dict[str, Any]]], stored: Mapping[str, Sequence[dict[str, Any]]], files: Path
) -> list[str]:
    """How what is stored differs from what is to be; `files` has the media, a folder for each device."""
    found = []
    for device in sorted({*wanted, *stored}):
        one = [_own(position) for position in wanted.get(device, ())]
        other = [_without_added(position) for position in stored.get(device, ())]
        for recorded, heard in zip(one, other, strict=False):
            found += _named(recorded["attributes"], heard["attributes"], files / device)
            for name in ADDED & (heard["attributes"].keys() - recorded["attributes"].keys()):
                del heard["attributes"][name]
        found += [f"{device}: {difference}" for difference in compare.positions(one, other)]
    return found


def _own(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded position, without what the server keeps itself."""
    attributes = dict(recorded["attributes"])
    attributes.pop("totalDistance", None)
    if "distance" in attributes:
        attributes["distance"] = float(attributes["distance"])
    return {**recorded, "attributes": attributes}


def _without_added(stored: Mapping[str, Any]) -> dict[str, Any]:
    attributes = dict(stored["attributes"])
    attributes.pop("totalDistance", None)
    return {**stored, "attributes": attributes}


def _named(recorded: Mapping[str, Any], stored: dict[str, Any], folder: Path) -> list[str]:
    """Names of files, where the recording has `media.<extension>`: what is there is made equal."""
    found = []
    for name, value in recorded.items():
        if isinstance(value, str) and value.startswith("media.") and name in stored:
            file = folder / str(stored[name])
            if file.suffix == f".{value.partition('.')[2]}" and file.is_file():
                stored[name] = value
            else:
                found.append(f"{name}: there is no file {stored[name]!r} for {value!r}")
    return found


def media(recorded: Sequence[Mapping[str, Any]], files: Path) -> list[str]:
    """How the files differ from those that were handed over; one that was sent again may be there once."""
    wanted = {(file["device"], file["extension"], file["data"]) for file in recorded if file["device"] is not None}
    stored = {
        (device, file.suffix.removeprefix("."), file.read_bytes().hex())
        for device in {device for device, _, _ in wanted}
        for file in (files / device).glob("*")
    }
    if wanted == stored:
        return []
    short = [[f"{device} {extension} {data[:40]}" for device, extension, data in sorted(of)] for of in (stored, wanted)]
    return [f"files {short[0]} instead of {short[1]}"]
