"""Which events users are told of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from trackd.live.notices import SPARE, Notices
from trackd.store.notices import NoticeRow
from trackd.store.report import Event

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
MORNINGS = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
BEGIN:VEVENT\r
UID:1\r
DTSTART:20260101T060000Z\r
DTEND:20260101T090000Z\r
RRULE:FREQ=DAILY\r
END:VEVENT\r
END:VCALENDAR\r
"""


def row(
    type: str = "ignitionOn",
    always: bool = True,
    devices: tuple[int, ...] = (),
    calendar: bytes | None = None,
    **attributes: Any,
) -> NoticeRow:
    return NoticeRow(type, always, attributes, calendar, list(devices))


def event(type: str = "ignitionOn", device: int = 7, time: datetime = NOON, fence: int = 0, **attributes: Any) -> Event:
    return Event(device, type, time, None, attributes, fence)


class NoticesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rows: dict[int, list[NoticeRow]] = {}
        self.listening: set[int] = set()
        self.notices = Notices(self, {7: "Van"}.get, lambda: self.listening, lambda: NOON)  # type: ignore[arg-type]

    async def of_user(self, user_id: int, channel: str) -> list[NoticeRow]:
        self.assertEqual(channel, "web")
        return self.rows.get(user_id, [])

    def read(self, user_id: int) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.notices.read(user_id)))

    def wanted(self, *rows: NoticeRow, of: Event | None = None) -> bool:
        """Whether a user with these notifications is told of the event."""
        self.rows[1] = list(rows)
        self.read(1)
        return self.notices.wanted(1, of or event())

    def test_type(self) -> None:
        """A user is told of the types of event that one of the notifications names."""
        self.assertTrue(self.wanted(row("ignitionOff"), row("ignitionOn")))
        self.assertFalse(self.wanted(row("ignitionOff")))
        self.assertFalse(self.wanted())
        self.assertFalse(self.notices.wanted(2, event()))

    def test_devices(self) -> None:
        """A notification is for the devices that it is linked to, or always for all."""
        self.assertTrue(self.wanted(row(always=False, devices=(6, 7))))
        self.assertFalse(self.wanted(row(always=False, devices=(6,))))
        self.assertFalse(self.wanted(row(always=False)))

    def test_alarms(self) -> None:
        """Of alarms, those that are named are told, as they are written; without names, none."""
        sos = event("alarm", alarm="sos")
        self.assertTrue(self.wanted(row("alarm", alarms="lowBattery,sos"), of=sos))
        for alarms in ("", "lowBattery", "lowBattery, sos"):
            self.assertFalse(self.wanted(row("alarm", alarms=alarms), of=sos), alarms)
        self.assertFalse(self.wanted(row("alarm"), of=sos))

    def test_geofences(self) -> None:
        """Where geofences are named, events of others are not told, nor those of none."""
        self.assertTrue(self.wanted(row("geofenceEnter", geofenceIds="3, 4"), of=event("geofenceEnter", fence=4)))
        self.assertFalse(self.wanted(row("geofenceEnter", geofenceIds="3"), of=event("geofenceEnter", fence=4)))
        self.assertFalse(self.wanted(row(geofenceIds="3")))

    def test_calendar(self) -> None:
        """With a calendar, events are told while it is active; one that cannot be read never is."""
        self.assertFalse(self.wanted(row(calendar=MORNINGS)))
        early = event(time=NOON.replace(hour=7))
        self.notices.patience = timedelta(days=1)
        self.assertTrue(self.wanted(row(calendar=MORNINGS), of=early))
        self.assertFalse(self.wanted(row(calendar=b"nonsense"), of=early))

    def test_late(self) -> None:
        """Of what happened long ago nobody is told."""
        self.assertTrue(self.wanted(row(), of=event(time=NOON - timedelta(minutes=15))))
        self.assertFalse(self.wanted(row(), of=event(time=NOON - timedelta(minutes=15, seconds=1))))

    def test_blocked(self) -> None:
        """Users whom the operator has blocked are told of nothing."""
        self.notices.blocked = frozenset({1})
        self.assertFalse(self.wanted(row()))

    def test_words(self) -> None:
        """The words have the device's name, what has happened, and with what result."""
        self.assertEqual(self.notices.words(event()), "Van ignition on")
        self.assertEqual(self.notices.words(event("alarm", alarm="sos")), "Van alarm sos")
        self.assertEqual(self.notices.words(event("new", device=8)), "new")

    def test_forgotten(self) -> None:
        """Who listens is remembered, of the others some."""
        self.listening = {0}
        for user_id in range(SPARE + 10):
            self.rows[user_id] = [row()]
            self.read(user_id)
        self.assertTrue(self.notices.wanted(0, event()))
        told = sum(self.notices.wanted(user_id, event()) for user_id in range(SPARE + 10))
        self.assertLessEqual(told, SPARE + 1)
