"""Positions, events and unknown devices as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trackd.store.deletions import Deletion
from trackd.store.rows import EventRow, PositionRow, QuarantineRow, UnknownRow, as_json

# Characters of a frame that are shown.
FRAME = 64


def position_line(unique_id: str, row: PositionRow) -> str:
    """One position: time of the fix, device, place, and what else there is to say."""
    said = [
        moment(row.fix_time),
        visible(unique_id),
        f"{row.latitude:.5f},{row.longitude:.5f}",
        f"{row.speed:.1f} kn",
        f"{row.course:.0f}°",
    ]
    if row.altitude:
        said.append(f"{row.altitude:.0f} m")
    if not row.valid:
        said.append("invalid")
    return "  ".join([*said, *_attributes(row.attributes)])


def event_line(unique_id: str, row: EventRow) -> str:
    """One event: its time, the device, what has happened."""
    return "  ".join([moment(row.event_time), visible(unique_id), f"event {row.type}", *_attributes(row.attributes)])


def unknown_line(row: UnknownRow) -> str:
    """One unknown device: last and first seen, id, format, address, how often, and the beginning of its last frame."""
    frame = row.last_frame[:FRAME] + ("…" if len(row.last_frame) > FRAME else "")
    return "  ".join(
        [
            moment(row.last_seen),
            moment(row.first_seen),
            visible(row.unique_id),
            row.protocol,
            visible(row.address),
            f"{row.count}x",
            frame,
        ]
    )


def deletion_line(deletion: Deletion) -> str:
    """One thing that was deleted: what it is, its number, what people call it, when, and by whom."""
    by = f"by user {deletion.by}" if deletion.by is not None else ""
    said = [f"{deletion.kind} {deletion.id}", visible(deletion.title or ""), moment(deletion.deleted_at), by]
    return "  ".join(filter(None, said))


def quarantine_line(row: QuarantineRow) -> str:
    """One report that the database refused: its number, when it came, device, format, and why."""
    return "  ".join(
        [str(row.id), moment(row.received), f"device {row.device_id}", visible(row.protocol or ""), visible(row.reason)]
    )


def quarantine_lines(row: QuarantineRow) -> list[str]:
    """All that is kept of such a report: the report as JSON, its frame as hex."""
    return [quarantine_line(row), visible(row.report), f"frame {bytes(row.frame or b'').hex()}".rstrip()]


def moment(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def visible(text: str) -> str:
    """Text that cannot move the cursor or change colours: devices may send any character."""
    return "".join(
        [char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text]
    )


def _attributes(attributes: Mapping[str, Any]) -> list[str]:
    if not attributes:
        return []
    return [" ".join(f"{visible(name)}={_value(value)}" for name, value in attributes.items())]


def _value(value: Any) -> str:
    plain = isinstance(value, str) and value and " " not in value and '"' not in value
    return visible(value if plain else as_json(value))
