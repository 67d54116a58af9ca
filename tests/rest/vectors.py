"""
Recorded exchanges of clients: reading them, filling their placeholders, comparing with what came.

The format is described in the README beside the recordings.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "shared" / "vectors" / "rest"

VARIABLE = re.compile(r"\$\{([^}]+)\}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
TOKEN = re.compile(r"[A-Za-z0-9_-]{40,}")

Scenario = dict[str, Any]


def scenarios(folder: Path = FOLDER) -> Iterator[Scenario]:
    """All recorded scenarios, file by file."""
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            yield json.loads(line)


class Missing(Exception):
    """A variable that no step has saved: the step that would have was left out."""


class Variables(dict[str, Any]):
    """What a scenario knows by name. `${t-60}` is a time, `${totp}` a code; both are made when asked for."""

    def __init__(self, start: datetime, code: Callable[[str], str]) -> None:
        super().__init__()
        self.start = start
        self.code = code

    def value(self, name: str) -> Any:
        if match := re.fullmatch(r"t([+-]\d+)?", name):
            return shown(self.start + timedelta(seconds=int(match[1] or 0)))
        if name == "totp":
            return self.code(self["key"])
        if name not in self:
            raise Missing(name)
        return self[name]

    def fill(self, value: Any) -> Any:
        """The same with all placeholders replaced."""
        if isinstance(value, dict):
            return {self.fill(name): self.fill(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.fill(one) for one in value]
        if not isinstance(value, str):
            return value
        if match := VARIABLE.fullmatch(value):
            return self.value(match[1])
        return VARIABLE.sub(lambda match: str(self.value(match[1])), value)


def shown(time: datetime) -> str:
    return time.astimezone(UTC).isoformat("T", "milliseconds")


def text_differs(wanted: str, came: str) -> str | None:
    """None if the text fits the matcher or is equal to it, else the difference."""
    if wanted == "<any>":
        return None
    if match := re.fullmatch(r"<re:(.*)>", wanted, re.DOTALL):
        fits = re.fullmatch(match[1], came, re.DOTALL) is not None
    elif wanted == "<time>":
        fits = TIME.fullmatch(came) is not None
    elif wanted == "<token>":
        fits = TOKEN.fullmatch(came) is not None
    elif "<any>" in wanted:
        fits = re.fullmatch(".*".join(map(re.escape, wanted.split("<any>"))), came, re.DOTALL) is not None
    else:
        fits = wanted == came
    return None if fits else f"{came!r} is not {wanted!r}"


def differs(wanted: Any, came: Any, *, at: str = "", free: bool = False) -> str | None:
    """None if the JSON value fits, else where and how it does not. `free`: an array in any order."""
    if wanted == "<any>":
        return None
    if wanted == "<id>":
        return None if isinstance(came, int) and came and not isinstance(came, bool) else f"{at}: {came!r} is no id"
    if isinstance(wanted, str) and isinstance(came, str):
        difference = text_differs(wanted, came)
        return f"{at}: {difference}" if difference else None
    if isinstance(wanted, dict) and isinstance(came, dict):
        return _objects_differ(wanted, came, at)
    if isinstance(wanted, list) and isinstance(came, list):
        return _arrays_differ(wanted, came, at, free)
    if isinstance(wanted, bool) or isinstance(came, bool) or wanted is None or came is None:
        return None if wanted is came else f"{at}: {came!r} is not {wanted!r}"
    if isinstance(wanted, int | float) and isinstance(came, int | float):
        return None if math.isclose(wanted, came, rel_tol=1e-6) else f"{at}: {came!r} is not {wanted!r}"
    return f"{at}: {came!r} is not {wanted!r}"


def _objects_differ(wanted: Mapping[str, Any], came: Mapping[str, Any], at: str) -> str | None:
    is_position = "fixTime" in wanted
    for name, value in wanted.items():
        if name not in came:
            return f"{at}/{name} is missing"
        inner = came[name]
        if is_position and name == "attributes" and isinstance(value, dict):
            # A server may compute more.
            inner = {key: inner[key] for key in value if key in inner}
        if difference := differs(value, inner, at=f"{at}/{name}"):
            return difference
    more = came.keys() - wanted.keys()
    return f"{at}: unexpected {sorted(more)}" if more else None


def _arrays_differ(wanted: list[Any], came: list[Any], at: str, free: bool) -> str | None:
    if len(wanted) != len(came):
        return f"{at}: {len(came)} elements, not {len(wanted)}: {json.dumps(came)[:300]}"
    if not free:
        for number, (one, other) in enumerate(zip(wanted, came, strict=True)):
            if difference := differs(one, other, at=f"{at}/{number}"):
                return difference
        return None
    left = list(came)
    for one in wanted:
        for other in left:
            if differs(one, other) is None:
                left.remove(other)
                break
        else:
            return f"{at}: nothing fits {json.dumps(one)[:300]}"
    return None


def pointed(value: Any, pointer: str) -> Any:
    """The part of a JSON value that a pointer names."""
    for name in pointer.split("/")[1:]:
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value
