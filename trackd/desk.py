"""
Where the running server tells who asks on this machine what it is doing: a socket in the data folder, which nobody but
its own user may open. It answers also while the database is away and the web is not there.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field
from orjson import dumps, loads
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger

NAME = "desk"
PATIENCE = 5.0  # s, for the answer
MOST = 1 << 20  # bytes of it


class Silent(Exception):
    """The server is there and does not answer; the text says how that shows."""


@define(eq=False)
class Desk:
    """`tell` gives what there is to say, as values of JSON."""

    reactor: Any
    folder: Path
    tell: Callable[[], dict[str, Any]]
    _port: Any = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def open(self) -> None:
        """From now on who asks is answered. Without a desk the server works as well."""
        try:
            self._port = self.reactor.listenUNIX(
                str(self.folder / NAME), _Visitors(self.tell), mode=0o600, wantPID=True
            )
        except (CannotListenError, OSError) as error:
            self._log.warn("`trackd doctor` cannot ask this server: {error}", error=str(error))

    def close(self) -> Any:
        """Fires when it is closed."""
        port, self._port = self._port, None
        return None if port is None else port.stopListening()


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
