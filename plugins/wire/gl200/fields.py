"""The fields of a report, read one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import define

from trackd.wire.text import integer

T = TypeVar("T")


@define
class Fields:
    """A report split at its commas, and the field that is next. To read past the last one is an IndexError."""

    values: list[str]
    at: int = 0

    def next(self) -> str:
        value = self.values[self.at]
        self.at += 1
        return value

    def optional(self, read: Callable[[str], T]) -> T | None:
        """The next field, or nothing if it is empty."""
        value = self.values[self.at]
        self.at += 1
        return read(value) if value else None

    def count(self) -> int:
        """How many items of one field or more follow; no more than there are fields, whatever is told."""
        return min(integer(self.next()), len(self.values))

    def skip(self, count: int = 1) -> None:
        """Fields that need not be there."""
        self.at += count
