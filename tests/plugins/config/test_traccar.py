from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from plugins.config.traccar import NOTES, dialect, read, translate
from plugins.config.traccar_keys import KEYS, PORTS
from trackd.configuration import ConfigurationError, Entry
from trackd.keys import KEYS as OURS
from trackd.keys import PER_ASKING_FORMAT, PER_FORMAT
from trackd.settings import SettingsError, load
from trackd.wire import catalog

HEAD = b"""<?xml version='1.0' encoding='UTF-8'?>
<!DOCTYPE properties SYSTEM 'http://java.sun.com/dtd/properties.dtd'>
"""


class ReadTests(SynchronousTestCase):
    def error(self, data: bytes) -> str:
        return str(self.assertRaises(ConfigurationError, read, data))

    def test_entries(self) -> None:
        """Each entry is read with its line, comments are passed over, and the document type is not fetched."""
        data = HEAD + (
            b"<properties>\n<comment>c</comment><!-- d -->\n<entry key='web.port'>8083</entry>\n"
            b"<entry key='a.b'>x &lt;&amp; <![CDATA[<y>]]></entry><entry key='empty'/>\n</properties>\n"
        )
        self.assertEqual(
            read(data),
            [
                Entry("web.port", "8083", 5, True),
                Entry("a.b", "x <& <y>", 6, True),
                Entry("empty", "", 6, True),
            ],
        )

    def test_encoding(self) -> None:
        """The encoding is the one that the file declares."""
        data = "<?xml version='1.0' encoding='ISO-8859-1'?><properties><entry key='k'>é</entry></properties>"
        self.assertEqual(read(data.encode("latin-1"))[0].value, "é")

    def test_entities(self) -> None:
        """Entities of one's own are refused, whether they are defined in the file or elsewhere."""
        internal = (
            b'<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><properties><entry key="k">&b;</entry></properties>'
        )
        external = (
            b'<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]><properties><entry key="k">&a;</entry></properties>'
        )
        parameter = b'<!DOCTYPE p [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><properties/>'
        for data in (internal, external, parameter):
            self.assertIn("entities are not allowed", self.error(data))
        self.assertIn("entity", self.error(HEAD + b"<properties><entry key='k'>&a;</entry></properties>"))

    def test_other_documents(self) -> None:
        """A document that is no properties document is refused with the line."""
        self.assertEqual(self.error(b"<html/>"), "line 1: <html> has no place here")
        self.assertEqual(self.error(b"<properties>\n<entry>1</entry></properties>"), "line 2: an entry without a key")
        self.assertIn("<b> has no place", self.error(b"<properties><entry key='k'><b/></entry></properties>"))
        self.assertIn("not valid XML", self.error(b"<properties><entry key='k'>"))


class TranslateTests(SynchronousTestCase):
    def test_addresses(self) -> None:
        """A JDBC address of PostgreSQL becomes libpq's."""
        for theirs, ours in (
            ("jdbc:postgresql://db:5433/traccar", "postgresql://db:5433/traccar"),
            (" jdbc:postgresql:traccar ", "postgresql://localhost/traccar"),
            (
                "jdbc:postgresql://db/t?ssl=true&ApplicationName=x y",
                "postgresql://db/t?sslmode=verify-full&application_name=x%20y",
            ),
            ("jdbc:postgresql://db/t?currentSchema=a", "postgresql://db/t?options=-csearch_path%3Da"),
            ("jdbc:h2:./data/database", "jdbc:h2:./data/database"),
            ("postgresql://db/x", "postgresql://db/x"),
        ):
            self.assertEqual(translate("database.url", theirs), ours)

    def test_unknown_parameter(self) -> None:
        """A parameter that has no counterpart is named, rather than dropped."""
        error = self.assertRaises(
            ValueError, translate, "database.url", "jdbc:postgresql://db/t?stringtype=unspecified"
        )
        self.assertIn("stringtype", str(error))

    def test_others(self) -> None:
        """Other keys keep their values."""
        self.assertEqual(translate("web.origin", "jdbc:postgresql:x"), "jdbc:postgresql:x")


class WholeTests(SynchronousTestCase):
    def test_as_it_is(self) -> None:
        """A configuration is taken as it is: what is known is in force, what changes nothing is told."""
        file = Path(self.mktemp())
        entries = {
            "database.driver": "org.postgresql.Driver",
            "database.url": "jdbc:postgresql://db/traccar?sslmode=require",
            "database.user": "traccar",
            "database.password": "hunter2",
            "database.registerUnknown": "TRUE",
            "database.registerUnknown.regex": "[0-9]{15}",
            "gt06.port": "6023",
            "gt06.timeout": "60",
            "web.persistSession": "false",
            "processing.copyAttributes": "power, battery",
        }
        body = "".join([f"<entry key='{key}'>{value}</entry>" for key, value in entries.items()])
        file.write_bytes(HEAD + f"<properties>{body}</properties>".encode())
        settings = load([file], {}, catalog, dialects=[dialect])
        self.assertEqual(settings["database.url"], "postgresql://db/traccar?sslmode=require")
        self.assertEqual(settings["database.registerUnknown"], True)
        self.assertEqual(settings["database.registerUnknown.regex"], "[0-9]{15}")
        self.assertEqual(settings["processing.copyAttributes"], ("power", "battery"))
        self.assertEqual((settings["gt06.port"], settings.timeout("gt06")), (6023, 60.0))
        self.assertEqual(
            [warning.partition(" (from ")[0] for warning in settings.warnings],
            [
                "database.driver has no effect: PostgreSQL is spoken without a driver class",
                "web.persistSession has no effect: logins are always kept in the database",
            ],
        )

    def test_other_databases(self) -> None:
        """A database that is not PostgreSQL is refused with its key, and its password is not repeated."""
        file = Path(self.mktemp())
        file.write_text("<properties><entry key='database.url'>jdbc:mysql://db?password=hunter2</entry></properties>")
        problem = str(self.assertRaises(SettingsError, load, [file], {}, catalog, dialects=[dialect]))
        self.assertTrue(problem.startswith("database.url: needs postgresql://"), problem)
        self.assertNotIn("hunter2", problem)
        load([file], {"database.url": ""}, catalog, dialects=[dialect])


class TableTests(SynchronousTestCase):
    TYPES = {"text": (str, tuple), "flag": (bool,), "int": (int,), "float": (float,)}

    def test_counts(self) -> None:
        """There are 298 keys and 267 formats, no two of which share a port."""
        self.assertEqual((len(KEYS), len(PORTS)), (298, 267))
        ports = [port for port in PORTS.values() if port]
        self.assertEqual(len(ports), len(set(ports)))

    def test_types(self) -> None:
        """A native key that has the name of one of theirs has its type, paths being text."""
        ours = {key.name: key for key in OURS} | {
            f"{{format}}.{key.name}": key for key in (*PER_FORMAT, *PER_ASKING_FORMAT)
        }
        for name in ours.keys() & KEYS.keys():
            kind = KEYS[name][0]
            self.assertIn(
                ours[name].type.__name__.replace("Path", "str"), [type.__name__ for type in self.TYPES[kind]], name
            )

    def test_device_keys(self) -> None:
        """A native key that a device may carry may be carried there as well."""
        for key in OURS:
            if "device" in key.scope:
                self.assertIn("device", KEYS[key.name][1])

    def test_notes(self) -> None:
        """Keys that change nothing are keys of theirs, and none is native."""
        self.assertEqual([name for name in NOTES if name not in KEYS], [])
        self.assertEqual([key.name for key in OURS if key.name in NOTES], [])

    def test_dialect(self) -> None:
        """Keys of all formats are known apart from the others."""
        self.assertIn("port", dialect.prefixed)
        self.assertEqual([name for name in dialect.keys if "{" in name], [])
