"""
Recordings played to the pure functions of a format, without any network: the adapter's part done in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import Factory, define, evolve

from tests.conformance import compare
from tests.conformance.vectors import CommandCase, Conversation, Step
from tests.plugins.wire.talk import Device
from trackd.wire import commands, http, mqtt
from trackd.wire.coordinates import check_position
from trackd.wire.format import BAD_FRAME, Session, WireFormat
from trackd.wire.framing import Frames, whole
from trackd.wire.values import (
    Command,
    DeviceAttribute,
    Hangup,
    Login,
    Media,
    Output,
    Position,
    Reply,
    Response,
    TakeCommand,
    Unsupported,
    WireError,
)

RECORDED_AT = datetime(2026, 11, 1, 12, 34, 56, tzinfo=UTC)  # where the result depends on the clock
ANOTHER_TIME = datetime(2027, 2, 3, 4, 5, 6, tzinfo=UTC)  # where it must not
UNIQUE_ID = "123456789012345"  # of the device to which commands are sent


@define
class Heard:
    """What frames have led to."""

    frames: list[bytes] = Factory(list)
    ids: list[list[str]] = Factory(list)
    positions: list[dict[str, Any]] = Factory(list)
    replies: list[bytes] = Factory(list)
    media: list[dict[str, Any]] = Factory(list)
    error: Exception | None = None
    closed: bool = False

    def add(self, other: Heard) -> None:
        self.frames += other.frames
        self.ids += other.ids
        self.positions += other.positions
        self.replies += other.replies
        self.media += other.media
        self.error = self.error or other.error
        self.closed = self.closed or other.closed


@define(eq=False)
class Connection:
    """
    One connection (or UDP sender) of a conversation.

    In a known world every list of ids belongs to a device of the first of them, otherwise there is none.
    """

    format: WireFormat
    conversation: Conversation
    known: bool = True
    session: Session = Factory(lambda self: self._session(), takes_self=True)
    _devices: dict[str, Device] = Factory(dict)
    _bound: Device | None = None
    _frames: Frames | None = None

    def __attrs_post_init__(self) -> None:
        if self.known and self.conversation.session:
            self._bound = self.session.device = self._device(self.conversation.session)

    def _session(self) -> Session:
        session = Session(
            format=self.format,
            transport="mqtt" if self.format.mqtt else self.conversation.transport,
            now=RECORDED_AT if self.conversation.clock else ANOTHER_TIME,
            local="127.0.0.1:5000",
            remote="127.0.0.1",
            defaults=self.conversation.settings,
        )
        if self.format.state is not None:
            session.state = self.format.state()
        return session

    def _device(self, unique_id: str) -> Device:
        return self._devices.setdefault(unique_id, Device(unique_id, self.conversation.model))

    def play(self, step: Step) -> Heard:
        """One step of the conversation."""
        if self.conversation.transport == "http":
            return self._ask(step)
        if step.answer is not None:
            return self.decode(http.Answer(200, {}, step.answer))
        if step.wire is None:
            frame = step.frame if step.frame is not None else (step.text or "").encode()
            return self.frame(frame)
        return self.feed(step.wire)

    def feed(self, data: bytes) -> Heard:
        """Bytes that have arrived together."""
        if self.conversation.transport == "udp":
            return self.frame(data)
        if self._frames is None:
            split = self.format.splitter(self.session) if self.format.splitter is not None else self.format.split
            if self.format.mqtt:
                self._frames = Frames(mqtt.split, mqtt.LIMIT + 5)
            else:
                self._frames = Frames(split or whole, self.format.limit)
        heard = Heard()
        for frame in self._frames.feed(data):
            heard.add(self.frame(frame))
        if self._frames.broken is not None:
            heard.add(Heard(error=self._frames.broken, closed=True))
        return heard

    def frame(self, frame: bytes) -> Heard:
        heard = self._packet(frame) if self.format.mqtt else self.decode(frame)
        heard.frames.append(frame)
        return heard

    def decode(self, frame: Any) -> Heard:
        """What the format makes of a frame."""
        heard, told, owed = Heard(), [], []
        outputs: Iterator[Output] = iter(self.format.decode(frame, self.session))
        try:
            for output in outputs:
                match output:
                    case Login(ids, accept, reject, optional):
                        self._look_up(ids, heard)
                        if answer := accept if self.session.device is not None else reject:
                            heard.replies.append(self._wrapped(answer))
                        if self.session.device is None and not optional:
                            break
                    case Position():
                        check_position(output)
                        told.append(self._named(output, heard))
                    case Reply(data):
                        owed.append(self._wrapped(data))
                    case Response():
                        owed.append(http.response(output))
                    case Media():
                        heard.media.append(self._file(output))
                    case TakeCommand():
                        self.session.command = None
                    case Hangup():
                        heard.closed = True
                    case DeviceAttribute():
                        pass
                    case _:
                        raise TypeError(f"{output!r} is no output of a decoder")
        except BAD_FRAME as error:
            return evolve(heard, error=error, closed=self.conversation.transport != "udp")
        heard.positions += told
        heard.replies += owed
        return heard

    def _look_up(self, ids: tuple[str, ...], heard: Heard) -> None:
        if ids:
            heard.ids.append(list(ids))
            self._bound = self._device(ids[0]) if self.known else None
        self.session.device = self._bound

    def _wrapped(self, data: bytes) -> bytes:
        return self.format.wrap(data, self.session) if self.format.wrap is not None else data

    def _named(self, position: Position, heard: Heard) -> dict[str, Any]:
        for name, value in position.attributes.items():
            if isinstance(value, Media):
                heard.media.append(self._file(value))
                position.attributes[name] = f"media.{value.extension}"
        device = self.session.device
        return compare.as_json(position, device.unique_id if device is not None else None, self.format.name)

    def _file(self, media: Media) -> dict[str, Any]:
        device = self.session.device
        name = device.unique_id if device is not None else None
        return {"device": name, "data": media.data.hex(), "extension": media.extension}

    def _ask(self, step: Step) -> Heard:
        assert step.http is not None
        request = request_of(step.http) if step.wire is None else read_request(step.wire)
        if request.uri != step.http["uri"]:
            raise AssertionError(f"{request.uri} instead of {step.http['uri']}")
        return self.decode(request)

    def _packet(self, packet: bytes) -> Heard:
        heard = Heard()
        try:
            read = mqtt.read(packet, self.session.version)
        except WireError:
            return heard  # and nothing that follows is heard either
        match read:
            case mqtt.Connect(version, client_id):
                self.session.version = version
                self._look_up((client_id,), heard)
                heard.replies.append(mqtt.connack(version, self.session.device is not None))
            case mqtt.Subscribe(packet_id):
                heard.replies.append(mqtt.suback(self.session.version, packet_id))
            case mqtt.Publish(_, payload, _, packet_id):
                if self._bound is None:
                    return heard
                if packet_id is None:
                    return Heard(error=WireError("a publish without packet id"), closed=True)
                heard = self.decode(payload)
                if heard.error is None:
                    heard.replies.append(mqtt.puback(packet_id))
        return heard


def request_of(recorded: Mapping[str, Any]) -> http.Request:
    """A request that was recorded taken apart."""
    headers = {name.lower(): value for name, value in recorded["headers"].items()}
    return http.Request(recorded["method"], recorded["uri"], headers, bytes.fromhex(recorded["body"]))


def read_request(wire: bytes) -> http.Request:
    """A well-formed request with all of its body."""
    head, _, body = wire.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    method, uri, _ = line.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
    assert int(headers.get("content-length", 0)) == len(body)
    return http.Request(method, uri, headers, body)


def difference(step: Step, heard: Heard, transport: str) -> list[str]:
    """How what was heard differs from a recorded step."""
    found = compare.ids(step.ids, heard.ids)
    found += compare.positions([one for one in step.positions if one["device"] is not None], heard.positions)
    found += compare.replies(step.replies, heard.replies, transport)
    found += compare.media(step.media, heard.media)
    if step.error != (heard.error is not None):
        found.append(f"error: {heard.error!r}" if heard.error is not None else "no error")
    elif step.closed != heard.closed:
        found.append("closed" if heard.closed else "not closed")
    return found


def frame_of(step: Step) -> list[bytes | str]:
    """The recorded frame of a step, if it has one."""
    return [step.text] if step.text is not None else [step.frame] if step.frame is not None else []


def known(format: WireFormat, conversation: Conversation) -> list[str]:
    """Every step as it was sent, by devices that the server knows."""
    connection = Connection(format, conversation)
    found = []
    for number, step in enumerate(conversation.steps):
        heard = connection.play(step)
        expected = frame_of(step)
        comparable = expected and step.wire is not None
        here = compare.frames(expected, heard.frames) if comparable else []
        here += difference(step, heard, conversation.transport)
        found += [f"step {number}: {one}" for one in here]
    return found


def unknown(format: WireFormat, conversation: Conversation) -> list[str]:
    """Every step, by devices that the server does not know."""
    connection = Connection(format, conversation, known=False)
    found = []
    for number, step in enumerate(conversation.unknown):
        heard = connection.play(step)
        here = difference(evolve(step, ids=heard.ids, media=[]), heard, conversation.transport)
        found += [f"step {number}: {one}" for one in here]
    return found


def bytewise(format: WireFormat, conversation: Conversation) -> list[str]:
    """Every step of a stream, byte by byte."""
    if not _is_cut(format, conversation):
        return []
    connection = Connection(format, conversation)
    found = []
    for number, step in enumerate(conversation.steps):
        heard = Heard()
        assert step.wire is not None
        for at in range(len(step.wire)):
            heard.add(connection.feed(step.wire[at : at + 1]))
        found += [f"step {number}: {one}" for one in difference(step, heard, conversation.transport)]
    return found


def glued(format: WireFormat, conversation: Conversation) -> list[str]:
    """All steps of a stream in one read; with a cutter that keeps nothing, all of them twice in one as in two."""
    if not _is_cut(format, conversation):
        return []
    stream = b"".join(step.wire or b"" for step in conversation.steps)
    heard = Connection(format, conversation).feed(stream)
    found = difference(together(conversation.steps, stream), heard, conversation.transport)
    if format.split is not None:
        apart, joined = (Frames(format.split, format.limit) for _ in range(2))
        expected = [*apart.feed(stream), *apart.feed(stream)]
        found += compare.frames(expected, list(joined.feed(stream * 2)))
    return found


def together(steps: Sequence[Step], wire: bytes | None = None) -> Step:
    """What several steps lead to, as one."""
    return Step(
        wire=wire,
        frame=None,
        text=None,
        http=None,
        answer=None,
        ids=[one for step in steps for one in step.ids],
        positions=[one for step in steps for one in step.positions],
        replies=[one for step in steps for one in step.replies],
        media=[one for step in steps for one in step.media],
        error=any(step.error for step in steps),
        closed=any(step.closed for step in steps),
    )


def _is_cut(format: WireFormat, conversation: Conversation) -> bool:
    return (
        conversation.transport == "tcp"
        and (format.split not in (None, whole) or format.splitter is not None)
        and all(step.wire is not None for step in conversation.steps)
    )


MODES: dict[str, Callable[[WireFormat, Conversation], list[str]]] = {
    "known": known,
    "unknown": unknown,
    "bytewise": bytewise,
    "glued": glued,
}


def command(format: WireFormat, case: CommandCase) -> list[str]:
    """A command encoded, and what goes out of it."""
    device = Device(UNIQUE_ID, case.model, case.device_attributes)
    now = RECORDED_AT if case.clock else ANOTHER_TIME
    transport = "mqtt" if format.mqtt else case.transport
    session = Session(format=format, transport=transport, now=now, device=device)
    if format.state is not None:
        session.state = format.state()
    wanted = Command(case.type, case.attributes)
    if case.transport == "sms":
        return _message(format, case, wanted, session)
    why: Exception | None = None
    try:
        made = commands.encode(format, wanted, session)
    except Unsupported as error:
        made, why = None, error
    if made is not None and format.wrap is not None:
        made = format.wrap(made, session)
    sent = [made] if made is not None else []
    if b"".join(sent) == b"".join(case.sent):
        return []
    return [f"sent {list(map(compare.shown, sent))} instead of {list(map(compare.shown, case.sent))} ({why!r})"]


def _message(format: WireFormat, case: CommandCase, wanted: Command, session: Session) -> list[str]:
    why: Exception | None = None
    made: str | None = None
    try:
        made = commands.encode_message(format, wanted, session)
    except Unsupported as error:
        why = error
    return [] if made == case.text else [f"text {made!r} instead of {case.text!r} ({why!r})"]


@define
class Outcome:
    """How a format fared: how many conversations and commands there are, and those with differences, by mode."""

    conversations: int
    commands: int
    failures: dict[str, dict[str, list[str]]]  # mode -> id -> differences

    @property
    def failed(self) -> set[str]:
        return {id for mode in self.failures.values() for id in mode}


def check(format: WireFormat, conversations: Sequence[Conversation], cases: Sequence[CommandCase]) -> Outcome:
    """All recordings of a format in all modes."""
    failures: dict[str, dict[str, list[str]]] = {mode: {} for mode in (*MODES, "commands")}
    for mode, play in MODES.items():
        for conversation in conversations:
            if found := _guarded(play, format, conversation):
                failures[mode][conversation.id] = found
    for case in cases:
        if found := _guarded(command, format, case):
            failures["commands"][case.id] = found
    return Outcome(len(conversations), len(cases), failures)


def _guarded(play: Callable[[WireFormat, Any], list[str]], format: WireFormat, recorded: Any) -> list[str]:
    """A mistake of the format's own is a difference too, and must not hide the other recordings."""
    try:
        return play(format, recorded)
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f" in {trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno}" if trace is not None else ""
        return [f"raised {error!r}{where}"]


def described(found: dict[str, list[str]], most: int = 5, width: int = 300) -> str:
    """Differences by id, shortened to what fits into a message."""
    lines = []
    for id, differences in list(found.items())[:most]:
        lines.append(f"{id}: {differences[0][:width]}")
        if len(differences) > 1:
            lines.append(f"    and {len(differences) - 1} more")
    if len(found) > most:
        lines.append(f"… and {len(found) - most} more: {', '.join(list(found)[most:])[:width]}")
    return "\n".join(lines)
