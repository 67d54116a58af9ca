"""What people did, and how much was done on each day: for administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from plugins.rest.traccar.answers import array, shown
from trackd.rest.errors import ApiError
from trackd.rest.output import moment
from trackd.rest.params import MOMENT, Param
from trackd.rest.routes import Access, Answer, Call, Route
from trackd.rest.services import Services
from trackd.store.rows import ActionRow, DayRow


async def get_audit(services: Services, call: Call) -> Answer:
    """The record of a time, the oldest action first."""
    start, end = span(call)
    return Answer(body=array(_actions(services, start, end)))


async def _actions(services: Services, start: datetime, end: datetime) -> AsyncIterator[list[dict[str, Any]]]:
    async for rows in services.audit.actions.between(start, end):
        yield [action_json(row, email) for row, email in rows]


def action_json(row: ActionRow, email: str | None) -> dict[str, Any]:
    """An action, with the e-mail address of who did it."""
    return {
        "id": row.id,
        "attributes": row.attributes,
        "actionTime": moment(row.time),
        "address": row.address,
        "userId": row.user_id,
        "actionType": row.type,
        "objectType": row.object_type,
        "objectId": row.object_id,
        "userEmail": email,
    }


async def get_statistics(services: Services, call: Call) -> Answer:
    """The days that are over, by when they were counted."""
    start, end = span(call)
    return shown([day_json(row) for row in await services.statistics.between(start, end)])


def day_json(row: DayRow) -> dict[str, Any]:
    """How much was done on a day."""
    return {
        "id": row.id,
        "attributes": {},
        "captureTime": moment(row.capture_time),
        "activeUsers": row.active_users,
        "activeDevices": row.active_devices,
        "requests": row.requests,
        "messagesReceived": row.messages_received,
        "messagesStored": row.messages_stored,
        "mailSent": row.mail_sent,
        "smsSent": row.sms_sent,
        "geocoderRequests": row.geocoder_requests,
        "geolocationRequests": row.geolocation_requests,
        "protocols": row.protocols,
    }


def span(call: Call) -> tuple[datetime, datetime]:
    """The time that is asked for; both ends are needed."""
    start, end = call.params["from"], call.params["to"]
    if start is None or end is None:
        raise ApiError(400, "The times from and to are needed")
    return start, end


SPAN = (Param("from", MOMENT), Param("to", MOMENT))

ROUTES = (
    Route("GET", "/audit", get_audit, Access.ADMINISTRATOR, query=SPAN),
    Route("GET", "/statistics", get_statistics, Access.ADMINISTRATOR, query=SPAN),
)
