"""
All recordings against a running service, as tests: one for each installed format.

`python -m tests.conformance <format> --service -v` shows every difference.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.catalog import Catalog
from tests.conformance import ends, plays, replay, service, vectors
from tests.conformance.vectors import Conversation, Step
from tests.postgres import DatabaseTestCase
from trackd.wire import catalog
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.framing import line
from trackd.wire.names import IMAGE
from trackd.wire.times import iso
from trackd.wire.values import Login, Media, Output, Position, Reply


class ServiceTestCase(DatabaseTestCase):
    timeout = 300

    async def check(
        self, format: WireFormat, conversations: list[Conversation], formats: Any = catalog
    ) -> service.Outcome:
        from twisted.internet import reactor

        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        outcome = await service.check(reactor, self.db, format, conversations, folder.absolute(), formats)
        self.flushLoggedErrors()  # the outcome has them
        return outcome


class RecordingTests(ServiceTestCase):
    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for coroutines too
        if not vectors.available():
            raise SkipTest(vectors.MISSING)
        await super().setUp()

    def test_recorded(self) -> None:
        """The folder of the recordings has some for the formats that are installed."""
        self.assertTrue(set(vectors.formats()) & set(catalog.names()))


def _test(name: str) -> Callable[[RecordingTests], Coroutine[Any, Any, None]]:
    async def test(self: RecordingTests) -> None:
        conversations, _ = vectors.load(name)
        outcome = await self.check(catalog.load(name), conversations)
        if outcome.failed or outcome.logged:
            failures = [f"{mode}:\n{replay.described(found)}" for mode, found in outcome.failures.items() if found]
            self.fail("\n".join([f"{len(outcome.failed)} recordings of {name} differ", *failures, *outcome.logged]))

    test.__doc__ = f"{name}: a running service does what was recorded."
    return test


if vectors.available():
    for _name in sorted(set(vectors.formats()) & set(catalog.names())):
        setattr(RecordingTests, f"test_{_name}", _test(_name))


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    name, _, rest = frame.decode().strip().partition(",")
    yield Login.of(name, accept=b"hello\n", reject=b"who?\n")
    if rest == "photo":
        position = Position.last()
        position.set(IMAGE, Media(b"\xff\xd8", "jpg"))
    else:
        position = Position.at(iso(rest), latitude=48.0, valid=True)
        position.set("echo", session.setting("word", "none"))
    yield position
    yield Reply(b"stored\n")


WORD = Key("word", str, "none", "What is echoed")
PARROT = WireFormat("parrot", 7001, decode, split=line(), udp=True, keys=(WORD,))


def recorded(id: str, unique_id: str, *texts: str, **members: Any) -> Conversation:
    """A conversation with PARROT as it should be."""
    steps = []
    for text in texts:
        photo = text == "photo"
        position = {
            "device": unique_id,
            "protocol": "parrot",
            "deviceTime": None if photo else text,
            "fixTime": None if photo else text,
            "valid": not photo,
            "latitude": 0.0 if photo else 48.0,
            **dict.fromkeys(("longitude", "altitude", "speed", "course", "accuracy"), 0.0),
            "network": None,
            "attributes": {"image": "media.jpg"} if photo else {"echo": "none"},
            **({"outdated": True} if photo else {}),
        }
        media = [{"device": unique_id, "data": "ffd8", "extension": "jpg"}] if photo else []
        wire = f"{unique_id},{text}\n".encode()
        replies = [b"hello\n", b"stored\n"]
        steps.append(Step(wire, wire[:-1], None, None, None, [[unique_id]], [position], replies, media, False, False))
    unknown = [evolve(step, positions=[], replies=[b"who?\n"], media=[]) for step in steps]
    return Conversation(id, "tcp", steps, unknown, **members)


ONE, TWO = "2026-01-02T03:04:05.000Z", "2006-01-02T03:04:05.678Z"


class ServiceTests(ServiceTestCase):
    async def play(self, *conversations: Conversation) -> service.Outcome:
        outcome = await self.check(PARROT, list(conversations), Catalog((PARROT,)))
        self.assertEqual([], outcome.logged)
        return outcome

    async def test_agreed(self) -> None:
        """What is as it was recorded passes in all modes: sent again, rolled over, with a file, by datagrams."""
        right = [
            recorded("a", "1", ONE, TWO, ONE),
            recorded("b", "1", "photo", "photo"),
            recorded("c", "2", ONE, "photo", clock=True),
            evolve(recorded("d", "3", TWO), transport="udp"),
        ]
        outcome = await self.play(*right)
        self.assertEqual({mode: {} for mode in plays.MODES}, outcome.failures)
        self.assertEqual({}, outcome.left_out)

    async def test_differing(self) -> None:
        """Another reply, another position, another file, a connection that stays open: each is found out."""
        right = recorded("a", "1", ONE)
        [step] = right.steps
        position = {**step.positions[0], "latitude": 48.5}
        wrong = [
            evolve(right, id="reply", steps=[evolve(step, replies=[b"hello\n"])]),
            evolve(right, id="position", steps=[evolve(step, positions=[position])]),
            evolve(right, id="fewer", steps=[evolve(step, positions=[])]),
            evolve(right, id="open", steps=[evolve(step, closed=True)]),
            evolve(right, id="unknown", unknown=[evolve(step, replies=[])]),
        ]
        photo = recorded("file", "2", "photo")
        [step] = photo.steps
        wrong.append(evolve(photo, steps=[evolve(step, media=[{**step.media[0], "data": "00"}])]))
        outcome = await self.play(*wrong)
        known = {"reply", "position", "fewer", "open", "file"}
        self.assertEqual(
            {
                "known": known,
                "unknown": {"unknown"},
                "bytewise": known,
                "glued": known,
                "leaving": {"position", "fewer", "file"},
            },
            {mode: set(found) for mode, found in outcome.failures.items()},
        )

    async def test_settings(self) -> None:
        """A setting holds as an attribute of the device, and in the configuration where it is no attribute yet."""
        said = recorded("a", "1", ONE, settings={"parrot.word": "pieces"})
        [step] = said.steps
        said = evolve(said, steps=[evolve(step, positions=[{**step.positions[0], "attributes": {"echo": "pieces"}}])])
        outcome = await self.play(said, recorded("b", "1", TWO))
        self.assertEqual(set(), outcome.failed)

    async def test_not_to_be_run(self) -> None:
        """A service that cannot even start is said to have failed, with the reason."""
        said = recorded("a", "1", ONE, settings={"parrot.colour": "green"})
        outcome = await self.check(PARROT, [said], Catalog((PARROT,)))
        [why] = outcome.logged
        self.assertIn("parrot.colour: unknown key", why)

    async def test_left_out(self) -> None:
        """What can't be played from outside is counted with its reason; what nobody listens for has failed."""
        step = recorded("a", "1", ONE).steps[0]
        bare = evolve(recorded("bare", "1", ONE), steps=[evolve(step, wire=None)])
        web = evolve(recorded("web", "1", ONE), transport="http")
        outcome = await self.play(recorded("inside", "1", ONE, session="1"), bare, web)
        self.assertEqual(
            {"inside": "is logged in before it begins", "bare": "its bytes are not recorded"}, outcome.left_out
        )
        self.assertEqual({"web"}, outcome.failed)


class WaveTests(SynchronousTestCase):
    def waves(self, *conversations: Conversation) -> list[list[tuple[str, str]]]:
        all = plays.plays(PARROT, conversations, lambda id, why: self.fail(why))
        return [[(play.mode, play.conversation.id) for play in wave] for wave in plays.waves(all)]

    def test_side_by_side(self) -> None:
        """Conversations of the same device follow each other; as strangers all of them are there at once."""
        conversations = [recorded("a", "1", ONE), recorded("b", "2", ONE), recorded("c", "1", TWO)]
        waves = self.waves(*conversations)
        self.assertIn([("unknown", "a"), ("unknown", "b"), ("unknown", "c")], waves)
        self.assertIn([("known", "a"), ("known", "b")], waves)
        self.assertIn([("known", "c")], waves)

    def test_time(self) -> None:
        """What depends on the clock is not played together with what does not."""
        waves = self.waves(recorded("a", "1", ONE), recorded("b", "2", ONE, clock=True))
        self.assertIn([("known", "a")], waves)
        self.assertIn([("known", "b")], waves)

    def test_pairs(self) -> None:
        """Two conversations become one stream."""
        [glued] = [
            wave for wave in self.waves(recorded("a", "1", ONE), recorded("b", "2", ONE)) if wave[0][0] == "glued"
        ]
        self.assertEqual([("glued", "a + b")], glued)


class EndTests(SynchronousTestCase):
    def test_responses(self) -> None:
        """Responses that have come together are told apart."""
        one, two = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", b"HTTP/1.1 400 Bad Request\r\n\r\n"
        self.assertEqual([one, two, one], ends.responses(one + two + one))
