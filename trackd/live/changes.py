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
# Those that cannot be read, mostly because the database is away again, are read after this time (s), which doubles.
RETRY = 1.0
LONGEST_RETRY = 60.0


@define(eq=False)
class Changes:
    """
    Keeps what is in memory in step with the database, whoever changes it: the API, the command line, another server.

    The database tells of each changed row: `devices <id> <unique id>`, `groups <id>`, `commands <device>`,
    `direct <device> <command>`, `answered <command>`, `rights <user>`, `gone <user>` for who has to log in again; of
    `positions <device>` that were deleted, and of geofences: `fences <device>`, `lent <group>`.
    """

    reactor: Any
    directory: Directory
    commands: Commands
    hub: Hub
    _devices: set[int] = field(factory=set, init=False)
    _fenced: set[int] = field(factory=set, init=False)  # devices whose geofences are others: whose they are is not
    _groups: bool = field(default=False, init=False)
    _lent: bool = field(default=False, init=False)
    _all: bool = field(default=False, init=False)
    _due: Any = field(default=None, init=False)
    _taking: bool = field(default=False, init=False)
    _retry: float = field(default=RETRY, init=False)
    _stopped: bool = field(default=False, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def heard(self, payload: str) -> None:
        table, _, rest = payload.partition(" ")
        number, _, unique_id = rest.partition(" ")
        if table == "commands":
            self._do(self.commands.arrived(int(number)))
        elif table == "direct":
            self._do(self.commands.wanted(int(number), int(unique_id)))
        elif table == "answered":
            self.commands.answered(int(number))
        elif table == "positions":
            self.directory.outdated(int(number))
        elif table == "rights":
            self.hub.rights_changed([int(number)])
        elif table == "gone":
            self.hub.dismiss(int(number))
        else:
            if table == "devices":
                self.directory.known_now(unique_id)
                self._devices.add(int(number))
            elif table == "fences":
                self._fenced.add(int(number))
            elif table == "lent":
                self._lent = True
            else:
                self._groups = True
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
        # What devices have of their groups is read for all of them.
        every = self._all or self._groups or self._lent
        if self._all:
            self.hub.rights_changed()
        else:
            if self._groups:
                self._do(self.hub.groups_changed())
            if self._devices:
                self._do(self.hub.devices_changed(self._devices))
        devices = set(self.directory.by_id) if every else self._devices | self._fenced
        self._all, self._groups, self._lent, self._devices, self._fenced = False, False, False, set(), set()
        self._do(self._taken_over(devices))

    async def _taken_over(self, devices: set[int]) -> None:
        self._taking, wait = True, GATHER
        try:
            await self.directory.changed(devices)
        except Exception as error:
            # The first to hear that the database is back may find that others have not heard it yet.
            if not isinstance(error, Unavailable):
                self._log.failure("changes of {count} devices are not taken over", count=len(devices))
            self._fenced |= devices
            wait, self._retry = self._retry, min(LONGEST_RETRY, 2 * self._retry)
        else:
            self._retry = RETRY
        self._taking = False
        if self._all or self._groups or self._lent or self._devices or self._fenced:
            self._soon(wait)

    def _do(self, work: Any) -> None:
        Deferred.fromCoroutine(work).addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        self._log.warn("a change is not taken over: {error}", error=str(failure.value))
