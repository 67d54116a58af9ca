"""
What of the recordings is played to a running service, in which ways, and what of it side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from attrs import Factory, define, evolve, field

from tests.conformance import replay
from tests.conformance.vectors import Conversation, Step
from tests.plugins.wire.talk import Device
from trackd.wire.format import WireFormat
from trackd.wire.framing import whole

# With answers: step by step, as a stranger, byte by byte, all at once with a second conversation behind the first one.
# Leaving: all at once, and gone before any answer; what was said is stored all the same.
MODES = ("known", "unknown", "bytewise", "glued", "leaving")
AT_ONCE = 200  # conversations side by side


@define(eq=False)
class Play:
    """A conversation in one of the ways of playing, or two of them on one connection."""

    mode: str
    conversation: Conversation
    steps: list[Step]
    pieces: list[list[bytes]]  # for each step, what is written
    configured: bool = False  # its settings are in the configuration, not with the devices
    differences: list[str] = Factory(list)
    ids: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ids = frozenset(id for step in self.steps for ids in step.ids for id in ids)

    @property
    def known(self) -> bool:
        return self.mode != "unknown"

    @property
    def devices(self) -> set[str]:
        """The unique ids of the devices that are needed."""
        return _devices(self.steps) if self.known else set()


def plays(
    format: WireFormat, conversations: Sequence[Conversation], left_out: Callable[[str, str], None]
) -> Iterator[Play]:
    """All ways of playing these conversations; `left_out` hears of the id of one that can't be played, and why."""
    streams = []
    for conversation in conversations:
        if why := _obstacle(format, conversation):
            left_out(conversation.id, why)
            continue
        said = [[_wire(step)] for step in conversation.steps]
        yield Play("unknown", conversation, conversation.unknown, said, True)
        if any("\0" in id for id in _devices(conversation.steps)):
            left_out(conversation.id, "no device can have an id with NUL in it; played as unknown only")
            continue
        configured = not _as_attributes(format, conversation)
        yield Play("known", conversation, conversation.steps, said, configured)
        if _is_cut(format, conversation):
            bytewise = [[bytes((byte,)) for byte in data] for [data] in said]
            yield Play("bytewise", conversation, conversation.steps, bytewise, configured)
            streams.append(conversation)
        if conversation.transport == "udp" or _is_cut(format, conversation):
            at_once = [data for [data] in said]
            yield Play("leaving", conversation, [replay.together(conversation.steps)], [at_once], configured)
    for conversation in _paired(format, streams):
        stream = b"".join(map(_wire, conversation.steps))
        configured = not _as_attributes(format, conversation)
        yield Play("glued", conversation, [replay.together(conversation.steps)], [[stream]], configured)


def _devices(steps: Iterable[Step]) -> set[str]:
    """The ids that were devices: the first of each list."""
    return {ids[0] for step in steps for ids in step.ids if ids}


def _obstacle(format: WireFormat, conversation: Conversation) -> str:
    if conversation.session is not None:
        return "is logged in before it begins"
    if format.ask is not None:
        return "answers of a server that was asked"
    if any(step.wire is None and step.http is None for step in conversation.steps):
        return "its bytes are not recorded"
    return ""


def _is_cut(format: WireFormat, conversation: Conversation) -> bool:
    """Whether it does not matter how the network cuts it."""
    if conversation.transport == "udp":
        return False
    return format.http or format.mqtt or format.split not in (None, whole) or format.splitter is not None


def _wire(step: Step) -> bytes:
    if step.wire is not None:
        return step.wire
    assert step.http is not None
    request = replay.request_of(step.http)
    headers = {**request.headers, "content-length": str(len(request.body))}
    lines = [f"{request.method} {request.uri} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def _as_attributes(format: WireFormat, conversation: Conversation) -> bool:
    """Whether settings mean the same with the device: not those that are asked for before it is known."""
    if not conversation.settings:
        return True
    devices = {id: Device(id, conversation.model, conversation.settings) for id in _devices(conversation.steps)}
    connection = replay.Connection(format, evolve(conversation, settings={}), devices=devices)
    return not any(
        replay.difference(step, connection.play(step), conversation.transport) for step in conversation.steps
    )


def _paired(format: WireFormat, conversations: Sequence[Conversation]) -> Iterator[Conversation]:
    """These conversations, two of them as one wherever the first changes nothing for the second."""
    waiting = list(conversations)
    while waiting:
        first = waiting.pop(0)
        for second in waiting[:5]:
            if (both := _both(format, first, second)) is not None:
                waiting.remove(second)
                yield both
                break
        else:
            yield first


def _both(format: WireFormat, first: Conversation, second: Conversation) -> Conversation | None:
    if (first.model, first.settings, first.clock) != (second.model, second.settings, second.clock):
        return None
    says_who = all(step.ids and all(step.ids) for step in second.steps)
    if not says_who and _devices(first.steps) != _devices(second.steps):
        return None
    if any(step.closed for step in first.steps):
        return None
    both = evolve(
        first, id=f"{first.id} + {second.id}", steps=first.steps + second.steps, unknown=first.unknown + second.unknown
    )
    return None if replay.glued(format, both) else both


def waves(plays: Iterable[Play]) -> Iterator[list[Play]]:
    """What can be played side by side: the same way at the same time, and no id twice unless nobody knows it."""
    groups: dict[tuple[str, bool], list[list[Play]]] = {}
    after: dict[tuple[str, bool, str], int] = {}  # the wave behind the last one with this id
    for play in plays:
        group = (play.mode, play.conversation.clock)
        made = groups.setdefault(group, [])
        number = max((after.get((*group, id), 0) for id in play.ids), default=0) if play.known else 0
        while number < len(made) and len(made[number]) >= AT_ONCE:
            number += 1
        if number == len(made):
            made.append([])
        made[number].append(play)
        after |= {(*group, id): number + 1 for id in play.ids}
    for made in groups.values():
        yield from made
