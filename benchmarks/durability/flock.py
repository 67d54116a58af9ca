"""
Many devices that keep a ledger: GT06 over TCP, each with a window of reports that are not acknowledged. They are in a
process of their own, so that they take no time from who measures meanwhile.

They reconnect when they are cut off, and then send again what was not acknowledged. Acknowledgements of a connection come
in the order of its reports, so the ledger of a device is one number: all reports below it are acknowledged.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any

from attrs import define, field

from benchmarks.generator import ACKNOWLEDGEMENT, login, report

WINDOW = 10  # reports of a device that wait for their acknowledgement
BETWEEN = 0.05  # s, between two tries to connect
AT_ONCE = 100  # connections that are being made

_context = get_context("fork")


@define(eq=False)
class Member:
    """`number` is that of the load generator. The first acknowledgement on a connection is that of the login."""

    number: int
    connection: socket.socket | None = None
    in_: bool = False
    since: int = 0  # the first report of this connection
    heard: int = 0  # bytes on it
    sent: int = 0  # reports below this one have been sent on it
    acknowledged: int = 0
    said: int = 0  # reports below this one have been sent at some time
    unsent: bytes = b""
    times: deque[float] = field(factory=deque)  # when what waits for its acknowledgement was sent
    not_before: float = 0.0  # it does not connect


@define(eq=False)
class Flock:
    """`rate`: reports a second of all of them, as far as they are acknowledged."""

    port: int
    count: int
    first: int = 0
    rate: float = 2000.0
    measured: int = 0  # acknowledgements of which the time is kept that they took
    start: datetime = field(factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(days=1))
    members: list[Member] = field(init=False)
    # What the other process is told: of each member how many are acknowledged, and how many said; then of all of them.
    _ledger: Any = field(init=False)
    _all: Any = field(factory=lambda: _context.RawArray("d", 3), init=False)
    _waits: Any = field(init=False)
    _over: Any = field(factory=lambda: _context.RawValue("b", 0), init=False)
    _process: Any = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.members = [Member(self.first + number) for number in range(self.count)]
        self._ledger = _context.RawArray("q", 2 * self.count)
        self._waits = _context.RawArray("d", max(1, self.measured))

    def begin(self) -> None:
        self._process = _context.Process(target=self._run, daemon=True)
        self._process.start()

    def end(self) -> None:
        """Nothing more is sent; what is acknowledged by now counts."""
        self._over.value = 1
        if self._process is not None:
            self._process.join(30)
        for at, member in enumerate(self.members):
            member.acknowledged, member.said = self._ledger[2 * at : 2 * at + 2]

    @property
    def total(self) -> int:
        """Acknowledgements."""
        return int(self._all[0])

    def waits(self, start: int, end: int) -> list[float]:
        """Seconds that these reports have waited for their acknowledgement, of all that came, in their order."""
        return list(self._waits[start : min(end, self.measured)])

    @property
    def latest(self) -> float:
        """When the last acknowledgement came, by the monotonic clock."""
        return float(self._all[1])

    @property
    def connected(self) -> int:
        return int(self._all[2])

    def _run(self) -> None:
        due, began = 0.0, time.monotonic()
        with selectors.DefaultSelector() as waiting:
            turn = 0
            while not self._over.value:
                now = time.monotonic()
                self._connect(waiting, now)
                due, began = min(due + (now - began) * self.rate, self.rate), now
                # Each in turn sends one, if its window has room.
                for _ in range(len(self.members)):
                    if due < 1:
                        break
                    member = self.members[turn % len(self.members)]
                    turn += 1
                    if member.in_ and not member.unsent and member.sent - member.acknowledged < WINDOW:
                        due -= 1
                        self._say(member, waiting)
                for key, events in waiting.select(0.01):
                    self._go_on(key.data, events, waiting)
            for member in self.members:
                if member.connection is not None:
                    member.connection.close()

    def _connect(self, waiting: selectors.BaseSelector, now: float) -> None:
        room = AT_ONCE - sum(member.connection is not None and not member.in_ for member in self.members)
        for member in self.members:
            if room <= 0:
                return
            if member.connection is None and member.not_before <= now:
                room -= 1
                member.connection = connection = socket.socket()
                connection.setblocking(False)
                # A connection needs a port of its own, of which each address of the loopback has as many.
                connection.bind((f"127.0.0.{1 + member.number % 100}", 0))
                connection.connect_ex(("127.0.0.1", self.port))
                member.unsent, member.in_, member.heard = login(member.number), False, 0
                waiting.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, member)

    def _say(self, member: Member, waiting: selectors.BaseSelector) -> None:
        member.unsent = report(member.number, member.sent, self.start)
        member.times.append(time.monotonic())
        member.sent += 1
        self._ledger[2 * (member.number - self.first) + 1] = member.said = max(member.said, member.sent)
        self._write(member, waiting)

    def _write(self, member: Member, waiting: selectors.BaseSelector) -> None:
        assert member.connection is not None
        try:
            member.unsent = member.unsent[member.connection.send(member.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._cut(member, waiting)
            return
        wanted = selectors.EVENT_WRITE if member.unsent else 0
        waiting.modify(member.connection, selectors.EVENT_READ | wanted, member)

    def _go_on(self, member: Member, events: int, waiting: selectors.BaseSelector) -> None:
        connection = member.connection
        assert connection is not None
        if events & selectors.EVENT_READ:
            try:
                data = connection.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._cut(member, waiting)
                return
            member.heard += len(data)
            self._count(member)
        if events & selectors.EVENT_WRITE and member.unsent:
            self._write(member, waiting)

    def _count(self, member: Member) -> None:
        answers = member.heard // ACKNOWLEDGEMENT
        if not member.in_ and answers:
            member.in_, member.since, member.sent = True, member.acknowledged, member.acknowledged
            self._all[2] += 1
        if member.in_ and member.since + answers - 1 > member.acknowledged:
            self._all[1] = now = time.monotonic()
            for at in range(self.total, self.total + member.since + answers - 1 - member.acknowledged):
                waited = now - member.times.popleft()
                if at < self.measured:
                    self._waits[at] = waited
            self._all[0] += member.since + answers - 1 - member.acknowledged
            self._ledger[2 * (member.number - self.first)] = member.acknowledged = member.since + answers - 1

    def _cut(self, member: Member, waiting: selectors.BaseSelector) -> None:
        assert member.connection is not None
        waiting.unregister(member.connection)
        member.connection.close()
        self._all[2] -= member.in_
        member.connection, member.in_, member.unsent = None, False, b""
        member.times.clear()
        member.not_before = time.monotonic() + BETWEEN

    def faults(self, stored: dict[int, Counter[datetime]]) -> list[str]:
        """What is wrong with the times of fix that are stored, by the numbers of the devices."""
        found = []
        for member in self.members:
            there = stored.get(member.number, Counter())
            numbers = Counter({round((when - self.start).total_seconds()): count for when, count in there.items()})
            if lost := set(range(member.acknowledged)) - numbers.keys():
                found.append(f"GT06 {member.number}: {len(lost)} acknowledged and lost: {sorted(lost)[:5]}")
            if twice := [number for number, count in numbers.items() if count > 1]:
                found.append(f"GT06 {member.number}: {len(twice)} stored twice: {sorted(twice)[:5]}")
            if max(numbers, default=-1) >= member.said:
                found.append(f"GT06 {member.number}: something stored that it has not said")
        return found
