"""Connections whose socket libpq closes behind the reactor's back."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from threading import Thread

from twisted.internet import defer
from twisted.trial.unittest import TestCase

from trackd.store.connection import Connection
from trackd.store.errors import Unavailable
from trackd.store.watch import Watch

TIMES = 30


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
