"""
Geofences, notifications, calendars, computed attributes, drivers, maintenance, saved commands, orders and reports.

All have the same five routes, made from what differs: the path, the kind, the model and the parameters of lists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import attrs
from attrs import frozen

from plugins.rest.traccar.answers import ALL, ID, IGNORED_ID, LIST, NOTHING, USER_ID, array, listing, shown, trimmed
from plugins.rest.traccar.objects import (
    ATTRIBUTE,
    CALENDAR,
    DRIVER,
    GEOFENCE,
    MAINTENANCE,
    NOTIFICATION,
    ORDER,
    REPORT,
    SAVED_COMMAND,
)
from trackd.people.belongings import ADMINISTERED, Scope, restrictions
from trackd.rest.body import Model
from trackd.rest.errors import ApiError
from trackd.rest.params import LONG, Param
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.services import Services
from trackd.store.kinds import REFERENCES

# Objects that are read and shown at once: some are of 64 KiB.
PIECE = 200

GROUP_ID = Param("groupId", LONG, meaning="What this group is linked to as well")
DEVICE_ID = Param("deviceId", LONG, meaning="What this device is linked to as well")


@frozen
class Resource:
    """`lends`: groups and devices are linked to such objects, and lists can be asked for theirs."""

    path: str
    kind: str
    model: Model
    lends: bool = True

    async def get_all(self, services: Services, call: Call) -> Answer:
        """Those that are linked to the caller, or all; the parameters choose among them."""
        params = call.params
        scope = Scope(params["all"], params["userId"], params.get("groupId", 0), params.get("deviceId", 0))
        ids = await services.belongings.ids(call.caller.user, self.kind, scope, listing(call))
        return Answer(body=array(self._pieces(services, call, ids)))

    async def _pieces(
        self, services: Services, call: Call, ids: Sequence[int]
    ) -> AsyncIterator[Sequence[dict[str, Any]]]:
        for start in range(0, len(ids), PIECE):
            rows = await services.belongings.objects.rows(self.kind, ids[start : start + PIECE])
            yield trimmed(call, map(self.show, rows))

    async def get(self, services: Services, call: Call) -> Answer:
        row = await services.belongings.get(call.caller.user, self.kind, call.params["id"])
        if row is None:
            raise ApiError(404)
        return shown(self.show(row))

    async def post(self, services: Services, call: Call) -> Answer:
        """Make one; the answer is what was understood, with the id."""
        note = services.audit.created(call, self.kind)
        row = await services.belongings.add(call.caller.user, self.kind, self.model.stored(call.body), note)
        return shown(self.model.show({**call.body, "id": row.id}))

    async def put(self, services: Services, call: Call) -> Answer:
        """Change the one whose id the body has; the answer is what was understood."""
        values, note = self.model.stored(call.body), services.audit.edited(call, self.kind)
        await services.belongings.change(call.caller.user, self.kind, call.body["id"], values, note)
        return shown(self.model.show(call.body))

    async def delete(self, services: Services, call: Call) -> Answer:
        note = services.audit.removed(call, self.kind)
        await services.belongings.delete(call.caller.user, self.kind, call.params["id"], note)
        return NOTHING

    def show(self, row: Any) -> dict[str, Any]:
        return self.model.show(attrs.asdict(row, recurse=False))

    def routes(self) -> tuple[Route, ...]:
        """What there is of it."""
        one = f"{self.path}/{{id}}"
        narrowed = (GROUP_ID, DEVICE_ID) if self.lends else ()
        owners = ("group", "device") if self.lends else ()
        writers = Access.ADMINISTRATOR if self.kind in ADMINISTERED else Access.USER
        denied = restrictions(self.kind)
        named = tuple(reference.to for reference in REFERENCES if reference.kind == self.kind)
        return (
            Route("GET", self.path, self.get_all, query=(ALL, USER_ID, *narrowed, *LIST), needs=("user", *owners)),
            Route("POST", self.path, self.post, writers, denied, body=self.model, needs=named),
            Route("GET", one, self.get, needs=(self.kind,), place=ID),
            Route("PUT", one, self.put, writers, denied, body=self.model, needs=(self.kind, *named), place=IGNORED_ID),
            Route("DELETE", one, self.delete, writers, denied, needs=(self.kind,), place=ID),
        )


RESOURCES = (
    Resource("/geofences", "geofence", GEOFENCE),
    Resource("/notifications", "notification", NOTIFICATION),
    Resource("/calendars", "calendar", CALENDAR, lends=False),
    Resource("/attributes/computed", "attribute", ATTRIBUTE),
    Resource("/drivers", "driver", DRIVER),
    Resource("/maintenance", "maintenance", MAINTENANCE),
    Resource("/commands", "command", SAVED_COMMAND),
    Resource("/orders", "order", ORDER, lends=False),
    Resource("/reports", "report", REPORT, lends=False),
)

ROUTES = tuple(route for resource in RESOURCES for route in resource.routes())
