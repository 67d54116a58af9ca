"""
A real PostgreSQL for tests: one embedded server per test run, a fresh database per test.

    class DeviceTests(DatabaseTestCase):
        async def test_found(self) -> None:
            \"\"\"…\"\"\"
            await self.db.run("INSERT INTO devices …")

The server starts with the first such test. A small shell beside it waits for the end of this process, however it ends,
and then stops the server and removes its folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2.extensions
from twisted.trial.unittest import TestCase

from trackd.store.database import Database
from trackd.store.embedded import EmbeddedPostgres
from trackd.store.migrations import migrate

# What is lost when the machine fails is of no use after a test.
FAST = "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\nautovacuum = off\nshared_buffers = 32MB\n"

AFTERWARDS = 'read line; "$1/pg_ctl" stop -D "$2/data" -m immediate -s; rm -rf "$2"'

TEMPLATE = "migrated"
MEMORY = "/dev/shm"


def pool(dsn: str, **options: Any) -> Database:
    """A pool on the reactor of the test run."""
    from twisted.internet import reactor

    return Database(reactor, dsn, **options)


async def started(extra: str = FAST) -> EmbeddedPostgres:
    """An embedded server on a folder of its own, which vanishes with this process."""
    from twisted.internet import reactor

    postgres = EmbeddedPostgres(reactor, folder(), watch=False, extra=extra)
    await postgres.start()
    owner = os.stat(postgres.folder).st_uid
    # It lives as long as the other end of its input is open.
    _guards.append(
        subprocess.Popen(
            ["/bin/sh", "-c", AFTERWARDS, "sh", str(postgres.binaries), str(postgres.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            user=owner if os.geteuid() == 0 else None,
        )
    )
    return postgres


def signalled(postgres: EmbeddedPostgres, number: int) -> None:
    """Send a signal to all processes of a server that runs: SIGSTOP freezes it, SIGCONT wakes it."""
    main = postgres.pid()
    assert main is not None
    os.kill(main, number)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # State and parent follow the name, which stands in brackets.
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == main:
                os.kill(int(folder.name), number)
        except (OSError, ProcessLookupError):
            pass  # it has ended meanwhile


def folder() -> Path:
    """A new folder for a server."""
    return Path(tempfile.mkdtemp(prefix="trackd-tests-", dir=_place()))


def _place() -> str | None:
    """In memory, where there is enough of it: a fresh database is 300 files."""
    try:
        return MEMORY if shutil.disk_usage(MEMORY).free > 2**30 and os.access(MEMORY, os.W_OK) else None
    except OSError:
        return None


_guards: list[subprocess.Popen[bytes]] = []


class Server:
    """The server of this test run."""

    def __init__(self) -> None:
        self.postgres: EmbeddedPostgres | None = None
        self.dsn = ""  # of a database that is always there
        self._numbers = count(1)
        self._template = False

    async def start(self) -> None:
        if self.postgres is None:
            self.postgres = await started()
            self.dsn = self.postgres.dsn

    async def fresh(self, migrated: bool = True) -> str:
        """The dsn of a new database."""
        await self.start()
        name = f"test{next(self._numbers)}"
        template = "template1"
        if migrated:
            template = TEMPLATE
            if not self._template:
                await self._sql(f"CREATE DATABASE {TEMPLATE}")
                database = pool(self._named(TEMPLATE), size=1)
                await migrate(database)
                await database.stop()
                self._template = True
        await self._sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self._named(name)

    async def drop(self, dsn: str) -> None:
        name = psycopg2.extensions.parse_dsn(dsn)["dbname"]
        await self._sql(f"DROP DATABASE {name} WITH (FORCE)")

    async def _sql(self, statement: str) -> None:
        database = pool(self.dsn, size=1)
        await database.run(statement)
        await database.stop()

    def _named(self, name: str) -> str:
        return str(psycopg2.extensions.make_dsn(self.dsn, dbname=name))


server = Server()


class EmptyDatabaseTestCase(TestCase):
    """`db`: a database without a schema, for the tests of the schema itself. `dsn`: where it is."""

    migrated = False
    timeout = 60

    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for coroutines too
        self.dsn = await server.fresh(self.migrated)
        self.db = self.database()

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.db.stop()
        await server.drop(self.dsn)

    def database(self, **options: Any) -> Database:
        """Another pool on the same database; stopped after the test."""
        database = pool(self.dsn, **options)
        self.addCleanup(database.stop)
        return database


class DatabaseTestCase(EmptyDatabaseTestCase):
    """`db`: a fresh database with the whole schema, on the real reactor."""

    migrated = True
