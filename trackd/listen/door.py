"""
The door: who is connected, and for whom there is no place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from trackd.listen.limits import Limits
from trackd.rate import Rate


class Guest(Protocol):
    """A connection, as the door sees it."""

    @property
    def host(self) -> str:
        """The peer's address."""

    def give_way(self) -> None:
        """Go at once: the place is needed."""

    def finish(self) -> None:
        """Go as soon as nothing is owed."""


@define(eq=False)
class Door:
    """
    Counts the connections of a server.

    A guest stays counted until `leave`, although it may have hung up before: while the database is away, what it has
    sent still takes memory.
    """

    _limits: Limits
    _rate: Rate
    _guests: dict[Guest, None] = field(factory=dict, init=False)
    _strangers: dict[Guest, None] = field(factory=dict, init=False)  # in the order of their arrival
    _hosts: dict[str, int] = field(factory=dict, init=False)
    _emptied: list[Deferred[None]] = field(factory=list, init=False)
    _log: ClassVar[Logger] = Logger()

    def __len__(self) -> int:
        return len(self._guests)

    @property
    def guests(self) -> Iterable[Guest]:
        return tuple(self._guests)

    @property
    def strangers(self) -> int:
        """How many have no device yet."""
        return len(self._strangers)

    @property
    def busiest(self) -> int:
        """How many come from the address from which most come."""
        return max(self._hosts.values(), default=0)

    def enter(self, guest: Guest) -> bool:
        """Whether there is a place; the one of the oldest stranger is taken rather than nobody new let in."""
        host = guest.host
        from_there = self._hosts.get(host, 0)
        if len(self._guests) >= self._limits.connections:
            return self._refuse(host, "connections", self._limits.connections)
        if from_there >= self._limits.per_address:
            return self._refuse(host, "connections from one address", self._limits.per_address)
        while self._strangers and len(self._strangers) >= self._limits.before_login:
            oldest = next(iter(self._strangers))
            self._refuse(oldest.host, "connections without a device", self._limits.before_login)
            del self._strangers[oldest]
            oldest.give_way()
        self._guests[guest] = self._strangers[guest] = None
        self._hosts[host] = from_there + 1
        return True

    def recognised(self, guest: Guest) -> None:
        """It has a device now."""
        self._strangers.pop(guest, None)

    def hung_up(self, guest: Guest) -> None:
        """It is not connected any more."""
        self._strangers.pop(guest, None)

    def leave(self, guest: Guest) -> None:
        """Nothing of it is left."""
        self._strangers.pop(guest, None)
        if guest in self._guests:
            del self._guests[guest]
            host = guest.host
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]
        if not self._guests:
            emptied, self._emptied = self._emptied, []
            for waiting in emptied:
                waiting.callback(None)

    def empty(self) -> Deferred[None]:
        """Fires when nothing of anybody is left."""
        empty: Deferred[None] = Deferred()
        if self._guests:
            self._emptied.append(empty)
        else:
            empty.callback(None)
        return empty

    def _refuse(self, host: str, what: str, most: int) -> bool:
        if self._rate.allows():
            self._log.warn("{host}: refused, there are {most} {what} already", host=host, most=most, what=what)
        return False
