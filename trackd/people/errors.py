"""
What people can be told when they may not, cannot, or not now.

    PeopleError
      Unauthorized   nobody knows who is asking
      Denied         known, but not permitted
      Invalid        a rule of the house forbids what was asked for
        Gone         what it was asked for does not exist any more
      Busy           later: too many attempts, or too much to do
"""

from __future__ import annotations


class PeopleError(Exception):
    """A refusal in one sentence, for the person who is refused."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unauthorized(PeopleError):
    """The credentials are wrong, or they are of nobody who may come in."""


class Shut(Unauthorized):
    """The credentials are right, but the account is disabled or has expired."""


class CodeNeeded(Unauthorized):
    """The password is right, the one-time code is missing."""


class Denied(PeopleError):
    """Known, but not permitted."""


class Invalid(PeopleError):
    """A rule of the house forbids what was asked for."""


class Gone(Invalid):
    """It does not exist any more."""


class Busy(PeopleError):
    """Later: `retry_after` seconds from now."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooMany(Busy):
    """Too many failed attempts."""
