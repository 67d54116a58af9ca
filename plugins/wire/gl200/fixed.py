"""
The fixed report, and others of its form: one or more points, and behind the last one of four tails.

    +RESP:GTFRI,060228,862894020178276,,15153,10,1,1,0.0,0,431.7,-63.169571,-17.776235,20160210153458,0736,0003,6AD4,
        80EF,00,34.9,00117:31:26,13442,15163,0,210101,,,,20160210113503,38EE

Fields that may be absent are taken when the rest still fits.
"""

from __future__ import annotations

import re

from plugins.wire.gl200.points import POINT, points
from plugins.wire.gl200.reports import hour_meter, set_status
from trackd.wire import names
from trackd.wire.binary import bit
from trackd.wire.format import Session
from trackd.wire.text import integer, integer_or_none, integer_or_zero, latin, number
from trackd.wire.values import Position

FIXED = re.compile(
    rb"""
    (?= .*,[0-9a-fA-F]{4}\$?\Z )                                     # whose end does not fit is not worth the search
    \+(?:RESP|BUFF):GT...,(?:.{6}|.{10})?,                           # type, version
    (?P<id>\d{15}|[0-9a-fA-F]{14}),
    (?: (?P<vin>[0-9A-Z]{17}), )?
    [^,]*,                                                           # name of the device
    (?P<power>\d*),
    (?P<optional>
        \d{1,2},\d{1,2},\d*,\d+,                                     # four fields, or three, two, one, none
    |   (?> \d{1,2},\d{1,2},\d*, | \d{1,2},\d*,\d+, )
    |   (?> \d{1,2},\d*, | \d*,\d+, )
    |   \d*,
    |
    )
    (?P<points> (?: """
    + POINT
    + rb""" )+ )
    (?:
        \d{1,2},(?P<battery>\d{1,5})?,(?P<battery_level>\d{1,3}),
        [01],[01]?,(?P<temperature>-?\d{1,2}\.\d)?,
    |
        (?P<odometer>\d{1,7}\.\d)?,(?P<hours>\d{5}:\d\d:\d\d)?,
        (?P<adc1>[0-9a-fA-F]*),(?P<adc2>[0-9a-fA-F]*),
        (?: \d*, )?
        (?P<vehicle_level>\d{1,3})?,(?P<status>[0-9a-fA-F]{6})?,
        (?P<rpm>\d*),(?: \d+(?:\.\d*)? | Inf | NaN )?,(?P<fuel>\d*),  # between them the fuel consumption
    |
        (?P<signal>-?\d),(?P<signal_level>\d{1,3}),
    |
        (?: (?P<last_odometer>\d{1,7}\.\d)?, )?(?P<last_level>\d{1,3})?,
    )
    .*,[0-9a-fA-F]{4}\$?
    """,
    re.VERBOSE | re.DOTALL,
)
# The optional fields taken apart. Which of them are there makes no difference for what follows, only how many there
# are: so each number of them is tried once.
OPTIONAL = re.compile(
    rb"""
    (?: (?P<kind>\d{1,2}), )?
    (?: \d{1,2}, )?                                                  # number of points
    (?: \d*, )?
    (?: (?P<level>\d+), )?                                           # battery, in percent
    """,
    re.VERBOSE,
)
LEAST_POWER = 10  # mV; up to there it is a flag


def fixed(found: re.Match[bytes], session: Session) -> list[Position]:
    positions = points(found["points"])
    if vin := found["vin"]:
        for position in positions:
            position.set(names.VIN, latin(vin))
    if session.setting("ignoreFixTime", False):
        del positions[:-1]
    last = positions[-1]
    power = integer_or_zero(found["power"])
    if power > LEAST_POWER:
        last.set(names.POWER, power / 1000)
    optional = OPTIONAL.fullmatch(found["optional"])
    assert optional is not None
    last.set(names.BATTERY_LEVEL, integer_or_none(optional["level"]))
    set_tail(last, found, optional["kind"])
    return positions


def set_tail(position: Position, found: re.Match[bytes], kind: bytes | None) -> None:
    """What stands behind the points; only one of the four tails is there. `kind` is the report type."""
    if battery := found["battery"]:
        position.set(names.BATTERY, integer(battery) / 1000)
    if temperature := found["temperature"]:
        position.set(f"{names.TEMP}1", number(temperature))
    if odometer := found["odometer"] or found["last_odometer"]:
        position.set(names.ODOMETER, number(odometer) * 1000)
    if hours := found["hours"]:
        position.set(names.HOURS, hour_meter(latin(hours)))
    for name in ("adc1", "adc2"):
        position.set(name, latin(found[name] or b""))
    for name in ("battery_level", "vehicle_level", "signal_level", "last_level"):
        position.set(names.BATTERY_LEVEL, integer_or_none(found[name]))
    if status := found["status"]:
        set_status(position, int(status, 16))
    position.set(names.RPM, integer_or_none(found["rpm"]))
    position.set(names.FUEL, integer_or_none(found["fuel"]))
    if signal := found["signal"]:
        if kind:
            position.set(names.MOTION, bit(integer(kind), 0))
            position.set(names.CHARGE, bit(integer(kind), 1))
        position.set(names.RSSI, integer(signal))
