"""What is expected in the database after a conversation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.conformance import stored
from tests.conformance.vectors import Step

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EARLY, LATE = "2026-10-01T00:00:00.000Z", "2026-10-02T00:00:00.000Z"


def position(time: str | None, device: str | None = "1", **members: Any) -> dict[str, Any]:
    return {
        "device": device,
        "protocol": "any",
        "deviceTime": time,
        "fixTime": time,
        "valid": True,
        **dict.fromkeys(("latitude", "longitude", "altitude", "speed", "course", "accuracy"), 0.0),
        "network": None,
        "attributes": {},
        **members,
    }


def expected(*positions: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    step = Step(None, None, None, None, None, [], list(positions), [], [], False, False)
    return stored.expected([step], NOW)


class ExpectedTests(SynchronousTestCase):
    def times(self, *positions: dict[str, Any]) -> list[tuple[str, str]]:
        return [(one["deviceTime"], one["fixTime"]) for one in expected(*positions).get("1", [])]

    def test_by_device(self) -> None:
        """Positions are kept by device; those of nobody and those without a time are not."""
        found = expected(position(EARLY, "2"), position(EARLY), position(EARLY, None), position(None), position(LATE))
        self.assertEqual({"1": 2, "2": 1}, {device: len(positions) for device, positions in found.items()})

    def test_sent_again(self) -> None:
        """What is sent again is there once; what differs in anything is not the same."""
        again = [position(EARLY), position(EARLY), position(EARLY, speed=1.0), position(EARLY, "2")]
        self.assertEqual([2, 1], [len(positions) for positions in expected(*again).values()])

    def test_outdated(self) -> None:
        """A message without a fix is where the latest fix was; a late fix changes nothing."""
        empty = position(None, outdated=True, speed=9.0, valid=False)
        first, fix, late, empty = expected(
            empty, position(LATE, latitude=5.0), position(EARLY, latitude=4.0), empty | {"speed": 8.0}
        )["1"]
        noon = "2026-11-01T12:00:00.000Z"
        self.assertEqual(
            (noon, "1980-01-06T00:00:00.000Z", 9.0), (first["deviceTime"], first["fixTime"], first["speed"])
        )
        self.assertEqual((noon, LATE), (empty["deviceTime"], empty["fixTime"]))
        self.assertEqual((5.0, 0.0, True), (empty["latitude"], empty["speed"], empty["valid"]))
        self.assertNotIn("outdated", empty)

    def test_rolled_over(self) -> None:
        """Old times are moved on by 1024 weeks, but not the first of all."""
        self.assertEqual([("2022-08-18T00:00:00.000Z",) * 2], self.times(position("2003-01-02T00:00:00.000Z")))
        self.assertEqual([("2007-07-01T00:00:00.000Z",) * 2], self.times(position("2007-07-01T00:00:00.000Z")))
        self.assertEqual([("1980-01-06T00:00:00.000Z",) * 2], self.times(position("1980-01-06T00:00:00.000Z")))

    def test_without_device_time(self) -> None:
        """The time of the fix counts for both."""
        self.assertEqual([(EARLY, EARLY)], self.times(position(EARLY, deviceTime=None)))


class DifferencesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.files = Path(self.mktemp())
        (self.files / "1").mkdir(parents=True)
        (self.files / "1" / "7.jpg").write_bytes(b"\xff")

    def differences(self, recorded: dict[str, Any], attributes: dict[str, Any], **members: Any) -> list[str]:
        one = {"1": [position(EARLY, attributes=recorded)]}
        return stored.differences(one, {"1": [position(EARLY, attributes=attributes, **members)]}, self.files)

    def test_added(self) -> None:
        """Stages may add attributes of theirs, and nobody else."""
        self.assertEqual(
            [], self.differences({"a": 1}, {"a": 1, "distance": 0.0, "totalDistance": 0.0, "motion": False})
        )
        self.assertEqual(1, len(self.differences({"a": 1}, {"a": 1, "b": 2})))
        self.assertEqual(1, len(self.differences({"motion": True}, {"motion": False})))

    def test_own_distance(self) -> None:
        """A device's own distance stays as it is, its total does not."""
        told = {"distance": 5, "totalDistance": 99}
        self.assertEqual([], self.differences(told, {"distance": 5.0, "totalDistance": 7.0}))
        self.assertEqual(1, len(self.differences(told, {"distance": 6.0, "totalDistance": 99})))

    def test_fields(self) -> None:
        """A place that differs is a difference, and so is a position too few or too many."""
        self.assertEqual(1, len(self.differences({}, {}, latitude=1.0)))
        self.assertEqual(1, len(stored.differences({"1": [position(EARLY)]}, {}, self.files)))
        self.assertEqual(1, len(stored.differences({}, {"1": [position(EARLY)]}, self.files)))

    def test_files(self) -> None:
        """The attribute names a file that is there."""
        self.assertEqual([], self.differences({"image": "media.jpg"}, {"image": "7.jpg"}))
        self.assertEqual(2, len(self.differences({"image": "media.jpg"}, {"image": "8.jpg"})))

    def test_media(self) -> None:
        """All files are there with their contents, and no others."""
        file = {"device": "1", "data": "ff", "extension": "jpg"}
        self.assertEqual([], stored.media([file], self.files))
        self.assertEqual([], stored.media([file, file], self.files))
        self.assertEqual(1, len(stored.media([file, {**file, "extension": "png"}], self.files)))
        self.assertEqual(1, len(stored.media([{**file, "data": "fe"}], self.files)))
