"""
The settings: what the configuration files, the environment and the command line say, checked as a whole.

    settings = load([Path("etc/trackd.toml")], {"web.port": "8083"}, catalog, data=Path("var"))
    settings["web.port"]  # 8083
    settings.origin("web.port")  # "--set"

Nothing that is said is passed over: what is wrong stops the start with one line per problem, and what is known
elsewhere but not built here is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol

from attrs import Factory, define, frozen

from trackd.configuration import ConfigurationError, Dialect, read, variable
from trackd.keys import DEVICE, KEYS, PER_ASKING_FORMAT, PER_FORMAT, Key, as_text, converted, keys_of
from trackd.wire.format import WireFormat

ENVIRONMENT = "config.useEnvironmentVariables"
LARGEST_FILE = 4_000_000  # bytes
GENERIC = frozenset(key.name for key in PER_FORMAT + PER_ASKING_FORMAT)


class SettingsError(Exception):
    """The configuration cannot be used; `problems` has a line for each reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(" ".join(problem.splitlines()) for problem in problems)
        super().__init__("\n".join(self.problems))


class Formats(Protocol):
    """Where wire formats come from; `trackd.wire.catalog` is one."""

    def names(self) -> list[str]: ...

    def load(self, name: str) -> WireFormat: ...


@frozen
class Row:
    """A key as it is listed: its value as text, unless it is a secret, and where that comes from."""

    key: Key
    value: str
    origin: str


@frozen
class Settings:
    """All keys with their values. Read once; a change needs a new start."""

    data: Path  # the data folder, absolute
    formats: Mapping[str, WireFormat]  # those that are to run, by name
    warnings: tuple[str, ...]
    keys: Mapping[str, Key]  # of the table, then of the formats that run or are named
    values: Mapping[str, Any]
    origins: Mapping[str, str]  # of the keys that are set

    def __getitem__(self, name: str) -> Any:
        """The value of a key as its type; KeyError if there is no such key."""
        return self.values[name]

    def origin(self, name: str) -> str:
        """Where the value comes from: `default`, a file and its line, an environment variable, `--set`."""
        return self.origins.get(name, "default")

    def format(self, name: str) -> dict[str, Any]:
        """
        What the configuration says to a format: full key to value, for `Session.defaults`.

        Its own keys, the general ones that formats may ask for and those of others that it asks for, as far as they
        are set; always its `port`, `address`, `ssl` and `timeout`.
        """
        always = {f"{name}.{key}" for key in ("port", "address", "ssl", "timeout")}
        asked_for = {key.name for key in KEYS if key.wire}.union(self.formats[name].asks)
        return {
            key: value
            for key, value in self.values.items()
            if key in always or (key in self.origins and (key.startswith(f"{name}.") or key in asked_for))
        }

    def fallbacks(self) -> dict[str, Any]:
        """
        What holds for a device that has no attribute of that name, nor its groups: full key to value.

        Keys that formats ask for are there only if they are set: a format has defaults of its own.
        """
        return {
            name: self.values[name]
            for name, key in self.keys.items()
            if key.scope == DEVICE and (name in self.origins or not key.wire)
        }

    def timeout(self, name: str) -> float | None:
        """Seconds of silence that a format's TCP connections may keep; None = any."""
        seconds = self[f"{name}.timeout"] or self.formats[name].timeout or self["server.timeout"]
        return float(seconds) if seconds > 0 else None

    def rows(self) -> list[Row]:
        """All keys, in their order."""
        return [
            Row(key, "(set)" if key.secret and self[name] else as_text(self[name]), self.origin(name))
            for name, key in self.keys.items()
        ]


def load(
    files: Sequence[Path],
    overrides: Mapping[str, Any],
    formats: Formats,
    *,
    data: Path = Path("var"),
    dialects: Sequence[Dialect] = (),
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """
    The settings of these files (later ones go before earlier ones) and overrides (text, or values of the right type).

    Raises SettingsError with all that is wrong.
    """
    reading = Reading(formats, data.absolute(), dialects)
    for file in files:
        reading.file(file)
    for name, value in overrides.items():
        reading.given[name] = Given(value, "--set", isinstance(value, str))
    reading.environment(environ or {}, overrides)
    return reading.settings()


@frozen
class Given:
    """A value as it was said, and where."""

    value: Any
    origin: str
    textual: bool


@define
class Reading:
    """Settings in the making."""

    catalog: Formats
    data: Path
    dialects: Sequence[Dialect]
    problems: list[str] = Factory(list)
    warnings: list[str] = Factory(list)
    given: dict[str, Given] = Factory(dict)
    keys: dict[str, Key] = Factory(lambda: {key.name: key for key in KEYS})
    values: dict[str, Any] = Factory(dict)
    loaded: dict[str, WireFormat | None] = Factory(dict)  # None: broken
    installed: frozenset[str] = Factory(lambda self: frozenset(self.catalog.names()), takes_self=True)

    # Where values come from

    def file(self, file: Path) -> None:
        try:
            with file.open("rb") as opened:
                data = opened.read(LARGEST_FILE + 1)
            if len(data) > LARGEST_FILE:
                raise ConfigurationError("too large for a configuration")
            entries = read(data, self.dialects)
        except OSError as error:
            self.problems.append(f"{file}: cannot be read: {error.strerror}")
            return
        except ConfigurationError as error:
            self.problems.append(f"{file}: {error}")
            return
        seen = set()
        for entry in entries:
            if entry.key in seen:
                self.problems.append(f"{entry.key}: stands twice in {file}; remove one")
            seen.add(entry.key)
            origin = f"{file}:{entry.line}" if entry.line else str(file)
            self.given[entry.key] = Given(entry.value, origin, entry.textual)

    def environment(self, environ: Mapping[str, str], overrides: Mapping[str, Any]) -> None:
        """Variables count if one of them or a key says so; they go before files and behind the command line."""
        asked = as_text(self.given[ENVIRONMENT].value) if ENVIRONMENT in self.given else ""
        if "true" not in (environ.get(variable(ENVIRONMENT), "").lower(), asked.lower()):
            return
        for name in dict.fromkeys(self._names(environ)):
            value = environ.get(variable(name))
            if not value or name in overrides:
                continue
            try:
                for dialect in self.dialects:
                    value = dialect.translate(name, value)
            except ValueError as error:
                self.problems.append(f"{name}: {error} (from the variable {variable(name)})")
            else:
                self.given[name] = Given(value, f"the variable {variable(name)}", True)

    def _names(self, environ: Mapping[str, str]) -> Iterator[str]:
        """All keys that a variable may mean. A format is looked into only if a variable begins with its name."""
        yield from self.keys
        for dialect in self.dialects:
            yield from (*dialect.keys, *dialect.notes)
        first_words = {name.partition("_")[0].lower() for name in environ}
        for format in sorted(first_words & {*self.installed, *self._elsewhere()}):
            own = self._format(format) if format in self.installed else None
            suffixes = {*(keys_of(own) if own else ()), *GENERIC, *self._prefixed()}
            yield from (f"{format}.{suffix}" for suffix in sorted(suffixes))

    # What they mean

    def settings(self) -> Settings:
        for name, given in self.given.items():
            if key := self._key(name, given):
                self._take(key, given)
        running = self._running()
        for key in self.keys.values():
            self.values.setdefault(key.name, self._path(key.default) if key.type is Path else key.default)
        self._collisions(running)
        if self.values["mail.smtp.host"] and not self.values["mail.smtp.from"]:
            self.problems.append("mail.smtp.from: a mail server needs an address of the sender; set it")
        if self.problems:
            raise SettingsError(self.problems)
        origins = {name: given.origin for name, given in self.given.items() if name in self.keys}
        return Settings(self.data, running, tuple(self.warnings), self.keys, self.values, origins)

    def _key(self, name: str, given: Given) -> Key | None:
        """The key of this name, or None when a problem or a warning has been noted instead."""
        format, dot, suffix = name.partition(".")
        if name not in self.keys and dot and format in self.installed:
            self._format(format)
        if name in self.keys:
            return self.keys[name]
        if note := self._note(name, format, suffix):
            self.warnings.append(f"{name} {note} (from {given.origin})")
        elif self.loaded.get(format, True) is not None:  # of a broken format nothing more is said
            self._unknown(name, format, suffix, given)
        return None

    def _note(self, name: str, format: str, suffix: str) -> str:
        """What is to be said of a key that others know and this server does not."""
        for dialect in self.dialects:
            if name in dialect.notes:
                return f"has no effect: {dialect.notes[name]}"
        known = suffix in {*GENERIC, *self._prefixed()}
        for dialect in self.dialects:
            if format in self.installed and (known or name in dialect.keys):
                return f"has no effect: the wire format {format} has no such key"
            if format in dialect.formats and (known or name in dialect.keys):
                return f"is not supported yet: there is no wire format {format} here"
            if name in dialect.keys:
                scope = dialect.keys[name]
                return "is not supported yet" if "config" in scope else f"has no effect here: it belongs to the {scope}"
        return ""

    def _unknown(self, name: str, format: str, suffix: str, given: Given) -> None:
        if suffix in GENERIC and not any(key.startswith(f"{format}.") for key in self.keys):
            self._unknown_format(format, name, given)
            return
        near = _near(name, [*self.keys, *(key for dialect in self.dialects for key in dialect.keys)])
        self._problem(name, f"unknown key; {near or '`trackd settings` lists all keys'}", given)

    def _take(self, key: Key, given: Given) -> None:
        try:
            value = converted(key, given.value, given.textual)
        except ValueError as error:
            self._problem(key.name, str(error), given)
        else:
            self.values[key.name] = self._path(value) if key.type is Path else value

    def _path(self, value: str) -> Path | None:
        return self.data / value if value else None

    def _format(self, name: str) -> WireFormat | None:
        """An installed format, its keys added to the table; None if it is broken, which is noted once."""
        if name not in self.loaded:
            try:
                found = self.loaded[name] = self.catalog.load(name)
                self.keys.update({key.name: key for key in keys_of(found).values()})
            except Exception as error:
                # Whatever a module may raise while it is imported.
                self.loaded[name] = None
                self.problems.append(
                    f"{name}: the wire format is broken ({type(error).__name__}: {error}); "
                    "repair it, or name in protocols.enable those that are to run"
                )
        return self.loaded[name]

    def _running(self) -> dict[str, WireFormat]:
        """The formats that are enabled and have a port."""
        enabled = self.values.get("protocols.enable", ())
        for name in enabled:
            given = self.given["protocols.enable"]
            if name not in self.installed and name in self._elsewhere():
                self.warnings.append(f"the wire format {name} is not supported yet (from {given.origin})")
            elif name not in self.installed:
                self._unknown_format(name, "protocols.enable", given)
        found = {name: self._format(name) for name in sorted(self.installed) if not enabled or name in enabled}
        return {
            name: format
            for name, format in found.items()
            if format and self.values.get(f"{name}.port", format.port) > 0
        }

    def _collisions(self, running: Mapping[str, WireFormat]) -> None:
        """Two listeners on one port would be found out only when the second binds."""
        taken: list[tuple[str, str, set[str]]] = [("web", "tcp", {self.values["web.address"]})]
        for name, format in running.items():
            addresses = set(self.values[f"{name}.address"] or [""])
            for transport in [] if format.ask else transports(format):
                for other, other_transport, other_addresses in taken:
                    if (
                        self.values[f"{other}.port"] == self.values[f"{name}.port"]
                        and other_transport == transport
                        and ("" in addresses | other_addresses or addresses & other_addresses)
                    ):
                        port = self.values[f"{name}.port"]
                        self.problems.append(f"{name}.port: {port} is {other}.port too; change one of them")
                taken.append((name, transport, addresses))

    # What is said about them

    def _elsewhere(self) -> Iterable[str]:
        return [format for dialect in self.dialects for format in dialect.formats]

    def _prefixed(self) -> Iterable[str]:
        return [suffix for dialect in self.dialects for suffix in dialect.prefixed]

    def _problem(self, name: str, text: str, given: Given) -> None:
        self.problems.append(f"{name}: {text} (from {given.origin})")

    def _unknown_format(self, format: str, name: str, given: Given) -> None:
        near = _near(format, [*self.installed, *self._elsewhere()])
        self._problem(name, f'there is no wire format "{format}"{near and "; "}{near}', given)


def _near(word: str, words: Sequence[str]) -> str:
    close = get_close_matches(word, words, 1, 0.7)
    return f"did you mean {close[0]}?" if close else ""


def transports(format: WireFormat) -> list[str]:
    """What a format listens on: `tcp`, `udp`, or both."""
    return ["tcp"] * (format.tcp or format.http or format.mqtt) + ["udp"] * format.udp
