"""
Reports as text: a head, and a line for each record.

    @P,93D1,419,0,357766091026083,                              prefix, CRC, length, sequence, unit id
    1557178589,1557178590,1557178590,-121899637,37406241,338,230,2809,8,0,0,0,0,,2000,2000,
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from struct import Struct

from plugins.wire.atrack.fields import fill, from_text
from trackd.wire import names
from trackd.wire.format import Session
from trackd.wire.text import integer, latin, long, number, trimmed
from trackd.wire.times import pattern, seconds
from trackd.wire.units import kmh
from trackd.wire.values import Login, Output, Position, Reply, WireError

HEAD = 5  # items
RECEIPT = Struct(">HqH")

LINE = re.compile(
    r"""
    (\d+),\d+,\d+,                          # time of the fix, of the clock, of sending
    (-?\d+),(-?\d+),                        # longitude, latitude
    (\d+),(\d+),(\d+(?:\.\d*)?),            # course, report, odometer
    (\d+),(\d+),(\d+),(\d+),(\d+),          # hdop, inputs, km/h, outputs, analog input
    ([^,]*),(\d+),(\d+),                    # driver, temperatures
    (?: [^,]*,(.*) )?                       # text, custom fields
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
DATE = 14  # digits
date = pattern("yyyyMMddHHmmss")


def report(frame: bytes, session: Session) -> Iterator[Output]:
    """All lines that are records. The answer has the length of the report where the unit's id would be."""
    head = trimmed(latin(frame)).split(",", HEAD)
    if len(head) <= HEAD:
        raise WireError("a report without lines")
    _, _, length, sequence, id, lines = head
    receipt = RECEIPT.pack(0xFE02, long(length), integer(sequence) & 0xFFFF)
    yield Login.of(id)
    form = session.setting("form", "")
    custom = form != "" or session.setting("custom", False)
    framed = session.setting("frameMask", 0) == 1
    for line in lines.split("\r\n"):
        if (found := LINE.fullmatch(line)) is not None:
            *items, values = found.groups()
            position = record(*items)
            if custom:
                set_custom(position, values, form, framed)
            yield position
    yield Reply(receipt)


def moment(text: str) -> datetime:
    """A date, or the seconds since 1970."""
    return date(text) if len(text) >= DATE else seconds(int(text))


def record(
    time: str,
    longitude: str,
    latitude: str,
    course: str,
    event: str,
    odometer: str,
    hdop: str,
    inputs: str,
    speed: str,
    outputs: str,
    adc: str,
    driver: str,
    *temperatures: str,
) -> Position:
    position = Position.at(
        moment(time),
        valid=True,
        latitude=integer(latitude) / 1e6,
        longitude=integer(longitude) / 1e6,
        speed=kmh(integer(speed)),
        course=float(integer(course)),
        attributes={
            names.EVENT: integer(event),
            names.ODOMETER: number(odometer) * 100,
            names.HDOP: integer(hdop) / 10,
            names.INPUT: integer(inputs),
            names.OUTPUT: integer(outputs),
            f"{names.ADC}1": integer(adc),
        },
    )
    position.set(names.DRIVER_UNIQUE_ID, driver)
    for place, temperature in enumerate(temperatures, 1):
        position.set(f"{names.TEMP}{place}", integer(temperature))
    return position


def set_custom(position: Position, values: str | None, form: str, framed: bool) -> None:
    if values is None:
        raise WireError("no custom fields")
    fill(position, from_text(values, form), framed)
