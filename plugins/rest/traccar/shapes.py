"""Objects that this dialect shows and that clients never write: their members, for its description."""

from __future__ import annotations

from plugins.rest.traccar.objects import FREE_FORM, ID
from trackd.rest.body import ANY, DOUBLE, FLAG, INT, LONG, MOMENT, TEXT, Member, Model

POSITION = Model(
    "Position",
    (
        ID,
        FREE_FORM,
        Member("deviceId", LONG),
        Member("protocol", TEXT),
        Member("serverTime", MOMENT),
        Member("deviceTime", MOMENT),
        Member("fixTime", MOMENT),
        Member("valid", FLAG),
        Member("latitude", DOUBLE),
        Member("longitude", DOUBLE),
        Member("altitude", DOUBLE),
        Member("speed", DOUBLE),
        Member("course", DOUBLE),
        Member("address", TEXT),
        Member("accuracy", DOUBLE),
        Member("network", ANY),
        Member("geofenceIds", ANY),
    ),
)
EVENT = Model(
    "Event",
    (
        ID,
        FREE_FORM,
        Member("deviceId", LONG),
        Member("type", TEXT),
        Member("eventTime", MOMENT),
        Member("positionId", LONG),
        Member("geofenceId", LONG),
        Member("maintenanceId", LONG),
    ),
)
ACTION = Model(
    "Action",
    (
        ID,
        FREE_FORM,
        Member("actionTime", MOMENT),
        Member("address", TEXT),
        Member("userId", LONG),
        Member("actionType", TEXT),
        Member("objectType", TEXT),
        Member("objectId", LONG),
        Member("userEmail", TEXT),
    ),
)
STATISTICS = Model(
    "Statistics",
    (
        ID,
        FREE_FORM,
        Member("captureTime", MOMENT),
        *(
            Member(name, INT)
            for name in """
            activeUsers activeDevices requests messagesReceived messagesStored mailSent smsSent geocoderRequests
            geolocationRequests
            """.split()
        ),
        Member("protocols", ANY),
    ),
)
TYPE = Model("Type", (Member("type", TEXT),))
ALIVE = Model("Alive", (Member("status", FLAG),))
