"""
Areas of geofences: a circle, a polygon or a line with a width, as text with the latitude first.

    CIRCLE (48.1 11.5, 500)
    POLYGON ((48 11, 48 12, 49 12))
    LINESTRING (48 11, 48.5 11.5, 49 12)

    parse(text).contains(latitude, longitude)

Degrees and metres. Nothing but these forms is read: what a text might have meant is better asked of whoever writes it
than found out when no alarm comes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import sqrt

from attrs import Factory, frozen

from trackd.track.geometry import distance

# Metres on each side of a line that says nothing of its width.
WIDTH = 25.0

Point = tuple[float, float]  # latitude, longitude

_FORM = re.compile(r"(CIRCLE|POLYGON|LINESTRING) ?\((.*)\)\s*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


class BadArea(ValueError):
    """The text is no area; the message says of it why, for whoever wrote it."""


@frozen
class Circle:
    latitude: float
    longitude: float
    radius: float  # m

    def contains(self, latitude: float, longitude: float) -> bool:
        return distance(self.latitude, self.longitude, latitude, longitude) <= self.radius


@frozen
class Polygon:
    """Its sides are straight in degrees. One that reaches across the antimeridian has corners on both sides of it."""

    points: tuple[Point, ...]
    _across: bool = Factory(lambda self: _is_across(self.points), takes_self=True)
    _corners: tuple[Point, ...] = Factory(
        lambda self: tuple((latitude, _shifted(longitude, self._across)) for latitude, longitude in self.points),
        takes_self=True,
    )
    _south: float = Factory(lambda self: min(latitude for latitude, _ in self.points), takes_self=True)
    _north: float = Factory(lambda self: max(latitude for latitude, _ in self.points), takes_self=True)

    def contains(self, latitude: float, longitude: float) -> bool:
        """A point on a side may be found on either side of it."""
        if not self._south <= latitude <= self._north:
            return False
        longitude = _shifted(longitude, self._across)
        inside = False
        south, west = self._corners[-1]
        for north, east in self._corners:
            if (west < longitude) != (east < longitude):
                crossing = south + (longitude - west) / (east - west) * (north - south)
                if crossing < latitude:
                    inside = not inside
            south, west = north, east
        return inside


@frozen
class Line:
    """Great circles from point to point, and all that is at most `width` metres away from them."""

    points: tuple[Point, ...]
    width: float = WIDTH
    _legs: tuple[tuple[Point, Point, float], ...] = Factory(
        lambda self: tuple(
            (start, end, distance(*start, *end)) for start, end in zip(self.points, self.points[1:], strict=False)
        ),
        takes_self=True,
    )

    def contains(self, latitude: float, longitude: float) -> bool:
        return any(self._near(latitude, longitude, *leg) for leg in self._legs)

    def _near(self, latitude: float, longitude: float, start: Point, end: Point, length: float) -> bool:
        before = distance(latitude, longitude, *start)
        if before > length + self.width:
            return False
        return off_leg(before, length, distance(latitude, longitude, *end)) <= self.width


def off_leg(before: float, length: float, after: float) -> float:
    """How far a point is from a leg, by its distances to both ends of it."""
    if before * before > length * length + after * after:
        return after
    if after * after > before * before + length * length:
        return before
    if length == 0:
        return before
    half = (before + length + after) / 2
    # A point on the leg makes a triangle without area, which rounding can make less than that.
    return 2 * sqrt(max(0.0, half * (half - before) * (half - length) * (half - after))) / length


Area = Circle | Polygon | Line


def parse(text: str, width: float = WIDTH) -> Area:
    """The area that a text describes; `width` is that of a line. Raises BadArea."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise BadArea("must be CIRCLE (…), POLYGON ((…)) or LINESTRING (…)")
    kind, inner = form.groups()
    if kind == "CIRCLE":
        centre, _, radius = inner.partition(",")
        if centre[:1].isspace():
            raise BadArea("has a centre that begins with a blank")
        found = _number(radius.strip())
        if found < 0:
            raise BadArea("has a negative radius")
        return Circle(*_point(centre), found)
    if kind == "LINESTRING":
        return Line(_points(inner, 2), width)
    if not (inner.startswith("(") and inner.endswith(")")):
        raise BadArea("must be POLYGON ((…)), with two brackets")
    return Polygon(_points(inner[1:-1], 3))


def _points(text: str, least: int) -> tuple[Point, ...]:
    found = tuple(map(_point, text.split(",")))
    if len(found) < least:
        raise BadArea(f"has {len(found)} points and needs {least}")
    return found


def _point(text: str) -> Point:
    parts = text.split()
    if len(parts) != 2:
        raise BadArea(f"has a point {text.strip()[:40]!r}, which is not a latitude and a longitude")
    latitude, longitude = map(_number, parts)
    # A client that draws across the antimeridian may go on counting.
    if abs(latitude) > 90 or abs(longitude) > 360:
        raise BadArea(f"has a point {text.strip()[:40]!r}, which is nowhere on earth")
    return latitude, longitude


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise BadArea(f"has {text[:40]!r} where a number should be")
    found = float(text)
    if found - found != 0:
        raise BadArea(f"has {text[:40]!r}, which is out of range")
    return found


def _is_across(points: Sequence[Point]) -> bool:
    return any(longitude > 90 for _, longitude in points) and any(longitude < -90 for _, longitude in points)


def _shifted(longitude: float, across: bool) -> float:
    return longitude + 360 if across and longitude < -90 else longitude
