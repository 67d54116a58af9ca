"""
The frame: what every report goes through before it is stored, and what it then causes.

A stage is a function of the report, the device's latest report before it, and the device. It changes the report and
returns it; None stops the report, which is then not stored. A stage that asks the outside world returns an awaitable
of the same; the device's later reports wait meanwhile, other devices don't.

A detector is a function of the same three that gives events. It may change the device's state, which is committed
with the report.

What fails counts as not having been there: it never costs a report, and the device's state is as if it had not been
asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from attrs import Factory, define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from trackd.rate import Rate
from trackd.store.report import Event, Report
from trackd.track.device import Device

Stage = Callable[[Report, "Report | None", Device], "Report | Awaitable[Report | None] | None"]
Detector = Callable[[Report, "Report | None", Device], Iterable[Event]]

# Failures that the log names in a minute: what somebody has mistyped in a setting fails with each report.
LOGGED = 10
MINUTE = 60.0  # s


@define(eq=False)
class Mistakes:
    """What stages and detectors have failed with: all of it is counted, and some of it logged."""

    clock: IReactorTime
    count: int = 0
    _lines: Rate = field(default=Factory(lambda self: Rate(self.clock, LOGGED, MINUTE), takes_self=True), init=False)
    _log: Logger = field(factory=Logger, init=False)

    def note(self, device: Device, what: object) -> None:
        """An exception is in hand."""
        self.count += 1
        if self._lines.allows():
            self._log.failure("device {device}: {what}", device=device.id, what=what)


def through(
    stages: Sequence[Stage], report: Report, last: Report | None, device: Device, mistakes: Mistakes
) -> Report | Awaitable[Report | None] | None:
    """The report after all stages; None if one has stopped it; an awaitable of these if one has to wait."""
    for stage in stages:
        try:
            kept = stage(report, last, device)
        except Exception:
            mistakes.note(device, stage)
            continue
        if kept is not report:
            if kept is None:
                return None
            rest = stages[stages.index(stage) + 1 :]
            return _waited(kept, rest, report, last, device, mistakes)  # type: ignore[arg-type]
    return report


async def _waited(
    asked: Awaitable[Report | None],
    stages: Sequence[Stage],
    report: Report,
    last: Report | None,
    device: Device,
    mistakes: Mistakes,
) -> Report | None:
    try:
        if await asked is None:
            return None
    except Exception:
        mistakes.note(device, "a stage that waited")
    kept = through(stages, report, last, device, mistakes)
    return kept if kept is None or isinstance(kept, Report) else await kept


def detected(
    detectors: Sequence[Detector], report: Report, last: Report | None, device: Device, mistakes: Mistakes
) -> Sequence[Event]:
    """The events of all detectors, in their order."""
    if not detectors:
        return ()
    found: Sequence[Event] = ()
    before = device.state.copy()
    failed: list[Detector] = []
    for number, detector in enumerate(detectors):
        try:
            if events := detector(report, last, device):
                found = (*found, *events)
        except Exception:
            mistakes.note(device, detector)
            failed.append(detector)
            # It may have changed a part of the state. What those before it have made of it they make once more.
            device.state.restore(before)
            for earlier in detectors[:number]:
                if earlier not in failed:
                    tuple(earlier(report, last, device))
    return found
