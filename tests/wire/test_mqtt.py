from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import mqtt
from trackd.wire.framing import Frames
from trackd.wire.values import WireError

CONNECT = bytes.fromhex("101b00044d51545404000000000f313233343536373839303132333435")
CONNECT_31 = bytes.fromhex("101100064d51497364700300003c0003616263")
CONNECT_5 = bytes.fromhex("101500044d5154540500003c05110000000a0003616263")
PUBLISH = bytes.fromhex("320a00026162000c01020304")


class ReadTests(SynchronousTestCase):
    def test_connect(self) -> None:
        """A CONNECT of the three versions names the client."""
        self.assertEqual(mqtt.read(CONNECT), mqtt.Connect(4, "123456789012345"))
        self.assertEqual(mqtt.read(CONNECT_31), mqtt.Connect(3, "abc"))
        self.assertEqual(mqtt.read(CONNECT_5), mqtt.Connect(5, "abc"))

    def test_publish(self) -> None:
        """A PUBLISH has a payload, and a packet id unless its quality of service is 0."""
        self.assertEqual(mqtt.read(PUBLISH), mqtt.Publish("ab", b"\1\2\3\4", 1, 12))
        self.assertEqual(mqtt.read(bytes.fromhex("300600026162ffff")), mqtt.Publish("ab", b"\xff\xff", 0, None))
        with_properties = bytes.fromhex("340b00026162000c0201010304")
        self.assertEqual(mqtt.read(with_properties, 5), mqtt.Publish("ab", b"\3\4", 2, 12))

    def test_subscribe(self) -> None:
        """A SUBSCRIBE has a packet id; other packets say nothing here."""
        self.assertEqual(mqtt.read(bytes.fromhex("8208000a000361626301")), mqtt.Subscribe(10))
        self.assertIsNone(mqtt.read(b"\xc0\x00"))
        self.assertIsNone(mqtt.read(b"\xe0\x00"))

    def test_malformed(self) -> None:
        """Unknown versions, odd client ids, wildcards in topics, short packets and zeros are malformed."""
        for bad in (
            "101b00044d51545406000000000f313233343536373839303132333435",  # version 6
            "101b00044d51545404010000000f313233343536373839303132333435",  # reserved flag
            "100e00064d51497364700300003c0000",  # version 3.1 without client id
            "360a00026162000c01020304",  # quality of service 3
            "320a00026123000c01020304",  # wildcard
            "320a00ff6162000c01020304",
            "3201ff",
            "820100",
            "1000",
            "0000",
        ):
            with self.assertRaises(WireError, msg=bad):
                mqtt.read(bytes.fromhex(bad))

    @given(some.binary(min_size=2, max_size=40))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes are a packet or malformed."""
        for version in (4, 5):
            try:
                mqtt.read(data, version)
            except WireError:
                pass


class SplitTests(SynchronousTestCase):
    def test_split(self) -> None:
        """Packets are cut by their length, of up to four bytes."""
        long = b"\x30\xac\x02" + b"\0\0" + b"x" * 298
        stream = CONNECT + long + PUBLISH
        self.assertEqual(list(Frames(mqtt.split, mqtt.LIMIT).feed(stream)), [CONNECT, long, PUBLISH])
        frames = Frames(mqtt.split, mqtt.LIMIT)
        self.assertEqual([frame for byte in stream for frame in frames.feed(bytes((byte,)))], [CONNECT, long, PUBLISH])

    def test_limit(self) -> None:
        """A packet beyond 8092 bytes is known by its length, and so is a length of five bytes."""
        self.assertIsNone(mqtt.split(b"\x30\x9c\x3f", 0))
        for bad in (b"\x30\x9d\x3f", b"\x30\xff\xff\xff\xff\x01"):
            with self.assertRaises(WireError):
                mqtt.split(bad, 0)


class AnswerTests(SynchronousTestCase):
    def test_answers(self) -> None:
        """Answers of the older versions, and of 5 with its empty properties."""
        self.assertEqual((mqtt.connack(4, True).hex(), mqtt.connack(3, False).hex()), ("20020000", "20020002"))
        self.assertEqual((mqtt.connack(5, True).hex(), mqtt.connack(5, False).hex()), ("2003000000", "2003000200"))
        self.assertEqual((mqtt.suback(4, 10).hex(), mqtt.suback(5, 10).hex()), ("9002000a", "9003000a00"))
        self.assertEqual(mqtt.puback(12).hex(), "4002000c")

    def test_publish(self) -> None:
        """What is published to a client is what a client would have published, in each version."""
        for version in (3, 4, 5):
            for payload in (b"", b"\1\2", b"x" * 125, b"x" * 126, b"x" * 8000):
                packet = mqtt.publish(version, "ab", payload, 12)
                self.assertEqual(mqtt.split(packet, 0), (packet, len(packet)))
                self.assertEqual(mqtt.read(packet, version), mqtt.Publish("ab", payload, 1, 12))
        self.assertEqual(mqtt.publish(4, "ab", b"\1\2\3\4", 12), PUBLISH)
