"""
Streams cut into frames.

    split(buffer, start) -> (frame, where the next begins)   the frame may lack its delimiters, or be empty
                         -> (None, where the next begins)    bytes thrown away, no frame
                         -> None                             wait for more
    raises WireError                                         hopeless: the connection is closed

The functions here make such functions; `Frames` runs one over a stream. What is cut off at the end of the read is cut
again from its beginning when more has come, so a cutter keeps nothing between calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from attrs import define, field

from trackd.wire.format import BAD_FRAME, Split
from trackd.wire.text import integer
from trackd.wire.values import WireError

LIMIT = 1024  # bytes: the usual longest frame
LARGE = 32768  # bytes: of formats with photos, long lists and the like


@define
class Frames:
    """
    Cut a stream into frames, however the network cut it into pieces.

    Frames come one by one, so that a cutter that depends on the connection sees what the frames before have changed.
    After hopeless bytes `broken` says why, and no more frames come.
    """

    split: Split
    limit: int = LIMIT  # bytes that may wait without a frame
    broken: WireError | None = field(default=None, init=False)
    _rest: bytes = field(default=b"", init=False)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are complete with `data`. To be run to its end before the next `feed`."""
        if self.broken is not None:
            return
        buffer = self._rest + data if self._rest else data
        start, end = 0, len(buffer)
        while start < end:
            try:
                cut = self.split(buffer, start)
            except BAD_FRAME as error:
                self._break(error)
                return
            if cut is None:
                break
            frame, after = cut
            if after <= start:
                self._break(WireError("a frame of no length"))
                return
            start = after
            if frame is not None:
                yield frame
        self._rest = buffer[start:] if start else buffer
        if end - start > self.limit:
            self._break(WireError(f"no frame in {end - start} bytes"))

    def _break(self, error: Exception) -> None:
        self.broken = error if isinstance(error, WireError) else WireError(f"cannot be cut: {error!r}")
        self._rest = b""


def line(limit: int = LIMIT) -> Split:
    """Lines end at LF; one CR right before it belongs to the end. Empty lines are frames."""

    def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
        end = buffer.find(b"\n", start)
        if end < 0:
            return None
        stop = end - 1 if end > start and buffer[end - 1] == 13 else end
        _check(stop - start, limit)
        return buffer[start:stop], end + 1

    return split


def until(*delimiters: bytes, keep: bool = False, limit: int = LIMIT) -> Split:
    """
    Frames end at one of the delimiters: at the one that is found first, at the same place the one that is listed first.

    `keep` leaves it at the end of the frame. Nothing else is removed.
    """
    if len(delimiters) == 1:
        (delimiter,) = delimiters
        length = len(delimiter)

        def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
            end = buffer.find(delimiter, start)
            if end < 0:
                return None
            _check(end - start, limit)
            return buffer[start : end + length if keep else end], end + length

    else:
        search = re.compile(b"|".join(map(re.escape, delimiters))).search

        def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
            match = search(buffer, start)
            if match is None:
                return None
            _check(match.start() - start, limit)
            return buffer[start : match.end() if keep else match.start()], match.end()

    return split


def sized(offset: int, width: int, extra: int = 0, *, little: bool = False, skip: int = 0, limit: int = LIMIT) -> Split:
    """
    Frames carry their length: `width` bytes at `offset`, big-endian unless `little`; total = that + `extra`.

    `skip`: so many bytes at the front are not passed on. A total that does not reach behind its own length field, or
    exceeds the limit, is an error as soon as it is known.
    """
    order: str = "little" if little else "big"
    header = offset + width

    def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
        at = start + offset
        if len(buffer) < at + width:
            return None
        total = int.from_bytes(buffer[at : at + width], order) + extra  # type: ignore[arg-type]
        if total < header:
            raise WireError(f"a frame of {total} bytes")
        _check(total, limit)
        end = start + total
        return (buffer[start + skip : end], end) if end <= len(buffer) else None

    return split


def counted(offset: int, extra: int = 0, *, skip: int = 0) -> Split:
    """
    Frames carry their length as decimal digits between `offset` and the first comma.

    Total = offset of the comma + length + `extra`; `skip` bytes behind it must be there and are not passed on. What is
    no number there is an error. Fewer than ten bytes are not looked at.
    """

    def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
        comma = buffer.find(b",", start + offset)
        if comma < 0 or len(buffer) - start < 10:
            return None
        end = comma + integer(buffer[start + offset : comma]) + extra
        return (buffer[start:end], end + skip) if end + skip <= len(buffer) else None

    return split


def fixed(length: int) -> Split:
    """Every frame has so many bytes."""

    def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
        end = start + length
        return (buffer[start:end], end) if end <= len(buffer) else None

    return split


def bracketed(opening: bytes, closing: bytes) -> Split:
    """
    From the first opening byte to the closing one that matches it, both kept; what stands before is thrown away.

    Brackets are counted wherever they stand, in quoted text too.
    """
    search = re.compile(b"[" + re.escape(opening + closing) + b"]").finditer

    def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
        first = buffer.find(opening, start)
        if first < 0:
            return None
        depth = 0
        for match in search(buffer, first):
            depth += 1 if match[0] == opening else -1
            if depth == 0:
                return buffer[first : match.end()], match.end()
        return None

    return split


def marked(end: bytes, undo: Callable[[bytes], bytes] | None = None, first: int = 1) -> Split:
    """
    Frames end with the first `end` at offset `first` or later, which is kept; `undo` takes back their escapes.

    The first byte is not looked at, so that it may be the same as the last one.
    """

    def split(buffer: bytes, start: int) -> tuple[bytes, int] | None:
        at = buffer.find(end, start + first)
        if at < 0:
            return None
        after = at + len(end)
        frame = buffer[start:after]
        return (undo(frame) if undo is not None else frame), after

    return split


def by_start(cutters: Mapping[bytes, Split], otherwise: Split) -> Split:
    """
    Several cutters on one port, told apart by the first bytes of each frame; the first start that fits decides.

    While fewer bytes are there than a start that may still fit has, nothing is cut.
    """
    starts = tuple(cutters.items())

    def split(buffer: bytes, start: int) -> tuple[bytes | None, int] | None:
        for mark, cutter in starts:
            if buffer.startswith(mark, start):
                return cutter(buffer, start)
            if len(buffer) - start < len(mark) and mark.startswith(buffer[start:]):
                return None
        return otherwise(buffer, start)

    return split


def skip_to(marks: bytes) -> Split:
    """No frames: what stands before the first of these bytes is thrown away, all of it if there is none."""
    search = re.compile(b"[" + re.escape(marks) + b"]").search

    def split(buffer: bytes, start: int) -> tuple[None, int]:
        match = search(buffer, start)
        return None, match.start() if match is not None else len(buffer)

    return split


def whole(buffer: bytes, start: int) -> tuple[bytes, int]:
    """Each read is one frame."""
    return buffer[start:], len(buffer)


def _check(length: int, limit: int) -> None:
    if length > limit:
        raise WireError(f"a frame of {length} bytes")
