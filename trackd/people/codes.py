"""One-time codes of the common authenticator apps: six digits, new every 30 seconds, SHA-1."""

from __future__ import annotations

import base64
import hmac
import secrets
from hashlib import sha1

STEP = 30  # s
DIGITS = 6


def new_key() -> str:
    """A new secret, as base32 text."""
    return base64.b32encode(secrets.token_bytes(20)).decode("ascii")


def code(key: str, at: float) -> str:
    """The code of a key at a time (seconds since 1970). Raises ValueError for what is no key."""
    secret = base64.b32decode(key.upper() + "=" * (-len(key) % 8))
    digest = hmac.digest(secret, (int(at) // STEP).to_bytes(8, "big"), sha1)
    place = digest[-1] & 15
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(key: str, entered: int, at: float) -> int | None:
    """
    The step of the clock to which a code belongs: now, one ago or one ahead, since both clocks may be a little off.

    None: it is wrong.
    """
    given, found = str(entered).zfill(DIGITS), None
    try:
        for step in (-1, 0, 1):
            if hmac.compare_digest(given, code(key, at + step * STEP)):
                found = int(at) // STEP + step
    except ValueError:
        return None
    return found
