"""How values are written as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """JSON in UTF-8, without blanks."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits, or half a surrogate pair
        return json.dumps(value, separators=(",", ":"), default=_parsed).encode()


def _parsed(fragment: Any) -> Any:
    return json.loads(orjson.dumps(fragment))


# Thousands of reports a second carry the times of a few: a time that was written before costs a tenth.
@lru_cache(maxsize=4096)
def moment(value: datetime | None) -> str | None:
    """A time, always UTC with three digits of milliseconds: `2026-01-31T07:05:09.120+00:00`."""
    if value is None:
        return None
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat("T", "milliseconds")


def number(value: float) -> float | str:
    """A floating number, with its point; what JSON has no notation for is written as a text."""
    if value - value == 0:
        return value + 0.0
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def free(value: Any) -> Any:
    """A free-form object from the database: its own text goes out unchanged, so that order and numbers stay."""
    return orjson.Fragment(value) if isinstance(value, str) else value
