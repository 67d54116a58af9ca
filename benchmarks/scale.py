"""
How the figures change with size: connections, stored positions, socket clients, and reports that are sent again.

    python -m benchmarks.scale [connections] [stored] [sockets] [again] [--seconds N] [--full]

Each table is measured on a server of its own. In a table each line has new devices, so that nothing but the size
differs. `--full` goes to 10,000 connections, ten million positions and 1,000 sockets, which takes ten minutes; without
it the tables end one step before. Loopback only; ends by itself.
"""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from timeit import repeat
from typing import Any

from attrs import define, evolve, field

from benchmarks.generator import Load, imei
from benchmarks.server import Server
from benchmarks.spine import generate
from trackd.store.report import Report
from trackd.track.digest import digest

CONNECTIONS = (1, 10, 100, 1_000, 10_000)
STORED = (100_000, 1_000_000, 10_000_000)
SOCKETS = (1, 100, 1_000)
SEEN = 10  # devices that each of many socket clients sees
RATE = 1_000  # reports a second, where the delay is measured
DEVICES = 100
REPORTS = 500  # of each device, where all of them are sent again
WINDOW = 20
REST = 2.0  # s, after thousands have logged in

HEAD = f"{'':26}{'reports/s':>10}{'µs trackd':>11}{'µs database':>13}{'p99 ms':>9}{'MB':>6}"


@define(eq=False)
class Scale:
    seconds: float = 10.0
    full: bool = False
    server: Server = field(init=False)
    _first: int = field(default=0, init=False)  # number of the first device that has not been used

    def tables(self) -> dict[str, Callable[[], None]]:
        return {
            "connections": self.connections,
            "stored": self.stored,
            "sockets": self.sockets,
            "again": self.again,
        }

    def sizes(self, all: tuple[int, ...]) -> tuple[int, ...]:
        return all if self.full else all[:-1]

    # The tables

    def connections(self) -> None:
        """From one connection to ten thousand."""
        for count in self.sizes(CONNECTIONS):
            self.line(f"{count:,} connections", self.load(count))
        # As most devices do: the next report comes when this one is acknowledged.
        self.line("1,000, one at a time", self.load(1_000, window=1))

    def stored(self) -> None:
        """With more and more in the tables, and how long it takes to read of it."""
        done = 0
        for count in self.sizes(STORED):
            took = self.fill(done, count)
            done = count
            self.line(f"{count:,} stored", self.load(DEVICES))
            table, indexes = self.bytes()
            print(
                f"{'':4}filled in {took:.0f} s; table {table / 1e6:,.0f} MB, indexes {indexes / 1e6:,.0f} MB;"
                f" the latest of all devices in {self.timed('/api/positions') * 1000:.0f} ms,"
                f" an hour of one device in {self.timed(self.hour()) * 1000:.1f} ms",
                flush=True,
            )

    def sockets(self) -> None:
        """With more and more clients, at a rate: each sees some of the devices, then all of them."""
        for seen, rate in ((SEEN, RATE), (DEVICES, RATE / 10)):
            for count in self.sizes(SOCKETS):
                load = self.load(DEVICES, rate=rate, seconds=min(5.0, self.seconds))
                self.line(f"{count:,} sockets see {seen}", evolve(load, tokens=self.audience(count, seen)))

    def again(self) -> None:
        """What it costs to tell reports that are sent again from those that come late."""
        now = datetime.now(UTC).replace(microsecond=0)
        first, start = self._first, now - timedelta(days=3)
        load = self.load(DEVICES, reports=REPORTS, seconds=60.0, start=start.isoformat())
        self.line("new", load)
        self.line("the same again", load)
        self.server.stop()
        self.server.start()
        self.line("again after a restart", load)
        # New ones, but older than what is stored.
        earlier = (start - timedelta(days=1)).isoformat()
        self.line("new, but late", self.load(DEVICES, first, reports=REPORTS, seconds=60.0, start=earlier))
        one = Report(1, "gt06", now, now, now, True, 48.5, 11.5, 0.0, 32.4, 90.0, 0.0, NETWORK, {"sat": 9}, False, 0)
        print(
            f"{'':4}recognising that it is new costs {min(repeat(lambda: digest(one), number=1000)) * 1000:.1f} µs of a new report",
            flush=True,
        )

    # How they are measured

    def load(self, connections: int, first: int | None = None, **options: Any) -> Load:
        """As fast as that goes, with so many devices: new ones unless `first` names those of a load before."""
        if first is None:
            first, self._first = self._first, self._first + connections
            self.devices(first, connections)
        options = {"seconds": self.seconds, "window": WINDOW} | options
        [(id,)] = self.server.sql("SELECT id FROM devices WHERE unique_id = %s", [imei(first)])
        ports, web, tokens = self.server.ports, self.server.web, [self.server.token]
        return Load(ports["gt06"], web, tokens, connections, first=first, first_id=id, **options)

    def line(self, name: str, load: Load) -> None:
        """A line of a table. At full speed, unless it is another's rate, the delay is measured afterwards."""
        said, used = generate(self.server, load, REST)
        count, memory = said["acknowledged"], self.server.memory()
        speed, delays = count / said["seconds"], said["latencies"]
        if load.rate:
            speed = load.rate
        elif not load.reports:
            # Later than all that was said before: otherwise it is no news.
            later = evolve(load, rate=RATE, days=1, seconds=min(5.0, self.seconds))
            delays = generate(self.server, later, REST)[0]["latencies"]
        late = f"{sorted(delays)[int(len(delays) * 0.99)] * 1000:.0f}" if delays else ""
        costs = f"{used.server / count * 1e6:11.1f}{used.database / count * 1e6:13.1f}"
        print(f"{name:26}{speed:10,.0f}{costs}{late:>9}{memory:6.0f}", flush=True)

    def devices(self, first: int, count: int) -> None:
        """Make these devices, the administrator's."""
        ids = [imei(number) for number in range(first, first + count)]
        self.server.sql("INSERT INTO devices (name, unique_id) SELECT id, id FROM unnest(%s) AS id", [ids])
        self.server.sql(
            "INSERT INTO user_device SELECT u.id, d.id FROM users u, devices d WHERE u.administrator"
            " AND d.unique_id = ANY(%s)",
            [ids],
        )

    def audience(self, count: int, seen: int) -> list[str]:
        """Tokens of so many users, of whom each sees so many of the devices of the load that was made last."""
        tokens = [secrets.token_urlsafe(32) for _ in range(count)]
        digests = [sha256(token.encode()).digest() for token in tokens]
        ids = [imei(number) for number in range(self._first - DEVICES, self._first)]
        self.server.sql(AUDIENCE, [secrets.token_hex(4), count, digests, ids, seen, seen, DEVICES])
        return tokens

    def fill(self, there: int, count: int) -> float:
        """Positions of the last 25 days, spread over a thousand devices that don't report; the seconds that it took."""
        began = time.perf_counter()
        if not there:
            self.server.sql(
                "INSERT INTO devices (name, unique_id) SELECT 'full' || n, 'full' || n FROM generate_series(1, 1000) n"
            )
        for start in range(there, count, 500_000):
            self.server.sql(FILL, [start, min(count, start + 500_000) - 1])
        self.server.sql("VACUUM (ANALYZE) positions")  # otherwise it would be done during the measurement
        self.server.sql("CHECKPOINT")
        return time.perf_counter() - began

    def hour(self) -> str:
        [(id,)] = self.server.sql("SELECT id FROM devices WHERE unique_id = 'full500'")
        since = datetime.now(UTC) - timedelta(days=10)
        until = since + timedelta(hours=1)
        return f"/api/positions?deviceId={id}&from={since:%Y-%m-%dT%H:%M:%SZ}&to={until:%Y-%m-%dT%H:%M:%SZ}"

    def timed(self, path: str) -> float:
        """The best of five."""
        return min(self._timed(path) for _ in range(5))

    def _timed(self, path: str) -> float:
        began = time.perf_counter()
        self.server.call("GET", path)
        return time.perf_counter() - began

    def bytes(self) -> tuple[int, int]:
        """Of the positions, and of their indexes."""
        [(table, indexes)] = self.server.sql(
            "SELECT sum(pg_table_size(relid))::bigint, sum(pg_indexes_size(relid))::bigint"
            " FROM pg_partition_tree('positions') WHERE isleaf"
        )
        return table, indexes

    def run(self, names: list[str]) -> None:
        for name, table in self.tables().items():
            if names and name not in names:
                continue
            most = max(CONNECTIONS)
            self.server = Server(
                settings={
                    "listen.connections": most + 100,
                    "listen.perAddress": most + 100,
                    "listen.beforeLogin": most + 100,
                    "live.connections": max(SOCKETS) + 100,
                    "web.connections": 500,  # so that 20,000 open files suffice
                }
            )
            self._first = 0
            try:
                self.server.start()
                self.server.administrator()
                print(f"\n{table.__doc__}\n{HEAD}", flush=True)
                table()
            finally:
                self.server.remove()


NETWORK = '{"radioType":"gsm","cellTowers":[{"cellId":5678,"locationAreaCode":1234}]}'

# One after the other, each user sees so many of the devices.
AUDIENCE = """
WITH made AS (INSERT INTO users (name, email)
    SELECT 'Listener', %s || n || '@example.org' FROM generate_series(1, %s) n RETURNING id
), numbered AS (SELECT id, row_number() OVER () AS n FROM made
), allowed AS (INSERT INTO tokens (digest, user_id, created, expires)
    SELECT digest, numbered.id, now(), now() + interval '1 day'
    FROM numbered JOIN unnest(%s::bytea[]) WITH ORDINALITY AS given (digest, n) USING (n)
), fleet AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS n FROM devices WHERE unique_id = ANY(%s))
INSERT INTO user_device SELECT numbered.id, fleet.id
FROM numbered CROSS JOIN generate_series(0, %s - 1) k JOIN fleet ON fleet.n = (numbered.n * %s + k) %% %s
"""

# Positions by second and device.
FILL = """
INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, latitude, longitude,
    altitude, speed, course, accuracy, digest, network, attributes)
SELECT -1 - n, d.id, 'gt06', t, t, t, true, 48 + n %% 1000 / 1000.0, 11 + n %% 777 / 777.0, 500, 20, n %% 360, 0,
    hashint8extended(n, 1), '{"radioType":"gsm","cellTowers":[{"cellId":5678,"locationAreaCode":1234}]}',
    '{"sat":9,"distance":27.5,"totalDistance":1234567.25,"motion":true,"ignition":true}'
FROM (SELECT n, now() - interval '25 days' + (n / 1000) * interval '200 seconds' AS t
    FROM generate_series(%s::bigint, %s::bigint) n) said
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM devices WHERE unique_id LIKE 'full%%') d
    ON d.number = n %% 1000
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("tables", nargs="*", choices=[*Scale().tables(), []], metavar="TABLE")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--full", action="store_true")
    said = parser.parse_args()
    Scale(said.seconds, said.full).run(said.tables)


if __name__ == "__main__":
    main()
