"""Tests of `trackd.live.outlet`."""

from attrs import Factory, define
from twisted.trial.unittest import SynchronousTestCase

from trackd.live.outlet import PIECE, Crowd, Outlet


@define
class Sent:
    """Pieces as they leave; it may pause the outlet after so many."""

    pieces: list[tuple[bytes, bool, bool]] = Factory(list)
    pause_after: int = 0
    outlet: Outlet | None = None

    def __call__(self, piece: bytes, first: bool, last: bool) -> None:
        self.pieces.append((piece, first, last))
        if self.outlet is not None and len(self.pieces) == self.pause_after:
            self.outlet.pause()


class OutletTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.sent = Sent()
        self.outlet = self.sent.outlet = Outlet(self.sent, 10)

    def test_at_once(self) -> None:
        """A message leaves at once, in one piece, as long as the transport takes it."""
        self.outlet.write(b"one")
        self.outlet.write(b"two")
        self.assertEqual([(b"one", True, True), (b"two", True, True)], self.sent.pieces)
        self.assertEqual(0, self.outlet.waiting)

    def test_nothing(self) -> None:
        """An empty message is none."""
        self.outlet.write(b"")
        self.assertEqual([], self.sent.pieces)

    def test_pause(self) -> None:
        """While the transport is full messages wait, and leave in their order when it is empty."""
        self.outlet.pause()
        self.outlet.write(b"one")
        self.outlet.write(b"two")
        self.assertEqual(([], 6), (self.sent.pieces, self.outlet.waiting))
        self.outlet.resume()
        self.assertEqual([(b"one", True, True), (b"two", True, True)], self.sent.pieces)
        self.assertEqual(0, self.outlet.waiting)

    def test_full(self) -> None:
        """It is full when more than the limit waits."""
        self.outlet.pause()
        self.outlet.write(b"1234567890")
        self.assertFalse(self.outlet.full)
        self.outlet.write(b"1")
        self.assertTrue(self.outlet.full)

    def test_pieces(self) -> None:
        """A long message leaves in pieces, of which the first and the last are marked."""
        message = bytes(range(256)) * (PIECE // 100)
        self.outlet.write(message)
        self.assertEqual(message, b"".join(piece for piece, _, _ in self.sent.pieces))
        self.assertLessEqual(max(len(piece) for piece, _, _ in self.sent.pieces), PIECE)
        self.assertEqual(
            [(True, False), (False, False), (False, True)], [(first, last) for _, first, last in self.sent.pieces]
        )

    def test_multiple(self) -> None:
        """A message of exactly two pieces has no empty third one."""
        self.outlet.write(b"x" * 2 * PIECE)
        self.assertEqual([(True, False), (False, True)], [(first, last) for _, first, last in self.sent.pieces])

    def test_pause_within(self) -> None:
        """A transport that is full in the middle of a message gets the rest later, before the next message."""
        self.sent.pause_after = 1
        self.outlet.write(b"x" * (PIECE + 1))
        self.outlet.write(b"next")
        self.assertEqual(1, len(self.sent.pieces))
        self.assertEqual(5, self.outlet.waiting)
        self.outlet.resume()
        self.assertEqual([(b"x", False, True), (b"next", True, True)], self.sent.pieces[1:])

    def test_burst(self) -> None:
        """A full transport is given so much more, once, and the same again when it has been empty."""
        outlet = Outlet(self.sent, 10, burst=6)
        outlet.pause()
        for message in (b"one", b"two", b"three", b"four"):
            outlet.write(message)
        self.assertEqual([b"one", b"two"], [piece for piece, _, _ in self.sent.pieces])
        outlet.resume()
        self.assertEqual([b"three", b"four"], [piece for piece, _, _ in self.sent.pieces[2:]])
        outlet.pause()
        outlet.write(b"five")
        self.assertEqual(b"five", self.sent.pieces[-1][0])

    def test_burst_once(self) -> None:
        """A transport that says with each write that it is full gets no more for that."""
        outlet = self.sent.outlet = Outlet(self.sent, 10, burst=6)
        outlet.pause()
        for message in (b"one", b"two", b"three", b"four"):
            outlet.write(message)
            outlet.pause()
        self.assertEqual([b"one", b"two"], [piece for piece, _, _ in self.sent.pieces])

    def test_close(self) -> None:
        """A closed outlet forgets what waits and takes nothing more."""
        self.outlet.pause()
        self.outlet.write(b"one")
        self.outlet.close()
        self.outlet.resume()
        self.outlet.write(b"two")
        self.assertEqual(([], 0), (self.sent.pieces, self.outlet.waiting))


class CrowdTests(SynchronousTestCase):
    """What waits for several peers together."""

    def setUp(self) -> None:
        self.crowd = Crowd(3 * PIECE)
        self.one, self.two = (Outlet(Sent(), 100 * PIECE, PIECE, self.crowd) for _ in range(2))

    def test_full(self) -> None:
        """Too much for all is too much for each for whom more than a little waits."""
        for outlet in (self.one, self.two):
            outlet.pause()
        self.one.write(b"x" * 4 * PIECE)
        self.two.write(b"x" * PIECE)
        self.assertEqual((True, False), (self.one.full, self.two.full))
        self.two.write(b"x" * (PIECE + 1))
        self.assertTrue(self.two.full)
        self.one.close()
        self.assertFalse(self.two.full)

    def test_counted(self) -> None:
        """What the transport has got since it was full counts until it is empty; nothing is counted in the end."""
        self.one.pause()
        self.one.write(b"x" * 2 * PIECE)
        self.assertEqual((PIECE, 2 * PIECE), (self.one.waiting, self.crowd.waiting))
        self.one.resume()
        self.assertEqual((0, 0), (self.one.waiting, self.crowd.waiting))
        self.two.pause()
        self.two.write(b"x" * 2 * PIECE)
        self.two.close()
        self.two.resume()
        self.assertEqual(0, self.crowd.waiting)

    def test_no_burst(self) -> None:
        """While it is too much for all, a transport that is full gets nothing more."""
        self.one.pause()
        self.one.write(b"x" * 5 * PIECE)
        self.two.pause()
        self.two.write(b"x")
        self.assertEqual(1, self.two.waiting)
