"""
JSON of devices: read strictly, members taken by name and type.

A member that is missing or of another type is a WireError, `null` included; of members of one name the last counts.
"""

from __future__ import annotations

from json import detect_encoding
from typing import Any, TypeVar

import orjson

from trackd.wire.binary import int32
from trackd.wire.text import utf8
from trackd.wire.values import WireError

T = TypeVar("T")


def parsed(text: bytes | str) -> Any:
    """
    The value of a JSON text; ValueError for anything else, nesting beyond 1024 levels and lone surrogates included.

    Of bytes the first ones tell the encoding: UTF-8, 16 or 32; what is malformed in it is replaced.
    """
    if isinstance(text, bytes):
        encoding = detect_encoding(text)
        text = utf8(text) if encoding == "utf-8" else text.decode(encoding, "replace")
    return orjson.loads(text)


def member(owner: Any, name: str, kind: type[T]) -> T:
    """
    A member that must be there: str, bool, dict, list; float for any number; int for a number cut to 32 bits.
    """
    if not isinstance(owner, dict):
        raise WireError(f"no object with {name}")
    if name not in owner:
        raise WireError(f"no {name}")
    return _typed(owner[name], name, kind)


def optional(owner: Any, name: str, kind: type[T]) -> T | None:
    """A member that may be missing; if it is there it must be of this type."""
    return member(owner, name, kind) if not isinstance(owner, dict) or name in owner else None


def _typed(value: Any, name: str, kind: type[T]) -> T:
    found = type(value)
    if found is kind and kind is not int:
        return value  # type: ignore[no-any-return]
    if kind is float and found is int:
        return float(value)  # type: ignore[return-value]
    if kind is int and (found is int or found is float):
        return int32(int(value))  # type: ignore[return-value]
    raise WireError(f"{name} is no {kind.__name__}: {value!r:.100}")
