"""What the text reports have in common: times, the status word, hour meters."""

from __future__ import annotations

from datetime import datetime

from trackd.wire import names
from trackd.wire.binary import bit, bits
from trackd.wire.format import Session
from trackd.wire.text import integer, split_at
from trackd.wire.times import digits, pattern
from trackd.wire.values import Position

strict = pattern("yyyyMMddHHmmss")  # of reports that are read field by field
rolling = digits("yyyyMMddHHmmss")  # of those that are matched as a whole


def set_sent(position: Position, time: datetime, session: Session) -> None:
    """The time at which a report was sent, which the setting makes that of the fix as well."""
    position.device_time = time
    if session.setting("ignoreFixTime", False):
        position.fix_time = time


IGNITION_OFF, IGNITION_ON = 20, 21  # bits


def set_status(position: Position, status: int) -> None:
    """The status word: state of the ignition, inputs, outputs, a byte each. The lowest input is the ignition's."""
    if bit(status, IGNITION_OFF):
        position.set(names.IGNITION, False)
    elif bit(status, IGNITION_ON):
        position.set(names.IGNITION, True)
    position.set(names.INPUT, bits(status, 8, 15))
    position.set(f"{names.IN}1", bit(status, 9))
    position.set(f"{names.IN}2", bit(status, 10))
    position.set(names.OUTPUT, bits(status, 0, 7))
    position.set(f"{names.OUT}1", bit(status, 0))
    position.set(f"{names.OUT}2", bit(status, 1))


def hour_meter(text: str) -> int:
    """Hours, and perhaps minutes and seconds, in milliseconds: `00117:31:26`."""
    hours, minutes, seconds, *_ = [integer(part) for part in split_at(text, ":")] + [0, 0]
    return (hours * 3600 + minutes * 60 + seconds) * 1000
