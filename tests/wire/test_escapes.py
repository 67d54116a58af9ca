from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire.escapes import escape, shifted, unescape
from trackd.wire.values import WireError

ONE = {b"\x7d\x01": b"\x7d", b"\x7d\x02": b"\x7e"}
TWO = {b"\xe6\x01": b"\xe6", b"\xe6\x02": b"\xe7", b"\x3e\x01": b"\x3e", b"\x3e\x02": b"\x3d"}
LONG = {b"\xfb\xbf\x01": b"\xfa\xaf", b"\xfb\xbf\x02": b"\xfb\xbf"}


class EscapeTests(SynchronousTestCase):
    def test_unescape(self) -> None:
        """Sequences of the table become plain, all else stays."""
        self.assertEqual(unescape(ONE)(b"\x7ea\x7d\x02b\x7d\x01\x7e"), b"\x7ea\x7eb\x7d\x7e")
        self.assertEqual(unescape(TWO)(b"\xe6\x02\x3e\x02\xe7"), b"\xe7\x3d\xe7")
        self.assertEqual(
            unescape(LONG)(b"\xfa\xaf\xfb\xbf\x01\xfb\x01\xfb\xbf\x02"), b"\xfa\xaf\xfa\xaf\xfb\x01\xfb\xbf"
        )

    def test_plain_is_not_read_again(self) -> None:
        """What an escape has given is no escape itself."""
        self.assertEqual(unescape(ONE)(b"\x7d\x01\x02"), b"\x7d\x02")

    def test_others_vanish(self) -> None:
        """An escape with a follower that means nothing vanishes, also with the end of the frame."""
        self.assertEqual(unescape(ONE)(b"a\x7d\x05b\x7d\x0ac\x7d\x7e"), b"abc")
        self.assertEqual(unescape(LONG)(b"a\xfb\xbf\x09b"), b"ab")

    def test_strict(self) -> None:
        """Where a follower must mean something, another one is an error."""
        self.assertEqual(unescape(ONE, strict=True)(b"a\x7d\x01b\x7d\x02"), b"a\x7db\x7e")
        with self.assertRaises(WireError):
            unescape(ONE, strict=True)(b"a\x7d\x01b\x7d\x03c")

    def test_last(self) -> None:
        """An escape without a follower is an error."""
        with self.assertRaises(WireError):
            unescape(ONE)(b"ab\x7d")

    def test_shifted(self) -> None:
        """Followers that stand for another byte each."""
        table = shifted(0x3D, lambda follower: follower ^ 0x3D)
        self.assertEqual(unescape(table)(b"(\x3d\x15\x3d\x14\x3d\x00)"), b"(()\x3d)")
        self.assertEqual(
            unescape(shifted(0x10, lambda follower: follower - 0x20))(b"\x10\x24\x10\x21\x10\x00"), b"\x04\x01\xe0"
        )

    @given(some.binary(max_size=40))
    def test_round_trip(self, data: bytes) -> None:
        """What was escaped comes back, and no marker is left in it."""
        for table, marker in ((ONE, b"\x7e"), (TWO, b"\xe7"), (LONG, b"\xfa\xaf")):
            sent = escape(table)(data)
            self.assertEqual(unescape(table)(sent), data)
            self.assertNotIn(marker, sent)
