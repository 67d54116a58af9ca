"""A PostgreSQL server for an experiment that has to stop it, kill it and fill its disk: on a unix socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from attrs import define, field

from benchmarks.server import children
from trackd.store.embedded import NAME, installed

CONFIGURATION = """\
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 100
shared_buffers = 128MB
dynamic_shared_memory_type = posix
wal_compression = on
max_wal_size = 64MB
min_wal_size = 32MB
logging_collector = off
timezone = 'UTC'
"""


@define(eq=False)
class Postgres:
    """Its files are in `folder`, which is gone afterwards."""

    folder: Path = field(factory=lambda: Path(tempfile.mkdtemp(prefix="trackd-postgres-")))
    binaries: Path = field(factory=lambda: installed() / "bin")

    @property
    def dsn(self) -> str:
        return f"host={self.folder} user={NAME} dbname={NAME}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def make(self) -> None:
        """Make the cluster and start it."""
        self.folder.chmod(0o755)
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._run("initdb", "-D", str(self.data), "-U", NAME, "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust")
        with (self.data / "postgresql.conf").open("w") as file:
            file.write(f"{CONFIGURATION}unix_socket_directories = '{self.folder}'\n")
        self.start()
        self._run("psql", "-h", str(self.folder), "-U", NAME, "-d", "postgres", "-qc", f"CREATE DATABASE {NAME}")

    def start(self) -> None:
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-D", str(self.data), "-l", log, "-w", "-s")

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", "-s")

    def signal(self, number: int, all: bool = False) -> None:
        """To the server's main process, or to all of them."""
        main = self.pid
        if all:
            for child in children(main):
                try:
                    os.kill(child, number)
                except ProcessLookupError:
                    pass  # it has ended by itself
        os.kill(main, number)

    def end(self) -> None:
        """Kill it if it is running; while its files can still be seen."""
        try:
            self.signal(signal.SIGCONT, all=True)
            self.signal(signal.SIGQUIT)
        except (OSError, ValueError):
            pass  # it is not running

    def remove(self) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _user(self) -> str | None:
        """Who runs it when this process is root's: PostgreSQL refuses to."""
        if os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam(NAME).pw_name
        except KeyError:
            return "nobody"

    def _run(self, program: str, *args: str) -> None:
        subprocess.run(
            [str(self.binaries / program), *args],
            check=True,
            user=self._user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
