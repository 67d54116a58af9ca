from collections.abc import Callable
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from trackd.people.errors import Busy
from trackd.people.passwords import AT_ONCE, MOST_WAITING, Passwords


@define
class MemoryThreads:
    """A thread pool that works when it is told to; it is the reactor too, as far as threads need one."""

    jobs: list[tuple[Callable[..., None], Callable[[], Any]]] = Factory(list)
    done: int = 0

    def callInThreadWithCallback(self, heard: Callable[..., None], work: Callable[..., Any], *args: Any) -> None:
        self.jobs.append((heard, lambda: work(*args)))

    def callFromThread(self, work: Callable[..., Any], *args: Any) -> None:
        work(*args)

    def work(self) -> None:
        while self.jobs:
            heard, work = self.jobs.pop(0)
            self.done += 1
            heard(True, work())


class PasswordsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.threads = MemoryThreads()
        self.passwords = Passwords(self.threads, self.threads)

    def result(self, coroutine: Any) -> Any:
        waiting = Deferred.fromCoroutine(coroutine)
        self.threads.work()
        return self.successResultOf(waiting)

    def test_right(self) -> None:
        """The password of a hash is right, any other wrong; the hash names argon2 and has a salt of its own."""
        hash = self.result(self.passwords.hash("pä$s"))
        self.assertTrue(hash.startswith("$argon2id$"))
        self.assertNotEqual(hash, self.result(self.passwords.hash("pä$s")))
        self.assertTrue(self.result(self.passwords.right(hash, "pä$s")))
        self.assertFalse(self.result(self.passwords.right(hash, "pass")))
        self.assertFalse(self.result(self.passwords.right("no hash at all", "pä$s")))
        self.assertFalse(self.passwords.outdated(hash))

    def test_nobody(self) -> None:
        """Without a hash the answer is no, after the same work."""
        self.assertFalse(self.result(self.passwords.right(None, "x")))
        self.assertEqual(self.threads.done, 1)

    def test_again(self) -> None:
        """A right password costs its work once; a wrong one, or another hash, always."""
        hash = self.result(self.passwords.hash("one"))
        for _ in range(3):
            self.assertTrue(self.result(self.passwords.right_again(hash, "one")))
        self.assertEqual(self.threads.done, 2)
        for _ in range(2):
            self.assertFalse(self.result(self.passwords.right_again(hash, "two")))
        self.assertFalse(self.result(self.passwords.right_again(None, "one")))
        self.assertEqual(self.threads.done, 5)

    def test_bounded(self) -> None:
        """A few at once, some more wait, and the rest is sent away."""
        waiting = [Deferred.fromCoroutine(self.passwords.hash("x")) for _ in range(AT_ONCE + MOST_WAITING)]
        self.assertEqual(len(self.threads.jobs), AT_ONCE)
        refused = self.failureResultOf(Deferred.fromCoroutine(self.passwords.hash("x")), Busy)
        self.assertGreater(refused.value.retry_after, 0)
        for deferred in waiting:
            deferred.addErrback(lambda _: None)
