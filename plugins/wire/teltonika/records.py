"""
AVL records (codecs 8, 8 Extended and 16) and the older records of the GH3000 family (codec 7).

An AVL record is a fix, the event that caused it, and groups of IO elements of 1, 2, 4 and 8 bytes. Codec 8:

    0000014f8e016420 00 2141bbaf 0f4e96a7 fffa 0000 12 0000   time, priority, place, altitude, course, satellites, speed
    00 06                                                     event, number of elements
    02 0100 4703   02 42669c 920000   02 c700000000 9100000000   00
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from struct import Struct
from typing import Any

from attrs import evolve, field, frozen

from plugins.wire.teltonika.beacons import variable
from plugins.wire.teltonika.elements import CID_2G, CID_4G, I64, LAC, U8, U16, U32, Row, is_fm6, meanings
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.format import Session
from trackd.wire.text import utf8
from trackd.wire.times import millis, seconds
from trackd.wire.units import kmh
from trackd.wire.values import CellTower, Network, Position, WireError

HEAD = Struct(">qBiihHBH")  # time, priority, longitude, latitude, altitude, course, satellites, speed
DEGREE = 10_000_000

# Values as they are where the table of elements has no row, by the bytes that they take.
PLAIN = {1: U8, 2: U16, 4: U32, 8: I64}
LONG = Struct("16s")  # with the setting `extended`
CARD = Struct(">qq")  # both halves of a driver card


@frozen
class Codec:
    """How a codec writes the event and the number of elements, the count of a group, and an element's id."""

    event: Struct
    count: Struct
    id: Struct
    widths: tuple[int, ...] = (1, 2, 4, 8)
    long: bool = False  # then a group of 16-byte values
    variable: bool = False  # and one of values of any length
    groups: tuple[tuple[Struct, Struct], ...] = field(init=False)  # an element and its value, by width

    @groups.default
    def _groups(self) -> tuple[tuple[Struct, Struct], ...]:
        return tuple((Struct(self.id.format + PLAIN[width].format[1:]), PLAIN[width]) for width in self.widths)


GH3000_CODEC = 0x07
CODECS = {
    GH3000_CODEC: Codec(Struct(">BB"), Struct(">B"), Struct(">B"), widths=(1, 2, 4)),
    0x08: Codec(Struct(">BB"), Struct(">B"), Struct(">B")),
    0x10: Codec(Struct(">HBB"), Struct(">B"), Struct(">H")),  # between event and number: why it was generated
    0x8E: Codec(Struct(">HH"), Struct(">H"), Struct(">H"), variable=True),
}
OTHER = CODECS[GH3000_CODEC]


def records(data: bytes, at: int, kind: int, count: int, session: Session) -> Iterator[Position]:
    """The positions of `count` records at `at`, of the codec with this number."""
    codec = CODECS.get(kind, OTHER)
    if session.setting("extended", False):
        codec = evolve(codec, long=True)
    model = session.device.model if session.device is not None else None
    for _ in range(count):
        if kind == GH3000_CODEC:
            position, at = gh3000(data, at, codec, session)
        else:
            position, at = avl(data, at, codec, meanings(model))
        concluded(position, model, session)
        if position.attributes or not position.outdated:
            yield position


def avl(data: bytes, at: int, codec: Codec, known: Mapping[int, Row]) -> tuple[Position, int]:
    """One AVL record at `at`, and where the next begins."""
    ms, priority, longitude, latitude, altitude, course, satellites, speed = HEAD.unpack_from(data, at)
    at += HEAD.size
    event = codec.event.unpack_from(data, at)[0]
    at += codec.event.size
    time = millis(ms)
    attributes = {"priority": priority, names.SAT: satellites, names.EVENT: event}
    position = Position(
        time,
        time,
        valid=satellites != 0,
        latitude=latitude / DEGREE,
        longitude=longitude / DEGREE,
        altitude=float(altitude),
        speed=kmh(speed),
        course=float(course),
        attributes=attributes,
    )
    for element, plain in codec.groups:
        (count,) = codec.count.unpack_from(data, at)
        at += codec.count.size
        end = at + count * element.size
        if end > len(data):
            raise WireError("elements are cut off")
        value_at = at + codec.id.size
        for id, value in element.iter_unpack(data[at:end]):
            row = known.get(id)
            if row is None:
                attributes[f"io{id}"] = value
            else:
                name, layout, convert = row
                if layout is not plain:
                    # The value is read in its own width, also when it came in a wider or narrower group.
                    (value,) = layout.unpack_from(data, value_at)
                if name is None:
                    convert(position, value)
                else:
                    attributes[name] = convert(value)
            value_at += element.size
        at = end
    if codec.long:
        at = long_group(data, at, codec, attributes)
    if codec.variable:
        at = variable(data, at, position)
    return position, at


def long_group(data: bytes, at: int, codec: Codec, attributes: dict[str, Any]) -> int:
    """The group of 16-byte values, and where it ends."""
    (count,) = codec.count.unpack_from(data, at)
    at += codec.count.size
    for _ in range(count):
        (id,) = codec.id.unpack_from(data, at)
        at += codec.id.size
        attributes[f"io{id}"] = LONG.unpack_from(data, at)[0].hex()
        at += LONG.size
    return at


def concluded(position: Position, model: str | None, session: Session) -> None:
    """Join what elements of their own say: the cells of the network, and the card of the tachograph."""
    attributes = position.attributes
    if model == "TAT100":
        tat100_network(position, session)
    else:
        cid_2g, cid_4g, lac = attributes.pop(CID_2G, None), attributes.pop(CID_4G, None), attributes.pop(LAC, None)
        cid = cid_4g if cid_2g is None else cid_2g
        if lac is not None and cid is not None:
            mcc, mnc = session.setting("geolocation.mcc", 0), session.setting("geolocation.mnc", 0)
            operator = attributes.get(names.OPERATOR, 0)
            if operator >= 1000:
                mcc, mnc = split_operator(operator)
            position.network = Network([CellTower(mcc, mnc, lac, cid)])
    if is_fm6(model):
        first, second = attributes.get("io195"), attributes.get("io196")
        if isinstance(first, int) and isinstance(second, int):
            attributes[names.DRIVER_UNIQUE_ID] = utf8(CARD.pack(first, second))


# mnc, lac, cid and signal of the four cells that a TAT100 hears
TAT100_CELLS = (
    ("io1200", "io287", "io288", "io289"),
    ("io1201", "io290", "io291", "io292"),
    ("io1202", "io293", "io294", "io295"),
    ("io1203", "io296", "io297", "io298"),
)


def tat100_network(position: Position, session: Session) -> None:
    attributes = position.attributes
    mcc = session.setting("geolocation.mcc", 0)
    network = Network()
    for cell in TAT100_CELLS:
        mnc, lac, cid, signal = map(attributes.get, cell)
        if isinstance(mnc, int) and isinstance(lac, int) and isinstance(cid, int):
            network.add(CellTower(mcc, mnc, lac, cid, signal if isinstance(signal, int) else None))
            for name in cell:
                attributes.pop(name, None)
    if network.cells:
        position.network = network


def split_operator(operator: int) -> tuple[int, int]:
    """Country and network code from one number; ValueError when there are fewer than four digits."""
    digits = str(operator)
    return int(digits[:3]), int(digits[3:])


# Codec 7: which parts of a record are there
HAS_GPS = 1
HAS_PLACE, HAS_ALTITUDE, HAS_COURSE, HAS_SPEED, HAS_SATELLITES, HAS_CELL, HAS_SIGNAL, HAS_OPERATOR = (
    1 << bit for bit in range(8)
)
START = 1_167_609_600  # 2007-01-01
TIME = Struct(">IB")  # time under two bits of priority, mask
PLACE = Struct(">ff")
CELL = Struct(">HH")
GROUPS = (1 << 1, 1 << 2, 1 << 3)  # values of 1, 2 and 4 bytes

GH3000: dict[int, tuple[str, Callable[[int], Any]]] = {
    1: (names.BATTERY_LEVEL, int),
    2: ("usbConnected", lambda value: value == 1),
    5: ("uptime", int),
    20: (names.HDOP, lambda value: value / 10),
    21: (names.VDOP, lambda value: value / 10),
    22: (names.PDOP, lambda value: value / 10),
    67: (names.BATTERY, lambda value: value / 1000),
    221: ("button", int),
    240: (names.MOTION, lambda value: value == 1),
    244: (names.ROAMING, lambda value: value == 1),
}
GH3000_BUTTON_ALARM = 222


def gh3000(data: bytes, at: int, codec: Codec, session: Session) -> tuple[Position, int]:
    """One record of codec 7 at `at`, and where the next begins."""
    stamp, mask = TIME.unpack_from(data, at)
    at += TIME.size
    time = seconds((stamp & 0x3FFFFFFF) + START)
    if mask & HAS_GPS:
        position, at = gh3000_fix(data, at, time, session)
    else:
        position = Position(time, outdated=True, valid=True)
    attributes = position.attributes
    for bit, (element, _) in zip(GROUPS, codec.groups, strict=True):
        if mask & bit:
            length = data[at] * element.size
            for id, value in element.iter_unpack(part(data, at + 1, length)):
                if (row := GH3000.get(id)) is not None:
                    name, convert = row
                    attributes[name] = convert(value)
                elif id != GH3000_BUTTON_ALARM:
                    attributes[f"io{id}"] = value
                elif value == 1:
                    position.add_alarm(names.ALARM_SOS)
            at += 1 + length
    if codec.long:
        at = long_group(data, at, codec, attributes)
    return position, at


def gh3000_fix(data: bytes, at: int, time: datetime, session: Session) -> tuple[Position, int]:
    """The GPS part of a record of codec 7: a mask, and what it announces."""
    position = Position(time, time, valid=True)
    mask = data[at]
    at += 1
    if mask & HAS_PLACE:
        position.latitude, position.longitude = PLACE.unpack_from(data, at)
        at += PLACE.size
    if mask & HAS_ALTITUDE:
        position.altitude = float(U16.unpack_from(data, at)[0])
        at += 2
    if mask & HAS_COURSE:
        position.course = data[at] * 360 / 256
        at += 1
    if mask & HAS_SPEED:
        position.speed = kmh(data[at])
        at += 1
    if mask & HAS_SATELLITES:
        position.set(names.SAT, data[at])
        at += 1
    area = signal = None
    if mask & HAS_CELL:
        area, cid = CELL.unpack_from(data, at)
        at += CELL.size
        country, network = session.setting("geolocation.mcc", 0), session.setting("geolocation.mnc", 0)
    if mask & HAS_SIGNAL:
        if area is not None:
            signal = data[at]
        else:
            position.set(names.RSSI, data[at])
        at += 1
    if mask & HAS_OPERATOR:
        (operator,) = PLAIN[4].unpack_from(data, at)
        at += 4
        if area is not None:
            country, network = split_operator(operator)
        else:
            position.set(names.OPERATOR, operator)
    if area is not None:
        position.network = Network([CellTower(country, network, area, cid, signal)])
    return position, at
