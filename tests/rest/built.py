"""Which of the recorded requests are answered by routes that exist."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from trackd.rest.routes import Dialect


class Built:
    """The routes of a dialect as a test: `missing` names the first thing that a request needs and that is not there."""

    def __init__(self, dialect: Dialect, others: Iterable[str] = ()) -> None:
        """`others`: paths under the prefix that are answered by something else."""
        self.prefix = dialect.prefix
        self.others = tuple(others)
        self.routes: list[tuple[re.Pattern[str], str, str]] = [
            (re.compile(re.sub(r"\{[^}]+\}", "([^/]+)", route.path) + "/?"), route.method, route.path)
            for route in dialect.routes
        ]

    def missing(self, request: Mapping[str, Any], response: Mapping[str, Any]) -> str | None:
        method, path = request["method"], request["path"].partition("?")[0]
        if not path.startswith(self.prefix + "/"):
            return None
        path = re.sub(r";[^/]*", "", path.removeprefix(self.prefix))
        if path.startswith(self.others):
            return None
        methods = {
            known
            for pattern, known, _ in self.routes
            if (match := pattern.fullmatch(path)) and not (known == "GET" and _is_word(match, response["status"]))
        }
        if "GET" in methods:
            methods |= {"HEAD"}
        if response["status"] == 404 and not methods and response.get("body") is not None:
            return None
        if response["status"] == 405 or method == "OPTIONS":
            allow = response.get("headers", {}).get("Allow") or ""
            needed = {part.strip() for part in allow.split(",")} - {"OPTIONS", "HEAD", ""}
            return None if needed <= methods else f"{sorted(needed - methods)} {path}"
        return None if method in methods else f"{method} {re.sub(r'[0-9]+|[$][{][^}]*[}]', '{id}', path)}"


def _is_word(match: re.Match[str], status: int) -> bool:
    """Whether what stands for an id is the name of something else."""
    return status != 404 and any(part.isalpha() for part in match.groups())
