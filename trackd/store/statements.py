"""
INSERT and UPDATE of some columns of a row.

Column names go into the text of the statement, so they are checked against those of the row's class; values never do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trackd.store.rows import as_json, columns, names

# Columns of JSON whose values are given as Python values.
JSON_COLUMNS = {"attributes", "network", "geofence_ids"}


def insert(table: str, row: type, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The statement that inserts these values and returns the row, and its arguments."""
    given = _checked(row, values)
    if not given:
        return f"INSERT INTO {table} DEFAULT VALUES RETURNING {columns(row)}", []
    marks = ", ".join(["%s"] * len(given))
    return (
        f"INSERT INTO {table} ({', '.join(given)}) VALUES ({marks}) RETURNING {columns(row)}",
        list(given.values()),
    )


def update(table: str, row: type, values: Mapping[str, Any], where: str, args: list[Any]) -> tuple[str, list[Any]]:
    """The statement that sets these values and returns the row, and its arguments; without values it only reads."""
    given = _checked(row, values)
    if not given:
        return f"SELECT {columns(row)} FROM {table} WHERE {where}", args
    changes = ", ".join([f"{name} = %s" for name in given])
    return f"UPDATE {table} SET {changes} WHERE {where} RETURNING {columns(row)}", [*given.values(), *args]


def _checked(row: type, values: Mapping[str, Any]) -> dict[str, Any]:
    known = set(names(row)) - {"id"}
    if strange := values.keys() - known:
        raise ValueError(f"no columns of {row.__name__}: {', '.join(sorted(strange))}")
    return {
        name: as_json(value) if name in JSON_COLUMNS and value is not None else value for name, value in values.items()
    }
