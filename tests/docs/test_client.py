"""The commands of the page for developers of clients, and its script, on a server of their own."""

from __future__ import annotations

import json
import re

from twisted.trial.unittest import SynchronousTestCase

from tests.terminal import ROOT, terminal

PAGE = (ROOT / "docs" / "howto" / "client.rst").read_text("utf-8")


def commands() -> list[str]:
    """The lines of all literal blocks, continued ones joined."""
    blocks = re.findall(r"::\n\n((?:   .*\n|\n)+)", PAGE.replace("\\\n", " "))
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


class ClientTests(SynchronousTestCase):
    def test_page(self) -> None:
        """Log in with a session and with a token, ask, change, listen: all of it works as printed."""
        shell = terminal()
        self.addCleanup(shell.close)
        shell.start("make run").wait_for("listening")
        shell.run("echo change-me-soon | .venv/bin/trackd user add ada@example.org --password-stdin --administrator")
        given = iter([command.replace("curl ", "curl -sS -f ", 1) for command in commands()])
        log_in, token, bearer, devices, positions, stretch, file, openapi = (next(given) for _ in range(8))
        add, fence, link, put_picture, get_picture, script = given
        self.assertEqual("ada@example.org", json.loads(shell.run(log_in))["email"])
        self.assertEqual([], json.loads(shell.run(f"{token}; {bearer}")))
        self.assertEqual("Van", json.loads(shell.run(add))["name"])
        self.assertEqual("CIRCLE (48.5 16.5, 200)", json.loads(shell.run(fence))["area"])
        self.assertEqual("", shell.run(link).strip())
        shell.run("echo looks-like-one > van.png")
        self.assertEqual("device.png", shell.run(put_picture).strip())
        shell.run(get_picture)
        self.assertEqual("looks-like-one", shell.run("cat device.png").strip())
        self.assertEqual("3.1.0", json.loads(shell.run(f"{token}; {openapi}"))["openapi"])

        listening = shell.start(script)
        report = (
            "curl -sS -f 'http://localhost:5055/?id=123456789012345&lat=48.5&lon=16.5&timestamp=2026-11-01T12:00:00Z'"
        )
        shell.run(report)
        listening.wait_for("2026-11-01T12:00:00.000+00:00 48.5 16.5")
        self.assertEqual([1], [device["id"] for device in json.loads(shell.run(devices))])
        for command in (positions, stretch):
            self.assertEqual([48.5], [position["latitude"] for position in json.loads(shell.run(command))])
        shell.run(file)
        self.assertIn(",48.5,16.5,", shell.run("cat positions.csv"))
