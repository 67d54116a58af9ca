from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trackd.people.errors import TooMany
from trackd.people.limits import Attempts, LoginLimits


class AttemptsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.attempts = Attempts(self.clock, allowed=3, seconds=10.0, most_keys=2)

    def fail_(self, key: str, times: int) -> None:
        for _ in range(times):
            self.attempts.check(key)
            self.attempts.failed(key)

    def test_allowed(self) -> None:
        """So many failures are allowed at once; the next attempt hears when to come again."""
        self.fail_("a", 3)
        error = self.assertRaises(TooMany, self.attempts.check, "a")
        self.assertEqual(error.retry_after, 10)

    def test_time_heals(self) -> None:
        """Each failure is forgotten after its time."""
        self.fail_("a", 3)
        self.clock.advance(10)
        self.fail_("a", 1)
        self.assertRaises(TooMany, self.attempts.check, "a")

    def test_success(self) -> None:
        """Who gets in begins anew."""
        self.fail_("a", 3)
        self.attempts.succeeded("a")
        self.fail_("a", 3)

    def test_others(self) -> None:
        """One key's failures are not another's."""
        self.fail_("a", 3)
        self.attempts.check("b")

    def test_bounded(self) -> None:
        """The table has a limit: the key that failed longest ago makes room."""
        self.fail_("a", 3)
        self.fail_("b", 1)
        self.fail_("c", 1)
        self.attempts.check("a")


class LoginLimitsTests(SynchronousTestCase):
    def test_both(self) -> None:
        """An address that tries many accounts is stopped, and so is an account that many addresses try."""
        limits = LoginLimits(Attempts(Clock(), 2, 1.0), Attempts(Clock(), 2, 1.0))
        limits.failed("1.1.1.1", "ann")
        limits.failed("1.1.1.1", "bob")
        self.assertRaises(TooMany, limits.check, "1.1.1.1", "cleo")
        limits.failed("2.2.2.2", "ann")
        self.assertRaises(TooMany, limits.check, "3.3.3.3", "ann")
        limits.check("3.3.3.3", "cleo")

    def test_many_addresses(self) -> None:
        """The addresses of one IPv6 network are one; those of IPv4, and what is no address, are not."""
        limits = LoginLimits(Attempts(Clock(), 2, 1.0), Attempts(Clock(), 2, 1.0))
        limits.failed("2001:db8:0:1::1")
        limits.failed("2001:db8:0:1:ffff::2")
        self.assertRaises(TooMany, limits.check, "2001:db8:0:1::3")
        limits.check("2001:db8:0:2::1")
        for address in ("192.0.2.1", "192.0.2.2", "fe80::1%eth0", "unknown", ""):
            limits.failed(address)
            limits.check(address)
