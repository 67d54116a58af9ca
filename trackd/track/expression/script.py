"""
Expressions of computed attributes: read once, evaluated for each report.

    Script.read("speed * 2").value({"speed": 10.5})     →  21.0

The language is that of the scripts that operators have: variables, operators, choices, methods of texts and moments.
What it costs is limited, and nothing of the server can be reached from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from attrs import frozen

from trackd.store.rows import Position
from trackd.track.expression.nodes import Node, Scope, ended
from trackd.track.expression.parser import Switches, parse
from trackd.track.expression.values import BadExpression, Long, Map, Opaque, integer


@frozen
class Script:
    root: Node

    @classmethod
    def read(cls, text: str, switches: Switches | None = None) -> Script:
        """The script of a text. Raises BadExpression."""
        try:
            return cls(parse(text, switches or Switches()))
        except RecursionError:
            raise BadExpression("the expression is nested too deeply") from None

    def value(self, variables: Mapping[str, Any]) -> Any:
        """Its value for these variables, which it does not change. Raises BadExpression."""
        try:
            return ended(self.root, Scope(dict(variables)))
        except RecursionError:
            raise BadExpression("the expression is nested too deeply") from None
        except (ArithmeticError, LookupError, TypeError) as error:
            # What no number can be, such as an integer of an infinite one.
            raise BadExpression(f"{type(error).__name__}: {error}") from None
        except ValueError as error:
            if isinstance(error, BadExpression):
                raise
            raise BadExpression(str(error)) from None


def variables(position: Position, zone: tzinfo) -> dict[str, Any]:
    """What an expression can say of a position; times are shown in the zone."""
    found: dict[str, Any] = {
        "deviceId": Long(position.device_id),
        "protocol": position.protocol,
        "serverTime": position.server_time.astimezone(zone),
        "deviceTime": position.device_time.astimezone(zone),
        "fixTime": position.fix_time.astimezone(zone),
        "outdated": False,
        "valid": position.valid,
        "latitude": float(position.latitude),
        "altitude": float(position.altitude),
        "speed": float(position.speed),
        "course": float(position.course),
        "address": position.address,
        "accuracy": float(position.accuracy),
        "network": None if not position.network else Opaque(),
        "geofenceIds": [Long(id) for id in position.geofence_ids] if position.geofence_ids else None,
        "type": None,
    }
    # An attribute goes before a field of its name; these two are as operators know them.
    found |= {name: variable(value) for name, value in position.attributes.items()}
    return found | {"id": Long(position.id), "longitude": float(position.longitude)}


def variable(value: Any) -> Any:
    """An attribute as a value of expressions."""
    if isinstance(value, bool) or value is None or isinstance(value, str | float):
        return value
    if isinstance(value, int):
        return integer(value)
    if isinstance(value, list):
        return [variable(one) for one in value]
    if isinstance(value, dict):
        return Map([(str(name), variable(one)) for name, one in value.items()])
    return Opaque()
