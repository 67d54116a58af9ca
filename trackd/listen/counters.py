"""
What the listeners have seen, per wire format.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, evolve, field


@define(eq=False)
class Counts:
    """Of one format since the start; only `open` goes down again."""

    open: int = 0  # connections at the moment
    connections: int = 0
    refused: int = 0  # connections for which there was no place
    bytes: int = 0
    frames: int = 0
    reports: int = 0
    errors: int = 0  # frames that could not be read
    unlogged: int = 0  # of these, those of which the log has no line
    dropped: int = 0  # datagrams for which there was no place

    def words(self) -> str:
        """All of them, in a line."""
        return (
            f"{self.connections} connections, {self.refused} refused, {self.bytes} bytes, {self.frames} frames, "
            f"{self.reports} reports, {self.errors} bad frames, {self.dropped} datagrams dropped"
        )


@define(eq=False)
class Counters:
    """The counts of all formats by name."""

    formats: dict[str, Counts] = field(factory=dict)
    _told: dict[str, Counts] = field(factory=dict, init=False)  # as they were when `losses` was asked last

    def frames(self) -> int:
        """Of all formats."""
        return sum(counts.frames for counts in self.formats.values())

    def of(self, format: str) -> Counts:
        """The counts of this format, all zero at first."""
        return self.formats.setdefault(format, Counts())

    def losses(self) -> Iterator[tuple[str, str]]:
        """What the log has no line of, since this was asked last: format and words, of those that have lost any."""
        for name, counts in self.formats.items():
            before, self._told[name] = self._told.get(name, Counts()), evolve(counts)
            lost = {
                "bad frames": counts.unlogged - before.unlogged,
                "connections refused": counts.refused - before.refused,
                "datagrams dropped": counts.dropped - before.dropped,
            }
            if any(lost.values()):
                yield name, ", ".join(f"{count} {what}" for what, count in lost.items() if count)
