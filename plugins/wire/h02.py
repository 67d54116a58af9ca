"""
H02: text and binary on one port, from SinoTrack, LKGPS, TK-Star, Winnes and many trackers and watches without a name.

    *HQ,2020916012,V1,050316,A,2212.8745,N,11346.6574,E,14.28,028,220902,FFFFFBFF#
    24 2020916012 050316 220902 22128745 06 113466574c 014028 fffffbff 0000

Text has the maker's code, the id and a type; all types with a V are locations. The status is a word of 32 bits, most
of which are 0 when something is the matter. A binary frame has one of two lengths, or the configured one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import Struct

from trackd.wire import commands, names
from trackd.wire.binary import bit, nibbles, part
from trackd.wire.coordinates import ddmm_text, degrees_minutes
from trackd.wire.format import Key, Session, Split, WireFormat
from trackd.wire.framing import by_start, fixed, marked, skip_to
from trackd.wire.text import hex_integer, integer, latin, number, number_or_zero, split_at, trimmed, trimmed_bytes
from trackd.wire.times import digits, from_bcd
from trackd.wire.values import CellTower, Command, Login, Network, Output, Position, Reply, Unsupported

SHORT, LONG = 32, 45  # bytes of a binary frame


def splitter(session: Session) -> Split:
    """Binary frames of a connection have one length. Unless it is configured, the first read tells it."""
    length = 0

    def binary(buffer: bytes, start: int) -> tuple[bytes, int] | None:
        nonlocal length
        if not length:
            length = session.setting("messageLength", 0) or (LONG if len(buffer) - start == LONG else SHORT)
        end = start + length
        return (buffer[start:end], end) if end <= len(buffer) else None

    return by_start({b"*": marked(b"#"), b"$": binary, b"X": fixed(SHORT)}, skip_to(b"*$X"))


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    if frame.startswith(b"$"):
        yield from binary(frame, session)
    elif frame.startswith(b"*"):
        yield from sentence(trimmed_bytes(frame), session)


# Status: what is 0 when it happens, the first that applies.
ALARMS = (
    (1 << 0, names.ALARM_VIBRATION),
    (1 << 1 | 1 << 18, names.ALARM_SOS),
    (1 << 2, names.ALARM_OVERSPEED),
    (1 << 19, names.ALARM_POWER_CUT),
)
IGNITION = 10  # the bit of it


def set_status(position: Position, status: int) -> None:
    position.add_alarm(next((alarm for mask, alarm in ALARMS if status & mask != mask), None))
    position.set(names.IGNITION, bit(status, IGNITION))
    position.set(names.STATUS, status)


def acknowledged(id: str, session: Session) -> Iterator[Reply]:
    """The answer that most reports get only if the configuration or the device wants it."""
    if session.setting("ack", False):
        yield Reply(f"*HQ,{id},R12,{session.now:%H%M%S}#".encode())


def answered(id: str, kind: str, session: Session) -> Reply:
    """The answer that some reports always get."""
    return Reply(f"*HQ,{id},V4,{kind},{session.now:%Y%m%d%H%M%S}#".encode())


# Binary

BINARY = Struct(">3s3s4sB5s3sI")  # time, date, latitude, battery, longitude and flags, speed and course, status
WIDE = 42  # bytes of the frame whose id has 15 digits, not 10

# Battery, in percent, by its code.
LEVELS = {1: 0, 2: 10, 3: 20, 4: 60, 5: 80, 6: 100}
LEVELS |= {code: code for code in range(7, 101)} | {0xF0 | level: level for level in range(1, 7)}


def binary(frame: bytes, session: Session) -> Iterator[Output]:
    size = 8 if len(frame) == WIDE else 5
    id = part(frame, 1, size).hex()[:15]
    yield Login.of(id)
    time, date, latitude, battery, longitude, movement, status = BINARY.unpack_from(frame, 1 + size)
    flags = longitude[4]
    north, east = packed_degrees(latitude.hex()), packed_degrees(longitude.hex()[:9])
    motion = movement.hex()
    position = Position.at(
        from_bcd(date[::-1] + time),
        valid=bit(flags, 1),
        latitude=north if bit(flags, 2) else -north,
        longitude=east if bit(flags, 3) else -east,
        speed=float(nibbles(motion[:3])),
        course=float(nibbles(motion[3:])),
    )
    position.set(names.BATTERY_LEVEL, LEVELS.get(battery))
    set_status(position, status)
    yield position
    yield from acknowledged(id, session)


def packed_degrees(text: str) -> float:
    """Packed degrees, minutes, and four decimals of these."""
    return nibbles(text[:-6]) + nibbles(text[-6:]) / 10_000 / 60


# Text

MOMENT = digits("ddMMyyHHmmss")


def sentence(text: bytes, session: Session) -> Iterator[Output]:
    """The type stands after the second comma; heartbeats come back, whoever sends them."""
    head = text.split(b",", 3)
    if len(head) == 3:
        head[2], end, _ = head[2].partition(b"#")
        if not end:
            return
    elif len(head) < 3:
        return
    kind = head[2]
    if kind in ECHOED:
        yield Reply(latin(b",".join(head[:3]) + b"#").encode())
    yield from SENTENCES.get(kind, location)(text, session)


LOCATION = re.compile(
    rb"""
    \*..,(\d*),                                                           # maker, id
    (?: V4,(.*) | (V[^,]*) ),                                             # answer to a command, or type
    (\d{6})?,([ABV]?|\d+),                                                # time, validity or coding scheme
    (-\d+-\d+\.\d+ | \d\d+\.\d+ | \d{7,}),([NS]),                         # latitude
    (-\d+-\d+\.\d+ | \d\d+\.\d+ | \d{7,}),([EW]),                         # longitude
    [ ]*(\d+(?:\.\d*)?),(\d+(?:\.\d*)?)?,                                 # speed, course
    (?: \d+, )?                                                           # battery
    (\d{6})?                                                              # date
    (?: ,[^,]*,[^,]*,[^,]* )?                                             # phone, server, ICCID
    (?: ,([0-9a-fA-F]{8}) (?: ,(.*) )? )?                                 # status, the maker's own
    \#
    """,
    re.VERBOSE | re.DOTALL,
)
# The maker's own, where it is understood: odometer, temperature, fuel, altitude, cell
EXTRA = re.compile(rb"(\d+),(-?\d+),(\d+\.\d+),(-?\d+),([0-9a-fA-F]+),([0-9a-fA-F]+)")


def location(text: bytes, session: Session) -> Iterator[Output]:
    """V1 and every other V."""
    found = LOCATION.fullmatch(text) if text.endswith(b"#") else None  # without, the search would be long
    if found is None:
        return
    maker_id, result, kind, time, validity, *place, speed, course, date, status, extra = found.groups()
    latitude, north, longitude, east = place
    id = latin(maker_id)
    yield Login.of(id) if id else Login.of()
    position = Position.at(
        MOMENT(date + (time or b"000000")) if date else session.now,
        valid=validity == b"A" or validity.isdigit(),
        latitude=coordinate(latitude, north),
        longitude=coordinate(longitude, east),
        speed=number(speed),
        course=number_or_zero(course),
    )
    position.set(names.RESULT, latin(result or b""))
    if status:
        set_status(position, int(status, 16))
    if extra:
        set_extra(position, extra, session)
    yield position
    if id and kind == b"V1":
        yield answered(id, "V1", session)
    elif id:
        yield from acknowledged(id, session)


def coordinate(text: bytes, hemisphere: bytes) -> float:
    """`2235.1777`; `-22-35.1777`, whose sign means nothing; `22351777`, whose last four digits are decimals."""
    if text.startswith(b"-"):
        whole, minutes = text[1:].split(b"-")
        return degrees_minutes(whole, minutes, hemisphere)
    return ddmm_text(text if b"." in text else text[:-4] + b"." + text[-4:], hemisphere)


def set_extra(position: Position, extra: bytes, session: Session) -> None:
    """What the maker has added to a location."""
    found = EXTRA.fullmatch(extra)
    if found is None:
        for place, value in enumerate(latin(extra).split(","), 1):
            if value:
                position.set(f"{names.IO}{place}", trimmed(value))
        return
    odometer, temperature, fuel, altitude, lac, cid = found.groups()
    position.set(names.ODOMETER, integer(odometer))
    position.set(f"{names.TEMP}1", integer(temperature))
    position.set(names.FUEL, number(fuel))
    position.altitude = float(integer(altitude))
    mcc, mnc = session.setting("geolocation.mcc", 0), session.setting("geolocation.mnc", 0)
    position.network = Network([CellTower(mcc, mnc, hex_integer(lac), hex_integer(cid))])


HEARTBEAT = re.compile(rb"\*HQ,(\d{15}),HTBT,(\d+).*", re.DOTALL)


def heartbeat(text: bytes, session: Session) -> Iterator[Output]:
    """HTBT with the level of the battery. Others are echoed, and that is all."""
    found = HEARTBEAT.fullmatch(text)
    if found is None:
        return
    id, battery = found.groups()
    yield Login.of(latin(id))
    position = Position.last()
    position.set(names.BATTERY_LEVEL, integer(battery))
    yield position


NEIGHBOURS = re.compile(
    rb"""
    \*..,(\d+),NBR,(\d{6}),                      # id, time
    (\d+),(\d+),\d+,\d+,                         # country, network, delay, number of cells
    ((?: \d+,\d+,-?\d+, )+)                      # area, cell and signal of each
    (\d{6}),([0-9a-fA-F]{8}).*                   # date, status
    """,
    re.VERBOSE | re.DOTALL,
)


def neighbours(text: bytes, session: Session) -> Iterator[Output]:
    """NBR: the cells around."""
    found = NEIGHBOURS.fullmatch(text)
    if found is None:
        return
    id, time, mcc, mnc, cells, date, status = found.groups()
    yield Login.of(latin(id))
    position = last(date + time, status)
    position.network = network = Network()
    country, operator = integer(mcc), integer(mnc)
    values = list(map(integer, cells[:-1].split(b",")))
    for lac, cid, signal in dict.fromkeys(zip(values[0::3], values[1::3], values[2::3], strict=True)):
        network.add(CellTower(country, operator, lac, cid, signal))
    yield position
    yield answered(latin(id), "NBR", session)


LINK = re.compile(
    rb"\*..,(\d+),LINK,(\d{6}),(\d+),(\d+),(\d+),(\d+),(\d+),(\d{6}),([0-9a-fA-F]{8}).*",
    re.DOTALL,
)
COUNTS = (names.RSSI, names.SAT, names.BATTERY_LEVEL, names.STEPS, "turnovers")


def link(text: bytes, session: Session) -> Iterator[Output]:
    """LINK: how a watch is doing."""
    found = LINK.fullmatch(text)
    if found is None:
        return
    id, time, *counts, date, status = found.groups()
    yield Login.of(latin(id))
    position = last(date + time, status)
    for name, count in zip(COUNTS, counts, strict=True):
        position.set(name, integer(count))
    yield position


CELLS = re.compile(
    rb"""
    \*..,(\d+),V3,(\d{6}),                       # id, time
    (\d{3})(\d+),(\d+),(.*),                     # country, network, number of cells, cells
    ([0-9a-fA-F]{4}),\d+,X,                      # battery, reason of the last start
    (\d{6}),([0-9a-fA-F]{8})\#?                  # date, status
    """,
    re.VERBOSE | re.DOTALL,
)


def cells(text: bytes, session: Session) -> Iterator[Output]:
    """V3: the cells around, of which area and number are read."""
    found = CELLS.fullmatch(text)
    if found is None:
        return
    id, time, mcc, mnc, count, told, battery, date, status = found.groups()
    yield Login.of(latin(id))
    position = last(date + time, status)
    position.set(names.BATTERY, int(battery, 16))
    position.network = network = Network()
    country, operator = integer(mcc), integer(mnc)
    values = told.split(b",")
    for at in range(0, 4 * integer(count), 4):
        network.add(CellTower(country, operator, integer(values[at]), integer(values[at + 1])))
    yield position


PERSON = re.compile(
    rb"""
    \*hq,(\d{15}),VP1,
    (?:
        V,(\d+),(\d+),([^#]+).*                                           # country, network, cells
    |
        [AB],(\d{3,}\.\d+),([NS]),(\d{3,}\.\d+),([EW]),                   # latitude, longitude
        (\d+\.\d+),(\d+\.\d+),(\d{6}).*                                   # speed, course, date
    )
    """,
    re.VERBOSE | re.DOTALL,
)


def person(text: bytes, session: Session) -> Iterator[Output]:
    """VP1: a place without a time of day, or the cells around."""
    found = PERSON.fullmatch(text)
    if found is None:
        return
    id, mcc, mnc, told, latitude, north, longitude, east, speed, course, date = found.groups()
    yield Login.of(latin(id))
    if told is None:
        yield Position.at(
            MOMENT(date + b"000000"),
            valid=True,
            latitude=ddmm_text(latitude, north),
            longitude=ddmm_text(longitude, east),
            speed=number(speed),
            course=number(course),
        )
        return
    position = Position.last()
    position.network = network = Network()
    country, operator = integer(mcc), integer(mnc)
    for item in split_at(latin(told), "Y"):
        lac, cid, signal = map(integer, item.split(",")[:3])
        network.add(CellTower(country, operator, lac, cid, signal))
    yield position


MESSAGE = re.compile(rb"\*HQ,(\d+),SMS,([^#]+)#")


def message(text: bytes, session: Session) -> Iterator[Output]:
    """SMS: an answer in words."""
    found = MESSAGE.fullmatch(text)
    if found is None:
        return
    id, words = found.groups()
    yield Login.of(latin(id))
    position = Position.last()
    position.set(names.RESULT, latin(words))
    yield position


def last(time: bytes, status: bytes) -> Position:
    """A report without a fix."""
    position = Position.last(MOMENT(time))
    set_status(position, int(status, 16))
    return position


SENTENCES = {
    b"V0": heartbeat,
    b"HTBT": heartbeat,
    b"NBR": neighbours,
    b"LINK": link,
    b"V3": cells,
    b"VP1": person,
    b"SMS": message,
}
ECHOED = (b"V0", b"HTBT")

# Commands: the word before the time, and what follows it.
COMMANDS = {
    "alarmArm": ("SCF", "0,0"),
    "alarmDisarm": ("SCF", "1,1"),
    "engineStop": ("S20", "1,1"),
    "engineResume": ("S20", "1,0"),
    "positionPeriodic": ("S71", "22,{}"),
}
OTHER_PERIODIC = ("D1", "{}")


def encode(command: Command, session: Session) -> bytes:
    word, values = COMMANDS[command.type]
    if command.type == "positionPeriodic":
        if command.attributes.get("frequency") is None:
            raise Unsupported("no frequency")
        if session.setting("alternative", False):
            word, values = OTHER_PERIODIC
        values = values.format(commands.text(command, "frequency"))
    id = session.device.unique_id if session.device is not None else ""
    return f"*HQ,{id},{word},{session.now.astimezone(session.zone):%H%M%S},{values}#".encode()


h02 = WireFormat(
    "h02",
    port=5013,
    udp=True,
    splitter=splitter,
    decode=decode,
    text=True,
    commands=tuple(COMMANDS),
    encode=encode,
    keys=(
        Key("messageLength", int, 0, "Bytes of a binary frame on TCP; 0 finds out whether they are 32 or 45."),
        Key("ack", bool, False, "Reports other than V1 are answered too."),
        Key("alternative", bool, False, "Intervals are set by D1 instead of S71."),
    ),
)
