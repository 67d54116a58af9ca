"""
Words to nodes.

Operators bind in this order, the tightest last: choice, or, and, bits, equality, size, shift, sum, product, sign.
"""

from __future__ import annotations

from attrs import define, field, frozen

from trackd.track.expression.lexer import Word, unescaped, words
from trackd.track.expression.nodes import (
    Assignment,
    Block,
    Choice,
    Collection,
    Each,
    Fallback,
    Function,
    If,
    Index,
    Lambda,
    Leave,
    Literal,
    Made,
    Mathematics,
    Measure,
    Member,
    Method,
    Name,
    Node,
    Range,
    Template,
    While,
    binary,
    unary,
)
from trackd.track.expression.values import BadExpression

# Brackets and operators within each other.
DEEPEST = 60

LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!=", "===", "!==", "=~", "!~", "=^", "!^", "=$", "!$"),
    ("<", "<=", ">", ">="),
    ("..",),
    ("<<", ">>", ">>>"),
    ("+", "-"),
    ("*", "/", "%"),
)
ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", ">>>="}
CONSTANTS = {"true": True, "false": False, "null": None, "NaN": float("nan")}


@frozen
class Switches:
    """Parts of the language that an operator may allow."""

    local_variables: bool = False
    loops: bool = False
    new: bool = False


def parse(text: str, switches: Switches) -> Node:
    """The script of a text. Raises BadExpression."""
    parser = Parser(words(text), switches)
    found = parser.script()
    if parser.word.kind != "end":
        raise parser.unexpected()
    return found


@define
class Parser:
    words: list[Word]
    switches: Switches
    _at: int = 0
    _depth: int = field(default=0, init=False)

    @property
    def word(self) -> Word:
        return self.words[self._at]

    def unexpected(self) -> BadExpression:
        word = self.word
        return BadExpression(
            f"{word.text[:20]!r} at {word.at + 1} is not expected" if word.text else "the end is missing"
        )

    # Words

    def next(self) -> Word:
        word = self.word
        if word.kind == "end":
            raise self.unexpected()
        self._at += 1
        return word

    def is_sign(self, *signs: str) -> bool:
        return self.word.kind == "sign" and self.word.value in signs

    def is_keyword(self, *names: str) -> bool:
        return self.word.kind == "keyword" and self.word.text in names

    def take(self, *signs: str) -> bool:
        if self.is_sign(*signs):
            self._at += 1
            return True
        return False

    def take_keyword(self, name: str) -> bool:
        if self.is_keyword(name):
            self._at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            raise self.unexpected()

    def name(self) -> str:
        if self.word.kind != "name":
            raise self.unexpected()
        return self.next().text

    # Statements

    def script(self) -> Node:
        """Statements to the end, or to the end of a block."""
        found = []
        while self.word.kind != "end" and not self.is_sign("}"):
            if self.take(";"):
                continue
            found.append(self.statement())
            # What ends with a block needs no sign between it and the next.
            if self.words[self._at - 1].text not in ("}", ";") and not (
                self.word.kind == "end" or self.is_sign(";", "}")
            ):
                raise self.unexpected()
        return found[0] if len(found) == 1 else Block(found)

    def statement(self) -> Node:
        self._deeper()
        try:
            word = self.word
            if word.kind == "keyword" and (made := self._said(word.text)) is not None:
                return made
            if self.is_sign("{") and not self._is_collection():
                return self.block()
            return self.expression()
        finally:
            self._depth -= 1

    def _said(self, keyword: str) -> Node | None:
        if keyword in ("var", "let", "const"):
            if not self.switches.local_variables:
                raise BadExpression(f"{keyword} is switched off")
            self.next()
            name = self.name()
            return Assignment(name, self.expression() if self.take("=") else Literal(None))
        if keyword == "if":
            self.next()
            condition = self._in_brackets()
            then = self._body()
            self.take(";")
            return If(condition, then, self._body() if self.take_keyword("else") else None)
        if keyword == "return":
            self.next()
            nothing = self.word.kind == "end" or self.is_sign(";", "}")
            return Leave("return", None if nothing else self.expression())
        if keyword in ("for", "while", "do", "break", "continue"):
            if not self.switches.loops:
                raise BadExpression(f"{keyword} is switched off")
            self.next()
            return self._loop(keyword)
        return None

    def _loop(self, keyword: str) -> Node:
        if keyword in ("break", "continue"):
            return Leave(keyword)
        if keyword == "while":
            return While(self._in_brackets(), self._body())
        if keyword == "do":
            body = self._body()
            self.take(";")
            if not self.take_keyword("while"):
                raise self.unexpected()
            return While(self._in_brackets(), body, body_first=True)
        self.expect("(")
        start = self._at
        if self.word.text in ("var", "let", "const"):
            self.next()
        if self.word.kind == "name":
            name = self.next().text
            if self.take(":"):
                found = self.expression()
                self.expect(")")
                return Each(name, found, self._body())
        self._at = start
        first = None if self.is_sign(";") else self.statement()
        self.expect(";")
        condition = Literal(True) if self.is_sign(";") else self.expression()
        self.expect(";")
        after = None if self.is_sign(")") else self.expression()
        self.expect(")")
        return While(condition, self._body(), first, after)

    def _in_brackets(self) -> Node:
        self.expect("(")
        found = self.expression()
        self.expect(")")
        return found

    def _body(self) -> Node:
        return self.block() if self.is_sign("{") else self.statement()

    def block(self) -> Node:
        self._deeper()
        self.expect("{")
        found = self.script()
        self.expect("}")
        self._depth -= 1
        return found

    def _is_collection(self) -> bool:
        """Whether what begins here is a set or a map rather than a block."""
        start, depth = self._at, self._depth
        try:
            self._collection()
        except BadExpression:
            return False
        finally:
            self._at, self._depth = start, depth
        return True

    # Expressions

    def expression(self) -> Node:
        self._deeper()
        try:
            if (made := self._function()) is not None:
                return made
            if self.word.kind == "name" and self.words[self._at + 1].kind == "sign":
                sign = self.words[self._at + 1].value
                if sign in ASSIGNMENTS:
                    name = self.next().text
                    self.next()
                    return Assignment(name, self.expression(), sign[:-1])
            return self._choice()
        finally:
            self._depth -= 1

    def _choice(self) -> Node:
        found = self._level(0)
        if self.take("?:"):
            return Choice(found, None, self.expression())
        if self.take("??"):
            return Fallback(found, self.expression())
        if self.take("?"):
            if self.take(":"):
                return Choice(found, None, self.expression())
            then = self.expression()
            self.expect(":")
            return Choice(found, then, self.expression())
        return found

    def _level(self, level: int) -> Node:
        if level == len(LEVELS):
            return self._unary()
        found = self._level(level + 1)
        while self.is_sign(*LEVELS[level]):
            sign = self.next().value
            right = self._level(level + 1)
            found = Range(found, right) if sign == ".." else binary(sign, found, right)
        return found

    def _unary(self) -> Node:
        self._deeper()
        try:
            if self.is_sign("-", "+", "!", "~"):
                sign = self.next().value
                return unary(sign, self._unary())
            if self.is_sign("++", "--"):
                sign = self.next().value
                return Assignment(self.name(), Literal(1), sign[0])
            if self.is_keyword("empty", "size"):
                return self._reached(Measure(self.next().text, self._unary()))
            return self._postfix()
        finally:
            self._depth -= 1

    def _postfix(self) -> Node:
        found = self._reached(self._primary())
        if isinstance(found, Name) and self.is_sign("++", "--"):
            return Assignment(found.name, Literal(1), self.next().value[0], before=True)
        return found

    def _reached(self, found: Node) -> Node:
        """Properties, elements and calls behind a value."""
        while True:
            if self.take(".", "?."):
                word = self.next()
                if word.kind not in ("name", "keyword") and word.text not in ("and", "or", "not"):
                    self._at -= 1
                    raise self.unexpected()
                found = Method(found, word.text, self._arguments()) if self.is_sign("(") else Member(found, word.text)
            elif self.take("["):
                found = Index(found, self.expression())
                self.expect("]")
            elif self.is_sign("(") and isinstance(found, Name | Function | Lambda):
                found = Function(found, self._arguments())
            else:
                return found

    def _arguments(self) -> list[Node]:
        self.expect("(")
        found: list[Node] = []
        while not self.take(")"):
            if found:
                self.expect(",")
            found.append(self.expression())
        return found

    def _primary(self) -> Node:
        word = self.next()
        if word.kind == "value":
            return Literal(word.value)
        if word.kind == "template":
            return self._template(word)
        if word.kind == "name":
            if word.text == "math" and self.take(":"):
                return Mathematics(self.name(), self._arguments())
            return Name(word.text)
        if word.kind == "keyword" and word.text in CONSTANTS:
            return Literal(CONSTANTS[word.text])
        if word.kind == "keyword" and word.text == "new":
            return self._new()
        if word.value == "(":
            found = self.expression()
            self.expect(")")
            return found
        self._at -= 1
        if word.value in ("[", "{"):
            return self._collection()
        raise self.unexpected()

    def _new(self) -> Node:
        if not self.switches.new:
            raise BadExpression("new is switched off")
        if not self.is_sign("("):
            raise self.unexpected()
        arguments = self._arguments()
        if not arguments or not isinstance(arguments[0], Literal) or not isinstance(arguments[0].held, str):
            raise BadExpression("new needs the name of a class")
        return Made(arguments[0].held, arguments[1:])

    def _collection(self) -> Node:
        if self.take("["):
            found: list[Node] = []
            while not self.take("]"):
                if found:
                    self.expect(",")
                found.append(self.expression())
            return Collection("list", found)
        self.expect("{")
        if self.take("}"):
            return Collection("set", [])
        if self.take(":"):
            self.expect("}")
            return Collection("map", [])
        items, kind = [self.expression()], "set"
        if self.take(":"):
            kind = "map"
            items.append(self.expression())
        while not self.take("}"):
            self.expect(",")
            items.append(self.expression())
            if kind == "map":
                self.expect(":")
                items.append(self.expression())
        return Collection(kind, items)

    def _template(self, word: Word) -> Node:
        """A text with `${…}` in it."""
        parts: list[Node] = []
        rest = word.value
        while "${" in rest:
            before, _, rest = rest.partition("${")
            inner, closed, rest = rest.partition("}")
            if not closed:
                raise BadExpression(f"the text at {word.at + 1} has an expression without an end")
            self._deeper()
            part = Parser(words(inner), self.switches)
            part._depth = self._depth
            parts += [Literal(unescaped(before)), part.expression()]
            if part.word.kind != "end":
                raise part.unexpected()
            self._depth -= 1
        return Template([*parts, Literal(unescaped(rest))])

    def _function(self) -> Node | None:
        """`x -> …`, `(x, y) -> …` or `function(x) {…}`, None if there is none here."""
        start = self._at
        if self.take_keyword("function"):
            names = self._names()
            if names is None:
                raise self.unexpected()
        elif self.word.kind == "name" and self.words[self._at + 1].value == "->":
            names = [self.next().text]
            self.next()
        elif self.is_sign("(") and (names := self._names()) is not None and self.take("->"):
            pass
        else:
            self._at = start
            return None
        if not self.switches.local_variables:
            raise BadExpression("functions are switched off")
        return Lambda(names, self.block() if self.is_sign("{") else self.expression())

    def _names(self) -> list[str] | None:
        """Names in brackets, None if that is not what stands here."""
        found: list[str] = []
        self.expect("(")
        while not self.take(")"):
            if (found and not self.take(",")) or self.word.kind != "name":
                return None
            found.append(self.next().text)
        return found

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise BadExpression("the expression is nested too deeply")
