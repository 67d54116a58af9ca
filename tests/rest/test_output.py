from datetime import UTC, datetime, timedelta, timezone

from twisted.trial.unittest import SynchronousTestCase

from trackd.rest.output import dumps, free, moment, number


class OutputTests(SynchronousTestCase):
    def test_moments(self) -> None:
        """Times are in UTC, with milliseconds, cut and not rounded."""
        here = timezone(timedelta(hours=1))
        self.assertEqual(moment(datetime(2026, 1, 31, 8, 5, 9, 999, here)), "2026-01-31T07:05:09.000+00:00")
        self.assertEqual(moment(datetime(2026, 1, 31, 7, 5, 9, 120999, UTC)), "2026-01-31T07:05:09.120+00:00")
        self.assertIsNone(moment(None))

    def test_numbers(self) -> None:
        """Floating numbers have a point; those that JSON cannot write are texts."""
        self.assertEqual(dumps([number(1), number(1.5)]), b"[1.0,1.5]")
        self.assertEqual(
            [number(float("nan")), number(float("inf")), number(float("-inf"))], ["NaN", "Infinity", "-Infinity"]
        )

    def test_free(self) -> None:
        """JSON from the database goes out as it is: order, numbers and all."""
        self.assertEqual(dumps({"a": free('{"z":1e5,"a":1.10}')}), b'{"a":{"z":1e5,"a":1.10}}')
        self.assertEqual(dumps({"a": free({"z": 1})}), b'{"a":{"z":1}}')

    def test_large(self) -> None:
        """Integers of more than 64 bits, and half surrogate pairs, are no error."""
        self.assertEqual(dumps({"a": 10**30, "b": free("[1]")}), b'{"a":1000000000000000000000000000000,"b":[1]}')
        self.assertEqual(dumps("\ud800"), b'"\\ud800"')
