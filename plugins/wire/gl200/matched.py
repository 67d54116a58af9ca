"""
Reports of some types that are matched as a whole.

    +RESP:GTLSW,1A0100,135790246811220,,0,1,0,4.3,92,70.0,121.354335,31.222073,20090214013254,0460,0000,18d8,6141,00,
        20100214093254,11F0
"""

from __future__ import annotations

import re
from collections.abc import Callable

from plugins.wire.gl200.points import POINT, access_points, points
from plugins.wire.gl200.reports import rolling, set_sent
from trackd.wire import names
from trackd.wire.binary import bit, cut, int32
from trackd.wire.format import Session
from trackd.wire.text import from_hex, hex_integer, integer, integer_or_none, latin, number, split_at
from trackd.wire.values import CellTower, Network, Position

Reader = Callable[[re.Match[bytes], Session], list[Position]]

ID = rb"(?:.{6}|.{10})?,(?P<id>\d{15}|[0-9a-fA-F]{14}),"  # version, id
HEAD = ID + rb"[^,]*,"  # and the name of the device
END = rb"(\d{14})?,[0-9a-fA-F]{4}\$?"  # time of sending, count
UNSENT = rb".*,[0-9a-fA-F]{4}\$?"  # anything that may be there, the time of sending with it
PLACE = rb"(" + POINT + rb")"


def shape(*parts: bytes) -> re.Pattern[bytes]:
    return re.compile(b"".join(parts), re.VERBOSE | re.DOTALL)


def located(place: bytes, sent: bytes | None, session: Session) -> Position:
    """The report of one point, and of the time at which it was sent, if that is there."""
    (position,) = points(place)
    if sent:
        set_sent(position, rolling(sent), session)
    return position


VERSION = shape(
    rb"\+(?:RESP|BUFF):GTVER,",
    HEAD,
    rb"([^,]*),([0-9a-fA-F]{4}),([0-9a-fA-F]{4}),",  # type of the device, firmware, hardware
    rb"(\d{14}),[0-9a-fA-F]{4}\$?",
)


def version(found: re.Match[bytes], session: Session) -> list[Position]:
    _, kind, firmware, hardware, sent = found.groups()
    position = Position.last(rolling(sent))
    position.set("deviceType", latin(kind))
    position.set(names.VERSION_FW, int(firmware, 16))
    position.set(names.VERSION_HW, int(hardware, 16))
    return [position]


DIAGNOSIS = shape(
    rb"\+RESP:GTOBD,",
    ID,
    rb"""
    (?: [0-9A-Z]{17} )?,[^,]{0,20},                                  # VIN, name
    [01],[0-9a-fA-F]{1,8},(?: [0-9A-Z]{17} )?,[01],                  # report type, mask, VIN, whether connected
    (?: \d{1,5} )?,(?: [0-9a-fA-F]{8} )?,                            # supply, parameters that are supported
    (\d{1,5})?,(\d{1,3})?,(-?\d{1,3})?,                              # rpm, speed, temperature of the coolant
    (\d+(?:\.\d*)?|Inf|NaN)?,                                        # fuel consumption
    (\d{1,5})?,(?: \d{1,5} )?,                                       # distance since codes were cleared, and with the lamp
    ([01])?,(\d{1,3})?,([0-9a-fA-F]*),                               # lamp, trouble codes
    (\d{1,3})?,(?: \d{1,3} )?,(\d{1,3})?,                            # throttle, load, fuel
    (?: [0-9A], )?(\d+),                                             # protocol, odometer
    """,
    PLACE,
    rb"(\d{1,7}\.\d)?,",
    END,
)


def diagnosis(found: re.Match[bytes], session: Session) -> list[Position]:
    """OBD."""
    _, rpm, speed, coolant, consumption, cleared, lamp, count, codes, throttle, fuel, *rest = found.groups()
    kilometres, place, odometer, sent = rest
    position = located(place, sent, session)
    position.set(names.RPM, integer_or_none(rpm))
    position.set(names.OBD_SPEED, integer_or_none(speed))
    position.set(f"{names.TEMP}1", integer_or_none(coolant))
    position.set(names.FUEL_CONSUMPTION, latin(consumption or b""))
    position.set("dtcsClearedDistance", integer_or_none(cleared))
    if lamp:
        position.set("odbConnect", lamp == b"1")
    position.set("dtcsNumber", integer_or_none(count))
    position.set("dtcsCodes", latin(codes))
    position.set(names.THROTTLE, integer_or_none(throttle))
    position.set(names.FUEL, integer_or_none(fuel))
    position.set(names.OBD_ODOMETER, int32(integer(kilometres) * 1000))
    if odometer:
        position.set(names.OBD_ODOMETER, cut(number(odometer) * 1000))
    return [position]


SWITCH = shape(rb"\+RESP:GT([LT])SW,", HEAD, rb"[01],([01]),", PLACE, END)


def switch(found: re.Match[bytes], session: Session) -> list[Position]:
    """LSW, TSW: the light switch is the first input, the other the second."""
    which, _, state, place, sent = found.groups()
    position = located(place, sent, session)
    position.set(f"{names.IN}{1 if which == b'L' else 2}", state == b"1")
    return [position]


DRIVER = shape(rb"\+RESP:GTIDA,", HEAD, rb",([^,]+),[01],1,", PLACE, rb"(\d+\.\d),,,,,", END)


def driver(found: re.Match[bytes], session: Session) -> list[Position]:
    _, card, place, odometer, sent = found.groups()
    position = located(place, sent, session)
    position.set(names.DRIVER_UNIQUE_ID, latin(card))
    position.set(names.ODOMETER, number(odometer) * 1000)
    return [position]


WIFI = shape(rb"\+RESP:GTWIF,", HEAD, rb"\d+,((?:[0-9a-fA-F]{12},-?\d+,,,,)+),,,,(\d{1,3}),", END)


def wifi(found: re.Match[bytes], session: Session) -> list[Position]:
    _, heard, level, _ = found.groups()
    position = Position.last()
    position.network = access_points(heard)
    position.set(names.BATTERY_LEVEL, integer(level))
    return [position]


CELLS = shape(rb"\+RESP:GTGSM,", ID, rb"(?:STR|CTN|NMR|RTL),(.*),", END)


def cells(found: re.Match[bytes], session: Session) -> list[Position]:
    """GSM: the cells around, without the one that serves."""
    values = split_at(latin(found[2]), ",")
    network = Network()
    for start in range(0, 36, 6):
        if values[start]:
            mcc, mnc, lac, cid, signal = values[start : start + 5]
            network.add(CellTower(integer(mcc), integer(mnc), hex_integer(lac), hex_integer(cid), integer(signal)))
    position = Position.last()
    position.network = network
    return [position]


POWER = shape(rb"\+RESP:GTP([NF])A,", HEAD, END)


def power(found: re.Match[bytes], session: Session) -> list[Position]:
    """PNA, PFA."""
    position = Position.last()
    position.add_alarm(names.ALARM_POWER_ON if found[1] == b"N" else names.ALARM_POWER_OFF)
    return [position]


ASSISTANCE = shape(rb"\+RESP:GTDAR,", HEAD, rb"(\d),(\d{1,2}),,,", PLACE, UNSENT)
FATIGUE = 1


def assistance(found: re.Match[bytes], session: Session) -> list[Position]:
    _, warning, fatigue, place = found.groups()
    (position,) = points(place)
    if integer(warning) == FATIGUE:
        position.add_alarm(names.ALARM_FATIGUE_DRIVING)
        position.set("fatigueDegree", integer(fatigue))
    else:
        position.set("warningType", integer(warning))
    return [position]


SERIAL = shape(rb"\+RESP:GTDTT,", HEAD, rb",,\d,\d+,([0-9a-fA-F]+),", END)


def serial(found: re.Match[bytes], session: Session) -> list[Position]:
    """DTT: a text in hex; that of a fuel sensor is taken apart."""
    _, data, sent = found.groups()
    text = latin(from_hex(data))
    position = Position.last(rolling(sent) if sent else None)
    if "COMB" in text:
        position.set(names.FUEL, number(split_at(text, ",")[2]))
    else:
        position.set(names.RESULT, text)
    return [position]


ACCESSORY = shape(
    rb"\+RESP:GTBAA,",
    HEAD,
    rb"[0-9a-fA-F]+,\d,\d,[0-9a-fA-F]+,",  # index, type, model, alarm
    rb"([0-9a-fA-F]{4}),((?:[^,]+,){0,6})",  # mask, fields
    PLACE,
    UNSENT,
)
BEACON = shape(rb"\+RESP:GTBID,", HEAD, rb"\d,\d,([0-9a-fA-F]{4}),((?:[^,]+,){0,2})", PLACE, UNSENT)


def volts(text: str) -> float:
    return integer(text) / 1000


# By the bits of the mask.
Meanings = dict[int, tuple[str, Callable[[str], object]]]
ACCESSORY_FIELDS: Meanings = {
    0: ("accessoryName", str),
    1: ("accessoryMac", str),
    2: ("accessoryStatus", integer),
    3: ("accessoryVoltage", volts),
    4: ("accessoryTemp", integer),
    5: ("accessoryHumidity", integer),
}
BEACON_FIELDS = {place: ACCESSORY_FIELDS[place] for place in (1, 3)}


def accessory(found: re.Match[bytes], session: Session) -> list[Position]:
    """BAA: an alarm of a Bluetooth accessory."""
    return masked(found, ACCESSORY_FIELDS)


def beacon(found: re.Match[bytes], session: Session) -> list[Position]:
    """BID: a beacon's identity."""
    return masked(found, BEACON_FIELDS)


def masked(found: re.Match[bytes], meanings: Meanings) -> list[Position]:
    _, mask, told, point = found.groups()
    (position,) = points(point)
    there = [meaning for place, meaning in meanings.items() if bit(int(mask, 16), place)]
    values = split_at(latin(told), ",")
    for index, (name, convert) in enumerate(there):
        position.set(name, convert(values[index]))
    return [position]


LIGHT = shape(
    rb"\+RESP:GTLSA,",
    HEAD,
    rb"\d,\d,\d+,",
    PLACE,
    rb"\d+,(\d),(\d+),[01],[01]?,(-?\d+\.\d)?,",  # bit errors, light, battery, temperature
    END,
)


def light(found: re.Match[bytes], session: Session) -> list[Position]:
    """LSA: the light sensor."""
    _, place, level, battery, temperature, sent = found.groups()
    position = located(place, sent, session)
    position.set("lightLevel", integer(level))
    position.set(names.BATTERY_LEVEL, integer(battery))
    if temperature:
        position.set(f"{names.TEMP}1", number(temperature))
    return [position]


TYPES: dict[str, tuple[re.Pattern[bytes], Reader]] = {
    "VER": (VERSION, version),
    "OBD": (DIAGNOSIS, diagnosis),
    "LSW": (SWITCH, switch),
    "TSW": (SWITCH, switch),
    "IDA": (DRIVER, driver),
    "WIF": (WIFI, wifi),
    "GSM": (CELLS, cells),
    "PNA": (POWER, power),
    "PFA": (POWER, power),
    "DAR": (ASSISTANCE, assistance),
    "DTT": (SERIAL, serial),
    "BAA": (ACCESSORY, accessory),
    "BID": (BEACON, beacon),
    "LSA": (LIGHT, light),
}
