"""Rules by which events come again, compared with a generator of occurrences where that one comes to an end."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trackd.track.recurrence import BadRule, Rule

START = datetime(2024, 1, 31, 10, 20, 30)


def read(text: str, start: datetime = START) -> Rule:
    def until(value: date | datetime) -> datetime:
        return value.replace(tzinfo=None) if isinstance(value, datetime) else datetime.combine(value, time.max)

    return Rule.read(text, start, until)


def all_of(rule: Rule, days: int) -> list[datetime]:
    first = rule.start.date() - timedelta(days=3)
    return [start for number in range(days) for start in rule.starts(first + timedelta(days=number))]


def numbers(low: int, high: int, *, negative: bool = False) -> st.SearchStrategy[str]:
    one = st.integers(low, high).flatmap(lambda n: st.sampled_from([n, -n]) if negative else st.just(n))
    return st.lists(one, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found)))


WEEKDAYS = st.lists(st.sampled_from(("MO", "WE", "FR", "SU")), min_size=1, max_size=3, unique=True).map(",".join)
NTH = st.lists(st.sampled_from(("1MO", "-1FR", "2WE", "-3SU")), min_size=1, max_size=2, unique=True).map(",".join)
PARTS = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"))},
    optional={
        "INTERVAL": st.integers(1, 5).map(str),
        "COUNT": st.integers(1, 20).map(str),
        "WKST": st.sampled_from(("MO", "SU")),
        "BYMONTH": numbers(1, 12),
        "BYHOUR": numbers(0, 23),
        "BYMINUTE": numbers(0, 59),
    },
)


def rule(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


class RuleTests(SynchronousTestCase):
    def compare(self, text: str) -> None:
        """Against dateutil, for 800 days."""
        end = START + timedelta(days=800)
        expected = []
        for moment in rrulestr(text, dtstart=START):
            if moment > end:
                break
            expected.append(moment)
        found = [moment for moment in all_of(read(text), 804) if moment <= end]
        self.assertEqual(found, expected, text)

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(PARTS, st.sampled_from(("", "BYDAY", "NTH", "BYMONTHDAY", "BYSETPOS")), st.data())
    def test_like_others(self, parts: dict[str, str], more: str, data: st.DataObject) -> None:
        """The same times as those of a generator of occurrences."""
        frequency = parts["FREQ"]
        # The generator searches for ever for what nothing fits.
        if frequency == "HOURLY":
            parts.pop("INTERVAL", None)
        if more == "BYMONTHDAY":
            parts.pop("BYMONTH", None)
        if more == "BYDAY" or (more == "NTH" and frequency not in ("MONTHLY", "YEARLY")):
            parts["BYDAY"] = data.draw(WEEKDAYS)
        elif more == "NTH":
            parts["BYDAY"] = data.draw(NTH)
        elif more == "BYMONTHDAY" and frequency != "WEEKLY":
            parts["BYMONTHDAY"] = data.draw(numbers(1, 28, negative=True))
        elif more == "BYSETPOS" and frequency in ("MONTHLY", "YEARLY"):
            parts |= {"BYDAY": data.draw(WEEKDAYS), "BYSETPOS": data.draw(numbers(1, 3, negative=True))}
        try:
            read(rule(parts))
        except BadRule:
            parts.pop("COUNT")  # seldom enough to be too long a count
        self.compare(rule(parts))

    def test_named(self) -> None:
        """Kinds of rules that people write."""
        for text in (
            "FREQ=DAILY",
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU",
            "FREQ=MONTHLY",
            "FREQ=MONTHLY;BYDAY=-1FR",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
            "FREQ=YEARLY;BYDAY=20MO",
            "FREQ=YEARLY;BYYEARDAY=1,100,-1",
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
            "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
            "FREQ=HOURLY;INTERVAL=7",
            "FREQ=MINUTELY;INTERVAL=45;COUNT=300",
            "FREQ=DAILY;UNTIL=20240301T102030",
        ):
            self.compare(text)

    def test_nothing_fits(self) -> None:
        """A rule that nothing fits is answered as fast as any other."""
        for text in ("FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"):
            self.assertEqual(all_of(read(text), 800), [])

    def test_refused(self) -> None:
        """What cannot be read, and what would take too long, is refused."""
        for text in (
            "",
            "FREQ=NEVER",
            "FREQ=SECONDLY",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=x",
            "FREQ=DAILY;FREQ=DAILY;COUNT=1,2",
            "FREQ=DAILY;BYMONTH=13",
            "FREQ=DAILY;BYHOUR=-1",
            "FREQ=MONTHLY;BYDAY=XX",
            "FREQ=MINUTELY;BYSECOND=0,1,2",
            "FREQ=HOURLY;BYSETPOS=1",
            "FREQ=YEARLY;COUNT=1000000",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1",
        ):
            with self.assertRaises(BadRule, msg=text):
                read(text)

    def test_ends_of_time(self) -> None:
        """The first and the last days that there are can be asked for."""
        for day in (date.min, date.max):
            for text in ("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=1", "FREQ=YEARLY;BYWEEKNO=1,-1"):
                for start in (START, datetime(1, 1, 1)):
                    read(text, start).starts(day)
