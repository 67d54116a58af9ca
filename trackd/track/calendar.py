"""
Calendars (iCalendar, RFC 5545): whether a moment lies within one of their events.

    calendar = parse(data)
    calendar.active(moment)

An event that comes again holds from its beginning to its end, both included; one that does not, between the two. Days
without a time are days of UTC, the last one excluded. Times without a zone are UTC.

What an answer may cost is limited when a calendar is read: nobody can make the server count for long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import Factory, define, evolve, frozen
from icalendar.parser import Contentline, Contentlines

from trackd.track.recurrence import DAY, BadRule, Rule, Steps, days_in_year

# Days of rules with one time a day that an answer may look at.
MOST_COST = 10_000
# Events, and dates that are named one by one.
MOST_EVENTS = 1000
# Rules of all zones that a calendar defines itself, and the years for which they are asked.
MOST_ZONE_RULES = 20
YEARS = range(1970, 2101)

# From a moment to the time that a clock shows there.
Local = Callable[[datetime], datetime]

_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?", re.ASCII)
_DURATION = re.compile(
    r"([+-])?P(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?", re.ASCII
)
_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?", re.ASCII)


class BadCalendar(ValueError):
    """The text is no calendar, or too much of one; the message says why."""


@frozen
class Component:
    """What stands between BEGIN and END: its lines by name, and what is within it."""

    name: str
    lines: dict[str, list[tuple[Mapping[str, str], str]]] = Factory(dict)
    within: list[Component] = Factory(list)

    def first(self, name: str) -> tuple[Mapping[str, str], str] | None:
        return self.lines.get(name, [None])[0]


@frozen
class Event:
    """
    Times are those of the event's zone. `whole`: it lasts for whole days. `more` are further times at which it begins,
    each with its own length; `without` are those at which it does not.
    """

    local: Local
    start: datetime
    length: timedelta
    whole: bool
    rules: tuple[Rule, ...] = ()
    more: tuple[tuple[datetime, timedelta], ...] = ()
    without: frozenset[datetime] = frozenset()
    exceptions: tuple[Rule, ...] = ()

    @property
    def recurs(self) -> bool:
        return bool(self.rules or self.more)

    @property
    def cost(self) -> int:
        each = 1 + sum(rule.cost for rule in self.exceptions)
        return 1 + each * (len(self.more) + (self.length.days + 2) * sum(rule.cost for rule in self.rules))

    def holds(self, moment: datetime) -> bool:
        at = self.local(moment)
        if not self.recurs:
            if self.whole or not self.length:
                return self._covers(self.start, self.length, at)
            return self.start < at < self.start + self.length
        if any(self._covers(start, length, at) and not self._excepted(start) for start, length in self.more):
            return True
        day = at.date()
        for _ in range(self.length.days + 2):
            for rule in self.rules:
                for start in rule.starts(day):
                    if self._covers(start, self.length, at) and not self._excepted(start):
                        return True
            if day == date.min:
                break
            day -= DAY
        return False

    def _covers(self, start: datetime, length: timedelta, at: datetime) -> bool:
        return start <= at < start + length if self.whole else start <= at <= start + length

    def _excepted(self, start: datetime) -> bool:
        return start in self.without or any(start in rule.starts(start.date()) for rule in self.exceptions)


@frozen
class Calendar:
    events: tuple[Event, ...]

    def active(self, moment: datetime) -> bool:
        """Whether a moment (aware) lies within an event."""
        return any(event.holds(moment) for event in self.events)


@define(eq=False)
class Zone:
    """A zone that a calendar defines itself: when which offset begins, by rules or one by one."""

    changes: Sequence[tuple[Rule | datetime, timedelta, timedelta]]  # at local time; offset before, and from then on
    _years: dict[int, list[tuple[datetime, timedelta]]] = Factory(dict)

    def __call__(self, moment: datetime) -> datetime:
        utc = moment.astimezone(UTC).replace(tzinfo=None)
        try:
            return utc + self._offset(utc)
        except OverflowError:
            return utc

    def _offset(self, utc: datetime) -> timedelta:
        year = min(max(utc.year, YEARS[0]), YEARS[-1])
        for one in range(year, YEARS[0] - 1, -1):
            for begins, offset in reversed(self._in(one)):
                if begins <= utc:
                    return offset
        return min(self.changes, key=lambda change: _begin(change[0]))[1]

    def _in(self, year: int) -> list[tuple[datetime, timedelta]]:
        """The changes of a year, in UTC and in order; those before the first year are in it."""
        if year not in self._years:
            found = []
            for at, before, then in self.changes:
                if isinstance(at, Rule):
                    days = (date(year, 1, 1) + DAY * number for number in range(days_in_year(year)))
                    found += [(start - before, then) for day in days for start in at.starts(day)]
                elif at.year == year or (at.year < year == YEARS[0]):
                    found.append((at - before, then))
            self._years[year] = sorted(found)
        return self._years[year]


def _begin(change: Rule | datetime) -> datetime:
    return change.start if isinstance(change, Rule) else change


def parse(data: bytes) -> Calendar:
    """The calendar that the bytes describe. Raises BadCalendar."""
    try:
        root = _components(data.decode("utf-8"))
        steps = Steps()
        zones = _zones(root, steps)
        events = tuple(
            event
            for component in root.within
            if component.name == "VEVENT" and (event := _event(component, zones, steps)) is not None
        )
    except (BadRule, OverflowError) as error:
        raise BadCalendar(f"is no calendar that can be used: {error}") from None
    except ValueError as error:
        if isinstance(error, BadCalendar):
            raise
        raise BadCalendar(f"is no calendar: {str(error).splitlines()[0][:100]}") from None
    if len(events) > MOST_EVENTS or sum(event.cost for event in events) > MOST_COST:
        raise BadCalendar("has too many events, or such that come again too often and last too long")
    return Calendar(events)


def _components(text: str) -> Component:
    """The calendar itself."""
    if "\0" in text:
        raise BadCalendar("is no calendar: it has a NUL")
    root = Component("")
    open_ = [root]
    for line in Contentlines.from_ical(text):
        if not line:
            continue
        name, parameters, value = Contentline(line).parts()
        name = name.upper()
        if name == "BEGIN":
            component = Component(value.strip().upper())
            open_[-1].within.append(component)
            open_.append(component)
            if len(open_) > 5:
                raise BadCalendar("is no calendar: it is nested too deeply")
        elif name == "END":
            if len(open_) < 2 or open_.pop().name != value.strip().upper():
                raise BadCalendar(f"is no calendar: END:{value[:40]} has no beginning")
        else:
            plain = {str(key).upper(): str(held) for key, held in parameters.items()}
            open_[-1].lines.setdefault(name, []).append((plain, value))
    if len(open_) != 1 or [component.name for component in root.within] != ["VCALENDAR"]:
        raise BadCalendar("is no calendar: it does not begin and end as one VCALENDAR")
    return root.within[0]


def _text(component: Component, name: str) -> str:
    found = component.first(name)
    return found[1].strip() if found is not None else ""


def _event(component: Component, zones: Mapping[str, Zone], steps: Steps) -> Event | None:
    found = component.first("DTSTART")
    if found is None:
        return None
    local = _place(found, zones)
    start, whole = _moment(found[1], local)
    length = DAY if whole else timedelta(0)
    if (end := component.first("DTEND")) is not None:
        # An end in another zone is brought here.
        there = _place(end, zones)
        at, _ = _moment(end[1], there)
        length = (at if there == local else local(_instant(at, there))) - start
    elif (said := component.first("DURATION")) is not None:
        length = _length(said[1])
    if whole and length < DAY:
        length = DAY
    event = Event(local, start, max(length, timedelta(0)), whole)
    more, without = [], set()
    for _, values in component.lines.get("RDATE", ()):
        for value in values.split(","):
            first, _, rest = value.strip().partition("/")
            at, _ = _moment(first, local)
            size = DAY if whole else timedelta(0)
            if rest:
                size = _length(rest) if rest.lstrip("+-").startswith("P") else _moment(rest, local)[0] - at
            more.append((at, max(size, timedelta(0))))
    for _, values in component.lines.get("EXDATE", ()):
        without |= {_moment(value.strip(), local)[0] for value in values.split(",")}

    def until(value: Any) -> datetime:
        return _last_of(value) or local(value)

    def rules(name: str) -> tuple[Rule, ...]:
        return tuple(Rule.read(value, start, until, steps) for _, value in component.lines.get(name, ()))

    return evolve(event, rules=rules("RRULE"), more=tuple(more), without=frozenset(without), exceptions=rules("EXRULE"))


def _place(line: tuple[Mapping[str, str], str], zones: Mapping[str, Zone]) -> Local:
    """The clock by which a line's time is meant."""
    name = line[0].get("TZID", "")
    if not name or line[1].endswith("Z") or "T" not in line[1]:
        return _utc
    zone = known(name)
    return Known(zone) if zone is not None else zones.get(name, _utc)


def known(name: str) -> ZoneInfo | None:
    """The zone that everybody knows by this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@frozen
class Known:
    """The clock of a zone that everybody knows."""

    zone: ZoneInfo

    def __call__(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _instant(at: datetime, local: Local) -> datetime:
    """The moment at which a clock shows this."""
    guess = at.replace(tzinfo=UTC)
    for _ in range(2):
        guess -= local(guess) - at
    return guess


def _moment(text: str, local: Local) -> tuple[datetime, bool]:
    """The local time that a text says, and whether it is a whole day."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise BadCalendar(f"is no calendar: {text[:40]!r} is no time")
    year, month, day, hour, minute, second, utc = match.groups()
    if hour is None:
        return datetime(int(year), int(month), int(day)), True
    # A leap second is the one before it.
    at = datetime(int(year), int(month), int(day), int(hour), int(minute), min(59, int(second)))
    return (local(at.replace(tzinfo=UTC)) if utc else at), False


def _length(text: str) -> timedelta:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise BadCalendar(f"is no calendar: {text[:40]!r} is no duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[1:])
    size = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -size if match[1] == "-" else size


def _zones(root: Component, steps: Steps) -> dict[str, Zone]:
    """The zones that the calendar defines and that are not known anyway."""
    found = {}
    rules = 0
    for component in root.within:
        name = _text(component, "TZID")
        if component.name == "VTIMEZONE" and name and known(name) is None and (changes := _changes(component, steps)):
            rules += sum(isinstance(change[0], Rule) for change in changes)
            if rules > MOST_ZONE_RULES or len(changes) > MOST_EVENTS:
                raise BadCalendar("has zones whose time changes too often")
            found[name] = Zone(changes)
    return found


def _changes(component: Component, steps: Steps) -> list[tuple[Rule | datetime, timedelta, timedelta]]:
    found: list[tuple[Rule | datetime, timedelta, timedelta]] = []
    for part in component.within:
        start = part.first("DTSTART")
        if part.name not in ("STANDARD", "DAYLIGHT") or start is None:
            continue
        begin, _ = _moment(start[1], _utc)
        before, then = _offset(_text(part, "TZOFFSETFROM")), _offset(_text(part, "TZOFFSETTO"))

        def until(value: Any, before: timedelta = before) -> datetime:
            return _last_of(value) or _utc(value) + before

        found.append((begin, before, then))
        for _, values in part.lines.get("RDATE", ()):
            found += [(_moment(value, _utc)[0], before, then) for value in values.split(",")]
        for _, value in part.lines.get("RRULE", ()):
            rule = Rule.read(value, begin, until, steps)
            if rule.cost > 1:
                raise BadCalendar("has a zone whose time changes several times a day")
            found.append((rule, before, then))
    return found


def _last_of(value: date | datetime) -> datetime | None:
    """The last local time that an UNTIL without a zone lets through."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time.max)
    return value if value.tzinfo is None else None


def _offset(text: str) -> timedelta:
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise BadCalendar(f"is no calendar: {text[:40]!r} is no offset")
    size = timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4] or 0))
    return -size if match[1] == "-" else size
