"""Each stage, on reports as they come out of the intake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.track.memory import NOON, House, Wire, at, fix
from trackd.store.report import Report
from trackd.track.fence import fence
from trackd.track.frame import Stage
from trackd.track.stages.place import GPS_EPOCH, distance, geofences, outdated, time
from trackd.track.stages.vehicle import copy_attributes, engine_hours, motion
from trackd.wire.values import Position


def through(*stages: Stage, positions: list[Position], **settings: Any) -> list[Report]:
    """What these positions of one device are after the stages, committed one by one."""
    house = House(stages=stages)
    house.add("a", attributes=settings)
    wire = Wire()
    house.find(wire, "a")
    for position in positions:
        house.take(wire, position)
        house.settle()
    return house.reports


class GeofenceTests(SynchronousTestCase):
    def test_inside(self) -> None:
        """A report has the ids of the geofences in which it is, and none of those that it is not."""
        house = House(stages=(geofences,))
        fences = [
            (3, "CIRCLE (48 11, 500)", {}),
            (5, "CIRCLE (48 11, 500)", {"floor": 100}),
            (7, "CIRCLE (0 0, 1)", {}),
        ]
        house.add("a", fences=tuple((id, fence(area, attributes)) for id, area, attributes in fences))
        wire = Wire()
        house.find(wire, "a")
        for position in (fix(0), fix(1, altitude=200.0), fix(2, 49.0)):
            house.take(wire, position)
            house.settle()
        self.assertEqual([[3], [3, 5], None], [report.geofence_ids for report in house.reports])

    def test_none(self) -> None:
        """A device without geofences is in none."""
        (report,) = through(geofences, positions=[fix(0)])
        self.assertIsNone(report.geofence_ids)


class OutdatedTests(SynchronousTestCase):
    def test_last_known(self) -> None:
        """A message without a fix is where the device was, at its own time."""
        first = fix(0, speed=3.0, course=4.0, altitude=5.0, accuracy=6.0)
        empty = Position.last(at(9))
        empty.speed = 99.0
        _, report = through(outdated, positions=[first, empty])
        self.assertEqual(
            (at(9), at(0), True, 48.0, 11.0, 5.0, 3.0, 4.0, 6.0),
            (
                report.device_time, report.fix_time, report.valid, report.latitude, report.longitude,
                report.altitude, report.speed, report.course, report.accuracy,
            ),
        )  # fmt: skip

    def test_nothing_known(self) -> None:
        """Without an earlier position the fix is of the beginning of GPS time; without a time, the server's counts."""
        [report] = through(outdated, positions=[Position.last()])
        self.assertEqual((GPS_EPOCH, NOON, False), (report.fix_time, report.device_time, report.valid))


class TimeTests(SynchronousTestCase):
    def test_rollover(self) -> None:
        """A clock that has lost 1024 weeks gets them back."""
        lost = NOON - timedelta(weeks=1024)
        [report] = through(time(), positions=[Position.at(lost)])
        self.assertEqual((NOON, NOON), (report.device_time, report.fix_time))

    def test_no_rollover(self) -> None:
        """An old time that is no rolled over one, and the beginning of GPS time, are left alone."""
        nearly = NOON - timedelta(weeks=1024) + timedelta(days=91)
        reports = through(time(), positions=[Position.at(GPS_EPOCH), Position.at(nearly)])
        self.assertEqual([GPS_EPOCH, nearly], [report.fix_time for report in reports])

    def test_override(self) -> None:
        """`time.override` takes the server's time for both, or the device's for the fix, where the format is named."""
        position = Position(at(1), at(2))
        cases: list[tuple[str, Stage, tuple[datetime, datetime]]] = [
            ("serverTime", time(), (NOON, NOON)),
            ("deviceTime", time(), (at(1), at(1))),
            ("serverTime", time({"other"}), (at(1), at(2))),
        ]
        for override, stage, expected in cases:
            [report] = through(stage, positions=[position], **{"time.override": override})
            self.assertEqual(expected, (report.device_time, report.fix_time))
        [report] = through(time(), positions=[Position(None, at(2))], **{"time.override": "deviceTime"})
        self.assertEqual(at(2), report.fix_time)


class DistanceTests(SynchronousTestCase):
    def test_adds_up(self) -> None:
        """`distance` is from the latest position, `totalDistance` the sum; the first is zero."""
        reports = through(distance(), positions=[fix(0), fix(1, 48.001), fix(2, 48.002)])
        shown = [(report.attributes["distance"], report.attributes["totalDistance"]) for report in reports]
        degree = 111.31949079326314
        self.assertEqual((0.0, 0.0), shown[0])
        self.assertAlmostEqual(degree, shown[1][0], 6)
        self.assertAlmostEqual(2 * degree, shown[2][1], 6)

    def test_own(self) -> None:
        """A distance that the device has sent counts."""
        _, report = through(distance(), positions=[fix(0), fix(1, 49.0, attributes={"distance": 5})])
        self.assertEqual((5.0, 5.0), (report.attributes["distance"], report.attributes["totalDistance"]))

    def test_endless(self) -> None:
        """A distance that is no finite number does not count: the sum goes on."""
        for own in ("NaN", "Infinity", float("nan"), float("inf")):
            positions = [
                fix(0, attributes={"distance": 7}),
                fix(1, 48.001, attributes={"distance": own}),
                fix(2, 48.001),
            ]
            *_, report = through(distance(), positions=positions)
            self.assertAlmostEqual(7 + 111.31949079326314, report.attributes["totalDistance"], 6)

    def test_filter(self) -> None:
        """With the filter, a leap that is too small or too large leaves the device where it was."""
        for latitude in (48.0000001, 52.0):
            stage = distance(True, 1.0, 1000.0)
            _, report = through(stage, positions=[fix(0), fix(1, latitude)])
            self.assertEqual((48.0, 0.0), (report.latitude, report.attributes["distance"]))


class VehicleTests(SynchronousTestCase):
    def test_motion(self) -> None:
        """`motion` is told by the speed, unless the device has said it; the threshold is a setting."""
        positions = [fix(0), fix(1, speed=1.0), fix(2, speed=1.0, attributes={"motion": False})]
        self.assertEqual(
            [False, True, False], [one.attributes["motion"] for one in through(motion, positions=positions)]
        )
        [report] = through(motion, positions=[fix(0, speed=1.0)], **{"event.motion.speedThreshold": "1.5"})
        self.assertIs(False, report.attributes["motion"])

    def test_hours(self) -> None:
        """`hours` counts while the ignition was on before and is on now; nothing is written as long as it is zero."""
        on = [fix(seconds, attributes={"ignition": True}) for seconds in (0, 10)]
        off = [fix(20, attributes={"ignition": False}), fix(30, attributes={"ignition": True})]
        reports = through(engine_hours, positions=on + off)
        self.assertEqual([None, 10_000, 10_000, 10_000], [report.attributes.get("hours") for report in reports])

    def test_copy(self) -> None:
        """Listed attributes are carried over where they are missing."""
        positions = [fix(0, attributes={"a": 1, "b": 2, "c": 3}), fix(1, attributes={"b": 5})]
        _, report = through(copy_attributes, positions=positions, **{"processing.copyAttributes": "a b"})
        self.assertEqual({"a": 1, "b": 5}, report.attributes)


class SettingTests(SynchronousTestCase):
    def test_groups(self) -> None:
        """A setting is looked for in the device, then in three groups upwards, then in the configuration."""
        house = House()
        device = house.add("a", groups=[{}, {"x": 2}, {"x": 3}, {"y": 4}], config={"y": 5, "z": 6})
        self.assertEqual((2, 5, 6, None), tuple(map(device.setting, "xyz!")))
        self.assertEqual(datetime(1980, 1, 6, tzinfo=UTC), GPS_EPOCH)
