"""
One socket as the hub sees it: what it has still to be told.

While its peer reads, everything is passed on. When the peer falls behind (more than `Limits.queue` bytes wait for it),
only the newest state and the newest position of each device are kept, and a bounded number of events and raw frames;
they leave when the peer has caught up. A peer that takes nothing for `Limits.patience` seconds is dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from attrs import define, field, frozen
from twisted.logger import Logger

from trackd.live.dialect import Dialect, Talk
from trackd.live.outlet import Outlet

log = Logger()

GOING_AWAY = 1001
POLICY = 1008
FAILED = 1011
BUSY = 1013


@frozen
class Limits:
    """What sockets may cost."""

    connections: int = 10_000
    user_connections: int = 100
    queue: int = 1024 * 1024  # bytes waiting for a peer that does not read; above, only the newest is kept
    memory: int = 256 * 1024 * 1024  # bytes waiting for all peers; above, slow ones are kept the newest only
    burst: int = 512 * 1024  # bytes given to a transport that is full, so that it is never idle
    events: int = 1000  # events, and raw frames, that are kept for a peer that has fallen behind
    patience: float = 60.0  # seconds in which a peer must have taken what its transport was given
    message: int = 65536  # bytes of a client's message
    timeout: float = 300.0  # seconds without a byte in either direction
    farewell: float = 1.0  # seconds that a peer has for its half of the closing handshake
    gather: float = 0.1  # seconds for which raw frames may be held back, so that they follow the news they cause
    retry: float = 5.0  # seconds until permissions that could not be read are asked for again
    errors_logged_per_second: int = 10  # of what clients do wrong
    strangers: bool = False  # whoever asked for raw frames gets those of unknown devices as well


@define(eq=False)
class Piece:
    """A value on its way to several sockets of one dialect, and its text once the first of them needed it."""

    value: Any
    text: bytes = b""


def texts(dialect: Dialect, pieces: Iterable[Piece], encode: Callable[[Any], bytes]) -> list[bytes]:
    """The texts of the pieces, without those that the dialect fails to say."""
    said = []
    for piece in pieces:
        text = piece.text
        if not text:
            try:
                # A copy of its exact size: encoders give the end of a larger block back, and where memory is given
                # back with each text, the next one costs a page fault (2 to 5 µs on a virtual machine).
                text = piece.text = bytes(memoryview(encode(piece.value)))
            except Exception:
                log.failure("{dialect}: can't be said: {value}", dialect=dialect.name, value=piece.value)
                continue
        said.append(text)
    return said


@define(eq=False)
class Subscriber:
    """
    A socket's share of the news.

    It is `behind` from the start until it is welcomed: what comes before that is kept, and follows the first messages.
    """

    user_id: int
    dialect: Dialect
    talk: Talk
    outlet: Outlet
    limits: Limits
    now: Callable[[], float]
    hang_up: Callable[[int, str], None]  # close code and reason
    token_id: int | None = None  # what it was opened with, if that was a token
    until: float | None = field(default=None, init=False)  # when its user's time, or the token's, is over
    behind: bool = field(default=True, init=False)
    dropped: int = field(default=0, init=False)  # events and raw frames
    _welcomed: bool = field(default=False, init=False)
    _devices: dict[int, Piece] = field(factory=dict, init=False)
    _events: deque[Piece] = field(factory=deque, init=False)
    _positions: list[Piece] = field(factory=list, init=False)
    _newest: dict[int, Piece] = field(factory=dict, init=False)
    _frames: deque[Piece] = field(factory=deque, init=False)
    _stalled: float | None = field(default=None, init=False)  # since when the transport is full
    _alive: float = field(default=0.0, init=False)  # when the last keepalive was due

    def __attrs_post_init__(self) -> None:
        self._alive = self.now()

    def take(self, device_id: int, device: Piece | None, events: Sequence[Piece], positions: Sequence[Piece]) -> None:
        """Keep this until `flush`."""
        if device is not None:
            self._devices[device_id] = device
        if events:
            self._events.extend([event for event in events if self.talk.wants(event.value)])
            self._bound(self._events)
        if positions:
            if self.behind:
                self._newest[device_id] = positions[-1]
            else:
                self._positions += positions

    def note(self, event: Piece) -> None:
        """Send an event for which the client has not asked."""
        self._events.append(event)
        self._bound(self._events)
        self.flush()

    @property
    def kept(self) -> int:
        """Events, or raw frames if these are more, that wait for the peer."""
        return max(len(self._events), len(self._frames))

    def frame(self, frame: Piece) -> None:
        """Keep a raw frame until `flush`."""
        self._frames.append(frame)
        self._bound(self._frames)

    def _bound(self, kept: deque[Piece]) -> None:
        if self.behind:
            while len(kept) > self.limits.events:
                kept.popleft()
                self.dropped += 1

    def forget(self, devices: Iterable[int]) -> None:
        """The user may not see these any more: nothing that is kept of them will be sent."""
        gone = set(devices)
        for device in gone:
            self._devices.pop(device, None)
            self._newest.pop(device, None)
        self._events = deque([event for event in self._events if event.value.device_id not in gone])
        self._frames = deque([frame for frame in self._frames if frame.value.device_id not in gone])

    def welcome(self, shown: Collection[Any], said: Sequence[bytes]) -> None:
        """Send the first messages: the latest positions of the user's devices; then whatever came meanwhile."""
        for position in shown:
            kept = self._newest.get(position.device_id)
            if kept is not None and (kept.value.id == position.id or kept.value.fix_time < position.fix_time):
                del self._newest[position.device_id]
        self._welcomed = True
        for message in self.talk.greet(said):
            self.outlet.write(message)
        self.flush()

    def flush(self) -> None:
        """Send what is kept, unless the peer is behind."""
        self._look_at_the_clock()
        if self.outlet.closed:
            self._clear()
        if not self._welcomed or self.outlet.full:
            return
        dialect = self.dialect
        devices = texts(dialect, self._devices.values(), dialect.device)
        events = texts(dialect, self._events, dialect.event)
        positions = texts(dialect, self._positions, dialect.position)
        if self._newest:
            positions += texts(dialect, self._newest.values(), dialect.position)
        frames = texts(dialect, self._frames, dialect.frame)
        self._clear()
        if devices or events or positions or frames:
            for message in self.talk.tell(devices, events, positions, frames):
                self.outlet.write(message)
        self.behind = self.outlet.full

    def _clear(self) -> None:
        self._devices.clear()
        self._events.clear()
        self._positions.clear()
        self._newest.clear()
        self._frames.clear()

    def say(self, messages: Iterable[bytes]) -> None:
        """Send these at once, in turn with the news."""
        for message in messages:
            self.outlet.write(message)

    def pause(self) -> None:
        """The transport's buffer is full."""
        if self._stalled is None:
            self._stalled = self.now()
        self.outlet.pause()

    def resume(self) -> None:
        """The transport's buffer is empty."""
        self._stalled = None
        self.outlet.resume()
        self.flush()

    def _look_at_the_clock(self) -> None:
        if self.until is not None and self.now() >= self.until:
            self.until = None
            self.outlet.close()
            self.hang_up(POLICY, "the time is over")

    def tick(self) -> None:
        """Called every second: the keepalive is sent, a peer that takes nothing is dropped."""
        self._look_at_the_clock()
        now = self.now()
        if self._stalled is not None:
            if now - self._stalled >= self.limits.patience:
                self.hang_up(BUSY, "reads too slowly")
        elif self.dialect.keepalive and now - self._alive >= self.dialect.interval:
            self._alive = now
            self.outlet.write(self.dialect.keepalive)
