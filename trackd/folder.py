"""
Files in a folder that no name leads out of.

Names come from clients and from devices: whoever hands one over here need not have looked at it. A link that leads out
is not followed. All of this blocks, so it belongs into a thread.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

from attrs import define

# Neither a way up nor a way down, and nothing that ends a name.
NAME = re.compile(r"(?!\.{1,2}\Z)[^/\\\0]+")
# Besides: no hidden ones, nothing that another system reads differently, no line ends.
SHOWN = re.compile(r"[^./\\\0-\x1f\x7f:][^/\\\0-\x1f\x7f:]*")

LONGEST = 255  # bytes of a name


class BadName(ValueError):
    """No file or folder in it can be called so; the message says why, for whoever has named it."""


@define
class Opened:
    """A file that is open for reading: bytes, and the time of its last change (s since 1970)."""

    file: FileIO
    size: int
    changed: float


def opened(folder: Path, names: Sequence[str]) -> Opened | None:
    """The file of this name in the folder, in the folders of the names before; None if it is none of this folder."""
    if not names or not all(NAME.fullmatch(name) for name in names):
        return None
    try:
        path = folder.joinpath(*names).resolve(strict=True)
        if not path.is_relative_to(folder.resolve()):
            return None
        # Not blocking, lest a pipe that somebody has put there waits for its other end.
        file = FileIO(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    except (
        OSError,
        ValueError,
        RuntimeError,
    ):  # it is not there, its name is no name, or its links go round in circles
        return None
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        file.close()
        return None
    return Opened(file, found.st_size, found.st_mtime)


def keep(folder: Path, names: Sequence[str], data: bytes) -> None:
    """
    Write a file durably, in the folders of the names before, which are made. Raises BadName, OSError.

    Whoever reads it meanwhile, and whoever comes after a failure, finds the old one whole.
    """
    *folders, name = names
    for one in names:
        if not NAME.fullmatch(one):
            raise BadName(f"no file or folder can be called {one[:40]!r}")
        if len(one.encode(errors="replace")) > LONGEST:
            raise BadName(f"the name is too long: {one[:40]!r}")
    place = folder.joinpath(*folders)
    folder.mkdir(parents=True, exist_ok=True)
    place.mkdir(parents=True, exist_ok=True)
    if not place.resolve().is_relative_to(folder.resolve()):
        raise BadName("it leads out of the folder")
    if (place / name).is_dir():
        raise BadName(f"{name[:40]!r} is a folder")
    unfinished = place / f".tmp-{secrets.token_hex(4)}"
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o640)
        with os.fdopen(handle, "wb") as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
        os.replace(unfinished, place / name)
    finally:
        unfinished.unlink(missing_ok=True)
