"""
Damaged frames to every installed format: an error of the short list, or values that can be stored, and always an end.

`make fuzz` does the same with many more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.wire import damage, fuzz, seeds
from tests.wire.victim import Victim
from trackd.wire import catalog

COUNT = 50  # frames of a format


def _test(name: str) -> Callable[[SynchronousTestCase], None]:
    def test(self: SynchronousTestCase) -> None:
        conversations = seeds.recorded(name) or seeds.spoken(name)
        victim = Victim(catalog.load(name), conversations, Random(name), fuzz.OTHERS)
        for _ in range(COUNT):
            blow = victim.blow()
            if complaint := victim.strike(blow):
                self.fail(f"{complaint}: {blow}")

    test.__doc__ = f"{name}: damaged frames cost themselves and nothing else."
    return test


class FormatTests(SynchronousTestCase):
    """One test for each format."""


for _name in catalog.names():
    setattr(FormatTests, f"test_{_name}", _test(_name))


class DamageTests(SynchronousTestCase):
    def test_endless(self) -> None:
        """A loop without end is noticed."""

        def forever() -> None:
            while True:
                pass

        with self.assertRaises(damage.Endless), damage.Steps(1000):
            forever()

    def test_kinds(self) -> None:
        """Every kind of damage changes a frame in many ways, and there is none for which a frame is too short."""
        sample = b"$A,1,22,333*55\r\n"
        for kind in damage.KINDS:
            changed = {kind(sample, Random(seed)) for seed in range(50)} - {sample}
            self.assertGreaterEqual(len(changed), 3, kind)
            for seed in range(50):
                kind(b"a", Random(seed))

    def test_seeded(self) -> None:
        """The same seed gives the same damage."""
        first, again, other = ([damage.damaged(b"abcdef", Random(seed)) for _ in range(3)] for seed in (1, 1, 2))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_others(self) -> None:
        """Other frames come whole and in part."""
        random = Random(1)
        came = [damage.damaged(b"aaaaaaaa", random, [b"0123456789"]) for _ in range(1000)]
        self.assertIn(b"0123456789", came)
        self.assertTrue([data for data in came if data.startswith(b"a") and data.endswith(b"789")])
        self.assertEqual(damage.damaged(b"", random, [b"0123456789"]), b"0123456789")

    def test_miscounted(self) -> None:
        """Numbers change by little, where they stand, as digits and as bytes."""
        came = {damage.miscount(b"(009)", Random(seed)) for seed in range(200)}
        self.assertLess({b"(008)", b"(010)", b"(109)"}, came)
        came = {damage.miscount(b"\0\x0e\xff", Random(seed)) for seed in range(200)}
        self.assertLess({b"\0\x0d\xff", b"\0\x0f\xff", b"\0\x0f\0", b"\xff\x0e\xff"}, came)

    def test_retyped(self) -> None:
        """JSON stays JSON, with a value that is another or is missing."""
        whole = {"a": 7, "b": {"c": [2, 3]}}
        came = [json.loads(damage.retype(json.dumps(whole).encode(), Random(seed))) for seed in range(2000)]
        self.assertNotIn(whole, came)
        for one in (
            {"b": {"c": [2, 3]}},
            {"a": "", "b": {"c": [2, 3]}},
            {"a": 7, "b": []},
            {"a": 7, "b": {"c": None}},
            {"a": 7, "b": {"c": [2]}},
        ):
            self.assertIn(one, came)
        for sample in (b"1", b"null", b"{", b"", b"a,b"):
            damage.retype(sample, Random(1))
