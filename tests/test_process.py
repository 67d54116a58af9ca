"""What the operating system says of this process."""

from __future__ import annotations

import os
import time

from twisted.trial.unittest import SynchronousTestCase

from trackd import process


class ProcessTests(SynchronousTestCase):
    def test_cpu(self) -> None:
        """Work costs seconds."""
        before = process.cpu()
        while process.cpu() == before:
            sum(range(10_000))
        self.assertLess(before, process.cpu())

    def test_memory(self) -> None:
        """What is used is resident."""
        before = process.memory()
        held = bytearray(os.urandom(1) * 50_000_000)
        self.assertGreater(process.memory() - before, len(held) // 2)

    def test_files(self) -> None:
        """Each open file counts, up to the limit."""
        before = process.files()
        opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
        during = process.files()
        for file in opened:
            os.close(file)
        self.assertEqual((during, process.files()), (before + 5, before))
        self.assertLess(during, process.most_files())

    def test_started(self) -> None:
        """It began before now, and not long before its parent says."""
        self.assertLess(time.time() - 86400, process.started())
        self.assertLess(process.started(), time.time() + 1)
