"""What the operating system knows of this process (Linux)."""

from __future__ import annotations

import os
from pathlib import Path
from resource import RLIMIT_NOFILE, RUSAGE_SELF, getrlimit, getrusage

PROC = Path("/proc")


def cpu() -> float:
    """Seconds of the processor, in user and system."""
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory() -> int:
    """Bytes that are resident."""
    return int((PROC / "self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def files() -> int:
    """Files and sockets that are open."""
    folder = PROC / "self/fd"
    # Since Linux 6.2 its size is their number; to list some ten thousand takes milliseconds.
    return folder.stat().st_size or len(os.listdir(folder))


def most_files() -> int:
    """How many may be open."""
    return getrlimit(RLIMIT_NOFILE)[0]


def started() -> float:
    """When it began (s since 1970)."""
    ticks = int((PROC / "self/stat").read_text().rpartition(")")[2].split()[19])
    for line in (PROC / "stat").read_text().splitlines():
        if line.startswith("btime "):
            return int(line.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    return 0.0
