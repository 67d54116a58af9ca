"""
Byte stuffing: bytes that must not stand inside a frame are written as two or three others.

Each format has its own table, from the escaped sequence to the plain bytes: `{b"\\x7d\\x01": b"\\x7d", …}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from trackd.wire.values import WireError

Table = Mapping[bytes, bytes]


def unescape(table: Table, *, strict: bool = False) -> Callable[[bytes], bytes]:
    """
    A function that makes escaped bytes plain.

    An escape byte with a follower that is not in the table vanishes with it, be it the end of the frame, or, if
    `strict`, raises WireError; so does one that ends the data.
    """
    leads = sorted({sequence[:-1] for sequence in table}, key=len, reverse=True)
    search = re.compile(b"(?:" + b"|".join(map(re.escape, leads)) + b")(.?)", re.DOTALL)

    def undone(found: re.Match[bytes]) -> bytes:
        if not found[1]:
            raise WireError("the last byte is an escape")
        plain = table.get(found[0], b"")
        if strict and not plain:
            raise WireError(f"{found[0].hex()} is no escape")
        return plain

    return lambda data: search.sub(undone, data)


def escape(table: Table) -> Callable[[bytes], bytes]:
    """
    A function that escapes whatever plain bytes of the table it finds; of several sequences for one the first counts.
    """
    inverse: dict[bytes, bytes] = {}
    for sequence, plain in table.items():
        inverse.setdefault(plain, sequence)
    search = re.compile(b"|".join(map(re.escape, sorted(inverse, key=len, reverse=True))), re.DOTALL)
    return lambda data: search.sub(lambda found: inverse[found[0]], data)


def shifted(lead: int, by: Callable[[int], int]) -> Table:
    """A table in which every byte may follow the escape byte and stands for another: `by(follower)`."""
    return {bytes((lead, byte)): bytes((by(byte) & 0xFF,)) for byte in range(256)}
