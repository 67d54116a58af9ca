"""Who is let in."""

from __future__ import annotations

from attrs import define, evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from trackd.listen.door import Door, Guest
from trackd.listen.limits import Limits
from trackd.rate import Rate


@define(eq=False)
class Visitor:
    """A guest that remembers what it was told."""

    host: str = "10.0.0.1"
    gave_way: bool = False
    finished: bool = False

    def give_way(self) -> None:
        self.gave_way = True

    def finish(self) -> None:
        self.finished = True


def as_guest(visitor: Visitor) -> Guest:
    """For the type checker: the fake has the real interface."""
    return visitor


def door(**limits: int) -> Door:
    return Door(evolve(Limits(), **limits), Rate(Clock(), 1, 60.0))


class DoorTests(SynchronousTestCase):
    def test_leaves_twice(self) -> None:
        """Leaving again, or without having been let in, changes nothing."""
        house, one, other = door(per_address=1), Visitor(), Visitor()
        self.assertTrue(house.enter(one))
        self.assertFalse(house.enter(other))
        house.leave(other)
        self.assertFalse(house.enter(other))
        house.leave(one)
        house.leave(one)
        self.assertEqual((len(house), house.strangers), (0, 0))
        self.assertTrue(house.enter(other))
        self.assertEqual((len(house), house.strangers), (1, 1))

    def test_oldest_stranger(self) -> None:
        """A newcomer takes the place of the oldest that has no device, never of one that has."""
        house, guests = door(before_login=2), [Visitor() for _ in range(4)]
        house.enter(guests[0])
        house.recognised(guests[0])
        for guest in guests[1:]:
            self.assertTrue(house.enter(guest))
        self.assertEqual([guest.gave_way for guest in guests], [False, True, False, False])

    def test_hung_up(self) -> None:
        """A guest that has hung up gives way to nobody, but counts until nothing of it is left."""
        house, gone = door(connections=2, before_login=1), Visitor()
        house.enter(gone)
        house.hung_up(gone)
        self.assertTrue(house.enter(Visitor()))
        self.assertFalse(gone.gave_way)
        self.assertFalse(house.enter(Visitor()))
        house.leave(gone)
        self.assertTrue(house.enter(Visitor()))

    def test_empty(self) -> None:
        """One can wait until nobody is there."""
        house, guest = door(), Visitor()
        self.successResultOf(house.empty())
        house.enter(guest)
        empty = house.empty()
        self.assertNoResult(empty)
        house.leave(guest)
        self.successResultOf(empty)
