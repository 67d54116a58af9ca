"""
A format that is struck: damaged frames in the middle of its conversations, and a judgement of what comes of them.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter

import orjson
from attrs import define, field, frozen

from tests.conformance.replay import Connection, Heard, read_request, request_of
from tests.conformance.vectors import Conversation, Step
from tests.wire import damage
from trackd.wire import http
from trackd.wire.format import BAD_FRAME, WireFormat

LINES = 300_000  # of Python, for one read
TIME = 0.005  # s for a frame; where it is longer than
LONG = 16384  # bytes, in proportion: it has as much in it as many others
TRIES = 5
LONGEST = 65536  # bytes that are read at once
BEHIND = 3  # steps of the conversation that are played after the damaged one


@frozen
class Blow:
    """A damaged frame, where it comes in a conversation, and how it is delivered."""

    conversation: Conversation
    at: int  # the step in whose place it comes
    known: bool  # the device is
    data: bytes  # the frame, or what is damaged of a request
    deliver: Callable[[Connection], Heard]

    def __str__(self) -> str:
        return f"{self.conversation.id} step {self.at}: {self.data.hex()}"


@define(eq=False)
class Victim:
    """`others`: frames of other formats."""

    format: WireFormat
    conversations: Sequence[Conversation]
    random: Random
    others: Sequence[bytes] = ()
    clock: Callable[[], float] = perf_counter
    bad: int = field(default=0, init=False)  # frames that were refused
    most: int = field(default=0, init=False)  # lines run for one frame

    def blow(self) -> Blow:
        """The next damaged frame: a step of a conversation, of which something is damaged."""
        random = self.random
        conversation = random.choice(self.conversations)
        at = random.randrange(len(conversation.steps))
        data, deliver = self._damaged(conversation, conversation.steps[at])
        return Blow(conversation, at, random.random() < 0.9, data, deliver)

    def strike(self, blow: Blow) -> str | None:
        """
        Deliver it, and what comes behind it in the conversation; what went wrong, in words, or None.

        All that may happen is an error of the short list, or positions that can be stored.
        """
        connection = self.approach(blow)
        steps = damage.Steps(LINES)
        try:
            with steps:
                heard = blow.deliver(connection)
            self.most = max(self.most, LINES - steps.left)
            complaint = judged(heard)
            self.bad += heard.error is not None
            for step in blow.conversation.steps[blow.at + 1 :][:BEHIND]:
                if heard.closed or complaint:
                    break
                with damage.Steps(LINES):
                    heard = connection.play(step)
                complaint = judged(heard)
        except (Exception, damage.Endless) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            complaint = f"{error!r} at {where.filename}:{where.lineno}"
        return complaint

    def timed(self, blow: Blow) -> tuple[float, bool]:
        """Seconds for a frame of it, and whether that is too long; measured again, a few times, if it seems so."""
        least, slow = float("inf"), True
        for _ in range(TRIES):
            connection = self.approach(blow)
            gc.disable()
            started = self.clock()
            try:
                frames = blow.deliver(connection).frames or [blow.data]
                least = min(least, (self.clock() - started) / len(frames))
            finally:
                gc.enable()
            slow = least > TIME * max(1.0, max(map(len, frames)) / LONG)
            if not slow:
                break
        return least, slow

    def approach(self, blow: Blow) -> Connection:
        """A connection on which all steps before it have been played."""
        connection = Connection(self.format, blow.conversation, known=blow.known)
        for step in blow.conversation.steps[: blow.at]:
            connection.play(step)
        return connection

    def _damaged(self, conversation: Conversation, step: Step) -> tuple[bytes, Callable[[Connection], Heard]]:
        if step.answer is not None:
            body = self._damage(step.answer)
            return body, lambda connection: connection.decode(http.Answer(200, {}, body))
        if conversation.transport == "http":
            assert step.http is not None
            request = request_of(step.http) if step.wire is None else read_request(step.wire)
            if request.body and self.random.random() < 0.8:
                data = self._damage(request.body)
                hurt = http.Request(request.method, request.uri, request.headers, data)
            else:
                data = self._damage(request.uri.encode("latin-1", "replace"))
                hurt = http.Request(request.method, data.decode("latin-1"), request.headers, request.body)
            return data, lambda connection: connection.decode(hurt)
        frame = step.text.encode() if step.text is not None else step.frame
        if step.wire is not None and (self.format.mqtt or frame is None or self.random.random() < 0.3):
            data = self._damage(step.wire)
            return data, lambda connection: connection.feed(data)
        data = self._damage(frame or b"")
        return data, lambda connection: connection.frame(data)

    def _damage(self, sample: bytes) -> bytes:
        return damage.damaged(sample, self.random, self.others)[:LONGEST]


def judged(heard: Heard) -> str | None:
    """Whether all that was heard can be stored; no number is never a coordinate."""
    if heard.error is not None and not isinstance(heard.error, BAD_FRAME):
        return repr(heard.error)
    for position in heard.positions:
        try:
            orjson.dumps(position)
        except TypeError as error:
            return f"cannot be stored: {error!r}: {position!r:.500}"
    return None
