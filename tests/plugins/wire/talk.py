"""
What a format makes of bytes, without any network: the adapter's part, done in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from attrs import Factory, define

from trackd.wire import http
from trackd.wire.coordinates import check_position
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import Frames
from trackd.wire.values import Command, Login, Output, Position, TakeCommand

NOW = datetime(2026, 11, 1, 12, 34, 56, tzinfo=UTC)


@define(eq=False)
class Device:
    """A device as formats see it."""

    unique_id: str
    model: str | None = None
    attributes: Mapping[str, Any] = Factory(dict)
    memory: dict[str, Any] = Factory(dict)

    def setting(self, name: str) -> Any:
        return self.attributes.get(name)


@define(eq=False)
class Talk:
    """One connection or sender. Devices whose ids are in `known` exist, without it all do."""

    format: WireFormat
    transport: str = "tcp"
    known: Collection[str] | None = None
    model: str | None = None
    settings: Mapping[str, Any] = Factory(dict)
    zone: tzinfo = UTC
    remote: str = ""  # address
    queue: list[Command] = Factory(list)  # of commands, oldest first
    session: Session = Factory(lambda self: self._session(), takes_self=True)
    _bound: Device | None = None
    _frames: Frames | None = None

    def _session(self) -> Session:
        return Session(
            self.format,
            self.transport,
            NOW,
            self.zone,
            remote=self.remote,
            state=self.format.state() if self.format.state is not None else None,
            defaults=self.settings,
        )

    def say(self, data: bytes) -> list[Output]:
        """What bytes of a stream, or a datagram, lead to. Raises what the decoder or the cutter raises."""
        if self.transport == "udp":
            return list(self.outputs(data))
        if self._frames is None:
            split = self.format.split if self.format.splitter is None else self.format.splitter(self.session)
            assert split is not None
            self._frames = Frames(split, self.format.limit)
        told = [output for frame in self._frames.feed(data) for output in self.outputs(frame)]
        if self._frames.broken is not None:
            raise self._frames.broken
        return told

    def ask(self, request: http.Request) -> list[Output]:
        """What an HTTP request leads to."""
        return list(self.outputs(request))

    def outputs(self, frame: Any) -> Iterator[Output]:
        for output in self.format.decode(frame, self.session):
            yield output
            if isinstance(output, Login):
                if output.ids:
                    found = [id for id in output.ids if self.known is None or id in self.known]
                    self._bound = Device(found[0], self.model) if found else None
                self.session.device = self._bound
                if self._bound is None and not output.optional:
                    return
            elif isinstance(output, Position):
                check_position(output)
            elif isinstance(output, TakeCommand):
                self.session.command = self.queue.pop(0) if self.queue else None


def told(format: WireFormat, *reads: bytes, **talk: Any) -> list[Output]:
    """What a stream says; told again byte by byte, to see that the network may cut it anywhere."""
    whole, drops = Talk(format, **talk), Talk(format, **talk)
    outputs = [output for data in reads for output in whole.say(data)]
    again = [output for data in reads for byte in data for output in drops.say(bytes([byte]))]
    assert repr(outputs) == repr(again), "frames depend on how the stream arrives"
    return outputs


def positions(outputs: list[Output]) -> list[Position]:
    return [output for output in outputs if isinstance(output, Position)]
