"""Ids that nobody knows: what an administrator may look at and turn into devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from trackd.store.rows import UnknownRow

# Bytes of the last frame that are kept.
FRAME = 512
# Seconds for which sightings are gathered before they are written.
GATHER = 1.0
# Ids of one such time that the log names; of the others it has the number.
LOGGED = 10


@define(eq=False)
class Strangers:
    """Gathers sightings and hands them to `store` now and then; `limit` ids at the most between two times."""

    store: Callable[[list[UnknownRow]], Awaitable[None]]
    clock: IReactorTime
    limit: int = 1000
    dropped: int = field(default=0, init=False)  # messages of ids for which there was no room
    noted: int = field(default=0, init=False)  # ids, each once in the time between
    _seen: dict[tuple[str, str], UnknownRow] = field(factory=dict, init=False)
    _unlogged: int = field(default=0, init=False)
    _due: IDelayedCall | None = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __len__(self) -> int:
        return len(self._seen)

    def seen(
        self, unique_id: str, protocol: str, address: str, frame: bytes, now: datetime, connection: int = 0
    ) -> None:
        """Somebody has called himself so."""
        # The database has no NUL in texts, and an id longer than any real one is no id.
        name = unique_id.replace("\0", "\ufffd").encode(errors="replace").decode()[:128]
        there = self._seen.get((name, protocol))
        if there is not None:
            there.count += 1
            there.last_seen, there.address, there.last_frame = now, address, frame[:FRAME].hex()
            return
        if len(self._seen) >= self.limit:
            self.dropped += 1
            self._unlogged += 1
            return
        if len(self._seen) < LOGGED:
            # As it is written in Python: it may have any character, and would else move the cursor of who reads the
            # log.
            self._log.info(
                "{protocol} #{connection} {address}: unknown device {unique_id!r}",
                protocol=protocol,
                connection=connection,
                unique_id=name,
                address=address,
            )
        else:
            self._unlogged += 1
        if self._due is None:
            self._due = self.clock.callLater(GATHER, self._flush)
        self.noted += 1
        self._seen[name, protocol] = UnknownRow(name, protocol, address, now, now, 1, frame[:FRAME].hex())

    def known(self, ids: Iterable[str]) -> None:
        """These ids belong to a device after all."""
        if self._seen:
            for id in ids:
                for key in [key for key in self._seen if key[0] == id]:
                    del self._seen[key]

    def stop(self) -> Deferred[None]:
        """Store what is gathered now; fires when it is stored, or cannot be."""
        if self._due is not None:
            self._due.cancel()
        return self._flush()

    def _flush(self) -> Deferred[None]:
        self._due = None
        if self._unlogged:
            self._log.info("{count} more messages of unknown devices", count=self._unlogged)
            self._unlogged = 0
        seen, self._seen = list(self._seen.values()), {}
        return Deferred.fromCoroutine(self._stored(seen))

    async def _stored(self, seen: list[UnknownRow]) -> None:
        if seen:
            try:
                await self.store(seen)
            except Exception as error:
                self._log.warn("unknown devices are not noted: {error}", error=error)
