"""
TK103: text in brackets, from TK103 and TK103B by many makers, personal and asset trackers, boxes of batteries.

    (088047365460BR00151024A2555.3531S02855.3329E004.7055148276.1701000000L00009AA3)
    (352606090042050,BP05,240414,A,4527.3513N,00909.9758E,4.80,112825,155.49)

The compact form has an id of 12 digits and dates from the year on, the form with commas any id and dates from the day
on. Other messages are told by a word anywhere in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any

from trackd.wire import commands, names
from trackd.wire.coordinates import ddmm_text
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.framing import LIMIT
from trackd.wire.text import from_hex, hex_integer, hex_long, integer, number, shown, split_at, utf8
from trackd.wire.times import digits
from trackd.wire.units import speed as knots
from trackd.wire.values import (
    CellTower,
    Command,
    Login,
    Network,
    Output,
    Position,
    Reply,
    Unsupported,
    WifiAccessPoint,
    WireError,
)

FRAME = re.compile(rb"\([^$)]*+(?:\$[^$]*+\$[^$)]*+)*+\)")  # a bracket between two $ is text


def split(buffer: bytes, start: int) -> tuple[bytes | None, int] | None:
    """From a bracket to the one that closes it; what stands before, and what never ends, is thrown away."""
    first = buffer.find(b"(", start)
    if first < 0:
        return None, len(buffer)
    if frame := FRAME.match(buffer, first):
        return frame[0], frame.end()
    if len(buffer) - first > LIMIT:
        later = buffer.find(b"(", max(first + 1, len(buffer) - LIMIT))
        return None, later if later >= 0 else len(buffer)
    return (None, first) if first > start else None


HEAD = 17  # characters: bracket, id and type of the compact form


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    text = utf8(frame)
    if len(text) < HEAD:
        raise WireError(f"a message of {len(text)} characters")
    id, kind = text[1:13], text[13:HEAD]
    if kind == "BP00":
        yield Reply(f"({id}AP01HSO)".encode())
        return
    if kind == "BP05":
        yield Reply(f"({id}AP05)".encode())
    if text.find("{") > 0 and text.find("}") > 0:
        yield from cells(text, session)
    else:
        yield from next((message for word, message in MESSAGES if word in text), location)(text, session)


# What the types mean; of three series one is without a place, one with a fix, one with cells.
ALARMS = {
    **dict.fromkeys(("ZC11", "DW31", "DW51"), names.ALARM_MOVEMENT),
    **dict.fromkeys(("ZC12", "DW32", "DW52"), names.ALARM_LOW_BATTERY),
    **dict.fromkeys(("ZC13", "DW33", "DW53"), names.ALARM_POWER_CUT),
    **dict.fromkeys(("ZC17", "DW37", "DW57"), names.ALARM_REMOVING),
    **dict.fromkeys(("ZC25", "DW3E", "DW5E"), names.ALARM_SOS),
    **dict.fromkeys(("ZC26", "DW3F", "DW5F"), names.ALARM_TAMPERING),
    **dict.fromkeys(("ZC27", "DW40", "DW60"), names.ALARM_LOW_POWER),
}
IGNITION = {
    **dict.fromkeys(("ZC15", "DW35", "DW55", "ZC29", "DW42", "DW62"), True),
    **dict.fromkeys(("ZC16", "DW36", "DW56"), False),
}
# Types that are alarms by their data.
BO01 = {
    "1": names.ALARM_ACCIDENT,
    "2": names.ALARM_SOS,
    "3": names.ALARM_VIBRATION,
    "4": names.ALARM_LOW_SPEED,
    "5": names.ALARM_OVERSPEED,
    "6": names.ALARM_GEOFENCE_EXIT,
}
BQ81 = {
    0: names.ALARM_LOW_BATTERY,
    1: names.ALARM_OVERSPEED,
    2: names.ALARM_IDLE,
    3: names.ALARM_ACCELERATION,
    4: names.ALARM_BRAKING,
    5: names.ALARM_TEMPERATURE,
}


def set_meaning(position: Position, kind: str, data: str = "") -> None:
    if kind == "BO01":
        position.add_alarm(BO01.get(data[0]))
    elif kind == "BQ81":
        position.add_alarm(BQ81.get(integer(data)))
    else:
        position.add_alarm(ALARMS.get(kind))
        position.set(names.IGNITION, IGNITION.get(kind))


COMPACT, WITH_COMMAS = digits("yyMMddHHmmss"), digits("ddMMyyHHmmss")

# All commas after the id are optional.
LOCATION = re.compile(
    r"""
    \(? (?: (.{12}) | ([^,]+), )                                          # id of 12 characters, or any
    (.{4}),?                                                              # type
    (?: (\d*) | ,ALARM,(\d),\d+, )                                        # data of it
    (\d{6}),?([AV]),?                                                     # date, validity
    [ ]*(\d\d+\.\d+)([NS]),?                                              # latitude
    [ ]*(\d\d+\.\d+)([EW]),?                                              # longitude
    ([\d .]{1,5}) (?: \d*, )?                                             # speed, its further decimals
    (\d{6}),?                                                             # time
    (?:
        ([\d .]{6} | \d\d),?([01])([01])([0-9a-fA-F]{3})                  # course, power, ignition, sensors
        ([0-9a-fA-F]{3})L([0-9a-fA-F]+)                                   # fuel, odometer
    |
        (\d+\.\d+)                                                        # course
    )?
    .*
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
INPUTS = ((f"{names.IN}2", 0x100), ("panic", 0x200), (f"{names.OUT}2", 0x400))
# These are told only when they are on, unless the configuration wants them always.
SENSORS = (
    (names.BLOCKED, 0x800),
    ("hs3", 0x010),
    ("hs2", 0x020),
    ("hs1", 0x040),
    (names.DOOR, 0x080),
    ("ls3", 0x002),
    ("ls2", 0x004),
    ("ls1", 0x008),
)


def location(text: str, session: Session) -> Iterator[Output]:
    found = LOCATION.fullmatch(text)
    if found is None:
        return
    id, any_id, kind, plain, numbered, date, validity, *rest = found.groups()
    latitude, north, longitude, east, speed, time, *rest = rest
    course, power, ignition, sensors, fuel, odometer, course_alone = rest
    yield Login.of(id or any_id)
    position = Position.at(
        (COMPACT if id else WITH_COMMAS)(date + time),
        valid=validity == "A",
        latitude=ddmm_text(latitude, north),
        longitude=ddmm_text(longitude, east),
        speed=knots(number(speed), session.setting("speed", "kmh")),
    )
    set_meaning(position, kind, plain or numbered or "")
    if course_alone:
        position.course = number(course_alone)
    elif course:
        position.course = number(course)
        position.set(names.CHARGE, power == "0")
        position.set(names.IGNITION, ignition == "1")
        set_sensors(position, int(sensors, 16), session)
        position.set(names.FUEL, int(fuel, 16))
        position.set(names.ODOMETER, hex_long(odometer))
    yield position


def set_sensors(position: Position, sensors: int, session: Session) -> None:
    for name, mask in INPUTS:
        position.set(name, int(sensors & mask != 0))
    low = session.setting("decodeLow", False)
    for name, mask in SENSORS:
        if low or sensors & mask:
            position.set(name, int(sensors & mask != 0))


CELLS = re.compile(r"\((\d{12}).{4}(?:\d{15})?,(.*),(\d{8})\)", re.DOTALL | re.ASCII)


def cells(text: str, session: Session) -> Iterator[Output]:
    """Cells in braces, one on each line; the digits of the odometer are hex."""
    found = CELLS.fullmatch(text)
    if found is None:
        return
    id, lines, odometer = found.groups()
    yield Login.of(id)
    position = Position.last()
    position.network = network = Network()
    for line in split_at(lines, "\n"):
        mcc, mnc, lac, cid = map(integer, line[1:-1].split(",", 4)[:4])
        network.add(CellTower(mcc, mnc, lac, cid))
    position.set(names.ODOMETER, hex_long(odometer))
    yield position


BATTERY = re.compile(r"\(?(\d+),ZC20,(\d{6}),(\d{6}),(\d+),(\d+),(\d+),\d.*", re.DOTALL | re.ASCII)
LEVELS = {6: 100, 5: 80, 4: 50, 3: 20, 2: 10}
ABSENT = 65535


def battery(text: str, session: Session) -> Iterator[Output]:
    """ZC20."""
    found = BATTERY.fullmatch(text)
    if found is None:
        return
    id, date, time, level, *voltages = found.groups()
    yield Login.of(id)
    position = Position.last(WITH_COMMAS(date + time))
    position.set(names.BATTERY_LEVEL, LEVELS.get(integer(level)))
    inner, outer = map(integer, voltages)
    position.set(names.BATTERY, inner / 100 if inner != ABSENT else None)
    position.set(names.POWER, outer / 10 if outer != ABSENT else None)
    yield position


NETWORK = re.compile(r"\(?(\d{12})BZ00,(\d+),(\d+),([0-9a-fA-F]+),([0-9a-fA-F]+),.*", re.DOTALL | re.ASCII)


def network(text: str, session: Session) -> Iterator[Output]:
    """BZ00: the cell in use; its neighbours are not read."""
    found = NETWORK.fullmatch(text)
    if found is None:
        return
    id, mcc, mnc, lac, cid = found.groups()
    yield Login.of(id)
    position = Position.last()
    position.network = Network([CellTower(integer(mcc), integer(mnc), hex_integer(lac), hex_integer(cid))])
    yield position


RESULT = re.compile(r"\(?(\d+),.{4},(\d{6}),(\d{6}),\$([^$]*).*", re.DOTALL | re.ASCII)


def result(text: str, session: Session) -> Iterator[Output]:
    """ZC03: the answer to a command."""
    found = RESULT.fullmatch(text)
    if found is None:
        return
    id, date, time, words = found.groups()
    yield Login.of(id)
    position = Position.last(WITH_COMMAS(date + time))
    position.set(names.RESULT, words)
    yield position


SURROUNDINGS = re.compile(
    r"""
    \(? (\d+),(.{4}),                                                     # id, type
    (\d+),(\d+),(\d+),(\d+),(\d+),                                        # cell, number of access points
    ((?: (?: [0-9a-fA-F]{2}: ){5} [0-9a-fA-F]{2} \* [-+]?\d+ \* \d+, )*)  # MAC, signal and channel of each
    (\d{6}),(\d{6}).*                                                     # date, time
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


def surroundings(text: str, session: Session) -> Iterator[Output]:
    """DW5x: the cell in use and access points, these only if they are as many as is said."""
    found = SURROUNDINGS.fullmatch(text)
    if found is None:
        return
    id, kind, *cell, count, points, date, time = found.groups()
    yield Login.of(id)
    position = Position.last(WITH_COMMAS(date + time))
    position.fix_time = position.device_time  # until that of the last location takes its place
    set_meaning(position, kind)
    mcc, mnc, lac, cid = map(integer, cell)
    position.network = network = Network([CellTower(mcc, mnc, lac, cid)])
    items = split_at(points, ",") if points else []
    if len(items) == integer(count):
        for item in items:
            mac, signal, channel = item.split("*")
            network.add(WifiAccessPoint(mac, integer(signal), integer(channel)))
    yield position


VEHICLE = re.compile(r"\((\d+)BV00(.{17})\)", re.DOTALL | re.ASCII)


def vehicle(text: str, session: Session) -> Iterator[Output]:
    """BV00: the number of the vehicle."""
    found = VEHICLE.fullmatch(text)
    if found is None:
        return
    id, number = found.groups()
    yield Login.of(id)
    position = Position.last()
    position.set(names.VIN, number)
    yield position


def batteries(text: str, session: Session) -> Iterator[Output]:
    """BS50 and BS51: what manages batteries."""
    yield Login.of(text[1:13])
    position = Position.last()
    if text[13:HEAD] == "BS50":
        set_state(position, from_hex(text[HEAD:-1]))
    else:
        for item in split_at(text[HEAD:-1], ","):
            key, data = split_at(item, ":")[:2]
            set_group(position, hex_integer(key), from_hex(data))
    yield position


# Number of cells, their voltages; charge, current, voltage, level, overheat, two protections; cycles, fault; number of
# temperatures, those of power and of balancing, the temperatures; two capacities
STATE = Struct("<3xB24HBHHBBBB2xHB6xBBB7BHI")
GROUP_90, GROUP_91, GROUP_92 = Struct("<4H"), Struct("<HBHB"), Struct("<4B")


def set_state(position: Position, data: bytes) -> None:
    count, *values = STATE.unpack_from(data)
    for place, voltage in enumerate(values[: min(count, 24)], 1):
        position.set(f"{names.BATTERY}{place}", voltage / 1000)
    charge, current, voltage, level, overheat, charging, discharging, cycles, fault, *values = values[24:]
    position.attributes |= {
        names.CHARGE: charge == 0,
        "current": current / 10,
        names.BATTERY: voltage / 100,
        names.BATTERY_LEVEL: level,
        "batteryOverheat": overheat > 0,
        "chargeProtection": charging > 0,
        "dischargeProtection": discharging > 0,
        "cycles": cycles,
        "faultAlarm": fault,
    }
    count, power, equilibrium, *temperatures, calibration, discharge = values
    position.set("powerTemp", power - 40)
    position.set("equilibriumTemp", equilibrium - 40)
    for place, temperature in enumerate(temperatures[:count], 1):
        position.set(f"batteryTemp{place}", temperature - 40)
    position.set("calibrationCapacity", calibration / 100)
    position.set("dischargeCapacity", discharge)


def set_group(position: Position, key: int, data: bytes) -> None:
    """A group of values of BS51. Devices seem to write them the other way round; clients know them as they are here."""
    if key == 0x90:
        cumulative, gathered, current, charge = GROUP_90.unpack_from(data)
        position.set("cumulativeVoltage", cumulative / 10)
        position.set("gatherVoltage", gathered / 10)
        position.set("current", (current - 30000) / 10)
        position.set("soc", charge / 10)
    elif key == 0x91:
        most, most_count, least, least_count = GROUP_91.unpack_from(data)
        position.set("maxCellVoltage", most / 1000)
        position.set("maxCellVoltageCount", most_count)
        position.set("minCellVoltage", least / 1000)
        position.set("minCellVoltageCount", least_count)
    elif key == 0x92:
        most, most_count, least, least_count = GROUP_92.unpack_from(data)
        position.set("maxTemp", most - 40)
        position.set("maxTempCount", most_count)
        position.set("minTemp", least - 40)
        position.set("minTempCount", least_count)
    elif key == 0x96:
        _, *temperatures = data  # the first is the number of the frame
        for place, temperature in enumerate(temperatures, 1):
            position.set(f"cellTemp{place}", temperature - 40)


MESSAGES: tuple[tuple[str, Callable[[str, Session], Iterator[Output]]], ...] = (
    ("ZC20", battery),
    ("BZ00", network),
    ("ZC03", result),
    ("DW5", surroundings),
    ("BV00", vehicle),
    ("BS50", batteries),
    ("BS51", batteries),
)

COMMANDS = {
    "custom": "({uniqueId}{data})",
    "getVersion": "({uniqueId}AP07)",
    "rebootDevice": "({uniqueId}AT00)",
    "setOdometer": "({uniqueId}AX01)",
    "positionSingle": "({uniqueId}AP00)",
    "positionPeriodic": "({uniqueId}AR00{frequency}0000)",
    "positionStop": "({uniqueId}AR0000000000)",
    "engineStop": "({uniqueId}AV010)",
    "engineResume": "({uniqueId}AV011)",
    "outputControl": "({uniqueId}AV00{data})",
}
# The other dialect; of two texts the first is for `enable`.
ALTERNATIVE: dict[str, tuple[str, ...]] = {
    "custom": ("{data}",),
    "getVersion": ("*about*",),
    "rebootDevice": ("88888888",),
    "positionSingle": ("*getposl*",),
    "positionPeriodic": ("*routetrack*99*",),
    "positionStop": ("*routetrackoff*",),
    "powerOff": ("*turnoff*",),
    "getDeviceStatus": ("*status*",),
    "deviceIdentification": ("999999",),
    "modeDeepSleep": ("*sleep*2*", "*sleepoff*"),
    "modePowerSaving": ("*sleepv*", "*sleepoff*"),
    "alarmSos": ("*soson*", "*sosoff*"),
    "setConnection": ("*setip*{server}*{port}*",),
    "sosNumber": ("*master*{devicePassword}*{phone}*",),
}
LONGEST = 0xFFFF  # s: an interval has four hex digits


def encode(command: Command, session: Session) -> bytes:
    try:
        template = spelled(command) if session.setting("alternative", False) else COMMANDS[command.type]
    except KeyError:
        raise Unsupported(f"{command.type} in the dialect of this device") from None
    return commands.fill(template, command, session, "123456", written).encode("utf-8", "replace")


def spelled(command: Command) -> str:
    """The command in the other dialect."""
    on, *off = ALTERNATIVE[command.type]
    text = off[0] if off and not commands.flag(command, "enable") else on
    return f"[begin]sms2,{text},[end]"


def written(name: str, value: Any) -> str | None:
    """A value as these commands write it."""
    if name == "frequency":
        seconds = int(value or 0)
        if not 0 <= seconds <= LONGEST:
            raise Unsupported(f"an interval of {seconds} s")
        return f"{seconds:04X}"
    return shown(value).replace(".", "*") if name == "server" else None


tk103 = WireFormat(
    "tk103",
    port=5002,
    udp=True,
    split=split,
    decode=decode,
    text=True,
    commands=tuple(COMMANDS | ALTERNATIVE),
    encode=encode,
    keys=(
        Key("decodeLow", bool, False, "Sensors that are off are told too, as 0."),
        Key("speed", str, "kmh", "Unit of the speed: kmh, mps or mph; anything else is knots."),
        Key("alternative", bool, False, "Commands are those of the other dialect, `[begin]sms2,…`."),
        Key("devicePassword", str, "123456", "Password for commands."),
    ),
)
