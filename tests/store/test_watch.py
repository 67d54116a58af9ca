"""Connections whose socket libpq closes behind the reactor's back."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from twisted.internet import defer
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from trackd.store.connection import Connection
from trackd.store.errors import Unavailable
from trackd.store.watch import Watch

TIMES = 30


class Party:
    """Reads one answer, and has more to do after it has told of it."""

    def __init__(self, watch: Watch, heard: list[str]) -> None:
        self.watch = watch
        self.heard = heard

    def doRead(self) -> None:
        self.watch.callLater(0, self.heard.append, "told")
        self.heard.append("read")

    doWrite = doRead


class AnswerTests(SynchronousTestCase):
    """When whoever has asked hears of the answer."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.heard: list[str] = []

    def watch(self, **options: Any) -> Watch:
        watch = Watch(self.clock, **options)
        watch._party = Party(watch, self.heard)
        return watch

    def test_at_once(self) -> None:
        """In the same turn of the reactor, but when what has read it is done."""
        watch = self.watch()
        watch.doRead()
        watch.doWrite()
        self.assertEqual((self.heard, self.clock.getDelayedCalls()), (["read", "told"] * 2, []))

    def test_not_while_asking(self) -> None:
        """An answer that is there while the question is still being asked comes in the next turn."""
        self.watch().callLater(0, self.heard.append, "told")
        self.assertEqual(self.heard, [])
        self.clock.advance(0)
        self.assertEqual(self.heard, ["told"])

    def test_in_its_share(self) -> None:
        """What follows on an answer may be left to somebody who has it done when there is time."""
        later: list[Callable[[], object]] = []
        self.watch(go_on=later.append).doRead()
        self.assertEqual((self.heard, len(later)), (["read"], 1))
        later[0]()
        self.assertEqual(self.heard, ["read", "told"])


class DyingServerTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(Path(self.folder.name) / ".s.PGSQL.5432"))
        self.listener.listen(TIMES + 1)
        self.thread = Thread(target=self.die)
        self.thread.start()
        self.addCleanup(self.thread.join)

    def die(self) -> None:
        """Take each connection, hear how it begins, and hang up."""
        for _ in range(TIMES + 1):
            connection, _ = self.listener.accept()
            connection.recv(1)
            connection.close()
        self.listener.close()

    async def test_hung_up(self) -> None:
        """A server that dies while it is connected to is away, and leaves no file open and nothing with the reactor."""
        from twisted.internet import reactor

        async def connected() -> None:
            with self.assertRaises(Unavailable):
                dsn = f"host={self.folder.name} user=nobody dbname=nothing"
                await Connection(reactor, reactor, 5.0).connect(dsn, 5.0)

        await connected()  # now the reactor has all that it keeps for itself
        files = len(os.listdir("/proc/self/fd"))
        for _ in range(TIMES // 3):
            await defer.gatherResults([defer.Deferred.fromCoroutine(connected()) for _ in range(3)])
        self.thread.join()
        watched = [one for one in (*reactor.getReaders(), *reactor.getWriters()) if isinstance(one, Watch)]
        self.assertEqual([], watched)
        self.assertEqual(files - 1, len(os.listdir("/proc/self/fd")))  # the listener is closed too
