"""
Damaged frames to every installed format: an error of the short list, or values that can be stored, and always an end.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from random import Random

import orjson
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.conformance import vectors
from tests.conformance.replay import Connection, Heard, read_request, request_of
from tests.conformance.vectors import Conversation, Step
from tests.wire import damage
from trackd.wire import catalog, http
from trackd.wire.format import BAD_FRAME

COUNT = 40  # frames of a format
LINES = 300_000  # of Python, for one frame
OTHERS = (
    b"",
    b"\0" * 64,
    b"\xff" * 64,
    b"$GPRMC,,V,,,,,,,,,,N*53\r\n",
    b"{}",
    b"[]",
    b"null",
    b"GET / HTTP/1.1\r\n\r\n",
)


class Victim:
    """A format and its recordings, of which one step at a time is damaged; the steps before it are played as they are."""

    def __init__(self, name: str) -> None:
        self.format = catalog.load(name)
        self.conversations = vectors.load(name)[0]
        self.random = Random(name)

    def suffer(self) -> str | None:
        """One damaged frame; what went wrong, in words, or None."""
        conversation = self.random.choice(self.conversations)
        at = self.random.randrange(len(conversation.steps))
        connection = Connection(self.format, conversation)
        for step in conversation.steps[:at]:
            connection.play(step)
        what, hurt = self.hurt(conversation, conversation.steps[at])
        try:
            with damage.Steps(LINES):
                heard = hurt(connection)
        except (Exception, damage.Endless) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            return f"{conversation.id} step {at}: {error!r} at {where.filename}:{where.lineno}: {what}"
        return self.judged(heard, f"{conversation.id} step {at}: {what}")

    def hurt(self, conversation: Conversation, step: Step) -> tuple[str, Callable[[Connection], Heard]]:
        """What is done to the format, in words and as a function."""
        if step.answer is not None:
            body = self.damaged(step.answer)
            return body.hex(), lambda connection: connection.decode(http.Answer(200, {}, body))
        if conversation.transport == "http":
            assert step.http is not None
            request = request_of(step.http) if step.wire is None else read_request(step.wire)
            if request.body and self.random.random() < 0.8:
                request = http.Request(request.method, request.uri, request.headers, self.damaged(request.body))
            else:
                uri = self.damaged(request.uri.encode("latin-1", "replace")).decode("latin-1")
                request = http.Request(request.method, uri, request.headers, request.body)
            return repr(request), lambda connection: connection.decode(request)
        frame = step.frame if step.frame is not None else (step.text or "").encode()
        if step.wire is not None and (self.format.mqtt or self.random.random() < 0.3):
            data = self.damaged(step.wire)
            return data.hex(), lambda connection: connection.feed(data)
        data = self.damaged(frame)
        return data.hex(), lambda connection: connection.frame(data)

    def damaged(self, sample: bytes) -> bytes:
        return damage.damaged(sample, self.random, OTHERS)

    def judged(self, heard: Heard, what: str) -> str | None:
        """Whether all that was heard can be stored and sent on; no number is never a coordinate."""
        if heard.error is not None and not isinstance(heard.error, BAD_FRAME):
            return f"{heard.error!r}: {what}"
        for position in heard.positions:
            try:
                orjson.dumps(position)
            except TypeError as error:
                return f"cannot be stored: {error!r}: {position!r:.500}: {what}"
        return None


NAMES = sorted(set(vectors.formats()) & set(catalog.names()))


def _test(name: str) -> Callable[[SynchronousTestCase], None]:
    def test(self: SynchronousTestCase) -> None:
        victim = Victim(name)
        if not victim.conversations:
            raise SkipTest(f"{name} has no recorded conversation")
        for _ in range(COUNT):
            if complaint := victim.suffer():
                self.fail(complaint)

    test.__doc__ = f"{name}: damaged frames cost themselves and nothing else."
    return test


class DamageTests(SynchronousTestCase):
    def test_recorded(self) -> None:
        """The recordings, which are what is damaged, are there."""
        if not vectors.available():
            raise SkipTest(vectors.MISSING)
        self.assertTrue(NAMES)

    def test_endless(self) -> None:
        """A loop without end is noticed."""

        def forever() -> None:
            while True:
                pass

        with self.assertRaises(damage.Endless), damage.Steps(1000):
            forever()

    def test_kinds(self) -> None:
        """Every kind of damage changes a frame in many ways, and there is none for which a frame is too short."""
        for kind in damage.KINDS:
            changed = [kind(b"$A,1,22,333*55\r\n", Random(seed)) for seed in range(50)]
            self.assertGreater(len({*changed, b"$A,1,22,333*55\r\n"}), 5, kind)
            for seed in range(50):
                kind(b"a", Random(seed))


for _name in NAMES:
    setattr(DamageTests, f"test_{_name}", _test(_name))
