"""
The server's own routes, beside those of the dialect whose credentials they take: what the live page needs and no other
server has.

They are under `/api/trackd`, and for administrators, but for the list of ports and the commands that wait for a device.
"""

from __future__ import annotations

from typing import Any

from plugins.rest.traccar.credentials import allowed, cors, refusal, who
from plugins.rest.traccar.description import CREDENTIALS, REFUSALS, route
from trackd.figures import HISTOGRAM, Figure
from trackd.rest import body
from trackd.rest.body import Member, Model
from trackd.rest.errors import ApiError
from trackd.rest.openapi import Gives, Words
from trackd.rest.output import dumps, free, moment
from trackd.rest.params import LONG, TEXT, Param
from trackd.rest.routes import Access, Answer, Call, Dialect, Route
from trackd.rest.services import Services
from trackd.store.errors import Refused
from trackd.store.rows import CommandRow, QuarantineRow, UnknownRow

NOTHING = Answer(204)
AVAILABLE = "trackd_database_available"  # the figure that says so


def shown(value: Any) -> Answer:
    return Answer(200, dumps(value))


async def get_formats(services: Services, call: Call) -> Answer:
    """Which port is for which devices."""
    return shown(
        [
            {"name": port.format, "port": port.port, "transports": port.transports, "tls": port.tls}
            for port in services.inside.ports()
        ]
    )


async def get_commands(services: Services, call: Call) -> Answer:
    """The commands that wait for a device, and those that could not be sent to it, the oldest first."""
    device_id = call.params["deviceId"]
    await services.permissions.check_device(call.caller.user, device_id)
    return shown([_command(row) for row in await services.inside.queue.all(device_id)])


def _command(row: CommandRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "deviceId": row.device_id,
        "type": row.type,
        "attributes": free(row.attributes),
        "created": moment(row.created),
        "failure": row.failure,
    }


async def get_unknown(services: Services, call: Call) -> Answer:
    """Ids that have called and that no device has, the last one first."""
    return shown([_unknown(row) for row in await services.inside.unknown.all()])


def _unknown(row: UnknownRow) -> dict[str, Any]:
    return {
        "uniqueId": row.unique_id,
        "protocol": row.protocol,
        "address": row.address,
        "firstSeen": moment(row.first_seen),
        "lastSeen": moment(row.last_seen),
        "count": row.count,
        "lastFrame": row.last_frame,
    }


async def delete_unknown(services: Services, call: Call) -> Answer:
    """Forget an id, until it calls again."""
    await services.inside.unknown.forget(call.params["uniqueId"] or "")
    return NOTHING


async def get_quarantine(services: Services, call: Call) -> Answer:
    """Reports that the database has refused, the last one first, and how many there are in all."""
    quarantine = services.inside.quarantine
    rows = await quarantine.all()
    return shown({"total": await quarantine.count(), "reports": [_report(row) for row in rows]})


def _report(row: QuarantineRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "deviceId": row.device_id,
        "protocol": row.protocol,
        "received": moment(row.received),
        "reason": row.reason,
        "report": row.report,
        "frame": bytes(row.frame or b"").hex(),
    }


async def _quarantined(services: Services, call: Call) -> QuarantineRow:
    row = await services.inside.quarantine.get(call.params["id"])
    if row is None:
        raise ApiError(404, "There is no such report")
    return row


async def retry(services: Services, call: Call) -> Answer:
    """Store a report after all; one that is refused again stays, with the new reason."""
    row = await _quarantined(services, call)
    try:
        return shown({"stored": await services.inside.quarantine.retry(row)})
    except Refused as error:
        raise ApiError(400, str(error)) from None


async def delete_quarantined(services: Services, call: Call) -> Answer:
    """Forget a report for good."""
    row = await _quarantined(services, call)
    await services.inside.quarantine.delete(row.id)
    return NOTHING


async def get_settings(services: Services, call: Call) -> Answer:
    """What is in force, and where it comes from; of what is secret, only that it is set."""
    return shown(
        [
            {"name": row.key.name, "value": row.value, "origin": row.origin, "meaning": row.key.meaning}
            for row in services.inside.rows()
        ]
    )


async def get_state(services: Services, call: Call) -> Answer:
    """What the server is doing: the figures of `/metrics`, but for the histograms."""
    figures = [figure for figure in services.inside.figures() if figure.kind != HISTOGRAM]
    available = [value for figure in figures if figure.name == AVAILABLE for _, value in figure.values]
    return shown(
        {
            "version": services.options.version,
            "since": moment(services.inside.started),
            "now": moment(services.now()),
            "database": bool(available and available[0]),
            "figures": [_figure(figure) for figure in figures],
        }
    )


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "kind": figure.kind,
        "meaning": figure.meaning,
        "values": [{"labels": dict(labels), "value": value} for labels, value in figure.values],
    }


ADMINISTRATOR = Access.ADMINISTRATOR
ID = (Param("id", LONG, meaning="The report's number"),)

ROUTES = (
    Route("GET", "/formats", get_formats),
    Route(
        "GET",
        "/commands",
        get_commands,
        query=(Param("deviceId", LONG),),
        needs=("device",),
    ),
    Route("GET", "/unknown", get_unknown, ADMINISTRATOR),
    Route(
        "DELETE",
        "/unknown",
        delete_unknown,
        ADMINISTRATOR,
        query=(Param("uniqueId", TEXT),),
    ),
    Route("GET", "/quarantine", get_quarantine, ADMINISTRATOR),
    Route("POST", "/quarantine/{id}/retry", retry, ADMINISTRATOR, place=ID),
    Route("DELETE", "/quarantine/{id}", delete_quarantined, ADMINISTRATOR, place=ID),
    Route("GET", "/settings", get_settings, ADMINISTRATOR),
    Route("GET", "/state", get_state, ADMINISTRATOR),
)

# What they answer, for their description.

PORT = Model(
    "Port",
    (Member("name", body.TEXT), Member("port", body.INT), Member("transports", body.ANY), Member("tls", body.FLAG)),
)
WAITING = Model(
    "WaitingCommand",
    (
        Member("id", body.LONG),
        Member("deviceId", body.LONG),
        Member("type", body.TEXT),
        Member("attributes", body.FREE),
        Member("created", body.MOMENT),
        Member("failure", body.TEXT),
    ),
)
UNKNOWN = Model(
    "UnknownDevice",
    (
        Member("uniqueId", body.TEXT),
        Member("protocol", body.TEXT),
        Member("address", body.TEXT),
        Member("firstSeen", body.MOMENT),
        Member("lastSeen", body.MOMENT),
        Member("count", body.INT),
        Member("lastFrame", body.TEXT),
    ),
)
QUARANTINE = Model("Quarantine", (Member("total", body.INT), Member("reports", body.ANY)))
STORED = Model("Stored", (Member("stored", body.FLAG),))
SETTING = Model(
    "Setting",
    (Member("name", body.TEXT), Member("value", body.TEXT), Member("origin", body.TEXT), Member("meaning", body.TEXT)),
)
STATE = Model(
    "State",
    (
        Member("version", body.TEXT),
        Member("since", body.MOMENT),
        Member("now", body.MOMENT),
        Member("database", body.FLAG),
        Member("figures", body.ANY),
    ),
)
GIVES = {
    "GET /formats": (Gives(PORT, many=True),),
    "GET /commands": (Gives(WAITING, many=True),),
    "GET /unknown": (Gives(UNKNOWN, many=True),),
    "DELETE /unknown": (Gives(status=204),),
    "GET /quarantine": (Gives(QUARANTINE),),
    "POST /quarantine/{id}/retry": (Gives(STORED),),
    "DELETE /quarantine/{id}": (Gives(status=204),),
    "GET /settings": (Gives(SETTING, many=True),),
    "GET /state": (Gives(STATE),),
    "GET /openapi.json": (Gives("object"),),
}
WORDS = Words("trackd, what the server tells of itself", "Times are UTC.", GIVES, CREDENTIALS, REFUSALS, {})
PREFIX = "/api/trackd"

dialect = Dialect(
    name="trackd",
    prefix=PREFIX,
    routes=(*ROUTES, route(PREFIX, ROUTES, WORDS)),
    who=who,
    allowed=allowed,
    refusal=refusal,
    headers=cors,
    session_parameter="jsessionid",
)
