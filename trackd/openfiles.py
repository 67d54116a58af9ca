"""
How many files the process may have open: each connection is one of them.

Systems begin with a limit that is far too small for a server (1,024), and leave it to the process to raise it.
"""

from __future__ import annotations

import resource
from collections.abc import Callable

from attrs import evolve

from trackd.settings import Settings

CONNECTIONS = ("listen.connections", "web.connections", "live.connections")
# Files besides: the database, logs, media, pipes, and connections that are being refused.
SPARE = 500
# Of each format: its listening sockets.
PORTS = 2


def needed(settings: Settings) -> int:
    """Files that are open when every limit of the settings is reached."""
    return sum(settings[key] for key in CONNECTIONS) + _besides(settings)


def allowed(
    wanted: int,
    get: Callable[[int], tuple[int, int]] = resource.getrlimit,
    set: Callable[[int, tuple[int, int]], None] = resource.setrlimit,
) -> int:
    """Raise the limit to `wanted` files, or as far as this process may; how many it may have open now."""
    soft, hard = get(resource.RLIMIT_NOFILE)
    soft, hard = (wanted if limit == resource.RLIM_INFINITY else limit for limit in (soft, hard))
    # Root may raise the hard limit as well, where it has not been forbidden.
    for attempt in ((wanted, max(hard, wanted)), (min(wanted, hard), hard)):
        if soft < attempt[0]:
            try:
                set(resource.RLIMIT_NOFILE, attempt)
                return attempt[0]
            except (ValueError, OSError):
                pass
    return soft


def within(settings: Settings, files: int) -> Settings:
    """The settings with as many connections as there may be files, and a warning if that is fewer than they say."""
    wanted = needed(settings)
    if files >= wanted:
        return settings
    besides = _besides(settings)
    share = max(0, files - besides) / (wanted - besides)
    fewer = {key: max(1, int(settings[key] * share)) for key in CONNECTIONS}
    said = ", ".join(f"{key} {number}" for key, number in fewer.items())
    warning = (
        f"only {files} files may be open, and {wanted} are needed for all connections: so it is {said} "
        "(raise the limit with `ulimit -n`, or LimitNOFILE of the service)"
    )
    return evolve(settings, values={**settings.values, **fewer}, warnings=(*settings.warnings, warning))


def _besides(settings: Settings) -> int:
    return SPARE + PORTS * len(settings.formats) + int(settings["database.maxPoolSize"])
