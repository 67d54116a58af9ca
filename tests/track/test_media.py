"""Files from devices, and what the log says when they cannot be stored."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

from twisted.internet.defer import maybeDeferred
from twisted.logger import formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.samples import log_of
from trackd.track.media import Media
from trackd.wire.values import Media as File

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


class LogTests(SynchronousTestCase):
    def test_one_line(self) -> None:
        """What keeps all files from being stored is one line of the log, and one more when it happens again."""
        log = log_of(self)
        folder = Path(self.mktemp())
        media = Media(folder, maybeDeferred)

        def keep(unique_id: str) -> str:
            return self.successResultOf(media.keep(unique_id, File(b"data", "jpg"), NOON))

        for _ in range(2):
            folder.write_bytes(b"in the way")
            self.assertEqual([keep(id) for id in ("one", "two", "..", "two")], [""] * 4)
            folder.unlink()
            self.assertTrue(keep("one").endswith(".jpg"))
            folder.rename(self.mktemp())
        self.assertEqual(
            [formatEvent(line).split(": ")[0] for line in log][:2], ["no file stored for one", "no file stored for .."]
        )
        self.assertEqual(len(log), 6)


class FullTests(SynchronousTestCase):
    def test_half(self) -> None:
        """Of a file that does not fit on the disk nothing stays."""
        log = log_of(self)

        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        folder = Path(self.mktemp())
        media = Media(folder, maybeDeferred)
        patched = self.patch(os, "fsync", full)
        self.assertEqual("", self.successResultOf(media.keep("one", File(b"data", "jpg"), NOON)))
        patched.restore()
        self.assertEqual(([], 1), ([*(folder / "one").iterdir()], len(log)))
        self.assertEqual("20261101120000.jpg", self.successResultOf(media.keep("one", File(b"data", "jpg"), NOON)))
