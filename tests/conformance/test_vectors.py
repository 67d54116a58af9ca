"""
All recordings, as tests: one for each installed format and each way of playing.

`python -m tests.conformance <format> -v` shows every difference.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.conformance import replay, vectors
from trackd.wire import catalog

MEANING = {
    "known": "Known devices are understood as the recording has it.",
    "unknown": "Unknown devices get what the recording has, and nothing else.",
    "bytewise": "It does not matter how the network cuts a stream.",
    "glued": "Frames that arrive together are told apart.",
    "commands": "Commands go out as the recording has it.",
}


@lru_cache(1)
def outcome(name: str) -> replay.Outcome:
    """All ways of playing a format; the tests of one format follow each other."""
    return replay.check(catalog.load(name), *vectors.load(name))


def _test(name: str, mode: str) -> Callable[[SynchronousTestCase], None]:
    def test(self: SynchronousTestCase) -> None:
        failures = outcome(name).failures[mode]
        if failures:
            self.fail(f"{len(failures)} recordings of {name} differ ({mode}):\n{replay.described(failures)}")

    test.__doc__ = f"{name}: {MEANING[mode]}"
    return test


class RecordingTests(SynchronousTestCase):
    def setUp(self) -> None:
        if not vectors.available():
            raise SkipTest(vectors.MISSING)

    def test_recorded(self) -> None:
        """The folder of the recordings has some for the formats that are installed."""
        self.assertTrue(set(vectors.formats()) & set(catalog.names()))


class ReadingTests(SynchronousTestCase):
    def test_far_times(self) -> None:
        """A time behind the year 9999 is none; every other is as it is recorded."""
        for told, read in (
            ("12842-02-27T10:29:31.000Z", None),
            (vectors.LAST_TIME, vectors.LAST_TIME),
            (None, None),
        ):
            step = {"ids": [], "replies": [], "positions": [{"deviceTime": told, "valid": True}]}
            self.assertEqual(vectors._step(step).positions, [{"deviceTime": read, "valid": True}])


if vectors.available():
    for _name in sorted(set(vectors.formats()) & set(catalog.names())):
        for _mode in MEANING:
            setattr(RecordingTests, f"test_{_name}_{_mode}", _test(_name, _mode))
