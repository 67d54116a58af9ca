"""
Custom fields: what a record has besides the standard ones, as a list of keys and a list of values.

    %MV%BV%SA                        configured, the values alone come from the device
    %CI%MV%BV%SA,125,41,9            sent with each record, behind a key that is none
    "%CI%MV%BV%SA\\0" 007d 0029 09    in a binary record

Some keys mean another thing in texts than in binary records, or have no meaning in one of the two. The value of an
unknown key is passed over in a text; in a binary record nobody knows how long it is, so what follows is misread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import groupby
from struct import Struct
from typing import Any, NamedTuple

from plugins.wire.atrack.beacons import set_beacons
from trackd.wire import names
from trackd.wire.binary import part
from trackd.wire.text import integer, latin, split_at, trimmed
from trackd.wire.units import hours, miles
from trackd.wire.values import CellTower, Network, Position, WireError

TEXT = "z"  # the code of a text that ends with NUL; those of numbers and fillings are the ones of struct


class Field(NamedTuple):
    """How a value is written in binary records, the attribute that it becomes, and its way there."""

    code: str
    name: str = ""
    convert: Callable[[Any], Any] | None = None


# Names that are no attributes
ALTITUDE, SIGNAL, OPERATOR, AREA, CELL, BEACONS = "altitude", "signal", "operator", "area", "cell", "beacons"
ALARMS = frozenset((names.ALARM_ACCELERATION, names.ALARM_BRAKING, names.ALARM_CORNERING))


def tenths(value: int) -> float:
    return value / 10


def positive(value: int) -> bool:
    return value > 0


def one(value: int) -> bool:
    return value == 1


def times(factor: float) -> Callable[[int], float]:
    return lambda value: value * factor


def digits_of_operator(text: str) -> tuple[int, int] | None:
    """Three digits of the country, the others are the network's."""
    return (integer(text[:3]), integer(text[3:])) if len(text) > 3 else None


# Texts and binary records
SHARED = {
    "SA": Field("B", names.SAT),
    "MV": Field("H", names.POWER, tenths),
    "BV": Field("H", names.BATTERY, tenths),
    "GQ": Field("B", SIGNAL),
    "LC": Field("H", AREA),
    "PC": Field("I", f"{names.COUNT}1"),
    "AT": Field("I", ALTITUDE, float),
    "RP": Field("H", names.RPM),
    "GS": Field("B", names.RSSI),
    "DT": Field("B", names.ARCHIVE, one),
    "VN": Field(TEXT, names.VIN),
    "TR": Field("B", names.THROTTLE),
    "FL": Field("B", names.FUEL),
    "FC": Field("I", names.FUEL_CONSUMPTION),
    "AV1": Field("H", f"{names.ADC}1"),
    "CD": Field(TEXT, names.ICCID),
    "HA": Field("B", names.ALARM_ACCELERATION, positive),
    "HB": Field("B", names.ALARM_BRAKING, positive),
    "HC": Field("B", names.ALARM_CORNERING, positive),
    "MT": Field("B", names.MOTION, positive),
}
TEXTS = SHARED | {
    "CE": Field("I", CELL),
    "CN": Field(TEXT, OPERATOR, digits_of_operator),
    "ET": Field("H", names.COOLANT_TEMP),
    "EH": Field("I", names.HOURS, lambda value: hours(value / 10)),
    "IA": Field("B", "intakeTemp"),
    "EL": Field("B", names.ENGINE_LOAD),
    "BC": Field(TEXT, BEACONS),
}
SKIPPED = {
    "x": "RL IA EL ML PD MP"
    " ZO1 ZO2 ZO3 ZO5 ZO7 ZO8 ZO11 ZO12 ZO13 ZO15 ZO16 ZO17 JO1 JO2 JO3 JO6 JO7 JO8 JO9 JO10 JO12",
    "2x": "MF SM ZH1 JH9 JH10 JH12",
    "4x": "ZL1 ZL3 JN1 JN2 JN3 JN4 JN5",
    "6x": "GV",
    "8x": "CM ME",
    "60x": "GN",
    TEXT: "CI NC GL MA JS2",
}
BINARY = (
    SHARED
    | {key: Field(code) for code, keys in SKIPPED.items() for key in keys.split()}
    | {
        "CE": Field("I", CELL, lambda value: value or None),
        "CN": Field("I", OPERATOR, lambda value: divmod(value % 100_000, 100)),
        "ET": Field("H", f"{names.TEMP}1"),
        "EH": Field("I", names.HOURS, times(360_000)),
        "EO": Field("I", names.ODOMETER, miles),
        "IN0": Field("B", names.IGNITION, positive),
        "IN1": Field("B", f"{names.IN}1", positive),
        "IN2": Field("B", f"{names.IN}2", positive),
        "IN3": Field("B", f"{names.IN}3", positive),
        # Heavy vehicles, by J1708
        "ZO4": Field("B", names.THROTTLE, times(0.4)),
        "ZO6": Field("B", names.OBD_SPEED, times(0.805)),
        "ZO9": Field("B", names.ENGINE_LOAD, times(0.5)),
        "ZO10": Field("B", names.FUEL, times(0.5)),
        "ZO14": Field("B", names.COOLANT_TEMP),
        "ZH2": Field("H", names.FUEL_CONSUMPTION, lambda value: value * 16.428 / 3600),
        "ZH3": Field("H", names.RPM, times(0.25)),
        "ZL2": Field("I", names.ODOMETER, times(161)),
        "ZL4": Field("I", names.HOURS, times(180_000)),
        "ZS1": Field(TEXT, names.VIN),
        # Heavy vehicles, by J1939
        "JO4": Field("B", names.ENGINE_LOAD),
        "JO5": Field("B", names.FUEL, times(0.4)),
        "JO11": Field("B", names.COOLANT_TEMP, lambda value: value - 40),
        "JH1": Field("H", names.OBD_SPEED, lambda value: value / 256),
        "JH2": Field("H", names.RPM, times(0.125)),
        "JH3": Field("H", f"{names.AXLE_WEIGHT}1", times(0.5)),
        "JH4": Field("H", f"{names.AXLE_WEIGHT}2", times(0.5)),
        "JH5": Field("H", f"{names.AXLE_WEIGHT}3", times(0.5)),
        "JH6": Field("H", f"{names.AXLE_WEIGHT}4", times(0.5)),
        "JH7": Field("H", f"{names.AXLE_WEIGHT}5", times(0.5)),
        "JH8": Field("H", names.ODOMETER_SERVICE, times(5)),
        "JH11": Field("H", names.FUEL_CONSUMPTION, lambda value: value / 20),
        "JL1": Field("I", names.FUEL_USED, times(0.5)),
        "JL2": Field("I", names.HOURS, times(180_000)),
        "JL3": Field("I", names.ODOMETER, times(1000)),
        "JL4": Field("I", names.FUEL_USED, lambda value: value / 1000),
        "JS1": Field(TEXT, names.VIN),
        "JS3": Field(TEXT, "driver1"),
        "JS4": Field(TEXT, "driver2"),
    }
)

OWN_LIST = 3  # characters before the list of keys that a device sends


def keys_of(form: str) -> list[str]:
    """The keys of a list, each led by a percent sign."""
    return form[1:].split("%")


def own_keys(form: str) -> list[str]:
    """The keys of a list that comes from the device."""
    if len(form) <= OWN_LIST:
        raise WireError(f"no list of keys: {form!r}")
    return keys_of(form[OWN_LIST:])


# Values as text


def from_text(values: str, form: str) -> dict[str, Any]:
    """The values of a text by their names; without a configured list of keys theirs comes first."""
    if form:
        keys = keys_of(form)
    else:
        own, comma, values = values.partition(",")
        if not comma:
            raise WireError("a list of keys without values")
        keys = own_keys(own)
    told: dict[str, Any] = {}
    for key, text in zip(keys, split_at(values, ","), strict=False):
        if (field := TEXTS.get(key)) is not None:
            value = text if field.code == TEXT else integer(text)
            told[field.name] = value if field.convert is None else field.convert(value)
    return told


# Values of a binary record

Layout = list[tuple[Struct | None, tuple[Field, ...]]]


def from_binary(data: bytes, at: int, form: str) -> tuple[dict[str, Any], int]:
    """The values that stand at `at` by their names, and where they end."""
    if form:
        layout = configured(form)
    else:
        list_of_keys, at = zstring(data, at)
        layout = sent(list_of_keys)
    told: dict[str, Any] = {}
    for numbers, fields in layout:
        if numbers is None:
            text, at = zstring(data, at)
            if text and fields[0].name:
                told[fields[0].name] = latin(text)
            continue
        for (_, name, convert), value in zip(fields, numbers.unpack_from(data, at), strict=True):
            told[name] = value if convert is None else convert(value)
        at += numbers.size
    return told, at


@lru_cache(64)
def configured(form: str) -> Layout:
    return layout_of(keys_of(form))


@lru_cache(64)
def sent(form: bytes) -> Layout:
    return layout_of(own_keys(trimmed(latin(form))))


def layout_of(keys: Iterable[str]) -> Layout:
    """The values of these keys: runs of numbers, and texts between them."""
    layout: Layout = []
    known = filter(None, map(BINARY.get, keys))
    for is_text, run in groupby(known, lambda field: field.code == TEXT):
        if is_text:
            layout += [(None, (field,)) for field in run]
        else:
            fields = tuple(run)
            numbers = Struct(">" + "".join(field.code for field in fields))
            layout.append((numbers, tuple(field for field in fields if field.name)))
    return layout


def zstring(data: bytes, at: int) -> tuple[bytes, int]:
    """The bytes up to a NUL, and where to go on. Without any NUL there is no text, but a byte is passed over."""
    end = data.find(b"\0", at)
    if end < 0:
        part(data, at, 1)
        return b"", at + 1
    return data[at:end], end + 1


# What they mean


def fill(position: Position, told: dict[str, Any], framed: bool = False) -> None:
    """All of it goes into the position; `framed`: each beacon has its length."""
    position.altitude = told.pop(ALTITUDE, position.altitude)
    operator, area, cell, signal = (told.pop(name, None) for name in (OPERATOR, AREA, CELL, SIGNAL))
    for name, value in told.items():
        if name in ALARMS:
            position.add_alarm(name if value else None)
        elif name == BEACONS:
            set_beacons(position, value, framed)
        else:
            position.set(name, value)
    if operator is not None and area is not None and cell is not None:
        position.network = Network([CellTower(operator[0], operator[1], area, cell, signal)])
    elif signal is not None:
        position.set(names.RSSI, -abs(signal))
