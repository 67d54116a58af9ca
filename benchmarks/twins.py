"""
What a second server on the same database costs the first, and how soon its clients hear of the first one's devices.

    python -m benchmarks.twins [SECONDS]

Devices are on the first server, the socket client on either. PostgreSQL, the generator and both servers share this
machine's processors. Loopback only; ends by itself.
"""

from __future__ import annotations

import sys

from attrs import define, field

from benchmarks.generator import Load, imei
from benchmarks.server import Server
from benchmarks.spine import CONNECTIONS, WINDOW, generate

RATE = 200.0  # reports a second, for the delays


@define(eq=False)
class Pair:
    """Two servers; the first has the database of both."""

    formats: tuple[str, ...] = ("gt06",)
    settings: dict[str, object] = field(factory=dict)
    first: Server = field(init=False)
    second: Server = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.first, self.second = (Server(self.formats, dict(self.settings)) for _ in range(2))

    def start(self) -> None:
        """Start the first, with an administrator."""
        self.first.start()
        self.first.administrator()

    def join(self) -> None:
        """Start the second."""
        self.second.settings["database.url"] = self.first.database.dsn
        self.second.token = self.first.token
        self.second.start()

    def remove(self) -> None:
        self.second.remove()
        self.first.remove()


def main(seconds: float = 10.0) -> None:
    pair, days = Pair(), 20.0
    first, second = pair.first, pair.second

    def load(rate: float, web: int, clients: int) -> Load:
        nonlocal days
        days -= 1  # later than what was said before, or it would be no news
        tokens = [first.token] * clients
        return Load(first.ports["gt06"], web, tokens, CONNECTIONS, WINDOW, seconds, rate, days)

    def cost(what: str, clients: int = 0, joined: bool = True) -> None:
        before = second.cpu() if joined else 0.0
        said, used = generate(first, load(0, second.web if clients else first.web, clients))
        count: int = said["acknowledged"]
        beside = (second.cpu() - before if joined else 0.0) / count * 1e6
        rate = count / said["seconds"]
        of_first, of_database = used.server / count * 1e6, used.database / count * 1e6
        print(
            f"{what:40}{rate:8.0f} reports/s {of_first:6.1f} µs/report, {beside:5.1f} µs on the second, "
            f"{of_database:5.1f} µs of PostgreSQL"
        )

    def delay(what: str, server: Server) -> None:
        said, _ = generate(first, load(RATE, server.web, 1))
        found = sorted(said["latencies"])
        if len(found) < RATE * seconds * 0.99:
            raise SystemExit(f"only {len(found)} reports were heard")
        middle, late = found[len(found) // 2], found[int(len(found) * 0.99)]
        print(f"{what:40}{middle * 1000:8.1f} ms, p99 {late * 1000:.1f} ms")

    try:
        pair.start()
        first.devices([imei(number) for number in range(CONNECTIONS)])
        cost("alone", joined=False)
        delay("alone, a client hears after", first)
        pair.join()
        cost("with a second server")
        cost("with a second, which has a client", 1)
        delay("a client of the first hears after", first)
        delay("a client of the second hears after", second)
    finally:
        pair.remove()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
