"""An expression as words: names, numbers, texts and signs."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from trackd.track.expression.values import BadExpression, Big, Long, Single, integer

# Characters of an expression.
LONGEST = 4000

WORD_OPERATORS = {
    "and": "&&",
    "or": "||",
    "not": "!",
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "div": "/",
    "mod": "%",
}
KEYWORDS = frozenset(
    "if else for while do var let const return break continue new function true false null NaN empty size".split()
)

_BLANK = re.compile(r"(?:\s+|//[^\n]*|##[^\n]*|#pragma[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z_$0-9]*", re.ASCII)
# A number has digits behind its point: 1..5 is a range, and 3. is nothing.
_NUMBER = re.compile(
    r"0[xX](?P<hex>[0-9a-fA-F]{1,64})(?P<hexlong>[lLhH]?)"
    r"|(?P<float>[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)[fFdDbB]?|[0-9]+[fFdDbB])"
    r"|(?P<whole>[0-9]+)(?P<long>[lLhH]?)",
    re.ASCII,
)
_SIGN = re.compile(
    r">>>=|===|!==|>>>|<<=|>>=|\.\.|->|=>|==|!=|=~|!~|=\^|!\^|=\$|!\$|<=|>=|<<|>>|&&|\|\||\?\?|\?\.|\?:"
    r"|\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^=|[-+*/%&|^~<>=!?:;,.(){}\[\]]"
)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", '"': '"', "'": "'", "`": "`"}


@frozen
class Word:
    """`kind`: name, keyword, sign, value, template or end; `value` is what a value or a template says."""

    kind: str
    text: str
    at: int
    value: Any = None


def words(text: str) -> list[Word]:
    """All words, and the end after them. Raises BadExpression."""
    if len(text) > LONGEST:
        raise BadExpression("the expression is too long")
    found: list[Word] = []
    at = 0
    while at < len(text):
        if match := _BLANK.match(text, at):
            at = match.end()
            continue
        word = _word(text, at)
        found.append(word)
        at += len(word.text)
    return [*found, Word("end", "", len(text))]


def _word(text: str, at: int) -> Word:
    first = text[at]
    if first in "\"'`":
        end = _closing(text, at)
        inner = text[at + 1 : end]
        if first == "`":
            return Word("template", text[at : end + 1], at, inner)
        return Word("value", text[at : end + 1], at, unescaped(inner))
    if match := _NUMBER.match(text, at):
        return Word("value", match[0], at, _number(match))
    if match := _NAME.match(text, at):
        name = match[0]
        if name in WORD_OPERATORS:
            return Word("sign", name, at, WORD_OPERATORS[name])
        return Word("keyword" if name in KEYWORDS else "name", name, at, name)
    if match := _SIGN.match(text, at):
        return Word("sign", match[0], at, match[0])
    raise BadExpression(f"{text[at : at + 10]!r} at {at + 1} means nothing")


def _closing(text: str, at: int) -> int:
    quote, end = text[at], at + 1
    while end < len(text) and text[end] != quote:
        end += 2 if text[end] == "\\" else 1
    if end >= len(text):
        raise BadExpression(f"the text that begins at {at + 1} has no end")
    return end


def unescaped(text: str) -> str:
    """A text without its escapes; those that mean nothing stay, so that regular expressions need no more."""
    if "\\" not in text:
        return text

    def meant(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        return _ESCAPES.get(match[2], match[0])

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", meant, text, flags=re.DOTALL)


def _number(match: re.Match[str]) -> Any:
    if match["hex"]:
        return _sized(int(match["hex"], 16), match["hexlong"])
    if match["float"]:
        shown = match["float"]
        value = float(shown.rstrip("fFdDbB"))
        return Single(value) if shown[-1] in "fF" else value
    digits = match["whole"]
    if len(digits) > 300:
        raise BadExpression("a number is too long")
    octal = digits[0] == "0" and len(digits) > 1 and not match["long"]
    if octal and any(digit in "89" for digit in digits):
        raise BadExpression(f"{digits} is no octal number")
    return _sized(int(digits, 8 if octal else 10), match["long"])


def _sized(value: int, suffix: str) -> int:
    if suffix in ("l", "L"):
        return integer(value, Long(0))
    return Big(value) if suffix else integer(value)
