from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trackd.rest.errors import ApiError
from trackd.rest.params import DOUBLE, FLAG, INT, LONG, MOMENT, TEXT, Param, moment, pairs, values

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


class KindTests(SynchronousTestCase):
    def test_integers(self) -> None:
        """Integers are decimal, may have a sign, and must fit; missing and empty ones are 0."""
        number, long = Param("n", INT), Param("n", LONG)
        self.assertEqual([number.of(["12"]), number.of(["-3"]), number.of(["+4"])], [12, -3, 4])
        self.assertEqual([number.of([]), number.of([""])], [0, 0])
        self.assertEqual(long.of(["9223372036854775807"]), 2**63 - 1)
        for bad in ("1.5", " 1", "1 ", "abc", "2147483648", "--1", "0x10", "١"):
            self.assertRaises(ValueError, number.of, [bad])
        for bad in ("9223372036854775808", "99999999999999999999"):
            self.assertRaises(ValueError, long.of, [bad])

    def test_doubles(self) -> None:
        """Floating numbers are decimal; what a programming language would read besides is refused."""
        number = Param("n", DOUBLE)
        self.assertEqual([number.of(["1.5"]), number.of(["-2"]), number.of([".5"]), number.of([])], [1.5, -2.0, 0.5, 0])
        for bad in ("x", "1_0", "nan", "inf", "1,5"):
            self.assertRaises(ValueError, number.of, [bad])

    def test_flags(self) -> None:
        """Only `true`, in any case, is on; nothing is an error."""
        flag = Param("f", FLAG)
        self.assertEqual(
            [flag.of([text]) for text in ("true", "TRUE", "1", "yes", "", "false")],
            [True, True, False, False, False, False],
        )
        self.assertFalse(flag.of([]))

    def test_texts(self) -> None:
        """A text is what was sent, an empty one too; a missing one is None."""
        self.assertEqual([Param("t", TEXT).of([""]), Param("t", TEXT).of(["x"])], ["", "x"])
        self.assertIsNone(Param("t", TEXT).of([]))

    def test_first_counts(self) -> None:
        """Of a repeated single value the first counts; a list has them all, and an empty number among them is 400."""
        self.assertEqual(Param("n", INT).of(["1", "2"]), 1)
        self.assertEqual(Param("n", INT, many=True).of(["1", "2"]), [1, 2])
        self.assertEqual(Param("n", INT, many=True).of([]), [])
        self.assertEqual(Param("t", TEXT, many=True).of(["", "x"]), ["", "x"])
        with self.assertRaises(ApiError) as caught:
            Param("n", INT, many=True).of(["1", ""])
        self.assertEqual(caught.exception.status, 400)
        self.assertRaises(ValueError, Param("n", INT, many=True).of, ["1,2"])

    def test_moments(self) -> None:
        """Times have a date, hours and minutes, and an offset."""
        for text in (
            "2020-01-01T12:00:00Z",
            "2020-01-01T12:00Z",
            "2020-01-01T12:00:00.000Z",
            "2020-01-01t12:00:00z",
            "2020-01-01T14:00:00+02:00",
            "2020-01-01T14:00:00+02",
            "2020-01-01T10:00:00-02:00",
            "2020-01-01T14:00:00+02:00[Europe/Berlin]",
        ):
            self.assertEqual(moment(text), NOON, text)
        self.assertEqual(moment("2020-01-01T12:00:00.1234567Z").microsecond, 123456)

    def test_no_moments(self) -> None:
        """Neither a lax offset nor none, neither a rolled-over date nor a blank."""
        for text in (
            "2020-01-01T12:00:00+0200",
            "2020-01-01T12:00:00 02:00",
            "2020-01-01T12:00:00",
            "2020-01-01",
            "1577836800000",
            "",
            "yesterday",
            "2020-13-01T00:00:00Z",
            "2020-02-30T00:00:00Z",
            "2020-01-01 00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-1-1T00:00:00Z",
            "0001-01-01T00:00:00+10:00",
            "2020-01-01T00:00:00+19:00",
        ):
            self.assertRaises(ValueError, moment, text)
        self.assertIsNone(Param("from", MOMENT).of([]))

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Whatever comes is a value or a ValueError."""
        for kind in (INT, LONG, DOUBLE, FLAG, TEXT, MOMENT):
            try:
                kind.read(text)
            except ValueError:
                pass


class PairsTests(SynchronousTestCase):
    def test_pairs(self) -> None:
        """Names in their order, each with all its values; a plus is a blank."""
        self.assertEqual(list(pairs("b=1&a=x+y&b=%32&c").items()), [("b", ["1", "2"]), ("a", ["x y"]), ("c", [""])])

    def test_damaged(self) -> None:
        """What cannot be decoded stays as it is, and nothing is an error."""
        self.assertEqual(pairs("&&&=&=1&"), {})
        self.assertEqual(pairs("%zz=1&k=%ff"), {"%zz": ["1"], "k": ["\ufffd"]})

    def test_values(self) -> None:
        """The values of a route's parameters by name; a bad one is named."""
        params = (Param("limit", INT), Param("all", FLAG))
        self.assertEqual(values(params, {"limit": ["2"], "unknown": ["x"]}), {"limit": 2, "all": False})
        error = self.assertRaises(ValueError, values, params, {"limit": ["x"]})
        self.assertIn("limit", str(error))


class ManyTests(SynchronousTestCase):
    def test_too_many(self) -> None:
        """More parameters than anybody needs are refused before they are read."""
        self.assertEqual(len(pairs("a=1&" * 9_999 + "a=1")["a"]), 10_000)
        self.assertEqual(400, self.assertRaises(ApiError, pairs, "a=1&" * 10_000).status)
