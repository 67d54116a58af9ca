"""
Whole frames, from which damaged ones are made: the recordings of a format, if they are there, and what its tests say.

A test needs nothing for that: all that tests say goes through `tests.plugins.wire.talk`, which is listened to while
they run.
"""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.conformance import vectors
from tests.conformance.vectors import Conversation, Step
from tests.plugins.wire import talk
from tests.plugins.wire.talk import Talk
from trackd.wire import http, mqtt
from trackd.wire.format import BAD_FRAME

FOLDER = Path(talk.__file__).parent
CONVERSATIONS = 1000  # of the tests of a format
STEPS = 30  # of one of them
CONNECT = bytes.fromhex("101b00044d51545404000000000f313233343536373839303132333435")


@lru_cache
def of(name: str) -> tuple[Conversation, ...]:
    """Conversations in which something is said in this format."""
    return (*recorded(name), *spoken(name))


def recorded(name: str) -> list[Conversation]:
    """The recordings of a format; none without their folder."""
    conversations = vectors.load(name)[0] if name in vectors.formats() else []
    return [conversation for conversation in conversations if conversation.steps]


def spoken(name: str) -> list[Conversation]:
    """What the tests of a format say, a conversation for each of their connections."""
    ear = Ear(name)
    with ear:
        for path in sorted(FOLDER.glob(f"test_{name}*.py")):
            if path.stem.removeprefix(f"test_{name}")[:1] in ("", "_"):
                run(import_module(f"tests.plugins.wire.{path.stem}"))
    return ear.conversations()


def run(module: Any) -> None:
    """Run the tests of a module that need no reactor; what becomes of them does not matter here."""
    for kind in list(vars(module).values()):
        if isinstance(kind, type) and issubclass(kind, SynchronousTestCase) and not issubclass(kind, TestCase):
            unittest.defaultTestLoader.loadTestsFromTestCase(kind).run(unittest.TestResult())


@define(eq=False)
class Ear:
    """Within this, what is said in a format is noted, with what comes of it."""

    name: str
    _said: dict[Talk, list[Step]] = field(factory=dict, init=False)
    _sessions: dict[Talk, str | None] = field(factory=dict, init=False)
    _heard: set[Talk] = field(factory=set, init=False)  # of which something came
    _bad: set[Talk] = field(factory=set, init=False)  # that ended with an error
    _frames: list[Any] | None = field(default=None, init=False)  # of the bytes that are being said
    _say: Any = field(default=None, init=False)
    _outputs: Any = field(default=None, init=False)

    def __enter__(self) -> Ear:
        self._say, self._outputs = Talk.say, Talk.outputs
        ear = self

        def say(talk: Talk, data: bytes) -> Any:
            ear._begin(talk)
            frames: list[Any] = []
            ear._frames = frames
            try:
                return ear._say(talk, data)
            except BAD_FRAME:
                ear._bad.add(talk)
                raise
            finally:
                ear._frames = None
                ear._note(talk, step(wire=data, frame=frames[0] if len(frames) == 1 else None))

        def outputs(talk: Talk, frame: Any) -> Iterator[Any]:
            if ear._frames is not None:
                ear._frames.append(frame)
            else:
                ear._begin(talk)
                ear._note(talk, step_of(talk, frame))
            try:
                for output in ear._outputs(talk, frame):
                    ear._heard.add(talk)
                    yield output
            except BAD_FRAME:
                ear._bad.add(talk)
                raise

        Talk.say, Talk.outputs = say, outputs  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *why: object) -> None:
        Talk.say, Talk.outputs = self._say, self._outputs  # type: ignore[method-assign]

    def _begin(self, talk: Talk) -> None:
        if talk not in self._sessions:
            device = talk.session.device
            self._sessions[talk] = device.unique_id if device is not None else None
            if talk.format.mqtt:
                self._note(talk, step(wire=CONNECT))

    def _note(self, talk: Talk, step: Step) -> None:
        if talk.format.name == self.name:
            self._said.setdefault(talk, []).append(step)

    def conversations(self) -> list[Conversation]:
        """What was heard and understood, each once."""
        understood = self._heard - self._bad
        found = {
            repr((steps[:STEPS], talk.model, talk.settings, talk.transport)): Conversation(
                id=f"test {number}",
                transport=talk.transport if talk.transport == "udp" or talk.format.http else "tcp",
                steps=steps[:STEPS],
                unknown=steps[:STEPS],
                model=talk.model,
                settings=dict(talk.settings),
                session=self._sessions[talk],
            )
            for number, (talk, steps) in enumerate(self._said.items())
            if talk in understood
            # What is said byte by byte was said before.
            and (len(steps) < 3 or any(len(step.wire or b"whole") > 1 for step in steps))
        }
        most = list(found.values())
        return most[:: len(most) // CONVERSATIONS + 1]


def step_of(talk: Talk, frame: Any) -> Step:
    """What is said when a frame is not cut from a stream: a message, a request, an answer."""
    if isinstance(frame, http.Request):
        request = {"method": frame.method, "uri": frame.uri, "headers": frame.headers, "body": frame.body.hex()}
        return step(http=request)
    if isinstance(frame, http.Answer):
        return step(answer=frame.body)
    if talk.format.mqtt:
        return step(wire=mqtt.publish(4, "data", frame, 1))
    return step(frame=bytes(frame))


def step(**sent: Any) -> Step:
    """A step of which is known only what was sent."""
    nothing: dict[str, Any] = dict.fromkeys(("wire", "frame", "text", "http", "answer"))
    return Step(**nothing | sent, ids=[], positions=[], replies=[], media=[], error=False, closed=False)
