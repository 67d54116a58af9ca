"""A zip file that is made while it is sent: neither it nor what is in it is ever in memory as a whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile


class _Sink:
    """What the zip file is written to. It cannot seek, so sizes and checksums come behind what they are of."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since this was called last."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data


async def zipped(name: str, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The pieces of a zip file with one entry, `name`, that these are the pieces of."""
    sink: Any = _Sink()
    async with aclosing(pieces):
        with ZipFile(sink, "w", ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as entry:
            async for piece in pieces:
                entry.write(piece)
                if data := sink.taken():
                    yield data
    yield sink.taken()
