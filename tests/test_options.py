from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from twisted.python.usage import Options as Plain
from twisted.trial.unittest import SynchronousTestCase

from tests.catalog import Catalog
from trackd.options import Options
from trackd.settings import SettingsError


class Inner(Options):
    pass


class Outer(Options):
    subCommands = [["inner", None, Inner, "below"]]


class Twistd(Plain):
    subCommands = [["trackd", None, Options, "the server"]]


class OptionsTests(SynchronousTestCase):
    def parsed(self, *arguments: str) -> Options:
        options = Options()
        options.parseOptions(arguments)
        return options

    def message(self, options: Plain, *arguments: str) -> str:
        return str(self.assertRaises(SystemExit, options.parseOptions, arguments).code)

    def test_settings(self) -> None:
        """Configuration, data folder and single settings make the settings."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "a.toml").write_text("web.port = 1\nstatus.timeout = 5")
        (folder / "b.toml").write_text("web.port = 2")
        options = self.parsed(
            "--config", f"{folder}/a.toml", "-c", f"{folder}/b.toml", "--data", str(folder), "--set", "server.timeout=9"
        )
        settings = options.settings({}, Catalog())
        self.assertEqual([settings[key] for key in ("web.port", "status.timeout", "server.timeout")], [2, 5, 9])
        self.assertEqual(settings.data, folder.absolute())

    def test_data_by_default(self) -> None:
        """The data folder is ``var``, here."""
        self.assertEqual(self.parsed().settings({}, Catalog()).data, Path("var").absolute())

    def test_last_one(self) -> None:
        """A key that is set twice has the last value, and values may contain equals signs."""
        options = self.parsed("--set", "web.origin=a", "--set", "web.origin=b=c")
        self.assertEqual(options.settings({}, Catalog())["web.origin"], "b=c")

    def test_environment(self) -> None:
        """The environment counts where it is asked for."""
        settings = self.parsed().settings({"CONFIG_USE_ENVIRONMENT_VARIABLES": "true", "WEB_PORT": "7"}, Catalog())
        self.assertEqual(settings["web.port"], 7)

    def test_wrong_settings(self) -> None:
        """What the settings refuse is passed on."""
        error = self.assertRaises(SettingsError, self.parsed("--set", "web.prot=1").settings, {}, Catalog())
        self.assertIn("web.port", str(error))

    def test_mistakes(self) -> None:
        """A mistake on the command line ends the process with one line, also below twistd."""
        for options, before in ((Options(), []), (Outer(), ["inner"]), (Twistd(), ["trackd"])):
            for arguments in (["--nonsense"], ["--set", "web.port"], ["--set", "=1"], ["--data"], ["surplus"]):
                message = self.message(options, *before, *arguments)
                self.assertTrue(message.startswith("trackd: "), message)
                self.assertEqual(len(message.splitlines()), 1)

    def test_below_a_command(self) -> None:
        """The options may stand before a subcommand and behind it; those behind it go first."""
        outer = Outer()
        outer.parseOptions(
            ["--set", "web.port=1", "--set", "status.timeout=1", "--data", "/a", "inner", "--set", "web.port=2"]
        )
        settings = outer.subOptions.settings({}, Catalog())
        self.assertEqual([settings["web.port"], settings["status.timeout"], settings.data], [2, 1, Path("/a")])
        outer = Outer()
        outer.parseOptions(["--data", "/a", "inner", "--data", "/b"])
        self.assertEqual(outer.subOptions.settings({}, Catalog()).data, Path("/b"))

    def test_version(self) -> None:
        """The version is trackd's, not the framework's."""
        with redirect_stdout(StringIO()) as out:
            self.assertEqual(self.assertRaises(SystemExit, self.parsed, "--version").code, 0)
        self.assertRegex(out.getvalue(), r"^trackd \d")
