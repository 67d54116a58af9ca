"""Devices from the database into memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import define, field
from twisted.logger import Logger

from trackd.store.loading import Loading
from trackd.store.report import Fix, Report, State
from trackd.store.rows import FixRow, Loaded, PositionRow, StateRow, as_json
from trackd.track.area import BadArea
from trackd.track.device import Device, before
from trackd.track.fence import Fence, fence


@define(eq=False)
class Loader:
    """`config` are the configuration's values; `history` fixes at most come along, as far back as `span` says (s)."""

    loading: Loading
    config: Mapping[str, Any]
    history: int = 1000
    span: str = "report.trip.minDuration"
    above: Callable[[int], None] = lambda id: None  # of devices that are made this server's: their latest position
    _log: Logger = field(factory=Logger, init=False)

    async def load(self, unique_ids: list[str]) -> dict[str, Device]:
        """
        The devices with these unique ids, which are this server's from now on. Unavailable while the database is away.
        """
        devices = await self._devices((await self.loading.load(unique_ids)).values())
        self._rise(devices)
        return {device.unique_id: device for device in devices}

    async def take_back(self, ids: list[int]) -> dict[int, Device]:
        """The devices with these ids, which are this server's from now on; sessions on others stay."""
        devices = await self._devices((await self.loading.take_back(ids)).values())
        self._rise(devices)
        return {device.id: device for device in devices}

    async def load_by_id(self, ids: list[int]) -> dict[int, Device]:
        """The devices with these ids."""
        devices = await self._devices((await self.loading.load_by_id(ids)).values())
        return {device.id: device for device in devices}

    def _rise(self, devices: Iterable[Device]) -> None:
        self.above(max((device.state.position_id for device in devices), default=0))

    async def _devices(self, found: Iterable[Loaded]) -> list[Device]:
        found = list(found)
        fences = await self._fences({id for loaded in found for id in loaded.fences})
        devices = [self._device(loaded, fences) for loaded in found]
        since = {
            device.id: before(device.last.fix_time, device.span(self.span))
            for device in devices
            if device.last is not None and device.last.fix_time is not None
        }
        if since:
            histories = await self.loading.histories(since, self.history)
            for device in devices:
                device.history = _history(device, histories.get(device.id, ()))
        return devices

    async def _fences(self, ids: set[int]) -> dict[int, Fence]:
        """Geofences by id, in the order of the ids; one whose area is none is left out, as if it were nowhere."""
        found = {}
        for row in await self.loading.fences(ids) if ids else ():
            try:
                found[row.id] = fence(row.area, row.attributes)
            except BadArea as error:
                self._log.warn("geofence {id}: {error}", id=row.id, error=str(error))
        return found

    def _device(self, loaded: Loaded, fences: Mapping[int, Fence]) -> Device:
        row = loaded.device
        last = None if loaded.last is None else _report(loaded.last)
        return Device(
            row.id,
            row.unique_id,
            _state(loaded.state, last.fix if last is not None else None),
            name=row.name,
            model=row.model,
            attributes=row.attributes,
            groups=[group.attributes for group in loaded.groups],
            group_id=row.group_id or 0,
            calendar_id=row.calendar_id or 0,
            phone=row.phone,
            contact=row.contact,
            category=row.category,
            disabled=row.disabled,
            expiration_time=row.expiration_time,
            config=self.config,
            last=last,
            queued=loaded.queued,
            fences=tuple((id, fences[id]) for id in sorted(loaded.fences) if id in fences),
            claimed=self.loading.has(loaded.state),
            node=loaded.state.node_id or 0,
        )


def _state(row: StateRow, fix: Fix | None) -> State:
    motion_fix = None
    if row.motion_position_id and row.motion_time is not None:
        motion_fix = Fix(row.motion_position_id, row.motion_time, row.motion_latitude, row.motion_longitude)
    return State(
        row.device_id,
        row.status,
        row.last_update,
        fix,
        row.newest,
        row.motion_streak,
        row.motion_state,
        motion_fix,
        row.motion_time,
        row.motion_distance,
        row.motion_latitude,
        row.motion_longitude,
        row.overspeed_state,
        row.overspeed_time,
        row.overspeed_geofence_id or 0,
        row.epoch,
    )


def _report(row: PositionRow) -> Report:
    return Report(
        row.device_id,
        row.protocol,
        row.server_time,
        row.device_time,
        row.fix_time,
        row.valid,
        row.latitude,
        row.longitude,
        row.altitude,
        row.speed,
        row.course,
        row.accuracy,
        None if row.network is None else as_json(row.network),
        row.attributes,
        False,
        row.digest,
        row.said,
        id=row.id,
        address=row.address,
        geofence_ids=row.geofence_ids,
        fix=Fix(row.id, row.fix_time, row.latitude, row.longitude, row.server_time),
    )


def _history(device: Device, rows: Iterable[FixRow]) -> deque[Fix]:
    """The fixes up to the latest position, which is the last of them."""
    latest = device.last.fix if device.last is not None else None
    fixes = [
        Fix(row.id, row.fix_time, row.latitude, row.longitude, row.server_time)
        for row in rows
        if latest is not None and row.fix_time < latest.time
    ]
    return deque([*fixes, latest] if latest is not None else fixes)
