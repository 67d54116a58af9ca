"""How handlers answer, and the parameters that many routes share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import attrs

from plugins.rest.traccar.models import dumps
from plugins.rest.traccar.objects import GROUP, USER
from trackd.rest.params import FLAG, INT, LONG, TEXT, Param
from trackd.rest.routes import Answer, Call
from trackd.store.listing import Listing
from trackd.store.rows import GroupRow, UserRow

NOTHING = Answer(204)

ID = (Param("id", LONG),)
# A path's id that nobody looks at: changes go by the id in the body.
IGNORED_ID = (Param("id", TEXT),)
LIST = (
    Param("excludeAttributes", FLAG, meaning="Leave the attributes out"),
    Param("keyword", TEXT, meaning="A part of a name, in any case"),
    Param("limit", INT, meaning="Length of a page; 0 = everything"),
    Param("offset", INT, meaning="Where the page begins; with a limit only"),
)
ALL = Param("all", FLAG, meaning="Everything, for administrators")
USER_ID = Param("userId", LONG, meaning="What this user is linked to")


def shown(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """A JSON value."""
    return Answer(status, dumps(value), headers=headers)


def text(value: str) -> Answer:
    """A bare text, which this dialect labels as its JSON."""
    return Answer(200, value.encode())


def listing(call: Call) -> Listing:
    """Which part of a list is wanted."""
    params = call.params
    return Listing(params["keyword"] or "", params["limit"], params["offset"])


def listed(call: Call, objects: Iterable[dict[str, Any]]) -> Answer:
    """A list, without attributes if they are not wanted."""
    return shown(trimmed(call, objects))


def trimmed(call: Call, objects: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects, without attributes if they are not wanted."""
    found = list(objects)
    if call.params["excludeAttributes"]:
        for one in found:
            if "attributes" in one:
                one["attributes"] = {}
    return found


async def array(pieces: AsyncIterator[Sequence[Any]]) -> AsyncIterator[bytes]:
    """The JSON array of all objects, a piece at a time; few objects are one piece."""
    held = b"["
    async for objects in pieces:
        if encoded := dumps(objects)[1:-1]:
            if len(held) > 1:
                yield held
                held = b","
            held += encoded
    yield held + b"]"


def user_json(row: UserRow) -> dict[str, Any]:
    return USER.show(attrs.asdict(row, recurse=False))


def group_json(row: GroupRow) -> dict[str, Any]:
    return GROUP.show(attrs.asdict(row, recurse=False))
