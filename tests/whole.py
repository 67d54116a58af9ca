"""A whole house on a real database and loopback ports, for tests."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from tests.postgres import DatabaseTestCase
from trackd.settings import load
from trackd.store.database import Database
from trackd.tap import build
from trackd.wire import catalog


class WholeHouseTestCase(DatabaseTestCase):
    """`house` runs once `open_house` has been called; `folder` is its data's, `host` where its site listens."""

    timeout = 60

    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for coroutines too
        await super().setUp()
        self.folder = Path(mkdtemp(prefix="trackd-house-"))
        self.addCleanup(rmtree, self.folder)

    async def open_house(self, said: dict[str, Any]) -> None:
        """With these settings, and any free port for its site."""
        settings = load([], {"web.port": "0", **said}, catalog, data=self.folder)
        self.house = build(self.reactor, settings, Database(self.reactor, self.dsn))
        await self.house.start()
        self.site = self.reactor.listenTCP(0, self.house.site, interface="127.0.0.1")
        self.host = f"127.0.0.1:{self.site.getHost().port}"

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.site.stopListening()
        await self.house.stop()
        await self.house.database.stop()
        await super().tearDown()

    @property
    def reactor(self) -> Any:
        from twisted.internet import reactor

        return reactor
