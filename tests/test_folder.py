"""Files in a folder that no name leads out of."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from trackd.folder import SHOWN, BadName, keep, opened

# Ways out of a folder, or what could be one on some system.
WAYS = ("..", ".", "", "../outside", "/etc/passwd", "a/b", "a\\b", "..\\outside", "a\0b", "\0")


class FolderTests(SynchronousTestCase):
    def setUp(self) -> None:
        top = Path(self.mktemp())
        self.folder, self.outside = top / "folder", top / "outside"
        self.folder.mkdir(parents=True)
        self.outside.mkdir()
        (self.outside / "secret").write_text("secret")

    def read(self, *names: str) -> bytes | None:
        found = opened(self.folder, names)
        if found is None:
            return None
        with found.file as file:
            data = file.readall()
        self.assertEqual(found.size, len(data))
        return data

    def left(self) -> set[str]:
        """All that there is now."""
        return {str(path.relative_to(self.folder.parent)) for path in self.folder.parent.rglob("*") if path.is_file()}

    def test_kept(self) -> None:
        """What is kept is read, in a folder of its own, and in place of what was there."""
        keep(self.folder, ("one", "a.txt"), b"first")
        keep(self.folder, ("one", "a.txt"), b"second")
        self.assertEqual(b"second", self.read("one", "a.txt"))
        self.assertEqual({"folder/one/a.txt", "outside/secret"}, self.left())

    def test_no_way_out(self) -> None:
        """No name of a file or of a folder leads out, neither for reading nor for writing."""
        for way in WAYS:
            for names in ((way,), (way, "a.txt"), ("one", way)):
                self.assertRaises(BadName, keep, self.folder, names, b"x")
                self.assertIsNone(self.read(*names), names)
        self.assertIsNone(self.read())
        self.assertEqual({"outside/secret"}, self.left())

    def test_links(self) -> None:
        """A link that leads out is not followed: neither one to a file, nor one to a folder."""
        (self.folder / "link").symlink_to("../outside/secret")
        (self.folder / "way").symlink_to("../outside")
        (self.folder / "round").symlink_to("round")
        self.assertEqual([None] * 3, [self.read("link"), self.read("way", "secret"), self.read("round")])
        self.assertRaises(BadName, keep, self.folder, ("way", "new"), b"x")
        keep(self.folder, ("link",), b"mine")
        self.assertEqual("secret", (self.outside / "secret").read_text())
        self.assertEqual(b"mine", self.read("link"))

    def test_linked_folder(self) -> None:
        """The folder itself may be a link, and one that stays inside is followed."""
        away = self.folder.with_name("away")
        self.folder.rename(away)
        self.folder.symlink_to("away")
        keep(self.folder, ("a",), b"data")
        (away / "b").symlink_to("a")
        self.assertEqual([b"data", b"data"], [self.read("a"), self.read("b")])

    def test_failure(self) -> None:
        """A file that cannot be written whole leaves the one before as it was, and nothing else."""
        keep(self.folder, ("a",), b"old")

        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        self.patch(os, "fsync", full)
        self.assertRaises(OSError, keep, self.folder, ("a",), b"new")
        self.assertEqual((b"old", {"folder/a", "outside/secret"}), (self.read("a"), self.left()))

    def test_no_file(self) -> None:
        """Folders, pipes and names that are too long are no files."""
        (self.folder / "one").mkdir()
        os.mkfifo(self.folder / "pipe")
        self.assertEqual([None] * 3, [self.read("one"), self.read("pipe"), self.read("x" * 5000)])
        self.assertRaises(BadName, keep, self.folder, ("one",), b"x")
        for name in ("x" * 256, "ä" * 128):
            self.assertRaises(BadName, keep, self.folder, (name,), b"x")
        keep(self.folder, ("ä" * 127,), b"x")

    def test_shown(self) -> None:
        """What a site shows has no name that is hidden, or that could end a line."""
        for name in ("a.txt", "a b", "ä", "a..b", "-"):
            self.assertTrue(SHOWN.fullmatch(name), name)
        for name in (*WAYS, ".hidden", ".tmp-12345678", "a\nb", "a\r\nSet-Cookie", "a:b", "c:", "\x7f"):
            self.assertFalse(SHOWN.fullmatch(name), name)
