"""
DualCam by messages that are built here after its description.
"""

from __future__ import annotations

import random
from struct import pack

from twisted.trial.unittest import SynchronousTestCase

from plugins.wire.dualcam import dualcam
from tests.plugins.wire.talk import Device, Talk, told
from trackd.wire import commands
from trackd.wire.format import BAD_FRAME, Session
from trackd.wire.framing import Frames
from trackd.wire.values import Command, Login, Media, Output, Position, Reply, Unsupported, WireError

IMEI = "352094082736916"
PHOTO, REAR_PHOTO, FILM, REAR_FILM = (1 << place for place in (26, 27, 28, 29))
PATH = 1 << 25
START_OVER = Reply(b"\0\x09")
COMPLETE = bytes.fromhex("0005000400000001")
SYNC = bytes.fromhex("0003000400000001")


def init(settings: int, imei: str = IMEI) -> bytes:
    return pack(">HHqI", 0, 5, int(imei), settings)


def start(total: int) -> bytes:
    return pack(">HHiH", 1, 6, total, 0)


def data(piece: bytes) -> bytes:
    return pack(">HH", 4, len(piece) + 2) + piece + b"\xab\xcd"


def files(outputs: list[Output]) -> list[tuple[str, str, bytes]]:
    """Attribute, extension and bytes of the files, each alone in a message without a fix."""
    found = []
    for position in outputs:
        if isinstance(position, Position):
            ((name, media),) = position.attributes.items()
            assert isinstance(media, Media)
            assert position == Position(outdated=True, attributes={name: media})
            found.append((name, media.extension, media.data))
    return found


class CutterTests(SynchronousTestCase):
    def test_lengths(self) -> None:
        """The first message has 16 bytes, all others say how many they have."""
        messages = [init(PHOTO), start(3), data(b"12"), data(b""), b"\0\x0d\0\0", COMPLETE, b"\xff\xff\0\x01\0"]
        assert dualcam.split is not None
        frames = Frames(dualcam.split, dualcam.limit)
        self.assertEqual([frame for byte in b"".join(messages) for frame in frames.feed(bytes((byte,)))], messages)

    def test_limit(self) -> None:
        """More than 32768 bytes do not wait, but a message may be longer if it is there as a whole."""
        long = b"\0\x0d\xff\xff" + bytes(0xFFFF)
        (reply,) = Talk(dualcam).say(long)
        self.assertEqual(reply, Reply(b"\0\x08" + long[2:]))
        self.assertEqual(Talk(dualcam).say(long[:32768]), [])
        with self.assertRaises(WireError):
            Talk(dualcam).say(long[:32769])


class WishTests(SynchronousTestCase):
    def test_what_waits(self) -> None:
        """A path is asked for first, then photos, then films, and nothing if there is none."""
        for settings, wish in (
            (PATH | PHOTO, "000c00020000"),
            (PHOTO | REAR_PHOTO | FILM, "0008000725" + b"photof".hex()),
            (REAR_PHOTO | FILM, "0008000725" + b"photor".hex()),
            (FILM | REAR_FILM, "0008000725" + b"videof".hex()),
            (REAR_FILM, "0008000725" + b"videor".hex()),
            (0xC1FFFFFF, "0000"),
        ):
            self.assertEqual(told(dualcam, init(settings)), [Login((IMEI,)), Reply(bytes.fromhex(wish))])

    def test_strangers(self) -> None:
        """A stranger is asked for nothing."""
        self.assertEqual(told(dualcam, init(PHOTO), known=()), [Login((IMEI,))])

    def test_paths(self) -> None:
        """The file of a path is asked for as it stands there, with its NUL."""
        path = pack(">HH", 13, 6) + b"a.jpg\0"
        self.assertEqual(told(dualcam, path, known=()), [Reply(b"\0\x08\0\x06a.jpg\0")])


class FileTests(SynchronousTestCase):
    def send(self, *messages: bytes, settings: int = PHOTO) -> list[Output]:
        return told(dualcam, init(settings), *messages)[2:]

    def test_packets(self) -> None:
        """A small total counts packets; the last one completes the file."""
        outputs = self.send(start(3), SYNC, data(b"12"), data(b""), data(b"3"))
        self.assertEqual(outputs[0], Reply(bytes.fromhex("0002000400000001")))
        self.assertEqual(files(outputs), [("image", "jpg", b"123")])
        self.assertEqual(outputs[-1], START_OVER)

    def test_bytes(self) -> None:
        """A total of 8192 and more counts bytes."""
        outputs = self.send(start(8192), data(bytes(8000)), data(b"1" * 192), settings=FILM)
        self.assertEqual(outputs[0], Reply(bytes.fromhex("0002000400000000")))
        self.assertEqual(files(outputs), [("video", "h265", bytes(8000) + b"1" * 192)])

    def test_small_totals(self) -> None:
        """Below 8192 there are packets; a total that is not met exactly completes nothing."""
        self.assertEqual(len(self.send(start(8191), *[data(b"")] * 8190)), 1)
        self.assertEqual(len(files(self.send(start(8191), *[data(b"")] * 8191))), 1)
        for total in (0, -1):
            self.assertEqual(len(self.send(start(total), data(b"1"), data(b"2"))), 1)
        self.assertEqual(len(self.send(start(8192), data(bytes(8191)), data(bytes(2)))), 1)

    def test_complete(self) -> None:
        """A file may end before its total; the end of none is passed over."""
        outputs = self.send(start(17), data(b"12"), data(b"3"), COMPLETE, COMPLETE)
        self.assertEqual(files(outputs), [("image", "jpg", b"123")])
        self.assertEqual(outputs.count(START_OVER), 1)
        self.assertEqual(self.send(COMPLETE), [])

    def test_start_again(self) -> None:
        """A new file drops the one before."""
        self.assertEqual(files(self.send(start(2), data(b"1"), start(1), data(b"2"))), [("image", "jpg", b"2")])

    def test_kinds(self) -> None:
        """Photo or film is what was last asked for by name; a path changes nothing."""
        for settings, kinds in (
            ((FILM, PATH), ["video", "video"]),
            ((FILM, REAR_PHOTO), ["video", "image"]),
            ((PATH, REAR_FILM), ["image", "video"]),
        ):
            messages = [part for wish in settings for part in (init(wish), start(1), data(b"1"))]
            self.assertEqual([name for name, _, _ in files(told(dualcam, *messages))], kinds)

    def test_strangers(self) -> None:
        """A file of nobody is an error."""
        for messages in ((start(1), data(b"1")), (start(2), data(b"1"), COMPLETE)):
            with self.assertRaises(WireError):
                told(dualcam, init(PHOTO), *messages, known=())
        self.assertEqual(told(dualcam, start(1), known=()), [Reply(bytes.fromhex("0002000400000001"))])

    def test_errors(self) -> None:
        """Pieces of no file, and pieces without a checksum, are errors."""
        for messages in ((data(b"1"),), (start(1), data(b"1"), data(b"2")), (start(1), b"\0\x04\0\x01\0")):
            with self.assertRaises(BAD_FRAME):
                self.send(*messages)

    def test_limit(self) -> None:
        """A file has at most as many bytes as the setting allows."""
        talk = Talk(dualcam, settings={"media.bufferSize": 3})
        self.assertEqual(len(files(talk.say(init(PHOTO) + start(2) + data(b"12") + data(b"3")))), 1)
        talk.say(start(3) + data(b"12"))
        with self.assertRaises(WireError):
            talk.say(data(b"34"))

    def test_other_types(self) -> None:
        """All other messages are passed over."""
        for kind in (2, 3, 6, 8, 9, 12, 14, 0x0100, 0xFFFF):
            self.assertEqual(told(dualcam, pack(">HHH", kind, 2, 0)), [])

    def test_damage(self) -> None:
        """Bytes that have changed on the way are bad frames at worst."""
        chance = random.Random(7)
        good = [init(FILM), start(2), data(b"12"), start(1), data(bytes(100)), COMPLETE, b"\0\x0d\0\x02a\0", SYNC]
        errors = 0
        for _ in range(1000):
            stream = bytearray(b"".join(good))
            for _ in range(chance.randrange(1, 6)):
                stream[chance.randrange(len(stream))] = chance.choice((0, 1, 4, 255, chance.randrange(256)))
            try:
                Talk(dualcam).say(bytes(stream))
            except BAD_FRAME:
                errors += 1
        self.assertGreater(errors, 40)


class CommandTests(SynchronousTestCase):
    def test_custom(self) -> None:
        """Bytes may be sent as hex, and there is nothing else."""
        session = Session(dualcam, device=Device(IMEI))
        self.assertEqual(commands.encode(dualcam, Command("custom", {"data": "0102ff"}), session), b"\1\2\xff")
        for command in (Command("custom", {"data": "photo"}), Command("requestPhoto")):
            with self.assertRaises(Unsupported):
                commands.encode(dualcam, command, session)
