"""
What expressions are made of. Each node gives its value in a scope; all raise BadExpression when they have none.

Nothing here reaches into Python: a name is looked up in the scope alone, and methods are those of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from attrs import Factory, define, frozen

from trackd.track.expression.methods import FUNCTIONS, PATTERNED, call, make, member
from trackd.track.expression.operators import BINARY, UNARY, empty, size
from trackd.track.expression.values import BadExpression, Map, Set, Span, Undefined, kind, number, text, truth, typed

# Turns of loops and calls of functions in one evaluation, and how many of them a regular expression counts for.
MOST_STEPS = 10_000
MATCHING = 200
# Functions within each other.
DEEPEST = 20


class Node(Protocol):
    def value(self, scope: Scope) -> Any: ...


class Jump(Exception):
    """`break`, `continue` and `return` on their way out."""

    def __init__(self, how: str, value: Any = None) -> None:
        super().__init__(how)
        self.how = how
        self.value = value


@define(eq=False)
class Scope:
    """The variables of one evaluation; assignments change these copies alone."""

    names: dict[str, Any]
    steps: list[int] = Factory(lambda: [MOST_STEPS])
    depth: int = 0

    def step(self, count: int = 1) -> None:
        self.steps[0] -= count
        if self.steps[0] < 0:
            raise BadExpression("the expression takes too long")


@frozen
class Literal:
    held: Any

    def value(self, scope: Scope) -> Any:
        return self.held


@frozen
class Template:
    """A text with expressions in it."""

    parts: Sequence[Node]

    def value(self, scope: Scope) -> str:
        return "".join(text(part.value(scope)) for part in self.parts)


@frozen
class Name:
    name: str

    def value(self, scope: Scope) -> Any:
        try:
            return scope.names[self.name]
        except KeyError:
            raise Undefined(f"{self.name} is not defined") from None


@frozen
class Collection:
    """A list, a set, or the keys and values of a map by turns."""

    kind: str
    items: Sequence[Node]

    def value(self, scope: Scope) -> Any:
        found = [item.value(scope) for item in self.items]
        if self.kind == "list":
            return found
        if self.kind == "set":
            return Set(found)
        return Map(list(zip(found[::2], found[1::2], strict=True)))


@frozen
class Range:
    first: Node
    last: Node

    def value(self, scope: Scope) -> Span:
        first, last = number(self.first.value(scope)), number(self.last.value(scope))
        return Span(int(first), int(last))


@frozen
class Member:
    """A property; that of null is null."""

    of: Node
    name: str

    def value(self, scope: Scope) -> Any:
        return member(self.of.value(scope), self.name)


@frozen
class Index:
    of: Node
    key: Node

    def value(self, scope: Scope) -> Any:
        found = self.of.value(scope)
        key = self.key.value(scope)
        if found is None:
            return None
        if isinstance(found, Map):
            return found.items.get(typed(key))
        if isinstance(found, list):
            place = int(number(key)) if number(key) == number(key) else -1
            if not 0 <= place < len(found):
                raise Undefined(f"there is no element {place}")
            return found[place]
        raise Undefined(f"{kind(found)} has no elements")


@frozen
class Method:
    """A call of a method: null where there is none, and where there is nothing to call it on."""

    of: Node
    name: str
    arguments: Sequence[Node]

    def value(self, scope: Scope) -> Any:
        found = guarded(self.of, scope)
        arguments = [argument.value(scope) for argument in self.arguments]
        if self.name in PATTERNED:
            scope.step(MATCHING)
        return None if found is None else call(found, self.name, arguments)


@frozen
class Function:
    """A call of a function that the expression has made itself."""

    of: Node
    arguments: Sequence[Node]

    def value(self, scope: Scope) -> Any:
        found = self.of.value(scope)
        if not isinstance(found, Lambda):
            raise Undefined("what is called is no function")
        return found.called(scope, [argument.value(scope) for argument in self.arguments])


@frozen
class Mathematics:
    """A call of a function of the namespace `math`."""

    name: str
    arguments: Sequence[Node]

    def value(self, scope: Scope) -> Any:
        function = FUNCTIONS.get(self.name)
        if function is None:
            raise Undefined(f"there is no math:{self.name}")
        return function([argument.value(scope) for argument in self.arguments])


@frozen
class Made:
    """An object of a class."""

    name: str
    arguments: Sequence[Node]

    def value(self, scope: Scope) -> Any:
        return make(self.name, [argument.value(scope) for argument in self.arguments])


@frozen
class Lambda:
    names: Sequence[str]
    body: Node

    def value(self, scope: Scope) -> Any:
        return self

    def called(self, scope: Scope, arguments: Sequence[Any]) -> Any:
        scope.step()
        if scope.depth >= DEEPEST:
            raise BadExpression("functions call each other too deeply")
        if len(arguments) > len(self.names):
            raise BadExpression("a function has too many arguments")
        given = [*arguments, *[None] * (len(self.names) - len(arguments))]
        inner = Scope({**scope.names, **dict(zip(self.names, given, strict=True))}, scope.steps, scope.depth + 1)
        return ended(self.body, inner)


@frozen
class Unary:
    work: Callable[[Any], Any]
    of: Node

    def value(self, scope: Scope) -> Any:
        return self.work(self.of.value(scope))


@frozen
class Binary:
    work: Callable[[Any, Any], Any]
    left: Node
    right: Node
    steps: int = 0

    def value(self, scope: Scope) -> Any:
        if self.steps:
            scope.step(self.steps)
        return self.work(self.left.value(scope), self.right.value(scope))


@frozen
class Logic:
    """And, or: the last value that was looked at."""

    ends_on: bool
    left: Node
    right: Node

    def value(self, scope: Scope) -> Any:
        found = self.left.value(scope)
        if truth(found) is self.ends_on:
            return found
        found = self.right.value(scope)
        truth(found)
        return found


@frozen
class Choice:
    """`a ? b : c`; without b the value of a itself, if it is one that counts."""

    condition: Node
    then: Node | None
    otherwise: Node

    def value(self, scope: Scope) -> Any:
        found = guarded(self.condition, scope)
        if found is not None and truth(found):
            return found if self.then is None else self.then.value(scope)
        return self.otherwise.value(scope)


@frozen
class Fallback:
    """`a ?? b`."""

    of: Node
    otherwise: Node

    def value(self, scope: Scope) -> Any:
        found = guarded(self.of, scope)
        return self.otherwise.value(scope) if found is None else found


@frozen
class Measure:
    """`empty` and `size`, which may be asked of what there is not."""

    name: str
    of: Node

    def value(self, scope: Scope) -> Any:
        found = guarded(self.of, scope)
        return size(found) if self.name == "size" else empty(found)


@frozen
class Assignment:
    """`a = b`, `a += b` and the like; the value is that after it, or that `before` it."""

    name: str
    of: Node
    sign: str = ""
    before: bool = False

    def value(self, scope: Scope) -> Any:
        found = self.of.value(scope)
        old = Name(self.name).value(scope) if self.sign else None
        scope.names[self.name] = BINARY[self.sign](old, found) if self.sign else found
        return old if self.before else scope.names[self.name]


@frozen
class Block:
    """One statement after the other; the value is the last one's."""

    statements: Sequence[Node]

    def value(self, scope: Scope) -> Any:
        found = None
        for statement in self.statements:
            found = statement.value(scope)
        return found


@frozen
class If:
    condition: Node
    then: Node
    otherwise: Node | None

    def value(self, scope: Scope) -> Any:
        if truth(self.condition.value(scope)):
            return self.then.value(scope)
        return self.otherwise.value(scope) if self.otherwise is not None else None


@frozen
class Leave:
    how: str
    of: Node | None = None

    def value(self, scope: Scope) -> Any:
        raise Jump(self.how, self.of.value(scope) if self.of is not None else None)


@frozen
class While:
    """Also `do` (the body goes first), and `for` with its three parts."""

    condition: Node
    body: Node
    first: Node | None = None
    after: Node | None = None
    body_first: bool = False

    def value(self, scope: Scope) -> Any:
        if self.first is not None:
            self.first.value(scope)
        found = None
        asks = not self.body_first
        while not asks or truth(self.condition.value(scope)):
            asks = True
            try:
                scope.step()
                found = self.body.value(scope)
            except Jump as jump:
                if jump.how == "break":
                    break
                if jump.how == "return":
                    raise
            if self.after is not None:
                self.after.value(scope)
        return found


@frozen
class Each:
    """`for (name : collection)`."""

    name: str
    of: Node
    body: Node

    def value(self, scope: Scope) -> Any:
        found = None
        for item in self._items(self.of.value(scope)):
            scope.names[self.name] = item
            try:
                scope.step()
                found = self.body.value(scope)
            except Jump as jump:
                if jump.how == "break":
                    break
                if jump.how == "return":
                    raise
        return found

    def _items(self, found: Any) -> Any:
        if isinstance(found, Span):
            step = 1 if found.last >= found.first else -1
            return range(found.first, found.last + step, step)
        if isinstance(found, Set | Map):
            return list(found.items.values())
        if isinstance(found, list):
            return found
        if found is None:
            return []
        raise BadExpression(f"{kind(found)} cannot be gone through")


def guarded(node: Node, scope: Scope) -> Any:
    """The value of a name, or of what is reached from one: null where there is nothing of the name."""
    if not isinstance(node, Name | Member | Index | Method):
        return node.value(scope)
    try:
        return node.value(scope)
    except Undefined:
        return None


def ended(node: Node, scope: Scope) -> Any:
    """The value of a whole script or function, where `return` ends."""
    try:
        return node.value(scope)
    except Jump as jump:
        if jump.how == "return":
            return jump.value
        raise BadExpression(f"{jump.how} outside a loop") from None


def unary(sign: str, of: Node) -> Node:
    return Unary(UNARY[sign], of)


def binary(sign: str, left: Node, right: Node) -> Node:
    if sign == "&&":
        return Logic(False, left, right)
    if sign == "||":
        return Logic(True, left, right)
    return Binary(BINARY[sign], left, right, MATCHING if sign in ("=~", "!~") else 0)
