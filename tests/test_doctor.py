"""What `trackd doctor` finds, what it asks, and how the log looks to programs."""

from __future__ import annotations

import json
import os
import socket
import stat
import tempfile
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger, LogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.catalog import Catalog
from tests.postgres import DatabaseTestCase, EmptyDatabaseTestCase
from tests.store.samples import device
from trackd.desk import LOCK, NAME, Desk, Silent, Taken, asked
from trackd.doctor import BAD, GOOD, LOOK, Doctor, clock, disk, queues, unbound, upon
from trackd.logs import lines
from trackd.settings import load
from trackd.store.standing import Standing

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SOUND = Standing(16, NOON, "UTF8", (), 5, 97, frozenset(), NOON - timedelta(seconds=1), ())


class FindingTests(SynchronousTestCase):
    def grades(self, known: Standing, pool: int = 20) -> list[str]:
        return [finding.grade for finding in upon(known, pool)]

    def test_database(self) -> None:
        """A database that is too old, knows not all characters, or may lose what it has taken is bad."""
        self.assertEqual([GOOD], self.grades(SOUND))
        self.assertEqual([BAD], self.grades(evolve(SOUND, version=13)))
        self.assertEqual([GOOD, BAD], self.grades(evolve(SOUND, encoding="SQL_ASCII")))
        [_, finding] = upon(evolve(SOUND, unsafe=("fsync",)), 20)
        self.assertEqual((BAD, "what is acknowledged may be lost: fsync is off"), (finding.grade, finding.text))
        self.assertEqual([GOOD, LOOK], self.grades(SOUND, pool=98))
        self.assertEqual([GOOD, LOOK], self.grades(evolve(SOUND, silent=(("host /data", 61.0),))))

    def test_clock(self) -> None:
        """Clocks that differ, and devices that were heard in the future, are bad."""
        self.assertEqual(GOOD, clock(SOUND, NOON).grade)
        self.assertEqual(BAD, clock(SOUND, NOON + timedelta(seconds=3)).grade)
        self.assertEqual(BAD, clock(evolve(SOUND, heard=NOON + timedelta(seconds=60)), NOON).grade)

    def test_queues(self) -> None:
        """What is nearly full is worth a look, what is full is bad."""
        [nearly, full] = queues([("reports_waiting", "commit.queue", 80, 100), ("a", "b", 79, 100), ("c", "d", 9, 9)])
        self.assertEqual((LOOK, "reports waiting: 80 of 100 (commit.queue)"), (nearly.grade, nearly.text))
        self.assertEqual(BAD, full.grade)
        self.assertEqual([GOOD], [finding.grade for finding in queues([("a", "b", 0, 100)])])
        self.assertEqual([], list(queues([])))

    def test_ports(self) -> None:
        """A port that somebody else has is not to be had."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            self.assertTrue(unbound("tcp", "127.0.0.1", other.getsockname()[1]))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            self.assertTrue(unbound("udp", "127.0.0.1", other.getsockname()[1]))
        self.assertEqual("", unbound("tcp", "127.0.0.1", 0))

    def test_disk(self) -> None:
        """Folders that are not there yet are looked for above; those on one disk are one finding."""
        [finding] = disk(load((), {"media.path": "/tmp/not/there"}, Catalog(), data=Path("/tmp/nor/here")))
        self.assertIn("where data and media are", finding.text)


class ExaminationTests(DatabaseTestCase):
    async def examined(self, **sets: str) -> tuple[int, list[str]]:
        """How many things are wrong, and the lines."""
        from twisted.internet import reactor

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        said: list[str] = []
        settings = load((), {"database.url": self.dsn, "web.port": "0"} | sets, Catalog(), data=Path(folder.name))
        wrong = await Doctor(reactor, settings, said.append).examine()
        return wrong, [line for line in said if not line.startswith(GOOD)]

    async def test_well(self) -> None:
        """With a sound database nothing is bad; that no server runs is worth a look, and so is what was refused."""
        made = await device(self.db)
        await self.db.run(
            "INSERT INTO quarantine (device_id, received, reason, report) VALUES (%s, now(), 'why', '{}')", [made.id]
        )
        wrong, lines = await self.examined()
        self.assertEqual(1, wrong)  # the database of the tests is fast, and not safe
        self.assertIn("bad   database       what is acknowledged may be lost", lines[-2])
        self.assertIn("look  server         none is running", lines[0])
        self.assertEqual(
            "look  quarantine     1 reports that the database has refused: trackd quarantine list", lines[-1]
        )

    async def test_away(self) -> None:
        """A database that cannot be reached is bad, and the rest is examined all the same."""
        wrong, lines = await self.examined(**{"database.url": "postgresql://nobody@127.0.0.1:1/none"})
        self.assertEqual(1, wrong)
        self.assertTrue(lines[-1].startswith("bad   database "))


class EmptyTests(EmptyDatabaseTestCase):
    async def test_empty(self) -> None:
        """What the next start will do to the tables is said; nothing is done."""
        from twisted.internet import reactor

        settings = load((), {"database.url": self.dsn, "web.port": "0"}, Catalog(), data=Path("/tmp/nowhere"))
        said: list[str] = []
        await Doctor(reactor, settings, said.append).examine()
        self.assertRegex(said[-1], r"look  schema +the next start applies: spine, ")
        self.assertEqual([], await self.db.query("SELECT relname FROM pg_class WHERE relname = 'devices'"))


class DeskTests(TestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        from twisted.internet import reactor

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.desk = Desk(reactor, self.folder, lambda: {"told": "x" * 200_000})
        self.addCleanup(self.desk.close)

    async def test_asked(self) -> None:
        """Who asks gets all of it; nobody else than the server's user may."""
        self.desk.open()
        said = await deferToThread(asked, self.folder)
        self.assertEqual({"told": "x" * 200_000, "pid": os.getpid()}, said)
        self.assertEqual(0o600, stat.S_IMODE((self.folder / NAME).stat().st_mode))

    async def test_closed(self) -> None:
        """Nobody is asked where no server runs, or runs any more."""
        self.assertIsNone(asked(self.folder))
        self.desk.open()
        await self.desk.close()
        self.assertIsNone(asked(self.folder))

    async def test_died(self) -> None:
        """A socket that a dead server has left is nobody's, and stands in nobody's way."""
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(self.folder / NAME))
        (self.folder / LOCK).write_bytes(b"")
        self.assertIsNone(asked(self.folder))
        self.desk.open()
        self.assertIsNotNone(await deferToThread(asked, self.folder))

    async def test_second(self) -> None:
        """A folder has one server at a time; another may begin when the first has ended."""
        second = Desk(self.desk.reactor, self.folder, lambda: {"told": "y"})
        self.addCleanup(second.close)
        self.desk.open()
        self.assertRaises(Taken, second.open)
        self.assertEqual("x", (await deferToThread(asked, self.folder) or {})["told"][:1])
        await self.desk.close()
        second.open()
        self.assertEqual("y", (await deferToThread(asked, self.folder) or {})["told"])

    async def test_frozen(self) -> None:
        """A server that does not answer, or breaks off, is there all the same."""
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.folder / NAME))
            other.listen()
            other.settimeout(5)
            asking: Deferred[Any] = deferToThread(asked, self.folder)
            connection, _ = await deferToThread(other.accept)
            connection.sendall(b'{"told')
            connection.close()
            await self.assertFailure(asking, Silent)

    async def test_long_path(self) -> None:
        """In a folder whose name is too long for a socket there is no desk, and the server goes on."""
        self.desk.folder = self.folder / ("x" * 200)
        self.desk.folder.mkdir()
        self.desk.open()
        self.assertRaises(Silent, asked, self.desk.folder)


class LogTests(SynchronousTestCase):
    def said(self, *words: Any, **fields: Any) -> dict[str, Any]:
        out = StringIO()
        log = Logger("trackd.test", observer=LogPublisher(lines(out)))
        log.warn(*words, **fields)
        [line] = out.getvalue().splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    def test_line(self) -> None:
        """A line has the text, and what it is made of."""
        said = self.said("{name} #{connection}: {error}", name="x", connection=17, device=5, error=ValueError("y\n"))
        self.assertRegex(said.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(
            {"level": "warn", "from": "trackd.test", "text": "x #17: y\n", "name": "x", "connection": 17, "device": 5},
            said,
        )

    def test_failure(self) -> None:
        """A failure comes with its traceback, on the same line."""
        out = StringIO()
        try:
            raise ValueError("why")
        except ValueError:
            Logger("trackd.test", observer=LogPublisher(lines(out))).failure("{name}", name="x")
        [line] = out.getvalue().splitlines()
        self.assertIn("ValueError: why", json.loads(line)["traceback"])

    def test_own_names(self) -> None:
        """A field cannot take the place of what every line has, and any text can be said."""
        said = self.said("{frame}", frame="\ud800 \x00", text="mine", big=2**70, odd=float("nan"))
        self.assertEqual(("\ud800 \x00", 2**70), (said["text"], said["big"]))
        self.assertNotIn("odd", said)
