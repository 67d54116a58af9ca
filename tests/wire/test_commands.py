from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from attrs import Factory, define, evolve
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import commands
from trackd.wire.format import Session, WireFormat
from trackd.wire.values import Command, Login, Output, Unsupported


@define
class Device:
    unique_id: str = "123456789012345"
    model: str | None = None
    attributes: dict[str, Any] = Factory(dict)
    memory: dict[str, Any] = Factory(dict)

    def setting(self, name: str) -> Any:
        return self.attributes.get(name)


def decode(frame: Any, session: Session) -> Iterator[Output]:
    yield Login.of()


def encode(command: Command, session: Session) -> bytes | None:
    if command.type == "positionStop":
        return None
    return f"{int(command.attributes['frequency'])}".encode()


BINARY = WireFormat("binary", 0, decode, commands=("positionPeriodic", "positionStop"), encode=encode)
TEXT = WireFormat("text", 0, decode, text=True, sms_commands=("rebootDevice",), sms=lambda command, session: "REBOOT")


def session(format: WireFormat = BINARY, **attributes: Any) -> Session:
    return Session(format, device=Device(attributes=attributes))


class EncodeTests(SynchronousTestCase):
    def test_own(self) -> None:
        """A type that the format lists is the format's; it may make nothing of it."""
        self.assertEqual(commands.encode(BINARY, Command("positionPeriodic", {"frequency": 60}), session()), b"60")
        self.assertIsNone(commands.encode(BINARY, Command("positionStop"), session()))

    def test_unsupported(self) -> None:
        """A type that is not listed, and values that the format cannot write, are refused."""
        for command in (
            Command("engineStop"),
            Command("positionPeriodic"),
            Command("positionPeriodic", {"frequency": "often"}),
            Command("positionPeriodic", {"frequency": None}),
        ):
            with self.assertRaises(Unsupported):
                commands.encode(BINARY, command, session())

    def test_http(self) -> None:
        """A format over HTTP sends nothing of its own accord."""
        with self.assertRaises(Unsupported):
            commands.encode(evolve(TEXT, http=True), Command("custom", {"data": "x"}), session())

    def test_asking(self) -> None:
        """A format that asks has nobody to send to."""
        asking = evolve(TEXT, ask=lambda session: None)
        with self.assertRaises(Unsupported):
            commands.encode(asking, Command("custom", {"data": "x"}), session())

    def test_custom_text(self) -> None:
        """Formats of text send the data as it is, escaped line ends made real, in UTF-8."""
        command = Command("custom", {"data": "STATUS,ü#\\r\\n"})
        self.assertEqual(commands.encode(TEXT, command, session(TEXT)), "STATUS,ü#\r\n".encode())

    def test_custom_hex(self) -> None:
        """Other formats read the data as hex; what is no hex is refused, and so is no data."""
        self.assertEqual(commands.encode(BINARY, Command("custom", {"data": "0aFF"}), session()), b"\x0a\xff")
        for attributes in ({"data": "xyz"}, {"data": "0a0"}, {}):
            with self.assertRaises(Unsupported):
                commands.encode(BINARY, Command("custom", attributes), session())

    def test_unique_id(self) -> None:
        """The device's id takes its place in the data."""
        command = Command("custom", {"data": "*{uniqueId}#"})
        self.assertEqual(commands.encode(TEXT, command, session(TEXT)), b"*123456789012345#")
        self.assertEqual(command.attributes["data"], "*{uniqueId}#")

    def test_control_characters(self) -> None:
        """A line end in a value would begin a command of its own, so it is refused; raw data may have one."""
        for value in ("1\r\n", "1\x00", "\x7f"):
            with self.assertRaises(Unsupported):
                commands.encode(BINARY, Command("positionPeriodic", {"frequency": 60, "phone": value}), session())
        self.assertEqual(commands.encode(TEXT, Command("custom", {"data": "a\r\n"}), session(TEXT)), b"a\r\n")


class MessageTests(SynchronousTestCase):
    def test_message(self) -> None:
        """Few types can be sent as a text message; custom data is the text itself."""
        self.assertEqual(commands.encode_message(TEXT, Command("rebootDevice"), session(TEXT)), "REBOOT")
        self.assertEqual(commands.encode_message(BINARY, Command("custom", {"data": "a\\r"}), session()), "a\\r")
        for command in (Command("engineStop"), Command("custom")):
            with self.assertRaises(Unsupported):
                commands.encode_message(TEXT, command, session(TEXT))


class ValueTests(SynchronousTestCase):
    def test_integers(self) -> None:
        """Whole numbers come as numbers or texts; absent is 0."""
        command = Command("x", {"a": 5, "b": 5.9, "c": "7", "d": True, "e": "x"})
        self.assertEqual([commands.integer(command, name) for name in "abcdf"], [5, 5, 7, 1, 0])
        with self.assertRaises(ValueError):
            commands.integer(command, "e")

    def test_flags(self) -> None:
        """A flag is on by true, which may be a text; by nothing else."""
        for value, on in ((True, True), ("True", True), (False, False), (1, False), ("1", False), (None, False)):
            self.assertEqual(commands.flag(Command("alarmSos", {"enable": value}), "enable"), on)
        self.assertFalse(commands.flag(Command("alarmSos"), "enable"))

    def test_offset(self) -> None:
        """A zone is minutes of its standard time; an unknown one is UTC, none is refused."""
        july = datetime(2024, 7, 1, tzinfo=UTC)
        for name, minutes in (("GMT+4", 240), ("America/New_York", -300), ("GMT-3:30", -210), ("nowhere", 0)):
            self.assertEqual(commands.timezone_offset(Command("setTimezone", {"timezone": name}), july), minutes)
        with self.assertRaises(Unsupported):
            commands.timezone_offset(Command("setTimezone"), july)

    def test_password(self) -> None:
        """The command's password wins over the device's, that over the format's, that over the default."""
        command = Command("x")
        self.assertEqual(commands.password(command, session(), "0000"), "0000")
        configured = session()
        configured.defaults = {"binary.devicePassword": "1111"}
        self.assertEqual(commands.password(command, configured, "0000"), "1111")
        own = session(devicePassword=2222)
        own.defaults = configured.defaults
        self.assertEqual(commands.password(command, own, "0000"), "2222")
        self.assertEqual(commands.password(Command("x", {"devicePassword": "3333"}), own, "0000"), "3333")

    def test_fill(self) -> None:
        """Placeholders are the id, the password and attributes, whose texts show their types."""
        command = Command("x", {"frequency": 60, "radius": 60.0, "enable": True})
        self.assertEqual(
            commands.fill(
                "*{uniqueId},{devicePassword},{frequency},{radius},{enable},{index}#", command, session(), "0000"
            ),
            "*123456789012345,0000,60,60.0,true,#",
        )

    def test_formatter(self) -> None:
        """A formatter may write a value in its own way; where it gives nothing the text is taken."""

        def hours(name: str, value: Any) -> str | None:
            return f"{value // 3600:02}h" if name == "frequency" else None

        command = Command("x", {"frequency": 7200, "data": "{frequency}"})
        self.assertEqual(commands.fill("{frequency}{data}", command, session(), formatter=hours), "02h{frequency}")

    def test_text(self) -> None:
        """An attribute as text; absent is an empty one."""
        command = Command("x", {"a": 1.0})
        self.assertEqual([commands.text(command, name) for name in "ab"], ["1.0", ""])
