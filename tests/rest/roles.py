"""
The table of who may do what, `roles.txt`: reading it, and comparing it with the routes that there are.

A line is a request and what each role gets for it: a status, or for an array `[2]`, the number of its elements.

    GET /api/devices   401 [1] …
    POST /api/devices  401 200 … | {"name": "new", "uniqueId": "new"}

Words in angle brackets stand for what the house has; see `tests.rest.world`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from attrs import frozen

from trackd.rest.routes import Route

FILE = Path(__file__).with_name("roles.txt")
CELL = re.compile(r"\d{3}|\[[0-9+]\]")
PLACE = re.compile(r"<([a-z ]+)>")
WIDTH = 58  # of a request in the table
# What stands in for a body's content type.
TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


@frozen
class Row:
    """One request, and what each role gets, in the order of the columns."""

    number: int  # of its line
    method: str
    path: str
    wanted: tuple[str, ...]
    type: str = ""  # content type of the body
    body: str = ""

    @property
    def changes(self) -> bool:
        """It may change something: also those that read, where they open sessions or give codes."""
        return self.method not in ("GET", "HEAD", "OPTIONS", "WS") or self.path.startswith(
            ("/api/session", "/api/oidc")
        )

    def told(self, got: Iterable[str]) -> str:
        """The line that it would be with these answers."""
        kind = {TYPES["json"]: "", TYPES["form"]: "form "}.get(self.type, f"{self.type} ")
        body = f" | {kind}{self.body}" if self.type else ""
        return f"{self.method + ' ' + self.path:{WIDTH}} {' '.join(got)}{body}"

    def filled(self, text: str, names: Mapping[str, object]) -> str:
        return PLACE.sub(lambda match: str(names[match[1]]), text)


def read(text: str) -> tuple[list[str], list[Row]]:
    """What stands over the columns, and the rows. Raises ValueError."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    roles = lines[0][1].split()
    rows = []
    for number, line in lines[1:]:
        request, _, sent = line.partition(" | ")
        words = request.split()
        statuses = words[-len(roles) :]
        method, path = words[0], " ".join(words[1 : -len(roles)])
        if len(words) < len(roles) + 2 or not all(CELL.fullmatch(status) for status in statuses):
            raise ValueError(f"line {number} has not one answer for each role: {line}")
        kind, body = "", sent.strip()
        if body:
            first, _, rest = body.partition(" ")
            kind = TYPES["json"]
            if body[0] not in "{[":
                kind, body = TYPES.get(first, first), rest
        rows.append(Row(number, method, path, tuple(statuses), kind, body))
    return roles, rows


def unmatched(rows: Iterable[Row], prefix: str, routes: Iterable[Route], entries: Iterable[str]) -> list[str]:
    """
    What is wrong between the table and the routes: each route has a row, each row a route or one of the other entries,
    and a route that looks for rights on an object has a row that is aimed at an object of somebody else's.
    """
    problems = []
    left = {(route.method, route.path): route for route in routes}
    foreign: set[tuple[str, str]] = set()
    asked: set[tuple[str, str]] = set()
    find = finder(left)
    others = tuple(entries)
    for row in rows:
        path = row.path.partition("?")[0]
        if path.startswith(others) or path == "/" or row.method == "OPTIONS":
            continue
        method = "GET" if row.method == "HEAD" else row.method
        key = find(method, path.removeprefix(prefix)) if path.startswith(prefix + "/") else None
        if key is None:
            problems.append(f"line {row.number}: there is no {row.method} {path}")
            continue
        asked.add(key)
        if "<foreign " in row.path + row.body:
            foreign.add(key)
    for key, route in left.items():
        if key not in asked:
            problems.append(f"{' '.join(key)} has no row")
        elif route.needs and key not in foreign:
            problems.append(f"{' '.join(key)} has no row for what is somebody else's")
    return problems


def finder(routes: Iterable[tuple[str, str]]) -> Callable[[str, str], tuple[str, str] | None]:
    """What finds the route of a request as the site does: the one with the fewest parameters."""
    known = sorted(routes, key=lambda key: key[1].count("{"))
    patterns = [(key, re.compile(re.sub(r"\{[^}]+\}", "[^/]+", key[1]) + "/?")) for key in known]

    def find(method: str, path: str) -> tuple[str, str] | None:
        return next((key for key, pattern in patterns if key[0] == method and pattern.fullmatch(path)), None)

    return find
