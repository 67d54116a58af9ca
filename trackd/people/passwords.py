"""Passwords: argon2, in threads, a few at a time."""

from __future__ import annotations

import os
import secrets
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from attrs import define, field
from twisted.internet.defer import DeferredSemaphore
from twisted.internet.threads import deferToThreadPool

from trackd.people.errors import Busy

# 19 MiB and two passes: what OWASP asks for at least, about 20 ms of one core.
TIME_COST, MEMORY_COST, PARALLELISM = 2, 19456, 1
# Hashes that are computed at the same time: whoever guesses passwords leaves half of the processors to the devices.
AT_ONCE = max(1, len(os.sched_getaffinity(0)) // 2)
MOST_WAITING = 64  # for their turn
# Right passwords that are remembered, for clients that send theirs with every request.
MOST_REMEMBERED = 1000

T = TypeVar("T")


@define(eq=False)
class Passwords:
    """
    Makes and checks password hashes without holding up the reactor. `threads` is a thread pool of Twisted.

    `waiting` passwords may wait to be computed; `remembered` right ones are not computed again.
    """

    reactor: Any
    threads: Any
    waiting: int = MOST_WAITING
    remembered: int = MOST_REMEMBERED
    _hasher: PasswordHasher = field(
        factory=lambda: PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_COST, parallelism=PARALLELISM),
        init=False,
    )
    _turn: DeferredSemaphore = field(factory=lambda: DeferredSemaphore(AT_ONCE), init=False)
    _remembered: OrderedDict[bytes, None] = field(factory=OrderedDict, init=False)
    _key: bytes = field(factory=lambda: secrets.token_bytes(32), init=False)

    @property
    def in_line(self) -> int:
        """How many wait to be computed."""
        return len(self._turn.waiting)

    @property
    def in_memory(self) -> int:
        """How many right ones are remembered."""
        return len(self._remembered)

    async def hash(self, password: str) -> str:
        """The hash of a new password, in argon2's own notation."""
        return await self._in_thread(self._hasher.hash, password)

    async def right(self, hash: str | None, password: str) -> bool:
        """Whether this password has this hash. Without a hash the answer is no, and takes as long."""
        if hash is None:
            await self._in_thread(self._hasher.hash, password)
            return False
        return await self._in_thread(self._verified, hash, password)

    async def right_again(self, hash: str | None, password: str) -> bool:
        """
        The same, for clients that send their password with every request: a right one is remembered for a while.

        What is kept is keyed with a secret of this process, and does not outlive a change of the password.
        """
        seen = blake2b(f"{hash}\0{password}".encode("utf-8", "surrogatepass"), key=self._key).digest()
        if seen in self._remembered:
            self._remembered.move_to_end(seen)
            return True
        if not await self.right(hash, password):
            return False
        self._remembered[seen] = None
        if len(self._remembered) > self.remembered:
            self._remembered.popitem(last=False)
        return True

    def outdated(self, hash: str) -> bool:
        """Whether this hash was made with less effort than is asked for today."""
        return self._hasher.check_needs_rehash(hash)

    def _verified(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[..., T], *args: str) -> T:
        if len(self._turn.waiting) >= self.waiting:
            raise Busy("Too many log-ins at once, try again later", 2)
        await self._turn.acquire()
        try:
            return await deferToThreadPool(self.reactor, self.threads, work, *args)
        finally:
            self._turn.release()
