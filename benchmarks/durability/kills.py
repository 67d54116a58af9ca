"""
The kill ledger: whatever was acknowledged is stored exactly once, however the server and its database die.

    python -m benchmarks.durability.kills [COUNT [SEED]]

Devices of all the ways of acknowledging send all the time, and keep a ledger. Meanwhile the server's process, the
database's, one of the database's own, or both are killed with SIGKILL at random moments: under way, during a start
(the very first too, which makes the database), while the tables are made, during a stop. In the end the ledger and the database are compared, all
devices send a good part of their ledger again, and they are compared once more. Everything is on loopback, in a folder
of its own that is gone afterwards. Ends with 1 if the promise is broken.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from random import Random
from threading import Event, Thread
from typing import Any

import psycopg2
from attrs import define, field

from benchmarks.durability import devices
from benchmarks.durability.devices import Device
from benchmarks.durability.ending import ended
from benchmarks.durability.ledger import Ledger
from benchmarks.server import Server, children
from trackd.store.migrations import LOCK

RECOVERY = 60.0  # s, within which reports must be acknowledged again after a kill
AGAIN = 300  # reports of each device that are sent again in the end


@define
class Figures:
    """What has happened, and what is wrong."""

    kills: Counter[str] = field(factory=Counter)
    said: int = 0
    acknowledged: int = 0
    repeated: int = 0
    stored: int = 0
    events: int = 0
    migrations: int = 0  # kills while tables were being made, as far as that was seen
    refusals: int = 0  # answers other than an acknowledgement, while something was away
    slowest: dict[str, float] = field(factory=dict)  # s, from a kill to the first acknowledgement after it
    faults: list[str] = field(factory=list)

    def shown(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kills.items()))
        slowest = ", ".join(f"{kind} {seconds:.1f}" for kind, seconds in sorted(self.slowest.items()))
        lines = [
            f"kills                       {sum(self.kills.values()):10}   ({kinds})",
            f"  while tables were made    {self.migrations:10}",
            f"reports said                {self.said:10}",
            f"acknowledged                {self.acknowledged:10}",
            f"sent again                  {self.repeated:10}",
            f"stored                      {self.stored:10}",
            f"events                      {self.events:10}",
            f"answers that were none      {self.refusals:10}",
            f"longest until the first acknowledgement after a kill, s: {slowest}",
            f"faults                      {len(self.faults):10}",
            *self.faults[:20],
        ]
        return "\n".join(lines)


@define(eq=False)
class Experiment:
    """`first`: kills during the first start, and as many while the tables are made. `each`: devices of every kind."""

    count: int
    seed: int = 1
    each: int = 2
    first: int = 3
    late: int = 0  # numbers below came late
    figures: Figures = field(factory=Figures)
    server: Server = field(factory=lambda: Server(devices.FORMATS))
    random: Random = field(init=False)
    fleet: list[Device] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.random = Random(self.seed)
        self.fleet = devices.fleet(self.server.ports, self.each, self.seed)

    def run(self) -> Figures:
        stop = Event()
        threads = [Thread(target=device.live, args=(stop,), daemon=True) for device in self.fleet]
        try:
            for _ in range(self.first):
                self.server.launch()
                self.pause(4.0)
                self.kill("at the first start")
            for _ in range(self.first):
                self.in_migration()
            self.server.start()
            self.known()
            self.under_load(threads, stop)
            self.count_up()
            self.compare()
            self.server.stop()
            self.server.start()
            self.again()
            self.compare()
        finally:
            stop.set()
            self.server.remove()
        return self.figures

    def under_load(self, threads: list[Thread], stop: Event) -> None:
        """All deaths, while the devices live in these threads, which end with `stop`."""
        for thread in threads:
            thread.start()
        self.progress("start", time.monotonic())
        while sum(self.figures.kills.values()) < self.count:
            self.one()
        stop.set()
        for thread in threads:
            thread.join()

    def known(self) -> None:
        """Have the database know the devices."""
        self.server.sql(
            "INSERT INTO devices (name, unique_id) VALUES "
            + ", ".join(f"('{device.unique_id}', '{device.unique_id}')" for device in self.fleet)
        )

    def pause(self, most: float) -> None:
        time.sleep(self.random.uniform(0, most))

    def kill(self, kind: str, number: int = signal.SIGKILL) -> None:
        self.server.stop(number)
        self.figures.kills[kind] += 1

    def one(self) -> None:
        """One death (or two), and the way back."""
        self.pause(0.8)
        kinds: dict[str, Callable[[], None]] = {
            "under way": self.under_way,
            "in a transaction": self.in_transaction,
            "during a start": self.during_start,
            "during a stop": self.during_stop,
            "of PostgreSQL": self.of_postgres,
            "of a process of PostgreSQL": self.of_child,
            "of both": self.of_both,
        }
        # Each kind once, and then as it comes.
        untried = [kind for kind in kinds if kind not in self.figures.slowest]
        [kind] = untried[:1] or self.random.choices(list(kinds), (4, 4, 3, 3, 2, 2, 2))
        kinds[kind]()
        began = time.monotonic()
        if self.server.process is None:
            self.server.start()
        self.progress(kind, began)

    def in_migration(self) -> None:
        """While the server waits for its turn to make the tables, or while it makes them; as yet they hold nothing."""
        try:
            self.server.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        except psycopg2.OperationalError:
            pass  # there is no database yet
        self.server.launch()
        connection = self.reached()
        with closing(connection), connection.cursor() as cursor:
            connection.autocommit = True
            waits = self.random.random() < 0.3
            if waits:
                cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            # It is over within a moment, and may be over before it is seen.
            until = time.monotonic() + 5.0
            asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted = %s"
            while time.monotonic() < until:
                cursor.execute(asked, [not waits])
                if cursor.fetchall() != [(0,)]:
                    self.figures.migrations += 1
                    break
            self.pause(0.2)
            self.kill("in a migration")

    def reached(self) -> Any:
        """A connection to the database as soon as it is there."""
        until = time.monotonic() + RECOVERY
        while True:
            try:
                return psycopg2.connect(self.server.database.dsn)
            except psycopg2.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.005)

    def under_way(self) -> None:
        self.kill("under way")

    def in_transaction(self) -> None:
        """While a lock holds the server's transaction up; it may go on only when the next server is there."""
        with psycopg2.connect(self.server.database.dsn) as blocker, blocker.cursor() as cursor:
            cursor.execute("LOCK TABLE positions IN EXCLUSIVE MODE")
            time.sleep(0.1)
            self.pause(0.3)
            self.kill("in a transaction")
            if self.random.random() < 0.5:
                self.server.start()
                self.pause(0.5)
        blocker.close()

    def during_start(self) -> None:
        self.server.stop(signal.SIGKILL if self.random.random() < 0.5 else signal.SIGTERM)
        self.server.launch()
        self.pause(2.0)
        self.kill("during a start")

    def during_stop(self) -> None:
        assert self.server.process is not None
        self.server.process.send_signal(signal.SIGTERM)
        self.pause(0.6)
        self.kill("during a stop")

    def of_postgres(self) -> None:
        if (postgres := self.server.database.pid()) is not None:
            os.kill(postgres, signal.SIGKILL)
            self.figures.kills["of PostgreSQL"] += 1

    def of_child(self) -> None:
        if (postgres := self.server.database.pid()) is not None and (found := children(postgres)):
            try:
                os.kill(self.random.choice(found), signal.SIGKILL)
                self.figures.kills["of a process of PostgreSQL"] += 1
            except ProcessLookupError:
                pass  # it has ended by itself

    def of_both(self) -> None:
        deaths = [lambda: self.kill("of both"), self.of_postgres]
        self.random.shuffle(deaths)
        deaths[0]()
        self.pause(0.3)
        deaths[1]()

    def progress(self, kind: str, began: float, patience: float = RECOVERY) -> None:
        """Wait until each device has an acknowledgement for something new."""
        before = [len(device.acknowledged) for device in self.fleet]
        while any(len(device.acknowledged) <= count for device, count in zip(self.fleet, before, strict=True)):
            if time.monotonic() - began > patience:
                silent = [
                    f"{type(device).__name__} {device.unique_id}"
                    for device, count in zip(self.fleet, before, strict=True)
                    if len(device.acknowledged) <= count
                ]
                raise SystemExit(f"after a kill {kind} there is nothing for {silent}:\n{self.server.log()}")
            time.sleep(0.01)
        self.figures.slowest[kind] = max(self.figures.slowest.get(kind, 0.0), time.monotonic() - began)

    def count_up(self) -> None:
        figures = self.figures
        figures.said = sum(device.next for device in self.fleet)
        figures.acknowledged = sum(len(device.acknowledged) for device in self.fleet)
        figures.repeated = sum(device.repeats for device in self.fleet)
        figures.refusals = sum(device.refusals for device in self.fleet)

    def again(self) -> None:
        """All devices send a good part of their ledger again."""
        for device in self.fleet:
            numbers = sorted(self.random.sample(sorted(device.acknowledged), min(AGAIN, len(device.acknowledged))))
            self.figures.repeated += len(numbers)
            if (count := device.repeat(numbers)) != len(numbers):
                missing = f"{len(numbers) - count} of {len(numbers)} were not acknowledged again"
                self.figures.faults.append(f"{type(device).__name__} {device.unique_id}: {missing}")

    def compare(self) -> None:
        """The ledger with the database."""
        ledger = Ledger(self.fleet, self.server.sql, self.figures.faults, self.late)
        ledger.compare()
        self.figures.stored, self.figures.events = ledger.stored, ledger.events


def main(count: int = 200, seed: int = 1) -> None:
    began = time.monotonic()
    figures = Experiment(count, seed).run()
    print(figures.shown())
    ended(figures.faults, began)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
