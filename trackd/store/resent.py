"""Which reports are stored already."""

from __future__ import annotations

from typing import Any

import orjson
from attrs import define

from trackd.store.database import Database
from trackd.store.report import Report


@define(eq=False)
class Resent:
    """Looks reports up by device, the time that the device said, and digest."""

    database: Database

    async def __call__(self, reports: list[Report]) -> set[Report]:
        """Those of the reports that the database has. Unavailable while it is away."""
        asked = [report for report in reports if report.said is not None]
        found = await self.database.query(
            "SELECT asked.number FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[], %s::bigint[])"
            " AS asked (number, device_id, said, digest)"
            " WHERE EXISTS (SELECT FROM positions WHERE device_id = asked.device_id"
            " AND fix_time = asked.said AND digest = asked.digest)"
            " OR EXISTS (SELECT FROM positions WHERE device_id = asked.device_id"
            " AND said = asked.said AND digest = asked.digest)",
            (
                _array(list(range(len(asked)))),
                _array([report.device_id for report in asked]),
                _array([report.said for report in asked]),
                _array([report.digest for report in asked]),
            ),
        )
        return {asked[number] for (number,) in found}


def _array(values: list[Any]) -> str:
    return "{" + orjson.dumps(values)[1:-1].decode() + "}"
