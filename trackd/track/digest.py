"""What a device said, as one number: the same report has the same, whenever and however it comes again."""

from __future__ import annotations

import json
import math
from hashlib import blake2b
from typing import Any

import orjson
from xxhash import xxh3_64_intdigest

from trackd.store.report import Report
from trackd.wire.names import ARCHIVE, AUDIO, IMAGE, VIDEO
from trackd.wire.values import Media

# Values within values: orjson writes a few more, and what is stored has to be written again for those who read it.
DEEPEST = 200
# The numbers of the hash begin with 0, those of the database in the middle.
HALF = 1 << 63


def digest(report: Report) -> int:
    """
    64 bits, signed, of the report as it was decoded: times, place, movement, network and attributes.

    A message without any time is a new one whenever it comes. What was lost on its way comes again as one from the
    device's memory, so it does not count that it does.
    """
    attributes = report.attributes
    if ARCHIVE in attributes:
        attributes = {name: value for name, value in attributes.items() if name != ARCHIVE}
    if IMAGE in attributes or VIDEO in attributes or AUDIO in attributes:
        attributes = {name: _content(value) for name, value in attributes.items()}
    untimed = report.device_time is None and report.fix_time is None
    said = dumps(
        (
            report.server_time if untimed else report.device_time,
            report.fix_time,
            report.valid,
            report.latitude,
            report.longitude,
            report.altitude,
            report.speed,
            report.course,
            report.accuracy,
            report.network,
            attributes,
        )
    )
    return xxh3_64_intdigest(said) - HALF


def digest_again(report: Report, before: int) -> int:
    """
    That of a report which the device has not sent: a copy, made at its server time, of one with the digest `before`.
    """
    said = f"{before} {report.server_time.isoformat()}".encode()
    return xxh3_64_intdigest(said) - HALF


def _content(value: Any) -> Any:
    """Of a file only this counts: its name will be another one each time."""
    return blake2b(value.data, digest_size=8).hexdigest() if isinstance(value, Media) else value


def dumps(value: Any) -> bytes:
    """JSON, also of what devices should not have sent: broken surrogates, infinite or enormous numbers."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(sane(value), ensure_ascii=False, default=str).encode()


def sane(value: Any, depth: int = 0) -> Any:
    """
    The value as JSON can hold it. ValueError for one within one within one, DEEPEST times.

    Half a surrogate pair becomes U+FFFD, a number beyond 64 bits or not finite becomes a text.
    """
    if depth > DEEPEST:
        raise ValueError("values within values without end")
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    if isinstance(value, dict):
        return {sane(str(name)): sane(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [sane(inner, depth + 1) for inner in value]
    return value
