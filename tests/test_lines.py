from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from trackd.lines import event_line, position_line, unknown_line, visible
from trackd.store.rows import EventRow, PositionRow, UnknownRow

NOON = datetime(2026, 1, 2, 12, 0, 0, 999000, tzinfo=UTC)


def position(**changed: object) -> PositionRow:
    values: dict[str, object] = {
        "id": 1,
        "device_id": 2,
        "protocol": "alpha",
        "server_time": NOON,
        "device_time": NOON,
        "fix_time": NOON,
        "valid": True,
        "latitude": 52.5162,
        "longitude": -13.377704,
        "altitude": 0.0,
        "speed": 12.345,
        "course": 179.6,
        "address": None,
        "accuracy": 0.0,
        "network": None,
        "geofence_ids": None,
        "attributes": {},
        "said": None,
        "digest": 0,
    }
    return PositionRow(**(values | changed))  # type: ignore[arg-type]


class LineTests(SynchronousTestCase):
    def test_position(self) -> None:
        """Time, device and place, and what else there is to say."""
        self.assertEqual(
            position_line("123", position()), "2026-01-02T12:00:00Z  123  52.51620,-13.37770  12.3 kn  180°"
        )
        line = position_line(
            "123", position(valid=False, altitude=34.2, attributes={"sat": 9, "ignition": True, "note": "a b", "x": ""})
        )
        self.assertTrue(line.endswith('180°  34 m  invalid  sat=9 ignition=true note="a b" x=""'), line)

    def test_event(self) -> None:
        """Time, device and what has happened."""
        row = EventRow(1, 2, "alarm", NOON, None, None, None, {"alarm": "sos"})
        self.assertEqual(event_line("123", row), "2026-01-02T12:00:00Z  123  event alarm  alarm=sos")

    def test_unknown(self) -> None:
        """Last and first seen, id, format, address, how often, and the beginning of the frame."""
        row = UnknownRow("123", "alpha", "192.0.2.1", NOON, NOON, 7, "ab" * 100)
        self.assertEqual(
            unknown_line(row),
            f"2026-01-02T12:00:00Z  2026-01-02T12:00:00Z  123  alpha  192.0.2.1  7x  {'ab' * 32}…",
        )

    def test_one_line(self) -> None:
        """Whatever a device sends, it stays text in one line."""
        for text in ("a\nb", "\x1b[2J", "\u202e", "\0", "\ud800"):
            line = position_line(text, position(attributes={text: text}))
            self.assertEqual(len(line.splitlines()), 1)
            self.assertTrue(line.isprintable(), line)
        self.assertEqual(visible("Zoë 木"), "Zoë 木")
