from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import framing
from trackd.wire.escapes import unescape
from trackd.wire.format import Split
from trackd.wire.framing import Frames
from trackd.wire.values import WireError

COUNTED = framing.counted(2, 3, skip=2)
CUTTERS: dict[str, tuple[Split, bytes]] = {
    "line": (framing.line(), b"\r\nab$"),
    "until": (framing.until(b"##", b"#\r\n", b";"), b"#\r\n;ab"),
    "kept": (framing.until(b"\r\n", b"\n", b";", keep=True), b"\r\n;a"),
    "sized": (framing.sized(1, 2, 4), b"\x00\x01\x02\x03\x04"),
    "little": (framing.sized(0, 4, little=True, skip=4), b"\x00\x01\x05\x08"),
    "fixed": (framing.fixed(3), b"ab"),
    "counted": (COUNTED, b"$1,0ab"),
    "bracketed": (framing.bracketed(b"{", b"}"), b"{}a"),
    "marked": (framing.marked(b"\x7e", unescape({b"\x7d\x01": b"\x7d", b"\x7d\x02": b"\x7e"})), b"\x7e\x7d\x01\x02a"),
    "by start": (
        framing.by_start({b"$$": framing.until(b"!"), b"$": framing.until(b";")}, framing.fixed(2)),
        b"$!;a",
    ),
    "skip to": (framing.by_start({b"*": framing.marked(b"#")}, framing.skip_to(b"*")), b"*#a"),
}


def cut(split: Split, data: bytes, limit: int = framing.LIMIT) -> list[bytes]:
    frames = Frames(split, limit)
    found = list(frames.feed(data))
    if frames.broken is not None:
        raise frames.broken
    return found


class CutterTests(SynchronousTestCase):
    def refused(self, split: Split, data: bytes) -> None:
        with self.assertRaises(WireError):
            cut(split, data)

    def test_line(self) -> None:
        """A line ends at LF, one CR before it belongs to the end; empty lines are frames."""
        self.assertEqual(
            cut(framing.line(), b"a\nb\r\nc\r\r\n\n\r\nd\re\nrest"), [b"a", b"b", b"c\r", b"", b"", b"d\re"]
        )

    def test_line_limit(self) -> None:
        """The limit counts the line without its end."""
        self.assertEqual(len(cut(framing.line(), b"x" * 1024 + b"\r\n")), 1)
        self.refused(framing.line(), b"x" * 1025 + b"\r\n")
        self.refused(framing.line(), b"x" * 1025)
        self.assertEqual(len(cut(framing.line(framing.LARGE), b"x" * 32768 + b"\n", framing.LARGE)), 1)

    def test_until(self) -> None:
        """Nothing but the delimiter is removed."""
        self.assertEqual(cut(framing.until(b"#"), b"a#\r\nb##c"), [b"a", b"\r\nb", b""])

    def test_shortest_wins(self) -> None:
        """Of several delimiters the one that gives the shortest frame wins, at the same place the first one."""
        self.assertEqual(cut(framing.until(b"##", b"#"), b"a##b#c"), [b"a", b"b"])
        self.assertEqual(cut(framing.until(b"#", b"##"), b"a##b#c"), [b"a", b"", b"b"])
        self.assertEqual(cut(framing.until(b"\r\n", b"\n", b"*"), b"a*b\r\nc\n"), [b"a", b"b", b"c"])

    def test_kept(self) -> None:
        """A delimiter may be kept."""
        self.assertEqual(cut(framing.until(b"\r\n", b";", keep=True), b"a;b\r\nc"), [b"a;", b"b\r\n"])
        self.assertEqual(cut(framing.until(b";", keep=True), b"a;;"), [b"a;", b";"])

    def test_until_limit(self) -> None:
        """More bytes than the limit without a delimiter are an error at once."""
        self.refused(framing.until(b"#"), b"x" * 1025)
        self.refused(framing.until(b"#"), b"x" * 1025 + b"#")
        self.refused(framing.until(b"#", b"\n"), b"x" * 1025 + b"#")
        self.assertEqual(len(cut(framing.until(b"#"), b"x" * 1024 + b"#")), 1)

    def test_sized(self) -> None:
        """The total is the value and a constant, in either byte order."""
        self.assertEqual(cut(framing.sized(2, 2, 5), b"xx\0\1abyy\0\0czz\0\1a"), [b"xx\0\1ab", b"yy\0\0c"])
        self.assertEqual(cut(framing.sized(0, 2, little=True, skip=2), b"\x03\x00a\x02\x00"), [b"a", b""])
        self.assertEqual(cut(framing.sized(1, 3, 1), b"x\x00\x00\x04a"), [b"x\x00\x00\x04a"])

    def test_sized_errors(self) -> None:
        """A total that ends before its own length field, or exceeds the limit, is known to be wrong at once."""
        self.refused(framing.sized(2, 2), b"xx\x00\x03")
        self.refused(framing.sized(0, 2), b"\x04\x01")
        self.refused(framing.sized(0, 8), b"\xff" * 8)
        self.assertEqual(cut(framing.sized(0, 2), b"\x04\x00"), [])

    def test_counted(self) -> None:
        """A decimal length before the first comma."""
        self.assertEqual(cut(COUNTED, b"$$7,abcdef*12\r\n$$7,abcdef*34\r"), [b"$$7,abcdef*12"])
        self.refused(COUNTED, b"$$x,abcdefghi")
        self.assertEqual(cut(COUNTED, b"$$7,abcde"), [])

    def test_counted_backwards(self) -> None:
        """A negative length is an error, not a frame before the one that has been cut."""
        self.refused(COUNTED, b"$$-99,abcdefghi")

    def test_fixed(self) -> None:
        """So many bytes, whatever they are."""
        self.assertEqual(cut(framing.fixed(3), b"abcdefgh"), [b"abc", b"def"])

    def test_bracketed(self) -> None:
        """Brackets match, in quoted text too; what stands before the first one is dropped."""
        split = framing.bracketed(b"{", b"}")
        self.assertEqual(cut(split, b'}\r\n{"a":{}}{"b":"{"} {}'), [b'{"a":{}}'])
        self.assertEqual(cut(split, b"{}}{}"), [b"{}", b"{}"])

    def test_marked(self) -> None:
        """The end mark is looked for from the second byte on, and kept; escapes are taken back."""
        undo = unescape({b"\x7d\x01": b"\x7d", b"\x7d\x02": b"\x7e"})
        self.assertEqual(
            cut(framing.marked(b"\x7e", undo), b"\x7ea\x7d\x02\x7e\x7eb\x7e"), [b"\x7ea\x7e\x7e", b"\x7eb\x7e"]
        )
        self.assertEqual(cut(framing.marked(b"\xfa\xaf", first=2), b"\xfa\xafab\xfa\xaf"), [b"\xfa\xafab\xfa\xaf"])

    def test_by_start(self) -> None:
        """The first bytes of each frame tell the cutter; a start that is not yet all there is waited for."""
        split = CUTTERS["by start"][0]
        self.assertEqual(cut(split, b"$$a;!$b;ab$$!"), [b"$$a;", b"$b", b"ab", b"$$"])
        self.assertEqual(cut(split, b"$"), [])

    def test_skip_to(self) -> None:
        """Bytes before the first mark are thrown away; of several marks any will do."""
        skip = framing.skip_to(b"*$]")
        self.assertEqual([skip(b"ab$*", 0), skip(b"ab$*", 3), skip(b"a]", 0)], [(None, 2), (None, 3), (None, 1)])
        self.assertEqual(skip(b"$abc", 1), (None, 4))
        split = framing.by_start({b"*": framing.marked(b"#")}, framing.skip_to(b"*"))
        self.assertEqual(cut(split, b"\0\r\n*a#\r\nb*#*"), [b"*a#", b"*#"])

    def test_whole(self) -> None:
        """Each read is a frame."""
        self.assertEqual(cut(framing.whole, b"ab\r\ncd"), [b"ab\r\ncd"])


class FramesTests(SynchronousTestCase):
    def test_frames_before_a_bad_one(self) -> None:
        """What was cut before hopeless bytes is passed on; after them nothing is."""
        frames = Frames(framing.sized(0, 1))
        self.assertEqual(list(frames.feed(b"\x02a\x03bc\x00")), [b"\x02a", b"\x03bc"])
        self.assertIsInstance(frames.broken, WireError)
        self.assertEqual(list(frames.feed(b"\x02a")), [])

    def test_limit(self) -> None:
        """More bytes than the limit without a frame are hopeless; a long frame that is complete passes."""
        frames = Frames(framing.fixed(20), limit=10)
        self.assertEqual(list(frames.feed(b"x" * 20)), [b"x" * 20])
        self.assertEqual(list(frames.feed(b"x" * 10)), [])
        self.assertIsNone(frames.broken)
        self.assertEqual(list(frames.feed(b"x")), [])
        self.assertIsNotNone(frames.broken)

    def test_no_progress(self) -> None:
        """A cutter that does not move on is stopped."""
        frames = Frames(lambda buffer, start: (b"", start))
        self.assertEqual(list(frames.feed(b"x")), [])
        self.assertIsNotNone(frames.broken)

    def test_mistakes_of_cutters(self) -> None:
        """Whatever bytes make a cutter raise is a hopeless stream."""
        frames = Frames(lambda buffer, start: (buffer[start : int(buffer[start : start + 2])], 2))
        self.assertEqual(list(frames.feed(b"xx")), [])
        self.assertIsInstance(frames.broken, WireError)

    def test_thrown_away(self) -> None:
        """A cutter may throw bytes away without a frame."""

        def split(buffer: bytes, start: int) -> tuple[bytes | None, int] | None:
            if buffer[start] == 0:
                return None, start + 1
            return (buffer[start : start + 2], start + 2) if len(buffer) > start + 1 else None

        self.assertEqual(cut(split, b"\0\0ab\0cd\0"), [b"ab", b"cd"])

    def test_changed_meanwhile(self) -> None:
        """A cutter sees what the frames before have changed, also within one read."""
        size = [1]
        frames = Frames(lambda buffer, start: (buffer[start : start + size[0]], start + size[0]))
        found = []
        for frame in frames.feed(b"abbccc"):
            found.append(frame)
            size[0] += 1
        self.assertEqual(found, [b"a", b"bb", b"ccc"])


def _indifferent(name: str) -> Callable[..., None]:
    split, alphabet = CUTTERS[name]

    @given(some.lists(some.sampled_from(list(alphabet)), max_size=40).map(bytes), some.data())
    def test(self: SynchronousTestCase, data: bytes, draw: some.DataObject) -> None:
        whole = Frames(split)
        expected = list(whole.feed(data))
        pieces = Frames(split)
        found: list[bytes] = []
        at = 0
        while at < len(data):
            step = draw.draw(some.integers(1, 4))
            found += pieces.feed(data[at : at + step])
            at += step
        self.assertEqual(found, expected)
        self.assertEqual(pieces.broken is None, whole.broken is None)

    test.__doc__ = f"What `{name}` cuts does not depend on how the stream arrives."
    return test


class PieceTests(SynchronousTestCase):
    """Streams of bytes that matter to the cutter, in pieces of any size."""


for _name in CUTTERS:
    setattr(PieceTests, f"test_{_name.replace(' ', '_')}", _indifferent(_name))
