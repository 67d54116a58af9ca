"""
The configuration file of a Traccar server, as it is.

    <?xml version='1.0' encoding='UTF-8'?>
    <!DOCTYPE properties SYSTEM 'http://java.sun.com/dtd/properties.dtd'>
    <properties>
        <entry key='database.url'>jdbc:postgresql://localhost/traccar</entry>
    </properties>

The document type is read over: nothing is fetched, and entities of one's own are refused.
"""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import parse_qsl, quote, urlencode
from xml.parsers import expat

from attrs import Factory, define

from plugins.config.traccar_keys import KEYS, PORTS
from trackd.configuration import ConfigurationError, Dialect, Entry

NOTES = {
    "database.driver": "PostgreSQL is spoken without a driver class",
    "database.driverFile": "PostgreSQL is spoken without a driver file",
    "database.checkConnection": "a broken connection is noticed and replaced without asking",
    "database.changelog": "the schema is part of the program",
    "database.positionBatchInterval": "all reports that wait are committed together, at once",
    "database.positionBatchSize": "all reports that wait are committed together, at once",
    "server.buffering.threshold": "the reports of a device are taken in the order in which they come",
    "server.delayAcknowledgement": "a device is always answered after its report is committed",
    "server.nettyBossThreads": "there are no such threads",
    "server.nettyThreads": "there are no such threads",
    "server.statistics": "nothing is reported to anybody",
    "web.persistSession": "logins are always kept in the database",
    "logger.console": "the log goes where twistd's --logfile says",
    "logger.file": "the log goes where twistd's --logfile says",
    "logger.rotate": "the log goes where twistd's --logfile says",
    "logger.rotate.interval": "the log goes where twistd's --logfile says",
}

# Parameters of a JDBC address, and what libpq calls them.
PARAMETERS = {
    "ApplicationName": "application_name",
    "connectTimeout": "connect_timeout",
    "password": "password",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
    "user": "user",
}


@define
class Properties:
    """Collects the entries of a properties document while it is parsed."""

    parser: expat.XMLParserType
    entries: list[Entry] = Factory(list)
    path: list[str] = Factory(list)
    key: str = ""
    line: int = 0
    text: str = ""

    def start(self, element: str, attributes: dict[str, str]) -> None:
        self.path.append(element)
        if self.path == ["properties", "entry"]:
            if "key" not in attributes:
                self.refuse("an entry without a key")
            self.key, self.line, self.text = attributes["key"].strip(), self.parser.CurrentLineNumber, ""
        elif self.path not in (["properties"], ["properties", "comment"]):
            self.refuse(f"<{element}> has no place here")

    def data(self, text: str) -> None:
        self.text += text

    def end(self, element: str) -> None:
        if self.path == ["properties", "entry"]:
            self.entries.append(Entry(self.key, self.text, self.line, textual=True))
        self.path.pop()

    def refuse(self, reason: str) -> NoReturn:
        raise ConfigurationError(f"line {self.parser.CurrentLineNumber}: {reason}")


def read(data: bytes) -> list[Entry]:
    """The entries of a properties document, all text. ConfigurationError if it is none, or if it defines entities."""
    parser = expat.ParserCreate()
    found = Properties(parser)
    parser.StartElementHandler = found.start
    parser.CharacterDataHandler = found.data
    parser.EndElementHandler = found.end
    parser.EntityDeclHandler = lambda *_: found.refuse("entities are not allowed")
    parser.SkippedEntityHandler = lambda *_: found.refuse("an entity that is not known here")
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ConfigurationError(f"not valid XML: {error}") from None
    return found.entries


def translate(key: str, value: str) -> str:
    """The address of a database as libpq writes it; every other value as it is."""
    address = value.strip()
    if key != "database.url" or not address.startswith("jdbc:postgresql:"):
        return value
    address, _, parameters = address.removeprefix("jdbc:").partition("?")
    if not address.startswith("postgresql://"):
        address = address.replace("postgresql:", "postgresql://localhost/", 1)
    if not parameters:
        return address
    pairs = [_parameter(*pair) for pair in parse_qsl(parameters, keep_blank_values=True)]
    return f"{address}?{urlencode(pairs, quote_via=quote)}"  # libpq takes a plus sign for itself


def _parameter(name: str, value: str) -> tuple[str, str]:
    if name == "ssl":
        return "sslmode", "verify-full" if value in ("", "true") else "prefer"
    if name == "currentSchema":
        return "options", f"-csearch_path={value}"
    if name not in PARAMETERS:
        raise ValueError(f"has the parameter {name}, which is not known here; remove it")
    return PARAMETERS[name], value


dialect = Dialect(
    "traccar",
    begins=b"<",
    read=read,
    translate=translate,
    keys={name: scope for name, (_, scope) in KEYS.items() if not name.startswith("{format}.")},
    prefixed=frozenset(name.removeprefix("{format}.") for name in KEYS if name.startswith("{format}.")),
    formats=PORTS,
    notes=NOTES,
)
