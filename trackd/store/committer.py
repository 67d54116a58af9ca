"""
The one place where reports become durable.

All that waits goes into one transaction: position rows, events, the devices' states. One round trip, one statement a
table, the rows as arrays. While a transaction is under way the next batch gathers, so the batches grow with the load.

A batch that the database refuses is halved until the bad report is alone; that one goes to the quarantine with the
reason. While the database is away the batch is tried again until it is back: nobody is told "received" meanwhile, and
`full` tells the listeners to stop reading.

Reports of a device that another server has claimed meanwhile are taken out, and go their whole way again, since what
they were measured against is void. Who waits for their batch waits for them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from attrs import Factory, define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from trackd.figures import Histogram
from trackd.rate import Rate
from trackd.store.batch import CLAIM_LOST, QUARANTINE, QUARANTINE_ID, Batch, events_of, statements, storable, told
from trackd.store.database import Refused, Unavailable
from trackd.store.errors import LIMIT_EXCEEDED
from trackd.store.report import Event, Report
from trackd.store.waiting import after, fire, follow, joint

# Ids that one number of a sequence stands for: as the migrations say.
BLOCK = 1000
# Seconds for which ids are good while other servers give some too: so they rise with time, wherever they come from.
FRESH = 5.0
# Classes of SQL states that mean "this row", not "not now": data, constraints, limits.
ROW = ("22", "23", "54")
# A check is violated: by the row, or because the partition for it was made while it waited for its place in another.
CHECK_VIOLATION = "23514"
# Characters of attributes in one transaction: PostgreSQL hears no more than 1 GB at once, quotes and all.
LARGEST = 64_000_000
# Refused reports that the log names in a minute; of the others it has the number.
LOGGED = 10
MINUTE = 60.0  # s
# A transaction that takes longer has a line of the log.
SLOW = 5.0  # s
# Reports of a transaction: bounds of its histogram. 0: it had events or signs of life alone.
SIZES = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class Connection(Protocol):
    """What the committer needs of the database: a connection of its own."""

    async def query(self, sql: str, args: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    async def run(self, sql: str, args: Sequence[Any] = ()) -> int: ...


@define(eq=False)
class Committer:
    """
    Writes what it is given, in the order in which it came.

    `committed` hears of each batch before those who wait for it, without what was refused; `refused` of each report
    that went to quarantine. `withdrawn` gets those that have to go their way again, and says when they have; it adds
    them anew. `bulletins` are what other servers are told of a batch: the payloads of notifications, which go out with
    it.
    """

    connection: Connection
    clock: IReactorTime
    committed: Callable[[Batch], None]
    refused: Callable[[Report], None]
    rows: int = 2000  # in one transaction
    limit: int = 50_000  # of what may wait
    most: int = 268_435_456  # bytes of it, about
    patience: float = 1.0  # seconds until a sign of life is written
    retry: float = 0.5  # seconds between tries while the database is away
    withdrawn: Callable[[list[Report]], Awaitable[None]] = field(kw_only=True, default=lambda reports: succeed(None))
    bulletins: Callable[[Batch], Sequence[str]] = field(kw_only=True, default=lambda batch: ())
    shared: Callable[[], bool] = field(kw_only=True, default=lambda: False)  # others use the same sequences
    waiting: int = field(default=0, init=False)  # reports, and events without one, that are not yet committed
    away: str | None = field(default=None, init=False)  # why nothing can be committed at the moment
    quarantined: int = field(default=0, init=False)  # reports, since the start
    lost: int = field(default=0, init=False)  # events and signs of life that the database has refused
    returned: int = field(default=0, init=False)  # reports that have gone their way again
    transactions: Histogram = field(factory=Histogram, init=False)  # s that each has taken, tries included
    sizes: Histogram = field(factory=lambda: Histogram(SIZES), init=False)  # reports of each
    # s from `add` until a report was committed and its device answered, each as long as its batch's first may have been.
    acknowledgements: Histogram = field(factory=Histogram, init=False)
    _next: Batch = field(factory=Batch, init=False)
    _now: Batch | None = field(default=None, init=False)
    _running: bool = field(default=False, init=False)
    _room: list[Deferred[None]] = field(factory=list, init=False)
    _idle: list[Deferred[None]] = field(factory=list, init=False)
    _ids: dict[str, deque[int]] = field(factory=dict, init=False)
    _fetched: dict[str, float] = field(factory=dict, init=False)  # when these were
    _void: list[Report] = field(factory=list, init=False)  # of this batch, and not written
    _bad: set[Report] = field(factory=set, init=False)  # of this batch, and refused
    _turn: int = field(default=0, init=False)  # of those that go their way again
    _returning: dict[int, tuple[int, Deferred[None]]] = field(factory=dict, init=False)  # these, by device
    _soon: Any = field(default=None, init=False)
    _lines: Rate = field(default=Factory(lambda self: Rate(self.clock, LOGGED, MINUTE), takes_self=True), init=False)
    _untold: Rate = field(default=Factory(lambda self: Rate(self.clock, 1, MINUTE), takes_self=True), init=False)
    _unlogged: int = field(default=0, init=False)
    _slow: bool = field(default=False, init=False)  # the log has it that this transaction does not end
    _log: Logger = field(factory=Logger, init=False)

    @property
    def full(self) -> bool:
        return self.waiting >= self.limit or self.size >= self.most

    @property
    def size(self) -> int:
        """Bytes of the reports that are not yet committed, about: their frames and attributes."""
        return self._next.size + (self._now.size if self._now is not None else 0)

    @property
    def crowded(self) -> bool:
        """So much waits that whoever comes now would notice."""
        return self.waiting >= self.rows // 8

    @property
    def ids(self) -> dict[str, int]:
        """Numbers that were fetched and are not used yet, by sequence."""
        return {sequence: len(ids) for sequence, ids in self._ids.items()}

    @property
    def pending(self) -> float:
        """Seconds since the first of what is not committed may have come; 0: everything is."""
        return self.clock.seconds() - (self._now or self._next).since if self._running else 0.0

    def tell_losses(self) -> None:
        """Log how much the database has refused that has no line of its own since this was called last."""
        if self._unlogged:
            self._log.error("{count} more refusals of the database", count=self._unlogged)
            self._unlogged = 0

    def room(self) -> Deferred[None]:
        """Fires when there is room again."""
        return self._later(self._room) if self.full else succeed(None)

    def above(self, id: int) -> None:
        """Positions from now on get larger ids than this one, which another server has given."""
        ids = self._ids.get("position_ids")
        if ids and ids[0] <= id:
            ids.clear()

    def idle(self) -> Deferred[None]:
        """Fires when all that was added is committed."""
        if not self._next and not self._running:
            return succeed(None)
        self._go()
        return self._later(self._idle)

    def add(self, report: Report) -> None:
        """Commit this report soon, with its events and its state."""
        batch = self._next
        batch.size += len(report.json)
        if not batch.reports or batch.reports[-1].frame is not report.frame:  # mostly they share it
            batch.size += len(report.frame)
        batch.reports.append(report)
        self.waiting += 1
        self._go()

    def note(self, event: Event) -> None:
        """Commit an event that belongs to no report."""
        self._next.events.append(event)
        self.waiting += 1
        self._go()

    def touch(
        self, device_id: int, status: str, last_update: datetime | None, urgent: bool = False, epoch: int = 0
    ) -> None:
        """Write a sign of life (or its end) with the next batch, at the latest after `patience`."""
        self._next.signs[device_id] = (status, last_update, epoch)
        if urgent:
            self._go()
        elif not self._running and self._soon is None:
            self._soon = self.clock.callLater(self.patience, self._go)

    def barrier(self) -> Deferred[None] | None:
        """
        Fires when all reports that were added so far are committed; None: they are.

        It fails by a mistake in sending some of them their way again. All who ask before a batch begins get the same
        Deferred: pass its result on as it is, the failure too, or `follow` it, and don't cancel it.
        """
        batch = self._next if self._next.reports or self._next.events else self._now
        if batch is None:
            return None
        if batch.done is None:
            batch.done = joint()
        return batch.done

    def tried(self) -> Deferred[None] | None:
        """
        Fires when all reports that were added so far are committed, or on their way again; None: they are.

        For those on whom reports wait that are on their way again. The same Deferred for all, as `barrier`.
        """
        batch = self._next if self._next.reports else self._now
        if batch is None:
            return None
        if batch.tried is None:
            batch.tried = joint()
        return batch.tried

    def _later(self, waiting: list[Deferred[None]]) -> Deferred[None]:
        later: Deferred[None] = Deferred()
        waiting.append(later)
        return later

    def _go(self) -> None:
        if self._soon is not None:
            if self._soon.active():
                self._soon.cancel()
            self._soon = None
        if not self._running:
            self._running = True
            self._next.since = self.clock.seconds()
            # Not at once, so that whatever this turn of the reactor adds goes with it.
            self.clock.callLater(0, self._start)

    def _start(self) -> None:
        Deferred.fromCoroutine(self._run()).addErrback(
            lambda failure: self._log.failure("the committer stopped", failure=failure)
        )

    async def _run(self) -> None:
        while self._next:
            batch = self._now = self._take()
            for part in self._parts(batch):
                begun = self.clock.seconds()
                guard = self.clock.callLater(SLOW, self._tell_of_waiting)
                await self._surely(part)
                took = self.clock.seconds() - begun
                if guard.active():
                    guard.cancel()
                if self._slow:
                    self._slow = False
                    self._log.info("committed after {seconds:.0f} s", seconds=took)
                self.transactions.add(took)
                self.sizes.add(len(part.reports))
            if self._bad:
                bad, self._bad = self._bad, set()
                batch.reports = [report for report in batch.reports if report not in bad]
                self.waiting -= len(bad)
            if self._void:
                self._send_back(batch)
            try:
                self.committed(batch)
            except Exception:
                self._log.failure("after a commit")
            self._now = None
            self.waiting -= len(batch.reports) + len(batch.events)
            if batch.tried is not None:
                batch.tried.callback(None)
            after(batch.again, batch.done)
            if batch.reports:
                self.acknowledgements.add(self.clock.seconds() - batch.since, len(batch.reports))
            if self._room and not self.full:
                fire(self._room)
        self._running = False
        fire(self._idle)

    def _tell_of_waiting(self) -> None:
        # When the database is away the log has that already.
        if not self.away:
            self._slow = True
            self._log.warn(
                "nothing is acknowledged: a transaction has not ended for {seconds:g} s, for a lock or for want of an answer",
                seconds=SLOW,
            )

    def _take(self) -> Batch:
        batch, self._next = self._next, Batch(since=self.clock.seconds())
        return batch

    def _parts(self, batch: Batch) -> Iterable[Batch]:
        """
        The batch in transactions of at most `rows` reports, and about LARGEST characters; the last has the signs of
        life, which no report undoes.
        """
        part: list[Report] = []
        size = 0
        for report in batch.reports:
            if len(part) >= self.rows or size > LARGEST:
                yield Batch(part)
                part, size = [], 0
            part.append(report)
            size += len(report.json) + len(report.network or "")
        yield Batch(part, batch.events, batch.signs)

    async def _surely(self, batch: Batch) -> None:
        """Commit it, also when that fails by a mistake of ours: then again, since nobody was told."""
        while True:
            try:
                await self._commit(batch)
                return
            except Exception:
                if self._lines.allows():
                    self._log.failure("a transaction is tried again")
                await deferLater(self.clock, self.retry)
                done = self._bad.union(self._void)
                batch.reports = [report for report in batch.reports if report not in done]

    async def _commit(self, batch: Batch) -> None:
        """Write it, however long it takes; a report that the database refuses goes to the quarantine."""
        silently = checked = False
        while True:
            try:
                await self._number(batch)
                sql, args = statements(batch)
                for bulletin in () if silently else self.bulletins(batch):
                    sql += ";SELECT pg_notify('news', %s)"
                    args.append(bulletin)
                if sql:
                    await self.connection.run(sql, args)
                if self.away:
                    self.away = None
                    self._log.info("the database is back")
                return
            except Unavailable as error:
                if error.sqlstate != LIMIT_EXCEEDED or silently:
                    await self._wait(error)
                    continue
                # Reports need not wait for a listener that does not read.
                silently = True
                if self._untold.allows():
                    self._log.warn("other servers are not told of reports: {error}", error=str(error))
            except Refused as error:
                if error.sqlstate == CHECK_VIOLATION and not checked:
                    checked = True  # with a partition that is new it is a mistake only if it is one again
                    continue
                if error.sqlstate[:2] in ROW:
                    await self._halve(batch, error)
                    return
                if error.sqlstate != CLAIM_LOST or not await self._withdraw(batch):
                    await self._wait(error)
            except Exception as error:  # it could not even be written down: a NUL, a number that JSON does not know
                await self._halve(batch, error)
                return

    async def _wait(self, error: Exception) -> None:
        if not self.away:
            self._log.warn("the database is away, nothing is acknowledged: {error}", error=str(error))
        self.away = str(error) or "away"
        await deferLater(self.clock, self.retry)

    # Devices that are another server's

    async def _withdraw(self, batch: Batch) -> bool:
        """Leave out the reports of devices that are not this server's any more; whether there are any."""
        epochs = {report.device_id: report.state.epoch for report in batch.reports if report.state is not None}
        try:
            rows = await self.connection.query(
                "SELECT device_id, epoch FROM device_states WHERE device_id = ANY(%s::bigint[])", [list(epochs)]
            )
        except Unavailable:
            return False
        void = {device_id for device_id, epoch in rows if epochs[device_id] != epoch}
        self._void += [report for report in batch.reports if report.device_id in void]
        batch.reports = [report for report in batch.reports if report.device_id not in void]
        return bool(void)

    def _send_back(self, batch: Batch) -> None:
        """What is void goes its way again, and so does what gathers of the same devices: it comes after that."""
        void, self._void = self._void, []
        devices, gone = {report.device_id for report in void}, set(map(id, void))
        batch.reports = [report for report in batch.reports if id(report) not in gone]
        later = [report for report in self._next.reports if report.device_id in devices]
        self._next.reports = [report for report in self._next.reports if report.device_id not in devices]
        self._next.size -= sum(len(report.json) for report in later)
        self.returned += len(void) + len(later)
        self.waiting -= len(void) + len(later)
        self._turn += 1
        through = Deferred.fromCoroutine(self._once_more([*void, *later], devices, self._turn))
        if not through.called:
            self._returning |= dict.fromkeys(devices, (self._turn, through))
        for one in (batch, self._next) if later else (batch,):
            one.again.append(follow(through))
        through.addErrback(lambda failure: self._log.failure("reports on their way again", failure))

    async def _once_more(self, reports: list[Report], devices: set[int], turn: int) -> None:
        """Fires when these are committed after all, however often they are taken out."""
        try:
            await self.withdrawn(reports)
            if (tried := self.tried()) is not None:
                await tried
            for device_id in devices:
                while (newer := self._returning.get(device_id, (0, succeed(None))))[0] > turn:
                    await follow(newer[1])
        finally:
            for device_id in devices:
                if self._returning.get(device_id, (0,))[0] == turn:
                    del self._returning[device_id]

    async def _halve(self, batch: Batch, error: Exception) -> None:
        reports = batch.reports
        if len(reports) > 1:
            middle = len(reports) // 2
            await self._commit(Batch(reports[:middle]))
            await self._commit(Batch(reports[middle:], batch.events, batch.signs))
        elif reports and (batch.events or batch.signs):
            await self._commit(Batch(reports))
            await self._commit(Batch([], batch.events, batch.signs))
        elif reports:
            await self._quarantine(reports[0], error)
        elif len(batch.events) + len(batch.signs) > 1:
            for event in batch.events:
                await self._commit(Batch(events=[event]))
            for device, sign in batch.signs.items():
                await self._commit(Batch(signs={device: sign}))
        else:
            self.lost += 1
            if self._says():
                self._log.error("the database refused an event or a sign of life: {error}", error=str(error))

    def _says(self) -> bool:
        """Whether one more refusal has a line in the log."""
        says = self._lines.allows()
        self._unlogged += not says
        return says

    async def _quarantine(self, report: Report, error: Exception) -> None:
        self.quarantined += 1
        if self._says():
            self._log.error(
                "device {device}: the database refused a report, it is in the quarantine: {error}",
                device=report.device_id,
                error=str(error),
            )
        row = (
            report.device_id,
            storable(report.protocol),
            report.server_time.timestamp(),
            storable(str(error)),
            told(report),
            report.frame,
        )
        id = 0
        while True:
            try:
                if not id:
                    [(id,)] = await self.connection.query(QUARANTINE_ID)
                await self.connection.run(QUARANTINE, (id, *row))
                break
            except Unavailable as away:
                await self._wait(away)
            except Exception as refusal:
                if isinstance(refusal, Refused) and refusal.sqlstate[:2] not in ROW:
                    await self._wait(refusal)
                    continue
                # It must not hold up all others. What there is to say of it is in the log.
                self._log.failure("device {device}: not even the quarantine takes it: {row}", device=row[0], row=row)
                break
        if report.fix is not None:
            report.fix.id = 0  # states that come after it name it as the latest position, which it will not be
        self._bad.add(report)
        self.refused(report)

    async def _number(self, batch: Batch) -> None:
        """Give ids, in the order of arrival, to what has none yet."""
        reports = [report for report in batch.reports if not report.id]
        events = [event for event in events_of(batch) if not event.id]
        if reports:
            for report, number in zip(reports, await self._block("position_ids", len(reports)), strict=True):
                report.id = number
                if report.fix is not None:
                    report.fix.id = number
        if events:
            for event, number in zip(events, await self._block("event_ids", len(events)), strict=True):
                event.id = number

    async def _block(self, sequence: str, count: int) -> list[int]:
        """`count` fresh ids, rising: the sequence counts in blocks, and each of its numbers is the first of one."""
        ids = self._ids.setdefault(sequence, deque())
        if ids and self.shared() and self.clock.seconds() - self._fetched[sequence] > FRESH:
            ids.clear()
        if len(ids) < count:
            self._fetched[sequence] = self.clock.seconds()
            blocks = -(-(count - len(ids)) // BLOCK)
            found = await self.connection.query(
                "SELECT nextval(%s::regclass) FROM generate_series(1, %s)", (sequence, blocks)
            )
            for (start,) in found:
                ids.extend(range(start, start + BLOCK))
        return [ids.popleft() for _ in range(count)]
