"""
Frames as no device means them: bits flipped, bytes lost or doubled, lengths that lie, fields that are no such thing,
frames of another format. What is random comes from a `Random` that is given, so that all can be had again.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from random import Random
from types import FrameType
from typing import Any, Literal

# What devices have sent in the place of a number, and what arithmetic dislikes.
EXTREMES = (
    b"\0",
    b"\1",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\0\0",
    b"\xff\xff",
    b"\x7f\xff",
    b"\0\0\0\0",
    b"\xff" * 4,
    b"\x80\0\0\0",
)
WORDS = (
    b"",
    b"-",
    b".",
    b"99999999999",
    b"-1",
    b"1e999",
    b"NaN",
    b"\xff\xfe",
    b"0x",
    b"  ",
    b"2147483648",
    b"\xd9\xa3",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    0.5,
    91,
    1e300,
    2**31,
    2**63,
    -(2**64),
    "",
    "x",
    "-1",
    "1e999",
    "\ud800",
    "\0",
    [],
    {},
    [[]],
)

Damage = Callable[[bytes, Random], bytes]


def flip(sample: bytes, random: Random) -> bytes:
    """Some bits are turned."""
    data = bytearray(sample)
    for _ in range(random.randint(1, 4)):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def cut(sample: bytes, random: Random) -> bytes:
    """The end is missing."""
    return sample[: random.randrange(len(sample))]


def lose(sample: bytes, random: Random) -> bytes:
    """Some bytes in the middle are missing."""
    at = random.randrange(len(sample))
    return sample[:at] + sample[at + random.randint(1, 6) :]


def double(sample: bytes, random: Random) -> bytes:
    """Some bytes come twice."""
    at = random.randrange(len(sample))
    part = sample[at : at + random.randint(1, 20)]
    return sample[:at] + part + sample[at:]


def insert(sample: bytes, random: Random) -> bytes:
    """Some bytes come in between."""
    at = random.randint(0, len(sample))
    return sample[:at] + random.randbytes(random.randint(1, 6)) + sample[at:]


def exceed(sample: bytes, random: Random) -> bytes:
    """A field, perhaps a length or a count, has an extreme value."""
    value = random.choice(EXTREMES)
    at = random.randrange(len(sample))
    return (sample[:at] + value + sample[at + len(value) :])[: max(len(sample), at + 1)]


def misspell(sample: bytes, random: Random) -> bytes:
    """A field between two separators is another word."""
    separator = bytes((random.choice([byte for byte in sample if byte in b",;:|&=# "] or [44]),))
    fields = sample.split(separator)
    fields[random.randrange(len(fields))] = random.choice(WORDS)
    return separator.join(fields)


def repeat(sample: bytes, random: Random) -> bytes:
    """All of it comes several times."""
    return sample * random.randint(2, 4)


def miscount(sample: bytes, random: Random) -> bytes:
    """A number, perhaps a length or a count, is a little more or less, or many times as much."""
    by = random.choice((-2, -1, 1, 2, 8, 100))
    numbers = list(re.finditer(rb"\d+", sample))
    if numbers and random.random() < 0.5:
        found = random.choice(numbers)
        value = int(found[0][:20]) + by
        return sample[: found.start()] + b"%0*d" % (len(found[0]), value) + sample[found.end() :]
    width = random.choice((1, 1, 2, 4))
    order: Literal["little", "big"] = random.choice(("little", "big"))
    at = random.randrange(len(sample))
    field = sample[at : at + width]
    value = int.from_bytes(field, order) + by
    return sample[:at] + (value % (1 << 8 * len(field))).to_bytes(len(field), order) + sample[at + len(field) :]


def retype(sample: bytes, random: Random) -> bytes:
    """In JSON a value is of another type, or a member is missing; what is no JSON is misspelt."""
    try:
        whole = json.loads(sample)
    except (ValueError, RecursionError):
        return misspell(sample, random)
    owners = [one for one in _values(whole) if isinstance(one, dict | list) and one]
    if not owners:
        return json.dumps(random.choice(VALUES)).encode()
    owner = random.choice(owners)
    at = random.choice(list(owner) if isinstance(owner, dict) else range(len(owner)))
    if random.random() < 0.2:
        del owner[at]
    else:
        owner[at] = random.choice(VALUES)
    return json.dumps(whole).encode()


def _values(value: Any) -> Iterator[Any]:
    yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _values(part)


def swap(sample: bytes, random: Random) -> bytes:
    """Two stretches have changed places."""
    first, second, third, fourth = sorted(random.randint(0, len(sample)) for _ in range(4))
    return sample[:first] + sample[third:fourth] + sample[second:third] + sample[first:second] + sample[fourth:]


def scramble(sample: bytes, random: Random) -> bytes:
    """A stretch is noise."""
    at = random.randrange(len(sample))
    length = random.randint(1, 16)
    return sample[:at] + random.randbytes(length) + sample[at + length :]


def splice(sample: bytes, other: bytes, random: Random) -> bytes:
    """It begins as one frame and ends as another."""
    return sample[: random.randint(0, len(sample))] + other[random.randint(0, len(other)) :]


KINDS: tuple[Damage, ...] = (
    flip,
    cut,
    lose,
    double,
    repeat,
    insert,
    exceed,
    miscount,
    misspell,
    swap,
    scramble,
)


def damaged(sample: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """The sample with one or two kinds of damage; now and then one of the others instead, or a part of it behind."""
    if not sample or others and random.random() < 0.05:
        return random.choice(others) if others else random.randbytes(random.randint(0, 40))
    if others and random.random() < 0.05:
        return splice(sample, random.choice(others), random)
    if sample[:1] in (b"{", b"[") and random.random() < 0.6:
        return retype(sample, random)  # what was done to its bytes is hardly ever JSON
    for _ in range(random.randint(1, 2)):
        sample = random.choice(KINDS)(sample, random) or b"\0"
    return sample


class Endless(BaseException):
    """More lines of Python were run than any frame is worth."""


class Steps:
    """Within this, no more than so many lines are run: `with Steps(100_000): …` raises Endless."""

    def __init__(self, most: int) -> None:
        self.left = most
        self._before: Any = None

    def __enter__(self) -> Steps:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *why: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Endless(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        return self._trace
