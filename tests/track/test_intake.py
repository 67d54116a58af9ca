"""The way of a report: what is stored, when the device is told, and what is passed over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.logger import formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.samples import log_of
from tests.track.memory import House, MemoryConnection, Wire, at, fix
from trackd.store.committer import FRESH, SLOW
from trackd.store.database import Refused, Unavailable
from trackd.store.report import Event, Report, State
from trackd.track.device import Device, before
from trackd.track.frame import LOGGED, MINUTE
from trackd.track.stages.place import outdated
from trackd.wire.values import Position


def connected(house: House, *names: str) -> tuple[Wire, ...]:
    """Devices of these names, each on a connection of its own."""
    wires = []
    for name in names:
        if name not in house.devices:
            house.add(name)
        wires.append(Wire())
        house.find(wires[-1], name)
    return tuple(wires)


class CommitTests(SynchronousTestCase):
    def test_acknowledged_when_committed(self) -> None:
        """A report counts as taken when its transaction is through, and not before."""
        house = House()
        (wire,) = connected(house, "a")
        house.connection.held = Deferred()
        done = house.take(wire, fix(0))
        house.settle()
        self.assertEqual([], done)
        house.connection.held.callback(None)
        house.settle()
        self.assertEqual([None], done)
        self.assertEqual([at(0)], [report.fix_time for report in house.reports])

    def test_one_transaction_for_all(self) -> None:
        """All that waits goes into one transaction."""
        house = House()
        wires = connected(house, "a", "b", "c")
        before = len(house.connection.batches)
        for wire in wires:
            house.take(wire, fix(0), fix(1))
        house.settle()
        self.assertEqual(1, len(house.connection.batches) - before)
        self.assertEqual(6, len(house.reports))

    def test_database_away(self) -> None:
        """While the database is away nobody is told; when it is back, everybody is, and nothing is lost."""
        house = House()
        (wire,) = connected(house, "a")
        house.connection.trouble = [Unavailable("gone"), Unavailable("gone")]
        done = house.take(wire, fix(0))
        house.settle()
        self.assertEqual([], done)
        self.assertEqual("gone", house.committer.away)
        house.clock.advance(1)
        house.settle()
        self.assertEqual([], done)
        house.clock.advance(1)
        house.settle()
        self.assertEqual([None], done)
        self.assertIsNone(house.committer.away)
        self.assertEqual(1, len(house.reports))

    def test_slow(self) -> None:
        """A transaction that does not end has a line of the log, and one when it has."""
        log = log_of(self)
        house = House()
        (wire,) = connected(house, "a")
        held = house.connection.held = Deferred()
        done = house.take(wire, fix(0))
        house.settle()
        house.clock.advance(SLOW)
        [line] = [formatEvent(line) for line in log]
        self.assertTrue(line.startswith("nothing is acknowledged: a transaction has not ended for 5 s"))
        house.connection.held = None
        held.callback(None)
        house.settle()
        self.assertEqual(([None], "committed after 5 s"), (done, formatEvent(log[-1])))
        house.take(wire, fix(1))
        house.settle()
        house.clock.advance(SLOW)
        self.assertEqual(2, len(log))

    def test_queue_is_full(self) -> None:
        """When as many reports wait as may wait, the listeners are told, and told again when there is room."""
        house = House()
        (wire,) = connected(house, "a")
        house.committer.limit = 2
        house.take(wire, fix(0))
        self.assertFalse(house.intake.full)
        house.take(wire, fix(1))
        self.assertTrue(house.intake.full)
        room: list[None] = []
        house.intake.room().addCallback(room.append)
        self.assertEqual([], room)
        house.settle()
        self.assertEqual([None], room)
        self.assertFalse(house.intake.full)

    def test_queue_is_full_of_bytes(self) -> None:
        """Few reports may be large ones: they count by what they take, their frame once."""
        house = House()
        (wire,) = connected(house, "a")
        house.committer.most = 5000
        for number in range(4):
            self.assertFalse(house.intake.full)
            position = fix(number)
            position.attributes["note"] = "x" * 1300
            house.take(wire, position)
        self.assertTrue(house.intake.full)
        house.settle()
        self.assertEqual((False, 0), (house.intake.full, house.committer.size))

    def test_crowded(self) -> None:
        """Long before the queue is full, who has much to say is asked to wait."""
        house = House()
        (wire,) = connected(house, "a")
        crowd = house.committer.rows // 8
        for number in range(crowd - 1):
            house.take(wire, fix(number))
        self.assertFalse(house.intake.crowded)
        house.take(wire, fix(crowd))
        self.assertEqual((True, False), (house.intake.crowded, house.intake.full))
        house.settle()
        self.assertFalse(house.intake.crowded)

    def test_queue_is_full_of_events(self) -> None:
        """Events that belong to no report count: a device may come and go while the database is away."""
        house = House()
        house.presence.events = True
        house.committer.limit = 4
        house.connection.trouble = [Unavailable("gone")]
        for _ in range(2):
            (wire,) = connected(house, "a")
            house.take(wire)
            self.assertFalse(house.intake.full)
            house.presence.lost(wire)
        self.assertTrue(house.intake.full)
        house.settle()
        house.clock.advance(1)
        house.settle()
        self.assertEqual((False, 0), (house.intake.full, house.committer.waiting))

    def test_poison(self) -> None:
        """A report that the database refuses goes to the quarantine alone; its neighbours are stored."""
        house = House()
        wires = connected(house, "a", "b", "c", "d")
        house.connection.poison = "poison"
        done = [house.take(wire, fix(0, attributes={"x": x})) for wire, x in zip(wires, "ab", strict=False)]
        done.append(house.take(wires[2], fix(0, attributes={"x": "poison"})))
        done.append(house.take(wires[3], fix(0)))
        house.settle()
        self.assertEqual([[None]] * 4, done)
        sql = [sql for sql, _ in house.connection.batches]
        self.assertEqual(1, sum("INSERT INTO quarantine" in one for one in sql))
        rows = [args[1] for sql, args in house.connection.batches if "INSERT INTO positions" in sql]
        self.assertEqual({"1", "2", "4"}, {id for row in rows for id in row.strip("{}").split(",")})

    def test_state_is_read_again_after_a_refusal(self) -> None:
        """What memory knows of a device whose report was refused is thrown away."""
        house = House()
        (wire,) = connected(house, "a")
        device = house.devices["a"]
        house.find(wire, "a")
        house.connection.poison = "poison"
        house.take(wire, fix(0, attributes={"x": "poison"}))
        house.settle()
        self.assertTrue(device.stale)
        fresh = Device(1, "a", device.state.copy())
        fresh.state.fix = fresh.state.newest = None
        fresh.state.status = "offline"
        house.devices["a"] = fresh
        house.take(wire, fix(5))
        house.settle()
        self.assertEqual(
            [at(5)], [report.fix_time for report in house.reports if report.id and report.fix_time == at(5)]
        )
        self.assertFalse(device.stale)
        self.assertEqual("online", device.state.status)

    def test_refused_once(self) -> None:
        """What is in the quarantine, or goes its way again, is left out when a mistake has the rest tried again."""

        @define(eq=False)
        class Shaky(MemoryConnection):
            mistakes: int = 1

            async def run(self, sql: str, args: Sequence[Any] = ()) -> int:
                count = await MemoryConnection.run(self, sql, args)
                self.lost += "INTO quarantine" in sql
                return count

            async def query(self, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
                if "epoch" in sql and self.mistakes:
                    self.mistakes -= 1
                    raise RuntimeError("a mistake")
                return await MemoryConnection.query(self, sql, args)

        house = House(connection=Shaky(poison="poison"))
        wires = connected(house, "a", "b")
        house.settle()
        house.take(wires[0], fix(0, attributes={"x": "poison"}))
        done = house.take(wires[1], fix(0))
        for _ in range(3):
            house.settle()
            house.clock.advance(1)
        self.assertEqual(1, len(self.flushLoggedErrors(RuntimeError)))
        self.assertEqual(1, sum("INTO quarantine" in sql for sql, _ in house.connection.batches))
        self.assertEqual(([None], 0), (done, house.devices["a"].uncommitted))
        self.assertEqual(([2], 0), ([report.device_id for report in house.reports], house.committer.waiting))

    def test_infinite(self) -> None:
        """Nothing is measured against numbers that the database refuses, and no other report takes them over."""
        house = House(stages=(outdated,))
        (wire,) = connected(house, "a")
        device = house.devices["a"]
        house.take(wire, fix(0))
        for name in ("altitude", "speed", "course", "accuracy"):
            house.take(wire, fix(1, **{name: float("inf")}))
        house.take(wire, Position.last(at(2)))
        assert device.last is not None
        self.assertEqual((at(0), 0.0), (device.last.fix_time, device.last.altitude))
        self.assertEqual(at(2), device.state.newest)
        house.settle()
        self.assertEqual(6, len(house.reports))

    def test_refused_is_not_told(self) -> None:
        """What was refused is not among what is committed: nobody is told of it, and nobody waits for it any more."""
        house = House()
        (wire,) = connected(house, "a")
        house.connection.poison = "poison"
        house.take(wire, fix(0), fix(1, attributes={"x": "poison"}), fix(2))
        house.settle()
        self.assertEqual([at(0), at(2)], [report.fix_time for report in house.reports])
        told = [report.fix_time for reports, _, _ in house.told for report in reports]
        self.assertEqual(([at(0), at(2)], 0, 0), (told, house.devices["a"].uncommitted, house.committer.waiting))

    def test_deleted_after_a_refusal(self) -> None:
        """A device that has to be read again and is not there any more is deleted: what it says is passed over."""
        house = House()
        (wire,) = connected(house, "a", "b")[:1]
        device = house.devices["a"]
        house.connection.poison = "poison"
        house.take(wire, fix(0, attributes={"x": "poison"}))
        house.settle()
        del house.devices["a"]
        asked: list[list[int]] = []

        async def take_back(ids: list[int]) -> dict[int, Device]:
            asked.append(ids)
            if len(asked) > 9:
                raise RuntimeError("asked without end")
            return {}

        house.presence.directory.take_back = take_back
        done = house.take(wire, fix(1), device=device)
        house.settle()
        self.assertEqual(([[1]], [None], [], True), (asked, done, house.reports, device.deleted))

    def test_only_its_own_question_restores_it(self) -> None:
        """What was read before the refusal, for another reason, is not taken for what is stored."""
        house = House()
        (wire,) = connected(house, "a")
        device = house.devices["a"]
        house.connection.poison = "poison"
        gate: Deferred[None] = Deferred()
        older = Device(1, "a", State(1))

        async def load_by_id(ids: list[int]) -> dict[int, Device]:
            await gate
            return {1: older}

        house.presence.directory.load_by_id = load_by_id
        Deferred.fromCoroutine(house.presence.directory.changed([1]))
        house.take(wire, fix(0), fix(1, attributes={"x": "poison"}))
        house.settle()
        gate.callback(None)
        self.assertEqual((True, at(1)), (device.stale, device.state.newest))

    def test_mistake_of_ours(self) -> None:
        """A report that cannot even be written down does not stop the committer."""
        house = House()
        (wire,) = connected(house, "a")
        house.take(wire, fix(0, altitude=complex(1, 2)))
        house.take(wire, fix(1))
        house.settle()
        self.flushLoggedErrors()
        self.assertIn(at(1), [report.fix_time for report in house.reports])

    def test_quarantine_refuses(self) -> None:
        """A report that not even the quarantine takes is in the log, and holds up nobody."""
        house = House()
        (wire,) = connected(house, "a")
        house.settle()
        house.connection.poison = "poison"
        house.connection.refuses = "INTO quarantine"
        done = house.take(wire, fix(0, attributes={"x": "poison"}), fix(1))
        house.settle()
        self.assertEqual([None], done)
        self.assertIn(at(1), [report.fix_time for report in house.reports])
        self.assertEqual(1, len(self.flushLoggedErrors()))


class ResentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()
        (self.wire,) = connected(self.house, "a")

    def commit(self, *positions: Position) -> None:
        done = self.house.take(self.wire, *positions)
        self.house.settle()
        self.assertEqual([None], done)

    def test_again(self) -> None:
        """The same report is stored once, and acknowledged each time."""
        self.commit(fix(0))
        self.commit(fix(0))
        self.assertEqual(1, len(self.house.reports))

    def test_again_at_once(self) -> None:
        """The same report is stored once although the first is not yet committed."""
        self.commit(fix(0), fix(0))
        self.assertEqual(1, len(self.house.reports))

    def test_same_second(self) -> None:
        """Two different reports of the same second are both stored."""
        self.commit(fix(0), fix(0, speed=5.0))
        self.assertEqual(2, len(self.house.reports))

    def test_long_ago(self) -> None:
        """A re-sent report that memory has forgotten is recognised by the database."""
        self.commit(fix(0))
        self.house.stored.add(self.house.reports[0].digest)
        self.house.devices["a"].recent.clear()
        self.commit(fix(1))
        self.commit(fix(0))
        self.assertEqual(2, len(self.house.reports))

    def test_another_frame(self) -> None:
        """The same report in another frame, from elsewhere, out of the device's memory, is stored once."""
        self.house.intake.save_original = self.house.intake.save_address = True
        self.commit(fix(0))
        for members in ({}, {"attributes": {"archive": True}}):
            again = Wire(host="192.0.2.9")
            self.house.find(again, "a")
            self.house.intake.take(again, [(self.house.devices["a"], fix(0, **members))], b"other")  # type: ignore[arg-type]
            self.house.settle()
        self.assertEqual(1, len(self.house.reports))
        self.assertEqual(
            {"raw": b"frame".hex(), "ip": "192.0.2.1"},
            {name: self.house.reports[0].attributes[name] for name in ("raw", "ip")},
        )

    def test_again_in_one_frame(self) -> None:
        """A report that a frame says twice is stored once, whatever lies between."""
        self.commit(fix(1000))
        late = [fix(number) for number in range(100)]
        self.commit(*late, *[fix(number) for number in range(100)])
        self.assertEqual(101, len(self.house.reports))

    def test_late_ones_together(self) -> None:
        """Late reports are looked up at once, and go into one transaction: none waits until the one before is stored."""
        self.commit(fix(100))
        before = len(self.house.connection.batches)
        self.house.connection.held = Deferred()
        for number in range(20):
            self.house.take(self.wire, fix(number))
        self.house.settle()
        self.assertEqual(20, len(self.house.asked) - 1)
        self.house.connection.held.callback(None)
        self.house.settle()
        self.assertEqual((21, 1), (len(self.house.reports), len(self.house.connection.batches) - before))

    def test_without_any_time(self) -> None:
        """A message without fix and time is new each time it comes, and one if it comes twice at the same moment."""
        self.house.intake.stages = (outdated,)
        self.commit(fix(0))
        for seconds in (5, 9, 9):
            self.wire.session.now = at(seconds)
            self.commit(Position(outdated=True, attributes={"batteryLevel": 80}))
        self.assertEqual([at(0), at(5), at(9)], [report.device_time for report in self.house.reports])
        self.assertEqual(3, len({report.digest for report in self.house.reports}))

    def test_late(self) -> None:
        """A late report that is new is stored, and changes neither the latest position nor its distance."""
        self.commit(fix(10), fix(0, latitude=47.0))
        self.assertEqual([at(10), at(0)], [report.fix_time for report in self.house.reports])
        self.assertEqual(at(10), self.house.devices["a"].last.fix_time)  # type: ignore[union-attr]

    def test_no_question_for_new_ones(self) -> None:
        """A report that is later than all before it costs no question to the database."""
        self.house.asked.clear()
        self.commit(fix(0))
        self.commit(fix(1), fix(2))
        self.assertEqual([], self.house.asked)

    def test_database_away_while_asked(self) -> None:
        """A doubtful report waits until the database can be asked; later ones of the device wait behind it."""
        self.commit(fix(10))
        answers = [Unavailable("away")]
        original = self.house.intake.resent

        async def resent(reports: list[Report]) -> set[Report]:
            if answers:
                raise answers.pop()
            return await original(reports)

        self.house.intake.resent = resent
        early = self.house.take(self.wire, fix(0))
        later = self.house.take(self.wire, fix(11))
        self.house.settle()
        self.assertEqual(([], []), (early, later))
        self.house.clock.advance(1)
        self.house.settle()
        self.assertEqual(([None], [None]), (early, later))
        self.assertEqual([at(10), at(0), at(11)], [report.fix_time for report in self.house.reports])


class MovedTests(SynchronousTestCase):
    """A device that another server has claimed while its reports were in hand."""

    def setUp(self) -> None:
        self.seen: list[tuple[datetime | None, int]] = []
        self.house = House(stages=(self.count,))
        self.wire, self.other = connected(self.house, "a", "b")
        self.device = self.house.devices["a"]
        self.house.connection.held = Deferred()
        self.loaded = Device(1, "a", State(1, "online", newest=at(-10), epoch=5))
        self.house.presence.directory.take_back = self.take_back
        self.taken = 0

    def count(self, report: Report, last: Report | None, device: Device) -> Report:
        """A stage that leaves a trace."""
        report.attributes["n"] = report.attributes.get("n", 0) + 1
        self.seen.append((report.fix_time, device.state.epoch))
        return report

    async def take_back(self, ids: list[int]) -> dict[int, Device]:
        self.taken += 1
        return {1: self.loaded}

    def go_on(self) -> None:
        """The database finds that the device is another server's."""
        self.house.connection.lost += 1
        self.house.connection.epochs[1] = 4
        held, self.house.connection.held = self.house.connection.held, None
        assert held is not None
        held.callback(None)
        self.house.settle()

    def test_again(self) -> None:
        """Its reports go their whole way again, from what was decoded and in their order, and are then acknowledged."""
        done = self.house.take(self.wire, fix(0))
        self.house.settle()
        later = self.house.take(self.wire, fix(1), fix(2))
        self.assertEqual(([], []), (done, later))
        self.go_on()
        self.assertEqual(([None], [None]), (done, later))
        reports = self.house.reports
        self.assertEqual([at(0), at(1), at(2)], [report.fix_time for report in reports])
        self.assertEqual([1, 1, 1], [report.attributes["n"] for report in reports])
        self.assertEqual([5, 5, 5], [report.state.epoch for report in reports if report.state])
        self.assertEqual((0, None, 1, 3), (self.device.uncommitted, self.device.jobs, self.taken, len(self.seen) - 3))
        self.assertEqual((0, 3), (self.house.committer.waiting, self.house.committer.returned))

    def test_others(self) -> None:
        """Other devices' reports of the same batch are stored at once; who waits for the batch waits for all of it."""
        self.house.take(self.wire, fix(0))
        done = self.house.take(self.other, fix(0))
        self.house.settle()
        gate: Deferred[None] = Deferred()
        take_back = self.take_back

        async def slow(ids: list[int]) -> dict[int, Device]:
            await gate
            return await take_back(ids)

        self.house.presence.directory.take_back = slow
        self.go_on()
        self.assertEqual(([2], []), ([report.device_id for report in self.house.reports], done))
        gate.callback(None)
        self.house.settle()
        self.assertEqual(([2, 1], [None]), ([report.device_id for report in self.house.reports], done))

    def test_older_ones_first(self) -> None:
        """What waits for the device to be read again lets pass what goes its way again: it was said before."""
        first = self.house.take(self.wire, fix(0))
        self.house.settle()
        self.house.presence.moved(self.device, False)
        second = self.house.take(self.wire, fix(1))
        third = self.house.take(self.wire, fix(2))
        self.go_on()
        self.assertEqual(([None], [None], [None]), (first, second, third))
        self.assertEqual([at(0), at(1), at(2)], [report.fix_time for report in self.house.reports])
        self.assertEqual(
            (0, None, 0, 1), (self.device.returning, self.device.jobs, self.device.uncommitted, self.taken)
        )

    def test_regained(self) -> None:
        """A device that was taken away by mistake is read again when nothing of it is under way."""
        done = self.house.take(self.wire, fix(0))
        self.house.settle()
        Deferred.fromCoroutine(self.house.presence.regain(self.device))
        later = self.house.take(self.wire, fix(1))
        self.house.settle()
        self.assertEqual(([], [], 0), (done, later, self.taken))
        self.go_on()
        self.assertEqual(([None], [None], 1), (done, later, self.taken))
        self.assertEqual([at(0), at(1)], [report.fix_time for report in self.house.reports])
        self.house.settle()
        self.assertEqual(("online", 5), (self.device.state.status, self.house.committed[-1].signs[1][2]))

    def test_stored_elsewhere(self) -> None:
        """What the other server has stored meanwhile is acknowledged, and not stored again."""
        done = self.house.take(self.wire, fix(0))
        self.house.settle()
        self.loaded.state.newest = at(0)
        self.house.stored = {report.digest for report in self.house.committer._now.reports}  # type: ignore[union-attr]
        self.go_on()
        self.assertEqual(([], [None]), (self.house.reports, done))

    def test_twice(self) -> None:
        """A device that changes hands again and again gets its reports stored all the same."""
        done = self.house.take(self.wire, fix(0))
        self.house.settle()
        self.house.connection.lost = 1
        self.loaded.state.epoch = 3
        self.go_on()
        self.assertEqual([None], done)
        self.assertEqual([at(0)], [report.fix_time for report in self.house.reports])
        self.assertEqual((2, 2), (self.taken, self.house.committer.returned))

    def test_mistake(self) -> None:
        """If they cannot go their way again by a mistake of ours, nobody who waits is told that they are stored."""
        outcomes: list[Any] = []

        def hear(outcome: Any) -> Any:
            outcomes.append(outcome)
            return outcome  # as all of them do who wait for the same

        def wait(wire: Wire, name: str, seconds: float) -> None:
            waiting = self.house.intake.take(wire, [(self.house.devices[name], fix(seconds))], b"")
            assert waiting is not None
            waiting.addBoth(hear)

        wait(self.wire, "a", 0)
        wait(self.other, "b", 0)
        self.house.settle()
        wait(self.other, "b", -1)  # the database is asked whether it has this one
        wait(self.wire, "a", 1)
        wait(self.other, "b", 1)

        async def broken(ids: list[int]) -> dict[int, Device]:
            raise RuntimeError("a mistake")

        self.house.presence.directory.take_back = broken
        self.go_on()
        self.assertEqual([RuntimeError] * 5, [type(getattr(outcome, "value", None)) for outcome in outcomes])
        self.assertTrue(self.flushLoggedErrors())

    def test_ids(self) -> None:
        """While others give ids too, those that were fetched a while ago are not given any more."""
        self.house.connection.held = None
        for seconds, number in ((0, 1), (FRESH, 2), (1, 1001)):
            self.house.clock.advance(seconds)
            self.house.committer.shared = lambda: True
            self.house.take(self.wire, fix(number))
            self.house.settle()
            self.assertEqual(number, self.house.reports[-1].id)

    def test_session_elsewhere(self) -> None:
        """When it has a session elsewhere, the one here is over with its connection, and memory does not know it."""
        self.house.connection.held = None
        self.house.presence.moved(self.device, True)
        self.assertTrue(self.wire.finished)
        self.assertIsNone(self.house.presence.directory.here("a"))
        self.house.presence.lost(self.wire)
        self.house.settle()
        self.assertEqual([], [batch.signs for batch in self.house.committed if batch.signs.get(1)])
        self.house.presence.directory.forget()
        self.assertNotIn(1, self.house.presence.directory.by_id)

    def test_needed_elsewhere(self) -> None:
        """When it is only needed elsewhere, its session stays, and its next report has it loaded again."""
        self.house.connection.held = None
        self.house.presence.moved(self.device, False)
        self.house.take(self.wire, fix(0))
        self.house.settle()
        self.assertEqual((False, 1), (self.wire.finished, self.taken))
        self.assertEqual([5], [report.state.epoch for report in self.house.reports if report.state])

    def test_sign_of_life(self) -> None:
        """A sign of life counts under the new claim."""
        self.house.connection.held = None
        self.house.settle()
        self.house.presence.moved(self.device, False)
        self.house.take(self.wire)
        self.house.settle()
        self.house.clock.advance(1)
        self.house.settle()
        self.assertEqual(5, self.house.committed[-1].signs[1][2])


class FrameTests(SynchronousTestCase):
    def test_filtered(self) -> None:
        """A report that a stage stops is not stored, but acknowledged, and the device lives."""
        house = House(stages=(lambda report, last, device: None,))
        (wire,) = connected(house, "a")
        self.assertEqual([None], house.take(wire, fix(0)))
        house.settle()
        self.assertEqual([], house.reports)
        self.assertEqual("online", house.devices["a"].state.status)

    def test_timeless(self) -> None:
        """A report without a time is not stored; all are counted, and the log has one line a second."""
        log = log_of(self)
        house = House()
        (wire,) = connected(house, "a")
        for _ in range(20):
            house.take(wire, Position())
        house.settle()
        self.assertEqual(([], 20), (house.reports, house.intake.timeless))
        self.assertEqual([formatEvent(line) for line in log], ["plain #17 192.0.2.1 device 1: a report without a time"])

    def test_broken_stage(self) -> None:
        """A stage that fails is as if it were not there."""

        def broken(report: Report, last: Report | None, device: Device) -> Report:
            raise RuntimeError("broken")

        house = House(stages=(broken,))
        (wire,) = connected(house, "a")
        house.take(wire, fix(0))
        house.settle()
        self.assertEqual(1, len(house.reports))
        self.assertEqual(1, len(self.flushLoggedErrors(RuntimeError)))

    def test_stage_that_waits(self) -> None:
        """A stage that asks the outside world holds up its device, in order, and no other."""
        answer: Deferred[None] = Deferred()

        async def asked(report: Report) -> Report:
            await answer
            report.address = "here"
            return report

        def ask(report: Report, last: Report | None, device: Device) -> object:
            return asked(report) if device.unique_id == "slow" and report.fix_time == at(0) else report

        house = House(stages=(ask,))  # type: ignore[arg-type]
        slow, quick = connected(house, "slow", "quick")
        first, second = house.take(slow, fix(0)), house.take(slow, fix(1))
        other = house.take(quick, fix(0))
        house.settle()
        self.assertEqual(([], [], [None]), (first, second, other))
        answer.callback(None)
        house.settle()
        self.assertEqual(([None], [None]), (first, second))
        self.assertEqual(
            [(1, at(0), "here"), (1, at(1), None)],
            [(one.device_id, one.fix_time, one.address) for one in house.reports if one.device_id == 1],
        )

    def test_events_carry_the_position(self) -> None:
        """An event names the position that it was found in, by the id that the position got."""

        def always(report: Report, last: Report | None, device: Device) -> list[Event]:
            return [Event(device.id, "alarm", at(0), report.fix)]

        house = House(detectors=(always,))
        (wire,) = connected(house, "a")
        house.take(wire, fix(0))
        house.settle()
        self.assertEqual([house.reports[0].id], [event.position_id for event in house.events])
        self.assertNotEqual(0, house.reports[0].id)

    def test_broken_detector(self) -> None:
        """A detector that fails costs neither the report nor the events of the others."""

        def broken(report: Report, last: Report | None, device: Device) -> list[Event]:
            raise RuntimeError("broken")

        def works(report: Report, last: Report | None, device: Device) -> list[Event]:
            return [Event(device.id, "alarm", at(0))]

        house = House(detectors=(broken, works))
        (wire,) = connected(house, "a")
        house.take(wire, fix(0))
        house.settle()
        self.assertEqual((1, 1), (len(house.reports), len(house.events)))
        self.flushLoggedErrors(RuntimeError)

    def test_half_a_detector(self) -> None:
        """A detector that fails in the middle changes no state; what the others have found out is stored."""

        def first(report: Report, last: Report | None, device: Device) -> list[Event]:
            device.state.motion_distance += 1.0
            return [Event(device.id, "works", at(0))]

        def half(report: Report, last: Report | None, device: Device) -> list[Event]:
            device.state.motion_streak = True
            device.state.motion_distance = 1000.0
            raise RuntimeError("broken")

        def last(report: Report, last: Report | None, device: Device) -> list[Event]:
            device.state.overspeed_state = True
            return []

        house = House(detectors=(half, first, half, last))
        (wire,) = connected(house, "a")
        device = house.devices["a"]
        house.take(wire, fix(0))
        house.take(wire, fix(1))
        house.settle()
        state = device.state
        self.assertEqual((False, 2.0, True), (state.motion_streak, state.motion_distance, state.overspeed_state))
        self.assertEqual(["works"] * 2, [event.type for event in house.events])
        self.assertEqual(4, house.intake.mistakes.count)
        self.flushLoggedErrors(RuntimeError)

    def test_mistakes_in_the_log(self) -> None:
        """What fails with each report fills no log: so many lines in a minute, and all of it is counted."""

        def broken(report: Report, last: Report | None, device: Device) -> Report:
            raise RuntimeError("broken")

        house = House(stages=(broken,))
        (wire,) = connected(house, "a")
        for second in range(3 * LOGGED):
            house.take(wire, fix(second))
        self.assertEqual(LOGGED, len(self.flushLoggedErrors(RuntimeError)))
        house.clock.advance(MINUTE)
        house.take(wire, fix(3 * LOGGED))
        self.assertEqual((1, 3 * LOGGED + 1), (len(self.flushLoggedErrors(RuntimeError)), house.intake.mistakes.count))

    def test_without_a_time(self) -> None:
        """A report with neither fix time nor the mark "no fix" cannot be stored and is dropped."""
        house = House()
        (wire,) = connected(house, "a")
        self.assertEqual([None], house.take(wire, Position()))
        house.settle()
        self.assertEqual([], house.reports)


class TellTests(SynchronousTestCase):
    def test_after_the_commit(self) -> None:
        """Clients hear of a report when it is committed, not before."""
        house = House()
        (wire,) = connected(house, "a")
        house.told.clear()
        house.connection.held = Deferred()
        house.take(wire, fix(0))
        house.settle()
        self.assertEqual([], [told for told in house.told if told[0]])
        house.connection.held.callback(None)
        house.settle()
        self.assertEqual([1], [len(told[0]) for told in house.told if told[0]])

    def test_sign_of_life(self) -> None:
        """A message without a report is a sign of life: told at once, and written before long."""
        house = House()
        (wire,) = connected(house, "a")
        house.told.clear()
        self.assertIsNone(house.intake.take(wire, [], b"frame"))
        self.assertEqual([([], [], [1])], house.told)
        house.clock.advance(1)
        house.settle()
        self.assertEqual([{1: ("online", at(0), 0)}], [batch.signs for batch in house.committed])

    def test_save_empty(self) -> None:
        """When asked to, a message without a report is stored with the last known location."""
        house = House(stages=(outdated,), options={"save_empty": True})
        (wire,) = connected(house, "a")
        house.intake.take(wire, [], b"frame")
        house.settle()
        self.assertEqual([(True, {})], [(report.outdated, report.attributes) for report in house.reports])


class MistakeTests(SynchronousTestCase):
    def test_not_acknowledged(self) -> None:
        """Reports of which nobody can say whether they are stored are not acknowledged; the next ones go their way."""
        house = House()
        (wire,) = connected(house, "a")
        device = house.devices["a"]
        house.take(wire, fix(9))
        house.settle()

        async def resent(reports: list[Report]) -> set[Report]:
            raise Refused("57014", "canceled")

        right, house.intake.resent = house.intake.resent, resent
        taken = house.intake.take(wire, [(device, fix(0))], b"")
        assert taken is not None
        outcomes: list[Any] = []
        taken.addBoth(outcomes.append)
        house.settle()
        self.assertEqual([Refused], [type(outcome.value) for outcome in outcomes])
        self.assertEqual(1, len(self.flushLoggedErrors(Refused)))
        house.intake.resent = right
        done = house.take(wire, fix(0))
        house.settle()
        self.assertEqual(([None], [at(9), at(0)]), (done, [one.fix_time for one in house.reports]))


class EdgeOfTimeTests(SynchronousTestCase):
    def test_first_moment(self) -> None:
        """A device in the year 1 reports as any other."""
        house = House()
        (wire,) = connected(house, "a")
        first = datetime.min.replace(tzinfo=UTC)
        for seconds in range(3):
            house.take(wire, fix((first - at(0)).total_seconds() + seconds))
        house.settle()
        self.assertEqual([first + timedelta(seconds=n) for n in range(3)], [one.fix_time for one in house.reports])

    def test_before(self) -> None:
        """So much earlier, but not before there is time."""
        first = datetime.min.replace(tzinfo=UTC)
        hour = timedelta(hours=1)
        self.assertEqual([at(-3600), first], [before(at(0), hour), before(first + hour / 2, hour)])

    def test_span(self) -> None:
        """A span is never longer than can be reckoned with, nor negative, whatever somebody has set."""
        device = Device(1, "a", State(1), attributes={"long": 1e300, "negative": -1.0})
        self.assertEqual(timedelta(0), device.span("negative"))
        self.assertLess(at(0) - device.span("long"), at(0))

    def test_no_span(self) -> None:
        """A span that is no number keeps no report of the device from being stored."""
        house = House()
        house.add("a", attributes={"report.trip.minDuration": "five minutes"})
        (wire,) = connected(house, "a")
        done = house.take(wire, fix(0), fix(1), fix(2))
        house.settle()
        self.assertEqual(([None], 3), (done, len(house.reports)))
        nothing: Any
        for nothing in ("x", [], {}, 10**400):
            device = Device(1, "a", State(1), attributes={"span": nothing})
            self.assertEqual(timedelta(seconds=180), device.span("span"))
