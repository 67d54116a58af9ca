"""Links: which objects belong to which users, groups and devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen

from plugins.rest.traccar.answers import NOTHING, shown
from trackd.people.permissions import READONLY
from trackd.rest.body import parsed, read_integer
from trackd.rest.errors import ApiError
from trackd.rest.params import long
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.schema import Schema, of_type
from trackd.rest.services import Services
from trackd.store.audit import Note
from trackd.store.kinds import PAIRS, TABLES, Pair
from trackd.store.rows import UserRow

# Each pair that can be linked, by the names of its members in lower case.
NAMES = {(f"{pair.owner}id", pair.column.replace("_", "")): pair for pair in PAIRS.values()}
MOST_AT_ONCE = 1000
INVALID = "Invalid permission"


@frozen
class Link:
    """Two ids whose kinds `pair` says: that of the owner, and that of what is linked to it."""

    pair: Pair
    owner_id: int
    id: int

    @property
    def linked(self) -> str:
        """The kind of what is linked, as the audit knows it."""
        return {"managed_user": "managedUser", "linked_device": "linkedDevice"}.get(self.pair.linked, self.pair.kind)


def link_of(sent: Any) -> Link:
    """The link that an object of exactly two members names. Raises ApiError."""
    if not isinstance(sent, dict) or len(sent) != 2:
        raise ApiError(400, INVALID)
    (owner, owner_id), (linked, id) = sent.items()
    pair = NAMES.get((owner.lower(), linked.lower()))
    if pair is None:
        raise ApiError(400, INVALID)
    try:
        return Link(pair, read_integer(owner_id), read_integer(id))
    except ValueError as error:
        raise ApiError(400, f"{INVALID}: {error}") from None


class One:
    """A body that is one link."""

    name = "Permission"
    schema: Schema = {
        "type": "object",
        "description": "The id of the owner, and that of what is linked to it, in this order.",
        "additionalProperties": of_type("long"),
        "minProperties": 2,
        "maxProperties": 2,
    }

    def read(self, data: bytes) -> list[Link]:
        return [link_of(parsed(data))]


class Several:
    """A body that is an array of links of one kind."""

    name = "Permissions"
    schema: Schema = {"type": "array", "maxItems": MOST_AT_ONCE, "items": One.schema}

    def read(self, data: bytes) -> list[Link]:
        sent = parsed(data)
        if not isinstance(sent, list) or len(sent) > MOST_AT_ONCE:
            raise ApiError(400, INVALID)
        links = [link_of(one) for one in sent]
        if len({link.pair.table for link in links}) > 1:
            raise ApiError(400, INVALID)
        return links


async def get_links(services: Services, call: Call) -> Answer:
    """The links of a kind; 0 stands for any. The members have the names of columns."""
    owner, linked, *_ = [*(name.lower() for name in call.query), "", ""]
    pair = NAMES.get((owner, linked))
    if pair is None:
        raise ApiError(400, INVALID)
    (owner_id, *_), (id, *_), *_ = call.query.values()
    try:
        pairs = await services.linking.links.pairs(pair.owner, pair.kind, long(owner_id), long(id))
    except ValueError as error:
        raise ApiError(400, f"{INVALID}: {error}") from None
    return shown([{owner: one, linked: other} for one, other in pairs])


async def link(services: Services, call: Call) -> Answer:
    """Link one thing to another; one that is linked already stays so."""
    return await _each(services.linking.link, services.audit.linked, call)


async def unlink(services: Services, call: Call) -> Answer:
    """Unlink one thing from another; one that is not linked stays so."""
    return await _each(services.linking.unlink, services.audit.unlinked, call)


async def _each(
    work: Callable[[UserRow, str, int, str, int, Note], Awaitable[None]],
    noted: Callable[[Call, str, int, str], Note],
    call: Call,
) -> Answer:
    """When one is refused, those before it stay."""
    for one in call.body:
        owner, owner_id = one.pair.owner, one.owner_id
        note = noted(call, owner, owner_id, one.linked)
        await work(call.caller.user, owner, owner_id, one.pair.kind, one.id, note)
    return NOTHING


MARKS: dict[str, Any] = {
    "denied": (READONLY,),
    "denial": "Operation restricted",
    "needs": tuple(TABLES),
}

ROUTES = (
    Route("GET", "/permissions", get_links, Access.ADMINISTRATOR),
    Route("POST", "/permissions", link, body=One(), **MARKS),
    Route("DELETE", "/permissions", unlink, body=One(), **MARKS),
    Route("POST", "/permissions/bulk", link, body=Several(), **MARKS),
    Route("DELETE", "/permissions/bulk", unlink, body=Several(), **MARKS),
)
