"""Where trackd answers otherwise than what was recorded, on purpose: (scenario, number of the step) to the reason."""

from __future__ import annotations

SETUP = "the first visitor does not become administrator: the set-up link makes the first user"
LINKS = "a link exists once, however often it is made"
REVOKED = "a revoked token ends the sessions that were made from it"
NO_PASSWORD = "nobody learns that an account has no password: the log-in fails like any other"
DELETED = "a device does not name a position that was deleted"
ESCAPED = "texts in pages and in the manifest are escaped: nobody writes markup with the title"
DISABLED = "a disabled user opens no live socket, whatever session there is"

RESET = "nobody learns which addresses have accounts: a new password is promised to all"
AREA = "an area that nobody could ever be in is refused when it is written"
UNKNOWN_TYPE = "what is no command at all is refused, not kept for ever"
WHOSE = "an expression is tried on a position of a device that is named, not on anybody's"

KNOWN: dict[tuple[str, int], str] = {
    **{("session-01", step): SETUP for step in (3, 4, 6, 7, 8)},
    ("permissions-01", 8): LINKS,
    ("attributes-02", 23): WHOSE,
    ("commands-04", 5): UNKNOWN_TYPE,
    **{("geofences-01", step): AREA for step in (22, 23, 24, 34)},
    ("positions-04", 5): AREA,
    ("positions-05", 20): DELETED,
    ("restrictions-02", 23): DELETED,
    ("session-09", 12): REVOKED,
    ("session-17", 2): NO_PASSWORD,
    ("session-17", 3): NO_PASSWORD,
    ("session-18", 2): RESET,
    ("share-01", 27): NO_PASSWORD,
    ("socket-01", 19): DISABLED,
    ("socket-01", 20): DISABLED,
    ("socket-01", 23): DISABLED,
    ("static-01", 18): ESCAPED,
    ("static-01", 19): ESCAPED,
}

# Scenarios that are not replayed at all.
NOT_REPLAYED: dict[str, str] = {
    "socket-16": "it takes a minute; tests.live has the keepalive on a clock of its own",
}
