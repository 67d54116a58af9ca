"""
Bad input, on a whole running server: whatever comes, it costs a line in the log, and nobody else anything.

`benchmarks.hostile` does the same with larger numbers.
"""

from __future__ import annotations

import atexit
import http.client
import json
import re
import resource
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any

from attrs import define
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.attacks import (
    DATAGRAM,
    LONGEST,
    Witness,
    alive,
    counted,
    crowd,
    datagrams,
    lines_of,
    many_files,
    masked,
    noise,
    recorded,
    request,
    silent,
    throw,
    trickle,
    trouble,
    upgrade,
)
from benchmarks.generator import START_OF_TESTS, framed, imei, login, report
from benchmarks.server import Server

# Megabytes by which the memory of the server may have grown, whatever comes: what all that is sent here may take at once.
MOST_GROWTH = 200.0
# Lines that the log may have per second, whatever comes: bad frames 50, unknown ids 11, sockets 10, and a few others.
# Spans of a second that begin and end within a test can be more than its seconds: twice as many are borne.
MOST_LINES = 2 * 80
CONNECTIONS = 600
TEN_MEGABYTES = 10_000_000
# What nobody should learn from an answer.
INSIDE = re.compile(
    rb"Traceback|\.py\b|psycopg|twisted|klein|autobahn|sys\.|0x[0-9a-f]{6}|SELECT |INSERT |relation |/home|/tmp"
)


def running() -> Server:
    """A server of one's own. It begins with as few files as a login shell has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    server = Server(("gt06", "teltonika", "osmand", "iotm"), {"listen.beforeLogin": 2 * CONNECTIONS})
    try:
        server.start()
        many_files()
        server.administrator()
        server.devices([imei(number) for number in range(10)])
        with Witness(server):
            pass
    except BaseException:
        server.remove()
        raise
    return server


@cache
def shared() -> tuple[Server, float]:
    """The server of all tests that leave it running, until this process ends; and its memory in the beginning (MB)."""
    server = running()
    atexit.register(server.remove)
    return server, server.memory()


@cache
def token_of_somebody() -> str:
    """A token of a user who may do nothing in particular."""
    server, _ = shared()
    user = {"name": "Somebody", "email": "somebody@example.org", "password": "correct horse"}
    server.call("POST", "/api/users", user)
    token, server.token = server.token, ""
    try:
        server.call("POST", "/api/session", form={"email": user["email"], "password": user["password"]})
        return str(server.call("POST", "/api/session/token", form={}))
    finally:
        server.token, server.cookie = token, ""


class HostileTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server, self.before = shared()

    def log(self) -> str:
        return (self.server.data / "log").read_text()

    def tcp(self) -> dict[str, int]:
        return {**self.server.ports, "web": self.server.web}

    def soon(self, so: Callable[[], bool], seconds: float = 30.0) -> None:
        """It is so, or will be in so many seconds."""
        until = time.monotonic() + seconds
        while not so():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def figure(self, name: str) -> float:
        """The sum of the values that /metrics has by this name."""
        lines = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", self.server.call("GET", "/metrics"), re.M)
        self.assertNotEqual([], lines, name)
        return sum(map(float, lines))

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Whatever happens in here harms nobody: devices and clients are served, memory and log are in order."""
        began, said = time.monotonic(), len(self.log())
        with Witness(self.server) as witness:
            yield
        took = time.monotonic() - began
        self.assertEqual([], witness.failures)
        self.assertGreater(witness.rounds, 0)
        log = self.log()[said:]
        self.assertEqual([], trouble(log), "\n".join(trouble(log)[:40]))
        self.assertLess(log.count("\n"), MOST_LINES * (took + 2))
        self.assertLess(self.server.memory() - self.before, MOST_GROWTH)


class PortTests(HostileTestCase):
    """What comes to the ports, whoever sends it."""

    def test_noise(self) -> None:
        """Noise in all sizes, and 10 MB of it, of zeros and of letters, to every port."""
        floods = [noise(TEN_MEGABYTES), bytes(TEN_MEGABYTES), b"x" * TEN_MEGABYTES, b"\r\n" * (TEN_MEGABYTES // 2)]
        with self.unharmed():
            for port in self.tcp().values():
                crowd(
                    port, [noise(size, size) for size in (1, 2, 3, 5, 17, 100, 1000, 10_000, 40_000) for _ in range(5)]
                )
                crowd(port, floods)
            pieces = [noise(size, size) for size in range(1, 500)]
            datagrams(self.server.ports["teltonika"], [*pieces, bytes(DATAGRAM), noise(DATAGRAM), b""])

    def test_half(self) -> None:
        """Frames that end in the middle, and connections that do."""
        words = {
            "gt06": login(1) + report(1, 1, START_OF_TESTS),
            "teltonika": b"\0\x0f" + imei(1).encode() + bytes(8),
            "osmand": request("POST", "/", body=f"id={imei(1)}&lat=1&lon=2".encode()),
            "iotm": b"\x10\x1b\0\x04MQTT\x04\x02\0\x3c\0\x0f" + imei(1).encode(),
            "web": request("POST", "/api/session", "Content-Type: application/x-www-form-urlencoded", body=b"email=x"),
        }
        with self.unharmed():
            for name, port in self.tcp().items():
                for word in (words[name][:end] for end in range(len(words[name]))):
                    throw(port, word, 0.01, done=True)
                crowd(port, [words[name][:end] for end in range(len(words[name]))], 0.1)

    def test_others(self) -> None:
        """What devices of every other format say."""
        with self.unharmed():
            for name, port in self.tcp().items():
                pieces = recorded(name, 40)
                crowd(port, [b"".join(said) for said in pieces.values()], 0.2)
                crowd(port, [piece for said in pieces.values() for piece in said[:8]], 0.2)
            datagrams(
                self.server.ports["teltonika"],
                [piece for said in recorded("teltonika", 40).values() for piece in said],
                100,
            )

    def test_silent(self) -> None:
        """Thousands of connections that say nothing: as many stay as the settings allow, and a line says so."""
        ports = self.server.ports
        with self.unharmed():
            for name, port in self.tcp().items():
                with silent(port, CONNECTIONS) as connections:
                    self.assertEqual(CONNECTIONS, alive(connections), name)
            with ExitStack() as open:
                crowds = []
                for name, count in (("gt06", CONNECTIONS), ("osmand", CONNECTIONS), ("iotm", CONNECTIONS // 2)):
                    crowds.append(open.enter_context(silent(ports[name], count)))
                    there = min(sum(map(len, crowds)), 2 * CONNECTIONS) - 1  # a witness may have driven one out
                    self.soon(lambda: self.figure("trackd_connections_without_device") >= there)  # noqa: B023
                # `listen.beforeLogin`: the oldest have to give way.
                first, second, third = crowds
                self.soon(lambda: alive(first) <= CONNECTIONS // 2)
                self.assertEqual((CONNECTIONS, CONNECTIONS // 2), (alive(second), alive(third)))
        self.assertEqual(1, len(lines_of(self.log(), f"{2 * CONNECTIONS} connections without a device already")))

    def test_slow(self) -> None:
        """Connections on which one byte comes now and then hold nobody up."""
        words = {name: noise(60) for name in self.server.ports} | {
            "osmand": b"GET /?id=1&lat=1" + b"0" * 100,
            "web": b"POST /api/session HTTP/1.1\r\nX-A: b\r\nX-B: " + b"c" * 100,
        }
        with self.unharmed():
            for name, port in self.tcp().items():
                with silent(port, 200) as connections:
                    trickle(connections, words[name], 0.5)

    def test_unread(self) -> None:
        """Who asks and asks, and never reads, is not answered for ever."""
        asked = request("GET", "/api/server") * 300
        with self.unharmed():
            before = self.server.memory()
            with silent(self.server.web, 50, asked), silent(self.server.ports["osmand"], 50, asked):
                time.sleep(1)
                self.assertLess(self.server.memory() - before, 100)

    def test_forged_senders(self) -> None:
        """Datagrams from 20,000 addresses push out each other, but no sender that has a device."""
        hello = b"\0\x2d\xca\xfe\1\5\0\x0f%b" + bytes.fromhex("08000000000000000001")
        with self.unharmed(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as known:
            known.connect(("127.0.0.1", self.server.ports["teltonika"]))
            known.settimeout(5)
            records = hello % imei(3).encode()
            known.send(struct.pack(">H", len(records) - 2) + records[2:])
            words = [hello % b"%015d" % number for number in range(20_000)]
            datagrams(self.server.ports["teltonika"], words, len(words))
            time.sleep(0.5)

    def test_unknown_ids(self) -> None:
        """A hundred thousand ids that nobody knows."""
        words = [
            b"".join(framed(b"\x01" + b"%016d" % (sender * 1000 + number) + b"\0\1") for number in range(1000))
            for sender in range(100)
        ]
        with self.unharmed():
            ends = crowd(self.server.ports["gt06"], words, 3.0)
        self.assertEqual((b"", False), (b"".join(end.answer for end in ends), any(end.closed for end in ends)))


@define
class Rule:
    """What is sent, and what the sheet of the format says about it."""

    port: str
    data: bytes
    closed: bool
    answer: bytes = b""
    reason: str = ""  # in the log, with the bytes as hex


def record(id: bytes, latitude: int) -> bytes:
    """A datagram of Teltonika with one record at this latitude, in millionths of a tenth of a degree."""
    place = struct.pack(">iihHBH", 100_000_000, latitude, 100, 90, 7, 10)
    one = struct.pack(">QB", 1_767_225_600_000, 0) + place + bytes(6)
    body = b"\xca\xfe\1\5" + struct.pack(">H", len(id)) + id + b"\x08\1" + one + b"\1"
    return struct.pack(">H", len(body)) + body


class RuleTests(HostileTestCase):
    """What happens to the connection, and what is said of it in the log."""

    def calm(self) -> None:
        """What was sent before is dealt with, and the second is over in which so many bad frames have their lines."""
        self.soon(lambda: self.figure("trackd_connections_open") <= 1)
        time.sleep(1.1)

    def test_rules(self) -> None:
        """Each bad frame is one line with its beginning as hex, and the connection ends or stays as the sheet says."""
        wrong = bytearray(report(2, 1, START_OF_TESTS))
        wrong[-4] ^= 0xFF
        lost = framed(b"\x12" + bytes([26, 1, 1, 0, 0, 0, 0xC9]) + struct.pack(">II", 2**31, 0) + bytes(12))
        telling = b"\0\0\0\0" + struct.pack(">I", 30) + b"\x08\1" + noise(28) + bytes(4)
        known, let_in = imei(2).encode(), framed(b"\1\0\1")
        subscriber = b"\x10\x1b\0\x04MQTT\x04\x02\0\x3c\0\x0f" + known
        rules = (
            # The checksum of this format is not looked at.
            Rule("gt06", login(2) + bytes(wrong), False, let_in + framed(b"\x12\0\1")),
            Rule("gt06", login(2) + lost, True, let_in, "latitude"),
            Rule("gt06", b"x" * 40_000, True, b"", "no frame in"),
            Rule("gt06", report(2, 1, START_OF_TESTS), False),
            Rule("teltonika", b"\0\x0f" + known + telling, True, b"\1", "Error("),
            Rule("teltonika", b"\0\x0f" + b"9" * 15, False, b"\0"),
            Rule("teltonika", b"\xfe" * 40_000, True, b"", "no frame in"),
            Rule("osmand", request("GET", f"/?id={imei(2)}&lat=north&lon=1"), True, b"", "north"),
            Rule("osmand", request("GET", f"/?id={imei(2)}&lat=91&lon=1"), True, b"", "latitude"),
            Rule("osmand", request("GET", f"/?id={imei(2)}%zz"), True, b"", "broken escape"),
            Rule("osmand", request("GET", "/"), False, b"HTTP/1.1 400 "),
            Rule("osmand", request("GET", "/?id=9&lat=1&lon=1"), False, b"HTTP/1.1 400 "),
            Rule("osmand", b"\xff\xfe\r\n\r\n" + request("GET", "/?id=9"), False, b"HTTP/1.1 400 "),
            Rule("osmand", request("POST", "/", body=b"x" * 70_000), False, b"HTTP/1.1 413 "),
            Rule("iotm", subscriber + b"\x00\x00" + subscriber, False, b"\x20\2\0\0", "no kind"),
            Rule("iotm", subscriber + b"\x30\5\0\1t\1\1", True, b"\x20\2\0\0", "cannot be acknowledged"),
            Rule("iotm", b"\x10\xff\xff\x7f" + b"x" * 100, False, b"", "a packet of"),
        )
        with self.unharmed():
            self.calm()
            for rule in rules:
                said = len(self.log())
                # What goes on is seen after its answer only, and what ends has all the time that it needs.
                ending = throw(self.server.ports[rule.port], rule.data, LONGEST if rule.closed else 0.2)
                if rule.reason:
                    self.soon(lambda: "Conversation#warn] " in self.log()[said:])  # noqa: B023
                log = self.log()[said:]
                case = f"{rule.port} {rule.data[:60]!r}: {ending}, {log}"
                self.assertEqual(rule.closed, ending.closed, case)
                self.assertEqual(rule.answer, ending.answer[: len(rule.answer)], case)
                self.assertEqual(bool(rule.answer), bool(ending.answer), case)
                lines = lines_of(log, "Conversation#warn] ")
                self.assertEqual(bool(rule.reason), len(lines) == 1, case)
                if rule.reason:
                    self.assertRegex(lines[0], rf"{rule.port} #\d+ 127\.0\.0\.1(?: device \d+)?: ")
                    self.assertIn(rule.reason, lines[0])
                    self.assertRegex(lines[0], ": [0-9a-f]{4,512}…?$")

    def test_datagram(self) -> None:
        """A bad datagram is a line, and costs its sender nothing else."""
        self.calm()
        with self.unharmed(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
            device.settimeout(LONGEST)
            device.connect(("127.0.0.1", self.server.ports["teltonika"]))
            for latitude, answered in ((480_000_000, True), (980_000_000, False), (481_000_000, True)):
                said = len(self.log())
                data = record(imei(4).encode(), latitude)
                device.send(data)
                if answered:
                    self.assertEqual(b"\0\5\0\0\1\5\1", device.recv(64))
                else:
                    self.soon(lambda: "Conversation#warn] teltonika #" in self.log()[said:])  # noqa: B023
                    self.assertIn(data.hex(), self.log()[said:])


JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"


class WebTests(HostileTestCase):
    """Requests that no browser would send."""

    def setUp(self) -> None:
        super().setUp()
        self.bearer = f"Authorization: Bearer {self.server.token}"

    def device(self, **members: Any) -> bytes:
        """A request that would make a device with these members."""
        return self.posted(json.dumps({"name": "x", "uniqueId": "x", **members}).encode())

    def posted(self, body: bytes) -> bytes:
        return request("POST", "/api/devices", self.bearer, JSON, body=body)

    def check(self, rules: dict[str, tuple[bytes, int]], closed: bool = False) -> None:
        """
        Throw all of these at once; none is answered otherwise, and no answer tells what is inside.

        `closed`: the connections end after it.
        """
        words = [data for data, _ in rules.values()]
        ended = crowd(self.server.web, words, enough=lambda ending: ending.status > 0 and not closed)
        ends = dict(zip(rules, ended, strict=True))
        self.assertEqual([], [name for name, end in ends.items() if closed and not end.closed])
        self.assertEqual(
            {name: status for name, (_, status) in rules.items()}, {name: end.status for name, end in ends.items()}
        )
        for name, end in ends.items():
            self.assertIsNone(INSIDE.search(end.body), (name, end.answer[-500:]))
            if end.status >= 400 and b"<html" not in end.body:
                self.assertLessEqual(len(end.body.splitlines()), 1, (name, end.body))
                self.assertLess(len(end.body), 600, name)

    def test_requests(self) -> None:
        """Heads and bodies beyond all limits, and such as are none."""
        many = "\r\n".join(f"X-{number}: 1" for number in range(100_000))
        heads = {
            "headers": (request("GET", "/api/server", many), 400),
            "a long header": (request("GET", "/api/server", "X: " + "x" * 100_000), 400),
            "a long path": (request("GET", "/" + "x" * 100_000), 400),
            "no line": (b"x" * 100_000, 400),
            "two lengths": (request("POST", "/", "Content-Length: 1", "Content-Length: 2"), 400),
            "a negative length": (request("POST", "/", "Content-Length: -1"), 400),
            "a length and chunks": (request("POST", "/", "Content-Length: 1", "Transfer-Encoding: chunked"), 400),
            "no chunk": (request("POST", "/", "Transfer-Encoding: chunked") + b"zz\r\n", 400),
            "a negative chunk": (request("POST", "/", "Transfer-Encoding: chunked") + b"-5\r\n", 400),
            "an odd method": (b"\xff\xfe / HTTP/1.1\r\n\r\n", 400),
            "another version": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
            "no header": (request("GET", "/", "no colon"), 400),
            "a NUL": (request("GET", "/", "X: \0"), 400),
            "a broken line": (request("GET", "/", "X: a\rb"), 400),
        }
        large = b"x" * TEN_MEGABYTES
        chunks = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        bodies = {
            "announced": (self.posted(large), 413),
            "waited for": (request("POST", "/api/devices", "Expect: 100-continue", body=large), 413),
            "enormous": (request("POST", "/api/devices", "Content-Length: " + "9" * 30), 413),
            "in chunks": (request("POST", "/api/devices", "Transfer-Encoding: chunked") + chunks * 160, 413),
        }
        with self.unharmed():
            self.check(heads | bodies, closed=True)

    def test_encodings(self) -> None:
        """Escapes that are none, bytes that are no text, ways out of the folder."""
        get = partial(request, "GET")
        rules = {
            "a path": (get("/api/%ff%fe"), 400),
            "a host": (b"GET /api/server HTTP/1.1\r\nHost: \xff\r\n\r\n", 400),
            "an escape in the path": (get("/api/devices/%zz", self.bearer), 404),
            "an escape in the query": (get("/api/devices?uniqueId=%zz%ff&%=%", self.bearer), 200),
            "a NUL in the query": (get("/api/devices?keyword=%00", self.bearer), 200),
            "upwards": (get("/../../../../etc/passwd"), 404),
            "upwards, escaped": (get("/%2e%2e/%2e%2e/%2e%2e/etc/passwd"), 404),
            "upwards, by the API": (get("/api/..%2f..%2fetc/passwd"), 404),
            "an origin": (get("/api/devices", "Origin: \xff", self.bearer), 200),
            "a cookie": (get("/api/devices", "Cookie: JSESSIONID=\xff;;=;a"), 401),
            "a session in the path": (get("/api/devices;jsessionid=%00%22"), 401),
            "an upgrade": (get("/api/socket", "Upgrade: \xff"), 405),
            "an upgrade from a strange page": (get("/api/socket", "Upgrade: websocket", "Origin: \xff"), 401),
            "a proxy's word": (get("/api/server", "X-Forwarded-For: \xff", "X-Forwarded-Proto: \xff"), 200),
            "a type": (request("POST", "/setup", "Content-Type: \xff", body=b""), 415),
            "a form": (request("POST", "/api/session", FORM, body=b"email=%ff%00&password=%zz"), 401),
            "a token": (get("/setup?token=%ff%00"), 410),
        }
        with self.unharmed():
            self.check(rules)

    def test_json(self) -> None:
        """Bodies that are built to be hard to read."""
        for_ever = b'{"name":"x","uniqueId":"x","attributes":{"a":'
        bodies = {
            "arrays": b"[" * 1_000_000,
            "objects": b'{"":' * 200_000,
            "members": b"{" + b",".join(b'"k%d":1' % number for number in range(90_000)) + b"}",
            "arrays in attributes": for_ever + b"[" * 1500 + b"]" * 1500 + b"}}",
            "as deep as it gets": for_ever + b"[" * 950 + b"]" * 950 + b"}}",
            "objects in attributes": for_ever + b'{"":' * 300 + b"1" + b"}" * 300 + b"}}",
            "digits": b'{"groupId":' + b"9" * 900_000 + b"}",
            "digits in attributes": for_ever + b"9" * 900_000 + b"}}",
            "an exponent": b'{"latitude":1e999999999}',
            "no number": for_ever + b"NaN}}",
            "half a pair": b'{"name":"\\ud800","uniqueId":"x"}',
            "a NUL": b'{"name":"\\u0000","uniqueId":"x"}',
            "no UTF-8": b'{"name":"\xff\xfe","uniqueId":"x"}',
            "UTF-16": '{"name":"x","uniqueId":"x"}'.encode("utf-16"),
            "a number": b"5",
            "an array": b"[]",
            "half": b'{"name":',
            "more": b'{"name":"x","uniqueId":"x"}}',
        }
        rules = {name: (self.posted(body), 400) for name, body in bodies.items()}
        rules["pairs"] = (request("POST", "/api/session", FORM, body=b"&".join([b"a=%zz"] * 150_000)), 400)
        with self.unharmed():
            self.check(rules)
            device = request("POST", "/", JSON, body=b'{"device_id":"1","location":' + b"[" * 50_000)
            ends = crowd(self.server.ports["osmand"], [device] * 5, enough=lambda ending: False)
            self.assertEqual({True}, {end.closed for end in ends})

    def test_socket(self) -> None:
        """Whatever comes on a live socket, it is closed with a code, or goes on; and never is anything kept."""
        text = partial(masked, 1)
        cut, whole = 0x00, 0x80
        endings = {
            "noise": (noise(5000, 3), 1002),
            "no mask": (b"\x81\x02hi", 1002),
            "reserved bits": (text(b"hi", 0xF0), 1002),
            "an unknown opcode": (masked(3, b"x"), 1002),
            "a long ping": (masked(9, b"x" * 200), 1002),
            "a ping in pieces": (masked(9, b"x", cut), 1002),
            "an end without a beginning": (masked(0, b"x"), 1002),
            "a beginning in another": (text(b"x", cut) + text(b"y", whole), 1002),
            "no UTF-8": (text(b"\xff\xfe"), 1007),
            "too long": (text(b"x" * 65_537), 1009),
            "10 MB": (text(b"x" * TEN_MEGABYTES), 1009),
            "8 EB": (text(b"x", size=2**63 - 1), 1009),
            "more than there is": (text(b"x", size=2**64 - 1), 1002),
            "in pieces without end": (text(b"x" * 1000, cut) + masked(0, b"x" * 1000, cut) * 100, 1009),
            "a bad code": (masked(8, struct.pack(">H", 1005)), 0),
            "half a code": (masked(8, b"\3"), 0),
            "goodbye": (masked(8, struct.pack(">H", 1000)), 1000),
        }
        harmless = {
            "no JSON": text(b"{{{"),
            "deep JSON": text(b"[" * 60_000),
            "an odd wish": text(b'{"logs":[[]]}'),
            "a number": text(b"9" * 60_000),
            "half a pair": text(b'{"logs":"\\ud800"}'),
            "binary": masked(2, noise(1000)),
            "pings": masked(9, b"x") * 2000,
            "wishes": text(b'{"logs":true}') * 2000,
            "empty pieces": text(b"", cut) + masked(0, b"", cut) * 5000,
        }
        with self.unharmed():
            opening = upgrade(self.server.token)
            words = [said for said, _ in endings.values()]
            ends = crowd(self.server.web, words, opening=opening, enough=lambda ending: False)
            for (name, (_, code)), ending in zip(endings.items(), ends, strict=True):
                self.assertTrue(ending.closed, name)
                closing = ending.answer.rpartition(b"\x88")[2]
                if code:  # else the other side has been closed already
                    self.assertEqual(code, int.from_bytes(closing[1:3], "big"), (name, ending))
            asked, answered = masked(9, b"still there?"), b"\x8a\x0cstill there?"
            words = [word + asked for word in harmless.values()]
            ends = crowd(self.server.web, words, opening=opening, enough=lambda ending: answered in ending.answer)
            for name, ending in zip(harmless, ends, strict=True):
                self.assertIn(answered, ending.answer, name)
        self.assertIn("traccar socket of user 1: ", self.log())

    def test_deaf_sockets(self) -> None:
        """Clients that open sockets, ask for everything, and never read."""
        with self.unharmed(), silent(self.server.web, 90, upgrade(self.server.token)) as sockets:
            for _ in range(50):
                for one in sockets:
                    try:
                        one.send(masked(9, b"x" * 100) * 50 + masked(1, b'{"logs":true}'))
                    except OSError:
                        pass  # it takes no more
            self.assertGreater(alive(sockets), 0)


class ContractTests(HostileTestCase):
    """Bad requests of clients: the statuses and words of the contract."""

    def setUp(self) -> None:
        super().setUp()
        self.somebody = token_of_somebody()

    def ask(self, method: str, path: str, body: Any = None, who: str = "admin", **headers: str) -> tuple[int, str, Any]:
        """Status, text and headers of an answer. A body that is no text is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.web, timeout=10)
        sent = dict(headers)
        if who:
            sent["Authorization"] = f"Bearer {self.server.token if who == 'admin' else self.somebody}"
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        self.assertIsNone(INSIDE.search(data), data)
        return answer.status, data.decode(), answer.headers

    def test_refusals(self) -> None:
        """What is refused, by whom it is asked, and with which words where the contract has some."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        mine = {"name": "x", "uniqueId": imei(1)}
        cases: tuple[tuple[str, str, Any, str, dict[str, str], int, str], ...] = (
            # Whoever asks: path and method, content type, Accept.
            ("GET", "/api/nothing", None, "", {}, 404, ""),
            ("GET", "/api/Devices", None, "", {}, 404, ""),
            ("PATCH", "/api/devices", None, "", {}, 405, ""),
            ("DELETE", "/api/positions/kml", None, "", {}, 401, ""),
            ("BREW", "/api/session", None, "", {}, 405, ""),
            ("POST", "/api/devices", "x", "", {"Content-Type": "text/plain"}, 415, ""),
            ("POST", "/api/session", {}, "", {}, 415, ""),
            ("POST", "/api/session", None, "", {}, 400, ""),
            ("GET", "/api/devices", None, "", {"Accept": "text/csv"}, 406, ""),
            # Then who is asking.
            ("GET", "/api/devices", None, "", {}, 401, ""),
            ("GET", "/api/devices/abc", None, "", {}, 401, ""),
            ("POST", "/api/devices", "{", "", {}, 401, ""),
            ("GET", "/api/session", None, "", {}, 404, ""),
            *(
                ("GET", "/api/devices", None, "", {"Authorization": words}, 401, "")
                for words in (
                    "",
                    "Bearer",
                    "Bearer x",
                    "Bearer " + "x" * 5000,
                    "Basic",
                    "Basic !",
                    "Basic eA==",
                    "Digest x",
                )
            ),
            ("GET", "/api/session?token=garbage", None, "", {}, 401, ""),
            ("POST", "/api/session", "email=x&password=y", "", form, 401, ""),
            ("POST", "/api/session", "email=x&password=y&code=z", "", form, 400, ""),
            ("POST", "/api/session", "email=x", "", form, 400, ""),
            # Then parameters, path and query first.
            *(
                ("GET", path, None, "admin", {}, 404, "")
                for path in (
                    "/api/devices/abc",
                    "/api/devices/1.5",
                    "/api/devices/99999999999999999999",
                    "/api/devices?id=abc",
                    "/api/devices?userId=%20",
                    "/api/positions?deviceId=1,2",
                    "/api/positions?deviceId=1&from=yesterday&to=2026-01-01T00:00:00Z",
                    "/api/positions?deviceId=1&from=2026-01-01T00:00:00+02:00&to=2026-01-01T00:00:00Z",
                    "/api/positions?deviceId=1&from=2026-13-01T00:00:00Z&to=2026-01-01T00:00:00Z",
                    "/api/positions?deviceId=1&from=0000-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
                    "/api/devices?limit=2147483648",
                )
            ),
            ("POST", "/api/session/token", "expiration=tomorrow", "admin", form, 400, ""),
            # The body.
            ("POST", "/api/devices", None, "admin", {"Content-Type": "application/json"}, 400, ""),
            ("POST", "/api/devices", "null", "admin", {}, 400, ""),
            ("POST", "/api/devices", "[]", "admin", {}, 400, ""),
            ("POST", "/api/devices", '{"name":', "admin", {}, 400, ""),
            ("POST", "/api/devices", {"name": "x", "uniqueId": None}, "admin", {}, 400, ""),
            ("POST", "/api/devices", {"name": "x"}, "admin", {}, 400, ""),
            ("POST", "/api/devices", {**mine, "colour": "red"}, "admin", {}, 400, 'Unrecognized field "colour"'),
            ("POST", "/api/devices", {**mine, "UniqueId": "y"}, "admin", {}, 400, 'Unrecognized field "UniqueId"'),
            ("POST", "/api/devices", {**mine, "disabled": "yes"}, "admin", {}, 400, ""),
            ("POST", "/api/devices", {**mine, "groupId": "abc"}, "admin", {}, 400, ""),
            ("POST", "/api/devices", {**mine, "phone": ["1"]}, "admin", {}, 400, ""),
            ("POST", "/api/devices", {**mine, "attributes": []}, "admin", {}, 400, ""),
            ("POST", "/api/devices", {**mine, "expirationTime": "tomorrow"}, "admin", {}, 400, ""),
            ("POST", "/api/devices", {**mine, "name": "x" * 5000}, "admin", {}, 400, ""),
            # What the database does not accept.
            ("POST", "/api/devices", mine, "admin", {}, 400, "The unique id is taken"),
            ("POST", "/api/devices", {"name": "x", "uniqueId": "new", "groupId": 999}, "admin", {}, 400, ""),
            ("GET", "/api/devices?keyword=%00", None, "admin", {}, 200, "[]"),
            ("GET", "/api/devices?keyword='%3B%20DROP%20TABLE%20devices%3B--", None, "admin", {}, 200, "[]"),
            # And at last rights: never 403.
            ("PUT", "/api/server", {"id": 1}, "somebody", {}, 400, "Administrator access required"),
            ("GET", "/api/devices?userId=1", None, "somebody", {}, 400, "User access denied"),
            ("GET", "/api/devices/1", None, "somebody", {}, 400, "Device access denied"),
            ("GET", "/api/positions?deviceId=1", None, "somebody", {}, 400, "Device access denied"),
            ("PUT", "/api/devices/1", {"id": 1, **mine}, "somebody", {}, 400, "Device access denied"),
            ("DELETE", "/api/devices/1", None, "somebody", {}, 400, "Device access denied"),
            ("DELETE", "/api/devices/999999", None, "somebody", {}, 400, "Device access denied"),
            ("DELETE", "/api/devices/999999", None, "admin", {}, 204, ""),
            ("GET", "/api/devices/999999", None, "admin", {}, 404, ""),
            (
                "POST",
                "/api/commands/send",
                {"deviceId": 1, "type": "custom"},
                "somebody",
                {},
                400,
                "Device access denied",
            ),
            ("POST", "/api/commands/send", {"deviceId": 1}, "admin", {}, 400, ""),
        )
        with self.unharmed():
            for method, path, body, who, headers, status, words in cases:
                found, text, told = self.ask(method, path, body, who, **headers)
                case = f"{who or 'nobody'}: {method} {path} {str(body)[:80]} {headers}: {found} {text}"
                self.assertEqual(status, found, case)
                self.assertIn(words, text, case)
                if found >= 400:
                    self.assertLessEqual(len(text.splitlines()), 1, case)
                    self.assertNotIn("html", told.get("Content-Type", ""), case)
                if found == 405:
                    self.assertIn("GET", told["Allow"], case)

    def test_many_at_once(self) -> None:
        """The same from many clients at the same time."""
        bad = [
            request("POST", "/api/devices", f"Authorization: Bearer {self.server.token}", JSON, body=b"{" * number)
            for number in range(1, 200)
        ]
        with self.unharmed():
            ends = crowd(self.server.web, bad, enough=lambda ending: ending.status > 0)
            self.assertEqual({400}, {end.status for end in ends})


class EndTests(SynchronousTestCase):
    def test_stop(self) -> None:
        """A server that is being attacked stops, and says what it has seen."""
        server = running()
        self.addCleanup(server.remove)
        with (
            silent(server.ports["gt06"], CONNECTIONS),
            silent(server.web, CONNECTIONS),
            silent(server.web, 50, upgrade(server.token)),
            silent(server.web, 50, b"POST / HTTP/1.1\r\nX: "),
            silent(server.ports["teltonika"], 50, b"\0\0" * 20_000),
        ):
            crowd(server.ports["gt06"], [b"x" * 40_000] * 30, enough=lambda ending: False)
            server.stop()
        log = (server.data / "log").read_text()
        self.assertEqual([], trouble(log))
        seen = counted(log, "gt06")
        self.assertEqual((30, 0), (seen["bad frames"], seen["refused"]))
        self.assertGreaterEqual(seen["connections"], CONNECTIONS + 30)
        # Each bad frame has a line, as long as there are fewer than fifty of them in a second.
        self.assertEqual(30, len(lines_of(log, " 127.0.0.1: WireError('no frame in ")))
