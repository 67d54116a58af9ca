"""The database that the settings choose."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import psycopg2

from tests.catalog import Catalog
from tests.postgres import DatabaseTestCase
from trackd.settings import load
from trackd.store.chosen import Chosen, sessions


class SoleTests(DatabaseTestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        await super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = Path(folder.name)

    def chosen(self, **options: Any) -> Chosen:
        from twisted.internet import reactor

        settings = load((), {"database.url": self.dsn}, Catalog(), data=self.data)
        chosen = Chosen(reactor, settings, **options)
        self.addCleanup(chosen.stop)
        return chosen

    def left(self, name: str) -> Any:
        """A session of this name with a transaction that is not through."""
        connection = psycopg2.connect(self.dsn, application_name=name)
        self.addCleanup(connection.close)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO groups (name) VALUES ('left')")
        return connection

    async def test_predecessor(self) -> None:
        """What a server of the same data folder has left in the database is over before a new one begins."""
        left, other = self.left(sessions(self.data)), self.left(sessions(self.data / "other"))
        database = await self.chosen(sole=True).start()
        self.assertRaises(psycopg2.OperationalError, left.commit)
        other.commit()
        self.assertEqual([(1,)], await database.query("SELECT count(*) FROM groups"))
        name = await database.query("SELECT current_setting('application_name')")
        self.assertEqual([(sessions(self.data),)], name)

    async def test_beside(self) -> None:
        """A command that works beside the server ends nothing of it."""
        server = self.left(sessions(self.data))
        database = await self.chosen(size=1).start()
        server.commit()
        self.assertEqual([(1,)], await database.query("SELECT count(*) FROM groups"))
