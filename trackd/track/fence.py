"""A geofence as a position is held against it: its area, and the band of altitudes in which it counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from trackd.track.area import WIDTH, Area, parse


@frozen
class Fence:
    """Degrees and metres; a `floor` or `ceiling` of 0 is none."""

    area: Area
    floor: float = 0.0
    ceiling: float = 0.0

    def contains(self, latitude: float, longitude: float, altitude: float) -> bool:
        if (self.floor and altitude < self.floor) or (self.ceiling and altitude > self.ceiling):
            return False
        return self.area.contains(latitude, longitude)


def fence(area: str, attributes: Mapping[str, Any]) -> Fence:
    """
    The geofence of this text; its attributes say how wide a line is (`polylineDistance`), and from where to where up.

    What they say that is no number is as if they did not. Raises BadArea.
    """
    width = _number(attributes.get("polylineDistance"), WIDTH)
    return Fence(parse(area, width), _number(attributes.get("floor"), 0.0), _number(attributes.get("ceiling"), 0.0))


def _number(value: Any, otherwise: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return otherwise
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return otherwise
    return found if math.isfinite(found) else otherwise
