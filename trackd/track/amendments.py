"""What people change about the positions of a device, in step with the reports that come in at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from attrs import define, evolve
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from trackd.clock import now
from trackd.store.positions import Positions
from trackd.store.report import Report
from trackd.store.rows import PositionRow
from trackd.track.device import Device
from trackd.track.digest import digest_again
from trackd.track.intake import Intake
from trackd.track.patience import in_time
from trackd.wire.names import HOURS, TOTAL_DISTANCE


@define(eq=False)
class Amendments:
    """Raises Unavailable while the database is away."""

    intake: Intake
    positions: Positions
    clock: IReactorTime

    async def delete(self, device_id: int, start: datetime, end: datetime) -> None:
        """Delete the positions of a device with fix times from `start` to `end`, both included."""
        await self._delete(device_id, lambda: self.positions.delete(device_id, start, end))

    async def delete_one(self, position: PositionRow) -> None:
        await self._delete(position.device_id, lambda: self.positions.delete_one(position))

    async def _delete(self, device_id: int, work: Callable[[], Awaitable[None]]) -> None:
        directory = self.intake.presence.directory
        device = await directory.get(device_id)
        if device is None:  # it is deleted, and its positions are still there
            await work()
            return
        known = device

        async def deleted() -> None:
            # Until it is loaded anew, memory may name what is gone.
            known.stale = True
            await work()
            await directory.reload(known)

        await self.intake.alone(known, deleted)

    async def accumulate(self, device_id: int, total_distance: float | None, hours: int | None) -> bool:
        """
        Have the device go on counting from these values (metres, milliseconds), None: from those it has.

        A copy of the latest position with them becomes the latest. False: there is none, or the database refuses it.
        """
        device = await self.intake.presence.directory.get(device_id)
        if device is None:
            return False
        values = {TOTAL_DISTANCE: total_distance, HOURS: hours}
        return await self.intake.alone(
            device, lambda: self._copied(device, {name: value for name, value in values.items() if value is not None})
        )

    async def _copied(self, device: Device, values: dict[str, float]) -> bool:
        if (last := device.last) is None:
            return False
        report = copied(last, values, now(self.clock))
        if (committed := self.intake.amend(device, report)) is not None:
            await in_time(_fired(committed), self.clock)
        return report.fix is not None and report.fix.id != 0


async def _fired(waiting: Deferred[None]) -> None:
    await waiting


def copied(last: Report, values: dict[str, float], now: datetime) -> Report:
    """The same report, come in now, with these attributes."""
    copy = evolve(
        last,
        server_time=now,
        attributes={**last.attributes, **values},
        frame=b"",
        id=0,
        fix=None,
        events=[],
        state=None,
        said=last.fix_time,
        copied=True,
        waiting=None,
        source=None,
    )
    copy.digest = digest_again(copy, last.digest)
    return copy
