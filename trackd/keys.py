"""
Every configuration key once: name, type, default, meaning, who may set it, limits.

`etc/trackd.toml`, the documentation and `trackd settings` follow from this table. The keys of one wire format alone are
in that format; those that every format has are `PER_FORMAT`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from math import isfinite
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from trackd.wire.format import WireFormat

CONFIG = "config"  # the configuration only
DEVICE = "config, device"  # an attribute of the device, or of its groups, goes before the configuration


def _regex(value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"needs a regular expression: {error}") from None


def _address(value: str) -> None:
    if value and not re.match(r"postgres(ql)?://|\w+ *=", value):
        # The rest may hold a password.
        begin = value.partition(":")[0][:20]
        raise ValueError(
            f'needs postgresql://user:password@host/name, not "{begin}:…"; leave it out for an embedded one'
        )


def _mail_address(value: str) -> None:
    if value and not re.fullmatch(r"[!-?A-~]+@[!-?A-~]+", value):
        raise ValueError(f'needs an address such as trackd@example.org, not "{value[:60]}"')


def _url(value: str) -> None:
    if value and not re.match(r"https?://[^\s/]+", value):
        raise ValueError(f'needs an address such as https://login.example.org, not "{value[:60]}"')


def _clients(value: tuple[str, ...]) -> None:
    for text in value:
        if not re.fullmatch(r"[^:\s]+:[^:\s]*:[a-z][a-z0-9+.-]*:[^\s]+", text):
            raise ValueError(f'needs id:secret:address, not "{text.partition(":")[0][:40]}:…"')


def _networks(value: tuple[str, ...]) -> None:
    for text in value:
        try:
            ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f'needs addresses or networks such as 10.1.0.0/16, not "{text[:60]}"') from None


def _tiles(value: str) -> None:
    # The host becomes part of a header. Nothing but https keeps what people look at to themselves, except at home.
    if value and not re.fullmatch(r"https?://[\w.{}-]+(:[0-9]+)?/[^\s;,'\"<>]*", value, re.ASCII):
        raise ValueError(f'needs https://host/{{z}}/{{x}}/{{y}}.png, not "{value[:80]}"')
    if value and not all(part in value for part in ("{z}", "{x}", "{y}")):
        raise ValueError(f'needs {{z}}, {{x}} and {{y}} in it, not "{value[:80]}"')


@frozen
class Key:
    """
    One key. Types: bool, int, float, str, tuple (names, by commas or blanks), Path (relative ones begin in the data
    folder; an empty one is None).
    """

    name: str
    type: type
    default: Any
    meaning: str
    scope: str = CONFIG
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False  # not to be shown
    wire: bool = False  # wire formats may ask for it
    check: Callable[[Any], None] | None = None  # raises ValueError with what is wrong


SECTIONS = {
    "General": (
        Key(
            "config.useEnvironmentVariables",
            bool,
            False,
            "Environment variables go before files: WEB_PORT for web.port",
        ),
    ),
    "Database": (
        Key(
            "database.url",
            str,
            "",
            "PostgreSQL: postgresql://user:password@host:5432/name; empty = an embedded one, in the data folder",
            check=_address,
            secret=True,
        ),
        Key("database.user", str, "", "User of the database, before the one in its address"),
        Key("database.password", str, "", "Password of the user, before the one in the address", secret=True),
        Key("database.maxPoolSize", int, 20, "Connections to the database", least=2, most=500),
        Key("database.connectTimeout", float, 5.0, "Seconds for connecting to the database", least=0.1),
        Key("database.statementTimeout", float, 30.0, "Seconds after which the database gives up a query", least=1),
        Key("database.maxWaiting", int, 1000, "Queries that wait for a connection; more are refused", least=1),
        Key("database.patience", float, 0.3, "Seconds for which they wait, and then for a lock", least=0.05),
        Key("database.registerUnknown", bool, False, "Create a device for an unknown id that fits the pattern"),
        Key(
            "database.registerUnknown.regex",
            str,
            r"\w{3,15}",
            "The pattern, which the whole id must match",
            check=_regex,
        ),
        Key("database.registerUnknown.defaultCategory", str, "", "Category of such devices"),
        Key("database.registerUnknown.defaultGroupId", int, 0, "Group of such devices; 0 = none", least=0),
        Key("database.throttleUnknown", bool, False, "Look an unknown id up more and more rarely (1 to 30 minutes)"),
        Key("database.saveEmpty", bool, False, "Store a position for messages without one, such as heartbeats"),
        Key("database.saveOriginal", bool, False, "Store each frame as hex in the attribute `raw`"),
        Key(
            "database.historyDays",
            int,
            0,
            "Days after which positions and their events are deleted, by whole months; 0 = never",
            least=0,
            most=36_500,
        ),
        Key(
            "database.positionPeriod",
            int,
            7776000,
            "Seconds: older latest positions are left out of the list of all, and of what a socket begins with; 0 = none",
            least=0,
        ),
        Key("nodes.timeout", float, 10.0, "Seconds after which a silent server on the same database is dead", least=1),
    ),
    "Devices": (
        Key("protocols.enable", tuple, (), "Wire formats to run; none named = all that have a port"),
        Key("server.timeout", int, 1800, "Seconds of silence after which a device's TCP connection is closed"),
        Key("status.timeout", int, 600, "Seconds without a message after which a device is `unknown`", least=1),
        Key("status.ignoreOffline", tuple, (), "Wire formats whose hang-up does not mean that the device is offline"),
        Key("decoder.timezone", str, "", "Zone of devices that send local time, e.g. Europe/Berlin", DEVICE, wire=True),
        Key("geolocation.mcc", int, 0, "Country code of the network for devices that send none", least=0, wire=True),
        Key("geolocation.mnc", int, 0, "Network code for devices that send none", least=0, wire=True),
        Key("media.path", Path, "media", "Folder for files from devices"),
        Key("media.bufferSize", int, 33554432, "Bytes of one file that is being received", least=1024, wire=True),
    ),
    "What happens to a position": (
        Key(
            "time.override", str, "", "`serverTime`: times from the server; other text: fix time = device time", DEVICE
        ),
        Key("time.protocols", tuple, (), "Wire formats for which times are overridden; none named = all"),
        Key("coordinates.filter", bool, False, "Keep the last place for moves that are too small or too large"),
        Key("coordinates.minError", int, 0, "Metres of the largest move that is too small; 0 = off", least=0),
        Key("coordinates.maxError", int, 0, "Metres of the smallest move that is too large; 0 = off", least=0),
        Key("event.motion.speedThreshold", float, 0.01, "Knots above which a device is in motion", DEVICE, least=0),
        Key("processing.remoteAddress.enable", bool, False, "Store the sender's address in the attribute `ip`"),
        Key(
            "processing.computedAttributes.localVariables", bool, False, "Expressions may have variables and functions"
        ),
        Key("processing.computedAttributes.loops", bool, False, "Expressions may have loops"),
        Key("processing.computedAttributes.newInstanceCreation", bool, False, "Expressions may make numbers and dates"),
        Key("processing.copyAttributes.enable", bool, False, "Copy attributes from the last position"),
        Key("processing.copyAttributes", tuple, (), "Attributes that are copied when a position lacks them", DEVICE),
    ),
    "Events": (
        Key("event.ignoreDuplicateAlerts", bool, True, "No event for an alarm that the last position had too"),
        Key("event.status.enable", bool, False, "Events when a device goes online, offline or unknown"),
        Key("report.trip.newLogic", bool, True, "Find movements by distance; false = by the attribute `motion`"),
        Key("report.trip.minDistance", int, 200, "By distance: metres that are a movement", DEVICE, least=0),
        Key(
            "report.trip.minDuration",
            int,
            180,
            "By distance: seconds without a movement that are a stop",
            DEVICE,
            least=1,
        ),
        Key("report.trip.stopGap", int, 3600, "By distance: seconds without data that end a movement", DEVICE, least=0),
        Key("report.trip.minimalTripDistance", int, 500, "By motion: metres that confirm a movement", DEVICE, least=0),
        Key("report.trip.minimalTripDuration", int, 300, "By motion: seconds that confirm a movement", DEVICE, least=0),
        Key("report.trip.minimalParkingDuration", int, 300, "By motion: seconds that confirm a stop", DEVICE, least=0),
        Key(
            "report.trip.minimalNoDataDuration",
            int,
            3600,
            "By motion: seconds without data that end it",
            DEVICE,
            least=0,
        ),
        Key("report.trip.useIgnition", bool, False, "By motion: switching the ignition off confirms a stop", DEVICE),
    ),
    "Web": (
        Key("web.address", str, "", "Address of the web server; empty = all"),
        Key("web.port", int, 8082, "Port of the web server; 0 = none", most=65535),
        Key("web.path", Path, "web", "Folder of a web client; it may be missing, and empty = none"),
        Key("web.override", Path, "", "Folder whose files go before those of the web client, and where uploads go"),
        Key(
            "web.cacheControl",
            str,
            "max-age=3600,public",
            "Cache-Control of the web client's files: for how long browsers keep them; empty = nothing is said",
        ),
        Key(
            "live.tiles.url",
            str,
            "",
            "Pictures of the live page's map, e.g. https://tile.example.org/{z}/{x}/{y}.png; empty = a plain grid",
            check=_tiles,
        ),
        Key("live.tiles.attribution", str, "", "Whom the live page's map thanks for its pictures"),
        Key("web.url", str, "", "Address under which users reach the server, for links", wire=True),
        Key("web.origin", str, "", "Origins that may call from a browser: `*`, or a text that contains them"),
        Key(
            "web.proxies",
            tuple,
            (),
            "Addresses and networks of reverse proxies whose word on clients' addresses and TLS is believed",
            check=_networks,
        ),
        Key("web.timeout", int, 300000, "Milliseconds of silence after which a live socket is closed", least=1000),
        Key("web.sessionTimeout", int, 0, "Seconds of rest after which a login ends; 0 = none", least=0),
        Key("web.sameSiteCookie", str, "", "SameSite of the session cookie", choices=("", "lax", "strict", "none")),
        Key("web.serviceAccountToken", str, "", "A token that may do what an administrator may", secret=True),
        Key("web.showUnknownDevices", bool, False, "Show what unknown devices send to all who look at raw messages"),
        Key(
            "metrics.allow",
            tuple,
            (),
            "Addresses and networks that may read /metrics; administrators may from anywhere",
            check=_networks,
        ),
        Key("notificator.timeThreshold", int, 900_000, "Milliseconds: of older events nobody is told", least=0),
        Key("notification.block.users", tuple, (), "Ids of users who are told of no events"),
        Key("notificator.types", tuple, ("web", "mail", "command"), "Ways in which users are told something"),
        Key("report.maxPositions", int, 50_000, "Positions in one answer of the API; 0 = any number", least=0),
        Key("web.shareDevice.commands", bool, False, "Who comes by a shared link may send commands"),
        Key("web.shareDevice.reports", bool, False, "Who comes by a shared link may make reports"),
        Key("deleted.days", int, 30, "Days for which what users delete can be brought back", least=0, most=36_500),
        Key("audit.days", int, 365, "Days for which it is kept who did what; 0 = for ever", least=0, most=36_500),
        Key("people.tokens", int, 1_000, "Tokens of one user that are good; no further ones are made", least=1),
        Key("people.sessions", int, 1_000, "Sessions of one user; who has rested for longest gives way", least=1),
        Key("users.defaultDeviceLimit", int, -1, "Devices of a user who registers; -1 = any number", least=-1),
        Key("users.defaultExpirationDays", int, 0, "Days until such a user expires; 0 = never", least=0),
    ),
    "Logging in by another site, and other sites by this server": (
        Key("openid.clientId", str, "", "Id of this server at an OpenID provider; empty = no log-in by another site"),
        Key("openid.clientSecret", str, "", "Secret that belongs to it", secret=True),
        Key("openid.issuerUrl", str, "", "Address of the provider, which names the three below", check=_url),
        Key("openid.authUrl", str, "", "Where users log in", check=_url),
        Key("openid.tokenUrl", str, "", "Where codes are exchanged", check=_url),
        Key("openid.userInfoUrl", str, "", "Where the provider says who a user is", check=_url),
        Key("openid.groupsClaimName", str, "groups", "What the provider calls a user's groups"),
        Key("openid.allowGroup", str, "", "Only users of this group, and administrators, come in; empty = all"),
        Key(
            "openid.adminGroup", str, "", "Who is in it is an administrator, who is not is none; empty = as it is here"
        ),
        Key("openid.allowRegistration", bool, False, "Users whom only the provider knows are made here"),
        Key("openid.force", bool, False, "No log-in by password"),
        Key(
            "openid.clients",
            tuple,
            (),
            "Sites whose users log in by this server: `id:secret:address`, further addresses after a bar",
            secret=True,
            check=_clients,
        ),
    ),
    "Mail": (
        Key("mail.smtp.host", str, "", "Mail server; empty = mails are printed to the log"),
        Key("mail.smtp.port", int, 25, "Port of the mail server", least=1, most=65535),
        Key("mail.smtp.from", str, "", "Address of the sender; needed with a mail server", check=_mail_address),
        Key("mail.smtp.fromName", str, "", "Name of the sender"),
        Key("mail.smtp.username", str, "", "User at the mail server; empty = no log-in"),
        Key("mail.smtp.password", str, "", "Password of the user", secret=True),
        Key("mail.smtp.ssl.enable", bool, False, "TLS from the start, usually on port 465"),
        Key("mail.smtp.starttls.enable", bool, False, "TLS if the mail server offers it"),
        Key("mail.smtp.starttls.required", bool, False, "No mail without TLS"),
        Key("mail.smtp.timeout", int, 5000, "Milliseconds for connecting, and for each answer", least=100),
        Key(
            "mail.patience",
            int,
            1800,
            "Seconds for which a mail with a link is tried again while the mail server cannot be reached or puts it off",
            least=0,
        ),
        Key("mail.debug", bool, False, "Print mails to the log instead of sending them"),
    ),
    "Devices that connect with TLS: `<format>.ssl`": (
        Key("tls.certificate", Path, "", "Certificate and its chain (PEM)"),
        Key("tls.key", Path, "", "Private key (PEM) of the certificate"),
    ),
    "How much is borne": (
        Key("listen.connections", int, 20_000, "Connections of devices at once", least=1),
        Key("listen.perAddress", int, 5_000, "Connections from one address; devices share those of networks", least=1),
        Key(
            "listen.beforeLogin", int, 4_000, "Connections without a device; a newcomer drives out the oldest", least=1
        ),
        Key("listen.loginTime", float, 300.0, "Seconds that a connection may be without a device", least=1),
        Key("listen.frame", int, 8_388_608, "Bytes of a frame, where its format has no smaller limit", least=1024),
        Key("listen.ahead", int, 262_144, "Bytes that a connection may deliver while it has to wait", least=1024),
        Key("listen.endpoints", int, 20_000, "Senders of datagrams that have a device, for each port", least=1),
        Key("listen.datagrams", int, 10_000, "Datagrams on their way to the database, for each port", least=1),
        Key("listen.outputs", int, 65_536, "Positions, replies and the like in one frame", least=1),
        Key("listen.linger", float, 15.0, "Seconds for writing what is owed to a connection that is closed", least=0),
        Key("listen.errorsLogged", int, 10, "Bad frames of one connection that are logged; all are counted", least=0),
        Key("listen.errorsLoggedPerSecond", int, 50, "Bad frames of all connections that are logged", least=1),
        Key("commit.batch", int, 2_000, "Reports in one transaction", least=1),
        Key(
            "commit.queue",
            int,
            50_000,
            "Reports, and events without one, that wait for theirs; then reading pauses",
            least=1,
        ),
        Key("commit.bytes", int, 268_435_456, "Bytes of these reports; then reading pauses too", least=1_048_576),
        Key(
            "nodes.queue", int, 5_000, "Positions and events of other servers to be read; then only the newest", least=1
        ),
        Key("devices.cache", int, 20_000, "Devices in memory that are not connected", least=0),
        Key("devices.history", int, 1_000, "Positions of each device in memory, for finding movements", least=1),
        Key("devices.strangers", int, 100_000, "Unknown ids whose last look-up is remembered", least=1),
        Key("commands.queue", int, 1_000, "Commands that may wait for one device", least=1),
        Key("unknown.limit", int, 1_000, "Unknown ids that are noted in one second", least=1),
        Key("unknown.kept", int, 10_000, "Unknown ids that are kept for a look", least=1),
        Key("people.attempts", int, 10_000, "Addresses and accounts whose failed log-ins are counted", least=1),
        Key("people.waiting", int, 64, "Passwords that wait to be checked; more are refused for the moment", least=1),
        Key("people.remembered", int, 10_000, "Sessions and passwords that memory knows", least=1),
        Key("mail.queue", int, 1_000, "Mails that wait to be sent", least=1),
        Key("statistics.remembered", int, 100_000, "Devices and users of the day that memory knows", least=1),
        Key("web.connections", int, 10_000, "Connections to the web server at once, live sockets aside", least=1),
        Key("web.body", int, 1_048_576, "Bytes of a request's body", least=1024),
        Key(
            "web.bodies",
            int,
            67_108_864,
            "Bytes of the bodies of all requests; for more, who has taken longest has to begin anew",
            least=1_048_576,
        ),
        Key("live.connections", int, 10_000, "Live sockets at once", least=1),
        Key("live.userConnections", int, 100, "Live sockets of one user", least=1),
        Key("live.queue", int, 1_048_576, "Bytes that wait for a socket; then only the newest is kept", least=65_536),
        Key("live.memory", int, 268_435_456, "Bytes that wait for all sockets; then less for each", least=1_048_576),
        Key("live.events", int, 1_000, "Events that wait for a socket", least=1),
    ),
}
KEYS = tuple(key for keys in SECTIONS.values() for key in keys)

PER_FORMAT = (
    Key("port", int, 0, "Port; 0 or less = off", most=65535),
    Key("address", tuple, (), "Addresses to listen on; none = all. For a format that asks: the host"),
    Key("ssl", bool, False, "TLS on TCP, with tls.certificate and tls.key"),
    Key("timeout", int, 0, "Seconds of silence on TCP; 0 = server.timeout, negative = none"),
    Key("devicePassword", str, "", "Password in commands to devices", scope=DEVICE, secret=True, wire=True),
)

# Of a format that asks, besides.
PER_ASKING_FORMAT = (
    Key("devices", tuple, (), "Ids to ask for"),
    Key("interval", int, 0, "Seconds between questions, and before the next try", least=0),
)


def keys_of(format: WireFormat) -> dict[str, Key]:
    """The keys of one format, by their names without the format's."""
    keys = {key.name: key for key in PER_FORMAT + (PER_ASKING_FORMAT if format.ask else ())}
    keys["port"] = evolve(keys["port"], default=format.port)
    for own in format.keys:
        keys[own.name] = Key(own.name, own.type, own.default, own.meaning, DEVICE, secret=own.secret, wire=True)
    return {name: evolve(key, name=f"{format.name}.{name}") for name, key in keys.items()}


WANTED = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple: "names",
    Path: "a path",
    str: "a text",
}


def converted(key: Key, value: Any, textual: bool) -> Any:
    """
    What was said as the key's type, within its limits; a path as text.

    `textual`: by a form that knows only text. ValueError says what is needed instead.
    """
    found = _from_text(key.type, value) if textual else _typed(key.type, value)
    if found is None:
        said = as_text(value)[:60]
        quoted = f'"{said}"' if textual else f'the text "{said}"' if isinstance(value, str) else said
        raise ValueError(f"needs {WANTED[key.type]}, not {'this' if key.secret else quoted}")
    if key.choices and found not in key.choices:
        raise ValueError(f'needs one of {", ".join(filter(None, key.choices))}, not "{found}"')
    if key.least is not None and found < key.least:
        raise ValueError(f"needs at least {key.least:g}, not {found}")
    if key.most is not None and found > key.most:
        raise ValueError(f"needs at most {key.most:g}, not {found}")
    if key.check is not None:
        key.check(found)
    return found


def _from_text(type: type, value: str) -> Any:
    """Text as this type, or None if it is none."""
    if type is bool:
        return {"true": True, "false": False}.get(value.strip().lower())
    if type is int:
        return int(value) if re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value) else None
    if type is float:
        try:
            return _finite(float(value))
        except ValueError:
            return None
    return tuple(re.findall(r"[^,\s]+", value)) if type is tuple else value


def _typed(type: type, value: Any) -> Any:
    """A typed value as this type, or None if it is none."""
    if isinstance(value, bool):
        return value if type is bool else None
    if type is float:
        return _finite(float(value)) if isinstance(value, int | float) else None
    if type is tuple and isinstance(value, list | tuple):
        return tuple(value) if all(isinstance(item, str) for item in value) else None
    if type in (tuple, Path):
        return _from_text(type, value) if isinstance(value, str) else None
    return value if isinstance(value, type) else None


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def as_text(value: Any) -> str:
    """A value as it is written on the command line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
