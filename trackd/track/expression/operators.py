"""What the operators of expressions do with values. All raise BadExpression for values that they cannot take."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import regex

from trackd.track.expression.values import (
    BadExpression,
    Map,
    Set,
    Span,
    bits,
    bounded,
    integer,
    kind,
    number,
    text,
    truth,
    typed,
    whole,
)

# Seconds that a regular expression may take: some take for ever on a text that is made for it.
PATIENCE = 0.01

Binary = Callable[[Any, Any], Any]


def plus(left: Any, right: Any) -> Any:
    """A sum; where one of them is a text, one after the other."""
    if isinstance(left, str) or isinstance(right, str):
        _there(left, right)
        return bounded(text(left) + text(right))
    return _reckoned(left, right, lambda a, b: a + b)


def minus(left: Any, right: Any) -> Any:
    return _reckoned(left, right, lambda a, b: a - b)


def times(left: Any, right: Any) -> Any:
    return _reckoned(left, right, lambda a, b: a * b)


def divided(left: Any, right: Any) -> Any:
    """Integers are divided without a rest, towards zero."""
    return _reckoned(left, right, lambda a, b: a / b if isinstance(a, float) else _quotient(a, b), no_zero=True)


def modulo(left: Any, right: Any) -> Any:
    """The rest of a division, with the sign of what is divided."""

    def rest(a: Any, b: Any) -> Any:
        return math.fmod(a, b) if isinstance(a, float) else a - b * _quotient(a, b)

    return _reckoned(left, right, rest, no_zero=True)


def _quotient(a: int, b: int) -> int:
    found = abs(a) // abs(b)
    return found if (a < 0) == (b < 0) else -found


def _reckoned(left: Any, right: Any, work: Binary, *, no_zero: bool = False) -> Any:
    _there(left, right)
    a, b = number(left), number(right)
    if no_zero and b == 0:
        raise BadExpression("a division by zero")
    try:
        if isinstance(a, float) or isinstance(b, float):
            return float(work(float(a), float(b)))
        return integer(work(int(a), int(b)), left, right)
    except (OverflowError, ValueError):
        return math.nan


def negative(value: Any) -> Any:
    """The negative of a number, the contrary of a boolean."""
    _there(value)
    if isinstance(value, bool):
        return not value
    found = number(value)
    return -float(found) if isinstance(found, float) else integer(-int(found), value)


def positive(value: Any) -> Any:
    _there(value)
    return number(value)


def bitwise(work: Callable[[int, int], int]) -> Binary:
    def done(left: Any, right: Any) -> int:
        _there(left, right)
        return whole(work(bits(left), bits(right)))

    return done


def inverted(value: Any) -> int:
    _there(value)
    return whole(~bits(value))


def equal(left: Any, right: Any) -> bool:
    """Whether two values say the same, whatever kind they are of; null equals null alone."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return truth(left) == truth(right)
    if isinstance(left, float) or isinstance(right, float):
        return float(number(left)) == float(number(right))
    if isinstance(left, int) or isinstance(right, int):
        return number(left) == number(right)
    return alike(left, right)


def alike(left: Any, right: Any) -> bool:
    """Collections are none but themselves: to look into them could take for ever."""
    if isinstance(left, list | Set | Map | Span):
        return left is right
    return bool(left == right)


def same(left: Any, right: Any) -> bool:
    """The same, and of the same kind."""
    return type(left) is type(right) and alike(left, right)


def ordered(work: Callable[[Any, Any], bool]) -> Binary:
    """A comparison by size."""

    def done(left: Any, right: Any) -> bool:
        _there(left, right)
        if isinstance(left, str) and isinstance(right, str):
            return work(left, right)
        if isinstance(left, datetime) and isinstance(right, datetime):
            return work(left, right)
        a, b = number(left), number(right)
        if isinstance(a, float) or isinstance(b, float):
            return work(float(a), float(b))
        return work(a, b)

    return done


def matches(left: Any, right: Any) -> bool | None:
    """Whether a text fits a regular expression as a whole, or a value is in a collection."""
    if isinstance(right, Span):
        return None
    if left is None or right is None:
        return left is right
    if isinstance(right, Set | Map):
        return not isinstance(left, list | Set | Map | Span) and typed(left) in right.items
    if isinstance(right, list):
        return any(same(left, one) for one in right)
    if isinstance(right, str):
        return fits(right, text(left))
    return equal(left, right)


def fits(pattern: str, subject: str) -> bool:
    """Whether a text fits a regular expression as a whole."""
    return searched(lambda: regex.compile(pattern).fullmatch(subject, timeout=PATIENCE)) is not None


def searched(work: Callable[[], Any]) -> Any:
    """The result of work with a regular expression that may be wrong, or take too long."""
    try:
        return work()
    except regex.error as error:
        raise BadExpression(f"a regular expression cannot be read: {error}") from None
    except TimeoutError:
        raise BadExpression("a regular expression takes too long") from None


def begins(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    return text(left).startswith(text(right))


def ends(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    return text(left).endswith(text(right))


def contrary(work: Binary) -> Binary:
    def done(left: Any, right: Any) -> Any:
        found = work(left, right)
        return None if found is None else not found

    return done


def size(value: Any) -> int:
    """How many there are in a collection, or characters in a text; null has none."""
    if value is None:
        return 0
    if isinstance(value, str | list):
        return len(value)
    if isinstance(value, Set | Map):
        return len(value.items)
    if isinstance(value, Span):
        return abs(value.last - value.first) + 1
    raise BadExpression(f"{kind(value)} has no size")


def empty(value: Any) -> bool:
    """Whether there is nothing in it; null is empty, and so are zero and false."""
    if value is None or isinstance(value, str | list | Set | Map):
        return size(value) == 0
    return not truth(value)


def _there(*values: Any) -> None:
    if any(value is None for value in values):
        raise BadExpression("null cannot be reckoned with")


BINARY: dict[str, Binary] = {
    "+": plus,
    "-": minus,
    "*": times,
    "/": divided,
    "%": modulo,
    "&": bitwise(lambda a, b: a & b),
    "|": bitwise(lambda a, b: a | b),
    "^": bitwise(lambda a, b: a ^ b),
    "<<": bitwise(lambda a, b: a << (b & 63)),
    ">>": bitwise(lambda a, b: a >> (b & 63)),
    ">>>": bitwise(lambda a, b: (a & (2**64 - 1)) >> (b & 63)),
    "==": equal,
    "!=": contrary(equal),
    "===": same,
    "!==": contrary(same),
    "<": ordered(lambda a, b: a < b),
    "<=": ordered(lambda a, b: a <= b),
    ">": ordered(lambda a, b: a > b),
    ">=": ordered(lambda a, b: a >= b),
    "=~": matches,
    "!~": contrary(matches),
    "=^": begins,
    "!^": contrary(begins),
    "=$": ends,
    "!$": contrary(ends),
}
UNARY: dict[str, Callable[[Any], Any]] = {
    "-": negative,
    "+": positive,
    "!": lambda value: not truth(value),
    "~": inverted,
}
