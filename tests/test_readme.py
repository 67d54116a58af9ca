"""
What README.rst tells the reader to type works as it is printed.

The commands are run in their order by a shell, in a folder with what a clone has beside the program itself. Only the
numbers of ports differ.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from shutil import copy2, copytree, rmtree, which
from socket import create_server
from time import monotonic, sleep
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from trackd.wire import catalog

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
README = (ROOT / "README.rst").read_text("utf-8")
NEEDED = ("make", "curl", "sh")
PATIENCE = 60.0  # s


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


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at the moment."""
    sockets = [create_server(("", 0)) for _ in range(count)]
    try:
        return [int(socket.getsockname()[1]) for socket in sockets]
    finally:
        for socket in sockets:
            socket.close()


@define(eq=False)
class Running:
    """A command that goes on, with its output."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text("utf-8", "replace")

    def wait_for(self, text: str) -> None:
        until(lambda: text in self.said or self.process.poll() is not None)
        if text not in self.said:
            raise AssertionError(f"it did not say {text!r}: {self.said}")

    def interrupt(self) -> None:
        """Ctrl-C: all that the terminal runs gets it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            self.process.wait(PATIENCE)


def until(true: Callable[[], Any], seconds: float = PATIENCE) -> bool:
    """Wait until it is true; whether it has become so in time."""
    end = monotonic() + seconds
    while not true():
        if monotonic() > end:
            return False
        sleep(0.05)
    return True


@define(eq=False)
class Terminal:
    """A folder like a clone, with the environment that is here already, and a shell in it."""

    folder: Path
    environment: dict[str, str]
    ports: dict[str, int]  # by the number that is printed
    started: list[Running] = field(factory=list)

    def printed(self, command: str) -> str:
        """The command with the ports of this test."""
        for number, port in self.ports.items():
            command = re.sub(rf"\b{number}\b", str(port), command)
        if "etc/send_gt06.py" in command:
            command += f" --port {self.ports['5023']}"
        return command

    def run(self, command: str) -> str:
        """Run it to its end; what it says."""
        done = subprocess.run(
            ["sh", "-c", self.printed(command)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def start(self, command: str) -> Running:
        """Start what goes on until it is interrupted."""
        output = self.folder / f"output-{len(self.started)}"
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["sh", "-c", self.printed(command)],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(Running(process, output))
        return self.started[-1]

    def close(self) -> None:
        for running in self.started:
            running.interrupt()
        rmtree(self.folder)


def terminal() -> Terminal:
    folder = Path(tempfile.mkdtemp(prefix="trackd-readme-"))
    # The database of a server that root runs belongs to somebody else, who must get there.
    folder.chmod(0o755)
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "README.rst", "CHANGELOG.rst"):
        copy2(ROOT / name, folder)
    for name in ("etc", "docs", ".ci", "tests", "trackd", "plugins"):
        copytree(ROOT / name, folder / name, ignore=lambda _, names: [name for name in names if name[:2] == "__"])
    # What `make` would set up is here.
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(BIN)
    for name in ("installed", "developed"):
        (folder / ".venv" / name).touch()
    web, gt06, osmand = free_ports(3)
    environment = os.environ | {"CONFIG_USE_ENVIRONMENT_VARIABLES": "true", "WEB_PORT": str(web)}
    environment |= {f"{name.upper()}_PORT": "0" for name in catalog.names()}
    environment |= {"GT06_PORT": str(gt06), "OSMAND_PORT": str(osmand)}
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    return Terminal(folder, environment, {"8082": web, "5023": gt06, "5055": osmand})


class ReadmeTests(SynchronousTestCase):
    def test_first_ten_minutes(self) -> None:
        """Every command works, and does what the text says of it."""
        if missing := [name for name in NEEDED if which(name) is None]:
            self.skipTest(f"there is no {missing[0]}")
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
