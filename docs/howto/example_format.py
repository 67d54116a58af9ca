"""
Walker: an imaginary collar for dogs, which speaks short lines of text over TCP.

    $L,352093089439473#                              who it is; answered with 1 or 0
    $R,20261101123456,A,48.20849,16.37208,5.4,76#    time, fix, latitude, longitude, km/h, battery
    $H,3#                                            no fix, battery
    $B#                                              to the collar: start again
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trackd.wire import names
from trackd.wire.format import Session, WireFormat
from trackd.wire.framing import until
from trackd.wire.text import integer, latin, number
from trackd.wire.times import exactly
from trackd.wire.units import kmh
from trackd.wire.values import Command, Login, Output, Position, Reply, WireError

REPORT = re.compile(
    rb"""
    \$R,
    (\d{14}),([AV]),            # time, A: fixed now
    (-?\d+\.\d+),(-?\d+\.\d+),  # latitude, longitude
    (\d+\.\d),(\d+)             # km/h, battery in %
    """,
    re.VERBOSE,
)
LOW = 5  # %


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    if frame.startswith(b"$L,"):
        yield Login.of(latin(frame[3:]), accept=b"$L,1#", reject=b"$L,0#")
        return
    yield Login.of()  # whoever has logged in; the lines of a stranger end here
    if frame.startswith(b"$H,"):
        yield with_battery(Position.last(session.now), frame[3:])
        return
    report = REPORT.fullmatch(frame)
    if report is None:
        raise WireError("neither login, report nor heartbeat")
    time, fix, latitude, longitude, speed, battery = report.groups()
    position = Position.at(
        exactly("yyyyMMddHHmmss", latin(time)),
        valid=fix == b"A",
        latitude=number(latitude),
        longitude=number(longitude),
        speed=kmh(number(speed)),
    )
    yield with_battery(position, battery)
    yield Reply(b"$R#")


def with_battery(position: Position, level: bytes) -> Position:
    position.set(names.BATTERY_LEVEL, integer(level))
    if integer(level) < LOW:
        position.add_alarm(names.ALARM_LOW_BATTERY)
    return position


def encode(command: Command, session: Session) -> bytes:
    return {"rebootDevice": b"$B#"}[command.type]


walker = WireFormat(
    "walker",
    port=5999,
    split=until(b"#"),
    decode=decode,
    text=True,
    commands=("rebootDevice",),
    encode=encode,
)
