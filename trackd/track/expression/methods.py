"""What can be called in expressions: methods of texts, numbers and moments, and the functions of `math`."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import regex

from trackd.track.expression.operators import PATIENCE, fits, searched
from trackd.track.expression.values import (
    LONGEST_TEXT,
    BadExpression,
    Long,
    Map,
    Set,
    Single,
    Undefined,
    bits,
    bounded,
    integer,
    kind,
    number,
    text,
    whole,
)

Arguments = Sequence[Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def member(value: Any, name: str) -> Any:
    """A property of a value. Raises Undefined."""
    if value is None:
        return None
    if isinstance(value, Map):
        return value.items.get((str, name))
    if isinstance(value, datetime) and (found := MOMENTS.get(f"get{name[:1].upper()}{name[1:]}")) is not None:
        return found(value)
    raise Undefined(f"{kind(value)} has no {name}")


def call(value: Any, name: str, arguments: Arguments) -> Any:
    """The result of a method; null if there is none of this name and number of arguments."""
    table: dict[tuple[str, int], Callable[..., Any]]
    if isinstance(value, str):
        if name == "format" and arguments:
            return formatted(arguments)
        table = TEXTS
    elif isinstance(value, datetime):
        if not arguments and name in MOMENTS:
            return MOMENTS[name](value)
        table = DATES
    elif isinstance(value, bool):
        table = ANY
    elif isinstance(value, int | float):
        table = NUMBERS
    elif isinstance(value, Map | Set | list):
        table = {}
    else:
        return None
    found = table.get((name, len(arguments))) or ANY.get((name, len(arguments)))
    if found is None:
        return None
    try:
        return found(value, *arguments)
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, BadExpression):
            raise
        raise BadExpression(f"{name} does not take this: {error}") from None


def make(name: str, arguments: Arguments) -> Any:
    """A new object of a class."""
    if name == "java.util.Date" and len(arguments) == 1:
        return EPOCH + timedelta(milliseconds=bits(arguments[0]))
    makers: dict[str, Callable[[Any], Any]] = {
        "java.lang.Double": lambda value: float(number(value)),
        "java.lang.Float": lambda value: Single(number(value)),
        "java.lang.Integer": lambda value: integer(int(number(value))),
        "java.lang.Long": lambda value: whole(int(number(value))),
        "java.lang.String": text,
        "java.lang.Boolean": lambda value: text(value).lower() == "true",
    }
    if name not in makers or len(arguments) != 1 or arguments[0] is None:
        raise BadExpression(f"no {name} can be made")
    return makers[name](arguments[0])


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise BadExpression(f"{kind(value)} is no text")
    return value


def _place(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadExpression(f"{kind(value)} is no place in a text")
    return int(value)


def _substring(value: str, first: Any, last: Any = None) -> str:
    start = _place(first)
    end = len(value) if last is None else _place(last)
    if not 0 <= start <= end <= len(value):
        raise BadExpression("a place is outside the text")
    return value[start:end]


def _hash(value: str) -> int:
    found = 0
    for unit in memoryview(value.encode("utf-16-le")).cast("H"):
        found = (found * 31 + unit) & 0xFFFFFFFF
    return found - 2**32 if found >= 2**31 else found


def _replaced(value: str, old: Any, new: Any) -> str:
    count = value.count(_string(old))
    if count * len(_string(new)) > LONGEST_TEXT:
        raise BadExpression("the text is too long")
    return bounded(value.replace(old, new))


def _by_pattern(value: str, pattern: Any, new: Any, count: int = 0) -> str:
    # $1 is a group there, \1 here.
    template = re.sub(r"\$(\d)", r"\\g<\1>", _string(new).replace("\\$", "\\\\$"))
    found = searched(lambda: regex.compile(_string(pattern)).sub(template, value, count=count, timeout=PATIENCE))
    return bounded(found)


def _split(value: str, pattern: Any) -> list[str]:
    found = searched(lambda: regex.compile(_string(pattern)).split(value, timeout=PATIENCE))
    parts = [part or "" for part in found]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def _repeated(value: str, count: Any) -> str:
    if not 0 <= _place(count) * len(value) <= LONGEST_TEXT:
        raise BadExpression("the text is too long")
    return value * int(count)


def _compared(one: Any, other: Any) -> int:
    return (one > other) - (one < other)


TEXTS: dict[tuple[str, int], Callable[..., Any]] = {
    ("contains", 1): lambda value, part: _string(part) in value,
    ("length", 0): len,
    ("substring", 1): _substring,
    ("substring", 2): _substring,
    ("toLowerCase", 0): str.lower,
    ("toUpperCase", 0): lambda value: bounded(value.upper()),
    ("indexOf", 1): lambda value, part: value.find(_string(part)),
    ("indexOf", 2): lambda value, part, start: value.find(_string(part), max(0, _place(start))),
    ("lastIndexOf", 1): lambda value, part: value.rfind(_string(part)),
    ("startsWith", 1): lambda value, part: value.startswith(_string(part)),
    ("endsWith", 1): lambda value, part: value.endswith(_string(part)),
    ("replace", 2): _replaced,
    ("replaceAll", 2): _by_pattern,
    ("replaceFirst", 2): lambda value, pattern, new: _by_pattern(value, pattern, new, 1),
    ("split", 1): _split,
    ("trim", 0): lambda value: value.strip("".join(map(chr, range(33)))),
    ("strip", 0): str.strip,
    ("isEmpty", 0): lambda value: not value,
    ("isBlank", 0): lambda value: not value.strip(),
    ("charAt", 1): lambda value, place: _substring(value, place, _place(place) + 1),
    ("matches", 1): lambda value, pattern: fits(_string(pattern), value),
    ("equalsIgnoreCase", 1): lambda value, other: isinstance(other, str) and value.lower() == other.lower(),
    ("compareTo", 1): lambda value, other: _compared(value, _string(other)),
    ("hashCode", 0): _hash,
    ("concat", 1): lambda value, other: bounded(value + _string(other)),
    ("repeat", 1): _repeated,
}
# Those that take a regular expression.
PATTERNED = frozenset(("matches", "replaceAll", "replaceFirst", "split"))
NUMBERS: dict[tuple[str, int], Callable[..., Any]] = {
    ("intValue", 0): lambda value: integer(_narrow(value, 31)),
    ("longValue", 0): lambda value: whole(_narrow(value, 63)),
    ("doubleValue", 0): float,
    ("floatValue", 0): Single,
    ("compareTo", 1): lambda value, other: _compared(value, number(other)),
    ("isNaN", 0): lambda value: value != value,
    ("isInfinite", 0): lambda value: math.isinf(value),
}
DATES: dict[tuple[str, int], Callable[..., Any]] = {
    ("after", 1): lambda value, other: value > other,
    ("before", 1): lambda value, other: value < other,
    ("compareTo", 1): _compared,
    ("toInstant", 0): lambda value: _instant(value),
}
ANY: dict[tuple[str, int], Callable[..., Any]] = {
    ("equals", 1): lambda value, other: type(value) is type(other) and value == other,
    ("toString", 0): text,
}
MOMENTS: dict[str, Callable[[datetime], Any]] = {
    "getTime": lambda value: Long((value - EPOCH) // timedelta(milliseconds=1)),
    "getHours": lambda value: value.hour,
    "getMinutes": lambda value: value.minute,
    "getSeconds": lambda value: value.second,
    "getDay": lambda value: (value.weekday() + 1) % 7,
    "getDate": lambda value: value.day,
    "getMonth": lambda value: value.month - 1,
    "getYear": lambda value: value.year - 1900,
}


def _instant(value: datetime) -> str:
    found = value.astimezone(UTC)
    return f"{found:%Y-%m-%dT%H:%M:%S}" + (f".{found.microsecond // 1000:03}" if found.microsecond else "") + "Z"


def _narrow(value: float, bits: int) -> int:
    if value != value:
        return 0
    return int(max(-(2.0**bits), min(2.0**bits - 1, value)))


_CONVERSION = re.compile(r"%(?:%|([-+0 ]{0,4}\d{0,3}(?:\.\d{1,3})?)([dsfxXeE]))", re.ASCII)


def formatted(arguments: Arguments) -> str:
    """A text with values in place of %d, %s, %.2f and the like."""
    given = iter(arguments[1:])

    def shown(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        try:
            value = next(given)
        except StopIteration:
            raise BadExpression("there are too few values for the text") from None
        if match[2] == "s":
            return f"%{match[1]}s" % text(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadExpression(f"{kind(value)} is no number")
        if (match[2] in "dxX") != isinstance(value, int):
            raise BadExpression(f"%{match[2]} is for other numbers")
        return f"%{match[1]}{match[2]}" % value

    return bounded(_CONVERSION.sub(shown, _string(arguments[0])))


def _numbers(arguments: Arguments, count: int) -> list[Any]:
    if len(arguments) != count or any(isinstance(one, bool) or not isinstance(one, int | float) for one in arguments):
        raise BadExpression("a function of math takes other arguments")
    return list(arguments)


def _real(work: Callable[..., float], count: int = 1) -> Callable[[Arguments], Any]:
    """A function of doubles."""

    def done(arguments: Arguments) -> float:
        values = [float(one) for one in _numbers(arguments, count)]
        try:
            return float(work(*values))
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    return done


def _whole(work: Callable[..., int], count: int = 2) -> Callable[[Arguments], Any]:
    """A function of integers."""

    def done(arguments: Arguments) -> int:
        values = _numbers(arguments, count)
        if any(isinstance(one, float) for one in values) or (count == 2 and values[1] == 0):
            raise BadExpression("a function of math takes other integers")
        return integer(work(*map(int, values)), *values)

    return done


def _either(work: Callable[..., Any], count: int = 2) -> Callable[[Arguments], Any]:
    """A function of any numbers; one double makes the others doubles."""

    def done(arguments: Arguments) -> Any:
        values = _numbers(arguments, count)
        if any(isinstance(one, float) for one in values):
            return float(work(*map(float, values)))
        return integer(work(*map(int, values)), *values)

    return done


def _round(value: float) -> float:
    return math.floor(value + 0.5)


def _rounded(arguments: Arguments) -> Any:
    (value,) = _numbers(arguments, 1)
    if isinstance(value, Single):
        return integer(_narrow(_round(value) if math.isfinite(value) else value, 31))
    return whole(_narrow(_round(value) if math.isfinite(value) else value, 63))


def _power(base: float, exponent: float) -> float:
    try:
        return base**exponent if not (base < 0 and exponent != int(exponent)) else math.nan
    except ZeroDivisionError:
        return math.inf


def _cube_root(value: float) -> float:
    found = math.cbrt(value)
    return round(found) if math.isfinite(found) and round(found) ** 3 == value else found


FUNCTIONS: dict[str, Callable[[Arguments], Any]] = {
    "abs": _either(abs, 1),
    "max": _either(max),
    "min": _either(min),
    "pow": _real(_power, 2),
    "sqrt": _real(math.sqrt),
    "cbrt": _real(_cube_root),
    "exp": _real(math.exp),
    "expm1": _real(math.expm1),
    "log": _real(lambda value: math.log(value) if value else -math.inf),
    "log10": _real(lambda value: math.log10(value) if value else -math.inf),
    "log1p": _real(math.log1p),
    "floor": _real(lambda value: math.floor(value) if math.isfinite(value) else value),
    "ceil": _real(lambda value: math.ceil(value) if math.isfinite(value) else value),
    "rint": _real(lambda value: round(value) if math.isfinite(value) else value),
    "round": _rounded,
    "signum": _real(lambda value: math.copysign(1.0, value) if value else value),
    "sin": _real(math.sin),
    "cos": _real(math.cos),
    "tan": _real(math.tan),
    "asin": _real(math.asin),
    "acos": _real(math.acos),
    "atan": _real(math.atan),
    "atan2": _real(math.atan2, 2),
    "sinh": _real(math.sinh),
    "cosh": _real(math.cosh),
    "tanh": _real(math.tanh),
    "hypot": _real(math.hypot, 2),
    "toRadians": _real(math.radians),
    "toDegrees": _real(math.degrees),
    "floorDiv": _whole(lambda a, b: a // b),
    "floorMod": _whole(lambda a, b: a % b),
    "random": _real(random.random, 0),
}
