"""Devices that are connected to us as to a broker."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.listen.memory import MemoryIntake
from tests.listen.samples import call, clock_of, decode, log_of, server
from trackd.wire.format import WireFormat

BROKER = WireFormat("broker", 5002, decode, mqtt=True)

PINGREQ = b"\xc0\x00"


def text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()


def packet(kind: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | (0x80 if size else 0)])
        if not size:
            return bytes([kind]) + length + body


def connect(id: str, version: int = 4) -> bytes:
    name = text("MQIsdp" if version == 3 else "MQTT")
    properties = b"\0" if version == 5 else b""
    return packet(0x10, name + bytes([version, 2]) + b"\0\x3c" + properties + text(id))


def publish(words: str, qos: int = 1, id: int = 7, version: int = 4) -> bytes:
    head = text("a/b") + (id.to_bytes(2, "big") if qos else b"") + (b"\0" if version == 5 else b"")
    return packet(0x30 | qos << 1, head + words.encode())


def subscribe(id: int = 9, version: int = 4) -> bytes:
    return packet(0x82, id.to_bytes(2, "big") + (b"\0" if version == 5 else b"") + text("c") + b"\0")


class MqttTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.intake = MemoryIntake.knowing("1")
        self.server = server(self.intake)
        self.device = call(self.server, BROKER)

    def sends(self, *packets: bytes) -> str:
        """The hex of what is answered."""
        return self.device.sends(b"".join(packets)).encode("latin-1").hex()

    def test_connect(self) -> None:
        """The client id is the device's; a stranger is told so and stays connected."""
        self.assertEqual(self.sends(connect("1")), "20020000")
        self.assertEqual(self.sends(connect("9")), "20020002")
        self.assertFalse(self.device.closed)
        self.assertEqual(self.intake.strangers, [(("9",), b"9")])
        conversation = self.device.connection.conversation
        self.assertEqual((conversation.live, conversation.session.transport), (True, "mqtt"))

    def test_publish(self) -> None:
        """A message is a frame, acknowledged when its report is committed and not before."""
        self.intake.held = True
        self.assertEqual(self.sends(connect("1"), publish("at:1", id=258)), "20020000")
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0])
        self.assertEqual(self.intake.frames[-1], b"at:1")
        self.assertTrue(self.device.paused)
        self.intake.commit()
        self.assertEqual(self.device.hears().encode("latin-1").hex(), "40020102")

    def test_qualities_of_service(self) -> None:
        """A message of quality 2 is acknowledged as one of quality 1; one of quality 0 is an error, but a stranger's."""
        self.assertEqual(self.sends(publish("at:1", 0)), "")
        self.assertFalse(self.device.closed)
        self.sends(connect("1"))
        answers = [self.sends(publish("at:1", qos)) for qos in (1, 2, 0)]
        self.assertEqual(answers, ["40020007", "40020007", ""])
        self.assertEqual(len(self.intake.taken), 2)
        self.assertTrue(self.device.closed)

    def test_stranger_publishes(self) -> None:
        """A message of a stranger is passed over without an answer."""
        self.assertEqual(self.sends(publish("at:1"), connect("9"), publish("at:1")), "20020002")
        self.assertEqual(self.intake.taken, [])
        self.assertFalse(self.device.closed)

    def test_subscribe(self) -> None:
        """A subscription is answered, without return codes, to strangers too."""
        self.assertEqual(self.sends(subscribe(9)), "90020009")

    def test_others(self) -> None:
        """Everything else passes without an answer."""
        self.assertEqual(self.sends(PINGREQ, b"\xe0\x00", connect("1"), PINGREQ), "20020000")
        self.assertFalse(self.device.closed)

    def test_versions(self) -> None:
        """Each version gets the answers of its standard."""
        self.assertEqual(self.sends(connect("1", 3), subscribe()), "2002000090020009")
        self.device = call(self.server, BROKER)
        answers = self.sends(connect("1", 5), subscribe(9, 5), publish("at:1", version=5))
        self.assertEqual(answers, "2003000000" + "9003000900" + "40020007")
        self.assertEqual(len(self.intake.taken), 1)

    def test_bad_message(self) -> None:
        """A message that cannot be read closes the connection, after what was owed."""
        self.assertEqual(self.sends(connect("1"), publish("at:1", id=1), publish("at:2 bad", id=2)), "2002000040020001")
        self.assertTrue(self.device.closed)
        self.assertEqual([p.latitude for p in self.intake.positions], [1.0])

    def test_malformed(self) -> None:
        """After a malformed packet nothing is read any more; what came before counts, and one line is logged."""
        for bad in (packet(0x30, b"x" * 9000), b"\x30\xff\xff\xff\xff\x01", packet(0x36, b"ab"), connect("", 3)):
            log = log_of(self)
            self.intake.taken.clear()
            self.device = call(self.server, BROKER)
            self.assertEqual(self.sends(connect("1"), publish("at:1"), bad, publish("at:2")), "2002000040020007")
            self.assertEqual(self.sends(publish("at:3"), connect("1")), "")
            self.assertEqual([p.latitude for p in self.intake.positions], [1.0])
            self.assertFalse(self.device.closed)
            self.assertEqual(len([event for event in log if "frame" in event]), 1)
            self.device.hangs_up()

    def test_silent(self) -> None:
        """Such a connection ends when it is silent."""
        to = server(self.intake, idle=10.0)
        device = call(to, BROKER)
        device.sends(connect("1") + b"\x30\xff\xff\xff\xff")
        clock_of(to).advance(9)
        device.sends(b"x" * 100_000)
        clock_of(to).advance(9)
        self.assertFalse(device.closed)
        clock_of(to).advance(1)
        self.assertTrue(device.closed)

    def test_pieces(self) -> None:
        """Packets may come byte by byte."""
        heard = "".join(self.sends(bytes([byte])) for byte in connect("1") + publish("at:1"))
        self.assertEqual(heard, "2002000040020007")

    def test_command(self) -> None:
        """A command is written as the format has made it."""
        self.sends(connect("1"))
        self.device.connection.conversation.send(b"\x30\x00")
        self.assertEqual(self.device.hears(), "\x30\x00")

    def test_format_says_more(self) -> None:
        """Answers of the format itself come before the acknowledgement."""
        self.assertEqual(self.sends(connect("1"), publish("reply:A")), "20020000" + "41" + "40020007")

    @given(st.binary(max_size=600), st.integers(1, 100))
    def test_noise(self, noise: bytes, size: int) -> None:
        """Whatever comes, nothing is raised."""
        to = server(self.intake)
        device = call(to, BROKER)
        data = connect("1") + noise
        for at in range(0, len(data), size):
            device.sends(data[at : at + size])
        device.hangs_up()
        self.assertEqual(clock_of(to).getDelayedCalls(), [])
