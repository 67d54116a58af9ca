"""
Brings the schema up to date: `schema/NNNN_name.sql`, each in a transaction of its own, in the order of the numbers.

What a database has is told by number and name. A number that comes later than a higher one is made up for, so a
migration relies on no other but those that were there when it was written.

An advisory lock lets one server at a time do it; others wait. A server that is killed leaves the migrations that were
finished, and nothing of the one that was not.
"""

from __future__ import annotations

import re
from pathlib import Path

from attrs import evolve, frozen
from twisted.logger import Logger

from trackd.store.database import Database, Queries

FOLDER = Path(__file__).parent / "schema"
FILE_NAME = re.compile(r"(\d{4})_(\w+)\.sql")

# Held by the transaction, so that the server frees it whatever becomes of this process. Any number that nobody else
# uses.
LOCK = 7_228_322_011

log = Logger()


class WrongSchema(Exception):
    """The schema cannot be brought up to date; the message says why and what to do."""


@frozen
class Migration:
    number: int
    name: str
    statements: str


@frozen
class Status:
    """What has been applied, by number, and what is still to be done."""

    applied: dict[int, str]
    pending: list[Migration]


def found(folder: Path = FOLDER) -> list[Migration]:
    """All migrations, in order. Raises WrongSchema for a number that is there twice."""
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise WrongSchema(f"{path}: not a name like 0001_name.sql")
        migrations.append(Migration(int(match[1]), match[2], path.read_text("utf-8")))
    # Numbers may be left out: who works on two things at once does not know which of them will be done first.
    if len({migration.number for migration in migrations}) < len(migrations):
        raise WrongSchema(f"{folder}: two migrations have the same number")
    return migrations


async def migrate(database: Database, migrations: list[Migration] | None = None) -> list[Migration]:
    """Apply what is missing; what was applied. Raises WrongSchema, also for a database that is newer than the code."""
    known = found() if migrations is None else migrations
    done = []
    # Another server may be at it for longer than a statement usually takes, and an index on many rows takes its time.
    patient = evolve(database, size=1, statement_timeout=0.0)
    try:
        while (applied := await patient.transaction(lambda queries: _next(queries, known))) is not None:
            log.info("migration {number} ({name}) applied", number=applied.number, name=applied.name)
            done.append(applied)
    finally:
        await patient.stop()
    return done


async def status(database: Database, migrations: list[Migration] | None = None) -> Status:
    """What has been applied, and what is to be done. Changes nothing."""
    return await _status(database, found() if migrations is None else migrations)


async def _next(queries: Queries, known: list[Migration]) -> Migration | None:
    # If this process is killed, the server notices and gives up, rather than finishing for nobody while the next one
    # waits.
    await queries.query(
        "SELECT set_config(name, '1000', true) FROM pg_settings WHERE name = 'client_connection_check_interval'"
    )
    await queries.query("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    pending = (await _status(queries, known)).pending
    if not pending:
        return None
    migration = pending[0]
    await queries.run(
        "CREATE TABLE IF NOT EXISTS migrations ("
        " number integer PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT now())"
    )
    await queries.run(migration.statements)
    await queries.run("INSERT INTO migrations (number, name) VALUES (%s, %s)", [migration.number, migration.name])
    return migration


async def _status(queries: Queries, known: list[Migration]) -> Status:
    applied: dict[int, str] = {}
    if (await queries.query("SELECT to_regclass('migrations')"))[0][0] is not None:
        applied = dict(await queries.query("SELECT number, name FROM migrations ORDER BY number"))
    names = {migration.number: migration.name for migration in known}
    for number, name in applied.items():
        if number not in names:
            raise WrongSchema(
                f"the database is newer than this trackd (migration {number}, {name}): install the newer one"
            )
        if names[number] != name:
            raise WrongSchema(
                f"the database has a migration {number} named {name}, not {names[number]}: it is another's"
            )
    return Status(applied, [migration for migration in known if migration.number not in applied])
