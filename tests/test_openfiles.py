"""How many files may be open, and what that leaves for connections."""

from __future__ import annotations

import resource

from attrs import define
from twisted.trial.unittest import SynchronousTestCase

from tests.catalog import Catalog
from trackd.openfiles import SPARE, allowed, needed, within
from trackd.settings import Settings, load


@define
class System:
    """A system with these limits; the hard one may be raised only by `root`."""

    soft: int
    hard: int
    root: bool = False

    def get(self, what: int) -> tuple[int, int]:
        return self.soft, self.hard

    def set(self, what: int, limits: tuple[int, int]) -> None:
        soft, hard = limits
        if soft > hard:
            raise ValueError("above the hard limit")
        if self.hard != resource.RLIM_INFINITY and hard > self.hard and not self.root:
            raise ValueError("not allowed to raise maximum limit")
        self.soft, self.hard = limits

    def allowed(self, wanted: int) -> int:
        return allowed(wanted, self.get, self.set)


class LimitTests(SynchronousTestCase):
    def test_raised(self) -> None:
        """The limit is raised as far as needed, within what is allowed."""
        for system, most in (
            (System(1024, 1_000_000), 40_000),
            (System(1024, 4096), 4096),
            (System(1024, 4096, root=True), 40_000),
            (System(1024, resource.RLIM_INFINITY), 40_000),
        ):
            self.assertEqual((system.allowed(40_000), system.soft), (most, most))

    def test_left(self) -> None:
        """A limit that suffices stays, as does one that cannot be raised."""
        for soft in (50_000, resource.RLIM_INFINITY):
            system = System(soft, soft)
            self.assertEqual((system.allowed(40_000) >= 40_000, system.soft), (True, soft))
        system = System(1024, 1024)
        self.assertEqual((system.allowed(40_000), system.soft), (1024, 1024))


class SharesTests(SynchronousTestCase):
    def settings(self, **said: str) -> Settings:
        return load([], {name.replace("__", "."): value for name, value in said.items()}, Catalog())

    def test_enough(self) -> None:
        """With as many files as are needed nothing is changed."""
        settings = self.settings()
        self.assertIs(within(settings, needed(settings)), settings)
        self.assertGreater(needed(settings), 40_000)

    def test_shares(self) -> None:
        """With fewer, all kinds of connections get a share, and a line says what to do."""
        settings = self.settings(
            listen__connections="2000", web__connections="1000", live__connections="1000", database__maxPoolSize="2"
        )
        files = SPARE + 2 * len(settings.formats) + 2 + 400
        less = within(settings, files)
        self.assertEqual(
            (less["listen.connections"], less["web.connections"], less["live.connections"]), (200, 100, 100)
        )
        self.assertLessEqual(needed(less), files)
        (warning,) = less.warnings
        self.assertIn(f"only {files} files may be open", warning)
        self.assertIn("listen.connections 200, web.connections 100, live.connections 100", warning)

    def test_hardly_any(self) -> None:
        """However few there are, there is room for one of each."""
        less = within(self.settings(), 100)
        self.assertEqual((less["listen.connections"], less["web.connections"], less["live.connections"]), (1, 1, 1))
