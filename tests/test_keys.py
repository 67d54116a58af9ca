from pathlib import Path

from attrs import fields_dict
from twisted.trial.unittest import SynchronousTestCase

from tests.catalog import ALPHA, ASKING, BETA
from trackd.keys import KEYS, PER_ASKING_FORMAT, PER_FORMAT, Key, as_text, converted, keys_of
from trackd.listen.limits import Limits as ListenLimits
from trackd.live.subscriber import Limits as LiveLimits
from trackd.store.committer import Committer
from trackd.store.database import Database
from trackd.track.directory import Directory
from trackd.track.intake import Intake
from trackd.track.presence import Presence
from trackd.track.strangers import Strangers

ROOT = Path(__file__).parent.parent

WHOLE = Key("whole", int, 0, "", least=1, most=10)
REAL = Key("real", float, 0.0, "")
FLAG = Key("flag", bool, False, "")
NAMES = Key("names", tuple, (), "")
TEXT = Key("text", str, "", "")
CHOICE = Key("choice", str, "", "", choices=("", "lax"))
SECRET = Key("secret", int, 0, "", secret=True)
FOLDER = Key("folder", Path, "", "")


class ConvertedTests(SynchronousTestCase):
    def test_text(self) -> None:
        """Text is read as the key's type, blanks around it aside."""
        for key, text, value in (
            (WHOLE, " 7 ", 7),
            (REAL, "1e3", 1000.0),
            (FLAG, "TRUE", True),
            (FLAG, " false", False),
            (NAMES, "a, b  c,d", ("a", "b", "c", "d")),
            (NAMES, "", ()),
            (TEXT, " as it is ", " as it is "),
            (FOLDER, "/srv", "/srv"),
        ):
            found = converted(key, text, True)
            self.assertEqual((found, type(found)), (value, type(value)))

    def test_typed(self) -> None:
        """Typed values stay; a whole number will do for a real one, and a list or a text for names."""
        for key, given, value in (
            (WHOLE, 7, 7),
            (REAL, 2, 2.0),
            (FLAG, True, True),
            (NAMES, ["a", "b"], ("a", "b")),
            (NAMES, "a b", ("a", "b")),
            (TEXT, "x", "x"),
            (FOLDER, "x", "x"),
        ):
            found = converted(key, given, False)
            self.assertEqual((found, type(found)), (value, type(value)))

    def test_wrong(self) -> None:
        """What does not fit is refused, and the error says what would fit."""
        for key, given, textual, error in (
            (WHOLE, "abc", True, 'needs a whole number, not "abc"'),
            (WHOLE, "7.5", True, 'needs a whole number, not "7.5"'),
            (WHOLE, "", True, 'needs a whole number, not ""'),
            (WHOLE, "7", False, 'needs a whole number, not the text "7"'),
            (WHOLE, 7.0, False, "needs a whole number, not 7.0"),
            (WHOLE, True, False, "needs a whole number, not true"),
            (WHOLE, "0", True, "needs at least 1, not 0"),
            (WHOLE, 11, False, "needs at most 10, not 11"),
            (REAL, "nan", True, 'needs a number, not "nan"'),
            (REAL, float("inf"), False, "needs a number, not inf"),
            (FLAG, "yes", True, 'needs true or false, not "yes"'),
            (FLAG, 1, False, "needs true or false, not 1"),
            (NAMES, [1], False, "needs names, not 1"),
            (TEXT, 1, False, "needs a text, not 1"),
            (CHOICE, "loose", True, 'needs one of lax, not "loose"'),
        ):
            self.assertEqual(str(self.assertRaises(ValueError, converted, key, given, textual)), error)

    def test_networks(self) -> None:
        """Addresses and networks of both versions; anything else is named."""
        key = {key.name: key for key in KEYS}["metrics.allow"]
        for text in ("", "192.0.2.1, 10.0.0.7/8", "::1 2001:db8::/32"):
            self.assertEqual(converted(key, text, True), tuple(text.replace(",", " ").split()))
        error = str(self.assertRaises(ValueError, converted, key, "10.0.0.1, localhost", True))
        self.assertEqual(error, 'needs addresses or networks such as 10.1.0.0/16, not "localhost"')

    def test_tiles(self) -> None:
        """An address of tiles has its three places, and nothing that would mean more in the page's policy."""
        key = {key.name: key for key in KEYS}["live.tiles.url"]
        for text in ("", "https://{s}.example.org/{z}/{x}/{y}.png?key=1", "http://10.0.0.1:8080/{z}/{x}/{y}"):
            self.assertEqual(converted(key, text, True), text)
        for text in (
            "https://example.org/{z}/{x}.png",
            "https://example.org; script-src */{z}/{x}/{y}",
            "https://example.org/{z}/{x}/{y};x",
            "https://user@example.org/{z}/{x}/{y}",
            "javascript:{z}{x}{y}",
            "//example.org/{z}/{x}/{y}",
        ):
            self.assertIn("{x}", str(self.assertRaises(ValueError, converted, key, text, True)), text)

    def test_secret(self) -> None:
        """A secret is not repeated in an error."""
        self.assertNotIn("hunter2", str(self.assertRaises(ValueError, converted, SECRET, "hunter2", True)))

    def test_checks(self) -> None:
        """A pattern has to be one, and the database has to be PostgreSQL."""
        keys = {key.name: key for key in KEYS}
        regex, url = keys["database.registerUnknown.regex"], keys["database.url"]
        self.assertIn("regular expression", str(self.assertRaises(ValueError, converted, regex, "(", True)))
        self.assertEqual(converted(url, "host=db dbname=x", True), "host=db dbname=x")
        error = str(self.assertRaises(ValueError, converted, url, "mysql://root:hunter2@db", True))
        self.assertIn("postgresql://", error)
        self.assertNotIn("hunter2", error)


class TableTests(SynchronousTestCase):
    def test_once(self) -> None:
        """No key stands in the table twice, and each has a meaning."""
        for table in (KEYS, PER_FORMAT, PER_ASKING_FORMAT):
            names = [key.name for key in table]
            self.assertEqual(len(names), len(set(names)))
            self.assertEqual([key.name for key in table if not key.meaning], [])

    def test_defaults(self) -> None:
        """Every default is a value that its key would accept."""
        for key in (*KEYS, *PER_FORMAT, *PER_ASKING_FORMAT):
            self.assertEqual(converted(key, as_text(key.default), True), key.default)
            self.assertEqual(converted(key, key.default, False), key.default)

    def test_parts_agree(self) -> None:
        """A part that is made without settings, in a test for instance, has the limits that the table says."""
        limits = {
            ListenLimits: {
                "connections": "listen.connections",
                "per_address": "listen.perAddress",
                "before_login": "listen.beforeLogin",
                "login_time": "listen.loginTime",
                "idle": "server.timeout",
                "frame": "listen.frame",
                "ahead": "listen.ahead",
                "endpoints": "listen.endpoints",
                "datagrams": "listen.datagrams",
            },
            LiveLimits: {
                "connections": "live.connections",
                "user_connections": "live.userConnections",
                "queue": "live.queue",
                "events": "live.events",
            },
            Committer: {"rows": "commit.batch", "limit": "commit.queue"},
            Database: {
                "size": "database.maxPoolSize",
                "max_waiting": "database.maxWaiting",
                "connect_timeout": "database.connectTimeout",
                "statement_timeout": "database.statementTimeout",
            },
            Directory: {"limit": "devices.cache", "throttle": "database.throttleUnknown"},
            Intake: {"history": "devices.history"},
            Presence: {"timeout": "status.timeout", "events": "event.status.enable"},
            Strangers: {"limit": "unknown.limit"},
        }
        defaults = {key.name: key.default for key in KEYS}
        for part, names in limits.items():
            fields = fields_dict(part)
            self.assertEqual(
                {name: fields[name].default for name in names}, {name: defaults[key] for name, key in names.items()}
            )

    def test_readers(self) -> None:
        """Every key is read by some part: one that changes nothing would be a promise that is not kept."""
        texts = [
            path.read_text("utf-8")
            for folder in ("trackd", "plugins")
            for path in (ROOT / folder).rglob("*.py")
            if path.name not in ("keys.py", "sample.py") and path.parent.name != "config"
        ]
        self.assertEqual([key.name for key in KEYS if not any(f'"{key.name}"' in text for text in texts)], [])

    def test_of_a_format(self) -> None:
        """A format has the keys that all have, with its own port, and those that it declares."""
        alpha = keys_of(ALPHA)
        self.assertEqual((alpha["port"].name, alpha["port"].default), ("alpha.port", 7001))
        self.assertEqual(alpha["extended"].type, bool)
        self.assertNotIn("extended", keys_of(BETA))
        self.assertEqual(("interval" in keys_of(BETA), "interval" in keys_of(ASKING)), (False, True))
