"""
twistd with a clock of its own: the time of day and a number of seconds, which may be changed at any time.

    python -m benchmarks.durability.clocked FILE WORDS…

FILE holds the seconds, a double as `struct` writes it. What cannot be set, the monotonic clock, is as it is.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

SECONDS = struct.Struct("d")


def put(file: Path, moment: datetime | None) -> None:
    """Put the clock of this file to `moment`; None: to what it really is."""
    ahead = 0.0 if moment is None else (moment - datetime.now(UTC)).total_seconds()
    with file.open("r+b" if file.exists() else "w+b") as words:
        words.write(SECONDS.pack(ahead))


def read(file: Path) -> datetime:
    """What the clock says."""
    return datetime.fromtimestamp(time.time() + SECONDS.unpack(file.read_bytes())[0], UTC)


def main(file: str, *words: str) -> None:
    with Path(file).open("rb") as opened:
        ahead = mmap.mmap(opened.fileno(), SECONDS.size, prot=mmap.PROT_READ)
    real = time.time
    time.time = lambda: real() + SECONDS.unpack_from(ahead)[0]
    # Only now: it remembers the function.
    from twisted.scripts.twistd import run

    sys.argv = ["twistd", *words]
    run()


if __name__ == "__main__":
    main(*sys.argv[1:])
