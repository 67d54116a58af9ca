"""
Where the running server tells who asks on this machine what it is doing: a socket in the data folder, which nobody but
its own user may open. It answers also while the database is away and the web is not there.

A data folder has one server. A second would take the first one's devices for its own, and end its sessions with the
database, in which both have one name.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field
from orjson import dumps, loads
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger

NAME, LOCK = "desk", "server.lock"
PATIENCE = 5.0  # s, for the answer
MOST = 1 << 20  # bytes of it


class Silent(Exception):
    """The server is there and does not answer; the text says how that shows."""


class Taken(Exception):
    """Another server serves from the data folder; the text says so."""


@define(eq=False)
class Desk:
    """`tell` gives what there is to say, as values of JSON."""

    reactor: Any
    folder: Path
    tell: Callable[[], dict[str, Any]]
    _port: Any = field(default=None, init=False)
    _lock: int | None = field(default=None, init=False)  # its descriptor: the system lets go of it however we end
    _log: Logger = field(factory=Logger, init=False)

    def open(self) -> None:
        """
        From now on who asks is answered, and no other server serves from the folder. Raises Taken, OSError.

        Where there can be no socket, for the length of its path, the server works as well.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.geteuid() == 0:
            # Another time it may be started by the user whose folder it is.
            owner = self.folder.stat()
            os.fchown(self._lock, owner.st_uid, owner.st_gid)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._let_go()
            raise Taken(f"another trackd serves from {self.folder}: stop it, or choose another folder") from None
        path = self.folder / NAME
        try:
            path.unlink(missing_ok=True)  # of a server that was killed
            self._port = self.reactor.listenUNIX(str(path), _Visitors(self.tell), mode=0o600)
        except (CannotListenError, OSError) as error:
            self._log.warn("`trackd doctor` cannot ask this server: {error}", error=str(error))

    async def close(self) -> None:
        """Nobody is answered any more, and another server may begin."""
        port, self._port = self._port, None
        if port is not None:
            await maybeDeferred(port.stopListening)
        self._let_go()

    def _let_go(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


class _Visitor(Protocol):
    """Is told everything, and goes."""

    transport: Any

    def __init__(self, tell: Callable[[], dict[str, Any]]) -> None:
        self.tell = tell

    def connectionMade(self) -> None:
        self.transport.write(dumps(self.tell() | {"pid": os.getpid()}))
        self.transport.loseConnection()


class _Visitors(Factory):
    noisy = False

    def __init__(self, tell: Callable[[], dict[str, Any]]) -> None:
        self.tell = tell

    def buildProtocol(self, addr: IAddress | None) -> _Visitor:
        return _Visitor(self.tell)


def asked(folder: Path) -> dict[str, Any] | None:
    """
    What the server of this data folder says; None if none is running. Waits, so it is for other processes. Silent.
    """
    path = folder / NAME
    data = b""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(PATIENCE)
        try:
            visitor.connect(str(path))
            while len(data) < MOST and (more := visitor.recv(1 << 16)):
                data += more
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except PermissionError as error:
            raise Silent(f"{path} is for the server's user and root only") from error
        except TimeoutError as error:
            raise Silent(f"no answer within {PATIENCE:g} s") from error
        except OSError as error:
            raise Silent(str(error)) from error
    try:
        found: dict[str, Any] = loads(data)
    except ValueError as error:
        raise Silent("its answer ends in the middle") from error
    return found
