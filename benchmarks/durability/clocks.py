"""
Clocks that are wrong: that of the server is set, and those of devices are decades off.

    python -m benchmarks.durability.clocks [SEED]

Devices of all the ways of acknowledging send all the time, and keep a ledger, while the server's clock is put forward and
back, over the ends of months and years, over leap days, over the changes of daylight saving time in its zone, to the
years 1970 and 2044; now and then it starts anew at such a time. Each time all devices must soon be acknowledged again,
and reports of that moment must be found by the API. Devices whose own clocks say 1980 or 2080 are heard, and go on
reporting. In the end the ledger and the database are compared. Ends with 1 if something is wrong.
"""

from __future__ import annotations

import http.client
import signal
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

from attrs import define, field, frozen

from benchmarks.durability import clocked, devices, kills
from benchmarks.durability.ending import ended

ZONE = "Europe/Berlin"
TOKEN = "clocks-0123456789abcdef0123456789"
PATIENCE = 30.0  # s, within which every device must be acknowledged again
ROUND = 2  # s before a change that the clock is put to, and that are waited for after it
SILENCE = 2.0  # s, for which a connection may say nothing
PROBES = 4  # devices that say what time it is


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@frozen
class Setting:
    """`moment`: what the clock is put to; None: what it really is. `ends`: the server too, with this signal."""

    name: str
    moment: datetime | None
    ends: int = 0


def settings() -> list[Setting]:
    now = datetime.now(UTC)
    return [
        Setting("an hour back", now - timedelta(hours=1)),
        Setting("as it is", None),
        Setting("the turn of the year", utc("2026-12-31T23:59:58")),
        Setting("a leap day ends, new start", utc("2028-02-29T23:59:58"), signal.SIGTERM),
        Setting("a day ahead", now + timedelta(days=1)),
        Setting("a day ahead, new start", now + timedelta(days=1), signal.SIGTERM),
        Setting("as it is, killed", None, signal.SIGKILL),
        Setting("forty days later", utc("2027-02-10T00:00:00"), signal.SIGKILL),
        Setting("summer time begins", utc("2027-03-28T00:59:58")),
        Setting("summer time ends", utc("2027-10-31T00:59:58"), signal.SIGTERM),
        Setting("the end of a February", utc("2027-02-28T23:59:58")),
        Setting("a leap day begins", utc("2028-02-28T23:59:58")),
        Setting("a leap day ends", utc("2028-02-29T23:59:58")),
        Setting("2038", utc("2038-01-19T03:14:06")),
        # As far ahead as the reports of this year are not taken for those of a counter of weeks that has rolled over.
        Setting("2044", utc("2044-12-31T23:59:58"), signal.SIGKILL),
        Setting("1970", utc("1970-01-01T00:00:30")),
        Setting("1970, new start", utc("1970-01-01T00:00:30"), signal.SIGKILL),
        Setting("as it is again", None),
    ]


@frozen
class Odd:
    """What the clock of a device says; whether it is acknowledged, and the year under which it is stored."""

    said: str
    year: int | None


ODD = (
    Odd("1970-01-01T00:00:00Z", 1970),
    Odd("1980-01-06T00:00:00Z", 1980),
    Odd("1980-03-01T00:00:00Z", 2019),  # counters of weeks roll over
    Odd("1999-08-22T00:00:00Z", 2019),
    Odd("2028-02-29T12:00:00Z", 2028),
    Odd("2027-02-29T12:00:00Z", None),
    Odd("2080-02-29T23:59:59Z", 2080),
    Odd("2100-02-29T00:00:00Z", None),
    Odd("9999-12-31T23:59:59Z", 9999),
)


@define(eq=False)
class Experiment(kills.Experiment):
    """`count` is the number of settings, in their order; 0: all."""

    clock: Path = field(init=False)
    said: list[tuple[str, datetime]] = field(factory=list)  # by whom, and when: what the probes were acknowledged for

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.clock = self.server.data / "clock"
        clocked.put(self.clock, None)
        self.server.twistd = [sys.executable, "-m", "benchmarks.durability.clocked", str(self.clock)]
        self.server.environment = {"TZ": ZONE}
        # A filter of what lies ahead would be in the way.
        self.server.settings |= {"web.serviceAccountToken": TOKEN, "filter.future": 0, "listen.loginTime": SILENCE}
        self.server.token = TOKEN

    def run(self) -> kills.Figures:
        stop = Event()
        threads = [Thread(target=device.live, args=(stop,), daemon=True) for device in self.fleet]
        probes = [f"probe{number}" for number in range(PROBES)] + [f"odd{number}" for number in range(len(ODD))]
        try:
            self.server.start()
            self.server.sql(
                "INSERT INTO devices (name, unique_id) SELECT id, id FROM unnest(%s) AS id",
                [[device.unique_id for device in self.fleet] + probes],
            )
            for thread in threads:
                thread.start()
            self.progress("start", time.monotonic())
            self.odd()
            self.silent(timedelta(hours=-1))
            self.silent(timedelta(days=1))
            for setting in settings()[: self.count or None]:
                self.put(setting)
            stop.set()
            for thread in threads:
                thread.join()
            self.count_up()
            self.compare()
            self.found()
        finally:
            stop.set()
            self.server.remove()
        return self.figures

    def silent(self, away: timedelta) -> None:
        """Who says nothing is hung up on after his time, neither at once nor an hour later."""
        for name, moment in (("away", datetime.now(UTC) + away), ("back", datetime.now(UTC))):
            with socket.create_connection(("127.0.0.1", self.server.ports["gt06"]), PATIENCE) as connection:
                began = time.monotonic()
                time.sleep(0.2)
                clocked.put(self.clock, moment)
                try:
                    connection.recv(1)
                except OSError:
                    pass  # it has not come to an end
                took = time.monotonic() - began
            if not SILENCE - 0.1 < took < PATIENCE - 1:
                self.figures.faults.append(f"the clock is put {name} {away}: a silent one is cut after {took:.1f} s")

    def put(self, setting: Setting) -> None:
        """Set the clock, and see that all goes on and that what is said then is found."""
        began = time.monotonic()
        clocked.put(self.clock, setting.moment)
        if setting.ends:
            self.kill(setting.name, setting.ends)
            self.server.start()
        self.progress(setting.name, began, PATIENCE)
        self.probe(0)
        # Over the change, if there is one.
        time.sleep(ROUND + 0.5)
        self.probe(1)
        if setting.ends and (missing := self.months() - self.partitions()):
            self.figures.faults.append(f"{setting.name}: there is no partition for {sorted(missing)}")

    def probe(self, number: int) -> None:
        """A report of this very moment."""
        id = f"probe{(len(self.said) + number) % PROBES}"
        when = clocked.read(self.clock).replace(microsecond=0)
        if self.report(id, when.isoformat().replace("+00:00", "Z")):
            self.said.append((id, when))
        else:
            self.figures.faults.append(f"a report at {when} is not acknowledged")

    def report(self, id: str, when: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.ports["osmand"], timeout=devices.PATIENCE)
        said = {"id": id, "timestamp": when, "lat": 48.5, "lon": devices.LONGITUDE}
        try:
            connection.request("GET", "/?" + urlencode(said))
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False  # what cannot be read is not answered
        finally:
            connection.close()

    def odd(self) -> None:
        """Devices whose clocks are far off, then right, then far off in the same way again."""
        for number, odd in enumerate(ODD):
            id, now = f"odd{number}", datetime.now(UTC).replace(microsecond=0)
            heard = self.report(id, odd.said), self.report(id, now.isoformat()[:19] + "Z"), self.report(id, odd.said)
            years = [
                year
                for (year,) in self.server.sql(
                    "SELECT extract(year FROM fix_time AT TIME ZONE 'UTC')::int FROM positions p"
                    " JOIN devices d ON d.id = p.device_id WHERE d.unique_id = %s ORDER BY p.id",
                    [id],
                )
            ]
            wanted = [now.year] if odd.year is None else [odd.year, now.year]
            if heard != (odd.year is not None, True, odd.year is not None) or years != wanted:
                self.figures.faults.append(f"a device that says {odd.said}: acknowledged {heard}, stored in {years}")

    def months(self) -> set[str]:
        now = clocked.read(self.clock)
        return {f"positions_{now:%Y_%m}", f"positions_{now.replace(day=1) + timedelta(days=32):%Y_%m}"}

    def partitions(self) -> set[str]:
        return {
            name
            for (name,) in self.server.sql(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'positions'::regclass"
            )
        }

    def found(self) -> None:
        """What the probes have said is found by device and time."""
        ids = dict(self.server.sql("SELECT unique_id, id FROM devices"))
        for id, when in self.said:
            around = [f"{when + timedelta(seconds=away):%Y-%m-%dT%H:%M:%SZ}" for away in (-1, 1)]
            there = self.server.call("GET", f"/api/positions?deviceId={ids[id]}&from={around[0]}&to={around[1]}")
            # The server has noted the same time, by its own clock.
            times = [
                datetime.fromisoformat(one["fixTime"])
                for one in there
                if abs(datetime.fromisoformat(one["serverTime"]) - when) < timedelta(seconds=devices.PATIENCE)
            ]
            if times.count(when) != 1:
                self.figures.faults.append(f"{id}: the report of {when} is not found among {there}")


def main(seed: int = 1) -> None:
    began = time.monotonic()
    figures = Experiment(0, seed, each=1).run()
    print(figures.shown())
    ended(figures.faults, began)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
