import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trackd.rest.body import (
    DOUBLE,
    FLAG,
    FREE,
    INT,
    LONG,
    MOMENT,
    TEXT,
    Member,
    Model,
    read_double,
    read_flag,
    read_integer,
    read_moment,
    read_text,
)
from trackd.rest.errors import ApiError
from trackd.rest.output import dumps

THING = Model(
    "Thing",
    (
        Member("id", LONG, ro=True),
        Member("attributes", FREE, most=30),
        Member("uniqueId", TEXT, trim=True, required=True, most=5),
        Member("limit", INT),
        Member("speed", DOUBLE),
        Member("off", FLAG),
        Member("expirationTime", MOMENT),
        Member("status", TEXT, default="offline", ro=True),
        Member("password", TEXT, ro=True, write_only=True),
    ),
    frozenset({"old"}),
)


def said(**members: Any) -> bytes:
    return json.dumps({"uniqueId": "x", **members}).encode()


class CoercionTests(SynchronousTestCase):
    def refuses(self, read: Callable[[Any], Any], *values: Any) -> None:
        for value in values:
            self.assertRaises(ValueError, read, value)

    def test_integers(self) -> None:
        """Numeric texts are numbers, fractions are cut off, null and empty text are 0."""
        found = [read_integer(value) for value in (5, "5", " -5 ", 0.7, -1.9, None, "", "  ")]
        self.assertEqual(found, [5, 5, -5, 0, -1, 0, 0, 0])
        self.refuses(read_integer, "abc", "1.5", True, [], {}, 2**63, "99999999999999999999", 1e300, math.inf, math.nan)
        self.assertRaises(ValueError, INT.read, 2**31)

    def test_doubles(self) -> None:
        """The same for floating numbers, which are always floats."""
        self.assertEqual([read_double(value) for value in (2, "2.5", None, "")], [2.0, 2.5, 0.0, 0.0])
        self.assertIs(type(read_double(2)), float)
        self.assertEqual([read_double(value) for value in ("5.", ".5", "-1e2", "\t+1.5 ")], [5.0, 0.5, -100.0, 1.5])
        self.refuses(read_double, "x", True, [], "nan", ".", "1_0", 10**400)

    def test_long_doubles(self) -> None:
        """A text that is as long as a body is refused at once, and not after minutes."""
        many = 1 << 17
        self.refuses(read_double, "1" * many + "x", " " * many + "x", "1." * many, "1" * many + "e" + "1" * many)

    def test_flags(self) -> None:
        """True, 1 and `true` are true; `yes` is an error."""
        self.assertEqual([read_flag(value) for value in (True, 1, "true", " true ")], [True] * 4)
        self.assertEqual([read_flag(value) for value in (False, 0, "false", "", None)], [False] * 5)
        self.refuses(read_flag, "yes", "1", 1.5, [], {})

    def test_texts(self) -> None:
        """Numbers and booleans are read as their text; a list is none, and neither is what cannot be stored."""
        self.assertEqual([read_text(value) for value in (5, 1.5, True, "x", None)], ["5", "1.5", "true", "x", None])
        self.refuses(read_text, [], {}, "a\0b", "\ud800")

    def test_moments(self) -> None:
        """Every way in which clients write a time."""
        wanted = datetime(2026, 1, 31, 7, 5, 9, 120000, UTC)
        for text in (
            "2026-01-31T07:05:09.120+00:00",
            "2026-01-31T07:05:09.1209999Z",
            "2026-01-31T08:05:09.120+0100",
            "2026-01-31T08:05:09.120+01",
            "2026-01-31T06:05:09.120-01:00",
            "2026-01-31T07:05:09.120",
            1769843109120,
            "1769843109120",
        ):
            self.assertEqual(read_moment(text), wanted, text)
        self.assertEqual(read_moment("2026-01-31"), datetime(2026, 1, 31, tzinfo=UTC))
        self.assertEqual(read_moment("2026-01-31T07:05Z"), datetime(2026, 1, 31, 7, 5, tzinfo=UTC))
        self.assertEqual(read_moment("Sat, 31 Jan 2026 07:05:09 GMT"), datetime(2026, 1, 31, 7, 5, 9, tzinfo=UTC))
        self.assertEqual(read_moment("2040-13-01T00:00:00Z"), datetime(2041, 1, 1, tzinfo=UTC))
        self.assertEqual([read_moment(""), read_moment(None)], [None, None])

    def test_no_moments(self) -> None:
        """Fractions, booleans, objects and other texts are none; nor are times that no calendar has."""
        self.refuses(read_moment, 1.5, True, {}, [], "tomorrow", "2026-01-31 07:05:09", 10**20, "9999-99-99T00:00:00Z")

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
    def test_anything(self, value: Any) -> None:
        """Whatever comes is a value or a ValueError."""
        for type in (LONG, INT, DOUBLE, FLAG, TEXT, MOMENT, FREE):
            try:
                type.read(value)
            except ValueError:
                pass


class ModelTests(SynchronousTestCase):
    def refused(self, data: bytes) -> str:
        error = self.assertRaises(ApiError, THING.read, data)
        self.assertEqual(error.status, 400)
        return str(error.message)

    def test_defaults(self) -> None:
        """A member that was not sent has its default: a change replaces the whole object."""
        self.assertEqual(
            THING.read(said()),
            {
                "id": 0,
                "attributes": {},
                "unique_id": "x",
                "limit": 0,
                "speed": 0.0,
                "off": False,
                "expiration_time": None,
                "status": "offline",
                "password": None,
            },
        )

    def test_fresh_defaults(self) -> None:
        """Two objects never share their attributes."""
        self.assertIsNot(THING.read(said())["attributes"], THING.read(said())["attributes"])

    def test_unknown(self) -> None:
        """An unknown member is named; one that is known to be sent for nothing is dropped; names have their case."""
        self.assertTrue(self.refused(said(geofenceIds=[1])).startswith('Unrecognized field "geofenceIds"'))
        self.assertTrue(self.refused(b'{"UniqueId":"x"}').startswith('Unrecognized field "UniqueId"'))
        self.assertNotIn("old", THING.read(said(old=1)))
        tolerant = Model("Any", THING.members, tolerant=True)
        self.assertEqual(tolerant.read(said(whatever=1))["unique_id"], "x")

    def test_required(self) -> None:
        """What is needed may be neither missing nor null; empty is something."""
        self.assertIn("uniqueId", self.refused(b"{}"))
        self.assertIn("uniqueId", self.refused(said(uniqueId=None)))
        self.assertEqual(THING.read(said(uniqueId=" "))["unique_id"], "")

    def test_limits(self) -> None:
        """Texts and attributes have their limits, after trimming."""
        self.assertEqual(THING.read(said(uniqueId=" 12345 "))["unique_id"], "12345")
        self.assertIn("longer than 5", self.refused(said(uniqueId="123456")))
        self.assertIn("longer than 30", self.refused(said(attributes={"k": "v" * 30})))
        read = THING.read(said(uniqueId="ёёёёё", attributes={"k": "ё" * 22}))
        self.assertEqual(read["attributes"], {"k": "ё" * 22})
        self.assertIn("longer than 30", self.refused(said(attributes={"k": "ё" * 23})))

    def test_no_objects(self) -> None:
        """Nothing, null, arrays, texts, half an object, something behind it: one sentence each."""
        for data in (b"", b" ", b"null", b"[]", b'"x"', b"5", b'{"uniqueId":"x"', b'{"uniqueId":"x"} y', b"{'a':1}"):
            self.assertEqual(len(self.refused(data).splitlines()), 1, data)
        for data in (b"\xff{}", b'{"uniqueId":"x","speed":NaN}', b'{"uniqueId":"x","speed":1e999}', b"[" * 100_000):
            self.refused(data)

    def test_reasons(self) -> None:
        """The sentence is the server's: it says what is wrong with the body, and nothing of what reads it."""
        for data, reason in (
            (b'{"uniqueId":"\xff"}', "it is not UTF-8 at byte 13"),
            (b'{"limit":' + b"9" * 100_000 + b"}", f"{'9' * 30}… is out of range"),
            (b'{"speed":1e999}', "1e999 is out of range"),
            (b"[" * 100_000, "too deep"),
        ):
            self.assertEqual(self.refused(data), f"The body is no JSON: {reason}")

    def test_depth(self) -> None:
        """Attributes are nested as deep as can be written again, and no deeper."""
        roomy = Model("Any", (Member("attributes", FREE),))
        for opening, closing in (("[", "]"), ('{"":', "}")):
            for depth in (*range(95, 105), *range(240, 260), *range(900, 1100)):
                data = '{"attributes":{"a":' + opening * depth + "1" + closing * depth + "}}"
                try:
                    dumps(roomy.read(data.encode()))
                    taken = True
                except ApiError as error:
                    self.assertEqual(error.status, 400)
                    taken = False
                self.assertEqual(taken, depth < 100, f"{depth} times {opening}")

    def test_duplicates(self) -> None:
        """Of a member that was sent twice the last counts."""
        self.assertEqual(THING.read(b'{"uniqueId":"a","uniqueId":"b"}')["unique_id"], "b")

    def test_show(self) -> None:
        """All members in their order, nulls too; floats have a point, times three digits, secrets are null."""
        shown = THING.show(
            {
                "id": 7,
                "unique_id": "x",
                "speed": 1,
                "password": "secret",
                "expiration_time": datetime(2026, 1, 31, 7, 5, 9, 120999, UTC),
            }
        )
        self.assertEqual(
            dumps(shown),
            b'{"id":7,"attributes":{},"uniqueId":"x","limit":0,"speed":1.0,"off":false,'
            b'"expirationTime":"2026-01-31T07:05:09.120+00:00","status":"offline","password":null}',
        )

    def test_stored(self) -> None:
        """What clients only echo never reaches the store."""
        stored = THING.stored(THING.read(said(id=5, status="online", password="x")))
        self.assertEqual(set(stored), {"attributes", "unique_id", "limit", "speed", "off", "expiration_time"})
