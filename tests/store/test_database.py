"""The pool, on a real PostgreSQL."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from attrs import define
from psycopg2.extensions import make_dsn, parse_dsn
from twisted.internet import defer
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater

from tests.postgres import EmptyDatabaseTestCase, pool, signalled, started
from trackd.store import connection
from trackd.store.addresses import dsn, resolved
from trackd.store.connection import Connection
from trackd.store.database import Database, Queries, Refused, Unavailable
from trackd.store.embedded import EmbeddedPostgres


def started_coroutine(work: Awaitable[Any]) -> defer.Deferred[Any]:
    return defer.Deferred.fromCoroutine(work)  # type: ignore[arg-type]


class ValueTests(EmptyDatabaseTestCase):
    """What goes in and comes out."""

    async def test_values(self) -> None:
        """Timestamps come back aware and in UTC, json as the text that went in, bytea as bytes."""
        time = datetime(2024, 2, 29, 12, 30, 15, 250000, UTC)
        rows = await self.db.query(
            "SELECT %s::timestamptz, %s::json, %s::bytea, NULL::bytea, 1.5::float8, true",
            [time, '{"b": 1,  "a": "\\u0000"}', b"\x00\xff"],
        )
        self.assertEqual(rows, [(time, '{"b": 1,  "a": "\\u0000"}', b"\x00\xff", None, 1.5, True)])
        self.assertIs(rows[0][0].tzinfo, UTC)

    async def test_counts(self) -> None:
        """`run` tells how many rows a statement concerned; `query` of a statement without rows is empty."""
        self.assertEqual(await self.db.query("CREATE TABLE t (n int)"), [])
        self.assertEqual(await self.db.run("INSERT INTO t SELECT generate_series(1, %s)", [5]), 5)
        self.assertEqual(await self.db.run("DELETE FROM t WHERE n > 3"), 2)

    async def test_no_columns(self) -> None:
        """Rows without columns are rows: enough to ask whether there is one."""
        self.assertEqual(await self.db.query("SELECT FROM generate_series(1, 2)"), [(), ()])

    async def test_percent(self) -> None:
        """A percent sign stands for itself in a statement without arguments."""
        self.assertEqual(await self.db.query("SELECT 'a%', '%s', 7 % 4"), [("a%", "%s", 3)])

    async def test_nul(self) -> None:
        """A NUL in a text is refused, and the pool goes on."""
        error = await self.assertFailure(started_coroutine(self.db.query("SELECT %s", ["a\0b"])), Refused)
        self.assertEqual(error.sqlstate, "22021")
        self.assertEqual(await self.db.query("SELECT 1"), [(1,)])

    async def test_surrogate(self) -> None:
        """Half a surrogate pair is refused."""
        await self.assertFailure(started_coroutine(self.db.query("SELECT %s", ["\ud800"])), Refused)

    async def test_no_notation(self) -> None:
        """A value that SQL has no notation for is refused."""
        await self.assertFailure(started_coroutine(self.db.query("SELECT %s", [object()])), Refused)

    async def test_refused(self) -> None:
        """What the database does not accept comes with its state, its words and the constraint."""
        await self.db.run("CREATE TABLE t (n int CONSTRAINT positive CHECK (n > 0))")
        error = await self.assertFailure(started_coroutine(self.db.run("INSERT INTO t VALUES (0)")), Refused)
        self.assertEqual((error.sqlstate, error.constraint), ("23514", "positive"))
        self.assertIn("positive", error.message)
        self.assertNotIn("\n", error.message)

    async def test_too_long(self) -> None:
        """A statement that takes longer than it may is given up; the connection is not."""
        db = self.database(statement_timeout=0.1, size=1)
        before = await db.query("SELECT pg_backend_pid()")
        await self.assertFailure(started_coroutine(db.query("SELECT pg_sleep(10)")), Unavailable)
        self.assertEqual(await db.query("SELECT pg_backend_pid()"), before)

    async def test_wrong_arguments(self) -> None:
        """Too few arguments are a mistake of the caller, and told as such."""
        with self.assertRaises(IndexError):
            await self.db.query("SELECT %s, %s", [1])


class TransactionTests(EmptyDatabaseTestCase):
    """All or nothing."""

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        await self.db.run("CREATE TABLE t (n int UNIQUE)")

    async def stored(self) -> list[int]:
        return [n for (n,) in await self.db.query("SELECT n FROM t ORDER BY n")]

    async def test_committed(self) -> None:
        """What a transaction did is there when it is done, and not before."""
        seen = []

        async def work(queries: Queries) -> str:
            await queries.run("INSERT INTO t VALUES (1)")
            seen.append(await self.stored())
            return "result"

        self.assertEqual(await self.db.transaction(work), "result")
        self.assertEqual((seen, await self.stored()), ([[]], [1]))

    async def test_error(self) -> None:
        """An error undoes everything and reaches the caller; the connection is used again."""
        db = self.database(size=1)

        async def work(queries: Queries) -> None:
            await queries.run("INSERT INTO t VALUES (1)")
            raise LookupError("on purpose")

        with self.assertRaises(LookupError):
            await db.transaction(work)
        self.assertEqual(await db.query("SELECT n FROM t"), [])

    async def test_refused(self) -> None:
        """A statement that is refused undoes the ones before it."""

        async def work(queries: Queries) -> None:
            await queries.run("INSERT INTO t VALUES (1)")
            await queries.run("INSERT INTO t VALUES (1)")

        with self.assertRaises(Refused):
            await self.db.transaction(work)
        self.assertEqual(await self.stored(), [])

    async def test_swallowed(self) -> None:
        """A transaction whose work swallows a refusal does not look as if it were committed."""

        async def work(queries: Queries) -> None:
            await queries.run("INSERT INTO t VALUES (1)")
            try:
                await queries.run("INSERT INTO t VALUES (1)")
            except Refused:
                pass

        with self.assertRaises(RuntimeError):
            await self.db.transaction(work)
        self.assertEqual(await self.stored(), [])

    async def test_cancelled(self) -> None:
        """A transaction that is cancelled is undone, and the pool has its place again."""
        db = self.database(size=1)
        under_way: defer.Deferred[None] = defer.Deferred()

        async def work(queries: Queries) -> None:
            await queries.run("INSERT INTO t VALUES (1)")
            db.reactor.callLater(0, under_way.callback, None)
            await queries.query("SELECT pg_sleep(20)")

        working = started_coroutine(db.transaction(work))
        await under_way
        working.cancel()
        await self.assertFailure(working, defer.CancelledError)
        self.assertEqual(await db.query("SELECT n FROM t"), [])


class PoolTests(EmptyDatabaseTestCase):
    """Many at once."""

    async def test_unforeseen(self) -> None:
        """Whatever goes wrong while it reconnects, it tries again."""
        connect, failures = connection.Connection.connect, [KeyError(9), Unavailable("not yet")]

        async def broken(one: connection.Connection, dsn: str, timeout: float) -> None:
            if failures:
                raise failures.pop(0)
            await connect(one, dsn, timeout)

        self.patch(connection.Connection, "connect", broken)
        dedicated = self.db.dedicated()
        while failures:
            await self.assertFailure(started_coroutine(dedicated.query("SELECT 1")), Unavailable)
            await dedicated.ready()
        self.assertEqual(await dedicated.query("SELECT 1"), [(1,)])
        self.assertEqual(1, len(self.flushLoggedErrors(KeyError)))

    async def test_goes_on(self) -> None:
        """What follows on an answer of the pool may be done by somebody else; dedicated connections do it themselves."""
        from twisted.internet import reactor

        follows: list[Callable[[], object]] = []

        def go_on(work: Callable[[], object]) -> None:
            follows.append(work)
            reactor.callLater(0, work)

        db = self.database(go_on=go_on)
        await db.start()
        follows.clear()
        self.assertEqual(await db.query("SELECT 1"), [(1,)])
        self.assertEqual(len(follows), 1)
        self.assertEqual(await db.dedicated().query("SELECT 2"), [(2,)])
        self.assertEqual(len(follows), 1)

    async def test_waits(self) -> None:
        """More queries than connections wait for their turn, and all are answered."""
        db = self.database(size=2)
        answers = [started_coroutine(db.query("SELECT %s, pg_backend_pid(), pg_sleep(0.01)", [n])) for n in range(20)]
        rows = [rows[0] for rows in await defer.gatherResults(answers)]
        self.assertEqual([row[0] for row in rows], list(range(20)))
        self.assertEqual(len({row[1] for row in rows}), 2)

    async def test_too_many_waiting(self) -> None:
        """Beyond the limit of those that wait a query is refused at once; the others are not disturbed."""
        db = self.database(size=1, max_waiting=2)
        await db.start()
        answers = [started_coroutine(db.query("SELECT pg_sleep(0.05)")) for _ in range(3)]
        await self.assertFailure(started_coroutine(db.query("SELECT 1")), Unavailable)
        await defer.gatherResults(answers)

    async def test_exhausted(self) -> None:
        """When all connections are busy for long nobody waits, and everything is as before when they are not."""
        db = self.database(size=1, patience=0.05)
        db.watch()
        busy = started_coroutine(db.query("SELECT pg_sleep(0.5)"))
        await self.assertFailure(started_coroutine(db.query("SELECT 1")), Unavailable)
        await busy
        self.assertEqual(await db.query("SELECT 1"), [(1,)])
        self.assertTrue(db.available)

    async def test_moving(self) -> None:
        """Who stands in a line that moves is answered, however long it is."""
        db = self.database(size=1, patience=0.05)
        db.watch()
        answers = [started_coroutine(db.query("SELECT %s, pg_sleep(0.03)", [n])) for n in range(10)]
        self.assertEqual([rows[0][0] for rows in await defer.gatherResults(answers)], list(range(10)))

    async def test_locked(self) -> None:
        """Nobody waits for long for what somebody else has locked, except on a connection of its own."""
        db = self.database(size=1, patience=0.05)
        await db.run("CREATE TABLE t (n int)")
        db.watch()
        dedicated = db.dedicated()
        locked: defer.Deferred[None] = defer.Deferred()
        enough: defer.Deferred[None] = defer.Deferred()

        async def lock(queries: Queries) -> None:
            await queries.run("LOCK TABLE t")
            locked.callback(None)
            await enough

        holding = started_coroutine(self.db.transaction(lock))
        await locked
        waiting = started_coroutine(dedicated.run("INSERT INTO t VALUES (1)"))
        asking = [started_coroutine(db.query("SELECT n FROM t")) for _ in range(20)]
        for one in asking:
            await self.assertFailure(one, Unavailable)
        # One of them had the connection, and the others did not wait for theirs; who comes now does not either.
        asking = [started_coroutine(db.query("SELECT n FROM t")) for _ in range(20)]
        self.assertEqual(19, sum(one.called for one in asking))
        for one in asking:
            await self.assertFailure(one, Unavailable)
        enough.callback(None)
        await defer.gatherResults([holding, waiting])
        self.assertEqual(await db.query("SELECT n FROM t"), [(1,)])

    async def test_cancelled_while_waiting(self) -> None:
        """A query that is cancelled while it waits costs nothing."""
        db = self.database(size=1)
        await db.start()
        first, second, third = [started_coroutine(db.query("SELECT pg_sleep(0.05), %s", [n])) for n in range(3)]
        second.cancel()
        await self.assertFailure(second, defer.CancelledError)
        self.assertEqual([(await first)[0][1], (await third)[0][1]], [0, 2])

    async def test_cancelled_while_connecting(self) -> None:
        """A query that is cancelled while its connection is being made does not make the database look away."""
        db = self.database(size=1)
        asking = started_coroutine(db.query("SELECT 1"))
        asking.cancel()
        await self.assertFailure(asking, defer.CancelledError)
        self.assertTrue(db.available)
        self.assertEqual(await db.query("SELECT 1"), [(1,)])

    async def test_broken_connections(self) -> None:
        """Connections that the server closes are replaced, without an error for those who ask afterwards."""
        db = self.database(size=3)
        await defer.gatherResults([started_coroutine(db.query("SELECT pg_sleep(0.02)")) for _ in range(3)])
        killed = await self.db.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        self.assertEqual(killed, [(True,)] * 3)
        await deferLater(db.reactor, 0.05)
        answers = [started_coroutine(db.query("SELECT 1")) for _ in range(6)]
        self.assertEqual(await defer.gatherResults(answers), [[(1,)]] * 6)

    async def test_broken_query(self) -> None:
        """A query whose connection is closed under it fails with Unavailable, and the next one is answered."""
        db = self.database(size=1)
        pid = (await db.query("SELECT pg_backend_pid()"))[0][0]
        asking = started_coroutine(db.query("SELECT pg_sleep(20)"))
        await self.db.query("SELECT pg_terminate_backend(%s)", [pid])
        await self.assertFailure(asking, Unavailable)
        self.assertEqual(await db.query("SELECT 1"), [(1,)])

    async def test_too_many_connections(self) -> None:
        """Where the server allows fewer connections than the pool may have, those that there are do all the work."""
        name = self.dsn.split("dbname=")[1].split()[0]
        # Superusers are let in all the same.
        await self.db.run(f"CREATE ROLE {name} LOGIN")
        await self.db.run(f"ALTER ROLE {name} CONNECTION LIMIT 2")
        self.addCleanup(self.db.run, f"DROP ROLE {name}")
        limited = Database(self.db.reactor, dsn(self.dsn, user=name), size=6)
        answers = [started_coroutine(limited.query("SELECT pg_sleep(0.02), %s", [n])) for n in range(6)]
        self.assertEqual([rows[0][1] for rows in await defer.gatherResults(answers)], list(range(6)))
        await limited.stop()

    async def test_closed_before_it_was_read(self) -> None:
        """A connection that is closed between the answer and its reading is one that is gone."""
        from twisted.internet import reactor

        one = Connection(reactor, reactor, 30.0)
        await one.connect(self.dsn, 5.0)
        link: Any = one._link
        watch = link.reactor

        @define(eq=False)
        class Hasty:
            """Closes the connection as soon as an answer is there."""

            def callLater(self, delay: float, work: Any, *args: Any) -> None:
                one.close()
                watch.callLater(delay, work, *args)

            def __getattr__(self, name: str) -> Any:
                return getattr(watch, name)

        link.reactor = Hasty()
        with self.assertRaises(Unavailable):
            await one.query("SELECT 1")

    async def test_stopped(self) -> None:
        """A stopped pool refuses queries, fails those that wait, and lets those that are under way end."""
        db = self.database(size=1)
        await db.start()
        first, second = [started_coroutine(db.query("SELECT 1, pg_sleep(0.05)")) for _ in range(2)]
        await db.stop()
        self.assertEqual((await first)[0][0], 1)
        await self.assertFailure(second, Unavailable)
        await self.assertFailure(started_coroutine(db.query("SELECT 1")), Unavailable)

    async def test_nobody_there(self) -> None:
        """A database that cannot be reached says so in one line."""
        db = Database(self.db.reactor, "host=/nonexistent dbname=x user=x")
        error = await self.assertFailure(started_coroutine(db.start()), Unavailable)
        self.assertIn("/nonexistent", str(error))
        self.assertNotIn("\n", str(error))
        await db.stop()


class AbandonedTests(EmptyDatabaseTestCase):
    """Coroutines that end before their answers are there, as they do when nothing refers to them any more."""

    async def ended(self, connection: Connection, work: Coroutine[Any, Any, Any]) -> None:
        """The connection closes, and nobody tries to go on with what is just ending."""
        heard: list[Any] = []
        started_coroutine(work).addBoth(heard.append)
        await deferLater(connection.reactor, 0.1)
        work.close()
        await deferLater(connection.reactor, 0.1)
        self.assertEqual((False, []), (connection.open, heard))

    def connection(self) -> Connection:
        from twisted.internet import reactor

        return Connection(reactor, reactor, 30.0)

    async def test_transaction(self) -> None:
        """In the middle of a transaction."""
        connection = self.connection()
        await connection.connect(self.dsn, 5.0)
        await self.ended(connection, connection.transaction(lambda queries: queries.query("SELECT pg_sleep(9)")))

    async def test_connecting(self) -> None:
        """While it is being connected to a server that says nothing."""
        connection = self.connection()
        port = connection.reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        dsn = make_dsn(host="127.0.0.1", port=port.getHost().port, sslmode="disable")
        await self.ended(connection, connection.connect(dsn, 5.0))


class NotificationTests(EmptyDatabaseTestCase):
    """LISTEN and NOTIFY."""

    async def test_heard(self) -> None:
        """Who listens on a channel hears what is said there, in order; nobody else does."""
        heard: list[str] = []
        done: defer.Deferred[None] = defer.Deferred()
        await self.db.listen("One channel", heard.append)
        await self.db.listen("other", lambda payload: done.callback(None))
        await self.db.notify("One channel", "a")
        await self.db.notify("One channel", "b")
        await self.db.notify("nobody's", "c")
        await self.db.notify("other")
        await done
        self.assertEqual(heard, ["a", "b"])

    async def test_reconnected(self) -> None:
        """When the connection is lost, listening goes on with the next one, and whoever listens is told."""
        heard: list[str] = []
        missed: defer.Deferred[None] = defer.Deferred()
        done: defer.Deferred[None] = defer.Deferred()

        def hear(payload: str) -> None:
            heard.append(payload)
            done.callback(None)

        await self.db.listen("news", hear, lambda: missed.callback(None))
        await self.db.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await missed
        await self.db.notify("news", "again")
        await done
        self.assertEqual(heard, ["again"])

    async def test_error(self) -> None:
        """A listener that fails is logged; the others hear all the same."""
        done: defer.Deferred[None] = defer.Deferred()

        def fail(payload: str) -> None:
            raise LookupError("on purpose")

        await self.db.listen("news", fail)
        await self.db.listen("news", lambda payload: done.callback(None))
        await self.db.notify("news")
        await done
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)


class DedicatedTests(EmptyDatabaseTestCase):
    """A connection of its own."""

    async def test_one_after_the_other(self) -> None:
        """What is asked while a transaction is under way comes after it, on the same connection."""
        dedicated = self.db.dedicated()
        await dedicated.run("CREATE TABLE t (n int)")

        async def work(queries: Queries) -> int:
            await queries.run("INSERT INTO t VALUES (1)")
            await queries.query("SELECT pg_sleep(0.02)")
            await queries.run("INSERT INTO t VALUES (2)")
            return (await queries.query("SELECT pg_backend_pid()"))[0][0]

        transaction = started_coroutine(dedicated.transaction(work))
        after = started_coroutine(dedicated.query("SELECT count(*), pg_backend_pid() FROM t"))
        self.assertEqual(await after, [(2, await transaction)])

    async def test_reconnects(self) -> None:
        """When its connection is lost it fails with Unavailable until it is ready again, by itself."""
        dedicated = self.db.dedicated()
        pid = (await dedicated.query("SELECT pg_backend_pid()"))[0][0]
        asking = started_coroutine(dedicated.query("SELECT pg_sleep(20)"))
        await self.db.query("SELECT pg_terminate_backend(%s)", [pid])
        await self.assertFailure(asking, Unavailable)
        await self.assertFailure(started_coroutine(dedicated.query("SELECT 1")), Unavailable)
        await dedicated.ready()
        self.assertNotEqual((await dedicated.query("SELECT pg_backend_pid()"))[0][0], pid)


class AwayTests(EmptyDatabaseTestCase):
    """The database goes away and comes back."""

    async def setUp(self) -> None:  # type: ignore[override]
        self.postgres = await started(extra="")  # what was committed survives
        self.dsn = self.postgres.dsn
        self.db = self.database(size=3)

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.db.stop()
        await self.postgres.stop()

    async def back(self, start: Callable[[], Awaitable[Any]]) -> float:
        """Seconds from when the server was back until the pool was."""
        await start()
        clock = self.db.reactor
        before = clock.seconds()
        await self.db.ready()
        return float(clock.seconds() - before)

    async def test_stopped_and_started(self) -> None:
        """Queries fail with Unavailable while the server is stopped, and are answered again within two seconds."""
        await self.db.run("CREATE TABLE t (n int)")
        asking = started_coroutine(self.db.query("SELECT pg_sleep(20)"))
        await self.db.query("SELECT 1")
        await self.postgres.stop()
        await self.assertFailure(asking, Unavailable)
        for _ in range(3):
            await self.assertFailure(started_coroutine(self.db.query("SELECT 1")), Unavailable)
        self.assertFalse(self.db.available)
        self.assertLess(await self.back(self.postgres.start), 2)
        self.assertEqual(await self.db.query("SELECT count(*) FROM t"), [(0,)])

    async def test_killed(self) -> None:
        """A server that is killed is the same."""
        dedicated = self.db.dedicated()
        await dedicated.run("CREATE TABLE t (n int)")
        await self.db.query("SELECT 1")
        pid = self.postgres.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await deferLater(self.db.reactor, 0.1)
        await self.assertFailure(started_coroutine(self.db.query("SELECT 1")), Unavailable)
        await self.assertFailure(started_coroutine(dedicated.query("SELECT 1")), Unavailable)
        again = EmbeddedPostgres(self.db.reactor, self.postgres.folder, watch=False)
        self.addCleanup(again.stop)
        self.assertLess(await self.back(again.start), 2)
        await dedicated.ready()
        self.assertEqual(await dedicated.query("SELECT count(*) FROM t"), [(0,)])

    async def test_frozen(self) -> None:
        """A server that does not answer costs a query no more than its time limit."""
        self.patch(connection, "GRACE", 0.1)
        db = self.database(size=1, statement_timeout=0.1, connect_timeout=0.1)
        backend = (await db.query("SELECT pg_backend_pid()"))[0][0]
        os.kill(backend, signal.SIGSTOP)
        try:
            await self.assertFailure(started_coroutine(db.query("SELECT 1")), Unavailable)
        finally:
            os.kill(backend, signal.SIGCONT)
        self.assertEqual(await db.query("SELECT 1"), [(1,)])

    async def test_silent(self) -> None:
        """
        Nobody waits for a server that does not answer: neither who has asked already, nor who asks then.

        What was asked for is done when it goes on, and everybody is answered again.
        """
        await self.db.run("CREATE TABLE t (n int)")
        dedicated = self.db.dedicated()
        await dedicated.query("SELECT 1")
        self.db.watch()
        await self.db.query("SELECT 1")
        signalled(self.postgres, signal.SIGSTOP)
        self.addCleanup(signalled, self.postgres, signal.SIGCONT)
        clock = self.db.reactor
        before = clock.seconds()
        asking = [started_coroutine(self.db.run("INSERT INTO t VALUES (1)")) for _ in range(5)]
        waiting = started_coroutine(dedicated.query("SELECT 2"))
        for one in asking:
            await self.assertFailure(one, Unavailable)
        for _ in range(100):
            await self.assertFailure(started_coroutine(self.db.query("SELECT 1")), Unavailable)
        self.assertLess(clock.seconds() - before, 1)
        signalled(self.postgres, signal.SIGCONT)
        self.assertEqual(await waiting, [(2,)])
        before = clock.seconds()
        while self.db.silent:
            await deferLater(clock, 0.01)
        self.assertLess(clock.seconds() - before, 1)
        while await self.db.query("SELECT count(*) FROM t") != [(1,)]:  # as many as had a connection
            await deferLater(clock, 0.01)

    async def test_no_more(self) -> None:
        """Who waits for a connection that does not come about takes one of the others when it is free."""
        db = self.database(size=2, patience=10.0)
        db.watch()
        first = started_coroutine(db.query("SELECT 1, pg_sleep(0.2)"))
        while not db.connections or db._opening:
            await deferLater(db.reactor, 0.01)
        main = self.postgres.pid()
        assert main is not None
        os.kill(main, signal.SIGSTOP)  # it makes no more connections, and those that there are work
        self.addCleanup(os.kill, main, signal.SIGCONT)
        second = await db.query("SELECT 2")
        self.assertEqual((second, (await first)[0][0]), ([(2,)], 1))

    async def test_stopped_while_silent(self) -> None:
        """A pool does not wait for it when it is stopped, either."""
        self.db.watch()
        await self.db.query("SELECT 1")
        signalled(self.postgres, signal.SIGSTOP)
        self.addCleanup(signalled, self.postgres, signal.SIGCONT)
        await self.assertFailure(started_coroutine(self.db.query("SELECT 1")), Unavailable)
        before = self.db.reactor.seconds()
        await self.db.stop()
        self.assertLess(self.db.reactor.seconds() - before, 0.5)


class Way(Protocol):
    """One end of a connection that is passed on, to `other`."""

    transport: Any

    def __init__(self, ways: Ways, other: Way | None = None) -> None:
        self.ways = ways
        self.other = other

    def connectionMade(self) -> None:
        self.ways.ends.append(self)
        if self.ways.blocked:
            self.block()
        if self.other is None:
            self.block()
            point = UNIXClientEndpoint(self.ways.reactor, self.ways.path)
            connectProtocol(point, Way(self.ways, self)).addCallbacks(
                self._through, lambda _: self.transport.abortConnection()
            )

    def _through(self, other: Way) -> None:
        self.other = other
        if not self.ways.blocked:
            self.transport.resumeProducing()

    def block(self) -> None:
        """Nothing that is said here is heard from now on."""
        self.transport.pauseProducing()

    def dataReceived(self, data: bytes) -> None:
        assert self.other is not None
        self.other.transport.write(data)

    def connectionLost(self, reason: object = None) -> None:
        if self.other is not None:
            self.other.transport.loseConnection()


class Ways(Factory):
    """A network between the pool and the server at `path`, which forgets what it was passing on when it is cut."""

    def __init__(self, reactor: Any, path: str) -> None:
        self.reactor, self.path = reactor, path
        self.ends: list[Way] = []
        self.blocked = False

    def buildProtocol(self, addr: object) -> Way:
        return Way(self)

    def cut(self) -> None:
        self.blocked = True
        for end in self.ends:
            end.block()


class NetworkTests(EmptyDatabaseTestCase):
    """The network between trackd and the database fails without a word."""

    timeout = 30

    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        parameters = parse_dsn(self.dsn)
        reactor = self.db.reactor
        self.ways = Ways(reactor, f"{parameters['host']}/.s.PGSQL.{parameters['port']}")
        port = reactor.listenTCP(0, self.ways, interface="127.0.0.1")
        self.dsn_of_the_way = make_dsn(self.dsn, host="127.0.0.1", port=port.getHost().port, sslmode="disable")
        self.addCleanup(self.over, port)

    async def over(self, port: Any) -> None:
        for end in self.ways.ends:
            end.transport.abortConnection()
        await port.stopListening()

    async def test_forgotten(self) -> None:
        """
        When it works again, new connections are made at once, although those that there were are never answered.

        Whoever listens hears that something may have been missed.
        """
        await self.db.run("CREATE TABLE t (n int)")
        db = pool(self.dsn_of_the_way, size=3, patience=10.0)
        dedicated = db.dedicated()
        await dedicated.query("SELECT 1")
        heard: list[str] = []
        await db.listen("news", heard.append, lambda: heard.append("missed"))
        clock = db.reactor
        try:
            db.watch()
            for one in [started_coroutine(db.query("SELECT 1")) for _ in range(3)]:
                await one
            self.ways.cut()
            waiting = started_coroutine(dedicated.query("SELECT 2"))
            await self.assertFailure(started_coroutine(db.query("SELECT 1")), Unavailable)
            self.ways.blocked = False
            before = clock.seconds()
            await self.assertFailure(waiting, Unavailable)
            await dedicated.ready()
            self.assertEqual(await dedicated.query("SELECT 3"), [(3,)])
            while db.silent:
                await deferLater(clock, 0.01)
            for one in [started_coroutine(db.query("SELECT 4")) for _ in range(3)]:
                self.assertEqual(await one, [(4,)])
            self.assertLess(clock.seconds() - before, 10)
            while not heard:
                await deferLater(clock, 0.01)
            self.assertEqual(heard, ["missed"])
        finally:
            await db.stop()

    async def test_forgotten_while_connecting(self) -> None:
        """A connection that is being made while others are forgotten is given up as well, and made anew."""
        db = pool(self.dsn_of_the_way, connect_timeout=60.0)
        self.ways.cut()
        dedicated = db.dedicated()
        while not self.ways.ends:
            await deferLater(db.reactor, 0.01)
        self.ways.blocked = False
        dedicated.reconnect()
        await dedicated.ready()
        self.assertEqual(await dedicated.query("SELECT 1"), [(1,)])
        await db.stop()


class AddressTests(EmptyDatabaseTestCase):
    """Where the database is."""

    async def test_names(self) -> None:
        """A host name is resolved without libpq, to all its addresses."""
        parameters = await resolved(self.db.reactor, "postgresql://user@localhost:5433/x")
        addresses = parameters["hostaddr"].split(",")
        self.assertIn("127.0.0.1", addresses)
        self.assertEqual(parameters["host"].split(","), ["localhost"] * len(addresses))
        self.assertEqual(parameters["port"].split(","), ["5433"] * len(addresses))

    async def test_several_hosts(self) -> None:
        """Each host keeps its own port."""
        parameters = await resolved(self.db.reactor, "postgresql://10.0.0.1:1,localhost:2,10.0.0.2:3/x")
        self.assertEqual(parameters["host"].split(",")[0], "10.0.0.1")
        ports = dict(zip(parameters["host"].split(","), parameters["port"].split(","), strict=True))
        self.assertEqual(ports, {"10.0.0.1": "1", "localhost": "2", "10.0.0.2": "3"})

    async def test_sockets(self) -> None:
        """A socket, an address and no host at all need no look-up."""
        for address in ("host=/run dbname=x", "host=10.0.0.1", "dbname=x"):
            self.assertNotIn("hostaddr", await resolved(self.db.reactor, address))

    def test_dsn(self) -> None:
        """A URL may be one of JDBC; user and password are added."""
        self.assertEqual(
            dsn("jdbc:postgresql://db:5433/x", "me", "a b'c"), "dbname=x host=db port=5433 user=me password='a b\\'c'"
        )
        with self.assertRaises(ValueError):
            dsn("jdbc:mysql://db/x")
