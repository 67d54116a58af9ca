"""
The devices in memory, and the way to those that are not.

Whoever asks for a device while a question to the database is under way waits for the next, which asks for all of them
at once: ten thousand devices that connect after a restart cost a hundred questions.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from attrs import Factory, define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from trackd.track.device import Device

K = TypeVar("K")

# What is asked for in one question.
AT_ONCE = 100
# After a failed look-up of an id, this long until the next (seconds), doubling at each further one, and forgotten.
FIRST_WAIT = 60.0
LONGEST_WAIT = 1800.0
FORGOTTEN = 3600.0


@define(eq=False)
class Directory:
    """
    Devices by unique id and by id.

    `load` and `load_by_id` ask the database for many at once; what it does not know is missing in the answer. Where
    several servers share the database, `load` and `take_back` make them this one's.
    """

    load: Callable[[list[str]], Awaitable[dict[str, Device]]]
    load_by_id: Callable[[list[int]], Awaitable[dict[int, Device]]]
    clock: IReactorTime
    limit: int = 20_000  # devices kept without need
    throttle: bool = False
    strangers: int = 100_000  # unknown ids whose last failure is remembered
    take_back: Callable[[list[int]], Awaitable[dict[int, Device]]] = field(
        default=Factory(lambda self: self.load_by_id, takes_self=True)
    )
    by_id: dict[int, Device] = field(factory=dict, init=False)
    _by_unique_id: OrderedDict[str, Device] = field(factory=OrderedDict, init=False)
    _wanted: dict[str, list[Deferred[Device | None]]] = field(factory=dict, init=False)
    _asking: bool = field(default=False, init=False)
    _loading: int = field(default=0, init=False)
    _overtaken: set[int] = field(factory=set, init=False)  # devices that were changed while others are being loaded
    _failures: OrderedDict[str, tuple[float, float]] = field(factory=OrderedDict, init=False)

    def __len__(self) -> int:
        return len(self.by_id)

    @property
    def failures(self) -> int:
        """Unknown ids whose last look-up is remembered."""
        return len(self._failures)

    def here(self, unique_id: str) -> Device | None:
        """The device if it is in memory, and this server's."""
        device = self._by_unique_id.get(unique_id)
        return device if device is not None and device.claimed and not device.deleted else None

    def find(self, unique_id: str) -> Deferred[Device | None]:
        """The device, from memory or from the database; None if there is none. Unavailable while that is away."""
        if (device := self.here(unique_id)) is not None:
            return succeed(device)
        if not _possible(unique_id) or (self.throttle and self._too_soon(unique_id)):
            return succeed(None)
        answer: Deferred[Device | None] = Deferred()
        if self.throttle:
            answer.addCallback(self._remember, unique_id)
        self._wanted.setdefault(unique_id, []).append(answer)
        if not self._asking:
            self._asking = True
            Deferred.fromCoroutine(self._ask()).addErrback(lambda failure: None)
        return answer

    async def get(self, id: int) -> Device | None:
        """The device with this id; of another server's, as it is at the moment."""
        device = self.by_id.get(id)
        if device is None or not device.claimed:
            found = (await self._fresh(self.load_by_id([id]))).get(id)
            device = found if found is None else self._keep(found)
        return None if device is None or device.deleted else device

    async def _ask(self) -> None:
        try:
            while self._wanted:
                ids = list(self._wanted)[:AT_ONCE]
                waiting = {id: self._wanted.pop(id) for id in ids}
                try:
                    found = await self._fresh(self.load(ids))
                except Exception as error:
                    for answers in waiting.values():
                        for answer in answers:
                            answer.errback(error)
                    continue
                for id, answers in waiting.items():
                    device = found.get(id)
                    if device is not None:
                        device = self._keep(device)
                    for answer in answers:
                        answer.callback(device)
        finally:
            self._asking = False

    async def _fresh(self, loading: Awaitable[dict[K, Device]]) -> dict[K, Device]:
        """What is loaded, and is not older than a change that was told meanwhile."""
        self._loading += 1
        try:
            found = await loading
            if old := self._overtaken & {device.id for device in found.values()}:
                again = await self.load_by_id(list(old))
                found = {
                    key: again.get(device.id, device)
                    for key, device in found.items()
                    if device.id not in old or device.id in again
                }
            return found
        finally:
            self._loading -= 1
            if not self._loading:
                self._overtaken.clear()

    def _keep(self, loaded: Device) -> Device:
        """The one object of this device, with what was loaded."""
        device = self.by_id.get(loaded.id)
        if device is None:
            device = self.by_id[loaded.id] = loaded
        else:
            self._by_unique_id.pop(device.unique_id, None)
            device.renew(loaded)
            device.deleted = False
            if not device.claimed:
                if device.jobs is None and not device.uncommitted:
                    device.restore(loaded)
                else:
                    # The next to take a report of it loads it again.
                    device.stale, device.claimed = True, loaded.claimed
        self._by_unique_id[device.unique_id] = device
        self._trim()
        return device

    def _trim(self) -> None:
        # The oldest first; those that are busy go to the end and are looked at again when their turn comes.
        for _ in range(min(8, len(self._by_unique_id) - self.limit)):
            unique_id, device = self._by_unique_id.popitem(last=False)
            if device.idle:
                self.by_id.pop(device.id, None)
            else:
                self._by_unique_id[unique_id] = device

    async def reload(self, device: Device) -> None:
        """Take over what the database has of it: memory knows more than was stored. Nothing of it is under way."""
        if (loaded := (await self._fresh(self.take_back([device.id]))).get(device.id)) is not None:
            device.restore(loaded)
            self._keep(loaded)
        else:
            self._gone(device)

    def outdated(self, id: int) -> None:
        """What memory knows of the latest position of this device may be gone: its next report looks it up."""
        if (device := self.by_id.get(id)) is not None:
            device.stale = True

    async def changed(self, ids: Iterable[int]) -> None:
        """Somebody has changed these devices' rows, or those of their groups: take over what is new."""
        ids = list(ids)
        # What is being loaded at this moment may be older than the change.
        if self._loading:
            self._overtaken.update(ids)
        here = [id for id in ids if id in self.by_id]
        for start in range(0, len(here), AT_ONCE):
            some = here[start : start + AT_ONCE]
            found = await self.load_by_id(some)
            for id in some:
                device = self.by_id.get(id)
                if device is None:
                    continue
                if id in found:
                    self._keep(found[id])
                else:
                    self._gone(device)

    def _gone(self, device: Device) -> None:
        """The database does not have it any more."""
        device.deleted = True
        if self._by_unique_id.get(device.unique_id) is device:  # else a new one has its unique id
            del self._by_unique_id[device.unique_id]
        if device.idle:
            self.by_id.pop(device.id, None)

    def forget(self) -> None:
        """
        Devices that were deleted, or became another server's, while they were connected or busy, and are not any more,
        leave memory.
        """
        for device in [one for one in self.by_id.values() if (one.deleted or not one.claimed) and one.idle]:
            del self.by_id[device.id]
            if self._by_unique_id.get(device.unique_id) is device:
                del self._by_unique_id[device.unique_id]

    def known_now(self, unique_id: str) -> None:
        """A device of this id has been made: the next look-up need not wait."""
        self._failures.pop(unique_id, None)

    def _too_soon(self, unique_id: str) -> bool:
        failed = self._failures.get(unique_id)
        return failed is not None and self.clock.seconds() < failed[0] + failed[1]

    def _remember(self, found: Device | None, unique_id: str) -> Device | None:
        when, wait = self._failures.pop(unique_id, (0.0, 0.0))
        if found is None:
            now = self.clock.seconds()
            wait = min(LONGEST_WAIT, wait * 2) if wait and now < when + FORGOTTEN else FIRST_WAIT
            self._failures[unique_id] = (now, wait)
            if len(self._failures) > self.strangers:
                self._failures.popitem(last=False)
        return found


def _possible(unique_id: str) -> bool:
    """
    Whether a device can have this id: the database has neither NUL nor half of a surrogate pair in texts.

    It would refuse the whole question, and with it the ids of all others that are asked for.
    """
    try:
        return b"\0" not in unique_id.encode()
    except UnicodeEncodeError:
        return False
