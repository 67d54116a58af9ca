"""
What can go wrong with a statement: the database is away, or it does not want this.

    StoreError
      Unavailable   try again later; nothing is wrong with the statement. Whether it was carried out may be unknown
      Refused       the same statement will be refused again
      Full          there are as many already as there may be
"""

from __future__ import annotations

import psycopg2
from twisted.internet.error import ConnectionClosed

# By their first two characters: connection, resources, object not in its state, operator, system; transaction
# rollback (deadlock, serialization) is cured by repeating as well.
PASSING_CLASSES = ("08", "40", "53", "55", "57", "58")
# A standby that has been promoted elsewhere; wrong credentials and a missing database are for the operator to mend.
PASSING_STATES = ("25006", "28000", "28P01", "3D000")

QUERY_CANCELED = "57014"
LOCK_NOT_AVAILABLE = "55P03"
BAD_TEXT = "22021"  # character not in repertoire
# A limit of the server, mostly of what a row may be; but also that somebody who listens has read nothing for so long
# that there is no room for more notifications. The word stands in the message whatever its language.
LIMIT_EXCEEDED, OF_NOTIFICATIONS = "54000", "NOTIFY"


class StoreError(Exception):
    """A statement was not carried out."""


class Unavailable(StoreError):
    """The database cannot be reached, is overloaded, or is starting or stopping."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate


class Refused(StoreError):
    """The database does not accept the statement or its values."""

    def __init__(self, sqlstate: str, message: str, constraint: str | None = None) -> None:
        super().__init__(f"{message} ({sqlstate})")
        self.sqlstate = sqlstate
        self.message = message
        self.constraint = constraint  # the name of the one that was violated


class Full(StoreError):
    """There are as many already as there may be."""


def translated(error: BaseException) -> BaseException:
    """The house's error for one of the driver; any other error is a mistake of the caller and comes back as it is."""
    if isinstance(error, psycopg2.Error):
        message = _first_line(error)
        state = error.pgcode
        if state is None:
            # The driver itself speaks: the connection is gone, or it has no notation for a value.
            if isinstance(error, psycopg2.ProgrammingError | psycopg2.DataError | psycopg2.NotSupportedError):
                return Refused("", message)
            return Unavailable(message)
        crowded = state == LIMIT_EXCEEDED and OF_NOTIFICATIONS in message
        if state.startswith(PASSING_CLASSES) or state in PASSING_STATES or crowded:
            return Unavailable(message, state)
        return Refused(state, message, error.diag.constraint_name)
    if isinstance(error, ConnectionClosed):
        return Unavailable("the connection to the database was closed")
    if isinstance(error, ValueError):
        # A text with NUL or with half a surrogate pair has no notation in a statement.
        return Refused(BAD_TEXT, _first_line(error))
    return error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
