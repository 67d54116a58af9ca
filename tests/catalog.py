"""A catalog of made-up wire formats, with the interface of `trackd.wire.catalog`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define

from trackd.wire.catalog import UnknownFormat
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.values import Login, Output


def decode(frame: Any, session: Session) -> Iterator[Output]:
    yield Login.of()


ALPHA = WireFormat("alpha", 7001, decode, keys=(Key("extended", bool, False, "Long records"),))
BETA = WireFormat("beta", 7002, decode, udp=True, timeout=30.0, asks=("alpha.port",))
ASKING = WireFormat("asking", 0, decode, http=True, ask=lambda session: None)


@define
class Catalog:
    """The formats that it is given; those named in `broken` raise when they are loaded."""

    formats: tuple[WireFormat, ...] = (ALPHA, BETA, ASKING)
    broken: tuple[str, ...] = ()

    def names(self) -> list[str]:
        return sorted([*(format.name for format in self.formats), *self.broken])

    def load(self, name: str) -> WireFormat:
        if name in self.broken:
            raise SyntaxError("invalid syntax")
        for format in self.formats:
            if format.name == name:
                return format
        raise UnknownFormat(name)
