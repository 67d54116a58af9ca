"""
The intake: takes what the listeners have understood, and has it stored.

A report's way: the device's turn, re-sent ones recognised, stages, detectors, committer. Reports of one device go this
way one after the other; reports of different devices don't wait for each other. As long as nothing has to be asked of
the database or the outside world, all of it happens at once, without a coroutine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from math import isfinite
from typing import Any, TypeVar

from attrs import Factory, define, field
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger

from trackd.rate import Rate
from trackd.store.batch import Batch
from trackd.store.committer import Committer
from trackd.store.errors import Unavailable
from trackd.store.report import Event, Fix, Report
from trackd.store.waiting import fail, follow
from trackd.track.commands import Commands
from trackd.track.device import Device
from trackd.track.digest import digest, dumps
from trackd.track.frame import Detector, Mistakes, Stage, detected, through
from trackd.track.link import Link
from trackd.track.media import Media as MediaFolder
from trackd.track.patience import in_time
from trackd.track.presence import Presence
from trackd.track.surroundings import surroundings
from trackd.track.turns import queue
from trackd.wire.values import Command, Media, Position

# Latest reports whose digests a device remembers: a re-sent one is mostly among them, and costs no question.
RECENT = 64

T = TypeVar("T")

Resent = Callable[[list[Report]], Awaitable[set[Report]]]
Tell = Callable[[Sequence[Report], Sequence[Event], Iterable[int]], None]


@define(eq=False)
class Intake:
    """
    Fulfils `trackd.listen.intake.Intake`.

    `resent` asks the database which of these reports it has; `tell` hears of what was committed: reports, events
    without a report, and the devices that gave a sign of life.
    """

    presence: Presence
    committer: Committer
    commands: Commands
    media: MediaFolder
    stages: Sequence[Stage]
    detectors: Sequence[Detector]
    late_detectors: Sequence[Detector]  # those that look at late reports too
    resent: Resent
    tell: Tell
    save_empty: bool = False
    save_original: bool = False
    save_address: bool = False
    history: int = 1000  # fixes per device in memory
    history_span: str = "report.trip.minDuration"
    show: Callable[[Link, Device, bytes], None] | None = None  # whom frames of known devices are shown
    mistakes: Mistakes = field(default=Factory(lambda self: Mistakes(self.presence.clock), takes_self=True), init=False)
    timeless: int = field(default=0, init=False)  # reports without a time, which are not stored
    _lines: Rate = field(default=Factory(lambda self: Rate(self.presence.clock, 1), takes_self=True), init=False)
    _log: Logger = field(factory=Logger, init=False)

    # What the listeners see

    @property
    def full(self) -> bool:
        return self.committer.full

    @property
    def crowded(self) -> bool:
        return self.committer.crowded

    def room(self) -> Deferred[None]:
        return self.committer.room()

    def find(self, link: Link, ids: tuple[str, ...], frame: bytes) -> Any:
        if not ids:
            # Mostly the one that was found before, if nobody has taken it over.
            device: Any = link.session.device
            if device is not None and device.link is link:
                return device
        return self.presence.find(link, ids, frame)

    def lost(self, link: Link) -> None:
        self.presence.lost(link)

    def keep(self, link: Link, device: Device, media: Media) -> Deferred[str]:
        return self.media.keep(device.unique_id, media, link.session.now.astimezone(link.session.zone))

    def next_command(self, link: Link, device: Device) -> Deferred[Command | None]:
        if not device.queued:
            return succeed(None)
        return Deferred.fromCoroutine(self.commands.next(device))

    def remember(self, link: Link, device: Device, name: str, value: Any) -> Deferred[None]:
        return Deferred.fromCoroutine(self.presence.remember(device, name, value))

    def take(self, link: Link, said: Sequence[tuple[Device, Position]], frame: bytes) -> Deferred[None] | None:
        now = link.session.now
        if not said:
            return self._life(link, now, frame)
        if self.show is not None:
            self.show(link, said[0][0], frame)
        slow: list[Deferred[None]] = []
        device = said[0][0]
        reports: list[Report] = []
        for one, position in said:
            if one is not device:
                self._hand(device, reports, now, slow)
                device, reports = one, []
            if (report := self._report(link, one, position, now, frame)) is not None:
                reports.append(report)
        self._hand(device, reports, now, slow)
        if not slow:
            return self.committer.barrier()
        done: Deferred[None] = Deferred()
        # Whoever is to hear of a failure has not said so yet.
        Deferred.fromCoroutine(self._all(slow)).addCallbacks(
            done.callback, lambda failure: self.presence.clock.callLater(0, fail, done, failure)
        )
        return done

    # One device's turn

    def _life(self, link: Link, now: datetime, frame: bytes) -> Deferred[None] | None:
        """A message without a report: its connection's device is alive."""
        device = self.presence.sessions.known(link, ())
        if device is None:
            return None
        if self.save_empty and not device.deleted:
            return self.take(link, [(device, Position.last())], frame)
        if self.show is not None:
            self.show(link, device, frame)
        self.presence.heard(device, now)
        self.presence.sign(device)
        self.tell([], [], [device.id])
        self.commands.deliver(device)
        if device.stale and device.jobs is None:
            # Another server has needed it meanwhile. A sign of life counts once it is loaded again.
            done = queue(device, partial(self._one_by_one, device, []))
            done.addCallbacks(lambda _: self.presence.sign(device), lambda _: None)  # the log has it
        return None

    def _report(self, link: Link, device: Device, position: Position, now: datetime, frame: bytes) -> Report | None:
        if device.deleted:
            return None
        if position.fix_time is None and not position.outdated:
            self.timeless += 1
            if self._lines.allows():
                self._log.warn(
                    "{name} #{connection} {peer} device {device}: a report without a time",
                    name=link.format.name,
                    connection=link.number,
                    peer=link.host,
                    device=device.id,
                )
            return None
        attributes = position.attributes
        report = Report(
            device.id,
            link.format.name,
            now,
            position.device_time,
            position.fix_time,
            position.valid,
            position.latitude,
            position.longitude,
            position.altitude,
            position.speed,
            position.course,
            position.accuracy,
            None if position.network is None else surroundings(position.network),
            attributes,
            position.outdated,
            0,
            frame=frame,
            source=position,
        )
        report.digest = digest(report)
        # What is not of the report itself comes after the digest: sent again, it comes in another frame, from elsewhere.
        if self.save_original and not link.format.http and not link.format.mqtt:
            attributes["raw"] = frame.hex()
        if self.save_address and link.session.transport != "udp":
            attributes["ip"] = link.host
        report.attributes = dict(attributes)  # the stages write there, and may have to begin again
        report.said = position.device_time if position.outdated else position.fix_time
        return report

    def _hand(self, device: Device, reports: list[Report], now: datetime, slow: list[Deferred[None]]) -> None:
        """These reports of one device, now or when its earlier ones are through."""
        if device.deleted:
            return
        self.presence.heard(device, now)
        if device.jobs is not None:
            slow.append(queue(device, partial(self._one_by_one, device, reports)))
        elif (rest := self._at_once(device, reports)) is not None:
            slow.append(queue(device, partial(self._one_by_one, device, rest)))
        if device.queued:
            self.commands.deliver(device)

    def _at_once(self, device: Device, reports: list[Report]) -> list[Report] | None:
        """Take the reports that need not wait for anything; those from the first that does, or None."""
        if device.stale or not device.claimed:
            return reports
        for at, report in enumerate(reports):
            if self._doubtful(device, report):
                if report.digest not in device.recent:
                    return reports[at:]
                self._passed_over(device)
                continue
            kept = through(self.stages, report, device.last, device, self.mistakes)
            if kept is report:
                self._store(device, report)
            elif kept is None:
                self._passed_over(device)
            else:
                report.waiting = kept
                return reports[at:]
        return None

    async def alone(self, device: Device, work: Callable[[], Awaitable[T]]) -> T:
        """
        What this work gives, done while no report of the device is under way or uncommitted; later ones wait for it.

        Raises Unavailable, and nothing is done, while the database is away or takes none of what was said before.
        """
        if self.committer.away:
            raise Unavailable(self.committer.away)
        turn: Deferred[None] = Deferred()
        over: Deferred[None] = Deferred()

        async def hold() -> None:
            turn.callback(None)
            await over

        async def until_then() -> None:
            await turn
            await self.presence.written(device)

        queue(device, hold)
        try:
            await in_time(until_then(), self.presence.clock)
            if device.stale or not device.claimed:
                await self.presence.directory.reload(device)
            return await work()
        finally:
            over.callback(None)

    def amend(self, device: Device, report: Report) -> Deferred[None] | None:
        """
        Store this as the device's latest report, though it has not sent it: neither stages nor detectors look at it.

        Its time of fix is that of the latest before. Fires when it is committed.
        """
        report.json = dumps(report.attributes).decode()
        assert report.fix_time is not None
        report.fix = fix = Fix(0, report.fix_time, report.latitude, report.longitude, report.server_time)
        device.last, device.state.fix = report, fix
        self._append(device, fix)
        report.state = device.state.copy()
        device.uncommitted += 1
        self.committer.add(report)
        return None if (barrier := self.committer.barrier()) is None else follow(barrier)

    async def _one_by_one(self, device: Device, reports: list[Report], again: bool = False) -> None:
        while True:
            await self.presence.refreshed(device, again)
            if device.deleted and (device.stale or not device.claimed):
                return
            there = await self._known(device, [report for report in reports if self._may_be_resent(device, report)])
            # What it had in hand meanwhile may have been refused, and is not known any more.
            if not reports or not (device.stale or not device.claimed):
                break
        taken: set[int] = set()  # digests; a frame may say more than `recent` remembers
        for report in reports:
            if report in there or (
                self._doubtful(device, report) and (report.digest in device.recent or report.digest in taken)
            ):
                self._passed_over(device)
                continue
            taken.add(report.digest)
            kept = report.waiting or through(self.stages, report, device.last, device, self.mistakes)
            report.waiting = None
            if kept is not None and not isinstance(kept, Report):
                kept = await kept
            if kept is None:
                self._passed_over(device)
            else:
                self._store(device, report)

    def _doubtful(self, device: Device, report: Report) -> bool:
        """It is not later than all before it, so it may be one that was sent before."""
        if report.said is None:
            return report.digest in device.recent
        newest = device.state.newest
        return newest is not None and report.said <= newest

    def _may_be_resent(self, device: Device, report: Report) -> bool:
        return report.waiting is None and self._doubtful(device, report) and report.digest not in device.recent

    async def _known(self, device: Device, reports: list[Report]) -> set[Report]:
        """Those of the reports that are stored already."""
        if not reports:
            return set()
        # What is not written yet is not in the database; as far as `recent` reaches, it is known all the same.
        if device.uncommitted > RECENT:
            await self.presence.written(device)
        return await self.presence.patiently(lambda: self.resent(reports))

    def _passed_over(self, device: Device) -> None:
        """Filtered, or sent again: nothing is stored, but the device lives."""
        self.presence.sign(device)
        self.tell([], [], [device.id])

    def _store(self, device: Device, report: Report) -> None:
        last, state = device.last, device.state
        if (fix_time := report.fix_time) is None:
            self.timeless += 1
            if self._lines.allows():
                self._log.error("device {device}: no stage gave the report a time of fix", device=device.id)
            self._passed_over(device)
            return
        if report.device_time is None:
            report.device_time = fix_time
        report.json = dumps(report.attributes).decode()  # before the state: what cannot be written changes nothing
        if not finite(report):
            self._commit(device, report)
            return
        report.fix = fix = Fix(0, fix_time, report.latitude, report.longitude, report.server_time)
        late = last is not None and last.fix_time is not None and fix_time < last.fix_time
        report.events = detected(self.late_detectors if late else self.detectors, report, last, device, self.mistakes)
        if not late:
            device.last = report
            state.fix = fix
            self._append(device, fix)
        if report.said is not None and (state.newest is None or report.said > state.newest):
            state.newest = report.said
        report.state = state.copy()
        self._commit(device, report)

    def _commit(self, device: Device, report: Report) -> None:
        recent = device.recent
        recent[report.digest] = None
        if len(recent) > RECENT:
            del recent[next(iter(recent))]
        device.uncommitted += 1
        self.committer.add(report)

    def _append(self, device: Device, fix: Fix) -> None:
        """Remember the fix for the detectors of motion; cut what lies further back than they look."""
        history = device.history
        if history:
            if history[-1].time == fix.time:
                history.pop()
            else:
                time, span = fix.time, device.span(self.history_span)
                while len(history) > 1 and (time - history[1].time >= span or len(history) >= self.history):
                    history.popleft()
        history.append(fix)

    async def _all(self, slow: list[Deferred[None]]) -> None:
        await _each(slow)
        if (barrier := self.committer.barrier()) is not None:
            await follow(barrier)

    # After the commit

    def committed(self, batch: Batch) -> None:
        """The committer has written this."""
        devices = self.presence.directory.by_id
        for report in batch.reports:
            report.frame, report.source = b"", None
            if (device := devices.get(report.device_id)) is not None:
                device.uncommitted -= 1
        self.tell(batch.reports, batch.events, ())

    async def withdrawn(self, reports: list[Report]) -> None:
        """
        The committer could not write these: their devices have been another server's since. They come back here, and
        the reports go their whole way again, before any that have come meanwhile.
        """
        by_device: dict[int, list[Report]] = {}
        for report in reports:
            by_device.setdefault(report.device_id, []).append(report)
        waiting = []
        for device_id, own in by_device.items():
            if (device := self.presence.directory.by_id.get(device_id)) is not None:
                device.uncommitted -= len(own)
                device.stale = True
                for report in own:
                    if report.source is None and report.fix is not None:
                        report.fix.id = 0  # nobody has sent it: whoever has made it is told that it is not stored
                # Who has made one himself holds the device until this is over, and would wait for it for ever.
                if again := [_anew(report) for report in own if report.source is not None]:
                    waiting.append(queue(device, partial(self._again, device, again), again=True))
        await _each(waiting)

    async def _again(self, device: Device, reports: list[Report]) -> None:
        device.returning -= 1
        await self._one_by_one(device, reports, again=True)

    def refused(self, report: Report) -> None:
        """The database has not taken it: what memory knows of the device is not what is stored."""
        report.frame, report.source = b"", None
        if (device := self.presence.directory.by_id.get(report.device_id)) is not None:
            device.uncommitted -= 1
            device.stale = True


def finite(report: Report) -> bool:
    """Whether its numbers are finite. Else the database refuses it: nothing may be measured against it, or repeat it."""
    try:
        return (
            isfinite(report.altitude)
            and isfinite(report.speed)
            and isfinite(report.course)
            and isfinite(report.accuracy)
        )
    except (TypeError, OverflowError):
        return False


async def _each(waiting: list[Deferred[None]]) -> None:
    """Until all of them have fired; fails as the first that fails."""
    outcomes: list[Any] = await DeferredList(waiting, consumeErrors=True)
    for fine, failure in outcomes:
        if not fine:
            failure.raiseException()


def _anew(report: Report) -> Report:
    """The report as it was before it went its way."""
    position: Position = report.source
    return Report(
        report.device_id,
        report.protocol,
        report.server_time,
        position.device_time,
        position.fix_time,
        position.valid,
        position.latitude,
        position.longitude,
        position.altitude,
        position.speed,
        position.course,
        position.accuracy,
        report.network,
        dict(position.attributes),
        position.outdated,
        report.digest,
        report.said,
        report.frame,
        source=position,
    )
