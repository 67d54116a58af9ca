"""
The same report again, in all the ways in which it comes: it is acknowledged each time, and stored once.

    python -m benchmarks.durability.again [REPORTS [SEED]]

Devices of all the ways of acknowledging say REPORTS each, of which every tenth has the second of the one before. Then
they say all of them again: at once, in another order and in other frames, over two connections at the same time, a day
later, after a restart, after a kill, together with new ones that are older. What differs in a single value is another
report and is stored. The database must have each one once, with its events. Ends with 1 if something is wrong.
"""

from __future__ import annotations

import http.client
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from urllib.parse import urlencode

from attrs import define, field

from benchmarks.durability import clocked, devices, kills
from benchmarks.durability.devices import WINDOW, Device, connected
from benchmarks.durability.ending import ended

TRIES = 30
# What a report may differ in from another one of the same second.
BESIDES = {
    "batt": "50",
    "speed": "7",
    "bearing": "8",
    "altitude": "9",
    "accuracy": "10",
    "alarm": "sos",
    "lat": "48.50001",
    "timestamp": "1767225601",
}


@define(eq=False)
class Experiment(kills.Experiment):
    """`count` reports of each device."""

    clock: Path = field(init=False)
    took: dict[str, tuple[int, float]] = field(factory=dict)  # by way of coming again: reports, and s

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.clock = self.server.data / "clock"
        clocked.put(self.clock, None)
        self.server.twistd = [sys.executable, "-m", "benchmarks.durability.clocked", str(self.clock)]
        # The frame and the address that a report comes in and from are not of the report.
        self.server.settings |= {"database.saveOriginal": "true", "processing.remoteAddress.enable": "true"}

    def run(self) -> kills.Figures:
        try:
            self.server.start()
            self.server.sql(
                "INSERT INTO devices (name, unique_id) SELECT id, id FROM unnest(%s) AS id",
                [[device.unique_id for device in self.fleet] + ["besides"]],
            )
            self.besides()
            self.late = self.count // 2
            self.all("new", lambda device: self.say(device, list(range(self.late, self.count))))
            self.all("at once", self.repeat)
            self.all("older ones among them", lambda device: self.say(device, list(range(self.count))))
            self.all("in other frames", self.shuffled)
            self.all("twice at the same time", self.twice)
            clocked.put(self.clock, datetime.now(UTC) + timedelta(days=1))
            self.all("a day later", self.repeat)
            self.server.stop()
            self.server.start()
            self.all("after a restart", self.repeat)
            self.kill("while it was silent")
            self.server.start()
            self.all("after a kill", self.shuffled)
            self.count_up()
            self.compare()
            self.besides_stored()
        finally:
            self.server.remove()
        return self.figures

    # The ways

    def all(self, way: str, work: Callable[[Device], None]) -> None:
        """All devices at the same time."""
        began = time.monotonic()

        threads = [Thread(target=work, args=(device,)) for device in self.fleet]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.took[way] = self.count * len(self.fleet), time.monotonic() - began

    def say(self, device: Device, numbers: list[int], window: int = WINDOW) -> None:
        """All of these, in their order, until they are acknowledged."""
        device.next = max(device.next, *(number + 1 for number in numbers))
        parts = deque(numbers[start : start + window] for start in range(0, len(numbers), window))
        for _ in range(TRIES):
            try:
                with connected(device.connect) as connection:
                    while parts:
                        device.repeats += len(device.acknowledged.intersection(parts[0]))
                        heard = set(device.exchange(connection, parts[0]))
                        device.acknowledged |= heard
                        if heard.issuperset(parts[0]):
                            parts.popleft()
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(devices.PAUSE)  # the answer to a datagram may come too late
        self.figures.faults.append(f"{type(device).__name__}: {len(parts)} frames are not acknowledged")

    def repeat(self, device: Device) -> None:
        self.say(device, sorted(device.acknowledged))

    def shuffled(self, device: Device) -> None:
        """Here a few, there a few: what was one frame is several, and the other way round."""
        numbers = sorted(device.acknowledged)
        device.random.shuffle(numbers)
        self.say(device, numbers, 7)

    def twice(self, device: Device) -> None:
        numbers = sorted(device.acknowledged)
        both = [Thread(target=self.say, args=(device, numbers)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()

    # What is not the same

    def besides(self) -> None:
        """Reports of one second that differ in one value, each of them twice."""
        same = {"id": "besides", "timestamp": "1767225600", "lat": "48.5", "lon": "11.5"}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.ports["osmand"], timeout=devices.PATIENCE)
        for said in [same, *({**same, name: value} for name, value in BESIDES.items())] * 2:
            connection.request("GET", "/?" + urlencode(said))
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                self.figures.faults.append(f"{said} is not acknowledged")
        connection.close()

    def besides_stored(self) -> None:
        [(count,)] = self.server.sql(
            "SELECT count(*) FROM positions p JOIN devices d ON d.id = p.device_id WHERE d.unique_id = 'besides'"
        )
        if count != len(BESIDES) + 1:
            self.figures.faults.append(f"of {len(BESIDES) + 1} reports of one second {count} are stored")


def main(count: int = 2000, seed: int = 1) -> None:
    began = time.monotonic()
    experiment = Experiment(count, seed)
    figures = experiment.run()
    print(figures.shown())
    for way, (reports, seconds) in experiment.took.items():
        print(f"{way:28}{reports / seconds:10,.0f} reports/s")
    ended(figures.faults, began)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
