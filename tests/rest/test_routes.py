from twisted.trial.unittest import SynchronousTestCase

from trackd.rest.routes import accepts, media_type


class AcceptsTests(SynchronousTestCase):
    def test_accepts(self) -> None:
        """A type is let through by itself, by its family, by everything, and by a client that says nothing."""
        for accept in (None, "", " ", "*/*", "application/*", "Application/JSON;q=0.5", "text/html, */*;q=0.8"):
            self.assertTrue(accepts(accept, "application/json"), accept)

    def test_refuses(self) -> None:
        """Other types are not, nor is one of no quality, nor nonsense."""
        for accept in ("text/html", "text/csv", "nonsense", "application/json;q=0", "*/*;q=0.0", "text/*"):
            self.assertFalse(accepts(accept, "application/json"), accept)

    def test_media_type(self) -> None:
        """A content type may have parameters."""
        self.assertEqual(media_type("Application/JSON; charset=utf-8"), "application/json")
        self.assertEqual(media_type(None), "")
