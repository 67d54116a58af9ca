"""
T55: NMEA 0183 by whoever sends it, from phones, boats, routers and many trackers, and sentences of their makers.

    $PGID,359853000144328*0F                                                              who it is, then
    $GPRMC,082350.000,A,5355.0314,N,01044.1271,E,26.20,184.27,080518,,*3A                 where it is
    4711/022789000688081/$GPRMC,133343,A,5308.56325,N,1029.12850,E,0.0,0.0,290316,,*2A    both in one
    QZE,868994033976700,35,28062020,113553,22.13673,114.57263,0,22,A,0

A sender that never tells an id may be known by its address. Checksums are not looked at. A datagram is one sentence,
whatever lines it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from attrs import define

from trackd.wire import names
from trackd.wire.coordinates import check_position, ddmm_text, degrees
from trackd.wire.format import Key, Session, WireFormat
from trackd.wire.framing import LIMIT, line
from trackd.wire.text import integer, number, number_or_zero, trimmed, utf8
from trackd.wire.times import digits, time_of_day
from trackd.wire.units import kmh
from trackd.wire.values import Login, Output, Position, Reply, WireError


@define
class State:
    """Of one connection: the latest position of a sender that has not told yet who it is."""

    waiting: Position | None = None


def decode(frame: bytes, session: Session) -> Iterator[Output]:
    text = trimmed(utf8(frame))
    start = text.find("$")
    if start > 0:
        yield Login.of(prefix_id(text[:start]), optional=True)
        text = text[start:]
    else:
        yield Login.of(optional=True)
        if session.device is None:
            yield Login.of(session.remote, optional=True)
    kind = text[3:6]
    if kind == "RMC":
        yield from rmc(text, session)
    elif kind == "GGA":
        yield from gga(text, session)
    elif kind == "GLL":
        yield from gll(text, session)
    elif found := START.match(text):
        if found[0] in IDENTITIES:
            yield from identity(found[0], text, session)
        else:
            yield from SENTENCES[found[0]](text, session)
    elif HEX.fullmatch(text):
        yield Login.of(text)


# Who it is


def prefix_id(text: str) -> str:
    """The id in front of a sentence: `id`, `id,` or `number/id/`."""
    if text.endswith("/"):
        first = text.index("/") + 1
        if first == len(text):
            raise WireError(f"half an id: {text!r}")
        return text[first:-1]
    return text.removesuffix(",")


# Sentences that tell an id and nothing else: how they begin, and what follows.
IDENTITIES = {
    "$PGID": re.compile(r".(.*)...", re.DOTALL),
    "$DEVID": re.compile(r".(.*)\*[^*]*", re.DOTALL),
    "$PCPTI": re.compile(r".([^,]*),.*", re.DOTALL),
    "IMEI": re.compile(r".(.*)", re.DOTALL),
    "$IMEI": re.compile(r".(.*)", re.DOTALL),
    "$PSIWMDID": re.compile(r".(.*)\*[^*]*", re.DOTALL),
    "$CONNECT,": re.compile(r"([^,]*),.*", re.DOTALL),
    "$GPFID": re.compile(r".(.*)", re.DOTALL),
}
HEX = re.compile(r"[0-9A-F]+")  # a sentence that is nothing but an id
AFTERWARDS = "$GPFID"  # from senders that tell it after their position


def identity(start: str, text: str, session: Session) -> Iterator[Output]:
    found = IDENTITIES[start].fullmatch(text, len(start))
    if found is None:
        raise WireError(f"no id: {text!r}")
    yield Login.of(found[1])
    state: State = session.state
    if start == AFTERWARDS and (position := state.waiting) is not None:
        state.waiting = None
        yield position


# NMEA

CLOCK = digits("ddMMyyHHmmss")


def today(time: str, session: Session) -> datetime:
    """A time of the current date."""
    return time_of_day(session.now, int(time[:2]), int(time[2:4]), int(time[4:6]))


def fix(time: datetime, valid: bool, place: Sequence[str], **fields: Any) -> Position:
    """A position at latitude, its hemisphere, longitude, its hemisphere."""
    latitude, north, longitude, east = place
    return Position.at(
        time, valid=valid, latitude=ddmm_text(latitude, north), longitude=ddmm_text(longitude, east), **fields
    )


RMC = re.compile(
    r"""
    \$G[PLN]RMC,
    (\d{6})\.?\d*,([AV]),                             # time, A: fixed
    (\d{4}\.\d+),([NS]),(\d{4,5}\.\d+),([EW]),        # latitude, longitude
    (\d+(?:\.\d*)?)?,(\d+(?:\.\d*)?)?,                # knots, course
    (\d{6}),                                          # date
    [^*]+                                             # variation and the like
    (?:
        \*[^,]+,                                      # checksum
        (\d+),(\d+),([01]),(\d+),(\d+)                # satellites, id, ignition, fuel, battery
        ((?:,\d+)*)                                   # inputs
    )?
    .*
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def rmc(text: str, session: Session) -> Iterator[Output]:
    """Whatever of a fix is worth most; some senders add a tail with their id and the vehicle's state."""
    if session.device is not None and session.setting("ack", False):
        yield Reply(b"OK1\r\n")
    found = RMC.fullmatch(text)
    if found is None:
        return
    time, status, *place, speed, course, date, satellites, id, ignition, fuel, battery, inputs = found.groups()
    if id:
        yield Login.of(id)
    position = fix(
        CLOCK(date + time),
        status == "A",
        place,
        speed=number_or_zero(speed),
        course=number_or_zero(course),
    )
    if id:
        position.set(names.SAT, integer(satellites))
        position.set(names.IGNITION, ignition == "1")
        position.set(names.FUEL, integer(fuel))
        position.set(names.BATTERY, integer(battery))
        for count, value in enumerate(inputs.split(",")[1:], 1):
            position.set(f"{names.IO}{count}", value)
    if session.device is None:
        check_position(position)
        session.state.waiting = position
    else:
        yield position


GGA = re.compile(
    r"""
    \$G[PLN]GGA,
    (\d{6})\.?\d*,                                    # time
    (\d{3,}\.\d+),([NS]),(\d{3,}\.\d+),([EW]),        # latitude, longitude
    (\d+),(\d+),                                      # quality, satellites
    (\d+(?:\.\d*)?),(-?\d+(?:\.\d*)?),.*              # HDOP, altitude
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def gga(text: str, session: Session) -> Iterator[Output]:
    """A fix and how good it is."""
    found = GGA.fullmatch(text)
    if found is None or session.device is None:
        return
    time, *place, quality, satellites, hdop, altitude = found.groups()
    position = fix(today(time, session), integer(quality) > 0, place, altitude=number(altitude))
    position.set(names.SAT, integer(satellites))
    position.set(names.HDOP, number(hdop))
    yield position


GLL = re.compile(
    r"""
    \$G[PLN]GLL,
    (\d{3,}\.\d+),([NS]),(\d{3,}\.\d+),([EW]),        # latitude, longitude
    (\d{6})\.?\d*,([AV]),.*                           # time, A: fixed
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def gll(text: str, session: Session) -> Iterator[Output]:
    """A place and a time."""
    found = GLL.fullmatch(text)
    if found is None or session.device is None:
        return
    *place, time, status = found.groups()
    yield fix(today(time, session), status == "A", place)


RMA = re.compile(
    r"""
    \$GPRMA,
    ([AV]),                                           # A: fixed
    (\d{4}\.\d+),([NS]),(\d{5}\.\d+),([EW]),,,        # latitude, longitude, no time differences
    (\d+(?:\.\d*)?)?,(\d+(?:\.\d*)?)?,.*              # knots, course
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def rma(text: str, session: Session) -> Iterator[Output]:
    """A fix by Loran-C, which has no time."""
    found = RMA.fullmatch(text)
    if found is None or session.device is None:
        return
    status, *place, speed, course = found.groups()
    yield fix(session.now, status == "A", place, speed=number_or_zero(speed), course=number_or_zero(course))


# Sentences of makers

TRCCR = re.compile(
    r"""
    \$TRCCR,
    (\d{14})\.?\d*,([AV]),                            # date and time, A: fixed
    (-?\d+\.\d+),(-?\d+\.\d+),                        # latitude, longitude
    (\d+\.\d+),(\d+\.\d+),(-?\d+\.\d+),               # knots, course, altitude
    (\d+(?:\.\d*)?),.*                                # battery
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
TRCCR_CLOCK = digits("yyyyMMddHHmmss")


def trccr(text: str, session: Session) -> Iterator[Output]:
    found = TRCCR.fullmatch(text)
    if found is None or session.device is None:
        return
    time, status, latitude, longitude, speed, course, altitude, battery = found.groups()
    position = Position.at(
        TRCCR_CLOCK(time),
        valid=status == "A",
        latitude=number(latitude),
        longitude=number(longitude),
        speed=number(speed),
        course=number(course),
        altitude=number(altitude),
    )
    position.set(names.BATTERY, number(battery))
    yield position


GPIOP = re.compile(
    r"""
    \$GPIOP,
    [01]{8},[01]{8},(?:\d+\.\d+,){4}                  # inputs, outputs, analogue inputs
    (\d+\.\d+),(\d+\.\d+).*                           # power, battery
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def gpiop(text: str, session: Session) -> Iterator[Output]:
    """Voltages; of nobody they are an error."""
    found = GPIOP.fullmatch(text)
    if found is None:
        return
    if session.device is None:
        raise WireError("voltages of nobody")
    power, battery = found.groups()
    position = Position.last()
    position.set(names.POWER, number(power))
    position.set(names.BATTERY, number(battery))
    yield position


QZE = re.compile(
    r"""
    QZE,
    (\d{15}),(\d+),                                   # id, event
    (\d{8}),(\d{6}),                                  # date, time
    (-?\d+\.\d+),(-?\d+\.\d+),                        # latitude, longitude
    (\d+),(\d+),([AV]),([01])                         # km/h, course, A: fixed, ignition
    """,
    re.VERBOSE | re.ASCII,
)
QZE_CLOCK = digits("ddMMyyyyHHmmss")


def qze(text: str, session: Session) -> Iterator[Output]:
    found = QZE.fullmatch(text)
    if found is None:
        return
    id, event, date, time, latitude, longitude, speed, course, status, ignition = found.groups()
    yield Login.of(id)
    position = Position.at(
        QZE_CLOCK(date + time),
        valid=status == "A",
        latitude=number(latitude),
        longitude=number(longitude),
        speed=kmh(integer(speed)),
        course=float(integer(course)),
    )
    position.set(names.EVENT, integer(event))
    position.set(names.IGNITION, ignition == "1")
    yield position


PUBX = re.compile(
    r"""
    \$PUBX,
    (\d+),(\d{6})\.\d+,                               # message, time
    (\d{4}\.\d+),([NS]),(\d{5}\.\d+),([EW]),          # latitude, longitude
    (-?\d+\.\d+),(..),                                # altitude, status
    (\d+\.\d+),\d+\.\d+,                              # horizontal accuracy, vertical accuracy
    (\d+\.\d+),(\d+\.\d+),-?\d+\.\d+,                 # km/h, course, speed downwards
    [^,]*,                                            # age of corrections
    (\d+\.\d+),(\d+\.\d+),\d+\.\d+,                   # HDOP, VDOP, TDOP
    (\d+),(\d+),                                      # satellites, id
    \d+\*[0-9a-fA-F]{2}
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
NO_FIX = "NF"


def pubx(text: str, session: Session) -> Iterator[Output]:
    """The position sentence of u-blox receivers, with an id in a field that these keep for themselves."""
    found = PUBX.fullmatch(text)
    if found is None:
        return
    index, time, *place, altitude, status, accuracy, speed, course, hdop, vdop, satellites, id = found.groups()
    yield Login.of(id)
    position = fix(
        today(time, session),
        status != NO_FIX,
        place,
        altitude=number(altitude),
        speed=kmh(number(speed)),
        course=number(course),
        accuracy=number(accuracy),
    )
    position.set(names.INDEX, integer(index))
    position.set(names.HDOP, number(hdop))
    position.set(names.VDOP, number(vdop))
    position.set(names.SAT, integer(satellites))
    yield position


GPTXT = re.compile(
    r"""
    \$GPTXT,NET,
    (\d+),([^,]+),(-\d+),                             # id, operator, signal
    (\d+)[ ](\d+)\*[0-9a-fA-F]{2}                     # country, network
    """,
    re.VERBOSE | re.ASCII,
)


def gptxt(text: str, session: Session) -> Iterator[Output]:
    """The mobile network."""
    found = GPTXT.fullmatch(text)
    if found is None:
        return
    id, operator, rssi, mcc, mnc = found.groups()
    yield Login.of(id)
    position = Position.last()
    position.set(names.OPERATOR, operator)
    position.set(names.RSSI, integer(rssi))
    position.set("mcc", integer(mcc))
    position.set("mnc", integer(mnc))
    yield position


# Groups in another order end the list.
WMCS = re.compile(
    r"""
    \$ID,(\d+),
    (?: ALARM,(0x[0-9a-fA-F]+), )?                    # only here is it looked for
    .*? GPSE[XHTD],([AV])                             # A: fixed
    (?: ,D,(\d{6}) )? (?: ,T,(\d{6}) )?               # date, time
    (?: ,S,(\d+):(\d+) )?                             # satellites in view and in use
    (?: ,La,(-?\d+\.\d+),([NS]) )?                    # latitude
    (?: ,Lo,(-?\d+\.\d+),([EW]) )?                    # longitude
    (?: ,H,(\d+\.\d+) )? (?: ,V,(\d+\.\d+) )?         # course, km/h
    (?: ,DD,(\d+) )?                                  # distance
    .*
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def wmcs(text: str, session: Session) -> Iterator[Output]:
    found = WMCS.fullmatch(text)
    if found is None:
        return
    id, alarm, status, date, time, visible, satellites, *place, course, speed, distance = found.groups()
    yield Login.of(id)
    latitude, north, longitude, east = place
    position = Position.at(CLOCK(date + time)) if date and time else Position.last()
    position.valid = status == "A"
    position.latitude = degrees(latitude, north)
    position.longitude = degrees(longitude, east)
    position.course = number_or_zero(course)
    position.speed = kmh(number_or_zero(speed))
    position.set(names.ALARM, alarm)
    if visible:
        position.set(names.SAT_VISIBLE, integer(visible))
        position.set(names.SAT, integer(satellites))
    if distance:
        position.set(names.TOTAL_DISTANCE, number(distance))
    yield position


SENTENCES = {
    "$GPRMA": rma,
    "$TRCCR": trccr,
    "$GPIOP": gpiop,
    "QZE": qze,
    "$PUBX": pubx,
    "$GPTXT": gptxt,
    "$ID,": wmcs,
}
START = re.compile("|".join(map(re.escape, [*IDENTITIES, *SENTENCES])))

t55 = WireFormat(
    "t55",
    port=5005,
    udp=True,
    split=line(),
    limit=LIMIT + 1,  # a longest line, and the CR of its end
    decode=decode,
    text=True,
    state=State,
    keys=(Key("ack", bool, False, "Answer OK1 to RMC sentences."),),
)
