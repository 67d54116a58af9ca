"""
The servers on one database: who is alive, whose device is whose.

Each gives a sign of life every few seconds. Of one that has given none for too long the others say that its devices are
offline. Should it have been asleep only, nothing of what it writes of them counts any more: it has to claim them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from attrs import define, field, frozen

from trackd.store.database import Queries

# Servers that have stopped are remembered for so long: one that comes back has its devices at once.
REMEMBERED = timedelta(days=30)

# The devices of servers that are dead: they go to nobody, and those that were online are offline.
BURY = """
WITH dead AS (
    UPDATE nodes SET seen = NULL WHERE id <> %s AND seen < now() - %s RETURNING id
), theirs AS MATERIALIZED (
    SELECT device_id, status FROM device_states WHERE node_id IN (SELECT id FROM dead)
    ORDER BY device_id FOR NO KEY UPDATE
), freed AS (
    UPDATE device_states s SET node_id = NULL, epoch = s.epoch + 1,
        status = CASE WHEN s.status = 'online' THEN 'offline' ELSE s.status END
    FROM theirs t WHERE s.device_id = t.device_id
)
SELECT device_id FROM theirs WHERE status = 'online'
"""


@frozen
class Node:
    """A server. `place`: its host and data folder; `alive`: it has given a sign of life lately."""

    id: int
    place: str
    alive: bool


@define(eq=False)
class Nodes:
    """
    `connect` gives a connection, which is asked for when it is needed. `name` is this server's for ever, `timeout` (s)
    the time without a sign of life after which one counts as dead.
    """

    connect: Callable[[], Queries]
    name: str
    place: str
    timeout: float = 10.0
    id: int = field(default=0, init=False)  # of this one, once it has joined
    _connection: Queries | None = field(default=None, init=False)

    @property
    def queries(self) -> Queries:
        if self._connection is None:
            self._connection = self.connect()
        return self._connection

    @property
    def _timeout(self) -> timedelta:
        return timedelta(seconds=self.timeout)

    async def join(self) -> int:
        """
        Begin: the others hear of it. Devices of this server, of nobody and of servers that are not there are offline;
        how many were not.
        """
        [(self.id,)] = await self.queries.query(
            "INSERT INTO nodes AS n (name, place, seen) VALUES (%s, %s, now())"
            " ON CONFLICT (name) DO UPDATE SET place = excluded.place, started = now(), seen = now() RETURNING id",
            [self.name, self.place],
        )
        await self.tell("nodes")
        await self.queries.run("DELETE FROM nodes WHERE seen IS NULL AND started < now() - %s", [REMEMBERED])
        return await self.queries.run(
            "UPDATE device_states s SET status = 'offline' WHERE status <> 'offline' AND NOT EXISTS"
            " (SELECT FROM nodes n WHERE n.id = s.node_id AND n.id <> %s AND n.seen >= now() - %s)",
            [self.id, self._timeout],
        )

    async def beat(self) -> tuple[bool, list[Node]]:
        """Give a sign of life; whether this server was taken for dead, and the others that have not stopped."""
        rows = await self.queries.query(
            "WITH before AS MATERIALIZED (SELECT id, place, seen, seen >= now() - %s AS alive FROM nodes),"
            # Somebody may have forgotten it meanwhile: its devices have this number all the same.
            " beat AS (INSERT INTO nodes (id, name, place, seen) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, now())"
            " ON CONFLICT (name) DO UPDATE SET seen = now())"
            " SELECT id, place, alive FROM before WHERE seen IS NOT NULL ORDER BY id",
            [self._timeout, self.id, self.name, self.place],
        )
        nodes = [Node(*row) for row in rows]
        return all(node.id != self.id for node in nodes), [node for node in nodes if node.id != self.id]

    async def bury(self) -> list[int]:
        """Those that give no sign of life are dead: ids of the devices that are offline therefore."""
        rows = await self.queries.query(BURY, [self.id, self._timeout])
        if rows:
            await self.tell("nodes")
        return [device_id for (device_id,) in rows]

    async def leave(self) -> None:
        """Stop: nobody waits for a sign of life."""
        await self.queries.run("UPDATE nodes SET seen = NULL WHERE id = %s", [self.id])
        await self.tell("nodes")

    async def claims(self, ids: Iterable[int]) -> dict[int, tuple[int | None, int]]:
        """Of these devices: the server that has it, and the epoch of its claim."""
        rows = await self.queries.query(
            "SELECT device_id, node_id, epoch FROM device_states WHERE device_id = ANY(%s::bigint[])", [list(ids)]
        )
        return {device_id: (node_id, epoch) for device_id, node_id, epoch in rows}

    async def tell(self, channel: str, payload: str = "") -> None:
        """Notify all servers that listen there, this one too."""
        await self.queries.query("SELECT pg_notify(%s, %s)", [channel, payload])
