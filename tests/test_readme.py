"""What README.rst tells the reader to type works as it is printed; a shell runs it in its order."""

from __future__ import annotations

import json
import re

from twisted.trial.unittest import SynchronousTestCase

from tests.terminal import ROOT, terminal, until

README = (ROOT / "README.rst").read_text("utf-8")


def commands(text: str) -> list[str]:
    """The commands of all blocks of shell code, in their order."""
    blocks = re.findall(r"^\.\. code-block:: sh\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line]


def indented(text: str, start: str) -> list[str]:
    """The commands of the literal block that begins with this one."""
    block = re.search(rf"^   {re.escape(start)}.*\n(?:   .*\n)*", text, re.MULTILINE)
    assert block is not None
    return [line.strip() for line in block[0].splitlines()]


class ReadmeTests(SynchronousTestCase):
    def test_first_ten_minutes(self) -> None:
        """Every command works, and does what the text says of it."""
        shell = terminal()
        self.addCleanup(shell.close)
        (
            run,
            test,
            again,
            user,
            device,
            tail,
            by_curl,
            by_script,
            positions,
            configured,
            settings,
            check,
            docs,
        ) = commands(README)

        server = shell.start(run)
        server.wait_for("/setup?token=")
        self.assertTrue((shell.folder / "var").is_dir())
        server.interrupt()
        self.assertIn("Server Shut Down", server.said)

        # To run all tests from within one of them would not end.
        shell.run(f"{test} --dry-run")

        server = shell.start(again)
        server.wait_for("listening")
        self.assertIn("ada@example.org, administrator", shell.run(user))
        self.assertIn("123456789012345", shell.run(device))

        watching = shell.start(tail)
        # Only what comes after it has begun is shown, and it does not say when that is.
        until(lambda: shell.run(by_curl) or until(lambda: "16.37210" in watching.said, 1.0))
        self.assertIn("acknowledged: 78780512", shell.run(by_script))
        watching.wait_for("16.37208")
        [position] = json.loads(shell.run(positions))
        self.assertEqual(1, position["deviceId"])
        watching.interrupt()
        server.interrupt()

        server = shell.start(configured)
        server.wait_for("listening")
        server.interrupt()
        self.assertIn("web.port", shell.run(settings))
        self.assertIn("database: good", shell.run(check))
        shell.run(docs)
        self.assertTrue((shell.folder / "docs" / "_build" / "html" / "index.html").is_file())

    def test_service(self) -> None:
        """The commands that make a service of it are those that stand in the unit; what they install is there."""
        unit = (ROOT / "etc" / "trackd.service").read_text("utf-8")
        told = indented(README, "useradd")
        self.assertEqual([line for line in unit.splitlines() if line[6:] in told], [f"#     {line}" for line in told])
        for file in re.findall(r"(?<!/)\betc/\S+", " ".join(told)):
            self.assertTrue((ROOT / file).is_file(), file)

    def test_files(self) -> None:
        """The files that the text names are there."""
        for file in re.findall(r"``((?:etc|docs)/[\w./]+\w)``", README):
            if not file.startswith("docs/_build"):
                self.assertTrue((ROOT / file).is_file(), file)
