"""
The positions of a device and a time as a file: CSV, GPX, KML, and KML in a zip file.

A file is made while it is sent, a piece of rows at a time.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Any
from xml.sax.saxutils import escape

from attrs import frozen

from plugins.rest.traccar.positions import IN_SPAN, Rows, of_span
from trackd.people.permissions import DISABLE_REPORTS
from trackd.reports.zipped import zipped
from trackd.rest.errors import ApiError
from trackd.rest.output import dumps
from trackd.rest.routes import Answer, Call, Route
from trackd.rest.services import Services
from trackd.store.rows import DeviceRow, PositionRow, parsed

XML = "<?xml version='1.0' encoding='UTF-8'?>"
COLUMNS = (
    "id,deviceId,protocol,serverTime,deviceTime,fixTime,valid,latitude,longitude,altitude,speed,course,address,accuracy"
)
# Columns of attributes. A device can make up names as it likes, and each is a column of every line.
MOST_COLUMNS = 1000
# What a spreadsheet would take for a formula.
FORMULAS = ("=", "+", "-", "@")

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@frozen
class Frame:
    """What is around the rows of a file: `between` two pieces, `opened` and `closed` if there are any, else `empty`."""

    head: str
    opened: str = ""
    closed: str = ""
    empty: str = ""
    between: str = ""


async def framed(
    frame: Frame, pieces: Rows[PositionRow], shown: Callable[[PositionRow], str]
) -> AsyncGenerator[bytes, None]:
    """The file in pieces; a short one is one piece. Nothing comes before the first rows are there."""
    held, some = frame.head, False
    async for rows in pieces:
        piece = frame.between.join(map(shown, rows))
        if not piece:
            continue
        if some:
            yield _bytes(held)
            held = frame.between + piece
        else:
            held += frame.opened + piece
            some = True
    yield _bytes(held + (frame.closed if some else frame.empty))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


async def _rows(services: Services, call: Call) -> Rows[PositionRow]:
    return await of_span(services, call, services.positions.between)


# CSV


async def get_csv(services: Services, call: Call) -> Answer:
    """A line for each position, with a column for every attribute that one of them has."""
    zone = await _users_zone(services, call)
    names: dict[str, None] = {}
    async for rows in await of_span(services, call, services.positions.between_plain):
        for row in rows:
            if len(names) < MOST_COLUMNS:
                names.update(dict.fromkeys(parsed(row.attributes)))
    columns = list(names)[:MOST_COLUMNS]
    head = ",".join([COLUMNS, *map(cell, columns)]) + "\n"
    return _answer("csv", framed(Frame(head), await _rows(services, call), lambda row: line(row, columns, zone)))


def line(row: PositionRow, names: Sequence[str], zone: tzinfo) -> str:
    """One position; times are those of the zone."""
    said = (
        row.id,
        row.device_id,
        row.protocol,
        second(row.server_time, zone),
        second(row.device_time, zone),
        second(row.fix_time, zone),
        row.valid,
        row.latitude,
        row.longitude,
        row.altitude,
        row.speed,
        row.course,
        row.address,
        row.accuracy,
        *map(row.attributes.get, names),
    )
    return ",".join(map(cell, said)) + "\n"


def cell(value: Any) -> str:
    """
    A value as a cell. Commas are not quoted: the clients that read these files expect it so.

    A text has no line ends, and is no formula: a device must not have the spreadsheet of whoever looks at it do things.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = value if isinstance(value, str) else dumps(value).decode()
    text = _CONTROLS.sub(" ", text).strip()
    return "" if text.startswith(FORMULAS) else text


def second(time: datetime, zone: tzinfo) -> str:
    return local(time, zone).isoformat(" ")[:19]


def local(time: datetime, zone: tzinfo) -> datetime:
    """The time by the clocks of the zone; of the first and the last hours that there are, as it is."""
    try:
        return time.astimezone(zone)
    except OverflowError:
        return time


async def _users_zone(services: Services, call: Call) -> tzinfo:
    """The zone that the caller wants to see times in: the caller's own, or the server's if that goes first."""
    server = await services.permissions.users.server()
    wanted = [call.caller.user.attributes.get("timezone"), server.attributes.get("timezone")]
    if server.force_settings:
        wanted.reverse()
    name = next((name for name in wanted if name), "")
    return services.machine.zone(str(name))


# GPX and KML


async def get_gpx(services: Services, call: Call) -> Answer:
    """A track."""
    rows, device = await _rows(services, call), await _device(services, call)
    zone = services.machine.zone("")
    frame = Frame(
        f'{XML}<gpx version="1.0"><trk><name>{in_xml(device.name)}</name>',
        "<trkseg>",
        "</trkseg></trk></gpx>",
        "<trkseg/></trk></gpx>",
    )
    return _answer(
        "gpx",
        framed(
            frame,
            rows,
            lambda row: (
                f'<trkpt lat="{row.latitude!r}" lon="{row.longitude!r}"><ele>{row.altitude!r}</ele>'
                f"<time>{with_offset(row.fix_time, zone)}</time></trkpt>"
            ),
        ),
    )


async def get_kml(services: Services, call: Call) -> Answer:
    """A line on the map."""
    return _answer("kml", await _kml(services, call))


async def get_kmz(services: Services, call: Call) -> Answer:
    """The same in a zip file."""
    return _answer("kmz", zipped("doc.kml", await _kml(services, call)))


async def _kml(services: Services, call: Call) -> AsyncGenerator[bytes, None]:
    rows, device = await _rows(services, call), await _device(services, call)
    zone = services.machine.zone("")
    span = " - ".join(second(call.params[name], zone)[:16] for name in ("from", "to"))
    end = "</LineString></Placemark></Document></kml>"
    frame = Frame(
        f'{XML}<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>{in_xml(device.name)}</name><Placemark>'
        f"<name>{span}</name><LineString><extrude>1</extrude><tessellate>1</tessellate>"
        "<altitudeMode>absolute</altitudeMode>",
        "<coordinates>",
        f"</coordinates>{end}",
        f"<coordinates/>{end}",
        " ",
    )
    return framed(frame, rows, lambda row: f"{row.longitude:.6f},{row.latitude:.6f},{row.altitude:.6f}")


async def _device(services: Services, call: Call) -> DeviceRow:
    device = await services.fleet.devices.get(call.params["deviceId"])
    if device is None:
        raise ApiError(400, "There is no such device")
    return device


def in_xml(text: str) -> str:
    """A text as the content of an element: without what XML has no notation for."""
    return escape(_NOT_XML.sub("", text))


def with_offset(time: datetime, zone: tzinfo) -> str:
    """A time of the zone to the millisecond, with its offset; what is 0 is left out."""
    here = local(time, zone)
    said, fraction = here.isoformat()[:19], f"{here.microsecond // 1000:03d}".rstrip("0")
    offset = "Z" if not here.utcoffset() else here.isoformat()[-6:]
    return f"{said}.{fraction}{offset}" if fraction else said + offset


def _answer(name: str, pieces: AsyncIterator[bytes]) -> Answer:
    return Answer(body=pieces, headers=(("Content-Disposition", f"attachment; filename=positions.{name}"),))


def _routes(parts: Iterable[tuple[str, Any, str]]) -> Iterable[Route]:
    for name, function, type in parts:
        yield Route(
            "GET",
            f"/positions/{name}",
            function,
            query=IN_SPAN,
            produces=type,
            may_be_denied=(DISABLE_REPORTS,),
            needs=("device",),
        )


ROUTES = tuple(
    _routes(
        (
            ("csv", get_csv, "text/csv"),
            ("gpx", get_gpx, "application/gpx+xml"),
            ("kml", get_kml, "application/vnd.google-earth.kml+xml"),
            ("kmz", get_kmz, "application/vnd.google-earth.kmz"),
        )
    )
)
