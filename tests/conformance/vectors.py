"""
The recordings: what devices sent, and what came out of the reference.

They lie beside the repository, one file of JSON lines per format; a README there describes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "vectors"
MISSING = f"no recordings: there is no folder {FOLDER}"
LAST_TIME = "9999-12-31T23:59:59.999Z"


@frozen
class Step:
    """What is put on the connection, and what follows. `frame` is None for HTTP requests and MQTT packets."""

    wire: bytes | None
    frame: bytes | None
    text: str | None
    http: dict[str, Any] | None
    answer: bytes | None  # of a server that was asked
    ids: list[list[str]]
    positions: list[dict[str, Any]]
    replies: list[bytes]
    media: list[dict[str, Any]]
    error: bool
    closed: bool


@frozen
class Conversation:
    """A connection or a UDP sender, from its first byte to its last. `unknown` has the same steps for a stranger."""

    id: str
    transport: str
    steps: list[Step]
    unknown: list[Step]
    model: str | None = None
    settings: dict[str, Any] = Factory(dict)
    session: str | None = None
    clock: bool = False


@frozen
class CommandCase:
    """A command and the byte strings (or the text message) that go to the device."""

    id: str
    transport: str
    type: str
    attributes: dict[str, Any]
    sent: list[bytes]
    text: str | None
    error: bool
    model: str | None
    device_attributes: dict[str, Any]
    clock: bool


def available() -> bool:
    """Whether the recordings are there."""
    return FOLDER.is_dir()


def formats() -> list[str]:
    """The formats that have recordings."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def load(format: str) -> tuple[list[Conversation], list[CommandCase]]:
    """The recordings of a format."""
    conversations, commands = [], []
    with open(FOLDER / f"{format}.jsonl", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if "command" in record:
                commands.append(_command(record))
            else:
                conversations.append(_conversation(record))
    return conversations, commands


def _conversation(record: dict[str, Any]) -> Conversation:
    steps = [_step(step) for step in record["steps"]]
    sent = ("wire", "frame", "text", "http", "response", "ids")
    unknown = [
        _step({"positions": [], **{key: step[key] for key in sent if key in step}, **other})
        for step, other in zip(record["steps"], record["unknown"], strict=True)
    ]
    return Conversation(
        id=record["id"],
        transport=record["transport"],
        steps=steps,
        unknown=unknown,
        model=record.get("model"),
        settings=record.get("settings", {}),
        session=record.get("session"),
        clock=record.get("clock", False),
    )


def _step(record: dict[str, Any]) -> Step:
    return Step(
        wire=_bytes(record.get("wire")),
        frame=_bytes(record.get("frame")),
        text=record.get("text"),
        http=record.get("http"),
        answer=_bytes(record.get("response")),
        ids=record["ids"],
        positions=[_position(position) for position in record["positions"]],
        replies=[bytes.fromhex(reply) for reply in record["replies"]],
        media=record.get("media", []),
        error=record.get("error", False),
        closed=record.get("closed", False),
    )


def _command(record: dict[str, Any]) -> CommandCase:
    return CommandCase(
        id=record["id"],
        transport=record["transport"],
        type=record["command"]["type"],
        attributes=record["command"].get("attributes", {}),
        sent=[bytes.fromhex(message) for message in record.get("sent", [])],
        text=record.get("text"),
        error=record.get("error", False),
        model=record.get("model"),
        device_attributes=record.get("deviceAttributes", {}),
        clock=record.get("clock", False),
    )


def _position(record: dict[str, Any]) -> dict[str, Any]:
    """
    A position, its device time left out where that lies behind the year 9999.

    There is such a time where a device's fields were read at the wrong place; the formats here go no further, so it is
    not told.
    """
    time = record["deviceTime"]
    return record if time is None or len(time) <= len(LAST_TIME) else {**record, "deviceTime": None}


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)
