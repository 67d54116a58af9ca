from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import units


class UnitTests(SynchronousTestCase):
    def test_speeds(self) -> None:
        """Speeds become knots by the factors of the contract, to the last digit."""
        self.assertEqual(units.kmh(60), 32.397420000000004)
        self.assertEqual((units.mph(1), units.mps(1), units.cmps(1)), (0.868976, 1.94384, 0.0194384449))
        self.assertEqual((units.to_kmh(0.539957), units.to_mph(0.868976), units.to_mps(1.94384)), (1, 1, 1))

    def test_setting(self) -> None:
        """A unit that a setting names; any other word means knots."""
        self.assertEqual(
            [units.speed(1, unit) for unit in ("kmh", "mps", "mph", "kn", "")], [0.539957, 1.94384, 0.868976, 1, 1]
        )

    def test_lengths(self) -> None:
        """Feet and miles become metres."""
        self.assertEqual((units.feet(10), units.miles(2)), (3.048, 3218.68))

    def test_durations(self) -> None:
        """Durations become whole milliseconds, a part is cut."""
        self.assertEqual((units.hours(2), units.hours(0.0000005), units.minutes(1.5)), (7_200_000, 1, 90_000))
        self.assertEqual((units.hours(1e300), units.hours(-1e300)), (2**63 - 1, -(2**63)))
        self.assertEqual((units.hours(float("inf")), units.minutes(float("nan"))), (2**63 - 1, 0))
