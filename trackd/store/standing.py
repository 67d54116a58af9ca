"""What can be said of a database as such: its version, how it is set, who else uses it."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from trackd.store.database import Database

# With one of these off, what was committed may be gone when the machine fails.
SAFE = ("fsync", "full_page_writes", "synchronous_commit")


@frozen
class Standing:
    """
    `unsafe`: settings that are off and should be on. `silent`: servers without a sign of life, and for how long (s).
    """

    version: int
    now: datetime
    encoding: str
    unsafe: tuple[str, ...]
    connections: int
    most: int  # connections
    tables: frozenset[str]
    heard: datetime | None  # when a device was heard last
    silent: tuple[tuple[str, float], ...]


async def standing(database: Database) -> Standing:
    """Look at a database, whatever is in it. Raises Unavailable."""
    [(version, now, encoding, connections, most)] = await database.query(
        "SELECT current_setting('server_version_num')::int / 10000, clock_timestamp(),"
        " current_setting('server_encoding'), (SELECT count(*) FROM pg_stat_activity WHERE client_port IS NOT NULL),"
        " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    )
    unsafe = await database.query("SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off'", [list(SAFE)])
    tables = await database.query("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')")
    names = frozenset(name for (name,) in tables)
    heard, silent = None, []
    if "device_states" in names:
        [(heard,)] = await database.query("SELECT max(last_update) FROM device_states")
    if "nodes" in names:
        silent = await database.query(
            "SELECT place, extract(epoch FROM now() - seen)::float8 FROM nodes"
            " WHERE seen < now() - interval '1 minute' ORDER BY place"
        )
    return Standing(
        version,
        now,
        encoding,
        tuple(name for (name,) in unsafe),
        connections,
        most,
        names,
        heard,
        tuple(silent),
    )
