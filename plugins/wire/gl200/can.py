"""
CAN: what the bus of a vehicle says, the fields of which are announced by a mask, and those of an extension by its own.

    +RESP:GTCAN,310603,863286023335723,gv65,00,1,C03FFFFF,,0,,719601.00,,,,,,,,274.99,179.02,95.98,84761.00,,,0,,0,,,
        0,0.0,216,29.8,-2.155296,51.899400,20180209172714,0234,0010,53F3,8D38,00,20180211002128,E94E
"""

from __future__ import annotations

from collections.abc import Callable

from plugins.wire.gl200.fields import Fields
from plugins.wire.gl200.models import model_of
from plugins.wire.gl200.reports import set_sent, strict
from trackd.wire import names
from trackd.wire.binary import bit, int32
from trackd.wire.format import Session
from trackd.wire.text import hex_integer, hex_long, integer, number
from trackd.wire.units import hours, kmh
from trackd.wire.values import Position

Row = tuple[int, "str | None", Callable[[str], object]]


def marked(read: Callable[[str], object]) -> Callable[[str], object]:
    """A value behind a letter, which tells its unit."""
    return lambda text: read(text[1:])


def consumption(text: str) -> float | None:
    return number(text[3:]) if text.startswith("L/H") else None


# Bits of the mask in the order of their fields, names, and how they are read. Without a name they are not.
ROWS: tuple[Row, ...] = (
    (0, names.VIN, str),
    (1, names.IGNITION, lambda text: integer(text) > 0),
    (2, names.OBD_ODOMETER, marked(integer)),
    (3, names.FUEL_USED, number),
    (5, names.RPM, integer),
    (4, names.OBD_SPEED, integer),
    (6, names.COOLANT_TEMP, integer),
    (7, names.FUEL_CONSUMPTION, consumption),
    (8, names.FUEL, marked(number)),
    (9, "range", lambda text: int32(integer(text) * 100)),
    (10, names.THROTTLE, integer),
    (11, names.HOURS, lambda text: hours(number(text))),
    (12, names.DRIVING_TIME, number),
    (13, "idleHours", number),
    (14, "idleFuelConsumption", number),
    (15, names.AXLE_WEIGHT, integer),
    (16, "tachographInfo", hex_integer),
    (17, "indicators", hex_integer),
    (18, "lights", hex_integer),
    (19, "doors", hex_integer),
    (20, "vehicleOverspeed", number),
    (21, "engineOverspeed", number),
)
# Bits behind these that have a field which is not read, on these models only.
SKIPPED = {"GV350M": (22, 23, 24), "GV355CEU": (22, 23, 24, 25, 26, 27, 28)}
EXTENSION, PLACE = 29, 30

EXTENDED_ROWS: tuple[Row, ...] = (
    (0, "adBlueLevel", marked(number)),
    (1, "axleWeight1", integer),
    (2, "axleWeight3", integer),
    (3, "axleWeight4", integer),
    *((place, None, str) for place in range(4, 7)),
    (7, f"{names.ADC}1", lambda text: integer(text) / 1000),
    *((place, None, str) for place in range(8, 15)),
    (15, "driver1Card", str),
    (16, "driver2Card", str),
    (17, "driver1Name", str),
    (18, "driver2Name", str),
    (19, "registration", str),
    *((place, None, str) for place in range(20, 31)),
)
THIRD = 31
THIRD_BITS = (0, 1, 2)


def can(values: list[str], session: Session) -> list[Position]:
    model = model_of(values[1], session)
    position = Position()
    fields = Fields(values, 6)
    mask = hex_long(fields.next())
    told(fields, position, mask, ROWS)
    for place in SKIPPED.get(model, ()):
        fields.skip(bit(mask, place))
    if bit(mask, EXTENSION):
        extension = fields.optional(hex_long) or 0
        told(fields, position, extension, EXTENDED_ROWS)
        if bit(extension, THIRD):
            third = fields.optional(hex_long) or 0
            fields.skip(sum(bit(third, place) for place in THIRD_BITS))
    position.outdated = True
    if bit(mask, PLACE) and model != "GV355CEU":
        fix(fields, position)
    set_sent(position, strict(values[-2]), session)
    return [position]


def told(fields: Fields, position: Position, mask: int, rows: tuple[Row, ...]) -> None:
    """The fields that a mask announces."""
    for place, name, read in rows:
        if mask >> place & 1:
            if name is None:
                fields.skip()
            else:
                position.set(name, fields.optional(read))


def fix(fields: Fields, position: Position) -> None:
    """The location, behind any number of empty fields."""
    while not (accuracy := fields.next()):
        pass
    position.valid = integer(accuracy) > 0
    if speed := fields.next():
        position.outdated = False
        position.speed = kmh(number(speed))
        position.course = float(integer(fields.next()))
        position.altitude = number(fields.next())
        position.longitude = number(fields.next())
        position.latitude = number(fields.next())
        position.device_time = position.fix_time = strict(fields.next())
