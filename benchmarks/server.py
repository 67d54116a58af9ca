"""A server of our own for a measurement: fresh data folder, free ports, loopback only, gone at the end."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg2
from attrs import define, field

from trackd.store.embedded import EmbeddedPostgres

FAREWELL = 10.0  # s, that a database has for its end
TICK = os.sysconf("SC_CLK_TCK")


# Above them is what the system gives to connections that go out: it may have given away the port of a server that is
# killed before that starts again.
PORTS = range(10_000, 30_000)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment, neither on TCP nor on UDP."""
    found: list[int] = []
    while len(found) < count:
        port = secrets.choice(PORTS)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as one:
                    one.bind(("127.0.0.1", port))
        except OSError:
            continue
        if port not in found:
            found.append(port)
    return found


def asked(dsn: str, text: str, args: list[Any] | None = None) -> list[Any]:
    """Ask a database, once: the rows, if there are any."""
    connection = psycopg2.connect(dsn)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(text, args)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@define
class Server:
    """`twistd trackd` as a child process, with further variables of its environment. `settings` go to it as `--set`."""

    formats: tuple[str, ...] = ("gt06",)
    settings: dict[str, Any] = field(factory=dict)
    data: Path = field(factory=lambda: Path(tempfile.mkdtemp(prefix="trackd-bench-")))
    ports: dict[str, int] = field(init=False)
    web: int = field(init=False)
    twistd: list[str] = field(factory=lambda: [str(Path(sys.executable).with_name("twistd"))])
    environment: dict[str, str] = field(factory=dict)
    process: subprocess.Popen[bytes] | None = None
    token: str = ""
    password: str = ""
    cookie: str = ""

    def __attrs_post_init__(self) -> None:
        self.web, *ports = free_ports(len(self.formats) + 1)
        self.ports = dict(zip(self.formats, ports, strict=True))
        self.data.chmod(0o755)

    def command(self, *words: str) -> list[str]:
        said = {"web.port": self.web, "web.address": "127.0.0.1", "protocols.enable": ",".join(self.formats)}
        said |= {f"{name}.port": port for name, port in self.ports.items()}
        said |= {f"{name}.address": "127.0.0.1" for name in self.ports}
        said |= self.settings
        sets = [word for key, value in said.items() for word in ("--set", f"{key}={value}")]
        return [*words, "--data", str(self.data), *sets]

    def launch(self) -> None:
        """Start the process, and wait for nothing."""
        command = self.command(*self.twistd, "-n", "--pidfile=", "trackd")
        with (self.data / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | self.environment)

    def start(self, patience: float = 60.0) -> float:
        """Start it; the seconds until it listens."""
        began = time.perf_counter()
        self.launch()
        assert self.process is not None
        last = [self.web, *self.ports.values()]
        while last:
            if self.process.poll() is not None or time.perf_counter() - began > patience:
                raise SystemExit(f"the server has not started:\n{self.log()}")
            try:
                socket.create_connection(("127.0.0.1", last[0]), 1).close()
                last.pop(0)
            except OSError:
                time.sleep(0.005)
        return time.perf_counter() - began

    def log(self) -> str:
        """The end of what the server has said."""
        return "\n".join((self.data / "log").read_text("utf-8", "replace").splitlines()[-40:])

    def stop(self, kill: int = signal.SIGTERM) -> float:
        """Stop it; the seconds that it took."""
        began = time.perf_counter()
        if self.process is not None:
            self.process.send_signal(kill)
            self.process.wait(30)
            self.process = None
        return time.perf_counter() - began

    def remove(self) -> None:
        """End it, and its database, which may have outlived it; nothing is left."""
        self.stop()
        until = time.monotonic() + FAREWELL
        while (postgres := self.database.pid()) is not None and time.monotonic() < until:
            try:
                os.kill(postgres, signal.SIGQUIT)
            except ProcessLookupError:
                pass
            time.sleep(0.05)
        shutil.rmtree(self.data, ignore_errors=True)

    def cpu(self) -> float:
        """Seconds of CPU that the process has used, in user and system."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self) -> float:
        """Resident megabytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0

    @property
    def database(self) -> EmbeddedPostgres:
        """The server's own PostgreSQL, which may live on when it is killed."""
        return EmbeddedPostgres(None, self.data / "database")

    def sql(self, text: str, args: list[Any] | None = None) -> list[Any]:
        """Ask the server's own database."""
        return asked(self.database.dsn, text, args)

    def database_cpu(self) -> float:
        """Seconds of CPU that PostgreSQL has used, its processes that have ended included."""
        postgres = self.database.pid()
        assert postgres is not None
        ticks = 0
        for process in (postgres, *children(postgres)):
            try:
                fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(map(int, fields[11:15] if process == postgres else fields[11:13]))
        return ticks / TICK

    def call(self, method: str, path: str, body: Any = None, form: dict[str, str] | None = None) -> Any:
        """A REST call as the administrator; the JSON answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if form is not None:
            data, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        if self.cookie:
            headers["Cookie"] = self.cookie
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {text}")
        if set_cookie := answer.headers.get("Set-Cookie"):
            self.cookie = set_cookie.partition(";")[0]
        connection.close()
        try:
            return json.loads(text)
        except ValueError:
            return text

    def administrator(self) -> None:
        """Make one and log in; `token` is from now on that of the administrator."""
        self.password = secrets.token_urlsafe(12)
        trackd = [str(Path(sys.executable).with_name("trackd"))]
        subprocess.run(
            self.command(*trackd, "user", "add", "bench@example.org", "--administrator", "--password-stdin"),
            input=self.password.encode(),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.call("POST", "/api/session", form={"email": "bench@example.org", "password": self.password})
        self.token = self.call("POST", "/api/session/token", form={})
        self.cookie = ""

    def devices(self, ids: list[str]) -> dict[int, str]:
        """Make these devices, the administrator's; their unique ids by id."""
        return {self.call("POST", "/api/devices", {"name": id, "uniqueId": id})["id"]: id for id in ids}


def children(parent: int) -> list[int]:
    """The processes that this one has started and that live."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # State and parent follow the name, which stands in brackets.
            state, of, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(of) == parent and state != "Z":
            found.append(int(folder.name))
    return found
