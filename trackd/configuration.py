"""
Reading configuration files: what a file says, as a flat list of dotted keys with their values.

The native form is TOML. Other forms are dialects: objects called `dialect` in the modules of `plugins.config`, each
known by the way in which its files begin.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import Factory, frozen

from trackd.wire.catalog import names, part


class ConfigurationError(Exception):
    """The file cannot be read as what it is; the text says where and why, for the operator."""


@frozen
class Entry:
    """One key of a file. A value that is text because its form knows nothing else is `textual`."""

    key: str
    value: Any
    line: int | None = None
    textual: bool = False


def unchanged(key: str, value: str) -> str:
    return value


@frozen
class Dialect:
    """
    Another program's configuration.

    `read` takes the bytes of a file that begins with `begins` (white space and a byte order mark aside). `translate`
    turns its spelling of a value into the native one, and raises ValueError if there is none; it is asked for the
    environment's values too. `keys` and `prefixed` (`<format>.<key>`) are all that the other program knows, with their
    scopes, `formats` its device formats with their ports. `notes` are keys that are accepted and change nothing, with
    the reason.
    """

    name: str
    begins: bytes
    read: Callable[[bytes], Sequence[Entry]]
    translate: Callable[[str, str], str] = unchanged
    keys: Mapping[str, str] = Factory(dict)
    prefixed: frozenset[str] = frozenset()
    formats: Mapping[str, int] = Factory(dict)
    notes: Mapping[str, str] = Factory(dict)


def dialects(package: str = "plugins.config") -> list[Dialect]:
    """All dialects that are installed; what a broken module raises is passed on."""
    return [part(package, name, "dialect") for name in names(package)]


def read(data: bytes, dialects: Sequence[Dialect] = ()) -> list[Entry]:
    """What a configuration file says, in its order. ConfigurationError if it is in none of the forms."""
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    for dialect in dialects:
        if start.startswith(dialect.begins):
            return [_translated(entry, dialect) for entry in dialect.read(data)]
    return read_toml(data)


def _translated(entry: Entry, dialect: Dialect) -> Entry:
    try:
        return Entry(entry.key, dialect.translate(entry.key, entry.value), entry.line, entry.textual)
    except ValueError as error:
        raise ConfigurationError(f"line {entry.line}: {entry.key}: {error}") from None


def read_toml(data: bytes) -> list[Entry]:
    """The native form: tables and dotted keys may be mixed freely, and a quoted key may contain dots."""
    try:
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"byte {error.start} is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        hint = ""
        if "overwrite" in str(error):
            # TOML lets a name be either a value or a table; some keys are both.
            hint = (
                '; a key stands twice, or one begins another: then quote the longer, as in "a.b.c" = 1 beside a.b = 1'
            )
        raise ConfigurationError(f"not valid TOML: {error}{hint}") from None
    return list(_flat(tables, ""))


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[Entry]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield Entry(prefix + name, value)


def variable(key: str) -> str:
    """The environment variable of a key: `web.sessionTimeout` is WEB_SESSION_TIMEOUT."""
    return re.sub(r"([A-Z])", r"_\1", key.replace(".", "_")).upper()
