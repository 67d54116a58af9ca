"""
A wire format, and the session in which it talks.

A format is up to four pure functions and one object that names them; the object carries the name of its module:

    split(buffer, start)       cut a stream: (frame, where the next begins), or None to wait for more
    decode(frame, session)     a generator of what the frame says
    encode(command, session)   the bytes of a command
    wrap(data, session)        the outgoing layer (escapes, a prefix) of everything that is sent

None of them does I/O, reads a clock or knows Twisted.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol, TypeVar

from attrs import Factory, define, frozen

from trackd.wire.values import Command, Output, WireError

# What bytes may make a decoder raise. Anything else is a mistake in the format, and gets a traceback.
BAD_FRAME = (WireError, struct.error, LookupError, ValueError, ArithmeticError)

T = TypeVar("T")

Split = Callable[[bytes, int], "tuple[bytes | None, int] | None"]


class KnownDevice(Protocol):
    """What a format may know of the device that it talks with."""

    @property
    def unique_id(self) -> str: ...

    @property
    def model(self) -> str | None: ...

    @property
    def memory(self) -> dict[str, Any]:
        """What the format remembers of the device while it is connected."""

    def setting(self, name: str) -> Any:
        """Attribute of the device, of its groups, or the configuration's value; None if there is none."""


def typed(found: Any, default: T) -> T:
    """
    A configured value as the type of `default`, and `default` itself for None.

    A flag is on only by `true` in any case; numbers for a whole one are cut. ValueError for text that is no number.
    """
    if found is None:
        return default
    if isinstance(default, bool):
        return found if isinstance(found, bool) else str(found).lower() == "true"  # type: ignore[return-value]
    if isinstance(default, int):
        return int(float(found))  # type: ignore[return-value]
    if isinstance(default, float):
        return float(found)  # type: ignore[return-value]
    return str(found)  # type: ignore[return-value]


@define(eq=False)
class Session:
    """One connection (or UDP sender) as its format sees it. The adapter keeps it up to date."""

    format: WireFormat
    transport: str = "tcp"  # tcp, udp, http or mqtt
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)  # when the frame in hand arrived
    zone: tzinfo = UTC  # the server's
    local: str = ""  # host:port on which the device has reached the server
    remote: str = ""  # the device's address
    device: KnownDevice | None = None  # found by the last Login
    command: Command | None = None  # taken by the last TakeCommand
    state: Any = None  # of the connection: what `format.state` made
    defaults: Mapping[str, Any] = Factory(dict)  # the configuration's values of the format's keys
    version: int = 4  # of MQTT, as the device has said when it connected

    def setting(self, name: str, default: T) -> T:
        """
        The value of `<format>.<name>`, or of `name` itself if it has a dot, as the type of `default`.

        Device, its groups, configuration, `default`: the first that has one. Text is read as in the configuration:
        a flag is on only by `true` in any case. Raises ValueError for text that is no number.
        """
        key = name if "." in name else f"{self.format.name}.{name}"
        found = self.device.setting(key) if self.device is not None else None
        if found is None:
            found = self.defaults.get(key)
        if found is None:
            return default
        if isinstance(default, bool):
            return found if isinstance(found, bool) else str(found).lower() == "true"  # type: ignore[return-value]
        if isinstance(default, int):
            return int(found)  # type: ignore[return-value]
        if isinstance(default, float):
            return float(found)  # type: ignore[return-value]
        return str(found)  # type: ignore[return-value]


@frozen
class Key:
    """A configuration key of one format, `<format>.<name>`; devices and groups may carry it as an attribute."""

    name: str
    type: type
    default: Any
    meaning: str
    secret: bool = False  # it is never shown


Decode = Callable[[Any, Session], Iterator[Output]]
Encode = Callable[[Command, Session], "bytes | None"]


@frozen
class WireFormat:
    """
    One way in which devices talk.

    `split` cuts a stream; a framing that depends on the connection gives `splitter`, which makes one from the session.
    Neither: each read is a frame. `decode` gets the frame's bytes, for `http` an `http.Request`, for `mqtt` the payload
    of a publish.
    """

    name: str
    port: int  # by default; 0 = off
    decode: Decode
    split: Split | None = None
    splitter: Callable[[Session], Split] | None = None
    limit: int = 1024  # bytes buffered without a frame
    tcp: bool = True
    udp: bool = False
    http: bool = False
    mqtt: bool = False
    web: bool = False  # for phones and browsers: the web port passes requests on to this format
    # Commands. `custom` is understood by all: text formats send its data as text, others read it as hex.
    text: bool = False
    commands: tuple[str, ...] = ()
    encode: Encode | None = None
    wrap: Callable[[bytes, Session], bytes] | None = None
    sms_commands: tuple[str, ...] = ()
    sms: Callable[[Command, Session], str] | None = None
    # What is remembered of one connection between its frames.
    state: Callable[[], Any] | None = None
    # A format that asks: the request to be sent (an http.Request), and `decode` gets the http.Answer.
    ask: Callable[[Session], Any] | None = None
    # Bytes sent unasked when a device connects, and again at an interval (seconds; 0 = once).
    greet: Callable[[Session], bytes] | None = None
    greet_interval: float = 0.0
    keys: tuple[Key, ...] = ()
    asks: tuple[str, ...] = ()  # keys of other formats, with the dot: ports that it tells its devices
    timeout: float | None = None  # seconds of silence, where the format has its own default
