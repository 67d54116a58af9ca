"""Look-ups, sessions, status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.track.memory import NOON, WEB, House, Wire, fix
from trackd.store.database import Unavailable
from trackd.store.report import State
from trackd.track.device import Device
from trackd.wire.values import WireError


class FindTests(SynchronousTestCase):
    def test_first_that_is_known(self) -> None:
        """Ids are tried in their order; the first that the database has is the device."""
        house = House()
        device = house.add("second")
        self.assertIs(device, house.find(Wire(), "first", "second"))

    def test_without_ids(self) -> None:
        """Without ids, the device of the connection is meant; a connection without one has none."""
        house = House()
        device = house.add("a")
        wire = Wire()
        self.assertIsNone(house.find(wire))
        house.find(wire, "a")
        self.assertIs(device, house.find(wire))

    def test_again_without_a_question(self) -> None:
        """A device that has a session on the connection is found without asking anybody."""
        house = House()
        house.add("a")
        wire = Wire()
        house.find(wire, "a")
        house.asked.clear()
        house.find(wire, "a")
        house.find(Wire(), "a")
        self.assertEqual([], house.asked)

    def test_many_at_once(self) -> None:
        """Look-ups that come while the database is asked are asked together."""
        house = House()
        gate: Deferred[None] = Deferred()
        original = house._load

        async def load(ids: list[str]) -> Any:
            found = await original(ids)
            if len(house.asked) == 1:
                await gate
            return found

        house.presence.directory.load = load
        found = [house.intake.find(Wire(), (name,), b"") for name in "abcde"]
        gate.callback(None)
        self.assertEqual([["a"], ["b", "c", "d", "e"]], house.asked)
        self.assertEqual([None] * 5, [self.successResultOf(one) for one in found])

    def test_impossible_ids(self) -> None:
        """Nobody asks the database for what it cannot even be asked: it would refuse all others as well."""
        house = House()
        for name in ("a\0", "\ud800"):
            self.assertIsNone(house.find(Wire(), name))
        self.assertEqual([], house.asked)

    def test_takeover(self) -> None:
        """A device that comes on another connection leaves the first, which stays open and has no device."""
        house = House()
        device = house.add("a")
        old, new = Wire(), Wire()
        house.find(old, "a")
        house.find(new, "a")
        self.assertIs(new, device.link)
        self.assertIsNone(house.find(old))
        house.intake.lost(old)
        self.assertIs(new, device.link)

    def test_disabled_or_expired(self) -> None:
        """A device that is disabled or has expired gets no session."""
        house = House()
        house.add("off", disabled=True)
        house.add("over", expiration_time=NOON - timedelta(seconds=1))
        for name in ("off", "over"):
            found = house.find(Wire(), name)
            self.assertIsInstance(found, Failure)
            found.trap(WireError)

    def test_connection_gone_meanwhile(self) -> None:
        """A connection that closes while its device is looked up does not get a session."""
        house = House()
        house.add("a")
        wire = Wire()
        answer: Deferred[Any] = Deferred()

        async def load(ids: list[str]) -> Any:
            return await answer

        house.presence.directory.load = load
        house.intake.find(wire, ("a",), b"")
        house.intake.lost(wire)
        answer.callback(dict(house.devices))
        self.assertEqual(0, len(house.presence.sessions))
        self.assertIsNone(house.devices["a"].link)

    def test_database_away(self) -> None:
        """A look-up waits for the database."""
        house = House(away=True)
        house.add("a")
        found = house.intake.find(Wire(), ("a",), b"")
        self.assertNoResult(found)
        house.away = False
        house.clock.advance(1)
        self.assertEqual("a", self.successResultOf(found).unique_id)

    def test_device_of_the_past(self) -> None:
        """A deleted device's reports are dropped, although its connection lives."""
        house = House()
        device = house.add("a")
        wire = Wire()
        house.find(wire, "a")
        house.devices.clear()
        Deferred.fromCoroutine(house.presence.directory.changed([1]))
        self.assertTrue(device.deleted)
        house.take(wire, fix(0), device=device)
        house.settle()
        self.assertEqual([], house.reports)

    def test_deleted_while_connected(self) -> None:
        """It leaves memory when its connection has gone."""
        house = House()
        house.add("a")
        wire = Wire()
        house.find(wire, "a")
        house.devices.clear()
        Deferred.fromCoroutine(house.presence.directory.changed([1]))
        house.presence.sweep()
        self.assertEqual(1, len(house.presence.directory))
        house.intake.lost(wire)
        house.presence.sweep()
        self.assertEqual(0, len(house.presence.directory))

    def test_made_again(self) -> None:
        """A device that was made anew is found although the old one of its unique id is read once more."""
        house = House()
        house.add("a")
        house.find(Wire(), "a")
        again = Device(2, "a", State(2))
        house.devices["a"] = again
        changed = house.presence.directory.changed
        Deferred.fromCoroutine(changed([1]))
        self.assertIs(again, house.find(Wire(), "a"))
        Deferred.fromCoroutine(changed([1]))
        self.assertIs(again, house.presence.directory.here("a"))

    def test_deleted_while_it_is_loaded(self) -> None:
        """A device that is deleted while its row is on the way to memory does not come back."""
        house = House()
        house.add("a")
        gate: Deferred[None] = Deferred()

        async def load(ids: list[str]) -> Any:
            found = {id: house.devices[id] for id in ids}
            await gate
            return found

        house.presence.directory.load = load
        found = house.intake.find(Wire(), ("a",), b"")
        house.devices.clear()
        Deferred.fromCoroutine(house.presence.directory.changed([1]))
        gate.callback(None)
        self.assertIsNone(self.successResultOf(found))

    def test_memory_is_bounded(self) -> None:
        """Devices that nobody needs are forgotten beyond the limit; connected ones never."""
        house = House()  # its directory has room for three
        wires = {name: Wire() for name in "abcdefgh"}
        for name, wire in wires.items():
            house.add(name)
            house.find(wire, name)
            if name not in "ab":
                house.intake.lost(wire)
        self.assertLessEqual(len(house.presence.directory), 4)
        self.assertIsNotNone(house.presence.directory.here("a"))
        self.assertIsNotNone(house.presence.directory.here("b"))

    def test_online_devices_are_kept(self) -> None:
        """A device without a connection that is online stays in memory: it has to be found silent one day."""
        house = House()
        house.add("quiet")
        wire = Wire(WEB)
        house.find(wire, "quiet")
        house.take(wire, fix(0))
        house.settle()
        house.intake.lost(wire)
        for name in "abcdefghijkl":
            house.add(name)
            other = Wire()
            house.find(other, name)
            house.intake.lost(other)
        house.clock.advance(601)
        house.presence.sweep()
        self.assertEqual("unknown", house.devices["quiet"].state.status)


class StrangerTests(SynchronousTestCase):
    def test_noted(self) -> None:
        """An unknown id is noted with its format, address, frame and count, gathered for a second."""
        house = House()
        house.presence.directory.throttle = False
        self.assertIsNone(house.find(Wire(), "x", "y"))
        house.find(Wire(), "x")
        house.clock.advance(1)
        [seen] = house.sightings
        self.assertEqual(
            ("x", "plain", "192.0.2.1", 2, b"frame".hex()),
            (seen.unique_id, seen.protocol, seen.address, seen.count, seen.last_frame),
        )

    def test_noted_at_the_stop(self) -> None:
        """What is gathered when the server stops is written at once; a database that is away does not hold it up."""
        house = House()
        house.find(Wire(), "x")
        self.successResultOf(house.presence.strangers.stop())
        self.assertEqual(["x"], [seen.unique_id for seen in house.sightings])
        self.assertEqual([], house.clock.getDelayedCalls())

        async def away(seen: object) -> None:
            raise Unavailable("away")

        house.presence.strangers.store = away
        house.find(Wire(), "y")
        self.successResultOf(house.presence.strangers.stop())

    def test_bounded(self) -> None:
        """More unknown ids than the limit between two writings are counted, not kept."""
        house = House()
        for number in range(5):
            house.find(Wire(), f"x{number}")
        house.clock.advance(1)
        self.assertEqual((2, 3), (len(house.sightings), house.presence.strangers.dropped))

    def test_throttled(self) -> None:
        """An id that was not found is not asked for again within a minute, then two, then four."""
        house = House()
        for _ in range(3):
            house.find(Wire(), "x")
        self.assertEqual([["x"]], house.asked)
        house.clock.advance(61)
        house.find(Wire(), "x")
        house.clock.advance(61)
        house.find(Wire(), "x")
        self.assertEqual([["x"], ["x"]], house.asked)
        house.clock.advance(61)
        house.find(Wire(), "x")
        self.assertEqual([["x"]] * 3, house.asked)

    def test_registered(self) -> None:
        """With automatic registration the first id becomes a device, if it looks like one."""
        house = House()

        async def register(id: str) -> None:
            house.add(id)

        house.presence.register = register
        self.assertEqual("abc123", house.find(Wire(), "abc123", "other").unique_id)
        self.assertIsNone(house.find(Wire(), "no id!"))


class StatusTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = House()
        self.house.presence.events = True
        self.device = self.house.add("a")
        self.wire = Wire()
        self.house.find(self.wire, "a")

    def events(self) -> list[str]:
        self.house.settle()
        return [event.type for event in self.house.events]

    def test_online_with_a_message(self) -> None:
        """A device is online with its first message; the event comes once."""
        self.assertEqual("offline", self.device.state.status)
        self.house.take(self.wire, fix(0))
        self.house.take(self.wire, fix(1))
        self.assertEqual(("online", NOON), (self.device.state.status, self.device.state.last_update))
        self.assertEqual(["deviceOnline"], self.events())

    def test_offline_at_the_close(self) -> None:
        """A device whose connection closes is offline, and clients hear of it."""
        self.house.take(self.wire, fix(0))
        self.house.told.clear()
        self.house.intake.lost(self.wire)
        self.assertEqual("offline", self.device.state.status)
        self.assertEqual([([], [], [1])], self.house.told)
        self.assertEqual(["deviceOnline", "deviceOffline"], self.events())

    def test_never_offline_over_http(self) -> None:
        """A closed HTTP connection means nothing."""
        wire = Wire(WEB)
        self.house.find(wire, "a")
        self.house.take(wire, fix(0))
        self.house.intake.lost(wire)
        self.assertEqual("online", self.device.state.status)

    def test_unknown_after_silence(self) -> None:
        """After a silence a device is unknown, and its session lives on while its connection does."""
        self.house.take(self.wire, fix(0))
        self.house.clock.advance(599)
        self.house.presence.sweep()
        self.assertEqual("online", self.device.state.status)
        self.house.clock.advance(2)
        self.house.presence.sweep()
        self.assertEqual("unknown", self.device.state.status)
        self.assertIs(self.device, self.house.find(self.wire))

    def test_stored(self) -> None:
        """The status is written with the report, or with the sign of life."""
        self.house.take(self.wire, fix(0))
        self.house.settle()
        self.assertEqual("online", self.house.reports[0].state.status)  # type: ignore[union-attr]
        self.house.intake.lost(self.wire)
        self.house.clock.advance(1)
        self.house.settle()
        self.assertEqual({1: ("offline", NOON, 0)}, self.house.committed[-1].signs)


class AttributeTests(SynchronousTestCase):
    def test_remembered(self) -> None:
        """What a format has stored with the device counts at once."""
        house = House()
        device = house.add("a", attributes={"x": 1})
        wire = Wire()
        house.find(wire, "a")
        house.intake.remember(wire, device, "token", "t")
        self.assertEqual({"x": 1, "token": "t"}, device.attributes)
        self.assertIn((1, "token", "t"), house.asked)
