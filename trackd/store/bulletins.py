"""
What servers on one database tell each other of what they have committed, and how it is read.

A bulletin is the payload of a notification that goes out with the commit: ids alone, since a notification holds no more
than 8000 bytes. Whoever has somebody who wants to hear it reads the rows.

    7 p 1000-1049 1052 e 31 d 5 8-9         server 7; positions, events, devices
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from attrs import Factory, define

from trackd.store.batch import Batch, events_of
from trackd.store.database import Database
from trackd.store.positions import COLUMNS as POSITION
from trackd.store.positions import LATEST
from trackd.store.rows import DeviceRow, EventRow, PositionRow, StateRow, columns, names

LENGTH = 7900  # characters of a bulletin
# Devices whose positions are asked for by their ids; of more all are read.
ASKED_FOR = 1000

POSITIONS, EVENTS, DEVICES = "p", "e", "d"

# Or of one that is dead. Nobody has claimed those whose epoch is 0.
OF_OTHERS = "s.node_id IS DISTINCT FROM %s AND s.epoch > 0"


@define
class Bulletin:
    """What `node` has committed, as ids: positions that are the latest of their device, events, devices heard."""

    node: int
    positions: list[int] = Factory(list)
    events: list[int] = Factory(list)
    devices: list[int] = Factory(list)


def bulletins(node: int, batch: Batch) -> list[str]:
    """What there is to tell of this batch, which is about to be committed."""
    positions, late = [], set()
    for report in batch.reports:
        if report.state is not None and report.state.fix is report.fix:
            positions.append(report.id)
        else:
            late.add(report.device_id)
    # Of the devices of the positions nothing need be said: they have been heard.
    events = [event.id for event in events_of(batch)]
    return list(told(Bulletin(node, positions, events, sorted(late.union(batch.signs)))))


def told(bulletin: Bulletin) -> Iterator[str]:
    """The bulletin as payloads."""
    words: list[str] = []
    size, begin = 0, str(bulletin.node)
    for kind, ids in ((POSITIONS, bulletin.positions), (EVENTS, bulletin.events), (DEVICES, bulletin.devices)):
        words.append(kind)
        for word in _ranges(ids):
            if size + len(word) > LENGTH:
                yield " ".join([begin, *words])
                words, size = [kind], 0
            words.append(word)
            size += len(word) + 1
    if size:
        yield " ".join([begin, *words])


def parsed(payload: str) -> Bulletin:
    """What a payload says. ValueError if it is none."""
    node, *words = payload.split()
    bulletin = Bulletin(int(node))
    kinds = {POSITIONS: bulletin.positions, EVENTS: bulletin.events, DEVICES: bulletin.devices}
    ids: list[int] = []
    for word in words:
        if word in kinds:
            ids = kinds[word]
        else:
            first, _, last = word.partition("-")
            ids += range(int(first), int(last or first) + 1)
    return bulletin


def _ranges(ids: Iterable[int]) -> Iterator[str]:
    """Rising ids in short; what does not rise is as good."""
    first = last = None
    for id in ids:
        if last is not None and id == last + 1:
            last = id
            continue
        if first is not None:
            yield str(first) if first == last else f"{first}-{last}"
        first = last = id
    if first is not None:
        yield str(first) if first == last else f"{first}-{last}"


@define(eq=False)
class Elsewhere:
    """Reads what others have committed. All of it raises Unavailable while the database is away."""

    database: Database

    async def positions(self, ids: list[int], of: Collection[int]) -> list[PositionRow]:
        """These positions, as far as they are of one of these devices, in the order of their ids."""
        some = list(of) if len(of) <= ASKED_FOR else None
        rows = await self.database.query(
            f"SELECT {POSITION} FROM positions p WHERE p.id = ANY(%s::bigint[])"
            " AND (%s::bigint[] IS NULL OR p.device_id = ANY(%s::bigint[])) ORDER BY p.id",
            [ids, some, some],
        )
        return [row for row in (PositionRow(*row) for row in rows) if row.device_id in of]

    async def events(self, ids: list[int], of: Collection[int]) -> list[EventRow]:
        """These events, as far as they are of one of these devices, in the order of their ids."""
        rows = await self.database.query(
            f"SELECT {columns(EventRow)} FROM events WHERE id = ANY(%s::bigint[]) ORDER BY id", [ids]
        )
        return [row for row in (EventRow(*row) for row in rows) if row.device_id in of]

    async def devices(self, ids: list[int]) -> dict[int, tuple[DeviceRow, StateRow]]:
        """Of each of these devices: what users say of it, and what the servers know of it."""
        rows = await self.database.query(
            f"SELECT {columns(DeviceRow, 'd')}, {columns(StateRow, 's')} FROM devices d"
            " JOIN device_states s ON s.device_id = d.id WHERE d.id = ANY(%s::bigint[]) AND d.deleted_at IS NULL",
            [ids],
        )
        width = len(names(DeviceRow))
        return {row[0]: (DeviceRow(*row[:width]), StateRow(*row[width:])) for row in rows}

    async def newest(self, node: int, ids: list[int], since: int) -> list[PositionRow]:
        """The latest position of those of these devices that are another server's, if its id is at least `since`."""
        rows = await self.database.query(
            f"SELECT {POSITION} FROM device_states s, LATERAL ({LATEST}) p WHERE s.device_id = ANY(%s::bigint[])"
            f" AND {OF_OTHERS} AND s.position_id >= %s",
            [ids, node, since],
        )
        return [PositionRow(*row) for row in rows]

    async def of_others(self, node: int, ids: list[int]) -> list[int]:
        """Those of these devices that are another server's."""
        rows = await self.database.query(
            f"SELECT s.device_id FROM device_states s WHERE s.device_id = ANY(%s::bigint[]) AND {OF_OTHERS}",
            [ids, node],
        )
        return [id for (id,) in rows]
