from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from trackd.wire.members import member, optional, parsed
from trackd.wire.values import WireError

OBJECT = parsed('{"text": "a", "whole": 5, "part": 5.9, "huge": 4294967297, "flag": true, "none": null, "text": "b"}')


class ParsedTests(SynchronousTestCase):
    def test_strict(self) -> None:
        """Anything but one JSON text is a ValueError, however deep it is."""
        for text in ("", "{", "[1,]", "NaN", "[1e999]", "[" * 50_000, '"\\ud800"', "{} {}"):
            with self.assertRaises(ValueError, msg=text[:20]):
                parsed(text)

    def test_encodings(self) -> None:
        """The first bytes tell UTF-8, 16 and 32 apart; what is malformed is replaced."""
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-be", "utf-8-sig"):
            self.assertEqual(parsed('{"a": "ü"}'.encode(encoding)), {"a": "ü"}, encoding)
        self.assertEqual(parsed(b'{"a": "\xff"}'), {"a": "\ufffd"})

    def test_numbers(self) -> None:
        """A number is whole if it is written so."""
        self.assertEqual(repr(parsed("[5, 5.0, 5e0]")), "[5, 5.0, 5.0]")

    def test_duplicates(self) -> None:
        """Of members of one name the last counts."""
        self.assertEqual(OBJECT["text"], "b")


class MemberTests(SynchronousTestCase):
    def test_types(self) -> None:
        """A member is taken as the type that is asked for; numbers are widened, or cut to 32 bits."""
        wanted: list[tuple[str, type, Any]] = [
            ("text", str, "b"),
            ("whole", int, 5),
            ("whole", float, 5.0),
            ("part", int, 5),
            ("part", float, 5.9),
            ("huge", int, 1),
            ("flag", bool, True),
        ]
        for name, kind, value in wanted:
            self.assertEqual(repr(member(OBJECT, name, kind)), repr(value))
            self.assertEqual(repr(optional(OBJECT, name, kind)), repr(value))

    def test_others(self) -> None:
        """Another type is an error, also of a member that may be missing; a number is no text, a flag no number."""
        for name, kind in (
            ("text", int),
            ("whole", str),
            ("flag", int),
            ("flag", float),
            ("none", str),
            ("whole", bool),
        ):
            for take in (member, optional):
                with self.assertRaises(WireError):
                    take(OBJECT, name, kind)

    def test_missing(self) -> None:
        """A member that is not there is nothing, or an error; what is no object has none, which is an error."""
        self.assertIsNone(optional(OBJECT, "other", str))
        with self.assertRaises(WireError):
            member(OBJECT, "other", str)
        owners: list[Any] = [[], None, "text", 5]
        for owner in owners:
            for take in (member, optional):
                with self.assertRaises(WireError):
                    take(owner, "text", str)
