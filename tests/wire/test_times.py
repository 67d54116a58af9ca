from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import times

BERLIN = ZoneInfo("Europe/Berlin")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


class MomentTests(SynchronousTestCase):
    def test_years(self) -> None:
        """Years of two digits are 20xx, also 96; others are taken literally."""
        self.assertEqual(times.moment(96, 1, 2), utc(2096, 1, 2))
        self.assertEqual(times.moment(2024, 1, 2, 3, 4, 5, 6), utc(2024, 1, 2, 3, 4, 5, 6000))
        self.assertEqual(times.moment(1899, 12, 30), utc(1899, 12, 30))

    def test_rolls_over(self) -> None:
        """Nothing is out of range: what is too large or zero is carried."""
        for parts, time in (
            ((2024, 13, 32, 25, 61, 61), utc(2025, 2, 2, 2, 2, 1)),
            ((2024, 2, 30), utc(2024, 3, 1)),
            ((0, 0, 0, 0, 0, 0), utc(1999, 11, 30)),
            ((24, 1, 1, 24, 0, 60), utc(2024, 1, 2, 0, 1, 0)),
            ((24, 12, 31, 23, 59, 59, 1500), utc(2025, 1, 1, 0, 0, 0, 500000)),
            ((24, 0, 1), utc(2023, 12, 1)),
            ((24, 3, 0), utc(2024, 2, 29)),
            ((24, 255, 255, 255, 255, 255), utc(2045, 11, 20, 19, 19, 15)),
        ):
            self.assertEqual(times.moment(*parts), time)

    def test_old_calendar(self) -> None:
        """Years before 1582 are those of the calendar of their time."""
        self.assertEqual(times.moment(1500, 3, 1), utc(1500, 3, 11))
        self.assertEqual(times.moment(255, 1, 1), utc(255, 1, 1))

    def test_zone(self) -> None:
        """Local time is read by the zone's rules."""
        self.assertEqual(times.moment(24, 7, 1, 12, zone=BERLIN), utc(2024, 7, 1, 10))
        self.assertEqual(times.moment(24, 7, 1, 2, zone=timezone(timedelta(hours=8))), utc(2024, 6, 30, 18))

    def test_changed_clocks(self) -> None:
        """In the hour that is left out and in the one that comes twice the standard offset counts."""
        self.assertEqual(times.moment(24, 3, 31, 2, 30, zone=BERLIN), utc(2024, 3, 31, 1, 30))
        self.assertEqual(times.moment(24, 10, 27, 2, 30, zone=BERLIN), utc(2024, 10, 27, 1, 30))
        self.assertEqual(times.to_utc(datetime(2024, 10, 27, 2, 30), BERLIN), utc(2024, 10, 27, 1, 30))

    @given(some.binary(min_size=6, max_size=6))
    def test_bytes_are_never_refused(self, parts: bytes) -> None:
        """Six bytes are always a time, the one that the parts add up to."""
        year, month, day, hour, minute, second = parts
        time = times.from_bytes(parts)
        if year >= 100:
            return  # the old calendar
        first = utc(2000 + year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
        self.assertEqual(time, first + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second))


class BinaryTests(SynchronousTestCase):
    def test_parts(self) -> None:
        """Six bytes, binary or packed decimal."""
        self.assertEqual(times.from_bytes(bytes((24, 5, 6, 7, 8, 9))), utc(2024, 5, 6, 7, 8, 9))
        self.assertEqual(times.from_bcd(bytes.fromhex("240506070809")), utc(2024, 5, 6, 7, 8, 9))
        self.assertEqual(times.from_bcd(bytes.fromhex("240506070809"), times.zone("GMT+8")), utc(2024, 5, 5, 23, 8, 9))
        for read in (times.from_bytes, times.from_bcd):
            with self.assertRaises(ValueError):
                read(b"\x18\x05")

    def test_counts(self) -> None:
        """Seconds and milliseconds since 1970, seconds since 2000, weeks since 1980."""
        self.assertEqual(times.seconds(0xFFFFFFFF), utc(2106, 2, 7, 6, 28, 15))
        self.assertEqual(times.millis(1700000000123), utc(2023, 11, 14, 22, 13, 20, 123000))
        self.assertEqual(times.since_2000(86400), utc(2000, 1, 2))
        self.assertEqual(times.gps_week(2300, 86401), utc(2024, 2, 5, 0, 0, 1))
        with self.assertRaises(OverflowError):
            times.millis(2**62)

    def test_long_months(self) -> None:
        """A clock whose months all have 31 days; a day that the month lacks rolls over."""
        self.assertEqual(times.long_months(0x28FD9899), utc(2021, 5, 24, 14, 5, 13))
        self.assertEqual(times.long_months(0), utc(2000, 1, 1))
        self.assertEqual(times.long_months((31 + 30) * 86400), utc(2000, 3, 2))


class NearTests(SynchronousTestCase):
    def test_time_of_day(self) -> None:
        """A clock time is one of today, in UTC or in the zone."""
        now = utc(2024, 5, 6, 23, 0, 0)
        self.assertEqual(times.time_of_day(now, 1, 2, 3), utc(2024, 5, 6, 1, 2, 3))
        self.assertEqual(times.time_of_day(now, 1, 2, 3, zone=BERLIN), utc(2024, 5, 6, 23, 2, 3))

    def test_nearest_day(self) -> None:
        """Of three days the nearest counts; a tie keeps the guess."""
        now = utc(2024, 5, 6, 12)
        for guess, time in (
            (utc(2024, 5, 6, 11), utc(2024, 5, 6, 11)),
            (utc(2024, 5, 7, 1), utc(2024, 5, 6, 1)),
            (utc(2024, 5, 7, 0), utc(2024, 5, 7, 0)),
            (utc(2024, 5, 7, 11), utc(2024, 5, 6, 11)),
            (utc(2024, 5, 6, 0), utc(2024, 5, 6, 0)),
            (utc(2024, 5, 5, 11), utc(2024, 5, 6, 11)),
        ):
            self.assertEqual(times.nearest_day(guess, now), time)

    def test_nearest_year(self) -> None:
        """Of three years the nearest counts."""
        self.assertEqual(times.nearest_year(utc(2024, 12, 31), utc(2024, 1, 1)), utc(2023, 12, 31))
        self.assertEqual(times.nearest_year(utc(2024, 1, 1), utc(2024, 12, 31)), utc(2025, 1, 1))
        self.assertEqual(times.nearest_year(utc(2024, 2, 29), utc(2024, 1, 1)), utc(2024, 2, 29))


class ZoneTests(SynchronousTestCase):
    def test_names(self) -> None:
        """IANA names, offsets from GMT and some three letters; everything else is UTC."""
        for name, hours in (
            ("Asia/Tokyo", 9),
            ("GMT+5:30", 5.5),
            ("GMT+05", 5),
            ("GMT-0330", -3.5),
            ("UTC", 0),
            ("IST", 5.5),
            ("UTC+5", 0),
            ("+05:00", 0),
            ("GMT+24", 0),
            ("Asia/Tokio", 0),
            ("../../etc/passwd", 0),
            ("", 0),
            ("\0", 0),
        ):
            offset = times.zone(name).utcoffset(datetime(2024, 1, 1))
            self.assertEqual(offset, timedelta(hours=hours), name)

    def test_standard_offset(self) -> None:
        """The offset without daylight saving, on either half of the globe, and where winter is the exception."""
        july = utc(2024, 7, 1)
        for name, hours in (("Europe/Berlin", 1), ("Australia/Sydney", 10), ("Europe/Dublin", 0), ("GMT+4", 4)):
            self.assertEqual(times.standard_offset(times.zone(name), july), timedelta(hours=hours), name)


class TextTests(SynchronousTestCase):
    def test_iso(self) -> None:
        """ISO texts have a `T` and an offset; parts of a millisecond are cut."""
        for text, time in (
            ("2024-05-06T07:08Z", utc(2024, 5, 6, 7, 8)),
            ("2024-05-06T07:08:09.1239999+02:00", utc(2024, 5, 6, 5, 8, 9, 123000)),
            ("2024-05-06T07:08:09.5-03", utc(2024, 5, 6, 10, 8, 9, 500000)),
            ("2024-05-06T07:08:09Z[Europe/Paris]", utc(2024, 5, 6, 7, 8, 9)),
        ):
            self.assertEqual(times.iso(text), time)
        for text in (
            "2024-05-06T07:08:09",
            "2024-05-06 07:08:09Z",
            "2024-05-06T07:08:09+0200",
            "2024-5-06T07:08:09Z",
            "2024-05-06T24:00:00Z",
            "2024-02-30T07:08:09Z",
            "2024-05-06T07:08:09.Z",
            "",
        ):
            with self.assertRaises(ValueError, msg=text):
                times.iso(text)

    def test_layout(self) -> None:
        """A layout wants its digits and its literals, nothing around."""
        read = times.pattern("yyyy-MM-dd HH:mm:ss")
        self.assertEqual(read("2024-05-06 07:08:09"), utc(2024, 5, 6, 7, 8, 9))
        self.assertEqual(times.exactly("yyMMddHHmmss", "960506070809"), utc(2096, 5, 6, 7, 8, 9))
        self.assertEqual(times.exactly("yyyyMMdd'T'HHmmss.SSS", "20240506T070809.045"), utc(2024, 5, 6, 7, 8, 9, 45000))
        self.assertEqual(times.exactly("HH:mm", "07:08"), utc(1970, 1, 1, 7, 8))
        for bad in ("2024-05-06 07:08:9", " 2024-05-06 07:08:09", "2024-05-06T07:08:09", "2024-05-0607:08:09", ""):
            with self.assertRaises(ValueError, msg=bad):
                read(bad)

    def test_layout_limits(self) -> None:
        """A day beyond its month is the last one, 24:00:00 the next midnight; nothing else rolls over."""
        read = times.pattern("yyyyMMddHHmmss")
        for text, time in (
            ("20240230101112", utc(2024, 2, 29, 10, 11, 12)),
            ("20240431000000", utc(2024, 4, 30)),
            ("20241231240000", utc(2025, 1, 1)),
        ):
            self.assertEqual(read(text), time)
        for bad in (
            "20240001000000",
            "20241301000000",
            "20240100000000",
            "20240132000000",
            "20240101240100",
            "20240101006000",
            "20240101000060",
            "00000101000000",
        ):
            with self.assertRaises(ValueError, msg=bad):
                read(bad)

    def test_digits(self) -> None:
        """Digits in any order; what is out of range rolls over, what the layout lacks is 0."""
        self.assertEqual(times.digits("ddMMyyHHmmss")("060524070809"), utc(2024, 5, 6, 7, 8, 9))
        self.assertEqual(times.digits("yyyyMMddHHmm")(b"202405060708"), utc(2024, 5, 6, 7, 8))
        self.assertEqual(times.digits("HHmmssddMMyy")(b"160169320911"), utc(2011, 10, 2, 16, 2, 9))
        self.assertEqual(times.digits("yyMMdd")(b"000000"), utc(1999, 11, 30))

    def test_layout_zone(self) -> None:
        """In the hour that comes twice the first reading counts, in the one left out the standard offset."""
        read = times.pattern("yyyy-MM-dd HH:mm", BERLIN)
        self.assertEqual(read("2024-10-27 02:30"), utc(2024, 10, 27, 0, 30))
        self.assertEqual(read("2024-03-31 02:30"), utc(2024, 3, 31, 1, 30))
        self.assertEqual(read("2024-07-01 02:30"), utc(2024, 7, 1, 0, 30))
