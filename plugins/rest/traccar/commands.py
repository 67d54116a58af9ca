"""Commands to devices."""

from __future__ import annotations

from typing import Any

import attrs

from plugins.rest.traccar.answers import shown
from plugins.rest.traccar.objects import COMMAND, QUEUED_COMMAND, SAVED_COMMAND
from trackd.people.errors import Invalid
from trackd.people.permissions import LIMIT_COMMANDS
from trackd.rest.params import FLAG, LONG, Param
from trackd.rest.routes import Answer, Call, Route
from trackd.rest.services import Services

Command = dict[str, Any]  # what was read of one, by field


async def get_types(services: Services, call: Call) -> Answer:
    """The types of commands that a device understands, or all that there are."""
    device_id = call.params["deviceId"]
    if device_id:
        await services.permissions.check_device(call.caller.user, device_id)
    types = await services.commands.types(device_id or None, call.params["textChannel"])
    return shown([{"type": type} for type in types])


async def get_sendable(services: Services, call: Call) -> Answer:
    """The saved commands of the caller that the device has, itself or from its groups, and that it understands."""
    device_id = call.params["deviceId"]
    rows = await services.belongings.of_device(call.caller.user, "command", device_id)
    known = {channel: set(await services.commands.types(device_id, channel)) for channel in (False, True)}
    sendable = [row for row in rows if row.type in known[row.text_channel]]
    return shown([SAVED_COMMAND.show(attrs.asdict(row, recurse=False)) for row in sendable])


async def send(services: Services, call: Call) -> Answer:
    """Send a command to a device, or to the devices of a group; 202 if it has to wait for its device."""
    user, command, group_id = call.caller.user, call.body, call.params["groupId"]
    if command["id"]:
        saved = await services.belongings.get(user, "command", command["id"])
        if saved is None:
            raise Invalid("There is no such command")
        command = {**attrs.asdict(saved, recurse=False), "device_id": command["device_id"]}
    else:
        await services.permissions.check_free(user, LIMIT_COMMANDS, message="Operation restricted")
    if group_id:
        await services.permissions.check_group(user, group_id)
    else:
        await services.permissions.check_device(user, command["device_id"])
    if not command["type"]:
        raise Invalid("The type is missing")
    if not group_id:
        command, number = await _sent(services, command, command["device_id"])
        if number is not None:
            return shown(_queued(command, number), 202)
        # Only what was sent is on record: a command that waits is an event when it goes.
        await services.audit.commanded(call, "device", command["device_id"])
        return shown(COMMAND.show(command))
    below = await services.fleet.groups.below(group_id)
    devices = [row for row in await services.fleet.devices.of_user(user.id) if row.group_id in below]
    waiting, done = [], 0
    try:
        for device in devices:
            for_device, number = await _sent(services, command, device.id)
            done += 1
            if number is not None:
                waiting.append(_queued(for_device, number))
    finally:
        # When one device is refused, those before it have the command.
        if done and not waiting:
            await services.audit.commanded(call, "group", group_id)
    return shown(waiting, 202) if waiting else shown(COMMAND.show(command))


async def _sent(services: Services, command: Command, device_id: int) -> tuple[Command, int | None]:
    """Send a command to one device: the command as it was sent, and its number in the queue if it has to wait."""
    attributes = dict(command["attributes"])
    data = attributes.get("data")
    if isinstance(data, str) and "{uniqueId}" in data:
        device = await services.fleet.devices.get(device_id)
        if device is not None:
            attributes["data"] = data.replace("{uniqueId}", device.unique_id)
    sent, number = await services.commands.send(device_id, command["type"], attributes, command["text_channel"])
    return {**command, "attributes": attributes, "device_id": device_id}, None if sent else number


def _queued(command: Command, number: int) -> dict[str, Any]:
    return QUEUED_COMMAND.show({**command, "id": number})


DEVICE_ID = Param("deviceId", LONG)

ROUTES = (
    Route("GET", "/commands/types", get_types, query=(DEVICE_ID, Param("textChannel", FLAG)), needs=("device",)),
    Route("GET", "/commands/send", get_sendable, query=(DEVICE_ID,), needs=("device",)),
    Route(
        "POST",
        "/commands/send",
        send,
        query=(Param("groupId", LONG),),
        body=COMMAND,
        may_be_denied=(LIMIT_COMMANDS,),
        needs=("device", "group", "command"),
    ),
)
