"""What the server can say of itself: whether all is well, and of the machine that it runs on."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from attrs import define

from trackd.store.errors import StoreError
from trackd.store.users import Users

# Seconds for which what devices have said may wait to be committed.
LATE = 3.0


@define(eq=False)
class Health:
    """
    `folder`: the data folder; `pending`: for how many seconds the oldest of what devices have said has not been stored.
    """

    users: Users
    folder: Path
    pending: Callable[[], float]

    async def well(self) -> bool:
        """Whether the database answers, and takes what devices have said."""
        if self.pending() > LATE:
            return False
        try:
            await self.users.server()
        except StoreError:
            return False
        return True

    def storage(self) -> list[int]:
        """Bytes free and bytes in all where the data are."""
        found = os.statvfs(self.folder)
        return [found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize]


@cache
def time_zones() -> list[str]:
    """The names of all time zones that this machine knows."""
    return sorted(available_timezones())


def zone(name: str) -> tzinfo:
    """
    The time zone of this name; UTC if there is none.

    Of an empty name that of this machine, with its rules for summers to come; if it has no name, its offset of today.
    """
    if name:
        return _named(name) or UTC
    link = os.path.realpath("/etc/localtime")
    name = os.environ.get("TZ", "").removeprefix(":") or link.partition("/zoneinfo/")[2]
    return _named(name) or datetime.now().astimezone().tzinfo or UTC


def _named(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None
