"""What `track` needs of a connection."""

from __future__ import annotations

from typing import Protocol

from trackd.wire.format import Session, WireFormat


class Link(Protocol):
    """A way to a device: a connection, or the sender of datagrams."""

    format: WireFormat
    session: Session
    live: bool  # commands can be written to it at any time
    number: int  # by which the log names it

    @property
    def host(self) -> str: ...

    def send(self, data: bytes) -> None: ...

    def finish(self) -> None:
        """Close it when nothing is owed any more."""
