from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from trackd.people.sessions import same_origin
from trackd.store.rows import SessionRow


def session(origin: str | None) -> SessionRow:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    return SessionRow(b"", 1, then, then, None, None, origin)


class OriginTests(SynchronousTestCase):
    """A page of another host must not act in the name of a user who is logged in here."""

    def test_none(self) -> None:
        """A request that no page has made may use the session."""
        self.assertTrue(same_origin(session(None), None, "here"))
        self.assertTrue(same_origin(session("http://app.example"), None, "here"))

    def test_host(self) -> None:
        """A page of this very host may, whatever its port and the case of its name."""
        for origin in ("http://here", "https://here:9999", "http://HERE"):
            self.assertTrue(same_origin(session(None), origin, "here:8082"), origin)

    def test_foreign(self) -> None:
        """Other pages may not, nor pages of no host."""
        for origin in ("http://evil.example", "null", "", "http://here.evil.example", "http://[", "here"):
            self.assertFalse(same_origin(session(None), origin, "here:8082"), origin)
        self.assertFalse(same_origin(session(None), "null", ""))

    def test_remembered(self) -> None:
        """A session that was opened from a page belongs to that page's origin alone."""
        one = session("http://app.example")
        self.assertTrue(same_origin(one, "http://app.example", "here"))
        for origin in ("http://APP.example", "http://here", "http://app.example:80"):
            self.assertFalse(same_origin(one, origin, "here"), origin)
