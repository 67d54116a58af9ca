"""
A load generator: GT06 devices on loopback, and a socket client that listens.

    python -m benchmarks.generator PORT WEB TOKEN CONNECTIONS WINDOW SECONDS RATE DAYS

Each connection logs in and then has at most WINDOW reports that are not acknowledged. RATE 0: as fast as that goes;
otherwise so many reports a second in all, and the time from sending to hearing of it on the socket is measured.
The reports begin DAYS ago, a second after each other: what is older than another run's is a late report, and no news.
Prints one JSON object. All frames are made beforehand, so that the generator takes little of the processor.
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
from attrs import define, field

from trackd.wire.checksums import crc16_x25

ACKNOWLEDGEMENT = 10  # bytes
FRAME = 36
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
    latitude = int((48 + device / 100 + number / 10_000) * 1_800_000)
    longitude = int((11 + device / 100) * 1_800_000)
    place = struct.pack(">BIIBH", 0xC9, latitude, longitude, 60, 0x1400)
    cell = struct.pack(">HBH", 262, 2, 1234) + (5678).to_bytes(3, "big")
    clock = bytes([when.year - 2000, when.month, when.day, when.hour, when.minute, when.second])
    return framed(b"\x12" + clock + place + cell + struct.pack(">H", number & 0xFFFF))


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
        self.socket = socket.create_connection(("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /api/socket?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(65536)
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if b" 101 " not in head:
            raise SystemExit(f"no socket: {head.decode()}")
        self.bytes = 0
        self.heard: list[tuple[int, str, float]] = []

    def read(self, note: bool) -> None:
        data = self.socket.recv(1 << 20)
        self.bytes += len(data)
        if not note:
            return
        now = time.perf_counter()
        self.buffer += data
        while (message := self._message()) is not None:
            for position in orjson.loads(message).get("positions", []):
                self.heard.append((position["deviceId"], position["fixTime"], now))

    def _message(self) -> bytes | None:
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
        return buffer[at : at + size] if buffer[0] & 0x0F == 1 else b"{}"


def run(
    port: int, web: int, token: str, connections: int, window: int, seconds: float, rate: float, days: float
) -> dict[str, object]:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=days)
    per_device = int(seconds * (rate or 60_000) / connections) + 100
    trackers = []
    for number in range(connections):
        frames = b"".join(report(number, at, start) for at in range(per_device))
        trackers.append(Tracker(number, socket.create_connection(("127.0.0.1", port)), frames))
    listener = Listener(web, token)
    for tracker in trackers:
        tracker.socket.sendall(login(tracker.number))
    for tracker in trackers:
        if len(tracker.socket.recv(64)) != ACKNOWLEDGEMENT:
            raise SystemExit("a device was not let in")
    poll = select.epoll()
    by_file = {tracker.socket.fileno(): tracker for tracker in trackers}
    for file in by_file:
        poll.register(file, select.EPOLLIN)
    poll.register(listener.socket.fileno(), select.EPOLLIN)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    if rate:
        latencies = steady(trackers, by_file, poll, listener, seconds, rate, start)
    else:
        for tracker in trackers:
            tracker.send(window)
        while time.perf_counter() - began < seconds:
            for file, _ in poll.poll(0.1):
                if file == listener.socket.fileno():
                    listener.read(False)
                    continue
                tracker = by_file[file]
                before = tracker.acknowledged
                tracker.bytes_back += len(tracker.socket.recv(65536))
                tracker.send(tracker.acknowledged - before)
        latencies = []
    took = time.perf_counter() - began
    return {
        "acknowledged": sum(tracker.acknowledged for tracker in trackers),
        "seconds": took,
        "heard": listener.bytes,
        "latencies": latencies,
    }


def steady(
    trackers: list[Tracker],
    by_file: dict[int, Tracker],
    poll: select.epoll,
    listener: Listener,
    seconds: float,
    rate: float,
    start: datetime,
) -> list[float]:
    """Send at a rate, and give the seconds from sending to hearing of it, of each report."""
    sent: dict[str, list[tuple[int, float]]] = {}
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
            if file == listener.socket.fileno():
                listener.read(True)
            else:
                tracker = by_file[file]
                tracker.bytes_back += len(tracker.socket.recv(65536))
    # Devices were made in the order of their numbers, so their ids rise with them.
    numbers = {id: number for number, id in enumerate(sorted({id for id, _, _ in listener.heard}))}
    heard = {(numbers[id], fix_time): at for id, fix_time, at in listener.heard}
    return [
        heard[number, fix_time] - at
        for fix_time, several in sent.items()
        for number, at in several
        if (number, fix_time) in heard
    ]


if __name__ == "__main__":
    port, web, token, connections, window, seconds, rate, days = sys.argv[1:]
    print(
        json.dumps(
            run(int(port), int(web), token, int(connections), int(window), float(seconds), float(rate), float(days))
        )
    )
