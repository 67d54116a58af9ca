"""
The database that the settings choose: the one of `database.url`, or an embedded one in the data folder.

    chosen = Chosen(reactor, settings)
    database = await chosen.start()
    …
    await chosen.stop()
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from socket import gethostname
from typing import Any

from attrs import define, field
from psycopg2.extensions import make_dsn
from twisted.internet.task import deferLater
from twisted.logger import Logger

from trackd.settings import Settings
from trackd.store.addresses import dsn
from trackd.store.connection import Connection
from trackd.store.database import Database
from trackd.store.embedded import CannotStart, EmbeddedPostgres
from trackd.store.nodes import Nodes

# What a server that was killed has left behind, and how long its end is waited for.
LEFT = "FROM pg_stat_activity WHERE application_name = %s AND usename = current_user AND pid <> pg_backend_pid()"
TRIES, PAUSE = 200, 0.05  # s


@define(eq=False)
class Chosen:
    """
    `watch`: start an embedded one again when it dies; `size`: connections, by default as many as the settings say.

    `sole`: nobody else serves from this data folder, and what a server before this one has left in the database ends
    before anything begins. It may be a transaction that waits for a lock: committed later, it would store reports that
    their devices have sent again meanwhile, and the events of both.

    `go_on`: as of `Database`.
    """

    reactor: Any
    settings: Settings
    watch: bool = True
    size: int = 0
    sole: bool = False
    go_on: Callable[[Callable[[], object]], None] | None = None
    embedded: EmbeddedPostgres | None = field(default=None, init=False)
    database: Database | None = field(default=None, init=False)
    _log: Logger = field(factory=Logger, init=False)

    def __attrs_post_init__(self) -> None:
        if not self.settings["database.url"]:
            self.embedded = EmbeddedPostgres(self.reactor, self.settings.data / "database", watch=self.watch)

    async def start(self) -> Database:
        """
        Start it if it is embedded, and connect. Raises CannotStart, and Unavailable when the database is not there.
        """
        settings = self.settings
        if self.embedded is not None:
            settings.data.mkdir(parents=True, exist_ok=True)
            address = await self.embedded.start()
        else:
            try:
                address = dsn(settings["database.url"], settings["database.user"], settings["database.password"])
            except ValueError as error:
                raise CannotStart(f"database.url: {error}") from None
        if self.sole:
            name = sessions(settings.data)
            await self._alone(address, name)
            address = make_dsn(address, application_name=name)
        self.database = Database(
            self.reactor,
            address,
            self.size or settings["database.maxPoolSize"],
            settings["database.maxWaiting"],
            settings["database.connectTimeout"],
            settings["database.statementTimeout"],
            settings["database.patience"],
            go_on=self.go_on,
        )
        await self.database.start()
        return self.database

    async def _alone(self, address: str, name: str) -> None:
        """End all sessions of this name."""
        timeouts = self.settings["database.statementTimeout"], self.settings["database.connectTimeout"]
        connection = Connection(self.reactor, self.reactor, timeouts[0])
        await connection.connect(address, timeouts[1])
        try:
            left = len(await connection.query(f"SELECT pg_terminate_backend(pid) {LEFT}", [name]))
            for _ in range(TRIES if left else 0):
                if not await connection.query(f"SELECT pid {LEFT}", [name]):
                    return
                await deferLater(self.reactor, PAUSE)
            if left:
                self._log.warn("sessions of an earlier server do not end: {left}", left=left)
        finally:
            connection.close()

    async def stop(self) -> None:
        """Close the connections, and stop it if it is embedded and nobody else uses it."""
        if self.database is not None:
            await self.database.stop()
        if self.embedded is not None:
            await self.embedded.stop()


def sessions(data: Path) -> str:
    """What the database calls the sessions of the server of this data folder; others there have other names."""
    place = f"{gethostname()} {data.resolve()}".encode("utf-8", "surrogateescape")
    return f"trackd {blake2b(place, digest_size=8).hexdigest()}"


def node(database: Database, settings: Settings) -> Nodes:
    """The server of this data folder among others on the same database."""
    place = f"{gethostname()} {settings.data.resolve()}".encode("utf-8", "replace").decode()
    return Nodes(database.dedicated, sessions(settings.data), place, settings["nodes.timeout"])
