"""Zip files that are made while they are sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from io import BytesIO
from random import Random
from zipfile import ZipFile

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from trackd.reports.zipped import zipped


class ZippedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.closed = False

    async def pieces(self, count: int, size: int) -> AsyncGenerator[bytes, None]:
        noise = Random(5)
        try:
            for _ in range(count):
                yield noise.randbytes(size)
        finally:
            self.closed = True

    async def sizes(self, count: int, size: int) -> list[bytes]:
        return [piece async for piece in zipped("doc.txt", self.pieces(count, size))]

    def made(self, count: int, size: int) -> list[bytes]:
        return self.successResultOf(Deferred.fromCoroutine(self.sizes(count, size)))

    def test_whole(self) -> None:
        """What comes out is a zip file with the one entry, which has all that went in."""
        for count, size in ((0, 0), (1, 5), (50, 10_000)):
            with ZipFile(BytesIO(b"".join(self.made(count, size)))) as archive:
                self.assertEqual((["doc.txt"], None), (archive.namelist(), archive.testzip()))
                noise = Random(5)
                self.assertEqual(b"".join(noise.randbytes(size) for _ in range(count)), archive.read("doc.txt"))

    def test_flat(self) -> None:
        """It comes as it is made: no piece is much larger than those that went in."""
        pieces = self.made(50, 10_000)
        self.assertGreater(len(pieces), 10)
        self.assertLess(max(map(len, pieces)), 40_000)

    def test_given_up(self) -> None:
        """Whoever stops in the middle ends what was being read, too."""

        async def first() -> bytes:
            made = zipped("doc.txt", self.pieces(50, 100_000))
            piece = await anext(made)
            await made.aclose()
            return piece

        self.assertTrue(self.successResultOf(Deferred.fromCoroutine(first())))
        self.assertTrue(self.closed)
