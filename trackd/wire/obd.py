"""Readings of a vehicle's diagnosis connector (OBD-II), and its trouble codes."""

from __future__ import annotations

from trackd.wire import names
from trackd.wire.text import hex_long
from trackd.wire.values import Position

# Parameter, name, and the reading's conversion: × first / second + third, in whole numbers.
READINGS: dict[int, tuple[str, int, int, int]] = {
    0x04: (names.ENGINE_LOAD, 100, 255, 0),
    0x05: (names.COOLANT_TEMP, 1, 1, -40),
    0x0B: ("mapIntake", 1, 1, 0),
    0x0C: (names.RPM, 1, 4, 0),
    0x0D: (names.OBD_SPEED, 1, 1, 0),
    0x0F: ("intakeTemp", 1, 1, -40),
    0x11: (names.THROTTLE, 100, 255, 0),
    0x21: ("milDistance", 1, 1, 0),
    0x2F: (names.FUEL, 100, 255, 0),
    0x31: ("clearedDistance", 1, 1, 0),
}

_LETTERS = "PCBU"


def reading(mode: int, text: str) -> tuple[str, object] | None:
    """
    Name and value of a reading: two hex digits of the parameter, then its value in hex; of mode 3 the trouble codes.

    None for modes and parameters without a meaning here.
    """
    if mode in (1, 2):
        return parameter(hex_long(text[:2]), hex_long(text[2:]))
    if mode == 3:
        found = codes(text)
        return (names.DTCS, found) if found else None
    return None


def parameter(number: int, value: int, raw: bool = False) -> tuple[str, int] | None:
    """Name and value of a parameter; `raw` leaves the value as it is. None for a parameter without a meaning here."""
    found = READINGS.get(number)
    if found is None:
        return None
    name, times, by, plus = found
    return name, value if raw else value * times // by + plus


def store(position: Position, found: tuple[str, object] | None) -> None:
    """Store a reading, if it is one."""
    if found is not None:
        position.set(*found)


def code(value: int) -> str:
    """A trouble code: 0x0D14 → `P0D14`, 0xC123 → `U0123`."""
    return f"{_LETTERS[value >> 14 & 3]}{value & 0x3FFF:04X}"


def codes(text: str) -> str:
    """Trouble codes in hex, four digits each, as codes joined by blanks; a shorter rest is passed over."""
    return " ".join(code(int(text[at : at + 4], 16)) for at in range(0, len(text) - 3, 4))
