"""
The log as one JSON object a line, for programs: `twistd --logger trackd.logs.lines … trackd`.

    {"time": "2026-11-01T12:00:00.123Z", "level": "warn", "from": "trackd.listen.conversation", "connection": 17, …}

Besides the line as people read it, an object has what the line is made of: the number of the connection, that of the
device, the format, and whatever else belongs to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, TextIO

from twisted.logger import FileLogObserver, LogEvent, formatEvent

# What a value may be to be shown as it is.
PLAIN = (str, int, float, bool, type(None))


def lines(out: TextIO | None = None) -> FileLogObserver:
    """An observer that writes to this file, to the standard output if there is none."""
    return FileLogObserver(sys.stdout if out is None else out, line)


def line(event: LogEvent) -> str:
    """The event as a line; what is no plain value is left out, and is in the text."""
    said: dict[str, Any] = {
        "time": f"{datetime.fromtimestamp(event.get('log_time', 0.0), UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        "level": getattr(event.get("log_level"), "name", "info"),
        "from": event.get("log_namespace", "-"),
        "text": formatEvent(event),
    }
    if (failure := event.get("log_failure")) is not None:
        said["traceback"] = failure.getTraceback()
    # The plain encoder: devices may say half a surrogate pair, and numbers of any size.
    return json.dumps(said | {name: value for name, value in _plain(event).items() if name not in said}) + "\n"


def _plain(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in event.items()
        if not name.startswith("log_")
        and isinstance(value, PLAIN)
        and (not isinstance(value, float) or isfinite(value))
    }
