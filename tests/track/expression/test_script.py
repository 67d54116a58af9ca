"""Expressions of computed attributes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import Factory, define
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from trackd.track.expression.parser import Switches
from trackd.track.expression.script import Script, variables
from trackd.track.expression.values import BadExpression, Big, Long, Single, shortest, text

RECORDED = Path(__file__).parents[4] / "shared" / "vectors" / "processing" / "computed.jsonl"
NOW = datetime(2025, 3, 1, 13, tzinfo=UTC)
ALL = Switches(local_variables=True, loops=True, new=True)
# Targets that are fields of a position: what is stored there is the stage's affair.
FIELDS = {"latitude", "longitude", "altitude", "speed", "course", "accuracy", "address", "valid"}
# Recorded otherwise: classes of the reference's own language cannot be had.
CLASSES = {"s.class", '"".getClass()', "5.class"}


@define
class Sample:
    """A position of which only what matters is said."""

    id: int = 7
    device_id: int = 3
    protocol: str = "osmand"
    server_time: datetime = datetime(2025, 3, 1, 14, tzinfo=UTC)
    device_time: datetime = NOW
    fix_time: datetime = NOW
    valid: bool = True
    latitude: float = 52.5
    longitude: float = 13.4
    altitude: float = 0.0
    speed: float = 0.0
    course: float = 0.0
    address: str | None = None
    accuracy: float = 0.0
    network: Any = None
    geofence_ids: Any = None
    attributes: dict[str, Any] = Factory(dict)


def value(expression: str, switches: Switches | None = None, **attributes: Any) -> Any:
    return Script.read(expression, switches).value(variables(Sample(attributes=attributes), UTC))


class RecordedTests(SynchronousTestCase):
    def test_recorded(self) -> None:
        """What expressions made of recorded positions."""
        if not RECORDED.is_file():
            raise SkipTest(f"the recordings are not there: {RECORDED}")
        count = 0
        for line in RECORDED.read_text("utf-8").splitlines():
            scenario = json.loads(line)
            for expression, wanted, found in self.results(scenario):
                count += 1
                self.assertEqual((type(wanted), wanted), (type(found), found), f"{scenario['id']}: {expression}")
        self.assertGreater(count, 250)

    def results(self, scenario: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
        """Of each expression what was stored, and what would be."""
        definitions = scenario["setup"].get("computed", {}).values()
        config = scenario["setup"].get("config", {})
        names = ("localVariables", "loops", "newInstanceCreation")
        switches = Switches(*(config.get(f"processing.computedAttributes.{name}") == "true" for name in names))
        targets = {one["attribute"] for one in definitions}
        sent = json.dumps(scenario["reports"])
        if (
            len(scenario["positions"]) != 1
            or targets & FIELDS
            or any(one.get("priority", 0) for one in definitions)
            or any(f'"{target}"' in sent for target in targets)
            or "attributes" in json.dumps(scenario["setup"]["devices"])
        ):
            return
        (position,) = scenario["positions"]
        held = {name: one for name, one in position["attributes"].items() if name not in targets}
        fields = {name: one for name, one in position.items() if name in FIELDS | {"network"}}
        moment = datetime.fromisoformat(position["fixTime"])
        sample = Sample(attributes=held, fix_time=moment, device_time=moment, server_time=datetime.now(UTC), **fields)
        sample.id = 0
        for one in definitions:
            if one["expression"] not in CLASSES:
                stored = position["attributes"].get(one["attribute"])
                yield one["expression"], stored, self.stored(one, sample, switches)

    def stored(self, definition: Mapping[str, Any], sample: Sample, switches: Switches) -> Any:
        """What is stored of a value: what has not the type that the definition says is not."""
        try:
            found = Script.read(definition["expression"], switches).value(variables(sample, UTC))
        except BadExpression:
            return None
        if found is None:
            return None
        if definition["type"] == "boolean":
            return found if isinstance(found, bool) else None
        if definition["type"] == "number":
            if isinstance(found, bool) or not isinstance(found, int | float):
                return None
            return shortest(found) if isinstance(found, float) else int(found)
        return text(found)


class LanguageTests(SynchronousTestCase):
    def test_typical(self) -> None:
        """Expressions that people have."""
        self.assertEqual(value("adc1 * 2 + 50", adc1=10), 70)
        self.assertIs(value("!flag", flag=False), True)
        self.assertIs(value("(bits & 4) != 0", bits=6), True)
        self.assertEqual(value('event == 42 ? "lowBattery" : null', event=42), "lowBattery")
        self.assertIsNone(value('event == 42 ? "lowBattery" : null', event=1))
        self.assertEqual(value("power ?? 0"), 0)
        self.assertEqual(value('{"a":1,"b":2}[code]', code="b"), 2)
        self.assertIs(value('result.contains("OK")', result="it is OK"), True)
        self.assertEqual(value("fixTime.getTime() - deviceTime.getTime()"), 0)
        self.assertEqual(value("if (a > 3) { b = a; b * 2 } else 0", a=5), 10)
        self.assertEqual(value("return 5; 6"), 5)

    def test_kinds(self) -> None:
        """An integer is as wide as it has to be; a literal says how wide it is."""
        for expression, kind in (
            ("2147483647", int),
            ("2147483648", Long),
            ("1L", Long),
            ("2147483647 + 1", Long),
            ("9223372036854775807 + 1", Big),
            ("1.5f", Single),
            ("1.5", float),
            ("deviceId", Long),
        ):
            self.assertIs(type(value(expression)), kind, expression)

    def test_texts(self) -> None:
        """Numbers as text have a point or an exponent where they are fractions."""
        for number, shown in (
            (5.0, "5.0"),
            (1e20, "1.0E20"),
            (123456789.125, "1.23456789125E8"),
            (0.001, "0.001"),
            (0.00012, "1.2E-4"),
            (-0.5, "-0.5"),
            (1234567.5, "1234567.5"),
            (float("nan"), "NaN"),
            (float("-inf"), "-Infinity"),
            (Single(0.1), "0.1"),
            (Long(5), "5"),
            (True, "true"),
        ):
            self.assertEqual(text(number), shown)

    def test_clash(self) -> None:
        """An attribute goes before the field of its name, but for two."""
        self.assertEqual(value("speed", speed=3), 3)
        self.assertEqual(value("id", id=99), 7)
        self.assertEqual(value("longitude", longitude=99), 13.4)

    def test_functions(self) -> None:
        """Functions and loops, where they are allowed."""
        self.assertEqual(value("var f = (x, y) -> x * y; f(3, 4)", ALL), 12)
        self.assertEqual(value("f = function(x) { x + 1 }; f(f(1))", ALL), 3)
        self.assertEqual(value("var s = 0; for (var i : 1..4) s += i; s", ALL), 10)
        for expression in (
            "x -> x",
            "function(x) { x }",
            "while (true) {}",
            "for (;;) {}",
            'new("java.lang.Double", 1)',
        ):
            with self.assertRaises(BadExpression):
                value(expression)

    def test_copies(self) -> None:
        """Assignments change nothing but copies."""
        names = {"a": 1}
        self.assertEqual(Script.read("a = 5; a").value(names), 5)
        self.assertEqual(names, {"a": 1})


class LimitTests(SynchronousTestCase):
    def check(self, expression: str, **attributes: Any) -> None:
        with self.assertRaises(BadExpression, msg=expression) as caught:
            value(expression, ALL, **attributes)
        self.assertEqual(len(str(caught.exception).splitlines()), 1)

    def test_nothing_outside(self) -> None:
        """Nothing of the server can be reached."""
        for expression in (
            "__import__",
            "self",
            "speed.__class__",
            '"".__class__',
            "fixTime.tzinfo",
            "fixTime.__class__",
            "[].append",
            "java.lang.Runtime.getRuntime()",
            'new("java.io.File", "x")',
            "math:PI",
            "math:__class__(1)",
        ):
            with self.assertRaises(BadExpression, msg=expression):
                self.assertIsNone(value(expression, ALL))
                raise BadExpression("null")

    def test_methods_unknown(self) -> None:
        """A method that there is not gives null, whatever Python has of that name."""
        for expression in ('"".__len__()', '"".encode()', "fixTime.isoformat()", "speed.is_integer()", "[1].append(2)"):
            self.assertIsNone(value(expression))

    def test_deep(self) -> None:
        """Brackets within brackets, signs before signs, and functions that call themselves."""
        self.check("(" * 1500 + "1" + ")" * 1500)
        self.check("-" * 3000 + "1")
        self.check("[" * 1500 + "]" * 1500)
        self.check("{" * 1500)
        self.check("`${" * 1000)
        self.check("a ? " * 900 + "1" + " : 2" * 900)
        self.check("f = x -> g(x); g = x -> f(x); f(1)")
        self.check("1 +" * 1999 + "missing")

    def test_long(self) -> None:
        """Loops without an end, texts and numbers that grow, and texts that are too long to read."""
        self.check("while (true) {}")
        self.check("for (i : 1..1000000000) {}")
        self.check('s = "x"; while (true) s = s + s')
        self.check('"x".repeat(100000)')
        self.check('s = "a".repeat(9999); s.replace("a", s)')
        self.check("x = 10L; while (true) x = x * x")
        self.check("1" * 4001)
        self.check("1" * 400)

    def test_patterns(self) -> None:
        """A regular expression that never ends is stopped."""
        self.check('s =~ "(x+x+)+y"', s="x" * 5000)
        self.check('s.replaceAll("(x+x+)+y", "")', s="x" * 5000)
        self.check('s =~ "("', s="")
        self.check('x = 0; while (x < 100) { s =~ "a"; x += 1 }', s="a")
        self.check('x = 0; while (x < 100) { s.split(","); x += 1 }', s="a")

    def test_within_itself(self) -> None:
        """A list that is in itself many times over is neither written out nor compared."""
        twice = "x = [1]; y = [1]; i = 0; while (i < 40) { x = [x, x]; y = [y, y]; i += 1 }"
        self.check(twice + ' "" + x')
        self.assertIs(value(twice + " x == y", ALL), False)
        self.assertIs(value(twice + " x =~ [y]", ALL), False)
        self.assertEqual(value('"" + [1, {"a": [2, 3]}]'), "[1, {a=[2, 3]}]")

    def test_no_number(self) -> None:
        """What no integer can be is an error of the expression."""
        for expression in (
            "NaN..5",
            "[1][1 / 0.0]",
            "1e308 * 10..5",
            'new("java.util.Date", 9e18)',
            "math:floorDiv(1, 0)",
        ):
            self.check(expression)

    def test_wrong(self) -> None:
        """What cannot be reckoned is an error, not a value."""
        for expression in (
            "1 / 0",
            "1.0 % 0",
            "null + 1",
            '"x" * 2',
            "fixTime > 0",
            "1 +",
            "((",
            "@@@",
            "a b",
            "",
            ".",
            "08",
        ):
            if expression:
                self.check(expression, a=1, b=2)

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(
            st.sampled_from(
                'a 1 2.5 "x" ( ) [ ] { } , ; : ? . + - * / % == && || ! =~ .. -> = if else while var `${a}` math:abs null NaN 1e300 1e308'.split()
            ),
            max_size=15,
        )
    )
    def test_noise(self, words: list[str]) -> None:
        """No text does anything but have a value or be refused."""
        try:
            text(value(" ".join(words), ALL, a=5))
        except BadExpression:
            pass
