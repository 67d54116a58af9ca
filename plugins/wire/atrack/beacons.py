"""
Beacons that a device has heard, in its custom field BC.

    3:224:F128833445E6002C09C6      kind of beacon, mask of the values, the values of one beacon after the other
    0DE0CD9F8F1F40FE092D0BA0C5F0    or, by configuration, each with its length, kind and address
"""

from __future__ import annotations

from typing import Any

from trackd.wire.binary import bit, part, signed
from trackd.wire.text import from_hex, integer
from trackd.wire.values import Position, WireError

ADDRESS = 6  # bytes
ID = 7  # bit of the mask: the beacon's address

# Kind of beacon -> values in their order: bit of the mask, bytes, attribute ("" is passed over).
VALUES: dict[int, tuple[tuple[int, int, str], ...]] = {
    1: ((6, 2, ""), (5, 2, ""), (4, 1, ""), (3, 1, "Rssi")),  # iBeacon: major, minor, power
    2: ((6, 2, ""), (5, 2, "Temp"), (4, 1, ""), (3, 1, "Rssi")),
    3: ((6, 2, "Humidity"), (5, 2, "Temp"), (3, 1, "Rssi"), (2, 2, "")),
}
# The fourth kind has values of its hardware.
HARDWARE_KIND, HARDWARE, MEASURED, NAME = 4, 6, 5, 4  # bits of the mask
MEASURED_BYTES = {1: 11, 2: 2, 3: 6, 4: 11, 5: 10}
NAME_BYTES = 9

WITH_TEMPERATURE = 0xE0  # kind of a beacon that comes with its length


def set_beacons(position: Position, text: str, framed: bool) -> None:
    """The beacons of a text; `framed`: each has its length."""
    if framed:
        position.attributes |= framed_beacons(from_hex(text))
        return
    kind, mask, values = text.split(":")
    if not values:
        raise WireError("no beacons")
    position.attributes |= masked_beacons(integer(kind), integer(mask), from_hex(values))


def framed_beacons(data: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {}
    at = number = 0
    while at < len(data):
        number += 1
        beacon = part(data, at + 1, data[at])
        if len(beacon) <= ADDRESS:
            raise WireError(f"a beacon of {len(beacon)} bytes")
        if beacon[0] == WITH_TEMPERATURE:
            temperature = part(beacon, 1 + ADDRESS, 2)
            told[f"tag{number}Temp"] = signed(int.from_bytes(temperature, "big"), 16) / 100
        at += 1 + len(beacon)
    return told


def masked_beacons(kind: int, mask: int, data: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {}
    values = [(size, name) for place, size, name in VALUES.get(kind, ()) if bit(mask, place)]
    at = number = 0
    while at < len(data):
        before = at
        number += 1
        if bit(mask, ID):
            told[f"tag{number}Id"] = part(data, at, ADDRESS).hex()
            at += ADDRESS
        if kind == HARDWARE_KIND:
            if bit(mask, HARDWARE):
                at += 1 + (MEASURED_BYTES.get(data[at], 0) if bit(mask, MEASURED) else 0)
            at += NAME_BYTES if bit(mask, NAME) else 0
        for size, name in values:
            value = part(data, at, size)
            at += size
            if name:
                told[f"tag{number}{name}"] = int.from_bytes(value, "big")
        if at == before or at > len(data):
            raise WireError(f"beacons of kind {kind} with mask {mask}")
    return told
