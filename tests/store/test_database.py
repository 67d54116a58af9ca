"""The pool, on a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.postgres import EmptyDatabaseTestCase


class ValueTests(EmptyDatabaseTestCase):
    """What goes in and comes out."""

    async def test_values(self) -> None:
        """Timestamps come back aware and in UTC, json as the text that went in, bytea as bytes."""
        time = datetime(2024, 2, 29, 12, 30, 15, 250000, UTC)
        rows = await self.db.query(
            "SELECT %s::timestamptz, %s::json, %s::bytea, NULL::bytea, 1.5::float8, true",
            [time, '{"b": 1,  "a": "\\u0000"}', b"\x00\xff"],
        )
        self.assertEqual(rows, [(time, '{"b": 1,  "a": "\\u0000"}', b"\x00\xff", None, 1.5, True)])
        self.assertIs(rows[0][0].tzinfo, UTC)
