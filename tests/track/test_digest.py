"""The number by which a re-sent report is recognised."""

from __future__ import annotations

from typing import Any

import orjson
from twisted.trial.unittest import SynchronousTestCase

from tests.track.memory import House, Wire, at, fix
from trackd.track.digest import dumps, sane
from trackd.wire.values import CellTower, Media, Network, Position


def digest(position: Position) -> int:
    house = House()
    house.add("a")
    wire = Wire()
    house.find(wire, "a")
    house.take(wire, position)
    house.settle()
    return house.reports[0].digest


class DigestTests(SynchronousTestCase):
    def test_stable(self) -> None:
        """The number is the same in every process: it is in the database."""
        self.assertEqual(digest(fix(0)), digest(fix(0)))
        self.assertEqual(8538302376078114425, digest(fix(0, attributes={"sat": 5})))

    def test_everything_counts(self) -> None:
        """Any difference in what the device said makes another number."""
        variants = [
            fix(0),
            fix(1),
            fix(0, 48.1),
            fix(0, 48.0, 11.1),
            fix(0, speed=1.0),
            fix(0, course=1.0),
            fix(0, altitude=1.0),
            fix(0, accuracy=1.0),
            fix(0, attributes={"a": 1}),
            fix(0, attributes={"a": 2}),
            fix(0, network=Network([CellTower(1, 2, 3, 4)])),
            Position(at(5), at(0), True, 48.0, 11.0),
        ]
        self.assertEqual(len(variants), len({digest(variant) for variant in variants}))

    def test_memory(self) -> None:
        """Whether a report comes from the device's memory makes no difference."""
        self.assertEqual(digest(fix(0, attributes={"sat": 5})), digest(fix(0, attributes={"archive": True, "sat": 5})))

    def test_files(self) -> None:
        """Of a file the content counts; it is the same one when it is sent again."""
        one, same, other = (fix(0, attributes={"image": Media(data, "jpg")}) for data in (b"1", b"1", b"2"))
        self.assertEqual(digest(one), digest(same))
        self.assertNotEqual(digest(one), digest(other))


class SaneTests(SynchronousTestCase):
    def test_what_json_has_not(self) -> None:
        """Half a surrogate pair, enormous and infinite numbers are written as something that can be read again."""
        self.assertEqual(b'{"a":"\xef\xbf\xbd"}', dumps({"a": "\ud800"}).replace(b" ", b""))
        self.assertEqual({"a": str(2**70)}, sane({"a": 2**70}))
        self.assertEqual(["NaN", "Infinity", "-Infinity"], sane([float("nan"), float("inf"), float("-inf")]))

    def test_deep(self) -> None:
        """What could not be written again for those who read it is not stored."""
        for levels, depth in ((150, 1), (300, 0), (900, 0), (5000, 0)):
            value: Any = 1
            for _ in range(levels):
                value = {"a": value}
            if depth:
                self.assertEqual(value, orjson.loads(dumps(value)))
            else:
                self.assertRaises(ValueError, dumps, value)
