"""
Units of the wire to those of a position: knots, metres, milliseconds.

The factors are part of the contract, to the last digit: what other servers have stored was made with them.
"""

from __future__ import annotations

from trackd.wire.binary import cut

KMH = 0.539957  # kn
MPH = 0.868976  # kn
MPS = 1.94384  # kn
CMPS = 0.0194384449  # kn
FOOT = 0.3048  # m
MILE = 1609.34  # m
HOUR = 3_600_000  # ms
MINUTE = 60_000  # ms


def kmh(value: float) -> float:
    """Kilometres per hour in knots."""
    return value * KMH


def mph(value: float) -> float:
    """Miles per hour in knots."""
    return value * MPH


def mps(value: float) -> float:
    """Metres per second in knots."""
    return value * MPS


def cmps(value: float) -> float:
    """Centimetres per second in knots."""
    return value * CMPS


def to_kmh(knots: float) -> float:
    """Knots in kilometres per hour."""
    return knots / KMH


def to_mph(knots: float) -> float:
    """Knots in miles per hour."""
    return knots / MPH


def to_mps(knots: float) -> float:
    """Knots in metres per second."""
    return knots / MPS


def speed(value: float, unit: str) -> float:
    """A speed in knots; `unit` is the text of a `<format>.speed` setting, anything but kmh, mps and mph being knots."""
    if unit == "kmh":
        return value * KMH
    if unit == "mps":
        return value * MPS
    if unit == "mph":
        return value * MPH
    return value


def feet(value: float) -> float:
    """Feet in metres."""
    return value * FOOT


def miles(value: float) -> float:
    """Miles in metres."""
    return value * MILE


def hours(value: float) -> int:
    """Hours in milliseconds; a part of one is cut, and what does not fit into 64 bits becomes the largest."""
    return cut(value * HOUR, 64)


def minutes(value: float) -> int:
    """Minutes in milliseconds, cut like hours."""
    return cut(value * MINUTE, 64)
