"""
Columns that name another object.

A deleted object stays in its table for a while, so a foreign key alone would let a row name one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trackd.store.database import Queries
from trackd.store.errors import Refused
from trackd.store.kinds import REFERRED, TABLES

FOREIGN_KEY = "23503"


async def hold(queries: Queries, values: Mapping[str, Any]) -> None:
    """Keep what these columns name from being deleted until the transaction ends. Refused if one is not there."""
    for column in sorted(values.keys() & REFERRED.keys()):
        id = values[column]
        if id and not await alive(queries, REFERRED[column], id):
            raise Refused(FOREIGN_KEY, f"there is no {REFERRED[column]} {id}")


async def alive(queries: Queries, kind: str, id: int) -> bool:
    """Whether there is such an object, which then stays until the transaction ends."""
    return bool(await queries.query(f"SELECT FROM {TABLES[kind]} WHERE id = %s AND deleted_at IS NULL FOR SHARE", [id]))
