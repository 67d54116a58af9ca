"""
Commands to bytes: what is the same in all formats.

`encode` is the entry for whoever sends; formats use the other functions in theirs. The outgoing layer of a format
(`format.wrap`) is applied by the sender.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve

from trackd.wire.format import Session, WireFormat
from trackd.wire.text import boolean, from_hex, shown
from trackd.wire.text import integer as text_integer
from trackd.wire.times import standard_offset, zone
from trackd.wire.values import Command, Unsupported


def encode(format: WireFormat, command: Command, session: Session) -> bytes | None:
    """
    The bytes of a command for `session.device`; None if the format makes nothing of it.

    Raises Unsupported if the format has no such command or a value is impossible.
    """
    if format.http:
        raise Unsupported(f"{command.type}: {format.name} hands out commands in its replies only")
    if format.ask is not None:
        raise Unsupported(f"{command.type}: {format.name} asks, and nobody is connected to it")
    command = addressed(command, session)
    _check(command)
    try:
        if command.type in format.commands and format.encode is not None:
            return format.encode(command, session)
        if command.type == "custom":
            return custom_text(command) if format.text else custom_hex(command)
    except (ValueError, LookupError, ArithmeticError, TypeError) as error:
        raise Unsupported(f"{command.type}: {error!r}") from error
    raise Unsupported(command.type)


def encode_message(format: WireFormat, command: Command, session: Session) -> str:
    """The text message of a command; Unsupported if it cannot be sent so."""
    command = addressed(command, session)
    _check(command)
    try:
        if command.type in format.sms_commands and format.sms is not None:
            return format.sms(command, session)
        if command.type == "custom":
            return data(command)
    except (ValueError, LookupError, ArithmeticError, TypeError) as error:
        raise Unsupported(f"{command.type}: {error!r}") from error
    raise Unsupported(command.type)


_CONTROL = re.compile("[\\x00-\\x1f\\x7f]")


def _check(command: Command) -> None:
    """Texts go into commands among the format's own delimiters, so a line end in one would begin another command."""
    if command.type != "custom":
        for name, value in command.attributes.items():
            if isinstance(value, str) and _CONTROL.search(value):
                raise Unsupported(f"{command.type}: control characters in {name}")


def addressed(command: Command, session: Session) -> Command:
    """The command with the device's id in place of `{uniqueId}` in its data."""
    data = command.attributes.get("data")
    if session.device is None or not isinstance(data, str) or "{uniqueId}" not in data:
        return command
    return evolve(
        command, attributes={**command.attributes, "data": data.replace("{uniqueId}", session.device.unique_id)}
    )


def data(command: Command) -> str:
    """The data of a custom command; Unsupported without."""
    found = command.attributes.get("data")
    if found is None:
        raise Unsupported("no data")
    return shown(found)


def custom_text(command: Command) -> bytes:
    r"""The data as it is, the two characters `\r` and `\n` made one."""
    return data(command).replace("\\r", "\r").replace("\\n", "\n").encode("utf-8", "replace")


def custom_hex(command: Command) -> bytes:
    """The data as hex."""
    return from_hex(data(command))


def integer(command: Command, name: str) -> int:
    """A whole number among the attributes: absent is 0, a float is cut, a text is read. ValueError for other texts."""
    found = command.attributes.get(name)
    if isinstance(found, int | float):
        return int(found)
    return text_integer(found) if isinstance(found, str) else 0


def text(command: Command, name: str) -> str:
    """An attribute as text, absent is an empty one."""
    return shown(command.attributes.get(name))


def flag(command: Command, name: str) -> bool:
    """Whether an attribute is on: only `true`, as a text in any case."""
    return boolean(text(command, name))


def timezone_offset(command: Command, now: datetime) -> int:
    """Minutes by which the standard time of the zone in `timezone` differs from UTC; Unsupported without."""
    found = command.attributes.get("timezone")
    if found is None:
        raise Unsupported("no timezone")
    return round(standard_offset(zone(shown(found)), now).total_seconds() / 60)


def password(command: Command, session: Session, default: str) -> str:
    """The device's password: of the command, of the device and its groups, of the format, or the format's default."""
    found = command.attributes.get("devicePassword")
    if found is None and session.device is not None:
        found = session.device.setting("devicePassword")
    return session.setting("devicePassword", default) if found is None else shown(found)


Formatter = Callable[[str, Any], "str | None"]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def fill(
    template: str, command: Command, session: Session, default_password: str = "", formatter: Formatter | None = None
) -> str:
    """
    The template with its `{names}` replaced: `uniqueId`, `devicePassword`, attributes of the command.

    A formatter gets name and value of an attribute first; where it gives nothing, and without one, the value's text is
    taken. An absent attribute is an empty text.
    """
    attributes: Mapping[str, Any] = command.attributes

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name == "uniqueId":
            return session.device.unique_id if session.device is not None else ""
        if name == "devicePassword":
            return password(command, session, default_password)
        made = formatter(name, attributes.get(name)) if formatter is not None else None
        return shown(attributes.get(name)) if made is None else made

    return _PLACEHOLDER.sub(value, template)
