"""
The database that the settings choose: the one of `database.url`, or one of our own in the data folder.

    chosen = Chosen(reactor, settings)
    database = await chosen.start()
    …
    await chosen.stop()
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from trackd.settings import Settings
from trackd.store.addresses import dsn
from trackd.store.database import Database
from trackd.store.embedded import CannotStart, EmbeddedPostgres


@define(eq=False)
class Chosen:
    """`watch`: start one of our own again when it dies; `size`: connections, by default as many as the settings say."""

    reactor: Any
    settings: Settings
    watch: bool = True
    size: int = 0
    embedded: EmbeddedPostgres | None = field(default=None, init=False)
    database: Database | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        if not self.settings["database.url"]:
            self.embedded = EmbeddedPostgres(self.reactor, self.settings.data / "database", watch=self.watch)

    async def start(self) -> Database:
        """Start it if it is ours, and connect. Raises CannotStart, and Unavailable when the database is not there."""
        settings = self.settings
        if self.embedded is not None:
            settings.data.mkdir(parents=True, exist_ok=True)
            address = await self.embedded.start()
        else:
            try:
                address = dsn(settings["database.url"], settings["database.user"], settings["database.password"])
            except ValueError as error:
                raise CannotStart(f"database.url: {error}") from None
        self.database = Database(
            self.reactor,
            address,
            self.size or settings["database.maxPoolSize"],
            settings["database.maxWaiting"],
            settings["database.connectTimeout"],
            settings["database.statementTimeout"],
        )
        await self.database.start()
        return self.database

    async def stop(self) -> None:
        """Close the connections, and stop it if it is ours and nobody else uses it."""
        if self.database is not None:
            await self.database.stop()
        if self.embedded is not None:
            await self.embedded.stop()
