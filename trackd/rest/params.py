"""
Parameters of a path, a query or a form: their text, and what it means.

A `Param` names one, its kind says what text it takes. Kinds are functions from text to value that raise ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import unquote_plus

from attrs import frozen

from trackd.rest.errors import ApiError

# Parameters of one query or form.
MOST_PAIRS = 10_000
# What an id in the database can be.
LARGEST = {32: 2**31 - 1, 64: 2**63 - 1}

_INTEGER = re.compile(r"[+-]?[0-9]+")
# There is one way only to read a text by it: with two, a refusal takes the square of the text's length.
DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MOMENT = re.compile(
    r"""
    (\d{4})-(\d\d)-(\d\d)
    T(\d\d):(\d\d) (?: :(\d\d) (?:\.(\d{1,9}))? )?
    (?: (Z) | ([+-])(\d\d)(?::(\d\d))? )
    (?: \[ [A-Za-z0-9_+/:-]+ \] )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


@frozen
class Kind:
    """What the text of a parameter means: `read` raises ValueError; a missing or empty one is `absent`."""

    name: str
    read: Callable[[str], Any]
    absent: Any = None
    empty_is_absent: bool = True  # false: an empty text goes to `read`


@frozen
class Param:
    """A parameter by its name; `many`: it may be repeated, and its value is a list."""

    name: str
    kind: Kind
    many: bool = False
    meaning: str = ""

    def of(self, texts: Sequence[str]) -> Any:
        """The value of what was sent under this name. Raises ValueError, ApiError (400) for an empty one of many."""
        if self.many:
            if self.kind.empty_is_absent and "" in texts:
                raise ApiError(400, f"{self.name} is empty")
            return [self.kind.read(text) for text in texts]
        if not texts or (texts[0] == "" and self.kind.empty_is_absent):
            return self.kind.absent
        return self.kind.read(texts[0])


def integer(text: str, bits: int = 32) -> int:
    """Decimal, sign allowed, within so many bits."""
    if not _INTEGER.fullmatch(text) or len(text) > 20:
        raise ValueError(f"is no integer: {text[:30]!r}")
    value = int(text)
    if not -LARGEST[bits] - 1 <= value <= LARGEST[bits]:
        raise ValueError(f"is out of range: {text}")
    return value


def long(text: str) -> int:
    return integer(text, 64)


def decimal(text: str) -> float:
    if not DECIMAL.fullmatch(text):
        raise ValueError(f"is no number: {text[:30]!r}")
    return float(text)


def flag(text: str) -> bool:
    """On only by `true`, in any case."""
    return text.lower() == "true"


def moment(text: str) -> datetime:
    """`YYYY-MM-DDThh:mm[:ss[.f…]]` with an offset (`Z`, `±hh` or `±hh:mm`), optionally followed by `[Zone]`."""
    if not (match := _MOMENT.fullmatch(text)):
        raise ValueError(f"is no time with an offset: {text[:40]!r}")
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = match.groups()
    zone: timezone = UTC
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        if offset > timedelta(hours=18) or int(minutes or 0) > 59:
            raise ValueError(f"is no time with an offset: {text[:40]!r}")
        zone = timezone(-offset if sign == "-" else offset)
    micros = int((fraction or "").ljust(6, "0")[:6])
    value = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micros, zone)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"is out of range: {text[:40]!r}") from None


INT = Kind("integer", integer, 0)
LONG = Kind("long", long, 0)
DOUBLE = Kind("double", decimal, 0.0)
FLAG = Kind("boolean", flag, False)
TEXT = Kind("string", str, empty_is_absent=False)
MOMENT = Kind("date-time", moment, empty_is_absent=False)


def pairs(text: str) -> dict[str, list[str]]:
    """
    The parameters of a query or a form, each with all its values in order.

    A `+` is a blank; an escape that is none stays as it is; bytes that are no UTF-8 become replacement characters.
    Raises ApiError (400) for more of them than anybody needs: it takes a while to read a million.
    """
    if text.count("&") >= MOST_PAIRS:
        raise ApiError(400, f"There are more than {MOST_PAIRS} parameters")
    found: dict[str, list[str]] = {}
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if name:
            found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return found


def values(params: Sequence[Param], sent: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The values of all these parameters, by name. Raises ValueError with the name of the first bad one."""
    found = {}
    for param in params:
        try:
            found[param.name] = param.of(sent.get(param.name, ()))
        except ValueError as error:
            raise ValueError(f"{param.name} {error}") from None
    return found
