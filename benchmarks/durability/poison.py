"""
Poison among good reports: what the database refuses, or what nobody should have sent, harms no other report.

    python -m benchmarks.durability.poison [GOOD]

Devices push GOOD good reports, and between them others push texts with NUL, absurd numbers and dates, enormous values,
halves of characters. Whatever is acknowledged must be stored, or be in the quarantine with reason, frame and device;
whatever is not must be neither. Then the server is started again, and each of the poisoners must be able to report.
Everything is on loopback, in a folder of its own that is gone afterwards. Ends with 1 if something is wrong.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections import Counter
from typing import Any

from attrs import define, field, frozen

from benchmarks.durability.ending import ended
from benchmarks.generator import ACKNOWLEDGEMENT, START_OF_TESTS, imei, login, report
from benchmarks.server import Server

PUSHERS = 20
PATIENCE = 15.0  # s
BEYOND = "9" * 400  # a number that is infinite as a float
WHEN = 1767225600  # the beginning of 2026
GOOD = "010126;{:06};5544.6025;N;03739.6834;E;10;20;30;9"
NOWHERE = "010126;{:06};NA;NA;NA;NA;NA;NA;NA;NA"
PLACE = {"latitude": 48.5, "longitude": 11.5, "accuracy": 1, "speed": 1, "heading": 1, "altitude": 1}


@frozen
class Poison:
    """
    What is sent over `format`, and how many rows become of it if it is acknowledged: stored, and in the quarantine.

    None of either: it is not acknowledged.
    """

    name: str
    format: str
    data: bytes
    stored: int = 1
    quarantined: int = 0


def boxed(*records: str) -> bytes:
    return f"#B#{'|'.join(records)}\r\n".encode()


def query(text: str) -> bytes:
    return f"GET /?id=ID&lat=48.5&lon=11.5{text} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()


def posted(body: str) -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n{body}".encode()


def message(extras: Any = None, timestamp: str = "2026-01-01T00:00:00Z", **coords: Any) -> bytes:
    told = {"timestamp": timestamp, "coords": PLACE | coords, "extras": extras or {}}
    return posted(json.dumps({"device_id": "ID", "location": told}))


POISONS = (
    Poison("an infinite altitude", "wialon", boxed(GOOD.format(1).replace(";30;", f";{BEYOND};")), 0, 1),
    Poison("an infinite speed", "wialon", boxed(GOOD.format(1).replace(";10;", f";{BEYOND};")), 0, 1),
    Poison(
        "an infinite course between two good ones",
        "wialon",
        boxed(GOOD.format(1), GOOD.format(2).replace(";20;", f";{BEYOND};"), GOOD.format(3)),
        2,
        1,
    ),
    Poison(
        "an infinite altitude before one without a fix",
        "wialon",
        boxed(GOOD.format(1).replace(";30;", f";{BEYOND};"), NOWHERE.format(2)),
        1,
        1,
    ),
    Poison("NUL in a value", "wialon", boxed(GOOD.format(1) + ";1.0;1;1;;NA;a:3:\0b")),
    Poison("NUL in a name", "wialon", boxed(GOOD.format(1) + ";1.0;1;1;;NA;\0a:3:b")),
    Poison("NUL in a query", "osmand", query(f"&timestamp={WHEN}&note=a%00b&na%00me=%00")),
    Poison("half a character in a query", "osmand", query(f"&timestamp={WHEN}&note=%ED%A0%80&%ED%BF%BF=%FF")),
    Poison("separators of the statement", "osmand", query(f"&timestamp={WHEN}&note=%1E%1F%1E{{}}'%5C")),
    Poison(
        "absurd numbers in a query", "osmand", query(f"&timestamp={WHEN}&a=1e400&b=-1e308&c=NaN&hdop=1e999&d={BEYOND}")
    ),
    Poison("an absurd place", "osmand", query(f"&timestamp={WHEN}&lat=1e308"), 0),
    Poison("a number of 3,000 digits", "osmand", query(f"&timestamp={WHEN}&a=" + "9" * 3_000)),
    Poison("a number of 20,000 digits", "osmand", query(f"&timestamp={WHEN}&a=" + "9" * 20_000), 0),
    Poison("the first second there is", "osmand", query("&timestamp=-62135596800")),
    Poison("the last second there is", "osmand", query("&timestamp=253402300799999")),
    Poison("the second after the last one", "osmand", query("&timestamp=253402300800000"), 0),
    Poison("a date beyond all", "osmand", query("&timestamp=9223372036854775807"), 0),
    Poison("1980", "osmand", query("&timestamp=315964800")),
    Poison("2080", "osmand", query("&timestamp=3471292800")),
    Poison("a leap day", "osmand", query("&timestamp=2028-02-29T23:59:59Z")),
    Poison("a leap day that is none", "osmand", query("&timestamp=2100-02-29T00:00:00Z"), 0),
    Poison("NUL in JSON", "osmand", message({"a\0b": "\0"})),
    Poison("half a character in JSON", "osmand", message({"\ud800": "\udfff"}), 0),
    Poison("JSON of infinite numbers", "osmand", message({"n": 2**80}, altitude=1e308)),
    Poison("a text of 50 kB", "osmand", message({"text": "x" * 50_000})),
    Poison("a text of 1 MB", "osmand", message({"text": "x" * 1_000_000}), 0),
    Poison("a value of 1 MB", "wialon", boxed(GOOD.format(1) + ";1.0;1;1;;NA;a:3:" + "x" * 1_000_000), 0),
)


@define
class Figures:
    good: int = 0
    acknowledged: int = 0  # of the good ones
    stored: int = 0
    quarantined: int = 0
    slowest: float = 0.0  # s, until all good ones were acknowledged
    faults: list[str] = field(factory=list)

    def shown(self) -> str:
        return "\n".join(
            [
                f"good reports                {self.good:10}",
                f"  acknowledged              {self.acknowledged:10}",
                f"  stored                    {self.stored:10}",
                f"poisons                     {len(POISONS):10}",
                f"  in the quarantine         {self.quarantined:10}",
                f"all acknowledged after      {self.slowest:10.2f} s",
                f"faults                      {len(self.faults):10}",
                *self.faults,
            ]
        )


@define(eq=False)
class Experiment:
    good: int = 1000
    figures: Figures = field(factory=Figures)
    server: Server = field(factory=lambda: Server(("gt06", "osmand", "wialon")))

    def run(self) -> Figures:
        try:
            self.server.start()
            ids = [imei(number) for number in range(PUSHERS + len(POISONS))]
            self.server.sql(
                "INSERT INTO devices (name, unique_id) VALUES " + ", ".join(f"('{id}', '{id}')" for id in ids)
            )
            acknowledged = self.push()
            self.compare(acknowledged)
            self.server.stop()
            self.server.start()
            self.afterwards()
        finally:
            self.server.remove()
        return self.figures

    def connected(self, format: str, number: int) -> socket.socket:
        """A connection on which the device of this number may report."""
        connection = socket.create_connection(("127.0.0.1", self.server.ports[format]), PATIENCE)
        if format == "gt06":
            connection.sendall(login(number))
            received(connection, ACKNOWLEDGEMENT)
        elif format == "wialon":
            connection.sendall(f"#L#{imei(number)};NA\r\n".encode())
            received(connection, len("#AL#1\r\n"))
        return connection

    def push(self) -> list[bool]:
        """Send it all at once; which of the poisons were acknowledged."""
        each = self.figures.good = self.good // PUSHERS
        self.figures.good = each * PUSHERS
        pushers = [self.connected("gt06", number) for number in range(PUSHERS)]
        poisoners = [self.connected(poison.format, PUSHERS + at) for at, poison in enumerate(POISONS)]
        try:
            began = time.monotonic()
            half = each // 2
            for number, pusher in enumerate(pushers):
                pusher.sendall(b"".join(report(number, at, START_OF_TESTS) for at in range(half)))
            for at, (poison, poisoner) in enumerate(zip(POISONS, poisoners, strict=True)):
                poisoner.sendall(self.said(poison, imei(PUSHERS + at)))
            for number, pusher in enumerate(pushers):
                pusher.sendall(b"".join(report(number, at, START_OF_TESTS) for at in range(half, each)))
            for pusher in pushers:
                self.figures.acknowledged += len(received(pusher, each * ACKNOWLEDGEMENT)) // ACKNOWLEDGEMENT
            self.figures.slowest = time.monotonic() - began
            return [told(poison.format, poisoner) for poison, poisoner in zip(POISONS, poisoners, strict=True)]
        finally:
            for one in (*pushers, *poisoners):
                one.close()

    def said(self, poison: Poison, id: str) -> bytes:
        if poison.format == "osmand" and poison.data.startswith(b"POST"):
            body = poison.data.partition(b"\r\n\r\n")[2].decode()
            return posted(body.replace('"device_id": "ID"', f'"device_id": "{id}"'))
        return poison.data.replace(b"id=ID", b"id=" + id.encode())

    def compare(self, acknowledged: list[bool]) -> None:
        """What is stored and what is in the quarantine, with what was acknowledged."""
        stored = Counter(dict(self.counted("positions")))
        kept = Counter(dict(self.counted("quarantine")))
        whole = Counter(dict(self.counted("quarantine", "WHERE reason <> '' AND length(frame) > 0 AND report <> ''")))
        figures = self.figures
        figures.stored = sum(stored[imei(number)] for number in range(PUSHERS))
        figures.quarantined = kept.total()
        if not figures.good == figures.acknowledged == figures.stored:
            figures.faults.append("not all good reports are acknowledged and stored")
        for at, (poison, heard) in enumerate(zip(POISONS, acknowledged, strict=True)):
            id = imei(PUSHERS + at)
            if (stored[id], kept[id]) != (poison.stored, poison.quarantined):
                figures.faults.append(f"{poison.name}: {stored[id]} stored, {kept[id]} in the quarantine")
            if heard != (stored[id] + kept[id] > 0):
                figures.faults.append(f"{poison.name}: {'' if heard else 'not '}acknowledged")
            if whole[id] != kept[id]:
                figures.faults.append(f"{poison.name}: in the quarantine without reason, frame or report")

    def afterwards(self) -> None:
        """After a new start each poisoner's device is loaded, and takes part again."""
        before = Counter(dict(self.counted("positions")))
        for at, poison in enumerate(POISONS):
            id = imei(PUSHERS + at)
            for second in (1, 2):
                with self.connected("osmand", 0) as connection:
                    connection.sendall(
                        query(f"&timestamp={int(time.time()) + second}").replace(b"id=ID", b"id=" + id.encode())
                    )
                    if not told("osmand", connection):
                        self.figures.faults.append(f"{poison.name}: its device is not heard any more")
        after = Counter(dict(self.counted("positions")))
        for at, poison in enumerate(POISONS):
            if (count := (after - before)[imei(PUSHERS + at)]) != 2:
                self.figures.faults.append(f"{poison.name}: {count} of two later reports are stored")

    def counted(self, table: str, condition: str = "") -> list[tuple[str, int]]:
        """Rows of each device."""
        return self.server.sql(
            f"SELECT d.unique_id, count(*) FROM {table} t JOIN devices d ON d.id = t.device_id {condition} GROUP BY 1"
        )


def received(connection: socket.socket, size: int) -> bytes:
    """So many bytes, or as many as come."""
    data = b""
    try:
        while len(data) < size and (more := connection.recv(size - len(data))):
            data += more
    except OSError:
        pass
    return data


def told(format: str, connection: socket.socket) -> bool:
    """Whether an acknowledgement comes."""
    if format == "wialon":
        return received(connection, len("#AB#1\r\n")).startswith(b"#AB#")
    return received(connection, len("HTTP/1.1 200")) == b"HTTP/1.1 200"


def main(good: int = 1000) -> None:
    began = time.monotonic()
    figures = Experiment(good).run()
    print(figures.shown())
    ended(figures.faults, began)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
