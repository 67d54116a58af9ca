"""What processing asks: devices with all that belongs to them, their history, their status, new devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import define

from trackd.store.database import Database
from trackd.store.kinds import GeofenceRow
from trackd.store.nodes import Nodes
from trackd.store.positions import LATEST
from trackd.store.rows import DeviceRow, FixRow, GroupRow, Loaded, PositionRow, StateRow, columns, names, parsed

# Groups above a device that are looked at; a ring of groups ends where it closes.
MOST_GROUPS = 100

# `{0}` is the condition on the devices d. A state that is missing is made on the way, with the values it has by default.
LOAD = f"""
WITH wanted AS MATERIALIZED (
    SELECT {columns(DeviceRow, "d")} FROM devices d WHERE d.deleted_at IS NULL AND {{0}}
), made AS (
    INSERT INTO device_states (device_id)
    SELECT w.id FROM wanted w WHERE NOT EXISTS (SELECT FROM device_states s WHERE s.device_id = w.id)
    ON CONFLICT DO NOTHING
)
SELECT {columns(DeviceRow, "w")}, {columns(StateRow, "s")}, {columns(PositionRow, "p")}, g.groups, q.queued, f.fences
FROM wanted w
LEFT JOIN device_states s ON s.device_id = w.id
LEFT JOIN LATERAL ({LATEST}) p ON true
LEFT JOIN LATERAL (
    WITH RECURSIVE chain AS (
        SELECT {columns(GroupRow, "g")}, 1 AS depth FROM groups g WHERE g.id = w.group_id AND g.deleted_at IS NULL
        UNION ALL
        SELECT {columns(GroupRow, "g")}, depth + 1 FROM chain c JOIN groups g ON g.id = c.group_id
        WHERE g.deleted_at IS NULL AND depth < {MOST_GROUPS}
    ) CYCLE id SET again USING path
    SELECT json_agg(json_build_array({columns(GroupRow)}) ORDER BY depth) FILTER (WHERE NOT again) AS groups,
        array_agg(id) AS ids
    FROM chain
) g ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS queued FROM queued_commands WHERE device_id = w.id AND failure IS NULL
) q
CROSS JOIN LATERAL (
    SELECT array(
        SELECT geofence_id FROM device_geofence WHERE device_id = w.id
        UNION SELECT geofence_id FROM group_geofence WHERE group_id = ANY(g.ids)
    ) AS fences
) f
"""

# Before a device is loaded for a session it is claimed; `{0}` as above. Who had it before is told.
# What a batch of the other is just writing of it is waited for; what comes after that is refused. The rows are locked
# in one order everywhere, so that two servers can't wait for each other's.
CLAIM = """
INSERT INTO device_states (device_id) SELECT d.id FROM devices d
WHERE d.deleted_at IS NULL AND {0} AND NOT EXISTS (SELECT FROM device_states s WHERE s.device_id = d.id)
ON CONFLICT DO NOTHING;
WITH others AS MATERIALIZED (
    SELECT s.device_id, s.node_id AS before FROM device_states s JOIN devices d ON d.id = s.device_id
    WHERE d.deleted_at IS NULL AND {0} AND s.node_id IS DISTINCT FROM %s ORDER BY s.device_id FOR NO KEY UPDATE OF s
), claimed AS (
    UPDATE device_states s SET node_id = %s, epoch = s.epoch + 1 FROM others o WHERE s.device_id = o.device_id
    RETURNING s.device_id, s.epoch, o.before
)
SELECT pg_notify('moved', concat_ws(' ', before, device_id, epoch, %s)) FROM claimed WHERE before IS NOT NULL;
"""
# What is told of such a device: it has a session elsewhere, or is only needed there for a moment.
GONE, NEEDED = "gone", "needed"

FIX = columns(FixRow)


@define(eq=False)
class Loading:
    """`nodes`: this server among others on the same database; without, nobody else is there."""

    database: Database
    nodes: Nodes | None = None

    def has(self, state: StateRow) -> bool:
        """Whether the device is this server's."""
        return self.nodes is None or state.node_id == self.nodes.id

    async def load(self, unique_ids: list[str]) -> dict[str, Loaded]:
        """
        The devices with these unique ids, which are this server's from now on: whoever had a session with one ends it.

        Those that there are not are missing.
        """
        found = await self._load("d.unique_id = ANY(%s::text[])", unique_ids, GONE)
        return {loaded.device.unique_id: loaded for loaded in found}

    async def take_back(self, ids: list[int]) -> dict[int, Loaded]:
        """The devices with these ids, which are this server's from now on; their sessions stay where they are."""
        return {loaded.device.id: loaded for loaded in await self._load("d.id = ANY(%s::bigint[])", ids, NEEDED)}

    async def load_by_id(self, ids: list[int]) -> dict[int, Loaded]:
        """The devices with these ids; those that there are not are missing."""
        return {loaded.device.id: loaded for loaded in await self._load("d.id = ANY(%s::bigint[])", ids)}

    async def history(self, device_id: int, since: datetime, limit: int = 1000) -> list[FixRow]:
        """The fixes of a device since then, and the one before, the newest first; at most `limit`, and the one before."""
        rows = await self.database.query(
            f"(SELECT {FIX} FROM positions WHERE device_id = %s AND fix_time >= %s"
            " ORDER BY fix_time DESC, id DESC LIMIT %s)"
            f" UNION ALL (SELECT {FIX} FROM positions WHERE device_id = %s AND fix_time < %s"
            " ORDER BY fix_time DESC, id DESC LIMIT 1)",
            [device_id, since, limit, device_id, since],
        )
        return [FixRow(*row) for row in rows]

    async def histories(self, since: Mapping[int, datetime], limit: int = 1000) -> dict[int, list[FixRow]]:
        """
        For each device, by id: its fixes since then, and the one before, the oldest first.

        At most `limit` of the latest, and the one before; devices that have none are missing.
        """
        rows = await self.database.query(
            "SELECT w.device_id, f.* FROM unnest(%s::bigint[], %s::timestamptz[]) AS w (device_id, since)"
            f" CROSS JOIN LATERAL ((SELECT {FIX} FROM positions WHERE device_id = w.device_id AND fix_time >= w.since"
            f" ORDER BY fix_time DESC, id DESC LIMIT %s) UNION ALL (SELECT {FIX} FROM positions"
            " WHERE device_id = w.device_id AND fix_time < w.since ORDER BY fix_time DESC, id DESC LIMIT 1)) f"
            " ORDER BY w.device_id, f.fix_time, f.id",
            [list(since), list(since.values()), limit],
        )
        found: dict[int, list[FixRow]] = {}
        for device_id, *fix in rows:
            found.setdefault(device_id, []).append(FixRow(*fix))
        return found

    async def fences(self, ids: Iterable[int]) -> list[GeofenceRow]:
        """These geofences, as far as they are there, in the order of their ids."""
        rows = await self.database.query(
            f"SELECT {columns(GeofenceRow)} FROM geofences WHERE id = ANY(%s::bigint[]) AND deleted_at IS NULL ORDER BY id",
            [list(ids)],
        )
        return [GeofenceRow(*row) for row in rows]

    async def register(
        self, unique_id: str, name: str, category: str | None = None, group_id: int | None = None
    ) -> int:
        """Make a device; its id. If another has made it in the meantime, that one's."""
        while True:
            rows = await self.database.query(
                "WITH made AS (INSERT INTO devices (unique_id, name, category, group_id) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (unique_id) WHERE deleted_at IS NULL DO NOTHING RETURNING id),"
                " state AS (INSERT INTO device_states (device_id) SELECT id FROM made)"
                " SELECT id FROM made"
                " UNION ALL SELECT id FROM devices WHERE unique_id = %s AND deleted_at IS NULL",
                [unique_id, name, category, group_id, unique_id],
            )
            # None: another made it while this statement ran, which does not see it. The next one does.
            if rows:
                return int(rows[0][0])

    async def _load(self, condition: str, ids: list[Any], word: str = "") -> list[Loaded]:
        sql, args = LOAD.format(condition), list[Any]([ids])
        if word and self.nodes is not None:
            # One question, but statements of their own: the second sees all that was written before the claim.
            node = self.nodes.id
            sql, args = CLAIM.format(condition) + sql, [ids, ids, node, node, word, ids]
        rows = await self.database.query(sql, args)
        return [_loaded(row) for row in rows]


DEVICE_END = len(names(DeviceRow))
STATE_END = DEVICE_END + len(names(StateRow))
POSITION_END = STATE_END + len(names(PositionRow))


def _loaded(row: tuple[Any, ...]) -> Loaded:
    device = DeviceRow(*row[:DEVICE_END])
    state, position = row[DEVICE_END:STATE_END], row[STATE_END:POSITION_END]
    groups, queued, fences = row[POSITION_END:]
    return Loaded(
        device,
        StateRow(device.id) if state[0] is None else StateRow(*state),
        None if position[0] is None else PositionRow(*position),
        [GroupRow(*group) for group in parsed(groups) or ()],
        queued,
        fences,
    )
