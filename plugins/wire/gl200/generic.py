"""
Reports of all other types, and those that their own reading does not fit: what looks like a location is one.

    +RESP:GTSTT,060228,862894020178276,,21,0,0.0,0,411.3,-63.169745,-17.776330,20160319132220,0736,0003,6AD4,5BAA,00,
        20160319092223,1FBD
"""

from __future__ import annotations

import re

from plugins.wire.gl200.reports import set_sent, strict
from trackd.wire import names
from trackd.wire.format import Session
from trackd.wire.text import hex_integer, integer, number
from trackd.wire.units import kmh
from trackd.wire.values import CellTower, Network, Position, WireError

STATE = 5  # which field
FIRST = 3  # the field from which on there may be a location
state_of = re.compile(r"[0-9a-fA-F]{1,2}").fullmatch
level_of = re.compile(r"\d{1,3}", re.ASCII).fullmatch
# Fields next to each other, each with the comma before it: degrees with a field behind them, a cell.
PLACE = re.compile(r",-?\d{1,3}\.\d{6},-?\d{1,3}\.\d{6}(?=,)", re.ASCII)
CELL = re.compile(r",(\d{4}),(\d{4}),([\da-fA-F]{4}),([\da-fA-F]{4,8})(?![^,])", re.ASCII)

ALARMS = {
    "SOS": names.ALARM_SOS,
    "SPD": names.ALARM_OVERSPEED,
    "TOW": names.ALARM_TOW,
    "IDL": names.ALARM_IDLE,
    "PNA": names.ALARM_POWER_ON,
    "PFA": names.ALARM_POWER_OFF,
    "EPN": names.ALARM_POWER_RESTORED,
    "MPN": names.ALARM_POWER_RESTORED,
    "EPF": names.ALARM_POWER_CUT,
    "MPF": names.ALARM_POWER_CUT,
    "BPL": names.ALARM_LOW_BATTERY,
    "STT": names.ALARM_MOVEMENT,
    "SWG": names.ALARM_GEOFENCE,
    "TMP": names.ALARM_TEMPERATURE,
    "TEM": names.ALARM_TEMPERATURE,
    "JDR": names.ALARM_JAMMING,
    "JDS": names.ALARM_JAMMING,
}
BEHAVIOUR = {
    0: names.ALARM_BRAKING,
    1: names.ALARM_ACCELERATION,
    2: names.ALARM_CORNERING,
    3: names.ALARM_BRAKING,
    4: names.ALARM_ACCELERATION,
}


def generic(kind: str, values: list[str], session: Session) -> list[Position]:
    """The report, if there is anything in it."""
    position = Position()
    if state_of(values[STATE]):
        set_state(position, kind, int(values[STATE], 16))
    line = listed(values, FIRST)
    found = PLACE.search(line)
    if found is not None:
        place = FIRST + line.count(",", 0, found.start())
        set_place(position, values, place)
        set_cell(position, listed(values, place + 3))
    else:
        position.outdated = True
        set_cell(position, listed(values, 2))
    if len(values[-2]) == 14:
        set_sent(position, strict(values[-2]), session)
        if found is not None and level_of(values[-3]):
            position.set(names.BATTERY_LEVEL, integer(values[-3]))
    position.add_alarm(ALARMS.get(kind))
    return [position] if position.attributes or position.network is not None else []


def set_state(position: Position, kind: str, state: int) -> None:
    """What the field in front of the location means on some types."""
    high, low = divmod(state, 16)
    match kind:
        case "NMR":
            position.set(names.MOTION, state == 1)
        case "DIS":
            position.set(f"{names.IN}{high}", low == 1)
        case "IGL":
            position.set(names.IGNITION, low == 1)
        case "HBM":
            position.add_alarm(BEHAVIOUR.get(low))


def set_place(position: Position, values: list[str], at: int) -> None:
    """The location whose longitude is at `at`."""
    if at < 4:
        raise WireError("a location without what stands before it")
    position.set(names.HDOP, integer(values[at - 4]))
    position.speed = kmh(number(values[at - 3]))
    position.course = float(integer(values[at - 2]))
    position.altitude = number(values[at - 1])
    position.valid = True
    position.longitude, position.latitude = number(values[at]), number(values[at + 1])
    position.device_time = position.fix_time = strict(values[at + 2])


def listed(values: list[str], at: int) -> str:
    """The fields from there on, each with the comma before it."""
    return ",".join(["", *values[at:]])


def set_cell(position: Position, line: str) -> None:
    """The first four fields that look like a cell."""
    if (found := CELL.search(line)) is not None:
        mcc, mnc, lac, cid = found.groups()
        position.network = Network([CellTower(int(mcc), int(mnc), hex_integer(lac), hex_integer(cid))])
