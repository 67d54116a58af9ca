"""
Dates and times of the wire as aware datetimes in UTC.

Parts out of range roll over, as devices have come to rely on: month 13 is next January, day 0 the last day before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Y2000 = datetime(2000, 1, 1, tzinfo=UTC)
_GPS = datetime(1980, 1, 6, tzinfo=UTC)


def moment(
    year: int = 0,
    month: int = 0,
    day: int = 0,
    hour: int = 0,
    minute: int = 0,
    second: int = 0,
    ms: int = 0,
    zone: tzinfo = UTC,
) -> datetime:
    """The moment of these parts, read in `zone`. Years up to 99 are 20xx."""
    if year < 100:
        year += 2000
    try:
        local = datetime(year, month, day, hour, minute, second, ms * 1000, UTC)
    except ValueError:
        local = _rolled(year, month, day) + timedelta(0, second, 0, ms, minute, hour)
    else:
        if year < 1583:
            local = datetime.combine(_rolled(year, month, day), local.timetz())
    return local if zone is UTC else local - _offset(local, zone)


def _rolled(year: int, month: int, day: int) -> datetime:
    carry, month = divmod(month - 1, 12)
    year += carry
    first = datetime(year, month + 1, 1, tzinfo=UTC)
    if (year, month + 1, day) < (1582, 10, 15):
        # The calendar of those days; a year byte of FF is the way to get there.
        earlier = year - 1 if month < 2 else year
        first += timedelta(days=earlier // 100 - earlier // 400 - 2)
    return first + timedelta(days=day - 1)


def to_utc(local: datetime, zone: tzinfo) -> datetime:
    """A naive local time as UTC; where clocks are changed, by the standard offset."""
    return (local - _offset(local, zone)).replace(tzinfo=UTC)


def _offset(local: datetime, zone: tzinfo) -> timedelta:
    """Of the offsets that a local time may have, the standard one; the zone of `local` itself does not matter."""
    offset = zone.utcoffset(local)
    if not isinstance(zone, timezone):
        other = zone.utcoffset(local.replace(fold=1))
        offset = min(offset or timedelta(), other or timedelta())
    return offset or timedelta()


def digits(layout: str) -> Callable[[bytes | str], datetime]:
    """
    A reader of digits whose parts roll over: `digits("ddMMyyHHmmss")`, letters as in `pattern`.

    The text has been found to be so many digits; parts that the layout lacks are 0.
    """
    at = {run[0][0]: slice(*run.span()) for run in re.finditer(r"(.)\1*", layout)}
    parts = [at.get(letter, slice(0)) for letter in "yMdHms"]

    def read(text: bytes | str) -> datetime:
        year, month, day, hour, minute, second = [int(text[part] or 0) for part in parts]
        return moment(year, month, day, hour, minute, second)

    return read


def from_bytes(data: bytes) -> datetime:
    """Year, month, day, hour, minute, second, a byte each."""
    year, month, day, hour, minute, second = data
    return moment(year, month, day, hour, minute, second)


_BCD = bytes(10 * (byte >> 4) + (byte & 15) for byte in range(256))


def from_bcd(data: bytes, zone: tzinfo = UTC) -> datetime:
    """Year, month, day, hour, minute, second, two packed decimal digits each."""
    year, month, day, hour, minute, second = data.translate(_BCD)
    return moment(year, month, day, hour, minute, second, zone=zone)


def seconds(epoch: float) -> datetime:
    """Seconds since 1970."""
    return _EPOCH + timedelta(0, epoch)


def millis(epoch: int) -> datetime:
    """Milliseconds since 1970."""
    return _EPOCH + timedelta(0, 0, 0, epoch)


def since_2000(count: float) -> datetime:
    """Seconds since 2000."""
    return _Y2000 + timedelta(seconds=count)


def long_months(count: int) -> datetime:
    """Seconds of a clock that starts in 2000 and whose months all have 31 days."""
    days, second = divmod(count, 86400)
    months, day = divmod(days, 31)
    return moment(2000 + months // 12, 1 + months % 12, 1 + day, 0, 0, second)


def gps_week(week: int, second: float) -> datetime:
    """Week number and seconds of that week, since 1980-01-06, without leap seconds."""
    return _GPS + timedelta(weeks=week, seconds=second)


def time_of_day(now: datetime, hour: int, minute: int, second: int, ms: int = 0, zone: tzinfo = UTC) -> datetime:
    """A clock time of the current date in `zone`."""
    today: date = now.astimezone(zone).date()
    return moment(today.year, today.month, today.day, hour, minute, second, ms, zone)


def nearest_day(guess: datetime, now: datetime) -> datetime:
    """Of the guess, the day before and the day after, the one nearest to now."""
    day = timedelta(days=1)
    return min((guess, guess - day, guess + day), key=lambda time: abs(time - now))


def nearest_year(guess: datetime, now: datetime) -> datetime:
    """Of the guess, the year before and the year after, the one nearest to now."""
    parts = (guess.month, guess.day, guess.hour, guess.minute, guess.second, guess.microsecond // 1000)
    others = [moment(guess.year + step, *parts) for step in (-1, 1)]
    return min((guess, *others), key=lambda time: abs(time - now))


_OFFSET = re.compile(r"GMT([+-])(?:(\d{1,2}):?([0-5]\d)|(\d{1,2}))")

# Short names that are no IANA names, or mean another place there.
_SHORT = {
    "ACT": "Australia/Darwin",
    "AET": "Australia/Sydney",
    "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo",
    "AST": "America/Anchorage",
    "BET": "America/Sao_Paulo",
    "BST": "Asia/Dhaka",
    "CAT": "Africa/Harare",
    "CNT": "America/St_Johns",
    "CST": "America/Chicago",
    "CTT": "Asia/Shanghai",
    "EAT": "Africa/Addis_Ababa",
    "ECT": "Europe/Paris",
    "IET": "America/Indiana/Indianapolis",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "MIT": "Pacific/Apia",
    "NET": "Asia/Yerevan",
    "NST": "Pacific/Auckland",
    "PLT": "Asia/Karachi",
    "PNT": "America/Phoenix",
    "PRT": "America/Puerto_Rico",
    "PST": "America/Los_Angeles",
    "SST": "Pacific/Guadalcanal",
    "VST": "Asia/Ho_Chi_Minh",
}


@lru_cache(1024)
def zone(name: str) -> tzinfo:
    """A zone by its IANA name, as `GMT+5:30`, or by some three letters; a name that is unknown is UTC."""
    if offset := _OFFSET.fullmatch(name):
        sign, hour, minute, alone = offset.groups()
        size = timedelta(hours=int(hour or alone), minutes=int(minute or 0))
        if size >= timedelta(hours=24):
            return UTC
        return timezone(-size if sign == "-" else size)
    try:
        return ZoneInfo(_SHORT.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def standard_offset(zone: tzinfo, at: datetime) -> timedelta:
    """The zone's offset from UTC without daylight saving, in the year of `at`."""
    months = (datetime(at.year, month, 1, tzinfo=zone) for month in range(1, 13))
    return min(month.utcoffset() or timedelta() for month in months)


_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d)(?::(\d\d)(?::(\d\d))?)?)"
    r"(?:\[.+\])?",
    re.ASCII | re.IGNORECASE,
)


def iso(text: str) -> datetime:
    """`2024-05-06T07:08:09.123+02:00`: with `T` and an offset, parts after ms are cut. ValueError for all else."""
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(f"no ISO time: {text!r}")
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes, rest = found.groups()
    ms = int(f"{fraction or '0':0<3.3}")
    time = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), ms * 1000, UTC)
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0), seconds=int(rest or 0))
    return time + offset if sign == "-" else time - offset


_PARTS = {"y": "year", "M": "month", "d": "day", "H": "hour", "m": "minute", "s": "second", "S": "ms"}


def pattern(layout: str, zone: tzinfo = UTC) -> Callable[[str], datetime]:
    """
    A reader of exactly this layout, letters as in `yyyy-MM-dd HH:mm:ss`, others (and letters in quotes) as they stand.

    Digit counts must be as written, except that a day beyond the end of its month is its last one, and 24:00:00 is
    the next midnight. In a doubled hour the first reading counts. ValueError for all else.
    """
    return lambda text: exactly(layout, text, zone)


@lru_cache(256)
def _layout(layout: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """A layout as a pattern, and what its groups mean; `century` is a year of two digits."""
    parts: list[str] = []

    def part(found: re.Match[str]) -> str:
        quoted, letters, _, other = found.groups()
        if letters:
            parts.append("century" if letters == "yy" else _PARTS[letters[0]])
            return f"([0-9]{{{len(letters)}}})"
        return re.escape(quoted if other is None else other)

    shape = re.sub(r"'([^']*)'|((?:([A-Za-z])\3*))|([^'A-Za-z])", part, layout)
    return re.compile(shape), tuple(parts)


def exactly(layout: str, text: str, zone: tzinfo = UTC) -> datetime:
    """The time that a text of this layout means in `zone`; see `pattern`."""
    shape, names = _layout(layout)
    found = shape.fullmatch(text)
    if found is None:
        raise ValueError(f"no time of the form {layout}: {text!r}")
    part = dict(zip(names, map(int, found.groups()), strict=True)).get
    year = part("year", 2000 + part("century", -30))
    month, day, hour = part("month", 1), part("day", 1), part("hour", 0)
    minute, second, ms = part("minute", 0), part("second", 0), part("ms", 0)
    if day > 28:
        if day > 31:
            raise ValueError(f"day {day}")
        day = min(day, (datetime(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day)
    if hour == 24 and not (minute or second or ms):
        local = datetime(year, month, day, tzinfo=zone) + timedelta(days=1)
    else:
        local = datetime(year, month, day, hour, minute, second, ms * 1000, zone)
    return local if zone is UTC else local.astimezone(UTC)
