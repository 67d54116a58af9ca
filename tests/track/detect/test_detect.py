"""Each detector, on reports as they come out of the intake."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.track.memory import House, Wire, at, fix
from trackd.track.detect.motion import streaks, trips
from trackd.track.detect.simple import alarm, ignition
from trackd.track.frame import Detector
from trackd.track.stages.place import distance
from trackd.track.stages.vehicle import motion
from trackd.wire.values import Position


def events(detector: Detector, *positions: Position, moving: bool = False, **settings: Any) -> list[tuple[str, Any]]:
    """Types of the events with what they carry: the text of an alarm, otherwise the time."""
    house = House(stages=(distance(), motion), detectors=(detector,))
    device = house.add("a", attributes={name.replace("_", "."): value for name, value in settings.items()})
    device.state.motion_streak = moving
    wire = Wire()
    house.find(wire, "a")
    for position in positions:
        house.take(wire, position)
        house.settle()
    return [(event.type, event.attributes.get("alarm", event.event_time)) for event in house.events]


def with_(**attributes: Any) -> Position:
    position = fix(with_.second, attributes=attributes)  # type: ignore[attr-defined]
    with_.second += 1  # type: ignore[attr-defined]
    return position


with_.second = 0  # type: ignore[attr-defined]


class AlarmTests(SynchronousTestCase):
    def test_each(self) -> None:
        """Each alarm of a report is an event; one that the report before had is none."""
        found = events(alarm(), with_(alarm="sos,tow"), with_(alarm="tow,door"), with_(), with_(alarm="tow"))
        self.assertEqual([("alarm", name) for name in ("sos", "tow", "door", "tow")], found)

    def test_duplicates(self) -> None:
        """When duplicates are not to be ignored, each report's alarms are events."""
        self.assertEqual(2, len(events(alarm(False), with_(alarm="sos"), with_(alarm="sos"))))

    def test_no_text(self) -> None:
        """A number is an alarm too, by its text."""
        self.assertEqual([("alarm", "5.0")], events(alarm(), with_(alarm=5)))


class IgnitionTests(SynchronousTestCase):
    def test_changes(self) -> None:
        """A change is an event if both reports have said it."""
        found = events(ignition, with_(), with_(ignition=True), with_(ignition=False), with_(ignition=True), with_())
        self.assertEqual(["ignitionOff", "ignitionOn"], [type for type, _ in found])


# Metres to degrees of latitude, north of 48°.
def north(seconds: float, metres: float, **members: Any) -> Position:
    return fix(seconds, 48 + metres / 111_319.49, **members)


SETTINGS: dict[str, Any] = {
    "report_trip_minDistance": 500,
    "report_trip_minDuration": 300,
    "report_trip_stopGap": 1_000_000,
}


class StreakTests(SynchronousTestCase):
    def test_moving(self) -> None:
        """Standing, then far enough away: the motion began at the last place where it stood."""
        found = events(streaks, north(0, 0), north(120, 0), north(240, 0), north(300, 600), **SETTINGS)
        self.assertEqual([("deviceMoving", at(240))], found)

    def test_stopped(self) -> None:
        """Within the distance for the whole duration: stopped here."""
        found = events(streaks, north(0, 0), north(120, 100), north(240, 100), north(360, 100), moving=True, **SETTINGS)
        self.assertEqual([("deviceStopped", at(360))], found)

    def test_not_yet(self) -> None:
        """Not long enough in one place: nothing."""
        self.assertEqual([], events(streaks, north(0, 0), north(60, 0), north(120, 100), moving=True, **SETTINGS))

    def test_gap(self) -> None:
        """Far away after a long silence: a whole trip that nobody saw."""
        settings = SETTINGS | {"report_trip_stopGap": 600}
        found = events(streaks, north(0, 0), north(60, 0), north(1060, 5000), moving=True, **settings)
        self.assertEqual([("deviceStopped", at(60)), ("deviceMoving", at(60)), ("deviceStopped", at(1060))], found)

    def test_late(self) -> None:
        """A late report makes no event."""
        self.assertEqual([], events(streaks, north(1000, 0), north(0, 100_000), **SETTINGS))


class TripTests(SynchronousTestCase):
    def drive(self, *seconds_speed: tuple[float, float], **settings: Any) -> list[tuple[str, datetime]]:
        return events(trips, *(fix(seconds, speed=speed) for seconds, speed in seconds_speed), **settings)

    def test_long_enough(self) -> None:
        """Motion that has held for the minimal duration is a trip, from its beginning; so is a stop."""
        found = self.drive((0, 0), (10, 5), (200, 5), (310, 5), (320, 0), (620, 0))
        self.assertEqual([("deviceMoving", at(10)), ("deviceStopped", at(320))], found)

    def test_false_alarm(self) -> None:
        """Motion that ends at once is none."""
        self.assertEqual([], self.drive((0, 0), (10, 5), (20, 0), (400, 0)))

    def test_ignition_ends_it(self) -> None:
        """With `useIgnition` a stop with the ignition off is one at once."""
        found = events(
            trips,
            fix(0),
            fix(10, speed=5.0),
            fix(310, speed=5.0),
            fix(320, attributes={"ignition": False}),
            fix(330, attributes={"ignition": False}),
            report_trip_useIgnition=True,
        )
        self.assertEqual([("deviceMoving", at(10)), ("deviceStopped", at(320))], found)

    def test_silence(self) -> None:
        """A long silence ends the trip at the last report before it."""
        found = self.drive((0, 0), (10, 5), (310, 5), (5000, 5))
        self.assertEqual([("deviceMoving", at(10)), ("deviceStopped", at(310))], found)
