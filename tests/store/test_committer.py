"""The committer on a real database: what is stored, and what becomes of what the database refuses."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, formatEvent

from tests.listen.samples import log_of
from tests.postgres import DatabaseTestCase
from tests.store.samples import device
from trackd.store import committer as module
from trackd.store.batch import Batch
from trackd.store.committer import Committer
from trackd.store.errors import Unavailable
from trackd.store.partitions import Partitions
from trackd.store.positions import Positions
from trackd.store.report import Event, Fix, Report, State
from trackd.store.resent import Resent

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def report(device_id: int, **members: Any) -> Report:
    """A report at noon in its simplest form; its digest is that of the order in which they are made."""
    report.made += 1  # type: ignore[attr-defined]
    attributes = members.pop("attributes", {"sat": 5})
    fix_time = members.pop("fix_time", NOON)
    made = Report(
        device_id,
        "plain",
        NOON,
        NOON,
        fix_time,
        True,
        48.5,
        11.25,
        500.0,
        10.5,
        90.0,
        3.0,
        None,
        attributes,
        False,
        report.made,  # type: ignore[attr-defined]
        said=fix_time,
        fix=Fix(0, fix_time, 48.5, 11.25),
        frame=b"\x01\x02",
        json=orjson.dumps(attributes).decode(),
    )
    for name, value in members.items():
        setattr(made, name, value)
    return made


report.made = 0  # type: ignore[attr-defined]


@define
class Deaf:
    """A connection on which the first answers about the quarantine are lost."""

    connection: Any
    lost: int = 0

    async def query(self, sql: str, args: Any = ()) -> Any:
        return await self.connection.query(sql, args)

    async def run(self, sql: str, args: Any = ()) -> int:
        count: int = await self.connection.run(sql, args)
        if "quarantine" in sql and self.lost < 2:
            self.lost += 1
            raise Unavailable("the connection to the database was closed")
        return count


def turn() -> Deferred[None]:
    """A turn of the reactor, and a little more."""
    from twisted.internet import reactor

    return deferLater(reactor, 0.005)


class CommitterTests(DatabaseTestCase):
    timeout = 60

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        self.batches: list[Batch] = []
        self.refused: list[Report] = []
        self.device = (await device(self.db)).id

    def committer(self, connection: Any = None, **options: Any) -> Committer:
        from twisted.internet import reactor

        connection = connection or self.db.dedicated()
        made = Committer(
            connection, reactor, self.batches.append, self.refused.append, patience=0.05, retry=0.05, **options
        )
        return made

    async def commit(self, *reports: Report, **options: Any) -> None:
        committer = self.committer(**options)
        for one in reports:
            committer.add(one)
        await committer.idle()

    async def test_row(self) -> None:
        """Every member of a report is in its row, to the microsecond and the last digit."""
        exact = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)
        one = report(
            self.device,
            fix_time=exact,
            said=NOON,
            latitude=-48.123456789012345,
            network='{"radioType":"gsm"}',
            geofence_ids=[4],
            address="Main Street 1, \u0422\u0435\u0441\u0442",
            attributes={"text": "a\x00b\x1e\x1fc'\\", "number": 1e-7, "big": 2**53},
        )
        await self.commit(one)
        [row] = await self.db.query(
            "SELECT id, device_id, protocol, server_time, device_time, fix_time, valid, latitude, longitude, altitude,"
            " speed, course, accuracy, address, network, geofence_ids, attributes, said, digest FROM positions"
        )
        self.assertEqual(
            (
                one.id, self.device, "plain", NOON, NOON, exact, True, -48.123456789012345, 11.25, 500.0, 10.5, 90.0,
                3.0, "Main Street 1, \u0422\u0435\u0441\u0442", '{"radioType":"gsm"}', "[4]",
            ),
            row[:16],
        )  # fmt: skip
        self.assertEqual(one.attributes, orjson.loads(row[16]))
        self.assertEqual((NOON, one.digest), row[17:])
        self.assertEqual((one.id, one.id), (one.fix and one.fix.id, row[0]))

    async def test_events_and_state(self) -> None:
        """Events and the device's state are there with the report that caused them."""
        one = report(self.device)
        one.events = [Event(self.device, "alarm", NOON, one.fix, {"alarm": "sos"})]
        one.state = State(self.device, "online", NOON, one.fix, NOON, motion_streak=True, motion_latitude=1.5)
        await self.commit(one)
        events = await self.db.query("SELECT type, event_time, position_id, geofence_id, attributes FROM events")
        self.assertEqual([("alarm", NOON, one.id, None, '{"alarm":"sos"}')], events)
        state = await self.db.query(
            "SELECT status, last_update, position_id, position_time, newest, motion_streak, motion_latitude"
            " FROM device_states WHERE device_id = %s",
            [self.device],
        )
        self.assertEqual([("online", NOON, one.id, NOON, NOON, True, 1.5)], state)

    async def test_signs_of_life(self) -> None:
        """A status is written without a report, and a report of the same batch does not undo it."""
        committer = self.committer()
        one = report(self.device)
        one.state = State(self.device, "online", NOON)
        committer.add(one)
        committer.touch(self.device, "offline", NOON)
        await committer.idle()
        self.assertEqual([("offline",)], await self.db.query("SELECT status FROM device_states"))

    async def test_signs_of_life_in_parts(self) -> None:
        """Nor does a report of a batch that is written in parts, or is halved; the time of the later of them stays."""
        later = NOON + timedelta(seconds=5)
        for poison in (False, True):
            committer = self.committer(rows=4 if poison else 1)
            await self.db.run("UPDATE device_states SET last_update = NULL")
            reports = [report(self.device) for _ in range(3)]
            for one in reports:
                one.state = State(self.device, "online", later)
                committer.add(one)
            if poison:
                reports[0].altitude = float("inf")
            committer.touch(self.device, "offline", NOON)
            await committer.idle()
            rows = await self.db.query("SELECT status, last_update FROM device_states")
            self.assertEqual([("offline", later)], rows)
        self.assertEqual(1, len(self.refused))

    async def test_ids_rise(self) -> None:
        """Ids rise with the order of arrival, over batches and more than one block."""
        reports = [report(self.device) for _ in range(2500)]
        await self.commit(*reports, rows=700)
        ids = [one.id for one in reports]
        self.assertEqual(sorted(set(ids)), ids)
        self.assertEqual([(2500,)], await self.db.query("SELECT count(*) FROM positions"))

    async def test_ids_of_two(self) -> None:
        """A device's ids rise also when it has gone from a server that was ahead to one that has ids left."""
        one, other = self.committer(), self.committer()
        first, ahead, later = (report(self.device) for _ in range(3))
        for committer, said in ((one, first), (other, ahead)):
            committer.add(said)
            await committer.idle()
        one.above(ahead.id)
        one.add(later)
        await one.idle()
        self.assertTrue(first.id < ahead.id < later.id)
        one.above(first.id)
        one.add(again := report(self.device))
        await one.idle()
        self.assertEqual(later.id + 1, again.id)

    async def test_once(self) -> None:
        """The same report committed again, as after a connection that was lost in between, is there once."""
        one = report(self.device)
        one.events = [Event(self.device, "alarm", NOON, one.fix)]
        await self.commit(one)
        await self.commit(one)
        self.assertEqual([(1,)], await self.db.query("SELECT count(*) FROM positions"))
        self.assertEqual([(1,)], await self.db.query("SELECT count(*) FROM events"))

    async def test_poison(self) -> None:
        """Rows that the database refuses are in the quarantine, with reason and frame; a thousand others are stored."""
        reports = [report(self.device) for _ in range(1000)]
        poison = [
            report(self.device, altitude=float("inf")),
            report(self.device, protocol="NUL\0"),
            report(self.device, address="half \ud800"),
            report(self.device, json="{"),
            report(self.device, digest=2**63),
            report(self.device, digest=2**70),
        ]
        reports[10:10], reports[500:500], reports[998:998] = poison[:1], poison[1:3], poison[3:]
        # Large, and as far from today as there are dates: that is no reason to refuse them.
        moments = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
        odd = [
            report(self.device, attributes={"text": "x" * 1_000_000}),
            *(report(self.device, fix_time=one) for one in moments),
        ]
        await self.commit(*reports, *odd)
        self.assertEqual([(1003,)], await self.db.query("SELECT count(*) FROM positions"))
        self.assertEqual(poison, self.refused)
        self.assertEqual(1003, sum(len(batch.reports) for batch in self.batches))
        rows = await self.db.query("SELECT device_id, reason, report, frame FROM quarantine ORDER BY id")
        self.assertEqual([self.device] * 6, [row[0] for row in rows])
        self.assertEqual([b"\x01\x02"] * 6, [bytes(row[3]) for row in rows])
        self.assertTrue(all(row[1] for row in rows))
        self.assertEqual(48.5, orjson.loads(rows[0][2])["latitude"])

    async def test_poison_and_lost_answers(self) -> None:
        """A report is in the quarantine once, although the connection was lost before the database said so."""
        connection = Deaf(self.db.dedicated())
        committer = self.committer(connection=connection)
        committer.add(report(self.device, altitude=float("inf")))
        await committer.idle()
        self.assertEqual((2, [(1,)]), (connection.lost, await self.db.query("SELECT count(*) FROM quarantine")))

    async def test_poison_and_state(self) -> None:
        """What is in the quarantine is not named as a device's latest position by a report that came after it."""
        before, bad, late = report(self.device), report(self.device, altitude=float("inf")), report(self.device)
        late.state = State(self.device, "online", NOON, bad.fix, NOON, motion_fix=bad.fix, motion_time=NOON)
        await self.commit(before, bad, late)
        state = await self.db.query("SELECT position_id, position_time, motion_position_id FROM device_states")
        self.assertEqual([(None, NOON, None)], state)
        [found] = await Positions(self.db).latest([self.device])
        self.assertEqual(late.id, found.id)

    async def test_poison_in_the_log(self) -> None:
        """Of many refusals the log names a few, and then has their number; all of them are counted."""
        log = log_of(self)
        committer = self.committer()
        for _ in range(30):
            committer.add(report(self.device, protocol="NUL\0"))
        committer.note(Event(self.device, "NUL\0", NOON))
        await committer.idle()
        self.assertEqual((committer.quarantined, committer.lost), (30, 1))
        self.assertEqual([line["log_level"] for line in log], [LogLevel.error] * 10)
        for _ in range(2):
            committer.tell_losses()
        self.assertEqual([formatEvent(line) for line in log][10:], ["21 more refusals of the database"])

    async def crowded(self) -> None:
        """From now on new connections find that the database has no room for notifications: a listener does not read."""
        await self.db.run(
            "CREATE FUNCTION pg_notify(channel text, payload text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'too many notifications in the NOTIFY queue' USING ERRCODE = '54000'; END $$;"
            # Before the one that every database has.
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database());"
            "END $$"
        )

    async def test_no_room_for_notifications(self) -> None:
        """When others cannot be told, reports are stored all the same; the log says so once."""
        await self.crowded()
        log = log_of(self)
        committer = self.committer(bulletins=lambda batch: ["1 p 1 e d"])
        for _ in range(2):
            committer.add(report(self.device))
            await committer.idle()
        self.assertEqual([(2,)], await self.db.query("SELECT count(*) FROM positions"))
        self.assertEqual(([], 0), (self.refused, committer.quarantined))
        told = "other servers are not told of reports: too many notifications in the NOTIFY queue"
        self.assertEqual([told], [formatEvent(line) for line in log])

    async def test_figures(self) -> None:
        """Each transaction is counted with its time and its reports, each report with the time until it was told."""
        committer = self.committer(rows=700)
        self.assertEqual(committer.pending, 0.0)
        for _ in range(1000):
            committer.add(report(self.device))
        self.assertGreaterEqual(committer.pending, 0.0)
        await committer.idle()
        committer.touch(self.device, "offline", NOON, urgent=True)
        await committer.idle()
        sizes = dict(zip((*committer.sizes.bounds, "more"), committer.sizes.counts, strict=True))
        self.assertEqual({0: 1, 500: 1, 1000: 1}, {size: count for size, count in sizes.items() if count})
        self.assertEqual((3, 1000), (sum(committer.transactions.counts), sum(committer.acknowledgements.counts)))
        self.assertGreater(committer.transactions.total, 0)
        self.assertGreaterEqual(committer.acknowledgements.total / 1000, committer.transactions.total / 3)
        committer.touch(self.device, "offline", NOON)
        self.assertEqual((committer.pending, committer.ids), (0.0, {"position_ids": 0}))
        await committer.idle()

    async def test_deleted_device(self) -> None:
        """A report of a device whose row is gone is stored, and harms no other."""
        other = (await device(self.db)).id
        await self.db.run("DELETE FROM devices WHERE id = %s", [other])
        await self.commit(report(other), report(self.device))
        self.assertEqual([], self.refused)
        self.assertEqual([(2,)], await self.db.query("SELECT count(*) FROM positions"))

    async def test_blocked(self) -> None:
        """While a lock keeps the rows from being written nothing is told; afterwards everything goes on."""
        blocker = self.db.dedicated()
        committer = self.committer()
        released: Deferred[None] = Deferred()
        locked: Deferred[None] = Deferred()

        async def block(queries: Any) -> None:
            await queries.run("LOCK TABLE positions IN ACCESS EXCLUSIVE MODE")
            locked.callback(None)
            await released

        blocking = Deferred.fromCoroutine(blocker.transaction(block))
        await locked
        committer.add(report(self.device))
        barrier = committer.barrier()
        assert barrier is not None
        from twisted.internet import reactor
        from twisted.internet.task import deferLater

        await deferLater(reactor, 0.3)
        self.assertFalse(barrier.called)
        released.callback(None)
        await blocking
        await barrier
        self.assertEqual([(1,)], await self.db.query("SELECT count(*) FROM positions"))
        blocker.close()

    async def test_overtaken(self) -> None:
        """What was sent on a connection that was given up is not carried out behind what came on the next one."""
        connection = self.db.dedicated()
        committer = self.committer(connection=connection)

        def said(seconds: int) -> Report:
            time = NOON + timedelta(seconds=seconds)
            one = report(self.device, fix_time=time, said=time)
            one.state = State(self.device, "online", NOON, Fix(0, time, 48.5, 11.25), time)
            return one

        committer.add(said(0))
        await committer.idle()
        [(pid,)] = await connection.query("SELECT pg_backend_pid()")
        os.kill(pid, signal.SIGSTOP)
        try:
            committer.add(said(1))
            while not connection._turn.locked:
                await turn()
            connection.reconnect()
            await committer.idle()
            committer.add(said(2))
            await committer.idle()
        finally:
            os.kill(pid, signal.SIGCONT)
        while await self.db.query("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]):
            await turn()
        self.assertEqual([(NOON + timedelta(seconds=2),)], await self.db.query("SELECT newest FROM device_states"))
        self.assertEqual([(3,)], await self.db.query("SELECT count(*) FROM positions"))

    async def test_new_month(self) -> None:
        """A report that waits while the partition of its month is made is stored there."""
        blocker = self.db.dedicated()
        made: Deferred[None] = Deferred()
        over: Deferred[None] = Deferred()
        november = datetime(2026, 11, 1, tzinfo=UTC)

        async def make(queries: Any) -> None:
            await Partitions(self.db)._make(queries, november)
            made.callback(None)
            await over

        making = Deferred.fromCoroutine(blocker.transaction(make))
        await made
        committer = self.committer()
        committer.add(report(self.device))
        while not await self.db.query("SELECT FROM pg_locks WHERE NOT granted"):
            pass
        over.callback(None)
        await making
        await committer.idle()
        self.assertEqual([], self.refused)
        self.assertEqual(
            [("positions_2026_11",)], await self.db.query("SELECT tableoid::regclass::text FROM positions")
        )
        blocker.close()

    async def test_last_moment(self) -> None:
        """A state names its latest position by the same time to the microsecond, however far away that is."""
        last = datetime(9999, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
        for micros in (123000, 123456, 999000, 999999):
            one = report(self.device, fix_time=last.replace(microsecond=micros))
            one.state = State(self.device, "online", NOON, one.fix, one.said)
            await self.commit(one)
            [times] = await self.db.query("SELECT position_time, newest FROM device_states")
            self.assertEqual((one.fix_time, one.said), times)

    async def test_large(self) -> None:
        """What is too large for one transaction goes in several."""
        self.patch(module, "LARGEST", 10_000)
        committer = self.committer()
        for _ in range(10):
            committer.add(report(self.device, attributes={"text": "x" * 4000}))
        await committer.idle()
        self.assertEqual([(10,)], await self.db.query("SELECT count(*) FROM positions"))
        self.assertEqual((1, 4), (len(self.batches), sum(committer.transactions.counts)))

    async def test_late_month(self) -> None:
        """Reports of any year have a partition."""
        years = [datetime(year, 2, 28, tzinfo=UTC) for year in (1, 1980, 2026, 2080, 9999)]
        await self.commit(*(report(self.device, fix_time=time) for time in years))
        self.assertEqual([], self.refused)
        self.assertEqual([(5,)], await self.db.query("SELECT count(*) FROM positions"))


class ResentTests(DatabaseTestCase):
    async def test_known(self) -> None:
        """Stored reports are recognised by device, the time that the device said, and digest."""
        one, other = (await device(self.db)).id, (await device(self.db)).id
        from twisted.internet import reactor

        committer = Committer(self.db.dedicated(), reactor, lambda batch: None, lambda report: None)
        plain, placeless = report(one), report(one, fix_time=NOON, said=NOON.replace(hour=15))
        for stored in (plain, placeless):
            committer.add(stored)
        await committer.idle()

        def again(before: Report, **members: Any) -> Report:
            return report(**{"device_id": one, "said": before.said, "digest": before.digest} | members)

        known = [again(plain), again(placeless, fix_time=None)]
        known[1].said = placeless.said
        strange = [
            again(plain, device_id=other),
            again(plain, digest=plain.digest + 1000),
            again(plain, said=NOON.replace(year=2025)),
            again(plain, said=None),
        ]
        self.assertEqual(set(known), await Resent(self.db)([*known, *strange]))
