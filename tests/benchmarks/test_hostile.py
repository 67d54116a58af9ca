"""The measurement of what hostile clients cost, in short."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.hostile import Hostile


class HostileTests(SynchronousTestCase):
    def test_flood(self) -> None:
        """While one device floods the server the others are served, every table is within its limit, and no harm is done."""
        said: list[str] = []
        hostile = Hostile(1.0, say=said.append).run(["a device that floods"])
        names = ["in peace", "a device that floods", "in peace again"]
        self.assertEqual(names, [line.name for line in hostile.lines])
        self.assertTrue(all(line.acknowledged > 0 for line in hostile.lines), said)
        self.assertEqual([], [fault for fault in hostile.faults if "devices wait for" not in fault])
