"""
Slow and hostile clients: what they cost the devices that mean well.

    python -m benchmarks.hostile [SECONDS [NAME…]]

A hundred GT06 devices send 500 reports a second, and how long they wait for each acknowledgement is measured, first in
peace, then under each attack (all of them, or those that are named). The attackers are in a process of their own, and
so are the devices. Besides: the most memory that the server had, and how full its tables were, by /metrics. Everything
is on loopback. Ends with 1 if devices wait for too long, a table is fuller than it may be, or the server has taken harm.
"""

from __future__ import annotations

import itertools
import os
import re
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from typing import Any

from attrs import define, field

from benchmarks.attacks import DATAGRAM, HOST, many_files, masked, noise, request, silent, trickle, trouble, upgrade
from benchmarks.durability.flock import Flock
from benchmarks.generator import START_OF_TESTS, framed, imei, login, report
from benchmarks.server import Server

DEVICES = 100
RATE = 500.0  # reports a second of all of them
P99 = 0.1  # s, for an acknowledgement
MEASURED = 1_000_000
CALM = 30.0  # s, at most, from one attack to the next
PEACE = 10.0  # s, at most
BEHIND = 10  # niceness of the attackers: they would have machines of their own
FLOODER, FLOODERS = DEVICES, 50  # the number of the first device that floods, and how many do
HELLO = b"\0\x2d\xca\xfe\1\5\0\x0f%b" + bytes.fromhex("08000000000000000001")  # of Teltonika by UDP
# Tables whose limit is of what is not needed.
NEEDED = {"trackd_devices_in_memory"}

_context = get_context("fork")

# A position a second of a device.
DAY = """
INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, latitude, longitude,
    altitude, speed, course, accuracy, digest, attributes)
SELECT -1 - n, d.id, 'gt06', t, t, t, true, 48 + n %% 1000 / 1000.0, 11, 500, 20, n %% 360, 0, n,
    '{"sat":9,"distance":27.5,"totalDistance":1234567.25,"motion":true,"ignition":true}'
FROM (SELECT n, timestamptz '2025-12-01T00:00:00Z' + n * interval '1 second' AS t FROM generate_series(0, 86399) n) said,
    devices d WHERE d.unique_id = %s
"""


def login_of(id: int) -> bytes:
    """Of GT06, with this number as the IMEI."""
    return framed(b"\x01" + bytes.fromhex(f"{id:016d}") + b"\0\1")


def deaf_sockets(server: Server, until: float) -> None:
    """Ninety live sockets that ask for everything, and are never read."""
    with silent(server.web, 90, upgrade(server.token)) as sockets:
        while time.monotonic() < until:
            for one in sockets:
                _send(one, masked(9, b"x" * 100) * 50 + masked(1, b'{"logs":true}'))
            time.sleep(0.05)


def idle(server: Server, until: float) -> None:
    """Ten thousand connections that say nothing: half of them to devices' ports, half to the web."""
    with ExitStack() as open:
        for port in (*server.ports.values(), server.web):
            count = 5000 if port == server.web else 5000 // len(server.ports)
            open.enter_context(silent(port, count))
        _wait(until)


def comers(server: Server, until: float) -> None:
    """Connections that come and go, as fast as they can."""
    while time.monotonic() < until:
        for port in (*server.ports.values(), server.web):
            with silent(port, 100, b"x"):
                pass


def slow_loris(server: Server, until: float) -> None:
    """A thousand connections to each port on which a byte comes now and then."""
    words = {name: noise(60) for name in server.ports} | {"osmand": b"GET /?id=1&lat=1" + b"0" * 10_000}
    with ExitStack() as open:
        crowds = [(open.enter_context(silent(port, 1000)), words[name]) for name, port in server.ports.items()]
        crowds.append((open.enter_context(silent(server.web, 1000)), b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000))
        for number in itertools.count():
            for connections, word in crowds:
                trickle(connections, word[number % len(word) :][:1], 1.0)
            if time.monotonic() > until:
                return


def noisy(server: Server, until: float) -> None:
    """Noise on fifty connections at once, as much as is taken."""
    words = [noise(65536, seed) for seed in range(8)]
    while time.monotonic() < until:
        with ExitStack() as open:
            connections = [one for port in server.ports.values() for one in open.enter_context(silent(port, 12))]
            for one, word in zip(connections, itertools.cycle(words), strict=False):
                for _ in range(20):
                    _send(one, word)


def flood(server: Server, until: float, count: int = 1) -> None:
    """A device that sends as much as is taken, however long it takes to be told that it was; or some of them."""
    while time.monotonic() < until:
        with suppress(ConnectionError):  # cut off: once more
            _flood(server, until, count)


def _flood(server: Server, until: float, count: int) -> None:
    with ExitStack() as open:
        port = server.ports["gt06"]
        connections = [open.enter_context(socket.create_connection((HOST, port), 10)) for _ in range(count)]
        unsent = [b""] * count
        for device, connection in enumerate(connections, FLOODER):
            connection.sendall(login(device))
            connection.setblocking(False)
        for first in itertools.count(0, 500):
            for at in range(count):
                said = (report(FLOODER + at, first + number, START_OF_TESTS) for number in range(500))
                unsent[at] = b"".join(said)
            while any(unsent):
                for at, connection in enumerate(connections):
                    try:
                        unsent[at] = unsent[at][connection.send(unsent[at]) :]
                        connection.recv(1 << 16)
                    except BlockingIOError:
                        pass
                if time.monotonic() > until:
                    return
                time.sleep(0.001)


def forged(server: Server, until: float) -> None:
    """Datagrams, each from another address, as fast as they can be sent."""
    port = server.ports["teltonika"]
    for number in itertools.count():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((f"127.{number >> 16 & 127}.{number >> 8 & 255}.{number & 255 or 1}", 0))
            for word in (HELLO % b"%015d" % number, noise(200, number), bytes(DATAGRAM) if number % 100 == 0 else b"x"):
                try:
                    sender.sendto(word, (HOST, port))
                except OSError:
                    pass  # the queue is full
        if time.monotonic() > until:
            return


def unknown(server: Server, until: float) -> None:
    """A million ids that nobody knows, on a hundred connections, as fast as they are taken."""
    began = time.monotonic()
    with ExitStack() as open:
        connections = open.enter_context(silent(server.ports["gt06"], 100))
        unsent = [b""] * len(connections)
        number = 0
        while time.monotonic() < until and (number < 1_000_000 or any(unsent)):
            for at, connection in enumerate(connections):
                if not unsent[at] and number < 1_000_000:
                    unsent[at] = b"".join(login_of(10**14 + id) for id in range(number, number + 100))
                    number += 100
                try:
                    unsent[at] = unsent[at][connection.send(unsent[at]) :]
                except OSError:
                    pass  # it takes no more at the moment
            time.sleep(0.001)
        heard = 0  # connections of which all is read: the kernel keeps much of what is sent
        for connection in connections:
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(max(0.1, until - time.monotonic()))
            with suppress(OSError):
                while connection.recv(1 << 16):
                    pass
                heard += 1
    print(
        f"{number:,} ids, {heard} of {len(connections)} connections heard in {time.monotonic() - began:.0f} s",
        flush=True,
    )


def many_requests(server: Server, until: float) -> None:
    """Requests of fifty clients that do not read the answers."""
    asked = request("GET", "/api/server") * 500
    while time.monotonic() < until:
        with silent(server.web, 50, asked):
            time.sleep(0.5)


def hungry(server: Server, until: float) -> None:
    """Twenty clients that ask for a whole day of a device, again and again, and take the answers as fast as they come."""
    server.sql(DAY, [imei(FLOODER)])
    [device] = server.call("GET", f"/api/devices?uniqueId={imei(FLOODER)}")
    day = f"/api/positions?deviceId={device['id']}&from=2025-12-01T00:00:00Z&to=2025-12-02T00:00:00Z"
    asked = request("GET", day, f"Authorization: Bearer {server.token}") * 100
    with silent(server.web, 20, asked) as clients:
        while time.monotonic() < until:
            for client in select.select(clients, [], [], 0.1)[0]:
                client.recv(1 << 20)


def guessers(server: Server, until: float) -> None:
    """A hundred clients that guess passwords, each of another user, as fast as they are told that they were wrong."""
    with silent(server.web, 100) as clients:
        for number in itertools.count():
            for at, client in enumerate(clients):
                body = f"email=nobody{number}-{at}@example.org&password=guessed".encode()
                form = "Content-Type: application/x-www-form-urlencoded"
                _send(client, request("POST", "/api/session", form, body=body))
            for client in select.select(clients, [], [], 0.1)[0]:
                client.recv(1 << 16)
            if time.monotonic() > until:
                return


ATTACKS: dict[str, Callable[[Server, float], None]] = {
    "sockets that never read": deaf_sockets,
    "10,000 idle connections": idle,
    "connections that come and go": comers,
    "slow loris": slow_loris,
    "noise": noisy,
    "a device that floods": flood,
    "fifty devices that flood": partial(flood, count=FLOODERS),
    "forged senders of datagrams": forged,
    "10^6 unknown ids": unknown,
    "answers that are not read": many_requests,
    "answers without end": hungry,
    "guessed passwords": guessers,
}


@define
class Line:
    """What one attack did."""

    name: str
    acknowledged: float  # a second
    p50: float  # s
    p99: float
    most: float
    memory: float  # MB
    fullest: str  # tables

    def shown(self) -> str:
        times = " ".join(f"{seconds * 1000:8.1f}" for seconds in (self.p50, self.p99, self.most))
        return f"{self.name:30} {self.acknowledged:7.0f} {times} {self.memory:7.0f}   {self.fullest}"


HEADING = f"{'':30} {'stored/s':>7} {'p50 ms':>8} {'p99 ms':>8} {'most ms':>8} {'MB':>7}   fullest tables"


@define(eq=False)
class Hostile:
    """`seconds` of each attack."""

    seconds: float = 10.0
    say: Callable[[str], None] = print
    server: Server = field(factory=lambda: Server(("gt06", "teltonika", "osmand", "iotm")))
    flock: Flock = field(init=False)
    lines: list[Line] = field(factory=list)
    faults: list[str] = field(factory=list)

    def run(self, names: Sequence[str] = ()) -> Hostile:
        many_files()
        try:
            self.server.start()
            self.server.administrator()
            self.server.devices([imei(number) for number in range(DEVICES + FLOODERS)])
            self.flock = Flock(self.server.ports["gt06"], DEVICES, rate=RATE, measured=MEASURED)
            self.flock.begin()
            try:
                while self.flock.connected < DEVICES:
                    time.sleep(0.01)
                time.sleep(1)
                self._measure("in peace", _peace)
                for name in names or ATTACKS:
                    self._measure(name, ATTACKS[name])
                    self._calm()
                self._measure("in peace again", _peace)
            finally:
                self.flock.end()
            log = (self.server.data / "log").read_text("utf-8", "replace")
            self.faults += [f"in the log: {line[:500]}" for line in trouble(log)[:5]]
            self.say(f"{log.count(chr(10))} lines in the log, {len(log) // 1024} KB")
        finally:
            self.server.remove()
        return self

    def _measure(self, name: str, attack: Callable[[Server, float], None]) -> None:
        began, first, memory = time.monotonic(), self.flock.total, 0.0
        until = began + self.seconds
        fullest: dict[str, tuple[float, float]] = {}
        with _elsewhere(attack, self.server, until) as process:
            while time.monotonic() < until and process.is_alive():
                memory = max(memory, self.server.memory())
                for table, (value, limit) in self._tables().items():
                    if value >= fullest.get(table, (0.0, 0.0))[0]:
                        fullest[table] = value, limit
                    if value > limit and table not in NEEDED:
                        self.faults.append(f"{name}: {table} is {value:g}, and may be {limit:g}")
                time.sleep(0.2)
        seconds = time.monotonic() - began
        waits = sorted(self.flock.waits(first, self.flock.total))
        if not waits:
            self.faults.append(f"{name}: nothing was acknowledged")
            waits = [float("inf")]
        p50, p99 = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
        full = sorted(((value / limit, table) for table, (value, limit) in fullest.items() if value), reverse=True)
        shown = ", ".join(f"{table.removeprefix('trackd_')} {share:.0%}" for share, table in full[:3])
        line = Line(name, len(waits) / seconds, p50, p99, waits[-1], memory, shown)
        self.lines.append(line)
        self.say(line.shown())
        if p99 > P99:
            self.faults.append(f"{name}: devices wait for {p99 * 1000:.0f} ms")

    def _calm(self) -> None:
        """Wait until the server is done with what the attack has left."""
        until = time.monotonic() + CALM
        while self._tables()["trackd_connections_without_device"][0] > 1 and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1)

    def _tables(self) -> dict[str, tuple[float, float]]:
        """What has a limit by /metrics, and the limit; of several of a name the fullest."""
        values: dict[str, float] = {}
        for name, value in re.findall(r"^(trackd_\w+)(?:{.*})? (\S+)$", self.server.call("GET", "/metrics"), re.M):
            values[name] = max(values.get(name, 0.0), float(value))
        limits = {name.removesuffix("_limit"): limit for name, limit in values.items() if name.endswith("_limit")}
        return {name: (values[name], limit) for name, limit in limits.items() if name in values and limit}


@contextmanager
def _elsewhere(work: Callable[[Server, float], None], server: Server, until: float) -> Iterator[Any]:
    """Have this done by another process meanwhile, which is given."""

    def attack() -> None:
        os.nice(BEHIND)
        work(server, until)

    process: Any = _context.Process(target=attack, daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.join(5)
        process.kill()
        process.join()


def _peace(server: Server, until: float) -> None:
    _wait(min(until, time.monotonic() + PEACE))


def _wait(until: float) -> None:
    time.sleep(max(0.0, until - time.monotonic()))


def _send(connection: socket.socket, data: bytes) -> None:
    try:
        connection.send(data)
    except OSError:
        pass  # it takes no more, or is closed


def main(seconds: float = 10.0, *names: str) -> None:
    print(HEADING)
    hostile = Hostile(seconds, say=lambda text: print(text, flush=True)).run(names)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print("\n".join([f"{len(hostile.faults)} faults", *hostile.faults[:20]]))
    if hostile.faults:
        raise SystemExit(1)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0, *sys.argv[2:])
