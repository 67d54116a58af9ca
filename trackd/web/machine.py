"""What the REST dialects can have the machine do: files, memory, the end of the process."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.logger import Logger

from trackd import folder
from trackd.people.errors import Invalid
from trackd.rest.services import Machine
from trackd.settings import Settings
from trackd.track.media import Media
from trackd.web.health import zone
from trackd.web.sending import Thread

# What the process ends with when an administrator has asked for it: whoever watches it starts it again.
REBOOT = 130

_log = Logger()


def machine(
    reactor: Any, settings: Settings, media: Media, thread: Thread, told: Callable[[], str], leave: Callable[[int], Any]
) -> Machine:
    """`told` is what the server is doing, in lines; `leave` ends the process with a status."""
    keeper = _Keeper(settings["web.override"] or settings["web.path"], media, thread)
    return Machine(zone, keeper.keep_picture, keeper.keep_file, _collect, told, _Reboot(reactor, leave).begin)


def _collect() -> None:
    gc.collect()


@define(eq=False)
class _Keeper:
    """Writes what clients send; `site` is the folder of the web client's files."""

    site: Path | None
    media: Media
    thread: Thread

    async def keep_picture(self, unique_id: str, extension: str, data: bytes) -> str:
        try:
            return await self.media.keep_picture(unique_id, extension, data)
        except folder.BadName as error:
            raise Invalid(f"The picture has no place: {error}") from None

    async def keep_file(self, name: str, data: bytes) -> None:
        if self.site is None:
            raise Invalid("There is no folder for files: web.override, web.path")
        if not folder.SHOWN.fullmatch(name):
            raise Invalid("A file of this name would not be shown")
        try:
            await self.thread(folder.keep, self.site, (name,), data)
        except folder.BadName as error:
            raise Invalid(f"The file has no place: {error}") from None


@define(eq=False)
class _Reboot:
    reactor: Any
    leave: Callable[[int], Any]
    _begun: bool = field(default=False, init=False)

    def begin(self) -> None:
        """Stop as on SIGTERM, once the answer is on its way; the process then ends with a status of its own."""
        if not self._begun:
            self._begun = True
            _log.warn("an administrator has asked for a restart")
            self.reactor.addSystemEventTrigger("after", "shutdown", self.leave, REBOOT)
            self.reactor.callLater(0, self.reactor.stop)
