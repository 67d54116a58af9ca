"""
Two servers in one process on one database, and everything that can come between a report and its commit: answers that are
lost, connections that are cut, reports that the database refuses, devices that change from one server to the other, send
again what they have no answer to, and send late what they have skipped; partitions that are made, claims that are lost.

Whatever was acknowledged is stored once, or is in the quarantine; events and states agree with the positions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from attrs import Factory, define, field
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater

from tests.postgres import DatabaseTestCase
from tests.track.memory import Wire
from trackd import tap
from trackd.house import House
from trackd.settings import load
from trackd.store.errors import Unavailable
from trackd.store.partitions import Partitions
from trackd.wire import catalog
from trackd.wire.format import Session
from trackd.wire.values import Position

SEED = 1
SECONDS = 6.0
SERVERS, DEVICES = 2, 8
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
# Of the numbers of a device's reports: each of these has an alarm, has no fix, is refused.
ALARM = 5
ALARMS = ("sos", "vibration", "lowBattery")  # not the same twice, of which one would be no event
PLACELESS, REFUSED = (23, 4), (37, 3)


def position(number: int) -> Position:
    """The report of this number; two of them share a second."""
    attributes: dict[str, Any] = {"n": number}
    if number % ALARM == 0:
        attributes["alarm"] = ALARMS[number // ALARM % len(ALARMS)]
    time = NOON + timedelta(seconds=number // 2)
    if is_one(number, PLACELESS):
        return Position(time, outdated=True, attributes=attributes)
    altitude = float("inf") if is_one(number, REFUSED) else 0.0
    return Position.at(time, valid=True, latitude=48.0, longitude=11.0, altitude=altitude, attributes=attributes)


def is_one(number: int, kind: tuple[int, int]) -> bool:
    return number % kind[0] == kind[1]


@define(eq=False)
class Unsteady:
    """The committer's connection, on which now and then a statement is not carried out, or its answer is lost."""

    inner: Any
    random: Random
    clock: Any
    on: bool = True

    async def query(self, sql: str, args: Sequence[Any] = ()) -> Any:
        self._fail(0.03)
        return await self.inner.query(sql, args)

    async def run(self, sql: str, args: Sequence[Any] = ()) -> int:
        await self._wait(0.1)
        self._fail(0.05)
        if self.on and self.random.random() < 0.03:
            self.clock.callLater(self.random.random() * 0.01, self._cut)
        count: int = await self.inner.run(sql, args)
        await self._wait(0.1)
        self._fail(0.08)
        return count

    async def _wait(self, chance: float) -> None:
        if self.on and self.random.random() < chance:
            await deferLater(self.clock, self.random.random() * 0.1)

    def _fail(self, chance: float) -> None:
        if self.on and self.random.random() < chance:
            raise Unavailable("nobody knows what has become of it")

    def _cut(self) -> None:
        if self.inner._connection is not None:
            self.inner._connection.close()


@define(eq=False)
class Member:
    """A device with its ledger, in numbers. `skipped` come late, if at all."""

    name: str
    random: Random
    clock: Any
    houses: Sequence[House]
    id: int = 0
    next: int = 0
    said: set[int] = Factory(set)
    acknowledged: set[int] = Factory(set)
    skipped: set[int] = Factory(set)
    over: bool = False
    _house: Any = field(default=None, init=False)
    _wire: Any = field(default=None, init=False)

    async def live(self) -> None:
        """Until it is over: say what is not acknowledged and something new, and wait a little for the answers."""
        while not self.over:
            if self._wire is None or self.random.random() < 0.1:
                await self._connect()
            device = self._house.intake.find(self._wire, (), b"")
            if device is None:  # it is on another server, or another connection
                self._wire = None
                continue
            numbers = [*sorted(self.said - self.acknowledged - self.skipped), *self._more()]
            for at in range(0, len(numbers), 4):
                self._say(device, numbers[at : at + 4])
            until = self.clock.seconds() + self.random.random() * 0.5
            while self.clock.seconds() < until and not self.acknowledged.issuperset(numbers):
                await deferLater(self.clock, 0.005)
            if not self.acknowledged.issuperset(numbers) and self.random.random() < 0.5:
                self._hang_up()

    async def _connect(self) -> None:
        if self.random.random() < 0.5:
            self._hang_up()
        if self._house is None or self.random.random() < 0.4:
            self._house = self.random.choice(self.houses)
        self._wire = Wire()
        self._wire.session = Session(self._wire.format, now=datetime.now(UTC))
        found = self._house.intake.find(self._wire, (self.name,), b"")
        if isinstance(found, Deferred):
            await found

    def _hang_up(self) -> None:
        if self._wire is not None:
            self._house.intake.lost(self._wire)
            self._wire = None

    def _more(self) -> list[int]:
        """New ones, of which some are skipped; now and then one of these, and some of long ago."""
        more = []
        for _ in range(self.random.randint(1, 6)):
            step = 4 if self.random.random() < 0.05 else 1
            self.skipped.update(range(self.next + 1, self.next + step))
            self.next += step
            more.append(self.next)
        if self.random.random() < 0.3:
            more += [number for number in self.skipped - self.acknowledged if self.random.random() < 0.3]
        if self.random.random() < 0.2:
            more += self.random.sample(sorted(self.acknowledged), min(5, len(self.acknowledged)))
        return more

    def _say(self, device: Any, numbers: list[int]) -> None:
        self.said.update(numbers)
        said = [(device, position(number)) for number in numbers]
        committed = self._house.intake.take(self._wire, said, b"frame")
        if committed is None:
            self.acknowledged.update(numbers)
        else:
            committed.addCallbacks(lambda _: self.acknowledged.update(numbers), lambda failure: failure)


class InterleavingTests(DatabaseTestCase):
    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for coroutines too
        from twisted.internet import reactor

        await super().setUp()
        self.clock: Any = reactor
        self.random = Random(SEED)
        self.houses = [await self.house() for _ in range(SERVERS)]

    async def house(self) -> House:
        """A server without ports."""
        settings = load([], {"protocols.enable": "gt06", "web.port": "0"}, catalog, data=Path(self.mktemp()).absolute())
        house = tap.build(self.clock, settings, self.db)
        house.listeners.listeners = ()
        await house.neighbours.nodes.join()
        await house.start()
        house.committer.retry, house.committer.rows = 0.05, 20  # so that batches have several parts
        house.committer.connection = Unsteady(house.committer.connection, self.random, self.clock)
        self.addCleanup(lambda: Deferred.fromCoroutine(house.stop()))
        return house

    async def test_once(self) -> None:
        """Reports are stored once, with their events, and states name the latest of them, whatever comes between."""
        members = [Member(f"m{number}", Random(number), self.clock, self.houses) for number in range(DEVICES)]
        for member in members:
            [(member.id,)] = await self.db.query(
                "INSERT INTO devices (name, unique_id) VALUES (%s, %s) RETURNING id", [member.name, member.name]
            )
        lives = [Deferred.fromCoroutine(member.live()) for member in members]
        until = self.clock.seconds() + SECONDS
        while self.clock.seconds() < until:
            await deferLater(self.clock, self.random.random() * 0.5)
            await self.disturb()
        for member in members:
            member.over = True
        for house in self.houses:
            house.committer.connection.on = False  # type: ignore[attr-defined]
        for outcome in await DeferredList(lives, consumeErrors=True):
            self.assertEqual((True, None), outcome)
        await self.quiet()
        for member in members:
            await self.compare(member)
        self.assertGreater(sum(house.committer.returned for house in self.houses), 0)
        self.assertGreater(sum(house.committer.quarantined for house in self.houses), 0)

    async def disturb(self) -> None:
        """What else may happen to a server."""
        house = self.random.choice(self.houses)
        try:
            match self.random.choice(("end", "bury", "make", "rename")):
                case "end":
                    await self.db.run(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.3"
                    )
                case "bury":
                    await self.db.run(
                        "WITH taken AS MATERIALIZED (SELECT device_id FROM device_states WHERE random() < 0.3"
                        " ORDER BY device_id FOR NO KEY UPDATE)"
                        " UPDATE device_states s SET node_id = NULL, epoch = epoch + 1 FROM taken"
                        " WHERE s.device_id = taken.device_id"
                    )
                    await house.neighbours._check()
                case "make":
                    await Partitions(self.db).keep(NOON)
                case "rename":
                    await self.db.run("UPDATE devices SET name = unique_id || random() WHERE random() < 0.3")
        except Unavailable:
            pass  # that is one more thing

    async def quiet(self) -> None:
        """Until nothing is under way."""
        while any(
            house.committer.waiting or any(device.jobs for device in house.presence.directory.by_id.values())
            for house in self.houses
        ):
            await deferLater(self.clock, 0.05)
        for house in self.houses:
            await house.committer.idle()
            for device in house.presence.directory.by_id.values():
                self.assertEqual((0, None, 0), (device.uncommitted, device.jobs, device.returning))

    async def compare(self, member: Member) -> None:
        """The ledger with the database."""
        rows = await self.db.query(
            "SELECT (attributes->>'n')::int, id, fix_time FROM positions WHERE device_id = %s ORDER BY fix_time, id",
            [member.id],
        )
        stored = Counter(number for number, *_ in rows)
        kept = await self.db.query(
            "SELECT ((report::json->>'attributes')::json->>'n')::int FROM quarantine WHERE device_id = %s", [member.id]
        )
        self.assertEqual({}, {number: count for number, count in stored.items() if count > 1})
        self.assertEqual(set(), stored.keys() - member.said)
        refused = {number for (number,) in kept}
        self.assertEqual(set(), {number for number in refused if not is_one(number, REFUSED)})
        self.assertEqual(set(), member.acknowledged - stored.keys() - refused)
        events: defaultdict[int | None, int] = defaultdict(int)
        for (number,) in await self.db.query(
            "SELECT (p.attributes->>'n')::int FROM events e LEFT JOIN positions p ON p.id = e.position_id"
            " WHERE e.type = 'alarm' AND e.device_id = %s",
            [member.id],
        ):
            events[number] += 1
        alarms = {number for number in stored if number % ALARM == 0}
        self.assertEqual(set(), events.keys() - alarms)  # none without a position either
        late = member.skipped | (member.said - member.acknowledged)
        self.assertEqual({}, {number: events[number] for number in alarms - late if events[number] != 1})
        [state] = await self.db.query(
            "SELECT position_id, position_time FROM device_states WHERE device_id = %s", [member.id]
        )
        self.assertEqual(rows[-1][1:], state)
