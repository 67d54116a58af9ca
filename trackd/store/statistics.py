"""How much was done on each day."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime

from attrs import define

from trackd.store.database import Database, Queries
from trackd.store.rows import DayRow, names

# What is added up.
COUNTED = (
    "requests",
    "messages_received",
    "messages_stored",
    "mail_sent",
    "sms_sent",
    "geocoder_requests",
    "geolocation_requests",
)

USERS = "(SELECT count(*) FROM statistics_users WHERE day = s.day)"
DEVICES = "(SELECT count(DISTINCT device_id) FROM statistics_devices WHERE day = s.day)"
PROTOCOLS = (
    "(SELECT json_object_agg(protocol, devices ORDER BY protocol) FROM"
    " (SELECT protocol, count(*) AS devices FROM statistics_devices WHERE day = s.day GROUP BY protocol) one)"
)


@define(eq=False)
class Days:
    database: Database

    async def add(
        self,
        day: date,
        time: datetime,
        counts: Mapping[str, int],
        users: Collection[int],
        devices: Collection[tuple[int, str]],
    ) -> None:
        """Add to a day: numbers by the names of COUNTED, ids of users, ids of devices with their wire format."""
        # In one order everywhere, so that two servers can't wait for each other's rows.
        people, seen = sorted(users), sorted(devices)
        numbers = [counts.get(name, 0) for name in COUNTED]

        async def work(queries: Queries) -> None:
            await queries.run(
                f"INSERT INTO statistics AS s (day, capture_time, {', '.join(COUNTED)})"
                f" VALUES (%s, %s, {', '.join(['%s'] * len(COUNTED))})"
                " ON CONFLICT (day) DO UPDATE SET capture_time = greatest(s.capture_time, excluded.capture_time), "
                + ", ".join([f"{name} = s.{name} + excluded.{name}" for name in COUNTED]),
                [day, time, *numbers],
            )
            await queries.run(
                "INSERT INTO statistics_users (day, user_id) SELECT %s, unnest(%s::bigint[]) ON CONFLICT DO NOTHING",
                [day, people],
            )
            await queries.run(
                "INSERT INTO statistics_devices (day, device_id, protocol)"
                " SELECT %s, * FROM unnest(%s::bigint[], %s::text[]) ON CONFLICT DO NOTHING",
                [day, [device for device, _ in seen], [protocol for _, protocol in seen]],
            )

        await self.database.transaction(work)

    async def ended(self, day: date, time: datetime) -> None:
        """There was nothing more on that day."""
        await self.database.run(
            "UPDATE statistics SET capture_time = greatest(capture_time, %s) WHERE day = %s", [time, day]
        )

    async def between(self, start: datetime, end: datetime, before: date) -> list[DayRow]:
        """The days before a day that were added to last from `start` to `end`, both included, by that time."""
        plain = [name for name in names(DayRow) if name not in ("active_users", "active_devices", "protocols")]
        rows = await self.database.query(
            f"SELECT {', '.join(['s.' + name for name in plain])}, coalesce(s.active_users, {USERS}),"
            f" coalesce(s.active_devices, {DEVICES}), coalesce(s.protocols, {PROTOCOLS}) FROM statistics s"
            " WHERE s.capture_time >= %s AND s.capture_time <= %s AND s.day < %s ORDER BY s.capture_time, s.day",
            [start, end, before],
        )
        return [DayRow(*row) for row in rows]

    async def settle(self, before: date) -> None:
        """Days before this one are counted for good, and nobody is remembered who was there."""

        async def work(queries: Queries) -> None:
            await queries.run(
                f"UPDATE statistics s SET active_users = {USERS}, active_devices = {DEVICES}, protocols = {PROTOCOLS}"
                " WHERE s.day < %s AND s.active_users IS NULL",
                [before],
            )
            await queries.run("DELETE FROM statistics_users WHERE day < %s", [before])
            await queries.run("DELETE FROM statistics_devices WHERE day < %s", [before])

        await self.database.transaction(work)
