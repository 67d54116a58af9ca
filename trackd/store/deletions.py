"""
Deleting what can be brought back, and bringing it back.

    await database.transaction(lambda queries: bury(queries, "device", 7, by=3))

The row stays in its table, marked as deleted. Its links are deleted and what refers to it is made to refer to nothing;
both are noted in the table `deletions`, so that bringing it back is bringing back all of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from attrs import Factory, define, frozen

from trackd.store.audit import Note, add, unsaid
from trackd.store.database import Database, Queries
from trackd.store.errors import Refused, StoreError
from trackd.store.kinds import PAIRS, REFERENCES, TABLES
from trackd.store.references import alive
from trackd.store.rows import as_json, parsed

# What people call one of each kind, for lists.
TITLES = {
    "user": "email",
    "device": "unique_id",
    "driver": "unique_id",
    "order": "unique_id",
    "notification": "type",
    "attribute": "description",
    "command": "description",
    "report": "description",
}

# What may have been taken meanwhile, by its constraint.
TAKEN = {
    "users_email": "e-mail address",
    "users_login": "login",
    "devices_unique_id": "unique id",
    "drivers_unique_id": "unique id",
}


class Gone(StoreError):
    """There is nothing to bring back, or it cannot come back as things are; the text says why."""


@define(eq=False)
class Severed:
    """
    What was cut off: `links` as owner's kind and id, kind and id; `references` as kind, column and id of what referred
    to it; `objects` as kind and id of what was deleted with it.
    """

    links: list[tuple[str, int, str, int]] = Factory(list)
    references: list[tuple[str, str, int]] = Factory(list)
    objects: list[tuple[str, int]] = Factory(list)

    @classmethod
    def read(cls, value: Any) -> Severed:
        found = parsed(value)
        return cls(
            [(owner, owner_id, kind, id) for owner, owner_id, kind, id in found["links"]],
            [(kind, column, id) for kind, column, id in found["references"]],
            [(kind, id) for kind, id in found["objects"]],
        )

    def json(self) -> str:
        return as_json({"links": self.links, "references": self.references, "objects": self.objects})


@frozen
class Deletion:
    """`title`: what people call it; `by`: the user who deleted it, as far as it is known."""

    kind: str
    id: int
    title: str
    deleted_at: datetime
    by: int | None


async def bury(queries: Queries, kind: str, id: int, by: int | None = None, note: Note = unsaid) -> bool:
    """
    Mark it as deleted, and cut it off; whether there was one, and then it is noted.

    What is nothing without it is deleted with it.
    """
    table = TABLES[kind]
    # Marked first: who is just linking or naming it has locked it, and is waited for here.
    if not await queries.run(f"UPDATE {table} SET deleted_at = now() WHERE id = %s AND deleted_at IS NULL", [id]):
        return False
    severed = Severed()
    for pair in PAIRS.values():
        for named in (pair.owner_column, pair.column):
            if kind == (pair.owner if named == pair.owner_column else pair.kind):
                rows = await queries.query(
                    f"DELETE FROM {pair.table} WHERE {named} = %s RETURNING {pair.owner_column}, {pair.column}", [id]
                )
                severed.links += [(pair.owner, owner_id, pair.kind, other_id) for owner_id, other_id in rows]
    for reference in REFERENCES:
        if reference.to != kind:
            continue
        if reference.owned:
            rows = await queries.query(
                f"SELECT id FROM {TABLES[reference.kind]} WHERE {reference.column} = %s AND deleted_at IS NULL", [id]
            )
            for (owned_id,) in rows:
                if await bury(queries, reference.kind, owned_id, by):
                    severed.objects.append((reference.kind, owned_id))
        else:
            rows = await queries.query(
                f"UPDATE {TABLES[reference.kind]} SET {reference.column} = NULL"
                f" WHERE {reference.column} = %s AND deleted_at IS NULL RETURNING id",
                [id],
            )
            severed.references += [(reference.kind, reference.column, other_id) for (other_id,) in rows]
    await queries.run(
        "INSERT INTO deletions (kind, id, deleted_at, deleted_by, severed) VALUES (%s, %s, now(), %s, %s)",
        [kind, id, by, severed.json()],
    )
    await add(queries, note(id))
    return True


@define(eq=False)
class Deletions:
    """What has been deleted and can still be brought back."""

    database: Database

    async def all(self, kind: str = "", most: int = 1000) -> list[Deletion]:
        """The latest ones first; of one kind, or all."""
        found = []
        for one in [kind] if kind else TABLES:
            rows = await self.database.query(
                f"SELECT d.id, o.{TITLES.get(one, 'name')}, d.deleted_at, d.deleted_by FROM deletions d"
                f" JOIN {TABLES[one]} o ON o.id = d.id WHERE d.kind = %s ORDER BY d.deleted_at DESC LIMIT %s",
                [one, most],
            )
            found += [Deletion(one, *row) for row in rows]
        return sorted(found, key=lambda deletion: deletion.deleted_at, reverse=True)[:most]

    async def count(self) -> int:
        """How many there are of all kinds."""
        return int((await self.database.query("SELECT count(*) FROM deletions"))[0][0])

    async def bring_back(self, kind: str, id: int) -> None:
        """Undo a deletion. Raises Gone."""
        try:
            await self.database.transaction(lambda queries: _bring_back(queries, kind, id))
        except Refused as error:
            if (what := TAKEN.get(error.constraint or "")) is None:
                raise
            raise Gone(f"{kind} {id} cannot come back: another one has its {what} by now") from None

    async def tidy(self, kept: timedelta) -> None:
        """Delete for good what was deleted longer ago than this."""

        async def work(queries: Queries) -> None:
            for table in TABLES.values():
                await queries.run(f"DELETE FROM {table} WHERE deleted_at < now() - %s", [kept])
            await queries.run("DELETE FROM deletions WHERE deleted_at < now() - %s", [kept])

        await self.database.transaction(work)


async def _bring_back(queries: Queries, kind: str, id: int) -> None:
    rows = await queries.query("SELECT severed FROM deletions WHERE kind = %s AND id = %s FOR UPDATE", [kind, id])
    if not rows:
        raise Gone(f"no {kind} {id} has been deleted lately")
    severed = Severed.read(rows[0][0])
    await _mend_references(queries, kind, id)
    await queries.run(f"UPDATE {TABLES[kind]} SET deleted_at = NULL WHERE id = %s", [id])
    await queries.run("DELETE FROM deletions WHERE kind = %s AND id = %s", [kind, id])
    for link in severed.links:
        await _link(queries, kind, id, link)
    for other, column, other_id in severed.references:
        # It may refer to something else by now.
        await queries.run(
            f"UPDATE {TABLES[other]} SET {column} = %s WHERE id = %s AND {column} IS NULL", [id, other_id]
        )
    for other, other_id in severed.objects:
        if await queries.query("SELECT FROM deletions WHERE kind = %s AND id = %s", [other, other_id]):
            await _bring_back(queries, other, other_id)


async def _mend_references(queries: Queries, kind: str, id: int) -> None:
    """
    What it refers to may have been deleted after it: it then comes back without, and gets it when that comes back.
    """
    for reference in REFERENCES:
        if reference.kind != kind:
            continue
        [(to,)] = await queries.query(f"SELECT {reference.column} FROM {TABLES[kind]} WHERE id = %s", [id])
        if to is None or await alive(queries, reference.to, to):
            continue
        if reference.owned:
            raise Gone(f"its {reference.to} {to} is deleted as well: bring that back first")
        await queries.run(f"UPDATE {TABLES[kind]} SET {reference.column} = NULL WHERE id = %s", [id])
        await _note(queries, reference.to, to, references=[(kind, reference.column, id)])


async def _link(queries: Queries, kind: str, id: int, link: tuple[str, int, str, int]) -> None:
    """Make a link again; if the other one is deleted by now, it is left to that one."""
    owner, owner_id, other, other_id = link
    far = (other, other_id) if (owner, owner_id) == (kind, id) else (owner, owner_id)
    if await alive(queries, *far):
        pair = PAIRS[owner, other]
        await queries.run(
            f"INSERT INTO {pair.table} ({pair.owner_column}, {pair.column}) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [owner_id, other_id],
        )
    else:
        await _note(queries, *far, links=[link])


async def _note(queries: Queries, kind: str, id: int, **more: list[Any]) -> None:
    """Add to what was cut off from something else that is deleted, if it can still be brought back."""
    rows = await queries.query("SELECT severed FROM deletions WHERE kind = %s AND id = %s FOR UPDATE", [kind, id])
    if rows:
        severed = Severed.read(rows[0][0])
        severed.links += more.get("links", [])
        severed.references += more.get("references", [])
        await queries.run("UPDATE deletions SET severed = %s WHERE kind = %s AND id = %s", [severed.json(), kind, id])
