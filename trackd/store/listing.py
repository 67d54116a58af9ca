"""Which part of a list a client wants to see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen


@frozen
class Listing:
    """
    `keyword`: a part of one of the searched columns, whatever its case; `%` and `_` stand for anything.
    `limit`: rows at most, 0 for all; `offset`: rows to leave out first, only with a limit.
    """

    keyword: str = ""
    limit: int = 0
    offset: int = 0

    def where(self, searched: Sequence[str]) -> tuple[str, list[Any]]:
        """A condition that begins with AND, and its arguments."""
        if not self.keyword:
            return "", []
        if "\0" in self.keyword:  # no text of the database has one
            return " AND false", []
        pattern = f"%{self.keyword}%"
        # Without an escape character a backslash is a backslash.
        matches = " OR ".join([f"{column} ILIKE %s ESCAPE ''" for column in searched])
        return f" AND ({matches})", [pattern] * len(searched)

    @property
    def page(self) -> str:
        """The end of the statement."""
        return f" LIMIT {int(self.limit)} OFFSET {max(0, int(self.offset))}" if self.limit > 0 else ""


EVERYTHING = Listing()
