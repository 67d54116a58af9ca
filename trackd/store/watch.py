"""
The socket of a database connection as the reactor sees it.

libpq closes its socket when it likes, and opens another: when a server dies while it is being connected to, or speaks
no TLS. The reactor knows sockets by their numbers; a number that is closed, and then somebody else's, leaves its tables
broken for whoever has it next. So the reactor is given a duplicate, which is closed here, after it was removed there.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IReadWriteDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(IReadWriteDescriptor)
@define(eq=False)
class Watch:
    """
    A reactor for the parties of one connection: itself, and the statement that is under way.

    Only one of them watches at a time, for reading or for writing.
    """

    reactor: Any
    go_on: Callable[[Callable[[], object]], None] | None = None  # does what follows on an answer; None: at once
    _party: Any = field(default=None, init=False)  # who was added last
    _reading: bool = field(default=False, init=False)
    _writing: bool = field(default=False, init=False)
    _file: int = field(default=-1, init=False)
    _socket: tuple[int, int] | None = field(default=None, init=False)  # of which it is a duplicate
    _busy: bool = field(default=False, init=False)  # a party reads or writes
    _told: deque[Callable[[], object]] = field(factory=deque, init=False)  # meanwhile, by that party

    # For the parties

    def addReader(self, party: Any) -> None:
        if self._follow(party):
            self._reading = True
            self.reactor.addReader(self)

    def addWriter(self, party: Any) -> None:
        if self._follow(party):
            self._writing = True
            self.reactor.addWriter(self)

    def removeReader(self, party: Any) -> None:
        if self._reading:
            self._reading = False
            self.reactor.removeReader(self)

    def removeWriter(self, party: Any) -> None:
        if self._writing:
            self._writing = False
            self.reactor.removeWriter(self)

    def callLater(self, delay: float, work: Any, *args: Any) -> Any:
        """
        So the parties tell of an answer; they never cancel that. Who hears of it may ask again, so they must be done
        with what they are doing, but a turn of the reactor would be lost time.
        """
        if self.go_on is not None:
            self.go_on(partial(work, *args))
        elif self._busy:
            self._told.append(partial(work, *args))
        else:
            self.reactor.callLater(delay, work, *args)

    def release(self) -> None:
        """Watch no longer, and let go of the socket."""
        self.removeReader(None)
        self.removeWriter(None)
        if self._file >= 0:
            os.close(self._file)
            self._file, self._socket = -1, None

    def _follow(self, party: Any) -> bool:
        """Whether there is a socket: after a failure, of which the party knows, there is none."""
        self._party = party
        if (file := party.pollable().fileno()) < 0:
            self.release()
            return False
        found = os.fstat(file)
        if self._socket != (socket := (found.st_dev, found.st_ino)):
            self.release()
            self._file, self._socket = os.dup(file), socket
        return True

    # For the reactor

    def fileno(self) -> int:
        return self._file

    def logPrefix(self) -> str:
        return "database"

    def doRead(self) -> Any:
        return self._do(self._party.doRead)

    def doWrite(self) -> Any:
        return self._do(self._party.doWrite)

    def _do(self, step: Callable[[], Any]) -> Any:
        self._busy = True
        try:
            return step()
        finally:
            self._busy = False
            while self._told:
                self._told.popleft()()

    def connectionLost(self, reason: Failure) -> None:
        self._party.connectionLost(reason)
