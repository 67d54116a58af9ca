"""Tests of `trackd.live.feed`, behind an intake in memory."""

from __future__ import annotations

from typing import Any

from attrs import define
from twisted.trial.unittest import SynchronousTestCase

from tests.live.memory import House as Listening
from tests.live.memory import Terse
from tests.track.memory import House, Wire, at, fix
from trackd.live.feed import Feed
from trackd.live.news import DeviceNews, RawFrame
from trackd.live.subscriber import Limits
from trackd.store.report import Event
from trackd.track.amendments import copied
from trackd.track.detect.simple import ignition


@define(eq=False)
class Plain(Terse):
    """Words for what the intake tells: `a:online`, `ignitionOn`, `48` for a latitude, `a=hex` for a frame."""

    def device(self, news: DeviceNews) -> bytes:
        return self._said(f"{news.device.unique_id}:{news.state.status}")

    def event(self, event: Any) -> bytes:
        return self._said(event.type)

    def position(self, position: Any) -> bytes:
        return self._said(f"{position.latitude:.0f}")

    def frame(self, frame: RawFrame) -> bytes:
        return self._said(f"{frame.protocol}:{frame.unique_id}:{frame.data.decode()}:{frame.host}")


class Untouchable(dict[int, Any]):
    """Nobody looks into it."""

    def get(self, key: int, default: Any = None) -> Any:
        raise AssertionError("a device was looked up")


class FeedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House(detectors=(ignition,))
        self.house.add("a")
        self.live = Listening(Limits(strangers=True), Plain("plain"), {1: {1}})
        self.feed = Feed(self.live.hub, self.house.presence.directory.by_id)
        self.house.intake.tell = self.feed.tell
        self.house.intake.show = self.feed.frame
        self.house.presence.show = self.feed.stranger
        self.wire = Wire()
        self.house.find(self.wire, "a")
        self.peer = self.live.listener()

    def heard(self, *positions: Any) -> list[bytes]:
        """What is told when the device has sent these."""
        self.house.take(self.wire, *positions)
        self.house.settle()
        return self.peer.read()

    def test_commit(self) -> None:
        """A commit is told when it is done: the device, events, the positions in their order."""
        self.assertEqual([b"a:online", b"48 49"], self.heard(fix(0), fix(1, 49.0, attributes={"ignition": False})))
        self.assertEqual([b"a:online", b"ignitionOn", b"50"], self.heard(fix(2, 50.0, attributes={"ignition": True})))
        self.house.take(self.wire, fix(3))
        self.assertEqual([], self.peer.read())

    def test_late(self) -> None:
        """A late report tells that its device is alive, not where it was."""
        self.heard(fix(10))
        self.assertEqual([b"a:online"], self.heard(fix(5, 49.0)))
        self.assertEqual([b"a:online", b"50"], self.heard(fix(10, 50.0)))

    def test_life(self) -> None:
        """So does a message without a report."""
        self.assertEqual([b"a:online"], self.heard())

    def test_event_alone(self) -> None:
        """An event that belongs to no report is told, whether or not its device is in memory."""
        self.feed.tell((), [Event(1, "deviceOffline", at(0))], ())
        self.assertEqual([b"deviceOffline"], self.peer.read())
        self.house.presence.directory.by_id.clear()
        self.feed.tell((), [Event(1, "deviceOffline", at(0))], [1])
        self.assertEqual([b"deviceOffline"], self.peer.read())

    def test_nobody(self) -> None:
        """When nobody listens nothing is made."""
        assert self.peer.subscriber is not None
        self.live.hub.leave(self.peer.subscriber)
        self.feed.devices = Untouchable()
        self.heard(fix(0))
        self.assertEqual([], self.live.dialect.encoded)

    def test_frames(self) -> None:
        """Frames are shown to who has asked for them: of reports, of messages without one, of strangers; each once."""
        self.heard(fix(0))
        assert self.peer.subscriber is not None
        self.live.hub.hear(self.peer.subscriber, b"log")
        self.house.intake.save_empty = True
        self.assertEqual([b"a:online", b"49", b"plain:a:frame:192.0.2.1"], self.heard(fix(1, 49.0)))
        self.assertEqual(b"plain:a:frame:192.0.2.1", self.heard()[-1])
        self.house.intake.save_empty = False
        self.assertEqual([b"a:online", b"plain:a:frame:192.0.2.1"], self.heard())
        self.house.find(Wire(), "b")
        self.live.clock.advance(1)
        self.assertEqual([b"plain:b:frame:192.0.2.1"], self.peer.read())

    def test_copied(self) -> None:
        """A copy of the latest position is news of a position, not a sign of life of the device."""
        self.heard(fix(0))
        device = self.house.presence.directory.by_id[1]
        assert device.last is not None
        self.house.intake.amend(device, copied(device.last, {}, at(1)))
        self.house.settle()
        self.assertEqual([b"48"], self.peer.read())
