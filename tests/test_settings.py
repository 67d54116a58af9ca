from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.catalog import ALPHA, BETA, Catalog
from trackd.configuration import Dialect, Entry
from trackd.settings import Settings, SettingsError, load, transports
from trackd.wire.format import WireFormat


def lines(data: bytes) -> list[Entry]:
    """Words like key=value, counted from 1."""
    words = [word.partition("=") for word in data[1:].decode().split()]
    return [Entry(key, value, number, True) for number, (key, _, value) in enumerate(words, 1)]


ELSEWHERE = Dialect(
    "elsewhere",
    b"!",
    lines,
    translate=lambda key, value: value.replace("old:", ""),
    keys={"mail.host": "config", "fuelLimit": "device", "gamma.own": "config", "alpha.other": "config"},
    prefixed=frozenset({"port", "mask"}),
    formats={"alpha": 7001, "gamma": 7003},
    notes={"threads": "there are none"},
)


class LoadTests(SynchronousTestCase):
    def file(self, text: str, name: str = "trackd.toml") -> Path:
        path = Path(self.mktemp())
        path.mkdir()
        (path / name).write_text(text)
        return path / name

    def load(
        self, *files: Path, catalog: Catalog | None = None, environ: dict[str, str] | None = None, **set: Any
    ) -> Settings:
        overrides = {name.replace("__", "."): value for name, value in set.items()}
        return load(files, overrides, catalog or Catalog(), dialects=[ELSEWHERE], environ=environ)

    def problems(self, *files: Path, **set: Any) -> tuple[str, ...]:
        problems: tuple[str, ...] = self.assertRaises(SettingsError, self.load, *files, **set).problems
        return problems

    def test_defaults(self) -> None:
        """Without a word every key has its default."""
        settings = self.load()
        self.assertEqual((settings["web.port"], settings.origin("web.port")), (8082, "default"))
        self.assertEqual((settings["alpha.port"], settings.origin("alpha.port")), (7001, "default"))
        self.assertEqual(settings["media.path"], Path("var/media").absolute())
        self.assertIs(settings["web.override"], None)
        self.assertEqual(settings.warnings, ())

    def test_order(self) -> None:
        """The command line goes before the environment, that before later files, and these before earlier ones."""
        first, second = (
            self.file("web.port = 1\nserver.timeout = 1\nstatus.timeout = 1\nalpha.port = 1"),
            self.file("web.port = 2\nserver.timeout = 2\nstatus.timeout = 2"),
        )
        environ = {"CONFIG_USE_ENVIRONMENT_VARIABLES": "true", "WEB_PORT": "3", "SERVER_TIMEOUT": "3"}
        settings = self.load(first, second, environ=environ, web__port="4")
        keys = ("web.port", "server.timeout", "status.timeout", "alpha.port")
        self.assertEqual([settings[key] for key in keys], [4, 3, 2, 1])
        self.assertEqual(
            [settings.origin(key) for key in keys], ["--set", "the variable SERVER_TIMEOUT", str(second), str(first)]
        )

    def test_environment_asked_for(self) -> None:
        """Variables count only when one of them or a key says so; empty ones never do."""
        variables = {"WEB_PORT": "3", "STATUS_TIMEOUT": "", "ALPHA_EXTENDED": "true", "GAMMA_PORT": "9"}
        self.assertEqual(self.load(environ=variables)["web.port"], 8082)
        settings = self.load(environ=variables, config__useEnvironmentVariables="true")
        self.assertEqual([settings["web.port"], settings["status.timeout"], settings["alpha.extended"]], [3, 600, True])
        self.assertEqual(len(settings.warnings), 1)
        self.assertIn("gamma.port is not supported yet", settings.warnings[0])

    def test_environment_translated(self) -> None:
        """Variables may be spelt as the other program spells its values."""
        environ = {"CONFIG_USE_ENVIRONMENT_VARIABLES": "true", "DATABASE_URL": "old:postgresql://db"}
        self.assertEqual(self.load(environ=environ)["database.url"], "postgresql://db")

    def test_all_problems(self) -> None:
        """Everything that is wrong is told at once, each in a line with its key, its place and what is needed."""
        file = self.file('web.port = "abc"\nweb.prot = 1\nalpha.prot = 1\nalhpa.port = 1\nfoo = 1\nalpha.extended = 2')
        self.assertEqual(
            self.problems(file, status__timeout="0"),
            (
                f'web.port: needs a whole number, not the text "abc" (from {file})',
                f"web.prot: unknown key; did you mean web.port? (from {file})",
                f"alpha.prot: unknown key; did you mean alpha.port? (from {file})",
                f"alpha.extended: needs true or false, not 2 (from {file})",
                f'alhpa.port: there is no wire format "alhpa"; did you mean alpha? (from {file})',
                f"foo: unknown key; `trackd settings` lists all keys (from {file})",
                "status.timeout: needs at least 1, not 0 (from --set)",
            ),
        )

    def test_no_lines_within(self) -> None:
        """A problem is one line, whatever is said in it."""
        problems = self.problems(**{"we\nb": "1", "web.port": "a\nb"})
        self.assertEqual([len(problem.splitlines()) for problem in problems], [1, 1])

    def test_files(self) -> None:
        """A file that is not there, is no configuration or is too large is a problem with its name."""
        missing = Path(self.mktemp())
        self.assertEqual(self.problems(missing), (f"{missing}: cannot be read: No such file or directory",))
        broken = self.file("a = ")
        self.assertTrue(self.problems(broken)[0].startswith(f"{broken}: not valid TOML"))
        large = self.file("#" * 4_000_001)
        self.assertEqual(self.problems(large), (f"{large}: too large for a configuration",))

    def test_twice(self) -> None:
        """A key that stands twice in one file is a problem, since one of the two would be passed over."""
        file = self.file('[web]\nport = 1\n["web.x"]\n', "a.toml")
        file.write_text('"web.port" = 1\n[web]\nport = 2')
        self.assertEqual(self.problems(file), (f"web.port: stands twice in {file}; remove one",))

    def test_elsewhere(self) -> None:
        """What another program knows and is not built here is a warning with its place, not an error."""
        file = self.file("!mail.host=x fuelLimit=1 threads=2 gamma.port=1 gamma.own=1 alpha.mask=1 alpha.other=1")
        self.assertEqual(
            self.load(file).warnings,
            (
                f"mail.host is not supported yet (from {file}:1)",
                f"fuelLimit has no effect here: it belongs to the device (from {file}:2)",
                f"threads has no effect: there are none (from {file}:3)",
                f"gamma.port is not supported yet: there is no wire format gamma here (from {file}:4)",
                f"gamma.own is not supported yet: there is no wire format gamma here (from {file}:5)",
                f"alpha.mask has no effect: the wire format alpha has no such key (from {file}:6)",
                f"alpha.other has no effect: the wire format alpha has no such key (from {file}:7)",
            ),
        )

    def test_unknown_key_of_a_format_elsewhere(self) -> None:
        """A key that the other program does not know either is unknown."""
        self.assertEqual(
            self.problems(gamma__colour="1"),
            ("gamma.colour: unknown key; `trackd settings` lists all keys (from --set)",),
        )

    def test_secrets_are_not_listed(self) -> None:
        """The listing has every key with value and origin, but says of a secret only that it is set."""
        rows = {row.key.name: row for row in self.load(database__password="hunter2", protocols__enable="alpha").rows()}
        self.assertEqual((rows["database.password"].value, rows["database.password"].origin), ("(set)", "--set"))
        self.assertEqual(rows["database.user"].value, "")
        self.assertEqual(rows["protocols.enable"].value, "alpha")
        self.assertEqual((rows["alpha.port"].value, rows["alpha.port"].origin), ("7001", "default"))

    def test_near_misses(self) -> None:
        """A typing error in a format's name is told with the name that was meant."""
        self.assertEqual(
            self.problems(protocols__enable="alpha, betta"),
            ('protocols.enable: there is no wire format "betta"; did you mean beta? (from --set)',),
        )


class FormatsTests(SynchronousTestCase):
    def load(self, catalog: Catalog | None = None, **set: Any) -> Settings:
        overrides = {name.replace("__", "."): value for name, value in set.items()}
        return load((), overrides, catalog or Catalog(), dialects=[ELSEWHERE])

    def test_running(self) -> None:
        """All formats with a port run; a port of 0 or less is off."""
        self.assertEqual(list(self.load().formats), ["alpha", "beta"])
        self.assertEqual(list(self.load(alpha__port=0, beta__port=-1).formats), [])
        self.assertEqual(list(self.load(asking__port=80, asking__address="host").formats), ["alpha", "asking", "beta"])

    def test_enabled(self) -> None:
        """Only the named ones run, if any are named; one that is not built here is a warning."""
        settings = self.load(protocols__enable="beta gamma")
        self.assertEqual(list(settings.formats), ["beta"])
        self.assertEqual(settings.warnings, ("the wire format gamma is not supported yet (from --set)",))

    def test_broken(self) -> None:
        """A broken module stops the start with its reason, unless it is not to run and nothing is said to it."""
        catalog = Catalog(broken=("delta",))
        for overrides in ({}, {"delta.port": 1}, {"protocols.enable": "delta"}):
            error = self.assertRaises(SettingsError, load, (), overrides, catalog)
            self.assertEqual(len(error.problems), 1)
            self.assertIn("delta: the wire format is broken (SyntaxError: invalid syntax)", error.problems[0])
        self.assertEqual(list(load((), {"protocols.enable": "alpha"}, catalog).formats), ["alpha"])

    def test_what_a_format_is_told(self) -> None:
        """A format is told its own keys and the general ones that concern it, as far as they are set, and its port."""
        settings = self.load(
            alpha__extended="true", beta__devicePassword="1", decoder__timezone="Asia/Tokyo", web__port=1
        )
        self.assertEqual(
            settings.format("alpha"),
            {
                "alpha.port": 7001,
                "alpha.address": (),
                "alpha.ssl": False,
                "alpha.timeout": 0,
                "alpha.extended": True,
                "decoder.timezone": "Asia/Tokyo",
            },
        )

    def test_what_a_format_asks_for(self) -> None:
        """A format is told the keys of another one that it asks for, if they are set."""
        self.assertNotIn("alpha.port", self.load().format("beta"))
        self.assertEqual(self.load(alpha__port=5).format("beta")["alpha.port"], 5)
        self.assertNotIn("beta.port", self.load(beta__port=5).format("alpha"))

    def test_what_devices_fall_back_on(self) -> None:
        """Keys that a device may carry have their defaults, those that formats ask for only what is set."""
        found = self.load(alpha__extended="true").fallbacks()
        self.assertEqual((found["event.motion.speedThreshold"], found["alpha.extended"]), (0.01, True))
        for name in ("web.port", "decoder.timezone", "alpha.devicePassword", "alpha.port"):
            self.assertNotIn(name, found)

    def test_timeout(self) -> None:
        """The configuration's time-out of the format, else the format's own, else the server's; a negative is none."""
        self.assertEqual([self.load().timeout(name) for name in ("alpha", "beta")], [1800.0, 30.0])
        settings = self.load(alpha__timeout=60, beta__timeout=-1)
        self.assertEqual([settings.timeout(name) for name in ("alpha", "beta")], [60.0, None])
        self.assertIs(self.load(server__timeout=-1).timeout("alpha"), None)

    def test_collisions(self) -> None:
        """Two listeners on one port are a problem, unless address or transport keep them apart."""

        def problems(**set: Any) -> tuple[str, ...]:
            found: tuple[str, ...] = self.assertRaises(SettingsError, self.load, **set).problems
            return found

        self.assertEqual(problems(beta__port=7001), ("beta.port: 7001 is alpha.port too; change one of them",))
        self.assertEqual(problems(alpha__port=8082), ("alpha.port: 8082 is web.port too; change one of them",))
        self.load(alpha__port=7001, beta__port=7001, alpha__address="127.0.0.1", beta__address="127.0.0.2")
        self.load(web__port=0, asking__port=7001)
        udp = WireFormat("gamma", 7001, ALPHA.decode, tcp=False, udp=True)
        self.load(Catalog((ALPHA, BETA, udp)))

    def test_transports(self) -> None:
        """HTTP and MQTT travel over TCP."""
        self.assertEqual(transports(BETA), ["tcp", "udp"])
        self.assertEqual(transports(WireFormat("web", 1, ALPHA.decode, tcp=False, http=True)), ["tcp"])
        self.assertEqual(transports(WireFormat("web", 1, ALPHA.decode, tcp=False, mqtt=True)), ["tcp"])
