"""
The ledger of a fleet, and the comparison with the database: what was acknowledged is there exactly once, and so are its
events; the states of the devices agree with their positions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from attrs import Factory, define

from benchmarks.durability import devices
from benchmarks.durability.devices import Device, Osmand


@define(eq=False)
class Ledger:
    """`sql` asks the database; `faults` is what is found wrong. Numbers below `late` came late, and have no events."""

    fleet: Sequence[Device]
    sql: Callable[[str], list[Any]]
    faults: list[str] = Factory(list)
    late: int = 0
    stored: int = 0
    events: int = 0

    @property
    def _theirs(self) -> str:
        ids = ", ".join(f"'{device.unique_id}'" for device in self.fleet)
        return f"d.unique_id IN ({ids})"

    def fault(self, device: Device, what: str) -> None:
        self.faults.append(f"{type(device).__name__} {device.unique_id}: {what}")

    def compare(self) -> None:
        """The ledger with the database; states and events with the positions."""
        stored: dict[str, Counter[int]] = {device.unique_id: Counter() for device in self.fleet}
        rows = self.sql(
            "SELECT d.unique_id, p.latitude, p.longitude, p.fix_time, p.id FROM positions p"
            f" JOIN devices d ON d.id = p.device_id WHERE {self._theirs}"
        )
        strange: Counter[str] = Counter()
        for unique_id, latitude, longitude, fix_time, _ in rows:
            number = devices.number_of(latitude)
            if devices.time(number) != fix_time or abs(longitude - devices.LONGITUDE) > 1e-4:
                strange[unique_id] += 1
            stored[unique_id][number] += 1
        self.stored = len(rows)
        if len({id for *_, id in rows}) != len(rows):
            self.faults.append("an id of a position is there twice")
        for device in self.fleet:
            there = stored[device.unique_id]
            if lost := device.acknowledged - there.keys():
                self.fault(device, f"{len(lost)} acknowledged and lost: {sorted(lost)[:10]}")
            if twice := [number for number, count in there.items() if count > 1]:
                self.fault(device, f"{len(twice)} stored twice: {sorted(twice)[:10]}")
            if strange[device.unique_id] or max(there, default=0) >= device.next:
                self.fault(device, "something stored that it has not said")
        self._states()
        self._events()

    def _states(self) -> None:
        latest = {
            unique_id: (id, fix_time)
            for unique_id, id, fix_time in self.sql(
                "SELECT d.unique_id, p.id, p.fix_time FROM devices d CROSS JOIN LATERAL (SELECT id, fix_time"
                " FROM positions WHERE device_id = d.id ORDER BY fix_time DESC, id DESC LIMIT 1) p"
                f" WHERE {self._theirs}"
            )
        }
        states = {
            unique_id: (id, fix_time)
            for unique_id, id, fix_time in self.sql(
                "SELECT d.unique_id, s.position_id, s.position_time FROM devices d"
                " JOIN device_states s ON s.device_id = d.id WHERE s.position_time IS NOT NULL"
            )
        }
        for device in self.fleet:
            named, newest = states.get(device.unique_id), latest.get(device.unique_id)
            if named != newest:
                self.fault(device, f"its state names {named} as its latest position, which is {newest}")

    def _events(self) -> None:
        """Each alarm that is stored has its event, once; no event is of a position that is not there."""
        rows = self.sql(
            "SELECT d.unique_id, e.type, e.attributes->>'alarm', p.latitude FROM events e"
            " JOIN devices d ON d.id = e.device_id LEFT JOIN positions p ON p.id = e.position_id"
            f" WHERE e.position_id IS NOT NULL AND {self._theirs}"
        )
        self.events = len(rows)
        if nowhere := sum(latitude is None for *_, latitude in rows):
            self.faults.append(f"{nowhere} events of positions that are not there")
        alarms = Counter(
            (unique_id, devices.number_of(latitude))
            for unique_id, _, alarm, latitude in rows
            if alarm and latitude is not None
        )
        for device in self.fleet:
            if isinstance(device, Osmand):
                wanted = {
                    number for number in device.acknowledged if number >= self.late and number % devices.ALARM == 0
                }
                if wrong := [number for number in wanted if alarms[device.unique_id, number] != 1]:
                    counts = [alarms[device.unique_id, number] for number in sorted(wrong)[:10]]
                    self.fault(device, f"{len(wrong)} alarms without one event: {sorted(wrong)[:10]} have {counts}")
