"""Files: pictures of devices, those of the web client, and films while they are taken."""

from __future__ import annotations

import re
from collections.abc import Mapping

from plugins.rest.traccar.answers import ID, text
from plugins.rest.traccar.devices import DEVICE_WRITES
from trackd.rest.errors import ApiError
from trackd.rest.params import INT, LONG, TEXT, Param
from trackd.rest.routes import Access, Answer, Call, Raw, Route
from trackd.rest.services import Services

# Bytes of the largest picture.
LARGEST_PICTURE = 500_000
PICTURES = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}

# What a web client leaves room for in its pages, and what stands there if the server has no such attribute.
PLACES = {"title": "Traccar", "description": "Traccar GPS Tracking System", "colorPrimary": "#1a237e"}
COLOUR = re.compile(r"[#\w(),.% /-]{1,64}", re.ASCII)

PLAYLIST = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n"


async def put_picture(services: Services, call: Call) -> Answer:
    """Store the picture of a device that is the caller's own, whoever the caller is; the name of the file."""
    id = call.params["id"]
    if not await services.fleet.devices.sees(call.caller.user.id, id):
        raise ApiError(404)
    device = await services.fleet.devices.get(id)
    if device is None:
        raise ApiError(404)
    # Exactly so, in small letters and without parameters.
    extension = PICTURES.get(call.headers.get("content-type", ""))
    if extension is None:
        raise ApiError(400, "Unsupported image type")
    if len(call.body) > LARGEST_PICTURE:
        raise ApiError(400, "Image size limit exceeded")
    return text(await services.machine.keep_picture(device.unique_id, extension, call.body))


async def put_file(services: Services, call: Call) -> Answer:
    """Put a file among those of the web client, or in place of one."""
    await services.machine.keep_file(call.params["path"], call.body)
    return Answer()


async def get_playlist(services: Services, call: Call) -> Answer:
    """What there is of a film that a device is taking: no device can send one yet."""
    await services.permissions.check_device(call.caller.user, call.params["deviceId"])
    return Answer(200, PLAYLIST)


async def get_segment(services: Services, call: Call) -> Answer:
    """A part of such a film."""
    await services.permissions.check_device(call.caller.user, call.params["deviceId"])
    raise ApiError(404)


async def placeholders(services: Services) -> Mapping[str, str]:
    """The texts for the places in a web client's pages."""
    attributes = (await services.permissions.users.server()).attributes
    said = {name: PLACES[name] if attributes.get(name) is None else str(attributes[name]) for name in PLACES}
    # A colour may stand in a style, where markup is not all that must not be written.
    if not COLOUR.fullmatch(said["colorPrimary"]):
        said["colorPrimary"] = PLACES["colorPrimary"]
    return said


FILM = (Param("deviceId", LONG), Param("channel", INT))

ROUTES = (
    Route(
        "POST",
        "/devices/{id}/image",
        put_picture,
        denied=DEVICE_WRITES,
        place=ID,
        body=Raw("image/*"),
        needs=("device",),
    ),
    Route("POST", "/server/file/{path}", put_file, Access.ADMINISTRATOR, place=(Param("path", TEXT),), body=Raw()),
    Route(
        "GET",
        "/stream/{deviceId}/{channel}/live.m3u8",
        get_playlist,
        place=FILM,
        produces="application/vnd.apple.mpegurl",
        needs=("device",),
    ),
    Route(
        "GET",
        "/stream/{deviceId}/{channel}/{index}.ts",
        get_segment,
        place=(*FILM, Param("index", INT)),
        produces="video/mp2t",
        needs=("device",),
    ),
)
