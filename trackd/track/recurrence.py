"""
The rules by which events of a calendar come again, asked day by day.

    Rule.read("FREQ=WEEKLY;BYDAY=MO,TU", start, until_of).starts(day)     →  the times at which one begins on that day

A generator of occurrences begins with the first one, and never ends for a rule that nothing fits (the 30th of February,
each second). Here each day is looked at by itself, so that the cost of an answer is known before.

Times are those of the event's own zone, without one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import product
from typing import Any

from attrs import Factory, define, evolve, field, frozen
from icalendar import vRecur

DAY = timedelta(days=1)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# Times of a day at which one event may begin.
MOST_TIMES = 1440
# Days of rules with one time a day that are walked to find where the rules of one calendar end that have a COUNT.
MOST_DAYS = 100_000
# What each part of a rule may be, besides its negative where `last` ones are counted too.
RANGES = {
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
    "BYSETPOS": (1, 366),
}
FROM_THE_END = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS")
_NTH = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)


class BadRule(ValueError):
    """A rule that cannot be read, or that would take too long to ask."""


@define(eq=False)
class Steps:
    """How far may still be counted."""

    left: int = MOST_DAYS

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise BadRule("there is a COUNT that takes too long to count")


@frozen
class Rule:
    """`start` is when the first event begins; `until` is the last time at which one may."""

    frequency: str
    start: datetime
    interval: int = 1
    until: datetime | None = None
    week_start: int = 0  # Monday
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    year_days: frozenset[int] = frozenset()
    weeks: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    nth_weekdays: frozenset[tuple[int, int]] = frozenset()  # -1, 0: the last Monday of the period
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    seconds: tuple[int, ...] = ()
    positions: frozenset[int] = frozenset()
    _times: tuple[time, ...] = field(
        default=Factory(
            lambda self: tuple(map(time, *zip(*product(self.hours, self.minutes, self.seconds), strict=True))), True
        )
    )

    @classmethod
    def read(
        cls, text: str, start: datetime, local: Callable[[date | datetime], datetime], steps: Steps | None = None
    ) -> Rule:
        """
        The rule of a text for events whose first is at `start`; `local` puts UNTIL into their zone. Raises BadRule.
        """
        try:
            parts: Mapping[str, Any] = {name.upper(): value for name, value in vRecur.from_ical(text).items()}
        except (ValueError, TypeError, IndexError) as error:
            raise BadRule(f"the rule {text[:60]!r} cannot be read: {error}") from None
        frequency = str(_single(parts, "FREQ", ""))
        if frequency not in FREQUENCIES:
            raise BadRule(f"the rule {text[:60]!r} has none of the frequencies {', '.join(FREQUENCIES)}")
        interval = int(_single(parts, "INTERVAL", 1))
        if not 1 <= interval <= 100_000:
            raise BadRule(f"the interval {interval} is out of range")
        chosen = {name: _numbers(parts, name) for name in RANGES}
        plain, nth = _weekdays(parts, frequency)
        months, month_days = chosen["BYMONTH"], chosen["BYMONTHDAY"]
        if not (month_days or plain or nth or chosen["BYYEARDAY"] or chosen["BYWEEKNO"]):
            # What the rule does not say is as at the start.
            if frequency == "YEARLY":
                months, month_days = months or frozenset((start.month,)), frozenset((start.day,))
            elif frequency == "MONTHLY":
                month_days = frozenset((start.day,))
            elif frequency == "WEEKLY":
                plain = frozenset((start.weekday(),))
        within = FREQUENCIES.index(frequency)
        every = tuple(range(24)), tuple(range(60))
        rule = cls(
            frequency,
            start,
            interval,
            week_start=WEEKDAYS.index(str(_single(parts, "WKST", "MO")).upper()),
            months=months,
            month_days=month_days,
            year_days=chosen["BYYEARDAY"],
            weeks=chosen["BYWEEKNO"],
            weekdays=plain,
            nth_weekdays=nth,
            hours=_given(chosen["BYHOUR"], every[0] if within < 2 else (start.hour,)),
            minutes=_given(chosen["BYMINUTE"], every[1] if within < 1 else (start.minute,)),
            seconds=_given(chosen["BYSECOND"], (start.second,)),
            positions=chosen["BYSETPOS"],
        )
        if len(rule._times) > MOST_TIMES or (rule.positions and (within < 2 or len(rule._times) > 24)):
            raise BadRule(f"the rule {text[:60]!r} has too many times")
        if (until := _single(parts, "UNTIL", None)) is not None:
            rule = evolve(rule, until=local(until))
        if (count := int(_single(parts, "COUNT", 0))) > 0:
            rule = evolve(rule, until=rule._after(count, steps or Steps()))
        return rule

    @property
    def cost(self) -> int:
        """What asking for one day costs, in days of a rule that has one time a day."""
        period = {"WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}.get(self.frequency, 1) if self.positions else 1
        return period * len(self._times)

    def starts(self, day: date) -> list[datetime]:
        """When events begin on this day, in order."""
        if not self._fits(day):
            return []
        if self.positions:
            found = [moment for moment in self._chosen(day) if moment.date() == day]
        else:
            found = [datetime.combine(day, at) for at in self._times]
        if self.frequency in ("HOURLY", "MINUTELY"):
            found = [moment for moment in found if self._aligned(moment)]
        last = self.until
        return [moment for moment in found if moment >= self.start and (last is None or moment <= last)]

    def _after(self, count: int, steps: Steps) -> datetime:
        """The time of the last of so many."""
        day = self.start.date()
        while True:
            steps.take(self.cost)
            found = self.starts(day)
            if len(found) >= count:
                return found[count - 1]
            count -= len(found)
            if day == date.max:
                return datetime.max
            day += DAY

    def _fits(self, day: date) -> bool:
        """Whether the day is one of the rule's, as far as its parts speak of days."""
        if not self._in_period(day):
            return False
        if self.months and day.month not in self.months:
            return False
        if self.month_days and not _among(self.month_days, day.day, days_in_month(day.year, day.month)):
            return False
        if self.year_days and not _among(self.year_days, day.timetuple().tm_yday, days_in_year(day.year)):
            return False
        if self.weeks and not self._in_weeks(day):
            return False
        if self.weekdays or self.nth_weekdays:
            return day.weekday() in self.weekdays or self._is_nth(day)
        return True

    def _in_period(self, day: date) -> bool:
        """Whether the day is in one of the years, months, weeks or days that the interval leaves."""
        start = self.start.date()
        if day < start and not self.positions:
            return False
        if self.frequency == "YEARLY":
            return (day.year - start.year) % self.interval == 0
        if self.frequency == "MONTHLY":
            return (day.year * 12 + day.month - start.year * 12 - start.month) % self.interval == 0
        if self.frequency == "WEEKLY":
            return (self._week(day) - self._week(start)) % self.interval == 0
        if self.frequency == "DAILY":
            return (day - start).days % self.interval == 0
        return True

    def _week(self, day: date) -> int:
        """The number of the week since the beginning of times."""
        return (day.toordinal() - 1 - self.week_start) // 7

    def _aligned(self, moment: datetime) -> bool:
        """Whether it is in one of the hours or minutes that the interval leaves."""
        if self.frequency == "HOURLY":
            unit, first = timedelta(hours=1), self.start.replace(minute=0, second=0)
        else:
            unit, first = timedelta(minutes=1), self.start.replace(second=0)
        return ((moment - first) // unit) % self.interval == 0

    def _is_nth(self, day: date) -> bool:
        if not self.nth_weekdays:
            return False
        if self.frequency == "YEARLY" and not self.months:
            place, size = day.timetuple().tm_yday, days_in_year(day.year)
        else:
            place, size = day.day, days_in_month(day.year, day.month)
        return ((place - 1) // 7 + 1, day.weekday()) in self.nth_weekdays or (
            -((size - place) // 7 + 1),
            day.weekday(),
        ) in self.nth_weekdays

    def _in_weeks(self, day: date) -> bool:
        """Weeks are counted as in ISO 8601, from the day on which they start here."""
        first = self._first_week(day.year)
        if day < first or day >= self._first_week(day.year + 1):
            return False
        number = (day - first).days // 7 + 1
        return _among(self.weeks, number, (self._first_week(day.year + 1) - first).days // 7)

    def _first_week(self, year: int) -> date:
        """Where the week begins that has the 4th of January."""
        fourth = date(min(year, date.max.year), 1, 4)
        return fourth - DAY * ((fourth.weekday() - self.week_start) % 7)

    def _chosen(self, day: date) -> list[datetime]:
        """Of all times in the period of this day those at the positions that the rule names."""
        found = [datetime.combine(one, at) for one in self._period(day) if self._fits(one) for at in self._times]
        return [moment for place, moment in enumerate(found, 1) if _among(self.positions, place, len(found))]

    def _period(self, day: date) -> Iterator[date]:
        if self.frequency == "YEARLY":
            first, size = date(day.year, 1, 1), days_in_year(day.year)
        elif self.frequency == "MONTHLY":
            first, size = day.replace(day=1), days_in_month(day.year, day.month)
        elif self.frequency == "WEEKLY":
            first, size = day - DAY * ((day.weekday() - self.week_start) % 7), 7
        else:
            first, size = day, 1
        return (first + DAY * number for number in range(size))


def days_in_year(year: int) -> int:
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365


def days_in_month(year: int, month: int) -> int:
    if month == 2:
        return 28 + days_in_year(year) - 365
    return 30 if month in (4, 6, 9, 11) else 31


def _among(chosen: frozenset[int], place: int, size: int) -> bool:
    """Whether a place is chosen, counted from the beginning or from the end."""
    return place in chosen or place - size - 1 in chosen


def _given(chosen: frozenset[int], otherwise: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(chosen)) or otherwise


def _single(parts: Mapping[str, Any], name: str, absent: Any) -> Any:
    found = parts.get(name, absent)
    if not isinstance(found, list):
        return found
    if len(found) != 1:
        raise BadRule(f"the rule has {name} more than once")
    return found[0]


def _numbers(parts: Mapping[str, Any], name: str) -> frozenset[int]:
    low, high = RANGES[name]
    try:
        found = frozenset(int(value) for value in parts.get(name, ()))
    except (TypeError, ValueError):
        raise BadRule(f"the rule's {name} is no list of numbers") from None
    for value in found:
        if not low <= (abs(value) if name in FROM_THE_END else value) <= high:
            raise BadRule(f"the rule's {name} {value} is out of range")
    return found


def _weekdays(parts: Mapping[str, Any], frequency: str) -> tuple[frozenset[int], frozenset[tuple[int, int]]]:
    """The days of the week, and those that are counted within a month or a year."""
    plain, nth = set(), set()
    for value in parts.get("BYDAY", ()):
        match = _NTH.fullmatch(str(value).upper())
        if match is None:
            raise BadRule(f"the rule's BYDAY {str(value)[:20]!r} is no day of the week")
        number, weekday = int(match[1] or 0), WEEKDAYS.index(match[2])
        if number and frequency in ("MONTHLY", "YEARLY"):
            nth.add((number, weekday))
        else:
            plain.add(weekday)
    return frozenset(plain), frozenset(nth)
