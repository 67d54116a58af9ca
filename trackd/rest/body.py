"""
JSON bodies by a table of members: what a client may send, how it is read, and how the object is shown.

Reading is generous where clients are known to be careless (numbers as text, 1 for true) and strict where it matters:
an unknown member, a text that is no number or a list in place of a text is refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from copy import copy
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import Factory, frozen

from trackd.rest.errors import ApiError
from trackd.rest.output import free, moment, number
from trackd.rest.params import DECIMAL, LARGEST
from trackd.rest.schema import Schema, of_members

# Objects and arrays within each other in a free-form object; what writes the JSON can do 254.
DEEPEST = 100
# Digits of a number.
LONGEST = 300


@frozen
class Type:
    """How a member's value is read (raises ValueError) and shown; `absent` is its value when none is sent."""

    name: str
    read: Callable[[Any], Any]
    show: Callable[[Any], Any]
    absent: Any = None
    size: Callable[[Any], int] | None = None  # what `Member.most` limits


@frozen
class Member:
    """
    One member of an object: `name` in JSON, `field` in the store.

    `ro`: shown as it was sent, but never stored. `required`: it may be neither null nor missing. `most`: characters of
    its text, or of its JSON.
    """

    name: str
    type: Type
    field: str = ""
    default: Any = None
    ro: bool = False
    required: bool = False
    trim: bool = False
    most: int | None = None
    write_only: bool = False  # shown as null

    def read(self, value: Any) -> Any:
        """The value of what was sent. Raises ValueError."""
        found = self.type.read(value)
        if found is None:
            return self.absent
        if self.trim and isinstance(found, str):
            found = found.strip()
        if self.most is not None and self.type.size is not None and self.type.size(found) > self.most:
            raise ValueError(f"is longer than {self.most} characters")
        return found

    @property
    def absent(self) -> Any:
        """Its value when none is sent: never the same dict twice."""
        return copy(self.type.absent if self.default is None else self.default)


@frozen
class Model:
    """
    An object of the dialect: its members in the order of the wire.

    `dropped` are accepted and forgotten; `tolerant` objects forget every unknown member.
    """

    name: str
    members: tuple[Member, ...]
    dropped: frozenset[str] = frozenset()
    tolerant: bool = False
    by_name: dict[str, Member] = Factory(lambda self: {member.name: member for member in self.members}, takes_self=True)

    @property
    def schema(self) -> Schema:
        """Its JSON Schema."""
        return of_members(self.members, self.tolerant)

    def read(self, data: bytes) -> dict[str, Any]:
        """What a body says, by field: a member that was not sent has its default. Raises ApiError (400)."""
        sent = parsed(data)
        if not isinstance(sent, dict):
            raise ApiError(400, f"Cannot read {self.name} from {_kind(sent)}")
        found = {}
        for name, value in sent.items():
            member = self.by_name.get(name)
            if member is None:
                if self.tolerant or name in self.dropped:
                    continue
                known = ", ".join(self.by_name)
                raise ApiError(400, f'Unrecognized field "{name}" ({self.name}), known: {known}')
            try:
                found[field(member)] = member.read(value)
            except ValueError as error:
                raise ApiError(400, f"{self.name}.{name} {error}") from None
        for member in self.members:
            if found.setdefault(field(member), member.absent) is None and member.required:
                raise ApiError(400, f"{self.name}.{member.name} is missing")
        return found

    def show(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The object as it is written; members that `values` lacks have their default."""
        return {
            member.name: None if member.write_only else member.type.show(values.get(field(member), member.absent))
            for member in self.members
        }

    def stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Of what was read, the part that goes into the store."""
        return {field(member): values[field(member)] for member in self.members if not member.ro}


def field(member: Member) -> str:
    """The store's name of a member: `uniqueId` is `unique_id`."""
    return member.field or re.sub(r"([A-Z])", r"_\1", member.name).lower()


def parsed(data: bytes) -> Any:
    """A body's JSON. Raises ApiError (400) for an empty one, for what is no JSON and for what JSON cannot say."""
    if not data.strip():
        raise ApiError(400, "The body is empty")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_number, parse_float=_finite, parse_int=_short)
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 at byte {error.start}"
    except RecursionError:
        reason = "too deep"
    except ValueError as error:
        reason = str(error).splitlines()[0]
    raise ApiError(400, f"The body is no JSON: {reason}")


def _short(text: str) -> int:
    if len(text) > LONGEST:
        raise ValueError(f"{text[:30]}… is out of range")
    return int(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:30]} is out of range")
    return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _wrong(value: Any, wanted: str) -> ValueError:
    shown = repr(value[:40]) if isinstance(value, str) else _kind(value)
    return ValueError(f"is {shown}, not {wanted}")


def read_integer(value: Any, bits: int = 64) -> int:
    """A number (a fraction is cut off), or the same as text; null and empty text are 0."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return 0
    if isinstance(value, str):
        if not re.fullmatch(r"\s*[+-]?[0-9]{1,19}\s*", value, re.ASCII):
            raise _wrong(value, "an integer")
        value = int(value)
    elif isinstance(value, float) and math.isfinite(value):
        value = int(value)
    elif not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(value, "an integer")
    if not -LARGEST[bits] - 1 <= value <= LARGEST[bits]:
        raise ValueError("is out of range")
    return value


def read_double(value: Any) -> float:
    """A number, or the same as text; null and empty text are 0."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _wrong(value, "a number")
    if isinstance(value, str) and not DECIMAL.fullmatch(value.strip(" \t\n\r\f\v")):
        raise _wrong(value, "a number")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise _wrong(value, "a number") from None
    if not math.isfinite(found):
        raise ValueError("is out of range")
    return found


def read_flag(value: Any) -> bool:
    """True or false, as such, as text or as a number; null and empty text are false."""
    if value is None or isinstance(value, int):
        return bool(value)
    if isinstance(value, str):
        text = value.strip()
        if text in ("true", "True", "TRUE"):
            return True
        if text in ("", "false", "False", "FALSE"):
            return False
    raise _wrong(value, "a boolean")


def read_text(value: Any) -> str | None:
    """A text; a number or a boolean is read as its text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str):
        raise _wrong(value, "a text")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("has characters that cannot be stored")
    return value


def read_free(value: Any) -> dict[str, Any]:
    """A free-form object; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(value, "an object")
    layer: list[Any] = [value]
    for _ in range(DEEPEST):
        layer = [inner for outer in layer for inner in (outer.values() if isinstance(outer, dict) else outer)]
        layer = [inner for inner in layer if isinstance(inner, dict | list)]
    if layer:
        raise ValueError("is nested too deeply")
    return value


_TIME = re.compile(
    r"""
    (\d{4})-(\d\d?)-(\d\d?)
    (?:
        T (\d\d?):(\d\d) (?: :(\d\d) (?:\.(\d{1,9}))? )?
        (?: Z | ([+-])(\d\d):?(\d\d)? )?
    )?
    """,
    re.VERBOSE | re.ASCII,
)


def read_moment(value: Any) -> datetime | None:
    """
    ISO-8601 with or without time, fraction and offset (none: UTC), RFC 1123, or milliseconds since 1970.

    Fractions are cut to milliseconds; a month or a day out of range rolls over; empty text is null.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _wrong(value, "a time")
    try:
        if isinstance(value, int):
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
        if match := _TIME.fullmatch(value):
            return _lenient(*match.groups())
        if re.fullmatch(r"-?[0-9]{1,15}", value, re.ASCII):
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(value))
        if re.fullmatch(r"[A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [A-Z+0-9-]+", value, re.ASCII):
            return parsedate_to_datetime(value).astimezone(UTC)
    except (OverflowError, ValueError, TypeError):
        raise _wrong(value, "a time") from None
    raise _wrong(value, "a time")


def _lenient(
    year: str,
    month: str,
    day: str,
    hour: str | None,
    minute: str | None,
    second: str | None,
    fraction: str | None,
    sign: str | None,
    hours: str | None,
    minutes: str | None,
) -> datetime:
    months = int(year) * 12 + int(month) - 1
    start = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return (
        start
        + timedelta(days=int(day) - 1, hours=int(hour or 0), minutes=int(minute or 0), seconds=int(second or 0))
        + timedelta(milliseconds=int((fraction or "").ljust(3, "0")[:3]))
        + (offset if sign == "-" else -offset)
    )


def same(value: Any) -> Any:
    return value


def or_zero(value: int | None) -> int:
    return value or 0


LONG = Type("long", read_integer, or_zero, 0)  # ids: null in the store is 0
INT = Type("integer", lambda value: read_integer(value, 32), same, 0)
DOUBLE = Type("double", read_double, number, 0.0)
FLAG = Type("boolean", read_flag, bool, False)
TEXT = Type("string", read_text, same, size=len)
MOMENT = Type("date-time", read_moment, moment)
FREE = Type(
    "object", read_free, free, {}, size=lambda value: len(json.dumps(value, separators=(",", ":"), ensure_ascii=False))
)
ANY = Type("any", same, same)
