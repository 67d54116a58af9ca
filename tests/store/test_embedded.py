"""The embedded PostgreSQL, started for real."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from twisted.internet import defer
from twisted.internet.task import deferLater
from twisted.logger import formatEvent
from twisted.trial.unittest import SkipTest, TestCase

from tests.listen.samples import log_of
from tests.postgres import FAST, folder, pool
from trackd.store import embedded
from trackd.store.database import Database, Refused
from trackd.store.embedded import LONGEST_SOCKET, CannotStart, EmbeddedPostgres


def going(work: Awaitable[Any]) -> defer.Deferred[Any]:
    return defer.Deferred.fromCoroutine(work)  # type: ignore[arg-type]


class EmbeddedTestCase(TestCase):
    """`folder`: a new one. What `server` makes is stopped afterwards, and the folder removed."""

    timeout = 60

    def setUp(self) -> None:
        self.folder = folder()
        self.addCleanup(shutil.rmtree, self.folder)

    def server(
        self,
        path: Path | None = None,
        watch: bool = False,
        extra: str = FAST,
        kind: type[EmbeddedPostgres] = EmbeddedPostgres,
    ) -> EmbeddedPostgres:
        from twisted.internet import reactor

        server = kind(reactor, path or self.folder, watch=watch, extra=extra)
        self.addCleanup(server.stop)
        return server

    async def asked(self, dsn: str, sql: str) -> Any:
        """The first value of the first row."""
        database = pool(dsn, size=1)
        try:
            rows = await database.query(sql)
        finally:
            await database.stop()
        return rows[0][0] if rows else None

    def crash(self, server: EmbeddedPostgres) -> None:
        """What remains of a trackd that was killed: the server, and no lock."""
        assert server._users is not None
        os.close(server._users)
        server._users = None


class StartTests(EmbeddedTestCase):
    """Starting and stopping."""

    async def test_again(self) -> None:
        """What was stored is there when the server is started again; in between nobody is there."""
        server = self.server()
        await self.asked(await server.start(), "CREATE TABLE t AS SELECT 42 AS n")
        await server.stop()
        self.assertIsNone(server.pid())
        self.assertEqual(await self.asked(await server.start(), "SELECT n FROM t"), 42)

    async def test_private(self) -> None:
        """The server hears on a socket only, which nobody but its owner reaches, and does not run as root."""
        server = self.server()
        dsn = await server.start()
        self.assertEqual(await self.asked(dsn, "SHOW listen_addresses"), "")
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)
        self.assertEqual((self.folder / "socket").stat().st_mode & 0o777, 0o700)
        self.assertNotEqual(os.stat(f"/proc/{server.pid()}").st_uid, 0)

    async def test_owner(self) -> None:
        """All files belong to the user who runs the server, so that trackd may be started by that user another time."""
        await self.server().start()
        owner = self.folder.stat().st_uid
        self.assertEqual([file.name for file in self.folder.iterdir() if file.lstat().st_uid != owner], [])

    async def test_durable(self) -> None:
        """Without further ado what is committed is on the disk."""
        dsn = await self.server(extra="").start()
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            self.assertEqual(await self.asked(dsn, f"SHOW {name}"), "on")

    async def test_log(self) -> None:
        """Of a statement that is refused the log has the reason, and not the statement, which may be enormous."""
        server = self.server()
        dsn = await server.start()
        with self.assertRaises(Refused):
            await self.asked(dsn, "SELECT 1 / 0, '" + "x" * 100_000 + "'")
        await server.stop()  # what writes the log has written it then
        [log] = (self.folder / "log").glob("*.log")
        self.assertIn("division by zero", log.read_text())
        self.assertLess(log.stat().st_size, 10_000)

    async def test_letters(self) -> None:
        """The database knows the case of letters that are not English, so that addresses are found in any case."""
        self.assertEqual(await self.asked(await self.server().start(), "SELECT lower('ÄÉ')"), "äé")

    async def test_session(self) -> None:
        """The server is in a session of its own: an interrupt from the terminal does not reach it."""
        server = self.server()
        await server.start()
        pid = server.pid()
        assert pid is not None
        self.assertNotEqual(os.getsid(pid), os.getsid(0))

    async def test_interrupted(self) -> None:
        """A first start that was killed on the way leaves nothing that disturbs the next."""
        (self.folder / "data.new").mkdir()
        (self.folder / "data.new" / "PG_VERSION").write_text("16\n")
        (self.folder / "data.new").chmod(0o777)
        server = self.server()
        self.assertEqual(await self.asked(await server.start(), "SELECT 1"), 1)
        self.assertFalse((self.folder / "data.new").exists())

    async def test_long_path(self) -> None:
        """Where the path is too long for a socket, the socket is elsewhere, as private, and vanishes at the end."""
        path = self.folder / ("x" * LONGEST_SOCKET)
        path.mkdir()
        if os.geteuid() == 0:
            self.folder.chmod(0o755)
        server = self.server(path)
        self.assertEqual(await self.asked(await server.start(), "SELECT 1"), 1)
        place = (path / "socket").resolve()
        self.assertEqual(place.stat().st_mode & 0o777, 0o700)
        await server.stop()
        self.assertFalse(place.exists())
        self.assertEqual(await self.asked(await server.start(), "SELECT 1"), 1)

    async def test_odd_path(self) -> None:
        """Blanks, quotes and commas in the path do no harm."""
        path = self.folder / "it's a long, long way äöü"
        path.mkdir()
        if os.geteuid() == 0:
            self.folder.chmod(0o755)
        server = self.server(path)
        self.assertEqual(await self.asked(await server.start(), "SELECT 1"), 1)

    async def test_no_database(self) -> None:
        """A folder with something else where the database should be is refused."""
        (self.folder / "data").mkdir()
        error = await self.assertFailure(going(self.server().start()), CannotStart)
        self.assertIn("is no database", str(error))

    async def test_other_version(self) -> None:
        """A folder of another version is refused, on one line that names both."""
        server = self.server()
        await server.start()
        await server.stop()
        (self.folder / "data" / "PG_VERSION").write_text("15\n")
        error = await self.assertFailure(going(server.start()), CannotStart)
        self.assertRegex(str(error), r"is of PostgreSQL 15, this is 16")
        self.assertNotIn("\n", str(error))

    async def test_reason(self) -> None:
        """A server that does not start says why, on one line."""
        error = await self.assertFailure(going(self.server(extra="nonsense = 1\n").start()), CannotStart)
        self.assertRegex(str(error), r"does not start: .*FATAL.*postgresql.conf")
        self.assertNotIn("\n", str(error))

    async def test_out_of_reach(self) -> None:
        """A folder that the server's user can't get at is named, and what to do."""
        if os.geteuid() != 0:
            raise SkipTest("only root starts the server as another user")
        inner = self.folder / "inner"
        error = await self.assertFailure(going(self.server(inner).start()), CannotStart)
        self.assertIn(f"who can't enter {self.folder} on the way to {inner}", str(error))
        self.assertIn(f"chmod o+x {self.folder}'", str(error))

    async def test_no_user(self) -> None:
        """As root without a user of its own, and none can be made, the server runs as nobody; without that, not at all."""
        if os.geteuid() != 0:
            raise SkipTest("only root starts the server as another user")
        known, real = {"nobody"}, pwd.getpwnam

        def lookup(name: str) -> pwd.struct_passwd:
            if name not in known:
                raise KeyError(name)
            return real(name)

        self.patch(pwd, "getpwnam", lookup)
        self.patch(embedded, "USERADD", ("/nonexistent",))
        server = self.server()
        await server.start()
        self.assertEqual(self.folder.stat().st_uid, real("nobody").pw_uid)
        await server.stop()
        known.clear()
        os.chown(self.folder, 0, 0)
        error = await self.assertFailure(going(server.start()), CannotStart)
        self.assertIn("can't run as root: make a user for it with 'useradd --system trackd'", str(error))

    async def test_not_a_folder(self) -> None:
        """A folder that can't be made is an error of one line."""
        (self.folder / "file").touch()
        error = await self.assertFailure(going(self.server(self.folder / "file" / "x").start()), CannotStart)
        self.assertIn(str(self.folder / "file"), str(error))


class SharedTests(EmbeddedTestCase):
    """Several processes on one folder, and what a crash leaves."""

    async def test_adopted(self) -> None:
        """A server that a crash of trackd has left is used, and stopped in the end."""
        first, second = self.server(), self.server()
        dsn = await first.start()
        pid = first.pid()
        self.crash(first)
        self.assertEqual(await second.start(), dsn)
        self.assertTrue(second.adopted)
        self.assertEqual(second.pid(), pid)
        await second.stop()
        self.assertIsNone(second.pid())

    async def test_last_one_stops(self) -> None:
        """A server that two use is stopped by the last of them."""
        first, second = self.server(), self.server()
        dsn = await first.start()
        await second.start()
        await first.stop()
        self.assertEqual(await self.asked(dsn, "SELECT 1"), 1)
        await second.stop()
        self.assertIsNone(second.pid())

    async def test_at_once(self) -> None:
        """Two that start on a new folder at the same time get one server."""
        first, second = self.server(), self.server()
        one, other = await defer.gatherResults([going(first.start()), going(second.start())])
        self.assertEqual(one, other)
        self.assertEqual([first.adopted, second.adopted].count(True), 1)

    async def test_stopped_and_started_at_once(self) -> None:
        """Whoever starts while the last one stops gets a running server."""
        first, second = self.server(), self.server()
        await first.start()
        _, dsn = await defer.gatherResults([going(first.stop()), going(second.start())])
        self.assertEqual(await self.asked(dsn, "SELECT 1"), 1)

    async def test_killed(self) -> None:
        """A server that was killed is started again, with all that was committed."""
        server = self.server(extra="")
        await self.asked(await server.start(), "CREATE TABLE t AS SELECT 42 AS n")
        pid = server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.crash(server)
        self.assertEqual(await self.asked(await self.server().start(), "SELECT n FROM t"), 42)

    async def test_foreign_process(self) -> None:
        """A mark that names a process which is something else by now does not stop the server from starting."""
        server = self.server()
        await server.start()
        mark = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        pid = server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        (self.folder / "data" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *mark[1:]]) + "\n")
        self.assertIsNone(server.pid())
        self.crash(server)
        self.assertEqual(await self.asked(await server.start(), "SELECT 1"), 1)

    async def test_watched(self) -> None:
        """A watched server that dies is started again, and the pool goes on."""
        server = self.server(watch=True)
        database: Database = pool(await server.start(), size=1)
        await database.query("SELECT 1")
        pid = server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while server.pid() in (None, pid):
            await deferLater(database.reactor, 0.05)
        while not await self.answers(database):
            await deferLater(database.reactor, 0.05)
        await database.stop()
        await server.stop()
        self.assertIsNone(server.pid())

    async def test_watched_in_need(self) -> None:
        """While it cannot be started again, for whatever reason, that is tried on, and the log says so once in a while."""
        self.patch(embedded, "RESTART", 0.0)
        self.patch(embedded, "CHECK", 0.01)
        log = log_of(self)
        reasons: list[Exception] = [
            OSError("no memory for a process"),
            OSError("no files left"),
            CannotStart("no room"),
        ]

        class Needy(EmbeddedPostgres):
            async def _version(self) -> str:
                if self.watch and self._watching is not None and reasons:
                    raise reasons.pop(0)
                return await super()._version()

        server = self.server(kind=Needy, watch=True)
        await server.start()
        pid = server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while server.pid() in (None, pid):
            await deferLater(server.reactor, 0.05)
        while not (said := [formatEvent(line) for line in log])[-1].endswith("runs again"):
            await deferLater(server.reactor, 0.05)
        self.assertEqual(reasons, [])
        self.assertEqual([line for line in said if "no " in line], ["no memory for a process"])
        self.assertEqual(sum("has died" in line for line in said), 1)

    async def answers(self, database: Database) -> bool:
        try:
            return await database.query("SELECT 1") == [(1,)]
        except Exception:
            return False
