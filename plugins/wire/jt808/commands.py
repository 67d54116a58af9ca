"""Commands: frames like those that have last come on the connection."""

from __future__ import annotations

from plugins.wire.jt808.frames import framed
from plugins.wire.jt808.models import AOVX, BSJ, C5, VL300, W15L
from plugins.wire.jt808.state import State, host, model_of
from trackd.wire import commands
from trackd.wire.format import Session
from trackd.wire.text import from_hex, long
from trackd.wire.values import Command, Unsupported

COMMANDS = (
    "custom",
    "rebootDevice",
    "positionPeriodic",
    "alarmArm",
    "alarmDisarm",
    "engineStop",
    "engineResume",
    "videoStart",
    "videoStop",
)

LONGEST = 0x03FF  # bytes of a body, by the width of its length


def encode(command: Command, session: Session) -> bytes:
    """The frame of a command; Unsupported without what it needs, or with too much of it."""
    match command.type:
        case "custom":
            return custom(commands.data(command), session)
        case "rebootDevice":
            return message(session, 0x0310, b"\x01\x23\x01\x03")
        case "positionPeriodic":
            seconds = commands.integer(command, "frequency") & 0xFFFFFFFF
            return message(session, 0x0310, b"\x01\x06\x04" + seconds.to_bytes(4, "big"))
        case "alarmArm" | "alarmDisarm":
            return message(session, 0x0310, b"\x01\x24\x05%cuser" % (command.type == "alarmArm"))
        case "engineStop" | "engineResume":
            return engine(command.type == "engineStop", session)
        case "videoStart":
            to = plain(host(session))
            if not to:
                raise Unsupported("the host to which the video goes is not configured")
            port = session.setting("jt1078.port", 5263)
            place = bytes((len(to),)) + to + port.to_bytes(2, "big")
            return message(session, 0x9101, place + b"\0\0" + channel(command) + b"\1\0")
        case _:  # videoStop
            return message(session, 0x9102, channel(command) + b"\0\0\0")


def custom(text: str, session: Session) -> bytes:
    """A text to models that take one, else a whole frame in hex."""
    model = model_of(session)
    if model in AOVX or model == VL300:
        content = plain(text)
        return message(session, 0x8103, b"\x01\x00\x00\xf0\x30%c%b" % (len(content), content))
    if model in C5 or model == BSJ:
        return message(session, 0x8300, b"\x01" + text.encode("gbk", "replace"))
    if model.startswith("JC"):
        return message(session, 0x8900, b"\xf0" + plain(text))
    return from_hex(text)


def engine(stop: bool, session: Session) -> bytes:
    model = model_of(session)
    if session.setting("alternative", False):
        now = session.now.astimezone(session.zone)
        return message(session, 0xA006, b"%c%b" % (stop, bytes.fromhex(f"{now:%y%m%d%H%M%S}")))
    if model == VL300:
        return message(session, 0x8105, b"#0;%d" % stop)
    if model == W15L:
        return message(session, 0x8105, b"\x64" if stop else b"\x65")
    return message(session, 0x8105, b"\xf0" if stop else b"\xf1")


def message(session: Session, type: int, body: bytes) -> bytes:
    if session.device is None:
        raise Unsupported("no device")
    if len(body) > LONGEST:
        raise Unsupported(f"{len(body)} bytes are too many for a frame")
    state: State = session.state
    id = id_bytes(session.device.unique_id, state.version)
    return framed(state.marker, state.version, id, type, body)


def id_bytes(unique_id: str, version: int | None) -> bytes:
    """A device's id as it stands in frames: its digits, or an IMEI without check digit in six bytes."""
    if version is not None:
        return from_hex(unique_id.rjust(20, "0"))
    if len(unique_id) % 2 == 0:
        return from_hex(unique_id)
    return (long(unique_id[:-1]) & 0xFFFFFFFFFFFF).to_bytes(6, "big")


def channel(command: Command) -> bytes:
    """The camera, the first one unless another is named."""
    number = commands.integer(command, "index") if "index" in command.attributes else 1
    return bytes((number & 0xFF,))


def plain(text: str) -> bytes:
    return text.encode("ascii", "replace")
