"""Tests of `plugins.live.traccar`, by the messages of its contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from plugins.live.traccar import TraccarLive
from trackd.live.news import DeviceNews, RawFrame
from trackd.store.report import Event, Fix, Report, State
from trackd.track.device import Device

SEVEN = datetime(2026, 1, 31, 7, 5, 9, tzinfo=UTC)


@frozen
class Somebody:
    id: int = 1
    token_id: int | None = None


@frozen
class IgnitionOnly:
    """User 1 wants to know of ignitions."""

    def wanted(self, user_id: int, event: Any) -> bool:
        return user_id == 1 and bool(event.type == "ignitionOn")

    def words(self, event: Any) -> str:
        return "Van: ignition on"


def report(id: int = 812) -> Report:
    later = SEVEN + timedelta(milliseconds=1002)
    attributes = {"sat": 9, "ignition": True, "distance": 12.4, "motion": True, "hours": 7200000}
    place = (True, 48.1, 11.5, 0.0, 12.95896, 84.0, 0.0, None, attributes, False, 0)
    made = Report(3, "gt06", later, SEVEN, SEVEN, *place)
    made.id = id
    made.geofence_ids = [4]
    return made


POSITION = (
    '{"id":812,"attributes":{"sat":9,"ignition":true,"distance":12.4,"motion":true,"hours":7200000},"deviceId":3,'
    '"protocol":"gt06","serverTime":"2026-01-31T07:05:10.002+00:00","deviceTime":"2026-01-31T07:05:09.000+00:00",'
    '"fixTime":"2026-01-31T07:05:09.000+00:00","valid":true,"latitude":48.1,"longitude":11.5,"altitude":0.0,'
    '"speed":12.95896,"course":84.0,"address":null,"accuracy":0.0,"network":null,"geofenceIds":[4]}'
)


class TraccarLiveTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.dialect = TraccarLive()
        self.talk = self.dialect.open(Somebody(), {})

    def told(self, *kinds: list[bytes]) -> list[Any]:
        return [json.loads(message) for message in self.talk.tell(*kinds)]

    def test_position(self) -> None:
        """A position is written as the contract's example shows it, member by member."""
        self.assertEqual(POSITION, self.dialect.position(report()).decode())

    def test_device(self) -> None:
        """A device is what users say of it, with the state that the news carry."""
        state = State(3, "online", SEVEN, Fix(811, SEVEN, 0, 0))
        device = Device(3, "123456789012345", State(3), "Van", attributes={"speedLimit": 50}, category="van")
        self.assertEqual(
            {
                "id": 3,
                "attributes": {"speedLimit": 50},
                "groupId": 0,
                "calendarId": 0,
                "name": "Van",
                "uniqueId": "123456789012345",
                "status": "online",
                "lastUpdate": "2026-01-31T07:05:09.000+00:00",
                "positionId": 811,
                "phone": None,
                "model": None,
                "contact": None,
                "category": "van",
                "disabled": False,
                "expirationTime": None,
            },
            json.loads(self.dialect.device(DeviceNews(device, state))),
        )

    def test_event(self) -> None:
        """An event has the words in which the user is told."""
        event = Event(3, "ignitionOn", SEVEN, Fix(812, SEVEN, 0, 0), id=55)
        self.assertEqual(
            b'{"id":55,"attributes":{"message":"Van: ignition on"},"deviceId":3,"type":"ignitionOn",'
            b'"eventTime":"2026-01-31T07:05:09.000+00:00","positionId":812,"geofenceId":0,"maintenanceId":0}',
            TraccarLive(IgnitionOnly()).event(event),
        )

    def test_frame(self) -> None:
        """A raw frame that is no text is shown as hex; a stranger's belongs to device 0."""
        frame = RawFrame("gt06", "123456789012345", 3, b"\x78\x78\x0d\x01", "203.0.113.7")
        self.assertEqual(
            b'{"protocol":"gt06","uniqueId":"123456789012345","deviceId":3,"data":"78780d01","host":"203.0.113.7"}',
            self.dialect.frame(frame),
        )
        self.assertEqual(
            b'{"protocol":"gt06","uniqueId":null,"deviceId":0,"data":"","host":""}',
            self.dialect.frame(RawFrame("gt06", "", None, b"", "")),
        )

    def test_frame_of_text(self) -> None:
        """A raw frame of text is shown as it is, on one line; one other byte, and it is hex."""
        for data, shown in [(b"*HQ,1#\r\n", "*HQ,1#\\r\\n"), (b'a"\x7f', 'a"\x7f'), (b"a\t", "6109"), (b"\xe9", "e9")]:
            said = json.loads(self.dialect.frame(RawFrame("h02", "1", 3, data, "203.0.113.7")))
            self.assertEqual(shown, said["data"])

    def test_greeting(self) -> None:
        """The first message is a list of positions, which may be empty."""
        self.assertEqual([b'{"positions":[]}'], self.talk.greet([]))
        self.assertEqual([b'{"positions":[{"id":1},{"id":2}]}'], self.talk.greet([b'{"id":1}', b'{"id":2}']))

    def test_order(self) -> None:
        """Devices, events, positions, logs: each in a message of its own, and none for what there is not."""
        self.assertEqual(
            [{"devices": [1]}, {"events": [2]}, {"positions": [3, 4]}, {"logs": [5]}],
            self.told([b"1"], [b"2"], [b"3", b"4"], [b"5"]),
        )
        self.assertEqual([{"positions": [1]}], self.told([], [], [b"1"], []))

    def test_events(self) -> None:
        """An event is for users with a notification that matches; as long as there are none, for nobody."""
        ignition, alarm = Event(3, "ignitionOn", SEVEN), Event(3, "alarm", SEVEN)
        self.assertFalse(self.talk.wants(ignition))
        dialect = TraccarLive(IgnitionOnly())
        first, second = dialect.open(Somebody(1), {}), dialect.open(Somebody(2), {})
        self.assertEqual((True, False, False), (first.wants(ignition), first.wants(alarm), second.wants(ignition)))

    def test_logs(self) -> None:
        """A client switches raw frames on and off; what is no boolean is read as one."""
        for text, logs in [
            (b'{"logs":true}', True),
            (b'{"logs":false}', False),
            (b'{"logs":"true"}', True),
            (b'{"logs":"x"}', False),
            (b'{"logs":1}', True),
            (b'{"logs":0}', False),
            (b'{"logs":true}', True),
            (b'{"logs":null}', False),
            (b'{"logs":[1]}', False),
        ]:
            self.assertEqual([], self.talk.hear(text))
            self.assertEqual(logs, self.talk.logs, text)

    def test_ignored(self) -> None:
        """Everything else changes nothing and has no answer."""
        self.talk.hear(b'{"logs":true}')
        for text in (b"{}", b"not json", b"[]", b"null", b'{"unknown":1}', b"", b"\xff", b"[" * 60_000):
            self.assertEqual([], self.talk.hear(text))
            self.assertTrue(self.talk.logs, text)

    def test_keepalive(self) -> None:
        """An empty object, every 55 seconds."""
        self.assertEqual((b"{}", 55.0), (self.dialect.keepalive, self.dialect.interval))
