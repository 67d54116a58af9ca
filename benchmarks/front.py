"""
What clients wait for: long lists, a day of one device, log-ins, and positions on many live sockets.

    python -m benchmarks.front [SECONDS]

PostgreSQL, the clients and the server share this machine's processors. `peak` is by how much the memory of the server
has grown at most, after it has answered the same question once. Loopback only; ends by itself.
"""

from __future__ import annotations

import http.client
import secrets
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from attrs import define, frozen

from benchmarks.generator import Load, imei
from benchmarks.scale import AUDIENCE
from benchmarks.server import Server
from benchmarks.spine import generate

DEVICES = 10_000
ROWS = 86_400  # positions of one device, a second apart
TIMES = 5  # that a question is asked
CLIENTS = 200
RATE = 1_000  # reports a second, of this many devices, which all clients see:
SENDERS = 100
ENTERING = 8  # clients that log in at the same time

# The positions of the first device go back from this moment; all other devices have one of it.
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@frozen
class Figure:
    """One question: seconds until the whole answer is there, seconds of CPU, bytes, and megabytes of memory."""

    seconds: float
    cpu: float
    bytes: int
    peak: float


@define(eq=False)
class Front:
    server: Server
    devices: int = DEVICES
    rows: int = ROWS
    clients: int = CLIENTS

    def fill(self) -> None:
        """Devices of the administrator, the day of the first of them, the latest positions of the others."""
        self.server.sql(FILL, [self.devices])
        self.server.sql(POSITIONS, [MIDNIGHT, self.rows, MIDNIGHT])
        self.server.sql("ANALYZE")
        self.server.sql("CHECKPOINT")

    def ask(self, path: str, rest: float = 0.0) -> Figure:
        """Ask once; `rest`: s for which the client reads nothing after the first piece."""
        server = self.server
        connection = http.client.HTTPConnection("127.0.0.1", server.web, timeout=60)
        before, cpu, began = server.memory(), server.cpu(), time.perf_counter()
        forget_peak(server)
        connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
        answer = connection.getresponse()
        count = len(answer.read(65536))
        time.sleep(rest)
        while piece := answer.read(1 << 20):
            count += len(piece)
        took = time.perf_counter() - began
        connection.close()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}")
        return Figure(took, server.cpu() - cpu, count, peak(server) - before)

    def line(self, name: str, path: str, aim: str = "") -> None:
        """Ask several times; the first time warms up, and of the others the median counts."""
        self.ask(path)
        asked = sorted((self.ask(path) for _ in range(TIMES)), key=lambda one: one.seconds)
        one, highest = asked[len(asked) // 2], max(figure.peak for figure in asked)
        cpu = sum(figure.cpu for figure in asked) / len(asked)
        print(
            f"{name:30}{one.seconds * 1000:8.0f} ms{cpu * 1000:8.0f} ms CPU{one.bytes / 1e6:8.1f} MB"
            f"{highest:8.1f} MB peak   {aim}",
            flush=True,
        )

    def day(self) -> str:
        """The address of the day of the first device."""
        [(id,)] = self.server.sql("SELECT min(id) FROM devices")
        span = {"from": f"{MIDNIGHT - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}", "to": f"{MIDNIGHT:%Y-%m-%dT%H:%M:%SZ}"}
        return f"/api/positions?{urlencode({'deviceId': id, **span})}"

    def entering(self, seconds: float) -> None:
        """Log in and out again, as fast as several clients can."""
        [(email,)] = self.server.sql("SELECT email FROM users WHERE administrator")
        users = Entering(self.server.web, {"email": email, "password": self.server.password}, seconds)
        cpu = self.server.cpu()
        count, took = users.run()
        used = self.server.cpu() - cpu
        print(f"{'log-ins':30}{count / took:8.0f} /s{used / count * 1000:8.0f} ms CPU each", flush=True)

    def fan_out(self, seconds: float) -> None:
        """Reports of some devices to clients that are users of their own, and all see all of these."""
        ids = [imei(number) for number in range(SENDERS)]
        self.server.sql("INSERT INTO devices (name, unique_id) SELECT id, id FROM unnest(%s) AS id", [ids])
        tokens = [secrets.token_urlsafe(32) for _ in range(self.clients)]
        digests = [sha256(token.encode()).digest() for token in tokens]
        seen = [ids, SENDERS, SENDERS, SENDERS]
        self.server.sql(AUDIENCE, [secrets.token_hex(4), self.clients, digests, *seen])
        [(first,)] = self.server.sql("SELECT id FROM devices WHERE unique_id = %s", [ids[0]])
        before = self.server.memory()
        load = Load(
            self.server.ports["gt06"], self.server.web, tokens, SENDERS, seconds=seconds, rate=RATE, first_id=first
        )
        forget_peak(self.server)
        said, used = generate(self.server, load, rest=1.0)
        count = int(RATE * seconds)
        late = sorted(said["latencies"])
        if not late:
            raise SystemExit("no report was heard")
        missing = f", only {len(late)} of {count} heard in time" if len(late) < count * 0.99 else ""
        print(
            f"{f'{RATE:,} reports/s to {self.clients} sockets':30}"
            f"{late[int(len(late) * 0.99)] * 1000:8.0f} ms p99, {late[len(late) // 2] * 1000:.0f} ms median{missing}"
        )
        print(
            f"{'':30}{used.server / seconds * 100:8.0f} % of a processor, {used.server / count * 1e6:.0f} µs CPU a report,"
            f" {said['heard'] / self.clients / count:.0f} bytes a report and client,"
            f" {peak(self.server) - before:.0f} MB peak",
            flush=True,
        )


@define(eq=False)
class Entering:
    """Clients that log in one time after the other, until the time is over."""

    port: int
    form: dict[str, str]
    seconds: float
    count: int = 0
    wrong: str = ""

    def run(self) -> tuple[int, float]:
        """How many log-ins there were, and how long it took."""
        began = time.perf_counter()
        threads = [threading.Thread(target=self._enter, args=[began + self.seconds]) for _ in range(ENTERING)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.wrong or not self.count:
            raise SystemExit(f"a log-in has failed: {self.wrong}")
        return self.count, time.perf_counter() - began

    def _enter(self, until: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        said, headers = urlencode(self.form), {"Content-Type": "application/x-www-form-urlencoded"}
        while time.perf_counter() < until and not self.wrong:
            connection.request("POST", "/api/session", said, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                self.wrong = f"{answer.status} {text.decode()}"
            self.count += 1
        connection.close()


def forget_peak(server: Server) -> None:
    """From now on the highest use of memory is counted anew."""
    assert server.process is not None
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def peak(server: Server) -> float:
    """The highest resident megabytes since then."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


FILL = """
WITH made AS (INSERT INTO devices (name, unique_id, attributes)
    SELECT 'Van ' || n, 'van' || n, '{"speedLimit":48.6,"deviceImage":"device.png"}'
    FROM generate_series(1, %s) n RETURNING id
), state AS (INSERT INTO device_states (device_id) SELECT id FROM made)
INSERT INTO user_device SELECT u.id, made.id FROM users u, made WHERE u.administrator
"""
POSITIONS = """
WITH said AS (
    SELECT d.id AS device_id, n, %s::timestamptz - n * interval '1 second' AS t
    FROM devices d, LATERAL generate_series(1, CASE WHEN d.id = (SELECT min(id) FROM devices) THEN %s ELSE 1 END) n
), stored AS (INSERT INTO positions (id, device_id, protocol, server_time, device_time, fix_time, valid, latitude,
        longitude, altitude, speed, course, accuracy, digest, network, attributes)
    SELECT -(device_id * 100000 + n), device_id, 'gt06', t, t, t, true, 48 + n %% 1000 / 1000.0, 11 + n %% 777 / 777.0,
        500, 20, n %% 360, 0, hashint8extended(n, 1), '{"radioType":"gsm","cellTowers":[{"cellId":5678}]}',
        '{"sat":9,"distance":27.5,"totalDistance":1234567.25,"motion":true,"ignition":true}' FROM said
)
UPDATE device_states s SET position_id = -(device_id * 100000 + 1), position_time = %s::timestamptz - interval '1 second'
"""


def main(seconds: float = 10.0, devices: int = DEVICES, rows: int = ROWS, clients: int = CLIENTS) -> None:
    # Few connections of each kind, so that there are open files for all.
    server = Server(settings={"report.maxPositions": 0, "live.connections": clients + 100, "web.connections": 100})
    try:
        server.start()
        server.administrator()
        front = Front(server, devices, rows, clients)
        front.fill()
        front.line(f"{devices:,} devices", "/api/devices", "(under 300 ms)")
        front.line(f"latest of {devices:,} devices", "/api/positions")
        front.line(f"{rows:,} positions", front.day(), "(under 1,500 ms, flat memory)")
        slow = front.ask(front.day(), rest=min(2.0, seconds))
        print(f"{'  to a client that rests':30}{slow.peak:50.1f} MB peak", flush=True)
        front.entering(seconds)
        front.fan_out(seconds)
    finally:
        server.remove()


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 10.0)
