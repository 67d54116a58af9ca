"""
The database goes away and comes back, while devices send and clients ask.

    python -m benchmarks.durability.away [SECONDS [DEVICES]]

Devices of all the ways of acknowledging keep a ledger, and so do DEVICES that send over GT06 as fast as 2,000 reports a
second in all. Meanwhile PostgreSQL is stopped, frozen, killed, locked, exhausted, and its disk filled, each for SECONDS.
Printed for each: how many reports were acknowledged while it was away (from a second after its beginning), what clients
were answered and how long that took at most, how much memory the server had at most, and how long it took to go on
afterwards. In the end the ledgers are compared with the database. Everything is on loopback and in folders of its own,
which are gone afterwards. Filling a disk needs a file system of its own, which only root may mount; else it is left out.
Ends with 1 if the promise is broken.
"""

from __future__ import annotations

import http.client
import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg2
from attrs import Factory, define, field

from benchmarks.durability import devices
from benchmarks.durability.devices import Device
from benchmarks.durability.ending import ended
from benchmarks.durability.flock import Flock
from benchmarks.durability.ledger import Ledger
from benchmarks.durability.postgres import Postgres
from benchmarks.generator import imei
from benchmarks.server import Server, asked
from trackd.web.health import LATE

GRACE = 1.0  # s: what was under way may still be acknowledged, and clients may be answered as before
PATIENCE = 1.0  # s, for an answer, whatever the database does
BACK = 2.0  # s, until everything goes on
RECOVERY = 60.0  # s; later than that the experiment is given up
CLIENTS = 60  # who ask at once when the pool is exhausted
POOL = 5
DISK = 2_000  # MB
SPARE = 64 << 20  # bytes that are written slowly, since others write too
AFTER_FLEET = 1000  # number of the first device of the flock
UNWELL = LATE + 2.5 * GRACE  # s, after which health has told that nothing is stored
HEALTH = "/api/health"


@define
class Answer:
    path: str
    began: float
    took: float
    status: int
    retry: bool  # it says when to come back


@define(eq=False)
class Client:
    """Asks for these paths in turn, all the time."""

    server: Server
    paths: Sequence[str]
    answers: list[Answer] = Factory(list)
    failures: list[str] = Factory(list)
    over: Event = Factory(Event)
    pause: float = 0.05
    _thread: Thread | None = None

    def begin(self) -> None:
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self.over.set()
        if self._thread is not None:
            self._thread.join(30)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.web, timeout=30)
        headers = {"Authorization": f"Bearer {self.server.token}"}
        while not self.over.is_set():
            for path in self.paths:
                began = time.monotonic()
                try:
                    connection.request("GET", path, headers={} if path == HEALTH else headers)
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException) as error:
                    self.failures.append(f"{path}: {error!r}")
                    connection.close()
                    continue
                retry = answer.headers.get("Retry-After", "").isdigit()
                self.answers.append(Answer(path, began, time.monotonic() - began, answer.status, retry))
            self.over.wait(self.pause)


@define
class Trouble:
    """`locks`: the tables of which nothing can be read; none: everything is away. `clients`: many ask for them."""

    name: str
    begin: Callable[[], Any]
    end: Callable[[], Any]
    seconds: float = 0.0
    passing: bool = False  # it is over at once
    locks: tuple[str, ...] = ()
    reads: bool = False  # what is stored can be read
    commits: bool = False  # what is said can be stored
    clients: int = 0


@define
class Line:
    """What one trouble did."""

    name: str
    seconds: float
    meanwhile: int  # reports acknowledged
    statuses: str
    slowest: float  # s, of an answer
    memory: float  # MB
    reports_back: float  # s
    requests_back: float  # s

    def shown(self) -> str:
        return (
            f"{self.name:34} {self.seconds:6.1f} {self.meanwhile:6} {self.slowest:8.3f} {self.memory:7.0f}"
            f" {self.reports_back:8.2f} {self.requests_back:8.2f}   {self.statuses}"
        )


HEADING = (
    f"{'':34} {'away':>6} {'stored':>6} {'slowest':>8} {'memory':>7} {'reports':>8} {'requests':>8}\n"
    f"{'':34} {'s':>6} {'':>6} {'answer s':>8} {'MB':>7} {'back s':>8} {'back s':>8}   answers meanwhile"
)


@define(eq=False)
class Away:
    """
    `own`: the server has an embedded database, and looks after it. `strict`: answers that come too late are faults too.
    """

    seconds: float = 30.0
    count: int = 2000
    own: bool = False
    strict: bool = True
    rate: float = 2000.0
    each: int = 1
    say: Callable[[str], None] = lambda text: None  # what there is to say on the way
    lines: list[Line] = field(factory=list, init=False)
    faults: list[str] = field(factory=list, init=False)
    left_out: list[str] = field(factory=list, init=False)
    acknowledged: int = field(default=0, init=False)
    stored: int = field(default=0, init=False)
    before: float = field(default=0.0, init=False)  # MB, of the server
    postgres: Postgres = field(init=False)
    server: Server = field(init=False)
    fleet: list[Device] = field(init=False)
    flock: Flock = field(init=False)
    client: Client = field(init=False)
    _open: ExitStack = field(factory=ExitStack, init=False)
    _blocker: Any = field(default=None, init=False)
    _disk: Path | None = field(default=None, init=False)

    def run(self, wanted: Sequence[str] = ()) -> Away:
        """All troubles, or those whose names are wanted."""
        stop = Event()
        with self._open:
            self._prepare()
            self.flock.begin()
            self._open.callback(self.flock.end)
            threads = [Thread(target=device.live, args=(stop,), daemon=True) for device in self.fleet]
            self._open.callback(stop.set)
            for thread in threads:
                thread.start()
            self.client.begin()
            self._open.callback(self.client.end)
            self._until(lambda: self.flock.connected == self.count, "all devices are connected")
            for trouble in self.own_troubles() if self.own else self.troubles():
                if not wanted or trouble.name in wanted:
                    self._live_through(trouble)
            stop.set()
            for thread in threads:
                thread.join()
            self.flock.end()
            self.client.end()
            self._compare()
        return self

    # The house

    def _prepare(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(30_000, hard) if hard > 0 else 30_000, hard))
        settings: dict[str, Any] = {"database.maxPoolSize": POOL}
        if self.own:
            self.server = Server(devices.FORMATS, settings)
            folder = self.server.data / "database"
            folder.mkdir()
        else:
            self.postgres = Postgres()
            self._open.callback(self.postgres.remove)
            folder = self.postgres.folder
        self._mount(folder)
        # Before the file system is taken away, and with it the number of the process.
        self._open.callback(self._bury if self.own else self.postgres.end)
        if not self.own:
            self.postgres.make()
            self.server = Server(devices.FORMATS, settings | {"database.url": self.postgres.dsn})
        self._open.callback(self.server.remove)
        self.server.start()
        self.server.administrator()
        self.fleet = devices.fleet(self.server.ports, self.each, 1)
        self.flock = Flock(self.server.ports["gt06"], self.count, AFTER_FLEET, self.rate)
        ids = [device.unique_id for device in self.fleet] + [imei(member.number) for member in self.flock.members]
        self.sql("INSERT INTO devices (name, unique_id) VALUES " + ", ".join(f"('{id}', '{id}')" for id in ids))
        positions = "/api/positions?deviceId=1&from=2026-01-01T00:00:00Z&to=2026-01-01T00:10:00Z"
        self.client = Client(self.server, ("/api/devices?id=1", positions, HEALTH))

    def _mount(self, folder: Path) -> None:
        """Give this folder a file system of its own, if that is possible."""
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=755", "tmpfs", str(folder)]
        if os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            self._disk = folder
            self._open.callback(subprocess.run, ["umount", "-l", str(folder)], check=False)

    def _bury(self) -> None:
        """End the embedded server if it is left."""
        if (postgres := self.server.database.pid()) is not None:
            os.kill(postgres, signal.SIGQUIT)

    @property
    def dsn(self) -> str:
        return self.server.database.dsn if self.own else self.postgres.dsn

    def sql(self, text: str) -> list[Any]:
        """Ask the database."""
        return asked(self.dsn, text)

    # The troubles

    def troubles(self) -> list[Trouble]:
        postgres, seconds = self.postgres, self.seconds

        def frozen(number: int, all: bool) -> Callable[[], None]:
            return lambda: postgres.signal(number, all)

        found = [
            Trouble("stopped", postgres.stop, postgres.start, seconds),
            Trouble("connections cut", self._cut, lambda: None, passing=True),
            Trouble("a process killed", self._kill_one, lambda: None, passing=True),
            Trouble("killed", lambda: postgres.signal(signal.SIGKILL), self._start_again, min(seconds, 5.0)),
            Trouble("frozen", frozen(signal.SIGSTOP, True), frozen(signal.SIGCONT, True), seconds),
            Trouble("locked", lambda: self._lock("positions, devices"), self._unlock, max(seconds * 2 / 3, UNWELL), reads=False,
                    locks=("/api/devices", "/api/positions")),
            Trouble("pool exhausted", lambda: self._lock("devices"), self._unlock, min(seconds, 10.0),
                    locks=("/api/devices",), commits=True, clients=CLIENTS),
        ]  # fmt: skip
        return found + self._full(lambda: self._start_again())

    def own_troubles(self) -> list[Trouble]:
        return [
            Trouble("own database killed", self._kill_own, lambda: None, passing=True),
            *self._full(lambda: None),
        ]

    def _full(self, start: Callable[[], None]) -> list[Trouble]:
        name = "own disk full" if self.own else "disk full"
        if self._disk is None:
            self.left_out.append(f"{name}: no file system can be mounted here")
            return []
        disk = self._disk

        def fill() -> None:
            with (disk / "ballast").open("wb", buffering=0) as file:
                free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
                os.posix_fallocate(file.fileno(), 0, max(1, free - SPARE))
                file.seek(0, os.SEEK_END)
                for size in (1 << 20, 4096):
                    try:
                        while file.write(bytes(size)) == size:
                            pass
                    except OSError:
                        pass  # not so much any more

        def empty() -> None:
            (disk / "ballast").unlink()
            start()

        # What is stored can be read, unless the server has ended because it could not write its log.
        return [Trouble(name, fill, empty, max(self.seconds, UNWELL), reads=True)]

    def _start_again(self) -> None:
        try:
            os.kill(self.postgres.pid, 0)
        except (OSError, ValueError, IndexError):
            while True:
                try:
                    self.postgres.start()
                    return
                except subprocess.CalledProcessError:
                    time.sleep(0.1)  # the last processes of the one before still work

    def _cut(self) -> None:
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'trackd %'")

    def _kill_one(self) -> None:
        found = self.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'trackd %' ORDER BY pid LIMIT 1")
        os.kill(found[0][0], signal.SIGKILL)

    def _kill_own(self) -> None:
        postgres = self.server.database.pid()
        assert postgres is not None
        os.kill(postgres, signal.SIGKILL)

    def _lock(self, tables: str) -> None:
        self._blocker = psycopg2.connect(self.dsn)
        self._blocker.cursor().execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")

    def _unlock(self) -> None:
        self._blocker.close()

    # Living through one

    def _live_through(self, trouble: Trouble) -> None:
        self.client.answers.clear()
        time.sleep(GRACE)
        self.before = self.before or self.server.memory()
        memory = self.server.memory()
        many = [Client(self.server, [f"{trouble.locks[0]}?id=1"]) for _ in range(trouble.clients)]
        began = time.monotonic()
        trouble.begin()
        for one in many:
            one.begin()
        gone = time.monotonic()
        meanwhile = 0
        if not trouble.passing:
            acknowledged = self._settled(gone)
            while time.monotonic() < gone + trouble.seconds:
                self._pause(0.1)
                memory = max(memory, self.server.memory())
            meanwhile = self.flock.total - acknowledged
        ending = time.monotonic()
        trouble.end()
        for one in many:
            one.end()
            self.client.answers.extend(one.answers)
            self.faults += [f"{trouble.name}: {what}" for what in one.failures]
        over = time.monotonic()
        if trouble.passing:
            time.sleep(0.02)  # it has to be noticed
        self._until(lambda: self.flock.latest > over, f"{trouble.name}: reports are acknowledged again")
        reports_back = time.monotonic() - over
        self._until(lambda: self._answered_since(over), f"{trouble.name}: requests are answered again")
        requests_back = time.monotonic() - over
        memory = max(memory, self.server.memory())
        self._until(lambda: self.flock.connected == self.count, f"{trouble.name}: all devices are connected again")
        self._progress(trouble.name)
        line = self._judged(trouble, (began, gone, ending), meanwhile, memory, reports_back, requests_back)
        self.lines.append(line)
        self.say(line.shown())

    def _settled(self, gone: float) -> int:
        """How many reports are acknowledged, once what was under way has been; after a while it counts as more than that."""
        self._pause(GRACE)
        while True:
            acknowledged = self.flock.total
            self._pause(GRACE / 4)
            if self.flock.total == acknowledged or time.monotonic() > gone + 3 * GRACE:
                return acknowledged

    def _pause(self, seconds: float) -> None:
        assert self.server.process is not None
        if self.server.process.poll() is not None:
            raise SystemExit(f"the server has ended:\n{self.server.log()}")
        time.sleep(seconds)

    def _answered_since(self, moment: float) -> bool:
        fine = {answer.path for answer in self.client.answers if answer.began > moment and answer.status == 200}
        return fine == set(self.client.paths)

    def _judged(
        self,
        trouble: Trouble,
        times: tuple[float, float, float],
        meanwhile: int,
        memory: float,
        reports_back: float,
        requests_back: float,
    ) -> Line:
        """What was answered meanwhile, and whether that is as it should be."""
        began, gone, ending = times
        answers = self.client.answers[:]
        slowest = max((answer.took for answer in answers if answer.began + answer.took > began), default=0.0)
        then = [answer for answer in answers if gone + GRACE < answer.began < ending - GRACE]
        statuses = Counter((answer.path.partition("?")[0], answer.status) for answer in then)
        wrong: Counter[str] = Counter()
        for answer in answers:
            if answer.status == 503 and not answer.retry:
                wrong["503 without Retry-After"] += 1
            if answer.status not in (200, 500 if answer.path == HEALTH else 503):
                wrong[f"{answer.path}: {answer.status}"] += 1
        for answer in then:
            if answer.path == HEALTH:
                late = answer.began > gone + LATE + GRACE or not (trouble.locks or trouble.reads)
                if answer.status == 200 and late and not trouble.commits:
                    wrong["health says that all is well"] += 1
            elif answer.status == 200 and (
                answer.path.startswith(trouble.locks) if trouble.locks else not trouble.reads
            ):
                wrong[f"{answer.path.partition('?')[0]}: 200"] += 1
        if not trouble.passing:
            asked = {answer.path for answer in then}
            wrong.update({f"{path}: no answer": 1 for path in self.client.paths if path not in asked})
        self.faults += [f"{trouble.name}: {count} x {what}" for what, count in wrong.items()]
        if meanwhile and not trouble.commits:
            self.faults.append(f"{trouble.name}: {meanwhile} reports acknowledged meanwhile")
        if trouble.commits and not meanwhile:
            self.faults.append(f"{trouble.name}: nothing was acknowledged, although it could be stored")
        if self.strict and slowest > PATIENCE:
            self.faults.append(f"{trouble.name}: an answer after {slowest:.2f} s")
        if self.strict and max(reports_back, requests_back) > BACK:
            self.faults.append(f"{trouble.name}: back after {max(reports_back, requests_back):.2f} s")
        shown = ", ".join(f"{path} {status} x {count}" for (path, status), count in sorted(statuses.items()))
        return Line(trouble.name, ending - gone, meanwhile, shown, slowest, memory, reports_back, requests_back)

    def _until(self, so: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + RECOVERY
        while not so():
            if time.monotonic() > until:
                raise SystemExit(f"not within {RECOVERY:g} s: {what}\n{self.server.log()}")
            self._pause(0.005)

    def _progress(self, name: str) -> None:
        """Each device of the fleet has an acknowledgement for something new."""
        before = [len(device.acknowledged) for device in self.fleet]
        self._until(
            lambda: all(len(device.acknowledged) > count for device, count in zip(self.fleet, before, strict=True)),
            f"{name}: an acknowledgement for each device",
        )

    # The ledgers

    def _compare(self) -> None:
        ledger = Ledger(self.fleet, self.sql, self.faults)
        ledger.compare()
        numbers = {imei(member.number): member.number for member in self.flock.members}
        stored: dict[int, Counter[datetime]] = {}
        for unique_id, fix_time in self.sql(
            "SELECT d.unique_id, p.fix_time FROM positions p JOIN devices d ON d.id = p.device_id"
        ):
            if unique_id in numbers:
                stored.setdefault(numbers[unique_id], Counter())[fix_time] += 1
        self.faults += self.flock.faults(stored)
        self.acknowledged = sum(len(device.acknowledged) for device in self.fleet) + sum(
            member.acknowledged for member in self.flock.members
        )
        self.stored = ledger.stored + sum(map(Counter.total, stored.values()))
        self.faults += [f"a client: {what}" for what in self.client.failures]
        if "Traceback" in (log := (self.server.data / "log").read_text("utf-8", "replace")):
            self.faults.append("a traceback in the log: " + log.partition("Traceback")[2][:2000])

    def shown(self) -> str:
        return "\n".join(
            [
                f"memory of the server before the first: {self.before:.0f} MB; {self.count} devices send all the time",
                f"{self.acknowledged} reports acknowledged, {self.stored} stored",
                *(f"left out: {what}" for what in self.left_out),
                f"{len(self.faults)} faults",
                *self.faults[:20],
            ]
        )


def main(seconds: float = 30.0, count: float = 2000) -> None:
    began = time.monotonic()
    faults: list[str] = []
    for own in (False, True):
        print(HEADING)
        away = Away(seconds, int(count), own, say=lambda text: print(text, flush=True)).run()
        print(away.shown(), flush=True)
        faults += away.faults
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", flush=True)
    ended(faults, began)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
