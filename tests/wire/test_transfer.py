from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from trackd.wire.transfer import Transfer
from trackd.wire.values import WireError


class TransferTests(SynchronousTestCase):
    def test_in_order(self) -> None:
        """Pieces that come in order make a file, which is taken once."""
        transfer = Transfer()
        self.assertFalse(transfer.running)
        transfer.start()
        transfer.append(b"ab")
        transfer.append(b"c")
        self.assertEqual((transfer.running, transfer.size, transfer.take()), (True, 3, b"abc"))
        self.assertEqual((transfer.running, transfer.size, transfer.take()), (False, 0, b""))

    def test_places(self) -> None:
        """Pieces with a place may come in any order and again."""
        transfer = Transfer()
        transfer.write(4, b"ef")
        transfer.write(0, b"abcd")
        transfer.write(2, b"CD")
        self.assertEqual(transfer.take(), b"abCDef")

    def test_dropped(self) -> None:
        """A new file drops one that is not finished."""
        transfer = Transfer()
        transfer.append(b"old")
        transfer.start()
        self.assertEqual(transfer.take(), b"")

    def test_limit(self) -> None:
        """A file has a largest size, also one with a hole, and no place before its beginning."""
        transfer = Transfer(limit=4)
        transfer.append(b"abcd")
        for at, piece in ((4, b"e"), (1 << 60, b"x"), (-1, b"x")):
            with self.assertRaises(WireError):
                transfer.write(at, piece)
        self.assertEqual(transfer.take(), b"abcd")
