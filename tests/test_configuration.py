from twisted.trial.unittest import SynchronousTestCase

from trackd.configuration import ConfigurationError, Dialect, Entry, dialects, read, variable


class TomlTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """Dotted keys, tables and quoted keys say the same."""
        for text in (
            b"web.port = 1",
            b"[web]\nport = 1",
            b'"web.port" = 1',
            b"\xef\xbb\xbf# with a mark\nweb.port = 1",
        ):
            self.assertEqual(read(text), [Entry("web.port", 1)])

    def test_key_and_table(self) -> None:
        """A key that begins another one stands beside it when the longer one is quoted."""
        entries = read(b'database.registerUnknown = true\n"database.registerUnknown.regex" = "x"')
        self.assertEqual(
            entries, [Entry("database.registerUnknown.regex", "x"), Entry("database.registerUnknown", True)][::-1]
        )

    def test_hint(self) -> None:
        """Without the quotes the error says that they are needed."""
        for text in (b"a.b = 1\na.b.c = 2", b"a.b.c = 2\na.b = 1"):
            error = self.assertRaises(ConfigurationError, read, text)
            self.assertIn('"a.b.c" = 1', str(error))

    def test_broken(self) -> None:
        """An error names the place."""
        self.assertIn("line 2", str(self.assertRaises(ConfigurationError, read, b"a = 1\nb 2\n")))
        self.assertIn("byte 4", str(self.assertRaises(ConfigurationError, read, b"a = \xff")))


class DialectTests(SynchronousTestCase):
    def test_known_by_its_beginning(self) -> None:
        """A file that begins as a dialect's files do is read by it, and its values are translated."""
        shout = Dialect(
            "shout", b"!", lambda data: [Entry("a", data.decode(), 1, True)], translate=lambda key, value: value.upper()
        )
        self.assertEqual(read(b" \n!x", [shout]), [Entry("a", " \n!X", 1, True)])
        self.assertEqual(read(b"a = 1", [shout]), [Entry("a", 1)])

    def test_no_translation(self) -> None:
        """A value that cannot be translated is an error with its line."""

        def refuse(key: str, value: str) -> str:
            raise ValueError("is strange")

        strange = Dialect("strange", b"!", lambda data: [Entry("a", "b", 7, True)], translate=refuse)
        error = self.assertRaises(ConfigurationError, read, b"!", [strange])
        self.assertEqual(str(error), "line 7: a: is strange")

    def test_installed(self) -> None:
        """Every module of plugins.config that is no part of another offers a dialect."""
        found = dialects()
        self.assertTrue(found)
        self.assertEqual([type(dialect) for dialect in found], [Dialect] * len(found))


class VariableTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Dots become underscores, and capitals get one in front."""
        self.assertEqual(variable("database.maxPoolSize"), "DATABASE_MAX_POOL_SIZE")
        self.assertEqual(variable("web.port"), "WEB_PORT")
