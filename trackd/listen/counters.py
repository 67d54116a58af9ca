"""
What the listeners have seen, per wire format.
"""

from __future__ import annotations

from attrs import define, field


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
    dropped: int = 0  # datagrams for which there was no place


@define(eq=False)
class Counters:
    """The counts of all formats by name."""

    formats: dict[str, Counts] = field(factory=dict)

    def of(self, format: str) -> Counts:
        """The counts of this format, all zero at first."""
        return self.formats.setdefault(format, Counts())
