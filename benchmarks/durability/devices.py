"""
Devices that keep a ledger: what they have said, and what of it was acknowledged.

Each sends over a connection of its own, reconnects when it is lost, and then sends again what was not acknowledged, as
real devices do; now and then it also repeats a report whose acknowledgement it has. The report of a number is always
the same, so that the ledger is a set of numbers. Every tenth report has the second of the one before.
"""

from __future__ import annotations

import http.client
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Thread
from typing import Any
from urllib.parse import urlencode

from attrs import define, field

from benchmarks.generator import framed
from trackd.wire.checksums import crc16_arc

START = datetime(2026, 1, 1, tzinfo=UTC)
LONGITUDE = 11.5
WINDOW = 20  # reports at once
REPEATED = 3  # reports that are sent again although they were acknowledged
PATIENCE = 4.0  # s, for an acknowledgement
PAUSE = 0.03  # s, between two windows, and between attempts to connect
STAYS = 20  # windows, at most, until a device that has a choice of servers goes to another
ALARM = 2  # every second report of those that can tell one: of two in a row the second is no news


def time(number: int) -> datetime:
    return START + timedelta(seconds=number - (number % 10 == 9))


def latitude(number: int) -> float:
    return 40 + number / 10_000


def number_of(latitude: float) -> int:
    """The number of the report that says this latitude."""
    return round((latitude - 40) * 10_000)


@define(eq=False)
class Device:
    """`acknowledged` and `said` are numbers of reports; those from `next` on have never been sent."""

    unique_id: str
    port: int
    random: Random
    acknowledged: set[int] = field(factory=set)
    open: list[int] = field(factory=list)  # sent and not acknowledged, in order
    next: int = 0
    repeats: int = 0  # sendings of a report that had been sent before
    refusals: int = 0
    ports: Sequence[int] = ()  # of several servers: it goes from one to the other
    thread: Thread | None = None

    def connect(self) -> Any:
        """A connection that may be used for `exchange`. OSError when there is none to be had."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def exchange(self, connection: Any, numbers: list[int]) -> Iterator[int]:
        """Send these reports; gives those that are acknowledged, one by one. OSError when the connection is lost."""
        raise NotImplementedError

    def live(self, stop: Event) -> None:
        """Send until `stop`."""
        fresh = True
        while not stop.is_set():
            if self.ports:
                self.port = self.random.choice(self.ports)
            stays = self.random.randint(1, STAYS) if self.ports else sys.maxsize
            try:
                with connected(self.connect) as connection:
                    while not stop.is_set() and stays:
                        stays -= 1
                        self.say(connection, self._numbers(fresh))
                        fresh = False
                        stop.wait(PAUSE)
                fresh = True
            except (OSError, http.client.HTTPException):
                fresh = True
                stop.wait(PAUSE)

    def repeat(self, numbers: list[int]) -> int:
        """Send these again on a new connection; how many were acknowledged."""
        count = 0
        with connected(self.connect) as connection:
            for start in range(0, len(numbers), WINDOW):
                for _ in self.exchange(connection, numbers[start : start + WINDOW]):
                    count += 1
        return count

    def say(self, connection: Any, numbers: list[int]) -> None:
        for number in self.exchange(connection, numbers):
            self.acknowledged.add(number)
            if number in self.open:
                self.open.remove(number)

    def _numbers(self, fresh: bool) -> list[int]:
        """What is open first; after it new ones. At the beginning of a connection also some from before."""
        before = sorted(self.acknowledged)[-REPEATED:] if fresh and self.acknowledged else []
        count = self.random.randint(1, WINDOW)
        numbers = sorted({*before, *self.open[:WINDOW]})
        self.repeats += len(numbers)
        new = range(self.next, self.next + max(0, count - len(numbers)))
        self.next += len(new)
        self.open += new
        return [*numbers, *new]


@contextmanager
def connected(connect: Callable[[], Any]) -> Iterator[Any]:
    connection = connect()
    try:
        yield connection
    finally:
        connection.close()


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes. OSError when they don't come."""
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


class Gt06(Device):
    """An acknowledgement for each report, with its serial number."""

    def connect(self) -> socket.socket:
        connection: socket.socket = super().connect()
        connection.sendall(framed(b"\x01" + bytes.fromhex("0" + self.unique_id) + b"\0\1"))
        exactly(connection, 10)
        return connection

    def exchange(self, connection: socket.socket, numbers: list[int]) -> Iterator[int]:
        connection.sendall(b"".join(map(self._report, numbers)))
        serials = {number & 0xFFFF: number for number in numbers}
        for _ in numbers:
            yield serials[int.from_bytes(exactly(connection, 10)[4:6], "big")]

    def _report(self, number: int) -> bytes:
        when = time(number)
        place = struct.pack(">BIIBH", 0xC9, round(latitude(number) * 1_800_000), int(LONGITUDE * 1_800_000), 60, 0x1400)
        cell = struct.pack(">HBH", 262, 2, 1234) + (5678).to_bytes(3, "big")
        clock = bytes([when.year - 2000, when.month, when.day, when.hour, when.minute, when.second])
        return framed(b"\x12" + clock + place + cell + struct.pack(">H", number & 0xFFFF))


class Teltonika(Device):
    """A frame of many records, and their number as acknowledgement."""

    def connect(self) -> socket.socket:
        connection: socket.socket = super().connect()
        connection.sendall(struct.pack(">H", 15) + self.unique_id.encode())
        if exactly(connection, 1) != b"\1":
            self.refusals += 1
            raise ConnectionError("refused")
        return connection

    def exchange(self, connection: socket.socket, numbers: list[int]) -> Iterator[int]:
        data = records(numbers)
        connection.sendall(struct.pack(">II", 0, len(data)) + data + struct.pack(">I", crc16_arc(data)))
        yield from numbers[: int.from_bytes(exactly(connection, 4), "big")]


class TeltonikaUdp(Device):
    """The same in datagrams; what is not answered within a second is sent again."""

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        connection.settimeout(1.0)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def exchange(self, connection: socket.socket, numbers: list[int]) -> Iterator[int]:
        mark = self.random.randrange(256)
        data = struct.pack(">HBBH", 0xCAFE, 1, mark, 15) + self.unique_id.encode() + records(numbers)
        connection.send(struct.pack(">H", len(data)) + data)
        while True:
            answer = connection.recv(64)
            if answer[5] == mark:  # not a late one to a datagram before
                yield from numbers[: answer[6]]
                return


def records(numbers: list[int]) -> bytes:
    """Codec 8: number, records, number."""
    count = bytes([len(numbers)])
    place = int(LONGITUDE * 10_000_000)
    said = [
        struct.pack(
            ">QBiihHBH", int(time(n).timestamp() * 1000), 1, place, round(latitude(n) * 10_000_000), 400, 90, 9, 50
        )
        + bytes(6)
        for n in numbers
    ]
    return b"\x08" + count + b"".join(said) + count


class Osmand(Device):
    """A request for each report, and status 200."""

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.connect()
        return connection

    def exchange(self, connection: http.client.HTTPConnection, numbers: list[int]) -> Iterator[int]:
        for number in numbers:
            connection.request("GET", self.address(number))
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                yield number
            else:
                self.refusals += 1

    def address(self, number: int) -> str:
        when = int(time(number).timestamp())
        said = {"id": self.unique_id, "timestamp": when, "lat": latitude(number), "lon": LONGITUDE}
        return "/?" + urlencode(said | ({"alarm": "sos"} if number % ALARM == 0 else {}))


class Wialon(Device):
    """Lines, each with an answer."""

    def connect(self) -> socket.socket:
        connection: socket.socket = super().connect()
        connection.sendall(f"#L#{self.unique_id};NA\r\n".encode())
        if exactly(connection, 7) != b"#AL#1\r\n":
            self.refusals += 1
            raise ConnectionError("refused")
        return connection

    def exchange(self, connection: socket.socket, numbers: list[int]) -> Iterator[int]:
        connection.sendall("".join([f"#SD#{self.record(number)}\r\n" for number in numbers]).encode())
        for number in numbers:
            if exactly(connection, 7) == b"#AD#1\r\n":
                yield number

    def record(self, number: int) -> str:
        degrees, rest = divmod(number, 10_000)
        place = f"{40 + degrees:02}{rest * 0.006:07.4f};N;011{(LONGITUDE - 11) * 60:07.4f};E"
        return f"{time(number):%d%m%y;%H%M%S};{place};50;90;400;9"


class WialonBox(Wialon):
    """New reports as lines; those that are said again from its memory: many in a line, and their number as answer."""

    heard_of: int = 0  # reports before this number have been said

    def exchange(self, connection: socket.socket, numbers: list[int]) -> Iterator[int]:
        again = [number for number in numbers if number < self.heard_of]
        if again:
            connection.sendall(f"#B#{'|'.join(map(self.record, again))}\r\n".encode())
            answer = b""
            while not answer.endswith(b"\r\n"):
                answer += exactly(connection, 1)
            if answer == f"#AB#{len(again)}\r\n".encode():
                yield from again
        new = numbers[len(again) :]
        self.heard_of = max([self.heard_of, *(number + 1 for number in new)])
        yield from super().exchange(connection, new)


# How a device speaks, and the wire format whose port it uses.
KINDS: tuple[tuple[type[Device], str], ...] = (
    (Gt06, "gt06"),
    (Teltonika, "teltonika"),
    (TeltonikaUdp, "teltonika"),
    (Osmand, "osmand"),
    (Wialon, "wialon"),
    (WialonBox, "wialon"),
)
FORMATS = ("gt06", "teltonika", "osmand", "wialon")


def fleet(ports: dict[str, int], each: int, seed: int) -> list[Device]:
    """`each` devices of every kind."""
    kinds = [one for one in KINDS for _ in range(each)]
    return [
        kind(f"8600000000{number:05d}", ports[name], Random(f"{seed} {number}"))
        for number, (kind, name) in enumerate(kinds)
    ]
