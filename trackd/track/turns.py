"""The turns of a device: what has to be done with it, one thing after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from trackd.track.device import Device

Work = Callable[[], Awaitable[None]]

log = Logger()


def queue(device: Device, work: Work, again: bool = False) -> Deferred[None]:
    """
    Have it done after all that waits already; fires when it is done.

    `again`: before what has come later than its reports, after what went this way again before. It says that it begins
    by taking one from `device.returning`.
    """
    done: Deferred[None] = Deferred()
    device.returning += again
    if device.jobs is not None:
        device.jobs.insert(device.returning - 1 if again else len(device.jobs), (work, done))
    else:
        device.jobs = deque([(work, done)])
        Deferred.fromCoroutine(_in_turn(device, device.jobs)).addErrback(
            lambda failure: log.failure("device {device}", failure, device=device.id)
        )
    return done


async def let_pass(device: Device) -> None:
    """Do now what goes its way again: to be called by what is being done, and has come later."""
    while device.returning and device.jobs:
        await _do(device, *device.jobs.popleft())


async def _in_turn(device: Device, jobs: deque[tuple[Work, Deferred[None]]]) -> None:
    """Do what waits, one after the other, until nothing does."""
    while jobs:
        await _do(device, *jobs.popleft())
    device.jobs = None


async def _do(device: Device, work: Work, done: Deferred[None]) -> None:
    try:
        await work()
    except Exception as error:
        log.failure("device {device}: reports in their turn", device=device.id)
        done.errback(error)  # they may not be stored: nobody must be told that they are
    else:
        done.callback(None)
