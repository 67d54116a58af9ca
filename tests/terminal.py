"""
A shell in a folder like a clone, for tests of what the documentation tells the reader to type.

Only the numbers of ports differ from what is printed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from shutil import copy2, copytree, rmtree, which
from time import monotonic, sleep
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SkipTest

from benchmarks.server import free_ports
from trackd.wire import catalog

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
NEEDED = ("make", "curl", "sh")
PATIENCE = 60.0  # s


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


def _listen() -> None:
    """Of a shell in the background its children learn not to hear Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


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
                preexec_fn=_listen,
            )
        self.started.append(Running(process, output))
        return self.started[-1]

    def close(self) -> None:
        for running in self.started:
            running.interrupt()
        rmtree(self.folder)


def terminal() -> Terminal:
    """A new one; SkipTest if this machine lacks a program."""
    if missing := [name for name in NEEDED if which(name) is None]:
        raise SkipTest(f"there is no {missing[0]}")
    folder = Path(tempfile.mkdtemp(prefix="trackd-readme-"))
    # The database of a server that root runs belongs to somebody else, who must get there.
    folder.chmod(0o755)
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "README.rst", "CHANGELOG.rst"):
        copy2(ROOT / name, folder)
    for name in ("etc", "docs", ".ci", "tests", "trackd", "plugins"):
        copytree(ROOT / name, folder / name, ignore=lambda _, names: [name for name in names if name[:2] == "__"])
    # What `make` would set up is here.
    (folder / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        if (BIN.parent / name).exists():
            (folder / ".venv" / name).symlink_to(BIN.parent / name)
    for name in ("installed", "developed"):
        (folder / ".venv" / name).touch()
    web, gt06, osmand = free_ports(3)
    environment = os.environ | {"CONFIG_USE_ENVIRONMENT_VARIABLES": "true", "WEB_PORT": str(web)}
    environment |= {f"{name.upper()}_PORT": "0" for name in catalog.names()}
    environment |= {"GT06_PORT": str(gt06), "OSMAND_PORT": str(osmand)}
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
        environment.pop(name, None)
    return Terminal(folder, environment, {"8082": web, "5023": gt06, "5055": osmand})
