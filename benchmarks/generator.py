"""
A load generator: GT06 devices on loopback, and socket clients that listen.

    python -m benchmarks.generator

Reads what to do, a `Load` as JSON, from a line of its input, says "ready" when all are connected, begins at the next
line, and prints one JSON object. All frames are made beforehand, so that the generator takes little of the processor.
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import struct
import sys
import time
from datetime import UTC, datetime, timedelta

import orjson
from attrs import asdict, define, evolve, field, frozen

from trackd.wire.checksums import crc16_x25

ACKNOWLEDGEMENT = 10  # bytes
FRAME = 36
PATIENCE = 180.0  # s
START_OF_TESTS = datetime(2026, 1, 1, tzinfo=UTC)


def imei(number: int) -> str:
    return f"86000000{number:07d}"


def framed(body: bytes) -> bytes:
    """A short frame around type, content and serial."""
    counted = bytes([len(body) + 2]) + body
    return b"\x78\x78" + counted + struct.pack(">H", crc16_x25(counted)) + b"\r\n"


def login(number: int) -> bytes:
    return framed(b"\x01" + bytes.fromhex("0" + imei(number)) + b"\0\1")


def report(device: int, number: int, start: datetime) -> bytes:
    """The report of second `number`: the device drives north."""
    when = start + timedelta(seconds=number)
    latitude = int((48 + device % 1000 / 100 + number % 100_000 / 10_000) * 1_800_000)
    longitude = int((11 + device % 1000 / 100) * 1_800_000)
    place = struct.pack(">BIIBH", 0xC9, latitude, longitude, 60, 0x1400)
    cell = struct.pack(">HBH", 262, 2, 1234) + (5678).to_bytes(3, "big")
    clock = bytes([when.year - 2000, when.month, when.day, when.hour, when.minute, when.second])
    return framed(b"\x12" + clock + place + cell + struct.pack(">H", number & 0xFFFF))


@frozen
class Load:
    """
    Each connection logs in and then has at most `window` reports that are not acknowledged.

    `rate` 0: as fast as that goes; otherwise so many reports a second in all, and the time from sending to hearing of
    it on the first socket is measured. The reports of a device follow each other by a second, beginning `days` ago, or
    at `start`: what is older than another run's is a late report, and no news. With `reports`, each device sends so
    many, and the run is over when all are acknowledged; `seconds` is the most that it may take.
    """

    port: int  # of the devices
    web: int
    tokens: list[str]  # of the socket clients, one each
    connections: int
    window: int = 20
    seconds: float = 10.0
    rate: float = 0.0
    days: float = 3.0
    start: str = ""
    reports: int = 0
    first: int = 0  # number of the first device
    first_id: int = 1  # its id; those of the others follow

    @property
    def beginning(self) -> datetime:
        now = datetime.now(UTC).replace(microsecond=0)
        return datetime.fromisoformat(self.start) if self.start else now - timedelta(days=self.days)

    @property
    def each(self) -> int:
        """Frames that are made for each device."""
        return self.reports or int(self.seconds * (self.rate or 60_000) / self.connections) + 100

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@define(eq=False)
class Tracker:
    """One device on its connection."""

    number: int
    socket: socket.socket
    frames: bytes
    sent: int = 0
    bytes_back: int = 0
    times: dict[str, float] = field(factory=dict)

    @property
    def acknowledged(self) -> int:
        return self.bytes_back // ACKNOWLEDGEMENT

    def send(self, count: int) -> None:
        count = min(count, len(self.frames) // FRAME - self.sent)
        if count > 0:
            self.socket.sendall(self.frames[self.sent * FRAME : (self.sent + count) * FRAME])
            self.sent += count


class Listener:
    """A socket client that counts positions; when asked it notes when it heard of each."""

    def __init__(self, port: int, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /api/socket?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self._received(65536)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if b" 101 " not in head:
            raise SystemExit(f"no socket: {head.decode()}")
        self.bytes = 0
        self.piece = b""
        self.heard: list[tuple[int, str, float]] = []

    def _received(self, most: int) -> bytes:
        data = self.socket.recv(most)
        if not data:
            raise ConnectionError("the server has closed the live socket")
        return data

    def read(self, note: bool) -> None:
        data = self._received(1 << 20)
        self.bytes += len(data)
        if not note:
            return
        now = time.perf_counter()
        self.buffer += data
        while (message := self._message()) is not None:
            for position in orjson.loads(message).get("positions", []):
                self.heard.append((position["deviceId"], position["fixTime"], now))

    def _message(self) -> bytes | None:
        """The next whole message: long ones come in several frames. A control frame is an empty one."""
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        size, at = buffer[1] & 0x7F, 2
        if size == 126:
            size, at = int.from_bytes(buffer[2:4], "big"), 4
        elif size == 127:
            size, at = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < at + size:
            return None
        self.buffer = buffer[at + size :]
        if buffer[0] & 0x08:
            return b"{}"
        self.piece += buffer[at : at + size]
        if not buffer[0] & 0x80:
            return b"{}"
        message, self.piece = self.piece, b""
        return message


def connected(load: Load) -> list[Tracker]:
    """The devices, each on its connection, and let in. They come in a row, so that the queue of a port suffices."""
    start, each, trackers = load.beginning, load.each, []
    for number in range(load.first, load.first + load.connections):
        frames = b"".join(report(number, at, start) for at in range(each))
        # A connection needs a port of its own, of which each address of the loopback has as many.
        source = (f"127.0.0.{1 + number % 100}", 0)
        trackers.append(Tracker(number, socket.create_connection(("127.0.0.1", load.port), 30, source), frames))
        trackers[-1].socket.sendall(login(number))
    for tracker in trackers:
        if len(tracker.socket.recv(64)) != ACKNOWLEDGEMENT:
            raise SystemExit("a device was not let in")
        tracker.socket.settimeout(None)
    return trackers


def run(load: Load) -> dict[str, object]:
    load = evolve(load, start=load.beginning.isoformat())  # the same for all that is done with it
    trackers = connected(load)
    listeners = [Listener(load.web, token) for token in load.tokens]
    poll = select.epoll()
    by_file = {tracker.socket.fileno(): tracker for tracker in trackers}
    listening = {listener.socket.fileno(): listener for listener in listeners}
    for file in (*by_file, *listening):
        poll.register(file, select.EPOLLIN)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    if load.rate:
        latencies = steady(trackers, by_file, poll, listening, load)
    else:
        pushing(trackers, by_file, poll, listening, load)
        latencies = []
    took = time.perf_counter() - began
    return {
        "acknowledged": sum(tracker.acknowledged for tracker in trackers),
        "seconds": took,
        "heard": sum(listener.bytes for listener in listeners),
        "latencies": latencies,
    }


def pushing(
    trackers: list[Tracker],
    by_file: dict[int, Tracker],
    poll: select.epoll,
    listening: dict[int, Listener],
    load: Load,
) -> None:
    """As fast as that goes: with each acknowledgement the next one is sent. In the end all that was sent is waited for."""
    until = time.perf_counter() + load.seconds
    for tracker in trackers:
        tracker.send(load.window)
    owed = sum(tracker.sent for tracker in trackers)
    while owed:
        if (now := time.perf_counter()) > until + PATIENCE:
            raise SystemExit(f"{owed} reports are not acknowledged")
        for file, _ in poll.poll(0.1):
            if (listener := listening.get(file)) is not None:
                listener.read(False)
                continue
            tracker = by_file[file]
            before = tracker.acknowledged
            tracker.bytes_back += len(tracker.socket.recv(65536))
            count = tracker.acknowledged - before
            if load.reports or now < until:
                sent = tracker.sent
                tracker.send(count)
                owed += tracker.sent - sent
            owed -= count


def steady(
    trackers: list[Tracker],
    by_file: dict[int, Tracker],
    poll: select.epoll,
    listening: dict[int, Listener],
    load: Load,
) -> list[float]:
    """Send at a rate, and give the seconds from sending to hearing of it, of each report."""
    sent: dict[str, list[tuple[int, float]]] = {}
    start, rate, seconds = load.beginning, load.rate, load.seconds
    first = next(iter(listening.values()))
    began = time.perf_counter()
    count = 0
    while (now := time.perf_counter()) - began < seconds + 2:
        due = min(int((now - began) * rate), int(seconds * rate))
        while count < due:
            tracker = trackers[count % len(trackers)]
            when = start + timedelta(seconds=tracker.sent)
            sent.setdefault(f"{when:%Y-%m-%dT%H:%M:%S.000+00:00}", []).append((tracker.number, time.perf_counter()))
            tracker.send(1)
            count += 1
        for file, _ in poll.poll(0.0005):
            if (listener := listening.get(file)) is not None:
                listener.read(listener is first)
            else:
                tracker = by_file[file]
                tracker.bytes_back += len(tracker.socket.recv(65536))
    heard = {(id - load.first_id + load.first, fix_time): at for id, fix_time, at in first.heard}
    return [
        heard[number, fix_time] - at
        for fix_time, several in sent.items()
        for number, at in several
        if (number, fix_time) in heard
    ]


if __name__ == "__main__":
    print(json.dumps(run(Load(**json.loads(sys.stdin.readline())))))
