"""Changes of rows, taken over into memory."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from trackd.live.hub import Hub
from trackd.store.errors import Unavailable
from trackd.track.commands import Commands
from trackd.track.directory import Directory

# Changes that come within this time (s) are taken over together.
GATHER = 0.05
# Those that cannot be read because the database is away again are read after this time (s).
RETRY = 1.0


@define(eq=False)
class Changes:
    """
    Keeps what is in memory in step with the database, whoever changes it: the API, the command line, another server.

    The database tells of each changed row: `devices <id> <unique id>`, `groups <id>`, `commands <device>`,
    `rights <user>`.
    """

    reactor: Any
    directory: Directory
    commands: Commands
    hub: Hub
    _devices: set[int] = field(factory=set, init=False)
    _all: bool = field(default=False, init=False)
    _due: Any = field(default=None, init=False)
    _taking: bool = field(default=False, init=False)
    _stopped: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def heard(self, payload: str) -> None:
        table, _, rest = payload.partition(" ")
        number, _, unique_id = rest.partition(" ")
        if table == "commands":
            self._do(self.commands.arrived(int(number)))
        elif table == "rights":
            self.hub.rights_changed(int(number)).addErrback(self._failed)
        else:
            if table == "devices":
                self.directory.known_now(unique_id)
                self._devices.add(int(number))
            else:
                self._all = True
            self._soon()

    def missed(self) -> None:
        """The connection was away for a while: anything may have been changed."""
        self._all = True
        self._soon()

    def stop(self) -> None:
        """Take nothing over any more."""
        self._stopped = True
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _soon(self, seconds: float = GATHER) -> None:
        # One after the other: else an older answer might come last.
        if self._due is None and not self._taking and not self._stopped:
            self._due = self.reactor.callLater(seconds, self._take)

    def _take(self) -> None:
        self._due = None
        self._do(self._taken_over())
        self.hub.rights_changed().addErrback(self._failed)

    async def _taken_over(self) -> None:
        devices = set(self.directory.by_id) if self._all else self._devices
        self._all, self._devices = False, set()
        self._taking, wait = True, GATHER
        try:
            await self.directory.changed(devices)
        except Unavailable:
            # The first to hear that the database is back may find that others have not heard it yet.
            self._devices |= devices
            wait = RETRY
        finally:
            self._taking = False
            if self._all or self._devices:
                self._soon(wait)

    def _do(self, work: Any) -> None:
        Deferred.fromCoroutine(work).addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        self._log.warn("a change is not taken over: {error}", error=str(failure.value))
