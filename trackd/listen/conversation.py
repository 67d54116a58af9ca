"""
A conversation with a device: what it says, frame by frame, and what it is owed for that.

This is the same for all transports. The adapter of a transport cuts frames and hands them in with `hear`; it is told
through `Peer` what to write, and when there is nothing on its way any more.

    decode        runs lazily: after a Login the device is looked up before the generator goes on
    believed      positions and replies of a frame count when it has been read to its end, else none of them
    owed          replies are written, in order, when everything that was said before them is committed

As long as nothing has to be asked, frames are read one after the other in the same turn of the reactor. A frame that
needs an answer (of the database, mostly) goes on when that is there; all frames behind it wait. Thousands of strangers
may wait for theirs, so none of them has a coroutine, which is ten objects more for the collector of garbage.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from trackd.listen.counters import Counts
from trackd.listen.intake import Device
from trackd.listen.server import Server
from trackd.wire.coordinates import check_position
from trackd.wire.format import BAD_FRAME, Decode, Session, WireFormat
from trackd.wire.http import response
from trackd.wire.values import (
    DeviceAttribute,
    Hangup,
    Login,
    Media,
    Output,
    Position,
    Reply,
    Response,
    TakeCommand,
    WireError,
)

# The beginning of a line of the log: format, number of the connection, the peer's address, device.
WHO = "{name} #{connection} {peer}{of}"
LOGGED = 256  # bytes of a bad frame that are shown
REASON = 200  # characters of what is wrong with it: some quote the whole of it

_NONE: Any = object()


class Peer(Protocol):
    """The adapter through which a conversation is held."""

    def answer(self, frames: int, replies: Sequence[bytes]) -> None:
        """So many frames are dealt with for good, and these bytes are due, in this order."""

    def recognised(self) -> None:
        """The first device was found."""

    def settled(self) -> None:
        """Nothing is on its way: more may be heard."""

    def close(self) -> None:
        """The connection is to be closed, and nothing is owed any more."""

    def over(self) -> None:
        """The peer is gone, and nothing of it is left."""


@define(eq=False)
class Turn:
    """The frame that is being read. One that has been read to its end serves for the next."""

    raw: bytes
    outputs: Iterator[tuple[int, Any]]
    said: list[tuple[Device, Position]] = field(factory=list)
    owed: list[bytes] = field(factory=list)
    later: deque[tuple[Device, Media | DeviceAttribute]] | None = None  # stored once the frame is believed
    hangup: int | None = None  # how many of the replies come before it
    asked: Output | None = None  # whose answer is awaited

    def again(self, raw: bytes, outputs: Iterator[tuple[int, Any]]) -> None:
        """Another frame, after this one."""
        self.raw, self.outputs = raw, outputs
        self.said.clear()
        self.owed.clear()
        self.later = self.hangup = self.asked = None


@define(eq=False)
class Batch:
    """Replies that wait for the same commits."""

    waiting: int  # for so many commits
    frames: int
    owed: list[bytes]


@define(eq=False)
class Conversation:
    """
    One connection, or one sender of datagrams; fulfils `trackd.listen.intake.Link`.

    `decode` is the format's, or what an adapter has wrapped round it; `raw` makes bytes of its frames, for the log
    and for the intake (None: they are bytes). `strict`: a bad frame ends the connection.
    """

    server: Server
    session: Session
    host: str
    peer: Peer
    counts: Counts
    decode: Decode
    raw: Callable[[Any], bytes] | None = None
    live: bool = True
    strict: bool = True
    format: WireFormat = field(init=False)
    number: int = field(init=False)  # by which the lines of the log that concern it are found
    known: bool = field(default=False, init=False)  # it has had a device
    closing: bool = field(default=False, init=False)  # to be closed when nothing is owed any more
    _mute: bool = field(default=False, init=False)  # what is said from now on is not answered
    _gone: bool = field(default=False, init=False)  # the peer is
    _ended: bool = field(default=False, init=False)
    _heard: deque[tuple[Iterator[Any], datetime, bytes]] = field(factory=deque, init=False)
    _turn: Turn | None = field(default=None, init=False)
    _reading: bool = field(default=False, init=False)
    _came: Any = field(default=None, init=False)  # the answer that came at once; _NONE while it might
    _unsettled: bool = field(default=False, init=False)
    _waits: list[Deferred[None]] = field(factory=list, init=False)  # commits of the frames read since the last batch
    _owed: list[bytes] = field(factory=list, init=False)  # replies of these
    _done: int = field(default=0, init=False)  # how many these are
    _batches: deque[Batch] = field(factory=deque, init=False)
    _logged: int = field(default=0, init=False)
    _log: ClassVar[Logger] = Logger()

    def __attrs_post_init__(self) -> None:
        self.format = self.session.format
        self.number = next(self.server.numbers)

    @property
    def busy(self) -> bool:
        """Something that was said is on its way: the peer had better wait."""
        return self._reading or bool(self._batches)

    # What the adapter calls

    def hear(self, frames: Iterable[Any], now: datetime, data: bytes = b"") -> None:
        """
        Frames that have arrived at `now`. They are drawn one by one, as far as those before them are read.

        What the iteration raises counts as a bad frame of the bytes `data`.
        """
        self._heard.append((iter(frames), now, data))
        self._unsettled = True
        if self._reading:
            return
        self._reading = True
        self._read_on()

    def end(self) -> None:
        """The peer is gone. What it has said is still read: not all of them wait for an acknowledgement."""
        self._gone = True
        if not self.busy:
            self._over()

    def finish(self) -> None:
        """Close when nothing is owed any more."""
        self.closing = True
        if not self.busy:
            self.peer.close()

    # Link

    def send(self, data: bytes) -> None:
        """Write at once, with the format's outgoing layer."""
        self.peer.answer(0, [self._dressed(data)])

    def _dressed(self, data: bytes) -> bytes:
        wrap = self.format.wrap
        return data if wrap is None else wrap(data, self.session)

    # Reading

    def _read(self) -> Deferred[Any] | None:
        """Read until an answer must be waited for, which is returned, or until nothing is left: None."""
        heard, counts, session, intake = self._heard, self.counts, self.session, self.server.intake
        decode, bytes_of = self.decode, self.raw
        spare: Turn | None = None
        while True:
            turn = self._turn
            try:
                if turn is None:
                    if not heard:
                        return None
                    if intake.full:
                        return intake.room()
                    frames, session.now, _ = heard[0]
                    frame = next(frames, _NONE)
                    if frame is _NONE:
                        heard.popleft()
                        continue
                    counts.frames += 1
                    raw = frame if bytes_of is None else bytes_of(frame)
                    if (turn := spare) is None:
                        turn = Turn(raw, enumerate(decode(frame, session)))
                    else:
                        turn.again(raw, enumerate(decode(frame, session)))
                    self._turn = turn
                waiting = self._listen(turn)
            except Exception as error:
                self._bad(error)
            else:
                if waiting is not None:
                    return waiting
                self._turn, spare = None, turn
            self._done += 1

    def _read_on(self, came: Any = _NONE) -> None:
        """Read, now and whenever what must be waited for is there, until nothing is left. `came`: what was waited for."""
        try:
            while True:
                if came is not _NONE:
                    self._take(came)
                if (waiting := self._read()) is None:
                    break
                self._arm()
                self._came = _NONE
                waiting.addBoth(self._comes)
                came, self._came = self._came, None
                if came is _NONE:
                    return
        except Exception:
            self._give_up(Failure())
        else:
            self._reading = False
            self._finish()

    def _comes(self, answer: Any) -> None:
        """What is waited for is there: at once, and the loop that has asked goes on, or later."""
        if self._came is _NONE:
            self._came = answer
        else:
            self._read_on(answer)

    def _take(self, answer: Any) -> None:
        """Let the frame in hand have its answer."""
        try:
            if isinstance(answer, Failure):
                answer.raiseException()
            self._answered(answer)
        except Exception as error:
            if self._turn is None:  # it was room that was awaited, and there will be none
                self._drop()
            else:
                self._done += 1
            self._bad(error)

    def _drop(self) -> None:
        """Nothing of what waits is read."""
        self._done += len(self._heard)
        self._heard.clear()

    def _listen(self, turn: Turn) -> Deferred[Any] | None:
        """Read a frame on until an answer must be waited for, or to its end."""
        session, server, wrap = self.session, self.server, self.format.wrap
        most = server.limits.outputs
        for count, output in turn.outputs:
            kind = output.__class__  # compared, which is quicker than asking for instances
            if kind is Position:
                check_position(output)
                if session.device is not None:
                    turn.said.append((session.device, output))  # type: ignore[arg-type]
            elif kind is Login:
                found = server.intake.find(self, output.ids, turn.raw)
                if found.__class__ is Deferred:
                    turn.asked = output
                    return found
                if not self._found(turn, output, found):
                    break
            elif kind is Reply:
                turn.owed.append(output.data if wrap is None else wrap(output.data, session))
            elif (waiting := self._obey(turn, output)) is not None:
                return waiting
            if count >= most:
                raise WireError("a frame without end")
        return self._believe(turn)

    def _obey(self, turn: Turn, output: Output) -> Deferred[Any] | None:
        """What few frames say."""
        device: Any = self.session.device
        if isinstance(output, Response):
            turn.owed.append(response(output))
        elif isinstance(output, Hangup):
            if turn.hangup is None:
                turn.hangup = len(turn.owed)
        elif isinstance(output, TakeCommand):
            self.session.command = None
            if device is not None:
                turn.asked = output
                return self.server.intake.next_command(self, device)
        elif isinstance(output, (Media, DeviceAttribute)) and device is not None:
            if turn.later is None:
                turn.later = deque()
            turn.later.append((device, output))
        return None

    def _answered(self, answer: Any) -> None:
        turn = self._turn
        if turn is None:  # there is room again
            return
        asked, turn.asked = turn.asked, None
        if isinstance(asked, Login):
            if not self._found(turn, asked, answer):
                turn.outputs = iter(())
        elif isinstance(asked, TakeCommand):
            self.session.command = answer

    def _found(self, turn: Turn, login: Login, device: Device | None) -> bool:
        """Whether the frame goes on."""
        self.session.device = device
        if device is not None and not self.known:
            self.known = True
            self.peer.recognised()
        words = login.reject if device is None else login.accept
        if words and not self._mute:
            words = self._dressed(words)
            # At once, unless an answer to something said earlier is still owed.
            if turn.owed:
                turn.owed.append(words)
            elif self._owed or self._batches:
                self._owed.append(words)
            else:
                self.peer.answer(0, [words])
        return device is not None or login.optional

    def _believe(self, turn: Turn) -> Deferred[Any] | None:
        """The frame has been read to its end."""
        intake = self.server.intake
        if turn.later:
            device, thing = turn.later.popleft()
            if isinstance(thing, Media):
                return intake.keep(self, device, thing)
            return intake.remember(self, device, thing.name, thing.value)
        if self.known:
            committed = intake.take(self, turn.said, turn.raw)
            if committed is not None and not (self._waits and self._waits[-1] is committed):
                self._waits.append(committed)
            self.counts.reports += len(turn.said)
        if not self._mute:
            self._owed += turn.owed if turn.hangup is None else turn.owed[: turn.hangup]
        if turn.hangup is not None:
            self.closing = self._mute = True
        return None

    def _bad(self, error: Exception) -> None:
        """The frame in hand is lost, or, if there is none, what was read could not be cut."""
        turn, self._turn = self._turn, None
        raw = turn.raw if turn is not None else self._heard[0][2] if self._heard else b""
        if self.strict:
            self.closing = self._mute = True
        self.complain(error, raw)

    def complain(self, error: Exception, raw: bytes) -> None:
        """Count these bytes as bad, and log them unless there were too many such lines."""
        self.counts.errors += 1
        if self._logged >= self.server.limits.errors_logged or not self.server.errors.allows():
            self.counts.unlogged += 1
            return
        self._logged += 1
        shown = raw[:LOGGED].hex() + ("…" if len(raw) > LOGGED else "")
        if isinstance(error, BAD_FRAME):
            reason = repr(error)
            reason = reason[:REASON] + ("…" if len(reason) > REASON else "")
            self._log.warn(f"{WHO}: {{reason}}: {{frame}}", reason=reason, frame=shown, **self.who)
        else:
            self._log.failure(f"{WHO}: {{frame}}", Failure(error), frame=shown, **self.who)

    @property
    def who(self) -> dict[str, Any]:
        """Who speaks, as fields of a line of the log that begins with WHO."""
        device: Device | None = self.session.device  # type: ignore[assignment]
        id = None if device is None else device.id
        of = "" if id is None else f" device {id}"
        return {"name": self.format.name, "connection": self.number, "peer": self.host, "device": id, "of": of}

    # Owing

    def _finish(self) -> None:
        self._arm()
        if self._unsettled and not self.busy:
            self._settle()

    def _arm(self) -> None:
        """The replies so far go out when the commits that they wait for are done, and those of earlier batches."""
        waits, owed, done = self._waits, self._owed, self._done
        if not waits and not self._batches:
            if owed or done:
                self._owed, self._done = [], 0
                self.peer.answer(done, owed)
            return
        batch = Batch(len(waits), done, owed)
        self._batches.append(batch)
        self._waits, self._owed, self._done = [], [], 0
        for wait in waits:
            wait.addCallbacks(self._committed, self._refused, callbackArgs=(batch,), errbackArgs=(batch,))

    def _committed(self, result: Any, batch: Batch) -> Any:
        """One of the batch's commits is done. Others wait for the same Deferred, so nothing may be raised here."""
        batch.waiting -= 1
        try:
            batches = self._batches
            while batches and not batches[0].waiting:
                first = batches.popleft()
                self.peer.answer(first.frames, first.owed)
            if self._unsettled and not batches and not self._reading:
                self._settle()
        except Exception:
            self._give_up(Failure())
        return result

    def _refused(self, failure: Failure, batch: Batch) -> Failure:
        """The intake has failed: whether anything is stored nobody knows, so nothing is acknowledged, to others neither."""
        self._failed(failure)
        for later in self._batches:
            later.owed = []
        self.closing = self._mute = True
        self._committed(None, batch)
        return failure

    def _settle(self) -> None:
        self._unsettled = False
        if self._gone:
            self._over()
        elif self.closing:
            self.peer.close()
        else:
            self.peer.settled()

    def _over(self) -> None:
        # An answer that is written may be what the end was waiting for.
        if not self._ended:
            self._ended = True
            self.server.intake.lost(self)
            self.peer.over()

    def _give_up(self, failure: Failure) -> None:
        """A mistake of ours in the middle of it: nobody knows what is owed."""
        self._failed(failure)
        self._reading = False
        self._drop()
        self._batches.clear()
        self.closing = True
        self._settle()

    def _failed(self, failure: Failure) -> None:
        self._log.failure(WHO, failure, **self.who)
