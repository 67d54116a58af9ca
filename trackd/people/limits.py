"""How often a wrong password or a wrong token may be tried."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import ip_address, ip_network
from math import ceil

from attrs import Factory, define, field
from twisted.internet.interfaces import IReactorTime

from trackd.people.errors import TooMany
from trackd.rate import Rate

# Failures that are allowed at once, and the seconds after which one is forgotten.
PER_ADDRESS = (100, 1.0)
PER_ACCOUNT = (20, 15.0)
# Keys that are remembered; beyond them the one that failed longest ago is forgotten.
MOST_KEYS = 10_000
# Failures that the log names in a second: they may come from everywhere.
LOGGED = 20


@define(eq=False)
class Attempts:
    """Counts failures by key (an address, an account): a bucket that each failure fills and time empties."""

    clock: IReactorTime
    allowed: int
    seconds: float
    most_keys: int = MOST_KEYS
    _levels: OrderedDict[str, tuple[float, float]] = field(factory=OrderedDict, init=False)

    def __len__(self) -> int:
        return len(self._levels)

    def check(self, key: str) -> None:
        """Raises TooMany if this key has failed too often of late."""
        excess = self._level(key) - (self.allowed - 1)
        if excess > 0:
            raise TooMany("Too many failed attempts, try again later", max(1, ceil(excess * self.seconds)))

    def failed(self, key: str) -> None:
        self._levels[key] = (self._level(key) + 1, self.clock.seconds())
        self._levels.move_to_end(key)
        if len(self._levels) > self.most_keys:
            self._levels.popitem(last=False)

    def succeeded(self, key: str) -> None:
        self._levels.pop(key, None)

    def _level(self, key: str) -> float:
        level, since = self._levels.get(key, (0.0, 0.0))
        return max(0.0, level - (self.clock.seconds() - since) / self.seconds)


@define(eq=False)
class LoginLimits:
    """Both limits of a log-in: where it comes from (see `origin`), and whose account it is."""

    addresses: Attempts
    accounts: Attempts
    lines: Rate = Factory(lambda self: Rate(self.addresses.clock, LOGGED), takes_self=True)  # of the log, on failures

    @classmethod
    def on(cls, clock: IReactorTime, most_keys: int = MOST_KEYS) -> LoginLimits:
        return cls(Attempts(clock, *PER_ADDRESS, most_keys), Attempts(clock, *PER_ACCOUNT, most_keys))

    def check(self, address: str, account: str = "") -> None:
        """Raises TooMany."""
        self.addresses.check(origin(address))
        if account:
            self.accounts.check(account)

    def failed(self, address: str, account: str = "") -> None:
        self.addresses.failed(origin(address))
        if account:
            self.accounts.failed(account)

    def succeeded(self, account: str) -> None:
        self.accounts.succeeded(account)


def origin(address: str) -> str:
    """Where an address is counted: with IPv6 everybody has 2^64 of them, which are one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if found.version == 4 else str(ip_network((found, 64), strict=False))
