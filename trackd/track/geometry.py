"""Distances on the sphere."""

from __future__ import annotations

from math import atan2, cos, radians, sin, sqrt

RADIUS = 6_378_137.0  # m, of the equator
DEGREE = 111_320.0  # m, of latitude


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Great-circle distance in metres."""
    if latitude == other_latitude and longitude == other_longitude:
        return 0.0
    north = sin(radians(other_latitude - latitude) / 2)
    east = sin(radians(other_longitude - longitude) / 2)
    h = north * north + cos(radians(latitude)) * cos(radians(other_latitude)) * east * east
    return 2 * RADIUS * atan2(sqrt(h), sqrt(1 - h))
