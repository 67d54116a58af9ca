"""The figures of the front door, of a small server; its times are up to the machine."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import front


class FrontTests(SynchronousTestCase):
    timeout = 120

    def test_short(self) -> None:
        """Each figure has its line, and the server is gone afterwards."""
        said = io.StringIO()
        with redirect_stdout(said):
            front.main(seconds=1.0, devices=20, rows=2000, clients=3)
        lines = said.getvalue()
        for name in ("20 devices", "latest of 20 devices", "2,000 positions", "log-ins", "reports/s to 3 sockets"):
            self.assertIn(name, lines)
