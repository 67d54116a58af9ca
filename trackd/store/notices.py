"""Of which events users want to be told."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from trackd.store.database import Database
from trackd.store.rows import parsed


@define(eq=False)
class NoticeRow:
    """A user's notification; `devices`: those that it is linked to, directly or by a group, `calendar`: iCalendar."""

    type: str
    always: bool
    attributes: dict[str, Any] = field(converter=parsed)
    calendar: bytes | None
    devices: list[int]


@define(eq=False)
class Notices:
    """`most`: notifications of one user."""

    database: Database
    most: int = 1000

    async def of_user(self, user_id: int, channel: str) -> list[NoticeRow]:
        """The notifications of a user that go this way."""
        rows = await self.database.query(
            "SELECT n.type, n.always, n.attributes, c.data, ARRAY(WITH RECURSIVE below AS ("
            "  SELECT group_id AS id FROM group_notification WHERE notification_id = n.id"
            "  UNION SELECT g.id FROM groups g JOIN below ON g.group_id = below.id WHERE g.deleted_at IS NULL)"
            "  SELECT device_id FROM device_notification WHERE notification_id = n.id"
            "  UNION SELECT d.id FROM devices d JOIN below ON d.group_id = below.id WHERE d.deleted_at IS NULL)"
            " FROM user_notification l JOIN notifications n ON n.id = l.notification_id"
            " LEFT JOIN calendars c ON c.id = n.calendar_id AND c.deleted_at IS NULL"
            " WHERE l.user_id = %s AND n.deleted_at IS NULL"
            " AND %s = ANY(regexp_split_to_array(trim(n.notificators), '\\s*,\\s*'))"
            " ORDER BY n.id LIMIT %s",
            [user_id, channel, self.most],
        )
        return [NoticeRow(*row) for row in rows]
