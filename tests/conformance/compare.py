"""
Recorded and heard values compared: each function gives a list of differences in words, empty if there are none.

Integers, floats, booleans, texts and null are different things; floats may differ by 1e-9 of their size. The order of
attributes, cells and access points has no meaning, and neither has the division of a stream of replies into writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, AnyStr

from trackd.wire.text import trimmed
from trackd.wire.values import Position

TOLERANCE = 1e-9
FIELDS = ("latitude", "longitude", "altitude", "speed", "course", "accuracy")


def as_json(position: Position, device: str | None, protocol: str) -> dict[str, Any]:
    """A position as the recordings show it; files in attributes must have their names already."""
    shown = {
        "device": device,
        "protocol": protocol,
        "deviceTime": _time(position.device_time),
        "fixTime": _time(position.fix_time),
        "valid": position.valid,
        **{name: getattr(position, name) for name in FIELDS},
        "network": position.network.to_json() if position.network is not None else None,
        "attributes": dict(position.attributes),
    }
    if position.outdated:
        shown["outdated"] = True
    return shown


def _time(time: datetime | None) -> str | None:
    if time is None:
        return None
    if time.utcoffset() is None:
        return f"{time} without zone"
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def positions(recorded: Sequence[Mapping[str, Any]], heard: Sequence[Mapping[str, Any]]) -> list[str]:
    """Differences of two lists of positions in the form of the recordings."""
    found = []
    if len(recorded) != len(heard):
        found.append(f"{len(heard)} positions instead of {len(recorded)}")
    for number, (one, other) in enumerate(zip(recorded, heard, strict=False)):
        where = f"position {number}: " if max(len(recorded), len(heard)) > 1 else ""
        found += [f"{where}{difference}" for difference in position(one, other)]
    return found


def position(recorded: Mapping[str, Any], heard: Mapping[str, Any]) -> list[str]:
    """Differences of two positions in the form of the recordings."""
    found = []
    # The recording server kept ids trimmed.
    found += values(trimmed(recorded["device"] or ""), trimmed(heard["device"] or ""), "device")
    for name in ("protocol", "deviceTime", "fixTime", "valid"):
        found += values(recorded[name], heard[name], name)
    found += values(recorded.get("outdated", False), heard.get("outdated", False), "outdated")
    for name in FIELDS:
        if not near(float(recorded[name]), float(heard[name])):
            found.append(f"{name}: {heard[name]!r} instead of {recorded[name]!r}")
    found += network(recorded["network"], heard["network"])
    found += values(recorded["attributes"], heard["attributes"], "")
    return found


def network(recorded: Mapping[str, Any] | None, heard: Mapping[str, Any] | None) -> list[str]:
    """Differences of two networks; cells and access points are sets."""
    if recorded is None or heard is None:
        return values(recorded, heard, "network")
    return values(_unordered(recorded), _unordered(heard), "network")


def _unordered(network: Mapping[str, Any]) -> dict[str, Any]:
    def key(member: Any) -> str:
        return json.dumps(member, sort_keys=True)

    return {name: sorted(value, key=key) if isinstance(value, list) else value for name, value in network.items()}


def values(recorded: Any, heard: Any, name: str) -> list[str]:
    """Differences of two JSON values, types included."""
    return list(_values(recorded, heard, name))


def _values(recorded: Any, heard: Any, name: str) -> Iterator[str]:
    if isinstance(recorded, Mapping) and isinstance(heard, Mapping):
        for key in [*recorded, *(key for key in heard if key not in recorded)]:
            inner = f"{name}.{key}" if name else str(key)
            if key not in heard:
                yield f"{inner}: missing, {recorded[key]!r}"
            elif key not in recorded:
                yield f"{inner}: {heard[key]!r}, not in the recording"
            else:
                yield from _values(recorded[key], heard[key], inner)
    elif isinstance(recorded, list) and isinstance(heard, list):
        if len(recorded) != len(heard):
            yield f"{name}: {len(heard)} members instead of {len(recorded)}: {heard!r} instead of {recorded!r}"
        for number, (one, other) in enumerate(zip(recorded, heard, strict=False)):
            yield from _values(one, other, f"{name}[{number}]")
    elif type(recorded) is not type(heard) or not (recorded == heard or _both_near(recorded, heard)):
        yield f"{name}: {heard!r} instead of {recorded!r}"


def _both_near(one: Any, other: Any) -> bool:
    return isinstance(one, float) and near(one, other)


def near(recorded: float, heard: float) -> bool:
    """Whether two floats are the same up to the tolerance."""
    return recorded == heard or abs(recorded - heard) <= TOLERANCE * max(abs(recorded), abs(heard))


def ids(recorded: Sequence[Sequence[str]], heard: Sequence[Sequence[str]]) -> list[str]:
    """Differences of what was looked up; the same list several times in a row is one."""
    one, other = _once(recorded), _once(heard)
    return [] if one == other else [f"ids {other} instead of {one}"]


def _once(lists: Iterable[Sequence[str]]) -> list[list[str]]:
    found: list[list[str]] = []
    for one in map(list, lists):
        if not found or found[-1] != one:
            found.append(one)
    return found


def replies(recorded: Sequence[bytes], heard: Sequence[bytes], transport: str) -> list[str]:
    """Differences of what was written back: of a stream the bytes, of datagrams each, of HTTP status and body."""
    one, other = list(recorded), list(heard)
    if transport == "tcp":
        one, other = [b"".join(one)], [b"".join(other)]
    elif transport == "http":
        one, other = [_essence(answer) for answer in one], [_essence(answer) for answer in other]
    if one == other:
        return []
    return [f"replies {list(map(shown, heard))} instead of {list(map(shown, recorded))}"]


def _essence(response: bytes) -> bytes:
    head, _, body = response.partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0] + b"\r\n" + body


def media(recorded: Sequence[Mapping[str, Any]], heard: Sequence[Mapping[str, Any]]) -> list[str]:
    """Differences of files, each a device, its data in hex and an extension."""
    if list(recorded) == list(heard):
        return []
    short = [[{**file, "data": file["data"][:40]} for file in files] for files in (heard, recorded)]
    return [f"media {short[0]} instead of {short[1]}"]


def frames(recorded: Sequence[bytes | str], heard: Sequence[bytes]) -> list[str]:
    """
    Differences of what was cut; a recorded text may have been bytes in UTF-8 or one character per byte.

    Some frames were recorded with the delimiter that ends them, others without the filling that they have on the wire.
    """
    if len(recorded) == len(heard) and all(map(_same_frame, recorded, heard)):
        return []
    expected = [frame if isinstance(frame, str) else shown(frame) for frame in recorded]
    return [f"frames {list(map(shown, heard))} instead of {expected}"]


def _same_frame(recorded: bytes | str, heard: bytes) -> bool:
    if isinstance(recorded, bytes):
        return _begins(recorded, heard)
    return _begins(recorded, heard.decode("utf-8", "replace")) or _begins(recorded, heard.decode("latin-1"))


def _begins(one: AnyStr, other: AnyStr) -> bool:
    return one.startswith(other) or other.startswith(one)


def shown(data: bytes) -> str:
    """Bytes for a reader: as text if they are text, else in hex."""
    text = data.decode("latin-1")
    return repr(text) if text.replace("\r", "").replace("\n", "").isprintable() and data.isascii() else data.hex()
