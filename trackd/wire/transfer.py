"""Files that devices send in pieces: photos, sound, video."""

from __future__ import annotations

from attrs import define

from trackd.wire.values import WireError

LIMIT = 32 * 1024 * 1024  # bytes of one file


@define
class Transfer:
    """A file that is being received; one per connection, forgotten with it."""

    limit: int = LIMIT
    _data: bytearray | None = None

    @property
    def running(self) -> bool:
        """Whether a file has been started and not been taken."""
        return self._data is not None

    @property
    def size(self) -> int:
        """Bytes that are there, holes included."""
        return len(self._data) if self._data is not None else 0

    def start(self) -> None:
        """Begin a file; one that is not finished is dropped."""
        self._data = bytearray()

    def append(self, data: bytes) -> None:
        """The next piece."""
        self.write(self.size, data)

    def write(self, at: int, data: bytes) -> None:
        """A piece with its place; a hole before it is filled with zeros until its own piece comes."""
        if self._data is None:
            self._data = bytearray()
        if at < 0 or at + len(data) > self.limit:
            raise WireError(f"a file of more than {self.limit} bytes")
        if at > len(self._data):
            self._data.extend(bytes(at - len(self._data)))
        self._data[at : at + len(data)] = data

    def take(self) -> bytes:
        """The whole file; nothing is left of it."""
        data, self._data = self._data, None
        return bytes(data or b"")
