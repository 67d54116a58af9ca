"""JSON Schemas of the types that parameters and members have, by the names of the types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackd.rest.body import Member

Schema = dict[str, Any]

TYPES: dict[str, Schema] = {
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "double": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "date-time": {"type": "string", "format": "date-time"},
    "object": {"type": "object"},
    "any": {},
}
# Those whose values may be null where a member need not be sent.
NULLABLE = ("string", "date-time")


def of_type(name: str) -> Schema:
    """The schema of a type; any value, for a type that has no schema."""
    return dict(TYPES.get(name, {}))


def of_member(member: Member) -> Schema:
    """The schema of a member's value, and whether it is only read or only written."""
    schema = of_type(member.type.name)
    if member.type.name in NULLABLE and not member.required:
        schema["type"] = [schema["type"], "null"]
    if member.most is not None and member.type.name == "string":
        schema["maxLength"] = member.most
    if member.default is not None:
        schema["default"] = member.default
    if member.write_only:
        schema["writeOnly"] = True
    elif member.ro:
        schema["readOnly"] = True
    return schema


def of_members(members: Iterable[Member], tolerant: bool) -> Schema:
    """The schema of an object with these members; a tolerant one may have others besides."""
    listed = list(members)
    schema: Schema = {"type": "object", "properties": {member.name: of_member(member) for member in listed}}
    if required := [member.name for member in listed if member.required]:
        schema["required"] = required
    if not tolerant:
        schema["additionalProperties"] = False
    return schema
