"""The schema, brought up to date."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.internet import defer
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from tests.postgres import EmptyDatabaseTestCase
from trackd.store.database import Refused
from trackd.store.migrations import Migration, WrongSchema, found, migrate, status

ONE = Migration(1, "one", "CREATE TABLE one (n int); INSERT INTO one VALUES (1)")
TWO = Migration(2, "two", "CREATE TABLE two (n int)")

# A server that is killed while it migrates: it tells when the slow part begins.
VICTIM = """
import sys
from twisted.internet import defer, reactor
from trackd.store.database import Database
from trackd.store.migrations import Migration, migrate

slow = "CREATE TABLE two (n int); SELECT pg_notify('begun', ''); COMMENT ON TABLE two IS 'x'; SELECT pg_sleep(60)"
known = [Migration(1, "one", "CREATE TABLE one (n int); INSERT INTO one VALUES (1)"), Migration(2, "two", slow)]
defer.Deferred.fromCoroutine(migrate(Database(reactor, sys.argv[1]), known))
reactor.run()
"""


class MigrationTests(EmptyDatabaseTestCase):
    """On an empty database."""

    async def tables(self) -> set[str]:
        rows = await self.db.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in rows}

    async def test_all(self) -> None:
        """The migrations that come with the code apply, each once, and the status tells."""
        known = found()
        self.assertEqual((await status(self.db)).pending, known)
        self.assertEqual(await migrate(self.db), known)
        self.assertEqual(await migrate(self.db), [])
        after = await status(self.db)
        self.assertEqual((after.pending, after.applied), ([], {one.number: one.name for one in known}))

    async def test_further(self) -> None:
        """Only what is missing is applied."""
        await migrate(self.db, [ONE])
        self.assertEqual(await migrate(self.db, [ONE, TWO]), [TWO])
        self.assertEqual(await self.db.query("SELECT n FROM one"), [(1,)])

    async def test_made_up_for(self) -> None:
        """A number that was left out is applied when it comes, after those that were there."""
        three = Migration(3, "three", "CREATE TABLE three (n int)")
        await migrate(self.db, [ONE, three])
        self.assertEqual(await migrate(self.db, [ONE, TWO, three]), [TWO])
        self.assertEqual(await self.tables(), {"migrations", "one", "two", "three"})

    async def test_two_servers(self) -> None:
        """Of two servers that start at once one applies each migration, and both go on with the whole schema."""
        slow = [Migration(one.number, one.name, one.statements + "; SELECT pg_sleep(0.05)") for one in (ONE, TWO)]
        done = await defer.gatherResults(
            [defer.Deferred.fromCoroutine(migrate(database, slow)) for database in (self.db, self.database())]
        )
        self.assertEqual(sorted(migration.number for applied in done for migration in applied), [1, 2])
        self.assertEqual((await status(self.db, slow)).pending, [])
        self.assertEqual(await self.db.query("SELECT n FROM one"), [(1,)])

    async def test_killed(self) -> None:
        """A server that is killed in the middle leaves what was finished, nothing of the rest, and no lock."""
        with tempfile.TemporaryFile() as said:
            root = Path(__file__).parents[2]
            victim = subprocess.Popen([sys.executable, "-c", VICTIM, self.dsn], cwd=root, stderr=said)
            self.addCleanup(victim.wait)
            self.addCleanup(victim.kill)
            while not await self.db.query("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
                await deferLater(self.db.reactor, 0.02)
                self.assertIsNone(victim.poll(), "it ended by itself")
            self.assertEqual(await self.tables(), {"migrations", "one"})
            victim.send_signal(signal.SIGKILL)
        self.assertEqual(await migrate(self.db, [ONE, TWO]), [TWO])
        self.assertEqual(await self.tables(), {"migrations", "one", "two"})
        self.assertEqual(await self.db.query("SELECT n FROM one"), [(1,)])

    async def test_failed(self) -> None:
        """A migration that fails leaves nothing of itself; those before it stay."""
        bad = Migration(2, "two", "CREATE TABLE two (n int); SELECT nonsense")
        with self.assertRaises(Refused):
            await migrate(self.db, [ONE, bad])
        self.assertEqual(await self.tables(), {"migrations", "one"})
        self.assertEqual(await migrate(self.db, [ONE, TWO]), [TWO])

    async def test_newer(self) -> None:
        """A database that is newer than the code is refused and named."""
        await migrate(self.db, [ONE, TWO])
        with self.assertRaises(WrongSchema) as caught:
            await migrate(self.db, [ONE])
        self.assertIn("newer than this trackd (migration 2, two)", str(caught.exception))

    async def test_other(self) -> None:
        """A database with another's migrations is refused."""
        await migrate(self.db, [ONE])
        with self.assertRaises(WrongSchema):
            await status(self.db, [Migration(1, "another", "")])


class FileTests(SynchronousTestCase):
    """The files."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def test_order(self) -> None:
        """They are applied in the order of their numbers."""
        (self.folder / "0002_b.sql").write_text("b")
        (self.folder / "0001_a.sql").write_text("a")
        self.assertEqual(found(self.folder), [Migration(1, "a", "a"), Migration(2, "b", "b")])

    def test_twice(self) -> None:
        """A number that is there twice is an error; one that is left out is not."""
        for names in (["0001_a.sql", "0003_c.sql"], ["0002_b.sql"]):
            for name in names:
                (self.folder / name).touch()
        self.assertEqual([one.number for one in found(self.folder)], [1, 2, 3])
        (self.folder / "0001_b.sql").touch()
        with self.assertRaises(WrongSchema):
            found(self.folder)

    def test_name(self) -> None:
        """A file whose name is not understood is an error: it would be passed over in silence."""
        (self.folder / "1_a.sql").touch()
        with self.assertRaises(WrongSchema):
            found(self.folder)
