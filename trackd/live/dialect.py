"""
What the live part needs of a socket's language: text out of values, and what a client's text means. No I/O.

One `Dialect` serves all sockets that speak it and makes the fragments that they share; each socket has a `Talk`, which
puts the fragments together into messages and remembers what its client asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from trackd.live.news import DeviceNews, RawFrame


class User(Protocol):
    """Who listens; `token_id`: with a token, or with what was made from it; None: in another way."""

    @property
    def id(self) -> int: ...

    @property
    def token_id(self) -> int | None: ...


class Notices(Protocol):
    """Which events users want to be told of, and in which words."""

    def wanted(self, user_id: int, event: Any) -> bool: ...

    def words(self, event: Any) -> str: ...


class Talk(Protocol):
    """One socket's side of the conversation."""

    @property
    def logs(self) -> bool:
        """The client wants raw frames."""

    def greet(self, positions: Sequence[bytes]) -> Sequence[bytes]:
        """The first messages, from the latest position of each device that the user may see."""

    def hear(self, text: bytes) -> Sequence[bytes]:
        """The answers to a client's message. Raises nothing, whatever comes."""

    def wants(self, event: Any) -> bool:
        """Whether this event of a device that the user may see is for this client."""

    def tell(
        self,
        devices: Sequence[bytes],
        events: Sequence[bytes],
        positions: Sequence[bytes],
        frames: Sequence[bytes],
    ) -> Sequence[bytes]:
        """The messages that carry these fragments, in the order of the dialect."""


class Dialect(Protocol):
    """What all sockets of one language share. Each method gives a fragment, UTF-8."""

    @property
    def name(self) -> str:
        """That of the REST dialect whose credentials open its sockets."""

    @property
    def path(self) -> str:
        """Where its socket is, below the prefix of that REST dialect."""

    @property
    def keepalive(self) -> bytes:
        """A message sent every `interval` seconds; an empty one is not sent."""

    @property
    def interval(self) -> float: ...

    def noticing(self, notices: Notices) -> Dialect:
        """The same, with the house's knowledge of what its users want to be told of."""

    def open(self, user: User, parameters: Mapping[str, str]) -> Talk:
        """A socket's talk; `parameters` are those of its URL."""

    def device(self, news: DeviceNews) -> bytes: ...

    def event(self, event: Any) -> bytes: ...

    def position(self, position: Any) -> bytes: ...

    def frame(self, frame: RawFrame) -> bytes: ...
