"""Changes of a device's positions while it reports, on an intake in memory."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.track.memory import House, Wire, at, fix, refused
from trackd.store.errors import Unavailable
from trackd.store.report import Fix, State
from trackd.track.amendments import Amendments
from trackd.track.device import Device
from trackd.track.patience import PATIENCE
from trackd.track.stages.place import distance


@define
class Stored:
    """The positions in the database, which only notes what is deleted; `held`: and takes its time."""

    deleted: list[Any] = Factory(list)
    held: Deferred[None] | None = None

    async def delete(self, device_id: int, start: datetime, end: datetime) -> None:
        self.deleted.append((device_id, start, end))
        if self.held is not None:
            await self.held

    async def delete_one(self, position: Any) -> None:
        self.deleted.append(position)


class AmendmentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(stages=(distance(False, 0, 0),))
        self.row = self.house.add("a")
        self.link = Wire()
        self.stored = Stored()
        self.amendments = Amendments(self.house.intake, self.stored, self.house.clock)  # type: ignore[arg-type]
        self.house.find(self.link, "a")
        self.device = self.house.presence.directory.by_id[1]

    def done(self, work: Awaitable[Any]) -> list[Any]:
        """What comes of it, once it has come."""
        results: list[Any] = []
        Deferred.fromCoroutine(work).addBoth(results.append)  # type: ignore[arg-type]
        self.house.settle()
        return results

    def report(self, *seconds: float) -> list[None]:
        done = self.house.take(self.link, *(fix(second) for second in seconds))
        self.house.settle()
        return done

    def test_accumulate(self) -> None:
        """A copy of the latest position with the new values becomes the latest, and the device counts on from it."""
        self.report(1)
        self.assertEqual([True], self.done(self.amendments.accumulate(1, 5000.0, None)))
        first, copy = self.house.reports
        self.assertEqual((5000.0, None), (copy.attributes["totalDistance"], copy.attributes.get("hours")))
        self.assertEqual(0.0, first.attributes["totalDistance"])
        self.assertEqual((at(1), first.latitude, first.protocol), (copy.fix_time, copy.latitude, copy.protocol))
        self.assertTrue(copy.id > first.id and copy.digest != first.digest)
        assert copy.state is not None
        self.assertEqual(copy.id, copy.state.position_id)
        self.assertEqual([True], self.done(self.amendments.accumulate(1, None, 7)))
        self.report(2)
        self.assertEqual((5000.0, 7), tuple(map(self.house.reports[2].attributes.get, ("totalDistance", "hours"))))
        self.assertEqual(5000.0, self.house.reports[3].attributes["totalDistance"])

    def test_same_again(self) -> None:
        """The same values a second time are another position: it is not taken for one that is stored already."""
        self.report(1)
        for _ in range(2):
            self.done(self.amendments.accumulate(1, 1.0, None))
            self.house.clock.advance(0.001)
        self.assertEqual(3, len({report.digest for report in self.house.reports}))

    def test_nothing_to_copy(self) -> None:
        """A device without a position has nothing to count from, and what the database refuses is not said to be done."""
        self.assertEqual([False], self.done(self.amendments.accumulate(1, 1.0, None)))
        self.assertEqual([False], self.done(self.amendments.accumulate(99, 1.0, None)))
        self.report(1)
        self.house.connection.trouble = [refused()]
        self.assertEqual([False], self.done(self.amendments.accumulate(1, 1.0, None)))

    def test_another_servers(self) -> None:
        """A device that another server has meanwhile is not held for ever: who wants to change it is told at once."""
        self.report(1)
        self.house.connection.epochs[1] = self.device.state.epoch + 1
        self.house.connection.lost += 1
        self.assertEqual([False], self.done(self.amendments.accumulate(1, 1.0, None)))
        self.assertIsNone(self.device.jobs)

    def test_delete_waits(self) -> None:
        """Positions are deleted when all reports before are committed; those that come meanwhile wait for it."""
        held: Deferred[None] = Deferred()
        self.house.connection.held = held
        self.report(1)
        done = self.done(self.amendments.delete(1, at(0), at(9)))
        self.assertEqual([], self.stored.deleted)
        self.house.connection.held = None
        self.stored.held = Deferred()
        held.callback(None)
        self.house.settle()
        self.assertEqual([(1, at(0), at(9))], self.stored.deleted)
        answered = self.report(2)
        self.assertEqual(([], [], 1), (done, answered, len(self.house.reports)))
        self.stored.held.callback(None)
        self.house.settle()
        self.assertEqual(([None], [None], 2), (done, answered, len(self.house.reports)))

    def test_late(self) -> None:
        """Who would have to wait for long for what was said before is told so, and nothing is done when it is through."""
        held = self.house.connection.held = Deferred()
        reported = [self.report(1)]
        waiting = [
            self.done(self.amendments.delete(1, at(0), at(9))),
            self.done(self.amendments.accumulate(1, 5000.0, None)),
        ]
        self.house.clock.advance(PATIENCE)
        self.assertEqual([Unavailable] * 2, [done[0].type for done in waiting])
        reported.append(self.report(2))
        self.house.connection.held = None
        held.callback(None)
        self.house.settle()
        self.assertEqual(([], [[None], [None]]), (self.stored.deleted, reported))
        self.assertEqual([0.0, 0.0], [report.attributes["totalDistance"] for report in self.house.reports])
        self.assertIsNone(self.device.jobs)

    def test_late_itself(self) -> None:
        """So is who has made a copy that is not stored for long; it may be stored later, and holds up no report."""
        self.report(1)
        held = self.house.connection.held = Deferred()
        done = self.done(self.amendments.accumulate(1, 5000.0, None))
        self.house.clock.advance(PATIENCE)
        self.assertEqual(Unavailable, done[0].type)
        self.report(2)
        self.house.connection.held = None
        held.callback(None)
        self.house.settle()
        self.assertEqual([5000.0] * 2, [report.attributes["totalDistance"] for report in self.house.reports[1:]])

    def test_memory_follows(self) -> None:
        """After a deletion memory has what the database has: the next report does not count on from what is gone."""
        self.report(1)
        self.done(self.amendments.accumulate(1, 5000.0, None))
        assert self.device.last is not None
        self.assertEqual(5000.0, self.device.last.attributes["totalDistance"])
        self.devices_row_without_position()
        self.assertEqual([None], self.done(self.amendments.delete(1, at(0), at(9))))
        self.assertEqual((None, None), (self.device.last, self.device.state.fix))
        self.report(2)
        self.assertEqual(0.0, self.house.reports[-1].attributes["totalDistance"])

    def test_told_by_another(self) -> None:
        """When another server has deleted positions, the next report is preceded by a look at what is left."""
        self.report(1)
        self.devices_row_without_position()
        self.house.presence.directory.outdated(1)
        self.house.presence.directory.outdated(99)
        self.report(2)
        self.assertEqual(0.0, self.house.reports[-1].attributes["distance"])
        assert self.device.state.fix is not None
        self.assertEqual(at(2), self.device.state.fix.time)

    def test_deleted_device(self) -> None:
        """The positions of a device that is deleted itself can be deleted."""
        self.assertEqual([None], self.done(self.amendments.delete(99, at(0), at(9))))
        self.assertEqual([(99, at(0), at(9))], self.stored.deleted)

    def test_failure(self) -> None:
        """A deletion that fails leaves the device to its reports, which look up what there is."""
        self.report(1)
        self.stored.held = Deferred()
        done = self.done(self.amendments.delete(1, at(0), at(9)))
        self.stored.held.errback(RuntimeError("no"))
        self.assertEqual("no", done[0].getErrorMessage())
        self.assertTrue(self.device.stale)
        self.assertEqual([None], self.report(2))

    def devices_row_without_position(self) -> None:
        """The database has the device as it was made."""
        self.house.devices["a"] = Device(1, "a", State(1), name="a")
        assert isinstance(self.device.state.fix, Fix)
