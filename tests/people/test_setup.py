import os
from pathlib import Path
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.people.test_passwords import MemoryThreads
from trackd.people.errors import Denied, Invalid, TooMany
from trackd.people.limits import Attempts, LoginLimits
from trackd.people.passwords import Passwords
from trackd.people.setup import Done, Setup


@define
class MemoryUsers:
    """The part of the users that the set-up needs."""

    names: list[str] = Factory(list)

    async def any(self) -> bool:
        return bool(self.names)

    async def create_first(self, name: str, email: str, password_hash: str) -> int | None:
        if self.names:
            return None
        self.names.append(name)
        return 1


class SetupTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.users = MemoryUsers()
        self.threads = MemoryThreads()
        self.clock = Clock()
        self.setup_ = self.another()

    def another(self) -> Setup:
        limits = LoginLimits(Attempts(self.clock, 5, 10.0), Attempts(self.clock, 5, 10.0))
        return Setup(self.folder, self.users, Passwords(self.threads, self.threads), limits)

    def run_(self, coroutine: Any) -> Deferred[Any]:
        waiting = Deferred.fromCoroutine(coroutine)
        self.threads.work()
        return waiting

    def made(self, token: str, **values: str) -> Deferred[Any]:
        said = {"name": "Ann", "email": "ann@example.org", "password": "long enough", "again": "long enough"} | values
        return self.run_(self.setup_.make(token, **said, address="1.2.3.4"))

    def start(self) -> str:
        token: str = self.successResultOf(self.run_(self.setup_.start()))
        return token

    def test_token(self) -> None:
        """While there is no user a token lies in the data folder, for its owner's eyes only."""
        token = self.start()
        self.assertEqual(self.setup_.file.read_text().strip(), token)
        self.assertEqual(self.setup_.file.stat().st_mode & 0o777, 0o600)
        self.assertGreaterEqual(len(token), 40)

    def test_kept(self) -> None:
        """The link that was printed stays good over a restart, unless others could read it."""
        token = self.start()
        self.assertEqual(self.successResultOf(self.run_(self.another().start())), token)
        os.chmod(self.setup_.file, 0o644)
        other = self.successResultOf(self.run_(self.another().start()))
        self.assertNotEqual(other, token)
        self.assertEqual(self.setup_.file.stat().st_mode & 0o777, 0o600)

    def test_make(self) -> None:
        """Who has the token makes the first user, once; then token and file are gone."""
        token = self.start()
        self.assertEqual(self.successResultOf(self.made(token)), 1)
        self.assertEqual(self.users.names, ["Ann"])
        self.assertFalse(self.setup_.file.exists())
        self.failureResultOf(self.made(token), Done)

    def test_wrong_token(self) -> None:
        """Another token, an empty one, one that is no ASCII: denied, and after a few of them not even looked at."""
        self.start()
        for token in ("x", "", "é", "x" * 1000, "y"):
            self.failureResultOf(self.made(token), Denied)
        self.failureResultOf(self.made("z"), TooMany)
        self.assertEqual(self.users.names, [])

    def test_user_there(self) -> None:
        """Where there is a user there is no set-up: not with an old file, and not without a token."""
        token = self.start()
        self.users.names.append("Bob")
        self.failureResultOf(self.made(token), Done)
        self.assertFalse(self.setup_.file.exists())
        self.assertEqual(self.successResultOf(self.run_(self.another().start())), "")
        self.failureResultOf(self.made(""), Done)

    def test_invalid(self) -> None:
        """What is missing or too short is said, and the link stays good."""
        token = self.start()
        for values in (
            {"name": " "},
            {"name": "n" * 129},
            {"name": "a\0b"},
            {"email": "a\0b@example.org"},
            {"email": "ann"},
            {"email": "a b@example.org"},
            {"password": "short", "again": "short"},
            {"again": "long enough?"},
        ):
            self.failureResultOf(self.made(token, **values), Invalid)
        self.assertEqual(self.successResultOf(self.made(token)), 1)

    def test_race(self) -> None:
        """Of two who come at the same time one makes the first user, the other is told so."""
        token = self.start()
        said = ("Ann", "ann@example.org", "long enough", "long enough", "1.2.3.4")
        both = [Deferred.fromCoroutine(self.setup_.make(token, *said)) for _ in range(2)]
        self.threads.work()
        self.assertEqual(self.successResultOf(both[0]), 1)
        self.failureResultOf(both[1], Done)
        self.assertEqual(self.users.names, ["Ann"])
