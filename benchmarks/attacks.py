"""
What senders that mean no good, or know no better, do to a server: on loopback only, and each of it ends by itself.

    throw       one connection, and how it ended
    crowd       many at once, each with its own words
    silent      many that say nothing
    trickle     many that say one byte now and then
    datagrams   from as many senders
    Witness     uses the server meanwhile as devices and clients do, and remembers how long it was made to wait
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import os
import random
import resource
import select
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import define, field

from benchmarks.generator import ACKNOWLEDGEMENT, Listener, login, report
from benchmarks.server import Server

HOST = "127.0.0.1"
RECORDINGS = Path(__file__).parents[2] / "shared" / "vectors"
# What comes to every open port, and where there are no recordings.
PASSERS_BY = {
    "gt06": login(999),
    "teltonika": b"\0\x0f123456789012345",
    "h02": b"*HQ,123456789012345,V1,121300,A,6000.0000,N,13000.0000,E,0.00,0,010126,FFFFFFFF#",
    "wialon": b"#L#123456789012345;NA\r\n",
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "mqtt": b"\x10\x1b\0\x04MQTT\x04\x02\0\x3c\0\x0f123456789012345",
    "ssh": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "smtp": b"EHLO localhost\r\nMAIL FROM:<root@localhost>\r\n",
    "tls": bytes.fromhex("16030100310100002d0303") + bytes(32) + bytes.fromhex("00000613011302130301000000"),
    "rdp": bytes.fromhex("030000130ee000000000000100080003000000"),
    "redis": b"*1\r\n$7\r\nCOMMAND\r\n",
}
DATAGRAM = 65507  # bytes of the longest
LONGEST = 30.0  # s; nothing here waits for longer
# The reports of all witnesses follow each other, so that each is news.
YESTERDAY = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
SECONDS = itertools.count()


@define
class Ending:
    """How a connection ended: what came back, and whether it was the server that closed it."""

    answer: bytes
    closed: bool

    @property
    def status(self) -> int:
        """Of an HTTP answer; 0: it is none."""
        words = self.answer.split(b" ", 2)
        return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/1.") else 0

    @property
    def body(self) -> bytes:
        return self.answer.partition(b"\r\n\r\n")[2]


def many_files(most: int = 30_000) -> None:
    """Let this process have as many connections as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, hard) if hard > 0 else most, hard))


def recorded(but: str = "", most: int = 10**9) -> dict[str, list[bytes]]:
    """By format, what its devices have sent: at most so many pieces of each format, and nothing of one."""
    found = {name: [data] for name, data in PASSERS_BY.items()}
    for file in sorted(RECORDINGS.glob("*.jsonl")):
        with file.open() as lines:
            steps = [step for line in lines for step in json.loads(line).get("steps", ())]
        found[file.stem] = [bytes.fromhex(step["wire"]) for step in steps if step.get("wire")][:most]
    found.pop(but, None)
    return {name: pieces for name, pieces in found.items() if pieces}


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def throw(port: int, data: bytes, patience: float = 0.5, *, done: bool = False) -> Ending:
    """
    Send this on a connection of its own. It ends when the server closes it, or has said nothing for `patience` seconds.

    `done`: say that nothing more follows.
    """
    answer = b""
    with socket.create_connection((HOST, port), LONGEST) as connection:
        try:
            connection.sendall(data)
            if done:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed before all was sent: what was said first may be there
        until = time.monotonic() + LONGEST
        connection.settimeout(patience)
        try:
            while time.monotonic() < until and (more := connection.recv(65536)):
                answer += more
        except TimeoutError:
            return Ending(answer, False)
        except OSError:
            pass
    return Ending(answer, True)


def crowd(
    port: int,
    words: Sequence[bytes],
    patience: float = 0.5,
    opening: bytes = b"",
    enough: Callable[[Ending], bool] | None = None,
) -> list[Ending]:
    """
    Each of these on a connection of its own, all of them at once.

    Without `enough` it is over when all are closed, or when for `patience` seconds nothing has been sent, answered for
    the first time or closed; what is said to everybody who listens does not count. With `enough` it is over when that
    is true of all that are not closed. After `LONGEST` seconds it is over anyway. `opening` is a request that is sent
    first; the words follow its answer, which is no part of what came back.
    """
    found = [Ending(b"", False) for _ in words]
    rest: dict[int, _Talk] = {}
    with selectors.DefaultSelector() as waiting, ExitStack() as open:
        for word, ending in zip(words, found, strict=True):
            connection = open.enter_context(socket.socket())
            connection.setblocking(False)
            connection.connect_ex((HOST, port))
            rest[connection.fileno()] = _Talk(
                connection, memoryview(opening or word), ending, word if opening else None
            )
            waiting.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
        began = heard = time.monotonic()
        while rest and (now := time.monotonic()) - began < LONGEST and (enough or now - heard < patience):
            for key, events in waiting.select(0.05):
                talk = rest[key.fd]
                before = talk.progress
                talk.go_on(events)
                if talk.progress != before:
                    heard = time.monotonic()
                if talk.ending.closed or (enough and not talk.unsent and not talk.later and enough(talk.ending)):
                    waiting.unregister(talk.connection)
                    talk.connection.close()
                    del rest[key.fd]
                else:
                    wanted = selectors.EVENT_WRITE if talk.unsent else 0
                    waiting.modify(talk.connection, selectors.EVENT_READ | wanted)
    return found


@define
class _Talk:
    """One of a crowd."""

    connection: socket.socket
    unsent: memoryview
    ending: Ending
    later: bytes | None  # what follows the answer to the opening

    @property
    def progress(self) -> tuple[int, bool, bool, bool]:
        return len(self.unsent), self.later is None, self.ending.answer != b"", self.ending.closed

    def go_on(self, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE and self.unsent:
                self.unsent = self.unsent[self.connection.send(self.unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.unsent = memoryview(b"")  # closed before all was sent: what was said first may be there
        try:
            if events & selectors.EVENT_READ:
                more = self.connection.recv(65536)
                self.ending.answer += more
                self.ending.closed = not more
                if self.later is not None:
                    _, blank, rest = self.ending.answer.partition(b"\r\n\r\n")
                    if blank:
                        self.ending.answer, self.unsent, self.later = rest, memoryview(self.later), None
        except BlockingIOError:
            pass
        except OSError:
            self.ending.closed = True


@contextmanager
def silent(port: int, count: int, word: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections that say nothing, or all of them this, and are never read."""
    with ExitStack() as open:
        found = []
        for _ in range(count):
            try:
                connection = open.enter_context(socket.create_connection((HOST, port), 10))
                found.append(connection)
                connection.setblocking(False)
                if word:
                    connection.send(word)
            except OSError:
                pass  # the server has had enough of us
        yield found


def alive(connections: Iterable[socket.socket]) -> int:
    """How many of these the server has not closed."""
    count = 0
    for connection in connections:
        try:
            count += connection.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            count += 1
        except OSError:
            pass
    return count


def trickle(connections: Sequence[socket.socket], word: bytes, seconds: float, pause: float = 0.05) -> None:
    """One byte of `word` after the other on each of these connections, with pauses."""
    until = time.monotonic() + seconds
    for at in range(len(word)):
        for connection in connections:
            try:
                connection.send(word[at : at + 1])
            except OSError:
                pass
        if time.monotonic() > until:
            return
        time.sleep(pause)


def datagrams(port: int, data: Sequence[bytes], senders: int = 1) -> None:
    """These datagrams, each from the next of so many addresses: on loopback there are 16 million of them."""
    for number in range(max(senders, 1)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((f"127.{number >> 16 & 127}.{number >> 8 & 255}.{number & 255 or 1}", 0))
            for one in data[number::senders]:
                try:
                    sender.sendto(one, (HOST, port))
                except OSError:
                    pass  # too long, or the queue is full


def request(method: str, path: str, *headers: str, body: bytes | None = None) -> bytes:
    """The bytes of an HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def upgrade(token: str) -> bytes:
    """The request that opens a live socket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return request(
        "GET",
        f"/api/socket?token={token}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    )


def masked(opcode: int, data: bytes = b"", first: int = 0x80, size: int | None = None) -> bytes:
    """A WebSocket frame of a client, with these bits besides the opcode, and perhaps a size that is not its own."""
    size = len(data) if size is None else size
    if size < 126:
        header = struct.pack(">BB", first | opcode, 0x80 | size)
    elif size < 65536:
        header = struct.pack(">BBH", first | opcode, 0xFE, size)
    else:
        header = struct.pack(">BBQ", first | opcode, 0xFF, size)
    return header + bytes(4) + data  # a mask of zeros leaves the data as they are


@define
class Witness:
    """
    A device and a client that go on using the server, and how long they had to wait, in seconds.

    Each round a new connection logs in and sends a report, the client hears of it on a live socket, and asks whether
    all is well. `device` is that of the load generator with this number, which must exist.
    """

    server: Server
    format: str = "gt06"
    device: int = 0
    rounds: int = 0
    slowest: dict[str, float] = field(factory=dict)
    failures: list[str] = field(factory=list)
    _over: threading.Event = field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Witness:
        self._over.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        assert self._thread is not None
        self._thread.join(30)

    def _run(self) -> None:
        try:
            listener = Listener(self.server.web, self.server.token)
            with listener.socket:
                while True:
                    self._round(listener)
                    if self._over.wait(0.02):
                        return
        except (OSError, http.client.HTTPException, AssertionError, SystemExit) as error:
            self.failures.append(repr(error))

    def _round(self, listener: Listener) -> None:
        began = time.monotonic()
        with socket.create_connection((HOST, self.server.ports[self.format]), 10) as connection:
            connection.settimeout(10)
            connection.sendall(login(self.device))
            assert len(connection.recv(64)) == ACKNOWLEDGEMENT, "the device is not let in"
            connected = time.monotonic()
            heard = len(listener.heard)
            connection.sendall(report(self.device, next(SECONDS), YESTERDAY))
            assert len(connection.recv(64)) == ACKNOWLEDGEMENT, "a report is not acknowledged"
            acknowledged = time.monotonic()
            while len(listener.heard) == heard:
                assert select.select([listener.socket], [], [], 10)[0], "the client hears nothing"
                listener.read(True)
        told = time.monotonic()
        web = http.client.HTTPConnection(HOST, self.server.web, timeout=10)
        web.request("GET", "/api/health")
        answer = web.getresponse()
        assert (answer.status, answer.read()) == (200, b"OK"), f"all is not well: {answer.status}"
        web.close()
        self.rounds += 1
        for what, seconds in (
            ("login", connected - began),
            ("acknowledgement", acknowledged - connected),
            ("live socket", told - connected),
            ("health", time.monotonic() - told),
        ):
            self.slowest[what] = max(seconds, self.slowest.get(what, 0.0))


def trouble(log: str) -> list[str]:
    """What must never stand in a log, whatever comes: tracebacks, text that is not one line, lines without end."""
    found = []
    for line in log.split("\n"):
        if "Traceback" in line or "Unhandled" in line:
            found.append(line)
        elif not line.isprintable() or len(line) > 1000:
            found.append(f"not a plain line: {line[:200]!r}")
    return found


def lines_of(log: str, words: str) -> list[str]:
    """The lines with these words."""
    return [line for line in log.splitlines() if words in line]


def counted(log: str, format: str) -> dict[str, Any]:
    """What the server has counted of a format, as it says when it stops."""
    said = [line for line in lines_of(log, f"] {format}: ") if line.endswith("datagrams dropped")]
    if not said:
        return {}
    figures = said[-1].rpartition(f"{format}: ")[2].split(", ")
    return {words: int(number) for number, _, words in (figure.partition(" ") for figure in figures)}
