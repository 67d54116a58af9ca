"""Files from devices: photos, films and sound, in a folder for each device."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from trackd import folder
from trackd.wire.values import Media as File


@define(eq=False)
class Media:
    """
    Stores `<folder>/<unique id>/<yyyyMMddHHmmss>.<extension>`; a second file of the same second gets a number.

    `thread` runs a function outside the reactor and gives a Deferred of its result.
    """

    folder: Path
    thread: Callable[..., Deferred[Any]]
    _said: str = field(default="", init=False)  # the reason that the log has given since a file was stored
    _log: Logger = field(factory=Logger, init=False)

    def keep(self, unique_id: str, file: File, now: datetime) -> Deferred[str]:
        """
        Write the file, durably, and give its name; an empty one if it was not written.

        An id that would lead out of the folder gets none.
        """
        kept: Deferred[str] = self.thread(self._write, unique_id, file, f"{now:%Y%m%d%H%M%S}")
        return kept.addCallbacks(self._kept, self._failed, errbackArgs=(unique_id,))

    def keep_picture(self, unique_id: str, extension: str, data: bytes) -> Deferred[str]:
        """The picture of the device, in place of the one before; its name. Fails with BadName, OSError."""
        name = f"device.{extension}"
        kept: Deferred[None] = self.thread(folder.keep, self.folder, (unique_id, name), data)
        return kept.addCallback(lambda _: name)

    def _kept(self, name: str) -> str:
        self._said = ""
        return name

    def _failed(self, failure: Any, unique_id: str) -> str:
        # A disk that is full has one line, not one for each file; the rest of an error's text is the file's path.
        reason = getattr(failure.value, "strerror", None) or str(failure.value)
        if reason != self._said:
            self._said = reason
            self._log.error("no file stored for {unique_id}: {error}", unique_id=unique_id, error=str(failure.value))
        return ""

    def _write(self, unique_id: str, file: File, name: str) -> str:
        if not folder.NAME.fullmatch(unique_id):
            raise ValueError("the id is no name of a folder")
        if not re.fullmatch(r"\w{1,10}", file.extension):
            raise ValueError("the extension is none")
        place = self.folder / unique_id
        place.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = place / f"{name}{'' if number == 1 else f'_{number}'}.{file.extension}"
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
            except FileExistsError:
                continue
            try:
                with os.fdopen(handle, "wb") as target:
                    target.write(file.data)
                    target.flush()
                    os.fsync(target.fileno())
            except OSError:
                path.unlink()  # half of it may be there
                raise
            return path.name
        raise OSError("a thousand files in one second")
