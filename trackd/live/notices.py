"""Which events the live sockets of a user tell: those for which the user has a notification that goes this way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from attrs import define, field, frozen

from trackd.settings import Settings
from trackd.store.database import Database
from trackd.store.notices import NoticeRow
from trackd.store.notices import Notices as Rows
from trackd.track.calendar import Calendar, parse

# What notifications call the way over a socket.
CHANNEL = "web"
# Users who do not listen any more are forgotten when there are so many rules more than listeners.
SPARE = 100

FACTS = {
    "alarm": "alarm",
    "commandResult": "answer to a command",
    "deviceFuelDrop": "fuel drop",
    "deviceFuelIncrease": "refuelled",
    "deviceInactive": "inactive",
    "deviceMoving": "moving",
    "deviceOffline": "offline",
    "deviceOnline": "online",
    "deviceOverspeed": "too fast",
    "deviceStopped": "stopped",
    "deviceUnknown": "silent",
    "driverChanged": "driver changed",
    "geofenceCrossed": "geofence crossed",
    "geofenceEnter": "geofence entered",
    "geofenceExit": "geofence left",
    "ignitionOff": "ignition off",
    "ignitionOn": "ignition on",
    "maintenance": "maintenance due",
    "media": "picture or sound",
    "proximityEnter": "came close",
    "proximityExit": "went away",
    "queuedCommandSent": "waiting command sent",
    "unaccompaniedMotion": "moves alone",
}


@frozen
class Rule:
    """One notification. `devices` None: all that the user sees; `alarms` and `fences` None: whatever they are."""

    type: str
    devices: frozenset[int] | None
    alarms: frozenset[str] | None
    fences: frozenset[str] | None
    calendar: Calendar | None

    def holds(self, event: Any) -> bool:
        return (
            self.type == event.type
            and (self.devices is None or event.device_id in self.devices)
            and (self.alarms is None or event.attributes.get("alarm") in self.alarms)
            and (self.fences is None or str(event.geofence_id or 0) in self.fences)
            and (self.calendar is None or self.calendar.active(event.event_time))
        )


def rule(row: NoticeRow) -> Rule:
    """What a notification says. A calendar that cannot be read was never active."""
    alarms, fences = (row.attributes.get(name) for name in ("alarms", "geofenceIds"))
    calendar = None
    if row.calendar is not None:
        try:
            calendar = parse(row.calendar)
        except ValueError:
            calendar = Calendar(())
    return Rule(
        row.type,
        None if row.always else frozenset(row.devices),
        # An entry counts as it was written; an alarm of which none is named is never told.
        frozenset(str(alarms or "").split(",")) if row.type == "alarm" else None,
        frozenset(part.strip() for part in fences.split(",")) if isinstance(fences, str) else None,
        calendar,
    )


class Source(Protocol):
    async def of_user(self, user_id: int, channel: str) -> list[NoticeRow]: ...


@define(eq=False)
class Notices:
    """
    `source` knows the notifications, `name` that of a device, `listening` who listens now. Events of more than
    `patience` ago are told to nobody.
    """

    source: Source
    name: Callable[[int], str]
    listening: Callable[[], Collection[int]]
    now: Callable[[], datetime]
    patience: timedelta = timedelta(minutes=15)
    blocked: frozenset[int] = frozenset()
    _rules: dict[int, Sequence[Rule]] = field(factory=dict, init=False)

    def wanted(self, user_id: int, event: Any) -> bool:
        """Whether this user is to be told of this event of a device that the user sees."""
        rules = self._rules.get(user_id)
        if not rules or self.now() - event.event_time > self.patience:
            return False
        return any(rule.holds(event) for rule in rules)

    def words(self, event: Any) -> str:
        """An event in a few words, English."""
        said = [self.name(event.device_id), FACTS.get(event.type, event.type)]
        said += [str(event.attributes[name]) for name in ("alarm", "result") if name in event.attributes]
        return " ".join(filter(None, said))

    async def read(self, user_id: int) -> None:
        """Read a user's notifications anew: who listens, and when anything of that user has changed."""
        if user_id in self.blocked:
            return
        rows = await self.source.of_user(user_id, CHANNEL)
        self._rules[user_id] = [rule(row) for row in rows]
        listening = self.listening()
        if len(self._rules) > len(listening) + SPARE:
            self._rules = {id: rules for id, rules in self._rules.items() if id in listening or id == user_id}


def notices(
    settings: Settings,
    database: Database,
    name: Callable[[int], str],
    listening: Callable[[], Collection[int]],
    now: Callable[[], datetime],
) -> Notices:
    """Those that the settings ask for; see `Notices`."""
    return Notices(
        Rows(database),
        name,
        listening,
        now,
        timedelta(milliseconds=settings["notificator.timeThreshold"]),
        frozenset(int(id) for id in settings["notification.block.users"] if id.isdecimal()),
    )
