"""Calendars: which moments are within an event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from trackd.track.calendar import BadCalendar, Calendar, parse

RECORDED = Path(__file__).parents[3] / "shared" / "vectors" / "processing" / "calendar.jsonl"
# Recorded otherwise: whole days begin and end there where nobody would expect it.
DAYS = ("calendar-date-range", "calendar-date-recurring", "calendar-date-recurring-range")
# More than one report of a moment, or a calendar that changes on the way.
OTHERS = ("calendar-outdated", "calendar-changed-live")
WORDS = "DTSTART DTEND RRULE RDATE BEGIN END VEVENT : ; = , T Z 2025 0101 - FREQ DAILY".split()


def calendar(*lines: str, before: str = "") -> Calendar:
    text = "\r\n".join(["BEGIN:VCALENDAR", before, "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""])
    return parse(text.encode())


class ActiveTests(SynchronousTestCase):
    def check(self, found: Calendar, inside: list[str], outside: list[str]) -> None:
        for text in inside:
            self.assertTrue(found.active(datetime.fromisoformat(text).astimezone(UTC)), text)
        for text in outside:
            self.assertFalse(found.active(datetime.fromisoformat(text).astimezone(UTC)), text)

    def test_recorded(self) -> None:
        """The moments at which a device with a calendar was heard."""
        if not RECORDED.is_file():
            raise SkipTest(f"the recordings are not there: {RECORDED}")
        for line in RECORDED.read_text("utf-8").splitlines():
            scenario = json.loads(line)
            name = scenario["setup"]["devices"].get("d1", {}).get("calendar")
            if scenario["id"] in DAYS + OTHERS or name is None:
                continue
            found = parse(scenario["setup"]["calendars"][name].encode())
            times = [
                datetime.fromtimestamp(int(step["query"]["timestamp"]), UTC)
                for step in scenario["reports"]
                if "query" in step
            ]
            heard = {datetime.fromisoformat(position["fixTime"]) for position in scenario["positions"]}
            self.assertEqual({moment for moment in times if found.active(moment)}, heard, scenario["id"])

    def test_days(self) -> None:
        """A day without a time lasts from its beginning to its end in UTC; the last day is not one of them."""
        for more in ((), ("RRULE:FREQ=WEEKLY",)):
            self.check(
                calendar("DTSTART;VALUE=DATE:20250301", "DTEND;VALUE=DATE:20250303", *more),
                ["2025-03-01T00:00:00Z", "2025-03-02T23:59:59Z"],
                ["2025-02-28T23:59:59Z", "2025-03-03T00:00:00Z"],
            )
            self.check(
                calendar("DTSTART;VALUE=DATE:20250301", *more), ["2025-03-01T12:00:00Z"], ["2025-03-02T00:00:00Z"]
            )

    def test_again(self) -> None:
        """What comes again includes both ends; exceptions are left out, single dates are exact moments."""
        found = calendar(
            "DTSTART:20250301T100000Z",
            "DURATION:PT1H",
            "RRULE:FREQ=DAILY;UNTIL=20250310T100000Z",
            "EXRULE:FREQ=WEEKLY;BYDAY=MO",
            "EXDATE:20250302T100000Z",
            "RDATE:20250401T100000Z",
            "RDATE;VALUE=PERIOD:20250402T100000Z/20250402T120000Z,20250403T100000Z/PT2H",
        )
        self.check(
            found,
            [
                "2025-03-01T10:00:00Z",
                "2025-03-01T11:00:00Z",
                "2025-03-09T10:30:00Z",
                "2025-04-01T10:00:00Z",
                "2025-04-02T11:59:00Z",
                "2025-04-03T11:59:00Z",
            ],
            [
                "2025-03-02T10:30:00Z",
                "2025-03-03T10:30:00Z",
                "2025-03-10T10:30:00Z",
                "2025-03-11T10:30:00Z",
                "2025-04-01T10:00:01Z",
            ],
        )

    def test_zones(self) -> None:
        """Times are those of their zone, in summer and in winter; a zone may be defined in the calendar."""
        zone = "\r\n".join(
            [
                "BEGIN:VTIMEZONE",
                "TZID:At home",
                "BEGIN:STANDARD",
                "DTSTART:16011028T030000",
                "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
                "TZOFFSETFROM:+0200",
                "TZOFFSETTO:+0100",
                "END:STANDARD",
                "BEGIN:DAYLIGHT",
                "DTSTART:16010325T020000",
                "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
                "TZOFFSETFROM:+0100",
                "TZOFFSETTO:+0200",
                "END:DAYLIGHT",
                "END:VTIMEZONE",
            ]
        )
        for name in ("Europe/Berlin", '"At home"', "At home"):
            found = calendar(f"DTSTART;TZID={name}:20250101T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY", before=zone)
            self.check(
                found,
                ["2025-01-15T09:30:00Z", "2025-03-29T09:30:00Z", "2025-03-31T08:30:00Z", "2025-10-27T09:30:00Z"],
                ["2025-01-15T08:30:00Z", "2025-03-31T09:30:00Z", "2025-10-27T08:30:00Z"],
            )

    def test_end_elsewhere(self) -> None:
        """An end may be said in another zone than the beginning."""
        found = calendar("DTSTART;TZID=Europe/Berlin:20250701T100000", "DTEND;TZID=Asia/Tokyo:20250701T180000")
        self.check(found, ["2025-07-01T08:30:00Z"], ["2025-07-01T09:00:01Z"])

    def test_several(self) -> None:
        """One event of several is enough; what is no event does not count."""
        text = b"BEGIN:VCALENDAR\nBEGIN:VTODO\nDTSTART:20250101T000000Z\nDUE:20260101T000000Z\nEND:VTODO\nEND:VCALENDAR"
        self.check(parse(text), [], ["2025-06-01T00:00:00Z"])
        self.check(calendar("SUMMARY:no time"), [], ["2025-06-01T00:00:00Z"])


class RefusedTests(SynchronousTestCase):
    def test_no_calendar(self) -> None:
        """What is no calendar is refused."""
        for data in (
            b"",
            b"\0\0\0",
            b"\xff\xfe",
            b"hello",
            b"BEGIN:VCALENDAR",
            b"BEGIN:VEVENT\nEND:VEVENT",
            b"BEGIN:VCALENDAR\nEND:VEVENT",
            b"BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR",
            b"BEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\nBEGIN:A\n",
        ):
            with self.assertRaises(BadCalendar, msg=repr(data)):
                parse(data)

    def test_bad_parts(self) -> None:
        """So is one with a time, a duration, a rule or a zone that cannot be read."""
        for lines in (
            ["DTSTART:tomorrow"],
            ["DTSTART:20251301T000000Z"],
            ["DTSTART:20250101T000000Z", "DURATION:long"],
            ["DTSTART:20250101T000000Z", "RRULE:FREQ=SECONDLY"],
            ["DTSTART:20250101T000000Z", "RDATE:x"],
            ["DTSTART:99991231T000000Z", "DURATION:P99999D", "RRULE:FREQ=DAILY"],
        ):
            with self.assertRaises(BadCalendar, msg=str(lines)) as caught:
                calendar(*lines)
            self.assertEqual(len(str(caught.exception).splitlines()), 1)
        with self.assertRaises(BadCalendar):
            zone = "BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nEND:STANDARD\nEND:VTIMEZONE"
            calendar("DTSTART;TZID=x:20250101T000000", before=zone)

    def test_too_much(self) -> None:
        """Events that come again too often for as long as they last would take too long to look at."""
        for lines in (
            ["DTSTART:20250101T000000Z", "DURATION:P100D", "RRULE:FREQ=MINUTELY"],
            ["DTSTART:20250101T000000Z", "DURATION:P20000D", "RRULE:FREQ=DAILY"],
            ["DTSTART:20250101T000000Z", "DURATION:PT1H", "RRULE:FREQ=MINUTELY", "EXRULE:FREQ=MINUTELY"],
        ):
            with self.assertRaises(BadCalendar, msg=str(lines)):
                calendar(*lines)
        count = "BEGIN:VEVENT\nDTSTART:20250101T000000Z\nRRULE:FREQ=YEARLY;COUNT=30\nEND:VEVENT\n"
        with self.assertRaises(BadCalendar):
            parse(f"BEGIN:VCALENDAR\n{count * 20}END:VCALENDAR".encode())
        event = "BEGIN:VEVENT\nDTSTART:20250101T000000Z\nEND:VEVENT\n"
        with self.assertRaises(BadCalendar):
            parse(f"BEGIN:VCALENDAR\n{event * 1001}END:VCALENDAR".encode())

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.sampled_from(WORDS), max_size=20))
    def test_noise(self, words: list[str]) -> None:
        """No text does anything but be read or be refused."""
        try:
            calendar("".join(words)).active(datetime(2025, 1, 1, tzinfo=UTC))
        except BadCalendar:
            pass
