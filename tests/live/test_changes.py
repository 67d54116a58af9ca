"""Changes that the database tells of, on a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trackd.live.changes import GATHER, RETRY, Changes
from trackd.store.errors import Unavailable


@define
class Directory:
    """Two devices in memory; what is to be read again is remembered. `trouble`: it can't be."""

    by_id: dict[int, Any] = Factory(lambda: {1: "one", 2: "two"})
    read: list[list[int]] = Factory(list)
    known: list[str] = Factory(list)
    stale: list[int] = Factory(list)
    trouble: list[Exception] = Factory(list)
    held: Deferred[None] | None = None

    async def changed(self, ids: Iterable[int]) -> None:
        if self.held is not None:
            await self.held
        if self.trouble:
            raise self.trouble.pop(0)
        self.read.append(sorted(ids))

    def outdated(self, id: int) -> None:
        self.stale.append(id)

    def known_now(self, unique_id: str) -> None:
        self.known.append(unique_id)


@define
class Commands:
    """Remembers for whom commands have come."""

    devices: list[int] = Factory(list)

    async def arrived(self, device_id: int) -> None:
        self.devices.append(device_id)


@define
class Hub:
    """Remembers what it was told: users, devices, or that anything has changed."""

    told: list[Any] = Factory(list)

    def rights_changed(self, users: Iterable[int] | None = None) -> None:
        self.told.append("anything" if users is None else ("users", sorted(users)))

    async def devices_changed(self, devices: Iterable[int]) -> None:
        self.told.append(("devices", sorted(devices)))

    async def groups_changed(self) -> None:
        self.told.append("groups")


class ChangesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.directory, self.commands, self.hub = Clock(), Directory(), Commands(), Hub()
        parts: Any = (self.directory, self.commands, self.hub)
        self.changes = Changes(self.clock, *parts)

    def test_gathered(self) -> None:
        """Changed devices are read together; the next look-up of their ids need not wait."""
        for payload in ("devices 1 a", "devices 3 c", "devices 1 a"):
            self.changes.heard(payload)
        self.assertEqual((self.directory.known, self.directory.read), (["a", "c", "a"], []))
        self.clock.advance(GATHER)
        self.assertEqual((self.directory.read, self.hub.told), ([[1, 3]], [("devices", [1, 3])]))

    def test_one_after_the_other(self) -> None:
        """What changes while others are being read is read after them, so that no older answer comes last."""
        held = self.directory.held = Deferred()
        self.changes.heard("devices 1 a")
        self.clock.advance(GATHER)
        self.directory.held = None
        self.changes.heard("devices 1 b")
        self.clock.advance(GATHER)
        self.assertEqual(self.directory.read, [])
        held.callback(None)
        self.clock.advance(GATHER)
        self.assertEqual((self.directory.read, self.clock.getDelayedCalls()), ([[1], [1]], []))

    def test_groups(self) -> None:
        """A group may be above any device: all in memory are read."""
        self.changes.heard("groups 5")
        self.changes.heard("devices 3 c")
        self.clock.advance(GATHER)
        self.assertEqual((self.directory.read, self.hub.told), ([[1, 2]], ["groups", ("devices", [3])]))

    def test_fences(self) -> None:
        """Other geofences are read for a device, those of a group for all; who may see what is not asked for them."""
        self.changes.heard("fences 2")
        self.clock.advance(GATHER)
        self.changes.heard("lent 5")
        self.clock.advance(GATHER)
        self.assertEqual((self.directory.read, self.hub.told, self.directory.known), ([[2], [1, 2]], [], []))

    def test_missed(self) -> None:
        """After a while without a connection anything may be another."""
        self.changes.heard("devices 3 c")
        self.changes.missed()
        self.clock.advance(GATHER)
        self.assertEqual((self.directory.read, self.hub.told), ([[1, 2]], ["anything"]))

    def test_positions(self) -> None:
        """Positions that were deleted are nothing to be read; the device's next report looks at what is left."""
        self.changes.heard("positions 2")
        self.assertEqual((self.directory.stale, self.clock.getDelayedCalls()), ([2], []))

    def test_at_once(self) -> None:
        """Commands and rights wait for nothing."""
        self.changes.heard("commands 2")
        self.changes.heard("rights 7")
        self.assertEqual((self.commands.devices, self.hub.told), ([2], [("users", [7])]))

    def test_database_away(self) -> None:
        """What can't be read yet, because the database is just coming back, is read later, with what came meanwhile."""
        self.directory.trouble = [Unavailable("away"), Unavailable("away")]
        self.changes.heard("devices 3 c")
        self.clock.advance(GATHER)
        self.changes.heard("devices 4 d")
        self.changes.missed()
        self.clock.advance(RETRY)
        self.assertEqual(self.directory.read, [])
        self.clock.advance(2 * RETRY)
        self.assertEqual(self.directory.read, [[1, 2]])
        self.clock.advance(10 * RETRY)
        self.assertEqual((len(self.directory.read), self.clock.getDelayedCalls()), (1, []))

    def test_any_error(self) -> None:
        """Whatever keeps it from being read, no change is forgotten, and the tries become rare."""
        self.directory.trouble = [RuntimeError("a mistake of ours") for _ in range(3)]
        self.changes.heard("devices 3 c")
        for seconds in (GATHER, RETRY, 2 * RETRY):
            self.clock.advance(seconds)
        self.assertEqual((3, []), (len(self.flushLoggedErrors(RuntimeError)), self.directory.read))
        self.clock.advance(4 * RETRY)
        self.assertEqual([[3]], self.directory.read)
        self.changes.heard("devices 3 c")
        self.directory.trouble = [Unavailable("away")]
        self.clock.advance(GATHER)
        self.clock.advance(RETRY)
        self.assertEqual([[3], [3]], self.directory.read)

    def test_stop(self) -> None:
        """After the stop nothing is read, and nothing is left on the clock."""
        self.directory.trouble = [Unavailable("away")]
        self.changes.heard("devices 1 a")
        self.clock.advance(GATHER)
        self.changes.stop()
        self.changes.heard("devices 1 a")
        self.assertEqual((self.directory.read, self.clock.getDelayedCalls()), ([], []))
