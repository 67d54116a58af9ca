"""What making and changing an object has in common, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trackd.people.permissions import SERVICE_ID, Permissions
from trackd.store.kinds import REFERRED
from trackd.store.rows import UserRow

Values = Mapping[str, Any]


async def check_references(permissions: Permissions, caller: UserRow, values: Values, before: Values) -> None:
    """Who makes an object refer to another must have access to that one; what it refers to already may stay."""
    for column, kind in REFERRED.items():
        id = values.get(column)
        if id and id != before.get(column):
            await permissions.check(caller, kind, id)


def stored(values: Values) -> dict[str, Any]:
    """0 is no group, no calendar and no command."""
    return {name: value or None if name in REFERRED else value for name, value in values.items()}


def creator(caller: UserRow) -> int | None:
    """To whom a new object is linked: what the service makes belongs to nobody."""
    return None if caller.id == SERVICE_ID else caller.id
