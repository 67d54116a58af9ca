"""
The kill ledger with two servers on one database: devices go from one to the other, and either may die.

    python -m benchmarks.durability.twins [COUNT [SEED]]

As `kills`, but each device changes its server all the time, and some say everything to both at once; meanwhile one of
the servers, both, the database, or one of the database's processes is killed. The ledger holds all the same: what was
acknowledged by either is stored once, and events and states agree with the positions. Ends with 1 if not.
"""

from __future__ import annotations

import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from threading import Event, Thread

from attrs import define, field

from benchmarks.durability import devices
from benchmarks.durability.devices import PATIENCE, Osmand, exactly
from benchmarks.durability.ending import ended
from benchmarks.durability.kills import Experiment, Figures
from benchmarks.server import Server


class Loud(Osmand):
    """Says each report to all servers that are there at the same time; it is acknowledged when one of them says so."""

    def connect(self) -> ExitStack:  # type: ignore[override]
        connections = ExitStack()
        self.open_ones = []
        for port in self.ports:
            try:
                connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
            except OSError:
                continue
            self.open_ones.append(connections.enter_context(connection))
        if not self.open_ones:
            raise ConnectionError("nobody is there")
        return connections

    def exchange(self, connection: ExitStack, numbers: list[int]) -> Iterator[int]:  # type: ignore[override]
        for number in numbers:
            request = f"GET {self.address(number)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
            for one in self.open_ones:
                one.sendall(request)
            answered = [self._answered(one) for one in self.open_ones]
            if any(answered):
                yield number
            else:
                self.refusals += 1

    def _answered(self, connection: socket.socket) -> bool:
        """The server has taken it. Answers have no body."""
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += exactly(connection, 1)
        return answer.startswith(b"HTTP/1.1 200")


@define
class TwinFigures(Figures):
    """What has happened, and what is wrong."""

    moves: int = 0  # of devices, from one server to the other
    returned: int = 0  # reports that a server had in hand when their device was the other's; those of killed ones aside

    def shown(self) -> str:
        lines = [f"moves from server to server  {self.moves:9}", f"of these with reports in hand{self.returned:9}"]
        return "\n".join([*lines, super().shown()])


@define(eq=False)
class Twins(Experiment):
    """`server` has the database of both."""

    figures: TwinFigures = field(factory=TwinFigures)
    server: Server = field(factory=lambda: Server(devices.FORMATS, {"metrics.allow": "127.0.0.1"}))
    other: Server = field(factory=lambda: Server(devices.FORMATS, {"metrics.allow": "127.0.0.1"}))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        for device in self.fleet:
            [name] = [name for name, port in self.server.ports.items() if port == device.port]
            device.ports = (device.port, self.other.ports[name])
        for number in range(self.each):
            loud = Loud(f"8600000001{number:05d}", self.server.ports["osmand"], Random(f"{self.seed} loud {number}"))
            loud.ports = (loud.port, self.other.ports["osmand"])
            self.fleet.append(loud)

    def run(self) -> TwinFigures:
        stop = Event()
        threads = [Thread(target=device.live, args=(stop,), daemon=True) for device in self.fleet]
        try:
            self.server.start()
            self.other.settings |= {"database.url": self.server.database.dsn}
            self.other.start()
            self.known()
            self.under_load(threads, stop)
            self.count_up()
            self.settled()
            self.compare()
            self.again()
            self.compare()
        finally:
            stop.set()
            self.other.remove()
            self.server.remove()
        return self.figures

    def one(self) -> None:
        """One death (or two), and the way back. For a while the devices have one server alone."""
        self.pause(1.5)
        kinds = {
            "of the first": self.of_first,
            "of the second": self.of_second,
            "of both": self.of_servers,
            "in a transaction": self.in_transaction,
            "of PostgreSQL": self.of_postgres,
            "of a process of PostgreSQL": self.of_child,
        }
        untried = [kind for kind in kinds if kind not in self.figures.slowest]
        [kind] = untried[:1] or self.random.choices(list(kinds), (4, 4, 2, 2, 1, 2))
        kinds[kind]()
        began = time.monotonic()
        for server in (self.server, self.other):
            if server.process is None:
                server.start()
        self.progress(kind, began)

    def of_first(self) -> None:
        self._die(self.server, "of the first")
        self.pause(1.0)

    def of_second(self) -> None:
        self._die(self.other, "of the second")
        self.pause(1.0)

    def of_servers(self) -> None:
        for server in self.random.sample((self.server, self.other), 2):
            self._die(server, "of both")
            self.pause(0.2)

    def _die(self, server: Server, kind: str) -> None:
        self.figures.returned += returned(server)
        server.stop(signal.SIGKILL)
        self.figures.kills[kind] += 1

    def settled(self) -> None:
        """What the servers say when nothing is on its way any more; mistakes of theirs are faults."""
        for server in (self.server, self.other):
            log = (server.data / "log").read_text("utf-8", "replace")
            self.figures.faults += [f"in a log: {line}" for line in log.splitlines() if "Traceback" in line]
        self.figures.returned += returned(self.server) + returned(self.other)
        [(self.figures.moves,)] = self.server.sql(
            "SELECT coalesce(sum(greatest(epoch - 1, 0)), 0)::bigint FROM device_states"
        )


def returned(server: Server) -> int:
    """Of the figures of a server: reports that have gone their way again."""
    try:
        found = re.search(r"^trackd_returned_total (\S+)", server.call("GET", "/metrics"), re.MULTILINE)
    except (OSError, SystemExit):
        return 0
    return int(float(found[1])) if found else 0


def main(count: int = 60, seed: int = 1) -> None:
    began = time.monotonic()
    figures = Twins(count, seed).run()
    print(figures.shown())
    ended(figures.faults, began)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
