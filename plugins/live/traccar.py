"""
The live socket of the Traccar web client, `/api/socket`: JSON objects whose members are arrays.

    ← {"positions":[…]}                    the latest position of each device, right after connecting
    ← {"devices":[…]}                      a device was heard, or was lost
    ← {"events":[…]}                       for users with a notification that matches
    ← {"positions":[…]}
    ← {"logs":[{"protocol":"gt06",…}]}     while the client wants them
    ← {}                                   every 55 seconds
    → {"logs":true}

All news of one commit go into one message per member, in this order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from attrs import define, evolve, frozen

from plugins.rest.traccar.models import device_json, dumps, event_json, position_json
from trackd.live.dialect import Notices, User
from trackd.live.news import DeviceNews, RawFrame
from trackd.wire.binary import printable


@frozen
class NoNotices:
    """Nobody has asked for any event."""

    def wanted(self, user_id: int, event: Any) -> bool:
        return False

    def words(self, event: Any) -> str:
        return str(event.type)


@frozen(eq=False)
class TraccarLive:
    """The dialect. `notices` knows the users' notifications."""

    notices: Notices = NoNotices()
    name: str = "traccar"
    path: str = "socket"
    keepalive: bytes = b"{}"
    interval: float = 55.0

    def noticing(self, notices: Notices) -> TraccarLive:
        return evolve(self, notices=notices)

    def open(self, user: User, parameters: Mapping[str, str]) -> TraccarTalk:
        return TraccarTalk(user.id, self.notices)

    def device(self, news: DeviceNews) -> bytes:
        return dumps(device_json(news.device, news.state))

    def event(self, event: Any) -> bytes:
        return dumps(event_json(event, self.notices.words(event)))

    def position(self, position: Any) -> bytes:
        shown = position_json(position)
        if text := getattr(position, "json", ""):  # a report on its way has its attributes as text already
            shown["attributes"] = orjson.Fragment(text)
        return dumps(shown)

    def frame(self, frame: RawFrame) -> bytes:
        return dumps(
            {
                "protocol": frame.protocol,
                "uniqueId": frame.unique_id or None,
                "deviceId": frame.device_id or 0,
                "data": _readable(frame.data),
                "host": frame.host,
            }
        )


@define(eq=False)
class TraccarTalk:
    """One client: what it may hear depends on its user, and on whether it has asked for raw frames."""

    user_id: int
    notices: Notices
    logs: bool = False

    def greet(self, positions: Sequence[bytes]) -> list[bytes]:
        return [_message(b"positions", positions)]

    def hear(self, text: bytes) -> list[bytes]:
        try:
            said = orjson.loads(text)
        except orjson.JSONDecodeError:
            return []
        if isinstance(said, dict) and "logs" in said:
            self.logs = _flag(said["logs"])
        return []

    def wants(self, event: Any) -> bool:
        return self.notices.wanted(self.user_id, event)

    def tell(
        self,
        devices: Sequence[bytes],
        events: Sequence[bytes],
        positions: Sequence[bytes],
        frames: Sequence[bytes],
    ) -> Iterator[bytes]:
        if devices:
            yield _message(b"devices", devices)
        if events:
            yield _message(b"events", events)
        if positions:
            yield _message(b"positions", positions)
        if frames:
            yield _message(b"logs", frames)


def _message(member: bytes, objects: Sequence[bytes]) -> bytes:
    return b'{"%b":[%b]}' % (member, b",".join(objects))


def _readable(data: bytes) -> str:
    """A frame of text as such, on one line; any other in hex."""
    if printable(data):
        return data.decode("ascii").replace("\r", "\\r").replace("\n", "\\n")
    return data.hex()


def _flag(value: Any) -> bool:
    """How the dialect reads a boolean from what is none: numbers but 0 and the text `true` are true."""
    return value.strip() == "true" if isinstance(value, str) else isinstance(value, bool | int | float) and bool(value)


dialect = TraccarLive()
