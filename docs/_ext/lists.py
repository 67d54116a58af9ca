"""
Lists that are made from the program, so that they cannot be out of date.

    .. settings::       all configuration keys, by section
    .. formatkeys::     the keys that every wire format has
    .. formats::        the wire formats, with port, transports, commands and their own keys
    .. routes::         what the REST interface serves; with `trackd`, its own part
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from plugins.rest.traccar.traccar import dialect
from plugins.rest.trackd import dialect as own
from trackd.keys import PER_ASKING_FORMAT, PER_FORMAT, SECTIONS, Key, as_text
from trackd.rest.routes import Access
from trackd.settings import transports
from trackd.wire import catalog
from trackd.wire.format import WireFormat

TYPES = {
    "bool": "flag",
    "int": "whole number",
    "float": "number",
    "str": "text",
    "tuple": "list of names",
    "Path": "path",
}

WHO = {
    Access.ANYONE: "Without credentials too",
    Access.MANAGER: "Managers only",
    Access.ADMINISTRATOR: "Administrators only",
}


class Made(SphinxDirective):
    """A directive whose content is lines of reST that are made here."""

    def lines(self) -> Iterator[str]:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        made = nodes.section()
        made.document = self.state.document
        self.state.nested_parse(StringList([*self.lines()], self.name), self.content_offset, made, match_titles=True)
        return made.children


class Settings(Made):
    def lines(self) -> Iterator[str]:
        for title, keys in SECTIONS.items():
            yield from ("", literal(title), "-" * len(literal(title)), "")
            yield from described(keys)


class FormatKeys(Made):
    def lines(self) -> Iterator[str]:
        yield from described(PER_FORMAT, "<format>.")
        yield from ("", "A format that asks, rather than being called, has these besides:", "")
        yield from described(PER_ASKING_FORMAT, "<format>.")


class Formats(Made):
    def lines(self) -> Iterator[str]:
        for name in catalog.names():
            format = catalog.load(name)
            yield from ("", name, "-" * len(name), "")
            yield from about(format)
            if format.keys:
                yield from ("", "Its own settings:", "")
                keys = [Key(key.name, key.type, key.default, key.meaning) for key in format.keys]
                yield from described(keys, f"{name}.")


class Routes(Made):
    optional_arguments = 1

    def lines(self) -> Iterator[str]:
        shown = own if self.arguments == [own.name] else dialect
        for route in shown.routes:
            yield f"``{route.method} {shown.prefix}{route.path}``"
            yield f"   {literal(route.said)}"
            if route.access is not Access.USER:
                yield f"   {WHO[route.access]}."
            if route.query:
                yield f"   Parameters: {', '.join(f'``{parameter.name}``' for parameter in route.query)}."
            if route.form:
                yield f"   A form: {', '.join(f'``{parameter.name}``' for parameter in route.form)}."
            yield ""


def about(format: WireFormat) -> Iterator[str]:
    """What an operator wants to know of a format."""
    spoken = ", ".join("HTTP" if format.http else "MQTT" if format.mqtt else way.upper() for way in transports(format))
    port = f"port {format.port}" if format.port > 0 else "off by default"
    yield f"| {port}, {'asks' if format.ask else spoken}"
    commands = sorted({*format.commands, "custom"}) if format.commands or format.encode else []
    if commands:
        yield f"| commands: {', '.join(f'``{command}``' for command in commands)}"


def described(keys: Iterable[Key], prefix: str = "") -> Iterator[str]:
    """A definition list of keys."""
    for key in keys:
        yield f"``{prefix}{key.name}``"
        yield f"   {literal(key.meaning.rstrip('.'))}."
        default = f"``{as_text(key.default)}``" if as_text(key.default) else "none"
        yield f"   A {TYPES[key.type.__name__]}; default: {default}{limits(key)}."
        if "device" in key.scope:
            yield "   May be an attribute of a device or of a group, which goes before the configuration."
        yield ""


def limits(key: Key) -> str:
    if key.choices:
        return f"; one of {', '.join(f'``{choice}``' for choice in key.choices if choice)}"
    least = f"at least {key.least:g}" if key.least is not None else ""
    most = f"at most {key.most:g}" if key.most is not None else ""
    return "; " + " and ".join(filter(None, (least, most))) if least or most else ""


def literal(text: str) -> str:
    """A meaning of the table as reST: what stands between backticks there is literal here."""
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("`", "``")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("settings", Settings)
    app.add_directive("formatkeys", FormatKeys)
    app.add_directive("formats", Formats)
    app.add_directive("routes", Routes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
