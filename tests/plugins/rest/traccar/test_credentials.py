"""Tests of `plugins.rest.traccar.credentials`: who opens a live socket."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from plugins.rest.traccar.credentials import listener
from trackd.people.entrance import service_account
from trackd.people.errors import Unauthorized
from trackd.store.rows import UserRow

HOME = "https://home.example"


def user(id: int) -> UserRow:
    return evolve(service_account(), id=id, disabled=id == 3)


class Entrance:
    """User 1 has the token `one` and the session `s1`, user 2 `two` and `s2`; user 3 is disabled."""

    async def by_token(self, text: str) -> tuple[UserRow, Any]:
        if text not in ("one", "two"):
            raise Unauthorized("wrong")
        return user(["one", "two"].index(text) + 1), None

    async def by_session(self, id: str, origin: str | None, host: str) -> tuple[UserRow, Any] | None:
        if id not in ("s1", "s2", "s3") or origin not in (None, HOME) or host != "home.example":
            return None
        return user(int(id[1])), None


class ListenerTests(SynchronousTestCase):
    def opened(self, origin: str | None = None, cookie: str = "", **parameters: str) -> int | None:
        """The id of the user for whom these credentials open a socket, or None."""
        services: Any = SimpleNamespace(entrance=Entrance(), now=lambda: datetime(2026, 11, 1, tzinfo=UTC))
        cookies = {"JSESSIONID": cookie} if cookie else {}
        opening = listener(services, parameters, cookies, origin, "home.example")
        found = self.successResultOf(Deferred.fromCoroutine(opening))
        return None if found is None else found.id

    def test_each(self) -> None:
        """A token, a session cookie, or a session in the address opens; nothing doesn't."""
        self.assertEqual(
            [1, 2, 1, None],
            [self.opened(token="one"), self.opened(cookie="s2"), self.opened(session="s1"), self.opened()],
        )

    def test_order(self) -> None:
        """The token goes before the cookie, that before the session in the address."""
        self.assertEqual(1, self.opened(token="one", session="s2", cookie="s2"))
        self.assertEqual(1, self.opened(session="s2", cookie="s1"))

    def test_any(self) -> None:
        """A bad credential does not spoil a good one."""
        self.assertEqual(2, self.opened(token="bad", cookie="s2"))
        self.assertEqual(2, self.opened(token="bad", cookie="bad", session="s2"))
        self.assertEqual(2, self.opened(cookie="s3", session="s2"))

    def test_bad(self) -> None:
        """Bad ones alone don't open, nor do those of a disabled user."""
        self.assertIsNone(self.opened(token="bad", session="bad", cookie="bad"))
        self.assertIsNone(self.opened(session="s3", cookie="s3"))

    def test_origin(self) -> None:
        """A foreign page can't use the cookie; a token and a session in the address are there for it."""
        for origin, by_cookie in [(None, 1), (HOME, 1), ("https://evil.example", None), ("null", None)]:
            self.assertEqual(
                (by_cookie, 1, 1),
                (
                    self.opened(origin, cookie="s1"),
                    self.opened(origin, session="s1"),
                    self.opened(origin, token="one"),
                ),
            )
